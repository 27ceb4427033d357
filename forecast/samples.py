"""The sample data that ships with the library: a name comes in, the path of its file goes out."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from forecast.errors import UsageError, one_of


def sample_path(name: str) -> Path:
    """The path of a shipped sample, such as ``sample_path("burstgpt.csv")``.

    An installed wheel holds the samples inside the package; a source checkout holds them in ``data/samples``.

    Parameters
    ----------
    name
        The file's name, with its folder if it lies in one: ``"organisation.csv"``, ``"frozen/calibration.toml"``.

    Raises
    ------
    UsageError
        If there is no such sample; the message lists those there are, and the nearest.
    """
    folder = _folder()
    available = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
    if not available:
        raise UsageError(f"no sample data in {folder}: the installation is incomplete; install tokenplan again")
    one_of("sample", name, available, UsageError)
    return folder / name


def _folder() -> Path:
    """The samples of the wheel, or else of the checkout that this package stands in."""
    package = Path(str(files("forecast")))
    installed = package / "data" / "samples"
    return installed if installed.is_dir() else package.parent / "data" / "samples"
