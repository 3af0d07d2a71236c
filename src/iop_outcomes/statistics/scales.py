"""Scores on a scale: from items to a score, from two scores to a change, and what would change by itself.

Whether a higher or a lower score is better is said each time (``better``). ``nan`` is an unknown score, and what is
unknown stays unknown: it is a segment of its own and is never counted as "no change".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import Floats, normal_quantile

#: What may become of a score, in the order of a stacked bar.
SEGMENTS: tuple[str, ...] = ("improved", "same", "worse", "unknown")
#: Rounding error allowed where a prorated score is compared with a threshold.
_SLACK = 1e-9


@dataclass(frozen=True)
class ExpectedRegression:
    """What the scores of people chosen for a bad score would do by themselves.

    ``chosen`` is how many were chosen; ``change`` their expected mean score later minus their mean score before;
    ``share_improved`` the share expected to improve reliably (``nan`` without a threshold). ``mean`` and ``sd`` are of
    the population they were chosen from.
    """

    chosen: int
    change: float
    share_improved: float
    mean: float
    sd: float


def score_items(
    items: ArrayLike, *, most_missing: float = 0.2, low: float | None = None, high: float | None = None
) -> Floats:
    """What is the score of a scale when a few items were left out?

    The sum of the items; where some are missing, the mean of those answered times the number of items, as long as no
    more than ``most_missing`` of them are (one of nine, one of seven); else ``nan``. A prorated score is not rounded.

    Args:
        items: N × k answers, ``nan`` where missing.
        most_missing: largest share of items that may be missing.
        low: lowest answer an item allows.
        high: highest answer an item allows.

    Returns:
        N scores.

    Raises:
        ValueError: if the answers are not a table, or one lies outside the limits.

    Source: Kroenke et al. (2001), J Gen Intern Med 16:606–613, for the sum; the 20 % rule is the usual person-mean
    rule for short scales (Shrive et al. 2006, BMC Med Res Methodol 6:57).

    >>> full, one_missing = [1, 2, 1, 2, 1, 2, 1, 2, 1], [1, 2, 1, 2, 1, 2, 1, 2, float("nan")]
    >>> score_items([full, one_missing]).tolist()
    [13.0, 13.5]
    """
    answers = np.asarray(items, dtype=float)
    if answers.ndim != 2 or answers.shape[1] == 0:
        raise ValueError("items is a table: one row a person, one column an item.")
    if (low is not None and np.any(answers < low)) or (high is not None and np.any(answers > high)):
        raise ValueError("An answer lies outside what its item allows.")
    known = ~np.isnan(answers)
    answered, k = known.sum(axis=1), answers.shape[1]
    total = np.where(known, answers, 0.0).sum(axis=1) * k
    enough = (answered > 0) & (k - answered <= most_missing * k + _SLACK)
    return np.divide(total, answered, out=np.full(len(answers), np.nan), where=enough)


def reliable_change_points(sd: float, reliability: float, conf_level: float = 0.95) -> float:
    """How many points must a score move before error of measurement alone is an unlikely reason?

    The reliable change criterion z · sd · √(2 · (1 - reliability)); a whole-number scale needs the next whole point.

    Args:
        sd: standard deviation of scores before care.
        reliability: reliability of the scale, from 0 to 1.
        conf_level: how rare a change of this size is to be without any true one.

    Raises:
        ValueError: if the standard deviation is not positive, or reliability or level lie outside their limits.

    Source: Jacobson and Truax (1991), J Consult Clin Psychol 59:12–19, doi:10.1037/0022-006X.59.1.12.

    Why the PHQ-9 asks for 6 points and the GAD-7 for 4: with standard deviations of 5.8 and 4.7 before care, and the
    published internal consistencies of .89 (Kroenke et al. 2001) and .92 (Spitzer et al. 2006),

    >>> round(reliable_change_points(5.8, 0.89), 2), round(reliable_change_points(4.7, 0.92), 2)
    (5.33, 3.68)
    """
    if not sd > 0 or not 0 <= reliability <= 1:
        raise ValueError("sd must be above 0 and reliability between 0 and 1.")
    return float(normal_quantile(conf_level) * sd * np.sqrt(2 * (1 - reliability)))


def classify_change(before: ArrayLike, after: ArrayLike, *, reliable: float, better: str) -> NDArray[Any]:
    """Who improved reliably, who stayed the same, who got worse, and of whom is it unknown?

    Args:
        before: scores before, ``nan`` where unknown.
        after: scores after, of the same shape.
        reliable: points a score must move; a move of exactly as many counts.
        better: ``"lower"`` or ``"higher"``.

    Returns:
        Words of ``SEGMENTS``, one a person: each person is in exactly one segment.

    Raises:
        ValueError: if ``reliable`` is not positive or ``better`` is another word.

    >>> classify_change([15, 15, 15, 15], [9, 10, 21, float("nan")], reliable=6, better="lower").tolist()
    ['improved', 'same', 'worse', 'unknown']
    """
    if not reliable > 0:
        raise ValueError("reliable is a number of points above 0.")
    gain = _sign(better) * (np.asarray(after, dtype=float) - np.asarray(before, dtype=float))
    answers = [np.isnan(gain), gain >= reliable - _SLACK, gain <= -reliable + _SLACK]
    return np.select(answers, ["unknown", "improved", "worse"], "same")


def is_case(score: ArrayLike, *, case_at: float, better: str) -> NDArray[np.bool_]:
    """Whose score says that something is the matter?

    Where lower is better, a score at or above ``case_at``; where higher is better, a score below it. An unknown score
    is not a case.

    Raises:
        ValueError: if ``better`` is neither ``"lower"`` nor ``"higher"``.

    >>> is_case([9, 10], case_at=10, better="lower").tolist(), is_case([46, 47], case_at=47, better="higher").tolist()
    ([False, True], [True, False])
    """
    x = np.asarray(score, dtype=float)
    _sign(better)
    return x >= case_at - _SLACK if better == "lower" else x < case_at - _SLACK


def recovered(before: ArrayLike, after: ArrayLike, *, reliable: float, case_at: float, better: str) -> Floats:
    """Who of those who were cases improved reliably and is no case any more?

    Args:
        before: scores before, ``nan`` where unknown.
        after: scores after, of the same shape.
        reliable: points a score must move.
        case_at: the cut-off, as for :func:`is_case`.
        better: ``"lower"`` or ``"higher"``.

    Returns:
        1 recovered, 0 not; ``nan`` where it is unknown, and for people who were no case and have nothing to recover
        from.

    Raises:
        ValueError: if ``reliable`` is not positive or ``better`` is another word.

    Source: Jacobson and Truax (1991), doi:10.1037/0022-006X.59.1.12.

    >>> recovered([15, 15, 9], [9, 11, 2], reliable=6, case_at=10, better="lower").tolist()
    [1.0, 0.0, nan]
    """
    change = classify_change(before, after, reliable=reliable, better=better)
    was, still = (is_case(score, case_at=case_at, better=better) for score in (before, after))
    answer = ((change == "improved") & ~still).astype(float)
    return np.where(was & (change != "unknown"), answer, np.nan)


def expected_regression(
    before: ArrayLike,
    *,
    retest: float,
    better: str,
    mean: float | None = None,
    sd: float | None = None,
    case_at: float | None = None,
    reliable: float | None = None,
    step: float = 1.0,
) -> ExpectedRegression:
    """How much would people chosen for a bad score improve with no treatment at all?

    Two scores of one person taken apart, with nothing done in between, are normal with one mean, one standard
    deviation and the test–retest correlation r. Given a person's own score x, the later one is normal with mean
    μ + r·(x - μ) and standard deviation σ·√(1 - r²): the further a score lies out, the further it falls back. Averaged
    over the people chosen, the change is (1 - r)·(μ - x̄), and the share who improve reliably is the mean of each
    person's own chance. It speaks of selection by the score alone: that people come when they are at their worst, which
    moves the mean of everybody who comes, is not in it. Where 5 % of people lie at the end of a scale the share comes
    out about one percentage point too low.

    Args:
        before: scores of the people chosen from, ``nan`` left out.
        retest: test–retest correlation r, from 0 to 1.
        better: ``"lower"`` or ``"higher"``.
        mean: mean of the population they come from; that of ``before`` when not given.
        sd: its standard deviation; that of ``before`` when not given.
        case_at: the cut-off people are chosen by (see :func:`is_case`); everybody when not given.
        reliable: points that count as reliable improvement.
        step: distance between neighbouring scores: half of it is allowed for the rounding of a whole-number scale; 0
            for a continuous one.

    Returns:
        ExpectedRegression; ``nan`` where nobody was chosen or the spread is unknown.

    Raises:
        ValueError: if the correlation lies outside 0 to 1, or ``better`` is another word.

    Source: Davis (1976), Am J Epidemiol 104:493–498, and Barnett et al. (2005), Int J Epidemiol 34:215–220,
    doi:10.1093/ije/dyh299, for the mean; the share by the same conditional normal.

    People with 10 points or more, from a normal population with mean 10 and standard deviation 5.8, fall by 1.2 points
    and 11 % of them "improve reliably":

    >>> from statistics import NormalDist
    >>> everybody = [NormalDist(10, 5.8).inv_cdf((i + 0.5) / 10_000) for i in range(10_000)]
    >>> nothing_done = expected_regression(everybody, retest=0.75, better="lower", case_at=10, reliable=6, step=0)
    >>> round(nothing_done.change, 1), round(nothing_done.share_improved, 2)
    (-1.2, 0.11)
    """
    from scipy.special import ndtr

    if not 0 <= retest <= 1:
        raise ValueError("retest is a correlation between 0 and 1.")
    sign = _sign(better)
    known = np.asarray(before, dtype=float)
    known = known[~np.isnan(known)]
    chosen = known if case_at is None else known[is_case(known, case_at=case_at, better=better)]
    mu = (float(known.mean()) if len(known) else np.nan) if mean is None else float(mean)
    sigma = (float(known.std(ddof=1)) if len(known) > 1 else np.nan) if sd is None else float(sd)
    if not len(chosen) or np.isnan(mu) or np.isnan(sigma):
        return ExpectedRegression(len(chosen), np.nan, np.nan, mu, sigma)
    change = (1 - retest) * (mu - chosen)
    share = np.nan
    if reliable is not None:
        room, spread = sign * change - (reliable - step / 2), sigma * np.sqrt(1 - retest**2)
        share = float(np.mean(ndtr(room / spread) if spread > 0 else room >= 0))
    return ExpectedRegression(len(chosen), float(change.mean()), share, mu, sigma)


def _sign(better: str) -> int:
    """What a change is multiplied with so that improvement is positive."""
    if better not in ("lower", "higher"):
        raise ValueError("better is 'lower' or 'higher'.")
    return 1 if better == "higher" else -1
