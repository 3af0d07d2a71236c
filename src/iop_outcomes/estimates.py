"""The one tidy result: a frozen table in which one row is one number.

Every measure and comparison returns an :class:`Estimates`; tables, figures and sentences read it and compute nothing.
The class validates, binds and prints; it never computes a statistic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from iop_outcomes.vocabulary import DesignWord, Status

#: Columns every Estimates has, in order, whatever made it. ``by`` names the group column; ``group`` holds its value.
COLUMNS: dict[str, str] = {
    "measure": "str",
    "definition": "str",
    "estimand": "str",
    "category": "str",
    "by": "str",
    "group": "str",
    "at": "float64",
    "period_start": "str",
    "period_end": "str",
    "value": "float64",
    "ci_low": "float64",
    "ci_high": "float64",
    "conf_level": "float64",
    "n": "float64",
    "denominator": "float64",
    "people": "float64",
    "n_missing": "float64",
    "reference": "str",
    "unit": "str",
    "method": "str",
    "design_word": "str",
    "status": "str",
    "note": "str",
    "top_two": "float64",
    "residual_df": "float64",
    "smallest": "float64",
}

_KINDS = tuple(COLUMNS.items())

#: Columns a release gate asks for and no reader sees: how much of a sum the two people with most hold (at most), how
#: many more people than terms the model behind a number had, and the smallest count above zero it was worked out from.
GATE_ONLY: tuple[str, ...] = ("top_two", "residual_df", "smallest")

#: What a row's number is; a gate that meets a word it does not know withholds the row.
ESTIMANDS: tuple[str, ...] = (
    "count",
    "proportion",
    "survival",
    "cumulative_incidence",
    "mean",
    "restricted_mean",
    "restricted_mean_lost",
    "median",
    "rate",
    "ratio",
    "sum",
    "difference",
    "p_value",
    "smd",
    "kappa",
    "center_line",
    "adjusted_proportion",
    "standardised_ratio",
    "tipping_point",
    "diagnostic",
    "limit",
    "funnel_limit",
)

#: What says which number a row is: two rows that share these must agree.
KEY: tuple[str, ...] = (
    *("measure", "definition", "estimand", "category", "by", "group"),
    *("at", "period_start", "period_end", "reference", "unit"),
)

#: The word in ``by`` and ``group`` of a row that speaks for everyone.
ALL = "all"

#: The ``reference`` of a difference between a group and everyone who is not in it (a word after it names a variant).
REST = "everyone else"


class _Table:
    """The rows that many selections share, column by column, and what is asked of them again and again, worked out once.

    Cells of text are ``str`` or NaN, numbers are arrays; the frame is made when somebody asks for it.
    """

    def __init__(self, columns: Mapping[str, Any], size: int) -> None:
        self.columns = columns
        self.size = size
        self._coded: dict[str, tuple[dict[Any, int], np.ndarray]] = {}

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The columns as a frame, each in its own type."""
        columns = {name: pd.Series(self.columns[name], dtype=kind) for name, kind in COLUMNS.items()}
        return pd.DataFrame(columns, index=range(self.size))

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Every row as a dict; nobody but this module may hold one, for a change would reach every selection."""
        columns = (list(self.columns[name]) if kind == "str" else self.columns[name].tolist() for name, kind in _KINDS)
        return [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]

    def cut(self, places: np.ndarray) -> dict[str, Any]:
        """The columns of the rows at these places."""
        if len(places) == self.size:
            return dict(self.columns)
        kept = places.tolist()
        return {
            name: [self.columns[name][place] for place in kept] if kind == "str" else self.columns[name][places]
            for name, kind in _KINDS
        }

    def marks(self, name: str, wanted: Iterable[Any]) -> np.ndarray:
        """True for every row whose column holds one of the wanted values; a missing one finds missing ones."""
        if name not in self._coded:
            known: dict[Any, int] = {}
            cells = self.columns[name] if COLUMNS[name] == "str" else self.columns[name].tolist()
            codes = (-1 if _is_missing(cell) else known.setdefault(cell, len(known)) for cell in cells)
            self._coded[name] = (known, np.fromiter(codes, dtype="int64", count=self.size))
        known, found = self._coded[name]
        sought = [-1 if _is_missing(value) else known.get(value, -2) for value in wanted]
        return found == sought[0] if len(sought) == 1 else np.isin(found, sought)


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Estimates:
    """One tidy result: rows of numbers with what they rest on, and the settings they were made with.

    ``category`` is the outcome the number speaks of (an end reason, a service type, a reading). ``by`` and ``group`` say
    for whom: both are ``"all"`` for everyone; a missing ``group`` means *unknown*, never "all". ``n`` counts events,
    ``denominator`` what they are counted among, ``people`` the different people, ``n_missing`` what could not be counted.
    A value that is missing carries a ``status`` that says why; absent is not zero. ``top_two``, ``residual_df`` and
    ``smallest`` are for the release gate and are never released.

    A selection is a list of places in the table it was taken from; its own ``frame`` is made when it is asked for.
    """

    settings: Mapping[str, Any]
    _table: _Table
    _places: np.ndarray

    def __init__(self, frame: pd.DataFrame, settings: Mapping[str, Any] | None = None) -> None:
        """Validate once; afterwards nobody needs to ask."""
        cells = {str(name): frame[name].tolist() for name in frame.columns}
        self._bind_all(_validated(cells, len(frame)), len(frame), settings)

    def _bind(self, table: _Table, places: np.ndarray, settings: Mapping[str, Any]) -> Estimates:
        for name, value in (("_table", table), ("_places", places), ("settings", settings)):
            object.__setattr__(self, name, value)
        return self

    def _bind_all(self, columns: Mapping[str, Any], size: int, settings: Mapping[str, Any] | None) -> Estimates:
        return self._bind(_Table(columns, size), np.arange(size), MappingProxyType(dict(settings or {})))

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]], settings: Mapping[str, Any] | None = None) -> Estimates:
        """Build from mappings that name only the columns they fill.

        >>> one = Estimates.from_rows([dict(measure="retention", definition="retained@1", estimand="survival",
        ...     at=30, value=.8, ci_low=.7, ci_high=.9, n=16, denominator=20, people=20, unit="share")])
        >>> one.value()
        0.8
        """
        lines = list(rows)
        names = dict.fromkeys(name for line in lines for name in line)
        cells = {name: [line.get(name) for line in lines] for name in names}
        return object.__new__(cls)._bind_all(_validated(cells, len(lines)), len(lines), settings)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows as a frame, in the columns every result has."""
        if len(self._places) == self._table.size:
            return self._table.frame
        return self._table.frame.take(self._places).reset_index(drop=True)

    def __len__(self) -> int:
        return len(self._places)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as a dict, in order."""
        rows = self._table.rows
        return (dict(rows[place]) for place in self._places)

    def where(self, **conditions: Any) -> Estimates:
        """The rows whose columns equal the given values (a list means any of them); settings are kept.

        ``where(by="schedule")``, ``where(at=[30, 90], category="completed")``.
        """
        places = self._places
        for name, wanted in conditions.items():
            if name not in COLUMNS:
                raise ValueError(f"Estimates has no column {name}")
            values = wanted if isinstance(wanted, list | tuple | set) else [wanted]
            places = places[self._table.marks(name, values)[places]]
        return self._select(places)

    def take(self, keep: npt.ArrayLike) -> Estimates:
        """The rows marked true; rows of a valid result need no second validation."""
        return self._select(self._places[np.asarray(keep, dtype=bool)])

    def _select(self, places: np.ndarray) -> Estimates:
        return object.__new__(Estimates)._bind(self._table, places, self.settings)

    def value(self, **conditions: Any) -> float:
        """The value of the one row that meets the conditions; ``LookupError`` when it is not exactly one."""
        found = list(self.where(**conditions).rows())
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows meet {conditions}, not one")
        return float(found[0]["value"])

    def over(self, start: str, end: str) -> Estimates:
        """The same rows said of a period (ISO days) where they name none: what tells last year's figure from this one's."""
        columns = self._table.cut(self._places)
        for name, day in (("period_start", start), ("period_end", end)):
            columns[name] = _filled(columns[name], day)
        return object.__new__(Estimates)._bind_all(columns, len(self), self.settings)

    def plus(self, *others: Estimates) -> Estimates:
        """These rows and then the others', with the settings joined; a setting that differs is an error."""
        settings = dict(self.settings)
        for other in others:
            for name, value in other.settings.items():
                if name in settings and settings[name] != value:
                    raise ValueError(f"the setting {name} differs between the estimates to be joined")
                settings[name] = value
        table = _stacked((self, *others))
        return object.__new__(Estimates)._bind_all(table.columns, table.size, settings)

    def __repr__(self) -> str:
        return f"Estimates(frame={self.frame!r}, settings={self.settings!r})"

    def _repr_html_(self) -> str:
        shown = self.frame.dropna(axis="columns", how="all")
        return str(shown.to_html(index=False, max_rows=60, float_format=lambda x: f"{x:.3f}", na_rep="", border=0))


def stack(estimates: Sequence[Estimates]) -> pd.DataFrame:
    """The rows of several results one after another, whatever their settings."""
    return _stacked(estimates).frame


def _stacked(estimates: Sequence[Estimates]) -> _Table:
    parts = [each._table.cut(each._places) for each in estimates]
    columns = {
        name: list(chain.from_iterable(part[name] for part in parts))
        if kind == "str"
        else np.concatenate([part[name] for part in parts])
        for name, kind in _KINDS
    }
    return _Table(columns, sum(map(len, estimates)))


def _is_missing(cell: Any) -> bool:
    return cell is None or cell is pd.NA or cell != cell


def _validated(cells: Mapping[str, list[Any]], size: int) -> dict[str, Any]:
    """The columns every result has, each in its own type; ``ValueError`` for what is not a result."""
    unknown = sorted(set(cells) - set(COLUMNS))
    if unknown:
        raise ValueError(f"Estimates has no column {', '.join(unknown)}")
    blank = [None] * size
    columns = {name: _typed(cells.get(name, blank), kind) for name, kind in _KINDS}
    columns["by"] = _filled(columns["by"], ALL)
    columns["group"] = [ALL if by == ALL else group for by, group in zip(columns["by"], columns["group"], strict=True)]
    columns["status"] = _filled(columns["status"], str(Status.OK))
    columns["design_word"] = _filled(columns["design_word"], str(DesignWord.DESCRIBED))
    _refuse(columns)
    return columns


def _typed(cells: list[Any], kind: str) -> Any:
    """Cells of a column in its own type: an array of numbers, or a list of ``str`` or NaN."""
    if kind == "str":
        return [cell if type(cell) is str else np.nan if _is_missing(cell) else str(cell) for cell in cells]
    return np.array([np.nan if cell is None or cell is pd.NA else cell for cell in cells], dtype=kind)


def _filled(cells: list[Any], word: str) -> list[Any]:
    return [word if _is_missing(cell) else cell for cell in cells]


def _refuse(columns: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` for columns that are not a result."""
    for name in ("measure", "definition", "estimand"):
        if any(_is_missing(cell) for cell in columns[name]):
            raise ValueError(f"every estimate needs a {name}")
    for name, allowed in (
        ("estimand", ESTIMANDS),
        ("status", Status.codes()),
        ("design_word", DesignWord.codes()),
    ):
        strange = sorted(set(columns[name]) - set(allowed))
        if strange:
            raise ValueError(f"{strange[0]!r} is not a known {name}")
    valued = ~np.isnan(columns["value"])
    for status, has_value in set(zip(columns["status"], valued.tolist(), strict=True)):
        if status == Status.OK and not has_value:
            raise ValueError("an estimate without a value needs a status that says why")
        if status not in (Status.OK, Status.IMMATURE) and has_value:
            raise ValueError("an estimate whose status is not ok has no value")
    crossed = (columns["ci_low"] > columns["ci_high"]) | (columns["n"] < 0) | (columns["denominator"] < 0)
    if crossed.any():
        raise ValueError("limits out of order or a negative count")
