"""How far long work is. Comes in: loops over long work. Goes out: what each has done, to whoever watches.

Loops say what they are about to do and when a part of it is done; nobody need watch, and no number depends on it. Who
wants to know watches for as long as a ``with`` lasts: no function takes an argument for it, and what runs in workers is
counted where it comes back. Of loops inside loops the outermost counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Work:
    """One part of a loop's work.

    Attributes
    ----------
    size : float
        How much it is beside other parts of its kind.
    kind : hashable
        What takes as long for its size; kinds may differ by any factor.
    """

    size: float = 1.0
    kind: Hashable = ""


class Watcher(Protocol):
    """Who wants to know how far work is."""

    def begins(self, what: str, works: Sequence[Work]) -> None:
        """A loop begins."""
        ...

    def done(self) -> None:
        """The next part of the loop is done."""
        ...

    def ends(self) -> None:
        """The loop is over."""
        ...


@dataclass(slots=True)
class _Watch:
    """Who watches, and whether a loop is told of now: loops inside it are part of it."""

    watcher: Watcher
    busy: bool = False


_WATCH: ContextVar[_Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell a watcher of the loops inside, in this thread."""
    token = _WATCH.set(_Watch(watcher))
    try:
        yield
    finally:
        _WATCH.reset(token)


def tracked(items: Iterable[T], what: str, works: Iterable[Work] | None = None) -> Iterable[T]:
    """The items, telling whoever watches that one is done when the next is asked for.

    ``works`` are the parts in the order of items; without them items are of one size, and must have a length.
    """
    watch = _WATCH.get()
    if watch is None or watch.busy:
        return items
    parts = [Work()] * len(items) if works is None else list(works)  # type: ignore[arg-type]
    return _told(items, watch, what, parts)


def in_parallel(calls: Iterable[Any], what: str, works: Iterable[Work], *, n_jobs: int | None = None) -> Iterator[Any]:
    """What joblib's delayed calls give, in their order, as each is there.

    ``n_jobs`` as joblib takes it: None leaves it to the backend in force. A backend that gives all results at the end
    alone is as good, but for what it lets be seen.
    """
    from joblib import Parallel
    from joblib.parallel import get_active_backend

    form = "generator" if get_active_backend()[0].supports_return_generator else "list"
    return iter(tracked(Parallel(n_jobs=n_jobs, return_as=form)(calls), what, works))


def _told(items: Iterable[T], watch: _Watch, what: str, works: Sequence[Work]) -> Iterator[T]:
    # Not by the context variable: a loop that is left early may be closed when nobody watches any more.
    watch.busy = True
    watch.watcher.begins(what, works)
    try:
        for item in items:
            yield item
            watch.watcher.done()
    finally:
        watch.watcher.ends()
        watch.busy = False
