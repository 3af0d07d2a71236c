"""Weights that make several groups alike at once, where not everybody's outcome is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .answered import EACH_COLUMN
from .estimating_equations import Pull, fit_step, no_pull, scale_rows
from .intervals import Floats
from .propensity import NOBODY_ALIKE
from .regression import ALIKE, LEAST_DF, TOO_FEW

#: Whose effect: people who could well have been in any of the groups, or everybody.
ESTIMANDS_OF_SEVERAL = ("ATO", "ATE")
#: Newton's steps end when no log-odds moves farther than this,
_SETTLED = 1e-9
#: and have found a top where the least eigenvalue of the information, for each unit of weight, is above this.
_INFORMED = 1e-8


@dataclass(frozen=True, eq=False)
class SeveralWeights:
    """A weight for each row, 0 where its outcome is unknown, and what carries the weights' own uncertainty on.

    ``weights`` (n) · ``propensity`` (n × G) fitted chance of each group · ``group`` (n) the place of each row's own ·
    ``known`` (n) · ``reason`` empty, or why there are no weights; then they are ``nan``. ``scores`` holds, of each fitted
    linear predictor, its columns (n × p), the derivative of the log weight by it (n) and each row's pull on its
    coefficients: of each group but the first, and last of the chance of being known, whose weights those are fitted with.
    """

    estimand: str
    weights: Floats
    propensity: Floats
    group: NDArray[np.intp]
    known: NDArray[np.bool_]
    reason: str
    scores: tuple[tuple[Floats, Floats, Floats | Pull], ...] = field(repr=False)

    def carry(self, pull: Floats) -> Floats:
        """The pull (n × K) of each row on K estimates, weights held fixed, once all scores count as estimated."""
        *placement, (asked, fall, answer) = self.scores
        carried = pull + sum(own @ (columns.T @ scale_rows(pull, slope)) for columns, slope, own in placement)
        return np.asarray(carried + answer @ (asked.T @ scale_rows(carried, fall)))


def several_weights(
    known: ArrayLike, group: ArrayLike, covariates: ArrayLike | None, estimand: str = "ATO"
) -> SeveralWeights:
    """How much should each row count, so that several groups are alike in these covariates and speak for everybody?

    As ``answer_weights`` for two groups: the inverse chance of being known, by group and covariates (the share of the
    group where few are known or unknown), times a weight from the chances e of each group, fitted by multinomial
    logistic regression to rows so weighted. The weight of a row of group g is::

        ATO  h/e(g), h = 1 / Σ 1/e      people who could well have been in any of the groups
        ATE  1/e(g)                     everybody

    With two groups these are overlap and inverse weights. With more, overlap weights make covariates nearly, not
    exactly, equal: look at the balance.

    Args:
        known: (n) whether the outcome is known.
        group: (n) the group of each row as 0, 1, …, every one of them met.
        covariates: (n × k) numbers known before, no intercept. None for none.
        estimand: "ATO" or "ATE".

    Returns:
        SeveralWeights; all ``nan`` with a ``reason`` where a score cannot be fitted or a group has no known outcome.

    Raises:
        ValueError: if lengths differ, a number is missing, there are fewer than two groups or one is empty, or the estimand
            is unknown.

    Source: Li and Li (2019), doi:10.1214/19-AOAS1282; Seaman and White (2013), doi:10.1177/0962280210395740.

    >>> made = several_weights(np.ones(60), np.arange(60) % 3, None)
    >>> made.propensity[0].round(6).tolist(), made.weights[:3].round(6).tolist()
    ([0.333333, 0.333333, 0.333333], [0.333333, 0.333333, 0.333333])
    """
    if estimand not in ESTIMANDS_OF_SEVERAL:
        raise ValueError(f"estimand must be one of {', '.join(ESTIMANDS_OF_SEVERAL)}; got {estimand!r}.")
    own, answered = np.asarray(group), np.asarray(known, bool)
    others = np.empty((own.size, 0)) if covariates is None else np.asarray(covariates, float)
    if own.ndim != 1 or own.dtype.kind not in "bui" or answered.shape != own.shape or len(others) != own.size:
        raise ValueError("group must be 0, 1, … with one value of known and one line of covariates for each.")
    own = own.astype(np.intp)
    count = int(own.max(initial=0)) + 1
    if count < 2 or np.unique(own).size < count or own.min() < 0:
        raise ValueError("group must be 0, 1, … with two groups or more, none of them empty.")
    if others.ndim != 2 or not np.isfinite(others).all():
        raise ValueError("A covariate is missing or not finite: give it a category of its own first.")
    inside = own[:, None] == np.arange(count)
    if not (answered[:, None] & inside).any(axis=0).all():
        blank = np.full(own.size, np.nan)
        silent = "no outcome is known in one of the groups"
        return SeveralWeights(estimand, blank, np.full(inside.shape, np.nan), own, answered, silent, ())
    design = np.column_stack([np.ones(own.size), others])
    reach_design, chance, fall, reach_pull = _chance_known(answered, inside, design)
    counted = np.where(answered, 1 / chance, 0.0)
    e, pulls, reason = _multinomial(inside, design, counted)
    h = 1 / (1 / e).sum(axis=1)
    mine = e[np.arange(own.size), own]
    weights = counted * (h if estimand == "ATO" else 1.0) / mine
    tilt = h[:, None] / e if estimand == "ATO" else e
    slopes = [(tilt[:, place] - inside[:, place]) for place in range(1, count)]
    scores: tuple[tuple[Floats, Floats, Floats | Pull], ...] = (
        *((design, slope, pull) for slope, pull in zip(slopes, pulls, strict=True)),
        (reach_design, fall, reach_pull),
    )
    return SeveralWeights(estimand, weights, e, own, answered, reason, scores)


def _chance_known(
    known: NDArray[np.bool_], inside: NDArray[np.bool_], design: Floats
) -> tuple[Floats, Floats, Floats, Pull]:
    """The columns, each row's chance of being known, the derivative of its log inverse by the linear predictor, and each
    row's pull on the coefficients."""
    everyone = np.ones(known.size, dtype=bool)
    columns = np.column_stack([design, inside[:, 1:]])
    if known.all():
        return columns, np.ones(known.size), np.zeros(known.size), no_pull(columns)
    if min(known.sum(), (~known).sum()) >= EACH_COLUMN * columns.shape[1]:
        made = fit_step(known.astype(float), columns, "binomial", used=everyone, cluster=None)
        if not made.reason:
            return columns, made.fitted, made.fitted - 1, made.pull
    columns = inside.astype(float)
    share = (known[:, None] & inside).sum(axis=0) / inside.sum(axis=0)
    chance = columns @ share
    return columns, chance, -1 / chance, Pull(columns, known - chance, np.diag(1 / columns.sum(axis=0)))


def _multinomial(
    inside: NDArray[np.bool_], design: Floats, weights: Floats, steps: int = 50
) -> tuple[Floats, list[Floats], str]:
    """The chance of each group (n × G), the pulls (n × p) on the coefficients of all but the first with the weights held
    fixed, and the reason why there are none.

    Newton's steps on the log-likelihood, halved until they climb.
    """
    (n, p), free = design.shape, inside.shape[1] - 1
    used = weights > 0
    size = np.sqrt((design[used] ** 2).mean(axis=0))
    columns = design / np.where(size > 0, size, 1.0)
    blank = np.full((n, free + 1), np.nan), [np.full((n, p), np.nan)] * free
    if used.sum() - p * free < LEAST_DF:
        return *blank, TOO_FEW
    if np.linalg.matrix_rank(columns[used]) < p:
        return *blank, ALIKE
    beta = np.zeros((p, free))
    chance, height = _chances(columns, beta, inside, weights)
    for _ in range(steps):
        bread, score = _information(columns, chance, weights), columns.T @ (weights[:, None] * (inside - chance)[:, 1:])
        if np.linalg.eigvalsh(bread)[0] < _INFORMED * weights.sum():
            return *blank, NOBODY_ALIKE
        step = np.linalg.solve(bread, score.T.ravel()).reshape(free, p).T
        while True:
            chance, higher = _chances(columns, beta + step, inside, weights)
            if higher >= height - _SETTLED * weights.sum():
                break
            step = step / 2
        beta, height = beta + step, higher
        if np.abs(columns @ step).max() < _SETTLED:
            residual = weights[:, None] * (inside - chance)[:, 1:]
            scores = (residual[:, :, None] * columns[:, None, :]).reshape(n, free * p)
            pull = np.linalg.solve(_information(columns, chance, weights), scores.T).T
            return chance, [part / size for part in np.split(pull, free, axis=1)], ""
    return *blank, NOBODY_ALIKE


def _chances(columns: Floats, beta: Floats, inside: NDArray[np.bool_], weights: Floats) -> tuple[Floats, float]:
    """The chance of each group, and the log-likelihood."""
    from scipy.special import log_softmax

    logs = log_softmax(np.column_stack([np.zeros(len(columns)), columns @ beta]), axis=1)
    return np.exp(logs), float(weights @ logs[inside])


def _information(columns: Floats, chance: Floats, weights: Floats) -> Floats:
    """Minus the second derivatives of the log-likelihood, group by group."""
    free = chance[:, 1:]
    blocks = [
        [(columns * (weights * free[:, one] * ((one == other) - free[:, other]))[:, None]).T @ columns
         for other in range(free.shape[1])]
        for one in range(free.shape[1])
    ]  # fmt: skip
    return np.block(blocks)
