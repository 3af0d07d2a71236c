"""First admissions on their way to the horizon: what became of each, how far each was followed, and in which parts it counts.

Records end on one day, so whoever came late is followed for a short time only. The horizon is cut where people are lost
from view: the first part ends when the outcome is known, the others about a quarter of a year apart, and dollars of a part
count of everybody followed through it (:mod:`iop_outcomes.statistics.followed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from iop_outcomes.cohort import Cohort
from iop_outcomes.comparison.eligible import answer_abstinence, read_admissions
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.interviews import followup_plan
from iop_outcomes.measures.sobriety import read_care
from iop_outcomes.measures.stays import CAUSES
from iop_outcomes.measures.use_calendar import STATES
from iop_outcomes.vocabulary import EndReason, UseState, YesNo

#: About how many days a part of the horizon has, after the day on which the outcome is known.
PART = 90


@dataclass(frozen=True, eq=False)
class Followup:
    """People who could have gone to either level, a row each, and how far they were followed.

    ``people`` holds first admissions with ``answer`` (a share's 0 or 1, or days; missing where not reached or not yet
    due). ``ends`` are the last days of the parts of the horizon, counted from admission; ``seen`` (n × parts) says who was
    followed through a part, and for the outcome.
    """

    people: pd.DataFrame
    ends: tuple[int, ...]
    seen: np.ndarray

    @property
    def answer(self) -> np.ndarray:
        """What became of each; ``nan`` where unknown."""
        return self.people["answer"].to_numpy(dtype="float64")

    @property
    def early(self) -> int:
        """How many are not yet followed to the horizon."""
        return int((~self.seen[:, -1]).sum())


def follow_people(cohort: Cohort, outcome: str, at: int, horizon: int, adjust: Sequence[str]) -> Followup:
    """Whose cost and effect are asked about, what became of them, and how far were they followed?

    First admissions in ``cohort`` of people judged able to go to either level, in the records from admission on, and not
    known to have died, or to have been excused, where ``outcome`` is asked at an interview. In an order that depends on
    nobody's id. ``at`` is the day of the outcome, ``horizon`` the number of days in which dollars count.

    Raises :class:`UsageError` where the outcome is not known on that day, or of no day.
    """
    stays = read_admissions(cohort, adjust)
    here = (stays["either_level"] == str(YesNo.YES)) & (stays["entry_day"] == 0) & stays["person_day"].notna()
    frame, known_by = _answer(stays[here].reset_index(drop=True), cohort, outcome, at)
    last = frame["observed_day"].to_numpy(dtype="float64")
    frame = frame.assign(answer=frame["answer"].where(last >= known_by))
    order = ["level_of_care", "answer", "exit_day", "cause", *adjust]
    frame = frame[~frame["left_out"].to_numpy(dtype=bool)].sort_values(order, ignore_index=True)
    last = frame["observed_day"].to_numpy(dtype="float64")
    days = _cut(last, known_by, max(known_by, horizon - 1))
    return Followup(frame, tuple(min(day, horizon - 1) for day in days), last[:, None] >= np.array(days))


def _cut(last: np.ndarray, first: int, final: int) -> list[int]:
    """The days to be followed to, one a part; a day before which nobody was lost needs no part of its own."""
    parts = max(1, round((final - first) / PART)) if final > first else 0
    days = [first + round(place * (final - first) / parts) for place in range(parts)] + [final]
    return [day for day, after in pairwise(days) if ((last >= day) & (last < after)).any()] + [final]


def _answer(stays: pd.DataFrame, cohort: Cohort, outcome: str, at: int) -> tuple[pd.DataFrame, int]:
    """The stays with ``left_out`` and ``answer``, and the day by which the answer is known."""
    if outcome == "abstinent":
        frame = answer_abstinence(stays, cohort, at)
        # Whoever is known to have died by the day is not asked about, followed beyond it or not.
        left_out = frame["left_out"] | (frame["died_day"] <= at)
        return frame.assign(left_out=left_out), at + followup_plan(cohort, None, None)[1]
    followed = stays.assign(left_out=False)
    if outcome == "completed":
        done = (stays["cause"] == CAUSES[str(EndReason.COMPLETED)]) & (stays["exit_day"] <= at)
        return followed.assign(answer=done.astype("float64")), at - 1
    substance = str(cohort.records.manifest.settings.get("sobriety", {}).get("substance", "any"))
    care = read_care(cohort, substance, at - 1)
    if care.reports.empty:
        raise UsageError(
            "these records hold no tests or reports of use, so no day is known sober: ask for another effect"
        )
    inside = np.arange(at)[None, :] <= care.end[:, None]
    sober = ((care.calendar == STATES.index(UseState.NEGATIVE)) & inside).sum(axis=1)
    days = pd.Series(sober, index=care.stays["episode_id"])
    return followed.assign(answer=stays["episode_id"].map(days).astype("float64")), at - 1
