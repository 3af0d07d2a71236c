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
from iop_outcomes.records.rules import RULES, Ledger, Mask

#: The column that names a row of a table, where one does.
_KEYS = {"programs": "program_id", "episodes": "episode_id"}


@dataclass(frozen=True)
class Validated:
    """The five tables typed, with every schema column, and where each row went."""

    frames: dict[str, pd.DataFrame]
    accounts: tuple[TableAccount, ...]
    set_aside: pd.DataFrame
    warnings: tuple[str, ...]


def validate_tables(raws: Sequence[RawTable], settings: Mapping[str, Any], as_of: date | None) -> Validated:
    """Type the tables, work out times, and set aside the rows that break a rule.

    The columns must have passed :func:`~iop_outcomes.records.layout.find_layout_faults`. A row that breaks several
    rules is counted under the first and listed under each. Nothing is repaired: blanks around cells are left out and
    counted in a warning.
    """
    dates = DateReader(settings["date_format"])
    notes: list[str] = []
    frames: dict[str, pd.DataFrame] = {}
    ledgers: dict[str, Ledger] = {}
    for name, table in tables_of(settings).items():
        sources = [raw for raw in raws if raw.table == name]
        ledgers[name] = Ledger(name, sources)
        frames[name] = _typed_table(table, sources, ledgers[name], dates, notes)
    programs = frames["programs"]
    used = programs[ledgers["programs"].ok].set_index("program_id")
    for name in ("episodes", "costs"):
        _check_reference(
            frames[name]["program_id"],
            programs["program_id"],
            used.index,
            ledgers[name],
            "program_id",
            ("unknown_program", "program_set_aside"),
        )
    frames["episodes"] = check_episodes(frames["episodes"], used, ledgers["episodes"], as_of, notes)
    episodes = frames["episodes"][ledgers["episodes"].ok].set_index("episode_id")
    for name in ("attendance", "outcomes"):
        _check_reference(
            frames[name]["episode_id"],
            frames["episodes"]["episode_id"],
            episodes.index,
            ledgers[name],
            "episode_id",
            ("unknown_episode", "episode_set_aside"),
        )
    frames["attendance"] = check_attendance(frames["attendance"], episodes, ledgers["attendance"], as_of, notes)
    frames["outcomes"] = check_outcomes(
        frames["outcomes"], episodes, ledgers["outcomes"], as_of, instruments_of(settings)
    )
    _check_costs(frames["costs"], ledgers["costs"], as_of)
    listed = [ledger.set_aside() for ledger in ledgers.values()]
    filled = [frame for frame in listed if len(frame)]
    return Validated(
        {name: frame[ledgers[name].ok].reset_index(drop=True) for name, frame in frames.items()},
        tuple(ledger.account() for ledger in ledgers.values()),
        pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(SET_ASIDE_COLUMNS)),
        tuple(notes),
    )


def _typed_table(
    table: Table, sources: Sequence[RawTable], ledger: Ledger, dates: DateReader, notes: list[str]
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
        if column.blanks:
            cells = "1 cell" if column.blanks == 1 else f"{column.blanks} cells"
            notes.append(f"{ledger.names}, column {spec.name}: blanks around {cells} left out.")
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
    key = _KEYS.get(table.name, "")
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
