"""The rules of the episodes table: admission, discharge, end reason, what was observed, and overlaps."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from iop_outcomes.records.rules import Ledger, Mask, Notes
from iop_outcomes.records.times import count_days, flag_after, is_true, settle_day


def check_episodes(
    episodes: pd.DataFrame, programs: pd.DataFrame, ledger: Ledger, as_of: date | None, notes: Notes
) -> pd.DataFrame:
    """The episodes with their times in days since admission; rows that break a rule are flagged in the ledger.

    ``programs`` are the programmes in use, indexed by id. ``observed_day`` is the as-of date less the admission unless
    the file gives an earlier one; where no date is held it is the file's, and an episode without it is set aside.
    """
    frame = episodes.copy()
    admitted = frame["admission_date"]
    flag_after(admitted, as_of, ledger, "admission_date")
    flag_after(frame["discharge_date"], as_of, ledger, "discharge_date")
    flag_after(frame["sobriety_date"], as_of, ledger, "sobriety_date")
    read = ledger.ok
    undated = is_true(admitted.isna() & frame["admission_year"].isna()) & read
    ledger.flag(undated, "missing_cell", "admission_date", "Give the admission date, or the admission year.")
    year = admitted.dt.year.astype("Int64")
    ledger.flag(is_true(year != frame["admission_year"]), "date_and_day_disagree", "admission_year")
    frame["admission_year"] = year.fillna(frame["admission_year"])
    for name in ("discharge", "sobriety"):
        dated, day = f"{name}_date", f"{name}_day"
        lost = is_true(frame[dated].notna() & admitted.isna())
        ledger.flag(lost & ledger.ok, "time_unknown", dated)
        frame[day] = settle_day(frame, count_days(frame[dated], admitted), ledger, (dated, day))
    _check_end(frame, read, ledger)
    _settle_observation(frame, as_of, ledger)
    level = frame["program_id"].map(programs["level_of_care"]).astype("str")
    frame["level_of_care"] = frame["level_of_care"].fillna(level)
    frame["person_day"] = _person_day(frame, ledger, notes)
    ledger.flag(_overlapping(frame, ledger.ok), "overlapping_episode", "admission_date")
    return frame


def _check_end(frame: pd.DataFrame, read: Mask, ledger: Ledger) -> None:
    """An end has both a day and a reason, and comes after the beginning."""
    ended = frame["discharge_day"].notna().to_numpy()
    reason = frame["end_reason"].notna().to_numpy()
    ledger.flag(is_true(frame["discharge_day"] < 0), "discharge_before_admission", "discharge_date")
    ledger.flag(reason & ~ended & read, "end_reason_without_discharge", "end_reason")
    ledger.flag(ended & ~reason & read, "discharge_without_end_reason", "end_reason")


def _settle_observation(frame: pd.DataFrame, as_of: date | None, ledger: Ledger) -> None:
    """How many days each episode has been followed."""
    given = frame["observed_day"]
    if as_of is None:
        counted = pd.Series(pd.NA, index=frame.index, dtype="Int64")
    else:
        counted = count_days(pd.Series(pd.Timestamp(as_of), index=frame.index), frame["admission_date"])
    ledger.flag(is_true(given > counted), "after_as_of", "observed_day")
    observed = given.fillna(counted)
    ledger.flag(is_true(observed.isna()) & ledger.ok, "no_observation", "observed_day")
    ledger.flag(is_true(frame["discharge_day"] > observed), "after_as_of", "discharge_day")
    frame["observed_day"] = observed


def _person_day(frame: pd.DataFrame, ledger: Ledger, notes: Notes) -> pd.Series:
    """Days from each person's first admission, from the dates, or as given where no dates are held.

    With both, the two must agree on the day of the person's first admission. Without either it is 0 for a person with a
    single episode and unknown for the others.
    """
    given = frame["person_day"]
    ok = ledger.ok
    usable = frame["person_id"].where(ok)
    start = frame["admission_date"]
    origin = start - pd.to_timedelta(given.astype("float64"), unit="D")
    by_person = origin.groupby(usable)
    spread = is_true(by_person.transform("min") != by_person.transform("max")) & origin.notna().to_numpy() & ok
    ledger.flag(spread, "date_and_day_disagree", "person_day")
    usable = usable.where(ledger.ok)
    first = origin.groupby(usable).transform("min").fillna(start.groupby(usable).transform("min"))
    day = count_days(start, first).fillna(given)
    alone = is_true(usable.groupby(usable).transform("size") == 1)
    day = day.mask(alone & day.isna().to_numpy(), 0)
    unknown = int((day.isna().to_numpy() & ledger.ok).sum())
    notes.add(
        f"{ledger.names}: ",
        unknown,
        " episodes of people admitted more than once have no person_day; their order is unknown.",
    )
    return day


def _overlapping(frame: pd.DataFrame, ok: Mask) -> Mask:
    """The later of two episodes of one person in one programme that overlap by more than the day they meet."""
    flagged = np.zeros(len(frame), dtype=bool)
    start = frame["person_day"].astype("float64")
    end = (frame["person_day"] + frame["discharge_day"]).astype("float64").fillna(np.inf)
    table = pd.DataFrame({"person": frame["person_id"], "program": frame["program_id"], "start": start, "end": end})
    table = table[ok & start.notna().to_numpy()].sort_values("start", kind="stable")
    keys = ["person", "program"]
    several = table[table.duplicated(keys, keep=False)]
    for _, group in several.groupby(keys, sort=False):
        last = -np.inf
        for row, begins, ends in zip(group.index, group["start"], group["end"], strict=True):
            if begins < last:
                flagged[row] = True
            else:
                last = max(last, ends)
    return flagged
