"""Which months differ: signals on series small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pytest

from iop_outcomes.statistics import xmr_chart

QUIET = [10.0, 12, 10, 12, 10, 12, 10, 12, 10, 12, 10, 12]


def test_limits_are_three_sigma_from_neighbouring_differences() -> None:
    chart = xmr_chart(QUIET)
    assert (chart.centre, chart.mean_range) == (11, 2)
    assert chart.upper == pytest.approx(11 + 3 / 1.128 * 2)
    assert not chart.signal.any()


def test_a_point_beyond_a_limit() -> None:
    chart = xmr_chart([*QUIET, 25], baseline=12)
    assert np.flatnonzero(chart.outside).tolist() == [12]


def test_seven_on_one_side_is_a_shift_and_six_is_not() -> None:
    higher = [12.5, 12, 12.5, 12, 12.5, 12, 12.5]
    assert np.flatnonzero(xmr_chart([*QUIET[:11], *higher], baseline=11).shift).tolist() == list(range(11, 18))
    assert not xmr_chart([*QUIET[:11], *higher[:6]], baseline=11).shift.any()


def test_a_gap_ends_a_run_and_has_no_range() -> None:
    series = [*QUIET[:11], 12.5, 12, 12.5, np.nan, 12, 12.5, 12, 12.5]
    chart = xmr_chart(series, baseline=11)
    assert not chart.shift.any()
    assert np.isnan(chart.moving_ranges[14:16]).all()


def test_seven_rising_or_falling() -> None:
    rising = xmr_chart([11, 8, 9, 10, 11, 12, 13, 14, 11])
    assert np.flatnonzero(rising.trend).tolist() == list(range(1, 8))
    assert np.flatnonzero(xmr_chart([8, 14, 13, 12, 11, 10, 9, 8, 8]).trend).tolist() == list(range(1, 8))
    assert not xmr_chart([11, 9, 10, 11, 12, 13, 14, 11]).trend.any()
    assert not xmr_chart([1, 2, 3]).trend.any()


def test_two_of_three_near_the_same_limit() -> None:
    near = xmr_chart([*QUIET, 15, 11, 15.5], baseline=12)
    assert np.flatnonzero(near.outer_third).tolist() == [12, 14]
    assert not near.outside.any()
    assert not xmr_chart([*QUIET, 15, 11, 6.8], baseline=12).outer_third.any()
    assert not xmr_chart([*QUIET, 15, np.nan, 15], baseline=12).outer_third.any()


def test_screening_leaves_out_a_wild_range_once() -> None:
    series = [*QUIET, 40.0]
    plain, screened = xmr_chart(series), xmr_chart(series, screen=True)
    assert np.flatnonzero(screened.screened).tolist() == [12]
    assert screened.mean_range == 2 < plain.mean_range
    assert screened.centre == plain.centre
    assert "screened" in screened.method


def test_a_baseline_may_leave_periods_out() -> None:
    keep = np.array([True] * 12 + [False])
    assert xmr_chart([*QUIET, 40], baseline=keep).centre == 11


def test_too_little_to_draw_limits_from() -> None:
    chart = xmr_chart([np.nan, 4, np.nan])
    assert (chart.centre, np.isnan(chart.upper)) == (4, True)
    assert not chart.signal.any()


@pytest.mark.parametrize("baseline", [1, 99, [True], 3.5])
def test_impossible_baselines_are_refused(baseline: object) -> None:
    with pytest.raises(ValueError, match="baseline"):
        xmr_chart(QUIET, baseline=baseline)  # type: ignore[arg-type]


def test_impossible_values_are_refused() -> None:
    for values in ([], [[1.0]], [np.inf]):
        with pytest.raises(ValueError, match="one finite number"):
            xmr_chart(values)
