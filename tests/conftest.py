"""What every test gets: no display, one thread, no leftover figures, and property tests of the same cases each time."""

import os
import sys

import pytest
from hypothesis import settings

# Before anything imports numpy, for subprocesses and notebooks too. On cores that other test processes use as well,
# threads of linear algebra wait for each other, spinning: a fit of SARIMAX took 70 seconds of both cores, where one
# thread takes 4.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib; subprocesses and notebooks inherit it

# A deadline would measure the machine, and random cases would make a failure somebody else's.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile("search", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
