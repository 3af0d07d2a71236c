"""The quarterly report: the same bytes twice, for any programme, from published rows only."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from pages import list_prose, read_page, read_printed
from prose import BANNED, grade_text
from pypdf import PdfReader

import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.publication.document import (
    Document,
    FigureBlock,
    Note,
    Sentences,
    TableBlock,
    TextTable,
    Tiles,
)
from iop_outcomes.publication.figures import FIGURES
from iop_outcomes.publication.formatting import Quantity
from iop_outcomes.publication.html import render_html
from iop_outcomes.publication.pdf import write_pdf
from iop_outcomes.publication.published import Published
from iop_outcomes.records.model import Records
from iop_outcomes.records.synthetic import Sample, simulate_records
from iop_outcomes.reports.contents import Contents, choose_level, gather_contents
from iop_outcomes.reports.folding import fold_withheld
from iop_outcomes.reports.period import Quarter, Span
from iop_outcomes.reports.quarterly import build_quarterly
from iop_outcomes.reports.reading import Reading, find_quantity

ROOT = Path(__file__).parents[2]
PAGES = ["1", "2", "3", "4", "5", "6", "7", "8", "A1", "A2", "A3"]


@pytest.fixture(scope="module")
def sample() -> Sample:
    return simulate_records(people=200, seed=4)


@pytest.fixture(scope="module")
def records(sample: Sample) -> Records:
    return iop.read_records(sample.source)


@pytest.fixture(scope="module")
def contents(records: Records) -> Contents:
    return gather_contents(records, quarter=Quarter.parse("2025Q3"), level=choose_level(records, None))


@pytest.fixture(scope="module")
def released(contents: Contents) -> dict[str, Published]:
    return {audience: iop.publish(*contents.bundle(audience), audience=audience) for audience in ("public", "internal")}


def text_of(path: Path) -> str:
    html = re.sub(r"<(style|svg|script)\b.*?</\1>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_row_order_and_ids_do_not_matter(
    sample: Sample, records: Records, contents: Contents, released: dict[str, Published]
) -> None:
    """Another order of rows and other random ids are the same records."""
    source = dict(sample.source)
    for name in ("episodes", "attendance", "outcomes"):
        frame = source[name].sample(frac=1, random_state=3)
        for column in ("episode_id", "person_id"):
            if column in frame:
                frame = frame.assign(**{column: "x" + frame[column].str[::-1]})
        source[name] = frame
    shuffled = gather_contents(iop.read_records(source), quarter=Quarter.parse("2025Q3"), level="2.1")
    for audience, usual in released.items():
        assert iop.publish(*shuffled.bundle(audience), audience=audience).release_id == usual.release_id


def test_the_pages_stand_in_order_and_are_stamped(
    records: Records, contents: Contents, released: dict[str, Published]
) -> None:
    public, internal = (build_quarterly(records, contents, released[audience]) for audience in ("public", "internal"))
    assert [page.number for page in public.pages] == PAGES
    assert public.stamps == ("SYNTHETIC",)
    assert internal.stamps == ("INTERNAL", "SYNTHETIC")
    assert len(public.release_ids) == 1, "one report is one release"


@pytest.mark.parametrize("people", [20, 40, 90])
def test_a_small_programme_gets_a_report_that_says_why_numbers_are_missing(people: int, tmp_path: Path) -> None:
    records = iop.read_records(simulate_records(people=people, seed=2).source)
    public, *_, internal = iop.write_quarterly(records, quarter="2025Q2", folder=tmp_path)
    assert "withheld" in text_of(public)
    assert "nan" not in text_of(public).lower().split()
    assert "nan" not in text_of(internal).lower().split()


def test_records_without_outcomes_or_hours_still_get_a_report(sample: Sample, tmp_path: Path) -> None:
    source = {name: frame for name, frame in sample.source.items() if name not in ("outcomes", "costs")}
    source["attendance"] = source["attendance"].drop(columns=["hours_offered", "hours_attended"])
    records = iop.read_records(source)
    *_, internal = iop.write_quarterly(records, quarter="2025Q2", folder=tmp_path)
    text = text_of(internal)
    assert "hold no hours" in text
    assert "no tests or reports of use" in text


def test_a_quarter_nobody_came_in_is_said_so_plainly(records: Records, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="had not ended"):
        iop.write_quarterly(records, quarter="2026Q1", folder=tmp_path)
    with pytest.raises(UsageError, match="nobody"):
        iop.write_quarterly(records, quarter="2019Q1", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_default_quarter_is_the_last_whole_one(tmp_path: Path) -> None:
    records = iop.read_records(simulate_records(people=20, seed=2).source)
    paths = iop.write_quarterly(records, folder=tmp_path, audiences=("public",))
    assert [path.name for path in paths] == [
        f"quarterly-2025Q4-public.{kind}" for kind in ("html", "csv", "manifest.json")
    ]


def test_reports_in_the_repository_are_those_of_the_sample(tmp_path: Path) -> None:
    """`make report` on the committed sample gives the committed reports, byte for byte."""
    # A run today against the run that was committed: also two runs, the same bytes.
    written = iop.write_quarterly(iop.read_records(ROOT / "data/sample"), quarter="2025Q4", folder=tmp_path)
    assert len(written) == 4
    for path in written:
        assert path.read_bytes() == (ROOT / "reports" / path.name).read_bytes(), f"run make report: {path.name} differs"


def test_quarters() -> None:
    quarter = Quarter.parse("2025q1")
    assert quarter.span.edges == ("2025-01-01", "2025-03-31")
    assert quarter.year_to.edges == ("2024-04-01", "2025-03-31")
    assert quarter.year_before.edges == ("2024-01-01", "2024-12-31")
    assert quarter.history.edges == ("2023-04-01", "2025-03-31")
    assert Quarter.parse("2024Q4").back(4).label == "2023 Q4"
    for wrong in ("2025", "2025Q5", "Q1 2025", ""):
        with pytest.raises(UsageError):
            Quarter.parse(wrong)


def test_lines_through_all_quarters_of_short_records_are_not_said_of_the_year(records: Records) -> None:
    """Records that begin with the year: the centre and the limits of a line speak of the days its figure speaks of."""
    year = Span(date(2025, 1, 1), date(2025, 12, 31), "2025")
    caseload = iop.select_cohort(records, level_of_care="2.1")
    line = iop.measure_by_period(caseload, "retained", since="2025-01-01", until="2025-12-31", chart="xmr")
    whole = iop.measure_retention(caseload, at=[42]).over(*year.edges)
    contents = Contents((), {}, year, year, None, None, "2.1", 56)
    rows = Reading(iop.publish(line, whole, audience="internal"), contents, "2026-01-31").of_cohort
    assert year.edges in {(row["period_start"], row["period_end"]) for row in line.where(estimand="center_line").rows()}
    assert set(rows.frame["estimand"]).isdisjoint({"center_line", "limit"})
    assert find_quantity(rows, definition="retained@1", at=42, by="all").shown


# --- what readers read ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def documents(records: Records, contents: Contents, released: dict[str, Published]) -> dict[str, Document]:
    """The report for the public and for the programme, and that of a programme too small for most numbers."""
    few = iop.read_records(simulate_records(people=40, seed=2).source)
    of_few = gather_contents(few, quarter=Quarter.parse("2025Q3"), level="2.1")
    found = {audience: build_quarterly(records, contents, published) for audience, published in released.items()}
    return {**found, "small": build_quarterly(few, of_few, iop.publish(*of_few.bundle("public")))}


KINDS_OF_REPORT = ("public", "internal", "small")


@pytest.mark.parametrize("kind", KINDS_OF_REPORT)
def test_every_text_can_be_read_with_eight_years_of_school(documents: dict[str, Document], kind: str) -> None:
    texts: dict[tuple[str, str], list[str]] = {}
    for page, what, text in list_prose(documents[kind]):
        texts.setdefault((page, what), []).append(text)
    assert len(texts) > 25
    hard = {where: round(grade_text(" ".join(found)), 1) for where, found in texts.items()}
    assert {where: grade for where, grade in hard.items() if grade > 8} == {}


def test_a_hard_text_is_graded_hard() -> None:
    assert grade_text("By day 14, about 2 in 10 people had left.") < 5
    assert (
        grade_text("Administrative heterogeneity necessitates methodological sophistication in attributing causes.")
        > 12
    )


@pytest.mark.parametrize("kind", KINDS_OF_REPORT)
def test_no_text_holds_a_word_we_do_not_use(documents: dict[str, Document], kind: str) -> None:
    assert [text for *_, text in list_prose(documents[kind]) if BANNED.search(text)] == []


@pytest.mark.parametrize("kind", KINDS_OF_REPORT)
def test_page_one_answers_a_director_and_points_at_pages(documents: dict[str, Document], kind: str) -> None:
    document = documents[kind]
    asked = {block.title: block.items for block in document.pages[0].blocks if isinstance(block, Sentences)}
    assert list(asked)[:4] == [
        "Did anything really change?",
        "Who is leaving early, and when?",
        "Are people getting their hours?",
        "How sure are we?",
    ]
    looked_into = asked.get("What we would look into", ())
    assert len(looked_into) <= 3
    assert all(re.search(r"\(page [1-8]\)$", item) for item in looked_into)
    html = render_html(document)
    pointed = set(re.findall(r"\(page (A?\d)\)", " ".join(item for items in asked.values() for item in items)))
    assert pointed
    assert all(f'<a href="#page-{number.lower()}">page {number}</a>' in html for number in pointed)


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
@pytest.mark.parametrize("kind", KINDS_OF_REPORT)
def test_page_one_keeps_to_one_sheet(documents: dict[str, Document], kind: str, paper: str, tmp_path: Path) -> None:
    document = documents[kind]
    first = replace(document, pages=document.pages[:1])
    (sheet,) = PdfReader(write_pdf(first, tmp_path / "1.pdf", paper)).pages
    assert "How to read this page" in sheet.extract_text()


@pytest.mark.parametrize("kind", KINDS_OF_REPORT)
def test_a_tile_shows_its_history_or_says_why_there_is_none(documents: dict[str, Document], kind: str) -> None:
    tiles = [tile for block in documents[kind].pages[0].blocks if isinstance(block, Tiles) for tile in block.tiles]
    assert all(tile.svg or " line" in tile.note for tile in tiles), [tile.label for tile in tiles]
    if kind == "internal":
        assert [tile.label for tile in tiles if not tile.svg] == ["Cost of an episode"]


@pytest.mark.parametrize("kind", KINDS_OF_REPORT)
def test_every_number_in_a_cell_is_the_released_one(documents: dict[str, Document], kind: str) -> None:
    """The page is read back: what a cell or tile prints is a value or a count of a row of its own block, as rounded.

    None is passed over: as many are compared as the document holds that are shown.
    """
    document = documents[kind]
    tiles, tables = read_page(render_html(document))
    blocks = [block for page in document.pages for block in page.blocks]
    shown = [tile for block in blocks if isinstance(block, Tiles) for tile in block.tiles]
    compared = 0
    for tile, printed in zip(shown, tiles, strict=True):
        compared += compare_with_released(tile.quantity, printed, tile.source)
    with_tables = [block for block in blocks if isinstance(block, FigureBlock | TableBlock | TextTable)]
    for block, table in zip(with_tables, tables, strict=True):
        if isinstance(block, TextTable):
            continue
        for cells, line in zip(block.table.rows, table, strict=True):
            for cell, printed in zip(cells, line, strict=True):
                if isinstance(cell, Quantity):
                    compared += compare_with_released(cell, printed, block.source)
    tabled = [cell for block in with_tables for row in table_of(block) for cell in row if isinstance(cell, Quantity)]
    held = [quantity for quantity in (*tabled, *(tile.quantity for tile in shown)) if quantity.shown]
    assert compared == len(held) > len(shown)


def table_of(block: FigureBlock | TableBlock | TextTable) -> tuple[tuple[object, ...], ...]:
    """The rows of a block's table; a table of words is its own."""
    return block.rows if isinstance(block, TextTable) else block.table.rows


def compare_with_released(cell: Quantity, printed: str, source: Published) -> int:
    """One cell against the rows its block was made from; how many numbers were compared."""
    if cell.withheld:
        assert printed == "·"
        return 0
    if not cell.shown:
        assert read_printed(printed) == []
        return 0
    frame = source.frame
    counts = frame[["n", "denominator", "people"]]
    own = frame[(frame["value"] == cell.value) | counts.eq(cell.value).any(axis=1)]
    known = own[["value", "n", "denominator", "people"]].to_numpy().ravel()
    numbers = read_printed(printed)
    assert numbers, f"{printed} holds no number"
    for value, half in numbers:
        assert (abs(known - value) <= half * 1.0001).any(), f"{printed} is no released number"
    return 1


@pytest.mark.parametrize("kind", KINDS_OF_REPORT)
def test_percents_of_a_column_have_one_number_of_decimals(documents: dict[str, Document], kind: str) -> None:
    """Values, and ranges beside them: none has a digit its neighbours lack."""
    _, tables = read_page(render_html(documents[kind]))
    columns = [column for table in tables for column in zip(*table, strict=True)]
    printed = [[re.findall(r"\d(\.\d+)?%", cell) for cell in column] for column in columns]
    decimals = [{len(found) for cell in column for found in cell} for column in printed]
    assert any(decimals)
    assert all(len(found) <= 1 for found in decimals)


@pytest.mark.parametrize("kind", KINDS_OF_REPORT)
def test_nothing_is_a_wall_of_marks(documents: dict[str, Document], kind: str) -> None:
    """No table has a line of nothing but marks; what a page cannot show is said in words."""
    for page in documents[kind].pages:
        for block in page.blocks:
            if isinstance(block, TableBlock):
                assert block.table.rows, f"{page.number}: {block.title}"
                for row in block.table.rows:
                    numbers = [cell for cell in row if isinstance(cell, Quantity)]
                    assert not numbers or any(not cell.withheld for cell in numbers), f"{page.number}: {row[0]}"
    if kind == "small":
        titles = [block.title for page in documents[kind].pages for block in page.blocks if isinstance(block, Note)]
        assert "Why so much is withheld" in titles
        assert "What this page cannot show" in titles


def test_a_table_without_a_line_is_named_and_not_drawn(documents: dict[str, Document]) -> None:
    page = documents["public"].pages[1]
    empty = next(
        replace(block, table=replace(block.table, rows=())) for block in page.blocks if isinstance(block, TableBlock)
    )
    (note,) = fold_withheld(replace(page, blocks=(empty,)), empty.source).blocks
    assert isinstance(note, Note)
    assert empty.title in note.text


@pytest.mark.parametrize("kind", ["public", "internal"])
def test_every_figure_can_be_had_alone_with_its_words_and_its_table(documents: dict[str, Document], kind: str) -> None:
    """What a notebook gets from the same rows, released or not, is what the page holds; words come from the numbers."""
    blocks = [block for page in documents[kind].pages for block in page.blocks if isinstance(block, FigureBlock)]
    assert len(blocks) > 10
    for block in blocks:
        figure = FIGURES[name_figure(block.id)]
        for rows in (block.source, block.source.estimates):
            assert figure.describe(rows) == block.alt
            assert repr(figure.tabulate(rows)) == repr(block.table)
        assert isinstance(figure.draw(block.source.estimates), Figure)
        assert re.search(r"\d|withheld", block.alt), f"{block.id}: alternative text without a number"


def name_figure(block_id: str) -> str:
    """The figure a block is, by its id: its name, and what it speaks of where there are several."""
    name = {"weeks_met": "xmr"}.get(block_id.replace("-", "_"), block_id.replace("-", "_"))
    return max((known for known in FIGURES if name.startswith(known)), key=len)
