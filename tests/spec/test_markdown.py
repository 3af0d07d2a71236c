"""Markdown and JSON of a document: every number parsed back is the released one, and words stay words."""

from __future__ import annotations

import json
import re
from math import isclose, isnan
from pathlib import Path

import pytest
from publications import DEFINITIONS, small_document, small_release

from iop_outcomes.errors import DisclosureError
from iop_outcomes.publication.document import Cell, Table
from iop_outcomes.publication.export import list_document_rows
from iop_outcomes.publication.formatting import WITHHELD, Quantity, show
from iop_outcomes.publication.json_document import write_json
from iop_outcomes.publication.markdown import escape, render_markdown, write_markdown
from iop_outcomes.publication.outline import TILE_COLUMNS, outline_block

EVIL = "# <b>a|b</b> *c* `d` [e](f)"


def tables_of(text: str) -> list[list[list[str]]]:
    """The pipe tables of a Markdown text, header and rows, their escapes undone."""
    tables: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            tables[-1].append([re.sub(r"\\(.)", r"\1", cell.strip()) for cell in cells])
        elif tables[-1]:
            tables.append([])
    return [[table[0], *table[2:]] for table in tables if table]


def wanted_tables(document) -> list[Table]:
    blocks = (outline_block(block) for page in document.pages for block in page.blocks)
    return [block.table for block in blocks if block.table]


def test_every_table_parsed_back_holds_the_released_numbers() -> None:
    document = small_document()
    found, wanted = tables_of(render_markdown(document)), wanted_tables(document)
    assert len(found) == len(wanted) == 4
    for table, (header, *rows) in zip(wanted, found, strict=True):
        assert header == list(table.columns)
        said = [[show(cell) if isinstance(cell, Quantity) else cell for cell in row] for row in table.rows]
        assert rows == said
    assert sum(cell == WITHHELD for row in found[1] for cell in row) >= 1


def test_pages_figures_notes_and_statements_are_there_in_words() -> None:
    text = render_markdown(small_document("internal"))
    assert text.startswith("# Riverside programme\n\n**INTERNAL** · **SYNTHETIC**")
    assert text.count("**INTERNAL**") == 4, "once for the document and once for each page"
    for words in (
        "## 2 Figures",
        "### Who stays?",
        "Figure: Bars, one a site.",
        "Of everyone admitted.",
        "> Look \\*here\\*.",
    ):
        assert words in text
    assert "- One.\n- Two \\| three." in text
    assert "- Signed off by A. Person." in text


def test_no_label_becomes_markup() -> None:
    text = render_markdown(small_document(label=EVIL))
    assert not re.search(r"(?<!\\)[<>`]b|(?<!\\)\]\(|^# <", text)
    assert escape(EVIL) in text
    assert [row[1] for table in tables_of(text) for row in table if row[0] == "programme"] == [EVIL]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# 1", "\\# 1"),
        ("- a", "\\- a"),
        ("-5% to 3%", "-5% to 3%"),
        ("3. x", "3\\. x"),
        ("3.5 x", "3.5 x"),
        ("a\nb", "a b"),
    ],
)
def test_a_line_begins_as_prose(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def same(cell: Cell, held: object) -> bool:
    """Whether a cell of a JSON table is the cell of the page."""
    if not isinstance(cell, Quantity):
        return held == cell
    assert isinstance(held, dict)
    pairs = [(cell.value, held["value"]), (cell.low, held["low"]), (cell.high, held["high"]), (cell.n, held["n"])]
    numbers = all(other is None if isnan(one) else isclose(one, other, rel_tol=1e-11) for one, other in pairs)
    return numbers and (held["shown"], held["status"], held["kind"]) == (show(cell), cell.status, cell.kind)


def test_json_holds_the_document_and_every_released_row(tmp_path: Path) -> None:
    document = small_document()
    read = json.loads(write_json(document, tmp_path / "report.json").read_text(encoding="utf-8"))
    assert read["numbers"] == list_document_rows(document)
    assert len(read["numbers"]) == len(small_release())
    assert {row["value"] for row in read["numbers"] if row["status"] == "withheld"} == {None}
    assert (read["title"], read["stamps"], read["releases"]) == (
        document.title,
        ["SYNTHETIC"],
        list(document.release_ids),
    )
    assert [page["title"].split()[0] for page in read["pages"]] == ["1", "2", "A3"]
    shown = [block for page in read["pages"] for block in page["blocks"] if "rows" in block]
    for table, block in zip(wanted_tables(document), shown, strict=True):
        assert block["columns"] == list(table.columns)
        for row, cells in zip(table.rows, block["rows"], strict=True):
            assert all(same(cell, held) for cell, held in zip(row, cells, strict=True))
    assert shown[0]["columns"] == list(TILE_COLUMNS)
    figure = read["pages"][1]["blocks"][0]
    assert (figure["kind"], figure["prose"], figure["caption"]) == (
        "figure",
        ["Bars, one a site."],
        "Of everyone admitted.",
    )
    assert [each["definition"] for each in read["definitions"]] == [each.definition for each in DEFINITIONS]


@pytest.mark.parametrize("write", [write_markdown, write_json])
def test_the_same_bytes_twice_and_published_rows_only(write, tmp_path: Path) -> None:
    one, two = (write(small_document(), tmp_path / name).read_bytes() for name in ("a", "b"))
    assert one == two
    assert b"\r" not in one
    with pytest.raises(DisclosureError, match="published rows"):
        write(small_release(), tmp_path / "c")
