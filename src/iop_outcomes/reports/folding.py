"""What a page has nothing to show of is said in one note, so that no reader turns pages of marks.

Rows of a table with nothing but withheld numbers are named under it; a table or figure with nothing else is named, by the
question it would have answered, in a note at the end of its page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from iop_outcomes.publication.document import (
    Block,
    Cell,
    DefinitionBox,
    FigureBlock,
    Note,
    Page,
    Table,
    TableBlock,
)
from iop_outcomes.publication.formatting import NOTHING, WITHHELD, Quantity
from iop_outcomes.publication.published import Published
from iop_outcomes.vocabulary import Status

_FOLDED = "Withheld to protect privacy, for the numbers rest on too few people:"
_EMPTY = "No number can be shown of these:"
#: What a withheld row may hold beside its marks.
_BLANK = ("", NOTHING)
_NO_NUMBER = (Status.NOT_ESTIMABLE, Status.IMMATURE)


def fold_withheld(page: Page, published: Published) -> Page:
    """The page without what is withheld as a whole, and with words in its place."""
    blocks: list[Block] = []
    folded: list[str] = []
    defined = list_shown(published)
    empty: list[str] = []
    for block in page.blocks:
        if isinstance(block, FigureBlock | TableBlock) and _is_withheld(block.table.rows):
            folded.append(block.title)
        elif isinstance(block, FigureBlock | TableBlock) and not block.table.rows:
            empty.append(block.title)
        elif isinstance(block, TableBlock):
            blocks.append(_fold_rows(block))
        elif not (isinstance(block, DefinitionBox) and block.definition not in defined):
            blocks.append(block)
    told = ((folded, _FOLDED), (empty, _EMPTY))
    said = [f"{why} {' '.join(dict.fromkeys(titles))}" for titles, why in told if titles]
    if said:
        blocks.append(Note(" ".join(said), "What this page cannot show"))
    return replace(page, blocks=tuple(blocks))


def _fold_rows(block: TableBlock) -> TableBlock:
    """The table without rows of marks, which its caption names."""
    hidden = [_name(row, block.table.columns) for row in block.table.rows if _is_withheld([row])]
    if not hidden:
        return block
    kept = tuple(row for row in block.table.rows if not _is_withheld([row]))
    caption = f"Withheld to protect privacy: {'; '.join(_join_alike(hidden))}. {block.caption}"
    return replace(block, table=Table(block.table.columns, kept), caption=caption.strip())


def _name(row: Sequence[Cell], columns: Sequence[str]) -> str:
    """What a row is called; a bare number by the heading it stands under."""
    name = str(row[0])
    return f"{columns[0]}: {name}" if name.isdigit() else name


def _join_alike(names: Sequence[str]) -> Iterator[str]:
    """Names with what they share said once; names of people and places keep their capitals.

    >>> list(_join_alike(["Gender: Women", "Gender: Men", "Race: American Indian"]))
    ['Gender: women, men', 'Race: American Indian']
    """
    found: dict[str, list[str]] = {}
    for name in names:
        head, _, rest = name.partition(": ")
        found.setdefault(head, []).append(rest)
    for head, parts in found.items():
        rests = [part[:1].lower() + part[1:] if part[1:].islower() else part for part in parts if part]
        yield f"{head}: {', '.join(rests)}" if rests else head


def _is_withheld(rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether there is a mark, and nothing but marks and blanks among the numbers of the rows; of words, among them all."""
    beside = [cell for row in rows for cell in row[1:]]
    cells: list[Cell] = [cell for cell in beside if isinstance(cell, Quantity)] or beside
    return any(_is_mark(cell) for cell in cells) and all(_is_mark(cell) or _is_blank(cell) for cell in cells)


def _is_mark(cell: Cell) -> bool:
    return cell.withheld if isinstance(cell, Quantity) else cell == WITHHELD


def _is_blank(cell: Cell) -> bool:
    if isinstance(cell, Quantity):
        return cell.status in _NO_NUMBER or (cell.kind == "count" and cell.value == 0)
    return cell in _BLANK


def list_shown(published: Published) -> tuple[str, ...]:
    """The definitions of which at least one number is shown, in order."""
    return tuple(sorted({row["definition"] for row in published.rows() if not math.isnan(row["value"])}))
