"""How far two groups differ at baseline, before and after weighting.

Conventions: a column with the values 0 and 1 only is binary, with variance p(1 - p). The variance of any other is
weighted, Σw(x - mean)² / (Σw - Σw²/Σw), which without weights divides by n - 1. The denominator of a standardised
difference never uses weights, so that before and after are measured with the same yardstick.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Floats
from .propensity import ESTIMANDS, check_groups


def standardised_difference(share: float, reference: float) -> float:
    """How many standard deviations apart are two shares?

    (p - q) / √((p(1-p) + q(1-q)) / 2); ``nan`` when both shares are 0 or 1 and differ, 0 when they are equal.

    Args:
        share: share in the group, 0 to 1.
        reference: share in the reference group, 0 to 1.

    Raises:
        ValueError: if a share lies outside 0 to 1.

    Source: Austin 2009, doi:10.1002/sim.3697.

    >>> round(standardised_difference(.5, .4), 4)
    0.202
    """
    for value in (share, reference):
        if not 0 <= value <= 1:
            raise ValueError("a share lies between 0 and 1.")
    if share == reference:
        return 0.0
    variance = (share * (1 - share) + reference * (1 - reference)) / 2
    return (share - reference) / math.sqrt(variance) if variance > 0 else math.nan


def standardised_differences(
    covariates: ArrayLike,
    treated: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    estimand: str = "ATE",
    raw_binary: bool = False,
) -> Floats:
    """How many standard deviations apart are the two groups' (weighted) means of each covariate?

    The denominator is the standard deviation without weights: for ATE and ATO the root of the mean of the two groups'
    variances, for ATT that of the treated, for ATC that of the reference group. These are the conventions of R's
    cobalt for ATE, ATT and ATC.

    Args:
        covariates: (n × k) numbers, categories as indicators.
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        weights: (n) weights, zero or more; 1 each when left out.
        estimand: "ATO", "ATE", "ATT" or "ATC".
        raw_binary: give binary columns as plain differences of shares (cobalt's default).

    Returns:
        (k) differences, treated less reference; 0 where the means are equal, ``nan`` where they differ and nothing
        varies.

    Raises:
        ValueError: if lengths differ, a number is missing, a group is empty or without weight, or the estimand is
            unknown.

    Source: Austin 2009, doi:10.1002/sim.3697; Greifer, cobalt, vignette "Frequently Asked Questions".

    >>> standardised_differences([[1], [3], [2], [4], [0], [2]], [1, 1, 1, 1, 0, 0]).round(4).tolist()
    [1.1078]
    """
    if estimand not in ESTIMANDS:
        raise ValueError(f"estimand must be one of {', '.join(ESTIMANDS)}; got {estimand!r}.")
    x, group, mass, binary = _columns(covariates, treated, weights)
    gap = _mean(x, mass * group) - _mean(x, mass * ~group)
    one, other = (_variance(x, arm.astype(np.float64), binary) for arm in (group, ~group))
    size = np.sqrt({"ATT": one, "ATC": other}.get(estimand, (one + other) / 2))
    if raw_binary:
        size = np.where(binary, 1.0, size)
    level = np.abs(gap) <= 1e-12 * np.abs(x).max(axis=0, initial=0)
    return np.where(level, 0.0, gap / np.where(size > 0, size, np.nan))


def variance_ratios(covariates: ArrayLike, treated: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """How many times as much does each covariate vary among the treated as in the reference group?

    Args:
        covariates: (n × k) numbers, categories as indicators.
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        weights: (n) weights, zero or more; 1 each when left out.

    Returns:
        (k) ratios of (weighted) variances; ``nan`` for binary columns, whose means say it all, and where the reference
        group does not vary.

    Raises:
        ValueError: as ``standardised_differences``.

    Source: Austin 2009, doi:10.1002/sim.3697.

    >>> variance_ratios([[0], [4], [1], [3]], [1, 1, 0, 0]).tolist()
    [4.0]
    """
    x, group, mass, binary = _columns(covariates, treated, weights)
    one, other = (_variance(x, mass * arm, binary) for arm in (group, ~group))
    return one / np.where((other > 0) & ~binary, other, np.nan)


def distribution_distances(covariates: ArrayLike, treated: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """How far apart, at the most, are the two groups' (weighted) shares at or below any value of a covariate?

    The Kolmogorov–Smirnov statistic; of a binary column the difference of shares.

    Args:
        covariates: (n × k) numbers, categories as indicators.
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        weights: (n) weights, zero or more; 1 each when left out.

    Returns:
        (k) distances between 0 (alike) and 1 (apart).

    Raises:
        ValueError: as ``standardised_differences``.

    Source: Austin and Stuart 2015, doi:10.1002/sim.6607.

    >>> distribution_distances([[1], [2], [2], [3]], [1, 1, 0, 0]).tolist()
    [0.5]
    """
    x, group, mass, _ = _columns(covariates, treated, weights)
    signed = mass * group / (mass @ group) - mass * ~group / (mass @ ~group)
    distances = np.zeros(x.shape[1])
    for place, column in enumerate(x.T):
        order = np.argsort(column, kind="stable")
        apart = np.abs(np.cumsum(signed[order]))
        last_of_tie = np.append(np.diff(column[order]) > 0, True)
        distances[place] = apart[last_of_tie].max()
    return np.where(distances > 1e-12, distances, 0.0)


def _columns(
    covariates: ArrayLike, treated: ArrayLike, weights: ArrayLike | None
) -> tuple[Floats, NDArray[np.bool_], Floats, NDArray[np.bool_]]:
    """The covariates, who is treated, everyone's weight, and which columns are binary."""
    group, design = check_groups(treated, covariates)
    mass = np.ones(group.size) if weights is None else np.asarray(weights, float)
    if mass.shape != group.shape or not np.isfinite(mass).all() or np.any(mass < 0):
        raise ValueError("weights must have one number a row, zero or more, none missing.")
    if not (mass @ group > 0 and mass @ ~group > 0):
        raise ValueError("A group has no weight: nothing to compare.")
    x = design[:, 1:]
    return x, group, np.asarray(mass, np.float64), np.asarray(np.isin(x, (0, 1)).all(axis=0), np.bool_)


def _mean(x: Floats, mass: Floats) -> Floats:
    return np.asarray(mass @ x / mass.sum(), np.float64)


def _variance(x: Floats, mass: Floats, binary: NDArray[np.bool_]) -> Floats:
    """The (weighted) variance of each column; ``nan`` for a single row."""
    mean = _mean(x, mass)
    spare = mass.sum() - mass @ mass / mass.sum()
    other = mass @ (x - mean) ** 2 / (spare if spare > 1e-12 * mass.sum() else np.nan)
    return np.where(binary, mean * (1 - mean), other)
