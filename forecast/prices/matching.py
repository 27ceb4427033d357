"""Matching: a usage's provider and model come in; the row families that price them go out, best first.

Own rows match by name: the usage's own model name first, then the model that the catalogue says it is (an alias or a
dated snapshot), then globs, the longest first. Catalogue rows match by genai-prices' rules. What matched is always
shown, and what is ambiguous is never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

import pandas as pd

from forecast.prices import catalogue
from forecast.prices.catalogue import Listing
from forecast.prices.dated import ANY, AnyRow, Discount, PriceRow
from forecast.shown import short_repr

How = Literal["exact", "alias", "dated suffix", "glob"]

_DATED: Final = re.compile(r"[-@](?:20\d{2}-\d{2}-\d{2}|20\d{6})$")
_BY_NAME: Final = 0
_BY_ALIAS: Final = 1
_BY_GLOB: Final = 2

#: Precedence of a family, lower first: layer; kind of model match, minus its literal letters; the same of provider.
Rank = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Layer:
    """Prices of one origin, and discounts off the prices of the layers beneath, indexed by model name.

    ``catalogue`` rows bear the catalogue's names and match by its rules; others match by name and glob.
    """

    __repr__ = short_repr

    name: str
    rows: tuple[PriceRow, ...]
    catalogue: bool = False
    discounts: tuple[Discount, ...] = ()
    named: dict[str, tuple[AnyRow, ...]] = field(init=False, repr=False, compare=False)
    globs: dict[str, tuple[AnyRow, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_model: dict[str, list[AnyRow]] = {}
        for row in self.every:
            by_model.setdefault(row.model.casefold(), []).append(row)
        named = {m: tuple(rows) for m, rows in by_model.items() if self.catalogue or not is_glob(m)}
        object.__setattr__(self, "named", named)
        object.__setattr__(self, "globs", {m: tuple(rows) for m, rows in by_model.items() if m not in named})

    @property
    def every(self) -> tuple[AnyRow, ...]:
        """Its prices, then its discounts."""
        rows: tuple[AnyRow, ...] = self.rows
        return rows + self.discounts


@dataclass(frozen=True, slots=True)
class Family:
    """The rows and discounts of one provider and model in one layer, and how a usage came to be priced by them."""

    provider: str
    model: str
    how: How
    layer: str
    rank: Rank = field(repr=False)
    rows: tuple[PriceRow, ...] = field(repr=False)
    note: str = ""
    discounts: tuple[Discount, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        text = f"{self.provider} {self.model} by {self.how}, in {self.layer}"
        return f"{text} ({self.note})" if self.note else text


@dataclass(frozen=True, slots=True)
class PriceMatch:
    """Which rows price a usage's provider and model.

    Attributes
    ----------
    provider, model : str or None
        The names as the usage has them.
    families : tuple of Family
        The families that match, in order of precedence; empty where the model is unknown.
    seller : str or None
        The provider as the catalogue calls it, inferred from the model where the usage names none.
    others : tuple of str
        Where the usage names no provider: every other provider that sells a model of this name.
    note : str
        What is assumed of a missing provider.
    discounts : tuple of Family
        The families of which a discount matches, in order of precedence.
    """

    __repr__ = short_repr

    provider: str | None
    model: str | None
    families: tuple[Family, ...]
    seller: str | None
    others: tuple[str, ...] = ()
    note: str = ""
    discounts: tuple[Family, ...] = ()

    def __str__(self) -> str:
        asked = f"{self.provider or '(no provider)'} {self.model or '(no model)'}"
        found = "; then ".join(map(str, self.families)) or "no row"
        off = f"; discounts by {' and '.join(map(str, self.discounts))}" if self.discounts else ""
        return f"{asked} → {found}{off}" + (f"; {self.note}" if self.note else "")


def name_or_none(value: Any) -> str | None:
    """A name as a usage has it: null, in any of pandas' spellings, and blank are None."""
    return None if pd.isna(value) or value == "" else str(value)


def is_glob(name: str) -> bool:
    """Whether a name stands for others: ``*`` for any letters, ``?`` for one."""
    return "*" in name or "?" in name


def glob_match(pattern: str, name: str) -> bool:
    """Whether ``name`` fits ``pattern``, without regard to case. A bracket stands for itself: model names bear it."""
    return fnmatchcase(name.casefold(), pattern.casefold().replace("[", "[[]"))


def match(layers: tuple[Layer, ...], provider: str | None, model: str | None) -> PriceMatch:
    """The families of every layer that price a usage's names, in order of precedence."""
    asked = _listing(layers, provider, model)
    found = [
        replace(family, rank=(order, *family.rank[1:]))
        for order, layer in enumerate(layers)
        for family in _families(layer, provider, model, asked)
    ]
    families = tuple(family for family in found if family.rows)
    discounts = tuple(family for family in found if family.discounts)
    if provider is not None:
        return PriceMatch(provider, model, families, asked.provider or provider, discounts=discounts)
    alone = next((family.provider for family in families if not is_glob(family.provider)), None)
    seller = asked.provider or alone
    sellers = {*asked.others, *_sellers(layers, model)} - {seller}
    notes = [f"no provider is named: taken to be {seller}"] if seller else []
    if sellers:
        notes.append(f"{'also ' if seller else ''}sold by {', '.join(sorted(sellers))}")
    return PriceMatch(provider, model, families, seller, tuple(sorted(sellers)), "; ".join(notes), discounts)


def _sellers(layers: tuple[Layer, ...], model: str | None) -> set[str]:
    """Who sells a model of this name in one's own rows."""
    own = [layer for layer in layers if not layer.catalogue and model is not None]
    rows = [r for layer in own for r in layer.named.get(str(model).casefold(), ()) if isinstance(r, PriceRow)]
    return {row.provider for row in rows if not is_glob(row.provider)}


def _listing(layers: tuple[Layer, ...], provider: str | None, model: str | None) -> Listing:
    """What the catalogue says; it is not loaded for a book that has nothing but globs."""
    if any(layer.named for layer in layers):
        return catalogue.listing(provider, model)
    return Listing(provider=provider.casefold() if provider else None)


def _families(layer: Layer, provider: str | None, model: str | None, asked: Listing) -> list[Family]:
    if layer.catalogue:
        return _catalogue_families(layer, model, asked)
    names = {name.casefold() for name in (provider, asked.provider) if name}
    found = [
        Family(
            rows[0].provider,
            rows[0].model,
            how,
            layer.name,
            (0, kind, letters, *rank),
            tuple(row for row in rows if isinstance(row, PriceRow)),
            discounts=tuple(row for row in rows if isinstance(row, Discount)),
        )
        for kind, letters, how, candidates in _by_name(layer, model, asked)
        for rank, rows in _by_provider(candidates, names)
    ]
    return sorted(found, key=lambda family: family.rank)


def _catalogue_families(layer: Layer, model: str | None, asked: Listing) -> list[Family]:
    if asked.owner is None or asked.model is None:
        return []
    named = layer.named.get(asked.model.casefold(), ())
    rows = tuple(r for r in named if isinstance(r, PriceRow) and r.provider == asked.owner)
    note = ""
    if asked.owner != asked.provider:
        # One provider's tiers are not another's: only the standard list price is common to both.
        rows = tuple(r for r in rows if r.service_tier == "standard")
        note = f"{asked.provider} sells it at {asked.owner}'s standard price"
    how: How = "exact" if model is not None and model.casefold() == asked.model.casefold() else "alias"
    return [Family(asked.owner, asked.model, how, layer.name, (0, _BY_NAME, 0, 0, 0), rows, note)] if rows else []


def _by_name(layer: Layer, model: str | None, asked: Listing) -> list[tuple[int, int, How, tuple[AnyRow, ...]]]:
    """Kind, minus the literal letters, manner and rows of each model name in the layer that fits."""
    if model is None:
        return [(_BY_GLOB, 0, "glob", rows) for pattern, rows in layer.globs.items() if pattern == ANY]
    own = model.casefold()
    found: list[tuple[int, int, How, tuple[AnyRow, ...]]] = []
    if own in layer.named:
        found.append((_BY_NAME, 0, "exact", layer.named[own]))
    # Where the catalogue knows the name, its answer stands: a snapshot may be priced apart from its model.
    how: How = "alias" if asked.model else "dated suffix"
    other = asked.model.casefold() if asked.model else _DATED.sub("", own)
    if other != own and other in layer.named:
        found.append((_BY_ALIAS, 0, how, layer.named[other]))
    fits = [pattern for pattern in layer.globs if glob_match(pattern, own)]
    return found + [(_BY_GLOB, -_letters(pattern), "glob", layer.globs[pattern]) for pattern in fits]


def _by_provider(rows: tuple[AnyRow, ...], names: set[str]) -> list[tuple[tuple[int, int], tuple[AnyRow, ...]]]:
    """Rows of each provider that fits, with the rank of the fit. A usage without a provider fits one that is alone."""
    providers: dict[str, list[AnyRow]] = {}
    for row in rows:
        providers.setdefault(row.provider.casefold(), []).append(row)
    plain = [p for p in providers if not is_glob(p)]
    fits: list[tuple[tuple[int, int], tuple[AnyRow, ...]]] = []
    for provider, own in providers.items():
        if provider in names or (not names and plain == [provider] and not is_glob(own[0].model)):
            fits.append(((0, 0), tuple(own)))
        elif provider == ANY or (is_glob(provider) and any(glob_match(provider, name) for name in names)):
            fits.append(((1, -_letters(provider)), tuple(own)))
    return fits


def _letters(pattern: str) -> int:
    return sum(c not in "*?" for c in pattern)
