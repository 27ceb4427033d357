"""The questions of ``tokenplan init``. Comes in: a usage, and what was answered by options. Goes out: every answer.

Each has a default from the data; what is answered is read by the same function, whether typed or given as an option.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from forecast import schema
from forecast.errors import PlanError, TokenplanError
from forecast.prices import PriceBook
from forecast.usage import Usage
from forecast.wording import MONTHS
from scenarios.budget.planfile import check_horizon
from scenarios.budget.splits import Split
from scenarios.changes import Growth
from scenarios.cli.init_columns import Header, Mapped, answered

#: What policy usually gives: the other environments share the rest.
DEVELOPMENT: Final = (0.15, 0.20)
PRODUCTION: Final = (0.60, 0.70)
_DEVELOPMENTS: Final = ("development", "dev", "entwicklung")
_PRODUCTIONS: Final = ("production", "prod", "produktion")
#: Fewer days of history than this and one quarter is proposed in place of two.
HALF_A_YEAR: Final = 182
#: A percentage below this is told to be one: 0.03 may be meant as 3 %.
SMALL: Final = 0.5
_MONTHS: Final = tuple(name.lower() for name in MONTHS)
_TO: Final = r"(?<=[\d%])(?:\s*\.\.\s*|\s*–\s*|-|\s+-\s+|\s+to\s+)"
_RECENT: Final = 28


@dataclass(frozen=True, slots=True)
class Span:
    """What is planned, and the month in which the fiscal year starts."""

    horizon: str
    month: int


@dataclass(frozen=True, slots=True)
class Extras:
    """How sure the budget is, and money beside tokens: by month, and set aside."""

    confidence: float
    fixed: float
    reserve: float


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes
    ----------
    name : str
    asked : str
        The question, without its number.
    default : str
        What Enter answers, as it would be typed.
    read : callable
        What a typed answer means; raises :class:`~forecast.errors.TokenplanError` where it means nothing.
    """

    name: str
    asked: str
    default: str
    read: Callable[[str], Any]


def whose(header: Header, mapped: Mapped) -> Question:
    """The first question: which column is which, and whose the usage is."""
    own = f"; the columns are {', '.join(header.columns)}" if header.columns else ""
    kind = "NAME = COLUMN, " if header.columns else ""
    return Question(
        "column",
        f'Whose it is: {kind}NAME = "one value for every row", or rules = FILE.toml, for environment, project, model, '
        f"provider and the like{own}",
        mapped.told,
        lambda written: mapped if written == mapped.told else answered(written, header, mapped),
    )


def questions(usage: Usage) -> Iterator[Question]:
    """What is asked of a usage, beside whose it is: span, growth, split, and what comes beside tokens."""
    long = usage.grain == "month" or (usage.end - usage.start).days >= HALF_A_YEAR
    yield Question(
        "horizon",
        'What is planned: "2Q", "3M", "FY2027"; with a fiscal year of your own: "2Q from October"',
        "2Q" if long else "1Q",
        read_span,
    )
    yield Question(
        "growth",
        f'Growth a month, from low to high (P10 to P90): "3%..8%", or "data" for what the history says{_recent(usage)}',
        "data",
        read_growth,
    )
    names = environments(usage)
    listed = f"; there are {', '.join(names)}" if names else "; the usage names none"
    yield Question(
        "split",
        f'Shares of the money by environment: "development=15%..20%, production=60%..70%", or "none"{listed}',
        told_split(usual_split(names)),
        lambda written: read_split(written, names),
    )
    yield Question(
        "extras",
        'How sure the budget is to last, and money beside tokens: "80%, fixed 12000, reserve 20000" '
        "(fixed a month; the reserve is set aside, not spent)",
        "80%",
        read_extras,
    )


def environments(usage: Usage) -> list[str]:
    """The environments that can be planned: those that a usage names, without those in which nothing has a price."""
    if "environment" not in usage.frame:
        return []
    money = [usage.frame[m] for m in schema.MONEY if m in usage.frame]
    worth = pd.concat([PriceBook.builtin().cost(usage), *money], axis=1).fillna(0.0).any(axis=1)
    planned = usage.frame.loc[worth if worth.any() else worth.index, "environment"]
    return sorted(planned.dropna().unique())


def usual_split(names: list[str]) -> dict[str, tuple[float, float]]:
    """The usual ranges of development and production, where both are there; production is the rest where it is all."""
    lower = {name.lower(): name for name in names}
    development, production = (
        next((lower[n] for n in known if n in lower), None) for known in (_DEVELOPMENTS, _PRODUCTIONS)
    )
    if development is None or production is None:
        return {}
    return {development: DEVELOPMENT} | ({production: PRODUCTION} if len(names) > 2 else {})


def told_split(ranges: Mapping[str, tuple[float, float]]) -> str:
    """Ranges as they are typed."""
    return ", ".join(f"{k}={low * 100:g}%..{high * 100:g}%" for k, (low, high) in ranges.items()) or "none"


def read_span(written: str) -> Span:
    """A horizon, and where the fiscal year starts.

    Raises
    ------
    PlanError, HorizonError
        Either cannot be read.
    """
    horizon, _, start = (part.strip() for part in re.sub(r"\s+from\s+", "@", written.strip(), count=1).partition("@"))
    check_horizon(horizon)
    return Span(horizon, read_month(start) if start else 1)


def read_month(written: str) -> int:
    """A month by its number or English name, of which three letters are enough.

    Raises
    ------
    PlanError
        It is neither.
    """
    plain = written.strip().lower()
    named = [i for i, name in enumerate(_MONTHS, start=1) if len(plain) > 2 and name.startswith(plain)]
    month = int(plain) if plain.isascii() and plain.isdigit() else next(iter(named), 0)
    if not 1 <= month <= 12:
        raise PlanError(f"{written!r}: wanted the month in which the fiscal year starts, such as October or 10")
    return month


def read_growth(written: str) -> tuple[float, float] | None:
    """Growth a month from low to high, as shares; None where the history tells it.

    Raises
    ------
    PlanError
        It is neither, or 3 % may be meant by 0.03.
    """
    if written.strip().lower() == "data":
        return None
    ends = [_percent(part, written) for part in re.split(r"[\s,;]+", re.sub(_TO, " ", written.strip())) if part]
    if not 1 <= len(ends) <= 2 or min(ends) <= -1 or ends[0] > ends[-1]:
        raise PlanError(f'{written!r}: wanted growth a month such as "3%..8%", low end first, or "data"')
    Growth(monthly=ends[0])
    return ends[0], ends[-1]


def _percent(part: str, written: str) -> float:
    try:
        number = float(part.removesuffix("%"))
    except ValueError as cause:
        raise PlanError(f'{written!r}: {part!r} is no percentage; write "3%..8%"') from cause
    if not part.endswith("%") and 0 < abs(number) < SMALL:
        raise PlanError(f"{written!r}: {part} may be {part} % or {number * 100:g} %; write the sign: {number * 100:g}%")
    return round(number / 100, 12)


def read_split(written: str, names: list[str]) -> dict[str, tuple[float, float]]:
    """Ranges by environment, as shares.

    Raises
    ------
    PlanError
        A range cannot be read, an environment is not there, or the ranges can't be met.
    """
    if written.strip().lower() in ("none", "-"):
        return {}
    found: dict[str, tuple[float, float]] = {}
    for part in filter(str.strip, re.split(r"[,;]", written)):
        name, _, ends = (one.strip() for one in part.partition("="))
        numbers = [_share(one, part) for one in re.sub(_TO, " ", ends).split()]
        if not name or len(numbers) != 2:
            raise PlanError(f'{part.strip()!r}: wanted NAME=LOW..HIGH, such as production=60%..70%, or "none"')
        if name not in names:
            raise PlanError(f"{name!r} is no environment of this usage; there are {', '.join(names) or 'none'}")
        found[name] = (numbers[0], numbers[1])
    Split("environment", found)
    if not set(names) - set(found) and sum(high for _, high in found.values()) < 1:
        raise PlanError(f"{written.strip()!r}: every environment has a range, and their high ends don't reach 100 %")
    return found


def _share(one: str, part: str) -> float:
    try:
        number = float(one.removesuffix("%"))
    except ValueError as cause:
        raise PlanError(f"{part.strip()!r}: {one!r} is no share; write production=60%..70%") from cause
    return round(number / 100, 12) if one.endswith("%") or number > 1 else number


def read_extras(written: str) -> Extras:
    """A confidence, and money by its word.

    Raises
    ------
    PlanError
        A part cannot be read.
    """
    confidence, money = 0.80, {"fixed": 0.0, "reserve": 0.0}
    for part in filter(str.strip, re.split(r",\s+|,(?=[A-Za-z])|;", written)):  # a comma in a number stays
        word, _, amount = part.strip().lower().partition(" ")
        if word in money:
            money[word] = read_amount(amount)
        else:
            confidence = read_confidence(part)
    return Extras(confidence, **money)


def read_amount(written: str) -> float:
    """Money, 0 or more.

    Raises
    ------
    PlanError
        It is none.
    """
    plain = written.strip()
    if not re.fullmatch(r"(\d+(_\d{3})*|\d{1,3}(,\d{3})+)(\.\d{1,2})?", plain):
        raise PlanError(f"{written.strip()!r}: wanted an amount of money, such as 12000")
    return float(plain.replace(",", "").replace("_", ""))


def read_confidence(written: str) -> float:
    """A confidence from 0.5 to below 1: ``80%``, ``80``, ``0.8`` or ``P80``.

    Raises
    ------
    PlanError
        It is none.
    """
    plain = written.strip().upper().removeprefix("P").removesuffix("%").strip()
    try:
        number = float(plain)
    except ValueError as cause:
        raise PlanError(
            f'{written.strip()!r}: wanted a confidence such as 80%, "fixed AMOUNT" or "reserve AMOUNT"'
        ) from cause
    share = round(number / 100, 12) if number >= 1 else number
    if not 0.5 <= share < 1:
        raise PlanError(f"{written.strip()!r}: wanted a confidence from 50% to below 100%, such as 80%")
    return share


def _recent(usage: Usage) -> str:
    """What the last weeks were beside those before, in words; empty where there are too few."""
    measure = next((m for m in (schema.REQUESTS, *usage.units, *schema.MONEY) if m in usage.frame), None)
    if measure is None:
        return ""
    by_period = usage.frame.groupby(schema.DATE)[measure].sum()
    name = measure.replace("_", " ")
    if usage.grain == "month":
        last, before, told = (
            by_period.iloc[-1:].sum(),
            by_period.iloc[-2:-1].sum(),
            "the last month's {} are {:+.0%} on the one before",
        )
    else:
        days = by_period.groupby(pd.DatetimeIndex(by_period.index).normalize()).sum().asfreq("D", fill_value=0.0)
        last, before = days.iloc[-_RECENT:].sum(), days.iloc[-2 * _RECENT : -_RECENT].sum()
        if len(days) < 2 * _RECENT:
            return ""
        told = "the last 28 days' {} are {:+.0%} on the 28 before"
    return f" ({told.format(name, last / before - 1)})" if before > 0 else ""


def tried(question: Question, written: str) -> tuple[Any, str]:
    """What an answer means, and what is wrong with it: one of the two."""
    try:
        return question.read(written), ""
    except TokenplanError as error:
        return None, str(error)
