"""Colours of pictures, by what they mean. Comes in: light or dark paper. Goes out: a palette, shades of how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.colors import Colormap


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they mean. Text colours keep a contrast of 4.5 : 1 on ``paper``.

    What is known, what is to come and the budget are at least 12 steps of lightness apart (CIE L*), for grey print, and
    stay apart for eyes that lack red, green or blue.
    """

    paper: str
    ink: str
    muted: str
    grid: str
    known: str
    future: str
    budget: str
    policy: str


LIGHT = Palette("#ffffff", "#1a1d21", "#58616c", "#e3e6ea", "#2b3138", "#08569a", "#c25600", "#d9dee5")
DARK = Palette("#14171b", "#eceff2", "#a7b0bb", "#333a43", "#d9dfe6", "#4a95dc", "#ff9f5e", "#3d4651")


def heat(palette: Palette) -> Colormap:
    """Colours of how much, from nearly paper to nearly ink: one hue, so that grey and every eye see the same order."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    paper, full, ink = (np.array(to_rgb(c)) for c in (palette.paper, palette.future, palette.ink))
    stops = [0.92 * paper + 0.08 * full, 0.45 * paper + 0.55 * full, full, 0.40 * full + 0.60 * ink]
    return LinearSegmentedColormap.from_list("heat", stops)
