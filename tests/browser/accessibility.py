"""What axe-core finds wrong with a page in headless Chromium, light or dark, at any width."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


#: What a reader at the keyboard sees: the element in focus, whether it can be seen, and whether it stands after the last one.
_FOCUSED = """() => {
    const now = document.activeElement, before = window.before, box = now.getBoundingClientRect();
    const style = getComputedStyle(now);
    window.before = now;
    return {
        words: (now.getAttribute("aria-label") || now.innerText || now.title || "").trim(),
        end: now === document.body,
        shown: box.width > 0 && box.height > 0,
        marked: style.outlineStyle !== "none" || style.boxShadow !== "none",
        onward: !before || Boolean(before.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING),
    };
}"""


def walk_keys(page_path: Path, browser: Browser, *, width: int = DESKTOP, most: int = 200) -> list[dict[str, Any]]:
    """What the Tab key reaches on a page, in order, until it leaves the page."""
    context = browser.new_context(offline=True, reduced_motion="reduce", viewport={"width": width, "height": 900})
    try:
        page = context.new_page()
        page.goto(page_path.resolve().as_uri())
        stops = []
        for _ in range(most):
            page.keyboard.press("Tab")
            stop = page.evaluate(_FOCUSED)
            if stop["end"]:
                return stops
            stops.append(stop)
    finally:
        context.close()
    raise AssertionError("the Tab key never leaves the page")
