"""Pages: the pages of paged answers come in, each with what it says of the next; a missing one is told."""

from __future__ import annotations

from collections.abc import Iterable

from forecast.errors import UsageError
from forecast.readers.sheet import Page


def check_pages(name: str, pages: Iterable[Page]) -> None:
    """Refuse pages between which one is missing.

    A page that says that more follow must be followed by one that begins where it ends; of numbered pages each must
    be there. A page that is there twice does no harm: it is counted once.

    Raises
    ------
    UsageError
        A page is missing; the message says after which.
    """
    by_series: dict[str, list[Page]] = {}
    for page in pages:
        by_series.setdefault(page.series, []).append(page)
    for series, ours in by_series.items():
        _numbered(name, series, ours)
        begun = {page.start for page in ours}
        ends = [page.end for page in ours if page.more and page.end is not None and page.end not in begun]
        for end in sorted(ends):
            after = [start for start in begun if start is not None and start > end]
            where = f"between {end:%Y-%m-%d} and {min(after):%Y-%m-%d}" if after else f"from {end:%Y-%m-%d}"
            raise UsageError(
                f"{name}: {series}: a page is missing {where}: the page before says that more follow (has_more); "
                "fetch every page until has_more is false"
            )


def _numbered(name: str, series: str, pages: list[Page]) -> None:
    for of in sorted({page.of for page in pages if page.of is not None and page.number is not None}):
        missing = sorted(set(range(1, of + 1)) - {page.number for page in pages if page.of == of})
        if missing:
            listed = ", ".join(map(str, missing[:5])) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise UsageError(f"{name}: {series}: of {of} pages, {listed} are missing; fetch every page")
