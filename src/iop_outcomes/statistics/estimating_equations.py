"""How sure is a number that was estimated in steps? Each row's pull on the answer, earlier steps carried through.

A row's *pull* on an estimate is how far the estimate moves when the row counts a little more. Where a step uses the
result of an earlier one (weights from a fitted score, averages of fitted values), the earlier step's pull is carried
through by the derivative of the later one. All pulls of a person are added, squared and summed over people: the
sandwich variance of the stacked estimating equations, with no small-sample factor.

Source: Stefanski and Boos (2002), doi:10.1198/000313002753631330; clusters, Liang and Zeger (1986).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Floats
from .life_table import Codes, label_codes
from .newton import expit, invert_products
from .regression import ALIKE, LEAST_DF, TOO_FEW, logistic_regression

FAMILIES = ("gaussian", "binomial")


@dataclass(frozen=True, eq=False)
class Pull:
    """Each row's pull on the coefficients of a fitted regression, kept as what it is made of.

    Row i pulls by ``off[i]`` (its weighted residual) times ``columns[i] @ inverse``, the latter the inverse information
    (p × p). What is asked of a pull is its product with a derivative (p, or p × K), so the n × p numbers are not held.

    >>> pull = Pull(np.array([[1.0, 0.0], [1.0, 2.0]]), np.array([0.5, -0.5]), np.eye(2))
    >>> (pull @ np.array([1.0, 3.0])).tolist(), pull.rows.tolist()
    ([0.5, -3.5], [[0.5, 0.0], [-0.5, -1.0]])
    """

    columns: Floats
    off: Floats
    inverse: Floats

    def __matmul__(self, derivative: Floats) -> Floats:
        """Each row's pull (n, or n × K) on what changes with the coefficients by ``derivative``."""
        return scale_rows(self.columns @ (self.inverse @ derivative), self.off)

    @property
    def rows(self) -> Floats:
        """All of it (n × p)."""
        return scale_rows(self.columns @ self.inverse, self.off)


@dataclass(frozen=True, eq=False)
class Step:
    """A fitted regression and each row's pull on it, ready to be carried into what is made of it.

    ``coefficients`` (p) · ``fitted`` (n) of every row · ``pull`` of each row on the coefficients, 0 for rows the fit did not
    use · ``reason`` empty, or why there is no fit; then the numbers are ``nan``.
    """

    family: str
    coefficients: Floats
    fitted: Floats
    pull: Pull
    reason: str

    def predict(self, design: Floats) -> tuple[Floats, Floats]:
        """The expected outcome (n) on these columns, and its derivative (n × p) by the coefficients."""
        line = design @ self.coefficients
        if self.family == "gaussian":
            return line, design
        mean = expit(line)
        return mean, design * (mean * (1 - mean))[:, None]


def fit_step(
    outcome: Floats, design: Floats, family: str = "gaussian", *, used: NDArray[np.bool_], cluster: Codes | None
) -> Step:
    """What outcome goes with these columns, and how much does each row pull on the answer?

    Least squares ("gaussian") or logistic regression ("binomial"), rows equally weighted.

    Args:
        outcome: (n) outcomes, 0 or 1 for "binomial"; whatever it is where not used.
        design: (n × p) columns, the intercept among them.
        family: "gaussian" or "binomial".
        used: (n) rows to fit on; the others get fitted values only.
        cluster: (n) person codes, so that a model is not fitted to too few people; None when rows are people.

    Raises:
        ValueError: if the family is unknown, or an outcome is missing or impossible.

    >>> made = fit_step(np.arange(12.0), np.ones((12, 1)), used=np.arange(12) < 11, cluster=None)
    >>> made.coefficients.round(6).tolist(), made.reason
    ([5.0], '')
    """
    if family not in FAMILIES:
        raise ValueError(f"family must be gaussian or binomial; got {family!r}.")
    y = np.where(used, outcome, 0.0)
    if not np.isfinite(y).all() or (family == "binomial" and not np.isin(y, (0, 1)).all()):
        raise ValueError(f"outcome must be {'0 or 1' if family == 'binomial' else 'a number'} wherever it is used.")
    if family == "binomial":
        fit = logistic_regression(y, design, trials=used, cluster=cluster)
        beta, fitted, reason = fit.coefficients, fit.fitted, fit.reason
        spread = fitted * (1 - fitted)
    else:
        beta, reason = _least_squares(y[used], design[used], None if cluster is None else cluster[used])
        fitted, spread = design @ beta, np.ones(y.size)
    if reason:
        return Step(family, beta, np.full(y.size, np.nan), no_pull(design, np.nan), reason)
    return Step(family, beta, fitted, Pull(design, used * (y - fitted), invert_products(design, used * spread)), "")


def no_pull(design: Floats, off: float = 0.0) -> Pull:
    """Of rows that do not pull, for nothing was fitted to them; with ``nan``, of those where nothing could be fitted.

    >>> (no_pull(np.ones((2, 1))) @ np.ones(1)).tolist()
    [0.0, 0.0]
    """
    return Pull(design, np.full(len(design), off), np.eye(design.shape[1]))


def scale_rows(table: Floats, by: Floats) -> Floats:
    """The rows of a vector (n) or table (n × K), each times its own number.

    >>> scale_rows(np.ones((2, 2)), np.array([1.0, 3.0])).tolist()
    [[1.0, 1.0], [3.0, 3.0]]
    """
    return np.asarray((table.T * by).T)


def sum_by_person(pull: Floats, cluster: Codes | None) -> Floats:
    """The pulls (n × …) of all rows of each person added; the pulls themselves when every row is a person.

    >>> sum_by_person(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 0])).tolist()
    [5.0, 2.0]
    """
    if cluster is None:
        return pull
    total = np.zeros((int(cluster.max()) + 1, *pull.shape[1:]))
    np.add.at(total, cluster, pull)
    return total


def person_codes(cluster: ArrayLike | None, n: int) -> Codes | None:
    """The person of each row as 0, 1, …; None when every row is its own person.

    Raises:
        ValueError: if there is not one person a row, or one is missing.

    >>> person_codes(["b", "a", "b"], 3).tolist()
    [1, 0, 1]
    """
    return None if cluster is None else label_codes(cluster, n, "cluster")[1]


def _least_squares(y: Floats, x: Floats, cluster: Codes | None) -> tuple[Floats, str]:
    """Coefficients, or ``nan`` and the reason."""
    people = y.size if cluster is None else np.unique(cluster).size
    if people - x.shape[1] < LEAST_DF:
        return np.full(x.shape[1], np.nan), TOO_FEW
    size = np.sqrt((x**2).mean(axis=0))
    beta, _, rank, _ = np.linalg.lstsq(x / np.where(size > 0, size, 1.0), y, rcond=None)
    if rank < x.shape[1]:
        return np.full(x.shape[1], np.nan), ALIKE
    return np.asarray(beta / size, np.float64), ""
