"""A document as a PDF: sheets that print alike everywhere, tagged for screen readers, with text that can be selected.

The layout is a Typst template; the document's words reach it as JSON. The compiler checks what PDF/UA-1 asks for.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from iop_outcomes.publication.columns import print_table
from iop_outcomes.publication.document import (
    DefinitionBox,
    DisclosureStatement,
    Document,
    FigureBlock,
    Note,
    Paragraph,
    Sentences,
    Table,
    TableBlock,
    TextTable,
    Tile,
    Tiles,
    check_document,
)
from iop_outcomes.publication.formatting import show
from iop_outcomes.publication.paper import Paper
from iop_outcomes.publication.typesetting import set_sheets
from iop_outcomes.publication.wording import (
    BEHIND_LEAD,
    BEHIND_LINK,
    BEHIND_TITLE,
    SIGNAL_SIGNS,
    STATEMENT_TITLE,
    say_base,
    say_facts,
    say_mark,
    say_running,
    say_signal,
)

#: Sizes of type in tables, in points.
_TABLE_SIZE, _SMALL_SIZE = 8.0, 7.5


def write_pdf(document: Document, path: str | Path, paper: str = "a4", *, figure_tables: bool = True) -> Path:
    """Write a document as a PDF: what does a reader print, file or send on? Returns the path.

    ``paper`` is ``a4`` or ``us-letter``. With ``figure_tables`` the numbers behind the figures follow on sheets of their
    own. The same document gives the same bytes.

    Raises ``DisclosureError`` for anything that is no document of published rows, ``UsageError`` for another paper, and
    ``TypeError`` for a block it does not know.
    """
    check_document(document)
    sheet = Paper.named(paper)
    target = Path(path)
    target.write_bytes(set_sheets("report.typ", _fill(document, sheet, figure_tables)))
    return target


def _fill(document: Document, paper: Paper, figure_tables: bool) -> dict[str, Any]:
    """Everything the template prints."""
    width = paper.text_width
    figures = [block for page in document.pages for block in page.blocks if isinstance(block, FigureBlock)]
    return {
        "paper": asdict(paper),
        "lang": "en",
        "title": say_running(document)[0],
        "heading": document.title,
        "description": ", ".join(part for part in (document.subtitle, document.period) if part),
        "keywords": [*document.stamps, *document.release_ids],
        "subtitle": document.subtitle,
        "facts": say_facts(document),
        "running": say_running(document),
        "mark": say_mark(document),
        "stamps": document.stamps,
        "pages": [
            {
                "number": page.number,
                "title": page.title,
                "lead": page.lead,
                "own": page.shows_numbers,
                "blocks": [_fill_block(block, width, figure_tables) for block in page.blocks],
            }
            for page in document.pages
        ],
        "behind": {
            "title": BEHIND_TITLE,
            "lead": BEHIND_LEAD,
            "tables": [
                {"id": block.id, **_table(block.title, block.table, "", width / _SMALL_SIZE)}
                for block in figures
                if figure_tables and block.table.rows
            ],
        },
    }


def _fill_block(block: object, width: float, figure_tables: bool) -> dict[str, Any]:
    """One block as the template knows it; each kind has a drawing there under the same name."""
    match block:
        case Paragraph():
            return {"kind": "paragraph", "text": block.text, "strong": block.strong}
        case Sentences():
            return {"kind": "sentences", "title": block.title, "items": block.items}
        case Note():
            return {"kind": "note", "title": block.title, "text": block.text}
        case DefinitionBox():
            return {"kind": "definition", **asdict(block)}
        case Tiles():
            return {"kind": "tiles", "tiles": [_fill_tile(tile) for tile in block.tiles]}
        case TableBlock():
            return _table(block.title, block.table, block.caption, width / _TABLE_SIZE)
        case TextTable():
            return _table(block.title, block, block.caption, width / _TABLE_SIZE)
        case FigureBlock():
            return {
                "kind": "figure",
                "id": block.id,
                "title": block.title,
                "svg": block.svg,
                "alt": block.alt,
                "caption": block.caption,
                "behind": BEHIND_LINK if figure_tables and block.table.rows else "",
            }
        case DisclosureStatement():
            return {"kind": "statement", "title": STATEMENT_TITLE, "items": block.sentences()}
    raise TypeError(f"a PDF cannot show a {type(block).__name__}")


def _fill_tile(tile: Tile) -> dict[str, Any]:
    return {
        "label": tile.label,
        "value": show(tile.quantity),
        "base": say_base(tile),
        "svg": tile.svg,
        "alt": tile.alt,
        "signal": tile.signal,
        "sign": SIGNAL_SIGNS[tile.signal],
        "words": say_signal(tile),
        "note": tile.note,
    }


def _table(title: str, table: Table | TextTable, caption: str, width: float) -> dict[str, Any]:
    return {"kind": "table", "title": title, "caption": caption, "table": asdict(print_table(table, width))}
