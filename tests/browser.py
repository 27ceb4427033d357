"""A real browser for tests: Debian's Chromium, installed where it is missing, driven without a window.

Comes in: pages as files, at a width, light or dark. Goes out: what it says, asks for, shows, reads out and prints.
"""

import base64
import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

#: Seconds that a page may take to load.
PATIENCE = 60
#: Commands, and Debian's packages that bring them.
NEEDED = {"chromium": "chromium", "chromedriver": "chromium-driver", "pdftotext": "poppler-utils"}
#: Inches of an A4 sheet, and points of an inch.
SHEET, POINTS = (8.27, 11.69), 72


class NoBrowserError(RuntimeError):
    """It is not installed and cannot be."""


def programs():
    """Where the commands are, by name; Debian's packages are installed where one is missing."""
    if all(shutil.which(name) for name in NEEDED):
        return {name: shutil.which(name) for name in NEEDED}
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NoBrowserError("Chromium is not installed, and only root with apt-get can install it here")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *NEEDED.values()],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoBrowserError(f"{' '.join(command)} failed: {done.stderr.strip().splitlines()[-1:]}")
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        raise NoBrowserError(f"the packages are installed, but there is no {', no '.join(missing)} on the path")
    return {name: shutil.which(name) for name in NEEDED}


@contextmanager
def running():
    """A browser that reaches no network, closed at the end."""
    from selenium import webdriver

    found, options = programs(), webdriver.ChromeOptions()
    options.binary_location = found["chromium"]
    for argument in (
        "--headless=new",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # The driver is named, so that nobody looks for one on the network.
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(found["chromedriver"]))
    try:
        driver.set_page_load_timeout(PATIENCE)
        yield Browser(driver, found["pdftotext"])
    finally:
        driver.quit()


@dataclass
class Browser:
    """One window, and the page that was opened last."""

    driver: object
    reader: str
    page: Path = field(default=Path())

    def open(self, page, *, dark=False, width=1280, height=900):
        """Open a file; what was said and asked for before is forgotten."""
        self.page = page
        self.driver.get("about:blank")
        self.resize(width, height)
        self._show("", dark=dark)
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(page.as_uri())

    def on_paper(self, *, dark=False):
        """Show the page that is open as it would be printed."""
        self._show("print", dark=dark)

    def _show(self, media, *, dark):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})

    def resize(self, width, height=900):
        sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)

    def run(self, script, *values):
        """What JavaScript returns; it runs beside the page's own policy."""
        return self.driver.execute_script(script, *values)

    def messages(self):
        """What the console says: warnings and worse."""
        return [one for one in self.driver.get_log("browser") if one["level"] in {"WARNING", "SEVERE"}]

    def requests(self):
        """The addresses that were asked for."""
        told = [json.loads(one["message"])["message"] for one in self.driver.get_log("performance")]
        return [one["params"]["request"]["url"] for one in told if one["method"] == "Network.requestWillBeSent"]

    def violations(self, only=None):
        """What axe-core finds against WCAG 2.1, levels A and AA, and good practice, outside the inside of pictures.

        What it can't decide counts too. ``only`` names the rules that are held, all of them otherwise.
        """
        self.run((files("axe_core_python") / "axe.min.js").read_text("utf-8"))
        told = self.driver.execute_async_script(
            "axe.run({exclude: [['svg > *']]}, {resultTypes: ['violations', 'incomplete'],"
            " ...(arguments[0] && {runOnly: arguments[0]})}).then(arguments[1])",
            only,
        )
        return [
            (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]])
            for one in [*told["violations"], *told["incomplete"]]
        ]

    def press(self, key):
        """A key, wherever the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def printed(self):
        """The page on A4 sheets, backgrounds and all: a PDF as bytes."""
        asked = {"paperWidth": SHEET[0], "paperHeight": SHEET[1], "preferCSSPageSize": True, "printBackground": True}
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", asked)["data"])

    def sheets(self, pdf):
        """The words of each sheet with where they stand, in points: [(x0, x1, word), ...] a sheet."""
        told = subprocess.run([self.reader, "-bbox", "-", "-"], input=pdf, capture_output=True, check=True)
        text = told.stdout.decode("utf-8", "replace")  # pdftotext writes an emoji's two halves one by one
        word = re.compile(r'<word xMin="([-\d.]+)" yMin="[-\d.]+" xMax="([-\d.]+)" yMax="[-\d.]+">(.*?)</word>')
        return [[(float(a), float(b), w) for a, b, w in word.findall(sheet)] for sheet in text.split("<page ")[1:]]

    def darkness(self, pdf):
        """How dark each sheet is on the whole: 0 is white, 1 is black."""
        import numpy as np
        from PIL import Image

        folder = self.page.parent / "sheets"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        command = [shutil.which("pdftoppm"), "-r", "20", "-gray", "-", str(folder / "sheet")]
        subprocess.run(command, input=pdf, capture_output=True, check=True)
        return [1 - float(np.asarray(Image.open(one)).mean()) / 255 for one in sorted(folder.iterdir())]
