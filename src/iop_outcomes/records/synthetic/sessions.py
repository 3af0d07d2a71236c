"""The sessions of every stay: the weekly schedule laid over the days in the programme, and what became of each.

Whoever has left and is not yet discharged is still expected: those sessions are no-shows. Use on the day or the day
before makes a missed session likelier.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from iop_outcomes.records.synthetic.course import Course
from iop_outcomes.records.synthetic.people import Flags, Floats, Ints, People, expit
from iop_outcomes.records.synthetic.scenario import PROGRAMMES, SCHEDULED_WEEKS, Slot
from iop_outcomes.vocabulary import AttendanceStatus, ServiceType

STATUSES: tuple[str, ...] = AttendanceStatus.codes()
ATTENDED, NO_SHOW, EXCUSED, CANCELLED = range(4)
SERVICES: tuple[str, ...] = ServiceType.codes()

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_INTAKE = Slot(0, "individual", 1.0)
#: Every weekly session of every programme, the intake interview last.
SLOTS: tuple[Slot, ...] = (*(slot for programme in PROGRAMMES for slot in programme.slots), _INTAKE)
VISITS: tuple[str, ...] = (*(f"{_WEEKDAYS[slot.weekday]}-{slot.service_type}" for slot in SLOTS[:-1]), "intake")
_FIRST_SLOT = np.cumsum([0, *(len(programme.slots) for programme in PROGRAMMES)])


@dataclass(frozen=True)
class Sessions:
    """One entry per scheduled session, in the order of episode, day and slot.

    ``slot`` indexes ``SLOTS`` and ``VISITS``, ``service`` and ``status`` the word lists; ``week`` is 1 on days 0–6.
    ``undated`` marks missed sessions of which the record keeps the week and not the date.
    """

    episode: Ints
    day: Ints
    slot: Ints
    service: Ints
    status: Ints
    offered: Floats
    attended: Floats
    undated: Flags
    telehealth: Flags

    def __len__(self) -> int:
        return len(self.episode)

    @property
    def week(self) -> Ints:
        """Week of treatment."""
        return self.day // 7 + 1

    def keep(self, mask: Flags) -> Sessions:
        """The sessions of ``mask``."""
        return Sessions(*(getattr(self, field.name)[mask] for field in fields(self)))

    def last_attended(self, episodes: int) -> Ints:
        """Day of the last session attended, by episode; −1 where there is none."""
        last = np.full(episodes, -1, dtype=np.int64)
        came = self.status == ATTENDED
        np.maximum.at(last, self.episode[came], self.day[came])
        return last


def hold_sessions(people: People, course: Course, rng: np.random.Generator) -> Sessions:
    """Lay the schedule over every stay, from admission to recorded discharge, and decide what became of each session."""
    episode, day, slot = _schedule(people, course)
    n = len(episode)
    person, program = course.person[episode], course.program[episode]
    hours = np.array([one.hours for one in SLOTS])[slot]
    service = np.array([SERVICES.index(one.service_type) for one in SLOTS])[slot]
    s = (course.score[episode] - 5) / 2
    used = (course.used_on(episode, day) | course.used_on(episode, day - 1)).astype(bool)
    odds = np.array([programme.show_up for programme in PROGRAMMES])[program] - 0.2 * s - 1.1 * used
    odds = odds - 0.35 * (people.employed[person] & (program == 0)) - 0.25 * people.propensity[person]
    there = (day <= course.left[episode]) & ~course.never_came[episode]
    intake = slot == len(SLOTS) - 1
    came = there & (intake | (rng.random(n) < expit(odds)))
    excused = rng.random(n) < np.where(there, 0.38, 0.04)
    status = np.where(came, ATTENDED, np.where(excused, EXCUSED, NO_SHOW))
    status = np.where(~intake & (rng.random(n) < 0.016), CANCELLED, status)
    came = status == ATTENDED
    short = came & ~intake & (rng.random(n) < 0.09)
    missing = np.where((hours >= 3) & (rng.random(n) < 0.5), 1.0, 0.5)
    return Sessions(
        episode,
        day,
        slot,
        service,
        status,
        np.where(status == CANCELLED, 0.0, hours),
        np.where(came, hours - missing * short, 0.0),
        ~came & (status != CANCELLED) & (rng.random(n) < 0.3),
        rng.random(n) < np.array([programme.telehealth for programme in PROGRAMMES])[program],
    )


def _schedule(people: People, course: Course) -> tuple[Ints, Ints, Ints]:
    """Episode, day and slot of every scheduled session, the intake interview on day 0 included."""
    weekday = (people.first_day[course.person] + course.start) % 7
    everyone = np.arange(len(course))
    episodes, days, slots = [everyone], [np.zeros(len(course), dtype=np.int64)], [np.full(len(course), len(SLOTS) - 1)]
    for program, programme in enumerate(PROGRAMMES):
        mine = np.flatnonzero(course.program == program)
        for place, slot in enumerate(programme.slots):
            weeks = np.arange(slot.first_week, min(slot.last_week, SCHEDULED_WEEKS) + 1, slot.every)
            day = ((slot.weekday - weekday[mine]) % 7)[:, None] + 7 * (weeks - 1)[None, :]
            inside = day <= course.discharge[mine][:, None]
            episodes.append(np.broadcast_to(mine[:, None], day.shape)[inside])
            days.append(day[inside])
            slots.append(np.full(int(inside.sum()), _FIRST_SLOT[program] + place))
    episode, days_in, place_in = np.concatenate(episodes), np.concatenate(days), np.concatenate(slots)
    order = np.lexsort((-place_in, days_in, episode))
    return episode[order], days_in[order], place_in[order]
