"""Records to spoil, folders to put them in, and whether two readings came to the same."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from iop_outcomes.records.engine import write_parquet
from iop_outcomes.records.model import Records
from iop_outcomes.schema import TABLES

LARGE = ("episodes", "attendance", "outcomes")
#: Cells that break one rule or another, depending on the column they come to stand in.
_NUMBERS = ("", " 3", "x", "-1", "0", "1", "2.5", "25", "999", "03/04/2025", "2025-02-30", "2024-01-05", "2031-01-01")
_ODD = (*_NUMBERS, "attended", "completed", "phq9", "positive", "week")


def spoil(tables: Mapping[str, pd.DataFrame], seed: int, share: float = 0.02) -> dict[str, pd.DataFrame]:
    """The tables with odd cells, cells of other rows and rows that stand twice, in every column."""
    draw = random.Random(seed)
    spoilt = {}
    for name, table in tables.items():
        frame = table.copy()
        for _ in range(max(3, int(len(frame) * share)) if name in LARGE else 0):
            row, other, column = draw.randrange(len(frame)), draw.randrange(len(frame)), draw.randrange(frame.shape[1])
            if draw.random() < 0.15:
                frame.iloc[row] = frame.iloc[other]
            else:
                frame.iat[row, column] = draw.choice([*_ODD, frame.iat[other, column]])
        spoilt[name] = frame
    return spoilt


def write_folders(tables: Mapping[str, pd.DataFrame], folder: Path, form: str, parts: int = 2) -> dict[str, Path]:
    """Episodes, attendance and outcomes each as a folder of ``parts`` files, the other tables as one CSV file."""
    where = {}
    for name, frame in tables.items():
        if name not in LARGE:
            where[name] = folder / f"{name}.csv"
            frame.to_csv(where[name], index=False)
            continue
        where[name] = folder / name
        where[name].mkdir(parents=True)
        size = -(-len(frame) // parts)
        for part in range(parts):
            rows = frame.iloc[part * size : (part + 1) * size]
            if form == "csv":
                rows.to_csv(where[name] / f"part-{part}.csv", index=False)
            else:
                write_parquet(rows, {}, where[name] / f"part-{part}.parquet")
    return where


def check_alike(one: Records, other: Records) -> None:
    """The same rows in use, the same accounts, and the same rows set aside for the same reasons."""
    for name in TABLES:
        frames = [_plain(getattr(records, name).collect("pandas").to_native()) for records in (one, other)]
        pd.testing.assert_frame_equal(*frames, obj=name)
    accounts = [
        [(each.table, each.read, each.used, dict(each.set_aside)) for each in records.manifest.accounts]
        for records in (one, other)
    ]
    assert accounts[0] == accounts[1]
    columns = ["table", "column", "rule", "what_to_do"]
    listed = [records.manifest.set_aside[columns].astype("str") for records in (one, other)]
    pd.testing.assert_frame_equal(*(rows.sort_values(columns, ignore_index=True) for rows in listed))


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Every value as one text whatever the engine holds it as, in a fixed order."""
    return frame.map(_written).astype("str").sort_values(list(frame.columns), ignore_index=True)


def _written(value: Any) -> str:
    if pd.isna(value):
        return ""
    text = str(value).removesuffix(" 00:00:00")
    return text.removesuffix(".0")
