"""Fiscal years: named by the calendar year in which they end, from any month, wherever a quarter is spoken of."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from publications import small_document, small_release
from tables import records

from iop_outcomes import measure_by_period, measure_people, measure_retention, publish, read_records, select_cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.quarters import list_periods
from iop_outcomes.publication.document import Page, Sentences, Tiles
from iop_outcomes.publication.figures.control_series import ControlSeries
from iop_outcomes.publication.residue import scan_file
from iop_outcomes.publication.wording import say_running
from iop_outcomes.records.program import check_settings
from iop_outcomes.records.templates import data_dictionary, program_template
from iop_outcomes.reports.contents import Contents
from iop_outcomes.reports.pages.first import build_first
from iop_outcomes.reports.period import Quarter
from iop_outcomes.reports.reading import Reading

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("start", "text", "edges", "label", "code"),
    [
        (1, "2025Q4", ("2025-10-01", "2025-12-31"), "2025 Q4", "2025Q4"),
        (7, "2026Q2", ("2025-10-01", "2025-12-31"), "Q2 of fiscal year 2026 (October to December 2025)", "FY2026Q2"),
        (10, "2026Q1", ("2025-10-01", "2025-12-31"), "Q1 of fiscal year 2026 (October to December 2025)", "FY2026Q1"),
        (4, "FY2025Q4", ("2025-01-01", "2025-03-31"), "Q4 of fiscal year 2025 (January to March 2025)", "FY2025Q4"),
        (
            12,
            "2026Q1",
            ("2025-12-01", "2026-02-28"),
            "Q1 of fiscal year 2026 (December 2025 to February 2026)",
            "FY2026Q1",
        ),
        (
            2,
            "2025Q4",
            ("2024-11-01", "2025-01-31"),
            "Q4 of fiscal year 2025 (November 2024 to January 2025)",
            "FY2025Q4",
        ),
    ],
)
def test_a_quarter_is_read_and_said_in_the_terms_of_its_year(start, text, edges, label, code) -> None:
    quarter = Quarter.parse(text, start)
    assert (quarter.span.edges, quarter.label, quarter.code) == (edges, label, code)
    assert Quarter.parse(quarter.code, start) == quarter


@pytest.mark.parametrize("start", range(1, 13))
def test_quarters_follow_each_other_without_a_gap_from_any_month(start: int) -> None:
    quarter = Quarter(2026, 1, start)
    assert quarter.span.first == date(2026 if start == 1 else 2025, start, 1)
    assert (Quarter(2026, 4, start).span.last + timedelta(days=1)).month == start
    for back in range(9):
        later, earlier = quarter.back(back).span, quarter.back(back + 1).span
        assert later.first == earlier.last + timedelta(days=1)
        assert Quarter.last_whole(later.last, start) == quarter.back(back)
        assert Quarter.last_whole(later.last - timedelta(days=1), start) == quarter.back(back + 1)
    assert quarter.year_before.last == quarter.span.first - timedelta(days=1)
    assert quarter.year_to.first == quarter.back(3).span.first
    assert quarter.history.first == quarter.back(7).span.first


def test_stretches_of_fiscal_quarters_are_said_in_months() -> None:
    quarter = Quarter.parse("2026Q2", 7)
    assert quarter.year_to.label == "January to December 2025"
    assert quarter.year_before.label == "October 2024 to September 2025"
    assert quarter.history.label == "January 2024 to December 2025"
    assert Quarter.parse("2025Q4").year_to.label == "2025 Q1 to 2025 Q4"


@pytest.mark.parametrize("wrong", ["2026", "FY26Q1", "2026Q5", "Q1 2026"])
def test_what_is_no_quarter_is_said_so(wrong: str) -> None:
    with pytest.raises(UsageError, match="a quarter is written like 2025Q4"):
        Quarter.parse(wrong, 7)


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_month_there_is_not_gives_one_clear_message(month: int) -> None:
    (fault,) = check_settings({"fiscal_year_start": month})[1]
    assert fault == "program.toml: fiscal_year_start is a month from 1 (January) to 12, for example 7 for July."


def test_a_month_is_a_whole_number_and_january_unless_said() -> None:
    assert check_settings({"fiscal_year_start": "July"})[1] == [
        "program.toml: fiscal_year_start must be a whole number."
    ]
    settings, faults = check_settings({})
    assert (settings["fiscal_year_start"], faults) == (1, [])
    assert "# fiscal_year_start = 1" in program_template()
    assert "`fiscal_year_start`" in data_dictionary()


def test_lines_by_quarter_follow_the_fiscal_year() -> None:
    """From November: November to January, February to April; March lies in the second."""
    periods = list_periods(date(2025, 3, 9), date(2025, 6, 1), "quarter", 11)
    assert periods == [("2025-02-01", date(2025, 4, 30)), ("2025-05-01", date(2025, 7, 31))]
    assert list_periods(date(2025, 1, 9), date(2025, 1, 31), "quarter", 11) == [("2024-11-01", date(2025, 1, 31))]
    assert list_periods(date(2025, 3, 9), date(2025, 3, 31), "month", 11) == [("2025-03-01", date(2025, 3, 31))]


def test_a_chart_names_fiscal_quarters() -> None:
    stays = """
    episode | admission_date | discharge_date | end_reason
    --------+----------------+----------------+-----------
    a       | 2025-02-03     | 2025-02-20     | completed
    b       | 2025-08-03     | 2025-08-20     | completed
    """
    names = {}
    for start in (1, 7):
        cohort = select_cohort(records(stays, as_of="2025-12-31", fiscal_year_start=start), rung="admitted")
        series = ControlSeries.read(measure_by_period(cohort, "admissions", period="quarter", chart="run"))
        names[start] = [series.name(row) for row in series.points]
    assert names[1] == ["2025 Q1", "2025 Q2", "2025 Q3", "2025 Q4"]
    assert names[7] == ["FY2025 Q3", "FY2025 Q4", "FY2026 Q1", "FY2026 Q2"]


@pytest.fixture(scope="module")
def first_page() -> Page:
    """Page 1 of the sample in a programme whose year begins in July, with the public line of people staying by quarter."""
    read = read_records(ROOT / "data" / "sample")
    settings = {**read.manifest.settings, "fiscal_year_start": 7, "targets": {"retained": 0.3}}
    sample = replace(read, manifest=replace(read.manifest, settings=settings))
    quarter = Quarter.parse("2026Q2", 7)
    everyone = select_cohort(sample, level_of_care="2.1")
    now, year = (
        select_cohort(everyone, level_of_care="2.1", admitted=span.edges) for span in (quarter.span, quarter.year_to)
    )
    since, until = quarter.history.edges
    parts = (
        measure_people(now).over(*quarter.span.edges),
        measure_retention(year, at=[14, 42]).over(*quarter.year_to.edges),
        measure_by_period(everyone, "admissions", since=since, until=until, chart="xmr"),
        measure_by_period(everyone, "retained", period="quarter", since=since, until=until, chart="xmr"),
    )
    spans = (quarter.span, quarter.year_to, quarter.year_before, quarter.history)
    contents = Contents(parts, {"public": ()}, *spans, "2.1", 56)
    return build_first(Reading(publish(*contents.bundle("public")), contents, "2026-01-31"))


def test_page_one_of_a_fiscal_year_names_its_quarters(first_page: Page) -> None:
    """Months stay months; a line by quarter is named by the quarters of the fiscal year, from the first to the last."""
    assert "Q2 of fiscal year 2026 (October to December 2025)" in first_page.lead
    tiles = {tile.label: tile for block in first_page.blocks if isinstance(block, Tiles) for tile in block.tiles}
    admitted, staying = tiles["People admitted this quarter"], tiles["In programme or completed at 6 weeks"]
    assert (admitted.note, staying.note) == (
        "Q2 of fiscal year 2026 (October to December 2025)",
        "January to December 2025",
    )
    assert re.search(r"Chart over 8 periods, from \d+% \(FY2024 Q3\) to \d+% \(FY2026 Q2\)", staying.alt)
    assert re.search(r"from \d+ \(2024-\d\d\) to \d+ \(2025-12\)", admitted.alt)
    assert staying.assurance == "Target 30%: ordinary quarters meet it"
    said = " ".join(item for block in first_page.blocks if isinstance(block, Sentences) for item in block.items)
    assert "people staying six weeks" in said
    assert "target 30%: ordinary quarters meet it." in said
    assert "2025 Q4" not in f"{said} {admitted.alt} {staying.alt} {first_page.lead}", "a quarter of another year"


def test_the_head_of_every_sheet_stays_one_line() -> None:
    document = replace(small_document(), period=Quarter.parse("2026Q2", 7).label)
    assert say_running(document)[0] == f"{document.title} · Q2 of fiscal year 2026"


def test_the_words_of_a_fiscal_quarter_are_no_stray_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Q2 of fiscal year 2026 (October to December 2025)\nFY2026 Q2\n", encoding="utf-8")
    assert scan_file(path, small_release()) == ()
    path.write_text("Q2 of fiscal year 2031\n", encoding="utf-8")
    assert [each.text for each in scan_file(path, small_release())] == ["2031"]
