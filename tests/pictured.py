"""The manual's pictures, drawn by the code beside them. Comes in: docs/pictures.md. Goes out: Axes, and PNG files.

An image on that page is followed by a block of Python whose last line is the call that draws it. The page is the list:
tests hold what is drawn now beside the committed images, and ``python -m tests.pictured`` draws them anew.
"""

import ast
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "pictures.md"
#: Dots an inch, and colours: 256 keep a picture at a dozen kilobytes, and within 0.4 of what was drawn (RMS of 255).
DPI, COLOURS = 80, 256

_PART = re.compile(r"!\[(?P<alt>[^\]]*)\]\(pictures/(?P<name>\w+)\.png\)|```python\n(?P<code>.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pictured:
    """A picture of the page: its file's name, what stands for it where it cannot be seen, and the call."""

    name: str
    alt: str
    call: ast.Call
    before: tuple[ast.stmt, ...]
    line: int

    @property
    def file(self):
        return PAGE.parent / "pictures" / f"{self.name}.png"


def pictures() -> tuple[Pictured, ...]:
    """What the page shows, from top to bottom; ``before`` is all code since the picture before."""
    text, found, waiting, before = PAGE.read_text(encoding="utf-8"), [], None, []
    for part in _PART.finditer(text):
        if part["name"]:
            assert waiting is None, f"docs/pictures.md: no code draws {waiting}"
            waiting = part["name"], part["alt"]
            continue
        line = text[: part.start("code")].count("\n")
        body = ast.parse("\n" * line + part["code"], str(PAGE)).body
        if waiting is not None:
            call = body.pop().value
            assert isinstance(call, ast.Call), f"docs/pictures.md:{line}: this block ends in no call"
            found.append(Pictured(*waiting, call, (*before, *body), call.lineno))
            waiting, before = None, []
        else:
            before += body
    return tuple(found)


@cache
def _namespaces():
    """The page's names as they are when each picture is drawn; its code runs once, where the samples are."""
    made, names, here = {}, {"__name__": "pictures"}, Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "data" / "samples", Path(folder) / "data" / "samples")
        os.chdir(folder)
        try:
            for picture in pictures():
                code = ast.Module([*picture.before], type_ignores=[])
                exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102
                made[picture.name] = dict(names)
        finally:
            os.chdir(here)
    return made


def drawn(picture: Pictured, ax=None):
    """The Axes that a picture's call returns, on ``ax`` where one is given."""
    names = _namespaces()[picture.name] | {"_ax": ax}
    call = ast.Call(picture.call.func, picture.call.args, [*picture.call.keywords])
    if ax is not None:
        call.keywords.append(ast.keyword("ax", ast.Name("_ax", ast.Load())))
    made = ast.fix_missing_locations(ast.Expression(ast.copy_location(call, picture.call)))
    return eval(compile(made, str(PAGE), "eval"), names)  # noqa: S307


def method_of(picture: Pictured) -> str:
    """Which method draws a picture, such as ``SamplePaths.plot``."""
    made = ast.fix_missing_locations(ast.Expression(picture.call.func))
    names = dict(_namespaces()[picture.name])
    return eval(compile(made, str(PAGE), "eval"), names).__func__.__qualname__  # noqa: S307


def png(ax, colours: int | None = COLOURS) -> bytes:
    """A small PNG of an Axes' figure, the same bytes each time."""
    raw, made = BytesIO(), BytesIO()
    ax.figure.savefig(raw, format="png", dpi=DPI)
    image = Image.open(raw).convert("RGB")
    if colours is not None:
        image = image.quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    image.save(made, format="png", optimize=True)
    return made.getvalue()


def main() -> None:
    """Draw every picture of the page anew, and remove those that it no longer shows."""
    kept = set()
    for picture in pictures():
        picture.file.parent.mkdir(exist_ok=True)
        made = png(drawn(picture))
        kept.add(picture.file)
        if not picture.file.exists() or picture.file.read_bytes() != made:
            picture.file.write_bytes(made)
            print(f"drew {picture.file.relative_to(ROOT)}, {len(made) / 1000:.0f} kB")
    for file in sorted(set((PAGE.parent / "pictures").glob("*.png")) - kept):
        file.unlink()
        print(f"removed {file.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
