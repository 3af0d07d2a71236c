"""The five-state use calendar and the streaks in it (docs/definitions/milestones.md), dense and vectorised over people.

A calendar is a matrix, people by days since admission, of the codes in ``STATES``. A source speaks for the day it was
taken and ``days_covered`` days back. Days on which sources disagree are *mixed*; nothing is imputed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from iop_outcomes.vocabulary import UseState

#: Codes of the matrix, in this order.
STATES: tuple[UseState, ...] = (
    UseState.NOT_DUE,
    UseState.MISSED,
    UseState.NEGATIVE,
    UseState.POSITIVE,
    UseState.MIXED,
)
_NOT_DUE, _MISSED, _NEGATIVE, _POSITIVE, _MIXED = range(5)

Days = npt.NDArray[np.int64]
Calendar = npt.NDArray[np.int8]
#: People whose days are filled in at a time, so that what it takes stays near the processor.
_BLOCK = 2_048


@dataclass(frozen=True)
class Reports:
    """What was said of which days: row of the calendar, first and last day spoken for, what was said, and whether a test
    said it (``None``: nothing is known of that)."""

    person: Days
    first: Days
    last: Days
    state: Calendar  # _NEGATIVE, _POSITIVE or _MISSED
    test: npt.NDArray[np.bool_] | None = None

    def take(self, rows: npt.NDArray[np.intp], start: int) -> Reports:
        """These reports, people counted from ``start``."""
        test = None if self.test is None else self.test[rows]
        return Reports(self.person[rows] - start, self.first[rows], self.last[rows], self.state[rows], test)


def build_calendar(reports: Reports, people: int, days: int, disagreement: str = "mixed") -> Calendar:
    """The matrix (people × days) of states from all reports.

    ``disagreement`` says what a day is of which one source says sober and another says use: ``mixed``; ``test`` (what
    the tests say, where they agree with each other); or ``use``.

    >>> said = Reports(np.array([0, 0]), np.array([0, 3]), np.array([2, 3]), np.array([2, 3], dtype=np.int8))
    >>> build_calendar(said, 1, 5).tolist()
    [[2, 2, 2, 3, 0]]
    """
    calendar = np.zeros((people, days), dtype=np.int8)
    order = np.argsort(reports.person, kind="stable")
    edges = np.searchsorted(reports.person[order], np.arange(0, people + _BLOCK, _BLOCK))
    for block, (first, last) in enumerate(pairwise(edges)):
        start = block * _BLOCK
        own = reports.take(order[first:last], start)
        calendar[start : start + _BLOCK] = _fill_days(own, min(_BLOCK, people - start), days, disagreement)
    return calendar


def find_runs(calendar: Calendar, end: Days, codes: Sequence[int]) -> tuple[Days, Days, Days]:
    """Stretches of days in one of these states, up to each person's last day ``end``: row, first and last day, row by row.

    >>> days = np.array([[2, 2, 0, 2], [0, 2, 3, 2]], dtype=np.int8)
    >>> [part.tolist() for part in find_runs(days, np.array([3, 2]), [2])]
    [[0, 0, 1], [0, 3, 1], [1, 3, 1]]
    """
    wanted = np.isin(np.arange(len(STATES)), codes)
    day = np.arange(calendar.shape[1])
    parts = []
    for start in range(0, len(calendar), _BLOCK):
        inside = wanted[calendar[start : start + _BLOCK]] & (day <= end[start : start + _BLOCK, None])
        begins, ends = inside.copy(), inside.copy()
        begins[:, 1:] &= ~inside[:, :-1]
        ends[:, :-1] &= ~inside[:, 1:]
        row, first = np.nonzero(begins)
        parts.append(np.array([row + start, first, np.nonzero(ends)[1]]))
    row, first, last = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0), dtype=np.int64)
    return row, first, last


def _fill_days(reports: Reports, people: int, days: int, disagreement: str) -> Calendar:
    """The calendar of one block of people."""
    sober, used, missed = (
        _covered(reports, reports.state == state, people, days) for state in (_NEGATIVE, _POSITIVE, _MISSED)
    )
    calendar = np.zeros((people, days), dtype=np.int8)
    calendar[missed] = _MISSED
    calendar[sober] = _NEGATIVE
    calendar[used] = _POSITIVE
    both = sober & used
    if disagreement == "mixed" or (disagreement == "test" and reports.test is None):
        calendar[both] = _MIXED
    elif disagreement == "test" and reports.test is not None:
        clear, shown = (
            _covered(reports, reports.test & (reports.state == state), people, days) for state in (_NEGATIVE, _POSITIVE)
        )
        calendar[both & clear] = _NEGATIVE
        calendar[both & ~(clear ^ shown)] = _MIXED
    return calendar


def _covered(reports: Reports, which: npt.NDArray[np.bool_], people: int, days: int) -> npt.NDArray[np.bool_]:
    first = np.clip(reports.first[which], 0, days)
    last = np.clip(reports.last[which] + 1, 0, days)
    steps = np.zeros((people, days + 1), dtype=np.int32)
    np.add.at(steps, (reports.person[which], first), 1)
    np.add.at(steps, (reports.person[which], last), -1)
    return np.cumsum(steps[:, :days], axis=1, dtype=np.int32) > 0


def milestone_days(
    calendar: Calendar, end: Days, length: int, bridge: float, sober_since: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """First day on which each person's run of sober days reaches ``length``; ``nan`` when it never does.

    ``end`` is the last day in care that counts. ``bridge`` is how many unknown days in a row a run survives: 0 is the
    *confirmed* reading, 7 *bridged*; infinity is *not contradicted*, where unknown days count as sober themselves. A
    run starts on a sober day and its length counts the days bridged; a bridged milestone is reached on a known sober day.

    ``sober_since`` counts from a recorded first sober day instead of admission: days before admission belong to the run,
    and days before a later date do not. Where it is ``nan`` the run counts from admission.

    >>> days = np.array([[2, 0, 0, 2, 3, 2]], dtype=np.int8)
    >>> [milestone_days(days, np.array([5]), 4, bridge).tolist() for bridge in (0, 7, np.inf)]
    [[nan], [3.0], [3.0]]
    >>> milestone_days(days, np.array([5]), 4, 0, sober_since=np.array([-3.0])).tolist()
    [0.0]
    """
    people, days = calendar.shape
    reached = np.full(people, np.nan)
    since = np.zeros(people) if sober_since is None else np.nan_to_num(sober_since, nan=0.0)
    start = np.where(since < 0, since, np.inf)
    latest = np.full(people, -1, dtype=np.int64)
    unknown_is_sober = np.isinf(bridge)
    for day in range(days):
        state = calendar[:, day]
        counts = since <= day
        sober = (state == _NEGATIVE) & counts
        broken = state >= _POSITIVE
        if unknown_is_sober:
            sober = ~broken & counts
        else:
            broken = broken | (~sober & (day - latest > bridge))
        start[broken] = np.inf
        start = np.where(sober, np.minimum(start, day), start)
        latest[sober] = day
        now = sober & (day - start + 1 >= length) & np.isnan(reached) & (day <= end)
        reached[now] = day
    return reached


def first_use_after(calendar: Calendar, since: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """First known day of use after day ``since`` of each person; ``nan`` when there is none or no such day."""
    days = np.arange(calendar.shape[1])
    later = (calendar == _POSITIVE) & (days[None, :] > since[:, None])
    found = later.any(axis=1)
    return np.where(found, later.argmax(axis=1), np.nan)
