"""Charts for what is rare: not how many a month, but how long until the next. Longer is rarer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .process_control import ControlChart, as_series, choose_baseline, find_signals, mean_of, xmr_chart

#: The share of a normal distribution beyond three standard deviations on one side.
TAIL = 0.00135
#: The power that makes exponential times nearly normal.
NELSON = 1 / 3.6


def g_chart(gaps: ArrayLike, *, baseline: ArrayLike | None = None) -> ControlChart:
    """Which events came sooner or later than chance explains, by what was counted between them?

    The number of non-events between two events is geometric. Limits are its exact 0.135 % and 99.865 % points, since
    three standard deviations of so skewed a distribution would call about 1 in 50 ordinary gaps a signal; the centre
    line is its median, so that runs on one side mean what they mean on other charts. There is rarely a lower limit: that
    events come more often shows in runs.

    Args:
        gaps: (P) units without the event between one event and the next, in order; ``nan`` for a gap in the record.
        baseline: the number of first gaps, or (P) booleans, from which the lines are computed; default all.

    Returns:
        ControlChart; ``lower`` is ``nan`` where not even a gap of 0 would be that rare.

    Raises:
        ValueError: if a gap is negative or infinite, or the baseline does not fit.

    Source: Benneyan (2001), Health Care Management Science 4:305-318, doi:10.1023/A:1011846412909, and 4:319-336,
    doi:10.1023/A:1011806727354, for limits by probability.

    >>> chart = g_chart([12, 7, 25, 3, 18, 130])
    >>> round(chart.centre, 2), chart.upper, chart.outside.tolist()
    (21.87, 218.0, [False, False, False, False, False, False])
    """
    series = _waits(gaps)
    chosen = choose_baseline(baseline, series.size)
    mean = mean_of(series[chosen & np.isfinite(series)])
    centre, lower, upper = (_geometric_point(mean, share) for share in (0.5, TAIL, 1 - TAIL))
    if mean > 0:
        centre = max(
            0.0, math.log(0.5) / math.log(mean / (mean + 1)) - 1
        )  # between whole numbers, so that few lie on it
    lower = lower if lower > 0 else float("nan")
    return ControlChart(
        **vars(find_signals(series, centre, lower, upper)),
        values=series,
        centre=centre,
        lower=lower,
        upper=upper,
        baseline=chosen,
        method="g-chart, exact geometric limits (0.135 % on each side), median",
    )


def t_chart(days: ArrayLike, *, baseline: ArrayLike | None = None, screen: bool = False) -> ControlChart:
    """Which events came sooner or later than chance explains, by the days between them?

    Exponential times to the power 1/3.6 are nearly normal; the lines are those of an XmR chart of the powers, taken back
    to days. The rules are applied to the powers.

    Args:
        days: (P) time between one event and the next, in order; ``nan`` for a gap in the record.
        baseline: the number of first times, or (P) booleans, from which the lines are computed; default all.
        screen: leave out, once, moving ranges (of powers) above 3.267 times their mean.

    Returns:
        ControlChart in days; ``lower`` is ``nan`` where the limit of the powers lies below 0.

    Raises:
        ValueError: if a time is negative or infinite, or the baseline does not fit.

    Source: Nelson (1994), A control chart for parts-per-million nonconforming items, Journal of Quality Technology
    26:239-240; Montgomery (2013), section 7.3.5.

    >>> chart = t_chart([286, 948, 536, 124, 816, 729, 4, 143])
    >>> round(chart.centre), round(chart.upper)
    (305, 4837)
    """
    series = _waits(days)
    powers = xmr_chart(series**NELSON, baseline=baseline, screen=screen)
    return ControlChart(
        **vars(find_signals(powers.values, powers.centre, powers.lower, powers.upper)),
        values=series,
        centre=powers.centre ** (1 / NELSON),
        lower=powers.lower ** (1 / NELSON) if powers.lower > 0 else float("nan"),
        upper=powers.upper ** (1 / NELSON),
        baseline=powers.baseline,
        method="t-chart, days to the power 1/3.6, " + powers.method,
    )


def _waits(values: ArrayLike) -> np.ndarray:
    series = as_series(values)
    if (series < 0).any():
        raise ValueError("what lies between two events cannot be negative.")
    return series


def _geometric_point(mean: float, share: float) -> float:
    """The smallest number of non-events that at least this share of gaps do not exceed."""
    if not mean > 0:
        return mean
    exact = math.log1p(-share) / math.log(mean / (mean + 1)) - 1
    return float(max(0, math.ceil(exact - 1e-9)))
