"""When nothing changes: how often does a chart say that something did?"""

from __future__ import annotations

import numpy as np
import pytest

from iop_outcomes.statistics import dispersion_test, g_chart, p_chart, p_prime_chart, t_chart, xmr_chart

MONTHS = 24
SERIES = 800
UNITS = np.full(MONTHS, 120)


def false_alarms(draw, chart) -> float:
    """The share of points that lie outside the limits."""
    return float(np.mean([chart(draw()).mean() for _ in range(SERIES)]))


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(20250711)


def test_a_p_chart_of_months_that_differ_by_nature_calls_wolf_and_a_p_prime_chart_does_not(random) -> None:
    """Each month has a level of its own around 20 %. One in 370 points is what three standard deviations promise."""

    def uneven() -> np.ndarray:
        return random.binomial(UNITS, random.beta(20, 80, MONTHS))

    assert false_alarms(uneven, lambda events: p_chart(events, UNITS).outside) > 0.03
    assert false_alarms(uneven, lambda events: p_prime_chart(events, UNITS).outside) < 0.006
    assert false_alarms(uneven, lambda events: xmr_chart(events / UNITS).outside) < 0.006


def test_the_dispersion_test_tells_the_two_apart(random) -> None:
    calm = [dispersion_test(random.binomial(UNITS, 0.2), UNITS).p_value < 0.05 for _ in range(SERIES)]
    uneven = [
        dispersion_test(random.binomial(UNITS, random.beta(20, 80, MONTHS)), UNITS).p_value < 0.05
        for _ in range(SERIES)
    ]
    assert 0.03 < np.mean(calm) < 0.07
    assert np.mean(uneven) > 0.8


def test_three_standard_deviations_of_a_skewed_gap_call_wolf_and_exact_limits_do_not(random) -> None:
    def gaps() -> np.ndarray:
        return random.geometric(0.02, MONTHS) - 1

    def naive(values: np.ndarray) -> np.ndarray:
        mean = values.mean()
        return values > mean + 3 * np.sqrt(mean * (mean + 1))

    assert false_alarms(gaps, naive) > 0.01
    assert false_alarms(gaps, lambda values: g_chart(values).outside) < 0.003


def test_days_between_are_judged_fairly_on_their_power_and_not_as_they_are(random) -> None:
    def days() -> np.ndarray:
        return random.exponential(50, MONTHS)

    assert false_alarms(days, lambda values: xmr_chart(values).outside) > 0.015
    assert false_alarms(days, lambda values: t_chart(values).outside) < 0.006
