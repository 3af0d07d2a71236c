"""The words of the mapping language: a block of a mapping file as TOML holds it, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iop_outcomes.records.blocks import Block, Case, Filter, Sum, Wide
from iop_outcomes.records.conditions import read_conditions, unknown_key
from iop_outcomes.records.joins import read_join
from iop_outcomes.schema import TABLES

_KEYS: tuple[str, ...] = (
    "file",
    "rows",
    "note",
    "joins",
    "wide_to_long",
    "compute",
    "filters",
    "once_per",
    "columns",
    "constants",
    "cases",
    "recode",
    "otherwise",
    "date_format",
)


def read_block(table: str, number: int, given: Any, mapping: str, faults: list[str]) -> Block | None:
    """A block from its table in the mapping file; everything wrong with it is added to ``faults``."""
    place = f"{mapping} [[{table}]] {number}"
    if not isinstance(given, Mapping):
        faults.append(f"{place}: write the block as [[{table}]] with its keys below.")
        return None
    faults.extend(f"{place}: {unknown_key(key, _KEYS)}." for key in given if key not in _KEYS)
    rows = given.get("rows", [])
    if ("file" in given) == ("rows" in given):
        faults.append(f"{place}: say where its rows come from: either file, or rows written here.")
    elif "file" in given and not isinstance(given["file"], str):
        faults.append(f"{place}: file is the name of one export file.")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        faults.append(f'{place}: rows is a list of tables, rows = [{{ program_id = "a", … }}].')
        rows = []
    joins = [read_join(join, place, faults) for join in _list(given, "joins", place, faults)]
    once = _once(given.get("once_per"), place, faults)
    columns = _texts(given, "columns", place, faults)
    constants = {name: str(value) for name, value in _table(given, "constants", place, faults).items()}
    cases = _cases(given, place, faults)
    block = Block(
        table=table,
        place=place,
        file=given["file"] if isinstance(given.get("file"), str) else "",
        rows=tuple({str(name): str(value) for name, value in row.items()} for row in rows),
        joins=tuple(join for join in joins if join),
        wide=_wide(given["wide_to_long"], place, faults) if "wide_to_long" in given else None,
        compute=_compute(given, place, faults),
        filters=_filters(given, place, faults),
        once_per=once[0],
        once_reason=once[1],
        columns=columns,
        constants=constants,
        cases=cases,
        recode=_recode(given, place, faults),
        otherwise=_texts(given, "otherwise", place, faults),
        date_format=_texts(given, "date_format", place, faults),
    )
    _check_columns(block, faults)
    return block


def _check_columns(block: Block, faults: list[str]) -> None:
    """Every column of ours must be one of the table's and have one source; later steps need a column to work on."""
    known = TABLES[block.table].columns
    given = [*block.columns, *block.constants, *block.cases]
    written = {name for row in block.rows for name in row}
    for name in sorted({*given, *written} - set(known)):
        hint = unknown_key(name, known).partition(";")[2]
        faults.append(f"{block.place}: {name} is not a column of the table {block.table}{';' + hint if hint else '.'}")
    for name in sorted({name for name in given if given.count(name) > 1}):
        faults.append(f"{block.place}: {name} is given twice; take it from one of columns, constants and cases.")
    for step, names in (("recode", block.recode), ("otherwise", block.otherwise), ("date_format", block.date_format)):
        needed = block.recode if step == "otherwise" else {**block.columns, **block.cases}
        where = "recode" if step == "otherwise" else "columns or cases"
        faults.extend(
            f"{block.place}: {step} names {name}, which is not in {where}." for name in names if name not in needed
        )


def _list(given: Mapping[str, Any], key: str, place: str, faults: list[str]) -> list[Any]:
    """The list under ``key``, empty when there is none."""
    value = given.get(key, [])
    if isinstance(value, list):
        return value
    faults.append(f"{place}: {key} is a list, {key} = [{{ … }}, {{ … }}].")
    return []


def _table(given: Mapping[str, Any], key: str, place: str, faults: list[str]) -> dict[str, Any]:
    """The table under ``key``, empty when there is none."""
    value = given.get(key, {})
    if isinstance(value, Mapping):
        return dict(value)
    faults.append(f"{place}: {key} is a table, {key} = {{ … }}.")
    return {}


def _texts(given: Mapping[str, Any], key: str, place: str, faults: list[str]) -> dict[str, str]:
    """The table under ``key`` with a text for each name."""
    found = _table(given, key, place, faults)
    faults.extend(f"{place}: {key}.{name} is a text." for name, value in found.items() if not isinstance(value, str))
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _recode(given: Mapping[str, Any], place: str, faults: list[str]) -> dict[str, dict[str, str]]:
    """Theirs to ours for each recoded column."""
    tables = _table(given, "recode", place, faults)
    return {name: _texts(tables, name, f"{place} recode", faults) for name in tables}


def _compute(given: Mapping[str, Any], place: str, faults: list[str]) -> dict[str, Sum]:
    """The sums of the block."""
    sums = {}
    for name, terms in _table(given, "compute", place, faults).items():
        here = f"{place} compute.{name}"
        if not isinstance(terms, Mapping) or not isinstance(terms.get("from"), str):
            faults.append(f'{here}: it starts from a column, {{ from = "when", minus = "start" }}.')
            continue
        faults.extend(
            f"{here}: {unknown_key(key, ('from', 'times', 'plus', 'minus'))}."
            for key in terms
            if key not in ("from", "times", "plus", "minus")
        )
        wrong = [key for key in ("plus", "minus") if not isinstance(terms.get(key, 0), (str, int, float))]
        wrong += [] if isinstance(terms.get("times", 1), (int, float)) else ["times"]
        faults.extend(f"{here}: {key} is a number{'' if key == 'times' else ' or a column'}." for key in wrong)
        if not wrong:
            sums[name] = Sum(terms["from"], terms.get("times", 1), terms.get("plus", 0), terms.get("minus", 0))
    return sums


def _filters(given: Mapping[str, Any], place: str, faults: list[str]) -> tuple[Filter, ...]:
    """The filters, in their order."""
    filters = []
    for index, item in enumerate(_list(given, "filters", place, faults), 1):
        here = f"{place} filter {index}"
        kinds = [kind for kind in ("keep", "leave_out") if isinstance(item, Mapping) and kind in item]
        if len(kinds) != 1 or not isinstance(item.get("reason"), str) or set(item) - {"reason", *kinds}:
            faults.append(f'{here}: write {{ keep = {{ column = "x", equals = "y" }}, reason = "why the rest goes" }}.')
            continue
        filters.append(Filter(read_conditions(item[kinds[0]], here, faults), item["reason"], kinds[0] == "keep"))
    return tuple(filters)


def _cases(given: Mapping[str, Any], place: str, faults: list[str]) -> dict[str, tuple[Case, ...]]:
    """For each column its cases, the first that holds deciding."""
    found = {}
    for name, items in _table(given, "cases", place, faults).items():
        cases = []
        for item in items if isinstance(items, list) else [items]:
            ends = [key for key in ("value", "from") if isinstance(item, Mapping) and isinstance(item.get(key), str)]
            if len(ends) != 1 or set(item) - {"when", *ends}:
                faults.append(f'{place} cases.{name}: write {{ value = "attended", when = {{ column = "x", … }} }}.')
                continue
            conditions = read_conditions(item["when"], f"{place} cases.{name}", faults) if "when" in item else ()
            cases.append(Case(conditions, item.get("value", ""), item.get("from", "")))
        found[name] = tuple(cases)
    return found


def _wide(given: Any, place: str, faults: list[str]) -> Wide | None:
    """The columns that become rows."""
    fine = isinstance(given, Mapping) and not set(given) - {"columns", "name", "value", "empty"}
    columns = given.get("columns") if fine else None
    fine = fine and isinstance(columns, list) and all(isinstance(column, str) for column in columns)
    if not fine or not all(isinstance(given.get(key, ""), str) for key in ("name", "value", "empty")):
        faults.append(
            f'{place}: write wide_to_long = {{ columns = ["mon", "tue"], name = "weekday", value = "hours" }}; '
            'empty = "reason" leaves out empty cells.'
        )
        return None
    return Wide(tuple(columns or ()), given.get("name", "name"), given.get("value", "value"), given.get("empty", ""))


def _once(given: Any, place: str, faults: list[str]) -> tuple[tuple[str, ...], str]:
    """The columns of which each combination is kept once, and the reason for leaving out the others."""
    if given is None:
        return (), ""
    columns = given.get("columns") if isinstance(given, Mapping) else None
    fine = isinstance(columns, list) and all(isinstance(column, str) for column in columns)
    if not fine or not isinstance(given.get("reason"), str) or set(given) - {"columns", "reason"}:
        faults.append(f'{place}: write once_per = {{ columns = ["who", "when"], reason = "why the rest goes" }}.')
        return (), ""
    return tuple(columns or ()), given["reason"]
