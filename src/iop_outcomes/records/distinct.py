"""The different cells of a column on an engine: each is read once, however many rows hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from iop_outcomes.records.engine import Engine, Lazy
from iop_outcomes.records.reading import text_frame

#: Most cells brought here of a column of ids or words; of more, only those that the pattern asked for finds.
MOST = 20_000
#: Blanks of every kind, at either end of a cell.
_BLANK = "[\\s\u00a0\u2007\u202f\u3000\ufeff]"
PADDED = f"^{_BLANK}|{_BLANK}$"


@dataclass(frozen=True)
class Cells:
    """Cells of one column as the engine holds them and as text, how many rows hold each, and how many cells differ.

    ``cells`` are all different cells of the column unless ``complete`` is false; then they are those of them (at most
    ``MOST``) that the pattern asked for finds.
    """

    native: pd.Series
    text: pd.Series
    rows: npt.NDArray[np.int64]
    different: int
    complete: bool


def even_out(frame: Lazy) -> Lazy:
    """The frame with columns of four types: text (times written out), dates, whole numbers and other numbers.

    Empty text is missing, and so is what is not a number in a column of numbers.
    """
    columns = []
    for name, kind in frame.collect_schema().items():
        column = nw.col(name)
        if kind.is_integer():
            columns.append(column.cast(nw.Int64))
        elif kind.is_numeric():
            column = column.cast(nw.Float64)
            columns.append(nw.when(~column.is_nan()).then(column).alias(name))
        elif kind == nw.Date:
            columns.append(column)
        else:
            column = column.cast(nw.String)
            columns.append(nw.when(column != "").then(column).alias(name))
    return frame.select(*columns)


def find_cells(engine: Engine, frame: Lazy, name: str, pattern: str, *, every: bool) -> Cells:
    """The different cells of a column; with ``every`` all of them, however many they are."""
    cells = frame.select(nw.col(name).alias("cell")).drop_nulls("cell")
    groups = cells.group_by("cell").agg(nw.len().alias("n"))
    found = _collect(groups if every else groups.head(MOST + 1))
    if every or len(found) <= MOST:
        return _cells(found, len(found), complete=True)
    groups = engine.lift(groups)
    different = int(_collect(groups.select(nw.len().alias("n")))["n"].iloc[0])
    found = _collect(groups.filter(nw.col("cell").cast(nw.String).str.contains(pattern)).sort("cell").head(MOST))
    return _cells(found, MOST if len(found) == MOST else different, complete=False)


def cells_here(column: pd.Series) -> Cells:
    """The different cells of a column of text that stands in memory."""
    codes, found = pd.factorize(column[column != ""])
    text = pd.Series(np.asarray(found, dtype=object), dtype="str")
    return Cells(text, text, np.bincount(codes, minlength=len(text)).astype(np.int64), len(text), complete=True)


def _cells(found: pd.DataFrame, different: int, *, complete: bool) -> Cells:
    found = found.sort_values("cell", ignore_index=True)
    text = text_frame(found[["cell"]])["cell"]
    return Cells(found["cell"], text, found["n"].to_numpy(dtype=np.int64), different, complete)


def _collect(frame: Lazy) -> pd.DataFrame:
    return frame.collect(backend="pandas").to_native()


def write_ids(frame: Lazy, names: Sequence[str]) -> Lazy:
    """The frame with the columns ``names`` as text; a whole number has no point."""
    kinds = frame.collect_schema()
    columns = []
    for name in names:
        column = nw.col(name)
        text = column.cast(nw.String)
        if kinds[name] == nw.Float64:
            whole = column == column.floor()
            text = nw.when(whole).then(column.cast(nw.Int64).cast(nw.String)).otherwise(text)
        columns.append(text.alias(name))
    return frame.with_columns(*columns)
