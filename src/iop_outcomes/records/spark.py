"""Tables on Spark: the same reading and the same figures where one machine is outgrown. Needs the extra ``[spark]``."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from iop_outcomes.contracts import Table
from iop_outcomes.errors import RecordsError, UsageError
from iop_outcomes.records.engine import FILE, ROW, Lazy

_MISSING = "Spark is not installed: pip install 'iop-outcomes[spark]', and Java 17."


class Distributed:
    """An existing Spark session. Text is string, whole numbers bigint, other numbers double, dates date."""

    def __init__(self, session: Any) -> None:
        """Take the session; nothing of it is changed."""
        self._session = session
        #: PySpark warns of every newer pandas at every hand-over; the engine tests hold the figures equal.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)

    def place(self, table: Table, frames: Iterable[pd.DataFrame]) -> Lazy:
        """Frames of one table (at least one) on the engine, with the schema's types."""
        import pyarrow as pa  # type: ignore[import-untyped]

        kinds = {"date": pa.date32(), "number": pa.float64(), "hours": pa.float64()}
        kinds |= dict.fromkeys(("day", "integer", "year"), pa.int64())
        fields = pa.schema([(spec.name, kinds.get(spec.kind, pa.string())) for spec in table.fields])
        placed = [self._create(frame[list(table.columns)], fields) for frame in frames]
        return nw.from_native(reduce(lambda one, other: one.unionByName(other), placed))

    def lift(self, frame: pd.DataFrame | Lazy) -> Lazy:
        """Put a small frame on the engine so that it can be joined there, or keep the rows of a lazy frame there."""
        if isinstance(frame, pd.DataFrame):
            return nw.from_native(self._create(frame, None))
        return nw.from_native(frame.to_native().localCheckpoint())

    def scan(self, files: Sequence[Path]) -> Lazy:
        """Files of one table as they are, with FILE (address) and ROW."""
        from pyspark.errors import PySparkException
        from pyspark.sql import functions as F

        paths = [path.absolute().as_uri() for path in files]
        reader = self._session.read.option("basePath", _common(files).absolute().as_uri())
        address = F.regexp_replace(F.col("_metadata.file_path"), "^file:/+", "file:///").alias(FILE)
        try:
            if files[0].suffix.lower() == ".parquet":
                rows = reader.option("mergeSchema", "true").parquet(*paths)
                return nw.from_native(rows.select("*", (F.col("_metadata.row_index") + 2).alias(ROW), address))
            reader = reader.option("header", "true").option("multiLine", "true").option("escape", '"')
            rows = reader.option("mode", "FAILFAST").csv(paths)
            rows = rows.select("*", F.monotonically_increasing_id().alias("_id"), address)
            first = rows.groupBy(FILE).agg(F.min("_id").alias("_first"))
            rows = rows.join(first, FILE).withColumn(ROW, F.col("_id") - F.col("_first") + 2)
            return nw.from_native(rows.drop("_id", "_first"))
        except PySparkException:
            fault = f"{', '.join(path.name for path in files[:3])}: damaged, or files of different columns"
            raise RecordsError([f"{fault}: export again."]) from None

    def number_days(self, frame: Lazy, names: Mapping[str, str]) -> Lazy:
        """The frame with, for each date column in ``names``, a column of the name given there: days since 1970-01-01."""
        from pyspark.sql import functions as F

        numbers = {number: F.unix_date(name).cast("bigint") for name, number in names.items()}
        return nw.from_native(frame.to_native().withColumns(numbers))

    def digest(self, frame: Lazy, names: Sequence[str], digest: str) -> Lazy:
        """The frame with a column ``digest`` of whole numbers, the same in rows whose cells in ``names`` are the same."""
        from pyspark.sql import functions as F

        return nw.from_native(frame.to_native().withColumn(digest, F.xxhash64(*names)))

    def adopt(self, native: Any, name: str) -> Lazy:
        """A Spark table, with FILE and ROW; a row of a table has no number of its own, so they are counted as they come."""
        from pyspark.sql import functions as F

        frame = nw.from_native(native).lazy()
        if not frame.implementation.is_spark_like():
            raise UsageError(f"{name} is not a table on Spark: hand over Spark tables, frames or a folder.")
        rows = frame.to_native().select("*", F.lit(name).alias(FILE), (F.monotonically_increasing_id() + 2).alias(ROW))
        return nw.from_native(rows)

    def _create(self, frame: pd.DataFrame, fields: Any) -> Any:
        import pyarrow as pa

        table = pa.Table.from_pandas(frame, schema=fields, preserve_index=False, safe=False)
        return self._session.createDataFrame(table)


def open_spark(address: str) -> Any:
    """The session running, or a new one on a cluster: ``spark://…``, ``local[*]``, ``yarn``.

    Raises :class:`UsageError` where Spark is not installed.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError(_MISSING) from None
    builder = SparkSession.builder.master(address).appName("iop-outcomes").config("spark.sql.session.timeZone", "UTC")
    for display in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):  # there is one bar already
        builder = builder.config(display, "false")
    return builder.getOrCreate()


def _common(files: Sequence[Path]) -> Path:
    """The folder that holds every file."""
    folder = files[0].parent
    while not all(folder in path.parents for path in files):
        folder = folder.parent
    return folder
