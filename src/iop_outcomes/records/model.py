"""Records: the five tables on an engine, and the manifest that says where every row went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

#: Columns of the table of rows set aside.
SET_ASIDE_COLUMNS: tuple[str, ...] = ("file", "table", "row", "column", "rule", "what_to_do")


@dataclass(frozen=True)
class TableAccount:
    """Where the rows of one table went: ``read == used + sum(set_aside.values())``, always.

    ``set_aside`` counts rows by the first rule each broke; a row that breaks several is counted once here and listed once
    for each in the table of rows set aside.
    """

    table: str
    files: tuple[str, ...]
    read: int
    used: int
    set_aside: Mapping[str, int]

    def __post_init__(self) -> None:
        """Refuse an account that does not add up."""
        if self.read != self.used + sum(self.set_aside.values()):
            raise ValueError(f"the account of {self.table} does not add up")


@dataclass(frozen=True)
class Manifest:
    """What was read: files and their SHA-256, the account of every table, warnings, privacy mode and settings.

    ``set_aside`` has one row per fault of a row set aside (file, table, row number as a spreadsheet shows it, column, rule,
    what to do) and never a value of the record. ``settings`` is the whole of program.toml with defaults filled in.
    """

    folder: str
    as_of: date | None
    privacy: str
    settings: Mapping[str, Any]
    accounts: tuple[TableAccount, ...]
    warnings: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    set_aside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(SET_ASIDE_COLUMNS)))

    @property
    def faults(self) -> int:
        """How many rows were set aside for a fault, over all tables; rows a mapping leaves out are not faults."""
        return sum(self.count_faults(account) for account in self.accounts)

    def count_faults(self, account: TableAccount) -> int:
        """How many rows of one table were set aside for a fault."""
        rules = set(self.set_aside["rule"])
        return sum(count for rule, count in account.set_aside.items() if rule in rules)


@dataclass(frozen=True)
class Records:
    """The five tables, lazy on an engine, typed and in days since admission, with their manifest.

    ``programs``, ``episodes``, ``attendance``, ``outcomes``, ``costs`` are Narwhals lazy frames with every column of the
    schema (missing ones all null) except that times have been worked out: episodes carry ``discharge_day``,
    ``observed_day``, ``sobriety_day`` and ``person_day`` as whole days, attendance and outcomes carry ``day`` and ``week``
    (week of the day where there is one). ``admission_date`` stays where dates may be held.
    """

    programs: nw.LazyFrame[Any]
    episodes: nw.LazyFrame[Any]
    attendance: nw.LazyFrame[Any]
    outcomes: nw.LazyFrame[Any]
    costs: nw.LazyFrame[Any]
    manifest: Manifest
    #: Puts a small frame (a calendar, a plan) on the engine the tables live on, so that it can be joined there, or keeps
    #: the rows of a lazy frame there, so that they are worked out once.
    lift: Callable[[pd.DataFrame | nw.LazyFrame[Any]], nw.LazyFrame[Any]]

    def __repr__(self) -> str:
        lines = [f"Records of {self.manifest.settings.get('name', self.manifest.folder)}, as of {self.manifest.as_of}"]
        for account in self.manifest.accounts:
            aside = account.read - account.used
            lines.append(
                f"  {account.table:<11}{account.used:>9,} rows used, {aside:,} set aside of {account.read:,} read"
            )
        return "\n".join(lines)
