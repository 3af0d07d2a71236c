"""Where a table starts inside a sheet, and which of its rows can be split into its columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import pandas as pd

#: How many records a header may stand below the top of a file.
_SEARCHED = 20
#: Records made into columns at a time, so that a large file never stands in memory twice.
_CHUNK = 50_000


@dataclass
class Grid:
    """The cells of one sheet under their header: text columns, row numbers, and the rows that could not be split."""

    frame: pd.DataFrame
    rows: list[int]
    broken: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def locate_header(records: Sequence[Sequence[str]], known: Collection[str]) -> tuple[int, int]:
    """Which of the first records is the header, and how many known columns it names.

    The record with the most known column names wins, the earlier at a tie; with none, the first that is not empty.
    """
    names = {name.casefold() for name in known}
    best, score = -1, 0
    for index, record in enumerate(records[:_SEARCHED]):
        found = len({cell.strip().casefold() for cell in record} & names)
        if found > score:
            best, score = index, found
    if best < 0:
        best = next((index for index, record in enumerate(records) if any(cell.strip() for cell in record)), 0)
    return best, score


def assemble_grid(
    records: Iterable[tuple[int, Sequence[str]]], known: Collection[str], file: str, *, padded: bool = False
) -> Grid:
    """Turn numbered records into text columns under their header.

    ``padded`` says that a record shorter than the header is one whose last cells are empty (a spreadsheet), not one
    that was cut off (a text file). Empty cells beyond the header are ignored; filled ones set the row aside.
    """
    stream = iter(records)
    grid = Grid(pd.DataFrame(), [])
    head = list(islice(stream, _SEARCHED))
    while head and not any("".join(record).strip() for _, record in head):
        head = list(islice(stream, _SEARCHED))
    if not head:
        grid.faults.append(f"{file} is empty: it needs a header row and at least one row below it.")
        return grid
    start, score = locate_header([record for _, record in head], known)
    if known and not score:
        grid.faults.append(
            f"{file} has no header: none of its first {_SEARCHED} rows names a column of the table. "
            "Put the column names of the template in the first row."
        )
        return grid
    above = sum(1 for _, record in head[:start] if "".join(record).strip())
    if above:
        rows = "1 row" if above == 1 else f"{above} rows"
        grid.warnings.append(f"{file}: {rows} above the header (row {head[start][0]}) skipped as a title.")
    names = _header_names(head[start][1], file, grid)
    if grid.faults:
        return grid
    blank = _fill(grid, chain(head[start + 1 :], stream), names, padded)
    if blank:
        grid.warnings.append(f"{file}: {blank} empty {'row' if blank == 1 else 'rows'} skipped.")
    _drop_unnamed(grid, file)
    return grid


def _header_names(header: Sequence[str], file: str, grid: Grid) -> list[str]:
    """Column names without the empty ones at the end; faults for a name that stands twice."""
    names = [cell.strip() for cell in header]
    while names and not names[-1]:
        names.pop()
    if any(cell != cell.strip() for cell in header if cell.strip()):
        grid.warnings.append(f"{file}: blanks around a column name in the header ignored.")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    for name in twice:
        grid.faults.append(f"{file} has two columns called {name}: keep one, or give them different names.")
    return names


def _fill(grid: Grid, records: Iterable[tuple[int, Sequence[str]]], names: list[str], padded: bool) -> int:
    """Put the records that fit under the header into the frame, the others among the broken; count the empty rows."""
    blank = 0
    width = len(names)
    keys = [name or f"\0{index}" for index, name in enumerate(names)]
    pieces: list[pd.DataFrame] = []
    chunk: list[Sequence[str]] = []

    def flush() -> None:
        columns = list(zip(*chunk, strict=True)) if chunk else [()] * width
        pieces.append(
            pd.DataFrame({key: pd.Series(list(cells), dtype="str") for key, cells in zip(keys, columns, strict=True)})
        )
        chunk.clear()

    for number, record in records:
        if not "".join(record).strip():
            blank += 1
            continue
        length = len(record)
        if length > width:
            if any(cell.strip() for cell in record[width:]):
                grid.broken.append((number, "too_many_cells"))
                continue
            record = record[:width]
        elif length < width:
            if not padded:
                grid.broken.append((number, "too_few_cells"))
                continue
            record = [*record, *([""] * (width - length))]
        chunk.append(record)
        grid.rows.append(number)
        if len(chunk) == _CHUNK:
            flush()
    if chunk or not pieces:
        flush()
    grid.frame = pd.concat(pieces, ignore_index=True) if len(pieces) > 1 else pieces[0]
    return blank


def _drop_unnamed(grid: Grid, file: str) -> None:
    """Leave out columns without a name when they hold nothing; otherwise say so."""
    for key in [str(name) for name in grid.frame if str(name).startswith("\0")]:
        if (grid.frame[key].str.strip() != "").any():
            grid.faults.append(f"{file}: column {int(key[1:]) + 1} holds cells but has no name: name it or remove it.")
        grid.frame = grid.frame.drop(columns=key)
