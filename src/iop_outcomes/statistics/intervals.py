"""What an estimate looks like: a number, its uncertainty, and the method that made it.

The result types that the other modules return, and the normal quantile they share.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: A scalar when the arguments were scalars, else an array of their broadcast shape.
FloatOrArray = Any


@dataclass(frozen=True, eq=False)
class Interval:
    """A value with its confidence limits; numbers for numbers in, arrays for arrays in.

    ``nan`` means "cannot be estimated" (for a quantile: "not reached"), never zero.
    """

    value: FloatOrArray
    low: FloatOrArray
    high: FloatOrArray
    conf_level: float
    method: str


@dataclass(frozen=True, eq=False)
class Estimate:
    """A value with its standard error and confidence limits, on the scale of the value."""

    value: FloatOrArray
    std_error: FloatOrArray
    low: FloatOrArray
    high: FloatOrArray
    conf_level: float
    method: str


class HasError(Protocol):
    """Anything with a value and a standard error: an ``Estimate``, or a curve read at some days."""

    @property
    def value(self) -> FloatOrArray:
        """The estimate."""

    @property
    def std_error(self) -> FloatOrArray:
        """Its standard error."""


def normal_quantile(conf_level: float) -> float:
    """How many standard errors does a two-sided interval at this level reach?

    Args:
        conf_level: confidence level, strictly between 0 and 1 (0.95, not 95).

    Raises:
        ValueError: if the level is not strictly between 0 and 1.

    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie strictly between 0 and 1, for example 0.95; got {conf_level!r}.")
    return NormalDist().inv_cdf(0.5 + conf_level / 2)


def independent_difference(first: HasError, second: HasError, *, conf_level: float = 0.95) -> Estimate:
    """By how much does the first group exceed the second, when no person is in both?

    The variances add and the interval is normal. A person with episodes in both groups breaks the assumption;
    compare such groups with a clustered test instead.

    Args:
        first: anything with ``value`` and ``std_error`` (an ``Estimate``, or ``curve.at(days)``).
        second: the reference, of the same shape.
        conf_level: confidence level.

    Raises:
        ValueError: if the level is not strictly between 0 and 1.

    >>> a = Estimate(61.0, 3.0, 0, 0, 0.95, "restricted mean")
    >>> b = Estimate(52.0, 4.0, 0, 0, 0.95, "restricted mean")
    >>> d = independent_difference(a, b)
    >>> d.value, d.std_error, round(d.low, 2), round(d.high, 2)
    (9.0, 5.0, -0.8, 18.8)
    """
    z = normal_quantile(conf_level)
    value = as_given(np.asarray(first.value, float) - np.asarray(second.value, float))
    std_error = as_given(np.hypot(np.asarray(first.std_error, float), np.asarray(second.std_error, float)))
    return Estimate(
        value,
        std_error,
        value - z * std_error,
        value + z * std_error,
        conf_level,
        "difference of independent groups, normal",
    )


def as_given(array: Any) -> FloatOrArray:
    """A plain number for a zero-dimensional array, else the array itself."""
    array = np.asarray(array, dtype=np.float64)
    return float(array) if array.ndim == 0 else array
