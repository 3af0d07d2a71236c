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

_STATUS, _SESSIONS = nw.col("status"), nw.col("sessions")
#: A session the programme did not cancel was held, whatever became of it; the first two make and break a run.
HELD = (str(AttendanceStatus.ATTENDED), str(AttendanceStatus.NO_SHOW), str(AttendanceStatus.EXCUSED))
#: How many of a person's first sessions are compared.
FIRST = 10
#: More days than any stay has.
_DAYS = 1 << 20


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
    keep = ("person_id", *([by] if by else []))
    sessions = cohort.attendance.join(cohort.episodes.select("episode_id", *keep), on="episode_id", how="inner")
    sessions = cohort.records.lift(sessions.group_by(*keep, "week", "status").agg(nw.len().alias("sessions")))
    rows: list[Row] = [*_statuses(sessions, by), *_by_week(cohort, sessions, by, weeks), *_runs(cohort, by, at)]
    return Estimates.from_rows(rows, cohort.settings)


def _sessions_where(condition: nw.Expr) -> nw.Expr:
    """The sessions of a person's tally for which this holds."""
    return nw.when(condition).then(_SESSIONS).otherwise(nw.lit(0))


def _statuses(sessions: Lazy, by: str | None) -> Iterator[Row]:
    pairs = {status: (_sessions_where(_STATUS == status), _SESSIONS) for status in AttendanceStatus.codes()}
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
        for group, lines in moment_lines(held, by, {"week": (_sessions_where(nw.col("week").is_null()), _SESSIONS)})
    }
    placed = held.filter(nw.col("week") <= weeks)
    came = _sessions_where(_STATUS == str(AttendanceStatus.ATTENDED))
    for key in (None, by) if by else (None,):
        keys = ("week", key) if key else ("week",)
        for _, line in reductions.moments(placed, keys, came, _SESSIONS).frame.iterrows():
            group = group_of(line, key)
            columns = {
                "at": line["week"],
                "n_missing": unplaced[group.by, group.group],
                **moments_share_of_people(line),
            }
            yield group.row("weekly_attendance", "ratio", category="all", **columns)


def _runs(cohort: Cohort, by: str | None, at: Sequence[int]) -> Iterator[Row]:
    """Runs need the order of a person's sessions: one number a session (episode, day, what became of it), 8 bytes.

    Who stops coming has the second miss *after* the last contact, so that what competes is the recorded discharge.
    """
    columns = ["person_id", "discharge_day", "observed_day", "entry_day", "cause", *([by] if by else [])]
    stays = reductions.episode_rows(cohort.episodes, *dict.fromkeys(columns))
    stays["end"] = stays["discharge_day"].fillna(stays["observed_day"]).astype("float64")
    for name, column in _order_sessions(cohort, stays["episode_id"]).items():
        stays[name] = column
    happened = stays["second"].notna()
    stays["time"] = np.where(happened, stays["second"], stays["end"]).astype("float64")
    stays["event"] = np.where(happened, 1, np.where(stays["cause"] > 0, 2, 0))
    for group, part in split_groups(stays, by):
        seen = part[part["entry_day"] == 0]
        if len(seen):
            yield from _second_miss(group, seen, at, len(part) - len(seen))
            yield from _first_sessions(group, seen, len(part) - len(seen))
            yield from _longest(group, seen, len(part) - len(seen))


def _order_sessions(cohort: Cohort, episodes: pd.Series) -> dict[str, np.ndarray]:
    """Of each episode, from its sessions in order: how many of the first were held and attended (``first_held``,
    ``first_came``), the day of the second no-show in a row (``second``), and the longest run attended (``streak``)."""
    number = cohort.records.lift(pd.DataFrame({"episode_id": episodes, "number": np.arange(len(episodes))}))
    kept = cohort.attendance.filter(_STATUS.is_in(HELD))
    code = nw.lit(0)
    for place, status in enumerate(sorted(HELD)):
        code = nw.when(_STATUS == status).then(nw.lit(place)).otherwise(code)
    placed = reductions.placed_sessions(cohort.episodes, kept).filter(~nw.col("session_day").is_null())
    key = (nw.col("number") * _DAYS + nw.col("session_day")) * len(HELD) + code
    found = reductions.collect(
        placed.join(number, on="episode_id", how="inner").select(key.cast(nw.Int64).alias("key"))
    )
    keys = np.sort(found["key"].to_numpy())
    day, code_of = np.divmod(keys, len(HELD))
    who, day = np.divmod(day, _DAYS)
    size = len(episodes)
    held = np.bincount(who, minlength=size)
    early = np.arange(len(who)) - np.repeat(np.cumsum(held) - held, held) < FIRST
    attended = code_of == sorted(HELD).index(str(AttendanceStatus.ATTENDED))
    first_held = np.bincount(who[early], minlength=size).astype(float)
    first_came = np.bincount(who[early], attended[early], minlength=size)
    told = code_of != sorted(HELD).index(str(AttendanceStatus.EXCUSED))
    who, day, attended = who[told], day[told], attended[told]
    new = np.diff(who, prepend=-1) > 0
    twice = ~attended & ~np.concatenate([[True], attended[:-1]]) & ~new
    second = np.full(size, np.nan)
    second[who[twice][::-1]] = day[twice][::-1]
    run = np.cumsum(~attended | new)
    streak = np.full(size, np.nan)
    streak[who] = 0.0
    longest = np.bincount(run, attended)
    np.maximum.at(streak, who, longest[run])
    nothing = held == 0
    return {
        "first_held": np.where(nothing, np.nan, first_held),
        "first_came": np.where(nothing, np.nan, first_came),
        "second": second,
        "streak": streak,
    }


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
