"""How far two groups differ at baseline, in standard deviations."""

from __future__ import annotations

import math


def standardised_difference(share: float, reference: float) -> float:
    """How many standard deviations apart are two shares?

    (p - q) / √((p(1-p) + q(1-q)) / 2); ``nan`` when both shares are 0 or 1 and differ, 0 when they are equal.

    Args:
        share: share in the group, 0 to 1.
        reference: share in the reference group, 0 to 1.

    Raises:
        ValueError: if a share lies outside 0 to 1.

    Source: Austin 2009, doi:10.1002/sim.3697.

    >>> round(standardised_difference(.5, .4), 4)
    0.202
    """
    for value in (share, reference):
        if not 0 <= value <= 1:
            raise ValueError("a share lies between 0 and 1.")
    if share == reference:
        return 0.0
    variance = (share * (1 - share) + reference * (1 - reference)) / 2
    return (share - reference) / math.sqrt(variance) if variance > 0 else math.nan
