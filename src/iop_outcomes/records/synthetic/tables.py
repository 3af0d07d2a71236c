"""From arrays to the five tables, as the files hold them, each different cell held once: columns and order are the schema's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd

from iop_outcomes.records.synthetic import scenario
from iop_outcomes.records.synthetic.assessments import INSTRUMENTS, POINTS, RESULTS, SUBSTANCES, Assessments
from iop_outcomes.records.synthetic.assessments import STATUSES as OUTCOME_STATUSES
from iop_outcomes.records.synthetic.course import Course
from iop_outcomes.records.synthetic.people import (
    EMPLOYMENTS,
    GENDERS,
    HOUSINGS,
    RACES,
    REFERRALS,
    Flags,
    Ints,
    People,
)
from iop_outcomes.records.synthetic.people import SUBSTANCES as PRIMARY_SUBSTANCES
from iop_outcomes.records.synthetic.scenario import LEVELS, PROGRAMMES
from iop_outcomes.records.synthetic.sessions import SERVICES, STATUSES, VISITS, Sessions
from iop_outcomes.schema import TABLES
from iop_outcomes.vocabulary import Bearer, CostKind, EndReason

_LETTERS = np.array(list("bcdfghjklmnpqrstvwxz"))
_ID_LETTERS = 6
#: Share of admissions for which a covariate was not recorded, completely at random.
_NOT_RECORDED = {
    "gender": 0.01,
    "race_ethnicity": 0.04,
    "days_used_30": 0.03,
    "prior_episodes": 0.05,
    "employment": 0.03,
    "referral": 0.03,
    "medication": 0.02,
    "sobriety_date": 0.25,
}


@dataclass(frozen=True)
class Calendar:
    """Which date each day number is, and the last day the extract has seen."""

    start: date
    last: int

    def written(self, days: Ints) -> pd.Series:
        """Day numbers as YYYY-MM-DD."""
        known = [(self.start + timedelta(days=day)).isoformat() for day in range(-60, self.last + 1)]
        return take(known, days + 60)


def take(words: Sequence[str], places: Ints) -> pd.Series:
    """The words at ``places``, each held once."""
    known = list(dict.fromkeys([*words, ""]))
    if len(known) < len(words) + ("" not in words):
        at = {word: place for place, word in enumerate(known)}
        places = np.array([at[word] for word in words])[places]
    return pd.Series(pd.Categorical.from_codes(np.asarray(places), categories=pd.Index(known, dtype="str")))


def number_text(numbers: Ints, blank: Flags | None = None) -> pd.Series:
    """Whole numbers from −100 to 5000 as text, empty where ``blank``."""
    places = np.where(blank, 0, numbers + 101) if blank is not None else numbers + 101
    return take(["", *map(str, range(-100, 5001))], places)


def draw_ids(n: int, rng: np.random.Generator, block: int = 0) -> list[str]:
    """``n`` different random ids that say they are synthetic; those of different blocks differ too."""
    size = len(_LETTERS) ** _ID_LETTERS
    drawn = np.unique(rng.integers(0, size, n + n // 4 + 20))
    drawn = rng.permutation(drawn)[:n]
    digits = drawn[:, None] // len(_LETTERS) ** np.arange(_ID_LETTERS) % len(_LETTERS)
    start = "syn-"
    while block:
        block, letter = divmod(block, len(_LETTERS))
        start += str(_LETTERS[letter])
    return [start + "".join(row) for row in _LETTERS[digits]]


def programs_table(people: int) -> pd.DataFrame:
    """The three programmes; capacity grows with the number of people."""
    rows = [
        {
            "program_id": programme.program_id,
            "label": programme.label,
            "level_of_care": LEVELS[programme.level],
            "planned_weeks": str(programme.planned_weeks),
            "required_hours": f"{programme.required[0]:g}",
            "required_hours_by_week": programme.required_text,
            "schedule": programme.schedule,
            "capacity": str(max(8, round(people * (0.03, 0.03, 0.02)[place]))),
        }
        for place, programme in enumerate(PROGRAMMES)
    ]
    return _in_order("programs", pd.DataFrame(rows, dtype="str"))


def episodes_table(
    people: People, course: Course, calendar: Calendar, ids: Sequence[str], rng: np.random.Generator, block: int = 0
) -> pd.DataFrame:
    """One row per admission; whoever has no discharge by the extract is still in the programme."""
    who, n = course.person, len(course)
    admitted = people.first_day[who] + course.start
    discharged = admitted + course.discharge
    ended = discharged <= calendar.last
    everyone = np.arange(n)
    before = course.used_on(everyone[:, None], np.arange(-1, -scenario.DAYS_BEFORE - 1, -1)[None, :])
    sober_since = admitted - np.where(before.any(axis=1), before.argmax(axis=1), 0)
    persons = draw_ids(len(people), rng, block)
    columns = {
        "episode_id": take(ids, everyone),
        "person_id": take(persons, who),
        "program_id": take([programme.program_id for programme in PROGRAMMES], course.program),
        "level_of_care": take(LEVELS, course.level),
        "admission_date": calendar.written(admitted),
        "discharge_date": calendar.written(np.minimum(discharged, calendar.last)).where(ended, ""),
        "end_reason": take(EndReason.codes(), course.reason).where(ended, ""),
        "sobriety_date": calendar.written(sober_since).where(pd.Series(before.any(axis=1)), ""),
        "age": number_text(np.minimum(people.age[who] + course.start // 365, 90)),
        "gender": take(GENDERS, people.gender[who]),
        "race_ethnicity": take(RACES, people.race[who]),
        "primary_substance": take(PRIMARY_SUBSTANCES, people.substance[who]),
        "days_used_30": number_text(before.sum(axis=1)),
        "severity": number_text(course.score),
        "prior_episodes": number_text(people.prior[who] + course.number - 1),
        "employment": take(EMPLOYMENTS, people.employment[who]),
        "housing": take(HOUSINGS, people.housing[who]),
        "referral": take(REFERRALS, people.referral[who]),
        "medication": take(["no", "yes"], people.medication[who].astype(np.int64)),
        "either_level": take(["no", "yes"], course.either.astype(np.int64)),
    }
    for name, share in _NOT_RECORDED.items():
        columns[name] = columns[name].where(rng.random(n) >= share, "")
    return _in_order("episodes", pd.DataFrame(columns))


def attendance_table(
    people: People, course: Course, sessions: Sessions, calendar: Calendar, ids: Sequence[str]
) -> pd.DataFrame:
    """One row per scheduled session; of some missed ones only the week is known."""
    admitted = people.first_day[course.person] + course.start
    quarters = [f"{quarter / 4:g}" for quarter in range(97)]
    columns = {
        "episode_id": take(ids, sessions.episode),
        "date": calendar.written(admitted[sessions.episode] + sessions.day).where(~sessions.undated, ""),
        "week": number_text(sessions.week, ~sessions.undated),
        "visit": take(VISITS, sessions.slot),
        "service_type": take(SERVICES, sessions.service),
        "modality": take(["in_person", "telehealth"], sessions.telehealth.astype(np.int64)),
        "hours_offered": take(quarters, (4 * sessions.offered).astype(np.int64)),
        "hours_attended": take(quarters, (4 * sessions.attended).astype(np.int64)),
        "status": take(STATUSES, sessions.status),
    }
    return _in_order("attendance", pd.DataFrame(columns))


def outcomes_table(
    people: People, course: Course, rows: Assessments, calendar: Calendar, ids: Sequence[str]
) -> pd.DataFrame:
    """One row per assessment made or missed."""
    admitted = people.first_day[course.person] + course.start
    by_week = rows.undated & (rows.month < 0)
    columns = {
        "episode_id": take(ids, rows.episode),
        "date": calendar.written(admitted[rows.episode] + rows.day).where(~rows.undated, ""),
        "week": number_text(rows.day // 7 + 1, ~by_week),
        "point": take(POINTS, rows.point),
        "month": number_text(rows.month, rows.month < 0),
        "instrument": take(INSTRUMENTS, rows.instrument),
        "substance": take(SUBSTANCES, rows.substance),
        "score": number_text(rows.score, rows.score < 0),
        "result": take(RESULTS, rows.result),
        "days_covered": number_text(rows.covered, rows.covered < 0),
        "status": take(OUTCOME_STATUSES, rows.status),
    }
    return _in_order("outcomes", pd.DataFrame(columns))


def costs_table(people: People, course: Course, start: date, rng: np.random.Generator) -> pd.DataFrame:
    """DATCAP cost lines, charges, payments and clients' own costs, by programme and quarter of the eight."""
    edges = [date(start.year + month // 12, month % 12 + 1, 1) for month in range(0, 25, 3)]
    admitted = people.first_day[course.person] + course.start
    rows: list[Mapping[str, str]] = []
    for place, programme in enumerate(PROGRAMMES):
        mine = course.program == place
        for first, after in pairwise(edges):
            low, high = (first - start).days, (after - start).days
            days = np.minimum(admitted + course.left + 1, high) - np.maximum(admitted, low)
            weeks = float(np.maximum(days, 0)[mine].sum()) / 7
            cost = weeks * programme.client_week_cost
            lines = [
                *((line, CostKind.COST, Bearer.PROVIDER, share * cost) for line, share in scenario.COST_LINES.items()),
                ("time_and_travel", CostKind.COST, Bearer.CLIENT, weeks * scenario.CLIENT_WEEK_COST[programme.level]),
                ("billed", CostKind.CHARGE, Bearer.PAYER, cost * scenario.CHARGE_TO_COST),
                ("received", CostKind.PAYMENT, Bearer.PAYER, cost * scenario.PAYMENT_TO_COST),
            ]
            for line, kind, bearer, amount in lines:
                rows.append(
                    {
                        "program_id": programme.program_id,
                        "period_start": first.isoformat(),
                        "period_end": (after - timedelta(days=1)).isoformat(),
                        "line": line,
                        "kind": str(kind),
                        "bearer": str(bearer),
                        "amount": f"{amount * rng.normal(1, 0.04):.0f}",
                        "price_year": str(scenario.PRICE_YEAR),
                    }
                )
    return _in_order("costs", pd.DataFrame(rows, dtype="str"))


def _in_order(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns in the order of the schema; a column the schema does not know is an error here."""
    order = [name for name in TABLES[table].columns if name in frame]
    if len(order) != len(frame.columns):
        raise AssertionError(f"the table {table} has a column the schema does not know")
    return frame[order]
