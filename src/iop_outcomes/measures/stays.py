"""The stays that curves are fitted to: one row per episode, from the day it came into view to the day it ended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.statistics import Curve, IncidenceCurves, aalen_johansen
from iop_outcomes.vocabulary import EARLY_ENDINGS, EndReason

#: Each end reason and its code in ``cause``; 0 is still in the programme.
CAUSES: dict[str, int] = {reason: position for position, reason in enumerate(EndReason.codes(), start=1)}
#: The causes that count as lost early, and all but completing.
EARLY: tuple[int, ...] = tuple(CAUSES[str(reason)] for reason in EARLY_ENDINGS)
NOT_RETAINED: tuple[int, ...] = tuple(code for reason, code in CAUSES.items() if reason != EndReason.COMPLETED)

#: Days shown unless others are asked for; the planned length is added.
DEFAULT_DAYS: tuple[int, ...] = (7, 14, 30, 60, 90)


def read_stays(cohort: Cohort, *columns: str) -> pd.DataFrame:
    """Person, entry, exit, cause and planned days of each episode, and the columns asked for.

    Where the records begin with people already in the programme, a stay whose exit lies before its entry was never in
    view and is left out: those who stayed as short without being in the extract are not there either.
    """
    wanted = ["person_id", "entry_day", "exit_day", "cause", "planned_days", *columns]
    return in_view(reductions.episode_rows(cohort.episodes, *wanted), "exit_day")


def in_view(frame: pd.DataFrame, until: str) -> pd.DataFrame:
    """The rows that lasted to the day they came into view (``entry_day``, 0 from admission)."""
    return frame[(frame["entry_day"] == 0) | (frame[until] >= frame["entry_day"])].reset_index(drop=True)


def late_entry(part: pd.DataFrame) -> np.ndarray | None:
    """The ``entry`` of a curve where anybody came into view after admission, else None.

    Someone first in view on day d is at risk of leaving on day d: the half day keeps d = 1 apart from admission.
    """
    day = part["entry_day"].to_numpy(dtype="float64")
    return np.where(day > 0, day - 0.5, 0.0) if (day > 0).any() else None


def planned_length(stays: pd.DataFrame) -> int:
    """The commonest planned length in days; eight weeks where none is known."""
    lengths = stays["planned_days"].dropna()
    return int(lengths.mode().iloc[0]) if len(lengths) else 56


def fit_endings(part: pd.DataFrame) -> IncidenceCurves:
    """Aalen–Johansen curves of every end reason, people as clusters, entry delayed where it was."""
    return aalen_johansen(
        part["exit_day"].to_numpy(),
        part["cause"].to_numpy(),
        cluster=part["person_id"].to_numpy(),
        causes=list(CAUSES.values()),
        entry=late_entry(part),
    )


def count_unseen(part: pd.DataFrame, days: Sequence[int] | np.ndarray) -> list[int]:
    """How many were last seen still in the programme before each day, or came into view only after it."""
    last_seen = part.loc[part["cause"] == 0, "exit_day"].to_numpy()
    entered = part["entry_day"].to_numpy()
    return [int((last_seen < day).sum() + (entered > day).sum()) for day in days]


def say_unknown(curve: Curve) -> str:
    """Why a curve has no value on a day."""
    if curve.followed_to < curve.time[-1]:
        return "on an earlier day nobody was in view, or too few"
    return "nobody was followed to this day"
