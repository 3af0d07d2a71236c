"""The ledger of releases: what is public stays known, once, in order, and without a withheld number."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from handmade import made_published, made_release

from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.estimates import COLUMNS, Estimates
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.ledger import LEDGER_FILE, Ledger, LedgerState
from iop_outcomes.publication.overrides import Override
from iop_outcomes.publication.published import Published

DAY = date(2026, 1, 31)
NUMBERS = ["value", "ci_low", "ci_high", "conf_level", "n", "denominator", "people", "n_missing"]
FILES = {"quarterly.html": "a" * 64}


def release(
    counts: Sequence[tuple[str, int, int]], period: str = "2025-01-01", audience: str = "public", **columns: object
) -> Published:
    """Left early by site: (site, people, of whom left early)."""
    rows = [
        dict(
            measure="retention", definition="lost_early@1", estimand="proportion", unit="share", by="site", group=site,
            period_start=period, value=n / base, n=n, denominator=base, people=base, **columns,
        )
        for site, base, n in counts
    ]  # fmt: skip
    return publish(Estimates.from_rows(rows, {"as_of": "2025-12-31", "synthetic": True}), audience=audience)


FIRST = [("north", 120, 44), ("south", 90, 30)]
SECOND = [("north", 120, 60), ("south", 90, 12)]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / LEDGER_FILE)


def put(ledger: Ledger, published: Published, **changed: object) -> object:
    given = {"on": DAY, "signed_off_by": "A. Person", "files": FILES, **changed}
    return ledger.record(published, **given)  # type: ignore[arg-type]


# --- what is kept ----------------------------------------------------------------------------------------------------
def test_before_the_first_release_there_is_nothing_and_asking_writes_nothing(ledger: Ledger) -> None:
    earlier = ledger.earlier()
    assert len(earlier) == 0
    assert list(earlier) == [*COLUMNS, "release_id", "released_on"]
    assert earlier.dtypes["n"] == "float64"
    assert ledger.entries() == ()
    assert ledger.state() == LedgerState()
    assert list(ledger.path.parent.iterdir()) == []


def test_every_row_comes_back_as_it_was_printed(ledger: Ledger) -> None:
    published = made_release()
    put(ledger, published)
    earlier = ledger.earlier()
    assert set(earlier["release_id"]) == {published.release_id}
    assert set(earlier["released_on"]) == {"2026-01-31"}
    place = ["measure", "definition", "category", "by", "group", "at", "period_start"]
    back = earlier[list(COLUMNS)].sort_values(place, ignore_index=True)
    printed = published.frame.sort_values(place, ignore_index=True)
    pd.testing.assert_frame_equal(back, printed, rtol=1e-11, atol=0)
    assert back.isna().equals(printed.isna())


def test_withheld_rows_are_known_by_name_and_have_no_numbers(ledger: Ledger) -> None:
    published = release([*FIRST, ("east", 60, 4)])
    entry = put(ledger, published)
    earlier = ledger.earlier()
    withheld = earlier[earlier["status"] == "withheld"]
    assert withheld["group"].tolist() == ["east"]
    assert withheld[NUMBERS].isna().all(axis=None)
    (line,) = ledger.path.read_text().splitlines()
    columns = json.loads(line)["columns"]
    (place,) = columns["status"]["withheld"]
    assert place in columns["group"]["east"]
    assert not [name for name in NUMBERS for rows in columns[name].values() if place in rows]
    assert (entry.rows, entry.withheld) == (3, 1)


def test_a_withheld_number_leaves_no_trace(tmp_path: Path) -> None:
    """Two releases that differ in nothing but a withheld count are the same release, byte for byte."""
    lines = []
    for count in (3, 7):
        ledger = Ledger(tmp_path / f"{count}.jsonl")
        put(ledger, release([*FIRST, ("east", 60, count)]))
        lines.append(ledger.path.read_bytes())
    assert lines[0] == lines[1]


def test_the_revised_quarter_meets_the_quarter_it_revises(ledger: Ledger) -> None:
    """44 left early and then 45 are one person apart; the next release can be held against both."""
    for count in (44, 45):
        put(ledger, release([("north", 120, count), ("south", 90, 30)]))
    north = ledger.earlier().query("group == 'north'")
    assert north["n"].tolist() == [44, 45]
    assert north["release_id"].nunique() == 2


def test_an_entry_says_who_when_under_what_policy_and_which_files(ledger: Ledger) -> None:
    where = {"definition": "lost_early@1", "by": "site", "group": "north"}
    override = Override("B. Person", "Everyone counted agreed in writing", date(2026, 6, 30), where)
    put(ledger, release(FIRST), overrides=[override])
    (entry,) = ledger.entries()
    assert (entry.released_on, entry.signed_off_by, entry.as_of) == (DAY, "A. Person", "2025-12-31")
    assert entry.synthetic
    assert entry.policy["threshold"] == 11
    assert entry.files == FILES
    assert entry.overrides == (
        {"name": "B. Person", "reason": override.reason, "expires": "2026-06-30", "where": where},
    )


def test_infinite_and_whole_numbers_come_back(ledger: Ledger) -> None:
    published = release(FIRST, ci_low=-np.inf, ci_high=np.inf, at=30.0)
    put(ledger, published)
    earlier = ledger.earlier()
    assert earlier["ci_high"].tolist() == published.frame["ci_high"].tolist()
    assert np.isinf(earlier["ci_low"]).all()
    assert '"at":{"30":[0,1]}' in ledger.path.read_text()


def test_only_cells_that_hold_something_take_room(ledger: Ledger) -> None:
    published = made_published()
    put(ledger, published)
    assert "null" not in ledger.path.read_text()
    cells = int(published.frame.notna().sum().sum())
    assert ledger.path.stat().st_size < 8 * cells


# --- once, in order, the same bytes ----------------------------------------------------------------------------------
def test_the_same_release_is_recorded_once(ledger: Ledger) -> None:
    first = put(ledger, release(FIRST))
    before = ledger.path.read_bytes()
    again = put(ledger, release(FIRST[::-1]), on=date(2026, 2, 2), signed_off_by="B. Person")
    assert again == first
    assert ledger.path.read_bytes() == before


def test_each_line_holds_the_digest_of_the_line_before(ledger: Ledger) -> None:
    for period in ("2025-01-01", "2025-04-01", "2025-07-01"):
        put(ledger, release(FIRST, period))
    lines = ledger.path.read_bytes().splitlines()
    chain = [json.loads(line)["previous"] for line in lines]
    assert chain == ["0" * 64, *(hashlib.sha256(line).hexdigest() for line in lines[:-1])]
    assert ledger.state().head == hashlib.sha256(lines[-1]).hexdigest()
    assert ledger.state().releases == tuple(entry.release_id for entry in ledger.entries())


def test_the_order_of_rows_and_files_changes_no_byte(tmp_path: Path) -> None:
    files = {"a.html": "1" * 64, "b.csv": "2" * 64}
    for name, counts, given in (
        ("one", FIRST, files),
        ("two", FIRST[::-1], dict(reversed(files.items()))),
    ):
        put(Ledger(tmp_path / f"{name}.jsonl"), release(counts), files=given)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert (tmp_path / "one.head").read_bytes() == (tmp_path / "two.head").read_bytes()


# --- what is refused -------------------------------------------------------------------------------------------------
def test_only_a_whole_public_release_is_recorded(ledger: Ledger) -> None:
    with pytest.raises(DisclosureError, match="only a public release"):
        put(ledger, release(FIRST, audience="internal"))
    with pytest.raises(DisclosureError, match="not a part of it"):
        put(ledger, release(FIRST).where(group="north"))
    with pytest.raises(DisclosureError, match="published rows only"):
        put(ledger, release(FIRST).estimates)  # type: ignore[arg-type]
    assert not ledger.path.exists()


def test_rows_changed_after_the_gate_are_not_recorded(ledger: Ledger) -> None:
    published = release([*FIRST, ("east", 60, 4)])
    published.frame.loc[published.frame["status"] == "withheld", "n"] = 4
    with pytest.raises(DisclosureError, match="a withheld row holds a number") as caught:
        put(ledger, published)
    assert "4" not in str(caught.value)
    assert not ledger.path.exists()


@pytest.mark.parametrize("name", ["", "  ", "tbd", "n/a", "7", None])
def test_nobody_cannot_sign_off(ledger: Ledger, name: object) -> None:
    with pytest.raises(DisclosureError, match="a release needs the name of the person"):
        put(ledger, release(FIRST), signed_off_by=name)
    assert not ledger.path.exists()


@pytest.mark.parametrize("day", [datetime(2026, 1, 31, 12), "2026-01-31"])
def test_the_day_of_a_release_is_a_day(ledger: Ledger, day: object) -> None:
    with pytest.raises(UsageError, match="a date without a time"):
        put(ledger, release(FIRST), on=day)


def test_signing_off_with_an_override_that_does_not_hold_is_refused(ledger: Ledger) -> None:
    where = {"definition": "lost_early@1", "by": "site"}
    expired = Override("B. Person", "Everyone counted agreed in writing", date(2026, 1, 30), where)
    with pytest.raises(DisclosureError, match="expired"):
        put(ledger, release(FIRST), overrides=[expired])
    with pytest.raises(DisclosureError, match="reason"):  # finalising without reasons
        put(ledger, release(FIRST), overrides=[{"name": "B. Person", "expires": date(2026, 6, 30), "where": where}])
    assert not ledger.path.exists()


def test_a_release_checked_against_less_than_there_is_must_be_prepared_again(ledger: Ledger) -> None:
    put(ledger, release(FIRST))
    checked = ledger.state()
    put(ledger, release(SECOND))
    third = release(FIRST, "2025-04-01")
    with pytest.raises(DisclosureError, match="checked against that one too"):
        put(ledger, third, after=checked)
    assert len(ledger.entries()) == 2
    put(ledger, third, after=ledger.state())
    assert put(ledger, release(FIRST), after=checked).release_id == ledger.entries()[0].release_id
    assert len(ledger.entries()) == 3


# --- two releases at once --------------------------------------------------------------------------------------------
def record_three(path: str, writer: int, start: object) -> None:
    """One of several processes that sign off at the same moment."""
    releases = [release([("north", 120, 40 + writer), ("south", 90, 20 + number)]) for number in range(3)]
    start.wait(60)  # type: ignore[attr-defined]
    for published in releases:
        put(Ledger(Path(path), patience=60), published)


def test_eight_processes_at_once_lose_nothing(ledger: Ledger) -> None:
    ways = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
    context.set_forkserver_preload(["iop_outcomes.publication.ledger", "iop_outcomes.publication.figures", "pytest"])
    start = context.Barrier(8)
    writers = [context.Process(target=record_three, args=(str(ledger.path), i, start)) for i in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * 8
    entries = ledger.entries()  # reading checks the whole chain
    assert len(entries) == len({entry.release_id for entry in entries}) == 24
    earlier = ledger.earlier()
    pairs = earlier.pivot(index="release_id", columns="group", values="n")
    assert set(pairs.itertuples(index=False, name=None)) == {(40 + i, 20 + j) for i in range(8) for j in range(3)}
