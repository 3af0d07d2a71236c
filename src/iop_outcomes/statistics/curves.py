"""A step curve over days with its uncertainty, and how to read it.

The result types of the survival and competing-risk estimators, with the interval formulas they share.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from .influence import Influence
from .intervals import Estimate, FloatOrArray, Floats, HasError, Interval, as_given, normal_quantile

#: Interval types offered, as R's survfit names them.
CONF_TYPES = ("log-log", "log", "plain")
#: A share this near to 0 or 1 is 0 or 1 but for rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class CurvePoints:
    """A curve read on some days: the estimate there, how many were at risk, and events up to the day.

    ``at_risk`` counts who was still watched just before the day; ``events`` those up to and including it.
    """

    day: FloatOrArray
    value: FloatOrArray
    std_error: FloatOrArray
    low: FloatOrArray
    high: FloatOrArray
    at_risk: FloatOrArray
    events: FloatOrArray
    conf_level: float
    method: str


@dataclass(frozen=True, eq=False)
class Curve:
    """A share of people by day: constant from each of its days up to the next.

    ``time`` (T) the days on which anyone left or was last watched · ``at_risk``, ``events``, ``censored`` (T)
    weighted counts on those days · ``value``, ``std_error``, ``low``, ``high`` (T) from that day on · ``start`` the
    value before the first day · ``followed_to`` the last day the data speak for, infinite once nobody is left, below
    0 where nobody was in view from admission.
    Limits are ``nan`` where the interval type has none (a log-log interval at exactly 0 or 1).
    """

    time: Floats
    at_risk: Floats
    events: Floats
    censored: Floats
    value: Floats
    std_error: Floats
    low: Floats
    high: Floats
    start: float
    followed_to: float
    conf_level: float
    conf_type: str
    method: str
    influence: Influence | None = field(default=None, repr=False)
    coefficients: Floats | None = field(default=None, repr=False)

    def at(self, days: ArrayLike) -> CurvePoints:
        """What does the curve say on these days?

        Args:
            days: a day or an array of days, 0 or more.

        Returns:
            CurvePoints of the same shape. Beyond ``followed_to`` nobody was watched and the value is ``nan``. Before
            the first day of the curve the value is its start, with standard error 0.

        Raises:
            ValueError: if a day is negative or missing.
        """
        asked = np.asarray(days, dtype=np.float64)
        if not np.all(asked >= 0):
            raise ValueError("days must be zero or more and none may be missing.")
        place = np.searchsorted(self.time, asked, side="right")
        known = asked <= self.followed_to
        limit = self.start if self.conf_type == "plain" else np.nan

        def read(before: float, steps: Floats) -> Floats:
            return np.where(known, np.concatenate([[before], steps])[place], np.nan)

        risk = np.concatenate([self.at_risk, [0.0]])[np.searchsorted(self.time, asked, side="left")]
        events = np.concatenate([[0.0], np.cumsum(self.events)])[place]
        return CurvePoints(
            as_given(asked),
            as_given(read(self.start, self.value)),
            as_given(read(0.0, self.std_error)),
            as_given(read(limit, self.low)),
            as_given(read(limit, self.high)),
            as_given(risk),
            as_given(events),
            self.conf_level,
            self.method,
        )

    def area(self, tau: float) -> float:
        """Area under the curve from day 0 to day tau, in days; ``nan`` beyond ``followed_to``."""
        if tau > self.followed_to:
            return float("nan")
        return self.start * min(float(self.time[0]), tau) + float(self.value @ self.widths(tau))

    def readings(self, days: ArrayLike) -> Floats:
        """Coefficients (T × K) that read the curve's steps on K days: one 1 a day, none before the first step."""
        place = np.searchsorted(self.time, np.asarray(days, dtype=np.float64).ravel(), side="right")
        return (np.arange(1, self.time.size + 1)[:, None] == place).astype(np.float64)

    def widths(self, tau: float) -> Floats:
        """How many days (T) each step lasts before tau."""
        return np.diff(np.minimum(np.append(self.time, tau), tau))


class SurvivalCurve(Curve):
    """The share still in by day; starts at 1 and falls."""

    @property
    def survival(self) -> Floats:
        """The share still in (T)."""
        return self.value

    def quantile(self, share: float = 0.5) -> Interval:
        """By which day has this share left? The median stay by default.

        The first day on which at most 1 - share remain; where the curve is flat at exactly that level, the middle of
        the flat stretch (as R's survfit). The limits are the same days read from the limits of the curve.

        Args:
            share: share of people who have left, strictly between 0 and 1.

        Returns:
            Interval in days; ``nan`` for "not reached".

        Raises:
            ValueError: if the share is not strictly between 0 and 1.
        """
        if not 0 < share < 1:
            raise ValueError(f"share must lie strictly between 0 and 1; got {share!r}.")
        value, low, high = (self._crossing(line, 1 - share) for line in (self.value, self.low, self.high))
        return Interval(value, low, high, self.conf_level, f"quantile of {self.method}")

    def _crossing(self, line: Floats, level: float) -> float:
        slack = np.sqrt(np.finfo(float).eps)
        line = line[self.time <= self.followed_to]
        below = np.flatnonzero(line < level + slack)
        if below.size == 0:
            return float("nan")
        first = below[0]
        lower = np.flatnonzero(line < line[first])
        if abs(line[first] - level) < slack and lower.size:
            return float(self.time[first] + self.time[lower[0]]) / 2
        return float(self.time[first])


class IncidenceCurve(Curve):
    """The share who have left for one cause, or some causes together; starts at 0 and rises."""

    @property
    def incidence(self) -> Floats:
        """The cumulative incidence (T)."""
        return self.value


def curve_limits(value: Floats, std_error: Floats, conf_level: float, conf_type: str) -> tuple[Floats, Floats]:
    """Confidence limits of a share from its standard error, by one of R's survfit formulas.

    ``log-log`` is symmetric in log(-log p) and never leaves [0, 1]; ``log`` in log p, cut at 1; ``plain`` in p,
    cut at 0 and 1. Where p is 0 (or 1, for log-log) to within rounding the first two have no limits: ``nan``.

    Args:
        value: shares.
        std_error: their standard errors.
        conf_level: confidence level.
        conf_type: "log-log", "log" or "plain".

    Raises:
        ValueError: if the type is not one of the three.

    Source: Kalbfleisch and Prentice (2002), section 1.4.

    >>> low, high = curve_limits(np.array([0.8]), np.array([0.1]), 0.95, "log-log")
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.5122], [0.9283])
    """
    z = normal_quantile(conf_level)
    if conf_type == "plain":
        return np.maximum(value - z * std_error, 0), np.minimum(value + z * std_error, 1)
    if conf_type == "log":
        p = np.where(value > _ROUNDING, value, np.nan)
        return p * np.exp(-z * std_error / p), np.minimum(p * np.exp(z * std_error / p), 1)
    if conf_type == "log-log":
        p = np.where((value > _ROUNDING) & (value < 1 - _ROUNDING), value, np.nan)
        reach = z * std_error / (p * -np.log(p))
        return p ** np.exp(reach), p ** np.exp(-reach)
    raise ValueError(f"conf_type must be one of {', '.join(CONF_TYPES)}; got {conf_type!r}.")


def curve_difference(first: Curve, second: Curve, days: ArrayLike) -> Estimate:
    """By how much does the first curve exceed the second on these days, when some people may be in both?

    The variances add, less twice the covariance of the two curves by the people in both, each person's pull on one
    curve times their pull on the other (nobody is in both where rows are their own people). The interval is normal;
    there is none where either curve has no error, at 0 or 1.

    Args:
        first: a curve; fitted with ``cluster`` where a person may be in both.
        second: the reference, another curve of the same kind.
        days: a day or an array of days, 0 or more.

    Raises:
        ValueError: if a day is negative or missing.

    Source: Therneau and Grambsch (2000), section 2.2; each person's influence is that of R's survfit.

    >>> from iop_outcomes.statistics import kaplan_meier
    >>> day = kaplan_meier([7, 14, 21, 28], [1, 1, 1, 0], cluster=["a", "b", "c", "d"])
    >>> evening = kaplan_meier([7, 7, 14, 28], [1, 1, 1, 0], cluster=["a", "e", "f", "g"])
    >>> apart = curve_difference(day, evening, 7)
    >>> apart.value, round(apart.std_error, 4)
    (0.25, 0.25)
    """
    return paired_difference(
        first, second, first.at(days), second.at(days), first.readings(days), second.readings(days)
    )


def paired_difference(
    first: Curve, second: Curve, one: HasError, other: HasError, readings: Floats, others: Floats
) -> Estimate:
    """The difference of two estimates read off two curves, with the covariance of the people in both.

    ``readings`` (T × K) and ``others`` (T' × K) are the coefficients over each curve's days that make ``one`` and
    ``other``: a single 1 for a day, the widths of the steps for an area.
    """
    left, right = np.asarray(one.std_error), np.asarray(other.std_error)
    covariance, together = np.zeros(left.shape), False
    mine, theirs = first.influence, second.influence
    if mine is not None and theirs is not None and mine.people is not None and theirs.people is not None:
        causes, other_causes = np.asarray(first.coefficients), np.asarray(second.coefficients)
        covariance = mine.covariances(theirs, causes, readings, (other_causes, others)).reshape(left.shape)
        together = True
    value = np.asarray(one.value) - np.asarray(other.value)
    std_error = np.sqrt(np.maximum(left**2 + right**2 - 2 * covariance, 0))
    reach = np.where((left > 0) & (right > 0), normal_quantile(first.conf_level) * std_error, np.nan)
    method = "infinitesimal jackknife, people as clusters" if together else "of independent groups"
    return Estimate(
        as_given(value),
        as_given(std_error),
        as_given(value - reach),
        as_given(value + reach),
        first.conf_level,
        f"difference, {method}, normal",
    )
