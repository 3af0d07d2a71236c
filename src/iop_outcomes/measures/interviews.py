"""Who was due for a follow-up interview, who was reached, and what was said (docs/definitions/followup.md).

Everybody whose follow-up day and window lie behind them was due, with or without a row that says so: a missing row is a
person not reached, never a person left out. The exceptions are written down beside every figure: people known to have
died by the day, people whose records say that the interview was not due, and people already in care when the records
begin, of whom only those who stayed are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.vocabulary import EndReason, OutcomePoint, OutcomeStatus

_COLUMNS = ("person_id", "person_day", "discharge_day", "observed_day", "end_reason", "entry_day")


def target_day(month: int) -> int:
    """The day of a follow-up month, counted from admission: 30 a month, 365 a year.

    >>> [target_day(month) for month in (1, 3, 6, 12)]
    [30, 90, 180, 365]
    """
    return 30 * month + 5 * (month // 12)


def followup_plan(cohort: Cohort, months: Sequence[int] | None, window: int | None) -> tuple[list[int], int]:
    """Months and window as asked for, else as the settings say (``[followup]``: 1, 3, 6, 12 and 30 days)."""
    settings: dict[str, Any] = cohort.records.manifest.settings.get("followup", {})
    chosen = settings.get("months", [1, 3, 6, 12]) if months is None else months
    days = settings.get("window_days", 30) if window is None else window
    if not chosen or any(isinstance(month, bool) or not isinstance(month, int) or month < 1 for month in chosen):
        raise UsageError("months are whole numbers from 1, such as [1, 3, 6, 12]")
    if isinstance(days, bool) or not isinstance(days, int) or days < 0:
        raise UsageError("window is a whole number of days, 0 or more")
    return sorted(set(chosen)), days


def interview_answers(cohort: Cohort, instrument: str, answer: nw.Expr) -> pd.DataFrame:
    """Every follow-up row of an instrument: ``episode_id``, ``day``, ``month``, ``status`` and ``answer``, a number.

    ``answer`` makes a number of a row, the higher the better; a row of which it makes nothing says nothing.
    """
    rows = cohort.keep("interviews", lambda: cohort.outcomes.filter(nw.col("point") == str(OutcomePoint.FOLLOWUP)))
    asked = rows.filter(nw.col("instrument") == instrument)
    said = reductions.collect(asked.select("episode_id", "day", "month", "status", answer.alias("answer")))
    return said.astype({"day": "float64", "month": "float64", "answer": "float64"})


def followed_episodes(cohort: Cohort, *columns: str) -> pd.DataFrame:
    """One row per episode with the columns asked for and ``died_day``, wherever in the records the death stands.

    ``died_day`` counts from the episode's own admission and is missing for everybody not known to have died.
    """
    frame = reductions.episode_rows(cohort.episodes, *dict.fromkeys([*_COLUMNS, *columns]))
    deaths = cohort.clock.filter(nw.col("end_reason") == str(EndReason.DIED))
    died = reductions.collect(deaths.select("person_id", (nw.col("person_day") + nw.col("discharge_day")).alias("day")))
    on = frame["person_id"].map(died.groupby("person_id")["day"].min()).astype("float64")
    here = frame["discharge_day"].astype("float64").where(frame["end_reason"] == str(EndReason.DIED))
    return frame.assign(died_day=here.fillna(on - frame["person_day"].astype("float64")))


def due_at(
    episodes: pd.DataFrame, answers: pd.DataFrame, month: int, months: Sequence[int], window: int
) -> pd.DataFrame:
    """The episodes with three more columns for one month: ``due``, ``left_out`` and ``answer`` (missing: not reached).

    A row without a month counts for the nearest follow-up day among ``months``. Of several interviews in the window the
    nearest to the day counts, the less favourable of two equally near. An interview without a date counts for its month.
    """
    target = target_day(month)
    said = _of_month(answers, month, months)
    said = said.assign(off=(said["day"] - target).abs())
    inside = said[said["answer"].notna() & ~(said["off"] > window)].sort_values(["episode_id", "off", "answer"])
    heard = inside.drop_duplicates("episode_id").set_index("episode_id")["answer"]
    not_due = set(said.loc[said["status"] == str(OutcomeStatus.NOT_DUE), "episode_id"])
    answer = episodes["episode_id"].map(heard).astype("float64")
    behind = episodes["observed_day"].to_numpy(dtype="float64") >= target + window
    excused = episodes["episode_id"].isin(not_due) & answer.isna()
    left_out = behind & ((episodes["died_day"] <= target) | excused | (episodes["entry_day"] > 0))
    due = behind & ~left_out
    return episodes.assign(due=due, left_out=left_out, answer=answer.where(due))


def _of_month(answers: pd.DataFrame, month: int, months: Sequence[int]) -> pd.DataFrame:
    """The rows that speak of a month: labelled with it, or unlabelled and nearest to its day."""
    days = np.array([target_day(one) for one in months], dtype=float)
    known = answers["day"].fillna(np.inf).to_numpy()
    nearest = np.array(months, dtype=float)[np.abs(known[:, None] - days[None, :]).argmin(axis=1)]
    return answers[answers["month"].fillna(pd.Series(nearest, index=answers.index)) == month]
