"""What would another sample of the same people have given? Whole people are drawn, with all their rows and outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Estimate, Floats, Interval, normal_quantile
from .life_table import label_codes

Counts = NDArray[np.int64]

#: With more people than this, those alike are drawn together.
MOST_PEOPLE = 20_000


@dataclass(frozen=True, eq=False)
class PersonBootstrap:
    """Means by group in the data and in each replicate.

    ``groups`` (G) labels · ``estimate`` (G × K) the means · ``draws`` (B × G × K) theirs in the replicates, one row of
    groups and columns always from one and the same sample of people · ``people`` how many there are · ``left_out``
    replicates in which a group had nobody; they are not among the draws.
    """

    groups: tuple[Any, ...]
    estimate: Floats
    draws: Floats
    people: int
    left_out: int

    def difference(self, group: Any, reference: Any) -> Floats:
        """Draws (B × K) of the means of one group less those of another.

        Raises:
            ValueError: if there is no such group.
        """
        if not {group, reference} <= set(self.groups):
            raise ValueError("group and reference must be two of the groups that were resampled.")
        one, other = self.groups.index(group), self.groups.index(reference)
        return self.draws[:, one] - self.draws[:, other]


def person_bootstrap(
    values: ArrayLike,
    person: ArrayLike,
    group: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    replicates: int = 10_000,
    seed: int,
) -> PersonBootstrap:
    """How much would each group's means, and everything made of them, differ in another sample of people?

    Each replicate draws as many people as there are, with replacement, across groups: a person drawn brings all rows,
    in every group, and every column, so costs and effects stay together. Means are sums over sums, so that groups may
    vary in size. Given weights stay as they are.

    Above 20,000 people those alike in every total are drawn together, by one multinomial over the different people: the
    same distribution, in time and memory set by how many differ.

    Args:
        values: (n × K) numbers, for example cost and effect, none missing.
        person: (n) whose each row is.
        group: (n) labels.
        weights: (n) zero or more; equal when left out.
        replicates: number of replicates B.
        seed: the same seed gives the same draws.

    Raises:
        ValueError: if lengths differ, a number is missing, a weight is negative, a group has fewer than two people (of
            weight above 0), or there are fewer than two replicates.

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap; for costs and effects together, Briggs,
    Wonderling and Mooney (1997), Health Economics 6:327-340.

    >>> values = [[9, 1], [7, 0], [8, 1], [4, 0], [2, 0], [3, 1]]
    >>> made = person_bootstrap(values, range(6), ["a", "a", "a", "b", "b", "b"], replicates=500, seed=1)
    >>> made.estimate.round(2).tolist(), made.draws.shape[1:]
    ([[8.0, 0.67], [3.0, 0.33]], (2, 2))
    >>> bool(abs(made.difference("a", "b")[:, 0].std() - 0.67) < 0.1)
    True
    """
    columns = np.asarray(values, float)
    if columns.ndim != 2 or len(columns) == 0 or not np.isfinite(columns).all():
        raise ValueError("values must be a table of known numbers: rows, and a column for each outcome.")
    n = len(columns)
    mass = np.ones(n) if weights is None else np.asarray(weights, float)
    if mass.shape != (n,) or not np.all(mass >= 0) or not np.isfinite(mass).all():
        raise ValueError("weights must be zero or more, one a row, none missing.")
    if replicates < 2:
        raise ValueError("Give two or more replicates.")
    (_, who), (labels, arm) = label_codes(person, n, "person"), label_codes(group, n, "group")
    people, groups, outcomes = int(who.max()) + 1, len(labels), columns.shape[1]
    cell, size = who * groups + arm, people * groups
    sums = [np.bincount(cell, column * mass, minlength=size) for column in columns.T]
    totals = np.stack([*sums, np.bincount(cell, mass, minlength=size)], axis=1).reshape(people, groups, outcomes + 1)
    if ((totals[..., -1] > 0).sum(axis=0) < 2).any():
        raise ValueError("A group has fewer than two people: nothing of it can be resampled.")

    flat = totals.reshape(people, -1)
    if people > MOST_PEOPLE:
        flat, alike = _collapse(flat)
        drawings = draw_alike(alike, replicates, seed)
    else:
        drawings = draw_people(people, replicates, seed)
    drawn = np.concatenate([times @ flat for times in drawings]).reshape(replicates, groups, outcomes + 1)
    drawn = drawn[(drawn[..., -1] > 0).all(axis=1)]
    whole = totals.sum(axis=0)
    return PersonBootstrap(
        tuple(labels.tolist()),
        whole[:, :-1] / whole[:, -1:],
        drawn[..., :-1] / drawn[..., -1:],
        people,
        replicates - len(drawn),
    )


def _collapse(table: Floats) -> tuple[Floats, Counts]:
    """The different rows of a table, in order, and how many rows each stands for."""
    ordered = table[np.lexsort(table.T)]
    first = np.flatnonzero(np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1)))
    return ordered[first], np.diff(np.append(first, len(ordered)))


def draw_people(people: int, replicates: int, seed: int, *, most: int = 4_000_000) -> Iterator[Floats]:
    """How often is each person in each replicate? As many people as there are, drawn with replacement.

    Args:
        people: how many there are.
        replicates: number of replicates B.
        seed: the same seed gives the same draws, however they are cut into blocks.
        most: draws of people held at once.

    Returns:
        Blocks (b × people) of how often each was drawn, B rows in all.

    >>> [block.sum(axis=1).tolist() for block in draw_people(3, 3, seed=1, most=6)]
    [[3.0, 3.0], [3.0]]
    """
    random, block = np.random.default_rng(seed), max(1, most // people)
    for done in range(0, replicates, block):
        size = min(block, replicates - done)
        drawn = random.integers(people, size=(size, people)) + people * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * people).reshape(size, people).astype(float)


def draw_alike(alike: ArrayLike, replicates: int, seed: int, *, most: int = 4_000_000) -> Iterator[Floats]:
    """How often is each kind of person in each replicate, when people of a kind are alike and are drawn together?

    As ``draw_people`` with the times of those alike added up: as many people as there are, by one multinomial a replicate.

    Args:
        alike: (k) how many people there are of each kind.
        replicates: number of replicates B.
        seed: the same seed gives the same draws, however they are cut into blocks.
        most: draws held at once.

    Returns:
        Blocks (b × k) of how often each kind was drawn, B rows in all.

    >>> [block.sum(axis=1).tolist() for block in draw_alike([5, 0, 2], 3, seed=1, most=6)]
    [[7.0, 7.0], [7.0]]
    """
    kinds = np.asarray(alike, dtype=np.int64)
    random, people = np.random.default_rng(seed), int(kinds.sum())
    block = max(1, most // kinds.size)
    for done in range(0, replicates, block):
        yield random.multinomial(people, kinds / people, size=min(block, replicates - done)).astype(float)


def percentile_interval(value: float, draws: ArrayLike, conf_level: float = 0.95) -> Interval:
    """Between which limits do the middle draws lie?

    For a mean, a difference or a ratio whose denominator stays clear of 0; the ratio of two differences has no such
    interval, since draws of opposite quadrants share a value: see ``fieller_interval``.

    Args:
        value: the estimate itself.
        draws: (B) the same number in each replicate.
        conf_level: confidence level.

    Raises:
        ValueError: if there is no draw, one is missing, or the level is not strictly between 0 and 1.

    Source: Efron and Tibshirani (1993), chapter 13.

    >>> found = percentile_interval(50, range(1, 101), 0.9)
    >>> found.low, found.high
    (5.0, 95.0)
    """
    normal_quantile(conf_level)
    numbers = np.asarray(draws, float)
    if numbers.ndim != 1 or numbers.size == 0 or np.isnan(numbers).any():
        raise ValueError("draws must be a list of known numbers.")
    tail = (1 - conf_level) / 2
    low, high = np.quantile(numbers, [tail, 1 - tail], method="inverted_cdf")
    return Interval(value, float(low), float(high), conf_level, f"percentiles of {numbers.size} bootstrap draws")


@dataclass(frozen=True, eq=False)
class ResampledEstimate(Estimate):
    """An estimate whose error and limits come from draws, and how far each would move with other draws.

    ``std_error_error``, ``low_error`` and ``high_error`` are Monte-Carlo standard errors: they shrink with more draws,
    whatever the number of people.
    """

    std_error_error: float
    low_error: float
    high_error: float


def resampled_estimate(value: float, draws: ArrayLike, conf_level: float = 0.95) -> ResampledEstimate:
    """How sure is a number by its bootstrap draws, and are the draws enough to say so?

    The standard deviation of the draws, their percentiles (``percentile_interval``), and the Monte-Carlo error of each:
    of the deviation by the fourth moment, of percentiles by Maritz and Jarrett.

    Args:
        value: the estimate itself.
        draws: (B) the same number in each replicate, two or more.
        conf_level: confidence level.

    Raises:
        ValueError: as ``percentile_interval``; if there are fewer than two draws.

    Source: Maritz and Jarrett (1978), doi:10.1080/01621459.1978.10480027.

    >>> made = resampled_estimate(0.0, np.random.default_rng(1).standard_normal(1_000))
    >>> round(made.std_error, 2), round(made.std_error_error, 2), round(made.low, 1), round(made.low_error, 1)
    (0.99, 0.02, -2.0, 0.1)
    """
    limits, numbers = percentile_interval(value, draws, conf_level), np.sort(np.asarray(draws, float))
    if numbers.size < 2:
        raise ValueError("Give two or more draws.")
    spread = float(numbers.std(ddof=1))
    fourth = float(((numbers - numbers.mean()) ** 4).mean())
    unsure = np.sqrt(max(fourth - spread**4, 0.0) / numbers.size) / (2 * spread) if spread else 0.0
    tail = (1 - conf_level) / 2
    low_error, high_error = (_quantile_error(numbers, share) for share in (tail, 1 - tail))
    return ResampledEstimate(
        value, spread, limits.low, limits.high, conf_level, limits.method, float(unsure), low_error, high_error
    )


def _quantile_error(ordered: Floats, share: float) -> float:
    """Standard error of a quantile of draws in order: how far that order statistic varies when draws are drawn anew."""
    from scipy.special import betainc

    size = ordered.size
    place = max(int(np.ceil(round(share * size, 9))), 1)
    chance = np.diff(betainc(place, size - place + 1, np.arange(size + 1) / size))
    return float(np.sqrt(chance @ (ordered - chance @ ordered) ** 2))
