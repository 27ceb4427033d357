"""Tier factors: a provider, a service tier and a unit come in; the share of the standard price that is paid goes out.

They serve where a book has no row for the tier: half a standard price of 3.00 is 1.50 a million tokens in a batch.
A listed price of the tier always comes first. A provider and tier that are not here are unpriced, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from forecast import schema


@dataclass(frozen=True, slots=True)
class TierFactor:
    """The share of the standard price that a provider charges in one service tier.

    ``units`` are those that the discount is published for; every other unit costs its standard price. ``checked`` is
    the month in which the source said so.
    """

    provider: str
    service_tier: str
    factor: Decimal
    units: frozenset[str]
    checked: str
    source: str

    def of(self, unit: str) -> Decimal | None:
        """The factor of one unit: 1 where the discount is not published for it, None of tokens of unknown kinds."""
        if unit == "total_tokens":
            return None
        return self.factor if unit in self.units else Decimal(1)


_HALF: Final = Decimal("0.5")
_TOKENS: Final = frozenset(name for name, unit in schema.UNITS.items() if unit.token and name != "total_tokens")
#: A cached read is not discounted again: the batch table lists no price of it, so the standard one is paid.
_NOT_CACHED: Final = _TOKENS - {"cache_read_tokens"}

TIER_FACTORS: Final = {
    (rule.provider, rule.service_tier): rule
    for rule in (
        TierFactor(
            "anthropic",
            "batch",
            _HALF,
            _TOKENS,
            "2026-11",
            "https://platform.claude.com/docs/en/build-with-claude/batch-processing",
        ),
        TierFactor("google", "batch", _HALF, _NOT_CACHED, "2026-10", "https://ai.google.dev/gemini-api/docs/pricing"),
        TierFactor("openai", "batch", _HALF, _NOT_CACHED, "2026-10", "https://developers.openai.com/api/docs/pricing"),
        TierFactor("openai", "flex", _HALF, _TOKENS, "2026-10", "https://developers.openai.com/api/docs/pricing"),
    )
}


def tier_factor(provider: str | None, service_tier: str) -> TierFactor | None:
    """The published factor of a provider's tier, or None where there is none."""
    return TIER_FACTORS.get(((provider or "").casefold(), service_tier))
