"""The hidden course: every day's use of every person, why and when each stay ends, and what follows it.

One loop over days moves all people at once. Each day a person first uses or not, then may leave. Use in the last three
days multiplies the hazard of leaving (a lapse comes first, the early ending after it). Residential care all but stops
use while it lasts and leaves a larger protection behind, the more so the more severe a person is: that is the true effect
which a crude comparison gets wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from iop_outcomes.records.synthetic.people import Flags, Floats, Ints, People, expit, pick, place
from iop_outcomes.records.synthetic.scenario import (
    COMPLETED,
    DAYS_BEFORE,
    DIED,
    FOLLOWED_DAYS,
    INCARCERATED,
    IOP,
    LEFT_EARLY,
    MOST_EPISODES,
    OTHER,
    PROGRAMMES,
    RESIDENTIAL,
    TERMINATED,
    TRANSFERRED,
)

#: Hazards of ending a stay, per day, by level of care: in the order of the end reasons, completion left out.
_HAZARDS = {
    LEFT_EARLY: (0.0042, 0.0062),
    TERMINATED: (0.0006, 0.0008),
    TRANSFERRED: (0.0011, 0.0016),
    INCARCERATED: (0.0004, 0.0003),
    DIED: (0.00009, 0.00009),
    OTHER: (0.0005, 0.0007),
}
#: How much use in the last three days multiplies them.
_AFTER_USE = {LEFT_EARLY: 4.5, TERMINATED: 4.0, TRANSFERRED: 2.5, INCARCERATED: 2.0, DIED: 3.0, OTHER: 1.0}
#: Longest delay, in days, between leaving and the recorded discharge, by end reason and level of care.
_DELAYS = ((0, 0), (14, 2), (3, 1), (2, 1), (7, 2), (3, 1), (3, 1))
#: Log odds taken off the chance of use: while in care, and per day of care for good.
_IN_CARE = (0.7, 2.6)
_LASTING = (0.012, 0.034)
_LASTING_BY_SEVERITY = (0.0, 0.006)


@dataclass(frozen=True)
class Course:
    """One entry per admission, in the order of the generations (all first admissions, then all second ones, …).

    ``start`` is the day of admission counted from the person's first one; ``left`` the last day in contact and
    ``discharge`` the recorded one, both in days since this admission; ``never_came`` marks people who were admitted and
    attended nothing. ``used[person, start + day + DAYS_BEFORE]`` is 1 on days of use, with 30 days before the first
    admission; ``died_day`` counts from the first admission and is huge for the living.
    """

    person: Ints
    number: Ints
    start: Ints
    score: Ints
    either: Flags
    program: Ints
    reason: Ints
    left: Ints
    discharge: Ints
    never_came: Flags
    used: npt.NDArray[np.int8]
    died_day: Ints

    def __len__(self) -> int:
        return len(self.person)

    @property
    def level(self) -> Ints:
        """Level of care of each admission, as an index of ``scenario.LEVELS``."""
        return np.array([programme.level for programme in PROGRAMMES])[self.program]

    @property
    def planned_days(self) -> Ints:
        """Planned length of each admission, in days."""
        return np.array([programme.planned_days for programme in PROGRAMMES])[self.program]

    def used_on(self, episode: Ints, day: Ints) -> npt.NDArray[np.int8]:
        """Whether there was use on ``day`` since the admission of ``episode`` (aligned arrays; day ≥ −30)."""
        out: npt.NDArray[np.int8] = self.used[self.person[episode], self.start[episode] + day + DAYS_BEFORE]
        return out

    def days_used(self, episode: Ints, day: Ints, back: Ints | int) -> Ints:
        """Days of use in the ``back`` days that end with ``day``, that day included; each at most 30."""
        total = np.zeros(len(episode), dtype=np.int64)
        longest = int(np.max(back)) if len(episode) else 0
        for lag in range(longest):
            at = np.maximum(day - lag, -DAYS_BEFORE)
            total += np.where(lag < np.asarray(back), self.used_on(episode, at), 0)
        return total


def follow(people: People, rng: np.random.Generator, first_level: int | None = None) -> Course:
    """Follow everybody through up to four admissions; ``first_level`` sends all first admissions to that level."""
    n = len(people)
    width = DAYS_BEFORE + MOST_EPISODES * FOLLOWED_DAYS
    used = np.zeros((n, width), dtype=np.int8)
    used[:, :DAYS_BEFORE] = rng.random((n, DAYS_BEFORE)) < people.frequency[:, None]
    died_day = np.full(n, 10**6, dtype=np.int64)
    who, start = np.arange(n), np.zeros(n, dtype=np.int64)
    lasting, step_to = np.zeros(n), np.full(n, -1)
    parts: list[dict[str, npt.NDArray[np.generic]]] = []
    for number in range(1, MOST_EPISODES + 1):
        score = people.score[who]
        if number > 1:
            score = np.clip(score + rng.integers(-1, 2, len(who)), 0, 10)
        placement = place(people, who, (score - 5) / 2, rng)
        level = placement.level
        if number == 1 and first_level is not None:
            level = np.full(len(who), first_level)
        stepping = step_to >= 0
        level = np.where(stepping, step_to, level)
        evening = rng.random(len(who)) < np.where(people.employed[who], 0.7, 0.25)
        program = np.where(level == RESIDENTIAL, 2, np.where(evening, 1, 0))
        stay = _stay(people, who, start, (score - 5) / 2, program, lasting, used, rng)
        died_day[who] = np.where(stay.reason == DIED, start + stay.left, died_day[who])
        parts.append(
            {
                "person": who,
                "number": np.full(len(who), number),
                "start": start,
                "score": score,
                "either": placement.either & ~stepping,
                "program": program,
                "reason": stay.reason,
                "left": stay.left,
                "discharge": stay.discharge,
                "never_came": stay.never_came,
            }
        )
        again = stay.next_day >= 0
        who, start = who[again], start[again] + stay.next_day[again]
        lasting, step_to = 0.5 * stay.lasting[again], stay.next_level[again]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Course(**joined, used=used, died_day=died_day)


@dataclass
class _Stay:
    reason: Ints
    left: Ints
    discharge: Ints
    never_came: Flags
    next_day: Ints
    next_level: Ints
    lasting: Floats

    def check(self) -> None:
        """Everybody's stay has ended."""
        for field in fields(self)[:3]:
            if (getattr(self, field.name) < 0).any():
                raise AssertionError(f"a stay without {field.name}")


def _stay(
    people: People,
    who: Ints,
    start: Ints,
    s: Floats,
    program: Ints,
    lasting: Floats,
    used: npt.NDArray[np.int8],
    rng: np.random.Generator,
) -> _Stay:
    """Follow one admission of each of ``who`` day by day; writes into ``used`` and returns how the stays ended."""
    n = len(who)
    level = np.array([programme.level for programme in PROGRAMMES])[program]
    planned = np.array([programme.planned_days for programme in PROGRAMMES])[program]
    finish = planned + np.array([-1, -4, 2, 6, 13])[pick(rng, n, (0.6, 0.15, 0.07, 0.11, 0.07))]
    start_odds, go_on_odds = _odds_of_use(people, who, s)
    base, after_use = _daily_hazards(people, who, s, program, level)
    in_care_effect = np.array(_IN_CARE)[level]
    daily_gain = np.maximum(np.array(_LASTING)[level] + np.array(_LASTING_BY_SEVERITY)[level] * s, 0.0)
    since = _days_since_use(used, who, start)
    stay = _Stay(
        reason=np.full(n, -1),
        left=np.full(n, -1),
        discharge=np.full(n, -1),
        never_came=rng.random(n) < np.where(level == IOP, 0.04, 0.01),
        next_day=np.full(n, -1),
        next_level=np.full(n, -1),
        lasting=lasting.copy(),
    )
    in_care = np.ones(n, dtype=bool)
    alive = np.ones(n, dtype=bool)
    for day in range(FOLLOWED_DAYS):
        odds = np.where(since == 0, go_on_odds, start_odds - 0.42 * np.log1p(since))
        odds = odds - stay.lasting - in_care_effect * in_care
        using = (rng.random(n) < expit(odds)) & alive
        used[who, start + DAYS_BEFORE + day] = using
        since = np.where(using, 0, since + 1)
        draw = rng.random(n)
        present = np.flatnonzero(in_care)
        if len(present):
            stay.lasting[present] += daily_gain[present]
            hazard = np.where((since[present] < 3)[:, None], after_use[present], base[present])
            early = 1.0 + 1.3 * np.exp(-day / 9.0)
            steps = np.cumsum(hazard * np.array([early, 1, 1, 1, 1, 1]), axis=1)
            cause = 1 + (draw[present, None] >= steps).sum(axis=1)
            if day == 0:
                cause[:] = 7
                cause[stay.never_came[present]] = LEFT_EARLY
            cause[(cause == 7) & (day >= finish[present])] = COMPLETED
            leaving, cause = present[cause < 7], cause[cause < 7]
            _close(stay, leaving, cause, day, level, s, rng)
            in_care[leaving] = False
            alive[leaving[cause == DIED]] = False
        waiting = ~in_care & alive & (stay.next_day < 0) & (day >= stay.discharge + 15)
        again = waiting & (draw < np.where(since < 7, 0.0009, 0.00022))
        stay.next_day[again] = day
    stay.check()
    weekday = (people.first_day[who] + start + stay.next_day) % 7
    stay.next_day += np.where((stay.next_day >= 0) & (weekday >= 5), 7 - weekday, 0)
    stay.next_day[stay.next_day >= FOLLOWED_DAYS] = -1
    return stay


def _odds_of_use(people: People, who: Ints, s: Floats) -> tuple[Floats, Floats]:
    """Log odds of starting to use on a sober day, before the sober streak is taken off, and of going on."""
    common = people.propensity[who] + 0.35 * (people.housing[who] == 1) + 0.6 * (people.housing[who] == 2)
    common = common + np.array([0.0, 0.3, 0.25, 0.1, 0.15, 0.0, 0.0])[people.substance[who]]
    common = common - 0.35 * people.medication[who]
    return -1.7 + 0.78 * s + common, 0.35 + 0.4 * s + 0.6 * common


def _daily_hazards(people: People, who: Ints, s: Floats, program: Ints, level: Ints) -> tuple[Floats, Floats]:
    """Hazard of each ending but completion, per day: without and with use in the last three days; shape (n, 6)."""
    tilt = {
        LEFT_EARLY: 0.22 * s
        + 0.3 * (people.housing[who] == 2)
        - 0.012 * (people.age[who] - 37)
        + 0.4 * (people.employed[who] & (program == 0)),
        TERMINATED: 0.15 * s,
        TRANSFERRED: np.where(level == IOP, 0.45, 0.1) * s,
        INCARCERATED: 0.3 * s,
        DIED: 0.3 * s,
        OTHER: 0.0 * s,
    }
    base = np.column_stack([np.array(_HAZARDS[cause])[level] * np.exp(tilt[cause]) for cause in _HAZARDS])
    return base, base * np.array(list(_AFTER_USE.values()))


def _days_since_use(used: npt.NDArray[np.int8], who: Ints, start: Ints) -> Ints:
    """Sober days in a row before the admission, at most 30; 0 when the day before was a day of use."""
    before = np.column_stack([used[who, start + DAYS_BEFORE - lag] for lag in range(1, DAYS_BEFORE + 1)])
    return np.where(before.any(axis=1), before.argmax(axis=1), DAYS_BEFORE).astype(np.int64)


def _close(stay: _Stay, leaving: Ints, cause: Ints, day: int, level: Ints, s: Floats, rng: np.random.Generator) -> None:
    """Write down the ending of ``leaving`` on ``day``: recorded discharge, and a step up or down where there is one."""
    size = len(leaving)
    longest = np.array(_DELAYS)[cause, level[leaving]]
    delay = np.minimum(np.floor(rng.exponential(5.0, size)).astype(np.int64), longest)
    delay = np.where(stay.never_came[leaving], np.maximum(delay, 5), delay)
    stay.reason[leaving], stay.left[leaving], stay.discharge[leaving] = cause, day, day + delay
    draw, gap = rng.random(size), rng.integers(1, 11, size)
    up = (level[leaving] == IOP) & (cause == TRANSFERRED) & (draw < expit(0.3 + 0.4 * s[leaving]))
    down = (level[leaving] == RESIDENTIAL) & (
        ((cause == COMPLETED) & (draw < 0.24)) | ((cause == TRANSFERRED) & (draw < 0.6))
    )
    stepping = up | down
    stay.next_day[leaving[stepping]] = (day + delay + gap)[stepping]
    stay.next_level[leaving[stepping]] = np.where(up, RESIDENTIAL, IOP)[stepping]
