"""``python -m scenarios``: the command ``tokenplan``. Comes in: its arguments. Goes out: its exit code."""

import sys

from scenarios.cli import main

if __name__ == "__main__":
    sys.exit(main())
