"""The rules of the outcomes table: which instrument, when, and whether score, result and status agree."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from iop_outcomes.instruments import Instrument
from iop_outcomes.records.rules import RULES, Ledger
from iop_outcomes.records.times import count_days, count_weeks, episode_column, is_true, settle_day
from iop_outcomes.vocabulary import OutcomePoint, OutcomeStatus


def check_outcomes(
    outcomes: pd.DataFrame,
    episodes: pd.DataFrame,
    ledger: Ledger,
    as_of: date | None,
    instruments: Mapping[str, Instrument],
) -> pd.DataFrame:
    """The assessments with their day and week; rows that break a rule are flagged in the ledger.

    ``episodes`` are the episodes in use, indexed by id. An assessment that is not due may lie after the as-of date.
    """
    frame = outcomes.copy()
    if not len(frame):
        return frame
    _check_instruments(frame, ledger, instruments)
    _check_times(frame, ledger)
    due = is_true(frame["status"] != OutcomeStatus.NOT_DUE)
    if as_of is not None:
        ledger.flag((frame["date"] > pd.Timestamp(as_of)).to_numpy() & due, "after_as_of", "date")
    known = ledger.ok
    admitted = episode_column(frame["episode_id"], episodes, "admission_date")
    lost = is_true(frame["date"].notna() & admitted.isna() & frame["day"].isna()) & known
    ledger.flag(lost, "time_unknown", "date")
    frame["day"] = settle_day(frame, count_days(frame["date"], admitted), ledger, ("date", "day"))
    counted = count_weeks(frame["day"])
    frame["week"] = counted.where(frame["day"] >= 0).fillna(frame["week"])
    observed = episode_column(frame["episode_id"], episodes, "observed_day")
    ledger.flag(is_true(frame["day"] > observed) & due & ledger.ok, "after_as_of", "day")
    return frame


def _check_times(frame: pd.DataFrame, ledger: Ledger) -> None:
    """During treatment a row needs a time, at follow-up a time or the month it was due."""
    read = ledger.ok
    undated = is_true(frame["date"].isna() & frame["day"].isna())
    week = is_true(frame["point"] == OutcomePoint.WEEK) & undated & is_true(frame["week"].isna())
    ledger.flag(week & read, "missing_cell", "date", "Give the date, the day or the week it was taken or due.")
    later = is_true(frame["point"] == OutcomePoint.FOLLOWUP) & undated & is_true(frame["month"].isna())
    ledger.flag(later & read, "missing_cell", "month", "Give the date, the day or the follow-up month.")


def _check_instruments(frame: pd.DataFrame, ledger: Ledger, instruments: Mapping[str, Instrument]) -> None:
    """Score and result are what the instrument asks for, and stand where the assessment was done."""
    codes, uniques = pd.factorize(frame["instrument"])
    found = [instruments.get(str(name)) for name in uniques]
    unknown = np.array([*(one is None for one in found), False], dtype=bool)[codes]
    ledger.flag(unknown, "unknown_instrument", "instrument")
    read = ledger.ok
    score, result = frame["score"], frame["result"]
    done = is_true(frame["status"] == OutcomeStatus.DONE)
    for index, one in enumerate(found):
        if one is None:
            continue
        rows = codes == index
        if one.kind == "scale":
            low = -np.inf if one.low is None else one.low
            high = np.inf if one.high is None else one.high
            advice = f"{RULES['score_out_of_range']} It must lie from {low:g} to {high:g}."
            outside = ((score < low) | (score > high)).to_numpy()
            ledger.flag(rows & outside, "score_out_of_range", "score", advice)
            ledger.flag(rows & done & score.isna().to_numpy() & read, "done_without_result", "score")
        else:
            ledger.flag(rows & done & result.isna().to_numpy() & read, "done_without_result", "result")
        advice = f"Write one of {', '.join(one.results)}." if one.results else ""
        strange = result.notna().to_numpy() & ~result.isin(one.results).to_numpy()
        ledger.flag(rows & strange, "unknown_result", "result", advice)
    filled = (score.notna() | result.notna()).to_numpy()
    ledger.flag(filled & ~done & is_true(frame["status"].notna()), "result_without_done", "status")
