"""How many events would be expected of these people anywhere, and how does what was observed compare?

Indirect standardisation: a risk for each person from a model of all of them, added up, beside the events observed;
and how far such a model can be believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Floats, Interval, as_given, normal_quantile
from .newton import expit
from .regression import logistic_regression

_RECALIBRATION = "logistic recalibration, sandwich, people as clusters"


@dataclass(frozen=True, eq=False)
class RiskModel:
    """Risks of N people from a logistic model of everyone: ``fitted`` (N), and ``held_out`` (N), each person's risk from
    models that did not see that person's fold. ``coefficients`` start with the intercept. ``reason`` is empty, or says
    why there is no model; then every number is ``nan``."""

    coefficients: Floats
    fitted: Floats
    held_out: Floats
    reason: str


@dataclass(frozen=True, eq=False)
class Calibration:
    """How predicted risks compare with what happened.

    ``ratio`` events observed over expected · ``intercept`` (calibration in the large: 0 is right) and ``slope`` (1 is
    right; under 1, risks are too extreme) with limits, on the log-odds scale · ``concordance`` the chance that a person
    with the event had the higher risk · ``brier`` mean squared error · by group of rising risk (G): ``units``,
    ``observed`` events, ``expected`` events, and each person's ``group`` (N), 0 to G - 1.
    """

    ratio: float
    intercept: Interval
    slope: Interval
    concordance: float
    brier: float
    group: NDArray[np.intp]
    units: Floats
    observed: Floats
    expected: Floats


def indirect_standardisation(
    observed: ArrayLike, expected: ArrayLike, *, conf_level: float = 0.95, kind: str = "byar"
) -> Interval:
    """How many times the expected number of events was observed?

    ``byar`` approximates the Poisson limits closely; ``exact`` solves for them. Both take the expected number as
    known. Of common events they are cautious: the limits are wider than the binomial would give.

    Args:
        observed: events; a number or an array.
        expected: events expected, above 0; broadcast against ``observed``.
        conf_level: confidence level.
        kind: ``byar`` or ``exact``.

    Raises:
        ValueError: for an unknown kind, a negative or missing count, or an expected number that is not above 0.

    Source: Breslow and Day (1987), Statistical Methods in Cancer Research II, page 69 (Byar); Ulm (1990),
    American Journal of Epidemiology 131:373–375 (exact).

    >>> ratio = indirect_standardisation(30, 24)
    >>> ratio.value, round(ratio.low, 3), round(ratio.high, 3)
    (1.25, 0.843, 1.785)
    """
    o, e = np.broadcast_arrays(np.asarray(observed, float), np.asarray(expected, float))
    if kind not in ("byar", "exact"):
        raise ValueError("kind is byar or exact.")
    if not (np.all(o >= 0) and np.all(e > 0)):
        raise ValueError("Observed events are zero or more, expected events above zero, and none may be missing.")
    z = normal_quantile(conf_level)
    some = np.maximum(o, 1)
    if kind == "byar":
        low = o * (1 - 1 / (9 * some) - z / (3 * np.sqrt(some))) ** 3
        high = (o + 1) * (1 - 1 / (9 * (o + 1)) + z / (3 * np.sqrt(o + 1))) ** 3
    else:
        from scipy.special import gammaincinv

        tail = (1 - conf_level) / 2
        low, high = gammaincinv(some, tail), gammaincinv(o + 1, 1 - tail)
    low = np.where(o > 0, low, 0.0)
    method = "observed/expected, Byar" if kind == "byar" else "observed/expected, exact Poisson"
    return Interval(as_given(o / e), as_given(low / e), as_given(high / e), conf_level, method)


def fit_risk(events: ArrayLike, covariates: ArrayLike, fold: ArrayLike) -> RiskModel:
    """What was each person's risk of the event, given what is known of them?

    A logistic model of everyone, so that risks add up to the events. A model is flattered by the people it was fitted
    to; ``held_out`` risks come from models fitted without the person's fold, and are what calibration should look at.

    Args:
        events: (N) 0 or 1.
        covariates: (N, K) numbers, without an intercept.
        fold: (N) the fold of each person; rows that belong together share one.

    Raises:
        ValueError: if events are not 0 and 1, or shapes differ.

    Source: Steyerberg (2019), Clinical Prediction Models, second edition, chapters 4 and 17.

    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(400, 1))
    >>> y = rng.random(400) < 1 / (1 + np.exp(-x[:, 0]))
    >>> model = fit_risk(y, x, np.arange(400) % 5)
    >>> round(float(model.fitted.sum() - y.sum()), 6)
    0.0
    """
    y, x = np.asarray(events, dtype=np.float64), np.asarray(covariates, dtype=np.float64)
    folds = np.asarray(fold)
    if x.ndim != 2 or len(x) != len(y) or len(folds) != len(y):
        raise ValueError("events, covariates and fold have one row per person.")
    if not np.isin(y, (0, 1)).all():
        raise ValueError("events are 0 or 1.")
    design = np.column_stack([np.ones(len(y)), x])
    whole = logistic_regression(y, design)
    held_out, reason = np.full(len(y), np.nan), whole.reason
    for one in np.unique(folds) if not reason else ():
        inside = folds == one
        part = logistic_regression(y[~inside], design[~inside])
        held_out[inside] = expit(design[inside] @ part.coefficients)
        reason = reason or part.reason
    if reason:
        blank = np.full(len(y), np.nan)
        return RiskModel(np.full(design.shape[1], np.nan), blank, blank, reason)
    return RiskModel(whole.coefficients, whole.fitted, held_out, "")


def calibrate(
    events: ArrayLike,
    risk: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    groups: int = 5,
    conf_level: float = 0.95,
) -> Calibration:
    """Can these risks be believed?

    Args:
        events: (N) 0 or 1.
        risk: (N) predicted risks, strictly between 0 and 1.
        cluster: (N) the person each row belongs to; each row its own when left out.
        groups: number of groups of rising risk, of equal size but for ties.
        conf_level: confidence level of intercept and slope.

    Raises:
        ValueError: if nobody or everybody had the event, or a risk is not strictly between 0 and 1.

    Source: Van Calster and others (2019), BMC Medicine 17:230, doi:10.1186/s12916-019-1466-7.

    >>> found = calibrate([0, 0, 1, 0, 1, 1], [.2, .3, .3, .6, .6, .8], groups=2)
    >>> round(found.ratio, 3), round(found.concordance, 3), found.observed.tolist()
    (1.071, 0.778, [1.0, 2.0])
    """
    y, p = np.asarray(events, dtype=np.float64), np.asarray(risk, dtype=np.float64)
    if not (np.all(p > 0) and np.all(p < 1)):
        raise ValueError("Risks lie strictly between 0 and 1.")
    if not 0 < y.sum() < len(y):
        raise ValueError("Calibration needs people with the event and people without it.")
    people = np.unique(np.arange(len(y)) if cluster is None else np.asarray(cluster), return_inverse=True)[1]
    logit = np.log(p / (1 - p))
    line = logistic_regression(y, np.column_stack([np.ones(len(y)), logit]), cluster=people)
    slope, reach = float(line.coefficients[1]), normal_quantile(conf_level) * float(line.std_error[1])
    cases = y == 1
    _, level, size = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(size) - (size - 1) / 2)[level]  # those alike share the middle of their places
    concordance = (ranks[cases].mean() - (cases.sum() + 1) / 2) / (~cases).sum()
    edges = np.quantile(p, np.arange(1, groups) / groups)
    group = np.searchsorted(edges, p, side="left")
    return Calibration(
        ratio=float(y.sum() / p.sum()),
        intercept=_in_the_large(y, logit, people, conf_level),
        slope=Interval(slope, slope - reach, slope + reach, conf_level, _RECALIBRATION),
        concordance=float(concordance),
        brier=float(np.mean((y - p) ** 2)),
        group=group,
        units=np.bincount(group, minlength=groups).astype(np.float64),
        observed=np.bincount(group, y, minlength=groups).astype(np.float64),
        expected=np.bincount(group, p, minlength=groups).astype(np.float64),
    )


def _in_the_large(y: Floats, logit: Floats, people: np.ndarray, conf_level: float) -> Interval:
    """The shift of all log-odds that makes risks add up to the events, with its clustered error."""
    from scipy.optimize import brentq

    shift = float(brentq(lambda a: float(np.sum(y - expit(a + logit))), -50.0, 50.0, xtol=1e-13))
    p = expit(shift + logit)
    sums = np.bincount(people, y - p)
    error = np.sqrt(len(sums) / (len(sums) - 1) * (sums @ sums)) / np.sum(p * (1 - p))
    reach = normal_quantile(conf_level) * float(error)
    return Interval(shift, shift - reach, shift + reach, conf_level, _RECALIBRATION)
