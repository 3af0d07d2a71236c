"""How unsure are the inputs of a model, and how do they go together? Draws for a probabilistic sensitivity analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .intervals import FloatOrArray, Floats, as_given

FAMILIES = ("normal", "lognormal", "gamma", "beta")


@dataclass(frozen=True)
class Margin:
    """What is known of one input: its mean, its standard error and the shape of the rest.

    "gamma" for costs, "beta" for shares, "lognormal" for ratios and skewed costs, "normal" for the rest. Parameters by
    the method of moments; an error of 0 is a known number.
    """

    family: str
    mean: float
    std_error: float

    def __post_init__(self) -> None:
        """Refuse what no distribution of the family has.

        Raises:
            ValueError: if the family is unknown, the error negative, or the mean outside what the family allows.
        """
        if self.family not in FAMILIES:
            raise ValueError(f"family must be one of {', '.join(FAMILIES)}; got {self.family!r}.")
        if not (np.isfinite(self.mean) and np.isfinite(self.std_error) and self.std_error >= 0):
            raise ValueError("A margin needs a known mean and a standard error of 0 or more.")
        if self.family in ("gamma", "lognormal") and not self.mean > 0:
            raise ValueError(f"The mean of a {self.family} margin must be above 0.")
        if self.family == "beta" and not (0 < self.mean < 1 and self.std_error**2 < self.mean * (1 - self.mean)):
            raise ValueError("A beta margin needs a mean between 0 and 1 and an error below √(mean · (1 - mean)).")

    def at(self, z: ArrayLike) -> FloatOrArray:
        """The value with as much of this distribution below it as a standard normal has below z.

        Args:
            z: standard normal scores: 0 gives the median, 1.96 the 97.5 % point.

        >>> round(Margin("gamma", 100, 20).at(0), 2), Margin("normal", 100, 20).at(1.5)
        (98.67, 130.0)
        """
        from scipy.special import betainccinv, betaincinv, gammainccinv, gammaincinv, ndtr

        score = np.asarray(z, float)
        mean, error = self.mean, self.std_error
        if error == 0:
            return as_given(np.full(score.shape, mean))
        if self.family == "normal":
            return as_given(mean + error * score)
        if self.family == "lognormal":
            spread = np.log1p((error / mean) ** 2)
            return as_given(np.exp(np.log(mean) - spread / 2 + np.sqrt(spread) * score))
        # Whichever tail is smaller is inverted, so that far values keep their digits.
        tail, below = ndtr(-np.abs(score)), score < 0
        if self.family == "gamma":
            shape = (mean / error) ** 2
            standard = np.where(below, gammaincinv(shape, tail), gammainccinv(shape, tail))
            return as_given(standard * (error**2 / mean))
        size = mean * (1 - mean) / error**2 - 1
        first, second = mean * size, (1 - mean) * size
        return as_given(np.where(below, betaincinv(first, second, tail), betainccinv(first, second, tail)))


def draw_inputs(
    margins: Mapping[str, Margin],
    *,
    correlation: Mapping[tuple[str, str], float] | None = None,
    draws: int = 10_000,
    seed: int,
) -> dict[str, Floats]:
    """Which sets of inputs are as likely as what is known of each, and of how they go together?

    A Gaussian copula: normal scores with the given correlations, each turned into its input's own distribution. The
    correlation is that of the scores; between the inputs Spearman's is (6/π) asin(ρ/2), and Pearson's near to ρ.

    Args:
        margins: what is known of each input, by name.
        correlation: ρ of a pair of names, from -1 to 1; pairs not named are independent.
        draws: number of draws.
        seed: the same seed gives the same draws.

    Returns:
        The draws of each input, by name: ``model(**draw_inputs(...))`` for a model that takes arrays.

    Raises:
        ValueError: if there is no margin or draw, a pair is unknown or given twice, or the correlations contradict each
            other.

    Source: Briggs, Claxton and Sculpher (2006), Decision Modelling for Health Economic Evaluation, chapter 4, for the
    families; Nelsen (2006), An Introduction to Copulas, section 2.3.

    >>> known = {"weekly": Margin("gamma", 462, 60), "weeks": Margin("lognormal", 7, 1)}
    >>> drawn = draw_inputs(known, correlation={("weekly", "weeks"): 0.5}, draws=4000, seed=1)
    >>> bool(abs(drawn["weekly"].mean() - 462) < 4), bool(np.corrcoef(drawn["weekly"], drawn["weeks"])[0, 1] > 0.4)
    (True, True)
    """
    names = list(margins)
    if not names or draws < 1:
        raise ValueError("Give at least one margin and one draw.")
    matrix, given = np.eye(len(names)), set()
    for pair, rho in (correlation or {}).items():
        if len(set(pair)) != 2 or not set(pair) <= set(names) or frozenset(pair) in given or not -1 <= rho <= 1:
            raise ValueError(
                "Each correlation needs two different inputs of the model, once, and a number from -1 to 1."
            )
        given.add(frozenset(pair))
        i, j = (names.index(name) for name in pair)
        matrix[i, j] = matrix[j, i] = rho
    roots, axes = np.linalg.eigh(matrix)
    if roots.min() < -1e-9:
        raise ValueError("These correlations contradict each other: no inputs can be correlated so. Weaken them.")
    # The symmetric root is the only one, so the draws do not depend on how the machine chose the axes.
    root = (axes * np.sqrt(np.maximum(roots, 0))) @ axes.T
    scores = np.random.default_rng(seed).standard_normal((draws, len(names))) @ root
    return {name: np.asarray(margins[name].at(scores[:, i])) for i, name in enumerate(names)}
