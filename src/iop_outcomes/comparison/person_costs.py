"""What care cost each person from a first admission to a horizon: days enrolled times the dollars a day of each programme.

Days are read once; a perspective, a price year or an index only changes the dollars a day (DATCAP).
See docs/methods/cost-effectiveness.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.comparison.accounts import Accounts
from iop_outcomes.measures.rows import Row, most_of_two
from iop_outcomes.statistics.followed import Weights
from iop_outcomes.statistics.intervals import Floats
from iop_outcomes.vocabulary import CostKind

#: How a unit says whose money of which kind it is.
_WHOSE: dict[str, str] = {
    CostKind.COST: "cost to the",
    CostKind.CHARGE: "charges to the",
    CostKind.PAYMENT: "payments by the",
}
_COLUMNS = ("person_id", "program_id", "level_of_care", "person_day", "enrolled_day")


@dataclass(frozen=True, eq=False)
class Courses:
    """Care of ``size`` people within the horizon, one line a stay and part: ``unit`` (their place), ``part``, ``days``.

    Also the programme and level of care, and ``first``, whether the stay is the one the course began with. ``parts`` is
    how many parts the horizon has.
    """

    care: pd.DataFrame
    size: int
    parts: int

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of care anybody was in."""
        return tuple(sorted(set(self.care["level_of_care"])))

    def price(self, daily: pd.Series, *, level: str | None = None, first_only: bool = False) -> Floats:
        """Dollars of each person in each part (people × parts), of one level or of all.

        ``nan`` for care in a programme without dollars a day.
        """
        care = self.care
        if first_only:
            care = care[care["first"]]
        if level is not None:
            care = care[care["level_of_care"] == level]
        dollars = care["days"] * care["program_id"].map(daily).astype("float64")
        cell = care["unit"] * self.parts + care["part"]
        total = np.bincount(cell, weights=dollars, minlength=self.size * self.parts).astype(np.float64)
        return total.reshape(self.size, self.parts)


def name_dollars(perspective: str, kind: str, year: int) -> str:
    """The unit of an amount: whose money, of which kind, in the prices of which year.

    >>> name_dollars("payer", "payment", 2025)
    'dollars of 2025, payments by the payer'
    """
    whose = "cost to society" if perspective == "society" else f"{_WHOSE[CostKind(kind)]} {perspective}"
    return f"dollars of {year}, {whose}"


def read_courses(people: pd.DataFrame, accounts: Accounts, ends: Sequence[int]) -> Courses:
    """The care that followed each first admission in ``people`` (``person_id``, ``person_day``), its own stay included.

    Stays count wherever they were, to the recorded discharge, both days included, and no further than the last of
    ``ends``, the days since admission on which the parts of the horizon end.
    """
    every = reductions.episode_rows(accounts.everyone.episodes, *_COLUMNS).dropna(subset=["person_day"])
    start = people[["person_id", "person_day"]].assign(unit=np.arange(len(people)))
    care = every.merge(start, on="person_id", suffixes=("", "_start"))
    begins = (care["person_day"].astype("float64") - care["person_day_start"].astype("float64")).to_numpy()
    last = begins + care["enrolled_day"].to_numpy(dtype="float64")
    care = care.assign(first=care["episode_id"].isin(people["episode_id"]))
    lines = []
    for part, (before, end) in enumerate(zip((-1, *ends), ends, strict=False)):
        days = np.minimum(last, end) - np.maximum(begins, before + 1) + 1
        lines.append(care.assign(part=part, days=days)[(begins >= 0) & (days > 0)])
    columns = ["unit", "part", "program_id", "level_of_care", "days", "first"]
    return Courses(pd.concat(lines)[columns].reset_index(drop=True), len(people), len(ends))


def hold_most(dollars: Floats) -> float:
    """How much of the dollars of people the two with most hold, at most."""
    return most_of_two(float(dollars.sum()), float(dollars @ dollars))


def hold_weighted(made: Sequence[Weights], own: np.ndarray, cost: Floats) -> float:
    """How much of a level's weighted dollars the two people with most hold, at most."""
    return hold_most(weigh_dollars(made, own, cost))


def weigh_dollars(made: Sequence[Weights], own: np.ndarray, cost: Floats) -> Floats:
    """What each person adds (n) to the mean dollars of a level."""
    dollars = np.zeros(own.size)
    for part, column in zip(made, cost.T, strict=True):
        dollars += own * part.weights / (own @ part.weights) * np.where(part.known, column, 0.0)
    return dollars


def hold_rows(rows: Iterable[Row], held: Mapping[str, float]) -> Iterator[Row]:
    """The rows; those of a level's dollars say how much of them the two people with most hold."""
    for row in rows:
        money = str(row["unit"]).startswith("dollars") and row["group"] in held
        yield {**row, "top_two": held[row["group"]]} if money else row
