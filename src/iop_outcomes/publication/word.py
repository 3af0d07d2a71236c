"""A document as a Word file: headings, styles and tables that can be edited and pasted from, figures as pictures."""

from __future__ import annotations

from pathlib import Path

from iop_outcomes.publication.archive import settle_archive
from iop_outcomes.publication.document import Document, FigureBlock, Tiles, check_document
from iop_outcomes.publication.paper import Paper
from iop_outcomes.publication.typesetting import paint_pictures


def write_word(document: Document, path: str | Path, paper: str = "a4", *, figure_tables: bool = True) -> Path:
    """Write a document as a Word file: what does a reader edit, or paste from? Returns the path.

    ``paper`` is ``a4`` or ``us-letter``. With ``figure_tables`` the numbers behind the figures follow at the end. The same
    document gives the same bytes.

    Raises ``DisclosureError`` for anything that is no document of published rows, ``UsageError`` for another paper, and
    ``TypeError`` for a block it does not know.
    """
    check_document(document)
    sheet = Paper.named(paper)
    from iop_outcomes.publication.word_blocks import lay_out

    target = Path(path)
    lay_out(document, sheet, _paint(document), figure_tables).save(str(target))
    return settle_archive(target)


def _paint(document: Document) -> dict[str, bytes]:
    """The picture of every drawing of a document."""
    blocks = [block for page in document.pages for block in page.blocks]
    drawings = [block.svg for block in blocks if isinstance(block, FigureBlock)]
    drawings += [tile.svg for block in blocks if isinstance(block, Tiles) for tile in block.tiles if tile.svg]
    return dict(zip(drawings, paint_pictures(drawings), strict=True))
