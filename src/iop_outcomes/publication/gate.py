"""The gate: estimates in, published rows out.

``publish`` is the only way from a measure to a page. It fails closed (what it does not know is withheld), withholds
whole rows with one mark, coarsens curves, and then asks an exact attacker whether anything withheld can be worked out
from what is left, withholding more until it cannot. An independent attacker, which knows nothing of how the gate
decides, has the last word: what it can still work out is withheld too, and where that does not end, nothing leaves. The
order of the rows never matters. The rules that are named by number stand in docs/release.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.estimates import COLUMNS, KEY, Estimates, stack
from iop_outcomes.publication import curves, suppression
from iop_outcomes.publication.cells import build_system
from iop_outcomes.publication.complementary import protect
from iop_outcomes.publication.derivation import withhold_derived
from iop_outcomes.publication.earlier import Memory, extend, recall, restore
from iop_outcomes.publication.judge import GUESSED, find_told
from iop_outcomes.publication.overrides import Override, matching
from iop_outcomes.publication.policy import Policy, choose_policy
from iop_outcomes.publication.published import PARTLY, Audit, Published, seal
from iop_outcomes.publication.rounding import round_released, shorten_worked_out, without_counts
from iop_outcomes.publication.suppression import Sheet
from iop_outcomes.vocabulary import Audience, Status

#: Definitions about use itself: 0 % and 100 % of a group say something about each of its people (rule D3).
SENSITIVE: tuple[str, ...] = (
    "days_known",
    "return_to_use",
    "agreement",
    "abstinent_responders",
    "abstinent_missing_using",
    "abstinent_missing_sober",
    "used_fewer_days",
    "used_fewer_days_low",
    "used_fewer_days_high",
)

#: The measure of figures published by others: facts about the literature, not about anybody in the records.
LITERATURE = "published"

#: How often the finished release is attacked, and more withheld, before it is given up.
_TRIALS = 30

_NUMBERS = ("value", "ci_low", "ci_high", "conf_level", "n", "denominator", "people", "n_missing")


def publish(
    *estimates: Estimates,
    audience: str = "public",
    policy: str | None = None,
    sensitive: Sequence[str] = SENSITIVE,
    earlier: pd.DataFrame | None = None,
    overrides: Sequence[Override] = (),
) -> Published:
    """Which of these numbers may this audience see?

    Takes everything one release prints, together: what a table withholds must not stand in another one. ``policy``
    is a name of :data:`~iop_outcomes.publication.policy.POLICIES` (``cms`` for the public, ``internal`` for the
    programme itself). ``sensitive`` names definitions (without version) whose 0 % and 100 % are withheld too. ``earlier``
    are the rows released before (``Ledger.earlier``), which a reader still holds: what changed by few people is printed as
    it was then. ``overrides`` open the rows they name, whatever the rules say; the audit counts them.

    Raises ``UsageError`` for an unknown audience or policy, or when two rows claim to be the same number and differ;
    ``DisclosureError`` when numbers can be worked out however much is withheld.

    >>> rows = [dict(measure="retention", definition="retained@1", estimand="proportion", by="site", group=site,
    ...     value=n / d, n=n, denominator=d, people=d) for site, n, d in (("A", 20, 40), ("B", 40, 43))]
    >>> publish(Estimates.from_rows(rows)).frame["status"].tolist()
    ['ok', 'withheld']
    """
    chosen = choose_policy(audience, policy)
    reader = Audience(audience)
    frame = _bundle(estimates)
    settings = _join_settings(estimates)
    if not chosen.withholds:
        return seal(frame, settings, chosen, reader, Audit(len(frame), 0))
    opened = np.zeros(len(frame), dtype=bool)
    for override in overrides:
        opened |= matching(override, frame).to_numpy()

    facts = (frame["measure"] == LITERATURE).to_numpy()
    people = frame[~facts].reset_index(drop=True)
    judged, audit = _judge(people, chosen, tuple(sensitive), opened[~facts], earlier)
    released = frame.copy()
    for name in frame:
        released.loc[~facts, name] = judged[name].to_numpy()
    return seal(released, settings, chosen, reader, audit)


def _judge(
    frame: pd.DataFrame, policy: Policy, sensitive: tuple[str, ...], opened: np.ndarray, earlier: pd.DataFrame | None
) -> tuple[pd.DataFrame, Audit]:
    """The rows about people after every rule, in the order they came, and what was withheld."""
    order = _sorted_order(frame)
    sheet = Sheet(frame.iloc[order].reset_index(drop=True))
    sheet.fixed |= opened[order]
    _withhold_alone(sheet, policy, sensitive)
    memory = recall(sheet, earlier, policy) if earlier is not None and len(earlier) else None
    whole = extend(sheet, memory) if memory else sheet
    protect(build_system(whole, policy), whole)
    sheet.follow(whole)
    released = _settle(sheet, policy, memory)
    back = np.empty(len(order), dtype=int)
    back[order] = np.arange(len(order))
    return released.iloc[back].reset_index(drop=True), sheet.audit(len(memory.frozen) if memory else 0)


def _settle(sheet: Sheet, policy: Policy, memory: Memory | None) -> pd.DataFrame:
    """The rows as they will be printed, once an attacker who sees nothing else can work out no small number.

    Raises ``DisclosureError`` should that never be so: then nothing leaves.
    """
    for _ in range(_TRIALS):
        withhold_derived(sheet)
        suppression.blank_missing(sheet, policy)
        released = round_released(without_counts(shorten_worked_out(_release(sheet))), policy)
        if memory:
            released = restore(released, memory)
        told = find_told(released, sheet, policy, memory)
        if not told:
            return released
        sheet.hide(np.array(told), GUESSED)
    raise DisclosureError("this release gives numbers away however much is withheld; leave out some of its tables")


def _withhold_alone(sheet: Sheet, policy: Policy, sensitive: tuple[str, ...]) -> None:
    """What may not stand whatever else is printed."""
    suppression.withhold_unknown(sheet)
    suppression.withhold_small(sheet, policy)
    suppression.withhold_extremes(sheet, sensitive)
    suppression.withhold_kinds(sheet)
    suppression.withhold_dominated(sheet)
    suppression.withhold_saturated(sheet)
    suppression.withhold_groups(sheet, policy)
    curves.thin(sheet, policy)
    suppression.withhold_days_lost(sheet, policy)
    suppression.blank_people(sheet, policy)


def _bundle(estimates: Sequence[Estimates]) -> pd.DataFrame:
    """All rows once; the same number said twice is kept once, said differently is an error."""
    if not estimates:
        return Estimates(pd.DataFrame(columns=list(COLUMNS))).frame
    frame = stack(estimates).drop_duplicates(ignore_index=True)
    again = frame.duplicated(list(KEY), keep=False)
    if again.any():
        numbers = [*KEY, *_NUMBERS]
        rounded = frame[numbers].copy()
        rounded[list(_NUMBERS)] = rounded[list(_NUMBERS)].round(9)
        frame = frame[~rounded.duplicated()].reset_index(drop=True)
        differ = frame.duplicated(list(KEY))
        if differ.any():
            names = ", ".join(sorted(set(frame.loc[differ, "definition"])))
            raise UsageError(
                f"two rows of one release claim to be the same number and differ ({names}); give each its period or group"
            )
    return frame


def _join_settings(estimates: Sequence[Estimates]) -> Mapping[str, Any]:
    """Settings of the whole release; where they differ, all values in the order met."""
    met: dict[str, list[Any]] = {}
    for each in estimates:
        for name, value in each.settings.items():
            values = met.setdefault(name, [])
            if value not in values:
                values.append(value)
    return {name: values[0] if len(values) == 1 else tuple(values) for name, values in met.items()}


def _sorted_order(frame: pd.DataFrame) -> np.ndarray:
    return frame[list(KEY)].sort_values(list(KEY), kind="stable", na_position="first").index.to_numpy()


def _release(sheet: Sheet) -> pd.DataFrame:
    """Withheld rows blank and marked; counted shares recomputed from the counts released beside them."""
    frame = sheet.frame.copy()
    for name, rows in sheet.blank.items():
        partly = rows & ~sheet.hidden & frame[name].notna().to_numpy()
        frame.loc[rows, name] = np.nan
        frame.loc[partly, "note"] = frame.loc[partly, "note"].fillna("").map(_add_mark)
    counted = (
        (frame["estimand"] == "proportion")
        & frame["n"].notna()
        & (frame["denominator"] > 0)
        & (frame["status"] == Status.OK)
    )
    share = frame["n"] / frame["denominator"]
    off = counted & ((frame["value"] - share).abs() > 1e-9) & (frame["method"].fillna("") == "")
    frame.loc[off, "value"] = share[off]
    frame.loc[sheet.hidden, list(_NUMBERS)] = np.nan
    frame.loc[sheet.hidden, "status"] = str(Status.WITHHELD)
    frame.loc[sheet.hidden, "note"] = None
    return frame


def _add_mark(note: str) -> str:
    return note if PARTLY in note else f"{note}; {PARTLY}" if note else PARTLY
