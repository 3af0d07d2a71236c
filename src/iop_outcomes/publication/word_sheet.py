"""The sheets of a Word file before anything stands on them: paper, typeface, styles, header, footer, properties."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import docx
from docx.document import Document as WordFile
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from docx.text.paragraph import Paragraph as WordParagraph

from iop_outcomes.publication.document import Document
from iop_outcomes.publication.paper import Paper
from iop_outcomes.publication.wording import say_mark, say_running, settle_text

INK, SOFT, LINE, WASH = "1C2430", "55606E", "D5DAE1", "F3F6FA"
ACCENT, ORANGE, GREY = "1F5FA8", "B85A00", "6B7480"
#: A typeface every office program has, or has another of the same widths for.
_FACE = "Arial"
#: Words are spelled as in Britain.
_LANGUAGE = "en-GB"
#: A file says it was made on the first day an archive can tell, whenever it was.
_MADE = datetime(1980, 1, 1)
#: What the empty file brings along: a preview, a bibliography, counts of words, styles of older programs.
_LEFTOVERS = ("thumbnail", "customXml", "stylesWithEffects", "extended-properties")
#: How far lines stand from each other, in parts of their height.
_LEADING = 1.05
#: Every style that is used: size, weight, colour, white above and below.
_STYLES: dict[str, tuple[float, bool, str, float, float]] = {
    "Normal": (9.5, False, INK, 0, 5),
    "Title": (18, True, INK, 0, 2),
    "Subtitle": (11, False, SOFT, 0, 2),
    "Heading 1": (14, True, INK, 0, 4),
    "Heading 2": (10.5, True, INK, 8, 3),
    "List Bullet": (9.5, False, INK, 0, 2),
    "Caption": (8, False, SOFT, 3, 8),
    "Header": (8, False, SOFT, 0, 0),
    "Footer": (8, False, SOFT, 0, 0),
    "Facts": (8.5, False, SOFT, 0, 10),
    "Lead": (10.5, False, INK, 0, 5),
    "Boxed": (9, False, INK, 0, 2),
    "Table Text": (8, False, INK, 1.2, 1.2),
    "Table Number": (8, False, INK, 1.2, 1.2),
    "Tile Label": (9, False, INK, 4, 0),
    "Tile Value": (18, True, INK, 1, 1),
    "Tile Note": (8, False, SOFT, 0, 1),
}


def open_sheets(document: Document, paper: Paper) -> WordFile:
    """An empty Word file for a document, without anything the program or the day left in it."""
    file = docx.Document()
    for holder in (file.part.package, file.part):
        for key, link in list(holder.rels.items()):
            if link.reltype.rpartition("/")[2] in _LEFTOVERS:
                del holder.rels[key]
    _set_styles(file)
    section = file.sections[0]
    section.page_width, section.page_height = Pt(paper.width), Pt(paper.height)
    section.left_margin = section.right_margin = Pt(paper.side)
    section.top_margin, section.bottom_margin = Pt(paper.top), Pt(paper.bottom)
    section.header_distance = section.footer_distance = Pt(paper.bottom / 2)
    _set_properties(file, document)
    _set_running(file, document, paper)
    return file


def add_element(parent: Any, kind: str, /, **attributes: str) -> Any:
    """A new last element of Word's own vocabulary in another, with attributes of that vocabulary."""
    element = OxmlElement(f"w:{kind}")
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), value)
    parent.append(element)
    return element


def _set_styles(file: WordFile) -> None:
    known = {style.name for style in file.styles}
    for style in list(file.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name != "Normal Table":
            style.delete()
    for name, (size, bold, colour, above, below) in _STYLES.items():
        own: Any = file.styles[name] if name in known else file.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        own.element.get_or_add_rPr().clear()
        own.font.name, own.font.size, own.font.bold = _FACE, Pt(size), bold
        own.font.color.rgb = RGBColor.from_string(colour)
        form = own.paragraph_format
        form.space_before, form.space_after, form.line_spacing = Pt(above), Pt(below), _LEADING
        for kind in ("w:pBdr", "w:contextualSpacing"):  # the front draws its own edge; items of a list stand apart
            for rule in own.element.pPr.findall(qn(kind)):
                own.element.pPr.remove(rule)
    file.styles["Table Number"].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    file.styles["Caption"].paragraph_format.keep_together = True
    for language in file.styles.element.findall(f"{qn('w:docDefaults')}//{qn('w:lang')}"):
        language.set(qn("w:val"), _LANGUAGE)


def _set_properties(file: WordFile, document: Document) -> None:
    held = file.core_properties
    held.title = settle_text(say_running(document)[0])[:255]
    held.subject = settle_text(document.subtitle)[:255]
    held.keywords = ", ".join((*document.stamps, *document.release_ids))[:255]
    held.author = held.last_modified_by = "iop_outcomes"
    held.comments, held.language, held.revision = "", _LANGUAGE, 1
    held.created = held.modified = _MADE


def _set_running(file: WordFile, document: Document, paper: Paper) -> None:
    """Stamps and release at the top of every sheet; the mark and the number of the sheet at its foot."""
    section = file.sections[0]
    left, right = say_running(document)
    head = _span(section.header.paragraphs[0], paper)
    for stamp in document.stamps:
        run = head.add_run(f" {stamp} ")
        run.bold = True
        add_element(run._r.get_or_add_rPr(), "bdr", val="single", sz="6", space="0", color=INK)
        head.add_run("  ")
    head.add_run(f"{settle_text(left)}\t{settle_text(right)}")
    foot = _span(section.footer.paragraphs[0], paper)
    foot.add_run(f"{say_mark(document)}\tsheet ")
    _add_field(foot, "PAGE")
    foot.add_run(" of ")
    _add_field(foot, "NUMPAGES")


def _span(paragraph: WordParagraph, paper: Paper) -> WordParagraph:
    """A paragraph whose one stop is the right edge of the text."""
    style: Any = paragraph.style
    style.paragraph_format.tab_stops.clear_all()
    paragraph.paragraph_format.tab_stops.add_tab_stop(Pt(paper.text_width), WD_TAB_ALIGNMENT.RIGHT)
    return paragraph


def _add_field(paragraph: WordParagraph, code: str) -> None:
    """A number the reading program fills in."""
    for kind, text in (("begin", ""), ("", code), ("end", "")):
        run = paragraph.add_run()._r
        if kind:
            add_element(run, "fldChar", fldCharType=kind)
        else:
            add_element(run, "instrText").text = text
