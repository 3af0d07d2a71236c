"""Tables that claim to be the released rows themselves: a CSV, the sheet of numbers of a workbook, the numbers of a JSON file.

A row of one is held to the released row it says it is, cell by cell, and not to all that was released.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from iop_outcomes.estimates import COLUMNS, KEY
from iop_outcomes.publication.formatting import WITHHELD
from iop_outcomes.publication.published import Published

#: The numbers of a row of an export.
_NUMBERS = tuple(name for name, kind in COLUMNS.items() if kind == "float64" and name not in KEY)
#: Columns that make a table an export.
_TELLING = {"definition", "estimand", "value"}
#: What a workbook calls the sheet of its released rows, and JSON the list of them.
_SHEET, _LIST = "Numbers", "numbers"

#: The cells of a row by column, each with its place and its text.
_Row = dict[str, tuple[str, str]]


def compare_rows(
    content: bytes, suffix: str, released: tuple[Published, ...]
) -> tuple[frozenset[str], list[tuple[str, str]]]:
    """The places of an export's numbers, and those among them that differ from the row they claim to be, with their texts.

    Both are empty for a file that holds no export.
    """
    known = {_key(row): row for each in released for row in each.rows()}
    places: set[str] = set()
    differing = []
    for line in _READERS[suffix](content) if suffix in _READERS else ():
        row = known.get(_key({name: text or None for name, (_, text) in line.items()}), {})
        for name in (name for name in _NUMBERS if name in line):
            (place, text), number = line[name], row.get(name, math.nan)
            places.add(place)
            blank = not text or (text == WITHHELD and number != number)
            if not blank and text != _plain(number):
                differing.append((place, text))
    return frozenset(places), differing


def _read_csv(content: bytes) -> Iterator[_Row]:
    lines = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace")))
    if set(lines.fieldnames or ()) >= _TELLING:
        for number, line in enumerate(lines, start=2):
            yield {name: (f"row {number}, {name}", cell or "") for name, cell in line.items() if isinstance(name, str)}


def _read_json(content: bytes) -> Iterator[_Row]:
    try:
        lines = json.loads(content)[_LIST]
    except (ValueError, LookupError, TypeError):
        return
    for number, line in enumerate(lines if isinstance(lines, list) else (), start=1):
        if isinstance(line, Mapping) and set(line) >= _TELLING:
            yield {name: (f"{_LIST}, {number}, {name}", _plain(value)) for name, value in line.items()}


def _read_workbook(content: bytes) -> Iterator[_Row]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(content), read_only=True)
    except (zipfile.BadZipFile, InvalidFileException, LookupError, ValueError):
        return
    if _SHEET not in book.sheetnames:
        return
    lines = (line for line in book[_SHEET].iter_rows() if any(cell.value is not None for cell in line))
    header = next((line for line in lines if {cell.value for cell in line} >= _TELLING), ())
    columns = {cell.column: str(cell.value) for cell in header if cell.value is not None}
    for line in lines:
        filled = [cell for cell in line if cell.value is not None and cell.column in columns]
        yield {columns[cell.column]: (f"{_SHEET}!{cell.coordinate}", _plain(cell.value)) for cell in filled}


def _plain(value: Any) -> str:
    """A number with the digits every export writes, words as they are, nothing where there is nothing."""
    if value is None or value != value:
        return ""
    return f"{value:.12g}" if isinstance(value, int | float) else str(value)


def _key(row: Mapping[str, object]) -> tuple[str, ...]:
    """What says which number a row is, as text; a missing part and an empty one are the same."""
    parts = (row.get(name) for name in KEY)
    return tuple(
        "" if part is None or part != part else f"{part:g}" if isinstance(part, float) else str(part) for part in parts
    )


_READERS = {".csv": _read_csv, ".json": _read_json, ".xlsx": _read_workbook}
