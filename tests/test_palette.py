"""Colours of pictures as others see them: in grey, without red, green or blue, and as text on their paper."""

import itertools

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE
from matplotlib.colors import to_rgb

from forecast.drawing import DARK, LIGHT, heat

#: Least contrast of text: WCAG 2.2, success criterion 1.4.3, level AA.
TEXT = 4.5
#: Least contrast of lines and marks that carry meaning: WCAG 2.2, success criterion 1.4.11.
MARKS = 3.0
#: Steps of CIE L* between the colours that carry meaning; about 2 are just seen, and 12 are told apart at a glance.
GREY = 12.0
#: Steps of CAM02-UCS between them, as seen without one kind of cone; about 1 is just seen, and 20 is another colour.
APART = 20.0
MEANING = ("known", "future", "budget")
TEXTS = ("ink", "muted", "known", "future", "budget")

papers = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])


def luminance(colour):
    """Relative luminance: WCAG 2.2's definition."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one, other):
    """Contrast ratio: WCAG 2.2's definition, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lightness(colour):
    return float(cspace_convert(to_rgb(colour), "sRGB1", "CIELab")[0])


def seen(colour, kind):
    lacking = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}
    return np.clip(cspace_convert(to_rgb(colour), lacking, "sRGB1"), 0.0, 1.0)


def test_contrast_is_as_wcag_defines_it():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the grey that just fails


@papers
@pytest.mark.parametrize("role", TEXTS)
def test_text_is_legible(palette, role):
    assert contrast(getattr(palette, role), palette.paper) >= TEXT


@papers
def test_colours_that_carry_meaning_differ_in_grey(palette):
    steps = sorted(lightness(getattr(palette, role)) for role in MEANING)
    assert min(np.diff(steps)) >= GREY


@papers
@pytest.mark.parametrize("kind", ["deuteranomaly", "protanomaly", "tritanomaly"])
def test_colours_that_carry_meaning_differ_for_the_colour_blind(palette, kind):
    for one, other in itertools.combinations(MEANING, 2):
        a, b = (seen(getattr(palette, role), kind) for role in (one, other))
        assert deltaE(a, b, input_space="sRGB1") >= APART, (one, other)


@papers
def test_shades_of_how_much_run_one_way_in_grey_and_for_the_colour_blind(palette):
    shades = heat(palette)(np.linspace(0.0, 1.0, 33))[:, :3]
    away = 1.0 if palette is DARK else -1.0
    assert min(np.diff([lightness(shade) for shade in shades]) * away) > 0.5
    for kind in ("deuteranomaly", "protanomaly", "tritanomaly"):
        grey = [lightness(seen(shade, kind)) for shade in shades]
        assert min(np.diff(grey) * away) > 0.5
    assert abs(lightness(shades[0]) - lightness(palette.paper)) < 10.0
    assert contrast(shades[-1], palette.paper) > MARKS
