"""Agreement of two yes/no readings beyond chance, with people as clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Estimate, normal_quantile


def clustered_kappa(cells: ArrayLike, conf_level: float = 0.95) -> Estimate:
    """How far do two readings of the same thing agree beyond chance (Cohen's kappa)?

    The variance is the delta method on the cell shares with the person as cluster, m/(m-1) times the sum of squared
    influences; with one pair a person and without that factor it is Fleiss, Cohen & Everitt's large-sample error.

    Args:
        cells: people × 4 counts of pairs: both no, no then yes, yes then no, both yes.
        conf_level: confidence level of the normal interval, cut at -1 and 1.

    Returns:
        Estimate between -1 and 1; ``nan`` without pairs, with one person, or where one of the readings never varies.

    Raises:
        ValueError: if the shape is not people × 4 or a count is negative.

    Source: Cohen 1960, doi:10.1177/001316446002000104; Fleiss, Cohen & Everitt 1969, doi:10.1037/h0028106.

    >>> pairs = np.repeat(np.eye(4), [40, 5, 10, 45], axis=0)
    >>> round(clustered_kappa(pairs).value, 3)
    0.7
    """
    counts = np.asarray(cells, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[1] != 4 or not np.all(counts >= 0):
        raise ValueError("cells must be people × 4 counts, none negative.")
    method = "Cohen's kappa, person-clustered delta method, normal interval"
    nothing = Estimate(np.nan, np.nan, np.nan, np.nan, conf_level, method)
    counts = counts[counts.sum(axis=1) > 0]
    people, pairs = len(counts), counts.sum()
    if people < 2:
        return nothing
    share = counts.sum(axis=0) / pairs
    table = share.reshape(2, 2)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    observed, chance = float(np.trace(table)), float(rows @ columns)
    if not (0 < rows[0] < 1 and 0 < columns[0] < 1):
        return nothing
    kappa = (observed - chance) / (1 - chance)
    slope = (np.eye(2) * (1 - chance) - (1 - observed) * (columns[:, None] + rows[None, :])) / (1 - chance) ** 2
    influence = (counts - share * counts.sum(axis=1, keepdims=True)) @ slope.ravel() / pairs
    error = float(np.sqrt(people / (people - 1) * (influence @ influence)))
    reach = normal_quantile(conf_level) * error
    return Estimate(kappa, error, max(kappa - reach, -1.0), min(kappa + reach, 1.0), conf_level, method)
