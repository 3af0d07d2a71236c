"""Validation on an engine: rows that break no rule are in use where they stand, the others go through the rules in blocks.

Only the rows a screen marks, with all rows of the same person or episode, are brought here, at most ``BLOCK`` sessions or
assessments at a time; of the episodes all that are marked, which is one row each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes.records.engine import FILE, ROW, Engine, Lazy
from iop_outcomes.records.large import lift_raws
from iop_outcomes.records.model import SET_ASIDE_COLUMNS, TableAccount
from iop_outcomes.records.program import instruments_of
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.scanned import ODD, Scanned, count_rows
from iop_outcomes.records.screening import find_stays, screen_attendance, screen_episodes, screen_outcomes
from iop_outcomes.records.validation import Parent, Rules, join_listed

#: Most rows brought here at once, unless a single episode has more.
BLOCK = 500_000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Triaged:
    """The five tables in use, on the engine, and where each row went."""

    tables: dict[str, Lazy]
    accounts: tuple[TableAccount, ...]
    set_aside: pd.DataFrame
    warnings: tuple[str, ...]


def triage_tables(
    raws: Sequence[RawTable],
    scanned: Mapping[str, Scanned],
    settings: Mapping[str, Any],
    as_of: date | None,
    engine: Engine,
) -> Triaged:
    """Type the tables, work out times, and set aside the rows that break a rule, as ``validate_tables`` does.

    ``raws`` holds the tables of programmes and costs, ``scanned`` the others; a table in neither has no rows.
    """
    scanned = dict(scanned)
    for name in ("episodes", "attendance", "outcomes"):
        here = [raw for raw in raws if raw.table == name]
        if here:
            scanned[name] = lift_raws(engine, here)
    work = _Triage(Rules(settings, as_of), engine, as_of, instruments_of(settings))
    programs = work.check_here("programs", raws, None)
    known = Parent(programs.known, programs.used)
    work.check_here("costs", raws, known)
    work.place_episodes(scanned["episodes"], known)
    for name in ("attendance", "outcomes"):
        work.place_rows(name, scanned.get(name))
    order = list(work.rules.tables)
    listed = join_listed([work.listed[name] for name in order])
    compact = {name: "category" for name in SET_ASIDE_COLUMNS if name != "row"}
    return Triaged(
        {name: work.tables[name] for name in order},
        tuple(work.accounts[name] for name in order),
        listed.astype(compact) if len(listed) else listed,
        work.rules.notes.lines(),
    )


class _Triage:
    """The tables as they come to be in use, one after another."""

    def __init__(self, rules: Rules, engine: Engine, as_of: date | None, instruments: Mapping[str, Any]) -> None:
        self.rules, self.engine, self.instruments = rules, engine, instruments
        self.today = None if as_of is None else (as_of - _EPOCH).days
        self.tables: dict[str, Lazy] = {}
        self.accounts: dict[str, TableAccount] = {}
        self.listed: dict[str, pd.DataFrame] = {}

    def check_here(self, name: str, raws: Sequence[RawTable], parent: Parent | None) -> Parent:
        """A table of few rows, checked in memory."""
        frame, ledger = self.rules.check(name, [raw for raw in raws if raw.table == name], parent)
        used = frame[ledger.ok].reset_index(drop=True)
        self.tables[name] = self.engine.place(self.rules.tables[name], [used])
        self.accounts[name], self.listed[name] = ledger.account(), ledger.set_aside()
        return Parent(frame["program_id"], used.set_index("program_id"))

    def place_episodes(self, scanned: Scanned, programs: Parent) -> None:
        """The episodes, person by person."""
        table = self.rules.tables["episodes"]
        typed = scanned.type_cells(table, self.rules.dates)
        screened = self.engine.lift(screen_episodes(typed, self.tables["programs"], self.today))
        close = self._spread(screened, "person_id")
        raws = [*scanned.rest, *scanned.bring(_rows(scanned, close))]
        frame, ledger = self.rules.check("episodes", raws, programs, scanned.file)
        used = frame[ledger.ok].reset_index(drop=True)
        clean = screened.join(close.select(FILE, ROW), on=[FILE, ROW], how="anti")
        number = (used["admission_date"].to_numpy(dtype="datetime64[D]") - np.datetime64(_EPOCH)).astype("float64")
        stays = pd.DataFrame(
            {
                "episode_id": used["episode_id"],
                "_admitted": np.where(used["admission_date"].isna(), np.nan, number),
                "_discharge": used["discharge_day"].astype("Float64").astype("float64"),
                "_observed": used["observed_day"].astype("Float64").astype("float64"),
            }
        )
        here = self.engine.lift(stays).select(
            "episode_id",
            *(
                nw.when(~nw.col(name).is_nan()).then(nw.col(name)).cast(nw.Int64).alias(name)
                for name in stays.columns[1:]
            ),
            nw.lit(True).alias("_known"),
        )
        self.stays = self.engine.lift(nw.concat([find_stays(clean), here]))
        self.ids = screened.select("episode_id")
        placed = self.engine.place(table, [used[list(table.columns)]])
        self.tables["episodes"] = self.engine.lift(nw.concat([clean.select(*table.columns), placed]))
        self.listed["episodes"] = ledger.set_aside()
        self.accounts["episodes"] = self._account(scanned, [ledger.account()])

    def place_rows(self, name: str, scanned: Scanned | None) -> None:
        """Sessions or assessments, episode by episode."""
        table = self.rules.tables[name]
        if scanned is None:
            frame, ledger = self.rules.check(name, [], self._parent(pd.Series([], dtype="str")))
            self.tables[name] = self.engine.place(table, [frame])
            self.accounts[name], self.listed[name] = ledger.account(), ledger.set_aside()
            return
        typed = scanned.type_cells(table, self.rules.dates)
        if name == "attendance":
            screened = screen_attendance(typed, self.stays, self.today, self.engine)
        else:
            screened = screen_outcomes(typed, self.stays, self.instruments, self.today, self.engine)
        screened = self.engine.lift(screened.select(*table.columns, ODD, FILE, ROW))
        close = self._spread(screened, "episode_id")
        clean = screened.select(*table.columns)
        _, rest = self.rules.check(name, scanned.rest, self._parent(pd.Series([], dtype="str")))
        accounts, listed = [rest.account()], [rest.set_aside()]
        if count_rows(close):
            clean = screened.join(close.select(FILE, ROW), on=[FILE, ROW], how="anti").select(*table.columns)
            placed = self.engine.place(table, self._check_blocks(scanned, close, accounts, listed))
            clean = self.engine.lift(nw.concat([clean, placed]))
        self.tables[name], self.listed[name] = clean, join_listed(listed)
        self.accounts[name] = self._account(scanned, accounts)

    def _spread(self, screened: Lazy, key: str) -> Lazy:
        """FILE, ROW and key of every row marked, and of every other row with the same key."""
        marked = self.engine.lift(screened.filter(nw.col(ODD)).select(key).drop_nulls(key).unique(key))
        marked = marked.select(key, nw.lit(True).alias("_close"))
        frame = screened.join(marked, on=key, how="left").filter(nw.col(ODD) | ~nw.col("_close").is_null())
        return self.engine.lift(frame.select(FILE, ROW, nw.col(key).alias("_key")))

    def _check_blocks(
        self, scanned: Scanned, close: Lazy, accounts: list[TableAccount], listed: list[pd.DataFrame]
    ) -> Iterator[pd.DataFrame]:
        """The rows in use of one block after another; whole episodes to a block."""
        sizes = close.group_by("_key").agg(nw.len().alias("n")).collect(backend="pandas").to_native()
        sizes = sizes.sort_values("_key", ignore_index=True)
        sizes["block"] = (sizes["n"].cumsum() - 1) // BLOCK
        blocks = int(sizes["block"].max()) + 1
        where = self.engine.lift(sizes.dropna(subset="_key")[["_key", "block"]])
        numbered = close.join(where, on="_key", how="left").with_columns(nw.col("block").fill_null(blocks - 1))
        rows = self.engine.lift(_rows(scanned, numbered, "block"))
        for block in range(blocks):
            raws = scanned.bring(rows.filter(nw.col("block") == block))
            ids = pd.concat([raw.frame["episode_id"] for raw in raws]).str.strip()
            frame, ledger = self.rules.check(scanned.table, raws, self._parent(ids), scanned.file)
            accounts.append(ledger.account())
            listed.append(ledger.set_aside())
            yield frame[ledger.ok].reset_index(drop=True)

    def _parent(self, ids: pd.Series) -> Parent:
        """The episodes of some rows: which ids are known, and when those in use were."""
        named = self.engine.lift(pd.DataFrame({"episode_id": pd.Series(ids.unique(), dtype="str")}))
        known = self.ids.join(named, on="episode_id", how="semi").collect(backend="pandas").to_native()["episode_id"]
        used = self.tables["episodes"].join(named, on="episode_id", how="semi")
        columns = used.select("episode_id", "admission_date", "discharge_day", "observed_day")
        frame = columns.collect(backend="pandas").to_native()
        frame["admission_date"] = pd.to_datetime(frame["admission_date"]).astype("datetime64[s]")
        kinds = {"discharge_day": "float64", "observed_day": "float64"}
        frame = frame.astype(kinds).astype(dict.fromkeys(kinds, "Int64"))
        return Parent(known, frame.set_index("episode_id"))

    def _account(self, scanned: Scanned, parts: Sequence[TableAccount]) -> TableAccount:
        """The rows in use where they stand, and those gone through one by one."""
        aside: dict[str, int] = {}
        for part in parts:
            for rule, number in part.set_aside.items():
                aside[rule] = aside.get(rule, 0) + number
        read = scanned.length + sum(len(raw.broken) + sum(raw.left_out.values()) for raw in scanned.rest)
        return TableAccount(scanned.table, (scanned.file,), read, read - sum(aside.values()), aside)


def _rows(scanned: Scanned, close: Lazy, *columns: str) -> Lazy:
    """The rows of a table, as its files hold them, that stand in ``close``."""
    return scanned.frame.join(close.select(FILE, ROW, *columns), on=[FILE, ROW], how="inner")
