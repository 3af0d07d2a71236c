"""The last word: the finished rows are handed to the attacker, who knows nothing of how they were chosen.

What the gate withholds follows from the sums it knows of. The attacker reads only what will be printed, beside what was
printed before, and tries everything it can; whatever it finds costs another row.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.attacker import attack
from iop_outcomes.publication.earlier import Memory
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.suppression import Sheet

GUESSED = "Withheld because an attack on the finished release found a small number behind it"


def find_told(released: pd.DataFrame, sheet: Sheet, policy: Policy, memory: Memory | None) -> list[int]:
    """Rows to withhold because somebody who holds the released rows could work out a small number from them.

    One row for each number found: of those it was found from, one of a group before one of everyone, and the one with the
    smallest count. None where nothing is found, or nothing that withholding could help.
    """
    before = memory.releases if memory else []
    bins = policy.bin if policy.rounding > 1 else None
    findings = attack(*before, released, threshold=policy.threshold, bins=bins)
    first = sum(len(each) for each in before)
    everyone = (sheet.frame["by"] == ALL).to_numpy()
    counts = np.nan_to_num(policy.show(sheet.column("n")), nan=np.inf)
    chosen: set[int] = set()
    for finding in findings:
        rows = {row - first for row in (*finding.used, *finding.rows) if row >= first}
        open_rows = sorted(row for row in rows if not sheet.hidden[row] and not sheet.fixed[row])
        if open_rows and not chosen.intersection(open_rows):
            chosen.add(min(open_rows, key=lambda row: (everyone[row], counts[row], row)))
    return sorted(chosen)
