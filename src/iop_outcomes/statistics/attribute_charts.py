"""Charts for shares with counts behind them: p, p′ where months differ more than counting explains, and how to tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Floats
from .process_control import D2, ControlChart, Flags, choose_baseline, find_ranges, find_signals


@dataclass(frozen=True, eq=False)
class PChart(ControlChart):
    """A chart of shares; its limits (P) are wider where a period has fewer units.

    ``sigma_z`` is how many times as far neighbouring periods lie apart as counting alone explains: 1 on a p-chart.
    """

    sigma_z: float


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Whether shares differ more from period to period than counting alone explains.

    ``ratio`` is the statistic over its degrees of freedom, about 1 when they do not.
    """

    ratio: float
    statistic: float
    degrees: int
    p_value: float


def p_chart(events: ArrayLike, units: ArrayLike, *, baseline: ArrayLike | None = None) -> PChart:
    """Which periods have a share that chance in counting does not explain?

    Centre is all events over all units of the baseline; the limits of a period are centre ± 3 binomial standard
    errors for its own number of units, kept between 0 and 1.

    Args:
        events: (P) events per period, ``nan`` for a gap.
        units: (P) what they are counted among; 0 is a gap.
        baseline: the number of first periods, or (P) booleans, from which the centre is computed; default all.

    Raises:
        ValueError: if counts are negative, infinite or more than their units, or the baseline does not fit them.

    Source: Montgomery (2013), Introduction to Statistical Quality Control, section 7.2.

    >>> chart = p_chart([12, 15, 8, 10], [50, 50, 50, 25])
    >>> round(chart.centre, 3), chart.upper.round(3).tolist()
    (0.257, [0.443, 0.443, 0.443, 0.519])
    """
    return _chart(*_counted(events, units), baseline, 1.0, "p-chart, 3 binomial standard errors")


def p_prime_chart(
    events: ArrayLike, units: ArrayLike, *, baseline: ArrayLike | None = None, screen: bool = False
) -> PChart:
    """Which periods have a share that neither counting nor the ordinary differences between periods explain?

    As a p-chart, with standard errors times sigma_z: the mean moving range of the standardised shares, over 1.128.

    Args:
        events: (P) events per period, ``nan`` for a gap.
        units: (P) what they are counted among; 0 is a gap.
        baseline: the number of first periods, or (P) booleans, from which centre and sigma_z are computed; default all.
        screen: leave out, once, moving ranges above 3.267 times their mean.

    Returns:
        PChart; limits are ``nan`` when the baseline has no pair of neighbours or all shares are 0 or all are 1.

    Raises:
        ValueError: if counts are negative, infinite or more than their units, or the baseline does not fit them.

    Source: Laney (2002), Improved control charts for attributes, Quality Engineering 14:531-537,
    doi:10.1081/QEN-120003555.

    >>> chart = p_prime_chart([120, 180, 110, 190], [500, 500, 500, 500])
    >>> round(chart.sigma_z, 2), chart.upper.round(2).tolist()
    (6.06, [0.67, 0.67, 0.67, 0.67])
    """
    counts, bases = _counted(events, units)
    chosen = choose_baseline(baseline, counts.size)
    centre, error = _centre(counts, bases, chosen)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = (counts / bases - centre) / error
    _, mean_range, _ = find_ranges(np.where(np.isfinite(scaled), scaled, np.nan), chosen, screen)
    method = "p′-chart (Laney), 3 standard errors × sigma_z" + (", ranges screened once" if screen else "")
    return _chart(counts, bases, baseline, mean_range / D2, method)


def dispersion_test(events: ArrayLike, units: ArrayLike, *, segment: ArrayLike | None = None) -> Dispersion:
    """Do shares differ more from period to period than counting alone explains?

    Pearson's chi-squared of the counts against one common share; only its upper tail speaks for overdispersion.

    Args:
        events: (P) events per period, ``nan`` for a gap.
        units: (P) what they are counted among; 0 is a gap.
        segment: (P) labels of stretches with a level of their own, as after a rebase; default one level.

    Returns:
        Dispersion; ratio and p-value are ``nan`` with fewer than two periods or when all shares are 0 or all are 1.

    Raises:
        ValueError: if counts are negative, infinite or more than their units.

    Source: Pearson (1900), doi:10.1080/14786440009463897; Spiegelhalter (2005), doi:10.1002/sim.1970, for its use.

    >>> test = dispersion_test([12, 30, 9, 28], [50, 50, 50, 50])
    >>> round(test.ratio, 2), test.degrees, test.p_value < 0.001
    (9.73, 3, True)
    """
    from scipy.special import chdtrc

    counts, bases = _counted(events, units)
    labels = np.zeros(counts.size) if segment is None else np.asarray(segment)
    statistic, degrees = 0.0, 0
    for label in np.unique(labels):
        inside = (labels == label) & (bases > 0)
        centre, error = _centre(counts, bases, inside)
        if 0 < centre < 1:
            statistic += float((((counts / bases - centre) / error)[inside] ** 2).sum())
            degrees += int(inside.sum()) - 1
    if degrees == 0:
        return Dispersion(float("nan"), float("nan"), 0, float("nan"))
    return Dispersion(statistic / degrees, statistic, degrees, float(chdtrc(degrees, statistic)))


def _counted(events: ArrayLike, units: ArrayLike) -> tuple[Floats, Floats]:
    """Events and units (P), both ``nan`` in a gap."""
    counts, bases = np.asarray(events, dtype=np.float64), np.asarray(units, dtype=np.float64)
    if counts.ndim != 1 or counts.size == 0 or counts.shape != bases.shape:
        raise ValueError("events and units must be one number each per period.")
    gap = np.isnan(counts) | np.isnan(bases) | (bases == 0)
    if np.isinf(counts).any() or np.isinf(bases).any() or ((counts < 0) | (bases < 0) | (counts > bases)).any():
        raise ValueError("events must lie between 0 and the number of units of their period.")
    return np.where(gap, np.nan, counts), np.where(gap, np.nan, bases)


def _centre(counts: Floats, bases: Floats, chosen: Flags) -> tuple[float, Floats]:
    """The common share of the chosen periods, and each period's standard error under it."""
    total = float(np.nansum(bases[chosen]))
    centre = float(np.nansum(counts[chosen])) / total if total else float("nan")
    return centre, np.sqrt(centre * (1 - centre) / bases)


def _chart(counts: Floats, bases: Floats, baseline: ArrayLike | None, sigma_z: float, method: str) -> PChart:
    chosen = choose_baseline(baseline, counts.size)
    centre, error = _centre(counts, bases, chosen)
    reach = 3 * sigma_z * error
    shares = counts / bases
    return PChart(
        **vars(find_signals(shares, centre, centre - reach, centre + reach)),
        values=shares,
        centre=centre,
        lower=np.clip(centre - reach, 0.0, 1.0),
        upper=np.clip(centre + reach, 0.0, 1.0),
        baseline=chosen,
        method=method,
        sigma_z=sigma_z,
    )
