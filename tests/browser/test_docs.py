"""The documentation as it is built: no warning, nothing asked of a network, nothing axe-core would mend."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from accessibility import DESKTOP, NEEDS_CHROMIUM, PHONE, violations, walk_keys

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
pytestmark = NEEDS_CHROMIUM
#: A page of each kind: pictures and cards, prose with examples, tables, code from files, docstrings.
KINDS = ["index", "analysts", "definitions/hours", "adding-a-measure", "api/statistics/resampling"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(folder / "read"), str(ROOT / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


def pages(site: Path) -> list[Path]:
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def test_every_page_is_built_and_asks_for_nothing_from_elsewhere(site: Path) -> None:
    found = pages(site)
    sources = [path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
    assert {path.relative_to(site).with_suffix("") for path in found} >= {
        path.relative_to(ROOT / "docs").with_suffix("") for path in sources
    }
    outside = re.compile(
        r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*", re.IGNORECASE
    )
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert not outside.search(text), path.name
        assert str(ROOT) not in text, path.name


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_each_kind_has_nothing_to_mend(kind: str, site: Path, browser: Browser) -> None:
    assert violations(site / f"{kind}.html", browser) == []


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_keyboard_goes_through_a_page_in_order(width: int, site: Path, browser: Browser) -> None:
    stops = walk_keys(site / "directors.html", browser, width=width)
    assert stops[0]["words"] == "Skip to main content"
    for stop in stops:
        assert stop["shown"], stop
        assert stop["marked"], stop
        assert stop["onward"], stop
    words = [stop["words"] for stop in stops]
    assert "How the limits are made" in words
    assert words.index("How the limits are made") < words.index("signs it off")


def test_a_fault_would_be_seen(tmp_path: Path, browser: Browser) -> None:
    page = tmp_path / "faint.html"
    page.write_text("<!doctype html><title>x</title><p style='color:#bbb'>Faint</p><img src='x.png'>", encoding="utf-8")
    rules = {line.split(":")[0] for line in violations(page, browser)}
    assert {"html-has-lang", "color-contrast", "image-alt"} <= rules


@pytest.mark.slow
@pytest.mark.parametrize(("dark", "width"), [(False, DESKTOP), (True, PHONE)])
def test_no_page_has_anything_to_mend(dark: bool, width: int, site: Path, browser: Browser) -> None:
    found = {
        page.relative_to(site).as_posix(): violations(page, browser, dark=dark, width=width) for page in pages(site)
    }
    assert {name: lines for name, lines in found.items() if lines} == {}
