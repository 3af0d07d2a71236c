"""How much does each person move a curve? The infinitesimal jackknife for tied, weighted, delayed-entry data.

The standard error of a curve when people have several episodes, or weights, is the root of the sum over people of
the square of their influence: the derivative of the estimate by the person's weight, times the weight. Written out,
the influence of an episode on any cumulative incidence splits into a term that depends only on its exit (day, cause)
and a term that depends only on its day of entry. All of a person's rows together are then a short vector over *cells*,
and everything the data have to say about clustering is one matrix, the cross-products of those vectors summed over
people. Its size is set by the number of days, not of people.

Source: Therneau and Grambsch (2000), Modeling Survival Data, section 2.2 and appendix; Andersen, Borgan, Gill and
Keiding (1993), section IV.4. With unit weights and one row per person it is the variance of R's multi-state survfit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .intervals import Floats
from .life_table import LifeTable, Rows

#: Numbers held at once when a variance is evaluated at many days.
_BLOCK = 4_000_000
#: A variance this small beside the sum of its terms' sizes is rounding.
_ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class Influence:
    """Each person's pull on the cumulative incidences of one table, in summed form.

    ``table`` the counts · ``survival_before`` (T) share still in just before each day · ``crossproducts``
    (cells × cells, sparse) summed over people. Cells: exit day × state (0 censored, then the causes), then entries.
    ``people`` (P labels) and ``vectors`` (P × cells, sparse) are each person's own, None when every row is its own
    person.

    A curve is named by ``causes``, one coefficient per cause: (1, 0) is the incidence of the first cause, (1, 1)
    of any, (-1, -1) the survival curve but for its constant 1.
    """

    table: LifeTable
    survival_before: Floats
    crossproducts: Any
    people: NDArray[Any] | None = None
    vectors: Any = None

    def variances(self, causes: Floats) -> Floats:
        """Variance (T) of one curve on each day of the table."""
        days = self.table.time.size
        step = max(1, _BLOCK // self.crossproducts.shape[0])
        parts = []
        for first in range(0, days, step):
            block = self._values(causes, np.arange(first, min(first + step, days)))
            parts.append(self._quadratic(block))
        return np.concatenate(parts)

    def variance_of_sum(self, causes: Floats, coefficients: Floats) -> float:
        """Variance of Σ coefficient(t) · curve(t) over the days t of the table, for example an area."""
        return float(self._quadratic(self._sums(causes, coefficients[:, None]))[0])

    def covariances(self, other: Influence, causes: Floats, readings: Floats, others: tuple[Floats, Floats]) -> Floats:
        """How far estimates of two tables move together because some people are in both (K).

        Args:
            other: the influence of the second table.
            causes: the curve of this table.
            readings: (T × K) coefficients over the days of this table: a day read is a column with a single 1.
            others: causes and readings (T' × K) of the other table.
        """
        columns = readings.shape[1]
        if self.people is None or other.people is None:
            return np.zeros(columns)
        _, mine, theirs = np.intersect1d(self.people, other.people, assume_unique=True, return_indices=True)
        pull = self.vectors[mine] @ self._sums(causes, readings)
        return np.einsum("ij,ij->j", pull, other.vectors[theirs] @ other._sums(*others))

    def pulls(self, causes: Floats, readings: Floats) -> Floats:
        """Each person's own pull (P × K) on Σ coefficient(t) · curve(t), readings (T × K); needs ``vectors``."""
        return np.asarray(self.vectors @ self._sums(causes, readings), np.float64)

    def _sums(self, causes: Floats, coefficients: Floats) -> Floats:
        """Influence (cells × K) of a unit of weight in each cell on Σ coefficient(t) · curve(t), days in blocks."""
        asked = np.flatnonzero(coefficients.any(axis=1))
        step = max(1, _BLOCK // self.crossproducts.shape[0])
        total = np.zeros((self.crossproducts.shape[0], coefficients.shape[1]))
        for first in range(0, asked.size, step):
            picked = asked[first : first + step]
            total += self._values(causes, picked) @ coefficients[picked]
        return total

    def _quadratic(self, values: Floats) -> Floats:
        """The variance of each column of values, exactly 0 where people's terms cancel but for rounding."""
        variance = np.einsum("ij,ij->j", values, self.crossproducts @ values)
        size = np.abs(values)
        scale = np.einsum("ij,ij->j", size, self.crossproducts @ size)
        return np.where(variance > _ROUNDING * scale, variance, 0.0)

    def _values(self, causes: Floats, picked: NDArray[np.intp]) -> Floats:
        """Influence (cells × picked days) of a unit of weight in each cell on one curve.

        With n at risk, d exits, S₋ the share still in before day j, and over the days up to t
        P = Σ S₋ d_c/n (the curve), A = Σ d/(n(n-d)), Q = Σ A₋ dP, R = Σ dP/n, an exit on day x for cause κ adds

            Q(x∧t) + (A(x) - [κ>0]/(n(x) - d(x))) (P(t) - P(x∧t)) + [x≤t] c_κ S₋(x)/n(x) - R(x∧t)

        and an entry after day e takes away Q(e∧t) + A(e∧t) (P(t) - P(e∧t)) - R(e∧t).
        """
        table = self.table
        days = table.time.size
        risk = np.where(table.at_risk > 0, table.at_risk, np.inf)
        staying = table.staying
        safe = np.where(staying > 0, staying, np.inf)
        hazard_steps = np.where(staying > 0, table.exits / (risk * safe), 0.0)
        a = np.concatenate([[0.0], np.cumsum(hazard_steps)])
        curve_steps = self.survival_before * (table.events @ causes) / risk
        p = np.concatenate([[0.0], np.cumsum(curve_steps)])
        q = np.concatenate([[0.0], np.cumsum(a[:-1] * curve_steps)])
        r = np.concatenate([[0.0], np.cumsum(curve_steps / risk)])

        # Positions 0 … T count the exit days passed; day j of the table is position j + 1.
        upto = picked + 1
        exit_day = np.arange(1, days + 1)
        either = np.minimum.outer(exit_day, upto)
        after = p[upto] - p[either]
        common = q[either] - r[either] + a[1:, None] * after
        passed = exit_day[:, None] <= upto
        jump = passed * (self.survival_before / risk)[:, None]
        left = common - after / safe[:, None]
        pull = np.concatenate([[0.0], causes])
        exits = np.stack([common if k == 0 else left + pull[k] * jump for k in range(pull.size)], axis=1)
        values = exits.reshape(days * pull.size, picked.size)
        if self.crossproducts.shape[0] == values.shape[0]:
            return values
        entered = np.minimum.outer(np.arange(days + 1), upto)
        entries = q[entered] - r[entered] + a[entered] * (p[upto] - p[entered])
        return np.concatenate([values, -entries])


def measure_influence(rows: Rows, table: LifeTable, survival_before: Floats) -> Influence:
    """Sum over people the cross-products that every clustered variance of these rows needs.

    Args:
        rows: checked rows; without ``cluster`` every row (or person it stands for) is its own cluster.
        table: the life table of the same rows.
        survival_before: (T) share still in just before each day.
    """
    from scipy.sparse import csr_array

    n, states = rows.exit.size, len(rows.causes) + 1
    cells = rows.time.size * states
    columns = rows.exit * states + rows.state
    mass = np.ones(n) if rows.weight is None else rows.weight
    if rows.count is not None:
        mass = np.sqrt(rows.count)
    owner = np.arange(n) if rows.cluster is None else rows.cluster
    if rows.start is not None:
        columns = np.concatenate([columns, cells + rows.start])
        owner, mass = np.concatenate([owner, owner]), np.concatenate([mass, mass])
        cells += rows.time.size + 1
    if rows.cluster is None and rows.start is None:
        diagonal = np.bincount(columns, mass**2, minlength=cells)
        place = np.arange(cells)
        return Influence(table, survival_before, csr_array((diagonal, (place, place)), shape=(cells, cells)))
    vectors = csr_array((mass, (owner, columns)), shape=(int(owner.max()) + 1, cells))
    products = (vectors.T @ vectors).tocsr()
    return Influence(table, survival_before, products, rows.people, None if rows.people is None else vectors)
