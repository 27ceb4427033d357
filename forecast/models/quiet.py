"""Programs that write, warn and draw from global state, run without a trace. Goes out: two contexts to run them in."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock

import numpy as np


@dataclass(slots=True)
class _Hush:
    """How many fits are on, in all threads, and what the last must undo."""

    lock: Lock = field(default_factory=Lock)
    depth: int = 0
    undo: ExitStack = field(default_factory=ExitStack)


_HUSH = _Hush()
#: Held while the global generator is ours.
_DRAWING = Lock()
_SILENT = logging.CRITICAL + 1


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Prophet and cmdstanpy from writing, warning, or changing the environment.

    Loggers, filters of warnings and the environment are the whole process's: the first of several threads sets them,
    and the last puts them back.
    """
    with _HUSH.lock:
        if _HUSH.depth == 0:
            _HUSH.undo = _silenced()
        _HUSH.depth += 1
    try:
        yield
    finally:
        with _HUSH.lock:
            _HUSH.depth -= 1
            if _HUSH.depth == 0:
                _HUSH.undo.close()


def _silenced() -> ExitStack:
    """Silence both packages, and return what undoes it."""
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        # It complains, when loaded, that it cannot draw what nobody asked it to.
        _level_for(stack, "prophet.plot")
        # Loading them sets levels of their own: they are loaded first, and then silenced.
        import prophet  # noqa: F401
        from cmdstanpy.utils import get_logger

        _level_for(stack, "prophet")
        _level_for(stack, get_logger().name)
        stack.callback(_environ, "CMDSTAN", os.environ.get("CMDSTAN"))
        return stack.pop_all()


def _level_for(stack: ExitStack, name: str) -> None:
    logger = logging.getLogger(name)
    stack.callback(logger.setLevel, logger.level)
    logger.setLevel(_SILENT)


def _environ(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """NumPy's global generator, which Prophet draws from, seeded for a while; then as it was."""
    with _DRAWING:
        before = np.random.get_state()  # noqa: NPY002 - Prophet's own generator
        try:
            np.random.seed(rng.integers(2**32, size=8, dtype=np.uint32))  # noqa: NPY002
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002
