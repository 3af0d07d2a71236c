"""What care cost each person from a first admission to a horizon: days enrolled times the dollars a day of each programme.

Days are read once; a perspective, a price year or an index only changes the dollars a day (DATCAP, definitions.md §9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.comparison.accounts import Accounts
from iop_outcomes.statistics.intervals import Floats

_COLUMNS = ("person_id", "program_id", "level_of_care", "person_day", "enrolled_day")


@dataclass(frozen=True, eq=False)
class Courses:
    """Care of ``size`` people within the horizon, one line a stay: ``unit`` (their place), programme, level, ``days``.

    ``first`` says whether the stay is the one the course began with.
    """

    care: pd.DataFrame
    size: int

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of care anybody was in."""
        return tuple(sorted(set(self.care["level_of_care"])))

    def price(self, daily: pd.Series, *, level: str | None = None, first_only: bool = False) -> Floats:
        """Dollars of each person, of one level or of all; ``nan`` for care in a programme without dollars a day."""
        care = self.care
        if first_only:
            care = care[care["first"]]
        if level is not None:
            care = care[care["level_of_care"] == level]
        dollars = care["days"] * care["program_id"].map(daily).astype("float64")
        total: Floats = np.bincount(care["unit"], weights=dollars, minlength=self.size).astype(np.float64)
        return total


def read_courses(people: pd.DataFrame, accounts: Accounts, horizon: int) -> Courses:
    """The care that followed each first admission in ``people`` (``person_id``, ``person_day``), its own stay included.

    Stays count wherever they were, to the recorded discharge, both days included, and no further than the horizon.
    """
    every = reductions.episode_rows(accounts.everyone.episodes, *_COLUMNS).dropna(subset=["person_day"])
    start = people[["person_id", "person_day"]].assign(unit=np.arange(len(people)))
    care = every.merge(start, on="person_id", suffixes=("", "_start"))
    begins = (care["person_day"].astype("float64") - care["person_day_start"].astype("float64")).to_numpy()
    days = np.minimum(begins + care["enrolled_day"].to_numpy(dtype="float64"), horizon - 1) - begins + 1
    care = care.assign(days=days, first=care["episode_id"].isin(people["episode_id"]))
    care = care[(begins >= 0) & (days > 0)]
    return Courses(care[["unit", "program_id", "level_of_care", "days", "first"]].reset_index(drop=True), len(people))
