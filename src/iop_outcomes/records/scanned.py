"""A table that stays on an engine while it is read: its columns looked through, its cells given their types there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property, reduce
from operator import or_
from types import MappingProxyType
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from iop_outcomes.contracts import Field, Kind, Table
from iop_outcomes.records.cells import Column, DateReader, convert_column
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
#: Of more different cells that cannot be used, the meaning of every cell is joined.
_FEW = 1_000
_WORDS: tuple[Kind, ...] = ("id", "text")
_TYPES: dict[str, nw.dtypes.DType] = {
    **dict.fromkeys(("day", "integer", "year"), nw.Int64()),
    **dict.fromkeys(("number", "hours"), nw.Float64()),
    "date": nw.Date(),
}


class Scanned:
    """One of the five tables on an engine, as its files hold it.

    ``file`` is what a message calls it; ``frame`` has FILE and ROW beside its columns.
    """

    def __init__(
        self,
        table: str,
        file: str,
        frame: Lazy,
        engine: Engine,
        *,
        names: Mapping[str, str] = MappingProxyType({}),
        rest: Sequence[RawTable] = (),
        cells: Mapping[str, Cells] = MappingProxyType({}),
    ) -> None:
        """Take the rows as they are; ``names`` says what to call what FILE holds where it is not a name already, ``rest``
        are files whose rows could not all be read, without the others, ``cells`` what is known of the columns."""
        self.table, self.file, self.engine, self.names, self.rest = table, file, engine, names, list(rest)
        frame = even_out(frame)
        self.columns = tuple(name for name in frame.collect_schema().names() if name not in (FILE, ROW))
        self.frame = frame
        self._found = dict(cells)

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
        frame = rows.collect(backend="pandas").to_native()
        frame[FILE] = frame[FILE].map(lambda place: self.names.get(place, place))
        frame = frame.sort_values([FILE, ROW], ignore_index=True)
        return [
            RawTable(
                self.table,
                str(file),
                text_frame(part[list(self.columns)].reset_index(drop=True)),
                part[ROW].to_numpy(dtype=np.int64),
            )
            for file, part in frame.groupby(FILE, sort=True)
        ]

    def keyed(self, key: str) -> Lazy:
        """The rows as they are with ``_key``, the id in the column ``key`` as the typed table has it."""
        return write_ids(self.frame.with_columns(nw.col(key).alias("_key")), ["_key"]).with_columns(
            self._word(key, "_key").alias("_key")
        )

    def type_cells(self, table: Table, dates: DateReader) -> Lazy:
        """The table with every column of the schema typed, day numbers beside the dates, and ODD.

        Every different cell is read once, by the rules every reading goes by. Columns that are of their type already are
        used as they stand; what the cells of the others mean is joined to the rows, once.
        """
        words = [spec.name for spec in table.fields_of(*_WORDS) if spec.name in self.columns]
        frame = write_ids(self.frame, words)
        kinds = frame.collect_schema()
        numbers: dict[str, str] = {}
        odd: list[nw.Expr] = []
        values: list[nw.Expr] = []
        joined = False
        for spec in table.fields:
            column = nw.col(spec.name)
            if spec.name not in self.columns:
                values += _empty(spec)
                continue
            if spec.required:
                odd.append(column.is_null())
            if spec.kind in _WORDS:
                values.append(self._word(spec.name, spec.name))
                if self._padded(spec.name):
                    odd.append(column.str.contains(PADDED).fill_null(False))
                continue
            cells = self.find(spec.name, every=True)
            read = convert_column(spec, cells.text, dates)
            wrong = _wrong(cells, read)
            if _is_typed(spec, kinds[spec.name]) and wrong.sum() <= _FEW:
                if wrong.any():
                    odd.append(column.is_in(_plain(cells.native[wrong])).fill_null(False))
                values.append(column.cast(_TYPES.get(spec.kind, nw.String())).alias(spec.name))
                if spec.kind == "date":
                    numbers[spec.name] = spec.name + NUMBER
                    values.append(nw.col(spec.name + NUMBER))
                continue
            joined = True
            meaning, means = _meaning(spec, cells, read, wrong)
            frame = frame.join(self.engine.lift(meaning), left_on=spec.name, right_on=f"{spec.name}_cell", how="left")
            odd.append(nw.col(f"{spec.name}_odd").fill_null(False))
            values += means
        if numbers:
            frame = self.engine.number_days(frame, numbers)
        anything = reduce(or_, odd) if odd else nw.lit(False)
        typed = frame.select(*values, anything.alias(ODD))
        return self.engine.lift(typed) if joined else typed

    def _padded(self, name: str) -> bool:
        """Whether a cell of the column has blanks around it."""
        return bool(self.find(name).text.str.contains(PADDED, regex=True).any())

    def _word(self, name: str, column: str) -> nw.Expr:
        """The cells of a column of ids or words without the blanks around them."""
        return nw.col(column).str.strip_chars() if self._padded(name) else nw.col(column)


def _wrong(cells: Cells, read: Column) -> npt.NDArray[np.bool_]:
    """Which of the different cells cannot be used as they are written."""
    wrong = (cells.text != cells.text.str.strip()).to_numpy(dtype=bool)
    for mask in read.refused.values():
        wrong = wrong | mask
    return wrong


def _is_typed(spec: Field, kind: nw.dtypes.DType) -> bool:
    """Whether cells of the type ``kind`` are the field's values as they stand."""
    if spec.kind == "date":
        return kind == nw.Date
    return kind.is_numeric() if spec.kind in _TYPES else kind == nw.String


def _plain(cells: pd.Series) -> list[Any]:
    """Cells as Python's own dates, numbers or texts."""
    return [cell.date() if isinstance(cell, datetime) else cell for cell in cells.tolist()]


def _meaning(
    spec: Field, cells: Cells, read: Column, wrong: npt.NDArray[np.bool_]
) -> tuple[pd.DataFrame, list[nw.Expr]]:
    """What each different cell means, as a table to be joined, and the typed columns made of it."""
    name = spec.name
    table = pd.DataFrame({f"{name}_cell": cells.native, f"{name}_odd": wrong})
    if spec.kind == "date":
        known = read.values.notna()
        table[f"{name}_value"] = read.values.dt.strftime("%Y-%m-%d").where(known, None).astype(object)
        days = pd.Series(read.values.to_numpy(dtype="datetime64[D]").astype("int64"))
        table[f"{name}_day"] = days.where(known).astype("Float64").astype("float64")
        return table, [
            nw.col(f"{name}_value").str.to_date(format="%Y-%m-%d").alias(name),
            nw.col(f"{name}_day").cast(nw.Int64).alias(name + NUMBER),
        ]
    if spec.kind in _TYPES:
        table[f"{name}_value"] = read.values.astype("Float64").astype("float64")
    else:
        table[f"{name}_value"] = read.values.astype(object).where(read.values.notna(), None)
    return table, [nw.col(f"{name}_value").cast(_TYPES.get(spec.kind, nw.String())).alias(name)]


def _empty(spec: Field) -> list[nw.Expr]:
    """A column the files do not have: missing throughout."""
    values = [nw.lit(None).cast(_TYPES.get(spec.kind, nw.String())).alias(spec.name)]
    if spec.kind == "date":
        values.append(nw.lit(None).cast(nw.Int64).alias(spec.name + NUMBER))
    return values


def count_rows(frame: Lazy) -> int:
    """How many rows a lazy frame has."""
    return int(frame.select(nw.len().alias("n")).collect(backend="pandas").to_native()["n"].iloc[0])
