"""Synthetic records too many to hold: one block of people after another, each from streams of its own, as Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from iop_outcomes.records.engine import SQL_TYPES, write_parquet
from iop_outcomes.records.synthetic.sample import draw_block
from iop_outcomes.records.synthetic.tables import programs_table
from iop_outcomes.schema import TABLES

#: People in a block; part of what the bytes depend on.
BLOCK = 20_000
#: A last block is never smaller than this.
_LEAST = 20
_LARGE = ("episodes", "attendance", "outcomes")


def write_parts(
    folder: Path, people: int, seed: int, step: Callable[[str, int, int], None]
) -> tuple[list[Path], dict[str, int]]:
    """Write the five tables into ``folder``: one file of programmes and costs, the others a folder with a file a block.

    Returns the files, and the rows of each table by the name of its file or folder.
    """
    sizes = block_sizes(people)
    written: list[Path] = []
    counts = dict.fromkeys((f"{name}/" for name in _LARGE), 0)
    costs: list[pd.DataFrame] = []
    for name in _LARGE:
        (folder / name).mkdir()
    for block, size in enumerate(sizes):
        step("Writing synthetic records", block, len(sizes))
        drawn = draw_block(size, seed, block)
        costs.append(drawn["costs"].assign(amount=drawn["costs"]["amount"].astype("int64")))
        for name in _LARGE:
            path = folder / name / f"part-{block:05d}.parquet"
            kinds = {spec.name: SQL_TYPES.get(spec.kind, "VARCHAR") for spec in TABLES[name].fields}
            write_parquet(drawn[name], kinds, path)
            counts[f"{name}/"] += len(drawn[name])
            written.append(path)
    keys = [column for column in costs[0].columns if column != "amount"]
    total = pd.concat(costs).groupby(keys, sort=False, as_index=False)["amount"].sum()
    for name, frame in (("programs", programs_table(people)), ("costs", total[list(costs[0].columns)].astype("str"))):
        written.append(folder / f"{name}.csv")
        frame.to_csv(written[-1], index=False, lineterminator="\n", encoding="utf-8")
        counts[f"{name}.csv"] = len(frame)
    step("Writing synthetic records", len(sizes), len(sizes))
    return written, counts


def block_sizes(people: int) -> list[int]:
    """How many people each block has.

    >>> block_sizes(40_010)
    [20000, 20010]
    """
    whole, rest = divmod(people, BLOCK)
    sizes = [BLOCK] * whole
    if rest >= _LEAST or not sizes:
        return [*sizes, rest]
    return [*sizes[:-1], sizes[-1] + rest]
