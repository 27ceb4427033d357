"""The price process. Comes in: a fit to past changes. Goes out: how prices may move, as factors on the dated price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from forecast.errors import PriceError, nearest
from forecast.panel import FloatArray
from forecast.prices.book import PriceBook
from forecast.prices.history import records
from forecast.prices.history.jumps import DAYS_IN_YEAR, Law, Model, PriceJumps, drawn_jumps, offsets_of
from forecast.prices.history.known import known_days
from forecast.prices.history.rates import Rate, Share
from forecast.prices.history.sizes import Sizes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What the fit calls a provider that it has not seen.
OTHER: Final = "(any other)"
ALL: Final = "(all)"


@dataclass(frozen=True, slots=True)
class ProviderFit:
    """What is known of one provider's prices.

    Attributes
    ----------
    provider : str
    rate : Rate
        Changes a SKU-year.
    share : Share
        Rises among changes.
    log_factors : tuple of float (change,)
        The changes seen.
    """

    provider: str
    rate: Rate
    share: Share
    log_factors: tuple[float, ...]


@dataclass(frozen=True, slots=True, repr=False)
class PriceProcess:
    """Each model's price jumps now and then, up or down, and stays where it jumped to.

    price[d, t] = book price[t] · exp(Σ log factors of the jumps of draw d up to t). The jumps of a model are a Poisson
    process of rate λ a year; each is a rise with probability p; sizes ``|log factor|`` are log-normal. λ (Gamma) and p
    (Beta) of a provider, and the parameters of size, are uncertain: each path draws them once. Providers change prices
    in spells, so λ is that of a spell to come: the long run's, times a pace that varies as it did from half-year to
    half-year. All units of a model move together, so that output keeps its ratio to input.

    Models jump independently, given their provider's rate. Vendors sometimes change several prices on one day
    (``together``); then totals over such models vary more than the process says.

    Made by :func:`forecast.calibrate_prices`.

    Attributes
    ----------
    providers : tuple of ProviderFit
        In alphabetical order.
    other, pooled : ProviderFit
        A provider that is not among them; and all of them as if they were one.
    falls, rises : Sizes
    published : int
        Step-ups that were published ahead, and are left out: they are rows of a price book.
    together : float
        Share of changes that came on a day with another change of the same provider.
    only : str or None
        The one provider whose fit holds for every SKU.
    as_of : Timestamp
    rows : str
        Which changes were counted.
    notes : tuple of str
        What was pooled, borrowed or left out.
    """

    providers: tuple[ProviderFit, ...]
    other: ProviderFit
    pooled: ProviderFit
    falls: Sizes
    rises: Sizes
    published: int
    together: float
    only: str | None
    as_of: pd.Timestamp
    rows: str
    notes: tuple[str, ...]

    def of(self, provider: str | None) -> ProviderFit:
        """The fit that holds for a provider: its own, or that of any other."""
        name = records.main_name((self.only or provider or "").casefold())
        return next((fit for fit in self.providers if fit.provider.casefold() == name), self.other)

    @property
    def fit(self) -> pd.DataFrame:
        """What was fitted, a row a provider, then any other and all together.

        Columns provider, changes, sku_years, rate (a SKU-year, in the long run) with rate_p10 and rate_p90, ahead_p90
        (of a spell to come, as a path draws it), up_share, median_down and median_up (changes of price in per cent,
        nan where none was seen), filter. The last row's sizes are the law's.
        """
        table = pd.DataFrame([_fit_row(one) for one in (*self.providers, self.other, self.pooled)])
        law = [100 * np.expm1(-self.falls.median), 100 * np.expm1(self.rises.median)]
        table.loc[table.index[-1], ["median_down", "median_up"]] = law
        return table.assign(filter=self.rows)

    def expected_jumps(self, provider: str | None, days: float) -> float:
        """Expected number of jumps of one model over some days: E[λ] · days / 365.25."""
        return self.of(provider).rate.mean * days / DAYS_IN_YEAR

    def expected_log_factor(self, provider: str | None, days: float) -> float:
        """Expected logarithm of the factor after some days: E[λ] t (p E[rise] - (1 - p) E[fall])."""
        up = self.of(provider).share.mean
        return self.expected_jumps(provider, days) * (up * self.rises.mean() - (1 - up) * self.falls.mean())

    def sample(
        self,
        skus: pd.DataFrame,
        days: pd.DatetimeIndex,
        *,
        draws: int,
        seed: int,
        known: PriceBook | None = None,
        as_of: str | date | pd.Timestamp | None = None,
    ) -> FloatArray:
        """Factors on the dated prices: float array (draw, day, sku), 1 on the as-of date.

        All factors at once: 10,000 draws × 184 days × 20 SKUs take 294 MB. :meth:`jumps` keeps the jumps alone, and
        makes factors for some draws at a time.

        Parameters
        ----------
        skus : DataFrame
            Columns provider and model, and optionally unit and service_tier. A model's SKUs move together.
        days : DatetimeIndex (day,)
            Rising, from the as-of date on.
        draws, seed : int
            A model's jumps depend on the seed and its names, not on which other SKUs there are, nor on how far the days
            reach.
        known : PriceBook, optional
            The book whose dated prices are multiplied. On a day on which one of its rows begins, the price is what the
            row says in every draw (factor 1), and jumps go on from there: a known change is neither doubled nor undone.
            For a past decision give ``book.known(as_of)``, and multiply its prices.
        as_of : date, optional
            From when prices may jump; by default the first of ``days``.

        Raises
        ------
        PriceError
            A column is missing, days do not rise, or there are no draws.
        """
        return self.jumps(skus, days, draws=draws, seed=seed, known=known, as_of=as_of).factors()

    def jumps(
        self,
        skus: pd.DataFrame,
        days: pd.DatetimeIndex,
        *,
        draws: int,
        seed: int,
        known: PriceBook | None = None,
        as_of: str | date | pd.Timestamp | None = None,
    ) -> PriceJumps:
        """The jumps from which :meth:`sample` makes factors; ``.factors(first, last)`` makes those of some draws."""
        for column in ("provider", "model"):
            if column not in skus.columns:
                raise PriceError(f"skus: column {column!r} is missing{nearest(column, skus.columns)}")
        if draws < 1:
            raise PriceError(f"draws {draws} is below 1")
        start = pd.Timestamp(days[0] if as_of is None else as_of).normalize() if len(days) else self.as_of
        ordinals = np.array([day.toordinal() for day in days], dtype=np.intp)
        offsets = offsets_of(ordinals, start.toordinal())
        keys = [_key(p, m) for p, m in zip(skus["provider"], skus["model"], strict=True)]
        models = list(dict.fromkeys(keys))
        if not models:
            raise PriceError("skus: no rows; give a provider and a model for each SKU")
        resets = [np.array([], dtype=np.intp) for _ in models]
        if known is not None:
            for m, model in enumerate(models):
                own = skus[np.array([key == model for key in keys])]
                dated = known_days(known, own, start.date(), days[-1].date())
                resets[m] = np.searchsorted(ordinals, dated)
        return drawn_jumps(
            {model: self._law(model) for model in models},
            (self.falls, self.rises),
            sku_model=np.array([models.index(key) for key in keys], dtype=np.intp),
            offsets=offsets,
            resets=resets,
            draws=draws,
            seed=seed,
        )

    def plot(self, what: Literal["sizes", "rates"] = "sizes", ax: Axes | None = None) -> Axes:
        """Changes seen beside the law fitted to them: every size, or how often each provider changed a price."""
        from forecast.prices.history.figures import plot_price_process

        return plot_price_process(self, what, ax)

    def _law(self, model: Model) -> Law:
        fit = self.of(model[0])
        name = model[0] if fit is self.other and self.only is None else fit.provider
        return Law(fit.rate, fit.share, name)

    def __repr__(self) -> str:
        all_, n = self.pooled, len(self.pooled.log_factors)
        who = f"{self.only}: {self.of(self.only).rate.mean:.3f}" if self.only else f"{all_.rate.mean:.3f}"
        return (
            f"PriceProcess({who} changes a SKU-year, from {n} changes in {all_.rate.watched:,.1f} SKU-years of "
            f"{len(self.providers)} providers; {100 * all_.share.mean:.0f} % up, median {_percent(-self.falls.median)} "
            f"and {_percent(self.rises.median)}; as of {self.as_of:%Y-%m-%d}; {self.rows})"
        )

    def _repr_html_(self) -> str:
        text = "; ".join([repr(self), *self.notes]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return f"<p>{text}</p>{self.fit.drop(columns='filter').round(3).to_html(index=False, na_rep='', border=0)}"


def _fit_row(one: ProviderFit) -> dict[str, object]:
    moves = np.array(one.log_factors)
    return {
        "provider": one.provider,
        "changes": one.rate.changes,
        "sku_years": one.rate.watched,
        "rate": one.rate.mean,
        "rate_p10": one.rate.quantile(0.1),
        "rate_p90": one.rate.quantile(0.9),
        "ahead_p90": one.rate.ahead.quantile(0.9),
        "up_share": one.share.mean,
        "median_down": _median_change(moves[moves < 0]),
        "median_up": _median_change(moves[moves > 0]),
    }


def _median_change(moves: Sequence[float] | FloatArray) -> float:
    return float(100 * np.expm1(np.median(moves))) if len(moves) else float("nan")


def _percent(log_factor: float) -> str:
    return f"{100 * np.expm1(log_factor):+.0f} %"


def _key(provider: object, model: object) -> Model:
    name = "" if provider is None or pd.isna(provider) else records.main_name(str(provider).casefold())  # type: ignore[call-overload]
    return name, str(model).casefold()
