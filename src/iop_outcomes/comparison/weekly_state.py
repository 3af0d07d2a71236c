"""What was known of people before each week of care began: tests, reports of use, sessions missed.

What happens on the way decides who leaves and what comes of it. Only what stood in the records before a week may speak of
leaving in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.comparison.balance import LEAST_LEVEL
from iop_outcomes.statistics.intervals import Floats
from iop_outcomes.vocabulary import AttendanceStatus, OutcomePoint, OutcomeStatus, UseResult

WEEK = 7
#: What is known before a week begins, in words.
STATES: dict[str, str] = {
    "used": "whether the last test or report spoke of use",
    "not_tested": "whether there was none so far",
    "missed": "the share of the last week's sessions missed",
}
_SOURCES = ("urine", "breath", "self_report")


@dataclass(frozen=True, eq=False)
class WeeklyState:
    """``values`` (people × weeks × names) before each week; ``names`` are those of ``STATES`` that tell people apart."""

    names: tuple[str, ...]
    values: Floats


def read_weekly_state(cohort: Cohort, stays: pd.DataFrame, weeks: int) -> WeeklyState:
    """What was known of each stay before each of its first weeks began?

    ``stays`` has ``episode_id`` and ``exit_day``, one row each. A test or session without a date counts on the last day of
    its week, one at intake on day 0, which is known before week 1. A state in which fewer than twenty people ever differed
    from most is left out.
    """
    row_of = {episode: row for row, episode in enumerate(stays["episode_id"])}

    def lay_out(lines: pd.DataFrame, name: str, blank: float) -> Floats:
        """A column of lines by episode and the first week that begins after them, as people × weeks."""
        table = np.full((len(row_of), weeks), blank)
        inside = lines[lines["week_after"].lt(weeks) & lines["episode_id"].isin(row_of)]
        row, week = inside["episode_id"].map(row_of), inside["week_after"]
        table[row.to_numpy("int64"), week.to_numpy("int64")] = inside[name].to_numpy(dtype="float64", na_value=blank)
        return table

    tests, sessions = _tests(cohort), _sessions(cohort)
    positive, negative = (
        np.maximum.accumulate(lay_out(tests, str(result), -np.inf), axis=1)
        for result in (UseResult.POSITIVE, UseResult.NEGATIVE)
    )
    scheduled, missed = lay_out(sessions, "scheduled", 0.0), lay_out(sessions, "missed", 0.0)
    known = np.isfinite(np.maximum(positive, negative))
    tables = {
        "used": (known & (positive >= negative)).astype(float),
        "not_tested": (~known).astype(float),
        "missed": missed / np.maximum(scheduled, 1),
    }
    there = np.arange(weeks) * WEEK <= stays["exit_day"].to_numpy(dtype="float64")[:, None]
    names = tuple(name for name in STATES if _tells_apart(tables[name], there))
    values = np.stack([tables[name] for name in names], axis=2) if names else np.empty((*there.shape, 0))
    return WeeklyState(names, values)


def _tests(cohort: Cohort) -> pd.DataFrame:
    """The last day of either result, of those that the same week is the first to begin after."""
    during = ~(nw.col("point") == str(OutcomePoint.FOLLOWUP)) & (nw.col("status") == str(OutcomeStatus.DONE))
    intake = nw.when(nw.col("point") == str(OutcomePoint.INTAKE)).then(nw.lit(0))
    day = nw.coalesce(nw.col("day"), nw.col("week") * WEEK - 1, intake)
    tests = cohort.outcomes.filter(nw.col("instrument").is_in(_SOURCES) & during).with_columns(day.alias("on"))
    tests = tests.filter(~nw.col("on").is_null()).with_columns(
        nw.when(nw.col("on") > 0).then(nw.col("on") // WEEK + 1).otherwise(nw.lit(0)).alias("week_after")
    )
    columns = [
        nw.when(nw.col("result") == str(result)).then(nw.col("on")).max().alias(str(result)) for result in UseResult
    ]
    return reductions.collect(tests.group_by("episode_id", "week_after").agg(*columns))


def _sessions(cohort: Cohort) -> pd.DataFrame:
    """Sessions scheduled and missed by episode and the week that begins after them; the programme's cancellations apart."""
    held = ~(nw.col("status") == str(AttendanceStatus.CANCELLED)) & ~nw.col("session_day").is_null()
    placed = reductions.placed_sessions(cohort.episodes, cohort.attendance).filter(held)
    came = nw.col("status") == str(AttendanceStatus.ATTENDED)
    lines = placed.select(
        "episode_id",
        (nw.col("session_day") // WEEK + 1).alias("week_after"),
        nw.lit(1).alias("scheduled"),
        nw.when(came).then(nw.lit(0)).otherwise(nw.lit(1)).alias("missed"),
    )
    return reductions.collect(
        lines.group_by("episode_id", "week_after").agg(nw.col("scheduled").sum(), nw.col("missed").sum())
    )


def _tells_apart(table: Floats, there: np.ndarray) -> bool:
    """Whether enough people were, before some week, other than the middle person then."""
    middle = np.array(
        [np.median(column[own]) if own.any() else 0.0 for column, own in zip(table.T, there.T, strict=True)]
    )
    return bool(((table != middle) & there).any(axis=1).sum() >= LEAST_LEVEL)
