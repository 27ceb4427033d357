"""The command ``tokenplan``. Comes in: its arguments. Goes out: tables, files, and an exit code.

Codes: 0 fine; 1 the input is wrong; 2 the command line is wrong; 3 over the budget given with ``--limit``; 4 a check or
alert fired; 130 interrupted; 141 the reader of a pipe went away.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence

INPUT_IS_WRONG = 1
INTERRUPTED = 130
#: What a shell reports of a command whose reader went away.
READER_GONE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the command's own name; that of the process where none is given.
    """
    try:
        from scenarios.cli.interrupting import end_workers, interruptible

        with interruptible(to_the_end=arguments is None) as asked:
            code, told = _ended(arguments, asked)
            if asked():
                code, told = INTERRUPTED, "interrupted"
                end_workers()
    except KeyboardInterrupt:
        code, told = INTERRUPTED, "interrupted"
    if told:
        sys.stderr.write(told + "\n")
    return code


def _ended(arguments: Sequence[str] | None, asked: Callable[[], bool]) -> tuple[int, str]:
    """The exit code, and what is to be told at the end; whatever comes after an interrupt is its doing."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED, "interrupted"
    except Exception:
        if asked():
            return INTERRUPTED, "interrupted"
        raise


def _run(arguments: Sequence[str] | None) -> tuple[int, str]:
    from forecast.errors import TokenplanError
    from scenarios.cli.arguments import parser

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows another
    options = parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe, such as head, has seen enough. What is left unwritten must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE, ""
    except TokenplanError as error:
        return INPUT_IS_WRONG, f"error: {error}"
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return INPUT_IS_WRONG, f"error: {place}{error.strerror or error}"
    except MemoryError:
        more = "take fewer --draws, or keep fewer columns apart ([output] detail)"
        return INPUT_IS_WRONG, f"error: there is not enough memory; {more}"
    return code, ""
