"""Context tiers: how a vendor, an export or a user spells a span of request sizes comes in; the tokens go out.

A context tier is a span of input tokens in *one request*, what was read from a cache included. Vendors bill a whole
request at the price of the tier that its size falls in: of 200,001 tokens at a threshold of 200,000, all 200,001 pay
the price above it. It is never read off a day's sum.

One spelling holds here: ``<=200k`` and ``>200k`` at one threshold, ``32k-128k`` (above 32,000, up to and with 128,000)
between two, ``<200k`` and ``>=200k`` where 200,000 itself pays the higher price, and ``long`` and ``base`` where an
export does not say the number.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple


class Band(NamedTuple):
    """Input tokens of one request, from ``low`` to ``high``, both included."""

    low: int
    high: int

    def holds(self, tokens: int) -> bool:
        """Whether a request of so many input tokens is inside."""
        return self.low <= tokens <= self.high


#: More input tokens than a request can have.
MOST: Final = 10**15
EVERY_SIZE: Final = Band(0, MOST)
LONG: Final = "long"
BASE: Final = "base"
#: Shown where a spelling is refused.
SPELLINGS: Final = "<=200k, >200k, 200k-1M, long or base"

_NUMBER: Final = r"(\d+(?:\.\d+)?)(k|m)?"
_FORMS: Final = {
    "up to": rf"(?:<=|≤|=<|upto){_NUMBER}",
    "below": rf"(?:<|under|below|lessthan){_NUMBER}",
    "from": rf"(?:>=|≥|=>|from|atleast){_NUMBER}|{_NUMBER}\+",
    "above": rf"(?:>|over|above|morethan){_NUMBER}",
    "between": rf"{_NUMBER}(?:-|–|—|to|\.\.\.?){_NUMBER}",
}
_WORDS: Final = {
    **dict.fromkeys(("long", "longcontext", "longcontextwindow", "extended", "extendedcontext"), LONG),
    **dict.fromkeys(("base", "short", "shortcontext", "default", "standard", "normal"), BASE),
}


@lru_cache(maxsize=4_096)
def band_of(spelling: str) -> Band | None:
    """The request sizes that a spelling names in numbers; None where it names none.

    ``"≤ 200k"``, ``"<= 200,000 tokens"`` and ``"0-200k"`` are 0 to 200,000; ``"200k-1M"`` is 200,001 to 1,000,000.
    """
    text = _plain(spelling)
    for kind, form in _FORMS.items():
        found = re.fullmatch(form, text)
        if found is None:
            continue
        numbers = [_tokens(n, scale) for n, scale in _pairs(found.groups())]
        if None in numbers:
            return None
        return _band(kind, [n for n in numbers if n is not None])
    return None


@lru_cache(maxsize=4_096)
def canonical(spelling: str) -> str | None:
    """The one spelling of a context tier: ``""`` where none is named, None where nobody can say what is meant."""
    text = _plain(spelling)
    if not text:
        return ""
    if text in _WORDS:
        return _WORDS[text]
    band = band_of(spelling)
    return None if band is None else name_of(band)


def name_of(band: Band) -> str:
    """The spelling of a band; every request size is ``""``."""
    if band == EVERY_SIZE:
        return ""
    if band.low == 0:
        return f"<{_count(band.high + 1)}" if (band.high + 1) % 1_000 == 0 else f"<={_count(band.high)}"
    if band.high == MOST:
        return f">={_count(band.low)}" if band.low % 1_000 == 0 else f">{_count(band.low - 1)}"
    return f"{_count(band.low - 1)}-{_count(band.high)}"


def _band(kind: str, numbers: list[int]) -> Band | None:
    first, last = numbers[0], numbers[-1]
    low, high = {
        "up to": (0, first),
        "below": (0, first - 1),
        "from": (first, MOST),
        "above": (first + 1, MOST),
        "between": (first + 1 if first else 0, last),
    }[kind]
    return Band(low, high) if 0 <= low <= high <= MOST else None


def _plain(spelling: str) -> str:
    """Without case, spaces, thousands' marks and the word tokens: ``"<= 200,000 Tokens"`` is ``"<=200000"``."""
    text = unicodedata.normalize("NFKC", spelling).casefold()
    text = re.sub(r"(?<=\d)[,_](?=\d{3})", "", text)
    return re.sub(r"tokens?$|[\s_]|(?<=[a-z])-(?=[a-z])", "", text)


def _pairs(groups: tuple[str | None, ...]) -> list[tuple[str, str | None]]:
    return [(n, groups[i + 1]) for i, n in enumerate(groups) if i % 2 == 0 and n is not None]


def _tokens(number: str, scale: str | None) -> int | None:
    """A whole count of tokens, or None: ``0.2M`` is 200,000, and ``0.5`` is none."""
    exact = Decimal(number) * {"k": 1_000, "m": 1_000_000, None: 1}[scale]
    return int(exact) if exact == exact.to_integral_value() and exact <= MOST else None


def _count(tokens: int) -> str:
    if tokens and tokens % 1_000_000 == 0:
        return f"{tokens // 1_000_000}M"
    return f"{tokens // 1_000}k" if tokens and tokens % 1_000 == 0 else str(tokens)
