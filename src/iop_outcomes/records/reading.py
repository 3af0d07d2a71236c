"""From files to text: CSV, Parquet and Excel, each cell as the file holds it and each row with its number."""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from iop_outcomes.errors import RecordsError
from iop_outcomes.records.delimited import read_delimited
from iop_outcomes.records.grid import Grid, assemble_grid
from iop_outcomes.records.raw import RawTable
from iop_outcomes.schema import TABLES

#: Kinds of file a table may stand in.
SUFFIXES: tuple[str, ...] = (".csv", ".parquet", ".xlsx")
#: One workbook with a sheet for each table.
_WORKBOOK = "records.xlsx"


@dataclass(frozen=True)
class Source:
    """Where a table stands: a file, a folder of files, or a sheet where the file is the workbook of all tables."""

    path: Path
    sheet: str | None = None


def find_tables(folder: Path) -> tuple[dict[str, Source], list[str], list[str]]:
    """Which file holds which table, with faults (missing, ambiguous) and warnings (a file of nearly the right name).

    A table stands in ``NAME.csv``, ``NAME.parquet`` or ``NAME.xlsx``, in a folder NAME of CSV or Parquet files, or in
    the sheet NAME of ``records.xlsx``.
    """
    sources: dict[str, Source] = {}
    faults: list[str] = []
    sheets = _sheets(folder / _WORKBOOK, faults) if (folder / _WORKBOOK).is_file() else []
    present = sorted(path for path in folder.iterdir() if path.suffix.lower() in (*SUFFIXES, ".xls"))
    for name, table in TABLES.items():
        found = [Source(path) for path in present if path.stem.lower() == name and path.suffix.lower() != ".xls"]
        found += [Source(folder / name)] if (folder / name).is_dir() else []
        found += [Source(folder / _WORKBOOK, sheet) for sheet in sheets if sheet.strip().lower() == name]
        if len(found) > 1:
            names = ", ".join(source.path.name for source in found)
            faults.append(f"The table {name} stands in more than one file ({names}): keep one.")
        elif found:
            sources[name] = found[0]
        elif any(path.stem.lower() == name and path.suffix.lower() == ".xls" for path in present):
            faults.append(f"{name}.xls is in the old Excel format: save it as .xlsx or CSV UTF-8.")
        elif table.required:
            stems = {path.stem.lower(): path.name for path in present if path.stem.lower() not in TABLES}
            close = get_close_matches(name, stems, 1, 0.7)
            hint = f" {stems[close[0]]} has nearly that name: rename it." if close else ""
            faults.append(
                f"The table {name} is missing: put {name}.csv, {name}.parquet or {name}.xlsx into the folder.{hint}"
            )
    notes = []
    for path in present:
        stem = path.stem.lower()
        close = get_close_matches(stem, TABLES, 1, 0.8)
        if stem not in TABLES and close and close[0] not in sources and not TABLES[close[0]].required:
            notes.append(f"{path.name} was not read: rename it {close[0]}{path.suffix} if it is the table {close[0]}.")
    return sources, faults, notes


def read_table(path: Path, table: str = "", known: Collection[str] = (), sheet: str | None = None) -> RawTable:
    """Read one file as text.

    ``known`` are the column names the header is recognised by (the table's own when empty and ``table`` names one);
    title rows above it are skipped with a warning. Dates come out as YYYY-MM-DD, whole numbers without a decimal point.
    Rows are numbered as a spreadsheet numbers them: the first record is row 1 (in Parquet the first data row is row 2).
    Raises :class:`RecordsError` with every fault of the file: missing, empty, damaged, without header.
    """
    path = Path(path)
    file = path.name
    if not known and table in TABLES:
        known = TABLES[table].columns
    if not path.is_file():
        raise RecordsError([f"{file} is missing."])
    if path.stat().st_size == 0:
        raise RecordsError([f"{file} is empty (0 bytes): export it again."])
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        grid = _read_parquet(path)
    elif suffix == ".xlsx":
        grid = _read_workbook(path, table, known, sheet)
    elif suffix in (".csv", ".txt", ".tsv"):
        grid = read_delimited(path.read_bytes(), file, known)
    else:
        raise RecordsError([f"{file} is not CSV, Parquet or Excel (.xlsx): save it as one of these."])
    if grid.faults:
        raise RecordsError(grid.faults)
    rows = np.asarray(grid.rows, dtype=np.int64)
    return RawTable(table, file, grid.frame, rows, {}, tuple(grid.warnings), tuple(grid.broken))


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_parquet(path: Path) -> Grid:
    """A Parquet file as text, through the engine."""
    import duckdb

    damaged = RecordsError([f"{path.name} is damaged or not Parquet: export it again."])
    with duckdb.connect() as connection:
        try:
            scan = "read_parquet(?)"
            described = connection.execute(f"describe select * from {scan}", [str(path)]).fetchall()
            parts = [_as_text(str(name), str(kind)) for name, kind, *_ in described]
            frame = connection.execute(f"select {', '.join(parts)} from {scan}", [str(path)]).df()
        except duckdb.Error:
            raise damaged from None
    frame = frame.astype("str").fillna("")
    grid = Grid(frame, list(range(2, len(frame) + 2)))
    if frame.columns.str.startswith("\0").any() or frame.columns.str.strip().duplicated().any():
        grid.faults.append(f"{path.name} has two columns of one name: give them different names.")
    return grid


def _as_text(name: str, kind: str) -> str:
    """The SQL that writes a column of a type as text."""
    column = '"' + name.replace('"', '""') + '"'
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"CAST(CAST({column} AS BIGINT) AS VARCHAR)"
        text = (
            f"CASE WHEN isnan({column}) THEN '' WHEN abs({column}) < 1e15 AND {column} = trunc({column}) "
            f"THEN {whole} ELSE CAST({column} AS VARCHAR) END"
        )
    elif kind.startswith("DECIMAL"):
        text = f"regexp_replace(CAST({column} AS VARCHAR), '\\.0+$', '')"
    elif kind.startswith("TIMESTAMP"):
        text = f"regexp_replace(CAST({column} AS VARCHAR), ' 00:00:00(\\.0+)?$', '')"
    else:
        text = f"CAST({column} AS VARCHAR)"
    return f"coalesce({text}, '') AS {column}"


def _sheets(path: Path, faults: list[str]) -> list[str]:
    """The sheets of the workbook of all tables."""
    try:
        book = _open_workbook(path)
    except RecordsError as error:
        faults.extend(error.faults)
        return []
    names = list(book.sheetnames)
    book.close()
    return names


def _open_workbook(path: Path):  # type: ignore[no-untyped-def]  # openpyxl has no types
    """An Excel file opened for reading values; openpyxl's remarks on styles concern no one here."""
    import openpyxl

    if path.stat().st_size == 0:
        raise RecordsError([f"{path.name} is empty (0 bytes): export it again."])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return openpyxl.load_workbook(path, read_only=True, data_only=True)
        except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError, TypeError, SyntaxError):
            raise RecordsError([f"{path.name} is damaged or not an Excel workbook: save it again as .xlsx."]) from None


def _read_workbook(path: Path, table: str, known: Collection[str], sheet: str | None) -> Grid:
    """The one sheet of an Excel file, or the sheet named after the table."""
    book = _open_workbook(path)
    try:
        names = list(book.sheetnames)
        wanted = sheet or next((name for name in names if name.strip().lower() == table), names[0])
        if wanted not in names or (len(names) > 1 and sheet is None and wanted.strip().lower() != table):
            raise RecordsError(
                [f"{path.name} has {len(names)} sheets: name the one to read {table or sheet}, or keep only that one."]
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                records = [
                    (number, [_cell_text(cell) for cell in row])
                    for number, row in enumerate(book[wanted].iter_rows(values_only=True), start=1)
                ]
            except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError, TypeError, SyntaxError):
                raise RecordsError([f"{path.name} is damaged: save it again as .xlsx."]) from None
    finally:
        book.close()
    label = path.name if path.name.lower() != _WORKBOOK else f"{path.name} [{wanted}]"
    return assemble_grid(records, known, label, padded=True)


def _cell_text(cell: object) -> str:
    """What a spreadsheet cell says, as text: dates as YYYY-MM-DD, 3.0 as "3"."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


def text_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame handed over, as the text a file of it would hold; missing values become empty cells.

    Raises :class:`RecordsError` for two columns of one name and for cells that hold lists or the like.
    """
    if not frame.columns.is_unique:
        raise RecordsError(["two columns have one name: keep one, or give them different names."])
    columns = {}
    for name in frame.columns:
        try:
            codes, uniques = pd.factorize(frame[name], use_na_sentinel=True)
        except TypeError:
            raise RecordsError([f"the column {name} holds lists or other objects: one cell holds one value."]) from None
        words = np.array([*(_cell_text(_plain(value)) for value in uniques), ""], dtype=object)
        columns[str(name)] = pd.Series(words[codes], dtype="str")
    return pd.DataFrame(columns, index=range(len(frame)))


def _plain(value: object) -> object:
    """A numpy or pandas scalar as Python's own."""
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if isinstance(value, np.generic) else value
