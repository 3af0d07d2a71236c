"""Disclosure policies as data: what a release may show, and the sentences that say so.

A policy is a row of numbers, not code: one more policy is one more entry of :data:`POLICIES`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from iop_outcomes.errors import UsageError
from iop_outcomes.statistics.intervals import FloatOrArray, as_given


@dataclass(frozen=True, slots=True)
class Policy:
    """What a release may show.

    ``threshold`` is the smallest count above zero that may be shown (0: every count may). ``rounding`` is the width of
    the bins released counts are put in (1: not rounded): the numbers nearest to a multiple of it or, with ``midpoint``,
    1 to ``rounding`` and so on, shown as the middle of the bin. ``zero_shown`` says whether a count of zero may be shown.
    ``description`` says all of it in a sentence or two; it is printed with every release.

    ``limit`` follows: the largest count above zero that is withheld, which is the upper edge of the bin that holds
    ``threshold - 1``. A bin is withheld whole, because a released number must not be readable as a count below the
    threshold (rule D4 of docs/release.md: threshold 11 and rounding to 5 withhold 1 to 12).

    >>> Policy("example", 11, 5, True, "").limit
    12
    """

    name: str
    threshold: int
    rounding: int
    zero_shown: bool
    description: str
    midpoint: bool = False
    limit: int = field(init=False)

    def __post_init__(self) -> None:
        """Refuse a policy that contradicts itself; ``ValueError`` says which part."""
        if not (isinstance(self.name, str) and self.name and isinstance(self.description, str)):
            raise ValueError("a policy has a name and says in words what it does")
        if not all(isinstance(flag, bool) for flag in (self.zero_shown, self.midpoint)):
            raise ValueError(f"policy {self.name}: zero_shown and midpoint are true or false")
        if any(isinstance(size, bool) or not isinstance(size, int) for size in (self.threshold, self.rounding)):
            raise ValueError(f"policy {self.name}: the threshold and the rounding base are whole numbers")
        if self.threshold < 0 or self.rounding < 1:
            raise ValueError(f"policy {self.name}: the threshold is at least 0 and the rounding base at least 1")
        if self.threshold < 2 and self.rounding != 1:
            raise ValueError(f"policy {self.name}: rounding without a threshold would let small counts through")
        if self.midpoint and self.rounding == 1:
            raise ValueError(f"policy {self.name}: midpoints need bins; give a rounding base above 1")
        object.__setattr__(self, "limit", int(self.bin(max(self.threshold - 1, 0))[1]))

    @property
    def withholds(self) -> bool:
        """Whether anything is withheld at all."""
        return self.limit > 0

    def bin(self, count: ArrayLike) -> tuple[FloatOrArray, FloatOrArray]:
        """Which true counts does a released number stand for? The least and the most, both included.

        Takes a count, true or released (both lie in the same bin), or an array of them; missing stays missing. Zero is
        only zero, so the numbers too small to be nearest to the first multiple are in its bin all the same.

        Raises ``ValueError`` for a negative count.

        >>> POLICIES["round5"].bin(15), POLICIES["midpoint6"].bin(15), POLICIES["cms"].bin(15)
        ((13.0, 17.0), (13.0, 18.0), (15.0, 15.0))
        """
        given, base = np.asarray(count, dtype=np.float64), self.rounding
        if np.any(given < 0):
            raise ValueError("a count is zero or more")
        if base == 1:
            return as_given(given), as_given(given)
        if self.midpoint:
            high = base * np.ceil(given / base)
        else:
            high = base * np.maximum(np.floor(given / base + 0.5), 1) + (base - 1) // 2
        low = high - base + 1
        low = np.where(low <= base, 1, low)
        return as_given(np.where(given == 0, 0, low)), as_given(np.where(given == 0, 0, high))

    def show(self, count: ArrayLike) -> FloatOrArray:
        """The number released for a count, or for an array of counts; a number of its own bin, and zero for zero alone.

        >>> POLICIES["round5"].show([0, 13, 17, 18]).tolist(), POLICIES["midpoint6"].show([6, 7]).tolist()
        ([0.0, 15.0, 15.0, 20.0], [3.0, 9.0])
        """
        high = np.asarray(self.bin(count)[1])
        middle = high - (self.rounding // 2 if self.midpoint else (self.rounding - 1) // 2)
        return as_given(np.where(high == 0, 0, middle))

    def is_small(self, count: float) -> bool:
        """Whether a count may not be shown: between 1 and the limit (a missing count is not small).

        >>> POLICIES["cms"].is_small(10), POLICIES["cms"].is_small(11), POLICIES["cms"].is_small(0)
        (True, False, False)
        """
        if 0 < count <= self.limit:
            return True
        return count == 0 and not self.zero_shown and self.withholds


_WITHHELD = (
    "Numbers that rest on 1 to {} people are withheld, and so are numbers from which such a count could be worked out"
)

#: Every policy by name. ``cms`` follows the cell size suppression policy of the US Centers for Medicare & Medicaid
#: Services: no cell of 1 to 10, nor anything from which one can be derived. ``opensafely`` and ``midpoint6`` follow the
#: output rules of OpenSAFELY (docs.opensafely.org/releasing-files): counts up to 7 redacted and the others rounded to
#: the nearest 5; or every count shown as the middle of its six, where the first six (shown there as 3) are withheld here.
POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(
            "cms",
            threshold=11,
            rounding=1,
            zero_shown=True,
            description=f"{_WITHHELD.format(10)}. A count of zero may be shown.",
        ),
        Policy(
            "round5",
            threshold=11,
            rounding=5,
            zero_shown=True,
            description=(
                f"{_WITHHELD.format(12)}; a count of zero may be shown. Every other count is rounded to the nearest 5 and "
                "shares follow from the rounded counts, so parts may not add up to their total."
            ),
        ),
        Policy(
            "opensafely",
            threshold=8,
            rounding=5,
            zero_shown=True,
            description=(
                f"{_WITHHELD.format(7)}; a count of zero may be shown. Every other count is rounded to the nearest 5 and "
                "shares follow from the rounded counts, so parts may not add up to their total."
            ),
        ),
        Policy(
            "midpoint6",
            threshold=7,
            rounding=6,
            zero_shown=True,
            midpoint=True,
            description=(
                f"{_WITHHELD.format(6)}; a count of zero may be shown. Every other count is shown as the middle of its six "
                "(7 to 12 as 9, 13 to 18 as 15) and shares follow from these counts, so parts may not add up to their total."
            ),
        ),
        Policy(
            "strict",
            threshold=20,
            rounding=10,
            zero_shown=True,
            description=(
                f"{_WITHHELD.format(24)}; a count of zero may be shown. Every other count is rounded to the nearest 10 and "
                "shares follow from the rounded counts, so parts may not add up to their total."
            ),
        ),
        Policy(
            "internal",
            threshold=0,
            rounding=1,
            zero_shown=True,
            description="Nothing is withheld. For use inside the programme only; not for release.",
        ),
    )
}

#: The policy each audience gets when none is named.
DEFAULT_POLICY: dict[str, str] = {"public": "cms", "internal": "internal"}


def choose_policy(audience: str, name: str | None = None) -> Policy:
    """The policy for an audience; ``UsageError`` for a name nobody knows or one too weak for the public.

    >>> choose_policy("public").name
    'cms'
    """
    if audience not in DEFAULT_POLICY:
        raise UsageError(f"the audience is one of {', '.join(DEFAULT_POLICY)}")
    chosen = name or DEFAULT_POLICY[audience]
    if chosen not in POLICIES:
        raise UsageError(f"there is no policy of that name; choose one of {', '.join(POLICIES)}")
    policy = POLICIES[chosen]
    if audience == "public" and not policy.withholds:
        raise UsageError(
            f"the policy {chosen} withholds nothing and cannot serve the public; use {DEFAULT_POLICY['public']}"
        )
    return policy
