"""The complete record of a large population, one entry per stay, and what it shows for each level of care."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from iop_outcomes.records.synthetic.causal import compare_worlds
from iop_outcomes.records.synthetic.course import Course, follow
from iop_outcomes.records.synthetic.people import Flags, Floats, Ints, People, draw_people
from iop_outcomes.records.synthetic.scenario import (
    EXTRACT_DAY,
    FOLLOWUP_DAYS,
    LEVELS,
    MOST_EPISODES,
    PROGRAMMES,
    SCHEDULED_WEEKS,
)
from iop_outcomes.records.synthetic.scores import care_adds, draw_spells, score_distress, score_further
from iop_outcomes.records.synthetic.sessions import ATTENDED, CANCELLED, SERVICES, STATUSES, Sessions, hold_sessions
from iop_outcomes.vocabulary import EARLY_ENDINGS, EndReason, ExitRule

#: Days at which endings and retention are given.
DAYS: tuple[int, ...] = (7, 14, 28, 30, 42, 56, 60, 90)
MILESTONES: tuple[int, ...] = (7, 14, 30, 60)
#: Scales of which the change is given, with cut-off, points of reliable change and whether a higher score is better.
SCALES: dict[str, tuple[int, int | None, bool]] = {
    "phq9": (10, 6, False),
    "gad7": (8, 4, False),
    "barc10": (47, None, True),
}
#: Days from intake to the first later assessment that counts.
_RETEST_DAYS = 14
_WATCHED_DAYS = 100
_REASONS = EndReason.codes()
_COMPLETED = _REASONS.index(EndReason.COMPLETED)
_EARLY = [_REASONS.index(reason) for reason in EARLY_ENDINGS]
_READMITTED_FROM, _READMITTED_BY = 15, 180

Row = dict[str, object]


@dataclass(frozen=True)
class Stays:
    """One entry per admission up to the extract day, followed to its end.

    ``weekly_hours`` is hours attended by week, ``by_service`` hours offered and attended by service type up to the
    discharge (``_in_contact``: up to the last session attended), ``by_status`` sessions, ``held`` and ``came`` sessions
    by week, ``reached`` the first day on which each milestone is reached whether or not still in care, ``used_next`` the
    first day of use after it; ``used`` the days of use, by day; ``readmitted`` whether a new pathway starts within the
    window; ``abstinent`` true 30-day abstinence at each follow-up of the living; ``scores`` the scales of ``SCALES`` at
    intake and at discharge, and the points that care has added to each.
    """

    level: Ints
    program: Ints
    number: Ints
    reason: Ints
    discharge: Ints
    last_attended: Ints
    weekly_hours: Floats
    by_service: Floats
    by_service_in_contact: Floats
    by_status: Floats
    held: Floats
    came: Floats
    reached: Floats
    used_next: Floats
    used: npt.NDArray[np.int8]
    readmitted: Flags
    abstinent: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.level)

    def keep(self, mask: Flags) -> Stays:
        """The stays of ``mask``."""
        return Stays(*(getattr(self, field.name)[mask] for field in fields(self)))

    @staticmethod
    def joined(parts: list[Stays]) -> Stays:
        """All stays of several populations."""
        return Stays(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Stays)))


def summarise_stays(people: int, seed: tuple[int, int]) -> tuple[Stays, pd.DataFrame]:
    """Simulate ``people`` people to the end: what the truth needs of each stay, and the same people in two worlds."""
    streams = [np.random.default_rng([*seed, stream]) for stream in range(4)]
    persons = draw_people(people, streams[0])
    course = follow(persons, streams[1])
    sessions = hold_sessions(persons, course, streams[2])
    n = len(course)
    last_attended = sessions.last_attended(n)
    came = sessions.status == ATTENDED
    week = np.minimum(sessions.day // 7, SCHEDULED_WEEKS - 1)
    everyone = np.arange(n)
    used = course.used_on(everyone[:, None], np.arange(_WATCHED_DAYS)[None, :])
    reached, used_next = _milestones(used)
    stays = Stays(
        course.level,
        course.program,
        course.number,
        course.reason,
        course.discharge,
        last_attended,
        _table(sessions.episode, week, sessions.attended, n, SCHEDULED_WEEKS),
        _ladder(sessions, n),
        _ladder(sessions.keep(sessions.day <= last_attended[sessions.episode]), n),
        _table(sessions.episode, sessions.status, np.ones(len(sessions)), n, len(STATUSES)),
        _table(sessions.episode, week, np.asarray(sessions.status != CANCELLED, dtype=float), n, SCHEDULED_WEEKS),
        _table(sessions.episode, week, came.astype(float), n, SCHEDULED_WEEKS),
        reached,
        used_next,
        used,
        _readmitted(course),
        _abstinent(course),
        _scores(persons, course, streams[3]),
    )
    kept = stays.keep(persons.first_day[course.person] + course.start <= EXTRACT_DAY)
    return kept, compare_worlds(persons, course, seed)


def population_rows(stays: Stays) -> Iterator[Row]:
    """The truth of every population, level of care and exit rule that is not about cause."""
    came = stays.last_attended >= 0
    populations = {
        "attended": (came, ExitRule.codes()),
        "attended_first": (came & (stays.number == 1), ExitRule.codes()),
        "admitted": (np.ones(len(stays), dtype=bool), (str(ExitRule.DISCHARGE),)),
    }
    for population, (mask, rules) in populations.items():
        for place, level in enumerate(LEVELS):
            part = stays.keep(mask & (stays.level == place))
            shared = {"population": population, "level_of_care": level}
            for rule in rules:
                exit_day = part.discharge
                if rule == ExitRule.LAST_CONTACT:
                    exit_day = np.minimum(part.last_attended, part.discharge)
                for row in [*_endings(part, exit_day), *_while_enrolled(part, exit_day), *_sobriety(part, exit_day)]:
                    yield {**shared, "exit_rule": rule, **row}
            for row in _whatever_the_exit(part):
                yield {**shared, "exit_rule": "", **row}
            if population != "admitted":  # whoever never came was never asked
                for row in _changes(part):
                    yield {**shared, "exit_rule": "", **row}


def _row(definition: str, category: str, at: float, value: float | np.generic, unit: str = "share") -> Row:
    return {"definition": definition, "category": category, "at": at, "value": float(value), "unit": unit}


def _endings(part: Stays, exit_day: Ints) -> Iterator[Row]:
    gone_for = [part.reason == place for place in range(len(_REASONS))]
    early = np.isin(part.reason, _EARLY)
    for day in DAYS:
        gone = exit_day <= day
        for place, reason in enumerate(_REASONS):
            yield _row("ending@1", reason, day, np.mean(gone & gone_for[place]))
        yield _row("ending@1", "in_programme", day, np.mean(~gone))
        yield _row("in_programme@1", "in_programme", day, np.mean(~gone))
        yield _row("retained@1", "retained", day, np.mean(~gone | gone_for[_COMPLETED]))
        yield _row("lost_early@1", "lost_early", day, np.mean(gone & early))
    tau = PROGRAMMES[int(part.program[0])].planned_days
    yield _row("mean_days_in_programme@1", "", tau, np.minimum(exit_day, tau).mean(), "days")
    for place, reason in enumerate(_REASONS):
        lost = np.where(gone_for[place], np.maximum(tau - exit_day, 0), 0)
        yield _row("mean_days_lost@1", reason, tau, lost.mean(), "days")
    middle = float(np.sort(exit_day)[(len(exit_day) - 1) // 2])
    yield _row("median_stay@1", "", np.nan, middle, "days")


def _required(part: Stays) -> Floats:
    """Hours required in each whole week of treatment, by stay."""
    by_program = np.array(
        [[one.required[min(week, len(one.required) - 1)] for week in range(SCHEDULED_WEEKS)] for one in PROGRAMMES]
    )
    out: Floats = by_program[part.program].astype(float)
    return out


def _while_enrolled(part: Stays, exit_day: Ints) -> Iterator[Row]:
    required = _required(part)
    starts = 7 * np.arange(SCHEDULED_WEEKS)
    enrolled = np.clip(exit_day[:, None] + 1 - starts, 0, 7)
    asked = (required * enrolled / 7).sum()
    attended = part.weekly_hours.sum()
    yield _row("hours_completion_enrolled@1", "all", np.nan, attended / asked)
    complete = enrolled == 7
    met = complete & (part.weekly_hours + 1e-9 >= required)
    yield _row("requirement_met@1", "all", np.nan, met.sum() / complete.sum())
    hours = part.by_service if (exit_day == part.discharge).all() else part.by_service_in_contact
    offered, taken = hours[:, :, 0].sum(axis=0), hours[:, :, 1].sum(axis=0)
    yield _row("fidelity@1", "all", np.nan, offered.sum() / asked)
    yield _row("uptake@1", "all", np.nan, taken.sum() / offered.sum())
    for place, service in enumerate(SERVICES):
        if offered[place]:
            yield _row("uptake@1", service, np.nan, taken[place] / offered[place])


def _whatever_the_exit(part: Stays) -> Iterator[Row]:
    weeks = PROGRAMMES[int(part.program[0])].planned_weeks
    attended = part.weekly_hours[:, :weeks].sum()
    yield _row("hours_completion_admitted@1", "all", np.nan, attended / _required(part)[:, :weeks].sum())
    for place, status in enumerate(STATUSES):
        yield _row("session_status@1", status, np.nan, part.by_status[:, place].sum() / part.by_status.sum())
    for week in range(weeks):
        share = part.came[:, week].sum() / part.held[:, week].sum()
        yield _row("weekly_attendance@1", "all", week + 1, share)
    completed = part.reason == _COMPLETED
    yield _row("re_presentation@1", "re_presentation", _READMITTED_BY, part.readmitted[completed].mean())
    for place, day in enumerate(FOLLOWUP_DAYS):
        yield _row("abstinence@1", "abstinent", day, np.nanmean(part.abstinent[:, place]))


def _changes(part: Stays) -> Iterator[Row]:
    """Scores from intake to discharge, of everybody and of those who were cases, and what of it care did."""
    again = part.discharge >= _RETEST_DAYS
    for place, (scale, (cut_off, reliable, higher)) in enumerate(SCALES.items()):
        before, after, care = (part.scores[:, place, column] for column in range(3))
        change = after - before
        case = before < cut_off if higher else before >= cut_off
        for category, who in ((scale, again), (f"{scale}/cases", again & case)):
            yield _row("change_mean@1", category, np.nan, change[who].mean(), "points")
            yield _row("change_by_care@1", category, np.nan, care[who].mean(), "points")
        if reliable is not None:
            moved = np.where(again, change if higher else -change, 0)
            counts = {"improved": moved >= reliable, "worse": moved <= -reliable, "unknown": ~again}
            counts["same"] = ~(counts["improved"] | counts["worse"] | counts["unknown"])
            for segment, mask in counts.items():
                yield _row("change_segment@1", f"{scale}/{segment}", np.nan, mask.mean())


def _sobriety(part: Stays, exit_day: Ints) -> Iterator[Row]:
    for place, length in enumerate(MILESTONES):
        reached, used_next = part.reached[:, place], part.used_next[:, place]
        there = reached <= exit_day
        for day in DAYS:
            if day >= length:
                yield _row("milestone@1", str(length), day, np.mean(there & (reached <= day)))
        if there.any():
            since = used_next[there] - reached[there]
            returned = (used_next <= exit_day)[there]
            for day in (7, 14, 30):
                yield _row("return_to_use@1", str(length), day, np.mean(returned & (since <= day)))
    inside = np.arange(_WATCHED_DAYS)[None, :] <= exit_day[:, None]
    yield _row("days_known@1", "known_sober", np.nan, ((part.used == 0) & inside).sum() / inside.sum())
    yield _row("days_known@1", "known_used", np.nan, ((part.used == 1) & inside).sum() / inside.sum())


def _milestones(used: npt.NDArray[np.int8]) -> tuple[Floats, Floats]:
    """First day each milestone is reached, and first day of use after it (infinity where there is none)."""
    days = np.arange(used.shape[1])
    total = np.concatenate([np.zeros((len(used), 1), dtype=np.int16), np.cumsum(used, axis=1, dtype=np.int16)], axis=1)
    reached, later = [], []
    for length in MILESTONES:
        sober = total[:, length:] == total[:, :-length]
        first = np.where(sober.any(axis=1), sober.argmax(axis=1) + length - 1, np.inf)
        after = (used == 1) & (days[None, :] > first[:, None])
        reached.append(first)
        later.append(np.where(after.any(axis=1), after.argmax(axis=1), np.inf))
    return np.column_stack(reached), np.column_stack(later)


def _readmitted(course: Course) -> Flags:
    """Whether a new pathway of the person starts 15 to 180 days after the discharge of each stay.

    A pathway goes on where an admission follows the last discharge within 14 days, and starts anew otherwise.
    """
    shape = (int(course.person.max()) + 1, MOST_EPISODES)
    starts, ends = np.full(shape, -(10**6), dtype=np.int64), np.full(shape, -(10**6), dtype=np.int64)
    starts[course.person, course.number - 1] = course.start
    ends[course.person, course.number - 1] = course.start + course.discharge
    new = starts.copy()
    new[:, 1:] = np.where(starts[:, 1:] - ends[:, :-1] >= _READMITTED_FROM, starts[:, 1:], -(10**6))
    gap = new[course.person] - (course.start + course.discharge)[:, None]
    return np.asarray(((gap >= _READMITTED_FROM) & (gap <= _READMITTED_BY)).any(axis=1))


def _abstinent(course: Course) -> Floats:
    """1 without and 0 with use in the 30 days up to each follow-up, ``nan`` for people who have died by then."""
    episode = np.arange(len(course))
    columns = []
    for day in FOLLOWUP_DAYS:
        sober = (course.days_used(episode, np.full(len(course), day), 30) == 0).astype(float)
        columns.append(np.where(course.died_day[course.person] <= course.start + day, np.nan, sober))
    return np.column_stack(columns)


def _scores(people: People, course: Course, rng: np.random.Generator) -> Floats:
    """Score at intake, score at discharge and points added by care: shape (episodes, scales, 3)."""
    episode = np.arange(len(course))
    spell = draw_spells(len(course), rng)
    asked = []
    for day in (np.zeros(len(course), dtype=np.int64), course.discharge):
        further = score_further(people, course, episode, day, spell, rng)
        score = [
            further[scale] if scale in further else score_distress(people, course, episode, day, spell, scale, rng)
            for scale in SCALES
        ]
        asked.append(np.column_stack(score).astype(float))
    care = np.column_stack([care_adds(course, episode, course.discharge, scale) for scale in SCALES])
    return np.stack([*asked, care], axis=2)


def _ladder(sessions: Sessions, episodes: int) -> Floats:
    """Hours offered and attended by episode and service type: shape (episodes, services, 2)."""
    pair = [
        _table(sessions.episode, sessions.service, hours, episodes, len(SERVICES))
        for hours in (sessions.offered, sessions.attended)
    ]
    return np.stack(pair, axis=2)


def _table(rows: Ints, columns: Ints, values: Floats, height: int, width: int) -> Floats:
    """Sums of values by row and column."""
    return np.asarray(np.bincount(rows * width + columns, values, height * width), dtype=float).reshape(height, width)
