"""What `iop-outcomes init` writes: empty tables, a commented program.toml, and the data dictionary."""

from __future__ import annotations

from pathlib import Path

from iop_outcomes.contracts import Field, Table
from iop_outcomes.errors import UsageError
from iop_outcomes.instruments import INSTRUMENTS, Instrument
from iop_outcomes.records.program import (
    CLOSURE_KEYS,
    GROUP_KEYS,
    INSTRUMENT_KEYS,
    NEED_KEYS,
    PROGRAM_FILE,
    REBASE_KEYS,
    SECTIONS,
)
from iop_outcomes.schema import TABLES
from iop_outcomes.settings import SETTINGS, Setting

#: The data dictionary's file name.
DICTIONARY_FILE = "data_dictionary.md"

_KIND_WORDS = {
    "id": "id (text)",
    "text": "text",
    "code": "code",
    "date": "date, YYYY-MM-DD",
    "day": "whole days",
    "integer": "whole number",
    "number": "number",
    "hours": "number",
    "year": "year",
    "schedule": "weeks and hours",
}

_EXAMPLES = {
    "as_of": "2025-12-31",
    "name": '"North Valley IOP"',
    "agreement": '"DUA 2025-07"',
    "expert": '"Name of the expert"',
    "determined": "2025-01-15",
    "expires": "2026-12-31",
    "zip3_population": '"zip3_population.csv"',
    "records_from": "2025-01-01",
    "by": "2027-06-30",
    "responsible": '"Clinical director"',
}


def write_templates(folder: str | Path) -> list[Path]:
    """Write the five empty tables, program.toml and the data dictionary into ``folder``; the paths written.

    Raises :class:`~iop_outcomes.errors.UsageError` naming every file that is there already, and then writes nothing.
    """
    folder = Path(folder)
    contents = {f"{name}.csv": ",".join(table.columns) + "\n" for name, table in TABLES.items()}
    contents[PROGRAM_FILE] = program_template()
    contents[DICTIONARY_FILE] = data_dictionary()
    there = [name for name in contents if (folder / name).exists()]
    if there:
        raise UsageError(f"{', '.join(there)} already there; nothing was written. Choose an empty folder.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder.name} is a file: choose a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in contents.items():
        path = folder / name
        path.write_text(text, encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def program_template() -> str:
    """program.toml with every key explained; a key with a default stands commented out at its default."""
    lines = [
        "# Settings of this programme or agency. Remove the # in front of a key to set it.",
        "# A key that is misspelt is refused, with a suggestion.",
        "",
    ]
    for setting in SETTINGS:
        if setting.kind in ("table", "list"):
            continue
        lines += [f"# {_explained(setting)}", _written(setting), ""]
    for name, keys in SECTIONS.items():
        lines += [f"[{name}]"]
        for setting in keys:
            lines += [f"# {_explained(setting)}", _written(setting)]
        lines.append("")
    lines += [
        "# A scale, test or role of the programme's own; the name in the brackets is what the instrument column holds.",
        "# [instruments.craving]",
        *(f"# # {_explained(setting)}" for setting in INSTRUMENT_KEYS),
        '# kind = "scale"',
        '# label = "Craving"',
        "# low = 0",
        "# high = 10",
        "",
        "# Days on which a programme was closed: one section for each.",
        "# [[closures]]",
        *(f"# # {setting.key}: {setting.meaning}" for setting in CLOSURE_KEYS),
        '# program_id = "north-iop"',
        "# from = 2025-12-24",
        "# to = 2026-01-01",
        "",
        "# A group of the programme's own, by which every figure can be split: a column of episodes, cut if it is a number.",
        "# [groups.age_band]",
        *(f"# # {setting.key}: {setting.meaning}" for setting in GROUP_KEYS),
        '# column = "age"',
        "# cuts = [25, 35, 50]",
        '# label = "Age"',
        "",
        "# Local need, for the fact sheet: one section for each number, with its source.",
        "# [[needs]]",
        *(f"# # {setting.key}: {setting.meaning}" for setting in NEED_KEYS),
        '# text = "In our county, 412 people were admitted to hospital for an overdose in 2024."',
        '# source = "County Health Department, Overdose report 2025, table 3"',
        "",
        "# A chart that starts anew: one section for each, with its reason.",
        "# [[rebases]]",
        *(f"# # {setting.key}: {setting.meaning}" for setting in REBASE_KEYS),
        '# measure = "no_show"',
        "# from = 2025-07-01",
        '# reason = "evening group moved to another day"',
    ]
    return "\n".join(lines) + "\n"


def data_dictionary() -> str:
    """Every table, column, code, instrument and setting in Markdown, made from the contracts the reader itself uses."""
    parts = [
        "# Data dictionary",
        "Five tables, as CSV (UTF-8), Parquet or Excel, and `program.toml` beside them. One row is one thing; an empty "
        "cell means not known. Dates are YYYY-MM-DD; where dates may not be held, days are counted from the admission "
        "(day 0) and week 1 is days 0 to 6. No table may hold a name, an address, a number that identifies a person, "
        "or free text.",
    ]
    for table in TABLES.values():
        parts += _table_part(table)
    parts += ["## Codes", "A code is written exactly as here, in lower case."]
    for heading, labels in _code_lists().items():
        rows = [f"| `{code}` | {label} |" for code, label in labels.items()]
        parts += [f"### {heading}", "\n".join(["| code | meaning |", "| --- | --- |", *rows])]
    parts += ["## Instruments", _instrument_table(), "## program.toml", _settings_table()]
    return "\n\n".join(parts) + "\n"


def _table_part(table: Table) -> list[str]:
    """Heading, sentence and columns of one table."""
    need = "" if table.required else " The table may be left out."
    groups = [
        f"At least one of the columns {', '.join(f'`{name}`' for name in group)} is needed." for group in table.one_of
    ]
    rows = [
        f"| `{field.name}` | {_KIND_WORDS[field.kind]} | {'yes' if field.required else ''} | {field.meaning}"
        f"{_limits(field)} | {_cell(field.example)} |"
        for field in table.fields
    ]
    return [
        f"## {table.name}",
        " ".join([f"One row is {table.row}.{need}", *groups]),
        "\n".join(["| column | kind | required | meaning | example |", "| --- | --- | --- | --- | --- |", *rows]),
    ]


def _limits(field: Field) -> str:
    """Unit and limits of a field, in brackets."""
    unit = f" {field.unit}" if field.unit else ""
    if field.low is not None and field.high is not None:
        return f" ({field.low:g} to {field.high:g}{unit})"
    if field.low is not None:
        return f" ({field.low:g} or more{unit})"
    return f" ({field.unit})" if field.unit else ""


def _cell(text: str) -> str:
    return f"`{text}`" if text else ""


def _code_lists() -> dict[str, dict[str, str]]:
    """Codes and labels under the columns that use them; columns with the same codes share one list."""
    columns: dict[str, list[str]] = {}
    labels: dict[str, dict[str, str]] = {}
    for table in TABLES.values():
        for field in table.fields_of("code"):
            if field.words is not None:
                word = field.words.__name__
                labels[word] = field.words.labels()
                columns.setdefault(word, []).append(f"{table.name}.{field.name}")
    return {", ".join(names): labels[word] for word, names in columns.items()}


def _instrument_table() -> str:
    """The built-in instruments: what a row of each holds."""
    rows = [
        f"| `{one.name}` | {one.label} | {_holds(one)} | {'' if one.days_covered is None else one.days_covered} |"
        for one in INSTRUMENTS.values()
    ]
    return "\n".join(
        ["| instrument | name | holds | days back it speaks for |", "| --- | --- | --- | --- |", *rows],
    )


def _holds(one: Instrument) -> str:
    if one.results:
        return "result: " + ", ".join(f"`{result}`" for result in one.results)
    return f"score from {one.low:g} to {one.high:g}" if one.low is not None and one.high is not None else "score"


def _settings_table() -> str:
    """Every key of program.toml with its default."""
    rows = []
    for setting in SETTINGS:
        if setting.key in SECTIONS:
            rows += [_settings_row(one, f"[{setting.key}] ") for one in SECTIONS[setting.key]]
        else:
            rows.append(_settings_row(setting, ""))
    return "\n".join(["| key | kind | default | meaning |", "| --- | --- | --- | --- |", *rows])


def _settings_row(setting: Setting, section: str) -> str:
    default = "" if setting.default is None else f"`{_toml(setting.default)}`"
    return f"| `{section}{setting.key}` | {setting.kind} | {default} | {_explained(setting)} |"


def _explained(setting: Setting) -> str:
    choices = f" One of: {', '.join(setting.choices)}." if setting.choices else ""
    return setting.meaning + choices


def _written(setting: Setting) -> str:
    """The key's line in the template; what a person must decide stands open."""
    if setting.key == "as_of":
        return f"# as_of = {_EXAMPLES['as_of']}"
    if setting.default is None or setting.key in _EXAMPLES:
        return f"# {setting.key} = {_EXAMPLES.get(setting.key, '')}".rstrip()
    return f"# {setting.key} = {_toml(setting.default)}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
