"""What people score: distress, what the Brief Addiction Monitor asks, and recovery capital.

Every score is a lasting level, a bad spell at admission that passes by itself, what care adds, and error; so a change from
intake to exit is only in part what care did. That part is known here, and nowhere in the records.
"""

from __future__ import annotations

import numpy as np

from iop_outcomes.records.synthetic.course import Course
from iop_outcomes.records.synthetic.people import Floats, Ints, People
from iop_outcomes.records.synthetic.scenario import RESIDENTIAL

#: Scales of distress: highest score, level, and size of everything that moves it.
DISTRESS: dict[str, tuple[int, float, float]] = {"phq9": (27, 8.0, 1.0), "gad7": (21, 7.0, 0.85)}
#: Scales drawn after everything else, from a stream of their own.
FURTHER: tuple[str, ...] = ("barc10", "bam_use", "bam_risk", "bam_protective")
#: Points of the BARC-10 that a whole course of care adds.
_CAPITAL = 4.0


def draw_spells(n: int, rng: np.random.Generator) -> Floats:
    """How bad the spell at admission is, in points of the PHQ-9, for each admission."""
    return rng.normal(2.6, 2.8, n)


def score_distress(
    people: People, course: Course, episode: Ints, day: Ints, spell: Floats, scale: str, rng: np.random.Generator
) -> Ints:
    """PHQ-9 or GAD-7 of ``episode`` on ``day`` (aligned with ``spell``)."""
    person = course.person[episode]
    s = (course.score[episode] - 5) / 2
    top, level, size = DISTRESS[scale]
    gain = (2.0 + 0.6 * (course.level[episode] == RESIDENTIAL)) * _done(course, episode, day)
    score = level + size * (1.5 * s + 2.8 * people.mood[person] + spell * np.exp(-day / 25) - gain)
    return np.clip(np.rint(score + rng.normal(0, 1.8, len(episode))), 0, top).astype(np.int64)


def score_further(
    people: People, course: Course, episode: Ints, day: Ints, spell: Floats, rng: np.random.Generator
) -> dict[str, Ints]:
    """BARC-10 and the subscales of the BAM in its continuous form, by the names of ``FURTHER``."""
    person, n = course.person[episode], len(episode)
    s, mood = (course.score[episode] - 5) / 2, people.mood[person]
    done, passing = _done(course, episode, day), spell * np.exp(-day / 25)
    capital = 43 - 2.4 * s - 3.2 * mood - 0.6 * passing + _CAPITAL * done + rng.normal(0, 3.0, n)
    risk = 62 + 12 * s + 13 * mood + 4 * passing - 16 * done + rng.normal(0, 9.0, n)
    protective = 84 - 7 * s - 5 * mood + 22 * done + rng.normal(0, 12.0, n)
    used, drinks = course.days_used(episode, day, 30), people.substance[person] == 0
    alcohol = np.where(drinks, used, rng.binomial(used, 0.2))
    drugs = np.where(drinks, rng.binomial(used, 0.15), used)
    heavy = rng.binomial(alcohol, np.where(drinks, 0.55, 0.3))
    return {
        "barc10": _whole(capital, 10, 60),
        "bam_use": alcohol + heavy + drugs,
        "bam_risk": _whole(risk, 0, 180),
        "bam_protective": _whole(protective, 0, 180),
    }


def care_adds(course: Course, episode: Ints, day: Ints, scale: str) -> Floats:
    """Points of the PHQ-9, GAD-7 or BARC-10 that care has added by ``day``, before scores are rounded and cut off."""
    done = _done(course, episode, day)
    if scale == "barc10":
        return _CAPITAL * done
    return -DISTRESS[scale][2] * (2.0 + 0.6 * (course.level[episode] == RESIDENTIAL)) * done


def _done(course: Course, episode: Ints, day: Ints) -> Floats:
    """The share of the planned course that lies behind."""
    planned = course.planned_days[episode]
    return np.minimum(day, planned) / planned


def _whole(score: Floats, low: int, high: int) -> Ints:
    return np.clip(np.rint(score), low, high).astype(np.int64)
