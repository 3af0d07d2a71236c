"""Tables too large to read here, or that stand in many files, or on an engine already: how each gets onto the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from iop_outcomes.errors import RecordsError, UsageError
from iop_outcomes.records.distinct import cells_here
from iop_outcomes.records.engine import FILE, ROW, Engine
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.scanned import Scanned
from iop_outcomes.schema import TABLES

#: Bytes of a file from which it is read on the engine; Parquet packs about eight times as many rows into one.
LARGE = {".csv": 64 * 2**20, ".parquet": 8 * 2**20}
_GLOB = "*?["


def find_parts(source: Path) -> list[Path]:
    """The Parquet or CSV files of a table: a file, all files of a folder and its folders, or those a pattern names.

    Names that start with ``.`` or ``_`` are left out. Raises :class:`RecordsError` where there are none, or of both kinds.
    """
    if source.is_dir():
        found = [path for path in source.rglob("*") if not _hidden(path.relative_to(source))]
    elif any(sign in str(source) for sign in _GLOB):
        root = next(parent for parent in source.parents if not any(sign in str(parent) for sign in _GLOB))
        found = [path for path in root.glob(str(source.relative_to(root))) if not _hidden(path.relative_to(root))]
    else:
        found = [source]
    parts = sorted(path for path in found if path.suffix.lower() in LARGE and path.is_file())
    if not parts:
        raise RecordsError([f"{source.name} holds no Parquet or CSV file."])
    if len({path.suffix.lower() for path in parts}) > 1:
        raise RecordsError([f"{source.name} holds Parquet and CSV files: keep one kind."])
    return parts


def is_large(path: Path) -> bool:
    """Whether a file is read on the engine; a CSV file only when its header is plain, since only those read alike."""
    size = LARGE.get(path.suffix.lower())
    if size is None or path.stat().st_size < size:
        return False
    if path.suffix.lower() == ".parquet":
        return True
    with open(path, "rb") as stream:
        header = stream.readline(10_000).decode("utf-8", "replace").removeprefix("\ufeff").strip().split(",")
    known = {column for table in TABLES.values() for column in table.columns}
    return len(header) > 1 and all(name.strip('"') in known for name in header)


def scan_parts(engine: Engine, *, table: str, parts: list[Path], root: Path, label: str) -> Scanned:
    """The files of one table on the engine; a part of a path such as ``year=2025`` is a column only if the table has it."""
    frame = engine.scan(parts)
    folders = {part.partition("=")[0] for path in parts for part in path.relative_to(root).parts[:-1] if "=" in part}
    frame = frame.drop(*sorted(folders - set(TABLES[table].columns)), strict=False)
    names = {
        place: path.relative_to(root).as_posix() for path in parts for place in (str(path), path.absolute().as_uri())
    }
    return Scanned(table, label, frame, engine, names=names)


def lift_raws(engine: Engine, raws: Sequence[RawTable]) -> Scanned:
    """A table that was read here, of one file or more, put on the engine."""
    pieces = [raw.frame.assign(_file=raw.file, _row=raw.rows) for raw in raws]
    joined = pd.concat(pieces, ignore_index=True).fillna("")
    cells = {name: cells_here(joined[name]) for name in map(str, joined) if name not in (FILE, ROW)}
    rest = [replace(raw, frame=raw.frame.iloc[:0], rows=raw.rows[:0]) for raw in raws if raw.broken or raw.left_out]
    file = ", ".join(dict.fromkeys(raw.file for raw in raws))
    return Scanned(raws[0].table, file, engine.lift(joined), engine, rest=rest, cells=cells)


def adopt_table(engine: Engine, *, table: str, native: Any) -> Scanned:
    """A lazy table (DuckDB, Spark, Polars, anything Narwhals speaks), on the engine."""
    return Scanned(table, table, engine.adopt(native, table), engine)


def as_pandas(native: Any, table: str) -> pd.DataFrame | None:
    """A frame in memory (pandas, Polars, Arrow …) as pandas; none for a lazy one. :class:`UsageError` for anything else."""
    if isinstance(native, pd.DataFrame):
        return native
    try:
        frame = nw.from_native(native)
    except TypeError:
        raise UsageError(
            f"{table} must be a frame (pandas, Polars, Arrow, DuckDB, Spark), a path or a pattern."
        ) from None
    return frame.to_pandas() if isinstance(frame, nw.DataFrame) else None


def _hidden(path: Path) -> bool:
    return any(part[:1] in (".", "_") for part in path.parts)
