"""How our fields and figures stand to those of TEDS, NOMs, GPRA, SUPRT and HEDIS, as data (crosswalk.toml)."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from iop_outcomes.contracts import Field
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.library import load_library
from iop_outcomes.schema import TABLES
from iop_outcomes.staging import stage_files

#: Whether two definitions are the same.
ANSWERS: tuple[str, ...] = ("yes", "partly", "no")
#: Columns of the table to recode by.
CODE_COLUMNS: tuple[str, ...] = (
    *("system", "their_field", "their_code", "their_meaning", "our_field", "our_code", "our_meaning"),
    *("same_definition", "how_they_differ", "source"),
)
_NUMERIC = ("integer", "number", "day", "year", "hours")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class System:
    """Another system: what it is, and where what is said of it was read."""

    name: str
    title: str
    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One field or figure of ours beside one of another system.

    ``ours`` is a column (``"episodes.end_reason"``) or a definition (``"retained@1"``). ``codes`` leads from each code of
    ours, or range of numbers, to the codes of theirs, as pairs of code and meaning: several where theirs is finer, none
    where it has no word for it.
    """

    ours: str
    system: System
    theirs: str
    same: str
    how: str
    codes: Mapping[str, tuple[tuple[str, str], ...]]


def load_crosswalk() -> tuple[Entry, ...]:
    """Every entry, checked against our fields, their codes and the library of definitions.

    >>> {entry.system.name for entry in load_crosswalk() if entry.ours == "episodes.end_reason"}
    {'TEDS'}
    """
    return _load()


@cache
def _load() -> tuple[Entry, ...]:
    text = files("iop_outcomes.measures").joinpath("crosswalk.toml").read_text(encoding="utf-8")
    return read_crosswalk(tomllib.loads(text))


def read_crosswalk(content: Mapping[str, Any]) -> tuple[Entry, ...]:
    """The entries of a crosswalk; ``ValueError`` names the first that speaks of a field, a code, a definition or a system
    that does not exist, or that does not say how two definitions differ."""
    systems = {key: System(**fields) for key, fields in content["system"].items()}
    entries = []
    for fields in content["entry"]:
        where = f"crosswalk, {fields.get('ours')} and {fields.get('system')}"
        if fields.get("system") not in systems:
            raise ValueError(f"{where}: there is no such system; there are {', '.join(systems)}")
        if fields.get("same") not in ANSWERS:
            raise ValueError(f"{where}: the definitions are the same: yes, partly or no")
        if fields["same"] != "yes" and not fields.get("how"):
            raise ValueError(f"{where}: say how the definitions differ")
        codes = {ours: tuple(_part(theirs, where) for theirs in many) for ours, many in fields.get("codes", {}).items()}
        name = _check_ours(fields["ours"], codes, where)
        if fields["same"] == "yes" and any(len(many) != 1 for many in codes.values()):
            raise ValueError(f"{where}: the same definition has one code for each of ours")
        entries.append(
            Entry(name, systems[fields["system"]], fields["theirs"], fields["same"], fields.get("how", ""), codes)
        )
    return tuple(entries)


def choose_entries(system: str | None = None) -> tuple[Entry, ...]:
    """The entries of one system (``"teds"``), or all of them; ``UsageError`` for a system there is not."""
    entries = load_crosswalk()
    if system is None:
        return entries
    found = tuple(entry for entry in entries if entry.system.name.lower().split()[0] == system.lower())
    if not found:
        names = dict.fromkeys(entry.system.name.lower().split()[0] for entry in entries)
        raise UsageError(f"there is no crosswalk to that system; there is one to {', '.join(names)}")
    return found


def describe_crosswalk(entries: tuple[Entry, ...] | None = None) -> str:
    """The crosswalk in Markdown, by system: the reference page of the documentation."""
    entries = load_crosswalk() if entries is None else entries
    parts = ["# Crosswalk to other systems", *_PREFACE]
    for system in dict.fromkeys(entry.system for entry in entries):
        own = [entry for entry in entries if entry.system == system]
        parts += [f"## {system.name}", f"{system.title}. {system.what}", f"Source: {system.source}."]
        rows = [f"| `{entry.ours}` | {entry.theirs} | {entry.same} | {entry.how} |" for entry in own]
        parts.append(
            "\n".join(["| ours | theirs | same definition? | how they differ |", "| --- | --- | --- | --- |", *rows])
        )
        for entry in (entry for entry in own if entry.codes):
            parts.append(f"### {entry.theirs}: codes of `{entry.ours}`")
            lines = [
                f"| `{ours}` | {_say(entry, ours)} | {'; '.join(f'{code}, {meaning}' for code, meaning in many) or 'none'} |"
                for ours, many in entry.codes.items()
            ]
            parts.append("\n".join([f"| ours | meaning | {system.name} |", "| --- | --- | --- |", *lines]))
    return "\n\n".join(parts) + "\n"


def list_codes(entries: tuple[Entry, ...]) -> str:
    """The crosswalk as CSV: a line for each pair of codes, one without a code of theirs where there is none, and one for
    each field or figure that has no codes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CODE_COLUMNS)
    writer.writerows(line for entry in entries for line in _code_lines(entry))
    return text.getvalue()


def write_codes(entries: tuple[Entry, ...], path: str | Path) -> Path:
    """Write ``list_codes`` to a file, whole or not at all, its folder made where there is none."""
    target = Path(path)
    with stage_files(target.parent, target.name) as aside:
        (aside / target.name).write_text(list_codes(entries), encoding="utf-8", newline="")
    return target


_PREFACE = (
    "Which of our fields and figures mean the same as those of other systems, which partly do, and which do not. Where they "
    "mean the same, one may stand for the other. Where they do not, the last column says how they differ; do not put the two "
    "side by side without it.",
    "```console\n$ iop-outcomes crosswalk --to teds\n$ iop-outcomes crosswalk --to teds --codes teds.csv\n```",
    "The first lists the fields. The second writes them as a table, with a line for each code. With it an analyst, or the "
    "software that sends records to the state, can recode them. Its column `same_definition` says whether a code may be used "
    "as it stands, and `how_they_differ` why not. Where a code of ours leads to several of theirs, or to none, somebody who "
    "knows the person's record has to choose. The package writes no recoded records: no row of a person may leave it "
    "([rule D18](release.md#the-rules)).",
)


def _part(text: str, where: str) -> tuple[str, str]:
    code, _, meaning = text.partition(": ")
    if not code or not meaning:
        raise ValueError(f"{where}: a code of theirs is written with its meaning, such as '1: completed'")
    return code, meaning


def _check_ours(ours: str, codes: Mapping[str, Any], where: str) -> str:
    """The name of our side as it is printed; ``ValueError`` where it, or a code of it, does not exist."""
    table, _, column = ours.partition(".")
    if not column:
        if ours not in load_library():
            raise ValueError(f"{where}: the library has no such definition")
        if codes:
            raise ValueError(f"{where}: a figure has no codes")
        return load_library()[ours].key
    if table not in TABLES or column not in TABLES[table].columns:
        raise ValueError(f"{where}: there is no such column")
    field = TABLES[table].field(column)
    if field.words is not None:
        if codes and set(codes) != set(field.words.codes()):
            raise ValueError(f"{where}: give each of its codes, {', '.join(field.words.codes())}, and no other")
    elif codes:
        _check_ranges(field, codes, where)
    return ours


def _check_ranges(field: Field, codes: Mapping[str, Any], where: str) -> None:
    """Ranges of a number rise, do not overlap, and lie within its limits."""
    if field.kind not in _NUMERIC:
        raise ValueError(f"{where}: words of a programme's own have no codes")
    last = -1.0 if field.low is None else field.low - 1
    for text in codes:
        found = _RANGE.fullmatch(text)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, -1)
        if not last < low <= high or (field.high is not None and high > field.high):
            raise ValueError(f"{where}: ranges of a number rise and lie within its limits")
        last = high


def _say(entry: Entry, ours: str) -> str:
    """What a code of ours means."""
    table, _, column = entry.ours.partition(".")
    field = TABLES[table].field(column)
    if field.words is not None:
        return field.words.labels()[ours]
    return f"{ours.replace('-', ' to ')} {field.unit}".strip()


def _code_lines(entry: Entry) -> Iterator[tuple[str, ...]]:
    for ours, many in entry.codes.items():
        for code, meaning in many or (("", "no code"),):
            same = entry.same if len(many) == 1 else "no" if not many else "partly"
            yield _line(entry, (code, meaning), (ours, _say(entry, ours)), same)
    if not entry.codes:
        yield _line(entry, ("", ""), ("", ""), entry.same)


def _line(entry: Entry, theirs: tuple[str, str], ours: tuple[str, str], same: str) -> tuple[str, ...]:
    return (entry.system.name, entry.theirs, *theirs, entry.ours, *ours, same, entry.how, entry.system.source)
