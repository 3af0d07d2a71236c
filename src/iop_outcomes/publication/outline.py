"""Blocks as formats without a layout of their own take them: a title, some prose, at most one table, a caption."""

from __future__ import annotations

from dataclasses import dataclass

from iop_outcomes.publication.document import (
    Block,
    Cell,
    DefinitionBox,
    DisclosureStatement,
    FigureBlock,
    Note,
    Paragraph,
    Sentences,
    Table,
    TableBlock,
    TextTable,
    Tile,
    Tiles,
)
from iop_outcomes.publication.formatting import show_base
from iop_outcomes.publication.wording import STATEMENT_TITLE, say_signal, show_limits

#: The headings of headline numbers where they stand in a table.
TILE_COLUMNS: tuple[str, ...] = ("", "Value", "Likely range", "Counted", "Signal", "Note")


@dataclass(frozen=True)
class Outline:
    """A block in parts; what it has not is empty. Of a figure, the prose is its alternative text."""

    kind: str
    title: str = ""
    prose: tuple[str, ...] = ()
    table: Table | None = None
    caption: str = ""


def outline_block(block: Block) -> Outline:
    """The parts of a block.

    >>> outline_block(Note("Look here.", "Note"))
    Outline(kind='note', title='Note', prose=('Look here.',), table=None, caption='')
    """
    if isinstance(block, Paragraph):
        return Outline("key sentence" if block.strong else "paragraph", prose=(block.text,))
    if isinstance(block, Sentences):
        return Outline("sentences", title=block.title, prose=block.items)
    if isinstance(block, Note):
        return Outline("note", title=block.title, prose=(block.text,))
    if isinstance(block, DefinitionBox):
        facts = (f"{name}: {text}" for name, text in block.facts)
        return Outline("definition", f"{block.title} ({block.definition})", (block.sentence, *facts))
    if isinstance(block, Tiles):
        return Outline("tiles", table=Table(TILE_COLUMNS, tuple(_tile_row(tile) for tile in block.tiles)))
    if isinstance(block, FigureBlock):
        return Outline("figure", block.title, (block.alt,), block.table, block.caption)
    if isinstance(block, TableBlock):
        return Outline("table", block.title, (), block.table, block.caption)
    if isinstance(block, TextTable):
        return Outline("table of words", block.title, (), Table(block.columns, block.rows), block.caption)
    if isinstance(block, DisclosureStatement):
        return Outline("disclosure statement", title=STATEMENT_TITLE, prose=block.sentences())
    raise TypeError(f"no outline of a {type(block).__name__}")


def _tile_row(tile: Tile) -> tuple[Cell, ...]:
    limits = show_limits(tile.quantity)
    return tile.label, tile.quantity, limits, show_base(tile.quantity), say_signal(tile), tile.note
