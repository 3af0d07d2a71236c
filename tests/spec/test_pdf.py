"""The PDF: every number as released, tagged and described for screen readers, stamped on every sheet, the same every time."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

sys.path.insert(0, str(Path(__file__).parents[1] / "disclosure"))
from handmade import made_document, made_release

from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.publication.columns import measure_text, print_table
from iop_outcomes.publication.document import (
    DefinitionBox,
    Document,
    FigureBlock,
    Note,
    Page,
    Paragraph,
    Sentences,
    Table,
    TableBlock,
    TextTable,
    Tiles,
)
from iop_outcomes.publication.formatting import Quantity, show, show_base, show_interval
from iop_outcomes.publication.pdf import write_pdf
from iop_outcomes.publication.residue import scan_file
from iop_outcomes.publication.residue.sheets import read_pdf

ODD = "<b>Ríver</b> $x$ #let \\ *a* 漢 \U0001f600 \x00\x1b\u202e\ufffe"


@pytest.fixture(scope="module")
def document() -> Document:
    return made_document()


@pytest.fixture(scope="module")
def path(document: Document, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pdf(document, tmp_path_factory.mktemp("pdf") / "report.pdf")


@pytest.fixture(scope="module")
def reader(path: Path) -> PdfReader:
    return PdfReader(path)


def text_of(reader: PdfReader) -> str:
    """Everything that can be selected, with one space between words."""
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def parts_of(element: Any) -> Iterator[Any]:
    """Every part of a tagged PDF, in reading order."""
    held = element.get("/K", [])
    for inner in held if isinstance(held, list) else [held]:
        part = inner.get_object()
        if not isinstance(part, int) and "/S" in part:
            yield part
            yield from parts_of(part)


def blocks_of(document: Document, kind: type) -> list[Any]:
    return [block for page in document.pages for block in page.blocks if isinstance(block, kind)]


def test_the_pdf_says_its_title_and_language_and_is_tagged(reader: PdfReader, document: Document) -> None:
    root = reader.trailer["/Root"]
    assert reader.metadata is not None
    assert reader.metadata.title == f"{document.title} · {document.period}"
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    tags = [part["/S"] for part in parts_of(root["/StructTreeRoot"])]
    assert tags.count("/H1") == len(document.pages) + 1, "a page each, and the numbers behind the figures"
    assert {"/Title", "/H2", "/P", "/L", "/Table", "/TH", "/TD", "/Figure", "/Link"} <= set(tags)


def test_bookmarks_name_every_page_and_what_is_on_it(reader: PdfReader, document: Document) -> None:
    pages: list[str] = []
    inner: list[str] = []
    for entry in reader.outline:
        if isinstance(entry, list):
            inner += [str(each.title) for each in entry]
        else:
            pages.append(str(entry.title))
    assert pages == [*(f"{page.number} {page.title}" for page in document.pages), "Numbers behind the figures"]
    assert {figure.title for figure in blocks_of(document, FigureBlock)} <= set(inner)


def test_every_drawing_has_its_description_and_is_no_picture(reader: PdfReader, document: Document) -> None:
    figures = [part for part in parts_of(reader.trailer["/Root"]["/StructTreeRoot"]) if part["/S"] == "/Figure"]
    wanted = [tile.alt for tiles in blocks_of(document, Tiles) for tile in tiles.tiles]
    wanted += [figure.alt for figure in blocks_of(document, FigureBlock)]
    assert [" ".join(part["/Alt"].split()) for part in figures] == [" ".join(alt.split()) for alt in wanted]
    kinds = {
        held.get_object()["/Subtype"]
        for page in reader.pages
        for held in page["/Resources"].get("/XObject", {}).values()
    }
    assert "/Image" not in kinds
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"].get("/Font", {}).values()
    }
    assert fonts
    assert all("DejaVuSans" in font for font in fonts)


def test_every_number_of_a_tile_is_the_released_one(reader: PdfReader, document: Document) -> None:
    first = " ".join(reader.pages[0].extract_text().split())
    for tiles in blocks_of(document, Tiles):
        for tile in tiles.tiles:
            quantity = tile.quantity
            assert f"{tile.label} {show(quantity)} {show_interval(quantity)} {show_base(quantity)}" in first


def test_every_cell_of_every_table_is_the_released_one(reader: PdfReader, document: Document) -> None:
    text = text_of(reader)
    tables: list[Table | TextTable] = [block.table for block in blocks_of(document, TableBlock)]
    tables += [block.table for block in blocks_of(document, FigureBlock)]
    tables += blocks_of(document, TextTable)
    assert sum(isinstance(cell, Quantity) for table in tables for row in table.rows for cell in row) > 100
    for table in tables:
        assert " ".join(table.columns) in text
        for row in table.rows:
            cells = [show(cell) if isinstance(cell, Quantity) else cell for cell in row]
            assert " ".join(" ".join(cells).split()) in text


def test_every_sheet_is_stamped_and_numbered(tmp_path: Path) -> None:
    document = made_document("internal")
    sheets = PdfReader(write_pdf(replace(document, synthetic=True), tmp_path / "i.pdf", "us-letter")).pages
    for number, sheet in enumerate(sheets, start=1):
        text = " ".join(sheet.extract_text().split())
        assert text.startswith(f"INTERNAL SYNTHETIC {document.title} · {document.period}")
        assert f"release {document.release_ids[0]}" in text
        assert text.endswith(f"sheet {number} of {len(sheets)}")


def test_every_page_starts_on_a_sheet_of_its_own(reader: PdfReader, document: Document) -> None:
    texts = [page.extract_text() for page in reader.pages]
    for page in document.pages:
        words = f"{page.number} {page.title}"
        (start,) = [text for text in texts if re.search(rf"(?m)^{re.escape(words)}$", text)]
        above = start.partition(f"{words}\n")[0].splitlines()
        assert len(above) == (1 if page != document.pages[0] else 4), "a head, and on the first sheet a title"


def test_a_page_without_numbers_shares_a_sheet(tmp_path: Path, document: Document) -> None:
    words = Page("words", "9", "Only words", "Too few people.", (Note("A longer period would tell more.", "Why"),))
    made = replace(document, pages=(document.pages[0], words, document.pages[2]))
    reader = PdfReader(write_pdf(made, tmp_path / "s.pdf", figure_tables=False))
    assert [sheet.extract_text().count("9 Only words") > 0 for sheet in reader.pages] == [True, False]
    assert "9 Only words" in [str(entry.title) for entry in reader.outline if not isinstance(entry, list)]


@pytest.mark.parametrize(("paper", "size"), [("a4", (595.3, 841.9)), ("us-letter", (612, 792))])
def test_a_full_first_page_fits_on_one_sheet(
    tmp_path: Path, document: Document, paper: str, size: tuple[float, float]
) -> None:
    """Six tiles with their histories, five sentences, three things to look into, and a note."""
    tile = replace(
        blocks_of(document, Tiles)[0].tiles[0], assurance="More often than not short of the goal", note="All of 2025"
    )
    sentence = (
        "The share still in the programme at six weeks went from about 6 in 10 people "
        "to about 7 in 10 people, more than chance."
    )
    blocks = (
        Tiles((tile,) * 6),
        Sentences((sentence,) * 5, "Did anything really change?"),
        Sentences((f"{sentence} Who calls them after the first? (page 4)",) * 3, "What we would look into"),
        Note(sentence * 2, "How to read this page"),
    )
    first = replace(document.pages[0], blocks=blocks)
    made = replace(document, pages=(first, *document.pages[2:]))
    sheets = PdfReader(write_pdf(made, tmp_path / "a.pdf", paper)).pages
    assert sheets[1].extract_text().splitlines()[1] == "A3 Disclosure statement"
    assert [float(length) for length in sheets[0].mediabox[2:]] == pytest.approx(size, abs=0.1)


def test_the_same_document_gives_the_same_bytes(path: Path, document: Document, tmp_path: Path) -> None:
    assert write_pdf(document, tmp_path / "again.pdf").read_bytes() == path.read_bytes()


def test_odd_letters_and_long_words_are_printed_as_words(tmp_path: Path) -> None:
    document = made_document(label=ODD)
    long = TextTable("Long", ("One", "Two"), (("x" * 300, "word " * 80), ("=1+1", "a/b" * 90)))
    made = replace(document, pages=(replace(document.pages[2], blocks=(long, *document.pages[2].blocks)),))
    reader = PdfReader(write_pdf(made, tmp_path / "odd.pdf"))
    text = text_of(reader)
    assert "<b>Ríver</b> $x$ #let \\ *a* \ufffd \U0001f600 · October" in text
    assert "=1+1" in text
    assert "x" * 300 in text.replace("\u200b", "").replace(" ", "")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ufffe]", text)


def test_tables_behind_figures_may_be_left_out(tmp_path: Path, document: Document) -> None:
    text = text_of(PdfReader(write_pdf(document, tmp_path / "short.pdf", figure_tables=False)))
    assert "Numbers behind" not in text


def test_a_pdf_is_written_of_published_rows_on_known_paper_in_known_blocks(tmp_path: Path, document: Document) -> None:
    path = tmp_path / "x.pdf"
    with pytest.raises(DisclosureError):
        write_pdf("words", path)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a4, us-letter"):
        write_pdf(document, path, "a5")
    strange = replace(document, pages=(Page("p", "1", "t", "", (object(),)),))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="object"):
        write_pdf(strange, path)
    assert not path.exists()


def test_a_warning_of_the_compiler_is_an_error(
    tmp_path: Path, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typst.compile_with_warnings", lambda *_, **__: (b"%PDF", ["layout did not converge"]))
    with pytest.raises(RuntimeError, match="did not converge"):
        write_pdf(document, tmp_path / "x.pdf")


def test_a_pdf_of_released_rows_has_no_residue(path: Path) -> None:
    assert scan_file(path, made_release()) == ()


@pytest.mark.parametrize(
    "block",
    [
        Paragraph("word " * 20 + "about 4,713 people left " + "word " * 20),
        TextTable("People 4,713", ("Name", "Value"), (("word", "word"),)),
        TextTable("People", ("Name", "Value"), (("word " * 30, "4,713"),)),
    ],
    ids=["a paragraph over lines", "a heading", "a cell"],
)
def test_a_number_put_into_a_pdf_is_found(tmp_path: Path, document: Document, block: Any) -> None:
    made = replace(document, pages=(replace(document.pages[2], blocks=(block, *document.pages[2].blocks)),))
    found = scan_file(write_pdf(made, tmp_path / "p.pdf"), made_release())
    assert {residue.number for residue in found} == {4713}


def test_a_number_in_a_description_is_found(tmp_path: Path, document: Document) -> None:
    figure = replace(blocks_of(document, FigureBlock)[0], alt="4,713 people left", table=Table((), ()))
    made = replace(document, pages=(replace(document.pages[1], blocks=(figure,)), document.pages[2]))
    (residue,) = scan_file(write_pdf(made, tmp_path / "p.pdf"), made_release())
    assert (residue.place, residue.number) == ("property Alt", 4713)


def test_the_sheet_a_link_leads_to_is_no_number_of_anybody(path: Path, reader: PdfReader) -> None:
    links = [note.get_object() for page in reader.pages for note in page.get("/Annots", ())]
    assert any(re.fullmatch(r"page \d+", link["/Contents"]) for link in links)
    assert not [piece for piece in read_pdf(path.read_bytes(), "") if piece.place == "property Contents"]


def test_a_definition_shares_a_sheet_with_what_it_defines(document: Document, tmp_path: Path) -> None:
    """A high figure that would fill its sheet gives up some height; words before it stay where they are."""
    (figure, *_), (box, *_) = blocks_of(document, FigureBlock), blocks_of(document, DefinitionBox)
    high = re.sub(r'height="[^"]+" viewBox="0 0 [^"]+"', 'height="900pt" viewBox="0 0 518.4 900"', figure.svg, count=1)
    assert high != figure.svg
    prose = tuple(Paragraph(f"Sentence {place} of the page.") for place in range(9))
    page = Page("one", "1", "One", "", (*prose, replace(figure, svg=high), box, Note("Read it so.")))
    sheets = PdfReader(write_pdf(replace(document, pages=(page,)), tmp_path / "d.pdf")).pages
    (sheet,) = [sheet.extract_text() for sheet in sheets if box.title in sheet.extract_text()]
    assert figure.title in sheet
    assert "Read it so." in sheet


# Columns ---------------------------------------------------------------------------------------------------------------
def test_numbers_of_a_column_stand_by_their_points() -> None:
    values = (1250, 99.8, float("nan"))
    rows = tuple((f"Row {place}", Quantity("number", value)) for place, value in enumerate(values))
    printed = print_table(Table(("What", "Share"), rows), 60)
    assert printed.rows == (("Row 0", "1,250"), ("Row 1", "99.8"), ("Row 2", "–"))
    assert printed.numbers == (False, True)
    assert [pads[1] > 0 for pads in printed.pads] == [True, False, False]


def test_ranges_are_never_broken_and_words_give_way() -> None:
    """Two columns of ranges beside words, on less than all would like: only what holds a number keeps its line."""
    rows = (
        ("Left before completing", Quantity("share", 0.58, denominator=90), "54% to 62%", "cannot be estimated"),
        ("Completed", Quantity("share", 0.2, denominator=90), "91% to over 99%", "$3,352 ($3,198 to $3,506)"),
    )
    columns = ("Ending", "Share", "Range", "Cost of everything that followed")
    for width in (30, 36, 60):
        widths = print_table(Table(columns, rows), width).widths
        assert sum(widths) <= width + 1e-9
        assert widths[2] >= measure_text("91% to over 99%")
        assert widths[3] >= measure_text("($3,198 to $3,506)")
    assert print_table(Table(columns, rows), 30).widths[0] < measure_text("Left before completing")


def test_a_wide_table_keeps_to_its_sheet_and_its_numbers_to_their_line() -> None:
    row = ("word " * 40, Quantity("days", 41.3), "39.1 to 43.2 days", "word " * 80)
    printed = print_table(Table(("Name", "Days", "Range", "About"), (row,)), 60)
    assert sum(printed.widths) <= 60
    assert printed.widths[3] > printed.widths[0] > printed.widths[2] > 10
