"""The manual's colours. Comes in: the palette of our pictures. Goes out: variables of a style sheet, a mark."""

from __future__ import annotations

from dataclasses import asdict

from forecast.drawing import DARK, LIGHT


def variables() -> str:
    """The colours by what they mean, on light and on dark paper."""
    rules = []
    for name, palette in (("light", LIGHT), ("dark", DARK)):
        plain = {key: colour for key, colour in asdict(palette).items() if isinstance(colour, str)}
        lines = "".join(f"  --tokenplan-{key.replace('_', '-')}: {colour};\n" for key, colour in plain.items())
        rules.append(f'html[data-theme="{name}"] {{\n{lines}}}\n')
    return "\n".join(rules)


def mark() -> str:
    """A history, its fan of futures, and a budget."""
    return (
        f'  <path d="M14 18 30 4v20Z" fill="{DARK.future}" opacity=".55"/>\n'
        f'  <path d="M2 24l5-4 4 2 3-4" fill="none" stroke="{LIGHT.muted}" stroke-width="3" stroke-linejoin="round"'
        ' stroke-linecap="round"/>\n'
        f'  <path d="M14 18 29 11" fill="none" stroke="{LIGHT.future}" stroke-width="3" stroke-linecap="round"/>\n'
        f'  <path d="M14 28h16" stroke="{LIGHT.budget}" stroke-width="2.5" stroke-linecap="round"/>\n'
        "</svg>\n"
    )
