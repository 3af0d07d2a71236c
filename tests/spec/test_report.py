"""The quarterly report: the same bytes twice, for any programme, from published rows only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.records.model import Records
from iop_outcomes.records.synthetic import Sample, simulate_records
from iop_outcomes.reports.contents import choose_level, gather_contents
from iop_outcomes.reports.period import Quarter
from iop_outcomes.reports.quarterly import build_quarterly

ROOT = Path(__file__).parents[2]
PAGES = ["1", "2", "3", "4", "5", "6", "7", "8", "A1", "A2", "A3"]


@pytest.fixture(scope="module")
def sample() -> Sample:
    return simulate_records(people=200, seed=4)


@pytest.fixture(scope="module")
def records(sample: Sample) -> Records:
    return iop.read_records(sample.source)


def text_of(path: Path) -> str:
    html = re.sub(r"<(style|svg|script)\b.*?</\1>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_two_runs_give_the_same_bytes(records: Records, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        iop.write_quarterly(records, quarter="2025Q3", folder=tmp_path / folder)
    for audience in ("public", "internal"):
        name = f"quarterly-2025Q3-{audience}.html"
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_row_order_and_ids_do_not_matter(sample: Sample, records: Records, tmp_path: Path) -> None:
    """Another order of rows and other random ids are the same records."""
    source = dict(sample.source)
    for name in ("episodes", "attendance", "outcomes"):
        frame = source[name].sample(frac=1, random_state=3)
        for column in ("episode_id", "person_id"):
            if column in frame:
                frame = frame.assign(**{column: "x" + frame[column].str[::-1]})
        source[name] = frame
    shuffled = iop.read_records(source)
    level = choose_level(records, None)
    quarter = Quarter.parse("2025Q3")
    for audience in ("public", "internal"):
        released = [
            iop.publish(
                *gather_contents(one, quarter=quarter, level=level).bundle(audience), audience=audience
            ).release_id
            for one in (records, shuffled)
        ]
        assert released[0] == released[1]


def test_the_pages_stand_in_order_and_are_stamped(records: Records) -> None:
    contents = gather_contents(records, quarter=Quarter.parse("2025Q3"), level="2.1")
    public, internal = (
        build_quarterly(records, contents, iop.publish(*contents.bundle(audience), audience=audience))
        for audience in ("public", "internal")
    )
    assert [page.number for page in public.pages] == PAGES
    assert public.stamps == ("SYNTHETIC",)
    assert internal.stamps == ("INTERNAL", "SYNTHETIC")
    assert len(public.release_ids) == 1, "one report is one release"


@pytest.mark.parametrize("people", [20, 40, 90])
def test_a_small_programme_gets_a_report_that_says_why_numbers_are_missing(people: int, tmp_path: Path) -> None:
    records = iop.read_records(simulate_records(people=people, seed=2).source)
    public, *_, internal = iop.write_quarterly(records, quarter="2025Q2", folder=tmp_path)
    assert "withheld" in text_of(public)
    assert "nan" not in text_of(public).lower().split()
    assert "nan" not in text_of(internal).lower().split()


def test_records_without_outcomes_or_hours_still_get_a_report(sample: Sample, tmp_path: Path) -> None:
    source = {name: frame for name, frame in sample.source.items() if name not in ("outcomes", "costs")}
    source["attendance"] = source["attendance"].drop(columns=["hours_offered", "hours_attended"])
    records = iop.read_records(source)
    *_, internal = iop.write_quarterly(records, quarter="2025Q2", folder=tmp_path)
    text = text_of(internal)
    assert "hold no hours" in text
    assert "no tests or reports of use" in text


def test_a_quarter_nobody_came_in_is_said_so_plainly(records: Records, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="had not ended"):
        iop.write_quarterly(records, quarter="2026Q1", folder=tmp_path)
    with pytest.raises(UsageError, match="nobody"):
        iop.write_quarterly(records, quarter="2019Q1", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_default_quarter_is_the_last_whole_one(records: Records, tmp_path: Path) -> None:
    paths = iop.write_quarterly(records, folder=tmp_path, audiences=("public",))
    assert [path.name for path in paths] == [
        f"quarterly-2025Q4-public.{kind}" for kind in ("html", "csv", "manifest.json")
    ]


def test_reports_in_the_repository_are_those_of_the_sample(tmp_path: Path) -> None:
    """`make report` on the committed sample gives the committed reports, byte for byte."""
    written = iop.write_quarterly(iop.read_records(ROOT / "data/sample"), quarter="2025Q4", folder=tmp_path)
    assert len(written) == 4
    for path in written:
        assert path.read_bytes() == (ROOT / "reports" / path.name).read_bytes(), f"run make report: {path.name} differs"


def test_quarters() -> None:
    quarter = Quarter.parse("2025q1")
    assert quarter.span.edges == ("2025-01-01", "2025-03-31")
    assert quarter.year_to.edges == ("2024-04-01", "2025-03-31")
    assert quarter.year_before.edges == ("2024-01-01", "2024-12-31")
    assert quarter.history.edges == ("2023-04-01", "2025-03-31")
    assert Quarter.parse("2024Q4").back(4).label == "2023 Q4"
    for wrong in ("2025", "2025Q5", "Q1 2025", ""):
        with pytest.raises(UsageError):
            Quarter.parse(wrong)
