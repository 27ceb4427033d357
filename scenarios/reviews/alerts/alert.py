"""Alerts as values. Comes in: what fired. Goes out: one frozen list, as a table, JSON or HTML."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, overload

import pandas as pd

from forecast.errors import PlanError

Severity = Literal["info", "warning", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
SCHEMA: Final = "tokenplan/alerts/1"
#: What the total is called among labels.
WHOLE: Final = MappingProxyType({"scope": "organisation"})
_COLUMNS: Final = ("severity", "rule", "labels", "since", "day", "message", "id")


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is out of the ordinary.

    Attributes
    ----------
    rule : str
        The check that fired: spike, drop, shift, budget, breach, unit_cost, quality, quota, cache, unpriced, missing
        or late.
    severity : {"info", "warning", "critical"}
    labels : mapping of str to str
        Whose it is: the series' columns, or ``scope: organisation``.
    since, day : Timestamp
        When the episode began, and the last day on which it held.
    message : str
        A sentence.
    evidence : mapping of str to float
        The numbers behind it.
    step : int
        How bad it is in coarse steps: with the severity, what counts as a change.
    """

    rule: str
    severity: Severity
    labels: Mapping[str, str]
    since: pd.Timestamp
    day: pd.Timestamp
    message: str
    evidence: Mapping[str, float]
    step: int = 0

    def __post_init__(self) -> None:
        for name in ("labels", "evidence"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def id(self) -> str:
        """What it is known by: rule, labels and the episode's first day. The same tomorrow, whatever it grows to."""
        return _hash(self.rule, sorted(self.labels.items()), f"{self.since:%Y-%m-%d}")

    @property
    def fingerprint(self) -> str:
        """Its state: changes when the severity or the coarse size does, not with every number."""
        return _hash(self.id, self.severity, self.step)

    @property
    def fired(self) -> bool:
        """Whether it is a warning, or worse."""
        return self.severity != "info"

    def to_dict(self) -> dict[str, object]:
        """The alert as JSON takes it."""
        return {
            "id": self.id,
            "fingerprint": self.fingerprint,
            "rule": self.rule,
            "severity": self.severity,
            "labels": dict(self.labels),
            "since": f"{self.since:%Y-%m-%d}",
            "day": f"{self.day:%Y-%m-%d}",
            "message": self.message,
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True, repr=False)
class Alerts(Sequence[Alert]):
    """What was found on a usage as of a day: the worst first, and what was not looked at.

    Attributes
    ----------
    found : tuple of Alert
    as_of : Timestamp
        The last day that was judged.
    days : int
        How many days up to it are told.
    notes : tuple of str
        What was not looked at, and why.
    """

    found: tuple[Alert, ...]
    as_of: pd.Timestamp
    days: int
    notes: tuple[str, ...] = field(default=())

    @overload
    def __getitem__(self, index: int) -> Alert: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Alert, ...]: ...
    def __getitem__(self, index: int | slice) -> Alert | tuple[Alert, ...]:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Alert]:
        return iter(self.found)

    @property
    def fired(self) -> tuple[Alert, ...]:
        """Those that are a warning, or worse."""
        return tuple(one for one in self.found if one.fired)

    def table(self) -> pd.DataFrame:
        """One row an alert: ``severity, rule, labels, since, day, message, id``."""
        rows = [(a.severity, a.rule, labelled(a.labels), a.since, a.day, a.message, a.id) for a in self.found]
        made = pd.DataFrame(rows, columns=list(_COLUMNS))
        text = dict.fromkeys((c for c in _COLUMNS if c not in ("since", "day")), "str")
        return made.astype({**text, "since": "datetime64[us]", "day": "datetime64[us]"})

    def to_dict(self) -> dict[str, object]:
        """The document ``tokenplan/alerts/1``."""
        return {
            "schema": SCHEMA,
            "as_of": f"{self.as_of:%Y-%m-%d}",
            "days": self.days,
            "fired": len(self.fired),
            "alerts": [one.to_dict() for one in self.found],
            "notes": list(self.notes),
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """The document as text; written to ``path`` where one is given."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def notify(self, url: str, *, state: str | Path | None = None, form: str = "auto", timeout: float = 10.0) -> int:
        """Send what fired to a webhook, once per alert and change: :func:`scenarios.reviews.alerts.notifying.send`."""
        from scenarios.reviews.alerts.notifying import send

        return send(self, url, state=state, form=form, timeout=timeout)

    def __repr__(self) -> str:
        """One line: how many, and as of when."""
        counts = [f"{n} {s}" for s in reversed(SEVERITIES) if (n := sum(a.severity == s for a in self.found))]
        return f"Alerts({', '.join(counts) or 'none'}; as of {self.as_of:%Y-%m-%d}, the last {self.days} days)"

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        rows = self.table().assign(since=[f"{a.since:%Y-%m-%d}" for a in self], day=[f"{a.day:%Y-%m-%d}" for a in self])
        table = rows.to_html(index=False, border=0) if len(self) else ""
        return f"<p>{escape(repr(self))}</p>{table}" + (f"<ul>{notes}</ul>" if notes else "")


def ordered(found: Sequence[Alert]) -> tuple[Alert, ...]:
    """The worst first, then the latest, then by rule and labels."""
    return tuple(
        sorted(
            found,
            key=lambda a: (-SEVERITIES.index(a.severity), -a.day.toordinal(), a.rule, sorted(a.labels.items())),
        )
    )


def labelled(labels: Mapping[str, str]) -> str:
    """Labels in one word: ``production/search``, or the organisation."""
    return "/".join(value for name, value in labels.items() if name != "each")


def numbers(**given: float | None) -> dict[str, float]:
    """Evidence: what is a finite number of it."""
    kept = {name: float(value) for name, value in given.items() if value is not None}
    return {name: value for name, value in kept.items() if abs(value) < float("inf")}


def _hash(*parts: object) -> str:
    if any(part is None for part in parts):
        raise PlanError("an alert lacks a part of its identity")
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:16]
