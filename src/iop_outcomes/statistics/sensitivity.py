"""How strong must something unmeasured be to explain an association away?"""

from __future__ import annotations

import math
from dataclasses import dataclass

MEASURES = ("RR", "OR", "HR")


@dataclass(frozen=True)
class EValue:
    """The E-value of an estimate and of its limit nearer to no association; ``limit`` is ``nan`` when not given.

    ``risk_ratio`` is the estimate on the scale of risk ratios.
    """

    point: float
    limit: float
    risk_ratio: float
    method: str


def e_value(
    ratio: float, low: float = math.nan, high: float = math.nan, *, measure: str = "RR", rare: bool | None = None
) -> EValue:
    """How strongly, at the least, must something unmeasured go with both group and outcome to explain the ratio away?

    On the risk-ratio scale and with RR at or above 1 (else its inverse), RR + √(RR (RR - 1)). The limit's E-value is 1
    where the interval holds 1. A common outcome (above about 15 % at the end of follow-up) needs a conversion first:
    odds ratio to its root, hazard ratio to (1 - 0.5^√HR) / (1 - 0.5^√(1/HR)). A risk difference has an E-value through
    the ratio of the two risks: give ``Effect.ratio``.

    Args:
        ratio: the estimated ratio, above 0.
        low, high: its confidence limits; only the one nearer to 1 is used, and the other may be left out.
        measure: "RR" risk ratio, "OR" odds ratio or "HR" hazard ratio.
        rare: whether the outcome is rare; must be said for "OR" and "HR".

    Raises:
        ValueError: if a number is not above 0, the limits do not hold the ratio, the measure is unknown, or ``rare``
            is needed and not said.

    Source: VanderWeele and Ding (2017), doi:10.7326/M16-2607.

    >>> made = e_value(3.9, 1.8)
    >>> round(made.point, 2), round(made.limit, 2)
    (7.26, 3.0)
    """
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}; got {measure!r}.")
    if measure != "RR" and rare is None:
        raise ValueError(f"Say rare=True or rare=False: the E-value of {measure} depends on it.")
    if not ratio > 0 or low < 0 or high <= 0 or low > ratio or high < ratio:
        raise ValueError("A ratio and its limits must be above 0, and the limits must hold the ratio.")
    risk_ratio = _as_risk_ratio(ratio, measure, bool(rare))
    near = low if ratio > 1 else high
    crossed = near <= 1 if ratio > 1 else near >= 1
    limit = (
        1.0
        if crossed or ratio == 1
        else near
        if math.isnan(near)
        else _e_value(_as_risk_ratio(near, measure, bool(rare)))
    )
    scale = measure if measure == "RR" else f"{measure}, {'rare' if rare else 'common'} outcome"
    return EValue(_e_value(risk_ratio), limit, risk_ratio, f"E-value ({scale})")


def _as_risk_ratio(ratio: float, measure: str, rare: bool) -> float:
    """The ratio on the scale of risk ratios."""
    if measure == "RR" or rare:
        return ratio
    if measure == "OR":
        return math.sqrt(ratio)
    return (1 - 0.5 ** math.sqrt(ratio)) / (1 - 0.5 ** math.sqrt(1 / ratio))


def _e_value(risk_ratio: float) -> float:
    above = max(risk_ratio, 1 / risk_ratio)
    return above + math.sqrt(above * (above - 1))
