"""What a complete record without confounding would show, from a large population of the same mechanism.

The truth belongs to the mechanism, not to a sample: it is computed once from a seeded population followed to the end,
with every day of use known, and kept as ``truth.csv`` beside this module. Its own standard error is below 0.0015 for a
share of everybody at one level of care. Nothing here uses the package's measures, so that they can be held against it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from iop_outcomes.records.synthetic.causal import causal_rows
from iop_outcomes.records.synthetic.stays import Stays, population_rows, summarise_stays

#: People and seed of the population the committed truth was computed from, and how many are simulated at a time.
POPULATION, POPULATION_SEED, CHUNK = 400_000, 20240101, 50_000
COLUMNS: tuple[str, ...] = (
    "synthetic",
    "population",
    "level_of_care",
    "exit_rule",
    "definition",
    "category",
    "at",
    "value",
    "unit",
)
_FILE = Path(__file__).with_name("truth.csv")


def load_truth() -> pd.DataFrame:
    """The committed truth: one row per population, level of care, exit rule, definition, category and day."""
    text = ("synthetic", "population", "level_of_care", "exit_rule", "definition", "category", "unit")
    return pd.read_csv(_FILE, dtype={**dict.fromkeys(text, "str")}, keep_default_na=False, na_values={"at": [""]})


def compute_truth(people: int = POPULATION, seed: int = POPULATION_SEED) -> pd.DataFrame:
    """Compute the truth anew from ``people`` people; about a second for each 10,000."""
    chunks: list[Stays] = []
    worlds: list[pd.DataFrame] = []
    for chunk, first in enumerate(range(0, people, CHUNK)):
        size = min(CHUNK, people - first)
        stays, world = summarise_stays(size, (seed, chunk))
        chunks.append(stays)
        worlds.append(world)
    rows = [*population_rows(Stays.joined(chunks)), *causal_rows(pd.concat(worlds, ignore_index=True))]
    frame = pd.DataFrame(rows).assign(synthetic="synthetic")
    frame["value"] = frame["value"].round(6)
    return frame[list(COLUMNS)]


def write_truth(path: Path = _FILE) -> Path:
    """Write the truth file of this package; needed after any change of the mechanism."""
    compute_truth().to_csv(path, index=False, lineterminator="\n")
    return path


def true_value(truth: pd.DataFrame, **where: object) -> float:
    """The value of the one row of ``truth`` that meets the conditions; ``LookupError`` when it is not exactly one."""
    keep = np.ones(len(truth), dtype=bool)
    for name, value in where.items():
        keep &= (truth[name] == value).to_numpy()
    if keep.sum() != 1:
        raise LookupError(f"{int(keep.sum())} rows of the truth meet {where}, not one")
    return float(truth.loc[keep, "value"].iloc[0])
