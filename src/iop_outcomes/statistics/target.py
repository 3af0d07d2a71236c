"""Is a target within reach of chance, and could reaching it be seen?

A target close to the baseline is often met by luck; one year's figure and the next differ though nothing has changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .power import people_for_difference


@dataclass(frozen=True, slots=True)
class Realism:
    """A target for a share, judged. ``nan`` is what cannot be said.

    ``chance``: of meeting it if nothing changes. ``visible``: the share nearest to the baseline that two years of this
    size would usually tell from it. ``people``: how many a year it would take to see the change the target asks for.
    """

    chance: float
    visible: float
    people: float
    power: float
    conf_level: float
    method: str


def judge_target(
    baseline: float,
    people: float,
    target: float | None = None,
    *,
    std_err: float | None = None,
    higher: bool = True,
    power: float = 0.8,
    conf_level: float = 0.95,
) -> Realism:
    """Could this target be met by luck alone, and what is the smallest change from the baseline that could be seen?

    The chance is the binomial tail at the target with the baseline as the true share. The smallest visible change and the
    people needed are those of :func:`people_for_difference` for two years of the same size.

    Args:
        baseline: this year's share, strictly between 0 and 1.
        people: how many it is counted among, each year; at least 1.
        target: the share to be reached; without one only what could be seen is worked out.
        std_err: standard error of the baseline. Where it is larger than that of so many independent people (weeks or
            sessions of the same people), fewer are counted: baseline (1 - baseline) / std_err².
        higher: whether a higher share is better.
        power: chance that two years of this size tell the two shares apart, if these are the shares.
        conf_level: confidence level of the comparison.

    Raises:
        ValueError: for numbers out of their range.

    Source: exact binomial; Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, section 4.2.

    >>> found = judge_target(0.5, 120, 0.6)
    >>> round(found.chance, 3), round(found.visible, 3), found.people
    (0.018, 0.677, 388.0)
    """
    if not 0 < baseline < 1:
        raise ValueError("The baseline is a share strictly between 0 and 1.")
    if people < 1:
        raise ValueError("people is at least 1.")
    if target is not None and not 0 <= target <= 1:
        raise ValueError("A target is a share between 0 and 1.")
    if std_err is not None and std_err <= 0:
        raise ValueError("std_err is above 0.")
    effective = min(people, baseline * (1 - baseline) / std_err**2) if std_err else people
    design_effect = people / effective
    chance = math.nan if target is None else _chance(baseline, effective, target, higher)
    visible = _visible(baseline, effective, higher, power, conf_level)
    needed = math.nan
    if target is not None and 0 < target < 1 and target != baseline:
        size = people_for_difference(baseline, target, power=power, conf_level=conf_level, design_effect=design_effect)
        needed = size.people / size.groups
    return Realism(chance, visible, needed, power, conf_level, "exact binomial; two shares, groups of one size, normal")


def _chance(baseline: float, effective: float, target: float, higher: bool) -> float:
    """The chance that so many people show the target or better if the baseline holds."""
    from scipy.special import bdtr, bdtrc

    many = max(1, round(effective))
    if higher:
        least = math.ceil(target * many - 1e-9)
        return 1.0 if least == 0 else float(bdtrc(least - 1, many, baseline))
    return float(bdtr(math.floor(target * many + 1e-9), many, baseline))


def _visible(baseline: float, effective: float, higher: bool, power: float, conf_level: float) -> float:
    """The share nearest to the baseline that two groups of this size would tell from it; ``nan`` where none is."""
    from scipy.optimize import brentq

    def short(share: float) -> float:
        return people_for_difference(baseline, share, power=power, conf_level=conf_level).exact - effective

    edge = 1 - 1e-9 if higher else 1e-9
    near = baseline + (edge - baseline) * 1e-6
    return math.nan if short(edge) > 0 else float(brentq(short, near, edge, xtol=1e-10))
