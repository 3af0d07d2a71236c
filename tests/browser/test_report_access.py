"""The report can be used by everybody: no rule of axe-core broken, keys that lead through it, words that can be read."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from accessibility import NEEDS_CHROMIUM, PHONE, violations

import iop_outcomes as iop
from iop_outcomes.records.synthetic import simulate_records

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ElementHandle, Page

pytestmark = NEEDS_CHROMIUM
REPORTS = Path(__file__).parents[2] / "reports"
#: Contrast of text with what lies behind it: WCAG 2.2, success criterion 1.4.3, level AA.
LEAST_CONTRAST = 4.5
#: The smallest letters of a drawing in its own units, and in pixels of a screen that is read.
SMALLEST, LEAST_LETTER = 7, 7


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public report of a programme so small that most numbers are withheld."""
    records = iop.read_records(simulate_records(people=40, seed=2).source)
    folder = tmp_path_factory.mktemp("small")
    return iop.write_quarterly(records, quarter="2025Q3", folder=folder, audiences=("public",))[0]


@pytest.fixture(scope="module", params=["public", "internal", "small"])
def report(request: pytest.FixtureRequest) -> Path:
    """The report of the sample as it stands in the repository, for each audience, and that of a small programme."""
    if request.param == "small":
        return Path(request.getfixturevalue("small"))
    return REPORTS / f"quarterly-2025Q4-{request.param}.html"


def test_the_report_breaks_no_rule_of_axe(report: Path, browser: Browser) -> None:
    assert violations(report, browser) == []


def test_keys_lead_through_the_report_from_top_to_bottom(report: Path, browser: Browser) -> None:
    page = browser.new_page()
    try:
        page.goto(report.resolve().as_uri())
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        stops = page.evaluate(
            """() => [...document.querySelectorAll('a, summary, [tabindex]')].filter(
                 each => each.checkVisibility()).map(each => each.tabIndex)"""
        )
        assert set(stops) == {0}, "nothing jumps the order of reading"
        seen = []
        for _ in range(min(60, len(stops) - 1)):
            page.keyboard.press("Tab")
            seen.append(
                page.evaluate(
                    """() => [...document.querySelectorAll('a, summary, [tabindex]')].filter(
                         each => each.checkVisibility()).indexOf(document.activeElement)"""
                )
            )
        assert seen == list(range(1, len(seen) + 1))
    finally:
        page.close()


def test_words_in_figures_stand_out_from_what_lies_behind_them(report: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1240, "height": 900})
    try:
        page.goto(report.resolve().as_uri())
        figures = page.query_selector_all(".drawing, .spark")
        written = [(_name(figure), contrasts(page, figure)) for figure in figures]
    finally:
        page.close()
    drawings = [found for name, found in written if name.endswith(" drawing")]
    assert drawings
    assert all(drawings), "a figure in which no word was found was not looked at"
    faint = [(name, round(min(found), 1)) for name, found in written if found and min(found) < LEAST_CONTRAST]
    assert faint == []


def test_figures_keep_readable_letters_on_a_phone_and_scroll_in_their_frames(small: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": PHONE, "height": 844})
    try:
        page.goto(small.resolve().as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, (
            "the page itself does not scroll sideways"
        )
        scales = page.evaluate(
            "() => [...document.querySelectorAll('.drawing svg')].map(svg => svg.clientWidth / svg.viewBox.baseVal.width)"
        )
        assert scales
        assert SMALLEST * min(scales) >= LEAST_LETTER
        frame = page.locator("figure > [role=region]").first
        frame.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.activeElement.scrollLeft > 0", timeout=5000)
        assert (frame.get_attribute("aria-label") or "").startswith("Figure: ")
    finally:
        page.close()
    assert violations(small, browser, width=PHONE) == []


def contrasts(page: Page, figure: ElementHandle) -> list[float]:
    """The contrast of each word of a figure with the tone behind most of it."""
    from matplotlib.image import imread

    words = figure.evaluate(
        """figure => { const at = figure.getBoundingClientRect();
             return [...figure.querySelectorAll('g[id*="-text_"]')].filter(text => text.querySelector('use')).map(text => {
               const glyphs = [...text.querySelectorAll('use')].map(use => use.getBoundingClientRect());
               const fill = getComputedStyle(text.querySelector('use')).fill;
               return [Math.min(...glyphs.map(g => g.left)) - at.left, Math.min(...glyphs.map(g => g.top)) - at.top,
                       Math.max(...glyphs.map(g => g.right)) - at.left, Math.max(...glyphs.map(g => g.bottom)) - at.top,
                       fill] }) }"""
    )
    figure.evaluate("figure => figure.querySelectorAll('use').forEach(use => { use.style.opacity = 0 })")
    picture = imread(io.BytesIO(figure.screenshot()))[:, :, :3]
    found = []
    for left, top, right, bottom, fill in words:
        behind = picture[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1].reshape(-1, 3)
        if len(behind):
            ink = np.array([int(part) for part in re.findall(r"\d+", fill)[:3]]) / 255
            found.append(_contrast(ink, np.median(behind, axis=0)))
    return found


def _contrast(one: np.ndarray, other: np.ndarray) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(tone: np.ndarray) -> float:
    """Relative luminance of an sRGB tone, as WCAG defines it."""
    linear = np.where(tone <= 0.04045, tone / 12.92, ((tone + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _name(figure: ElementHandle) -> str:
    return str(figure.evaluate("figure => (figure.closest('[id]') || {}).id + ' ' + figure.className"))


# --- what the page itself says, without a browser --------------------------------------------------------------------
class _Outline(HTMLParser):
    """Headings, languages, heads of columns and rows, and the words that stand for figures."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.language = ""
        self.heads: list[str | None] = []
        self.spoken: list[str] = []
        self.drawn = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        elif tag == "html":
            self.language = given.get("lang") or ""
        elif tag == "th":
            self.heads.append(given.get("scope"))
        elif tag == "svg":
            self.drawn += 1
        if given.get("role") == "img":
            self.spoken.append(given.get("aria-label") or "")


def test_headings_tables_and_figures_say_what_they_are(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    outline = _Outline()
    outline.feed(text)
    assert outline.language == "en"
    assert outline.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))
    assert outline.heads
    assert set(outline.heads) <= {"col", "row"}
    assert len(outline.spoken) == outline.drawn > 0
    assert all(len(words) > 30 and re.search(r"\d|withheld|[Nn]othing", words) for words in outline.spoken)
    assert "@media print" in text
    assert not re.search(r"\b(?:animation|transition)\b", text.partition("</style>")[0]), "nothing moves"
