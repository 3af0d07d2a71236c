"""Pages: what a reader sees of a published number, and what a writer refuses."""

from __future__ import annotations

import csv
import math
import re
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "disclosure"))
from handmade import made_document, made_flow, made_release, made_series

from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication import formatting
from iop_outcomes.publication.document import DisclosureStatement, Document, Note, Page, Table, TableBlock, pick
from iop_outcomes.publication.export import safe_text, write_csv
from iop_outcomes.publication.figures import FIGURES, figure_block, to_svg
from iop_outcomes.publication.figures.control import latest_signal
from iop_outcomes.publication.figures.style import spread
from iop_outcomes.publication.formatting import Quantity, say_frequency, say_quantity, show, show_interval
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.html import render_html, write_html, write_table

EVIL = "<script>alert('x')</script> & \"$\\alpha$\""


# --- words -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "none of the people"),
        (0.004, "fewer than 1 in 100 people"),
        (0.04, "about 1 in 25 people"),
        (0.1, "about 1 in 10 people"),
        (0.49, "about half of people"),
        (0.62, "about 6 in 10 people"),
        (0.94, "about 9 in 10 people"),
        (0.97, "about 97 in 100 people"),
        (1.0, "all people"),
    ],
)
def test_a_share_is_said_as_a_frequency(share: float, words: str) -> None:
    assert say_frequency(share) == words


def test_a_percent_stands_only_on_thirty_or_more() -> None:
    assert show(Quantity("share", 18 / 30, n=18, denominator=30)) == "60%"
    assert show(Quantity("share", 18 / 29, n=18, denominator=29)) == "18 of 29"
    assert show_interval(Quantity("share", 0.6, 0.41, 0.77, n=18, denominator=30)) == "41% to 77%"
    assert show_interval(Quantity("share", 18 / 29, 0.41, 0.77, n=18, denominator=29)) == "4 to 8 in 10"


def test_a_withheld_number_has_one_mark_and_words_that_say_nothing_of_it() -> None:
    hidden = Quantity("share", math.nan, status="withheld")
    assert show(hidden) == show_interval(hidden) == formatting.WITHHELD
    assert say_quantity(hidden) == "a number that is withheld to protect privacy"
    assert show(Quantity("days", math.nan, status="not_reached")) == "not reached"


def test_a_quantity_is_said_with_its_interval() -> None:
    said = say_quantity(Quantity("share", 0.61, 0.55, 0.67, n=61, denominator=100))
    assert said == "about 6 in 10 people (61%; likely between 55% and 67%)"


# --- what a page accepts ---------------------------------------------------------------------------------------------
def test_a_writer_refuses_what_did_not_pass_the_gate(tmp_path: Path) -> None:
    estimates = made_flow()
    with pytest.raises(DisclosureError):
        figure_block("attrition", estimates, id="a")  # type: ignore[arg-type]
    with pytest.raises(DisclosureError):
        TableBlock("t", Table(("a",), ()), estimates)  # type: ignore[arg-type]
    with pytest.raises(DisclosureError):
        write_csv(estimates, tmp_path / "x.csv")  # type: ignore[arg-type]
    with pytest.raises(DisclosureError):
        write_table(estimates, tmp_path / "x.html")  # type: ignore[arg-type]
    with pytest.raises(DisclosureError):
        write_html("<p>", tmp_path / "x.html")  # type: ignore[arg-type]


def test_a_public_page_refuses_internal_rows() -> None:
    internal = figure_block("attrition", publish(made_flow(), audience="internal"), id="a")
    page = Page("p", "1", "t", "", (internal,))
    with pytest.raises(DisclosureError, match="audience"):
        Document("t", "", "", "", publish(made_flow()).audience, (page,))


def test_pages_and_figures_have_ids_of_their_own() -> None:
    block = figure_block("attrition", publish(made_flow()), id="a")
    with pytest.raises(ValueError, match="share an id"):
        Document("t", "", "", "", block.source.audience, (Page("p", "1", "t", "", (block, block)),))


def test_picking_asks_for_exactly_one_row() -> None:
    published = publish(made_flow())
    assert pick(published, category="counted").value == 600
    with pytest.raises(LookupError):
        pick(published, definition="attrition@1")


# --- the page --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def page() -> str:
    return render_html(made_document())


class Reader(HTMLParser):
    """Tags with their attributes, and ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_fetches_nothing_and_runs_nothing(page: str) -> None:
    reader = Reader(page)
    assert not [
        tag for tag, _ in reader.tags if tag in ("script", "iframe", "object", "embed", "img", "image", "foreignobject")
    ]
    for tag, attributes in reader.tags:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data"):
            target = attributes.get(name)
            assert target is None or target.startswith("#") or target == "data:,", (tag, name)
        assert not any(name.startswith("on") for name in attributes), tag
    assert not re.search(r"url\((?!#)|@import", page)


def test_ids_are_unique_and_references_find_them(page: str) -> None:
    reader = Reader(page)
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {str(a["href"])[1:] for _, a in reader.tags if str(a.get("href", "")).startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert wanted <= set(ids)


def test_the_page_has_landmarks_a_skip_link_and_words_for_every_picture(page: str) -> None:
    reader = Reader(page)
    tags = [tag for tag, _ in reader.tags]
    for landmark in ("header", "nav", "main", "footer"):
        assert tags.count(landmark) == 1
    assert tags.count("h1") == 1
    assert '<a class="skip" href="#content">' in page
    pictures = [attributes for tag, attributes in reader.tags if attributes.get("role") == "img"]
    assert len(pictures) == tags.count("svg") >= 9
    assert all(len(attributes.get("aria-label") or "") > 30 for attributes in pictures)
    assert tags.count("details") == tags.count("figure") == 7


def test_markup_in_a_label_arrives_as_text() -> None:
    text = render_html(made_document(label=EVIL))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_markup_in_a_group_or_reason_arrives_as_text_in_the_figure_too() -> None:
    rows = [
        {"measure": "c", "definition": "attrition@1", "estimand": "count", "category": EVIL, "at": 1.0, "value": 40, "n": 40,
         "denominator": 90}
    ]  # fmt: skip
    block = figure_block("attrition", publish(Estimates.from_rows(rows)), id="a")
    assert "<script" not in block.svg
    assert "alert" not in block.svg  # drawn as paths: no text that could be read as markup
    document = Document("t", "", "", "", block.source.audience, (Page("p", "1", "t", "", (block,)),))
    assert "<script" not in render_html(document)


def test_a_figure_with_live_markup_is_refused() -> None:
    published = publish(made_flow())
    block = figure_block("attrition", published, id="a")
    live = type(block)("b", "t", "<svg><script>1</script></svg>", "words", "", block.table, published)
    with pytest.raises(DisclosureError, match="markup"):
        render_html(Document("t", "", "", "", published.audience, (Page("p", "1", "t", "", (live,)),)))


def test_a_second_run_gives_the_same_bytes(tmp_path: Path, page: str) -> None:
    path = write_html(made_document(), tmp_path / "page.html")
    assert path.read_bytes().decode("utf-8") == page


def test_points_of_bare_numbers_stand_in_line() -> None:
    published = made_release()
    numbers = [Quantity("number", value) for value in (8.72, 16.4, 1234.0)]
    rows = tuple((str(place), one) for place, one in enumerate(numbers))
    block = TableBlock("Scores", Table(("", "Before"), rows), published)
    text = render_html(Document("t", "", "", "", published.audience, (Page("p", "1", "t", "", (block,)),)))
    cells = re.findall(r'<td class="num">([^<]*)</td>', text)
    assert cells == ["8.72", "16.4\u2007", "1,234\u2008\u2007\u2007"]


def test_printed_pages_without_a_number_share_a_sheet() -> None:
    published = made_release()
    told = Page("p", "1", "t", "", (Note("Withheld."), DisclosureStatement(published)))
    shown = Page("q", "2", "t", "", (TableBlock("t", Table(("a",), ()), published),))
    text = render_html(Document("t", "", "", "", published.audience, (told, shown)))
    assert re.findall(r'<section class="([^"]+)"', text) == ["page brief", "page"]


def test_stamps_stand_on_every_page() -> None:
    for audience, stamps in (("internal", ("INTERNAL", "SYNTHETIC")), ("public", ("SYNTHETIC",))):
        document = made_document(audience, people=120)
        assert document.stamps == stamps
        text = render_html(document)
        for stamp in stamps:
            assert text.count(f">{stamp}</span>") == 1 + len(document.pages)
        assert (">INTERNAL</span>" in text) == (audience == "internal")


def test_release_ids_and_the_policy_stand_on_the_page(page: str) -> None:
    document = made_document()
    assert len(document.release_ids) == 1
    assert document.release_ids[0] in page
    assert "Policy: cms." in page
    assert "Signed off by A. Person." in page


def test_no_unreleased_count_stands_in_the_table_or_the_alt_text() -> None:
    estimates = Estimates.from_rows(
        [
            {"measure": "c", "definition": "completeness@1", "estimand": "proportion", "category": word, "value": n / 1234,
             "n": n, "denominator": 1234, "people": 1234}
            for word, n in (("seen", 777), ("hidden", 1229))
        ]
    )  # fmt: skip
    block = figure_block("completeness", publish(estimates), id="c")
    text = render_html(Document("t", "", "", "", block.source.audience, (Page("p", "1", "t", "", (block,)),)))
    assert "777" in text
    assert "1,229" not in text
    assert "Hidden" in text


# --- files -----------------------------------------------------------------------------------------------------------
def test_a_csv_holds_released_numbers_and_no_formula(tmp_path: Path) -> None:
    rows = [
        {"measure": "m", "definition": "d@1", "estimand": "proportion", "by": "site", "group": name, "value": n / 50, "n": n,
         "denominator": 50, "people": 50}
        for name, n in (("=cmd()", 25), ("@x", 20), ("+1", 15), ("-2", 3), ("fine", 15))
    ]  # fmt: skip
    path = write_csv(publish(Estimates.from_rows(rows)), tmp_path / "x.csv")
    with path.open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [row["group"] for row in found] == ["'=cmd()", "'@x", "'+1", "'-2", "fine"]
    assert [row["n"] for row in found] == ["25", "20", "15", "", "15"]
    assert found[3]["status"] == "withheld"
    assert {row["policy"] for row in found} == {"cms"}


def test_leading_spaces_and_control_characters_do_not_hide_a_formula() -> None:
    assert safe_text("  =1") == "'  =1"
    assert safe_text("a\x00b") == "ab"


def test_a_plain_table_of_published_rows(tmp_path: Path) -> None:
    path = write_table(publish(made_series()), tmp_path / "t.html", title="Hours")
    text = path.read_text(encoding="utf-8")
    assert "<table>" in text
    assert "2024-01-01 to 2025-06-28" in text


# --- figures ---------------------------------------------------------------------------------------------------------
DRAWN = {
    "endings": {"by": "all"},
    "milestones": {"by": "all"},
    "hours_ladder": {"by": "all"},
    "weekly_attendance": {},
    "xmr": {"definition": "hours_completion_admitted@1"},
    "sparkline": {"definition": "hours_completion_admitted@1"},
    "attrition": {},
    "completeness": {},
}


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_figure_draws_describes_and_lists_published_rows(name: str) -> None:
    rows = made_release().where(**DRAWN[name])
    kind = FIGURES[name]
    one, two = to_svg(kind.draw(rows), "x"), to_svg(kind.draw(rows), "x")
    assert one == two
    assert one.startswith("<svg")
    assert "<!--" not in one
    assert "<metadata" not in one
    assert len(kind.describe(rows)) > 30
    assert kind.tabulate(rows).rows


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_figure_without_numbers_says_so(name: str) -> None:
    empty = publish(Estimates.from_rows([]))
    kind = FIGURES[name]
    assert to_svg(kind.draw(empty), "x").startswith("<svg")
    assert kind.describe(empty)
    assert not kind.tabulate(empty).rows


def test_a_dollar_sign_is_not_mathematics() -> None:
    rows = [{"measure": "c", "definition": "completeness@1", "estimand": "proportion", "category": "cost $a_b$ $", "value": 0.5,
             "n": 50, "denominator": 100, "people": 100}]  # fmt: skip
    assert to_svg(FIGURES["completeness"].draw(publish(Estimates.from_rows(rows))), "x")


def test_a_signal_needs_enough_points() -> None:
    assert latest_signal(made_series(18)) == "better"
    assert latest_signal(made_series(8)) == "too_few"


def test_labels_keep_their_distance_and_their_order() -> None:
    places = spread([0.99, 0.98, 0.97, 0.5], 0.06, 0.02, 0.98)
    assert places == sorted(places, reverse=True)
    assert min(a - b for a, b in pairwise(places)) >= 0.06 - 1e-9
    assert max(places) <= 0.98 + 1e-9


def test_two_figures_under_one_name_do_not_take_each_others_letters() -> None:
    """A notebook shows two figures of a kind in one document: an id they share must stand for the same drawing."""
    import re

    from matplotlib.figure import Figure

    drawn: dict[str, set[str]] = {}
    for words, width in (("supported", 0.4), ("not reached", 0.7)):
        figure = Figure()
        axes = figure.add_axes((0.1, 0.1, width, 0.8))
        axes.plot([0, 1], [0, 1])
        axes.set_title(words)
        svg = to_svg(figure, "same")
        for used in re.findall(r'(?:href="|url\()#([^")]+)', svg):
            place = svg.index(f'id="{used}"')
            drawn.setdefault(used, set()).add(
                svg[place : svg.index("</", place)] if "clip" in used else svg[place : svg.index(">", place)]
            )
    assert len(drawn) > 10
    assert all(len(shapes) == 1 for shapes in drawn.values())
