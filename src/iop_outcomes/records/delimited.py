"""Text files of separated values: their encoding, their separator, and their records one by one."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator

from iop_outcomes.errors import RecordsError
from iop_outcomes.records.grid import Grid, assemble_grid, locate_header

_DELIMITERS = (",", ";", "\t")


def read_delimited(data: bytes, file: str, known: Collection[str]) -> Grid:
    """Read a file of comma, semicolon or tab separated values whose bytes are ``data``.

    A quoted cell may hold line breaks; a row's number counts records, as a spreadsheet does. Raises
    :class:`RecordsError` when the text cannot be decoded or a quotation mark is never closed.
    """
    text, warning = decode_text(data, file)
    if "\0" in text:
        raise RecordsError(
            [f"{file} holds NUL bytes, so it is damaged or not a text file: export it again as CSV UTF-8."]
        )
    delimiter = _sniff_delimiter(text, known)
    broken: list[tuple[int, str]] = []
    grid = assemble_grid(_records(text, delimiter, file, broken), known, file)
    grid.broken = sorted([*grid.broken, *broken])
    if warning:
        grid.warnings.insert(0, warning)
    return grid


def decode_text(data: bytes, file: str) -> tuple[str, str]:
    """The text of a file and a warning where its encoding had to be guessed.

    UTF-8 (with or without a mark), UTF-16, and otherwise Windows-1252 or Latin-1.

    >>> decode_text("Anaïs".encode("latin-1"), "programs.csv")[0]
    'Anaïs'
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), ""
        except UnicodeDecodeError:
            raise RecordsError([f"{file} is cut off or damaged (UTF-16): export it again as CSV UTF-8."]) from None
    head = data[:2000]
    if len(head) > 3 and head[1::2].count(0) > 0.8 * len(head[1::2]) and not head[::2].count(0):
        return data.decode(
            "utf-16-le", errors="replace"
        ), f"{file}: read as UTF-16 without a mark; export it as CSV UTF-8."
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        warning = (
            f"{file} is not UTF-8; read as Windows-1252 (Latin-1). Check accented letters, or export it as CSV UTF-8."
        )
    try:
        return data.decode("cp1252"), warning
    except UnicodeDecodeError:
        return data.decode("latin-1"), warning


def _sniff_delimiter(text: str, known: Collection[str]) -> str:
    """The separator under which a header with the most known columns is found; the comma at a tie."""
    head = text[:65536]
    best, most = _DELIMITERS[0], -1.0
    for delimiter in _DELIMITERS:
        records: list[list[str]] = []
        try:
            for record in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter):
                records.append(record)
                if len(records) == 50:
                    break
        except csv.Error:
            pass
        if not records:
            continue
        start, score = locate_header(records, known)
        width = len(records[start]) / 10_000 if not known else 0.0
        if score + width > most:
            best, most = delimiter, score + width
    return best


def _records(text: str, delimiter: str, file: str, broken: list[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """Every record with its number; a record of one line that cannot be split goes to ``broken``.

    A quotation mark left open swallows the lines below it. Where that is seen the file is refused, because no one can
    say how many rows went in.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number, line, width = 0, 0, 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if reader.line_num - line > 1:
                raise _swallowed(file, number) from None
            broken.append((number, "unclosed_quote"))
        else:
            lines = reader.line_num - line
            if lines > 1 and number > 1 and len(record) < width:
                raise _swallowed(file, number)
            width = width if width > len(record) else len(record)
            yield number, record
        line = reader.line_num


def _swallowed(file: str, number: int) -> RecordsError:
    return RecordsError(
        [f'{file}, row {number}: a quotation mark (") is never closed, so the rows below cannot be read. Close it.']
    )
