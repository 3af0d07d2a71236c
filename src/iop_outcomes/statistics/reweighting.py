"""What would weighted means have been in another sample of people, the weights fitted anew to each?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .answered import EACH_COLUMN, AnswerWeights, answer_weights
from .estimating_equations import person_codes
from .intervals import Floats
from .life_table import Codes
from .newton import expit, fit_logits, foretells_alone
from .propensity import target_tilt
from .regression import ALIKE, LEAST_DF, SEPARATED, TOO_FEW, logistic_regression
from .resampling import draw_people

#: Above this share of replicates that cannot be weighted, those that can are no fair picture of them all.
MOST_REFUSED = 0.05
ONE_GROUP = "nobody of one of the groups was drawn"
#: Draws of people held at once.
_BLOCK = 1_000_000
#: With more people than this each replicate draws from one of so many blocks of so many people, to the same number.
MOST_PEOPLE, BLOCKS, BLOCK_PEOPLE = 20_000, 10, 5_000


@dataclass(frozen=True, eq=False)
class ReweightedBootstrap:
    """Weighted means of the treated and of the reference group, in the data and in each replicate.

    ``estimate`` (2 × K) the means, treated first · ``draws`` (B × 2 × K) theirs in the replicates, all columns of one
    replicate from one and the same sample of people · ``people`` how many there are · ``refused`` how many replicates
    could not be weighted, by reason; they are not among the draws · ``reason`` empty, or why there are no draws ·
    ``blocks`` how many blocks of people were drawn from, 1 where everybody was.
    """

    estimate: Floats
    draws: Floats
    people: int
    refused: Counter[str]
    reason: str
    blocks: int = 1

    @property
    def difference(self) -> Floats:
        """Draws (B × K) of the means of the treated less those of the reference group."""
        return self.draws[:, 0] - self.draws[:, 1]


def reweighted_bootstrap(
    values: ArrayLike,
    treated: ArrayLike,
    covariates: ArrayLike | None,
    *,
    estimand: str = "ATO",
    cluster: ArrayLike | None = None,
    replicates: int = 1_000,
    seed: int,
    made: AnswerWeights | None = None,
) -> ReweightedBootstrap:
    """How much would the means of two groups made alike differ in another sample of people, weights and all?

    Each replicate draws as many people as there are, with replacement, across groups; a person drawn brings all rows and
    every column, so costs and effects stay together. All that ``answer_weights`` fits is fitted anew to who was drawn: the
    chance of an answer and the propensity. Each draw is what that function makes of the rows drawn.

    Above 20,000 people a bag of little bootstraps takes its place: ten blocks of 5,000 different people are drawn at
    random, each replicate draws as many people as there are in all from one block, so that it costs what 5,000 do,
    and is the estimate plus what the replicate differs from the block's own.

    Args:
        values: (n × K) numbers, for example cost and effect, ``nan`` where unknown; a row counts where all are known.
        treated: (n) 1 or True for the treated, 0 or False for the reference group.
        covariates: (n × k) numbers known before treatment, no intercept. None for none.
        estimand: "ATO", "ATE", "ATT" or "ATC"; see ``balance_weights``.
        cluster: (n) the person each row belongs to; each row its own when left out.
        replicates: number of replicates B.
        seed: the same seed gives the same draws.
        made: what ``answer_weights`` gives for these rows, where it is there already.

    Returns:
        ReweightedBootstrap; without draws and with a ``reason`` where the data cannot be weighted, or more than one in
        twenty replicates cannot.

    Raises:
        ValueError: as ``answer_weights``; if values are not a table with a row for each of treated, or there are fewer
            than two replicates.

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap; weights fitted anew, Austin (2016),
    doi:10.1002/sim.7084; blocks, Kleiner, Talwalkar, Sarkar and Jordan (2014), doi:10.1111/rssb.12050.

    >>> x, group = np.tile([0.0, 0.0, 1.0, 1.0, 2.0], 20), np.tile([1, 0, 0, 1], 25)
    >>> cost, effect = 100 * group + x, x + np.arange(100) % 2
    >>> made = reweighted_bootstrap(np.column_stack([cost, effect]), group, x[:, None], replicates=200, seed=1)
    >>> made.draws.shape, made.difference[:, 0].round(6).min()
    ((200, 2, 2), np.float64(100.0))
    """
    table = np.asarray(values, float)
    if table.ndim != 2 or len(table) != np.size(treated) or np.isinf(table).any():
        raise ValueError("values must be a table of numbers with one row for each of treated, nan where unknown.")
    if replicates < 2:
        raise ValueError("Give two or more replicates.")
    known, person = ~np.isnan(table).any(axis=1), person_codes(cluster, len(table))
    made = made or answer_weights(known, treated, covariates, estimand, cluster=person)
    sample = _Sample(np.where(known[:, None], table, 0.0), covariates, person, made)
    estimate = sample.weigh(made.weights[known])
    if made.reason or sample.people <= MOST_PEOPLE:
        drawings = draw_people(sample.people, 0 if made.reason else replicates, seed, most=_BLOCK)
        draws, refused, reason = _resample(sample, drawings, replicates)
        return ReweightedBootstrap(estimate, draws, sample.people, refused, made.reason or reason)
    refused, parts, each = Counter[str](), [], -(-replicates // BLOCKS)
    for rows, drawings in _draw_blocks(sample, each, seed):
        block = sample.take(rows)
        reason = ONE_GROUP if block is None else block.made.reason
        if block is not None and not reason:
            draws, found, reason = _resample(block, drawings, each)
            refused.update(found)
            parts.append(estimate + draws - block.weigh(block.made.weights[block.made.known]))
        if reason:
            parts = [np.empty((0, *estimate.shape))]
            break
    return ReweightedBootstrap(estimate, np.concatenate(parts), sample.people, refused, reason, BLOCKS)


def _resample(sample: _Sample, drawings: Iterator[Floats], replicates: int) -> tuple[Floats, Counter[str], str]:
    """The means (b × 2 × K) of the drawings that could be weighted, how many could not, and why there are no means."""
    nothing, refused = np.empty((0, 2, sample.values.shape[1])), Counter[str]()
    parts = [nothing]
    for times in drawings:
        means, sure = sample.fit_together(times)
        for place in np.flatnonzero(~sure):
            means[place], why = sample.fit_alone(times[place])
            refused.update([why] if why else [])
            if refused.total() > MOST_REFUSED * replicates:
                often = refused.most_common(1)[0][0]
                return nothing, refused, f"more than {MOST_REFUSED:.0%} of resamples cannot be weighted: {often}"
        parts.append(means[~np.isnan(means).any(axis=(1, 2))])
    return np.concatenate(parts), refused, ""


def _draw_blocks(sample: _Sample, replicates: int, seed: int) -> Iterator[tuple[Codes, Iterator[Floats]]]:
    """The rows of blocks of different people, and how often each of a block is in each of its replicates."""
    random = np.random.default_rng(seed)
    who = np.arange(len(sample.values)) if sample.person is None else sample.person
    even, most = np.full(BLOCK_PEOPLE, 1 / BLOCK_PEOPLE), max(1, _BLOCK // BLOCK_PEOPLE)
    for _ in range(BLOCKS):
        inside = np.zeros(sample.people, dtype=bool)
        inside[random.choice(sample.people, BLOCK_PEOPLE, replace=False)] = True
        yield (
            np.flatnonzero(inside[who]),
            (
                random.multinomial(sample.people, even, size=min(most, replicates - done)).astype(float)
                for done in range(0, replicates, most)
            ),
        )


@dataclass(frozen=True, eq=False)
class _Sample:
    """The rows drawn from: values, covariates, the person of each (None when rows are people), and the weights made."""

    values: Floats
    covariates: ArrayLike | None
    person: Codes | None
    made: AnswerWeights

    @property
    def people(self) -> int:
        """How many there are."""
        return len(self.values) if self.person is None else int(self.person.max()) + 1

    def take(self, rows: Codes) -> _Sample | None:
        """These rows by themselves, weighted anew; None where they are of one group."""
        own, known = self.made.treated[rows], self.made.known[rows]
        if own.all() or not own.any():
            return None
        person = None if self.person is None else np.unique(self.person[rows], return_inverse=True)[1]
        covariates = None if self.covariates is None else np.asarray(self.covariates, float)[rows]
        made = answer_weights(known, own, covariates, self.made.estimand, cluster=person)
        return _Sample(self.values[rows], covariates, person, made)

    @cached_property
    def design(self) -> Floats:
        """The columns of the propensity, of about the size of 1."""
        columns = self.made.design[0]
        return columns / np.sqrt((columns**2).mean(axis=0))

    @cached_property
    def reach(self) -> Floats:
        """The columns of the chance of an answer."""
        return np.column_stack([self.design, self.made.treated])

    @cached_property
    def placement_start(self) -> Floats:
        """Where fits of the propensity begin."""
        own, known = self.made.treated, self.made.known
        return fit_logits(own[known].astype(float), self.design[known], np.ones((1, known.sum()))).coefficients[0]

    @cached_property
    def reach_start(self) -> Floats | None:
        """Where fits of the chance of an answer begin; None where no resample can have one, since the whole has none.

        What foretells the answer wholly in everybody does so in whoever is drawn, and columns that are alike stay so.
        """
        fit = logistic_regression(self.made.known.astype(float), self.reach, cluster=self.person)
        return None if fit.reason in (TOO_FEW, ALIKE, SEPARATED) else np.nan_to_num(fit.coefficients)

    @cached_property
    def answering(self) -> Floats:
        """1 for each person with an answer, else 0."""
        who = np.flatnonzero(self.made.known) if self.person is None else self.person[self.made.known]
        return np.isin(np.arange(self.people), who).astype(float)

    def weigh(self, weights: Floats) -> Floats:
        """The means (… × 2 × K) of both groups, answers counting by these weights (… × answers); ``nan`` without any."""
        if self.made.reason:
            return np.full((2, self.values.shape[1]), np.nan)
        values, own = self.values[self.made.known], self.made.treated[self.made.known]
        masses = [weights[..., arm] for arm in (own, ~own)]
        sums = [mass @ values[arm] for mass, arm in zip(masses, (own, ~own), strict=True)]
        return np.stack([one / mass.sum(axis=-1)[..., None] for one, mass in zip(sums, masses, strict=True)], axis=-2)

    def fit_together(self, times: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """The means (b × 2 × K) of each drawing, and which of them surely are what ``answer_weights`` gives."""
        own, design = self.made.treated[self.made.known], self.design[self.made.known]
        counted, sure = self._count(times if self.person is None else times[:, self.person])
        fit = fit_logits(own.astype(float), design, counted, start=self.placement_start)
        sure &= fit.clear & (times @ self.answering - design.shape[1] >= LEAST_DF)
        p = expit(fit.coefficients[sure] @ design.T)
        means = np.full((len(times), 2, self.values.shape[1]), np.nan)
        means[sure] = self.weigh(counted[sure] * target_tilt(p, self.made.estimand)[0] / np.where(own, p, 1 - p))
        return means, sure

    def _count(self, counts: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """How often each answer was drawn over its chance (b × answers), and of which drawings that is sure."""
        own, known = self.made.treated, self.made.known
        if known.all():
            return counts, np.ones(len(counts), dtype=bool)
        sides = np.column_stack([own, ~own]).astype(float)
        drawn, answered = counts @ sides, counts @ (sides * known[:, None])
        sure = (answered > 0).all(axis=1)
        chance = (np.where(sure[:, None], answered, 1.0) / np.maximum(drawn, 1.0)) @ sides[known].T
        if self.reach_start is not None:
            rarer = np.minimum(answered.sum(axis=1), (drawn - answered).sum(axis=1))
            modelled = np.flatnonzero(rarer >= EACH_COLUMN * self.reach.shape[1])
            answers = known.astype(float)
            modelled = modelled[~foretells_alone(answers, self.reach, counts[modelled])]
            fit = fit_logits(answers, self.reach, counts[modelled], start=self.reach_start)
            chance[modelled[fit.clear]] = expit(fit.coefficients[fit.clear] @ self.reach[known].T)
            sure[modelled[~fit.clear]] = False
        return counts[:, known] / chance, sure

    def fit_alone(self, times: Floats) -> tuple[Floats, str]:
        """The means (2 × K) of one drawing, or ``nan`` and the reason, by ``answer_weights`` on the rows drawn."""
        copies = (times if self.person is None else times[self.person]).astype(np.intp)
        rows = np.repeat(np.arange(copies.size), copies)
        copy = np.arange(rows.size) - np.repeat(np.cumsum(copies) - copies, copies)
        person = None if self.person is None else self.person[rows] + self.people * copy
        own, known = self.made.treated[rows], self.made.known[rows]
        if own.all() or not own.any():
            return np.full((2, self.values.shape[1]), np.nan), ONE_GROUP
        covariates = None if self.covariates is None else np.asarray(self.covariates, float)[rows]
        made = answer_weights(known, own, covariates, self.made.estimand, cluster=person)
        return _Sample(self.values[rows], None, None, made).weigh(made.weights[known]), made.reason
