"""The lines of a plan's components. Comes in: components and what they may see. Goes out: their rows, in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from forecast.errors import PlanError
from scenarios.changes import World
from scenarios.components.base import Component, Context, Count, Months, Row
from scenarios.components.reserve import Reserve


def asked_of(components: Iterable[Component]) -> tuple[Count, ...]:
    """What some components must see of the usage, each once."""
    return tuple(dict.fromkeys(count for component in components for count in component.counts()))


def order_of(components: Sequence[Component]) -> list[Component]:
    """Components so that each stands after those that it is reckoned from; else as given.

    Raises
    ------
    PlanError
        Some are reckoned from each other.
    """
    spent = [c for c in components if not isinstance(c, Reserve)]
    named = {c.name: c for c in spent}
    graph: dict[str, list[str]] = {}
    for one in spent:
        wanted = one.needs()
        graph[one.name] = [n for n in named if n != one.name] if wanted is None else [n for n in wanted if n in named]
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as cause:
        told = " -> ".join(map(repr, reversed(cause.args[1])))
        raise PlanError(
            f"components: {told}: each is a share of the next, and so of itself; let one be a share of 'tokens' or of "
            "named lines"
        ) from cause
    return [named[name] for name in order]


def rows_of(components: Sequence[Component], world: World, months: Months, context: Context) -> list[Row]:
    """The rows of some components, in the order given.

    Parameters
    ----------
    context : Context
        With the lines that the scenario's changes bring.

    Raises
    ------
    PlanError
        A component lies outside the plan, or does not fit it.
    """
    known = dict(context.lines)
    made: dict[str, tuple[Row, ...]] = {}
    for one in order_of(components):
        rows = one.rows(world, months, replace(context, lines=known))
        made[one.name] = rows
        # What others are a share of is the whole line, whatever rows tables show it by.
        known[one.name] = sum((row.money for row in rows[1:]), start=rows[0].money)
    return [row for one in components if one.name in made for row in made[one.name]]
