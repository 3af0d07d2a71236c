"""Reduced use: days of use in 30 at follow-up against the 30 days before admission, beside abstinence.

See docs/definitions/followup.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import narwhals as nw

from iop_outcomes.cohort import Cohort
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.followup_rows import Due, bound_rows, due_rows, empty_rows, responder_row, split_due
from iop_outcomes.measures.interviews import due_at, followed_episodes, followup_plan, interview_answers, target_day
from iop_outcomes.measures.rows import Row, check_group, interval_columns
from iop_outcomes.statistics import clustered_mean

_INSTRUMENT = "days_used_30"
#: Days a report speaks of: the most a count can be, before and after.
_DAYS = 30
_DEFINITIONS = {
    "followup_due": "count",
    "followup_response": "proportion",
    "used_fewer_days": "proportion",
    "used_fewer_days_low": "proportion",
    "used_fewer_days_high": "proportion",
    "use_days_change": "mean",
}


def measure_use_days(cohort: Cohort, *, month: int = 6, by: str | None = None, window: int | None = None) -> Estimates:
    """How much less do people use at follow-up than before admission, among those who had used?

    Speaks of everyone due at ``month`` with at least one day of use in the 30 before admission. Rows (``at`` the
    follow-up day): followup_due, followup_response, used_fewer_days among people reached, its two bounds
    (used_fewer_days_low, used_fewer_days_high, both with the interval of the band), and use_days_change, the mean change
    in days among people reached. Empty where the records hold no such report.

    Raises :class:`UsageError` for a group the cohort does not have, and for a month or window that makes no sense.
    """
    check_group(by, cohort.groups)
    _, days = followup_plan(cohort, [month], window)
    settings = {**cohort.settings, "followup_window": days}
    answers = interview_answers(cohort, _INSTRUMENT, _DAYS - nw.col("score"))
    if answers.empty:
        return Estimates.from_rows([], settings)
    episodes = followed_episodes(cohort, "days_used_30", *([by] if by else []))
    frame = due_at(episodes, answers, month, [month], days)
    used = (frame["days_used_30"] >= 1).to_numpy(dtype=bool)
    frame = frame.assign(left_out=frame["left_out"] | (frame["due"] & ~used), due=frame["due"] & used)
    rows: list[Row] = []
    for due in split_due(frame, by, _INSTRUMENT, target_day(month)):
        rows += _read(due) if len(due.frame) else empty_rows(due, _DEFINITIONS)
    return Estimates.from_rows(rows, settings)


def _read(due: Due) -> Iterator[Row]:
    change = (_DAYS - due.answer) - due.frame["days_used_30"].to_numpy(dtype="float64")
    fewer = change < 0
    yield from due_rows(due)
    yield responder_row(due, fewer, "used_fewer_days")
    yield from bound_rows(due, fewer, "used_fewer_days_low", "used_fewer_days_high")
    person = due.person[due.reached]
    base = {"n": len(person), "denominator": len(person), "people": len(set(person))}
    columns = interval_columns(clustered_mean(change[due.reached], person))
    if "value" not in columns:
        columns["note"] = "nobody was reached"
    yield due.row("use_days_change", "mean", **base, **columns)
