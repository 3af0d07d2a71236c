"""Two groups compared: what each would have had, the difference and the ratio, with one set of errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .estimating_equations import sum_by_person
from .intervals import Estimate, FloatOrArray, Floats, as_given, normal_quantile
from .life_table import Codes

#: An error this small beside its estimate, or a distance this small from 0 or 1, is rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Effect:
    """The mean (or share, or days) of the treated and of the reference group in one target population.

    ``ratio`` is treated over reference, ``nan`` unless both are above 0. ``people`` is the number of different people
    behind it. ``reason`` is empty, or says why there is no estimate; then every number is ``nan``.
    """

    estimand: str
    treated: Estimate
    reference: Estimate
    difference: Estimate
    ratio: Estimate
    people: int
    reason: str


def form_effect(
    means: tuple[FloatOrArray, FloatOrArray],
    pulls: tuple[Floats, Floats],
    cluster: Codes | None,
    *,
    estimand: str,
    method: str,
    conf_level: float,
    share: bool = False,
    most: float | None = None,
) -> Effect:
    """Intervals of two means and of what lies between them, from each row's pull on both.

    Normal intervals: of shares on the log-odds scale, of means between 0 and ``most`` cut there, of the ratio on the log
    scale. Limits of a difference stop where differences do; it has none, nor the ratio, where either mean has no error.

    Args:
        means: treated, reference: numbers, or arrays (K).
        pulls: (n) or (n × K) the pull of each row on either.
        cluster: (n) person codes, or None.
        estimand: whose effect it is.
        method: how it was made; how the errors were made is added.
        conf_level: confidence level.
        share: whether the means are shares.
        most: the most a mean can be, when 0 is the least; None for a mean without bounds.

    Raises:
        ValueError: if the level is not strictly between 0 and 1.

    >>> made = form_effect((0.5, 0.25), (np.array([0.1, 0.0]), np.array([0.0, 0.05])), None,
    ...                    estimand="ATE", method="by hand", conf_level=0.95, share=True)
    >>> round(made.difference.std_error, 4), made.ratio.value, round(made.treated.low, 3)
    (0.1118, 2.0, 0.313)
    """
    z = normal_quantile(conf_level)
    method = _describe(method, cluster)
    one, other = (np.asarray(mean, float) for mean in means)
    first, second = (sum_by_person(pull, cluster) for pull in pulls)
    one_error, other_error = _error(first, one), _error(second, other)

    def estimate(value: Floats, std_error: Floats, low: Floats, high: Floats) -> Estimate:
        return Estimate(as_given(value), as_given(std_error), as_given(low), as_given(high), conf_level, method)

    def mean_estimate(value: Floats, std_error: Floats) -> Estimate:
        if share:
            return estimate(value, std_error, *_share_limits(value, std_error, z))
        low, high = value - z * std_error, value + z * std_error
        return estimate(value, std_error, *((low, high) if most is None else np.clip([low, high], 0, most)))

    known = np.where((one_error > 0) & (other_error > 0), 1.0, np.nan)
    gap, gap_error = one - other, _error(first - second, one - other)
    end = 1 if share else np.inf if most is None else most
    low, high = np.clip([gap - z * gap_error * known, gap + z * gap_error * known], -end, end)
    positive = np.where((one > 0) & (other > 0), 1.0, np.nan)
    a, b = one * positive, other * positive
    ratio, log_error = a / b, _error(first / a - second / b, a)
    with np.errstate(over="ignore"):  # a mean next to 0 says nothing about a ratio: from 0 to infinity
        spread = np.exp(z * log_error * known)
    return Effect(
        estimand,
        mean_estimate(one, one_error),
        mean_estimate(other, other_error),
        estimate(gap, gap_error, low, high),
        estimate(ratio, ratio * log_error, ratio / spread, ratio * spread),
        len(first),
        "",
    )


def no_effect(estimand: str, reason: str, cluster: Codes | None, rows: int, conf_level: float, method: str) -> Effect:
    """An effect that is not estimated, with the reason.

    >>> no_effect("ATE", "too few", None, 4, 0.95, "by hand").difference.value
    nan
    """
    normal_quantile(conf_level)
    blank = Estimate(np.nan, np.nan, np.nan, np.nan, conf_level, _describe(method, cluster))
    people = rows if cluster is None else int(cluster.max()) + 1
    return Effect(estimand, blank, blank, blank, blank, people, reason)


def _describe(method: str, cluster: Codes | None) -> str:
    people = "" if cluster is None else ", people as clusters"
    return f"{method}, stacked estimating equations{people}, normal"


def _error(pull: Floats, value: Floats) -> Floats:
    """Standard error (K) from the pulls of people (m × K), 0 for rounding; ``nan`` where there is no value."""
    error = np.sqrt((pull**2).sum(axis=0)) + 0 * value
    return np.where(error <= _ROUNDING * np.abs(value), 0.0, error)


def _share_limits(share: Floats, std_error: Floats, z: float) -> tuple[Floats, Floats]:
    """Limits on the log-odds scale; none where the share is 0 or 1 to within rounding."""
    inside = np.where((share > _ROUNDING) & (share < 1 - _ROUNDING), share, np.nan)
    against, reach = (1 - inside) / inside, z * std_error / (inside * (1 - inside))
    with np.errstate(over="ignore"):
        return 1 / (1 + against * np.exp(reach)), 1 / (1 + against * np.exp(-reach))
