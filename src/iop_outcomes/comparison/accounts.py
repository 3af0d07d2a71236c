"""A programme's books beside the care it delivered in the same periods: what a client-week and a contact hour cost.

A client is enrolled, and a place held, from admission to the recorded discharge, both days included. Client-weeks and
hours are those of everybody in the programme, whoever a cohort counts, since the costs are the whole programme's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import narwhals as nw
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort, select_cohort
from iop_outcomes.comparison.prices import convert_dollars, find_index
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.rows import most_of_two
from iop_outcomes.vocabulary import Bearer, CostKind

Lazy = nw.LazyFrame[Any]

_EPOCH = date(1970, 1, 1)
#: Who bears what counts, by perspective; society counts everyone's.
PERSPECTIVES: dict[str, tuple[str, ...]] = {
    "provider": (str(Bearer.PROVIDER),),
    "payer": (str(Bearer.PAYER),),
    "client": (str(Bearer.CLIENT),),
    "society": Bearer.codes(),
}


@dataclass(frozen=True)
class Accounts:
    """What programmes spent (or charged, or were paid) and delivered, over the same days.

    ``lines`` has one row per programme, cost line and bearer (``dollars`` of ``price_year``; ``counted`` from the
    perspective asked for). ``delivered`` has one row per programme of which lines count: ``dollars``, ``weeks`` and
    ``people`` enrolled, ``offered`` and ``attended`` hours, ``hours_unknown``, ``start`` and ``end`` of its periods (ISO).
    ``spans`` are those periods merged, in day numbers. ``everyone`` are all admissions in the records. ``left_out`` counts
    lines of periods that were not over, or had begun before the records did.
    """

    lines: pd.DataFrame
    delivered: pd.DataFrame
    spans: pd.DataFrame
    everyone: Cohort
    price_year: int
    left_out: int

    @cached_property
    def person_days(self) -> pd.DataFrame:
        """Days each person was enrolled in each programme in its periods: ``program_id``, ``person_id``, ``days``."""
        enrolled = _enrolled(self.everyone, self.everyone.records.lift(self.spans))
        days = reductions.collect(enrolled.group_by("program_id", "person_id").agg(nw.col("days").sum()))
        return days.sort_values(["program_id", "person_id"], ignore_index=True).astype({"days": "float64"})

    def count_people(self, programs: Sequence[str]) -> int:
        """How many different people were enrolled in any of these programmes in their periods."""
        days = self.person_days
        return int(days.loc[days["program_id"].isin(list(programs)), "person_id"].nunique())

    def hold_most(self, dollars: pd.Series) -> float:
        """How much of these dollars (by ``program_id``), shared out by days enrolled, the two people with most hold, at most."""
        days = self.person_days[self.person_days["program_id"].isin(dollars.index)]
        whole = days.groupby("program_id")["days"].transform("sum")
        own = (days["program_id"].map(dollars) * days["days"] / whole).groupby(days["person_id"]).sum().to_numpy()
        return most_of_two(float(own.sum()), float(own @ own))

    @property
    def daily(self) -> pd.Series:
        """Dollars for each day enrolled, by ``program_id``."""
        weeks = self.delivered["weeks"]
        return (self.delivered["dollars"] / (7 * weeks.where(weeks > 0))).dropna()


def read_accounts(
    cohort: Cohort, perspective: str, kind: str, price_year: int | None, index: str, like: Accounts | None = None
) -> Accounts:
    """The books of every programme in the cohort's records, in one price year, and what each delivered in their periods.

    ``price_year`` is by default the latest the lines have. ``like`` are other accounts of the same cohort: what was delivered
    is theirs where the periods are. Raises :class:`UsageError` for words it does not know, where
    the records hold no such lines or no dates of admission, and where the index lacks a year.
    """
    bearers = _bearers(perspective, kind)
    find_index(index)
    records = cohort.records
    if records.manifest.privacy == "safe_harbor":
        raise UsageError("these records hold no dates of admission, so client-weeks cannot be laid beside the costs")
    every = reductions.collect(records.costs.filter(nw.col("kind") == kind))
    every = every.assign(counted=every["bearer"].isin(bearers))
    if not every["counted"].any():
        raise UsageError(
            f"the costs table has no line of kind {kind} that counts for the {perspective}: "
            "ask for another kind or perspective, or add such lines"
        )
    for name in ("start", "end"):
        every[name] = [(day.date() - _EPOCH).days for day in pd.to_datetime(every[f"period_{name}"])]
    first, last = records.manifest.settings.get("records_from"), records.manifest.as_of
    since = reductions.day_number(str(first)) if first else every["start"].min()
    until = (last - _EPOCH).days if last else every["end"].max()
    whole = (every["start"] >= since) & (every["end"] <= until)
    kept = every[whole]
    if not kept["counted"].any():
        raise UsageError("no period of the costs table lies wholly within the days the records speak of")
    year = int(kept["price_year"].max()) if price_year is None else price_year
    kept = kept.assign(
        dollars=[
            convert_dollars(float(amount), int(priced), year, index)
            for amount, priced in zip(kept["amount"], kept["price_year"], strict=True)
        ]
    )
    everyone = like.everyone if like else select_cohort(cohort, rung="admitted", exit_rule=cohort.settings["exit_rule"])
    counted = kept[kept["counted"]]
    spans = _merge_periods(counted)
    delivered = like.delivered if like and spans.equals(like.spans) else _deliver(everyone, spans)
    delivered = delivered.assign(dollars=counted.groupby("program_id")["dollars"].sum())
    keys = ["program_id", "line", "bearer", "counted"]
    lines = kept.groupby(keys)["dollars"].sum().reset_index()
    return Accounts(lines, delivered, spans, everyone, year, int((every["counted"] & ~whole).sum()))


def _bearers(perspective: str, kind: str) -> tuple[str, ...]:
    if perspective not in PERSPECTIVES:
        raise UsageError(f"perspective is one of {', '.join(PERSPECTIVES)}")
    if kind not in CostKind.codes():
        raise UsageError(f"kind is one of {', '.join(CostKind.codes())}")
    if perspective == "society" and kind != CostKind.COST:
        raise UsageError("society counts costs: charges and payments only move money from one to another")
    return PERSPECTIVES[perspective]


def _merge_periods(lines: pd.DataFrame) -> pd.DataFrame:
    """The days the lines of each programme speak of, as spans that do not overlap."""
    periods = lines[["program_id", "start", "end"]].drop_duplicates().sort_values(["program_id", "start", "end"])
    furthest = periods.groupby("program_id")["end"].cummax().groupby(periods["program_id"]).shift()
    periods["span"] = (furthest.isna() | (periods["start"] > furthest + 1)).cumsum()
    spans = periods.groupby(["program_id", "span"], as_index=False).agg(
        span_start=("start", "min"), span_end=("end", "max")
    )
    return spans.drop(columns="span").astype({"span_start": "int64", "span_end": "int64"})


def _enrolled(everyone: Cohort, spans: Lazy) -> Lazy:
    """Each admission with its days enrolled inside each span, where there are any."""
    start, end = nw.col("admission_number"), nw.col("admission_number") + nw.col("enrolled_day")
    low = nw.when(start > nw.col("span_start")).then(start).otherwise(nw.col("span_start"))
    high = nw.when(end < nw.col("span_end")).then(end).otherwise(nw.col("span_end"))
    joined = everyone.episodes.join(spans, on="program_id", how="inner").with_columns((high - low + 1).alias("days"))
    return joined.filter(nw.col("days") > 0)


def _deliver(everyone: Cohort, periods: pd.DataFrame) -> pd.DataFrame:
    """Client-weeks, people and hours inside the spans ``periods``, and their first and last day, by programme."""
    spans = everyone.records.lift(periods)
    enrolled = (
        _enrolled(everyone, spans)
        .group_by("program_id")
        .agg(nw.col("days").sum(), nw.col("person_id").n_unique().alias("people"))
    )
    placed = reductions.placed_sessions(everyone.episodes, everyone.attendance, "program_id", "admission_number")
    held = placed.with_columns(
        (nw.col("admission_number") + nw.col("session_day")).alias("held_on"), *reductions.session_hours()
    ).join(spans, on="program_id", how="inner")
    inside = (nw.col("held_on") >= nw.col("span_start")) & (nw.col("held_on") <= nw.col("span_end"))
    hours = (
        held.filter(inside)
        .group_by("program_id")
        .agg(nw.col("offered").sum(), nw.col("attended").sum(), nw.col("hours_unknown").sum())
    )
    table = reductions.collect(enrolled.join(hours, on="program_id", how="left"))
    table = table.assign(weeks=table["days"].astype("float64") / 7).drop(columns="days").set_index("program_id")
    ends = periods.groupby("program_id").agg(start=("span_start", "min"), end=("span_end", "max")).map(_iso)
    return ends.join(table).fillna({"weeks": 0.0, "people": 0, "offered": 0.0, "attended": 0.0})


def _iso(number: int) -> str:
    return (_EPOCH + timedelta(days=int(number))).isoformat()
