"""Colours, few. Comes in: text for a terminal. Goes out: the same, with what matters most in colour."""

from __future__ import annotations

import os
import re
from typing import Final, TextIO

_BOLD, _RED, _GREEN, _YELLOW = "1", "31", "32", "33"
#: What is shown in which colour: the budget, over and under, warnings.
RULES: Final = tuple(
    (re.compile(pattern, flags=re.MULTILINE), code)
    for pattern, code in (
        (r"^\S.*: [A-Z]{3} [\d.,]+ at P[\d.]+ for .+$", _BOLD),
        (r"^(?:error|over the limit|likely over|not approved)(?=: )", _RED),
        (r"(?<!\S)(?:unfavourable|critical)(?!\S)", _RED),
        (r"(?<!\S)favourable(?!\S)", _GREEN),
        (r"^(?:note|warning)(?=: )", _YELLOW),
        (r"(?<!\S)(?:warning|squeezed|overdue)(?=\s|:|$)", _YELLOW),
        (r"(?<!\S)[\d.<]+ % of futures go over(?!\S)", _YELLOW),
    )
)


def wanted(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours, and nobody forbids them (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str) -> str:
    """Text with the few words that matter in colour."""
    for pattern, code in RULES:
        text = pattern.sub(lambda found, code=code: f"\x1b[{code}m{found[0]}\x1b[0m", text)  # type: ignore[misc]
    return text
