"""Pages as a reader sees them, in a browser without a window and without a network."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def installed_browser() -> str:
    """The path of a browser; a test that needs one is skipped where there is none."""
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    pytest.skip(f"none of {', '.join(BROWSERS)} is installed")


@contextmanager
def started_browser() -> Iterator:
    """A browser that opens pages by Playwright, which downloads none of its own."""
    path = installed_browser()
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser, path: Path, width: int = 1280, height: int = 900, **options) -> Iterator:
    """A page from a file: nothing it does may fail, and nothing may be fetched from elsewhere."""
    with browser.new_context(viewport={"width": width, "height": height}, **options) as context:
        page = context.new_page()
        errors, fetched = [], []
        page.on("pageerror", lambda error: errors.append(error))  # of a list it would set an attribute
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(path.as_uri())
        yield page
        assert not errors
        assert all(url.startswith(("file:", "data:")) for url in fetched), fetched
