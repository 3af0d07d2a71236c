"""From text to typed tables in days since admission, with every row that cannot be used set aside under its rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.contracts import Field, Table
from iop_outcomes.records.attendance import check_attendance
from iop_outcomes.records.cells import DateReader, convert_column, empty_column
from iop_outcomes.records.episodes import check_episodes
from iop_outcomes.records.model import SET_ASIDE_COLUMNS, TableAccount
from iop_outcomes.records.outcomes import check_outcomes
from iop_outcomes.records.program import instruments_of, tables_of
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.rules import RULES, Ledger, Mask, Notes

#: The column that names a row of a table, where one does.
KEYS = {"programs": "program_id", "episodes": "episode_id"}


@dataclass(frozen=True)
class Validated:
    """The five tables typed, with every schema column, and where each row went."""

    frames: dict[str, pd.DataFrame]
    accounts: tuple[TableAccount, ...]
    set_aside: pd.DataFrame
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Parent:
    """The table that rows of another refer to: every id it holds, and its rows in use, indexed by id."""

    known: pd.Series
    used: pd.DataFrame


#: The table a table refers to, by which column, and the rules for an id that is nowhere, and for one set aside.
_REFERENCES = {
    "episodes": ("programs", "program_id", ("unknown_program", "program_set_aside")),
    "costs": ("programs", "program_id", ("unknown_program", "program_set_aside")),
    "attendance": ("episodes", "episode_id", ("unknown_episode", "episode_set_aside")),
    "outcomes": ("episodes", "episode_id", ("unknown_episode", "episode_set_aside")),
}


class Rules:
    """Every rule of every table, with the settings and the as-of date they depend on, and what they remark on."""

    def __init__(self, settings: Mapping[str, Any], as_of: date | None) -> None:
        """Take the settings of program.toml."""
        self.tables = tables_of(settings)
        self.dates = DateReader(settings["date_format"])
        self.as_of = as_of
        self.notes = Notes()
        self._instruments = instruments_of(settings)

    def check(
        self, name: str, sources: Sequence[RawTable], parent: Parent | None, label: str = ""
    ) -> tuple[pd.DataFrame, Ledger]:
        """All rows of a table, typed and with their times, and the ledger that says which of them are in use."""
        ledger = Ledger(name, list(sources), label)
        frame = _typed_table(self.tables[name], sources, ledger, self.dates, self.notes)
        if parent is None:
            return frame, ledger
        _, column, rules = _REFERENCES[name]
        _check_reference(frame[column], parent.known, parent.used.index, ledger, column, rules)
        if name == "episodes":
            frame = check_episodes(frame, parent.used, ledger, self.as_of, self.notes)
        elif name == "attendance":
            frame = check_attendance(frame, parent.used, ledger, self.as_of, self.notes)
        elif name == "outcomes":
            frame = check_outcomes(frame, parent.used, ledger, self.as_of, self._instruments)
        else:
            _check_costs(frame, ledger, self.as_of)
        return frame, ledger


def validate_tables(raws: Sequence[RawTable], settings: Mapping[str, Any], as_of: date | None) -> Validated:
    """Type the tables, work out times, and set aside the rows that break a rule.

    The columns must have passed :func:`~iop_outcomes.records.layout.find_layout_faults`. A row that breaks several
    rules is counted under the first and listed under each. Nothing is repaired: blanks around cells are left out and
    counted in a warning.
    """
    rules = Rules(settings, as_of)
    frames: dict[str, pd.DataFrame] = {}
    ledgers: dict[str, Ledger] = {}
    parents: dict[str, Parent] = {}
    for name in rules.tables:
        parent = parents[_REFERENCES[name][0]] if name in _REFERENCES else None
        frame, ledger = rules.check(name, [raw for raw in raws if raw.table == name], parent)
        frames[name], ledgers[name] = frame[ledger.ok].reset_index(drop=True), ledger
        if name in KEYS:
            parents[name] = Parent(frame[KEYS[name]], frame[ledger.ok].set_index(KEYS[name]))
    return Validated(
        frames,
        tuple(ledger.account() for ledger in ledgers.values()),
        join_listed([ledger.set_aside() for ledger in ledgers.values()]),
        rules.notes.lines(),
    )


def join_listed(listed: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Several lists of rows set aside as one."""
    filled = [frame for frame in listed if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(SET_ASIDE_COLUMNS))


def _typed_table(
    table: Table, sources: Sequence[RawTable], ledger: Ledger, dates: DateReader, notes: Notes
) -> pd.DataFrame:
    """All rows of a table typed; cells that cannot be read are missing and their rows flagged."""
    columns: dict[str, pd.Series] = {}
    texts: dict[str, pd.Series] = {}
    for spec in table.fields:
        pieces = [_text_of(source, spec.name) for source in sources]
        if not any(spec.name in source.frame for source in sources):
            columns[spec.name] = empty_column(spec, len(ledger.rows))
            continue
        texts[spec.name] = pd.concat(pieces, ignore_index=True)
        column = convert_column(spec, texts[spec.name], dates)
        columns[spec.name] = column.values
        for rule, mask in column.refused.items():
            ledger.flag(mask, rule, spec.name, _advice(spec, rule))
        notes.add(f"{ledger.names}, column {spec.name}: blanks around ", column.blanks, " cells left out.")
    frame = pd.DataFrame(columns, index=range(len(ledger.rows)))
    _flag_duplicates(table, texts, frame, ledger)
    return frame


def _text_of(source: RawTable, name: str) -> pd.Series:
    if name in source.frame:
        return source.frame[name].astype("str").fillna("")
    return pd.Series([""] * len(source.frame), dtype="str")


def _advice(spec: Field, rule: str) -> str:
    """The rule's sentence, with the codes or limits the field allows."""
    if rule == "unknown_code" and spec.words is not None:
        return f"Write one of the codes {', '.join(spec.words.codes())}."
    if rule == "out_of_range" and spec.high is not None:
        return f"{RULES[rule]} It must lie from {spec.low:g} to {spec.high:g}."
    if rule == "out_of_range" and spec.low is not None:
        return f"{RULES[rule]} It must be {spec.low:g} or more."
    return ""


def _flag_duplicates(table: Table, texts: dict[str, pd.Series], frame: pd.DataFrame, ledger: Ledger) -> None:
    """Set aside repeated rows but the first, and every row of an id that stands in rows that differ."""
    if not len(frame):
        return
    key = KEYS.get(table.name, "")
    codes = pd.DataFrame({name: pd.factorize(text.str.strip())[0] for name, text in texts.items()})
    again = codes.duplicated(keep="first").to_numpy() & ~_untellable(table, texts)
    ledger.flag(again, "duplicate_row", key)
    if key:
        first = ~again & frame[key].notna().to_numpy()
        twice = np.zeros(len(frame), dtype=bool)
        twice[first] = frame.loc[first, key].duplicated(keep=False).to_numpy()
        again_of = again & frame[key].isin(frame.loc[twice, key]).to_numpy()
        ledger.flag(twice | again_of, "conflicting_id", key)


def _untellable(table: Table, texts: dict[str, pd.Series]) -> Mask:
    """Sessions with neither a day nor a name: two missed in one week look alike and are two all the same."""
    names = [name for name in ("date", "day", "visit") if table.name == "attendance" and name in texts]
    untellable = np.full(len(next(iter(texts.values()))), bool(names))
    for name in names:
        untellable &= (texts[name].str.strip() == "").to_numpy()
    return untellable


def _check_reference(
    ids: pd.Series, known: pd.Series, used: pd.Index, ledger: Ledger, column: str, rules: tuple[str, str]
) -> None:
    """Set aside rows whose id no other table knows, or knows only in rows set aside."""
    codes, uniques = pd.factorize(ids)
    in_use = np.append(pd.Index(uniques).isin(used), True)[codes]
    is_known = np.append(pd.Index(uniques).isin(known.dropna()), True)[codes]
    ledger.flag(~is_known, rules[0], column)
    ledger.flag(is_known & ~in_use, rules[1], column)


def _check_costs(costs: pd.DataFrame, ledger: Ledger, as_of: date | None) -> None:
    """Periods that end before they start or start after the as-of date."""
    ends: Mask = (costs["period_end"] < costs["period_start"]).to_numpy()
    ledger.flag(ends, "period_ends_before_start", "period_end")
    if as_of is not None:
        ledger.flag(costs["period_start"] > pd.Timestamp(as_of), "after_as_of", "period_start")
