"""Which input moves the answer of a model most? One at a time, and two at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .intervals import Floats

#: A model takes its inputs by name and gives one number.
Model = Callable[..., float]


@dataclass(frozen=True)
class Swing:
    """The answer with one input at its low and at its high value, all others as in the base case."""

    name: str
    low_input: float
    high_input: float
    at_low: float
    at_high: float

    @property
    def size(self) -> float:
        """How far apart the two answers are."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True)
class Tornado:
    """The answer of the base case, and each input's swing, the largest first."""

    base: float
    swings: tuple[Swing, ...]


@dataclass(frozen=True, eq=False)
class TwoWay:
    """The answer (I × J) at each pair of values of two inputs."""

    first: str
    second: str
    first_values: Floats
    second_values: Floats
    answer: Floats


def one_way_sensitivity(model: Model, base: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> Tornado:
    """How far does the answer move when each input in turn goes from its low to its high value?

    Args:
        model: takes every input of ``base`` by name.
        base: the inputs of the base case.
        ranges: low and high value of the inputs to move.

    Returns:
        Tornado; swings without a value (``nan``) come last.

    Raises:
        ValueError: if a range is of no input of the base case, or its low lies above its high.

    Source: Drummond et al. (2015), Methods for the Economic Evaluation of Health Care Programmes, chapter 11.

    >>> found = one_way_sensitivity(lambda weekly, weeks: weekly * weeks, {"weekly": 500, "weeks": 8},
    ...                             {"weekly": (400, 600), "weeks": (4, 12)})
    >>> found.base, [(swing.name, swing.at_low, swing.at_high) for swing in found.swings]
    (4000.0, [('weeks', 2000.0, 6000.0), ('weekly', 3200.0, 4800.0)])
    """
    _check_names(base, ranges)
    swings = []
    for name, (low, high) in ranges.items():
        if not low <= high:
            raise ValueError(f"The low value of {name} must not lie above its high value.")
        ends = (float(model(**{**base, name: value})) for value in (low, high))
        swings.append(Swing(name, low, high, *ends))
    swings.sort(key=lambda swing: (math.isnan(swing.size), -swing.size, swing.name))
    return Tornado(float(model(**base)), tuple(swings))


def two_way_sensitivity(
    model: Model,
    base: Mapping[str, float],
    first: tuple[str, Sequence[float]],
    second: tuple[str, Sequence[float]],
) -> TwoWay:
    """What is the answer at each pair of values of two inputs?

    Args:
        model: takes every input of ``base`` by name.
        base: the inputs of the base case.
        first: a name and its I values.
        second: another name and its J values.

    Raises:
        ValueError: if a name is not of the base case, or both are one.

    Source: Drummond et al. (2015), Methods for the Economic Evaluation of Health Care Programmes, chapter 11.

    >>> found = two_way_sensitivity(lambda weekly, weeks: weekly * weeks, {"weekly": 500, "weeks": 8},
    ...                             ("weekly", [400, 600]), ("weeks", [4, 8, 12]))
    >>> found.answer.tolist()
    [[1600.0, 3200.0, 4800.0], [2400.0, 4800.0, 7200.0]]
    """
    (one, rows), (other, columns) = first, second
    _check_names(base, (one, other))
    if one == other:
        raise ValueError("first and second must be two different inputs.")
    answer = [[float(model(**{**base, one: a, other: b})) for b in columns] for a in rows]
    return TwoWay(one, other, np.array(rows, float), np.array(columns, float), np.array(answer, float))


def _check_names(base: Mapping[str, float], names: Sequence[str] | Mapping[str, object]) -> None:
    if not set(names) <= set(base):
        raise ValueError("An input to be moved is not among the inputs of the base case.")
