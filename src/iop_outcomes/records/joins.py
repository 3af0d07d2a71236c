"""Columns that a mapping brings in from a second export file, matched on a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.records.conditions import Condition, all_hold, read_conditions, unknown_key

#: How several rows of the second file become one: the largest or smallest number of a column, or how many there are.
REDUCTIONS: tuple[str, ...] = ("max", "min", "count")
_KEYS: tuple[str, ...] = ("file", "on", "where", "columns", "reduce", "present")


@dataclass(frozen=True)
class Join:
    """A left join: ``on`` pairs (column of the block's file, column of the second file).

    ``columns`` is working name to column of the second file; ``present`` names a working column that says yes or no:
    whether the second file has a row with the key. ``where`` keeps rows of the second file before anything else.
    """

    file: str
    on: tuple[tuple[str, str], ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    where: tuple[Condition, ...] = ()
    reduce: str = ""
    present: str = ""

    @property
    def brings(self) -> tuple[str, ...]:
        """Working columns the join adds."""
        return (*self.columns, *((self.present,) if self.present else ()))

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the second file the join needs."""
        names = [right for _, right in self.on]
        names += [] if self.reduce == "count" else list(self.columns.values())
        return tuple(dict.fromkeys([*names, *(condition.column for condition in self.where)]))

    def add_to(self, frame: pd.DataFrame, second: pd.DataFrame, place: str, faults: list[str]) -> pd.DataFrame:
        """The frame with the columns of the second file beside it; same rows, same order.

        A key that several rows of the second file hold is a fault, unless only their presence or a reduction is asked
        for. Empty keys match nothing.
        """
        kept = second[all_hold(self.where, second)]
        left, right = _keys(frame, [name for name, _ in self.on]), _keys(kept, [name for _, name in self.on])
        known = right.notna().to_numpy()
        kept, right = kept[known], right[known]
        added: dict[str, Any] = {}
        if self.present:
            added[self.present] = np.where(left.isin(right).to_numpy(), "yes", "no")
        if self.columns:
            repeated = int(right.duplicated().sum())
            if repeated and not self.reduce:
                keys = ", ".join(name for _, name in self.on)
                faults.append(
                    f"{place}: a join takes one row for each key, and in {self.file} the key ({keys}) of {repeated:,} "
                    "more stood in an earlier row: narrow it with where, or say reduce."
                )
                return frame.assign(**dict.fromkeys(self.brings, ""))
            for name, column in self.columns.items():
                added[name] = self._looked_up(left, right, kept, column)
        return frame.assign(**added)

    def _looked_up(self, left: pd.Series, right: pd.Series, kept: pd.DataFrame, column: str) -> np.ndarray:
        """The second file's cell for each row, ``""`` where it has none."""
        if self.reduce == "count":
            table = right.groupby(right.to_numpy()).size().astype(str)
            return left.map(table).fillna("0").to_numpy(dtype=object)
        cells = pd.Series(kept[column].to_numpy(dtype=object), index=pd.Index(right.to_numpy(dtype=object)))
        if self.reduce:
            numbers = pd.to_numeric(cells, errors="coerce")
            order = numbers.argsort(kind="stable")
            cells = cells.iloc[order[numbers.iloc[order].notna().to_numpy()]]
            cells = cells[~cells.index.duplicated(keep="last" if self.reduce == "max" else "first")]
        return left.map(cells).fillna("").to_numpy(dtype=object)


def read_join(given: Any, place: str, faults: list[str]) -> Join | None:
    """A join from its table in a mapping file; what is wrong with it is added to ``faults``."""
    if not isinstance(given, Mapping) or not isinstance(given.get("file"), str):
        faults.append(f'{place}: a join names a file and a key, {{ file = "people.csv", on = "id", columns = {{…}} }}.')
        return None
    place = f"{place}, join of {given['file']}"
    before = len(faults)
    faults.extend(f"{place}: {unknown_key(key, _KEYS)}." for key in given if key not in _KEYS)
    on = _read_on(given.get("on"))
    if not on:
        faults.append(f'{place}: on names the key, on = "id" or on = ["id", "day"] or on = {{ ours = "theirs" }}.')
    columns = given.get("columns", {})
    if not _texts(columns):
        faults.append(f'{place}: columns gives a working name to each column, columns = {{ project = "project" }}.')
        columns = {}
    reduce, present = given.get("reduce", ""), given.get("present", "")
    if reduce and reduce not in REDUCTIONS:
        faults.append(f"{place}: reduce is one of {', '.join(REDUCTIONS)}.")
    if not isinstance(present, str) or not (present or columns):
        faults.append(f'{place}: it brings nothing in: give columns, or present = "a_name".')
    where = read_conditions(given["where"], place, faults) if "where" in given else ()
    return Join(given["file"], on, dict(columns), where, reduce, present) if len(faults) == before else None


def _read_on(given: Any) -> tuple[tuple[str, str], ...]:
    """Pairs of key columns; empty when they cannot be read."""
    if isinstance(given, str):
        return ((given, given),)
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return tuple((name, name) for name in given)
    return tuple(given.items()) if _texts(given) else ()


def _texts(given: Any) -> bool:
    return isinstance(given, Mapping) and all(isinstance(value, str) for value in given.values())


def _keys(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """The key of each row as one text; missing where any part of it is empty."""
    key = pd.Series("", index=frame.index, dtype=object)
    empty = np.zeros(len(frame), dtype=bool)
    for column in columns:
        cells = frame[column].str.strip()
        empty |= cells.eq("").to_numpy()
        key = key + "\x1f" + cells
    return key.mask(empty, None)
