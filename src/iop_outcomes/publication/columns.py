"""A table as printed: its words, which columns hold numbers, and how wide each column of a sheet is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from iop_outcomes.publication.document import Table, TextTable
from iop_outcomes.publication.formatting import Quantity
from iop_outcomes.publication.wording import show_cell

#: Widths of letters in parts of the type size, as sans serif faces have them.
_NARROW, _WIDE = frozenset(" .,:;'|!()[]ijlrft-·"), frozenset("mwMWQO@%—")
#: White between two columns, in the same parts.
_GAP = 1.8
#: By how much a column grows at a time.
_BIT = 0.5
#: Longest word that is not broken.
_UNBROKEN = 18.0
#: A number may stand above its range in brackets.
_STACKED = re.compile(r"\s(?=\()")
#: A number, a share of a count or a range, with what belongs to it: always on one line.
_WHOLE = re.compile(r"[^a-z]*\d[^a-z]*((to|of|in|under|over|days|weeks|hours)\b[^a-z]*)*|(under|over) [^a-z]*\d.*")
#: Where a text may go on in the next line.
_BREAKS = re.compile(r"(?<=/)|\s+")
#: A single number with its decimals, and how wide they are.
_DECIMALS = re.compile(r"[-$]*[\d,]+(\.\d+)?\D*")
_POINT, _DIGIT = 0.32, 0.64


@dataclass(frozen=True)
class PrintedTable:
    """Words of a table as printed, and how it is laid out; all lengths are in parts of the type size.

    ``numbers`` says which columns are set to the right, ``widths`` how wide each is, and ``pads`` how much white follows each
    cell so that the points of decimals stand under each other.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[bool, ...]
    widths: tuple[float, ...]
    pads: tuple[tuple[float, ...], ...]


def print_table(table: Table | TextTable, width: float) -> PrintedTable:
    """The table as printed on a sheet of some width, in parts of the type size.

    Every column gets what its longest word, number or range needs; what is left goes where it saves most lines.
    """
    columns = table.columns
    rows = tuple(tuple(show_cell(cell) for cell in row) for row in table.rows)
    numbers = tuple(any(isinstance(row[place], Quantity) for row in table.rows) for place in range(len(columns)))
    by_column = [[row[place] for row in rows] for place in range(len(columns))]
    padded = [
        pad_decimals(cells) if number else [0.0] * len(cells) for cells, number in zip(by_column, numbers, strict=True)
    ]
    pads = tuple(zip(*padded, strict=True))
    least, firm = [], []
    for place, column in enumerate(columns):
        cells = zip(by_column[place], padded[place], strict=True)
        whole = [(part, pad) for cell, pad in cells for part in _STACKED.split(cell) if _WHOLE.fullmatch(part)]
        firm.append(max((measure_text(part) + pad for part, pad in whole), default=0.0) + _GAP)
        words = (word for text in (column, *by_column[place]) for word in _BREAKS.split(text))
        least.append(max(firm[-1], max(min(_UNBROKEN, measure_text(word)) for word in words) + _GAP))
    wishes = [
        [measure_text(cell) + pad + _GAP for cell, pad in zip(*row, strict=True)]
        for row in ((columns, [0.0] * len(columns)), *zip(rows, pads, strict=True))
    ]
    return PrintedTable(columns, rows, numbers, share_width(least, wishes, width, firm), pads)


def pad_decimals(cells: Sequence[str]) -> list[float]:
    """The white after each number that puts the points of a column under each other.

    >>> pad_decimals(["84", "99.8", "7 of 19"])
    [0.96, 0.0, 0.0]
    """
    decimals = [_DECIMALS.fullmatch(cell) for cell in cells]
    lengths = [
        sum(_POINT if sign == "." else _DIGIT for sign in found[1] or "") if found else None for found in decimals
    ]
    longest = max((length for length in lengths if length is not None), default=0.0)
    return [0.0 if length is None else round(longest - length, 3) for length in lengths]


def share_width(
    least: Sequence[float], wishes: Sequence[Sequence[float]], width: float, firm: Sequence[float] = ()
) -> tuple[float, ...]:
    """Widths of columns, each at least what it needs; ``wishes`` are the widths that keep each cell of a row on one line.

    A table is as narrow as its cells allow. Where they do not fit, the rest goes to the columns bit by bit, each bit where it
    makes the table shortest; where even the least is too much, columns shrink towards what their numbers need, ``firm``,
    and where that is too much, all alike.

    >>> share_width([2, 2], [[4, 10]], 20), share_width([4, 4], [[4, 4]], 4)
    ((4.0, 10.0), (2.0, 2.0))
    >>> share_width([2, 2], [[4, 40], [4, 20]], 20)
    (3.5, 16.5)
    >>> share_width([4, 6], [[4, 6]], 8, firm=[4, 2])
    (4.0, 4.0)
    """
    widths = [float(part) for part in least]
    if sum(widths) > width:
        firm = firm if 0 < sum(firm) < width else [0.0] * len(widths)
        rest = (width - sum(firm)) / (sum(widths) - sum(firm))
        return tuple(float(kept + rest * (part - kept)) for kept, part in zip(firm, widths, strict=True))
    most = [max(column) for column in zip(*wishes, strict=True)]

    def lines(place: int) -> float:
        """How many lines the table has with a bit more for one column."""
        tried = [part + (column == place) * _BIT for column, part in enumerate(widths)]
        return sum(max(1.0, *(wish / part for wish, part in zip(row, tried, strict=True))) for row in wishes)

    while True:
        open_ = [place for place in range(len(widths)) if widths[place] < most[place]]
        if not open_ or sum(widths) + _BIT > width:
            return tuple(widths)
        place = min(open_, key=lambda place: (lines(place), widths[place]))
        widths[place] = min(widths[place] + _BIT, max(most[place], least[place]))


def measure_text(text: str) -> float:
    """About how long a text is on one line, in parts of the type size.

    >>> measure_text("ill") < measure_text("one") < measure_text("MMM")
    True
    """
    return sum(
        0.38 if sign in _NARROW else 0.95 if sign in _WIDE else 0.72 if sign.isupper() else 0.63 for sign in text
    )
