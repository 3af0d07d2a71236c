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
    Row,
    check_group,
    group_of,
    interval_columns,
    moment_lines,
    moments_share,
    moments_share_of_people,
    split_groups,
)
from iop_outcomes.statistics import aalen_johansen, ratio_of_sums
from iop_outcomes.vocabulary import AttendanceStatus

Lazy = nw.LazyFrame[Any]

_STATUS = nw.col("status")
_HELD = (str(AttendanceStatus.ATTENDED), str(AttendanceStatus.NO_SHOW), str(AttendanceStatus.EXCUSED))


def measure_attendance(
    cohort: Cohort, *, by: str | None = None, at: Sequence[int] = (14, 30, 60), weeks: int | None = None
) -> Estimates:
    """How much of what was scheduled was attended, and who is starting to slip away?

    Rows: session_status (share of sessions in each status, a missed session without a date included);
    weekly_attendance (sessions attended of those held, ``at`` = week of treatment, up to ``weeks``); second_miss (two
    no-shows in a row by day d, the recorded discharge competes); longest_streak (mean longest run of sessions attended).
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
    held = sessions.filter(_STATUS.is_in(_HELD))
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
    columns = ["person_id", "discharge_day", "observed_day", "cause", *([by] if by else [])]
    stays = reductions.episode_rows(cohort.episodes, *columns)
    stays["end"] = stays["discharge_day"].fillna(stays["observed_day"]).astype("float64")
    kept = cohort.attendance.filter(_STATUS.is_in(_HELD[:2]))
    placed = reductions.placed_sessions(cohort.episodes, kept)
    sessions = reductions.collect(placed.select("episode_id", nw.col("session_day").alias("order"), "status"))
    sessions = sessions[sessions["order"].notna()].sort_values(["episode_id", "order", "status"], ignore_index=True)
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
        if part.empty:
            continue
        people = part["person_id"].nunique()
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
                people=people,
                n_missing=int((last_seen < day).sum()),
                **interval_columns(point),
            )
        scheduled = part[part["streak"].notna()].assign(one=1.0)
        totals = scheduled.groupby("person_id")[["streak", "one"]].sum()
        y, x = totals["streak"].to_numpy(), totals["one"].to_numpy()
        if len(totals):
            mean = ratio_of_sums(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(totals))
            yield group.row(
                "longest_streak",
                "mean",
                category="all",
                n=len(scheduled),
                denominator=len(scheduled),
                people=len(totals),
                n_missing=len(part) - len(scheduled),
                **interval_columns(mean),
            )
