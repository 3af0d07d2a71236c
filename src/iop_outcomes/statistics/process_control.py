"""Is this month different, or is this how the programme always varies? Charts for a measure over time.

An XmR chart needs one number a period. Its limits come from how much neighbouring periods differ, so a shift in
level does not widen them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Floats

#: Expected moving range of two normal values, in standard deviations (d2 for n = 2, Montgomery 2013, appendix VI).
D2 = 1.128
#: Upper limit of moving ranges, in mean moving ranges (D4 for n = 2).
D4 = 3.267
#: Points in a row that make a shift or a trend.
RUN = 7

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class XmrChart:
    """An individuals chart: one entry per period, ``nan`` where the period has no value.

    ``values``, ``moving_ranges`` (P) in the measure's unit; a range is from the period before, ``nan`` without one ·
    ``centre``, ``lower``, ``upper``, ``mean_range``, ``range_limit`` numbers · ``screened`` (P) ranges
    left out of the mean range · signals (P): ``outside`` the limits, ``shift`` part of a run of 7 on one side,
    ``trend`` part of 7 rising or falling, ``outer_third`` one of 2 in 3 near the same limit.
    """

    values: Floats
    moving_ranges: Floats
    centre: float
    lower: float
    upper: float
    mean_range: float
    range_limit: float
    screened: Flags
    outside: Flags
    shift: Flags
    trend: Flags
    outer_third: Flags
    baseline: Flags
    method: str

    @property
    def signal(self) -> Flags:
        """Any signal (P)."""
        return self.outside | self.shift | self.trend | self.outer_third


def xmr_chart(values: ArrayLike, *, baseline: ArrayLike | None = None, screen: bool = False) -> XmrChart:
    """Which periods differ from what the programme's own variation explains?

    Centre is the mean of the baseline, limits are centre ± 3/1.128 (2.66) mean moving ranges. A period with no
    value is a gap: no range is taken across it, and it ends any run. A value on the centre line ends a run on one
    side; two equal neighbours end a trend. The outer third is beyond two thirds of the way to a limit.

    Args:
        values: (P) one value per period in order of time, ``nan`` for a gap.
        baseline: the number of first periods, or (P) booleans, from which centre and limits are computed; default all.
            A range counts when both of its periods are in the baseline.
        screen: leave out, once, moving ranges above 3.267 times their mean, and recompute.

    Returns:
        XmrChart; centre and limits are ``nan`` when the baseline has no value or no pair of neighbours.

    Raises:
        ValueError: if values are not one-dimensional or infinite, or the baseline does not fit them.

    Source: Montgomery (2013), Introduction to Statistical Quality Control, section 6.4; Wheeler (1993) for screening;
    Western Electric (1956) for runs, with 7 points as in NHS England's Making Data Count (2019).

    >>> chart = xmr_chart([10, 12, 11, 13, 12, 30], baseline=5)
    >>> chart.centre, round(chart.mean_range, 2), chart.outside.tolist()
    (11.6, 1.5, [False, False, False, False, False, True])
    """
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or series.size == 0 or np.isinf(series).any():
        raise ValueError("values must be one finite number per period, with nan for a gap.")
    chosen = _baseline(baseline, series.size)
    ranges = np.concatenate([[np.nan], np.abs(np.diff(series))])
    usable = np.isfinite(ranges) & chosen & np.concatenate([[False], chosen[:-1]])
    mean_range = _mean(ranges[usable])
    screened = np.zeros(series.size, dtype=bool)
    if screen:
        screened = usable & (ranges > D4 * mean_range)
        mean_range = _mean(ranges[usable & ~screened])
    centre = _mean(series[chosen & np.isfinite(series)])
    reach = 3 / D2 * mean_range
    off = series - centre
    gap = np.isnan(off)
    outer = np.where(np.abs(off) > 2 / 3 * reach, np.sign(off), 0.0)
    return XmrChart(
        values=series,
        moving_ranges=ranges,
        centre=centre,
        lower=centre - reach,
        upper=centre + reach,
        mean_range=mean_range,
        range_limit=D4 * mean_range,
        screened=screened,
        outside=np.abs(off) > reach,
        shift=_runs(np.where(gap, 0.0, np.sign(off)), RUN),
        trend=_trends(series),
        outer_third=_two_of_three(outer, gap),
        baseline=chosen,
        method="XmR, 3/1.128 mean moving ranges" + (", ranges screened once" if screen else ""),
    )


def _baseline(baseline: ArrayLike | None, periods: int) -> Flags:
    """Booleans (P) from a number of first periods, booleans, or nothing."""
    if baseline is None:
        return np.ones(periods, dtype=bool)
    given = np.asarray(baseline)
    if given.dtype == bool and given.shape == (periods,):
        return given
    if given.ndim == 0 and given.dtype.kind in "iu" and 2 <= int(given) <= periods:
        return np.arange(periods) < int(given)
    raise ValueError(f"baseline must be a number of periods from 2 to {periods}, or one True or False per period.")


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def _runs(signs: Floats, least: int) -> Flags:
    """Points in stretches of at least ``least`` equal non-zero signs."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(signs)) + 1])
    lengths = np.diff(np.append(starts, signs.size))
    return np.repeat((lengths >= least) & (signs[starts] != 0), lengths)


def _trends(series: Floats) -> Flags:
    """Points in stretches of at least seven values each above (or each below) the one before."""
    if series.size < RUN:
        return np.zeros(series.size, dtype=bool)
    steps = np.diff(series)
    climbing = _runs(np.where(np.isnan(steps), 0.0, np.sign(steps)), RUN - 1)
    return np.append(climbing, False) | np.insert(climbing, 0, False)


def _two_of_three(outer: Floats, gap: Flags) -> Flags:
    """Points in the outer third that share three neighbouring periods with another on the same side."""
    flags = np.zeros(outer.size, dtype=bool)
    for side in (-1.0, 1.0):
        near = outer == side
        pairs = near[1:] & near[:-1]
        flags[1:] |= pairs
        flags[:-1] |= pairs
        apart = near[2:] & near[:-2] & ~gap[1:-1]
        flags[2:] |= apart
        flags[:-2] |= apart
    return flags
