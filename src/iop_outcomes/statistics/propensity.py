"""Weights that make two groups alike in what was measured before, and how far such weights can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .estimating_equations import Pull, fit_step, person_codes, scale_rows, sum_by_person
from .intervals import Floats
from .regression import SEPARATED

#: Whose effect: the people who could be in either group, everybody, the treated, the reference group.
ESTIMANDS = ("ATO", "ATE", "ATT", "ATC")
NOBODY_ALIKE = "some combination of covariates foretells the group wholly"
#: Scores this close are equal but for rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class BalanceWeights:
    """A weight for each row, and what is needed to carry the weights' own uncertainty into an estimate.

    ``weights`` (n) · ``propensity`` (n) fitted probability of treatment · ``treated`` (n) · ``reason`` empty, or why
    there are no weights; then they are ``nan``. With the fitted score's design (n × p), ``log_slope`` (n) is the
    derivative of the log weight by the linear predictor, and ``pull`` each row's pull on the coefficients.
    """

    estimand: str
    weights: Floats
    propensity: Floats
    treated: NDArray[np.bool_]
    reason: str
    design: Floats = field(repr=False)
    log_slope: Floats = field(repr=False)
    pull: Pull = field(repr=False)

    def carry(self, pull: Floats) -> Floats:
        """How much does each row pull on an estimate once the weights count as estimated, not known?

        Args:
            pull: (n × K) each row's pull on K estimates with the weights held fixed: the weight times the derivative
                of the estimate by it.

        Returns:
            (n × K) the pull of each row on the same estimates with the score fitted anew.
        """
        return pull + self.pull @ (self.design.T @ scale_rows(pull, self.log_slope))


@dataclass(frozen=True, eq=False)
class Overlap:
    """The shares of rows outside common support, and its ends on the scale of the propensity."""

    outside: float
    treated_outside: float
    reference_outside: float
    low: float
    high: float


def balance_weights(
    treated: ArrayLike, covariates: ArrayLike | None, estimand: str = "ATO", *, cluster: ArrayLike | None = None
) -> BalanceWeights:
    """How much should each row count, so that the two groups are alike in these covariates?

    A logistic regression of treatment on the covariates gives each row's propensity p. The weights of the treated and
    of the reference group are::

        ATO  1 - p and p            the people who could well have been in either group
        ATE  1/p and 1/(1 - p)      everybody
        ATT  1 and p/(1 - p)        the treated
        ATC  (1 - p)/p and 1        the reference group

    Overlap weights (ATO) make the weighted means of all covariates exactly equal and never exceed 1; those of the
    others grow without end where p nears 0 or 1.

    Args:
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        covariates: (n × k) numbers known before treatment, categories as indicators, no intercept. None for none.
        estimand: "ATO", "ATE", "ATT" or "ATC".
        cluster: (n) the person each row belongs to; a model is not fitted to too few people.

    Returns:
        BalanceWeights; all ``nan`` with a ``reason`` where the score cannot be fitted, for example because some
        combination of covariates foretells the group wholly.

    Raises:
        ValueError: if lengths differ, a number is missing, a group is empty, or the estimand is unknown.

    Source: Li, Morgan and Zaslavsky (2018), doi:10.1080/01621459.2016.1260466 (ATO); Rosenbaum and Rubin (1983).

    >>> made = balance_weights(np.repeat([1, 0], 8), np.tile([0, 0, 0, 1, 1, 1, 1, 1], 2)[:, None], "ATE")
    >>> made.weights.round(6).max()
    np.float64(2.0)
    """
    if estimand not in ESTIMANDS:
        raise ValueError(f"estimand must be one of {', '.join(ESTIMANDS)}; got {estimand!r}.")
    group, design = check_groups(treated, covariates)
    everyone = np.ones(group.size, dtype=bool)
    step = fit_step(group.astype(float), design, "binomial", used=everyone, cluster=person_codes(cluster, group.size))
    p = step.fitted
    one, other, one_slope, other_slope = {
        "ATO": (1 - p, p, -p, 1 - p),
        "ATE": (1 / p, 1 / (1 - p), p - 1, p),
        "ATT": (1 + 0 * p, p / (1 - p), 0 * p, 1 + 0 * p),
        "ATC": ((1 - p) / p, 1 + 0 * p, 0 * p - 1, 0 * p),
    }[estimand]
    weights, slope = np.where(group, one, other), np.where(group, one_slope, other_slope)
    reason = NOBODY_ALIKE if step.reason == SEPARATED else step.reason
    return BalanceWeights(estimand, weights, p, group, reason, design, slope, step.pull)


def target_tilt(propensity: Floats, estimand: str) -> tuple[Floats, Floats]:
    """How much does a person of this propensity count in the target population, whichever group they were in?

    A balance weight is this over the chance of the group a person is in.

    Args:
        propensity: fitted probabilities of treatment.
        estimand: "ATO", "ATE", "ATT" or "ATC".

    Returns:
        The tilt, and the derivative of its logarithm by the linear predictor, of the shape of ``propensity``.

    >>> [part.tolist() for part in target_tilt(np.array([0.25]), "ATO")]
    [[0.1875], [0.5]]
    """
    p = propensity
    return {
        "ATO": (p * (1 - p), 1 - 2 * p),
        "ATE": (1 + 0 * p, 0 * p),
        "ATT": (p, 1 - p),
        "ATC": (1 - p, -p),
    }[estimand]


def check_groups(treated: ArrayLike, covariates: ArrayLike | None) -> tuple[NDArray[np.bool_], Floats]:
    """The treated as True, and the covariates as columns after an intercept.

    Raises:
        ValueError: if treated is not 0 or 1, a group is empty, or there is not one row of numbers for each.

    >>> check_groups([1, 0], [[3.0], [4.0]])[1].tolist()
    [[1.0, 3.0], [1.0, 4.0]]
    """
    group = np.asarray(treated)
    if group.ndim != 1 or group.dtype.kind not in "buif" or not np.isin(group, (0, 1)).all():
        raise ValueError("treated must be 1 or 0 (True or False) in every row.")
    group = group.astype(bool)
    if group.all() or not group.any():
        raise ValueError("There is one group only: nothing to compare.")
    columns = np.empty((group.size, 0)) if covariates is None else np.asarray(covariates, float)
    if columns.ndim != 2 or len(columns) != group.size:
        raise ValueError("covariates must be a table of numbers with one row for each of treated.")
    if not np.isfinite(columns).all():
        raise ValueError("A covariate is missing or not finite: give it a category of its own first.")
    return group, np.column_stack([np.ones(group.size), columns])


def overlap_share(propensity: ArrayLike, treated: ArrayLike) -> Overlap:
    """What share lies outside common support: so unlike everyone in the other group that nobody there speaks for them?

    Common support runs from the larger of the two groups' lowest propensities to the smaller of their highest (both
    ends inside). Read ``outside`` for ATO and ATE, ``treated_outside`` for ATT, ``reference_outside`` for ATC.

    Args:
        propensity: (n) fitted probabilities of treatment.
        treated: (n) 1 or True for the treated, 0 or False for the reference group.

    Raises:
        ValueError: if lengths differ, a propensity is missing or outside 0 to 1, or a group is empty.

    Source: Caliendo and Kopeinig (2008), doi:10.1111/j.1467-6419.2007.00527.x, minima and maxima comparison.

    >>> found = overlap_share([.3, .5, .8, .9, .1, .3, .4, .6], [1, 1, 1, 1, 0, 0, 0, 0])
    >>> found.low, found.high, found.outside, found.treated_outside, found.reference_outside
    (0.3, 0.6, 0.375, 0.5, 0.25)
    """
    score, (group, _) = np.asarray(propensity, float), check_groups(treated, None)
    if score.shape != group.shape or not np.all((score >= 0) & (score <= 1)):
        raise ValueError("propensity must have one probability a row, none missing.")
    low = float(max(score[group].min(), score[~group].min()))
    high = float(min(score[group].max(), score[~group].max()))
    outside = (score < low - _ROUNDING) | (score > high + _ROUNDING)
    return Overlap(
        float(outside.mean()), float(outside[group].mean()), float(outside[~group].mean()), low=low, high=high
    )


def effective_sample_size(weights: ArrayLike, *, cluster: ArrayLike | None = None) -> float:
    """How many people of equal weight would be as sure as these weighted ones?

    (Σw)² / Σw², for one group at a time. With ``cluster`` the weights of a person's rows are added first.

    Args:
        weights: (n) weights of one group, zero or more.
        cluster: (n) the person each row belongs to; each row its own when left out.

    Raises:
        ValueError: if there is no weight above 0, or one is missing or negative.

    Source: Kish (1965), Survey Sampling, section 11.2.

    >>> effective_sample_size([3, 1]), effective_sample_size([1, 1, 1, 1], cluster=[7, 7, 8, 8])
    (1.6, 2.0)
    """
    w = np.asarray(weights, float)
    if w.ndim != 1 or not np.all(w >= 0) or not np.isfinite(w).all() or not w.any():
        raise ValueError("weights must be zero or more, none missing, and not all zero.")
    each = sum_by_person(w, person_codes(cluster, w.size))
    return float(each.sum() ** 2 / (each @ each))
