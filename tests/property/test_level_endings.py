"""What must hold of endings by day in two groups made alike, whoever is weighted and whenever people leave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iop_outcomes.statistics import WeightedCurves, balance_weights, weighted_curves

checked = settings(deadline=None, derandomize=True, max_examples=40)
#: Rounding of a fit iterated to 1e-13, on shares and on days up to 40.
ROUNDING, DAYS = 1e-9, 1e-7
CAUSES = (1, 2, 3, 4)
SHOWN = np.array([0, 3, 7, 12, 20, 40])


@st.composite
def courses(draw: st.DrawFn) -> tuple[Any, ...]:
    """Day, cause, treated and covariates of 40 to 160 stays with ties; some causes rare, some people still in."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(40, 160))
    x = np.column_stack([rng.normal(5, 2, n), rng.random(n) < 0.4]).astype(float)
    treated = (rng.random(n) < 1 / (1 + np.exp(-draw(st.floats(0, 1)) * (x[:, 0] - 5)))).astype(int)
    time = np.floor(rng.exponential(draw(st.sampled_from([4, 15, 60])), n))
    cause = rng.choice([0, *CAUSES], n, p=draw(st.sampled_from([(0, 0.6, 0.4, 0, 0), (0.3, 0.4, 0.2, 0.08, 0.02)])))
    assume(balance_weights(treated, x).reason == "")
    return time, cause, treated, x


ESTIMANDS = st.sampled_from(["ATO", "ATE", "ATT", "ATC", "crude"])


def fit(course: tuple[Any, ...], estimand: str) -> WeightedCurves:
    time, cause, treated, x = course
    crude = estimand == "crude"
    given_estimand = "ATE" if crude else estimand
    return weighted_curves(time, cause, treated, None if crude else x, estimand=given_estimand, causes=CAUSES)


@checked
@given(courses(), ESTIMANDS)
def test_all_endings_and_still_in_add_to_one_on_every_day(course: tuple[Any, ...], estimand: str) -> None:
    made = fit(course, estimand)
    parts = [made.at(SHOWN), *(made.at(SHOWN, cause) for cause in CAUSES)]
    for side in ("treated", "reference"):
        shares = np.array([getattr(part, side).value for part in parts])
        followed = ~np.isnan(shares).any(axis=0)
        assert (np.isnan(shares).all(axis=0) == ~followed).all()
        np.testing.assert_allclose(shares[:, followed].sum(axis=0), 1, atol=ROUNDING)
        assert (shares[:, followed] >= 0).all()
        assert (shares[:, followed] <= 1).all()
        assert (np.diff(shares[:, followed], axis=1)[1:] >= -ROUNDING).all()
    gaps = np.array([part.difference.value for part in parts])
    np.testing.assert_allclose(gaps[:, ~np.isnan(gaps).any(axis=0)].sum(axis=0), 0, atol=ROUNDING)


@checked
@given(courses(), ESTIMANDS, st.sampled_from([5, 20, 40]))
def test_days_in_and_days_lost_to_each_ending_add_to_the_horizon(
    course: tuple[Any, ...], estimand: str, tau: int
) -> None:
    made = fit(course, estimand)
    parts = [made.mean_time(tau), *(made.mean_time(tau, cause) for cause in CAUSES)]
    for side, total in (("treated", tau), ("reference", tau), ("difference", 0)):
        days = np.array([getattr(part, side).value for part in parts])
        if not np.isnan(days).any():
            assert days.sum() == pytest.approx(total, abs=DAYS)


@checked
@given(courses(), ESTIMANDS)
def test_a_share_that_is_none_or_all_has_no_error_and_its_difference_no_range(
    course: tuple[Any, ...], estimand: str
) -> None:
    """Whatever is left of it by rounding: everybody of the first group leaves by day 2, and nobody of it for cause 4."""
    time, cause, treated, x = course
    time = np.where(treated == 1, time % 3, time)
    cause = np.where(treated == 1, cause % 3 + (cause % 3 == 0), cause)
    made = fit((time, cause, treated, x), estimand)
    for causes, share in (((), 0.0), ((4,), 0.0), ((1, 2), 1.0)):
        found = made.at(7, *causes)
        assert (found.treated.value, found.treated.std_error) == (share, 0.0)
        assert np.isnan([found.treated.low, found.difference.low, found.difference.high]).all()
    assert made.mean_time(7, 4).treated.value == 0
    assert np.isnan(made.mean_time(7, 4).difference.low)


@checked
@given(courses(), st.sampled_from([("ATO", "ATO"), ("ATE", "ATE"), ("ATT", "ATC"), ("crude", "crude")]))
def test_changing_the_levels_over_changes_the_sign(course: tuple[Any, ...], pair: tuple[str, str]) -> None:
    time, cause, treated, x = course
    one, other = fit(course, pair[0]), fit((time, cause, 1 - treated, x), pair[1])
    for causes in ((), (1,), (2, 3)):
        first, second = one.at(SHOWN, *causes).difference, other.at(SHOWN, *causes).difference
        np.testing.assert_allclose(first.value, -np.asarray(second.value), atol=ROUNDING)
        np.testing.assert_allclose(first.std_error, second.std_error, rtol=1e-6, atol=ROUNDING)
