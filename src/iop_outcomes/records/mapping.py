"""Another export as our five tables: a mapping file is read, checked as a whole, and applied to a folder of files.

The language stands in docs/mapping.md. What comes out is still text, with the row numbers of the export, and goes
through the same identifier scan and validation as files of our own; rows left out are counted under the reason given.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from iop_outcomes.errors import RecordsError
from iop_outcomes.records.blocks import Block, Sum
from iop_outcomes.records.conditions import all_hold, unknown_key
from iop_outcomes.records.grammar import read_block
from iop_outcomes.records.program import check_settings
from iop_outcomes.records.raw import RawTable
from iop_outcomes.records.reading import read_table
from iop_outcomes.schema import TABLES


@dataclass(frozen=True)
class Mapping:
    """A mapping file: its blocks in order, and ``settings``, the keys of its [program] section.

    ``settings`` stands in for program.toml and holds only what the file says; defaults are filled in by the reader of
    settings.
    """

    file: str
    blocks: tuple[Block, ...]
    settings: Table[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_mapping(path: str | Path) -> Mapping:
    """Read a mapping file.

    Raises :class:`RecordsError` naming everything that is wrong with it: missing, not TOML, unknown words (with the
    nearest known one), unknown columns, columns given twice, no programs, episodes or attendance.
    """
    path = Path(path)
    if not path.is_file():
        raise RecordsError([f"The mapping file {path.name} is missing."])
    try:
        given = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RecordsError([f"{path.name} is not UTF-8: save it as UTF-8 text."]) from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line \d+", str(error))
        where = place.group().removeprefix("at ") if place else "at its end"
        raise RecordsError([f"{path.name}, {where}: not valid TOML."]) from error
    faults: list[str] = []
    known = ("description", "notes", "program", *TABLES)
    faults.extend(f"{path.name}: {unknown_key(key, known)}." for key in given if key not in known)
    settings = given.get("program", {})
    if not isinstance(settings, dict):
        faults.append(f"{path.name}: write the settings as [program].")
        settings = {}
    faults.extend(check_settings(settings, f"{path.name} [program]")[1])
    if "date_format" in settings:
        faults.append(f"{path.name} [program]: give date_format in the blocks, for each column of dates.")
    blocks = []
    for table, contract in TABLES.items():
        items = given.get(table, [])
        if not isinstance(items, list):
            faults.append(f"{path.name}: write each block of {table} as [[{table}]].")
            continue
        if contract.required and not items:
            faults.append(f"{path.name}: no block fills the table {table}; add [[{table}]].")
        blocks += [read_block(table, number, item, path.name, faults) for number, item in enumerate(items, 1)]
    notes = given.get("notes", [])
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        faults.append(f"{path.name}: notes is a list of texts.")
    if faults:
        raise RecordsError(faults)
    return Mapping(path.name, tuple(block for block in blocks if block), settings, tuple(notes))


def apply_mapping(mapping: Mapping, folder: str | Path) -> list[RawTable]:
    """The export in ``folder`` as text tables of ours, one for each block, in the order of the mapping file.

    For each: rows read of the block's file = rows of the frame + rows left out + rows that could not be split into
    cells (with ``wide_to_long``, cells instead of rows). Raises :class:`RecordsError` naming every missing file, every
    missing column and every join whose key is not unique.
    """
    folder = Path(folder)
    faults: list[str] = []
    files = _read_files(mapping, folder, faults)
    for block in mapping.blocks:
        _check_reads(block, files, faults)
    if faults:
        raise RecordsError(list(dict.fromkeys(faults)))
    tables = [_run(block, mapping.file, files, faults) for block in mapping.blocks]
    if faults:
        raise RecordsError(list(dict.fromkeys(faults)))
    return tables


def mapped_files(mapping: Mapping) -> tuple[str, ...]:
    """Every export file the mapping reads, in the order it first names them."""
    names: list[str] = []
    for block in mapping.blocks:
        names += [block.file, *(join.file for join in block.joins)]
    return tuple(name for name in dict.fromkeys(names) if name)


def _read_files(mapping: Mapping, folder: Path, faults: list[str]) -> dict[str, RawTable]:
    """Each export file once; files that cannot be read are faults."""
    known: dict[str, set[str]] = {}
    for block in mapping.blocks:
        known.setdefault(block.file, set()).update(block.reads())
        for join in block.joins:
            known.setdefault(join.file, set()).update(join.reads)
    files = {}
    for name in mapped_files(mapping):
        try:
            files[name] = read_table(folder / name, known=tuple(sorted(known[name])))
        except RecordsError as error:
            faults.extend(error.faults)
    return files


def _check_reads(block: Block, files: Table[str, RawTable], faults: list[str]) -> None:
    """A fault for each column a step names that is not there yet, and for each working name that is taken."""
    for join in block.joins:
        if join.file in files:
            _missing(f"{block.place}, join", join.file, join.reads, files[join.file].frame.columns, faults)
    if block.file not in files:
        return
    there = [str(name) for name in files[block.file].frame.columns]
    for reads, makes in block.steps():
        _missing(block.place, block.file, dict.fromkeys(reads), there, faults)
        for name in makes:
            if name in there:
                faults.append(f"{block.place}: the name {name} is taken by another column; choose another one for it.")
        there += makes


def _missing(place: str, file: str, wanted: Any, there: Any, faults: list[str]) -> None:
    for name in wanted:
        if name not in there:
            close = get_close_matches(name, [str(column) for column in there], 1, 0.6)
            hint = f"; did you mean {close[0]}?" if close else "."
            faults.append(f"{place}: {file} has no column {name}{hint}")


def _run(block: Block, mapping_file: str, files: Table[str, RawTable], faults: list[str]) -> RawTable:
    """One block as a table of ours: joins, wide to long, compute, filters, once_per, then our columns."""
    if block.rows:
        frame = pd.DataFrame(list(block.rows), dtype=object).fillna("")
        return RawTable(block.table, mapping_file, frame, np.arange(1, len(frame) + 1, dtype=np.int64))
    source = files[block.file]
    frame, rows = source.frame.reset_index(drop=True), source.rows
    notes = list(source.warnings)
    for join in block.joins:
        frame = join.add_to(frame, files[join.file].frame, block.place, faults)
        if files[join.file].broken:
            notes.append(
                f"{join.file}: rows that could not be split into cells and were not joined: {len(files[join.file].broken):,}."
            )
    left_out: dict[str, int] = {}
    if block.wide:
        count = len(block.wide.columns)
        cells = frame[list(block.wide.columns)].to_numpy(dtype=object).reshape(-1)
        names = np.tile(np.array(block.wide.columns, dtype=object), len(frame))
        frame = frame.loc[frame.index.repeat(count)].reset_index(drop=True)
        frame, rows = frame.assign(**{block.wide.name: names, block.wide.value: cells}), np.repeat(rows, count)
    for name, total in block.compute.items():
        frame = frame.assign(**{name: _add(total, frame)})
    kept = np.ones(len(frame), dtype=bool)
    if block.wide and block.wide.empty:
        kept = _leave(kept, frame[block.wide.value].str.strip().ne("").to_numpy(), block.wide.empty, left_out)
    for step in block.filters:
        held = all_hold(step.conditions, frame)
        kept = _leave(kept, held if step.keep else ~held, step.reason, left_out)
    frame, rows = frame[kept], rows[kept]
    if block.once_per:
        first = ~frame.duplicated(list(block.once_per)).to_numpy()
        _leave(np.ones(len(frame), dtype=bool), first, block.once_reason, left_out)
        frame, rows = frame[first], rows[first]
    ours = _our_columns(block, frame, notes)
    return RawTable(block.table, block.file, ours, rows, left_out, tuple(dict.fromkeys(notes)), source.broken)


def _leave(
    kept: npt.NDArray[np.bool_], held: npt.NDArray[np.bool_], reason: str, left_out: dict[str, int]
) -> npt.NDArray[np.bool_]:
    """Rows still kept; those that go now are counted under the reason."""
    gone = int((kept & ~held).sum())
    if gone:
        left_out[reason] = left_out.get(reason, 0) + gone
    return kept & held


def _add(total: Sum, frame: pd.DataFrame) -> npt.NDArray[Any]:
    """A sum as text; empty where a part is; a part that is no number stands as it is, for validation to refuse."""
    parts = [frame[name].str.strip() for name in total.reads]
    numbers = [pd.to_numeric(part, errors="coerce").to_numpy(dtype=float) for part in parts]
    value, rest = total.times * numbers[0], iter(numbers[1:])
    for term, sign in ((total.plus, 1), (total.minus, -1)):
        value = value + sign * (next(rest) if isinstance(term, str) else term)
    texts = np.array([str(int(item)) if item == int(item) else repr(float(item)) for item in np.nan_to_num(value)])
    texts = texts.astype(object)
    for part, number in reversed(list(zip(parts, numbers, strict=True))):
        unread = ~np.isfinite(number)
        texts[unread] = part.to_numpy(dtype=object)[unread]
    empty = np.logical_or.reduce([part.eq("").to_numpy() for part in parts])
    texts[empty] = ""
    return texts


def _our_columns(block: Block, frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The block's columns under our names, recoded, dates as YYYY-MM-DD, in the order of the schema."""
    made: dict[str, npt.NDArray[Any]] = {}
    for name, column in block.columns.items():
        made[name] = frame[column].to_numpy(dtype=object)
    for name, value in block.constants.items():
        made[name] = np.full(len(frame), value, dtype=object)
    for name, cases in block.cases.items():
        made[name] = np.full(len(frame), "", dtype=object)
        open_rows = np.ones(len(frame), dtype=bool)
        for case in cases:
            held = open_rows & all_hold(case.conditions, frame)
            made[name][held] = frame[case.column].to_numpy(dtype=object)[held] if case.column else case.value
            open_rows &= ~held
    for name, table in block.recode.items():
        made[name] = _recoded(block, name, table, made[name], notes)
    for name, form in block.date_format.items():
        texts = pd.Series(made[name], dtype="str").str.strip()
        dates = pd.to_datetime(texts, format=form, errors="coerce")
        made[name] = np.where(dates.notna(), dates.dt.strftime("%Y-%m-%d"), texts).astype(object)
    order = [name for name in TABLES[block.table].columns if name in made]
    return pd.DataFrame({name: pd.Series(made[name], dtype="str") for name in order})


def _recoded(
    block: Block, name: str, table: Table[str, str], cells: npt.NDArray[Any], notes: list[str]
) -> npt.NDArray[Any]:
    """Theirs to ours; what the table does not list keeps its text, with a warning, unless ``otherwise`` is given."""
    texts = pd.Series(cells, dtype="str").str.strip()
    listed = texts.isin(list(table)).to_numpy()
    unlisted = ~listed & texts.ne("").to_numpy()
    recoded = texts.map(dict(table)).where(listed, texts).to_numpy(dtype=object)
    if name in block.otherwise:
        recoded[unlisted] = block.otherwise[name]
    elif unlisted.any():
        notes.append(
            f"{block.file}: {int(unlisted.sum()):,} rows of {block.table}.{name} hold a value that the recode of "
            f"{block.place} does not list; they keep their text and are checked against the data dictionary."
        )
    return recoded
