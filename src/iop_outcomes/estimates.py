"""The one tidy result: a frozen table in which one row is one number.

Every measure and comparison returns an :class:`Estimates`; tables, figures and sentences read it and compute nothing.
The class validates, binds and prints; it never computes a statistic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

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

#: The word in ``by`` and ``group`` of a row that speaks for everyone.
ALL = "all"

#: The ``reference`` of a difference between a group and everyone who is not in it (a word after it names a variant).
REST = "everyone else"


@dataclass(frozen=True)
class Estimates:
    """One tidy result: rows of numbers with what they rest on, and the settings they were made with.

    ``category`` is the outcome the number speaks of (an end reason, a service type, a reading). ``by`` and ``group`` say
    for whom: both are ``"all"`` for everyone; a missing ``group`` means *unknown*, never "all". ``n`` counts events,
    ``denominator`` what they are counted among, ``people`` the different people, ``n_missing`` what could not be counted.
    A value that is missing carries a ``status`` that says why; absent is not zero. ``top_two``, ``residual_df`` and
    ``smallest`` are for the release gate and are never released.
    """

    frame: pd.DataFrame
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate once; afterwards nobody needs to ask."""
        object.__setattr__(self, "frame", _validated(self.frame))
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]], settings: Mapping[str, Any] | None = None) -> Estimates:
        """Build from mappings that name only the columns they fill.

        >>> one = Estimates.from_rows([dict(measure="retention", definition="retained@1", estimand="survival",
        ...     at=30, value=.8, ci_low=.7, ci_high=.9, n=16, denominator=20, people=20, unit="share")])
        >>> one.value()
        0.8
        """
        frame = pd.DataFrame.from_records(list(rows))
        unknown = sorted(set(frame.columns) - set(COLUMNS))
        if unknown:
            raise ValueError(f"Estimates has no column {', '.join(unknown)}")
        return cls(frame, settings or {})

    def __len__(self) -> int:
        return len(self.frame)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as a dict, in order."""
        for row in self.frame.to_dict("records"):
            yield {str(name): value for name, value in row.items()}

    def where(self, **conditions: Any) -> Estimates:
        """The rows whose columns equal the given values (a list means any of them); settings are kept.

        ``where(by="schedule")``, ``where(at=[30, 90], category="completed")``.
        """
        keep = pd.Series(True, index=self.frame.index)
        for name, wanted in conditions.items():
            if name not in COLUMNS:
                raise ValueError(f"Estimates has no column {name}")
            values = list(wanted) if isinstance(wanted, list | tuple | set) else [wanted]
            keep &= self.frame[name].isin(values)
        return self.take(keep)

    def take(self, keep: pd.Series) -> Estimates:
        """The rows marked true; rows of a valid result need no second validation."""
        chosen = object.__new__(Estimates)
        object.__setattr__(chosen, "frame", self.frame[keep].reset_index(drop=True))
        object.__setattr__(chosen, "settings", self.settings)
        return chosen

    def value(self, **conditions: Any) -> float:
        """The value of the one row that meets the conditions; ``LookupError`` when it is not exactly one."""
        found = self.where(**conditions).frame
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows meet {conditions}, not one")
        return float(found["value"].iloc[0])

    def over(self, start: str, end: str) -> Estimates:
        """The same rows said of a period (ISO days) where they name none: what tells last year's figure from this one's."""
        frame = self.frame.copy()
        frame["period_start"] = frame["period_start"].fillna(start)
        frame["period_end"] = frame["period_end"].fillna(end)
        return Estimates(frame, self.settings)

    def plus(self, *others: Estimates) -> Estimates:
        """These rows and then the others', with the settings joined; a setting that differs is an error."""
        settings = dict(self.settings)
        for other in others:
            for name, value in other.settings.items():
                if name in settings and settings[name] != value:
                    raise ValueError(f"the setting {name} differs between the estimates to be joined")
                settings[name] = value
        return Estimates(pd.concat([self.frame, *(other.frame for other in others)]), settings)

    def _repr_html_(self) -> str:
        shown = self.frame.dropna(axis="columns", how="all")
        return str(shown.to_html(index=False, max_rows=60, float_format=lambda x: f"{x:.3f}", na_rep="", border=0))


def _validated(frame: pd.DataFrame) -> pd.DataFrame:
    unknown = sorted(set(frame.columns) - set(COLUMNS))
    if unknown:
        raise ValueError(f"Estimates has no column {', '.join(unknown)}")
    out = pd.DataFrame(index=range(len(frame)))
    for name, kind in COLUMNS.items():
        if name in frame:
            column = frame[name].reset_index(drop=True)
        else:
            column = pd.Series([None] * len(frame), dtype=object)
        if kind == "str":
            out[name] = column.astype(object).where(column.notna(), None).astype("str")
        else:
            out[name] = pd.to_numeric(column).astype("float64")
    out["by"] = out["by"].fillna(ALL)
    out.loc[out["by"] == ALL, "group"] = ALL
    out["status"] = out["status"].fillna(str(Status.OK))
    out["design_word"] = out["design_word"].fillna(str(DesignWord.DESCRIBED))
    _refuse(out)
    return out


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
        strange = sorted(set(frame[name]) - set(allowed))
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
