"""Where tables live and queries run: an embedded DuckDB database, in memory or on disk under a memory limit."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw
import pandas as pd

from iop_outcomes.contracts import Table
from iop_outcomes.errors import RecordsError, UsageError

Lazy = nw.LazyFrame[Any]

#: Columns an engine adds to a file it scans: the file, and the row's number as a spreadsheet would show it.
FILE, ROW = "_file", "_row"
#: SQL type of each kind of field; text is VARCHAR.
SQL_TYPES = {
    "date": "DATE",
    "day": "BIGINT",
    "integer": "BIGINT",
    "year": "BIGINT",
    "number": "DOUBLE",
    "hours": "DOUBLE",
}
_SPILL = "iop-outcomes-"


class Engine(Protocol):
    """What reading asks of an engine; everything else is a Narwhals expression that runs on any."""

    def place(self, table: Table, frames: Iterable[pd.DataFrame]) -> Lazy:
        """Frames of one table (at least one) on the engine, with the schema's types."""

    def lift(self, frame: pd.DataFrame | Lazy) -> Lazy:
        """Put a small frame on the engine so that it can be joined there, or keep the rows of a lazy frame there."""

    def scan(self, files: Sequence[Path], names: Mapping[str, str]) -> Lazy:
        """Files of one table as they are, with FILE (by ``names``, path to name) and ROW."""

    def adopt(self, native: Any, name: str) -> Lazy:
        """A table that is on the engine already, or a lazy one it can read, with FILE and ROW."""


class Embedded:
    """DuckDB in this process. Text is VARCHAR, whole numbers BIGINT, other numbers DOUBLE, dates DATE.

    The tables stand in memory, or with ``on_disk`` in a database file in a folder of its own inside ``spill`` (the
    system's temporary folder unless given), which is removed at the end; what an earlier run left there when it was
    killed is removed at the start. ``memory_limit``, such as ``"4GB"``, bounds what the engine keeps in memory.
    """

    def __init__(
        self, *, on_disk: bool = False, memory_limit: str | None = None, spill: str | Path | None = None
    ) -> None:
        """Open the database."""
        import duckdb

        self._numbers = count()
        if not on_disk:
            self._connection = duckdb.connect()
            return
        self._folder = _spill_folder(Path(spill or tempfile.gettempdir()))
        self._connection = duckdb.connect(str(self._folder / "records.duckdb"))
        weakref.finalize(self, _close, self._connection, self._folder)
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute(f"SET temp_directory = '{_quoted(self._folder)}'")
        if memory_limit is not None:
            try:
                self._connection.execute(f"SET memory_limit = '{_quoted(memory_limit)}'")
            except duckdb.Error:
                raise UsageError("memory_limit is a number with a unit, such as 4GB.") from None

    def place(self, table: Table, frames: Iterable[pd.DataFrame]) -> Lazy:
        """Frames of one table (at least one) on the engine, with the schema's types."""
        kinds = {spec.name: SQL_TYPES.get(spec.kind, "VARCHAR") for spec in table.fields}
        name = self._name(table.name)
        for place, frame in enumerate(frames):
            casts = ", ".join(
                f'CAST("{column}" AS {kinds.get(column, "VARCHAR")}) AS "{column}"'
                for column in map(str, frame.columns)
            )
            self._take(frame, f"{f'INSERT INTO {name}' if place else f'CREATE TABLE {name} AS'} SELECT {casts}")
        return self._table(name)

    def lift(self, frame: pd.DataFrame | Lazy) -> Lazy:
        """Put a small frame on the engine so that it can be joined there, or keep the rows of a lazy frame there."""
        name = self._name("lifted")
        if isinstance(frame, pd.DataFrame):
            self._take(frame, f"CREATE TABLE {name} AS SELECT *")
        else:
            frame.to_native().create(name)
        return self._table(name)

    def scan(self, files: Sequence[Path], names: Mapping[str, str]) -> Lazy:
        """Files of one table as they are, with FILE (by ``names``, path to name) and ROW.

        CSV is copied into the database as text once; Parquet is read where it stands.
        """
        import duckdb

        paths = [str(path) for path in files]
        label = self.lift(pd.DataFrame({FILE: list(names.values()), "filename": list(names)}))
        try:
            if files[0].suffix.lower() == ".parquet":
                rows = self._connection.read_parquet(
                    paths, file_row_number=True, filename=True, hive_partitioning=True, union_by_name=True
                )
                frame = nw.from_native(rows).lazy().with_columns((nw.col("file_row_number") + 2).alias(ROW))
                frame = frame.drop("file_row_number")
            else:
                name = self._name("csv")
                self._connection.execute(
                    f"CREATE TABLE {name} AS SELECT * FROM read_csv(?, all_varchar=true, header=true, delim=',', "
                    "quote='\"', escape='\"', filename=true, hive_partitioning=true, hive_types_autocast=false, "
                    "union_by_name=true, null_padding=false)",
                    [paths],
                )
                rows = self._connection.sql(
                    f"SELECT *, rowid - min(rowid) OVER (PARTITION BY filename) + 2 AS {ROW} FROM {name}"
                )
                frame = nw.from_native(rows).lazy()
            return frame.join(label, on="filename", how="left").drop("filename")
        except duckdb.Error:
            kind = "Parquet" if files[0].suffix.lower() == ".parquet" else "CSV UTF-8 with commas"
            fault = f"{', '.join(list(names.values())[:3])}: damaged, not {kind}, or files of different columns."
            raise RecordsError([f"{fault} Export again."]) from None

    def adopt(self, native: Any, name: str) -> Lazy:
        """A lazy table of Narwhals' making, brought over through a Parquet file, with FILE and ROW."""
        frame = nw.from_native(native).lazy()
        if frame.implementation.is_spark_like():
            raise UsageError(f"{name} is a table on Spark: hand over engine=, its session.")
        path = self._folder / f"{self._name('adopted')}.parquet"
        frame.sink_parquet(path)
        return self.scan([path], {str(path): name})

    def _take(self, frame: pd.DataFrame, statement: str) -> None:
        self._connection.register("incoming", frame)
        self._connection.execute(f"{statement} FROM incoming")
        self._connection.unregister("incoming")

    def _name(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers)}"

    def _table(self, name: str) -> Lazy:
        return nw.from_native(self._connection.table(name)).lazy()


def write_parquet(frame: pd.DataFrame, kinds: Mapping[str, str], path: Path) -> None:
    """A frame of cells as a Parquet file, each column of the SQL type in ``kinds`` or text; an empty cell is missing."""
    import duckdb

    columns = ", ".join(
        f'CAST(nullif(CAST("{name}" AS VARCHAR), \'\') AS {kinds.get(name, "VARCHAR")}) AS "{name}"'
        for name in frame.columns
    )
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("cells", frame)
        connection.execute(f"COPY (SELECT {columns} FROM cells) TO '{_quoted(path)}' (FORMAT parquet)")


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")


def _spill_folder(parent: Path) -> Path:
    """A new folder for this process inside ``parent``; those of processes that are gone are removed."""
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.glob(f"{_SPILL}*"):
        owner = folder.name.removeprefix(_SPILL).partition("-")[0]
        if owner.isdigit() and not _is_running(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_SPILL}{os.getpid()}-", dir=parent))


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _close(connection: Any, folder: Path) -> None:
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)
