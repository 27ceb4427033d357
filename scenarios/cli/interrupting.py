"""Ctrl-C. Comes in: the signal, at any moment. Goes out: one KeyboardInterrupt, and no process that works on.

Not every program that ours stands on lets a KeyboardInterrupt through: it is lost in destructors and callbacks, and
some engines tell of it in an error of their own. So the signal is noted here: what was lost is raised again, and
whatever ends a command after it ends as interrupted. A second signal ends the process at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

#: What a shell reports of a command that was interrupted.
INTERRUPTED: Final = 130
#: Seconds after which an interrupt that was lost is raised again.
AGAIN: Final = 0.02


class _Interrupts:
    """What is known of the signal while a command runs."""

    def __init__(self) -> None:
        self.asked = False
        self.lost = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Raise the first, and one that was lost; end at once on the second."""
        if self.asked and not self.lost:
            os.write(2, b"interrupted\n")
            os._exit(INTERRUPTED)
        self.asked, self.lost = True, False
        raise KeyboardInterrupt

    def unraisable(self, told: sys.UnraisableHookArgs) -> None:
        """Raise again, a moment later, what was lost where nothing can be raised."""
        if not issubclass(told.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(told)
            return
        self.lost = True
        again = threading.Timer(AGAIN, signal.raise_signal, [signal.SIGINT])
        again.daemon = True
        again.start()


@contextmanager
def interruptible(*, to_the_end: bool) -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C; yields what tells whether it was pressed.

    Only where it is Python's to handle: not in a thread, nor under a program that handles it itself. ``to_the_end``:
    nothing comes after but the process's end, where it is of no use any more.
    """
    if threading.current_thread() is not threading.main_thread() or (
        signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield lambda: False
        return
    interrupts, before = _Interrupts(), sys.unraisablehook
    sys.unraisablehook = interrupts.unraisable
    signal.signal(signal.SIGINT, interrupts.handle)
    try:
        yield lambda: interrupts.asked
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN if to_the_end else signal.default_int_handler)
        sys.unraisablehook = before


def start_workers(count: int) -> None:
    """Start processes that work at once and do not hear Ctrl-C, which a terminal sends to all: their parent ends them.

    What a process blocks when it is started stays blocked in it. The processes that keep track of what workers share
    are started before: they hear no interrupt in any case, and starting one ends the blocking.
    """
    if count == 1 or not hasattr(signal, "pthread_sigmask"):
        return
    from multiprocessing import resource_tracker

    from joblib import Parallel, delayed
    from joblib.externals.loky.backend import resource_tracker as of_joblib

    resource_tracker.ensure_running()
    of_joblib.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        Parallel(n_jobs=count)(delayed(abs)(0) for _ in range(count))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end_workers() -> None:
    """End the processes that :func:`start_workers` started, whatever they are at."""
    loky = sys.modules.get("joblib.externals.loky.reusable_executor")
    executor = getattr(loky, "_executor", None)
    if executor is not None:
        executor.shutdown(wait=True, kill_workers=True)
