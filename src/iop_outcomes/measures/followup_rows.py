"""What every follow-up figure carries: how many were due, how many were reached, and the two bounds.

The bounds count everybody not reached as one way and then as the other. The interval for the band they enclose covers
the true share, wherever in the band it lies, at the level named (Imbens & Manski 2004, doi:10.1111/j.1468-0262.2004.00555.x).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.measures.rows import Group, Row, interval_columns, split_groups
from iop_outcomes.statistics import Band, Interval, bounds, clustered_mean, clustered_proportion
from iop_outcomes.statistics.intervals import Floats
from iop_outcomes.vocabulary import Status

_TOO_EARLY = "the follow-up day and its window lie behind nobody yet"
_NOBODY = "nobody was due"


@dataclass(frozen=True)
class Due:
    """The episodes of one group that were due on one follow-up day; ``answer`` in ``frame`` is missing where not reached.

    ``left_out`` counts people who had died or were recorded as not due, ``waiting`` those whose day is yet to come.
    """

    group: Group
    category: str
    at: int
    frame: pd.DataFrame
    left_out: int
    waiting: int

    @cached_property
    def person(self) -> np.ndarray:
        """Whose episode each is, as 0, 1, …"""
        return pd.factorize(self.frame["person_id"])[0]

    @property
    def answer(self) -> Floats:
        """What was said, ``nan`` where not reached."""
        return self.frame["answer"].to_numpy(dtype="float64")

    @property
    def reached(self) -> np.ndarray:
        """Who was reached."""
        return ~np.isnan(self.answer)

    def row(self, definition: str, estimand: str, **columns: Any) -> Row:
        """A row that rests on everybody due; ``n_missing`` are those not reached."""
        shared = {
            "category": self.category,
            "at": self.at,
            "denominator": len(self.frame),
            "people": self.frame["person_id"].nunique(),
            "n_missing": int((~self.reached).sum()),
        }
        return self.group.row(definition, estimand, **{**shared, **columns})

    def share(self, yes: np.ndarray, among: np.ndarray | None = None) -> Interval:
        """The share of ``yes`` among those due (or ``among`` them), people as clusters."""
        among = np.ones(len(self.frame), dtype=bool) if among is None else among
        y, x = (np.bincount(self.person[counted]).astype(float) for counted in (yes & among, among))
        y = np.append(y, np.zeros(x.size - y.size))
        interval: Interval = clustered_proportion(y.sum(), x.sum(), y @ y, x @ y, x @ x, np.count_nonzero(x))
        return interval

    def band(self, yes: np.ndarray) -> Band:
        """The share of ``yes`` (never true where not reached) between the two bounds, people as clusters."""
        errors: dict[str, float] = {}
        people = self.frame["person_id"].nunique()
        if 1 < people < len(self.frame):
            for name, counted in (("lower_error", yes), ("upper_error", yes | ~self.reached)):
                errors[name] = clustered_mean(counted, self.person).std_error
            errors["clusters"] = people
        return bounds(int(yes.sum()), int(self.reached.sum()), len(self.frame), **errors)


def split_due(episodes: pd.DataFrame, by: str | None, category: str, at: int) -> Iterator[Due]:
    """Everyone and then each group, from episodes that say who was ``due``, ``left_out`` and what they answered."""
    for group, part in split_groups(episodes, by):
        if len(part):
            due, left_out = part["due"], int(part["left_out"].sum())
            waiting = len(part) - int(due.sum()) - left_out
            yield Due(group, category, at, part[due].reset_index(drop=True), left_out, waiting)


def due_rows(due: Due) -> Iterator[Row]:
    """How many were due and how many of them were reached."""
    size = len(due.frame)
    yield due.row("followup_due", "count", value=size, n=size, denominator=None, n_missing=due.left_out, method="count")
    share = interval_columns(due.share(due.reached))
    yield due.row("followup_response", "proportion", n=int(due.reached.sum()), **share)


def responder_row(due: Due, yes: np.ndarray, definition: str) -> Row:
    """The share of ``yes`` among people reached; never printed without the bounds beside it."""
    columns = interval_columns(due.share(yes, due.reached))
    if "value" not in columns:
        columns["note"] = "nobody was reached"
    people = due.frame.loc[due.reached, "person_id"].nunique()
    base = {"n": int(yes.sum()), "denominator": int(due.reached.sum()), "people": people}
    return due.row(definition, "proportion", **base, **columns)


def bound_rows(due: Due, yes: np.ndarray, lower: str, upper: str) -> Iterator[Row]:
    """Everybody not reached counted as not ``yes``, and as ``yes``; both with the interval of the band."""
    band = due.band(yes)
    limits = {"ci_low": band.low, "ci_high": band.high, "conf_level": band.conf_level, "method": band.method}
    unreached = int((~due.reached).sum())
    yield due.row(lower, "proportion", value=band.lower, n=int(yes.sum()), **limits)
    yield due.row(upper, "proportion", value=band.upper, n=int(yes.sum()) + unreached, **limits)


def empty_rows(due: Due, definitions: dict[str, str]) -> Iterator[Row]:
    """Rows without a value where nobody was due: too early to say, or nobody left to ask."""
    early = due.waiting > 0
    said = {"status": str(Status.IMMATURE if early else Status.NOT_ESTIMABLE), "note": _TOO_EARLY if early else _NOBODY}
    for definition, estimand in definitions.items():
        missing = due.left_out if definition == "followup_due" else 0
        yield due.row(definition, estimand, n=0, n_missing=missing, **said)
