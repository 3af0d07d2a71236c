"""Do groups leave at different rates? The log-rank test, and Gray's test for one way of leaving.

A test answers less than a difference with its interval; print that first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .intervals import Floats
from .life_table import Codes, LifeTable, Rows, check_rows, label_codes, tabulate


@dataclass(frozen=True, eq=False)
class CurveTest:
    """A test of equal curves between G groups.

    ``groups`` (G labels, sorted) · ``observed``, ``expected`` (G) events, weighted by the test when it has
    weights · ``variance`` (G × G) of observed - expected · ``statistic`` chi-squared on ``df``; ``nan`` with
    ``p_value`` when nothing can be tested (nobody left, or only one group was ever at risk).
    """

    groups: tuple[Any, ...]
    observed: Floats
    expected: Floats
    variance: Floats
    statistic: float
    df: int
    p_value: float
    method: str


def log_rank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> CurveTest:
    """Do people in these groups leave at the same rate, whatever the reason?

    Without ``cluster`` the variance is hypergeometric on each day, as R's ``survdiff`` (with delayed entry: the score
    test of ``coxph(ties="exact")``). With ``cluster`` it is the sum over people of squared score residuals, which
    allows a person several episodes, even in several groups: the robust score test of
    ``coxph(ties="breslow", cluster=)``.

    Args:
        time: (n) days to exit or to the end of watching, 0 or more; ties are kept.
        event: (n) whether the person left on that day (True or 1).
        group: (n) the groups to compare, two or more.
        strata: (n) groups are compared within strata only, and the differences added.
        entry: (n) day after which the row was watched; 0 is admission.
        counts: (n) people each row stands for, when rows are already tallied.
        cluster: (n) the person each row belongs to.

    Returns:
        CurveTest with G - 1 degrees of freedom, less groups never at risk when anyone left.

    Raises:
        ValueError: if the rows are impossible (see ``check_rows``), event is not 0 or 1, or there is one group.

    Source: Mantel (1966); Peto and Peto (1972); Lin and Wei (1989) for the robust variance.

    >>> test = log_rank([7, 14, 21, 28, 7, 7, 14, 14], [1, 1, 0, 0, 1, 1, 1, 1], list("aaaabbbb"))
    >>> round(test.statistic, 3), test.df, round(test.p_value, 3)
    (1.887, 1, 0.17)
    """
    left = np.asarray(event)
    if left.dtype.kind not in "buif" or not np.isin(left, (0, 1)).all():
        raise ValueError("event must be True or False (1 or 0) in every row.")
    rows = check_rows(time, left.astype(np.int64), entry=entry, counts=counts, cluster=cluster, causes=(1,))
    groups, codes, layers = _groups(group, strata, rows)
    observed, expected = np.zeros(len(groups)), np.zeros(len(groups))
    variance = np.zeros((len(groups), len(groups)))
    scores = np.zeros((0 if rows.cluster is None else int(rows.cluster.max()) + 1, len(groups)))
    for members, tables in _layers(rows, codes, layers, len(groups)):
        risk = np.stack([table.at_risk for table in tables])
        exits = np.stack([table.exits for table in tables])
        n, d = np.maximum(risk.sum(axis=0), 1.0), exits.sum(axis=0)
        share = risk / n
        observed += exits.sum(axis=1)
        expected += share @ d
        if rows.cluster is None:
            spread = np.divide(d * (n - d), n - 1, out=np.zeros(n.shape), where=n > 1)
            variance += np.diag(share @ spread) - (share * spread) @ share.T
        else:
            scores += _scores(rows, members, codes, share, d / n, scores.shape[0])
    method = "log-rank, hypergeometric variance"
    if rows.cluster is not None:
        variance, method = scores.T @ scores, "log-rank, robust variance, people as clusters"
    if layers is not None:
        method += ", stratified"
    return _conclude(groups, observed, expected, variance, method)


def gray_test(
    time: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    *,
    cause_of_interest: Any = 1,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    counts: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    rho: float = 0.0,
) -> CurveTest:
    """Is the cumulative incidence of this way of leaving the same in every group?

    Compares the subdistribution hazards: people who left for another cause stay in the risk set, as far as censoring
    would have let them. Equal to ``cmprsk::cuminc`` in R, rows counting as independent people. With ``cluster`` the
    variance is the sum over people of the squared pull of all their rows on observed - expected, which allows a person
    several episodes, even in several groups.

    Args:
        time: (n) days to exit or to the end of watching, 0 or more; ties are kept.
        cause: (n) why the person left; 0, "" or None is censored.
        group: (n) the groups to compare, two or more.
        cause_of_interest: the cause whose incidence is compared.
        strata: (n) groups are compared within strata only, and the differences added.
        entry: (n) day after which the row was watched; 0 is admission. Only with ``cluster``.
        counts: (n) people each row stands for, when rows are already tallied.
        cluster: (n) the person each row belongs to. Only with rho 0.
        rho: weight (1 - F)^rho, F the pooled incidence; above 0 stresses early differences.

    Returns:
        CurveTest with G - 1 degrees of freedom.

    Raises:
        ValueError: if the rows are impossible (see ``check_rows``), there is one group, nobody left for the cause, or
            ``entry``, ``cluster`` and ``rho`` do not go together.

    Source: Gray (1988), Annals of Statistics 16:1141–1154, sections 2 and 3, with corrections for ties; the robust
    variance is the infinitesimal jackknife of the same statistic, as Lin and Wei (1989) have it for the log-rank test.

    >>> days = [7, 14, 21, 28, 28, 7, 7, 14, 14, 28]
    >>> test = gray_test(days, [1, 2, 1, 0, 0, 1, 1, 1, 2, 0], list("aaaaabbbbb"))
    >>> test.observed.tolist(), test.df
    ([2.0, 3.0], 1)
    """
    if (rho and cluster is not None) or (entry is not None and cluster is None):
        raise ValueError("cluster takes rho 0 only, and entry needs cluster: give each row its person.")
    rows = check_rows(time, cause, entry=entry, counts=counts, cluster=cluster)
    if cause_of_interest not in rows.causes:
        raise ValueError(f"Nobody left for cause {cause_of_interest!r}.")
    interest = rows.causes.index(cause_of_interest)
    groups, codes, layers = _groups(group, strata, rows)
    observed, expected = np.zeros(len(groups)), np.zeros(len(groups))
    variance = np.zeros((len(groups), len(groups)))
    scores = np.zeros((0 if rows.cluster is None else int(rows.cluster.max()) + 1, len(groups)))
    for members, tables in _layers(rows, codes, layers, len(groups)):
        parts = _gray_layer(tables, interest, rho)
        observed, expected, variance = observed + parts[0], expected + parts[1], variance + parts[2]
        if rows.cluster is not None:
            scores += _gray_scores(rows, members, codes, _gray_pulls(tables, interest), interest, scores.shape[0])
    method = f"Gray, rho {rho:g}"
    if rows.cluster is not None:
        variance, method = scores.T @ scores, f"{method}, robust variance, people as clusters"
    if layers is not None:
        method += ", stratified"
    return _conclude(groups, observed, expected, variance, method, keep_all=True)


def _gray_layer(tables: list[LifeTable], interest: int, rho: float) -> tuple[Floats, Floats, Floats]:
    """Weighted observed and expected events (G) and their covariance (G × G) in one stratum.

    Days run along the first axis, groups along the second. In the notation of Gray (1988): h = Y/S₋, and
    R = h(1 - F₁₋) the modified risk set; F is the incidence pooled over groups, dF = d₁/Σh.
    """
    risk = np.stack([table.at_risk for table in tables], axis=1)
    wanted = np.stack([table.events[:, interest] for table in tables], axis=1)
    other = np.stack([table.exits for table in tables], axis=1) - wanted
    some = risk > 0
    safe = np.where(some, risk, 1.0)
    survival = np.asarray(np.cumprod(np.where(some, (risk - wanted - other) / safe, 1.0), axis=0), np.float64)
    earlier = _previous(survival, 1.0)
    alive = np.where(earlier > 0, earlier, 1.0)
    incidence_before = _previous(np.cumsum(earlier * wanted / safe, axis=0), 0.0)
    h = np.where(some, risk / alive, 0.0)
    at_risk = h * (1 - incidence_before)
    total, d1 = h.sum(axis=1), wanted.sum(axis=1)
    total = np.where(total > 0, total, 1.0)
    pooled_at_risk = at_risk.sum(axis=1)
    pooled = np.cumsum(d1 / total)
    pooled_before = np.concatenate([[0.0], pooled[:-1]])
    weight = (1 - pooled_before) ** rho
    portion = np.divide(at_risk, pooled_at_risk[:, None], out=np.zeros(h.shape), where=pooled_at_risk[:, None] > 0)
    observed = weight @ wanted
    expected = (weight * d1) @ portion

    # a: how group i's score moves with group k's events today; c: the same through later days.
    a = -h[:, :, None] * (h / total[:, None])[:, None, :]
    diagonal = np.arange(h.shape[1])
    a[:, diagonal, diagonal] += h
    a *= weight[:, None, None]
    rate = np.divide(d1 / total, 1 - pooled_before, out=np.zeros(d1.shape), where=pooled_before < 1)
    c = np.cumsum(a * rate[:, None, None], axis=0)
    still_to_come = c[-1] - c

    gone = survival <= 0
    reached = np.divide(1 - pooled[:, None], survival, out=np.zeros(h.shape), where=~gone)
    own = np.where(gone, 1.0, 1 - reached)
    correction = _tie_correction(d1[:, None], total[:, None] * earlier)
    spread = np.where(some, correction * earlier * d1[:, None] / (total[:, None] * safe), 0.0)
    pull = a + own[:, None, :] * still_to_come
    variance = np.einsum("tik,tjk,tk->ij", pull, pull, spread)

    spread = np.where(gone, 0.0, _tie_correction(other, risk) * earlier**2 * other / safe**2)
    pull = reached[:, None, :] * still_to_come
    variance += np.einsum("tik,tjk,tk->ij", pull, pull, spread)
    return observed, expected, variance


def _gray_pulls(tables: list[LifeTable], interest: int) -> tuple[Floats, Floats, Floats]:
    """How observed - expected of each group moves with one more at risk, leaving for the cause, or for another.

    Each T × G × G: day, group of the person, group of the score. R = Yq as in ``_gray_layer``, q = (1 - F)/S before the
    day; over a day q moves to (qY - d₁)/(Y - d), which gives the derivative by every earlier day in closed form.
    """
    risk = np.stack([table.at_risk for table in tables], axis=1)
    wanted = np.stack([table.events[:, interest] for table in tables], axis=1)
    staying = np.stack([table.staying for table in tables], axis=1)
    some = risk > 0
    safe = np.where(some, risk, 1.0)
    survival = np.asarray(np.cumprod(np.where(some, staying / safe, 1.0), axis=0), np.float64)
    earlier = _previous(survival, 1.0)
    left = 1 - np.cumsum(earlier * wanted / safe, axis=0)
    q_after = np.divide(left, survival, out=np.zeros(risk.shape), where=survival > 0)
    q = np.divide(_previous(left, 1.0), earlier, out=np.zeros(risk.shape), where=earlier > 0)
    total = (risk * q).sum(axis=1)
    safe_total = np.where(total > 0, total, 1.0)
    own_group = np.eye(risk.shape[1])[None] - (risk * q / safe_total[:, None])[:, None, :]
    by_share = -(wanted.sum(axis=1) / safe_total)[:, None, None] * own_group
    steps = by_share * np.divide(risk, earlier, out=np.zeros(risk.shape), where=earlier > 0)[:, :, None]
    tail = steps[::-1].cumsum(axis=0)[::-1] - steps
    tail *= np.where(some, earlier / safe, 0.0)[:, :, None]
    at_risk = by_share * q[:, :, None] + (q - q_after)[:, :, None] * tail
    return at_risk, own_group + (q_after - 1)[:, :, None] * tail, q_after[:, :, None] * tail


def _gray_scores(
    rows: Rows, members: Codes, codes: Codes, pulls: tuple[Floats, Floats, Floats], interest: int, people: int
) -> Floats:
    """The pull of each person's rows in one stratum on observed - expected (people × groups)."""
    assert rows.cluster is not None
    at_risk, wanted, other = pulls
    exits, state, group = rows.exit[members], rows.state[members], codes[members]
    watched = np.concatenate([np.zeros((1, *at_risk.shape[1:])), np.cumsum(at_risk, axis=0)])
    start = np.zeros(members.size, dtype=np.intp) if rows.start is None else rows.start[members]
    pull = watched[exits + 1, group] - watched[start, group]
    pull += np.where((state == interest + 1)[:, None], wanted[exits, group], 0.0)
    pull += np.where(((state > 0) & (state != interest + 1))[:, None], other[exits, group], 0.0)
    summed = np.zeros((people, pull.shape[1]))
    np.add.at(summed, rows.cluster[members], pull)
    return summed


def _previous(steps: Floats, start: float) -> Floats:
    """Each row's value on the day before."""
    return np.concatenate([np.full((1, steps.shape[1]), start), steps[:-1]])


def _tie_correction(events: Floats, risk: Floats) -> Floats:
    """1 - (d - 1)/(n - 1) where more than one left on the day, else 1."""
    events, risk = np.broadcast_arrays(events, risk)
    tied = (events > 1) & (risk != 1)
    return 1 - np.divide(events - 1, risk - 1, out=np.zeros(risk.shape), where=tied)


def _scores(rows: Rows, members: Codes, codes: Codes, share: Floats, hazard: Floats, people: int) -> Floats:
    """Score residuals of the members of one stratum, summed by person (people × groups)."""
    assert rows.cluster is not None
    exits, left, group = rows.exit[members], rows.state[members] > 0, codes[members]
    total = np.concatenate([[0.0], np.cumsum(hazard)])
    start = np.zeros(members.size, dtype=np.intp) if rows.start is None else rows.start[members]
    summed = np.empty((people, share.shape[0]))
    for one in range(share.shape[0]):
        average = np.concatenate([[0.0], np.cumsum(share[one] * hazard)])
        mine = group == one
        residual = left * (mine - share[one][exits])
        residual -= mine * (total[exits + 1] - total[start]) - (average[exits + 1] - average[start])
        summed[:, one] = np.bincount(rows.cluster[members], residual, minlength=people)
    return summed


def _groups(group: ArrayLike, strata: ArrayLike | None, rows: Rows) -> tuple[tuple[Any, ...], Codes, Codes | None]:
    """Group labels, each row's group, and each row's stratum."""
    labels, codes = label_codes(group, rows.exit.size, "group")
    if labels.size < 2:
        raise ValueError("There is only one group: nothing to compare.")
    layers = None if strata is None else label_codes(strata, rows.exit.size, "strata")[1]
    return tuple(labels.tolist()), codes, layers


def _layers(rows: Rows, codes: Codes, layers: Codes | None, groups: int) -> Iterator[tuple[Codes, list[LifeTable]]]:
    """Each stratum's rows and its life tables, one per group."""
    place = codes if layers is None else layers * groups + codes
    order = np.argsort(place, kind="stable")
    strata = 1 if layers is None else int(layers.max()) + 1
    edges = np.searchsorted(place[order], np.arange(strata * groups + 1))
    for stratum in range(strata):
        first = stratum * groups
        pieces = [order[edges[first + g] : edges[first + g + 1]] for g in range(groups)]
        yield np.concatenate(pieces), [tabulate(rows, piece) for piece in pieces]


def _conclude(
    groups: tuple[Any, ...],
    observed: Floats,
    expected: Floats,
    variance: Floats,
    method: str,
    *,
    keep_all: bool = False,
) -> CurveTest:
    """The chi-squared statistic on all but one of the groups that count."""
    from scipy.special import chdtrc

    used = np.arange(len(groups)) if keep_all else np.flatnonzero(expected > 0)
    df, statistic = max(used.size - 1, 0), float("nan")
    if df:
        few = used[:-1]
        gap, matrix = (observed - expected)[few], variance[np.ix_(few, few)]
        if np.linalg.matrix_rank(matrix, hermitian=True) == df:
            statistic = float(gap @ np.linalg.solve(matrix, gap))
    p_value = float(chdtrc(df, statistic)) if df else float("nan")
    return CurveTest(groups, observed, expected, variance, statistic, df, p_value, method)
