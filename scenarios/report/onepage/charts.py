"""Pictures of a review by their names. Comes in: a Review. Goes out: an Axes whose title states the finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from forecast.drawing import SIZE, offscreen
from forecast.errors import PlanError, one_of
from scenarios.report.onepage.burn_down import burn_down
from scenarios.report.onepage.months_chart import outlook_chart
from scenarios.reviews.reviewing import Review

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS: Final = ("burn_down", "outlook", "bridge")


def drawn(review: Review, kind: str, *, limit: float | None = None, ax: Axes | None = None) -> Axes:
    """One of :data:`KINDS`; a burn-down marks ``limit``, the budget where none is given.

    Raises
    ------
    PlanError
        There is no such picture, it does not take a limit, or there is nothing to bridge.
    """
    one_of("plot", kind, KINDS, PlanError)
    if limit is not None and kind != "burn_down":
        raise PlanError(f"plot({kind!r}, limit=...): only 'burn_down' marks a limit")
    if kind == "burn_down":
        return burn_down(review, limit=limit, ax=ax)
    if kind == "outlook":
        return outlook_chart(review, ax=ax)
    made = review.bridge()
    if made is None:
        first = review.plan.ledger.days[0]
        raise PlanError(
            f"plot('bridge'): no month of the plan is over by {review.as_of:%Y-%m-%d}; the first begins on "
            f"{first:%Y-%m-%d}, and a bridge tells whole months: 'burn_down' shows the days"
        )
    return made.plot(ax)


def picture(review: Review, kind: str) -> Axes:
    """One of :data:`KINDS` on a figure of its own that is shown nowhere: what pages and workbooks take."""
    width = SIZE[0]
    if kind == "bridge" and (made := review.bridge()) is not None:
        width = max(width, 1.05 * (len(made.steps) + 2))
    return drawn(review, kind, ax=offscreen((width, SIZE[1])))
