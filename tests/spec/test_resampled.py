"""People drawn anew and weighted anew: draw by draw what this package's own weights give in a plain loop."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tables import one, records

import iop_outcomes as iop
from iop_outcomes.statistics import (
    answer_weights,
    answered_effect,
    balance_weights,
    percentile_interval,
    person_bootstrap,
    resampled_estimate,
    reweighted_bootstrap,
    weighted_increment,
)
from iop_outcomes.statistics.reweighting import ONE_GROUP

#: Both ways go on to rounding, and add up in another order.
SAME = 1e-8


def study(seed: int, n: int, unknown: float) -> dict[str, Any]:
    """Cost and effect of people who go to either group by how severe they are; the severe answer less often."""
    rng = np.random.default_rng(seed)
    severity, worker = rng.normal(5, 2, n), (rng.random(n) < 0.3).astype(float)
    treated = (rng.random(n) < 1 / (1 + np.exp(-0.5 * (severity - 5)))).astype(int)
    effect = (rng.random(n) < 0.3 + 0.2 * treated).astype(float)
    cost = 1_000 * treated + 200 * severity + rng.gamma(2, 300, n)
    silent = rng.random(n) < unknown * 2 / (1 + np.exp(5 - severity))
    values = np.where(silent[:, None], np.nan, np.column_stack([cost, effect]))
    return {"values": values, "treated": treated, "covariates": np.column_stack([severity, worker])}


def loop(
    values: Any, treated: Any, covariates: Any, estimand: str, cluster: Any, replicates: int, seed: int
) -> tuple[Any, Counter[str]]:
    """The same in plain Python: draw people, take their rows, weight them as this package weights any rows."""
    rng, n = np.random.default_rng(seed), len(values)
    rows_of = [np.flatnonzero(cluster == person) for person in np.unique(cluster)] if cluster is not None else None
    draws, refused = [], Counter[str]()
    for _ in range(replicates):
        drawn = rng.integers(n if rows_of is None else len(rows_of), size=n if rows_of is None else len(rows_of))
        rows = drawn if rows_of is None else np.concatenate([rows_of[person] for person in drawn])
        who = None if rows_of is None else np.repeat(np.arange(drawn.size), [len(rows_of[p]) for p in drawn])
        y, own, x = values[rows], treated[rows], covariates[rows]
        if len(set(own)) < 2:
            refused[ONE_GROUP] += 1
            continue
        known = ~np.isnan(y).any(axis=1)
        if known.all():
            made: Any = balance_weights(own, x, estimand, cluster=who)
        else:
            made = answer_weights(known, own, x, estimand, cluster=who)
        if made.reason:
            refused[made.reason] += 1
            continue
        arms = [known & (own == side) for side in (1, 0)]
        draws.append([made.weights[arm] @ y[arm] / made.weights[arm].sum() for arm in arms])
    return np.array(draws), refused


@pytest.mark.parametrize("estimand", ["ATO", "ATE", "ATT", "ATC"])
@pytest.mark.parametrize("unknown", [0, 0.3])
def test_it_is_the_plain_loop_draw_by_draw(estimand: str, unknown: float) -> None:
    given = study(1, 150, unknown)
    expected, refused = loop(**given, estimand=estimand, cluster=None, replicates=60, seed=4)
    made = reweighted_bootstrap(**given, estimand=estimand, replicates=60, seed=4)
    assert made.refused == refused == Counter()
    np.testing.assert_allclose(made.draws, expected, rtol=SAME)
    known = ~np.isnan(given["values"]).any(axis=1)
    weights = answer_weights(known, given["treated"], given["covariates"], estimand).weights
    for place, side in enumerate((1, 0)):
        arm = known & (given["treated"] == side)
        assert made.estimate[place] == pytest.approx(weights[arm] @ given["values"][arm] / weights[arm].sum())


def test_a_person_drawn_brings_all_rows_in_both_groups() -> None:
    given, person = study(2, 160, 0.3), np.random.default_rng(5).integers(0, 90, 160)
    person = np.unique(person, return_inverse=True)[1]
    expected, refused = loop(**given, estimand="ATO", cluster=person, replicates=60, seed=6)
    made = reweighted_bootstrap(**given, cluster=person, replicates=60, seed=6)
    assert made.people == person.max() + 1
    assert made.refused == refused == Counter()
    np.testing.assert_allclose(made.draws, expected, rtol=SAME)


@pytest.mark.parametrize("seed", range(8))
def test_where_resamples_take_different_ways_it_is_still_the_loop(seed: int) -> None:
    """Few people, few of them silent: some resamples model the chance of an answer and some do not, some are refused."""
    given = study(seed, 60, 0.35)
    if seed >= 6:  # few marked people, of whom one went the other way: many resamples have nobody of them
        given["covariates"][:, 1] = np.isin(np.arange(60), np.flatnonzero(given["treated"] == 1)[:6])
        given["covariates"][np.flatnonzero(given["treated"] == 0)[:3], 1] = 1
    expected, refused = loop(**given, estimand="ATE", cluster=None, replicates=200, seed=seed)
    made = reweighted_bootstrap(**given, estimand="ATE", replicates=200, seed=seed)
    if refused.total() > 10:
        assert made.reason.startswith("more than 5% of resamples cannot be weighted: ")
        assert len(made.draws) == 0
        assert made.refused.total() == 11
    else:
        assert made.refused == refused
        assert len(made.draws) == 200 - refused.total()
        np.testing.assert_allclose(made.draws, expected, rtol=SAME)


def test_who_never_answered_in_one_group_leaves_the_chance_to_the_group() -> None:
    """All of the reference group answered: no resample can model the chance of an answer by more than the group."""
    given = study(9, 200, 0.0)
    given["values"][np.flatnonzero(given["treated"] == 1)[:30]] = np.nan
    expected, _ = loop(**given, estimand="ATO", cluster=None, replicates=50, seed=3)
    made = reweighted_bootstrap(**given, replicates=50, seed=3)
    np.testing.assert_allclose(made.draws, expected, rtol=SAME)


def test_without_covariates_it_is_the_bootstrap_of_plain_means() -> None:
    given = study(3, 120, 0)
    plain = person_bootstrap(given["values"], range(120), 1 - given["treated"], replicates=300, seed=8)
    made = reweighted_bootstrap(given["values"], given["treated"], None, replicates=300, seed=8)
    np.testing.assert_allclose(made.draws, plain.draws, rtol=1e-12)
    np.testing.assert_allclose(made.difference, plain.difference(0, 1), rtol=1e-9)


def test_cost_and_effect_come_from_the_same_resample() -> None:
    """Their covariance is that of the stacked equations; a column twice is the same column."""
    given = study(4, 600, 0)
    made = reweighted_bootstrap(**given, replicates=1_500, seed=2)
    stacked = weighted_increment(*given["values"].T, given["treated"], given["covariates"])
    drawn = np.corrcoef(made.difference.T)[0, 1]
    spread = np.sqrt(np.diag(stacked.covariance))
    assert drawn == pytest.approx(stacked.covariance[0, 1] / spread.prod(), abs=0.08)
    twice = {**given, "values": given["values"][:, [0, 0]]}
    again = reweighted_bootstrap(**twice, replicates=50, seed=2)
    assert (again.draws[..., 0] == again.draws[..., 1]).all()


def test_a_seed_gives_the_same_draws_however_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    given = study(5, 150, 0.2)
    whole = reweighted_bootstrap(**given, replicates=40, seed=7).draws
    other = reweighted_bootstrap(**given, replicates=40, seed=8).draws
    monkeypatch.setattr("iop_outcomes.statistics.reweighting._BLOCK", 150 * 7)
    np.testing.assert_allclose(reweighted_bootstrap(**given, replicates=40, seed=7).draws, whole, rtol=SAME)
    assert np.abs(other - whole).max() > 0.01


def test_people_who_cannot_be_weighted_have_no_draws() -> None:
    given = study(6, 100, 0)
    told = reweighted_bootstrap(given["values"], given["treated"], given["treated"][:, None], replicates=20, seed=1)
    assert told.reason == "some combination of covariates foretells the group wholly"
    given["values"][given["treated"] == 1] = np.nan
    silent = reweighted_bootstrap(**given, replicates=20, seed=1)
    assert silent.reason == "no outcome is known in one of the groups"
    for made in (told, silent):
        assert made.draws.shape == (0, 2, 2)
        assert np.isnan(made.estimate).all()


def test_resamples_without_one_of_the_groups_are_counted_as_such() -> None:
    """Nobody is drawn of three treated in one resample of twenty; often none of the two who answered."""
    treated, values = np.arange(60) < 3, np.where(np.arange(60) == 2, np.nan, np.arange(60.0))[:, None]
    made = reweighted_bootstrap(values, treated, None, replicates=400, seed=2)
    _, refused = loop(values, treated, np.empty((60, 0)), "ATO", None, 400, 2)
    assert set(made.refused) == {ONE_GROUP, "no outcome is known in one of the groups"} == set(refused)
    assert made.refused.total() == 21


@pytest.mark.parametrize(
    "given",
    [
        {"values": [1, 0, 1]},
        {"values": [[1], [0]]},
        {"values": [[1], [np.inf], [0]]},
        {"values": [[1], [0], [1]], "replicates": 1},
        {"values": [[1], [0], [1]], "estimand": "LATE"},
    ],
)
def test_impossible_questions_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        reweighted_bootstrap(**{"treated": [1, 0, 1], "covariates": None, "seed": 1, **given})


def test_how_far_limits_would_move_with_other_draws() -> None:
    """Of three draws 0, 1, 10 drawn anew, the median is each with a chance counted over all 27 ways."""
    draws = np.array([0.0, 1.0, 10.0])
    medians = [sorted(way)[1] for way in itertools.product(draws, repeat=3)]
    made = resampled_estimate(1.0, draws, conf_level=1e-9)
    assert made.low == made.high == 1
    assert made.low_error == pytest.approx(np.std(medians))
    assert made.std_error == pytest.approx(np.std(draws, ddof=1))


def test_monte_carlo_errors_are_how_far_numbers_move_from_one_seed_to_another() -> None:
    many = np.random.default_rng(12).normal(size=(2_000, 500))
    found = [resampled_estimate(0.0, draws, 0.9) for draws in many]
    assert [found[0].low, found[0].high] == [
        getattr(percentile_interval(0.0, many[0], 0.9), end) for end in ("low", "high")
    ]
    for name in ("std_error", "low", "high"):
        moved = np.std([getattr(made, name) for made in found])
        assert np.mean([getattr(made, f"{name}_error") for made in found]) == pytest.approx(moved, rel=0.07)
    still = resampled_estimate(2.0, np.full(9, 2.0))
    assert (still.std_error, still.std_error_error, still.low_error) == (0, 0, 0)
    with pytest.raises(ValueError, match="two or more"):
        resampled_estimate(2.0, [2.0])


PROGRAMS = """
    program | label     | level_of_care | planned_weeks
    --------+-----------+---------------+--------------
    north   | North IOP | 2.1           | 8
    house   | The House | 3.5           | 4
"""


def compare(*, sober: int = 60, rare: int = 0, **asked: Any) -> iop.Estimates:
    """Of 120 people 60 and of 80 people 56 abstinent at half a year; housing is of two kinds in both levels, or three."""
    lines = [
        {"program_id": program, "housing": ("stable", "unstable")[place % 2], "abstinent": place < sober}
        for program, size, sober in (("north", 120, sober), ("house", 80, 56))
        for place in range(size)
    ]
    frame = pd.DataFrame(lines).assign(either_level="yes", discharge_day="20", end_reason="completed")
    if rare:
        frame.loc[[*range(21), *range(120, 120 + rare)], "housing"] = "homeless"
    frame["episode_id"] = [f"e{place}" for place in range(len(frame))]
    said = pd.DataFrame({"episode_id": frame["episode_id"], "day": "180", "month": "6", "point": "followup"})
    said = said.assign(instrument="abstinent_30", result=np.where(frame["abstinent"], "negative", "positive"))
    return iop.compare_levels(records(frame.drop(columns="abstinent"), None, said, PROGRAMS), adjust="housing", **asked)


GAP = {"by": "level_of_care", "estimand": "difference"}


def test_a_comparison_shows_the_resampled_limits_beside_its_own() -> None:
    found = compare()
    for where in (
        {"estimand": "difference"},
        *({"estimand": "adjusted_proportion", "group": g} for g in ("2.1", "3.5")),
    ):
        stacked, drawn = (one(found, f"level_effect{end}", by="level_of_care", **where) for end in ("", "_resampled"))
        assert drawn["value"] == pytest.approx(stacked["value"])
        for end in ("ci_low", "ci_high"):
            assert drawn[end] == pytest.approx(stacked[end], abs=0.02)
        same = [
            "by",
            "group",
            "reference",
            "n",
            "denominator",
            "people",
            "n_missing",
            "unit",
            "design_word",
            "conf_level",
        ]
        pd.testing.assert_series_equal(pd.Series(drawn)[same], pd.Series(stacked)[same])
    drawn = one(found, "level_effect_resampled", **GAP)
    assert drawn["value"] == pytest.approx(60 / 120 - 56 / 80)
    assert drawn["method"].endswith("person bootstrap, 1,000 replicates, weights fitted anew, percentiles")
    treated = np.repeat([1, 0], [120, 80])
    sober = np.concatenate([np.arange(120) < 60, np.arange(80) < 56]).astype(float)
    error = answered_effect(sober, treated, None).difference.std_error
    assert drawn["note"].startswith("Monte-Carlo error of the limits 0.00")
    assert drawn["note"].endswith(f"by stacked estimating equations {error:.3f}")


def test_people_of_whom_too_many_resamples_have_no_weights_have_no_limits() -> None:
    """Two of a rare kind began in one level and 21 in the other: in one resample of seven or so neither of the two is drawn."""
    found = compare(rare=2)
    drawn = one(found, "level_effect_resampled", **GAP)
    assert one(found, "level_effect", **GAP)["status"] == "ok"
    assert drawn["status"] == "not_estimable"
    assert drawn["note"].startswith("more than 5% of resamples cannot be weighted: some combination of covariates")
    found = compare(rare=5)
    assert one(found, "level_effect_resampled", **GAP)["note"].endswith(" could not be weighted")


def test_where_a_share_is_withheld_nothing_of_its_resamples_is_told() -> None:
    """Of 120 people 115 abstinent: five are too few to tell of."""
    released = iop.publish(compare(sober=115)).frame.set_index("definition")
    rows = released.loc[["level_effect_resampled@1"]]
    told = rows[(rows["estimand"] == "difference") | (rows["group"] == "2.1")]
    assert (told["status"] == "withheld").all()
    assert told[["value", "ci_low", "ci_high", "note"]].isna().all(axis=None)
    open_rows = iop.publish(compare()).frame.set_index("definition").loc[["level_effect_resampled@1"]]
    assert (open_rows["status"] == "ok").all()


@pytest.mark.parametrize("asked", [{"outcome": "days_in_care", "at": 30}, {"method": "aipw", "estimand": "ATE"}])
def test_what_is_not_a_weighted_share_has_no_such_row(asked: dict[str, Any]) -> None:
    found = compare(**asked)
    assert "level_effect_resampled@1" not in set(found.frame["definition"])
