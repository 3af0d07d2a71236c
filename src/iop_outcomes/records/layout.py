"""Whether the columns of a table are the ones the schema names: faults of a whole file, and what looks odd about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.contracts import Table
from iop_outcomes.records.cells import DateReader
from iop_outcomes.records.program import ISO_FORMAT, tables_of
from iop_outcomes.records.raw import RawTable
from iop_outcomes.schema import TABLES

_EXPONENT = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")
_POINT_ZERO = re.compile(r"\d+\.0")


def find_layout_faults(raws: Sequence[RawTable], settings: Mapping[str, Any], privacy: str) -> list[str]:
    """Every reason for which a file as a whole cannot be used, over all files."""
    faults: list[str] = []
    tables = tables_of(settings)
    for raw in raws:
        table = tables[raw.table]
        columns = [str(name) for name in raw.frame.columns]
        faults += _column_faults(raw.file, columns, table)
        if table.required and raw.frame.empty and not raw.broken and not raw.left_out:
            faults.append(f"{raw.file} has a header and no rows: fill in the table {table.name}.")
        if privacy == "safe_harbor" and table.name != "costs":
            faults += _date_faults(raw, table)
        elif settings["date_format"] == ISO_FORMAT:
            faults += _format_faults(raw, table)
    return faults


def find_mangled_ids(raws: Sequence[RawTable]) -> list[str]:
    """Warnings for ids that a spreadsheet seems to have rewritten: 1.0E+05, 1001.0, lost leading zeros."""
    notes = []
    for raw in raws:
        for spec in TABLES[raw.table].fields_of("id"):
            if spec.name not in raw.frame:
                continue
            ids = [cell for cell in map(str.strip, map(str, pd.unique(raw.frame[spec.name].fillna("")))) if cell]
            where = f"{raw.file}, column {spec.name}:"
            written = sum(1 for one in ids if _EXPONENT.fullmatch(one))
            if written:
                notes.append(
                    f"{where} {written} ids look rewritten by a spreadsheet (as in 1.0E+05), and different ids may "
                    "have become one: export the column again as text."
                )
            pointed = sum(1 for one in ids if _POINT_ZERO.fullmatch(one))
            if pointed:
                notes.append(f"{where} {pointed} ids end in .0, as numbers do: export the column again as text.")
            if _lost_zeros(ids):
                notes.append(
                    f"{where} ids are digits of different lengths; a spreadsheet may have removed leading zeros, and "
                    "ids may no longer match between files: export the column again as text."
                )
    return notes


def _lost_zeros(ids: Sequence[str]) -> bool:
    """Digits of different lengths that are not simply numbered 1, 2, 3."""
    if len(ids) < 2 or not all(one.isascii() and one.isdigit() for one in ids):
        return False
    lengths = {len(one) for one in ids}
    largest = max(float(one) for one in ids)
    return len(lengths) > 1 and not any(one.startswith("0") for one in ids) and largest > 10 * len(ids)


def _column_faults(file: str, columns: Sequence[str], table: Table) -> list[str]:
    """Columns that are missing, unknown or stand in the wrong file."""
    faults = []
    unknown = [name for name in columns if name not in table.columns]
    for name in unknown:
        close = get_close_matches(name.lower().replace(" ", "_"), table.columns, 1, 0.6)
        free = close and close[0] not in columns
        hint = f"did you mean {close[0]}?" if free else "remove it, or name it in a mapping."
        faults.append(f"{file}: {name} is not a column of the table {table.name}; {hint}")
    for spec in table.fields:
        if spec.required and spec.name not in columns:
            faults.append(f"{file}: the column {spec.name} is missing. {spec.meaning}")
    for group in table.one_of:
        if not set(group) & set(columns):
            faults.append(f"{file}: one of the columns {', '.join(group)} is needed.")
    return faults


def _date_faults(raw: RawTable, table: Table) -> list[str]:
    """Date columns that hold anything, where no date may be held."""
    return [
        f"{raw.file}: the column {spec.name} holds dates, which privacy safe_harbor does not allow: "
        "give days since admission and the admission year instead, and empty the column."
        for spec in table.fields_of("date")
        if spec.name in raw.frame and (raw.frame[spec.name].fillna("").str.strip() != "").any()
    ]


def _format_faults(raw: RawTable, table: Table) -> list[str]:
    """Date columns most of whose cells are dates in another form than YYYY-MM-DD."""
    faults = []
    reader = DateReader()
    for spec in table.fields_of("date"):
        if spec.name not in raw.frame:
            continue
        codes, uniques = pd.factorize(raw.frame[spec.name].fillna("").str.strip())
        other = np.array([bool(cell) and reader.read(str(cell))[1] == "ambiguous_date" for cell in uniques], dtype=bool)
        filled = np.array([bool(cell) for cell in uniques], dtype=bool)
        if other.any() and other[codes].sum() * 2 > filled[codes].sum():
            row = int(raw.rows[np.flatnonzero(other[codes])[0]])
            faults.append(
                f"{raw.file}, column {spec.name}, row {row} and others: the dates are not YYYY-MM-DD, and 03/04/2025 "
                'may be March or April. Declare their format in program.toml, for example date_format = "%m/%d/%Y".'
            )
    return faults
