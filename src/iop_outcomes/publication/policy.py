"""Disclosure policies as data: what a release may show, and the sentence that says so.

A policy is a row of numbers, not code: adding ``round5`` or ``strict`` means adding one entry to :data:`POLICIES`.
"""

from __future__ import annotations

from dataclasses import dataclass

from iop_outcomes.errors import UsageError


@dataclass(frozen=True, slots=True)
class Policy:
    """What a release may show.

    ``threshold`` is the smallest count above zero that may be shown (0: every count may). ``rounding`` is the base every
    released count is rounded to (1: not rounded). ``zero_shown`` says whether a count of zero may be shown.
    """

    name: str
    threshold: int
    rounding: int
    zero_shown: bool
    description: str

    def __post_init__(self) -> None:
        """Refuse a policy that contradicts itself; ``ValueError`` says which part."""
        if self.threshold < 0 or self.rounding < 1:
            raise ValueError(f"policy {self.name}: the threshold is at least 0 and the rounding base at least 1")
        if self.threshold == 0 and self.rounding != 1:
            raise ValueError(f"policy {self.name}: rounding without a threshold would let small counts through")

    @property
    def limit(self) -> int:
        """The largest count above zero that is withheld.

        Without rounding that is ``threshold - 1``. With rounding to ``b`` it is the upper edge of the bin that holds
        ``threshold - 1``, because a released multiple of ``b`` must not be readable as a count below the threshold
        (disclosure rule D4: threshold 11 and rounding to 5 withhold 1 to 12).

        >>> Policy("example", 11, 5, True, "").limit
        12
        """
        highest = self.threshold - 1
        if self.rounding == 1 or highest < 1:
            return max(highest, 0)
        base = self.rounding
        bin_centre = base * ((2 * highest + base) // (2 * base))
        return max(highest, bin_centre + (base - 1) // 2)

    @property
    def withholds(self) -> bool:
        """Whether anything is withheld at all."""
        return self.limit > 0

    def is_small(self, count: float) -> bool:
        """Whether a count may not be shown: between 1 and the limit (a missing count is not small).

        >>> POLICIES["cms"].is_small(10), POLICIES["cms"].is_small(11), POLICIES["cms"].is_small(0)
        (True, False, False)
        """
        if 0 < count <= self.limit:
            return True
        return count == 0 and not self.zero_shown and self.withholds


#: Every policy by name. ``cms`` follows the cell size suppression policy of the US Centers for Medicare & Medicaid
#: Services: no cell of 1 to 10, nor anything from which one can be derived.
POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(
            "cms",
            threshold=11,
            rounding=1,
            zero_shown=True,
            description=(
                "Numbers that rest on 1 to 10 people are withheld, and so are numbers from which such a count could be "
                "worked out. A count of zero may be shown."
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
