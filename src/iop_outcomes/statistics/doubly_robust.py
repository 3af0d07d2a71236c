"""Two groups compared with a model of the outcome: standardised over the target, and doubly robust with weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .effect import Effect, form_effect, no_effect
from .estimating_equations import fit_step, person_codes
from .intervals import Floats
from .propensity import balance_weights, check_groups


def doubly_robust_effect(
    outcome: ArrayLike,
    treated: ArrayLike,
    covariates: ArrayLike,
    *,
    outcome_covariates: ArrayLike | None = None,
    estimand: str = "ATE",
    family: str = "gaussian",
    cluster: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> Effect:
    """How far apart are the two groups' outcomes, if either the score or the outcome model is right?

    Augmented inverse probability weighting: a regression of the outcome within each group predicts everyone in the
    target, and weighted residuals mend what it gets wrong. With w the weights of ``balance_weights``, the mean of a
    group is (Σ target · m(x) + Σ group · w · (y - m(x))) / Σ target. Errors are from the stacked equations of the
    score, both outcome models and both means.

    Args:
        outcome: (n) outcomes, none missing; 0 or 1 for "binomial".
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        covariates: (n × k) columns of the score, no intercept.
        outcome_covariates: (n × j) columns of the outcome models; those of the score when left out.
        estimand: "ATE", "ATT" or "ATC". Overlap weights have none: their target is itself made by the score.
        family: "gaussian" (least squares) or "binomial" (logistic).
        cluster: (n) the person each row belongs to; each row its own when left out.
        conf_level: confidence level.

    Returns:
        Effect; ``nan`` with a ``reason`` where one of the three models cannot be fitted.

    Raises:
        ValueError: as ``balance_weights``; if an outcome is missing or impossible, or the family is unknown.

    Source: Robins, Rotnitzky and Zhao (1994), doi:10.1080/01621459.1994.10476818; Lunceford and Davidian (2004).

    >>> x, group = np.tile(np.arange(10.0), 4), np.repeat([1, 0, 0, 1], 10)
    >>> made = doubly_robust_effect(3 * x + 2 * group, group, x[:, None])
    >>> round(made.difference.value, 6)
    2.0
    """
    target, own = _target(treated, estimand)
    made = balance_weights(treated, covariates, estimand, cluster=cluster)
    _, design = check_groups(treated, covariates if outcome_covariates is None else outcome_covariates)
    people = person_codes(cluster, own.size)
    y = _outcome(outcome, own)
    if not np.isfinite(y).all():
        raise ValueError("outcome must not be missing: leave out or impute who is unknown.")
    models = [fit_step(y, design, family, used=arm, cluster=people) for arm in (own, ~own)]
    method = f"doubly robust ({estimand}, {family})"
    reason = made.reason or models[0].reason or models[1].reason
    if reason:
        return no_effect(estimand, reason, people, y.size, conf_level, method)
    means, pulls = [], []
    total = target.sum()
    for arm, model in zip((own, ~own), models, strict=True):
        fitted, slope = model.predict(design)
        mass = arm * made.weights
        mended = mass * (y - fitted) / total
        mean = target @ fitted / total + mended.sum()
        through_model = model.pull @ ((target - mass) @ slope / total)
        # Only the residuals depend on the score; the rest of the pull is the row's own.
        through_score = made.carry(mended[:, None])[:, 0]
        means.append(mean)
        pulls.append(target * (fitted - mean) / total + through_score + through_model)
    return form_effect(
        (means[0], means[1]),
        (pulls[0], pulls[1]),
        people,
        estimand=estimand,
        method=method,
        conf_level=conf_level,
        share=family == "binomial",
    )


def standardised_effect(
    outcome: ArrayLike,
    treated: ArrayLike,
    covariates: ArrayLike | None,
    *,
    modifiers: ArrayLike | None = None,
    estimand: str = "ATE",
    family: str = "gaussian",
    cluster: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> Effect:
    """How far apart would the target's outcomes be, everyone in one group and then in the other?

    One regression of the outcome on group and covariates predicts everyone in the target as treated and as not, and
    the predictions are averaged (g-formula). A row without an outcome does not teach the model but is averaged over.
    ``standardised_shares`` does the same for several groups and for trials.

    Args:
        outcome: (n) outcomes, ``nan`` where unknown; 0 or 1 for "binomial".
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        covariates: (n × k) numbers known before treatment, no intercept. None for none.
        modifiers: (n × j) columns along which the effect may differ (their products with treatment are in the model).
        estimand: "ATE", "ATT" or "ATC".
        family: "gaussian" (least squares) or "binomial" (logistic).
        cluster: (n) the person each row belongs to; each row its own when left out.
        conf_level: confidence level.

    Returns:
        Effect; ``nan`` with a ``reason`` where the model cannot be fitted.

    Raises:
        ValueError: as ``balance_weights``; if an outcome is impossible, or the family is unknown.

    Source: Robins (1986), doi:10.1016/0270-0255(86)90088-6; Hernán and Robins (2020), What If, chapter 13.

    >>> x, group = np.tile(np.arange(10.0), 2), np.repeat([1, 0], 10)
    >>> made = standardised_effect(3 * x + 2 * group + group * x, group, x[:, None], modifiers=x[:, None])
    >>> round(made.difference.value, 6)
    6.5
    """
    target, own = _target(treated, estimand)
    _, base = check_groups(treated, covariates)
    _, also = check_groups(treated, modifiers)
    people = person_codes(cluster, own.size)
    y = _outcome(outcome, own)
    # Intercept and covariates, then treatment by (1, modifiers).
    design = np.column_stack([base, own[:, None] * also])
    model = fit_step(y, design, family, used=~np.isnan(y), cluster=people)
    method = f"standardised by regression ({estimand}, {family})"
    if model.reason:
        return no_effect(estimand, model.reason, people, y.size, conf_level, method)
    means, pulls = [], []
    total = target.sum()
    for there in (also, np.zeros_like(also)):
        fitted, slope = model.predict(np.column_stack([base, there]))
        mean = target @ fitted / total
        means.append(mean)
        pulls.append(target * (fitted - mean) / total + model.pull @ (target @ slope / total))
    return form_effect(
        (means[0], means[1]),
        (pulls[0], pulls[1]),
        people,
        estimand=estimand,
        method=method,
        conf_level=conf_level,
        share=family == "binomial",
    )


def _target(treated: ArrayLike, estimand: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Who is averaged over (n, 1 or 0), and the treated."""
    own, _ = check_groups(treated, None)
    if estimand not in ("ATE", "ATT", "ATC"):
        raise ValueError(f"estimand must be ATE, ATT or ATC here; got {estimand!r}. For ATO use weighted_effect.")
    target = {"ATE": np.ones(own.size, dtype=bool), "ATT": own, "ATC": ~own}[estimand]
    return target.astype(np.float64), own


def _outcome(outcome: ArrayLike, own: NDArray[np.bool_]) -> Floats:
    y = np.asarray(outcome, float)
    if y.shape != own.shape:
        raise ValueError("outcome must have one number a row.")
    return y
