"""What axe-core finds wrong with a page in headless Chromium, light or dark, at any width."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

#: Marks of a module whose tests open pages: ``pytestmark = NEEDS_CHROMIUM``.
NEEDS_CHROMIUM = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]

DESKTOP, PHONE = 1240, 390


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium; ``conftest.py`` lends one to each module as the fixture ``browser``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


def violations(page_path: Path, browser: Browser, *, dark: bool = False, width: int = DESKTOP) -> list[str]:
    """Every rule of axe-core a page breaks, as ``rule: where: why``; empty when there is nothing to mend.

    The page is opened without a network. ``dark`` asks for the dark colours where the page has them.
    """
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(
        offline=True,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        viewport={"width": width, "height": 900},
    )
    try:
        page = context.new_page()
        page.goto(page_path.resolve().as_uri())
        found = Axe().run(page).response["violations"]
    finally:
        context.close()
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]
