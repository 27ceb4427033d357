"""Programs that write, warn and draw from global state, run without a trace. Goes out: contexts to run them in."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
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


#: Of Prophet's fits, and of statsmodels'.
_PROPHET, _STATSMODELS = _Hush(), _Hush()
#: Held while the global generator is ours.
_DRAWING = Lock()
_SILENT = logging.CRITICAL + 1


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Prophet and cmdstanpy from writing, warning, or changing the environment."""
    with _hushed(_PROPHET, _silenced):
        yield


@contextmanager
def unwarned() -> Iterator[None]:
    """Keep statsmodels from warning: of starting values, and of convergence, which is read from its results."""
    with _hushed(_STATSMODELS, _ignored):
        yield


@contextmanager
def _hushed(hush: _Hush, silence: Callable[[], ExitStack]) -> Iterator[None]:
    """Loggers, filters and the environment are the process's: of several threads the first sets, the last undoes."""
    with hush.lock:
        if hush.depth == 0:
            hush.undo = silence()
        hush.depth += 1
    try:
        yield
    finally:
        with hush.lock:
            hush.depth -= 1
            if hush.depth == 0:
                hush.undo.close()


def _ignored() -> ExitStack:
    """Ignore all warnings, and return what undoes it."""
    # Loading it sets filters of its own: it is loaded first.
    import statsmodels.tools.sm_exceptions  # noqa: F401

    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        return stack.pop_all()


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
