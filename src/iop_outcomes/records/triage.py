"""Validation on an engine: rows that break no rule are in use where they stand, the others go through the rules in blocks.

Only the rows of a person or an episode that a screen finds are brought here, at most ``BLOCK`` sessions or assessments at a
time; of the episodes all that are found. Sessions and assessments that are in use stay where they are, their day and week
worked out whenever they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from iop_outcomes.records.engine import Engine, Lazy
from iop_outcomes.records.large import lift_raws
from iop_outcomes.records.model import SET_ASIDE_COLUMNS, TableAccount
from iop_outcomes.records.program import instruments_of
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.scanned import ODD, Scanned, count_rows
from iop_outcomes.records.screening import (
    find_odd_attendance,
    find_odd_outcomes,
    find_stays,
    screen_episodes,
    time_rows,
)
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
    say: Callable[[str, int], None],
) -> Triaged:
    """Type the tables, work out times, and set aside the rows that break a rule, as ``validate_tables`` does.

    ``raws`` holds the tables of programmes and costs, ``scanned`` the others; a table in neither has no rows. ``say`` is told
    which table comes next, and how many are done.
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
    say("episodes", 2)
    work.place_episodes(scanned["episodes"], known)
    for done, name in enumerate(("attendance", "outcomes"), start=3):
        say(name, done)
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
        close = self.engine.lift(screened.filter(nw.col(ODD)).select("person_id").unique("person_id"))
        keyed = scanned.keyed("person_id").join(_named(close, "person_id"), on="_key", how="left")
        keyed = keyed.filter(~nw.col("_close").is_null() | nw.col("_key").is_null())
        frame, ledger = self.rules.check("episodes", [*scanned.rest, *scanned.bring(keyed)], programs, scanned.file)
        used = frame[ledger.ok].reset_index(drop=True)
        clean = screened.filter(~nw.col("person_id").is_null()).join(close, on="person_id", how="anti")
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
            odd = find_odd_attendance(typed, self.stays, self.today, self.engine)
        else:
            odd = find_odd_outcomes(typed, self.stays, self.instruments, self.today, self.engine)
        close = self.engine.lift(nw.concat(odd).unique("episode_id"))
        _, rest = self.rules.check(name, scanned.rest, self._parent(pd.Series([], dtype="str")))
        accounts, listed = [rest.account()], [rest.set_aside()]
        if count_rows(close):
            stays = self.engine.lift(self.stays.join(close, on="episode_id", how="anti"))
            placed = self.engine.place(table, self._check_blocks(scanned, typed, close, accounts, listed))
            clean = nw.concat([time_rows(typed, stays, table.columns), placed])
        else:
            clean = time_rows(typed, self.stays, table.columns)
        self.tables[name], self.listed[name] = clean, join_listed(listed)
        self.accounts[name] = self._account(scanned, accounts)

    def _check_blocks(
        self, scanned: Scanned, typed: Lazy, close: Lazy, accounts: list[TableAccount], listed: list[pd.DataFrame]
    ) -> Iterator[pd.DataFrame]:
        """The rows in use of one block after another; whole episodes to a block, rows without one to the last."""
        sizes = typed.join(close, on="episode_id", how="semi").group_by("episode_id").agg(nw.len().alias("n"))
        blocks = sizes.collect(backend="pandas").to_native().sort_values("episode_id", ignore_index=True)
        blocks["block"] = pd.factorize((blocks["n"].cumsum() - 1) // BLOCK)[0]
        last = int(blocks["block"].max()) if len(blocks) else 0
        where = self.engine.lift(blocks.rename(columns={"episode_id": "_key"})[["_key", "block"]])
        rows = scanned.keyed("episode_id").join(where, on="_key", how="left")
        rows = rows.with_columns(
            nw.when(nw.col("_key").is_null()).then(nw.lit(last)).otherwise(nw.col("block")).alias("block")
        )
        rows = self.engine.lift(rows.filter(~nw.col("block").is_null()))
        for block in range(last + 1):
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


def _named(keys: Lazy, name: str) -> Lazy:
    """Keys to join to a keyed table, with a column that says they are there."""
    return keys.drop_nulls(name).select(nw.col(name).alias("_key"), nw.lit(True).alias("_close"))
