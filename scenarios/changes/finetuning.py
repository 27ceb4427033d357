"""Fine-tuning. Comes in: what training costs and saves. Goes out: shorter prompts at another price; break-even."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field

from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import Day, Line, checked, checked_day, label_of, told
from scenarios.changes.levers import Lever, paid_on
from scenarios.changes.routing import Detour, checked_prices
from scenarios.changes.scene import Scene


@dataclass(frozen=True, slots=True)
class FineTune(Detour):
    """A fine-tuned model in place of long prompts: training is paid once, then prompts are shorter.

    Parameters
    ----------
    model : str
        Glob of the models that serve today.
    to : str
        What the fine-tuned model is called.
    on : date
        The first day that it serves, on which training is paid.
    training : number, between(low, high) or frozen scipy distribution
        Money for training, once.
    input_ratio : number, between(low, high) or frozen scipy distribution
        Input a request over that of today: 0.2 where four fifths of the prompt are trained in.
    prices : mapping, optional
        Its prices by unit, money a quoted unit (a million tokens): ``{"input_tokens": 3.0, "output_tokens": 12.0}``;
        the price book's where absent. Cached input without a price here is billed as plain input.
    share, provider, output_ratio, retries
        As of :class:`scenarios.Route`; all requests unless a share is given. Without ``provider``, and with prices
        stated here, it is sold by the source's.
    where, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`; hosting is ``running``.
    """

    __repr__ = short_repr

    _: KW_ONLY
    on: Day
    training: Uncertain
    prices: Mapping[str, float] = field(default_factory=dict)

    def _check_more(self) -> None:
        checked_day(self, "on", needed=True)
        checked(self, "training", "amount")
        checked_prices(self)

    def describe(self) -> str:
        """In plain words."""
        return f"{Detour.describe(self)}; {told(self.training, 'amount')} to train"

    def lines(self, scene: Scene) -> list[Line]:
        """Training, then what every lever costs."""
        made = Lever.lines(self, scene)
        if self.training == 0.0:
            return made
        paid = scene.draw(self.key, self.training, "amount", "training")
        return [Line(f"{label_of(self)}: training", None, paid[:, None] * paid_on(self.on, scene)[None, :]), *made]

    def _verb(self) -> str:
        return "move"

    def _prices(self) -> Mapping[str, float]:
        return self.prices
