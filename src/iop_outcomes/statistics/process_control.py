"""Is this month different, or is this how the programme always varies? What all control charts share, and the XmR chart.

A chart is a centre line with limits; which points are signals is decided by the same four rules on every chart, whether
its limits are straight lines or differ from period to period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import FloatOrArray, Floats

#: Expected moving range of two normal values, in standard deviations (d2 for n = 2, Montgomery 2013, appendix VI).
D2 = 1.128
#: Upper limit of moving ranges, in mean moving ranges (D4 for n = 2).
D4 = 3.267
#: Points in a row that make a shift or a trend.
RUN = 7
#: Values closer to the centre line or a limit than this, in parts of it, lie on it: sums differ in their last digits.
_NEAR = 1e-9

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Signals:
    """Which points stand out, by rule, one flag per period (P).

    ``outside`` the limits · ``shift`` part of a run of 7 on one side · ``trend`` part of 7 rising or falling ·
    ``outer_third`` one of 2 in 3 neighbours near the same limit.
    """

    outside: Flags
    shift: Flags
    trend: Flags
    outer_third: Flags

    @property
    def signal(self) -> Flags:
        """Any signal (P)."""
        return self.outside | self.shift | self.trend | self.outer_third


@dataclass(frozen=True, eq=False)
class ControlChart(Signals):
    """A chart with limits: one entry per period (or event), ``nan`` where it has no value.

    ``values`` (P) in the measure's unit · ``centre`` a number · ``lower``, ``upper`` numbers where they are the same for
    all periods, else (P); ``nan`` where there is no such limit · ``baseline`` (P) what they were computed from.
    """

    values: Floats
    centre: float
    lower: FloatOrArray
    upper: FloatOrArray
    baseline: Flags
    method: str


@dataclass(frozen=True, eq=False)
class XmrChart(ControlChart):
    """An individuals chart.

    ``moving_ranges`` (P) is the distance from the period before, ``nan`` without one · ``mean_range``, ``range_limit``
    numbers · ``screened`` (P) ranges left out of the mean range.
    """

    moving_ranges: Floats
    mean_range: float
    range_limit: float
    screened: Flags


def xmr_chart(values: ArrayLike, *, baseline: ArrayLike | None = None, screen: bool = False) -> XmrChart:
    """Which periods differ from what the programme's own variation explains?

    Centre is the mean of the baseline, limits are centre ± 3/1.128 (2.66) mean moving ranges, so that a shift in level
    does not widen them. A period with no value is a gap: no range is taken across it, and it ends any run.

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
    series = as_series(values)
    chosen = choose_baseline(baseline, series.size)
    ranges, mean_range, screened = find_ranges(series, chosen, screen)
    centre = mean_of(series[chosen & np.isfinite(series)])
    reach = 3 / D2 * mean_range
    return XmrChart(
        **vars(find_signals(series, centre, centre - reach, centre + reach)),
        values=series,
        centre=centre,
        lower=centre - reach,
        upper=centre + reach,
        baseline=chosen,
        method="XmR, 3/1.128 mean moving ranges" + (", ranges screened once" if screen else ""),
        moving_ranges=ranges,
        mean_range=mean_range,
        range_limit=D4 * mean_range,
        screened=screened,
    )


def find_signals(values: Floats, centre: float, lower: FloatOrArray, upper: FloatOrArray) -> Signals:
    """Which points of any chart are signals?

    A value on the centre line ends a run on one side; two equal neighbours end a trend; a gap ends both. The outer
    third is beyond two thirds of the way from the centre to the limit on that side, wherever it lies for that period.

    Args:
        values: (P) in order of time, ``nan`` for a gap.
        centre: the centre line.
        lower: the lower limit, a number or (P); ``nan`` where there is none, and then nothing lies beyond it.
        upper: the upper limit, likewise.

    >>> find_signals(np.array([1.0, 9.0, 2.0]), 2.0, np.nan, np.array([4.0, 8.0, 4.0])).outside.tolist()
    [False, True, False]
    """
    off = np.where(np.isclose(values, centre, rtol=_NEAR, atol=0.0), 0.0, values - centre)
    gap = np.isnan(off)
    reach = np.where(off > 0, upper - centre, centre - lower) * (1 + _NEAR)
    side = np.where(gap, 0.0, np.sign(off))
    return Signals(
        outside=(side != 0) & (np.abs(off) > reach),
        shift=mark_runs(side, RUN),
        trend=mark_trends(values),
        outer_third=_mark_two_of_three(np.where(np.abs(off) > 2 / 3 * reach, side, 0.0), gap),
    )


def as_series(values: ArrayLike) -> Floats:
    """One finite number per period, ``nan`` for a gap; ``ValueError`` for anything else."""
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or series.size == 0 or np.isinf(series).any():
        raise ValueError("values must be one finite number per period, with nan for a gap.")
    return series


def choose_baseline(baseline: ArrayLike | None, periods: int) -> Flags:
    """Booleans (P) from a number of first periods, booleans, or nothing; ``ValueError`` for one that does not fit."""
    if baseline is None:
        return np.ones(periods, dtype=bool)
    given = np.asarray(baseline)
    if given.dtype == bool and given.shape == (periods,):
        return given
    if given.ndim == 0 and given.dtype.kind in "iu" and 2 <= int(given) <= periods:
        return np.arange(periods) < int(given)
    raise ValueError(f"baseline must be a number of periods from 2 to {periods}, or one True or False per period.")


def find_ranges(series: Floats, baseline: Flags, screen: bool = False) -> tuple[Floats, float, Flags]:
    """Moving ranges (P), the mean of those inside the baseline, and which (P) were screened out of it."""
    ranges = np.concatenate([[np.nan], np.abs(np.diff(series))])
    usable = np.isfinite(ranges) & baseline & np.concatenate([[False], baseline[:-1]])
    mean_range = mean_of(ranges[usable])
    screened = usable & (ranges > D4 * mean_range) & screen
    return ranges, mean_of(ranges[usable & ~screened]), screened


def mean_of(values: Floats) -> float:
    """The mean, ``nan`` of nothing."""
    return float(values.mean()) if values.size else float("nan")


def mark_runs(signs: Floats, least: int) -> Flags:
    """Points in stretches of at least ``least`` equal non-zero signs."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(signs)) + 1])
    lengths = np.diff(np.append(starts, signs.size))
    return np.repeat((lengths >= least) & (signs[starts] != 0), lengths)


def mark_trends(series: Floats) -> Flags:
    """Points in stretches of at least seven values each above (or each below) the one before."""
    if series.size < RUN:
        return np.zeros(series.size, dtype=bool)
    steps = np.diff(series)
    climbing = mark_runs(np.where(np.isnan(steps), 0.0, np.sign(steps)), RUN - 1)
    return np.append(climbing, False) | np.insert(climbing, 0, False)


def _mark_two_of_three(outer: Floats, gap: Flags) -> Flags:
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
