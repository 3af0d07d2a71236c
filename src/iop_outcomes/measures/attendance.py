"""What became of scheduled sessions: attended, missed, excused, cancelled; by week; runs and warning signs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.rows import (
    Group,
    Row,
    check_group,
    group_of,
    interval_columns,
    moment_lines,
    moments_share,
    moments_share_of_people,
    split_groups,
)
from iop_outcomes.statistics import aalen_johansen, clustered_proportion, ratio_of_sums
from iop_outcomes.vocabulary import AttendanceStatus

Lazy = nw.LazyFrame[Any]

_STATUS = nw.col("status")
#: A session the programme did not cancel was held, whatever became of it; the first two make and break a run.
HELD = (str(AttendanceStatus.ATTENDED), str(AttendanceStatus.NO_SHOW), str(AttendanceStatus.EXCUSED))
#: How many of a person's first sessions are compared.
FIRST = 10


def measure_attendance(
    cohort: Cohort, *, by: str | None = None, at: Sequence[int] = (14, 30, 60), weeks: int | None = None
) -> Estimates:
    """How much of what was scheduled was attended, and who is starting to slip away?

    Rows: session_status (share of sessions in each status, a missed session without a date included);
    weekly_attendance (sessions attended of those held, ``at`` = week of treatment, up to ``weeks``); second_miss (two
    no-shows in a row by day d, the recorded discharge competes); first_sessions (share attended of each person's first
    ten sessions held); longest_streak (mean longest run of sessions attended). The longest run grows with time in care
    whatever people do: compare groups that stay for different times by first_sessions or second_miss. Who was in care
    before the records begin has no first sessions in view and counts as missing in these three.
    """
    check_group(by, cohort.groups)
    sessions = cohort.attendance.join(
        cohort.episodes.select("episode_id", "person_id", *([by] if by else [])), on="episode_id", how="inner"
    )
    rows: list[Row] = [*_statuses(sessions, by), *_by_week(cohort, sessions, by, weeks), *_runs(cohort, by, at)]
    return Estimates.from_rows(rows, cohort.settings)


def _statuses(sessions: Lazy, by: str | None) -> Iterator[Row]:
    pairs = {status: (_STATUS == status, nw.lit(1)) for status in AttendanceStatus.codes()}
    for group, lines in moment_lines(sessions, by, pairs):
        for status, line in lines.items():
            yield group.row("session_status", "proportion", category=status, **moments_share(line))


def _by_week(cohort: Cohort, sessions: Lazy, by: str | None, weeks: int | None) -> Iterator[Row]:
    if weeks is None:
        lengths = reductions.episode_rows(cohort.episodes, "planned_days")["planned_days"].dropna()
        weeks = -(-int(lengths.max()) // 7) if len(lengths) else 12
    held = sessions.filter(_STATUS.is_in(HELD))
    unplaced = {
        (group.by, group.group): lines["week"]["sum_y"]
        for group, lines in moment_lines(held, by, {"week": (nw.col("week").is_null(), nw.lit(1))})
    }
    placed = held.filter(nw.col("week") <= weeks)
    came = _STATUS == str(AttendanceStatus.ATTENDED)
    for key in (None, by) if by else (None,):
        keys = ("week", key) if key else ("week",)
        for _, line in reductions.moments(placed, keys, came, nw.lit(1)).frame.iterrows():
            group = group_of(line, key)
            columns = {
                "at": line["week"],
                "n_missing": unplaced[group.by, group.group],
                **moments_share_of_people(line),
            }
            yield group.row("weekly_attendance", "ratio", category="all", **columns)


def _runs(cohort: Cohort, by: str | None, at: Sequence[int]) -> Iterator[Row]:
    """Runs need the order of a person's sessions: one row per session of the columns needed.

    Who stops coming has the second miss *after* the last contact, so that what competes is the recorded discharge.
    """
    columns = ["person_id", "discharge_day", "observed_day", "entry_day", "cause", *([by] if by else [])]
    stays = reductions.episode_rows(cohort.episodes, *dict.fromkeys(columns))
    stays["end"] = stays["discharge_day"].fillna(stays["observed_day"]).astype("float64")
    kept = cohort.attendance.filter(_STATUS.is_in(HELD))
    placed = reductions.placed_sessions(cohort.episodes, kept)
    held = reductions.collect(placed.select("episode_id", nw.col("session_day").alias("order"), "status"))
    held = held[held["order"].notna()].sort_values(["episode_id", "order", "status"], ignore_index=True)
    first = held[held.groupby("episode_id").cumcount() < FIRST]
    came = (first["status"] == str(AttendanceStatus.ATTENDED)).astype("float64").groupby(first["episode_id"])
    stays["first_held"] = stays["episode_id"].map(came.size()).astype("float64")
    stays["first_came"] = stays["episode_id"].map(came.sum()).astype("float64")
    sessions = held[held["status"].isin(HELD[:2])].reset_index(drop=True)
    missed = (sessions["status"] == str(AttendanceStatus.NO_SHOW)).to_numpy()
    same = (sessions["episode_id"] == sessions["episode_id"].shift()).to_numpy()
    second = missed & np.concatenate([[False], missed[:-1]]) & same
    first_second = sessions[second].groupby("episode_id")["order"].min()
    block = pd.Series(missed | ~same).cumsum()
    runs = (~pd.Series(missed)).groupby([sessions["episode_id"], block]).sum().groupby(level=0).max()
    stays["second"] = stays["episode_id"].map(first_second).astype("float64")
    stays["streak"] = stays["episode_id"].map(runs).astype("float64")
    happened = stays["second"].notna()
    stays["time"] = np.where(happened, stays["second"], stays["end"]).astype("float64")
    stays["event"] = np.where(happened, 1, np.where(stays["cause"] > 0, 2, 0))
    for group, part in split_groups(stays, by):
        seen = part[part["entry_day"] == 0]
        if len(seen):
            yield from _second_miss(group, seen, at, len(part) - len(seen))
            yield from _first_sessions(group, seen, len(part) - len(seen))
            yield from _longest(group, seen, len(part) - len(seen))


def _second_miss(group: Group, part: pd.DataFrame, at: Sequence[int], late: int) -> Iterator[Row]:
    last_seen = part.loc[part["event"] == 0, "time"]
    fit = aalen_johansen(part["time"], part["event"], cluster=part["person_id"].to_numpy(), causes=[1, 2])
    for day in at:
        point = fit.at(day, 1)
        yield group.row(
            "second_miss",
            "cumulative_incidence",
            category="second_miss",
            at=day,
            n=float(point.events),
            denominator=len(part),
            people=part["person_id"].nunique(),
            n_missing=int((last_seen < day).sum()) + late,
            **interval_columns(point),
        )


def _first_sessions(group: Group, part: pd.DataFrame, late: int) -> Iterator[Row]:
    """A share of sessions; its counts are people, so that nobody's few sessions stand alone."""
    scheduled = part[part["first_held"].notna()]
    totals = scheduled.groupby("person_id")[["first_came", "first_held"]].sum()
    if totals.empty:
        return
    y, x = totals["first_came"].to_numpy(), totals["first_held"].to_numpy()
    share = clustered_proportion(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(totals))
    people = dict.fromkeys(("n", "denominator", "people"), len(totals))
    missing = len(part) - len(scheduled) + late
    yield group.row("first_sessions", "ratio", category="all", n_missing=missing, **people, **interval_columns(share))


def _longest(group: Group, part: pd.DataFrame, late: int) -> Iterator[Row]:
    scheduled = part[part["streak"].notna()].assign(one=1.0)
    totals = scheduled.groupby("person_id")[["streak", "one"]].sum()
    if totals.empty:
        return
    y, x = totals["streak"].to_numpy(), totals["one"].to_numpy()
    mean = ratio_of_sums(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(totals))
    yield group.row(
        "longest_streak",
        "mean",
        category="all",
        n=len(scheduled),
        denominator=len(scheduled),
        people=len(totals),
        n_missing=len(part) - len(scheduled) + late,
        **interval_columns(mean),
    )
