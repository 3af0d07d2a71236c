"""The one tidy result: a frozen table in which one row is one number.

Every measure and comparison returns an :class:`Estimates`; tables, figures and sentences read it and compute nothing.
The class validates, binds and prints; it never computes a statistic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
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
    """The rows that many selections share, and what is asked of them again and again, worked out once."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._columns: dict[str, tuple[dict[Any, int], np.ndarray]] = {}

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Every row as a dict; nobody but this module may hold one, for a change would reach every selection."""
        names = [str(name) for name in self.frame.columns]
        columns = (self.frame[name].tolist() for name in names)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def marks(self, name: str, wanted: Iterable[Any]) -> np.ndarray:
        """True for every row whose column holds one of the wanted values; a missing one finds missing ones."""
        if name not in self._columns:
            codes, values = pd.factorize(self.frame[name])
            self._columns[name] = ({value: code for code, value in enumerate(values.tolist())}, codes)
        known, codes = self._columns[name]
        found = [-1 if pd.isna(value) else known.get(value, -2) for value in wanted]
        return codes == found[0] if len(found) == 1 else np.isin(codes, found)


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
        self._bind(_Table(_validated(frame)), np.arange(len(frame)), MappingProxyType(dict(settings or {})))

    def _bind(self, table: _Table, places: np.ndarray, settings: Mapping[str, Any]) -> Estimates:
        for name, value in (("_table", table), ("_places", places), ("settings", settings)):
            object.__setattr__(self, name, value)
        return self

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
        columns = {name: pd.Series([line.get(name) for line in lines], dtype=object) for name in names}
        return cls(pd.DataFrame(columns, index=range(len(lines))), settings)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows as a frame, in the columns every result has."""
        if len(self._places) == len(self._table.frame):
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

    def take(self, keep: pd.Series) -> Estimates:
        """The rows marked true; rows of a valid result need no second validation."""
        return self._select(self._places[keep.to_numpy(dtype=bool)])

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
        named = {"period_start": start, "period_end": end}
        return _of_valid(self.frame.fillna(named), self.settings)

    def plus(self, *others: Estimates) -> Estimates:
        """These rows and then the others', with the settings joined; a setting that differs is an error."""
        settings = dict(self.settings)
        for other in others:
            for name, value in other.settings.items():
                if name in settings and settings[name] != value:
                    raise ValueError(f"the setting {name} differs between the estimates to be joined")
                settings[name] = value
        frames = [self.frame, *(other.frame for other in others)]
        return _of_valid(pd.concat(frames, ignore_index=True), settings)

    def __repr__(self) -> str:
        return f"Estimates(frame={self.frame!r}, settings={self.settings!r})"

    def _repr_html_(self) -> str:
        shown = self.frame.dropna(axis="columns", how="all")
        return str(shown.to_html(index=False, max_rows=60, float_format=lambda x: f"{x:.3f}", na_rep="", border=0))


def _of_valid(frame: pd.DataFrame, settings: Mapping[str, Any]) -> Estimates:
    """Estimates of rows that were validated as part of others."""
    return object.__new__(Estimates)._bind(_Table(frame), np.arange(len(frame)), MappingProxyType(dict(settings)))


def _validated(frame: pd.DataFrame) -> pd.DataFrame:
    unknown = sorted(set(frame.columns) - set(COLUMNS))
    if unknown:
        raise ValueError(f"Estimates has no column {', '.join(unknown)}")
    columns = {name: _column(frame, name, kind) for name, kind in COLUMNS.items()}
    columns["by"] = columns["by"].fillna(ALL)
    columns["group"] = columns["group"].mask(columns["by"] == ALL, ALL)
    columns["status"] = columns["status"].fillna(str(Status.OK))
    columns["design_word"] = columns["design_word"].fillna(str(DesignWord.DESCRIBED))
    out = pd.DataFrame(columns, index=range(len(frame)))
    _refuse(out)
    return out


def _column(frame: pd.DataFrame, name: str, kind: str) -> pd.Series:
    """A column in its own type, missing throughout where the frame has none."""
    if name not in frame:
        return pd.Series([None] * len(frame), dtype=kind)
    column = frame[name].reset_index(drop=True)
    if column.dtype == kind:
        return column
    if kind == "str":
        return column.astype(object).where(column.notna(), None).astype("str")
    return pd.to_numeric(column).astype("float64")


def _refuse(frame: pd.DataFrame) -> None:
    """Raise ``ValueError`` for a frame that is not a result."""
    for name in ("measure", "definition", "estimand"):
        if frame[name].isna().any():
            raise ValueError(f"every estimate needs a {name}")
    for name, allowed in (
        ("estimand", ESTIMANDS),
        ("status", Status.codes()),
        ("design_word", DesignWord.codes()),
    ):
        strange = sorted(set(frame[name].unique()) - set(allowed))
        if strange:
            raise ValueError(f"{strange[0]!r} is not a known {name}")
    ok = frame["status"] == Status.OK
    if frame.loc[ok, "value"].isna().any():
        raise ValueError("an estimate without a value needs a status that says why")
    if frame.loc[~ok & (frame["status"] != Status.IMMATURE), "value"].notna().any():
        raise ValueError("an estimate whose status is not ok has no value")
    crossed = (frame["ci_low"] > frame["ci_high"]) | (frame["n"] < 0) | (frame["denominator"] < 0)
    if crossed.any():
        raise ValueError("limits out of order or a negative count")
