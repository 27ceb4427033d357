"""Time left. Comes in: the steps of a command, what each has done, a clock. Goes out: how long the rest will take.

Steps are weighted by seconds as they were measured, parts of a step by how long parts of their kind take in this run.
How fast this run is, beside what was measured, is learnt as it goes. A step that takes much longer than was to be
expected and does not say how far it is makes the rest unknown: nothing is shown in place of a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from forecast.progress import Work

#: Seconds of a step on a usage of no size, and for each megabyte of its export: measured on 3 and 36 MB of daily rows,
#: the second a thousand series, with 10,000 draws.
SECONDS: Final = {
    "reading": (0.2, 0.13),
    "forecasting": (0.8, 0.07),
    "simulating": (0.9, 0.09),
    "looking back": (2.0, 0.3),
    "adding up": (0.3, 0.02),
    "writing": (2.0, 0.12),
    "keeping": (0.2, 0.25),
}
#: What a compressed file holds, beside its bytes.
PACKED: Final = 8.0
#: Measured seconds that the pace of a run is taken to be usual for, before it has shown any other.
USUAL: Final = 1.0
#: Share of a step that must be done for its own pace to count as much as the expectation.
EVIDENCE: Final = 0.02
#: Times what is expected after which a step that says nothing is late.
LATE: Final = 1.5


def expected(step: str, megabytes: float, times: float = 1.0) -> float:
    """Seconds that a step takes, as measured; ``times`` over."""
    fixed, each = SECONDS[step]
    return (fixed + each * megabytes) * times


def megabytes_of(source: object) -> float:
    """How much an export, or several, hold: the bytes of its files; 0 where that is not known before reading."""
    if isinstance(source, list | tuple):
        return sum(map(megabytes_of, source))
    path = Path(str(source))
    try:
        files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
        return sum(p.stat().st_size * (PACKED if p.suffix in (".gz", ".parquet") else 1.0) for p in files) / 1e6
    except OSError:
        return 0.0


@dataclass
class TimeLeft:
    """How long the rest takes; a :class:`forecast.progress.Watcher`.

    Attributes
    ----------
    steps : mapping
        Name → seconds as measured, in order.
    clock : callable
        Seconds that pass.
    """

    steps: Mapping[str, float]
    clock: Callable[[], float]
    _at: int = -1
    _began: float = 0.0
    _spent: float = 0.0
    _works: Sequence[Work] = ()
    _finished: list[tuple[Work, float]] = field(default_factory=list)
    _last: float = 0.0
    _looped: float = 0.0
    _shown: float = 0.0

    def step(self) -> None:
        """The next step begins."""
        now = self.clock()
        if self._at >= 0:
            self._spent += now - self._began
        self._at, self._began = self._at + 1, now
        self._works, self._finished = (), []

    def begins(self, what: str, works: Sequence[Work]) -> None:
        """A loop of this step begins."""
        self._works, self._finished = works, []
        self._last = self._looped = self.clock()

    def done(self) -> None:
        """The next part is done."""
        now = self.clock()
        if len(self._finished) < len(self._works):  # of a loop that an earlier step left, nothing is reckoned
            self._finished.append((self._works[len(self._finished)], now - self._last))
        self._last = now

    def ends(self) -> None:
        """The loop is over; what comes after it in the step is as was expected."""
        self._works, self._finished = (), []

    def part(self) -> float:
        """How much of the loop at work is done, by what its kinds have taken: 0 to 1; 0 where there is none."""
        if not self._finished:
            return 0.0
        size: dict[Hashable, float] = {}
        took: dict[Hashable, float] = {}
        for work, seconds in self._finished:
            size[work.kind] = size.get(work.kind, 0.0) + work.size
            took[work.kind] = took.get(work.kind, 0.0) + seconds
        usual = sum(took.values()) / sum(size.values())
        rate = {kind: took[kind] / size[kind] for kind in size}
        whole = sum(work.size * rate.get(work.kind, usual) for work in self._works)
        return sum(took.values()) / whole if whole > 0 else len(self._finished) / len(self._works)

    def left(self) -> float | None:
        """Seconds to the end, or None where nobody can say."""
        works = list(self.steps.values())
        if not 0 <= self._at < len(works):
            return None
        over, rest = sum(works[: self._at]), sum(works[self._at + 1 :])
        pace = (self._spent + USUAL) / (over + USUAL)
        moment, part = self.clock(), self.part()
        now, whole = moment - self._began, works[self._at] * pace
        here = max(whole - now, 0.0)
        if part > 0:
            # The part at work is credited as it goes on, as far as one part goes.
            since, more = moment - self._last, (1 - part) / max(len(self._works) - len(self._finished), 1)
            credited = part + min(since * part / max(self._last - self._looped, 1e-9), more)
            loop = (moment - self._looped) * (1 - credited) / credited
            weight = part / (part + EVIDENCE)
            here = weight * loop + (1 - weight) * here
        elif now > LATE * whole:
            return None
        # What this step shows of the pace is taken to hold for the others.
        pace = (self._spent + now + here + USUAL) / (over + works[self._at] + USUAL)
        return here + rest * pace

    def share(self) -> float:
        """How much of all is done, by measured seconds: 0 to 1; never less than was said before."""
        works = list(self.steps.values())
        done = sum(works[: max(self._at, 0)])
        if 0 <= self._at < len(works):
            done += works[self._at] * self.part()
        self._shown = max(self._shown, min(done / sum(works), 1.0) if sum(works) > 0 else 0.0)
        return self._shown


def told(seconds: float | None) -> str:
    """Time left in words, as exact as it can be: nothing where nobody knows."""
    if seconds is None:
        return ""
    if seconds < 3:
        return "a moment left"
    if seconds < 90:
        grain = 1 if seconds < 10 else 5 if seconds < 60 else 10
        return f"about {max(round(seconds / grain) * grain, 1)} s left"
    minutes = round(seconds / 60)
    return f"about {minutes} min left" if minutes < 90 else f"about {round(seconds / 3600)} h left"
