"""What may be said when not everyone was reached: bounds, shares weighted or imputed, and how different the rest must be.

The bounds assume nothing. The weights assume that within a cell the unreached are like the reached, imputation that
people alike in its predictors are; the tipping values say how far from that one must go to change a conclusion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .imputation import Pooled, pool_rubin
from .intervals import Estimate, FloatOrArray, Floats, as_given, normal_quantile
from .proportion import wilson


@dataclass(frozen=True, eq=False)
class Band:
    """The shares that no outcome of the unreached can leave, and the limits of that band.

    ``lower`` nobody unreached achieved it · ``upper`` everyone unreached did · ``low``, ``high`` confidence limits for
    the true share, wherever in the band it lies. ``nan`` where nobody is due.
    """

    lower: FloatOrArray
    upper: FloatOrArray
    low: FloatOrArray
    high: FloatOrArray
    conf_level: float
    method: str


def bounds(
    x: ArrayLike,
    reached: ArrayLike,
    due: ArrayLike,
    *,
    lower_error: ArrayLike | None = None,
    upper_error: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> Band:
    """Between which shares does the truth lie, whatever became of those not reached?

    The limits cover the true share at the level, not the whole band: with C from::

        Φ(C + (upper - lower) / max(error)) - Φ(-C) = level,

    C runs from the two-sided normal quantile when everyone is reached (1.96 at 95 %) to the one-sided one when the
    band is wide (1.64), and each limit lies C standard errors outside its bound. The two limits are Wilson's, so that
    they stay between 0 and 1 and a share of 0 or 1 keeps an interval; with everyone reached the result is ``wilson``,
    or with errors and ``clusters`` the interval of ``clustered_proportion``.

    Args:
        x: achieved it, among those reached; a number or an array, 0 ≤ x ≤ reached.
        reached: reached, 0 ≤ reached ≤ due.
        due: due, reached or not.
        lower_error: standard error of ``x / due``, linearised with people as clusters; binomial when absent.
        upper_error: standard error of ``(x + due - reached) / due``, likewise.
        clusters: people due, when errors are handed in. They widen the limits when people are few, and stand for the
            sample size where a bound is 0 or 1 and has no error; default: ``due``.
        conf_level: confidence level, above 0.5: at or below it the limits would lie inside the band.

    Returns:
        Band of shares between 0 and 1.

    Raises:
        ValueError: if a count is negative or missing, x exceeds reached or reached exceeds due, an error is negative,
            only one of the two errors is given, or the level is not between 0.5 and 1.

    Source: Manski 1989, doi:10.2307/145818; Imbens and Manski 2004, doi:10.1111/j.1468-0262.2004.00555.x;
    Stoye 2009, doi:10.3982/ECTA7347, for why it holds where the bounds are ordered by construction.

    Half of 400 people were reached, and three quarters of those achieved it:

    >>> band = bounds(150, 200, 400)
    >>> band.lower, band.upper, round(band.low, 3), round(band.high, 3)
    (0.375, 0.875, 0.336, 0.9)
    """
    x, reached, due = _follow_up(x, reached, due)
    if (lower_error is None) != (upper_error is None):
        raise ValueError("Give both errors, lower_error and upper_error, or neither.")
    total = np.where(due > 0, due, np.nan)
    shares = np.stack([x / total, (x + due - reached) / total])
    if lower_error is None or upper_error is None:
        errors, sizes = np.sqrt(shares * (1 - shares) / total), np.stack([due, due])
        method = "Imbens–Manski, Wilson limits"
    else:
        handed = [np.broadcast_to(np.asarray(error, float), due.shape) for error in (lower_error, upper_error)]
        if any(np.any(error < 0) for error in handed):
            raise ValueError("A standard error cannot be negative.")
        errors = np.stack(handed)
        people = due if clusters is None else np.broadcast_to(np.asarray(clusters, float), due.shape)
        sizes = np.stack(
            [_effective_size(p, e, due, people, people - 1, conf_level) for p, e in zip(shares, errors, strict=True)]
        )
        method = "Imbens–Manski, Wilson limits on effective sample size, people as clusters"
    reach = _reach_level(shares[1] - shares[0], np.fmax(*errors), conf_level)
    low, high = _wilson_limit(shares[0], sizes[0], reach, "low"), _wilson_limit(shares[1], sizes[1], reach, "high")
    return Band(as_given(shares[0]), as_given(shares[1]), as_given(low), as_given(high), conf_level, method)


def response_weights(reached: ArrayLike, cell: ArrayLike) -> Floats:
    """For how many of those due does each person reached stand, within cells of people alike?

    Args:
        reached: (n) whether the person was reached (True or 1).
        cell: (n) whole number naming the cell, known for everyone due.

    Returns:
        (n) due / reached of the cell; 0 for those not reached. The weights of a cell add to its due count.

    Raises:
        ValueError: if a cell has nobody reached: no weight can speak for it. Also for lengths that differ, nobody due,
            a ``reached`` other than 0 or 1, or a cell that is missing or not a whole number.

    Source: Little and Rubin (2002), Statistical Analysis with Missing Data, section 3.3.

    >>> response_weights([1, 0, 1, 1], [1, 1, 2, 2]).tolist()
    [2.0, 0.0, 1.0, 1.0]
    """
    answered, code = _cells(reached, cell)
    due, got = np.bincount(code), np.bincount(code, answered)
    return np.asarray(answered * (due / got)[code], np.float64)


def response_weighted_share(
    outcome: ArrayLike,
    reached: ArrayLike,
    cell: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> Estimate:
    """What share of everyone due achieved it, if within each cell the unreached are like the reached?

    Shares of the cells are weighted by how many were due in each. The standard error is linearised in all counts,
    those due and those reached, with the person as cluster: R's ``survey::svycontrast`` of Σ due·achieved/reached
    over ``svytotal`` on the design of everyone due. It is larger than that of ``postStratify``, which takes the mix of
    cells as known and with everyone reached falls below the binomial error. The interval is Wilson's on the effective
    number of people, which never exceeds those reached: cells that look pure because few were reached add no precision.

    Args:
        outcome: (n) 1 achieved, 0 not, ``nan`` where not reached.
        reached: (n) whether the person was reached (True or 1).
        cell: (n) whole number naming the cell, known for everyone due.
        cluster: (n) the person each row belongs to; default: every row its own.
        conf_level: confidence level.

    Returns:
        Estimate between 0 and 1; its error is ``nan`` with one person due.

    Raises:
        ValueError: as ``response_weights``; if an outcome is missing though reached, is there though not reached, or
            is other than 0 or 1; or if a cluster is missing.

    Source: Oh and Scheuren (1983), weighting-class adjustment; Korn and Graubard (1998) for the effective size.

    Two of three reached in the first cell, one of two in the second:

    >>> share = response_weighted_share([1, 0, np.nan, 1, np.nan], [1, 1, 0, 1, 0], [1, 1, 1, 2, 2])
    >>> round(share.value, 3)
    0.7
    """
    answered, code = _cells(reached, cell)
    y = np.asarray(outcome, float)
    if y.shape != answered.shape or not np.array_equal(np.isnan(y), answered == 0):
        raise ValueError("outcome must be known exactly where reached, and have one value a row.")
    y = np.where(answered > 0, y, 0.0)
    if not np.isin(y, (0, 1)).all():
        raise ValueError("outcome must be 0 or 1 where reached.")
    person = _clusters(cluster, len(y))
    due, got = np.bincount(code), np.bincount(code, answered)
    mean = np.bincount(code, y) / got
    value = float(due @ mean / len(y))
    influence = (answered * (due / got)[code] * (y - mean[code]) + mean[code] - value) / len(y)
    people = person.max() + 1
    sums = np.bincount(person, influence)
    std_error = float(np.sqrt(people / (people - 1) * (sums @ sums))) if people > 1 else np.nan
    spoken = np.array(len(np.unique(person[answered > 0])))
    size = _effective_size(np.array(value), np.array(std_error), answered.sum(), spoken, spoken - 1, conf_level)
    share = wilson(value * size, size, conf_level)
    clustered = ", people as clusters" if cluster is not None else ""
    method = f"response weights within cells, linearised{clustered}, Wilson on effective sample size"
    return Estimate(value, std_error, share.low, share.high, conf_level, method)


def pool_shares(
    completed: ArrayLike, reached: ArrayLike, *, cluster: ArrayLike | None = None, conf_level: float = 0.95
) -> Pooled:
    """What share of everyone due achieved it, going by the completed data sets?

    The shares are pooled by ``pool_rubin`` with linearised variances, the person as cluster. The interval is Wilson's
    on the effective number of people and the pooled degrees of freedom, so that it stays between 0 and 1; as in
    ``response_weighted_share`` that number never exceeds those reached, and is theirs where no share varies.

    Args:
        completed: (M × n) outcomes 0 or 1 of everyone due, as from ``impute_binary``.
        reached: (n) whether the person was reached (True or 1).
        cluster: (n) the person each row belongs to; default: every row its own.
        conf_level: confidence level.

    Raises:
        ValueError: if shapes differ, a value is other than 0 or 1, there are fewer than two data sets or two people,
            or nobody was reached.

    Source: Rubin (1987); Lott and Reiter 2020, doi:10.1080/00031305.2018.1473796, for Wilson's interval.

    >>> share = pool_shares([[1, 0, 1, 1], [1, 0, 1, 0], [1, 0, 1, 1]], [1, 1, 1, 0])
    >>> round(share.value, 3), round(share.low, 2), round(share.high, 2)
    (0.667, 0.11, 0.97)
    """
    filled, answered = np.asarray(completed, float), np.asarray(reached, float)
    if filled.ndim != 2 or filled.shape[1:] != answered.shape or not answered.any():
        raise ValueError("completed must have a row for each data set and a column for each person due, some reached.")
    if not (np.isin(filled, (0, 1)).all() and np.isin(answered, (0, 1)).all()):
        raise ValueError("completed and reached must be 0 or 1 throughout.")
    person = _clusters(cluster, len(answered))
    people = person.max() + 1
    if people < 2:
        raise ValueError("There must be two or more people.")
    shares = filled.mean(axis=1)
    sums = np.stack([np.bincount(person, one - share) for one, share in zip(filled, shares, strict=True)])
    variances = people / (people - 1) * np.sum(sums**2, axis=1) / len(answered) ** 2
    pooled = pool_rubin(shares, variances, complete_df=people - 1, conf_level=conf_level)
    spoken = np.array(len(np.unique(person[answered > 0])))
    heard, freedom = answered.sum(), np.array(pooled.df)
    size = _effective_size(np.array(pooled.value), np.array(pooled.std_error), heard, spoken, freedom, conf_level)
    share = wilson(pooled.value * size, size, conf_level)
    return replace(pooled, low=share.low, high=share.high, method=f"{pooled.method}, Wilson on effective sample size")


def tipping_share(x: ArrayLike, reached: ArrayLike, due: ArrayLike, target: ArrayLike) -> FloatOrArray:
    """What share of those not reached would have to achieve it for everyone together to be at the target?

    Args:
        x: achieved it, among those reached; a number or an array.
        reached: reached.
        due: due, reached or not.
        target: the share of everyone due, 0 to 1.

    Returns:
        Share between 0 and 1; ``nan`` where no outcome of the unreached gives the target (it lies outside
        ``bounds``), or everyone was reached.

    Raises:
        ValueError: if counts are impossible (see ``bounds``) or a target lies outside 0 to 1.

    With 60 of 80 reached achieving it, 100 due, half of the 20 unreached must for 70 %:

    >>> tipping_share(60, 80, 100, 0.7)
    0.5
    """
    x, reached, due = _follow_up(x, reached, due)
    wanted = np.asarray(target, float)
    if not np.all((wanted >= 0) & (wanted <= 1)):
        raise ValueError("target must be a share between 0 and 1.")
    unreached = np.where(due > reached, due - reached, np.nan)
    share = (wanted * due - x) / unreached
    rounding = 1e-12 * due / unreached
    possible = (share >= -rounding) & (share <= 1 + rounding)
    return as_given(np.where(possible, np.clip(share, 0, 1), np.nan))


def tipping_point(deltas: ArrayLike, values: ArrayLike, threshold: float = 0.0) -> float:
    """How different must the unreached be, at the least, before the conclusion changes?

    Args:
        deltas: (k) assumed differences of the unreached, each once, in any order; 0 is missing at random.
        values: (k) the figure that decides under each, say the lower limit of a difference; ``nan`` is a gap.
        threshold: the value at which the conclusion changes.

    Returns:
        The delta nearest 0 at which the curve, straight between its points, reaches the threshold (of two equally
        near, the negative one); ``nan`` when it never does on the deltas given.

    Raises:
        ValueError: if the lengths differ, there is no delta, or one is not finite or there twice.

    Source: Ratitch, O'Kelly and Tosiello 2013, doi:10.1002/pst.1549.

    >>> tipping_point([-2, -1, 0, 1], [-0.3, -0.1, 0.1, 0.2])
    -0.5
    """
    delta, value = np.asarray(deltas, float), np.asarray(values, float)
    if delta.ndim != 1 or delta.shape != value.shape or not len(delta):
        raise ValueError("deltas and values must be two lists of one length.")
    if not np.isfinite(delta).all() or np.isinf(value).any():
        raise ValueError("deltas must be finite, and values finite or nan.")
    order = np.argsort(delta)
    delta, gap = delta[order], (value - threshold)[order]
    if np.any(np.diff(delta) == 0):
        raise ValueError("Each delta may be given only once.")
    reached = list(delta[gap == 0])
    for left, right, start, end in zip(delta[:-1], delta[1:], gap[:-1], gap[1:], strict=True):
        if start * end < 0:
            reached.append(left + (right - left) * start / (start - end))
        elif start == end == 0:
            reached.append(np.clip(0.0, left, right))
    return float(min(reached, key=lambda point: (abs(point), point), default=np.nan))


def _follow_up(x: ArrayLike, reached: ArrayLike, due: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Counts as floats of one shape, refused when impossible."""
    x, reached, due = np.broadcast_arrays(*(np.asarray(count, float) for count in (x, reached, due)))
    if not (np.all(x >= 0) and np.all(x <= reached) and np.all(reached <= due) and np.all(np.isfinite(due))):
        raise ValueError("Counts must satisfy 0 ≤ x ≤ reached ≤ due, and none may be missing.")
    return x, reached, due


def _cells(reached: ArrayLike, cell: ArrayLike) -> tuple[Floats, Any]:
    """Reached as 0 or 1, and the cells as codes 0, 1, …; refused when a cell has nobody reached."""
    answered, label = np.asarray(reached, float), np.asarray(cell, float)
    if answered.ndim != 1 or answered.shape != label.shape or not len(answered):
        raise ValueError("reached and cell must be two lists of one length, one row for each person due.")
    if not np.isin(answered, (0, 1)).all():
        raise ValueError("reached must be True or False (1 or 0) in every row.")
    if not np.array_equal(label, np.round(label)):
        raise ValueError(
            "cell must be a whole number in every row: give people whose cell is unknown one of their own."
        )
    code = np.unique(label, return_inverse=True)[1]
    silent = int(np.sum(np.bincount(code, answered) == 0))
    if silent:
        raise ValueError(f"{silent} of {code.max() + 1} cells have nobody reached: join cells until each has someone.")
    return answered, code


def _clusters(cluster: ArrayLike | None, rows: int) -> Any:
    """The person of each row as codes 0, 1, …; every row its own when none are given."""
    if cluster is None:
        return np.arange(rows)
    label = np.asarray(cluster)
    if label.shape != (rows,) or (label.dtype.kind == "f" and np.isnan(label).any()):
        raise ValueError("cluster must name the person in every row.")
    return np.unique(label, return_inverse=True)[1]


def _effective_size(
    share: Floats, error: Floats, trials: Floats, people: Floats, df: Floats, conf_level: float
) -> Floats:
    """Korn and Graubard's effective sample size, at most ``trials``; the people where there is no error to go by."""
    from scipy.special import stdtrit

    upper = 0.5 + conf_level / 2
    estimable = (share > 0) & (share < 1) & (error > 0) & (df > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = share * (1 - share) / error**2 * trials / (trials - 1)
        student = stdtrit(np.maximum(trials - 1, 1), upper) / stdtrit(np.where(df > 0, df, 1), upper)
        return np.where(estimable, np.fmin(size * student**2, trials), people)


def _reach_level(width: Floats, error: Floats, conf_level: float) -> Floats:
    """The two-sided level 2Φ(C) - 1 whose normal quantile C solves Imbens and Manski's equation."""
    from scipy.special import ndtr, ndtri

    two_sided = normal_quantile(conf_level)
    if conf_level <= 0.5:
        raise ValueError("conf_level must be above 0.5: the limits of a band may not lie inside it.")
    ratio = np.divide(width, error, out=np.where(width > 0, np.inf, 0.0), where=error > 0)
    below, above = np.full(ratio.shape, ndtri(conf_level)), np.full(ratio.shape, two_sided)
    for _ in range(60):  # halving: the left side rises with C, and 2**-60 of the bracket is below rounding
        middle = (below + above) / 2
        short = ndtr(middle + ratio) - ndtr(-middle) < conf_level
        below, above = np.where(short, middle, below), np.where(short, above, middle)
    return np.asarray(np.where(ratio > 0, 2 * ndtr(above) - 1, conf_level), np.float64)


def _wilson_limit(share: Floats, size: Floats, level: Floats, side: str) -> Floats:
    """Wilson's lower or upper limit, each share with a size and a level of its own; ``nan`` where nobody is due."""
    limit = np.full(share.shape, np.nan)
    for place in np.ndindex(share.shape):
        if np.isfinite(share[place]):
            limit[place] = getattr(wilson(share[place] * size[place], size[place], float(level[place])), side)
    return limit
