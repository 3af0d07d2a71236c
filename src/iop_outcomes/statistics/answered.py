"""Two groups compared where not everybody's outcome is known: people who answered stand for people like them who did not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .effect import Effect, form_effect, no_effect
from .estimating_equations import Pull, fit_step, no_pull, person_codes, scale_rows
from .intervals import Floats
from .life_table import Codes
from .newton import invert_products
from .propensity import ESTIMANDS, NOBODY_ALIKE, check_groups, target_tilt
from .regression import SEPARATED, logistic_regression

#: Fewest people of the rarer kind, answered or not, for each column of the model of who answered (Vittinghoff and
#: McCulloch 2007, doi:10.1093/aje/kwk052).
EACH_COLUMN = 5


@dataclass(frozen=True, eq=False)
class AnswerWeights:
    """A weight for each answer, 0 for who did not answer, and what carries the weights' own uncertainty into an estimate.

    ``weights`` (n) · ``propensity`` (n) fitted probability of treatment, of everybody · ``treated`` and ``known`` (n) ·
    ``reason`` empty, or why there are no weights; then they are ``nan`` · ``answered_by`` what the chance of an answer goes
    by: "group and covariates", "group", or nothing where everybody answered. ``design`` (n × p) and ``slopes`` (n) are, for each
    of the fitted scores, its columns and the derivative of the log weight by its linear predictor, ``pulls`` each row's pull on
    its coefficients with the other score held fixed: placement first, then the answer, whose weights placement is fitted with.
    """

    estimand: str
    weights: Floats
    propensity: Floats
    treated: NDArray[np.bool_]
    known: NDArray[np.bool_]
    reason: str
    answered_by: str
    design: tuple[Floats, ...] = field(repr=False)
    slopes: tuple[Floats, ...] = field(repr=False)
    pulls: tuple[Pull, ...] = field(repr=False)

    def carry(self, pull: Floats) -> Floats:
        """The pull (n, or n × K) of each row on an estimate, weights held fixed, once both scores count as estimated."""
        carried = pull
        for columns, slope, own in zip(self.design, self.slopes, self.pulls, strict=True):
            carried = carried + own @ (columns.T @ scale_rows(carried, slope))
        return carried


def answer_weights(
    known: ArrayLike,
    treated: ArrayLike,
    covariates: ArrayLike | None,
    estimand: str = "ATO",
    *,
    cluster: ArrayLike | None = None,
) -> AnswerWeights:
    """How much should each answer count, so that the groups are alike and speak for everybody, answered or not?

    A logistic regression of having answered on group and covariates gives each answer the inverse of its chance (the share
    of its group does where that cannot be fitted, or has fewer than five people of the rarer kind a column); a second one,
    of the group on the covariates among the answers so weighted, gives the propensity. A weight is the balance
    weight of ``balance_weights`` times the inverse chance. With ATO the weighted means of all covariates are exactly
    equal among those who answered. With every outcome known these are the weights of ``balance_weights``.

    Args:
        known: (n) whether the outcome is known.
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        covariates: (n × k) numbers known before treatment, no intercept. None for none.
        estimand: "ATO", "ATE", "ATT" or "ATC".
        cluster: (n) the person each row belongs to; each row its own when left out.

    Returns:
        AnswerWeights; all ``nan`` with a ``reason`` where a score cannot be fitted or a group has no answer.

    Raises:
        ValueError: as ``balance_weights``; if there is not one of ``known`` a row.

    Source: Seaman and White (2013), doi:10.1177/0962280210395740; Li, Morgan and Zaslavsky (2018).

    >>> made = answer_weights(np.ones(20), np.repeat([1, 0], 10), np.tile([0.0, 1.0], 10)[:, None])
    >>> made.weights.round(6).max(), made.reason
    (np.float64(0.5), '')
    """
    own, design = check_groups(treated, covariates)
    answered, people = np.asarray(known, bool), person_codes(cluster, own.size)
    if answered.shape != own.shape:
        raise ValueError("known must have one value a row.")
    return weigh_answers(answered, own, design, np.column_stack([design, own]), estimand, people)


def weigh_answers(
    answered: NDArray[np.bool_],
    own: NDArray[np.bool_],
    design: Floats,
    reach: Floats,
    estimand: str,
    people: Codes | None,
) -> AnswerWeights:
    """``answer_weights`` of checked groups and columns (``reach``: those of the chance of an answer), which several calls
    may share."""
    if estimand not in ESTIMANDS:
        raise ValueError(f"estimand must be one of {', '.join(ESTIMANDS)}; got {estimand!r}.")
    if not (answered & own).any() or not (answered & ~own).any():
        blank, pull = np.full(own.size, np.nan), no_pull(design)
        silent, both = "no outcome is known in one of the groups", (design, design)
        return AnswerWeights(estimand, blank, blank, own, answered, silent, "", both, (blank, blank), (pull, pull))
    reach_design, chance, fall, reach_pull, by = _chance_of_answer(answered, own, reach, people)
    counted = np.where(answered, 1 / chance, 0.0)
    p, pull, reason = _placement(own, design, counted, people)
    tilt, slope = target_tilt(p, estimand)
    weights = counted * tilt / np.where(answered, np.where(own, p, 1 - p), 1.0)
    slopes = (slope - np.where(own, 1 - p, -p), fall)
    return AnswerWeights(
        estimand, weights, p, own, answered, reason, by, (design, reach_design), slopes, (pull, reach_pull)
    )


def answered_effect(
    outcome: ArrayLike,
    treated: ArrayLike,
    covariates: ArrayLike | None,
    *,
    estimand: str = "ATO",
    family: str | None = None,
    cluster: ArrayLike | None = None,
    made: AnswerWeights | None = None,
    conf_level: float = 0.95,
) -> Effect:
    """How far apart are two groups made alike, people who answered standing for people like them who did not?

    Weighted means with ``answer_weights``. With a ``family`` the estimate is doubly robust: regressions of the outcome
    within each group, fitted to the answers, predict everyone in the target, and the weighted residuals mend them. Errors
    are from the stacked equations of all these models. With every outcome known this is ``weighted_effect`` or
    ``doubly_robust_effect``. It holds where, among people alike in group and covariates, having answered does not depend
    on the outcome.

    Args:
        outcome: (n) outcomes, ``nan`` where unknown.
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        covariates: (n × k) numbers known before treatment, no intercept.
        estimand: "ATO", "ATE", "ATT" or "ATC"; with a family not "ATO", whose target is itself made by the score.
        family: None for weighted means; "gaussian" or "binomial" for a doubly robust estimate.
        cluster: (n) the person each row belongs to; each row its own when left out.
        made: what ``answer_weights`` gives for these rows, where it is there already.
        conf_level: confidence level.

    Returns:
        Effect; ``nan`` with a ``reason`` where one of the models cannot be fitted or a group has no answer.

    Raises:
        ValueError: as ``answer_weights``; if there is not one outcome a row, one is impossible, or a family goes with ATO.

    Source: Robins, Rotnitzky and Zhao (1994), doi:10.1080/01621459.1994.10476818; Li, Morgan and Zaslavsky (2018),
    doi:10.1080/01621459.2016.1260466.

    >>> x, group = np.tile([0.0, 1.0], 40), np.repeat([1, 0], 40)
    >>> known = np.where(np.arange(80) % 7 < 1 + x, np.nan, 2.0 * x + group)
    >>> round(answered_effect(known, group, x[:, None]).difference.value, 6)
    1.0
    """
    if family is not None and estimand == "ATO":
        raise ValueError("A doubly robust estimate has no ATO: choose ATE, ATT or ATC.")
    y = np.asarray(outcome, float)
    if y.shape != np.shape(treated) or np.isinf(y).any():
        raise ValueError("outcome must have one number a row, nan where it is unknown.")
    made = made or answer_weights(~np.isnan(y), treated, covariates, estimand, cluster=cluster)
    people, own, known = person_codes(cluster, y.size), made.treated, made.known
    method = f"{'weighted means' if family is None else f'doubly robust, {family}'} ({estimand})"
    method += f", inverse chance of a known outcome by {made.answered_by}" if made.answered_by else ""
    if made.reason:
        return no_effect(estimand, made.reason, people, y.size, conf_level, method)
    target = {"ATT": own, "ATC": ~own}.get(estimand, own | ~own).astype(float)
    filled, design, total = np.where(known, y, 0.0), made.design[0], target.sum()
    means, pulls = [], []
    for arm in (own, ~own):
        mass = arm * made.weights
        if family is None:
            mean = mass @ filled / mass.sum()
            pulls.append(made.carry(mass * (filled - mean) / mass.sum()))
        else:
            model = fit_step(filled, design, family, used=arm & known, cluster=people)
            if model.reason:
                return no_effect(estimand, model.reason, people, y.size, conf_level, method)
            fitted, slope = model.predict(design)
            mended = mass * (filled - fitted) / total
            mean = target @ fitted / total + mended.sum()
            through_model = model.pull @ ((target - mass) @ slope / total)
            pulls.append(target * (fitted - mean) / total + made.carry(mended) + through_model)
        means.append(mean)
    return form_effect(
        (means[0], means[1]),
        (pulls[0], pulls[1]),
        people,
        estimand=estimand,
        method=method,
        conf_level=conf_level,
        share=bool(np.isin(filled, (0, 1)).all()) and family != "gaussian",
    )


def _placement(
    own: NDArray[np.bool_], design: Floats, counted: Floats, people: Codes | None
) -> tuple[Floats, Pull, str]:
    """The propensity of everybody, each row's pull on its coefficients with the answers' weights held fixed, and the reason
    why there is none."""
    fit = logistic_regression(own.astype(float), design, weights=counted, cluster=people)
    if fit.reason:
        why = NOBODY_ALIKE if fit.reason == SEPARATED else fit.reason
        return np.full(own.size, np.nan), no_pull(design, np.nan), why
    p = fit.fitted
    return p, Pull(design, counted * (own - p), invert_products(design, counted * p * (1 - p))), ""


def _chance_of_answer(
    known: NDArray[np.bool_], own: NDArray[np.bool_], columns: Floats, people: Codes | None
) -> tuple[Floats, Floats, Floats, Pull, str]:
    """The columns, each row's chance of an answer, the derivative of its log inverse by the linear predictor, each row's
    pull on the coefficients, and what the chance goes by."""
    everyone = np.ones(own.size, dtype=bool)
    if known.all():
        return columns, np.ones(own.size), np.zeros(own.size), no_pull(columns), ""
    if min(known.sum(), (~known).sum()) >= EACH_COLUMN * columns.shape[1]:
        reach = fit_step(known.astype(float), columns, "binomial", used=everyone, cluster=people)
        if not reach.reason:
            return columns, reach.fitted, reach.fitted - 1, reach.pull, "group and covariates"
    columns = np.column_stack([own, ~own]).astype(float)
    share = np.array([known[own].mean(), known[~own].mean()])
    chance = np.where(own, share[0], share[1])
    pull = Pull(columns, known - chance, np.diag(1 / columns.sum(axis=0)))
    return columns, chance, -1 / chance, pull, "group"
