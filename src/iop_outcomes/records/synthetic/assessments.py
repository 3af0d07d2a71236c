"""What was asked and measured: tests and reports of use, scales, daily life, and follow-up.

Tests are imperfect, reports are not always candid, and who answers at follow-up depends on how they are doing. With
``perfect`` everything that is due is made and tells the truth, and use is reported for every single day.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from iop_outcomes.records.synthetic.course import Course
from iop_outcomes.records.synthetic.daily_life import ROLES, ask_roles
from iop_outcomes.records.synthetic.people import Flags, Ints, People, expit
from iop_outcomes.records.synthetic.scenario import COMPLETED, FOLLOWUP_DAYS, FOLLOWUP_MONTHS
from iop_outcomes.records.synthetic.scores import DISTRESS, FURTHER, draw_spells, score_distress, score_further
from iop_outcomes.records.synthetic.sessions import ATTENDED, SLOTS, Sessions
from iop_outcomes.vocabulary import OutcomePoint, OutcomeStatus, Substance

POINTS: tuple[str, ...] = OutcomePoint.codes()
INTAKE, WEEK, EXIT, FOLLOWUP = range(4)
INSTRUMENTS: tuple[str, ...] = (
    "urine",
    "breath",
    "self_report",
    "abstinent_30",
    "days_used_30",
    *DISTRESS,
    *ROLES,
    *FURTHER,
)
URINE, BREATH, SELF_REPORT, ABSTINENT_30, DAYS_USED_30 = range(5)
RESULTS: tuple[str, ...] = ("", "negative", "positive", "yes", "no", "not_applicable")
NONE, NEGATIVE, POSITIVE = range(3)
STATUSES: tuple[str, ...] = (OutcomeStatus.DONE, OutcomeStatus.MISSED)
DONE, MISSED = range(2)
SUBSTANCES: tuple[str, ...] = ("", Substance.ANY, Substance.ALCOHOL)
#: The slot of each programme at which urine is tested (the first group of the week) and use is reported (individual).
_URINE_SLOTS = [0, 5, 10]
_REPORT_SLOTS = [3, 8, 15]
#: Days before the day of a urine test on which use still shows.
_URINE_DAYS = 3
_BLANK = -1


@dataclass(frozen=True)
class Assessments:
    """One entry per row of the outcomes table, indices into the word lists; −1 stands for an empty number.

    ``undated`` rows keep the week (or the follow-up month) and not the day.
    """

    episode: Ints
    day: Ints
    undated: Flags
    point: Ints
    month: Ints
    instrument: Ints
    substance: Ints
    score: Ints
    result: Ints
    covered: Ints
    status: Ints

    def __len__(self) -> int:
        return len(self.episode)

    def take(self, rows: Flags | Ints) -> Assessments:
        """The rows of a mask, or at places in their order."""
        return Assessments(*(getattr(self, field.name)[rows] for field in fields(self)))


def assess(
    people: People,
    course: Course,
    sessions: Sessions,
    observed: Ints,
    rng: np.random.Generator,
    further: np.random.Generator,
    perfect: bool,
) -> Assessments:
    """Every assessment due by ``observed`` (days since each admission), sorted by episode, day and instrument.

    The scales of ``FURTHER`` are drawn from a stream of their own, ``further``, so that nothing else depends on them.
    """
    parts = [
        *([_every_day(course)] if perfect else _tests(people, course, sessions, rng)),
        *_scales_and_roles(people, course, rng, further, perfect),
        *_followups(people, course, observed, rng, perfect),
    ]
    joined = Assessments(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Assessments))
    )
    joined = joined.take(joined.day <= observed[joined.episode])
    return joined.take(np.lexsort((joined.instrument, joined.day, joined.episode)))


def _rows(episode: Ints, day: Ints, **columns: object) -> Assessments:
    """Rows with what is given; the rest is empty, and done."""
    n = len(episode)
    filled: dict[str, object] = {
        "undated": False,
        "month": _BLANK,
        "substance": 0,
        "score": _BLANK,
        "result": NONE,
        "covered": _BLANK,
    }
    filled = {**filled, "status": DONE, **columns}
    wide = {
        name: np.broadcast_to(np.asarray(value, dtype=bool if name == "undated" else np.int64), n)
        for name, value in filled.items()
    }
    return Assessments(episode=episode, day=day, **wide)


def _every_day(course: Course) -> Assessments:
    """A truthful report on each day from admission to discharge, of that day alone."""
    days = course.discharge + 1
    episode = np.repeat(np.arange(len(course)), days)
    day = np.arange(len(episode)) - np.repeat(np.cumsum(days) - days, days)
    result = np.where(course.used_on(episode, day), POSITIVE, NEGATIVE)
    return _rows(episode, day, point=WEEK, instrument=SELF_REPORT, substance=1, result=result, covered=0)


def _tests(people: People, course: Course, sessions: Sessions, rng: np.random.Generator) -> list[Assessments]:
    """Weekly urine tests and reports of the last seven days, and a breath test now and then."""
    parts = []
    for instrument, slots, taken in ((URINE, _URINE_SLOTS, 0.93), (SELF_REPORT, _REPORT_SLOTS, 0.97)):
        due = np.isin(sessions.slot, slots)
        episode, day = sessions.episode[due], sessions.day[due]
        n = len(episode)
        done = (sessions.status[due] == ATTENDED) & (rng.random(n) < taken)
        back = np.full(n, _URINE_DAYS) if instrument == URINE else np.minimum(day, 6)
        used = course.days_used(episode, day, back + 1) > 0
        seen, mistaken = (0.93, 0.015) if instrument == URINE else (0.85, 0.01)
        positive = rng.random(n) < np.where(used, seen, mistaken)
        parts.append(
            _rows(
                episode,
                day,
                undated=~done & (rng.random(n) < 0.4),
                point=WEEK,
                instrument=instrument,
                substance=1,
                result=np.where(done, np.where(positive, POSITIVE, NEGATIVE), NONE),
                covered=back if instrument == SELF_REPORT else _BLANK,
                status=np.where(done, DONE, MISSED),
            )
        )
    group = np.isin(sessions.slot, [place for place, slot in enumerate(SLOTS) if slot.service_type == "group"])
    blown = group & (sessions.status == ATTENDED) & (rng.random(len(sessions)) < 0.06)
    episode, day = sessions.episode[blown], sessions.day[blown]
    drank = course.used_on(episode, day).astype(bool) & (people.substance[course.person[episode]] == 0)
    positive = drank & (rng.random(len(episode)) < 0.8)
    result = np.where(positive, POSITIVE, NEGATIVE)
    parts.append(_rows(episode, day, point=WEEK, instrument=BREATH, substance=2, result=result))
    return parts


def _scales_and_roles(
    people: People, course: Course, rng: np.random.Generator, further: np.random.Generator, perfect: bool
) -> list[Assessments]:
    """Every scale at intake, every four weeks and at exit, and roles at intake and exit."""
    n = len(course)
    everyone, attended = np.arange(n), ~course.never_came
    at_exit = rng.random(n) < np.where(course.reason == COMPLETED, 0.9, 0.22)
    spell = draw_spells(n, rng)
    parts = []
    visits: list[tuple[int, Ints, Ints]] = [(INTAKE, everyone[attended], np.zeros(int(attended.sum()), dtype=np.int64))]
    for weekly in (28, 56):
        due = np.flatnonzero(attended & (course.discharge > weekly + 3))
        visits.append((WEEK, due, np.full(len(due), weekly)))
    leaving = np.flatnonzero(attended & (course.discharge > 0))
    visits.append((EXIT, leaving, course.discharge[leaving]))
    for point, episode, day in visits:
        size = len(episode)
        there = course.left[episode] >= day
        made = {INTAKE: rng.random(size) < 0.96, WEEK: there & (rng.random(size) < 0.84), EXIT: at_exit[episode]}[point]
        made = made | perfect
        asked = (people, course, episode, day, spell[episode])
        scores = {scale: score_distress(*asked, scale, rng) for scale in DISTRESS}
        for scale, score in {**scores, **score_further(*asked, further)}.items():
            parts.append(
                _rows(
                    episode,
                    day,
                    undated=~made & (point == WEEK),
                    point=point,
                    instrument=INSTRUMENTS.index(scale),
                    score=np.where(made, score, _BLANK),
                    status=np.where(made, DONE, MISSED),
                )
            )
        if point != WEEK:
            parts += _role_rows(people, course, episode, day, made, np.zeros(size, dtype=bool), point, rng)
    return parts


def _role_rows(
    people: People,
    course: Course,
    episode: Ints,
    day: Ints,
    made: Flags,
    sober: Flags,
    point: int,
    rng: np.random.Generator,
    month: int = _BLANK,
) -> list[Assessments]:
    """One row per role, with its result where the visit was made."""
    answers = ask_roles(people, course.person[episode], course.level[episode], point == INTAKE, sober, rng)
    return [
        _rows(
            episode,
            day,
            undated=~made & (point == FOLLOWUP),
            point=point,
            month=month,
            instrument=INSTRUMENTS.index(role),
            result=np.where(made, 3 + answer, NONE),
            status=np.where(made, DONE, MISSED),
        )
        for role, answer in answers.items()
    ]


def _followups(
    people: People, course: Course, observed: Ints, rng: np.random.Generator, perfect: bool
) -> list[Assessments]:
    """Thirty-day abstinence 1, 3, 6 and 12 months after admission among the living; at 6 months days of use and roles."""
    parts = []
    for month, target in zip(FOLLOWUP_MONTHS, FOLLOWUP_DAYS, strict=True):
        late = min(22, target // 3)
        shift = np.zeros(len(course), dtype=np.int64) if perfect else rng.integers(-7, late + 1, len(course))
        alive = course.died_day[course.person] > course.start + target + shift
        episode = np.flatnonzero((observed >= target + 30) & alive)
        day = target + shift[episode]
        used = course.days_used(episode, day, 30)
        sober = used == 0
        s = (course.score[episode] - 5) / 2
        chance = expit(0.55 + 0.95 * sober - 0.2 * s - 0.06 * month)
        made = (rng.random(len(episode)) < chance) | perfect
        shared = {"undated": ~made, "point": FOLLOWUP, "month": month, "status": np.where(made, DONE, MISSED)}
        result = np.where(made, np.where(sober, NEGATIVE, POSITIVE), NONE)
        parts.append(_rows(episode, day, instrument=ABSTINENT_30, substance=1, result=result, covered=30, **shared))
        if month == 6:
            score = np.where(made, used, _BLANK)
            parts.append(_rows(episode, day, instrument=DAYS_USED_30, substance=1, score=score, **shared))
            parts += _role_rows(people, course, episode, day, made, sober, FOLLOWUP, rng, month)
    return parts
