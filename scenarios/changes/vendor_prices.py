"""Prices that vendors move. Comes in: a price process. Goes out: jumps of every model's price, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import pandas as pd

from forecast.errors import ModelError, ScenarioError
from forecast.lanes import with_tier
from forecast.panel import BoolArray
from forecast.prices import PriceBook
from forecast.shown import short_repr
from scenarios.changes.base import Stage, Step, checked_where, key_of, label_of
from scenarios.changes.flows import Flows
from scenarios.changes.levers import known_as_money
from scenarios.changes.matching import NothingMatchesError
from scenarios.changes.price_path import PriceJumped, stepped
from scenarios.changes.scene import Scene
from scenarios.changes.skus import chosen, told_skus

if TYPE_CHECKING:
    from forecast.prices.history import PriceJumps, PriceProcess


class Process(Protocol):
    """What draws jumps of prices: a :class:`forecast.PriceProcess`."""

    def jumps(
        self,
        skus: pd.DataFrame,
        days: pd.DatetimeIndex,
        *,
        draws: int,
        seed: int,
        known: PriceBook | None = None,
        as_of: pd.Timestamp | None = None,
    ) -> PriceJumps:
        """The jumps of every model."""
        ...


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the process is calibrated from the shipped history: the arguments of :func:`forecast.calibrate_prices`.

    Parameters
    ----------
    provider : str, optional
        Whose rate and share of rises hold for every SKU.
    date_kinds, sellers : tuple of str, optional
        Which dates are trusted, and whose prices are watched; as by default where empty.
    pool : bool
        Whether other providers' changes may serve.
    """

    __repr__ = short_repr

    provider: str | None = None
    date_kinds: tuple[str, ...] = ()
    sellers: tuple[str, ...] = ()
    pool: bool = True

    def process(self, as_of: pd.Timestamp) -> PriceProcess:
        """The process, as far as the history was known on a day.

        Raises
        ------
        ScenarioError
            The history says too little by then.
        PriceError
            A filter is unknown.
        """
        try:
            return _calibrated(self, as_of)
        except ModelError as cause:
            raise ScenarioError(
                f"VendorPrices: by {as_of:%Y-%m-%d}, the as-of date, the price history cannot be calibrated: "
                f"{cause}; or give process=fc.calibrate_prices(...)"
            ) from cause


@dataclass(frozen=True, slots=True)
class VendorPrices:
    """Vendors move their prices, up or down, as they have done before.

    From the day after the as-of date the price of each model in use is the price book's times
    ``exp(Σ log factors of its jumps up to the day)``; jumps are those of :class:`forecast.PriceProcess`: Poisson in
    time, of either sign, of log-normal size, with rates and sizes that each path draws once. All units of a model jump
    together. On a day from which the book knows a price, the price is that; a :class:`PriceChange` or
    :class:`PriceSteps` that happens ends the jumps of its SKUs. Usage known only as money stays as it is.

    Parameters
    ----------
    process : PriceProcess or Calibration, optional
        As :func:`forecast.calibrate_prices` makes it. By default it is calibrated from the shipped price history, as
        far as that was known at the projection's as-of date; in a file, ``process = {provider = "openai"}`` says how.
    model, provider : str
        Globs: ``"gpt-5*"``, ``"openai"``.
    where : mapping, optional
        Globs over columns of workloads and routes.
    name : str, optional
        What a reader calls it. A model's jumps depend on the seed and the model alone.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "price"
    step: ClassVar[Step] = "price"
    unit: ClassVar[str] = "*"

    process: Process | Calibration | None = None
    model: str = "*"
    provider: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the process."""
        known = self.process is None or isinstance(self.process, Calibration)
        if not known and not callable(getattr(self.process, "jumps", None)):
            raise ScenarioError(f"VendorPrices.process = {self.process!r}: wanted what fc.calibrate_prices() returns")
        checked_where(self)

    @property
    def key(self) -> str:
        """Tells it apart."""
        return key_of("vendor_prices", self.name, self.provider, self.model, self.where)

    def describe(self) -> str:
        """In plain words."""
        source = "the price history" if self.process is None else repr(self.process)
        return f"prices of {told_skus(self)} jump up or down by {source}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let prices jump."""
        rows = chosen(self, flows, scene) & np.asarray(flows.labels["model"].notna()) & ~known_as_money(flows)
        if not rows.any():
            raise NothingMatchesError(
                "VendorPrices: no usage in sight has a model and is known as more than money, so no vendor's price can "
                "jump"
            )
        at = np.nonzero(rows)[0]
        skus = with_tier(flows.labels.iloc[at])[["provider", "model", "unit", "service_tier"]].reset_index(drop=True)
        given = self.process or Calibration()
        process: Process = given.process(scene.projection.as_of) if isinstance(given, Calibration) else given
        made = process.jumps(
            skus,
            scene.clock.daily,
            draws=scene.world.draws,
            seed=scene.world.seed,
            known=scene.quotes.prices,
            as_of=scene.projection.as_of,
        )
        for number in range(len(made.models)):
            mine: BoolArray = np.zeros(len(flows), dtype=bool)
            mine[at[made.sku_model == number]] = True
            flows = stepped(flows, mine, self._step(made, number), scene.clock)
        return flows

    def _step(self, made: PriceJumps, number: int) -> PriceJumped:
        low, high = np.searchsorted(made.model, [number, number + 1])
        own = slice(int(low), int(high))
        told = f"{label_of(self)} ({self.describe()})"
        return PriceJumped(told, made.draw[own], made.day[own], made.log_factor[own], made.resets[number])


@lru_cache(maxsize=16)
def _calibrated(how: Calibration, as_of: pd.Timestamp) -> PriceProcess:
    from forecast.prices.history import calibrate

    chosen_rows = {name: rows for name in ("date_kinds", "sellers") if (rows := getattr(how, name))}
    return calibrate(provider=how.provider, as_of=as_of, pool=how.pool, **chosen_rows)
