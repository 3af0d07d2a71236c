"""Cost and effect of groups together, when not everybody could be followed to the end yet.

The time is cut into parts. What a part cost is known of those followed through it, and they stand for people like them who
were not, by the inverse of the chance of having been followed so far; the parts add up. Leaving out whoever is not
followed to the end speaks of other people (those who came early), and throws away what is known of the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .answered import AnswerWeights, weigh_answers
from .economics import Increment
from .intervals import Floats
from .propensity import check_groups


class Weights(Protocol):
    """What a part of the time needs: weights of those who count in it (0 for others), carried into an estimate."""

    @property
    def weights(self) -> Floats:
        """How much each row counts."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which rows count."""

    def carry(self, pull: Floats) -> Floats:
        """The pull (n × K) of each row on K estimates, once the weights count as estimated."""


@dataclass(frozen=True, eq=False)
class JointMeans:
    """Mean cost and mean effect of each of G groups (G × 2), and each row's pull on them (n × 2G), group by group."""

    means: Floats
    pull: Floats

    @property
    def covariance(self) -> Floats:
        """Of the means (2G × 2G), group by group, cost first."""
        return np.asarray(self.pull.T @ self.pull)


def followed_weights(
    known: ArrayLike, treated: ArrayLike, covariates: ArrayLike | None, estimand: str = "ATO"
) -> tuple[AnswerWeights, ...]:
    """How much should each row count in each part of the time, so that the groups are alike and speak for everybody?

    For each part ``answer_weights``: the chance of being known there, by group and covariates, covers both who did not
    answer and who is not followed so far. That rests on this: among rows alike in group and covariates, being known says
    nothing about what is not. Where follow-up ends for all on one day, it asks that among people alike it does not
    matter when they came.

    Args:
        known: (n × J) whether the effect and the cost of each part are known; a part is known of no more rows than the
            one before it where follow-up is all there is to know.
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        covariates: (n × k) numbers known before treatment, no intercept. None for none.
        estimand: "ATO", "ATE", "ATT" or "ATC".

    Raises:
        ValueError: as ``answer_weights``; if there is not one line of ``known`` a row.

    Source: Bang and Tsiatis (2000), doi:10.1093/biomet/87.2.329, the partitioned estimator; Li, Morgan and Zaslavsky
    (2018), doi:10.1080/01621459.2016.1260466.

    >>> known = np.column_stack([np.ones(40), np.tile([1, 0], 20)])
    >>> made = followed_weights(known, np.repeat([1, 0], 20), None, "ATE")
    >>> [part.weights.max().round(6) for part in made]
    [np.float64(2.0), np.float64(4.0)]
    """
    table = np.asarray(known, bool)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError("known must be a table: a line for each row, a column for each part of the time.")
    own, design = check_groups(treated, covariates)
    if len(table) != own.size:
        raise ValueError("known must have one line a row.")
    reach = np.column_stack([design, own])
    return tuple(weigh_answers(part, own, design, reach, estimand, None) for part in table.T)


def joint_means(
    parts: Sequence[Weights], groups: Sequence[NDArray[np.bool_]], cost: ArrayLike, effect: ArrayLike
) -> JointMeans:
    """What do groups cost and achieve on average, parts of the time added up, and how do the means vary together?

    The mean cost is the sum over parts of weighted means; the mean effect has the weights of the first part. Every row
    pulls on all of them, and its pulls are added before they are squared.

    Args:
        parts: the weights of each of the J parts.
        groups: (n) the rows of each of the G groups.
        cost: (n × J) cost of each row in each part; whatever it is where not known.
        effect: (n) effect of each row; whatever it is where not known.

    Raises:
        ValueError: if the shapes differ.

    >>> group, known = np.repeat([1, 0], 20), np.array([[1, 1], [1, 0]] * 20)
    >>> cost = np.column_stack([np.tile([10, 30], 20), np.tile([2, 99], 20)])
    >>> made = followed_weights(known, group, None)
    >>> joint_means(made, [group == 1, group == 0], cost, group).means.round(6).tolist()
    [[22.0, 1.0], [22.0, 0.0]]
    """
    dollars, worth = np.asarray(cost, float), np.asarray(effect, float)
    if dollars.ndim != 2 or dollars.shape != (worth.size, len(parts)):
        raise ValueError("cost must be a table: a line for each effect, a column for each part of the time.")
    means, pull = np.zeros((len(groups), 2)), np.zeros((worth.size, 2 * len(groups)))
    for place, made in enumerate(parts):
        counted = [dollars[:, place], worth] if place == 0 else [dollars[:, place]]
        here, fixed = _weighted_means(made, groups, np.column_stack(counted))
        means[:, : len(counted)] += here
        columns = (2 * np.arange(len(groups))[:, None] + np.arange(len(counted))).ravel()
        pull[:, columns] += made.carry(fixed)
    return JointMeans(means, pull)


@dataclass(frozen=True, eq=False)
class PricedMeans:
    """Mean costs of K kinds and the mean effect of two groups, and how all of them vary together.

    ``means`` (2 × (K + 1)), the treated first, the effect last; ``covariance`` of them row by row; ``people`` how many rows.
    Cost goes up with its price, so that other prices of a kind take no second look at the rows.
    """

    means: Floats
    covariance: Floats
    people: int

    def at(self, factors: ArrayLike) -> Increment:
        """The increments with each kind's cost times a factor (K)."""
        kinds = self.means.shape[1] - 1
        own = np.zeros((2, kinds + 1))
        own[0, :kinds], own[1, kinds] = np.asarray(factors, float), 1.0
        turn = np.kron(np.eye(2), own)
        arms, spread = self.means @ own.T, turn @ self.covariance @ turn.T
        apart = np.hstack([np.eye(2), -np.eye(2)])
        cost, effect = arms[0] - arms[1]
        return Increment(float(cost), float(effect), apart @ spread @ apart.T, arms, spread, self.people, "")


def priced_means(made: Sequence[AnswerWeights], costs: Sequence[ArrayLike], effect: ArrayLike) -> PricedMeans:
    """What do two groups cost in each of several kinds, and achieve, on average?

    Args:
        made: the weights of each of the J parts, none of them with a ``reason``.
        costs: K times (n × J) cost of each row of a kind in each part.
        effect: (n) effect of each row.

    Raises:
        ValueError: as ``joint_means``.

    >>> group, effect = np.repeat([1, 0], 20), np.tile([1.0, 0.0], 20)
    >>> rent, staff = np.full((40, 1), 3.0), np.full((40, 1), 5.0)
    >>> priced = priced_means(followed_weights(np.ones((40, 1)), group, None), [rent, staff], effect)
    >>> priced.at([2, 1]).arms.round(6).tolist()
    [[11.0, 0.5], [11.0, 0.5]]
    """
    groups = (made[0].treated, ~made[0].treated)
    kinds = [joint_means(made, groups, cost, effect) for cost in costs]
    means = np.column_stack([*(kind.means[:, 0] for kind in kinds), kinds[0].means[:, 1]])
    pull = np.column_stack(
        [part for side in (0, 2) for part in (*(kind.pull[:, side] for kind in kinds), kinds[0].pull[:, side + 1])]
    )
    return PricedMeans(means, pull.T @ pull, groups[0].size)


def followed_increment(made: Sequence[AnswerWeights], cost: ArrayLike, effect: ArrayLike) -> Increment:
    """How far apart are two groups in cost and effect, taken together, when some are not followed to the end yet?

    As ``weighted_increment``, with people not reached or not yet followed so far stood for. With one part of which all is
    known it is that.

    Args:
        made: the weights of each of the J parts, as ``followed_weights`` gives them.
        cost: (n × J) cost of each row in each part; whatever it is where not known.
        effect: (n) effect of each row, more is better; whatever it is where not known.

    Raises:
        ValueError: as ``joint_means``.

    Source: Bang and Tsiatis (2000), doi:10.1093/biomet/87.2.329; Willan and Briggs (2006), Statistical Analysis of
    Cost-effectiveness Data, chapter 3.

    Every second row is followed through the first part only. The second part costs 2 in one group and 4 in the other:

    >>> group, known = np.repeat([1, 0], 20), np.array([[1, 1], [1, 0]] * 20)
    >>> cost = np.column_stack([np.tile([10.0, 30.0], 20), np.repeat([2.0, 4.0], 20)])
    >>> found = followed_increment(followed_weights(known, group, None), cost, group)
    >>> found.arms.round(6).tolist(), round(found.cost, 6), round(found.effect, 6)
    ([[22.0, 1.0], [24.0, 0.0]], -2.0, 1.0)
    """
    first = made[0]
    reason = next((part.reason for part in made if part.reason), "")
    if reason:
        blank = np.full((4, 4), np.nan)
        return Increment(np.nan, np.nan, blank[:2, :2], blank[:2, :2], blank, first.treated.size, reason)
    both = joint_means(made, (first.treated, ~first.treated), cost, effect)
    pull, (more_cost, more_effect) = both.pull[:, :2] - both.pull[:, 2:], both.means[0] - both.means[1]
    return Increment(
        float(more_cost), float(more_effect), pull.T @ pull, both.means, both.covariance, first.treated.size, ""
    )


def _weighted_means(made: Weights, groups: Sequence[NDArray[np.bool_]], values: Floats) -> tuple[Floats, Floats]:
    """Each group's weighted means (G × K) of the columns, and each row's pull (n × GK) on them, weights held fixed."""
    known, means, pulls = np.where(made.known[:, None], values, 0.0), [], []
    for group in groups:
        mass = group * made.weights / (group @ made.weights)
        means.append(mass @ known)
        pulls.append(mass[:, None] * (known - means[-1]))
    return np.array(means), np.column_stack(pulls)
