"""The quarterly report: the same bytes twice, for any programme, from published rows only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.publication.published import Published
from iop_outcomes.records.model import Records
from iop_outcomes.records.synthetic import Sample, simulate_records
from iop_outcomes.reports.contents import Contents, choose_level, gather_contents
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


@pytest.fixture(scope="module")
def contents(records: Records) -> Contents:
    return gather_contents(records, quarter=Quarter.parse("2025Q3"), level=choose_level(records, None))


@pytest.fixture(scope="module")
def released(contents: Contents) -> dict[str, Published]:
    return {audience: iop.publish(*contents.bundle(audience), audience=audience) for audience in ("public", "internal")}


def text_of(path: Path) -> str:
    html = re.sub(r"<(style|svg|script)\b.*?</\1>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_row_order_and_ids_do_not_matter(
    sample: Sample, records: Records, contents: Contents, released: dict[str, Published]
) -> None:
    """Another order of rows and other random ids are the same records."""
    source = dict(sample.source)
    for name in ("episodes", "attendance", "outcomes"):
        frame = source[name].sample(frac=1, random_state=3)
        for column in ("episode_id", "person_id"):
            if column in frame:
                frame = frame.assign(**{column: "x" + frame[column].str[::-1]})
        source[name] = frame
    shuffled = gather_contents(iop.read_records(source), quarter=Quarter.parse("2025Q3"), level="2.1")
    for audience, usual in released.items():
        assert iop.publish(*shuffled.bundle(audience), audience=audience).release_id == usual.release_id


def test_the_pages_stand_in_order_and_are_stamped(
    records: Records, contents: Contents, released: dict[str, Published]
) -> None:
    public, internal = (build_quarterly(records, contents, released[audience]) for audience in ("public", "internal"))
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


def test_the_default_quarter_is_the_last_whole_one(tmp_path: Path) -> None:
    records = iop.read_records(simulate_records(people=20, seed=2).source)
    paths = iop.write_quarterly(records, folder=tmp_path, audiences=("public",))
    assert [path.name for path in paths] == [
        f"quarterly-2025Q4-public.{kind}" for kind in ("html", "csv", "manifest.json")
    ]


def test_reports_in_the_repository_are_those_of_the_sample(tmp_path: Path) -> None:
    """`make report` on the committed sample gives the committed reports, byte for byte."""
    # A run today against the run that was committed: also two runs, the same bytes.
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
