"""Hierarchy: which series make up which wholes. Comes in: labels. Goes out: nodes, sums and projections of paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
import pandas as pd

from forecast.errors import ModelError, one_of
from forecast.hierarchy.door import SERIES, TOTAL, check_nested, checked_errors, checked_labels, listed, places
from forecast.hierarchy.projection import Method, fitted, projected
from forecast.hierarchy.sums import all_nodes, below_zero, history_of, long_frame
from forecast.panel import FloatArray, IntArray, panel_of
from forecast.paths import SamplePaths
from forecast.shown import Result, Shown, short_repr, table_of


@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy(Result):
    """Which series make up which wholes: project → department → organisation, or model → provider → all.

    A level is a grouping of the series. Levels may lie inside each other or cross (environment × department). Nodes
    are ordered ``total``, then the groups from the coarsest level to the finest, then the series as ``labels`` has
    them. A whole that the levels do not name, such as each pair of environment and department, is a column more.

    Parameters
    ----------
    labels : DataFrame
        One row a series: ``unique_id``, and a column a level that names the series' group.
    levels : sequence of str
        Columns of ``labels``, from fine to coarse.
    nested : bool
        Refuse levels that cross: every group must then lie inside one group of each coarser level.

    Attributes
    ----------
    names : tuple of str (node,)
    codes : int array (upper level, bottom)
        Which node each series belongs to, level by level, ``total`` first.

    Raises
    ------
    ModelError
        A column is unknown, a series has no label or comes twice, two nodes share a name, or levels cross in spite of
        ``nested``.

    Examples
    --------
    >>> Hierarchy(pd.DataFrame({"unique_id": ["a", "b"], "team": ["x", "x"]}), ["team"]).names
    ('total', 'x', 'a', 'b')
    """

    __repr__ = short_repr

    labels: pd.DataFrame
    levels: Sequence[str]
    nested: bool = False
    names: tuple[str, ...] = field(init=False, repr=False)
    codes: IntArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the labels, and number the nodes."""
        levels = (self.levels,) if isinstance(self.levels, str) else tuple(self.levels)
        labels = checked_labels(self.labels, levels)
        coarse_first = levels[::-1]
        uppers, codes = [TOTAL], [np.zeros(len(labels), dtype=np.intp)]
        for level in coarse_first:
            groups, number = np.unique(labels[level].to_numpy(dtype=object), return_inverse=True)
            codes.append((number + len(uppers)).astype(np.intp))
            uppers += [str(group) for group in groups]
        names = (*uppers, *labels["unique_id"])
        every = pd.Index(names)
        again = every[every.duplicated()].unique().sort_values()
        if len(again):
            raise ModelError(f"two nodes share a name: {listed(again)}; write the level into it, such as 'team/x'")
        set_field = object.__setattr__
        set_field(self, "labels", labels)
        set_field(self, "levels", levels)
        set_field(self, "names", names)
        set_field(self, "codes", np.stack(codes))
        if self.nested:
            check_nested(labels, levels)

    @property
    def bottoms(self) -> tuple[str, ...]:
        """The series: the last nodes."""
        return self.names[len(self.names) - len(self.labels) :]

    @property
    def nodes(self) -> pd.DataFrame:
        """One row a node: columns ``level, name``; the levels are ``total``, the columns' names, and ``series``."""
        counts = [len(np.unique(codes)) for codes in self.codes]
        level = np.repeat([TOTAL, *self.levels[::-1], SERIES], [*counts, len(self.labels)])
        return pd.DataFrame({"level": level, "name": list(self.names)})

    @property
    def summing(self) -> FloatArray:
        """S, float array (node, bottom): 1 where a series belongs to a node. Bottoms last: its end is the identity."""
        count = len(self.labels)
        matrix = np.zeros((len(self.names), count))
        matrix[self.codes, np.arange(count)] = 1.0
        matrix[-count:] = np.eye(count)
        return matrix

    def show(self) -> Shown:
        """The groups of each level, and how many series each holds."""
        rows = [
            (str(level), str(group), count)
            for level in list(self.levels)[::-1]
            for group, count in self.labels[level].value_counts(sort=False).items()
        ]
        table = table_of(pd.DataFrame(rows, columns=["level", "group", "series"]), where="hierarchy.labels")
        return Shown("Hierarchy", f"{len(self.labels):,} series in {len(self.names):,} nodes.", (table,))

    def add_up(self, paths: SamplePaths) -> SamplePaths:
        """Every node from the series, draw by draw: what is bottom-up.

        Parameters
        ----------
        paths : SamplePaths
            Of exactly the hierarchy's series, in any order.

        Returns
        -------
        SamplePaths
            ``values`` of shape (draw, period, node): ``values[d, t] = S b[d, t]``.

        Raises
        ------
        ModelError
            The paths lack a series, or have one that the hierarchy does not know.
        """
        place = places(paths.series, self.bottoms, "paths")
        history = None if paths.history is None else self._aggregated(paths.history)
        values = all_nodes(paths.values[:, :, place], self.codes)
        wholes = ("added up",) * (len(self.names) - len(place))
        words = (*wholes, *(paths.fitted[i] for i in place)) if paths.fitted else ()
        told = f"{paths.method}, added up"
        return replace(paths, values=values, series=self.names, method=told, history=history, fitted=words)

    def aggregate(self, frame: pd.DataFrame, *, freq: str = "D") -> pd.DataFrame:
        """The history of every node from the history of the series.

        A whole begins with its first part, and a part counts as 0 before its own first value. Once begun, a part that
        is missing makes the whole unknown: a series that ended has to say 0.

        Parameters
        ----------
        frame : DataFrame
            Long: ``unique_id, ds, y`` of exactly the hierarchy's series.
        freq : str
            A pandas alias.

        Returns
        -------
        DataFrame
            ``unique_id, ds, y``, a row a node and period from the node's first on; unknown is NaN.

        Raises
        ------
        ModelError
            The frame breaks a rule, or its series are not those of the hierarchy.
        """
        panel = panel_of(frame, freq)
        place = places(panel.series, self.bottoms, "frame")
        return long_frame(history_of(panel.values[:, place], self.codes), panel.periods, self.names)

    def reconcile(
        self,
        paths: SamplePaths,
        errors: FloatArray | None = None,
        *,
        method: Method = "mint",
        nonnegative: bool = True,
        scale: FloatArray | None = None,
        independent: float | None = None,
    ) -> SamplePaths:
        """Project forecasts of all nodes, draw by draw, onto those that add up.

        With y a draw of one period and W the covariance of errors,

            y~ = S (S' W^-1 S)^-1 S' W^-1 y.

        Parameters
        ----------
        paths : SamplePaths
            Of exactly the hierarchy's nodes, in any order. A draw has to be one world at every node: independent
            draws of the levels would be averaged, and the band be too narrow.
        errors : float array (trial, node), optional
            Past errors, actual less forecast, in the series' own units, nodes as in ``names``; NaN where unknown.
        method : {"mint", "variance", "structural", "ols"}
            W is the shrunk covariance of ``errors``; their variances; the number of series of a node; or the identity.
        nonnegative : bool
            Set series below 0 to 0 and add up again, except series whose known history goes below 0. The result's
            ``method`` says how often that was. It raises means, and coherent paths below 0 do not stay as they are.
        scale : float array (node,), optional
            Standard deviations to take instead of those of ``errors``, where more is known.
        independent : float, optional
            How many independent trials the rows of ``errors`` are worth, where they overlap: fewer shrink more.

        Returns
        -------
        SamplePaths
            ``values`` of shape (draw, period, node), nodes as in ``names``.

        Raises
        ------
        ModelError
            The nodes are not those of the hierarchy, the method is unknown, or it lacks errors of the right shape.

        References
        ----------
        Wickramasuriya, Athanasopoulos and Hyndman (2019), "Optimal forecast reconciliation for hierarchical and
        grouped time series through trace minimization", doi:10.1080/01621459.2018.1448825.
        Panagiotelis, Gamakumara, Athanasopoulos and Hyndman (2023), "Probabilistic forecast reconciliation",
        doi:10.1016/j.ejor.2022.07.040: the projection of sample paths.
        """
        one_of("method", method, get_args(Method), ModelError)
        place = places(paths.series, self.names, "paths")
        values = paths.values[:, :, place]
        errors = checked_errors(errors, scale, method, len(self.names))
        spread = values.sum(axis=1).std(axis=0)
        known = fitted(method, self.summing, errors, scale=scale, independent=independent, spread=spread)
        bottom, told = projected(values, known.gain, self.codes), f"reconciled by {known.told}"
        if nonnegative:
            held = (bottom < 0) & ~below_zero(paths.history, self.bottoms)
            bottom = np.where(held, 0.0, bottom)
            told += f", {held.mean():.2%} of the series' values held at 0" if held.any() else ""
        words = tuple(paths.fitted[i] for i in place) if paths.fitted else ()
        told = f"{paths.method}, {told}"
        return replace(paths, values=all_nodes(bottom, self.codes), series=self.names, method=told, fitted=words)

    def _aggregated(self, history: pd.DataFrame) -> pd.DataFrame:
        wide = history.pivot(index="ds", columns="unique_id", values="y")
        values = wide.reindex(columns=list(self.bottoms)).to_numpy(dtype="float64")
        return long_frame(history_of(values, self.codes), pd.DatetimeIndex(wide.index), self.names)
