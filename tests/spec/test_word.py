"""The Word file: every number as released, real headings and tables, described pictures, stamps, the same every time."""

from __future__ import annotations

import re
import sys
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.document import Document as WordFile
from docx.image.image import Image
from docx.oxml.ns import qn

sys.path.insert(0, str(Path(__file__).parents[1] / "disclosure"))
from handmade import made_document, made_release

from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.publication.document import (
    DefinitionBox,
    DisclosureStatement,
    Document,
    FigureBlock,
    Note,
    Page,
    Paragraph,
    TableBlock,
    TextTable,
    Tiles,
)
from iop_outcomes.publication.formatting import Quantity, show, show_base, show_interval
from iop_outcomes.publication.residue import scan_file
from iop_outcomes.publication.word import write_word


@pytest.fixture(scope="module")
def document() -> Document:
    return made_document()


@pytest.fixture(scope="module")
def path(document: Document, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_word(document, tmp_path_factory.mktemp("word") / "report.docx")


@pytest.fixture(scope="module")
def file(path: Path) -> WordFile:
    return docx.Document(str(path))


def blocks_of(document: Document, kind: type) -> list[Any]:
    return [block for page in document.pages for block in page.blocks if isinstance(block, kind)]


def styled(file: WordFile, *names: str) -> list[str]:
    return [paragraph.text for paragraph in file.paragraphs if paragraph.style and paragraph.style.name in names]


def test_the_file_has_a_title_a_language_and_headings(file: WordFile, document: Document) -> None:
    held = file.core_properties
    assert (held.title, held.language) == (f"{document.title} · {document.period}", "en-GB")
    assert held.created == held.modified == datetime(1980, 1, 1, tzinfo=held.created and held.created.tzinfo)
    assert held.comments == ""
    pages = [f"{page.number}  {page.title}" for page in document.pages]
    assert styled(file, "Heading 1") == [*pages, "Numbers behind the figures"]
    titles = [
        block.title
        for kind in (FigureBlock, TableBlock, TextTable, DefinitionBox)
        for block in blocks_of(document, kind)
    ]
    assert set(titles) <= set(styled(file, "Heading 2"))
    assert styled(file, "Title") == [document.title]
    (statement,) = blocks_of(document, DisclosureStatement)
    assert set(statement.sentences()) <= set(styled(file, "List Bullet"))
    breaks = [p.paragraph_format.page_break_before for p in file.paragraphs if p.style and p.style.name == "Heading 1"]
    assert breaks == [False, True, True, True]


def test_a_page_without_numbers_shares_a_sheet(tmp_path: Path, document: Document) -> None:
    words = Page("words", "9", "Only words", "Too few people.", (Note("A longer period would tell more.", "Why"),))
    made = replace(document, pages=(document.pages[2], words, replace(document.pages[2], id="again")))
    file = docx.Document(str(write_word(made, tmp_path / "s.docx")))
    heads = [each.paragraph_format for each in file.paragraphs if each.style and each.style.name == "Heading 1"]
    assert [head.page_break_before for head in heads] == [False, False, True]
    assert heads[1].space_before > 0


def test_every_cell_of_every_table_is_the_released_one(file: WordFile, document: Document) -> None:
    wanted = [block.table for block in blocks_of(document, TableBlock)]
    wanted += blocks_of(document, TextTable)
    wanted += [block.table for block in blocks_of(document, FigureBlock)]
    tables = file.tables[1:]  # the first are the tiles
    assert len(tables) == len(wanted)
    numbers = 0
    for table, held in zip(wanted, tables, strict=True):
        texts = [[cell.text for cell in row.cells] for row in held.rows]
        assert texts[0] == list(table.columns)
        assert texts[1:] == [[show(cell) if isinstance(cell, Quantity) else cell for cell in row] for row in table.rows]
        for row, shown in zip(table.rows, list(held.rows)[1:], strict=True):
            for cell, printed in zip(row, shown.cells, strict=True):
                if isinstance(cell, Quantity):
                    assert printed.paragraphs[0].style.name == "Table Number"
                    numbers += 1
    assert numbers > 100


def test_every_number_of_a_tile_is_the_released_one(file: WordFile, document: Document) -> None:
    (tiles,) = blocks_of(document, Tiles)
    cells = [cell for row in file.tables[0].rows for cell in row.cells]
    for tile, cell in zip(tiles.tiles, cells, strict=False):
        quantity = tile.quantity
        words = [tile.label, f"{show(quantity)}  {show_interval(quantity)} · {show_base(quantity)}"]
        assert [paragraph.text for paragraph in cell.paragraphs][: len(words)] == words


def test_the_head_of_a_table_comes_again_and_no_row_is_torn(file: WordFile) -> None:
    for table in file.tables[1:]:
        head, *body = table._tbl.tr_lst
        assert head.trPr.find(qn("w:tblHeader")) is not None
        assert all(row.trPr.find(qn("w:cantSplit")) is not None for row in body)
        assert table._tbl.tblPr.find(qn("w:tblCaption")) is not None


def test_every_picture_is_fine_and_described(file: WordFile, document: Document) -> None:
    wanted = [tile.alt for tiles in blocks_of(document, Tiles) for tile in tiles.tiles]
    wanted += [figure.alt for figure in blocks_of(document, FigureBlock)]
    pictures = list(file.element.iter(qn("wp:inline")))
    assert [picture.find(qn("wp:docPr")).get("descr") for picture in pictures] == [
        " ".join(alt.split()) for alt in wanted
    ]
    for picture in pictures:
        (blip,) = picture.iter(qn("a:blip"))
        dots = Image.from_blob(file.part.related_parts[blip.get(qn("r:embed"))].blob).px_width
        inches = int(picture.find(qn("wp:extent")).get("cx")) / 914400
        assert dots / inches >= 299


def test_every_link_leads_to_the_numbers_of_its_figure(file: WordFile, document: Document) -> None:
    places = {mark.get(qn("w:name")): mark.getparent() for mark in file.element.iter(qn("w:bookmarkStart"))}
    links = [link.get(qn("w:anchor")) for link in file.element.iter(qn("w:hyperlink"))]
    reached = ["".join(text.text for text in places[link].iter(qn("w:t"))) for link in links]
    assert reached == [figure.title for figure in blocks_of(document, FigureBlock)]


def test_every_sheet_is_stamped_and_numbered(tmp_path: Path) -> None:
    document = replace(made_document("internal"), synthetic=True)
    section = docx.Document(str(write_word(document, tmp_path / "i.docx", "us-letter"))).sections[0]
    assert (section.page_width.inches, section.page_height.inches) == pytest.approx((8.5, 11), abs=0.01)
    text = " ".join(section.header.paragraphs[0].text.split())
    assert text.startswith(f"INTERNAL SYNTHETIC {document.title} · {document.period}")
    assert text.endswith(f"release {document.release_ids[0]}")
    fields = [field.text for field in section.footer.paragraphs[0]._p.iter(qn("w:instrText"))]
    assert fields == ["PAGE", "NUMPAGES"]


def test_the_same_document_gives_the_same_bytes(path: Path, document: Document, tmp_path: Path) -> None:
    assert write_word(document, tmp_path / "again.docx").read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not [name for name in archive.namelist() if "thumbnail" in name or "customXml" in name]


def test_odd_letters_are_printed_as_words(tmp_path: Path) -> None:
    made = made_document(label="<b>Ríver</b> & \x00\x1b\x85\u202e\ufffe 漢")
    file = docx.Document(str(write_word(replace(made, pages=made.pages[2:]), tmp_path / "odd.docx")))
    assert styled(file, "Title") == ["<b>Ríver</b> & 漢"]
    with zipfile.ZipFile(tmp_path / "odd.docx") as archive:
        words = archive.read("word/document.xml").decode() + archive.read("word/header1.xml").decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ufffe]", words)


def test_a_word_file_is_written_of_published_rows_on_known_paper_in_known_blocks(
    tmp_path: Path, document: Document
) -> None:
    path = tmp_path / "x.docx"
    with pytest.raises(DisclosureError):
        write_word("words", path)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a4, us-letter"):
        write_word(document, path, "a5")
    strange = replace(document, pages=(Page("p", "1", "t", "", (object(),)),))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="object"):
        write_word(strange, path)
    assert not path.exists()


def test_tables_behind_figures_may_be_left_out(tmp_path: Path, document: Document) -> None:
    file = docx.Document(str(write_word(document, tmp_path / "short.docx", figure_tables=False)))
    assert len(file.tables) == 3
    assert not list(file.element.iter(qn("w:hyperlink")))


def test_a_word_file_of_released_rows_has_no_residue_and_a_planted_number_is_found(
    path: Path, tmp_path: Path, document: Document
) -> None:
    assert scan_file(path, made_release()) == ()
    figure = replace(blocks_of(document, FigureBlock)[0], alt="4,713 people left")
    page = Page("p", "1", "t", "", (Paragraph("4,713 people left"), figure))
    found = scan_file(write_word(replace(document, pages=(page,)), tmp_path / "p.docx"), made_release())
    assert [residue.number for residue in found] == [4713, 4713]
    assert [residue.place.rpartition(", ")[2] for residue in found][1] == "docPr"
