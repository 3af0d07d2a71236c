"""Where tables live and queries run: an embedded DuckDB database, in memory or on disk under a memory limit."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw
import numpy as np
import numpy.typing as npt
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
#: How cells of text become values of an SQL type other than text.
_READ: dict[str, Callable[..., Any]] = {
    "DATE": partial(pd.to_datetime, format="%Y-%m-%d"),
    "BIGINT": pd.to_numeric,
    "DOUBLE": pd.to_numeric,
}
_SPILL = "iop-outcomes-"
#: What tables on disk may take in memory: enough that more makes nothing faster, up to millions of episodes.
MEMORY = "2GB"


class Engine(Protocol):
    """What reading asks of an engine; everything else is a Narwhals expression that runs on any."""

    def place(self, table: Table, frames: Iterable[pd.DataFrame]) -> Lazy:
        """Frames of one table (at least one) on the engine, with the schema's types."""

    def lift(self, frame: pd.DataFrame | Lazy) -> Lazy:
        """Put a small frame on the engine so that it can be joined there, or keep the rows of a lazy frame there."""

    def scan(self, files: Sequence[Path]) -> Lazy:
        """Files of one table as they are, with FILE (path or address) and ROW."""

    def number_days(self, frame: Lazy, names: Mapping[str, str]) -> Lazy:
        """The frame with, for each date column in ``names``, a column of the name given there: days since 1970-01-01."""

    def digest(self, frame: Lazy, names: Sequence[str], digest: str) -> Lazy:
        """The frame with a column ``digest`` of whole numbers, the same in rows whose cells in ``names`` are the same."""

    def adopt(self, native: Any, name: str) -> Lazy:
        """A table that is on the engine already, or a lazy one it can read, with FILE and ROW."""


class Embedded:
    """DuckDB in this process. Text is VARCHAR, whole numbers BIGINT, other numbers DOUBLE, dates DATE.

    The tables stand in memory, or with ``on_disk`` in a database file in a folder of its own inside ``spill`` (the
    system's temporary folder unless given), which is removed at the end; what an earlier run left there when it was
    killed is removed at the start. ``memory_limit``, such as ``"4GB"``, bounds what the engine keeps in memory (2 GB of tables on
    disk unless given).
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
        try:
            self._connection.execute(f"SET memory_limit = '{_quoted(memory_limit or MEMORY)}'")
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

    def scan(self, files: Sequence[Path]) -> Lazy:
        """Files of one table as they are, with FILE (path) and ROW.

        CSV is copied into the database as text once; Parquet is read where it stands.
        """
        import duckdb

        paths = [str(path) for path in files]
        parquet = files[0].suffix.lower() == ".parquet"
        try:
            if parquet:
                rows = self._connection.read_parquet(
                    paths, file_row_number=True, filename=True, hive_partitioning=True, union_by_name=True
                )
                places = [nw.col("filename").alias(FILE), (nw.col("file_row_number") + 2).alias(ROW)]
                return nw.from_native(rows).lazy().with_columns(*places).drop("filename", "file_row_number")
            name = self._name("csv")
            self._connection.execute(
                f"CREATE TABLE {name} AS SELECT * FROM read_csv(?, all_varchar=true, header=true, delim=',', "
                f"quote='\"', escape='\"', filename='{FILE}', hive_partitioning=true, hive_types_autocast=false, "
                "union_by_name=true, null_padding=false)",
                [paths],
            )
            rows = self._connection.sql(
                f"SELECT *, rowid - min(rowid) OVER (PARTITION BY {FILE}) + 2 AS {ROW} FROM {name}"
            )
            return nw.from_native(rows).lazy()
        except duckdb.Error:
            kind = "Parquet" if parquet else "CSV UTF-8 with commas"
            fault = f"{', '.join(path.name for path in files[:3])}: damaged, not {kind}, or files of different columns."
            raise RecordsError([f"{fault} Export again."]) from None

    def number_days(self, frame: Lazy, names: Mapping[str, str]) -> Lazy:
        """The frame with, for each date column in ``names``, a column of the name given there: days since 1970-01-01."""
        numbers = [f'CAST("{name}" - DATE \'1970-01-01\' AS BIGINT) AS "{number}"' for name, number in names.items()]
        return nw.from_native(frame.to_native().project(", ".join(["*", *numbers]))).lazy()

    def digest(self, frame: Lazy, names: Sequence[str], digest: str) -> Lazy:
        """The frame with a column ``digest`` of whole numbers, the same in rows whose cells in ``names`` are the same."""
        cells = ", ".join(f'"{name}"' for name in names)
        return nw.from_native(frame.to_native().project(f"*, hash({cells}) AS {digest}")).lazy()

    def adopt(self, native: Any, name: str) -> Lazy:
        """A lazy table of Narwhals' making, brought over through a Parquet file, with FILE and ROW."""
        frame = nw.from_native(native).lazy()
        if frame.implementation.is_spark_like():
            raise UsageError(f"{name} is a table on Spark: hand over engine=, its session.")
        path = self._folder / f"{self._name('adopted')}.parquet"
        frame.sink_parquet(path)
        return self.scan([path]).with_columns(nw.lit(name).alias(FILE))

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

    read = {name: kinds[name] for name in map(str, frame) if kinds.get(name) in _READ}
    frame = frame.assign(**{name: _read_cells(frame[name], kind) for name, kind in read.items()})
    columns = ", ".join(
        f'CAST("{name}" AS {read[name]}) AS "{name}"'
        if name in read
        else f'nullif(CAST("{name}" AS VARCHAR), \'\') AS "{name}"'
        for name in map(str, frame)
    )
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("cells", frame)
        connection.execute(f"COPY (SELECT {columns} FROM cells) TO '{_quoted(path)}' (FORMAT parquet)")


def _read_cells(column: pd.Series, kind: str) -> npt.NDArray[Any]:
    """Cells of text as dates or numbers, each different one read once."""
    codes, cells = pd.factorize(column)
    text = pd.Series(np.asarray(cells, dtype=object)).replace("", None)
    return _READ[kind](text).to_numpy()[codes]


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
