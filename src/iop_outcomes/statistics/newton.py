"""Many logistic regressions of the same rows at once, each counting the rows by weights of its own.

Newton's steps are cut short where they are long, by as much as makes every step climb (Bach 2010,
doi:10.1214/09-EJS521): the log-likelihood is concave, so that they arrive at its top wherever it has one. Whether it has
one is read off the fit itself. Were there a direction d that foretells the outcome wholly, no row would be on its wrong
side, and the score along it would be at least λ·|d|/R, with λ the least eigenvalue of the information and R the length
of the longest row (a row is off by no less than it informs, and lies no farther along d than R·|d|). A score smaller than
λ/R therefore proves that there is none; λ itself proves that no columns are alike. Where the proof does not go through,
nothing is said, and ``clear`` is False.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .intervals import Floats

#: Steps are taken until no row moves farther than this in log-odds; the error left is about its square.
_SETTLED = 1e-8
#: A full step climbs where no row moves farther than this, longer ones are cut.
_FULL = 1.5
#: The proof goes through with this to spare,
_TO_SPARE = 1e-3
#: where the least eigenvalue is above this share of the weight of all rows: far above rounding.
_INFORMED = 1e-8
#: Rows whose products are summed at a time.
_ROWS = 4_096
#: Added to the information in the same unit, so that it can be inverted whatever it is.
_RIDGE = 1e-14


@dataclass(frozen=True, eq=False)
class Logits:
    """Coefficients (B × p), and for each fit whether it surely has settled, with columns and outcome told apart (B)."""

    coefficients: Floats
    clear: NDArray[np.bool_]


def fit_logits(
    events: Floats,
    design: Floats,
    weights: Floats,
    *,
    trials: Floats | None = None,
    start: Floats | None = None,
    steps: int = 30,
) -> Logits:
    """What would the coefficients be for each of these weightings of the rows?

    Args:
        events: (n) events of each row.
        design: (n × p) columns, each of about the size of 1.
        weights: (B × n) zero or more.
        trials: (n) trials of each row, 1 when left out.
        start: (p) where to begin, 0 when left out.
        steps: most steps to take; from 0 to log-odds of 300 it takes some hundreds.

    >>> made = fit_logits(np.array([1.0, 0.0, 1.0]), np.ones((3, 1)), np.array([[1.0, 1.0, 1.0], [3.0, 1.0, 0.0]]))
    >>> np.exp(made.coefficients[:, 0]).round(6).tolist(), made.clear.tolist()
    ([2.0, 3.0], [True, True])
    """
    fits, (n, p) = len(weights), design.shape
    known = np.ones(n) if trials is None else trials
    most = (weights * known).max(axis=1)
    bulk = n * np.where(most > 0, most, 1.0)
    reach = np.sqrt(np.einsum("ij,ij->i", design, design).max())
    beta = np.zeros((fits, p)) if start is None else np.tile(start, (fits, 1))
    clear, left = np.zeros(fits, dtype=bool), np.arange(fits)
    gather, line = _informant(design, fits), beta @ design.T
    for _ in range(steps):
        if not left.size:
            break
        chance = expit(line)
        counted = weights[left] * known
        score = (weights[left] * events - counted * chance) @ design
        information = gather(counted * chance * (1 - chance)) + _RIDGE * bulk[left, None, None] * np.eye(p)
        inverse = np.linalg.inv(information)
        step = (inverse @ score[:, :, None])[:, :, 0]
        move = step @ design.T
        far = np.abs(move).max(axis=1)
        cut = np.where(far > _FULL, np.log1p(far) / np.maximum(far, _FULL), 1.0)[:, None]
        beta[left] += cut * step
        least = 1 / np.trace(inverse, axis1=1, axis2=2)  # at most the least eigenvalue
        proved = (np.sqrt((score**2).sum(axis=1)) * reach < _TO_SPARE * least) & (least > _INFORMED * bulk[left])
        still = ~(far <= _SETTLED)
        clear[left] = proved & ~still
        left, line = left[still], (line + cut * move)[still]
    return Logits(beta, clear)


def foretells_alone(
    events: Floats, design: Floats, weights: Floats, *, trials: Floats | None = None
) -> NDArray[np.bool_]:
    """Does a column on its own foretell the outcome wholly: whatever has this mark, has the outcome?

    Among the rows that count it must never point the wrong way, and sometimes the right one; so may, where the first column
    is an intercept, its distance from its least or greatest value. A quick answer: no means only that no column does it
    alone.

    Args:
        events: (n) events of each row.
        design: (n × p) columns.
        weights: (B × n) zero or more.
        trials: (n) trials of each row, 1 when left out.

    >>> marked = np.column_stack([np.ones(4), [1.0, 1.0, 0.0, 0.0]])
    >>> foretells_alone(np.array([1.0, 1.0, 0.0, 1.0]), marked, np.array([[1, 1, 1, 1], [1, 0, 1, 1]])).tolist()
    [True, True]
    >>> foretells_alone(np.array([1.0, 0.0, 0.0, 1.0]), marked, np.ones((1, 4))).tolist()
    [False]
    """
    ways = design
    if np.ptp(design[:, 0]) == 0:
        ways = np.column_stack([design, design - design.min(axis=0), design.max(axis=0) - design])
    some, not_all = (events > 0)[:, None], (events < (1 if trials is None else trials))[:, None]
    right, wrong = some & (ways > 0) | not_all & (ways < 0), some & (ways < 0) | not_all & (ways > 0)
    there = (weights > 0).astype(float)
    return np.asarray(((there @ right > 0) != (there @ wrong > 0)).any(axis=1))


def _informant(design: Floats, fits: int) -> Callable[[Floats], Floats]:
    """Sums over rows of the products of each two columns (… × p × p), the rows counting by (… × n)."""
    p = design.shape[1]
    if fits < p:
        return lambda spread: np.stack([sum_products(design, one) for one in spread])
    row, column = np.triu_indices(p)
    products = design[:, row] * design[:, column]
    place = np.empty((p, p), dtype=np.intp)
    place[row, column] = place[column, row] = np.arange(row.size)
    return lambda spread: (spread @ products)[:, place]


def sum_products(design: Floats, spread: Floats) -> Floats:
    """The sums over rows of the products of each two columns (p × p), the rows counting by ``spread`` (n), 0 or more.

    Some rows at a time, and as a table times itself, which is half the work.

    >>> sum_products(np.array([[1.0, 2.0], [1.0, 0.0]]), np.array([1.0, 4.0])).tolist()
    [[5.0, 2.0], [2.0, 4.0]]
    """
    total, root = np.zeros((design.shape[1], design.shape[1])), np.sqrt(spread)
    for start in range(0, len(design), _ROWS):
        rows = design[start : start + _ROWS] * root[start : start + _ROWS, None]
        total += rows.T @ rows
    return total


def invert_products(design: Floats, spread: Floats) -> Floats:
    """The inverse (p × p) of ``sum_products``, whatever units the columns are in.

    >>> invert_products(np.array([[1.0, 200.0], [1.0, 0.0]]), np.array([1.0, 1.0])).round(6).tolist()
    [[1.0, -0.005], [-0.005, 5e-05]]
    """
    products = sum_products(design, spread)
    size = np.sqrt(np.diag(products))
    scale = np.outer(size, size)
    return np.asarray(np.linalg.inv(products / scale) / scale)


def expit(x: Floats) -> Floats:
    """The chance at these log-odds.

    >>> expit(np.array([0.0, 800.0])).tolist()
    [0.5, 1.0]
    """
    from scipy.special import expit as chance

    return np.asarray(chance(x), float)
