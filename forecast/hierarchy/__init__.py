"""Parts that add up to the whole, in every draw. Comes in: series and their groups. Goes out: coherent sample paths."""

from forecast.hierarchy.groups import Hierarchy
from forecast.hierarchy.levels import reconciled_paths
from forecast.hierarchy.projection import Method

__all__ = ["Hierarchy", "Method", "reconciled_paths"]
