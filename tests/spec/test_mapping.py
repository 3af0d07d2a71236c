"""What a mapping makes of an export: small tables in, small tables out. The example is the one of docs/mapping.md."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from iop_outcomes.records.loading import read_records
from iop_outcomes.records.mapping import apply_mapping, mapped_files, read_mapping
from iop_outcomes.records.raw import RawTable

DOCS = Path(__file__).parents[2] / "docs" / "mapping.md"

REST = """
[[programs]]
rows = [{ program_id = "p", label = "P", level_of_care = "2.1", planned_weeks = "8" }]
[[episodes]]
rows = [{ episode_id = "e", person_id = "p", program_id = "p", admission_date = "2025-01-06" }]
"""


def run(folder: Path, block: str, **files: str) -> RawTable:
    """The one attendance block applied to files written as in a text editor."""
    for name, text in files.items():
        lines = [re.sub(r"\s*\|\s*", ",", line.strip()) for line in text.strip().splitlines()]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = folder / "m.toml"
    path.write_text(REST + "[[attendance]]\n" + block, encoding="utf-8")
    return apply_mapping(read_mapping(path), folder)[-1]


def shown(frame: pd.DataFrame) -> list[str]:
    """Rows as text, cells apart by one blank, empty ones as a dash."""
    return [" ".join(cell or "-" for cell in row) for row in frame.itertuples(index=False)]


def fenced(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


def written(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.strip().splitlines()]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    for name, text in zip(("clients", "stays", "week"), fenced("csv"), strict=True):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    (tmp_path / "our-system.toml").write_text(fenced("toml")[0], encoding="utf-8")
    return tmp_path


def test_the_documented_example_comes_out_as_documented(example: Path) -> None:
    tables = {table.table: table for table in apply_mapping(read_mapping(example / "our-system.toml"), example)}
    for name, text in zip(("episodes", "attendance"), fenced("text"), strict=True):
        head, *rows = written(text)
        frame = tables[name].frame[head.split()]
        assert shown(frame) == rows
    assert tables["episodes"].left_out == {"test entry": 1}
    assert tables["attendance"].left_out == {"no session that day": 1}


def test_the_documented_example_is_read_as_records(example: Path) -> None:
    records = read_records(example, mapping=example / "our-system.toml")
    assert {a.table: (a.read, a.used) for a in records.manifest.accounts} == {
        "programs": (1, 1),
        "episodes": (4, 3),
        "attendance": (6, 5),
        "outcomes": (0, 0),
        "costs": (0, 0),
    }
    assert records.manifest.settings["name"] == "Evening IOP"


def test_rows_keep_the_numbers_of_the_export(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        'file = "v.csv"\nfilters = [{ keep = { column = "s", equals = "y" }, reason = "other" }]\n'
        'columns = { episode_id = "id" }',
        v="id|s\na|y\nb|n\nc|y",
    )
    assert table.rows.tolist() == [2, 4]
    assert table.left_out == {"other": 1}


def test_a_row_is_counted_under_the_first_filter_it_does_not_pass(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        """file = "v.csv"
        filters = [
          { keep = { column = "n", at_least = 2 }, reason = "small" },
          { leave_out = [{ column = "s", in = ["x", "y"] }, { column = "n", at_most = 3 }], reason = "both" },
          { keep = { column = "s", present = true }, reason = "empty" },
          { leave_out = { column = "s", not = ["x", "y"] }, reason = "strange" },
        ]
        columns = { episode_id = "id" }""",
        v="id|n|s\na|1|x\nb|2|x\nc|5|x\nd|5|\ne|5|z\nf||x",
    )
    assert table.frame["episode_id"].tolist() == ["c"]
    assert table.left_out == {"small": 2, "both": 1, "empty": 1, "strange": 1}


def test_a_join_keeps_every_row_and_an_empty_key_matches_nothing(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        'file = "v.csv"\njoins = [{ file = "p.csv", on = { who = "id" }, columns = { kind = "kind" } }]\n'
        'columns = { episode_id = "who", visit = "kind" }',
        v="who|x\na|1\n|2\nc|3",
        p="id|kind\na|group\n|family\nb|other",
    )
    assert shown(table.frame) == ["a group", "- -", "c -"]


def test_a_join_may_ask_only_whether_there_is_a_row(tmp_path: Path) -> None:
    """Positives only in the second file: a day without a row there is a negative."""
    table = run(
        tmp_path,
        """file = "sample.csv"
        joins = [{ file = "found.csv", on = ["who", "day"], where = { column = "what", equals = "Opioid" }, present = "found" }]
        columns = { episode_id = "who", day = "day", visit = "found" }
        recode = { visit = { yes = "positive", no = "negative" } }""",
        sample="who|day\na|1\na|8\nb|1",
        found="who|day|what\na|1|Opioid\na|1|Opioid\na|8|Cocaine\nb|8|Opioid",
    )
    assert shown(table.frame) == ["a 1 positive", "a 8 negative", "b 1 negative"]


@pytest.mark.parametrize(("word", "expected"), [("max", "a 10"), ("min", "a 9"), ("count", "a 3")])
def test_a_join_may_reduce_several_rows_to_one(tmp_path: Path, word: str, expected: str) -> None:
    """Numbers are compared as numbers: 10 is more than 9."""
    table = run(
        tmp_path,
        f'file = "v.csv"\njoins = [{{ file = "d.csv", on = "who", columns = {{ n = "when" }}, reduce = "{word}" }}]\n'
        'columns = { episode_id = "who", visit = "n" }',
        v="who|x\na|1",
        d="who|when\na|9\na|10\na|",
    )
    assert shown(table.frame) == [expected]


def test_whole_day_arithmetic(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        """file = "v.csv"
        compute = { d = { from = "when", minus = "start" }, w = { from = "week", times = 7, minus = 6 } }
        columns = { episode_id = "who", day = "d", week = "w" }""",
        v="who|when|start|week\na|9|2|1\nb||2|3\nc|soon|2|",
    )
    assert shown(table.frame) == ["a 7 1", "b - 15", "c soon -"]


def test_the_first_case_that_holds_decides(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        """file = "v.csv"
        columns = { episode_id = "who" }
        [attendance.cases]
        status = [
          { value = "attended", when = { column = "what", equals = "visit" } },
          { value = "excused", when = [{ column = "what", equals = "no visit" }, { column = "ill", equals = "1" }] },
          { value = "no_show", when = { column = "what", equals = "no visit" } },
          { from = "what" },
        ]""",
        v="who|what|ill\na|visit|1\nb|no visit|1\nc|no visit|\nd|final|",
    )
    assert shown(table.frame) == ["a attended", "b excused", "c no_show", "d final"]


def test_an_unlisted_value_keeps_its_text_with_a_warning(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        'file = "v.csv"\ncolumns = { episode_id = "who", status = "s" }\n'
        'recode = { status = { Y = "attended", "" = "no_show" } }',
        v="who|s\na|Y\nb|\nc|Secret\nd|y",
    )
    assert shown(table.frame) == ["a attended", "b no_show", "c Secret", "d y"]
    assert len(table.warnings) == 1
    assert "2 rows of attendance.status" in table.warnings[0]
    assert "Secret" not in table.warnings[0]


def test_otherwise_stands_for_every_unlisted_value(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        'file = "v.csv"\ncolumns = { episode_id = "who", status = "s" }\n'
        'recode = { status = { Y = "attended" } }\notherwise = { status = "no_show" }',
        v="who|s\na|Y\nb|\nc|Q",
    )
    assert shown(table.frame) == ["a attended", "b -", "c no_show"]
    assert not table.warnings


def test_a_date_in_another_form_keeps_its_text(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        'file = "v.csv"\ncolumns = { episode_id = "who", date = "d" }\ndate_format = { date = "%d.%m.%Y" }',
        v="who|d\na|03.02.2025\nb|\nc|31.02.2025\nd|2/3/25",
    )
    assert shown(table.frame) == ["a 2025-02-03", "b -", "c 31.02.2025", "d 2/3/25"]


def test_once_per_keeps_the_first_row_of_a_key(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        'file = "v.csv"\nonce_per = { columns = ["who", "day"], reason = "second reading" }\n'
        'columns = { episode_id = "who", day = "day", visit = "t" }',
        v="who|day|t\na|1|x\na|1|y\na|2|z",
    )
    assert shown(table.frame) == ["a 1 x", "a 2 z"]
    assert table.left_out == {"second reading": 1}


def test_wide_columns_become_rows_that_filters_and_recodes_see(tmp_path: Path) -> None:
    table = run(
        tmp_path,
        """file = "v.csv"
        wide_to_long = { columns = ["phq9_intake", "phq9_exit"], name = "which", value = "score" }
        filters = [{ keep = { column = "score", present = true }, reason = "not done" }]
        columns = { episode_id = "who", visit = "which", hours_attended = "score" }
        recode = { visit = { phq9_intake = "intake", phq9_exit = "exit" } }""",
        v="who|phq9_intake|phq9_exit\na|14|6\nb|9|",
    )
    assert shown(table.frame) == ["a intake 14", "a exit 6", "b intake 9"]
    assert table.rows.tolist() == [2, 2, 3]
    assert table.left_out == {"not done": 1}


def test_two_blocks_fill_one_table(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(f"who\n{name}\n", encoding="utf-8")
    blocks = "".join(
        f'[[attendance]]\nfile = "{name}.csv"\ncolumns = {{ episode_id = "who" }}\n' for name in ("one", "two")
    )
    (tmp_path / "m.toml").write_text(REST + blocks, encoding="utf-8")
    mapping = read_mapping(tmp_path / "m.toml")
    assert [table.frame["episode_id"].tolist() for table in apply_mapping(mapping, tmp_path)[2:]] == [["one"], ["two"]]
    assert mapped_files(mapping) == ("one.csv", "two.csv")
