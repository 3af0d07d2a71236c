"""A chart that needs no limits: does the series cross its median as often as chance would have it?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Floats
from .process_control import Signals, as_series, mark_runs, mark_trends


@dataclass(frozen=True, eq=False)
class RunChart(Signals):
    """A median with the runs around it; one entry per period, ``nan`` where the period has no value.

    ``useful`` counts the values that do not lie on the median · ``longest_run`` of them on one side, a signal above
    ``run_limit`` · ``crossings`` of the median, a signal below ``crossings_limit``. ``shift`` marks the points of a run
    that is too long; there are no limits, so no point is ``outside`` or in an ``outer_third``.
    """

    values: Floats
    centre: float
    useful: int
    longest_run: int
    run_limit: int
    crossings: int
    crossings_limit: int
    method: str


def run_chart(values: ArrayLike) -> RunChart:
    """Does a short series show more than chance, without limits?

    Of n values not on the median, chance keeps the longest run on one side at log2(n) + 3 or below (rounded) and crosses
    the median at least as often as the 5 % point of a binomial with n - 1 trials of 1/2. Values on the median and gaps
    neither end a run nor add to it.

    Args:
        values: (P) one value per period in order of time, ``nan`` for a gap.

    Returns:
        RunChart; the median is ``nan`` when there is no value.

    Raises:
        ValueError: if values are not one-dimensional or infinite.

    Source: Anhøj and Olesen (2014), Run charts revisited, PLoS ONE 9(11):e113825, doi:10.1371/journal.pone.0113825.

    >>> chart = run_chart([5, 6, 5, 7, 6, 5, 12, 13, 12, 14])
    >>> chart.centre, chart.longest_run, chart.run_limit, chart.crossings, chart.crossings_limit
    (6.5, 4, 6, 3, 2)
    """
    series = as_series(values)
    known = series[np.isfinite(series)]
    centre = float(np.median(known)) if known.size else float("nan")
    side = np.sign(np.where(np.isfinite(series), series - centre, 0.0))
    places = np.flatnonzero(side)
    useful = side[places]
    changes = np.flatnonzero(np.diff(useful))
    runs = np.diff(np.concatenate([[0], changes + 1, [useful.size]]))
    limit = round(math.log2(useful.size)) + 3 if useful.size else 3
    shift = np.zeros(series.size, dtype=bool)
    if useful.size:
        shift[places] = mark_runs(useful, limit + 1)
    none = np.zeros(series.size, dtype=bool)
    return RunChart(
        outside=none,
        shift=shift,
        trend=mark_trends(series),
        outer_third=none,
        values=series,
        centre=centre,
        useful=int(useful.size),
        longest_run=int(runs.max()),
        run_limit=limit,
        crossings=int(changes.size),
        crossings_limit=_binomial_point(max(useful.size - 1, 0)),
        method="run chart, median; runs and crossings of Anhøj and Olesen",
    )


def _binomial_point(trials: int) -> int:
    """The smallest number of heads in so many fair throws that at least 5 % of series do not exceed."""
    reached, heads = 1, 0
    while 20 * reached < 2**trials:
        heads += 1
        reached += math.comb(trials, heads)
    return heads
