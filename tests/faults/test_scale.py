"""Every fault of a row is found among very many rows without a fault, and only the rows around it are looked at closely."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from faultless import PROGRAM, TODAY, good_tables, write_table
from test_row_faults import FAULTS, spoil

from iop_outcomes.records.loading import read_records
from iop_outcomes.records.scanned import Scanned

LARGE = ("episodes", "attendance", "outcomes")
PLANTED = [fault for fault in FAULTS if fault.table in LARGE]


@pytest.fixture(autouse=True)
def text_storage() -> str:
    """Once is enough here: what is brought to the rules is text as everywhere."""
    return "pyarrow"


def _suffixed(frame: pd.DataFrame, suffix: str) -> pd.DataFrame:
    """The rows as another agency's: ids of their own, empty ones still empty."""
    ids = [name for name in ("episode_id", "person_id") if name in frame]
    return frame.assign(
        **{name: frame[name].where(frame[name].str.strip() == "", frame[name] + suffix) for name in ids}
    )


def planted() -> dict[str, pd.DataFrame]:
    """A small agency for each fault, with that one fault."""
    agencies = [(f"-f{place}", spoil(fault)[0]) for place, fault in enumerate(PLANTED)]
    return {
        name: pd.concat(
            [_suffixed(pd.DataFrame(tables[name], dtype="str").fillna(""), suffix) for suffix, tables in agencies],
            ignore_index=True,
        ).fillna("")
        for name in LARGE
    }


def write_many(folder: Path, copies: int) -> None:
    """``copies`` faultless agencies in Parquet, and among them those of :func:`planted`."""
    good = good_tables()
    for name in ("programs", "costs"):
        write_table(folder / f"{name}.csv", good[name])
    (folder / "program.toml").write_text(PROGRAM, encoding="utf-8")
    spoilt = planted()
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for name in LARGE:
            (folder / name).mkdir()
            frame = (
                pd.DataFrame(good[name], dtype="str").fillna("").reindex(columns=spoilt[name].columns, fill_value="")
            )
            ids = [column for column in ("episode_id", "person_id") if column in frame]
            connection.register("good", frame)
            connection.register("spoilt", spoilt[name])
            numbered = ", ".join(f"{column} || '-' || copy AS {column}" for column in ids)
            for part, rows in enumerate(
                (
                    f"SELECT good.* REPLACE ({numbered}) FROM range({copies // 2}) AS copies(copy), good",
                    "SELECT * FROM spoilt",
                    f"SELECT good.* REPLACE ({numbered}) FROM range({copies // 2}, {copies}) AS copies(copy), good",
                )
            ):
                connection.execute(f"COPY ({rows}) TO '{folder / name / f'part-{part}.parquet'}'")


def check_found(records: Any, copies: int) -> None:
    """What was set aside is what is set aside of the agencies with faults alone, each row by its number in its file."""
    spoilt = planted()
    small: dict[str, Any] = {**{name: pd.DataFrame(rows) for name, rows in good_tables().items()}, **spoilt}
    settings = {"name": "North Valley", "as_of": "2025-06-30", "ids_are_random": True}
    expected = read_records({**small, "settings": settings}, today=TODAY).manifest
    found = records.manifest
    columns = ["table", "row", "column", "rule", "what_to_do"]
    listed = [manifest.set_aside[columns].astype({"row": "int64"}) for manifest in (expected, found)]
    listed = [rows.astype(dict.fromkeys(columns[2:], "str") | {"table": "str"}) for rows in listed]
    pd.testing.assert_frame_equal(*(rows.sort_values(columns, ignore_index=True) for rows in listed))
    assert set(found.set_aside["file"]) == {f"{name}/part-1.parquet" for name in LARGE}
    for one, other in zip(expected.accounts, found.accounts, strict=True):
        more = copies * len(good_tables()[other.table]) if other.table in LARGE else 0
        assert (other.read, other.used) == (one.read + more, one.used + more)
        assert dict(other.set_aside) == dict(one.set_aside)


def test_faults_are_found_among_two_hundred_thousand_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[int] = []
    bring = Scanned.bring

    def counted(scanned: Scanned, rows: Any) -> Any:
        raws = bring(scanned, rows)
        brought.append(sum(len(raw.frame) for raw in raws))
        return raws

    monkeypatch.setattr(Scanned, "bring", counted)
    copies = 22_300
    write_many(tmp_path, copies)
    records = read_records(tmp_path, today=TODAY, memory_limit="1GB")
    assert records.manifest.accounts[2].read > 200_000
    check_found(records, copies)
    assert 0 < sum(brought) <= sum(len(rows) for rows in planted().values())


_MEASURED = """
import json, resource, sys
from datetime import date
from iop_outcomes.records.loading import read_records, write_set_aside
records = read_records(sys.argv[1], today=date.fromisoformat(sys.argv[2]), memory_limit="1GB", spill=sys.argv[3])
write_set_aside(records, sys.argv[4])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
aside = [dict(account.set_aside) for account in records.manifest.accounts]
print(json.dumps({"megabytes": peak, "read": records.manifest.accounts[2].read, "aside": aside}))
"""


@pytest.mark.slow
def test_faults_are_found_among_forty_million_rows_without_loading_them(tmp_path: Path) -> None:
    """The engine keeps 1 GB, the rest of the process little: reading the table alone would take ten times as much."""
    write_many(tmp_path, 4_450_000)
    given = [str(tmp_path), TODAY.isoformat(), str(tmp_path / "spill"), str(tmp_path / "aside.parquet")]
    run = subprocess.run([sys.executable, "-c", _MEASURED, *given], capture_output=True, text=True, check=True)
    said = json.loads(run.stdout)
    assert said["read"] > 40_000_000
    assert said["megabytes"] < 2_500
    small = read_records(
        {**{name: pd.DataFrame(rows) for name, rows in good_tables().items()}, **planted()}
        | {"settings": {"name": "North Valley", "as_of": "2025-06-30", "ids_are_random": True}},
        today=TODAY,
    )
    assert said["aside"] == [dict(account.set_aside) for account in small.manifest.accounts]
    assert duckdb.read_parquet(given[3]).aggregate("count(*)").fetchone() == (len(small.manifest.set_aside),)
