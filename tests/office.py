"""A real office suite for tests: LibreOffice, installed where it is missing, that works a workbook out anew.

Comes in: workbooks without kept values. Goes out: the same, with every formula worked out.
"""

import os
import shutil
import subprocess
from pathlib import Path

#: Seconds that a conversion may take; the first start of LibreOffice takes ten.
PATIENCE = 180


class NoOfficeError(RuntimeError):
    """It is not installed and cannot be."""


def program() -> str:
    """The command; Debian's package is installed where it is missing."""
    if (found := shutil.which("soffice")) is not None:
        return found
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NoOfficeError("LibreOffice is not installed, and only root with apt-get can install it here")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", "libreoffice-calc"],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoOfficeError(f"{' '.join(command)} failed: {done.stderr.strip().splitlines()[-1:]}")
    if (found := shutil.which("soffice")) is None:
        raise NoOfficeError("the package libreoffice-calc is installed, but there is no soffice on the path")
    return found


def recalculated(books: list[Path], folder: Path) -> list[Path]:
    """Workbooks worked out anew, each under its name in ``folder``, which also keeps the program's own files."""
    done = subprocess.run(
        [
            program(),
            f"-env:UserInstallation={(folder / 'office').as_uri()}",
            "--headless",
            "--convert-to",
            "xlsx",
            "--outdir",
            str(folder),
            *map(str, books),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    made = [folder / book.name for book in books]
    assert all(book.exists() for book in made), done.stdout + done.stderr
    return made
