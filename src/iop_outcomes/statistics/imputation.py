"""Multiple imputation of one outcome from complete predictors, and Rubin's rules for what comes of it.

The unreached are filled in many times from what was known of them, each time with coefficients drawn anew, so that the
spread between the completed data sets says what the missing outcomes cost. ``delta`` makes the unreached differ from
people like them who were reached (a pattern mixture); with one seed, the same draws are used for every delta.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .intervals import FloatOrArray, Floats, as_given, normal_quantile
from .newton import expit


@dataclass(frozen=True, eq=False)
class Pooled:
    """One figure from M completed data sets.

    ``df`` Barnard–Rubin degrees of freedom of the interval · ``relative_increase`` of the variance for what is
    missing · ``lambda_`` the share of the variance that comes from what is missing · ``fraction_missing`` the same
    allowing for few imputations.
    """

    value: FloatOrArray
    std_error: FloatOrArray
    low: FloatOrArray
    high: FloatOrArray
    df: FloatOrArray
    relative_increase: FloatOrArray
    fraction_missing: FloatOrArray
    lambda_: FloatOrArray
    imputations: int
    conf_level: float
    method: str


def impute_binary(
    outcome: ArrayLike, predictors: ArrayLike, *, imputations: int = 20, seed: int, delta: float = 0.0
) -> Floats:
    """Who of those not reached might have achieved it, going by people like them who were?

    Bayesian logistic regression as ``logreg`` of R's mice: coefficients are drawn from their large-sample normal
    posterior, then outcomes. A few rows of small weight around the mean of each predictor, half of them achieving it,
    keep the coefficients finite where a predictor tells the outcome perfectly or everyone reached ended alike.

    Args:
        outcome: (N) 1 achieved, 0 not, ``nan`` where not reached.
        predictors: (N) or (N × p) numbers known for everyone due; p may be 0. Columns that others already tell are
            left out.
        imputations: number of completed data sets, M.
        seed: seed of the draws; the same seed gives the same data sets.
        delta: added to the log odds of those not reached; 0 is missing at random.

    Returns:
        (M × N) completed outcomes, 0 or 1. A larger delta with the same seed only ever turns 0 into 1.

    Raises:
        ValueError: if an outcome is other than 0, 1 or ``nan``, nobody was reached, a predictor is missing or
            infinite, lengths differ, or there are no imputations.

    Source: Rubin (1987), section 5.3; White, Daniel and Royston 2010, doi:10.1016/j.csda.2010.04.005, for the added
    rows; van Buuren (2018), Flexible Imputation of Missing Data, section 3.6.

    >>> completed = impute_binary([1, 0, 1, np.nan, 0, np.nan], [3, 1, 4, 4, 2, 1], imputations=5, seed=1)
    >>> completed.shape, completed[:, 0].tolist()
    ((5, 6), [1.0, 1.0, 1.0, 1.0, 1.0])
    """
    y, x = _check(outcome, predictors, imputations, delta)
    missing = np.isnan(y)
    if not np.isin(y[~missing], (0, 1)).all():
        raise ValueError("outcome must be 0 or 1 where reached, and nan where not.")
    x = _standardise(x[:, _independent(x)], slice(None))
    steps = np.clip(_added_rows(x.shape[1]), x.min(axis=0), x.max(axis=0))
    weight = np.concatenate([np.ones(np.sum(~missing)), np.full(len(steps), (x.shape[1] + 1) / len(steps))])
    known = np.concatenate([y[~missing], np.tile([0.0, 1.0], len(steps) // 2)])
    coefficients, covariance = _fit_logit(_with_constant(np.vstack([x[~missing], steps])), known, weight)
    generator = np.random.default_rng(seed)
    drawn = coefficients + generator.standard_normal((imputations, len(coefficients))) @ _root(covariance)
    chance = expit(drawn @ _with_constant(x[missing]).T + delta)
    completed = np.tile(y, (imputations, 1))
    completed[:, missing] = generator.random(chance.shape) < chance
    return completed


def impute_numeric(
    outcome: ArrayLike, predictors: ArrayLike, *, imputations: int = 20, seed: int, donors: int = 5, delta: float = 0.0
) -> Floats:
    """What might those not reached have scored, going by people like them who were?

    Predictive mean matching as ``pmm`` of R's mice (type 1): each unreached person, predicted with drawn coefficients,
    takes the score of one of the reached whose prediction with the fitted coefficients is among the nearest. Where
    several reached people have the very same prediction the donor is drawn from all of them with the weights of a
    Bayesian bootstrap; mice then gives every such person the same few donors, and the spread comes out too wide.

    Args:
        outcome: (N) score, ``nan`` where not reached.
        predictors: (N) or (N × p) numbers known for everyone due; p may be 0. Columns that others already tell are
            left out.
        imputations: number of completed data sets, M.
        seed: seed of the draws; the same seed gives the same data sets.
        donors: how many of the nearest may give their score. Many donors among few people pull towards the mean of
            those reached.
        delta: added to the imputed scores, in units of the outcome; 0 is missing at random. May leave the scale.

    Returns:
        (M × N) completed scores; without delta every imputed score is one that somebody reached had.

    Raises:
        ValueError: as ``impute_binary``; if an outcome is infinite, donors is less than 1, or the people reached do
            not outnumber the coefficients.

    Source: Little 1988, doi:10.1080/07350015.1988.10509663; van Buuren (2018), Flexible Imputation of Missing Data,
    section 3.4; Rubin 1981, doi:10.1214/aos/1176345338, for the Bayesian bootstrap.

    >>> scores = impute_numeric([9, 4, 12, np.nan, 7, 6, 11], [8, 5, 11, 10, 7, 5, 12], imputations=5, seed=1, donors=1)
    >>> scores.shape, set(scores[:, 3]) <= {9, 12, 11, 7}
    ((5, 7), True)
    """
    y, x = _check(outcome, predictors, imputations, delta)
    missing = np.isnan(y)
    if np.isinf(y).any():
        raise ValueError("outcome must be a finite number where reached, and nan where not.")
    if donors < 1:
        raise ValueError("donors must be 1 or more.")
    known = y[~missing]
    x = x[:, _independent(x[~missing])]
    spare = len(known) - x.shape[1] - 1
    if spare < 1:
        raise ValueError("More people must be reached than there are predictors: use fewer predictors.")
    design = _with_constant(_standardise(x, ~missing))
    inverse: Any = np.linalg.inv(design[~missing].T @ design[~missing])
    coefficients = inverse @ (design[~missing].T @ known)
    fitted = design[~missing] @ coefficients
    generator = np.random.default_rng(seed)
    spread = np.sqrt(np.sum((known - fitted) ** 2) / generator.chisquare(spare, imputations))
    noise = generator.standard_normal((imputations, len(coefficients))) @ _root(inverse)
    predicted = (coefficients + spread[:, None] * noise) @ design[missing].T
    completed = np.tile(y, (imputations, 1))
    for number, targets in enumerate(predicted):
        completed[number, missing] = known[_match(fitted, targets, min(donors, len(known)), generator)] + delta
    return completed


def pool_rubin(
    values: ArrayLike, variances: ArrayLike, *, complete_df: float = np.inf, conf_level: float = 0.95
) -> Pooled:
    """What do the completed data sets say together, and how sure are they?

    Args:
        values: (M) or (M × k) estimates, one row a completed data set.
        variances: squared standard errors, of the same shape.
        complete_df: degrees of freedom were nothing missing, such as people less 1; ``inf`` for a normal interval.
        conf_level: confidence level.

    Returns:
        Pooled numbers, or arrays of length k. Equal values throughout add nothing: the degrees of freedom are then
        those of complete data. Without any variance ``lambda_``, ``fraction_missing`` and the increase are ``nan``.

    Raises:
        ValueError: if there are fewer than two data sets, shapes differ, a number is missing or infinite, a variance
            is negative, or complete_df is not above 0.

    Source: Rubin (1987), section 3.1; Barnard and Rubin 1999, doi:10.1093/biomet/86.4.948. As R's ``mice::pool``.

    >>> pooled = pool_rubin([0.50, 0.54, 0.52], [0.0016, 0.0017, 0.0015], complete_df=149)
    >>> round(pooled.value, 2), round(pooled.std_error, 4), round(pooled.df, 1)
    (0.52, 0.0462, 24.8)
    """
    from scipy.special import stdtrit

    normal_quantile(conf_level)
    q, u = np.asarray(values, float), np.asarray(variances, float)
    if q.ndim not in (1, 2) or q.shape != u.shape or len(q) < 2:
        raise ValueError("values and variances must have one shape, with two or more completed data sets as rows.")
    if not (np.isfinite(q).all() and np.isfinite(u).all() and np.all(u >= 0) and complete_df > 0):
        raise ValueError("Estimates must be finite, variances finite and not negative, and complete_df above 0.")
    count = len(q)
    within, between = u.mean(axis=0), np.where(np.ptp(q, axis=0) > 0, q.var(axis=0, ddof=1), 0.0)
    extra = (1 + 1 / count) * between
    total = within + extra
    with np.errstate(divide="ignore", invalid="ignore"):
        share, increase = extra / total, extra / within
        df = (count - 1) / share**2
        if np.isfinite(complete_df):
            observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
            df = 1 / (1 / df + 1 / observed)
        fraction = np.where(extra > 0, share + 2 / (df + 3) * (1 - share), share)
    value = q.mean(axis=0)
    std_error = np.sqrt(total)
    reach = stdtrit(df, 0.5 + conf_level / 2) * std_error
    return Pooled(
        value=as_given(value),
        std_error=as_given(std_error),
        low=as_given(value - reach),
        high=as_given(value + reach),
        df=as_given(df),
        relative_increase=as_given(increase),
        fraction_missing=as_given(fraction),
        lambda_=as_given(share),
        imputations=count,
        conf_level=conf_level,
        method="Rubin's rules, Barnard–Rubin degrees of freedom",
    )


def _check(outcome: ArrayLike, predictors: ArrayLike, imputations: int, delta: float) -> tuple[Floats, Floats]:
    """The outcome (N) and the predictors (N × p) as floats, refused when impossible."""
    y, x = np.asarray(outcome, float), np.asarray(predictors, float)
    x = x[:, None] if x.ndim == 1 else x
    if y.ndim != 1 or x.ndim != 2 or len(x) != len(y):
        raise ValueError("outcome and predictors must have one row for each person due.")
    if not np.isfinite(x).all():
        raise ValueError("Predictors must be known for everyone due: make missing a category of its own.")
    if np.isnan(y).all():
        raise ValueError("Nobody was reached: there is nobody to learn from.")
    if imputations < 1 or not np.isfinite(delta):
        raise ValueError("imputations must be 1 or more, and delta a finite number.")
    return y, x


def _independent(x: Floats) -> list[int]:
    """The columns (n × p) that neither a constant nor an earlier column already tells."""
    basis = np.full((len(x), 1), len(x) ** -0.5)
    kept: list[int] = []
    for place, column in enumerate(x.T):
        rest = column
        for _ in range(2):  # the second pass removes what rounding left of the first
            rest = rest - basis @ (basis.T @ rest)
        length = np.linalg.norm(rest)
        if length > 1e-9 * np.linalg.norm(column):
            basis, kept = np.column_stack([basis, rest / length]), [*kept, place]
    return kept


def _standardise(x: Floats, over: Any) -> Floats:
    """Columns in standard deviations from their mean, both taken over the rows named."""
    centre, rows = x[over].mean(axis=0), len(x[over])
    return np.asarray((x - centre) * np.sqrt(rows - 1) / np.linalg.norm(x[over] - centre, axis=0), np.float64)


def _with_constant(x: Floats) -> Floats:
    return np.column_stack([np.ones(len(x)), x])


def _root(covariance: Floats) -> Floats:
    """The matrix that turns rows of independent normal draws into draws with this covariance."""
    return np.asarray(np.linalg.cholesky(covariance).T, np.float64)


def _added_rows(p: int) -> Floats:
    """Half a standard deviation either side of the mean of each predictor, each twice; without predictors, the mean."""
    either_side = np.concatenate([np.eye(p) / 2, -np.eye(p) / 2]) if p else np.zeros((1, 0))
    return np.repeat(either_side, 2, axis=0)


def _fit_logit(design: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Coefficients of a weighted logistic regression and their covariance, by Newton steps halved where they overshoot."""

    def fit(beta: Floats) -> float:
        log_odds = design @ beta
        return float(weight @ (y * log_odds - np.logaddexp(0, log_odds)))

    beta = np.zeros(design.shape[1])
    for _ in range(100):
        chance = expit(design @ beta)
        information = (design.T * (weight * chance * (1 - chance))) @ design
        step = np.linalg.solve(information, design.T @ (weight * (y - chance)))
        here = fit(beta)
        while fit(beta + step) < here - 1e-9 * abs(here):
            step = step / 2
        beta = beta + step
        if np.max(np.abs(step)) < 1e-10:
            break
    return beta, np.asarray(np.linalg.inv(information), np.float64)


def _match(fitted: Floats, targets: Floats, donors: int, generator: np.random.Generator) -> Any:
    """For each target the place of a donor: one of the nearest at random, among equals by Bayesian bootstrap."""
    order = np.argsort(fitted, kind="stable")
    ranked = fitted[order]
    # rows alike may differ in the last bits of their prediction: steps below this are no steps
    step = np.diff(ranked) > 1e-10 * max(np.ptp(ranked), np.abs(ranked).max())
    first = np.concatenate([[0], np.flatnonzero(step) + 1])
    group = np.concatenate([[0], np.cumsum(step)])
    mass = np.concatenate([[0.0], np.cumsum(generator.exponential(size=len(ranked)))])
    window = np.searchsorted(ranked, targets)[:, None] + np.arange(-donors, donors)
    inside = (window >= 0) & (window < len(ranked))
    distance = np.where(inside, np.abs(ranked[np.clip(window, 0, len(ranked) - 1)] - targets[:, None]), np.inf)
    near = np.take_along_axis(window, np.argsort(distance, axis=1, kind="stable"), axis=1)
    picked = group[near[np.arange(len(targets)), generator.integers(donors, size=len(targets))]]
    start, end = mass[first][picked], mass[np.append(first[1:], len(ranked))][picked]
    drawn = np.searchsorted(mass, start + generator.random(len(targets)) * (end - start), side="right") - 1
    return order[drawn]
