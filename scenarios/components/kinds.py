"""The kinds of component. Comes in: the name that a file gives. Goes out: the class, ours or another package's."""

from __future__ import annotations

from typing import Final

from forecast.errors import PlanError
from scenarios.components import KINDS, Component
from scenarios.files.kinds import Kinds

#: Other packages bring components by this group: the name is the kind, and each entry is a frozen dataclass that keeps
#: the protocol :class:`Component`.
ENTRY_POINTS: Final = "tokenplan.components"
#: Every kind of component.
COMPONENTS: Final = Kinds(KINDS, Component, "component", ENTRY_POINTS, PlanError)
