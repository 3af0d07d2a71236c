"""Shares of groups made comparable: logistic regression, regression standardisation, and strata.

A model is refused, with the reason in words and ``nan`` for numbers, where its answer would be an artefact: separation
(a combination of covariates that foretells the outcome wholly), covariates that cannot be told apart, fewer than ten
residual degrees of freedom, or a fit that does not settle. Standard errors come from stacked estimating equations
with people as clusters, so that they carry the uncertainty of the coefficients and of the averaging.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Estimate, Floats, as_given, normal_quantile
from .newton import expit, fit_logits, foretells_alone, sum_products

#: Fewest residual degrees of freedom (people less coefficients) at which a model is fitted.
LEAST_DF = 10
TOO_FEW = f"fewer than {LEAST_DF} people beyond the number of coefficients"
ALIKE = "the groups and covariates cannot be told apart"
SEPARATED = "some combination of group and covariates foretells the outcome wholly"
UNSETTLED = "the model did not settle"


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """Coefficients of a logistic regression on the log-odds scale, with their robust covariance.

    ``fitted`` (n) are the shares the model expects of each row of the ``design``. ``reason`` is empty, or says why there is
    no fit; then every number is ``nan``.
    """

    coefficients: Floats
    fitted: Floats
    clusters: int
    residual_df: int
    reason: str
    method: str
    design: Floats = field(repr=False)
    rows: _Rows = field(repr=False)

    @cached_property
    def covariance(self) -> Floats:
        """The sandwich, worked out when it is asked for."""
        if self.reason:
            return np.full((self.coefficients.size,) * 2, np.nan)
        pull = _pull(self.rows, self.design, self.fitted)
        return np.asarray(self.clusters / (self.clusters - 1) * pull.T @ pull, float)

    @property
    def std_error(self) -> Floats:
        """Of each coefficient."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), float)


@dataclass(frozen=True, eq=False)
class StandardisedShares:
    """The share of each group had everybody been in it, and the differences to a reference group.

    ``share`` and ``difference`` hold arrays in the order of ``groups``; the difference of the reference is ``nan``.
    ``reason`` is empty, or says why there is no estimate.
    """

    groups: tuple[Any, ...]
    reference: Any
    share: Estimate
    difference: Estimate
    clusters: int
    residual_df: int
    reason: str


@dataclass(frozen=True, eq=False)
class _Rows:
    """Checked rows: events of trials, weights, and the number of each row's cluster."""

    events: Floats
    trials: Floats
    weight: Floats
    cluster: NDArray[np.intp]
    clusters: int

    def add_up(self, rows: Floats) -> Floats:
        """Sums over the rows of each cluster (clusters × columns)."""
        return np.column_stack([np.bincount(self.cluster, column, self.clusters) for column in rows.T])


def logistic_regression(
    events: ArrayLike,
    design: ArrayLike,
    *,
    trials: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> LogisticFit:
    """How do the log-odds of the outcome go with each column, people as clusters?

    Working independence: the coefficients of a binomial GLM, and those of a GEE with independence. The covariance is the
    sandwich summed within clusters, times m/(m-1) for m clusters.

    Args:
        events: (n) events of each row; 0 or 1 where every row is one trial.
        design: (n × p) columns of the model, the intercept among them.
        trials: (n) trials of each row (1 when left out); rows without a trial add nothing.
        cluster: (n) the person each row belongs to; each row its own when left out.
        weights: (n) sampling or balancing weights, zero or more.

    Raises:
        ValueError: if lengths differ, a number is missing or negative, or events exceed trials.

    Source: Liang and Zeger (1986), doi:10.1093/biomet/73.1.13; separation by linear programme, Konis (2007).

    >>> fit = logistic_regression([30, 45], [[1, 0], [1, 1]], trials=[60, 60], cluster=[1, 2])
    >>> fit.reason
    'fewer than 10 people beyond the number of coefficients'
    """
    columns = np.asarray(design, float)
    rows = _checked(events, trials, cluster, weights, columns)
    beta, reason = _fit(rows, columns)
    method = "logistic regression, sandwich, people as clusters"
    spare = rows.clusters - columns.shape[1]
    if beta is None:
        beta = np.full(columns.shape[1], np.nan)
    fitted = expit(columns @ beta)
    return LogisticFit(beta, fitted, rows.clusters, spare, reason, method, columns, rows)


def standardised_shares(
    events: ArrayLike,
    group: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    trials: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    reference: Any = None,
    conf_level: float = 0.95,
) -> StandardisedShares:
    """What share would each group have, had its people been everybody?

    A logistic regression of the outcome on group and covariates predicts every row's share in each group in turn, its own
    covariates kept; the predictions are averaged over all rows, each counting its trials (and weight). Without
    covariates the shares are the plain ones, events over trials. Errors are from the stacked equations of coefficients
    and averages, with the cluster as unit, times m/(m-1); intervals are Student on m - p degrees of freedom, for the
    shares on the log-odds scale.

    Args:
        events: (n) events of each row.
        group: (n) the group of each row; two groups or more. A cluster may have rows in several.
        covariates: (n × k) numeric columns, categories as indicators, no intercept.
        trials: (n) trials of each row (1 when left out).
        cluster: (n) the person each row belongs to; each row its own when left out.
        weights: (n) sampling or balancing weights, zero or more.
        reference: the group others are compared with; the first in order when left out.
        conf_level: confidence level.

    Returns:
        StandardisedShares; all ``nan`` with a ``reason`` where the model is refused.

    Raises:
        ValueError: as ``logistic_regression``; if there is one group only; if the reference is not a group.

    Source: Robins (1986), doi:10.1016/0270-0255(86)90088-6 (g-formula); Stefanski and Boos (2002),
    doi:10.1198/000313002753631330 (M-estimation).

    >>> import numpy as np
    >>> made = standardised_shares(np.tile([1, 0, 1, 1], 10), np.repeat(["a", "b"], 20), reference="b")
    >>> made.share.value.round(6).tolist(), abs(made.difference.value[0]).round(6), made.residual_df
    ([0.75, 0.75], np.float64(0.0), 38)
    """
    from scipy.special import stdtrit

    normal_quantile(conf_level)
    names, place = np.unique(np.asarray(group), return_inverse=True)
    if names.size < 2:
        raise ValueError("There is one group only: nothing to compare.")
    base = names[0] if reference is None else reference
    if base not in names:
        raise ValueError("The reference is not one of the groups.")
    others = np.empty((place.size, 0)) if covariates is None else np.asarray(covariates, float)
    columns = np.column_stack([place[:, None] == np.arange(names.size), others])
    rows = _checked(events, trials, cluster, weights, columns)
    beta, reason = _fit(rows, columns)
    spare = rows.clusters - columns.shape[1]
    method = "logistic regression standardised over everybody" if others.size else "difference of shares"
    method = f"{method}, sandwich, people as clusters, Student"
    shares, influence = np.full(names.size, np.nan), np.full((rows.clusters, names.size), np.nan)
    if beta is not None:
        shares, influence = _average(rows, columns, beta, names.size)
    factor = rows.clusters / (rows.clusters - 1) if rows.clusters > 1 else np.nan
    error = np.sqrt(factor * (influence**2).sum(axis=0))
    start = int(np.flatnonzero(names == base)[0])
    gap = np.where(np.arange(names.size) == start, np.nan, shares - shares[start])
    gap_error = np.sqrt(factor * ((influence - influence[:, [start]]) ** 2).sum(axis=0)) + 0 * gap
    reach = float(stdtrit(max(spare, 1), 0.5 + conf_level / 2))
    logit, logit_error = np.log(shares / (1 - shares)), error / (shares * (1 - shares))
    limits = expit(logit - reach * logit_error), expit(logit + reach * logit_error)
    ends = np.maximum(gap - reach * gap_error, -1), np.minimum(gap + reach * gap_error, 1)
    return StandardisedShares(
        tuple(names.tolist()),
        base,
        Estimate(shares, error, *limits, conf_level, method),
        Estimate(gap, gap_error, *ends, conf_level, method),
        rows.clusters,
        spare,
        reason,
    )


def stratified_difference(
    events: ArrayLike,
    trials: ArrayLike,
    reference_events: ArrayLike,
    reference_trials: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> Estimate:
    """By how much do the shares differ inside strata, for example inside a person?

    The Mantel–Haenszel difference: each stratum's difference of shares, weighted by t·r/(t + r) for t trials and r
    reference trials, so that a stratum with one kind only says nothing. What is constant in a stratum cannot confound.
    Its error is linearised with the cluster as unit; Student interval on m - 1 degrees of freedom.

    Args:
        events, trials: (n) events and trials of each stratum.
        reference_events, reference_trials: (n) the same of the reference.
        cluster: (n) the person each stratum belongs to; each stratum its own when left out.
        conf_level: confidence level.

    Returns:
        Estimate between -1 and 1; ``nan`` where fewer than eleven clusters have both kinds.

    Raises:
        ValueError: if lengths differ, a number is missing or negative, or events exceed trials.

    Source: Greenland and Robins (1985), doi:10.2307/2530643, for the weights; Cochran (1977), section 6.4.

    >>> import numpy as np
    >>> made = stratified_difference(np.repeat([2, 3], 10), np.full(20, 4), np.repeat([1, 2], 10), np.full(20, 4))
    >>> float(made.value)
    0.25
    """
    from scipy.special import stdtrit

    normal_quantile(conf_level)
    one = _checked(events, trials, cluster, None, None)
    other = _checked(reference_events, reference_trials, cluster, None, None)
    if one.events.size != other.events.size:
        raise ValueError("Every column needs one number for each row.")
    total = one.trials + other.trials
    both = (one.trials > 0) & (other.trials > 0)
    total = np.where(both, total, np.inf)
    over = (one.events * other.trials - other.events * one.trials) / total
    weight = one.trials * other.trials / total
    method = "difference within strata (Mantel–Haenszel), people as clusters, Student"
    m = np.unique(one.cluster[both]).size
    if m <= LEAST_DF:
        return Estimate(np.nan, np.nan, np.nan, np.nan, conf_level, method)
    value = over.sum() / weight.sum()
    sums = one.add_up(np.column_stack([over, weight]))
    error = np.sqrt(m / (m - 1) * ((sums[:, 0] - value * sums[:, 1]) ** 2).sum()) / weight.sum()
    reach = stdtrit(m - 1, 0.5 + conf_level / 2) * error
    ends = as_given(max(value - reach, -1)), as_given(min(value + reach, 1))
    return Estimate(as_given(value), as_given(error), *ends, conf_level, method)


def _checked(
    events: ArrayLike,
    trials: ArrayLike | None,
    cluster: ArrayLike | None,
    weights: ArrayLike | None,
    columns: Floats | None,
) -> _Rows:
    """Rows of one length without missing or impossible numbers."""
    y = np.asarray(events, float)
    n = np.ones_like(y) if trials is None else np.asarray(trials, float)
    w = np.ones_like(y) if weights is None else np.asarray(weights, float)
    owner = np.arange(y.size) if cluster is None else np.asarray(cluster)
    lengths = {y.shape, n.shape, w.shape, owner.shape}
    if y.ndim != 1 or len(lengths) > 1 or (columns is not None and (columns.ndim != 2 or len(columns) != y.size)):
        raise ValueError("Every column needs one number for each row.")
    if not (np.all(y >= 0) and np.all(n >= y) and np.all(w >= 0)):
        raise ValueError("Events, trials and weights must be zero or more, none missing, and events at most trials.")
    if columns is not None and not np.isfinite(columns).all():
        raise ValueError("A covariate is missing or not finite: give it a category of its own first.")
    counted = (n > 0) & (w > 0)
    people, place = np.unique(owner[counted], return_inverse=True)
    number = np.zeros(y.size, dtype=np.intp)
    number[counted] = place
    return _Rows(np.where(counted, y, 0.0), np.where(counted, n, 0.0), np.where(counted, w, 0.0), number, people.size)


def _fit(rows: _Rows, columns: Floats) -> tuple[Floats | None, str]:
    """Coefficients, or none and the reason."""
    counted = rows.trials > 0
    x, y, n, w = columns[counted], rows.events[counted], rows.trials[counted], rows.weight[counted]
    if rows.clusters - columns.shape[1] < LEAST_DF:
        return None, TOO_FEW
    size = np.sqrt(np.einsum("ij,ij->j", x, x) / max(len(x), 1))
    if (size == 0).any():
        return None, ALIKE
    x /= size
    fit = fit_logits(y, x, w[None], trials=n)
    (beta,), (clear,) = fit.coefficients, fit.clear
    if clear:  # which proves that none of what follows applies
        return beta / size, ""
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return None, ALIKE
    if foretells_alone(y, x, w[None], trials=n)[0] or _is_separated(x, y, n):
        return None, SEPARATED
    (beta,) = fit_logits(y, x, w[None], trials=n, start=beta, steps=1_000).coefficients
    left_over = np.abs(x.T @ (w * (y - n * expit(x @ beta)))).max()
    return (beta / size, "") if left_over <= 1e-6 * (w * n).sum() else (None, UNSETTLED)


def _is_separated(x: Floats, y: Floats, n: Floats) -> bool:
    """Whether some direction never contradicts the outcome: then coefficients run away without end.

    Rows with both outcomes allow only directions on which they stand still; among those a linear programme looks for
    one on which no row of one outcome goes the wrong way, and some row goes the right way.
    """
    from scipy.linalg import null_space
    from scipy.optimize import linprog

    mixed = (y > 0) & (y < n)
    free = null_space(x[mixed].T @ x[mixed], rcond=1e-10) if mixed.any() else np.eye(x.shape[1])
    if free.shape[1] == 0 or mixed.all():
        return False
    sign = np.where(y[~mixed] > 0, 1.0, -1.0)
    towards = np.unique(np.round(sign[:, None] * (x[~mixed] @ free), 10), axis=0)
    found = linprog(-towards.sum(axis=0), A_ub=-towards, b_ub=np.zeros(len(towards)), bounds=(-1, 1), method="highs")
    return bool(-found.fun > 1e-7)


def _pull(rows: _Rows, columns: Floats, fitted: Floats) -> Floats:
    """Each cluster's influence on the coefficients (clusters × p)."""
    spread = rows.weight * rows.trials * fitted * (1 - fitted)
    scores = rows.add_up(columns * (rows.weight * (rows.events - rows.trials * fitted))[:, None])
    return np.asarray(np.linalg.solve(sum_products(columns, spread), scores.T).T, float)


def _average(rows: _Rows, columns: Floats, beta: Floats, groups: int) -> tuple[Floats, Floats]:
    """The average share in each group, and each cluster's influence on it (clusters × groups)."""
    pull = _pull(rows, columns, expit(columns @ beta))
    mass = rows.weight * rows.trials
    total = mass.sum()
    shares, influence = np.empty(groups), np.empty((rows.clusters, groups))
    for place in range(groups):
        there = columns.copy()
        there[:, :groups] = np.arange(groups) == place
        fitted = expit(there @ beta)
        shares[place] = mass @ fitted / total
        slope = (mass * fitted * (1 - fitted)) @ there / total
        own = rows.add_up((mass * (fitted - shares[place]))[:, None])[:, 0] / total
        influence[:, place] = own + pull @ slope
    return shares, influence
