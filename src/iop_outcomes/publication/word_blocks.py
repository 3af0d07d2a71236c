"""The blocks of a document as Word has them: paragraphs of a style, tables, pictures with their descriptions."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docx.document import Document as WordFile
from docx.image.image import Image
from docx.oxml import OxmlElement
from docx.shared import Pt, RGBColor
from docx.table import Table as WordTable
from docx.table import _Cell as WordCell
from docx.text.paragraph import Paragraph as WordParagraph

from iop_outcomes.publication.columns import print_table
from iop_outcomes.publication.document import (
    DefinitionBox,
    DisclosureStatement,
    Document,
    FigureBlock,
    Note,
    Page,
    Paragraph,
    Sentences,
    Table,
    TableBlock,
    TextTable,
    Tile,
    Tiles,
)
from iop_outcomes.publication.formatting import show
from iop_outcomes.publication.paper import Paper
from iop_outcomes.publication.typesetting import DOTS_PER_INCH
from iop_outcomes.publication.word_sheet import ACCENT, GREY, INK, LINE, ORANGE, SOFT, WASH, add_element, open_sheets
from iop_outcomes.publication.wording import (
    BEHIND_LEAD,
    BEHIND_LINK,
    BEHIND_TITLE,
    SIGNAL_SIGNS,
    STATEMENT_TITLE,
    say_base,
    say_facts,
    say_signal,
    settle_text,
)

_TONES = {"better": ACCENT, "worse": ORANGE, "none": GREY, "too_few": GREY}
_TABLE_SIZE = 8.0
#: The part of a sheet's height a figure may take.
_ROOM = 0.74
#: Tiles side by side, and the white at both sides of a cell, in points.
_ACROSS, _INSET = 3, 5.4
#: How much of the width of a tile its history takes, so that page 1 keeps to one sheet.
_SPARK = 0.8
#: Rows up to which a table stays on one sheet.
_TOGETHER = 16
#: Size of what a headline number rests on, the white under a table, and that above a page that starts no sheet, in points.
_BASE_SIZE, _PART, _APART = 8, 4, 16
#: Eighths of a point, in which Word measures lines.
_EIGHTHS = 8


def lay_out(document: Document, paper: Paper, pictures: Mapping[str, bytes], figure_tables: bool) -> WordFile:
    """A document as a Word file that is not yet saved; ``pictures`` holds the picture of every drawing."""
    figures = [block for page in document.pages for block in page.blocks if isinstance(block, FigureBlock)]
    behind = {
        figure.id: f"Figure{number}"
        for number, figure in enumerate(figures, start=1)
        if figure_tables and figure.table.rows
    }
    layout = _Layout(open_sheets(document, paper), paper, pictures, behind)
    layout.add_front(document)
    for place, page in enumerate(document.pages):
        layout.add_page(page, new_sheet=place > 0 and page.shows_numbers)
    if behind:
        layout.add_page(Page("behind", "", BEHIND_TITLE, BEHIND_LEAD), new_sheet=True)
        for figure in figures:
            if figure.id in behind:
                layout.add_table(figure.title, figure.table, anchor=behind[figure.id])
    return layout.file


@dataclass
class _Layout:
    """A Word file in the making; ``behind`` names the place at the end where the numbers of a figure stand."""

    file: WordFile
    paper: Paper
    pictures: Mapping[str, bytes]
    behind: Mapping[str, str]

    def add_front(self, document: Document) -> None:
        """Title, subtitle and facts of the document."""
        self.say(document.title, "Title")
        if document.subtitle:
            self.say(document.subtitle, "Subtitle")
        facts = self.say("", "Facts")
        facts.add_run("      ".join(settle_text(fact) for fact in say_facts(document)))
        _draw_edge(facts, "bottom", ACCENT, 2, space=6)

    def add_page(self, page: Page, new_sheet: bool) -> None:
        """A page's heading, lead and blocks; one that starts no sheet shares that of the page before it."""
        heading = self.say("", "Heading 1")
        heading.paragraph_format.page_break_before = new_sheet
        if not new_sheet:
            heading.paragraph_format.space_before = Pt(_APART)
        if page.number:
            heading.add_run(f"{settle_text(page.number)}  ").font.color.rgb = RGBColor.from_string(ACCENT)
        heading.add_run(settle_text(page.title))
        if page.lead:
            self.say(page.lead, "Lead").paragraph_format.keep_with_next = True
        for block in page.blocks:
            self.add_block(block)

    def add_block(self, block: object) -> None:
        """One block; ``TypeError`` for one of an unknown kind."""
        match block:
            case Paragraph():
                words = self.say("", "Normal")
                words.add_run(settle_text(block.text)).bold = block.strong
                words.paragraph_format.keep_with_next = block.strong
            case Sentences():
                self.add_list(block.title, block.items)
            case Note():
                self.add_box(block.title, (("", block.text),), ORANGE)
            case DefinitionBox():
                self.add_box(block.title, (("", block.sentence), *block.facts, ("", block.definition)), ACCENT)
            case Tiles():
                self.add_tiles(block.tiles)
            case TableBlock():
                self.add_table(block.title, block.table, block.caption)
            case TextTable():
                self.add_table(block.title, block, block.caption)
            case FigureBlock():
                self.add_figure(block)
            case DisclosureStatement():
                self.add_list(STATEMENT_TITLE, block.sentences())
            case _:
                raise TypeError(f"a Word file cannot show a {type(block).__name__}")

    def say(self, text: str, style: str) -> WordParagraph:
        """A paragraph of a style."""
        return self.file.add_paragraph(settle_text(text), style)

    def part(self) -> None:
        """A little white that keeps a table from what stands around it."""
        self.say("", "Tile Note").paragraph_format.line_spacing = Pt(_PART)

    def add_list(self, title: str, items: Sequence[str]) -> None:
        """Sentences under a heading."""
        if title:
            self.say(title, "Heading 2")
        for item in items:
            self.say(item, "List Bullet")

    def add_box(self, title: str, lines: Sequence[tuple[str, str]], tone: str) -> None:
        """Lines that stand apart on one sheet, each under an optional name: shaded, with an edge on the left."""
        paragraphs = [self.say(title, "Heading 2")] if title else []
        for name, words in lines:
            line = self.say("", "Boxed")
            if name:
                line.add_run(f"{settle_text(name)}  ").bold = True
            line.add_run(settle_text(words))
            paragraphs.append(line)
        for paragraph in paragraphs:
            _draw_edge(paragraph, "left", tone, 3, space=6)
            form = paragraph.paragraph_format
            form.left_indent, form.keep_together, form.keep_with_next = Pt(9), True, paragraph is not paragraphs[-1]
        paragraphs[0].paragraph_format.space_before = Pt(8)
        paragraphs[-1].paragraph_format.space_after = Pt(10)

    def add_figure(self, figure: FigureBlock) -> None:
        """A figure under the question it answers, with its description, its caption and the way to its numbers."""
        self.say(figure.title, "Heading 2")
        drawing = self.say("", "Normal")
        drawing.paragraph_format.keep_with_next = True
        self.draw(drawing, figure.svg, figure.alt, self.paper.text_width)
        caption = self.say(figure.caption, "Caption")
        if figure.id in self.behind:
            if figure.caption:
                caption.add_run(" ")
            link = add_element(caption._p, "hyperlink", anchor=self.behind[figure.id], history="1")
            words = caption.add_run(BEHIND_LINK)
            words.font.color.rgb = RGBColor.from_string(ACCENT)
            link.append(words._r)

    def draw(self, paragraph: WordParagraph, svg: str, alt: str, width: float) -> None:
        """A picture in the size it was drawn in, or smaller where the sheet has less room."""
        content = self.pictures[svg]
        dots = Image.from_blob(content)
        wide, high = (72 * count / DOTS_PER_INCH for count in (dots.px_width, dots.px_height))
        size = min(1.0, width / wide, _ROOM * self.paper.text_height / high)
        picture: Any = paragraph.add_run().add_picture(io.BytesIO(content), width=Pt(wide * size))
        picture._inline.docPr.set("descr", settle_text(alt))

    def add_tiles(self, tiles: Sequence[Tile]) -> None:
        """Headline numbers side by side, each with its history."""
        rows = -(-len(tiles) // _ACROSS)
        width = self.paper.text_width / _ACROSS
        self.part()
        grid = self.add_grid(rows, [width] * _ACROSS, "")
        cells = [cell for row in grid.rows for cell in row.cells]
        for cell, tile in zip(cells, tiles, strict=False):
            edges = add_element(cell._tc.get_or_add_tcPr(), "tcBorders")
            _draw_line(edges, "top", _TONES[tile.signal], 3)
            for side in ("left", "bottom", "right"):
                _draw_line(edges, side, LINE, 0.5)
            self.fill_tile(cell, tile, width - 2 * _INSET)
        self.part()

    def fill_tile(self, cell: WordCell, tile: Tile, width: float) -> None:
        """One headline number: what it is, the number, what it rests on, its history and what that says."""
        _fill(cell, tile.label, "Tile Label")
        value = cell.add_paragraph(settle_text(show(tile.quantity)), "Tile Value")
        base = value.add_run(f"  {settle_text(' · '.join(say_base(tile)))}")
        base.font.size, base.font.bold, base.font.color.rgb = Pt(_BASE_SIZE), False, RGBColor.from_string(SOFT)
        if tile.svg:
            self.draw(cell.add_paragraph("", "Tile Note"), tile.svg, tile.alt, _SPARK * width)
            signal = cell.add_paragraph("", "Tile Note")
            signal.add_run(f"{SIGNAL_SIGNS[tile.signal]} ").font.color.rgb = RGBColor.from_string(_TONES[tile.signal])
            signal.add_run(settle_text(say_signal(tile))).font.color.rgb = RGBColor.from_string(INK)
        if tile.note:
            cell.add_paragraph(settle_text(tile.note), "Tile Note")

    def add_table(self, title: str, table: Table | TextTable, caption: str = "", anchor: str = "") -> None:
        """A table under its question: a head that comes again on every sheet, numbers set to the right by their points."""
        heading = self.say(title, "Heading 2")
        if anchor:
            _mark_place(heading, anchor, int(anchor.removeprefix("Figure")))
        printed = print_table(table, self.paper.text_width / _TABLE_SIZE)
        grid = self.add_grid(len(printed.rows) + 1, [width * _TABLE_SIZE for width in printed.widths], title)
        styles = ["Table Number" if number else "Table Text" for number in printed.numbers]
        head, *body = grid.rows
        add_element(head._tr.get_or_add_trPr(), "tblHeader")
        for cell, words, style in zip(head.cells, printed.columns, styles, strict=True):
            _draw_line(add_element(cell._tc.get_or_add_tcPr(), "tcBorders"), "bottom", INK, 1)
            paragraph = _fill(cell, "", style)
            paragraph.add_run(settle_text(words)).bold = True
            paragraph.paragraph_format.keep_with_next = True
        for place, (row, texts, pads) in enumerate(zip(body, printed.rows, printed.pads, strict=True), start=1):
            whole = len(body) <= _TOGETHER and (place < len(body) or bool(caption))
            for cell, words, style, pad in zip(row.cells, texts, styles, pads, strict=True):
                paragraph = _fill(cell, words, style)
                if pad:
                    paragraph.paragraph_format.right_indent = Pt(pad * _TABLE_SIZE)
                if whole:
                    paragraph.paragraph_format.keep_with_next = True
        if caption:
            self.say(caption, "Caption")
        else:
            self.part()

    def add_grid(self, rows: int, widths: Sequence[float], title: str) -> WordTable:
        """A table of fixed columns whose rows are not torn apart, with thin lines below each."""
        grid = self.file.add_table(rows, len(widths))
        grid.autofit = False
        about = grid._tbl.tblPr
        edges = OxmlElement("w:tblBorders")
        about.insert_element_before(edges, "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook")
        for side in ("bottom", "insideH"):
            _draw_line(edges, side, LINE, 0.5)
        if title:
            add_element(about, "tblCaption", val=settle_text(title))
        for column, width in zip(grid.columns, widths, strict=True):
            column.width = Pt(width)
        for row in grid.rows:
            add_element(row._tr.get_or_add_trPr(), "cantSplit")
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = Pt(width)
        return grid


def _fill(cell: WordCell, text: str, style: str) -> WordParagraph:
    """The first paragraph of a cell, with words and a style."""
    paragraph = cell.paragraphs[0]
    paragraph.style = style
    if text:
        paragraph.add_run(settle_text(text))
    return paragraph


def _draw_edge(paragraph: WordParagraph, side: str, colour: str, width: float, space: int) -> None:
    """A line beside a paragraph; one on the left is the edge of a shaded box."""
    about = paragraph._p.get_or_add_pPr()
    _draw_line(add_element(about, "pBdr"), side, colour, width, space)
    if side == "left":
        add_element(about, "shd", val="clear", color="auto", fill=WASH)


def _draw_line(edges: Any, side: str, colour: str, width: float, space: int = 0) -> None:
    add_element(edges, side, val="single", sz=f"{width * _EIGHTHS:.0f}", space=str(space), color=colour)


def _mark_place(paragraph: WordParagraph, name: str, number: int) -> None:
    """A place that a link can lead to."""
    add_element(paragraph._p, "bookmarkStart", id=str(number), name=name)
    add_element(paragraph._p, "bookmarkEnd", id=str(number))
