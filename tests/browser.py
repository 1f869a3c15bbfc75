"""A real browser for the tests of pages: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDE, NARROW = 1440, 360


def browser_path() -> str | None:
    """Where the browser is: TEST_BROWSER, else the first Chromium on the path."""
    return os.environ.get("TEST_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Seen:
    """An open page, with all that it did: dialogs, requests, what it wrote to the console."""

    page: Any
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def too_wide(self) -> int:
        """How many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def violations(self) -> list[str]:
        """What axe finds: the rule and the first element of each."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {each['nodes'][0]['html'][:200]} ({len(each['nodes'])})" for each in found]


class Browser:
    """Opens files as a reader does: with scripts allowed, and with no network that a page could reach unseen."""

    def __init__(self, driven: Any) -> None:
        self._driven = driven

    @contextmanager
    def open(self, path: Path, *, width: int = WIDE, dark: bool = False, scripts: bool = True) -> Iterator[Seen]:
        context = self._driven.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        try:
            page = context.new_page()
            seen = Seen(page)
            page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
            page.on("request", lambda request: seen.requests.append(request.url))
            page.on("console", lambda message: seen.messages.append(message.text))
            page.on("pageerror", lambda error: seen.messages.append(str(error)))
            page.goto(path.as_uri())
            yield seen
        finally:
            context.close()

    def pdf(self, path: Path) -> bytes:
        """Print a file on A4."""
        page = self._driven.new_page()
        try:
            page.goto(path.as_uri())
            printed: bytes = page.pdf(format="A4")
            return printed
        finally:
            page.close()


@contextmanager
def started() -> Iterator[Browser]:
    """Start the browser; skip the test, by name of what is missing, where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = browser_path()
    if path is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as driver:
        driven = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield Browser(driven)
        finally:
            driven.close()
