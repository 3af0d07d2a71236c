"""Whether people hold a role: work, school, housing, contact with family, no arrests."""

from __future__ import annotations

import numpy as np

from iop_outcomes.records.synthetic.people import EMPLOYMENTS, HOUSINGS, REFERRALS, Flags, Floats, Ints, People
from iop_outcomes.records.synthetic.scenario import RESIDENTIAL
from iop_outcomes.vocabulary import Employment, Housing

ROLES: tuple[str, ...] = ("work", "school", "housing", "family_contact", "no_arrest")
YES, NO, DOES_NOT_APPLY = range(3)

#: Chance of keeping a role, and of gaining one, for people who use and for people who do not.
_KEEPS = {"work": (0.78, 0.93), "school": (0.70, 0.88), "housing": (0.86, 0.96), "family_contact": (0.85, 0.94)}
_GAINS = {"work": (0.12, 0.30), "school": (0.05, 0.10), "housing": (0.18, 0.38), "family_contact": (0.20, 0.42)}


def ask_roles(
    people: People, person: Ints, level: Ints, at_intake: bool, sober: Flags, rng: np.random.Generator
) -> dict[str, Ints]:
    """The answer of each of ``person`` for each role: as at admission, or after care, when sobriety helps keep and gain."""
    before = _at_admission(people, person)
    answers: dict[str, Ints] = {}
    for role in ROLES[:4]:
        held = before[role]
        if not at_intake:
            draw = rng.random(len(person))
            keeps: Floats = np.where(sober, _KEEPS[role][1], _KEEPS[role][0])
            keeps = keeps - 0.10 * ((role == "work") & (level == RESIDENTIAL))
            gains: Floats = np.where(sober, _GAINS[role][1], _GAINS[role][0])
            after = np.where(draw < np.where(held == YES, keeps, gains), YES, NO)
            held = np.where(held == DOES_NOT_APPLY, DOES_NOT_APPLY, after)
        answers[role] = held
    court = people.referral[person] == REFERRALS.index("court")
    arrested = np.where(court, 0.35, 0.06) if at_intake else np.where(sober, 0.02, 0.07)
    answers["no_arrest"] = np.where(rng.random(len(person)) < arrested, NO, YES)
    return answers


def _at_admission(people: People, person: Ints) -> dict[str, Ints]:
    employment = people.employment[person]
    outside = employment == EMPLOYMENTS.index(Employment.NOT_IN_LABOUR_FORCE)
    student = people.in_school[person]
    return {
        "work": np.where(outside, DOES_NOT_APPLY, np.where(people.employed[person], YES, NO)),
        "school": np.where(student, YES, np.where(people.age[person] < 30, NO, DOES_NOT_APPLY)),
        "housing": np.where(people.housing[person] == HOUSINGS.index(Housing.STABLE), YES, NO),
        "family_contact": np.where(people.sees_family[person], YES, NO),
    }
