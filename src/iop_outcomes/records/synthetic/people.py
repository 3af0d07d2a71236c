"""The people of the made-up agency: what is known at admission, and where they are placed.

Severity and housing raise both the chance of residential placement and the hazard of use, which is what confounds a crude
comparison. Placement depends on recorded severity, housing and primary substance and on nothing else that matters
for outcomes, so a comparison adjusted for those three can find the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iop_outcomes.records.synthetic import scenario
from iop_outcomes.vocabulary import Employment, Gender, Housing, Substance

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

GENDERS: tuple[str, ...] = (Gender.FEMALE, Gender.MALE, Gender.ANOTHER)
RACES: tuple[str, ...] = ("white", "black", "hispanic", "american_indian", "asian", "more_than_one")
SUBSTANCES: tuple[str, ...] = (
    Substance.ALCOHOL,
    Substance.OPIOIDS,
    Substance.METHAMPHETAMINE,
    Substance.COCAINE,
    Substance.CANNABIS,
    Substance.SEDATIVES,
    Substance.OTHER,
)
EMPLOYMENTS: tuple[str, ...] = Employment.codes()
HOUSINGS: tuple[str, ...] = Housing.codes()
REFERRALS: tuple[str, ...] = ("self", "court", "health_care", "employer", "other_program")


@dataclass(frozen=True)
class People:
    """One entry per person, as indices into the word lists of this module where a code is meant.

    ``first_day`` is the calendar day of the first admission; ``propensity`` a hidden tendency to use (the reason why
    episodes of one person resemble each other); ``mood`` a hidden level of distress; ``score`` recorded severity, 0–10.
    """

    first_day: Ints
    score: Ints
    age: Ints
    gender: Ints
    race: Ints
    substance: Ints
    employment: Ints
    housing: Ints
    referral: Ints
    prior: Ints
    medication: Flags
    propensity: Floats
    mood: Floats
    frequency: Floats
    in_school: Flags
    sees_family: Flags

    def __len__(self) -> int:
        return len(self.score)

    @property
    def employed(self) -> Flags:
        """Whether in full-time or part-time work at the first admission."""
        return self.employment <= EMPLOYMENTS.index(Employment.PART_TIME)


def expit(x: Floats) -> Floats:
    """Probability of a log odds."""
    out: Floats = 1.0 / (1.0 + np.exp(-x))
    return out


def pick(rng: np.random.Generator, n: int, shares: tuple[float, ...]) -> Ints:
    """Draw ``n`` indices with the given shares, which add to 1."""
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(n), side="right").astype(np.int64)


def draw_people(n: int, rng: np.random.Generator) -> People:
    """Draw ``n`` people with what is known of them at their first admission."""
    severity = rng.normal(size=n)
    score = np.clip(np.rint(5 + 2 * severity), 0, 10).astype(np.int64)
    s = (score - 5) / 2
    age = np.clip(np.rint(rng.normal(37, 11.5, n)), 18, 78).astype(np.int64)
    substance = pick(rng, n, (0.38, 0.24, 0.14, 0.09, 0.08, 0.04, 0.03))
    draw = rng.random(n)
    homeless = expit(-3.3 + 0.8 * s)
    unstable = expit(-1.6 + 0.5 * s)
    housing = np.where(draw < homeless, 2, np.where(draw < homeless + (1 - homeless) * unstable, 1, 0))
    draw = rng.random(n)
    working = expit(0.25 - 0.35 * s)
    outside = np.where(age > 62, 0.6, 0.12)
    employment = np.where(
        draw < working * (1 - outside),
        np.where(rng.random(n) < 0.7, 0, 1),
        np.where(rng.random(n) < outside / (outside + 0.35), 3, 2),
    )
    opioids, alcohol = substance == 1, substance == 0
    first_day = rng.integers(0, scenario.ADMISSION_DAYS * 5 // 7, n)
    return People(
        first_day=first_day // 5 * 7 + first_day % 5,
        score=score,
        age=age,
        gender=pick(rng, n, (0.39, 0.59, 0.02)),
        race=pick(rng, n, (0.56, 0.18, 0.17, 0.03, 0.02, 0.04)),
        substance=substance,
        employment=employment.astype(np.int64),
        housing=housing.astype(np.int64),
        referral=pick(rng, n, (0.30, 0.26, 0.22, 0.07, 0.15)),
        prior=rng.poisson(np.exp(0.1 + 0.35 * s)).astype(np.int64),
        medication=rng.random(n) < np.where(opioids, 0.55, np.where(alcohol, 0.15, 0.02)),
        propensity=rng.normal(0, 0.6, n),
        mood=rng.normal(0, 1, n),
        frequency=expit(0.3 + 0.7 * s + rng.normal(0, 0.9, n)),
        in_school=rng.random(n) < np.where(age < 26, 0.35, 0.05),
        sees_family=rng.random(n) < expit(1.1 - 0.25 * s),
    )


@dataclass(frozen=True)
class Placement:
    """Where each admission goes: whether either level was possible, and the level chosen."""

    either: Flags
    level: Ints


def place(people: People, who: Ints, s: Floats, rng: np.random.Generator) -> Placement:
    """Place the admissions of ``who`` with standardised severity ``s``: the judgement at the front door.

    Withdrawal risk and homelessness rule out outpatient care for some; the others go to residential care the more
    often the more severe they are.
    """
    housing = people.housing[who]
    at_risk = rng.random(len(who)) < expit(-2.7 + 1.0 * s)
    unsafe = (housing == 2) & (rng.random(len(who)) < 0.7)
    either = ~(at_risk | unsafe)
    residential = ~either | (rng.random(len(who)) < residential_chance(people, who, s))
    return Placement(either, residential.astype(np.int64))


def residential_chance(people: People, who: Ints, s: Floats) -> Floats:
    """Chance of residential placement of people who could go to either level: the true propensity score."""
    return expit(-1.0 + 0.95 * s + 0.6 * (people.housing[who] > 0) + 0.3 * (people.substance[who] == 1))
