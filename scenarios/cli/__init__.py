"""The command ``tokenplan``. Comes in: its arguments. Goes out: tables, files, and an exit code.

Codes: 0 fine; 1 the input is wrong; 2 the command line is wrong; 3 over the budget given with ``--limit``; 4 a check or
alert fired; 130 interrupted; 141 the reader of a pipe went away.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

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
        return _run(arguments)
    except KeyboardInterrupt:
        _tell("interrupted")
        return INTERRUPTED


def _run(arguments: Sequence[str] | None) -> int:
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
        return READER_GONE
    except TokenplanError as error:
        _tell(f"error: {error}")
        return INPUT_IS_WRONG
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _tell(f"error: {place}{error.strerror or error}")
        return INPUT_IS_WRONG
    except MemoryError:
        _tell("error: there is not enough memory; take fewer --draws, or keep fewer columns apart ([output] detail)")
        return INPUT_IS_WRONG
    return code


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
