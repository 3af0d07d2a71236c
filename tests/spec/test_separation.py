"""Which outcomes are foretold wholly: read off the fit where it proves there are none, else by a linear programme."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from iop_outcomes.statistics import balance_weights, logistic_regression
from iop_outcomes.statistics.newton import fit_logits, foretells_alone

#: Both are iterated to rounding.
SAME = 1e-8


def study(rng: np.random.Generator, pull: float) -> tuple[Any, Any]:
    """An outcome and columns of all kinds, the outcome the more foretold the larger ``pull``."""
    n = int(rng.integers(25, 120))
    x = np.column_stack(
        [np.ones(n), rng.normal(40, 12, n), rng.random(n) < 0.1, rng.random(n) < 0.5, rng.poisson(2, n)]
    ).astype(float)
    line = (x[:, 1:] - x[:, 1:].mean(axis=0)) / (x[:, 1:].std(axis=0) + 1e-9) @ rng.normal(size=4)
    return (rng.random(n) < 1 / (1 + np.exp(-pull * line))).astype(float), x


def foretold(y: Any, x: Any) -> bool:
    """The linear programme: is there a direction on which no row goes the wrong way, and some the right way?"""
    towards = np.where(y > 0, 1.0, -1.0)[:, None] * x / np.abs(x).max(axis=0)
    found = linprog(-towards.sum(axis=0), A_ub=-towards, b_ub=np.zeros(len(y)), bounds=(-1, 1), method="highs")
    return bool(-found.fun > 1e-7)


@pytest.mark.parametrize("pull", [0.0, 1.0, 3.0, 10.0])
def test_what_is_refused_is_what_the_linear_programme_finds(pull: float) -> None:
    rng = np.random.default_rng(int(pull))
    seen = set()
    for _ in range(60):
        y, x = study(rng, pull)
        if np.linalg.matrix_rank(x) < 5:
            continue
        made = logistic_regression(y, x)
        assert ("foretells" in made.reason) == foretold(y, x)
        seen.add(made.reason)
        one = x / np.sqrt((x**2).mean(axis=0))
        assert not (fit_logits(y, one, np.ones((1, y.size))).clear[0] and foretold(y, x))
        assert not foretells_alone(y, x, np.ones((1, y.size)))[0] or foretold(y, x)
    assert "" in seen
    assert pull < 3 or len(seen) == 2


def test_the_fit_is_that_of_a_generalised_linear_model() -> None:
    rng = np.random.default_rng(8)
    for pull in (0.0, 1.0, 4.0):
        y, x = study(rng, pull)
        weights, trials = rng.exponential(size=y.size), rng.integers(1, 6, y.size)
        events = rng.binomial(trials, 0.2 + 0.6 * y)
        made = logistic_regression(events, x, trials=trials, weights=weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = GLM(np.column_stack([events, trials - events]), x, family=Binomial(), var_weights=weights)
            expected = model.fit(tol=1e-13, tol_criterion="deviance").params
        np.testing.assert_allclose(made.coefficients, expected, rtol=SAME)


def test_many_weightings_at_once_are_each_their_own_fit() -> None:
    """More of them than columns, and fewer: sums of products are then made in another way."""
    rng = np.random.default_rng(9)
    parts = [study(rng, 0.5) for _ in range(3)]
    y, x = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    times = rng.multinomial(y.size, np.full(y.size, 1 / y.size), size=12).astype(float)
    columns = x / np.sqrt((x**2).mean(axis=0))
    many, few = (fit_logits(y, columns, times[:fits]) for fits in (12, 3))
    np.testing.assert_allclose(many.coefficients[:3], few.coefficients, rtol=SAME)
    for place, counts in enumerate(times):
        alone = logistic_regression(y, columns, weights=counts)
        assert many.clear[place] == (alone.reason == "")
        if not alone.reason:
            np.testing.assert_allclose(many.coefficients[place], alone.coefficients, rtol=SAME)
    assert many.clear.sum() > 6


LINE = np.arange(40.0)
ABOVE = (LINE >= 20).astype(float)
SIGN = np.tile([0.0, 1.0], 20)


def reason(y: Any, *columns: Any, **more: Any) -> str:
    return logistic_regression(y, np.column_stack([np.ones(len(y)), *columns]), **more).reason


def test_one_person_on_the_wrong_side_is_enough_for_a_fit() -> None:
    assert "foretells" in reason(ABOVE, LINE)
    crossed = ABOVE.copy()
    crossed[[19, 20]] = 1, 0
    assert reason(crossed, LINE) == ""
    assert reason(crossed, LINE + 1e4) == ""


def test_people_on_the_border_do_not_unmake_it() -> None:
    """At 20 both outcomes occur, below one, above the other: quasi-separation."""
    line = np.where(np.abs(LINE - 20) < 3, 20, LINE)
    assert "foretells" in reason(ABOVE, line)
    assert "foretells" in reason(ABOVE, line, np.random.default_rng(1).normal(size=40))


def test_a_combination_of_columns_foretells_where_none_does_alone() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.normal(size=(2, 200))
    y = (one + 2 * other > 0.3).astype(float)
    design = np.column_stack([np.ones(200), one, other])
    assert not foretells_alone(y, design, np.ones((1, 200)))[0]
    assert "foretells" in reason(y, one, other)
    # among people of one kind only; the others are mixed
    kind = (np.arange(200) % 4 == 0).astype(float)
    mixed = np.where(kind == 1, y, rng.random(200) < 0.5)
    assert "foretells" in reason(mixed, kind, kind * one, kind * other)


def test_a_rare_kind_all_alike_foretells_and_one_unlike_does_not() -> None:
    rare = (LINE >= 37).astype(float)
    always = np.where(rare == 1, 1, SIGN)
    assert "foretells" in reason(always, rare)
    assert "foretells" in reason(always, 1 - rare)
    assert reason(np.where(LINE == 38, 0, always), rare) == ""


def test_separation_is_seen_through_weights_and_trials() -> None:
    events = np.where(ABOVE == 1, 3, 0)
    assert "foretells" in reason(events, LINE, trials=np.full(40, 3))
    events[10] = 1  # both outcomes on one row, which stands far from the border
    assert reason(events, LINE, trials=np.full(40, 3)) == ""
    crossed = ABOVE.copy()
    crossed[3] = 1
    assert reason(crossed, LINE, weights=np.where(LINE == 3, 1e-3, 1)) == ""
    assert "foretells" in reason(crossed, LINE, weights=np.where(LINE == 3, 0, 1))


def test_groups_on_either_side_of_a_covariate_have_no_weights() -> None:
    assert balance_weights(ABOVE, LINE[:, None]).reason == "some combination of covariates foretells the group wholly"
    assert balance_weights(ABOVE, (LINE % 7)[:, None]).reason == ""


def test_columns_nearly_alike_are_told_apart_and_columns_alike_are_not() -> None:
    assert "told apart" in reason(SIGN, LINE, 2 * LINE + 1)
    assert reason(SIGN, LINE, LINE + 1e-4 * np.random.default_rng(3).normal(size=40)) == ""
