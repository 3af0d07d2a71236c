"""Which months differ: signals on series small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pytest

from iop_outcomes.statistics import (
    dispersion_test,
    g_chart,
    p_chart,
    p_prime_chart,
    run_chart,
    t_chart,
    xmr_chart,
)

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


def test_months_that_are_all_alike_are_no_signal() -> None:
    """A mean of equal numbers differs from them in its last digit, which is nothing to speak of."""
    chart = xmr_chart([0.1] * 12)
    assert chart.centre != 0.1
    assert not chart.signal.any()


# --- shares with counts ----------------------------------------------------------------------------------------------
def test_limits_are_wider_where_there_are_fewer_units() -> None:
    """20 of 100 in all: 0.2 ± 3 · √(0.16 / 64) is 0.05 to 0.35; with 16 units it is -0.1, so 0, to 0.5."""
    chart = p_chart([13, 4, 3], [64, 16, 20])
    assert chart.centre == 0.2
    assert (chart.lower[0], chart.upper[0]) == pytest.approx((0.05, 0.35))
    assert (chart.lower[1], chart.upper[1]) == pytest.approx((0, 0.5))


def test_the_same_share_is_a_signal_where_it_rests_on_many_and_none_where_it_rests_on_few() -> None:
    units = np.array([400] * 12 + [400, 10])
    events = np.array([80] * 12 + [160, 4])
    chart = p_chart(events, units, baseline=12)
    assert chart.values[12] == chart.values[13] == 0.4
    assert np.flatnonzero(chart.outside).tolist() == [12]


def test_the_four_rules_are_the_same_on_every_chart() -> None:
    higher = [0.21] * 7
    shares = p_chart(np.round(400 * np.array([*[0.2, 0.19, 0.2, 0.21] * 3, *higher])), [400] * 19, baseline=12)
    assert np.flatnonzero(shares.shift).tolist() == list(range(11, 19))
    rising = p_prime_chart([40, 10, 12, 14, 16, 18, 20, 22], [100] * 8)
    assert np.flatnonzero(rising.trend).tolist() == list(range(1, 8))
    near = p_chart([20] * 10 + [29, 20, 29], [100] * 13, baseline=10)
    assert np.flatnonzero(near.outer_third).tolist() == [10, 12]
    assert not near.outside.any()


def test_a_period_without_units_is_a_gap() -> None:
    chart = p_chart([5, 0, 5, np.nan], [10, 0, 10, 10])
    assert np.isnan(chart.values).tolist() == [False, True, False, True]
    assert chart.centre == 0.5


def test_without_more_variation_than_counting_explains_p_prime_is_p() -> None:
    """Neighbours that lie 1.128 standard errors apart have sigma_z 1; those further apart have more."""
    error = 100 * np.sqrt(0.5 * 0.5 / 100)
    apart = 1.128 * error / 2
    chart = p_prime_chart([50 - apart, 50 + apart] * 6, [100] * 12)
    assert chart.sigma_z == pytest.approx(1)
    assert chart.upper == pytest.approx(p_chart([50.0] * 12, [100] * 12).upper)
    assert p_prime_chart([30, 70] * 6, [100] * 12).sigma_z == pytest.approx(8 / 1.128)


def test_dispersion_is_looked_for_within_stretches() -> None:
    """Two calm stretches at different levels differ a great deal together, and not at all each by itself."""
    events, units = [20, 21, 19, 20, 60, 61, 59, 60], [100] * 8
    assert dispersion_test(events, units).p_value < 0.001
    apart = dispersion_test(events, units, segment=[0] * 4 + [1] * 4)
    assert (apart.degrees, apart.p_value > 0.9) == (6, True)


def test_shares_of_nobody_or_everybody_have_no_dispersion_and_no_signal() -> None:
    assert np.isnan(dispersion_test([0, 0, 0], [10, 20, 30]).p_value)
    for events in ([0, 0, 0], [10, 20, 30]):
        assert not p_chart(events, [10, 20, 30]).signal.any()
        assert not p_prime_chart(events, [10, 20, 30]).signal.any()


def test_impossible_counts_are_refused() -> None:
    for events, units in (([3], [2]), ([-1], [2]), ([1, 2], [3]), ([np.inf], [np.inf]), ([], [])):
        with pytest.raises(ValueError, match="events"):
            p_chart(events, units)


# --- rare events -----------------------------------------------------------------------------------------------------
def test_a_long_wait_is_a_signal_of_a_rare_event_grown_rarer() -> None:
    """With 9 between on average one in ten is an event: 0.9 ** 63 is 0.00131, so 62 others may pass by chance, not 63."""
    usual = [9] * 20
    assert g_chart([*usual, 62], baseline=20).upper == 62
    assert not g_chart([*usual, 62], baseline=20).outside.any()
    assert np.flatnonzero(g_chart([*usual, 63], baseline=20).outside).tolist() == [20]


def test_a_rare_event_grown_more_frequent_shows_in_a_run_below_the_median() -> None:
    chart = g_chart([9, 8] * 10 + [0, 1, 0, 2, 1, 0, 1], baseline=20)
    assert np.isnan(chart.lower)
    assert chart.shift[20:].all()


def test_days_between_are_judged_on_the_scale_on_which_they_are_even() -> None:
    waits = np.array([30.0, 45, 28, 60, 33, 48, 36, 52, 31, 41])
    chart, powers = t_chart(waits), xmr_chart(waits ** (1 / 3.6))
    for name in ("centre", "lower", "upper"):
        assert getattr(chart, name) == pytest.approx(getattr(powers, name) ** 3.6)
    assert np.array_equal(chart.signal, powers.signal)
    assert t_chart([*waits, 900], baseline=10).outside[-1]
    assert np.isnan(t_chart([1, 300, 2, 250]).lower)  # a power below 0 is no number of days


def test_events_one_after_another_leave_nothing_between() -> None:
    assert (g_chart([0, 0, 0]).centre, g_chart([0, 0, 0]).upper) == (0, 0)
    assert t_chart([0, 0, 0]).upper == 0
    assert np.isnan(g_chart([np.nan]).upper)


def test_time_does_not_run_backwards() -> None:
    for draw in (g_chart, t_chart):
        with pytest.raises(ValueError, match="negative"):
            draw([3, -1])


# --- run charts ------------------------------------------------------------------------------------------------------
def test_a_short_series_that_keeps_to_one_side_is_a_shift() -> None:
    """Of ten values off the median a run of 6 may be chance, since log2(10) is 3.3; of sixteen, 7 may be and 8 may not."""
    chart = run_chart([1, 2, 1, 2, 1, 3, 5, 6, 5, 6, 5])
    assert (chart.centre, chart.useful, chart.longest_run, chart.run_limit) == (3, 10, 5, 6)
    assert (chart.crossings, chart.crossings_limit) == (1, 2)
    assert chart.crossings < chart.crossings_limit
    assert not chart.shift.any()
    low = run_chart([8, 9, 8, 9, 1, 2, 1, 2, 1, 2, 1, 2, 8, 9, 8, 9])
    assert (low.useful, low.longest_run, low.run_limit) == (16, 8, 7)
    assert np.flatnonzero(low.signal).tolist() == list(range(4, 12))


def test_values_on_the_median_and_gaps_neither_end_a_run_nor_count() -> None:
    chart = run_chart([1, 2, np.nan, 1, 3, 5, 6, 5])
    assert (chart.useful, chart.longest_run, chart.crossings) == (6, 3, 1)


def test_a_run_chart_of_nothing_has_no_median() -> None:
    chart = run_chart([np.nan, np.nan])
    assert np.isnan(chart.centre)
    assert (chart.useful, chart.longest_run, chart.crossings, chart.signal.any()) == (0, 0, 0, False)
