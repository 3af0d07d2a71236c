"""The rules of the attendance table: when a session was, how long, and whether hours and status agree."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from iop_outcomes.records.rules import Ledger, Notes
from iop_outcomes.records.times import count_days, count_weeks, episode_column, flag_after, is_true, settle_day
from iop_outcomes.vocabulary import AttendanceStatus


def check_attendance(
    attendance: pd.DataFrame, episodes: pd.DataFrame, ledger: Ledger, as_of: date | None, notes: Notes
) -> pd.DataFrame:
    """The sessions with their day and week of treatment; rows that break a rule are flagged in the ledger.

    ``episodes`` are the episodes in use, indexed by id. A session without a date keeps its week or visit.
    """
    frame = attendance.copy()
    if not len(frame):
        return frame
    read = ledger.ok
    untimed = frame[["date", "day", "week", "visit"]].isna().all(axis="columns").to_numpy() & read
    ledger.flag(untimed, "missing_cell", "date", "Give the date, the day, the week or the visit of the session.")
    flag_after(frame["date"], as_of, ledger, "date")
    known = ledger.ok
    admitted = episode_column(frame["episode_id"], episodes, "admission_date")
    lost = is_true(frame["date"].notna() & admitted.isna() & frame["day"].isna()) & known
    ledger.flag(lost, "time_unknown", "date")
    frame["day"] = settle_day(frame, count_days(frame["date"], admitted), ledger, ("date", "day"))
    given = frame["week"]
    counted = count_weeks(frame["day"])
    moved = int((is_true(given != counted) & ledger.ok).sum())
    notes.add(f"{ledger.names}: ", moved, " sessions lie in another week than their week column says; the day is used.")
    frame["week"] = counted.fillna(given)
    _check_bounds(frame, episodes, ledger)
    _check_hours(frame, ledger)
    return frame


def _check_bounds(frame: pd.DataFrame, episodes: pd.DataFrame, ledger: Ledger) -> None:
    """A session lies between admission and discharge, and not after what was observed."""
    discharge = episode_column(frame["episode_id"], episodes, "discharge_day")
    observed = episode_column(frame["episode_id"], episodes, "observed_day")
    earliest = frame["day"].fillna((frame["week"] - 1) * 7)
    ledger.flag(is_true(frame["day"] < 0), "session_before_admission", "date")
    ledger.flag(is_true(earliest > discharge), "session_after_discharge", "date")
    ledger.flag(is_true(earliest > observed) & ~is_true(earliest > discharge), "after_as_of", "date")


def _check_hours(frame: pd.DataFrame, ledger: Ledger) -> None:
    """Hours and status say the same thing, and a day has 24 hours."""
    offered, attended = frame["hours_offered"], frame["hours_attended"]
    was_there = is_true(frame["status"] == AttendanceStatus.ATTENDED)
    was_not = is_true(frame["status"].notna()) & ~was_there
    ledger.flag(attended > offered + 1e-9, "attended_over_offered", "hours_attended")
    ledger.flag(was_there & (attended == 0).to_numpy(), "attended_without_hours", "hours_attended")
    ledger.flag(was_not & (attended > 0).to_numpy(), "hours_without_attendance", "hours_attended")
    dated = ledger.ok & frame["day"].notna().to_numpy()
    rows = frame.loc[dated, ["episode_id", "day"]]
    hours = pd.DataFrame({"offered": offered[dated].fillna(0), "attended": attended[dated].fillna(0)})
    codes = pd.factorize(rows["episode_id"])[0].astype(np.int64) * 100_000 + rows["day"].to_numpy(dtype=np.int64)
    longest = hours.groupby(codes).transform("sum").max(axis="columns")
    over = np.zeros(len(frame), dtype=bool)
    over[np.flatnonzero(dated)] = (longest > 24 + 1e-9).to_numpy()
    ledger.flag(over, "over_24_hours", "hours_attended")
