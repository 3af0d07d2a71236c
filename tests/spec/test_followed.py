"""Cost and effect together when some are not followed to the horizon yet: dollars one can add.

See docs/definitions/cost_effectiveness.md.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from tables import draw, one, value

import iop_outcomes as iop
from iop_outcomes.statistics import (
    Accrual,
    Followed,
    accumulated_mean,
    answer_weights,
    followed_increment,
    followed_weights,
    joint_means,
    weighted_increment,
)

PROGRAMS = """
    program | label | level_of_care | planned_weeks | required_hours | schedule
    --------+-------+---------------+---------------+----------------+------------
    iop     | IOP   | 2.1           | 8             | 9              | evening
    home    | Home  | 3.5           | 4             | 20             | residential
"""
WEEKLY = {"iop": 700, "home": 1400}
#: When people came, how many of 80 at either level had severe problems, and how many weeks they stayed in the IOP.
WAVES = (("2025-01-06", 20, 2), ("2025-07-07", 60, 3))
#: People with severe problems who began in the IOP spend a week in residential care so many days later.
LATER = 250


@cache
def made_up(as_of="2026-01-10"):
    """80 people at either level in January and in July, more of them severe in July; the extract is of the next January.

    People with severe problems do not complete and, of the IOP, come back to residential care after 250 days. In July
    everybody of the IOP stays a week longer. Whoever came in July is followed for 187 days.
    """
    stays = []
    for program in ("iop", "home"):
        for came, severe, weeks in WAVES:
            for place in range(80):
                name = f"{program}-{came}-{place:02d}"
                ill, day = place < severe, pd.Timestamp(came)
                last = day + pd.Timedelta(days=7 * (weeks if program == "iop" else 1) - 1)
                stay = {"episode_id": name, "person_id": name, "program_id": program, "admission_date": came}
                stay |= {"discharge_date": last.date().isoformat(), "either_level": "yes"}
                stay |= {"end_reason": "left_early" if ill else "completed", "severity": "7" if ill else "3"}
                stays.append(stay)
                back = day + pd.Timedelta(days=LATER)
                if ill and program == "iop" and back < pd.Timestamp(as_of):
                    again = {"episode_id": f"{name}b", "program_id": "home", "end_reason": "completed"}
                    again |= {"admission_date": back.date().isoformat()}
                    again |= {"discharge_date": (back + pd.Timedelta(days=6)).date().isoformat()}
                    stays.append({**stay, **again})
    episodes = pd.DataFrame(stays, dtype=str)
    of_2025 = episodes[episodes["admission_date"] < "2026"]
    days = (pd.to_datetime(of_2025["discharge_date"]) - pd.to_datetime(of_2025["admission_date"])).dt.days + 1
    weeks = days.groupby(of_2025["program_id"]).sum() / 7
    cost = {"period_start": "2025-01-01", "period_end": "2025-12-31", "line": "personnel", "kind": "cost"}
    costs = [
        {**cost, "program_id": name, "bearer": "provider", "amount": f"{price * weeks[name]:.2f}", "price_year": "2025"}
        for name, price in WEEKLY.items()
    ]
    sessions = {"day": "0", "service_type": "group", "status": "attended", "hours_offered": "3", "hours_attended": "3"}
    frames = {
        "programs": draw(PROGRAMS),
        "episodes": episodes,
        "attendance": episodes[["episode_id"]].assign(**sessions),
        "costs": pd.DataFrame(costs, dtype=str),
        "settings": {"name": "Spec", "as_of": as_of, "ids_are_random": True},
    }
    records = iop.read_records(frames, today=date(2026, 12, 31))
    assert records.manifest.faults == 0, records.manifest.set_aside.to_string()
    return records


@cache
def assess(as_of="2026-01-10", **options):
    return iop.assess_cost_effectiveness(
        made_up(as_of), effect="completed", at=90, adjust=("severity",), replicates=50, **options
    )


def mean(found, level, what="cost"):
    estimand = "mean" if what == "cost" else "adjusted_proportion"
    return value(found, f"increment_{what}", by="level_of_care", group=level, estimand=estimand)


def gap(found, what="cost"):
    return one(found, f"increment_{what}", by="level_of_care", estimand="difference")


def test_what_is_seen_counts_of_everybody_and_what_is_not_of_people_like_them():
    """First 180 days, all seen: 80 people two weeks and 80 three, $1,750. After that half of all are severe and come back
    for a week: $700. Among people of January alone it is $1,400 and a quarter of $1,400: $1,750 in all."""
    found, january = assess(), assess(admitted=("2025-01-01", "2025-01-31"))
    assert mean(found, "2.1") == pytest.approx(1750 + 700)
    assert mean(found, "3.5") == pytest.approx(1400)
    assert gap(found)["value"] == pytest.approx(1050)
    assert gap(january)["value"] == pytest.approx(350)
    assert mean(found, "2.1", "effect") == pytest.approx(0.5)
    assert mean(january, "2.1", "effect") == pytest.approx(0.75)


def test_a_plain_table_leaves_them_out_and_the_rows_say_how_many_are_early_and_what_is_assumed():
    found = assess()
    crude = one(found, "crude_cost", by="level_of_care", group="2.1", estimand="mean")
    assert (crude["value"], crude["n_missing"]) == (pytest.approx(1750), 80)
    assert "people not yet followed to the horizon are stood for by people like them" in gap(found)["note"]
    support = found.where(definition="level_support@1", category="cost_and_completed/followed").frame
    assert support["value"].tolist() == [80, 80]
    assert "does not matter when people alike were admitted" in gap(found)["method"]
    assert (gap(found)["people"], gap(found)["n_missing"]) == (320, 0)
    swing = found.where(definition="increment_price_swing@1", estimand="difference").frame.set_index("category")
    assert swing.loc["completed/2.1/high", "value"] == pytest.approx(1050 + 1750 / 4)


def test_once_everybody_is_followed_nothing_is_assumed():
    """A year later July's people have come back too, as people like them did; nobody stands for anybody."""
    late = assess("2026-08-01")
    assert gap(late)["value"] == pytest.approx(1050)
    assert "not yet followed" not in gap(late)["note"]
    assert "does not matter when" not in gap(late)["method"]


def test_nobody_followed_to_the_horizon_is_no_answer():
    assert "Nobody who could have gone to either level, followed to day 365" in gap(assess("2025-12-31"))["note"]


def test_without_covariates_it_is_the_partitioned_estimator_of_bang_and_tsiatis():
    """Whoever is lost is lost at the end of a part: the chance of being seen by day and by part is then the same."""
    rng = np.random.default_rng(3)
    ends, size = (9, 19, 29), 90
    last = np.asarray(ends)[rng.integers(0, 3, 2 * size)]
    rate = rng.gamma(2, 5, 2 * size)
    group = np.repeat([1, 0], size)
    seen = last[:, None] >= np.array(ends)
    cost = rate[:, None] * np.array([10.0, 10.0, 10.0])
    found = followed_increment(followed_weights(seen, group, None, "ATE"), cost, rate)
    for side, arm in enumerate((group == 1, group == 0)):
        built = Accrual(np.arange(size), np.zeros(size), last[arm], rate[arm])
        made = accumulated_mean(built, Followed(last[arm], np.zeros(size, bool), np.arange(size)), days=30)
        assert found.arms[side, 0] == pytest.approx(made.value, rel=1e-12)
        error = np.sqrt(found.arms_covariance[2 * side, 2 * side] * size / (size - 1))
        assert error == pytest.approx(made.std_error, rel=1e-9)
        assert found.arms[side, 1] == pytest.approx(rate[arm].mean(), rel=1e-12)


def lost(seed=4, size=400):
    """People lost the sooner the higher ``x`` is, at three ends of parts; costs and effect go with it."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((size, 2))
    group = (rng.random(size) < 1 / (1 + np.exp(-0.6 * x[:, 0]))).astype(int)
    parts = (rng.random((size, 3)) < 1 / (1 + np.exp(-1.6 + 0.5 * x[:, [0]]))).cumprod(axis=1).astype(bool)
    cost = rng.gamma(2, 100, (size, 3)) * np.exp(0.3 * x[:, [0]])
    return parts, group, x, cost, rng.standard_normal(size) + x[:, 0]


def test_one_part_of_which_all_is_known_is_the_weighted_increment():
    _, group, x, cost, effect = lost()
    plain = weighted_increment(cost.sum(axis=1), effect, group, x)
    made = followed_weights(np.ones((len(group), 1)), group, x)
    found = followed_increment(made, cost.sum(axis=1)[:, None], effect)
    assert (found.cost, found.effect) == pytest.approx((plain.cost, plain.effect), rel=1e-10)
    np.testing.assert_allclose(found.arms_covariance, plain.arms_covariance, rtol=1e-8)


def test_what_is_not_known_has_no_say_and_a_group_wholly_lost_has_no_answer():
    known, group, x, cost, effect = lost()
    made = followed_weights(known, group, x)
    other = followed_increment(made, np.where(known, cost, -1e9), effect)
    assert other.cost == followed_increment(made, cost, effect).cost
    gone = known & (np.arange(3) < 2 + group[:, None])
    assert "no outcome is known" in followed_increment(followed_weights(gone, group, x), cost, effect).reason


def test_tables_of_other_shapes_are_refused():
    known, group, x, cost, effect = lost()
    with pytest.raises(ValueError, match="known must be a table"):
        followed_weights(known[:, 0], group, x)
    with pytest.raises(ValueError, match="cost must be a table"):
        joint_means([answer_weights(known[:, 0], group, x)], [group == 1], cost, effect)
