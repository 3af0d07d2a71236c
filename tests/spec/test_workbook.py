"""The workbook: every number in it is a released one, shown as the pages show it; nothing in it is a formula."""

from __future__ import annotations

import re
import zipfile
from decimal import ROUND_HALF_UP, Decimal
from math import isclose
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell import Cell
from openpyxl.workbook import Workbook
from publications import DEFINITIONS, small_document, small_release

from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.publication.document import Document, FigureBlock, Page, TableBlock, TextTable
from iop_outcomes.publication.export import EXPORTED, list_document_rows
from iop_outcomes.publication.formatting import WITHHELD, Quantity, show
from iop_outcomes.publication.sheet import name_sheet, number_format
from iop_outcomes.publication.workbook import write_workbook


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_workbook(small_document(), tmp_path_factory.mktemp("workbook") / "report.xlsx")


@pytest.fixture(scope="module")
def book(path: Path) -> Workbook:
    return openpyxl.load_workbook(path)


def shown(cell: Cell) -> str:
    """What Excel shows of a number in a cell with one of the formats that pages use."""
    value, code = Decimal(str(cell.value)), cell.number_format.split(";")[0]
    literal = re.fullmatch(r'"([^"]*)"', code)
    if literal:
        return literal[1]
    money, whole, places, unit = re.fullmatch(r'("\$")?(#,##0|0)(\.0+)?(%|"[^"]*")?', code).groups()
    if unit == "%":
        value *= 100
    digits = len(places) - 1 if places else 0
    rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = f"{rounded:,.{digits}f}" if "," in whole else f"{rounded:.{digits}f}"
    return f"{'$' if money else ''}{text}{(unit or '').strip(chr(34))}"


def rows_below(sheet, header: tuple[str, ...], count: int) -> list[tuple[Cell, ...]]:
    """The rows under the row that holds a header."""
    lines = list(sheet.iter_rows())
    found = next(
        place
        for place, line in enumerate(lines)
        if tuple(cell.value or "" for cell in line[: len(header)]) == tuple(header)
        and all(cell.value is None for cell in line[len(header) :])
    )
    return [line[: len(header)] for line in lines[found + 1 : found + 1 + count]]


def test_a_sheet_for_each_page_and_one_for_the_numbers_and_the_definitions(book: Workbook) -> None:
    names = [name_sheet(f"{page.number} {page.title}") for page in small_document().pages]
    assert book.sheetnames == ["Contents", *names, "Numbers", "Definitions"]
    assert all(len(name) <= 31 for name in book.sheetnames)
    links = {cell.hyperlink.location for line in book["Contents"].iter_rows() for cell in line if cell.hyperlink}
    assert links == {f"'{name}'!A1" for name in book.sheetnames[1:]}


def test_no_cell_is_a_formula_whatever_a_programme_is_called(tmp_path: Path) -> None:
    evil = "=cmd|' /C calc'!A0"
    written = write_workbook(small_document(label=evil), tmp_path / "evil.xlsx")
    cells = [cell for sheet in openpyxl.load_workbook(written) for line in sheet.iter_rows() for cell in line]
    assert {cell.data_type for cell in cells} <= {"n", "s"}
    assert any(cell.value == evil for cell in cells)
    with zipfile.ZipFile(written) as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())


def test_every_number_of_a_page_is_the_released_value_shown_as_the_page_shows_it(book: Workbook) -> None:
    compared = 0
    for page in small_document().pages:
        sheet = book[name_sheet(f"{page.number} {page.title}")]
        for block in page.blocks:
            if not isinstance(block, TableBlock | FigureBlock):
                continue
            below = rows_below(sheet, block.table.columns, len(block.table.rows))
            for row, cells in zip(block.table.rows, below, strict=True):
                for wanted, cell in zip(row, cells, strict=True):
                    if not isinstance(wanted, Quantity):
                        assert (cell.value or "") == wanted
                    elif wanted.withheld or not wanted.shown:
                        assert (cell.value, cell.data_type) == (show(wanted), "s")
                    else:
                        assert isclose(cell.value, wanted.value, rel_tol=1e-11, abs_tol=1e-12)
                        assert shown(cell) == show(wanted)
                    compared += isinstance(wanted, Quantity)
    assert compared == 2 * 3 * len(small_release())


def test_the_sheet_of_numbers_is_the_release(book: Workbook) -> None:
    header, *lines = book["Numbers"].iter_rows(values_only=True)
    found = [dict(zip(header, line, strict=True)) for line in lines]
    wanted = list_document_rows(small_document())
    assert len(found) == len(wanted) == len(small_release())
    titles = {each.definition: each.title for each in DEFINITIONS}
    for row, cells in zip(wanted, found, strict=True):
        for name in EXPORTED:
            if row["status"] == "withheld" and cells[name] == WITHHELD:
                assert row[name] is None
            elif isinstance(row[name], float):
                assert isclose(cells[name], row[name], rel_tol=1e-11), name
            else:
                assert cells[name] == row[name], name
        assert cells["title"] == titles.get(row["definition"])
        assert cells["audience"] == "public"
    assert {cells["value"] for cells in found if cells["status"] == "withheld"} == {WITHHELD}
    assert book["Numbers"].freeze_panes == "B2"


def test_headers_stay_in_sight_and_every_sheet_prints_with_its_stamps(tmp_path: Path, book: Workbook) -> None:
    assert all(sheet.freeze_panes for sheet in book)
    internal = openpyxl.load_workbook(
        write_workbook(small_document("internal"), tmp_path / "i.xlsx", paper="us-letter")
    )
    for sheet in internal:
        assert "INTERNAL" in sheet.oddHeader.center.text
        assert "SYNTHETIC" in sheet.oddFooter.center.text
        assert sheet.page_setup.paperSize == 1
    assert {sheet.page_setup.paperSize for sheet in book} == {9}
    assert internal["Contents"]["A1"].value == "INTERNAL · SYNTHETIC"
    assert "Riverside programme" in internal.properties.title


def test_every_sheet_prints_one_page_wide_with_its_title_on_each_page(book: Workbook) -> None:
    for sheet in book:
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToWidth in (None, 1), "one page wide is what Excel takes where nothing is said"
        assert sheet.page_setup.fitToHeight == 0, "as many pages long as it takes"
        top = int(sheet.print_title_rows.split("$")[-1])
        assert sheet.freeze_panes in (f"A{top + 1}", f"B{top + 1}"), "what stays in sight stands on each page"
        assert any(cell.font.b for cell in sheet[top])


def test_the_long_tables_print_what_a_page_holds(book: Workbook) -> None:
    for name, first, last in (("Numbers", "definition", "n_missing"), ("Definitions", "Definition", "Sentence")):
        sheet = book[name]
        header = [cell.value for cell in sheet[1]]
        corners = sheet.print_area.split("!")[-1].replace("$", "").split(":")
        assert [sheet[corner].row for corner in corners] == [1, sheet.max_row]
        assert [header[sheet[corner].column - 1] for corner in corners] == [first, last]
        printed = [cell for line in sheet[sheet.print_area.split("!")[-1].replace("$", "")] for cell in line]
        assert all(
            cell.alignment.wrap_text for cell in printed if isinstance(cell.value, str) and cell.value != WITHHELD
        )


def test_a_sheet_is_printed_so_that_its_type_can_be_read(book: Workbook) -> None:
    """Columns are 7 pixels a letter and 5 more, 96 to the inch; type is 11 points high before it is scaled to the page."""
    ways = set()
    for sheet in book:
        columns = list(range(sheet.max_column))
        if sheet.print_area:
            first, last = (
                sheet[corner].column for corner in sheet.print_area.split("!")[-1].replace("$", "").split(":")
            )
            columns = list(range(first - 1, last))
        widths = [one.width for one in sheet.column_dimensions.values() for _ in range(one.min, one.max + 1)]
        wide = sum(7 * widths[place] + 5 for place in columns)
        across = 11.69 if sheet.page_setup.orientation == "landscape" else 8.27
        ways.add(sheet.page_setup.orientation)
        assert 11 * min(1, 96 * (across - 0.8) / wide) > 6, sheet.title
    assert ways == {"portrait", "landscape"}


def test_the_same_document_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    assert write_workbook(small_document(), tmp_path / "again.xlsx").read_bytes() == path.read_bytes()


def test_a_half_is_shown_as_a_page_rounds_it() -> None:
    """25 of 40 is 62.5%: a page rounds to the even digit, Excel away from zero."""
    assert number_format(Quantity("share", 25 / 40, n=25, denominator=40)) == '"62%"'
    assert number_format(Quantity("share", 27 / 40, n=27, denominator=40)) == "0%"
    assert number_format(Quantity("money", 1234.4)).startswith('"$"#,##0')
    assert number_format(Quantity("p_value", 0.0001)) == '"under 0.001"'


def test_names_of_sheets_are_ones_excel_takes() -> None:
    taken: list[str] = []
    for title in ("A/B: who [came]?", "a b who came", "x" * 40, "x" * 50, "'quoted'"):
        taken.append(name_sheet(title, taken))
    assert taken == ["A B who came", "a b who came (b)", "x" * 31, f"{'x' * 27} (b)", "quoted"]


def test_the_workbook_refuses_what_did_not_pass_the_gate(tmp_path: Path) -> None:
    with pytest.raises(DisclosureError, match="published rows"):
        write_workbook(small_release(), tmp_path / "x.xlsx")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a4, us-letter"):
        write_workbook(small_document(), tmp_path / "x.xlsx", "a5")
    assert not list(tmp_path.iterdir())


def test_a_document_without_numbers_or_definitions_is_a_workbook_too(tmp_path: Path) -> None:
    table = TextTable("Settings", ("Name", "Value"), (("a", "b"),))
    empty = Document("t", "", "", "", small_release().audience, (Page("p", "1", "t", "", (table,)),))
    assert openpyxl.load_workbook(write_workbook(empty, tmp_path / "e.xlsx")).sheetnames == [
        "Contents",
        "1 t",
        "Numbers",
    ]
