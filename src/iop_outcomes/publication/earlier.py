"""What earlier releases already said: a closed figure stays as it was first printed, and nothing new undoes what was hidden.

A reader keeps old reports. 44 people left early in the report of spring and 45 in the corrected one of summer: one person's
record was changed (rule D14 of docs/release.md). So a figure of a closed period is printed as before while only few records
changed (rule D15), and every earlier number stands beside the new ones when the gate asks what could be worked out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from iop_outcomes.estimates import KEY
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.suppression import Sheet, row_keys

CHANGED = "Withheld because it differs from a number released before by too few people"
#: Stands in the note of a row that is printed as it was released before.
FROZEN = "as first released; few records have changed since"

_SPAN = ("period_start", "period_end")
#: What makes a row the same figure in two releases, but for the period.
_FIGURE: tuple[str, ...] = tuple(name for name in KEY if name not in _SPAN)
_COUNTS = ("n", "denominator", "people")
_PRINTED = ("value", "ci_low", "ci_high", "conf_level", "n", "denominator", "people", "n_missing", "method", "status")


@dataclass(frozen=True, eq=False)
class Memory:
    """Numbers released before: each once, and where the same figure stands now.

    ``rows`` has the columns of Estimates, the newest version last; ``twin`` is the position of the same figure in the
    present release, -1 where it is not in it; ``frozen`` maps a position to the row of ``rows`` that is printed instead.
    ``releases`` are the same rows release by release, with those that were withheld: they stay secret in later releases.
    """

    rows: pd.DataFrame
    twin: np.ndarray
    frozen: dict[int, int]
    releases: list[pd.DataFrame]

    def __len__(self) -> int:
        return len(self.rows)


def recall(sheet: Sheet, earlier: pd.DataFrame, policy: Policy) -> Memory:
    """Find where earlier figures stand now, and hold back what has changed by too few people.

    ``earlier`` holds released rows, the oldest first. A figure of a closed period that changed by few people is withheld
    here and printed as before when the release is made; a figure without a period, or of one that was not over, is
    withheld only.
    """
    now = sheet.frame
    earlier = earlier.reset_index(drop=True)
    shown = earlier[earlier["value"].notna() | earlier["n"].notna()]
    numbers = shown[[*_FIGURE, *_SPAN, *_COUNTS, "value"]].copy()
    numbers["value"] = numbers["value"].round(9)
    again = numbers.index[numbers.duplicated(keep="last")]
    rows = shown.drop(index=again).reset_index(drop=True)
    place = {key: at for at, key in enumerate(row_keys(now, KEY))}
    twin = np.array([place.get(key, -1) for key in row_keys(rows, KEY)], dtype=int)
    frozen: dict[int, int] = {}
    changed = []
    was, are = (policy.show(frame[list(_COUNTS)].to_numpy(dtype=np.float64)) for frame in (rows, now))
    closed = rows["period_end"].notna().to_numpy()
    for old, new in enumerate(twin.tolist()):
        if new >= 0 and _few_changed(was[old], are[new], policy):
            changed.append(new)
            if closed[old] and not sheet.hidden[new]:
                frozen[new] = old
    sheet.hide(np.array(changed, dtype=int), CHANGED)
    return Memory(rows, twin, frozen, _part_releases(earlier.drop(index=again)))


def extend(sheet: Sheet, memory: Memory) -> Sheet:
    """The sheet with the earlier numbers below it: they are shown, whatever any rule says."""
    whole = Sheet(pd.concat([sheet.frame, memory.rows[list(sheet.frame.columns)]], ignore_index=True))
    size = len(sheet.frame)
    whole.fixed[size:] = True
    whole.twin[size:] = memory.twin
    whole.fixed[:size], whole.hidden[:size], whole.extreme[:size] = sheet.fixed, sheet.hidden, sheet.extreme
    for name, rows in sheet.blank.items():
        whole.blank[name][:size] = rows
    return whole


def restore(frame: pd.DataFrame, memory: Memory) -> pd.DataFrame:
    """Print frozen figures as they were released before."""
    for new, old in memory.frozen.items():
        frame.loc[new, list(_PRINTED)] = memory.rows.loc[old, list(_PRINTED)]
        frame.loc[new, "note"] = FROZEN
    return frame


def _few_changed(old: np.ndarray, new: np.ndarray, policy: Policy) -> bool:
    """Whether events, base, people or those left over differ by a count that may not be shown."""
    gaps = np.abs([*(old - new), (old[1] - old[0]) - (new[1] - new[0])])
    return bool(((gaps > 0) & (gaps <= policy.limit)).any())


def _part_releases(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each release by themselves, the oldest first; one release where none is named."""
    if "release_id" not in rows:
        return [rows.reset_index(drop=True)]
    return [own.reset_index(drop=True) for _, own in rows.groupby("release_id", sort=False)]
