"""Verdicts where the answer is known: right when there are people enough, "cannot tell" when there are few, and wrong no
more often than the intervals allow."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from tests.spec.tables import records

import iop_outcomes as iop
from iop_outcomes.comparison import claims
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.rows import Group, moments_share
from iop_outcomes.statistics import people_for_share

#: Nine hours a week for twelve weeks, so that stays are long enough to be followed from day 30 to day 86.
LONG = """
    program | label     | level_of_care | planned_weeks | required_hours | schedule
    --------+-----------+---------------+---------------+----------------+---------
    north   | North IOP | 2.1           | 16            | 9              | evening
"""


def word(found: Estimates, claim: int) -> str:
    rows = found.where(definition=f"claim_{claim}@1").frame
    return str(rows["note"].iloc[0]).partition(": ")[0]


def stays(days: np.ndarray, **columns: np.ndarray | str) -> pd.DataFrame:
    """Stays that ended before completing after so many days, one a person."""
    start = pd.Timestamp("2024-01-08")
    ends = [str((start + pd.Timedelta(days=int(day))).date()) for day in days]
    names = [f"e{place:05}" for place in range(len(days))]
    frame = pd.DataFrame({"episode_id": names, "admission_date": "2024-01-08", "discharge_date": ends})
    return frame.assign(end_reason="left_early", **columns)


def weekly(days: np.ndarray, hours: np.ndarray, service: np.ndarray | str, status: np.ndarray | str) -> pd.DataFrame:
    """One session a week in care with so many hours, its service and status by person and week where they differ."""
    person, week = np.nonzero(np.arange(16) * 7 <= days[:, None])
    frame = pd.DataFrame({"episode_id": [f"e{place:05}" for place in person], "day": (week * 7).astype(str)})
    pick = [part if isinstance(part, str) else part[person, week] for part in (service, status)]
    given = np.round(hours[person] * 4, 0) / 4
    return frame.assign(service_type=pick[0], status=pick[1], hours_offered=given.astype(str))


def offered(people: int, share: float, seed: int) -> Estimates:
    """A programme that offers so much of nine hours a week, person by person somewhat more or less."""
    draw = np.random.default_rng(seed)
    days = np.full(people, 55)
    hours = np.clip(draw.normal(9 * share, 2.0, people), 0.25, 24)
    kinds = np.resize(np.array(["individual", "group", "family"]), (people, 16))
    return claims.test_claims(records(stays(days), weekly(days, hours, kinds, "attended"), programs=LONG), only=[1])


def test_hours_offered() -> None:
    assert word(offered(500, 0.90, 1), 1) == "supported"
    assert word(offered(500, 0.70, 2), 1) == "not supported"
    assert word(offered(12, 0.80, 3), 1) == "data cannot tell"


def working(people: int, less: float, seed: int) -> Estimates:
    """A quarter each employed full and part time, half out of work; people at work attend so much less, all leave alike."""
    draw = np.random.default_rng(seed)
    kind = np.resize(np.array(["full_time", "unemployed", "part_time", "unemployed"]), people)
    days = np.minimum(draw.geometric(1 / 90, people), 111)
    chance = draw.beta(16, 4, people) - less * (kind != "unemployed")
    status = np.where(draw.random((people, 16)) < np.clip(chance, 0, 1)[:, None], "attended", "no_show")
    status[:, 0] = "attended"
    made = weekly(days, np.full(people, 3.0), "group", status)
    return claims.test_claims(records(stays(days, employment=kind), made, programs=LONG), only=[2])


def test_flexible_for_working_people() -> None:
    assert word(working(2_400, 0.0, 4), 2) == "supported"
    assert word(working(2_400, 0.15, 5), 2) == "not supported"
    assert word(working(60, 0.0, 6), 2) == "data cannot tell"


def families(people: int, seed: int) -> iop.Records:
    """Family sessions come by chance week by week and do nothing: whoever stays longer has had more of them."""
    draw = np.random.default_rng(seed)
    days = np.minimum(draw.geometric(1 / 60, people), 111)
    kinds = np.where(draw.random((people, 16)) < 0.12, "family", "group")
    return records(stays(days), weekly(days, np.full(people, 3.0), kinds, "attended"), programs=LONG)


def test_family_sessions_that_do_nothing_are_not_said_to_keep_people() -> None:
    """Ever against never says they keep people; followed from day 30 on, nobody stays 5 points more often."""
    read = families(4_000, 7)
    sessions = read.attendance.collect().to_pandas()
    ends = read.episodes.collect().to_pandas().set_index("episode_id")["discharge_day"].astype("float64")
    ever = set(sessions.loc[sessions["service_type"] == "family", "episode_id"])
    stayed = (ends > 86).groupby(ends.index.isin(ever)).mean()
    assert stayed[True] - stayed[False] > 0.20
    assert word(claims.test_claims(read, only=[5]), 5) == "not supported"
    assert word(claims.test_claims(families(60, 8), only=[5]), 5) == "data cannot tell"


def sessions_of(people: int, truth: float, seed: int) -> dict[str, float]:
    """Sums over people of ten sessions each, people differing in how often they come."""
    draw = np.random.default_rng(seed)
    came = draw.binomial(10, draw.beta(12 * truth, 12 * (1 - truth), people)).astype(float)
    held = np.full(people, 10.0)
    sums = {"sum_y": came.sum(), "sum_x": held.sum(), "sum_yy": came @ came, "sum_xy": came @ held}
    return {**sums, "sum_xx": held @ held, "clusters": people}


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, float, int], Estimates]:
    """Verdicts on claim 7 where attendance is drawn with a known share, and hours are well beyond their criterion."""
    read = records("episode | discharge_date | end_reason\ne1 | 2025-02-01 | completed")
    cohort = iop.select_cohort(read, level_of_care="2.1")
    whole = {"value": 0.9, "ci_low": 0.89, "ci_high": 0.91, "conf_level": 0.95, "people": 500}
    hours = Group().row("hours_completion_admitted", "ratio", category="all", **whole)
    monkeypatch.setattr(claims, "select_cohort", lambda *_, **__: cohort)
    monkeypatch.setattr(claims, "measure_hours", lambda _: Estimates.from_rows([hours]))

    def judge(people: int, truth: float, seed: int) -> Estimates:
        line = pd.Series(sessions_of(people, truth, seed))
        row = Group().row("held_sessions", "proportion", category="attended", **moments_share(line))
        monkeypatch.setattr(claims, "compare_attendance", lambda *_, **__: Estimates.from_rows([row]))
        return claims.test_claims(read, only=[7])

    return judge


@pytest.mark.parametrize("seeds", [200, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_verdict_is_wrong_about_as_often_as_the_interval_allows(judged, seeds: int) -> None:
    """The truth is the criterion itself: "supported" and "not supported" are both wrong, 2.5 % of the time each."""
    told = [word(judged(80, 0.75, seed), 7) for seed in range(seeds)]
    for wrong in ("supported", "not supported"):
        share = told.count(wrong) / len(told)
        assert share == pytest.approx(0.025, abs=4 * math.sqrt(0.025 * 0.975 / len(told))), wrong


def test_as_many_people_as_said_would_tell(judged) -> None:
    """A pilot of 40 cannot tell; with the number it names, and 80 % in truth against 75 %, four in five of all tell."""
    pilot = judged(40, 0.75, 1)
    assert word(pilot, 7) == "data cannot tell"
    people = int(pilot.value(definition="claim_7@1", category=claims.PEOPLE))
    assert people < people_for_share(0.75, 0.80).people, "ten sessions a person say more than one"
    told = [word(judged(people, 0.80, seed), 7) for seed in range(120)]
    assert told.count("supported") / len(told) == pytest.approx(0.8, abs=0.12)
    assert told.count("not supported") == 0
