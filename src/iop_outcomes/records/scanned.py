"""A table that stays on an engine while it is read: its columns looked through, its cells given their types there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from iop_outcomes.contracts import Field, Kind, Table
from iop_outcomes.records.cells import DateReader, convert_column
from iop_outcomes.records.distinct import PADDED, Cells, even_out, find_cells, write_ids
from iop_outcomes.records.engine import FILE, ROW, Engine, Lazy
from iop_outcomes.records.identifiers import CANDIDATES
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.reading import text_frame

#: True where a cell of the row has to be looked at closely: it cannot be read, is empty and may not be, or has blanks.
ODD = "_odd"
#: What is appended to the name of a date column for its day number, days since 1970-01-01.
NUMBER = "_number"
_HEAD = 10_000
_WORDS: tuple[Kind, ...] = ("id", "text")
_TYPES: dict[str, nw.dtypes.DType] = {
    **dict.fromkeys(("day", "integer", "year"), nw.Int64()),
    **dict.fromkeys(("number", "hours"), nw.Float64()),
    "date": nw.Date(),
}


class Scanned:
    """One of the five tables on an engine, as its files hold it.

    ``file`` is what a message calls it, ``files`` what it was read from; ``frame`` has FILE and ROW beside its columns.
    """

    def __init__(self, table: str, file: str, frame: Lazy, engine: Engine, rest: Sequence[RawTable] = ()) -> None:
        """Take the rows as they are; ``rest`` are files whose rows could not all be read, without the others."""
        self.table, self.file, self.engine, self.rest = table, file, engine, list(rest)
        frame = even_out(frame)
        self.columns = tuple(name for name in frame.collect_schema().names() if name not in (FILE, ROW))
        self.frame = frame
        self._found: dict[str, Cells] = {}

    def find(self, name: str, *, every: bool = False) -> Cells:
        """The different cells of a column, found once."""
        kept = self._found.get(name)
        if kept is None or (every and not kept.complete):
            kept = find_cells(self.engine, self.frame, name, f"{CANDIDATES}|{PADDED}", every=every)
            self._found[name] = kept
        return kept

    def count_cells(self, name: str) -> tuple[Sequence[str], npt.NDArray[np.int64], int]:
        """The different cells of a column (of very many, those that may tell somebody), the rows of each, how many."""
        cells = self.find(name)
        return list(cells.text), cells.rows, cells.different

    @cached_property
    def length(self) -> int:
        """How many rows the table has."""
        return count_rows(self.frame)

    def head(self) -> RawTable:
        """The first rows as text."""
        frame = self.frame.head(_HEAD).collect(backend="pandas").to_native()
        rows = frame[ROW].to_numpy(dtype=np.int64)
        return RawTable(self.table, self.file, text_frame(frame[list(self.columns)]), rows)

    def bring(self, rows: Lazy) -> list[RawTable]:
        """Rows of the table as text, file by file in the order of the rows."""
        frame = rows.collect(backend="pandas").to_native().sort_values([FILE, ROW], ignore_index=True)
        return [
            RawTable(
                self.table,
                str(file),
                text_frame(part[list(self.columns)].reset_index(drop=True)),
                part[ROW].to_numpy(dtype=np.int64),
            )
            for file, part in frame.groupby(FILE, sort=True)
        ]

    def type_cells(self, table: Table, dates: DateReader) -> Lazy:
        """The table with every column of the schema typed, day numbers beside the dates, and ODD.

        Every different cell is read once, by the rules every reading goes by; only what it means is joined to the rows.
        """
        words = [spec.name for spec in table.fields_of(*_WORDS) if spec.name in self.columns]
        frame = write_ids(self.frame, words)
        odd: list[nw.Expr] = []
        values: list[nw.Expr] = []
        for spec in table.fields:
            column = nw.col(spec.name)
            if spec.name not in self.columns:
                values += _empty(spec)
                continue
            if spec.required:
                odd.append(column.is_null())
            if spec.kind in _WORDS:
                cells = self.find(spec.name)
                if cells.text.str.contains(PADDED, regex=True).any():
                    odd.append(column.str.contains(PADDED).fill_null(False))
                    column = column.str.strip_chars()
                values.append(column)
                continue
            read = _Read.of(spec, self.find(spec.name, every=True), dates)
            if read.as_they_are:
                values.append(column.cast(_TYPES.get(spec.kind, nw.String())).alias(spec.name))
                continue
            meaning = self.engine.lift(read.table)
            frame = frame.join(meaning, left_on=spec.name, right_on=f"{spec.name}_cell", how="left")
            frame = frame.with_columns(nw.col(f"{spec.name}_odd").fill_null(False))
            odd.append(nw.col(f"{spec.name}_odd"))
            values += read.values
        anything = reduce(or_, odd) if odd else nw.lit(False)
        return frame.select(*values, anything.alias(ODD), FILE, ROW)


@dataclass(frozen=True)
class _Read:
    """What the different cells of one column mean."""

    as_they_are: bool
    table: pd.DataFrame
    values: list[nw.Expr]

    @classmethod
    def of(cls, spec: Field, cells: Cells, dates: DateReader) -> _Read:
        """Read each cell once."""
        column = convert_column(spec, cells.text, dates)
        odd = np.zeros(len(cells.text), dtype=bool)
        for mask in column.refused.values():
            odd |= mask
        odd |= (cells.text != cells.text.str.strip()).to_numpy(dtype=bool)
        name = spec.name
        table = pd.DataFrame({f"{name}_cell": cells.native, f"{name}_odd": odd})
        numbers = pd.api.types.is_numeric_dtype(cells.native)
        if spec.kind == "date":
            days = column.values.to_numpy(dtype="datetime64[D]").astype("int64")
            known = column.values.notna().to_numpy()
            written = column.values.dt.strftime("%Y-%m-%d")
            table[f"{name}_value"] = written.where(known, None).astype(object)
            table[f"{name}_day"] = pd.Series(days).where(known).astype("Float64").astype("float64")
            values = [
                nw.col(f"{name}_value").str.to_date(format="%Y-%m-%d").alias(name),
                nw.col(f"{name}_day").cast(nw.Int64).alias(name + NUMBER),
            ]
            return cls(False, table, values)
        simple = not odd.any() and (numbers if spec.kind in _TYPES else not numbers)
        if spec.kind in _TYPES:
            table[f"{name}_value"] = column.values.astype("Float64").astype("float64")
        else:
            table[f"{name}_value"] = column.values.astype(object).where(column.values.notna(), None)
        kind = _TYPES.get(spec.kind, nw.String())
        return cls(simple, table, [nw.col(f"{name}_value").cast(kind).alias(name)])


def _empty(spec: Field) -> list[nw.Expr]:
    """A column the files do not have: missing throughout."""
    values = [nw.lit(None).cast(_TYPES.get(spec.kind, nw.String())).alias(spec.name)]
    if spec.kind == "date":
        values.append(nw.lit(None).cast(nw.Int64).alias(spec.name + NUMBER))
    return values


def count_rows(frame: Lazy) -> int:
    """How many rows a lazy frame has."""
    return int(frame.select(nw.len().alias("n")).collect(backend="pandas").to_native()["n"].iloc[0])
