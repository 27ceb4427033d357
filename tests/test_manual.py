"""The manual builds without a warning, tells every public name, loads nothing from elsewhere, and its links hold."""

import inspect
import os
import re
import subprocess
import sys
import zlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGES = ("forecast", "scenarios")
#: Pages of Sphinx's own, which lie in no folder of ours.
MADE = {"genindex.html", "index.html", "py-modindex.html", "search.html"}
ELSEWHERE = re.compile(r"(?:https?:)?//")
#: What a style sheet loads: addresses of url() and @import. A comment may name where a licence stands.
STYLE = re.compile(r"/\*.*?\*/|(?:url\(|@import(?!\s*url))\s*['\"]?\s*([^'\")\s;]+)", re.DOTALL)


@dataclass
class Page(HTMLParser):
    """What a page loads, where it links to, and what can be linked to in it."""

    path: Path
    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    styles: list[str] = field(default_factory=list)
    mute: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self._inside = ""
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self._inside = tag
        self.ids |= {told[key] for key in ("id", "name") if told.get(key)}
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        if tag == "link" and told.get("rel") not in {"author", "canonical", "next", "prev", "search", "index"}:
            self.loads.append(told.get("href") or "")
        if tag != "a":
            self.loads += [told[key] or "" for key in ("src", "srcset", "data", "poster") if key in told]
        if tag == "img" and (told.get("alt") is None or told["alt"] == told.get("src")):
            self.mute.append(told.get("src") or "")
        if told.get("style"):
            self.styles.append(told["style"])

    def handle_data(self, data):
        if self._inside == "style":
            self.styles.append(data)


def loaded(style):
    """The addresses that a style sheet loads."""
    return [found[1] for found in STYLE.finditer(style) if found[1] and not found[1].startswith(("data:", "#"))]


def inventory(path):
    """The names of an object inventory."""
    rest = path.read_bytes().split(b"\n", 4)[4]
    return {line.split(" ", 1)[0] for line in zlib.decompress(rest).decode().splitlines()}


def public_names():
    """Every public name, and every public method and property of its classes."""
    for package in PACKAGES:
        module = import_module(package)
        for name in module.__all__:
            thing = getattr(module, name)
            yield f"{package}.{name}"
            if inspect.isclass(thing):
                yield from (f"{package}.{name}.{member}" for member in dir(thing) if is_ours(thing, member))


def is_ours(thing, member):
    static = inspect.getattr_static(thing, member)
    made = getattr(static, "fget", None) or getattr(static, "__func__", static)
    return not member.startswith("_") and inspect.isfunction(made) and made.__module__.startswith(PACKAGES)


def untold(folder):
    told = inventory(folder / "objects.inv")
    return [f"{name} has no place in the manual" for name in public_names() if name not in told]


def unbuilt(folder):
    pages = [*DOCS.glob("**/*.md"), *DOCS.glob("**/*.rst"), *(ROOT / "notebooks").glob("*.ipynb")]
    wanted = [page.relative_to(ROOT).with_suffix(".html") for page in pages if page.parent.name[0] != "_"]
    return [f"{page} was not built" for page in wanted if not (folder / page).is_file()]


def from_elsewhere(pages, folder):
    found = [(page.path, load) for page in pages for load in page.loads]
    found += [(page.path, load) for page in pages for style in page.styles for load in loaded(style)]
    for sheet in folder.glob("**/*.css"):
        found += [(sheet, load) for load in loaded(sheet.read_text(encoding="utf-8"))]
    return [f"{path.relative_to(folder)} loads {load}" for path, load in found if ELSEWHERE.match(load)]


def broken(pages, folder):
    by_path = {page.path.resolve(): page for page in pages}
    for page in pages:
        for link in page.links:
            if ELSEWHERE.match(link) or link.startswith(("mailto:", "data:")):
                continue
            target, _, fragment = link.partition("#")
            path = (page.path.parent / unquote(target)).resolve() if target else page.path.resolve()
            at = f"{page.path.relative_to(folder)}: {link}"
            if not path.is_file():
                yield f"{at}: there is no such file"
            elif path in by_path and fragment and unquote(fragment) not in by_path[path].ids:
                yield f"{at}: there is no such place"


def test_the_manual_builds_without_a_warning_and_is_whole(tmp_path):
    folder = tmp_path / "manual"
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "--nitpicky"]
    places = ["--conf-dir", str(DOCS), "--doctree-dir", str(tmp_path / "doctrees"), str(ROOT), str(folder)]
    done = subprocess.run(
        command + places, cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ | {"TZ": "UTC"}
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    pages = [Page(path) for path in sorted(folder.glob("**/*.html")) if "_static" not in path.parts]
    assert {page.path.name for page in pages if page.path.parent == folder} >= {"index.html", "search.html"}
    assert sum(len(page.links) for page in pages) > 1_000
    found = [*untold(folder), *unbuilt(folder), *from_elsewhere(pages, folder), *broken(pages, folder)]
    found += [f"{page.path.relative_to(folder)}: {name} has no words" for page in pages for name in page.mute]
    assert not found, "\n".join(found)


def test_the_checks_see_what_they_look_for(tmp_path):
    """A page with one fault of each kind, and what is no fault."""
    (tmp_path / "a.css").write_text(
        "/* https://a.b/ */ @import 'https://a.b/c.css'; x { src: url(f.woff), url(//a.b/g) }"
    )
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here"><a href="#there"><a href="b.html"><a href="a.html#here"><a href="https://a.b">'
        '<img src="a.png"><img src="https://a.b/c.png"><script src="//a.b/c.js"></script><link rel="next" href="//a.b">'
        '<link rel="stylesheet" href="http://a.b/c.css"><p style="background: url(https://a.b/d.png)">'
        "<style>p { background: url(data:image/png;base64,x) } @import url(https://a.b/e.css);</style>"
    )
    pages = [Page(tmp_path / "a.html")]
    assert [told.partition(" ")[2] for told in from_elsewhere(pages, tmp_path)] == [
        f"loads {address}"
        for address in (
            "https://a.b/c.png",
            "//a.b/c.js",
            "http://a.b/c.css",
            "https://a.b/d.png",
            "https://a.b/e.css",
            "https://a.b/c.css",
            "//a.b/g",
        )
    ]
    assert [name for page in pages for name in page.mute] == ["a.png", "https://a.b/c.png"]
    assert list(broken(pages, tmp_path)) == [
        "a.html: #there: there is no such place",
        "a.html: b.html: there is no such file",
    ]


def reference(pattern):
    """The names that the pages of the reference tell, by package: what stands after ``currentmodule``."""
    told = {package: [] for package in PACKAGES}
    for page in sorted((DOCS / "reference").glob("*.rst")):
        package = None
        for line in page.read_text(encoding="utf-8").splitlines():
            if found := re.match(r"\.\. currentmodule:: (\w+)", line):
                package = found[1]
            elif found := re.match(pattern, line):
                told[package].append(found[1])
    return told


@pytest.mark.parametrize("pattern", [r"\.\. auto(?:class|exception|function):: (\w+)$", r"   (\w+)$"])
@pytest.mark.parametrize("package", PACKAGES)
def test_the_reference_tells_each_public_name_once(package, pattern):
    """On its page, and in the lists of the reference's first page."""
    told = reference(pattern)[package]
    missing = sorted(set(import_module(package).__all__) - set(told))
    assert not missing, f"no page of docs/reference has {missing}"
    assert sorted(told) == sorted(import_module(package).__all__)


@pytest.mark.parametrize("page", sorted(DOCS.glob("**/*.md")), ids=lambda page: page.stem)
def test_no_line_of_a_page_is_taken_for_a_comment(page):
    """MyST drops a line that begins with a per cent sign."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.findall(r"^\s*%.*", prose, re.MULTILINE)


def test_the_style_sheet_takes_its_colours_from_pictures():
    """All of them: it names none itself, and each that it asks for is one of the palette's."""
    own, palette = ((DOCS / "_static" / name).read_text(encoding="utf-8") for name in ("tokenplan.css", "palette.css"))
    asked = set(re.findall(r"var\((--tokenplan-[\w-]+)\)", own))
    assert asked
    for part in palette.split("html[data-theme=")[1:]:
        assert asked <= set(re.findall(r"(--tokenplan-[\w-]+): #[0-9a-f]{6};", part))
    assert not re.search(r"#[0-9a-f]{3,8}\b", own)


def test_pages_that_the_code_writes_are_as_it_writes_them():
    done = subprocess.run(
        [sys.executable, str(DOCS / "_pages"), "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
