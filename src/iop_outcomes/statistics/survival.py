"""How many are still in by day: the Kaplan–Meier curve on exact tied days."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .curves import SurvivalCurve, curve_limits
from .influence import measure_influence
from .intervals import Floats
from .life_table import LifeTable, check_rows, followed_to, tabulate


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    conf_level: float = 0.95,
    conf_type: str = "log-log",
) -> SurvivalCurve:
    """What share is still in after each day, for whatever reason people leave?

    The standard error is Greenwood's when rows are independent. With ``cluster`` or ``weights`` it is the
    infinitesimal jackknife, summed within people, as R's ``survfit(..., robust=TRUE, cluster=)``.

    Args:
        time: (n) days to exit or to the end of watching, 0 or more; ties are kept.
        event: (n) whether the person left on that day (True or 1) or was still in (False or 0).
        entry: (n) day after which the row was watched (delayed entry); 0 is admission, day 0 included.
            Where nobody is in view before others enter, the curve says nothing from there on (``followed_to``).
        weights: (n) sampling or balancing weights. A weight of 2 is not two people.
        counts: (n) people each row stands for, when rows are already tallied.
        cluster: (n) the person each row belongs to.
        conf_level: confidence level.
        conf_type: "log-log", "log" or "plain".

    Returns:
        SurvivalCurve over the distinct days, shares between 0 and 1.

    Raises:
        ValueError: if the rows are impossible (see ``check_rows``), event is not 0 or 1, or the type is unknown.

    Source: Kaplan and Meier (1958); Greenwood (1926); Therneau and Grambsch (2000), section 2.2.

    >>> curve = kaplan_meier([7, 7, 7, 14, 14, 14, 21, 21, 28, 28], [1, 1, 1, 1, 1, 1, 1, 0, 1, 0])
    >>> curve.survival.round(3).tolist()
    [0.7, 0.4, 0.3, 0.15]
    >>> curve.quantile(0.5).value
    14.0
    """
    left = np.asarray(event)
    if left.dtype.kind not in "buif" or not ((left == 0) | (left == 1)).all():
        raise ValueError("event must be True or False (1 or 0) in every row.")
    rows = check_rows(
        time, left.astype(np.int64), entry=entry, weights=weights, counts=counts, cluster=cluster, causes=(1,)
    )
    table = tabulate(rows)
    value = product_limit(table)
    if weights is None and cluster is None:
        influence, std_error = None, value * np.sqrt(np.cumsum(greenwood_steps(table)))
        method = "Kaplan–Meier, Greenwood"
    else:
        influence = measure_influence(rows, table, before(value))
        std_error = np.sqrt(influence.variances(np.array([-1.0])))
        method = "Kaplan–Meier, infinitesimal jackknife" + (", people as clusters" if cluster is not None else "")
    if entry is not None:
        method += ", delayed entry"
    low, high = curve_limits(value, std_error, conf_level, conf_type)
    return SurvivalCurve(
        time=table.time,
        at_risk=table.at_risk,
        events=table.exits,
        censored=table.censored,
        value=value,
        std_error=std_error,
        low=low,
        high=high,
        start=1.0,
        followed_to=followed_to(rows, table),
        conf_level=conf_level,
        conf_type=conf_type,
        method=f"{method}, {conf_type} interval",
        influence=influence,
        coefficients=None if influence is None else np.array([-1.0]),
    )


def product_limit(table: LifeTable) -> Floats:
    """The share still in after each day (T) of a life table, whatever the cause of leaving.

    >>> rows = check_rows([7, 14, 14, 21], [1, 1, 0, 1])
    >>> product_limit(tabulate(rows)).round(3).tolist()
    [0.75, 0.5, 0.0]
    """
    risk = np.where(table.at_risk > 0, table.at_risk, 1.0)
    return np.asarray(np.cumprod(np.where(table.at_risk > 0, table.staying / risk, 1.0)), np.float64)


def before(survival: Floats) -> Floats:
    """The share still in just before each day, from the share after it.

    >>> before(np.array([0.75, 0.5])).tolist()
    [1.0, 0.75]
    """
    return np.concatenate([[1.0], survival[:-1]])


def greenwood_steps(table: LifeTable) -> Floats:
    """d / (n(n - d)) on each day, 0 on a day that leaves nobody (Greenwood 1926).

    >>> greenwood_steps(tabulate(check_rows([7, 14], [1, 1]))).tolist()
    [0.5, 0.0]
    """
    product = table.at_risk * table.staying
    return np.divide(table.exits, product, out=np.zeros(product.shape), where=product > 0)
