"""What may leave the room: estimates after a policy, with the audit of what was withheld.

Only :func:`iop_outcomes.publication.gate.publish` makes a :class:`Published`; every writer accepts nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import GATE_ONLY, Estimates
from iop_outcomes.publication.policy import Policy
from iop_outcomes.vocabulary import Audience

#: Stands in the note of a row that keeps its value but not all of its counts.
PARTLY = "some counts withheld"

_SEAL = object()


@dataclass(frozen=True)
class Audit:
    """How much was withheld and by which rule; holds counts of rows only, never a withheld number.

    ``rows`` maps a rule's sentence to the rows it withheld, ``cells`` to the single cells blanked in rows that stay.
    ``opened`` rows would have been withheld but for an override; ``frozen`` ones are printed as they were released before;
    ``exposed`` numbers follow from those or from earlier releases, so withholding could not help. ``fewest`` says that no
    other choice would have withheld less to keep numbers from being worked out.
    """

    total: int
    withheld: int
    rows: Mapping[str, int] = field(default_factory=dict)
    cells: Mapping[str, int] = field(default_factory=dict)
    opened: int = 0
    frozen: int = 0
    exposed: int = 0
    fewest: bool = True


@dataclass(frozen=True)
class Published:
    """Estimates that passed the gate: same columns, with withheld rows blank and marked, and a release id.

    Reads like :class:`~iop_outcomes.estimates.Estimates` (``frame``, ``settings``, ``where``, ``value``, ``rows``).
    Building one by hand raises ``DisclosureError``.
    """

    estimates: Estimates
    policy: Policy
    audience: Audience
    audit: Audit
    release_id: str
    seal: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse everything the gate did not make."""
        if self.seal is not _SEAL:
            raise DisclosureError("only publish() makes published rows; hand it the estimates")

    @property
    def frame(self) -> pd.DataFrame:
        """The released rows, in the columns of Estimates."""
        return self.estimates.frame

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings the estimates were made with."""
        return self.estimates.settings

    @property
    def synthetic(self) -> bool:
        """Whether the settings say the records are synthetic."""
        return bool(self.settings.get("synthetic", False))

    def __len__(self) -> int:
        return len(self.estimates)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as a dict, in order."""
        return self.estimates.rows()

    def where(self, **conditions: Any) -> Published:
        """The released rows whose columns equal the given values; the release id stays that of the whole release."""
        chosen = self.estimates.where(**conditions)
        return Published(chosen, self.policy, self.audience, self.audit, self.release_id, _SEAL)

    def only(self, test: Callable[[dict[str, Any]], bool]) -> Published:
        """The released rows that pass a test of one row, in order."""
        kept = self.estimates.take([test(row) for row in self.rows()])
        return Published(kept, self.policy, self.audience, self.audit, self.release_id, _SEAL)

    def value(self, **conditions: Any) -> float:
        """The value of the one row that meets the conditions; ``LookupError`` when it is not exactly one."""
        return self.estimates.value(**conditions)

    def _repr_html_(self) -> str:
        return self.estimates._repr_html_()


def seal(
    frame: pd.DataFrame, settings: Mapping[str, Any], policy: Policy, audience: Audience, audit: Audit
) -> Published:
    """Bind a frame that passed the gate; called by the gate and by nothing else."""
    estimates = Estimates(frame.assign(**dict.fromkeys(GATE_ONLY, np.nan)), MappingProxyType(dict(settings)))
    identity = _identify(estimates, policy, audience)
    return Published(estimates, policy, audience, audit, identity, _SEAL)


def _identify(estimates: Estimates, policy: Policy, audience: Audience) -> str:
    """A release id from content, policy and audience: the same release always gets the same twelve characters."""
    seen = estimates.frame.drop(columns=list(GATE_ONLY))
    lines = sorted(seen.to_csv(index=False, float_format="%.12g", lineterminator="\n").splitlines())
    settings = json.dumps(dict(estimates.settings), sort_keys=True, default=str)
    text = "\n".join(
        [
            policy.name,
            str(policy.threshold),
            str(policy.rounding),
            str(policy.midpoint),
            str(audience),
            settings,
            *lines,
        ]
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
