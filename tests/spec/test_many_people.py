"""Many people: those alike are drawn together, models are fitted to blocks of people, and the errors stay what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from iop_outcomes.measures.rows import order_by_content
from iop_outcomes.statistics import answered_effect, person_bootstrap, resampled_estimate, reweighted_bootstrap
from iop_outcomes.statistics.resampling import draw_alike


@pytest.fixture
def admitted() -> dict[str, Any]:
    """Cost and effect of 600 people of two groups, some with two rows, most alike with somebody."""
    rng = np.random.default_rng(5)
    person = np.append(np.arange(600), rng.integers(600, size=150))
    values = np.column_stack([rng.integers(1, 5, 750) * 700.0, rng.random(750) < 0.4])
    return {"values": values, "person": person, "group": rng.integers(2, size=750)}


def test_people_alike_drawn_together_differ_as_people_drawn_one_by_one(
    admitted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another random stream, the same distribution: means, errors and correlation within three Monte-Carlo errors."""
    apart = person_bootstrap(**admitted, replicates=4_000, seed=1)
    monkeypatch.setattr("iop_outcomes.statistics.resampling.MOST_PEOPLE", 100)
    together = person_bootstrap(**admitted, replicates=4_000, seed=2)
    np.testing.assert_array_equal(together.estimate, apart.estimate)
    assert together.people == apart.people == 600
    for outcome in (0, 1):
        value = apart.estimate[1, outcome] - apart.estimate[0, outcome]
        one, other = (resampled_estimate(value, made.difference(1, 0)[:, outcome]) for made in (apart, together))
        error = np.hypot(one.std_error_error, other.std_error_error)
        assert abs(one.std_error - other.std_error) < 3 * error
    correlation = [np.corrcoef(made.difference(1, 0).T)[0, 1] for made in (apart, together)]
    assert correlation[0] == pytest.approx(correlation[1], abs=3 * np.sqrt(2 / 4_000))


def test_kinds_of_people_are_drawn_as_often_as_there_are_of_them() -> None:
    drawn = np.concatenate(list(draw_alike([90, 10, 0], 5_000, seed=3, most=600)))
    assert drawn.shape == (5_000, 3)
    assert (drawn.sum(axis=1) == 100).all()
    assert not drawn[:, 2].any()
    assert drawn[:, 1].mean() == pytest.approx(10, abs=3 * np.sqrt(9 / 5_000))
    assert drawn[:, 1].var() == pytest.approx(9, rel=0.1)


@pytest.mark.parametrize("several", [False, True])
def test_blocks_of_people_give_the_error_of_all_of_them(several: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 3,000 people in blocks of 800: within a tenth of the stacked equations' error, which a block's own is twice of."""
    rng = np.random.default_rng(7)
    person = np.arange(6_000) // 2 if several else np.arange(3_000)
    x = rng.normal(size=3_000)
    treated = (rng.random(3_000) < 1 / (1 + np.exp(-0.7 * x))).astype(int)
    y = x + 0.5 * treated + rng.normal(size=3_000)
    known = np.where(rng.random(3_000) < 1 / (1 + np.exp(-1.5 + x)), y, np.nan)
    asked = {"treated": treated[person], "covariates": x[person][:, None], "cluster": person if several else None}
    stacked = answered_effect(known[person], **asked).difference
    monkeypatch.setattr("iop_outcomes.statistics.reweighting.MOST_PEOPLE", 1_000)
    monkeypatch.setattr("iop_outcomes.statistics.reweighting.BLOCK_PEOPLE", 800)
    made = reweighted_bootstrap(known[person][:, None], **asked, replicates=600, seed=9)
    assert (made.blocks, len(made.draws), made.people) == (10, 600, 3_000)
    assert not made.refused
    found = resampled_estimate(stacked.value, made.difference[:, 0])
    assert found.std_error == pytest.approx(stacked.std_error, rel=0.1)
    assert made.difference[:, 0].mean() == pytest.approx(stacked.value, abs=0.2 * stacked.std_error)


def test_a_block_that_cannot_be_weighted_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iop_outcomes.statistics.reweighting.MOST_PEOPLE", 50)
    monkeypatch.setattr("iop_outcomes.statistics.reweighting.BLOCK_PEOPLE", 20)
    treated = np.arange(200) < 2
    made = reweighted_bootstrap(np.ones((200, 1)), treated, None, replicates=20, seed=1)
    assert made.reason
    assert made.draws.shape == (0, 2, 1)


def test_rows_are_ordered_by_content_then_by_whole_histories() -> None:
    """As sorting people by all their rows in plain Python does."""
    rng = np.random.default_rng(8)
    content = rng.integers(0, 3, (400, 2)).astype(float)
    content[rng.random(content.shape) < 0.2] = np.nan
    person = np.array([f"p{number}" for number in rng.integers(0, 150, 400)], dtype=object)
    keys = [tuple(np.where(np.isnan(row), np.inf, row)) for row in content]
    histories = pd.Series(keys).groupby(person).agg(lambda rows: tuple(sorted(rows)))
    wanted = sorted(range(400), key=lambda place: (keys[place], histories[person[place]], place))
    assert order_by_content(content, person).tolist() == wanted
