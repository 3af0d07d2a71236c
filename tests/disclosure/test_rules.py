"""The rules D1 to D21 of docs/release.md, a test each: its attack works on naive numbers and finds nothing in released ones."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_gate import NUMBERS, share

from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import COLUMNS, ESTIMANDS, GATE_ONLY, Estimates
from iop_outcomes.publication.attacker import attack, bound
from iop_outcomes.publication.attacker.inversion import read_interval, read_share
from iop_outcomes.publication.document import DisclosureStatement, Document, Page, TableBlock, tabulate
from iop_outcomes.publication.export import write_csv
from iop_outcomes.publication.formatting import WITHHELD
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.html import write_html, write_table
from iop_outcomes.publication.ledger import LEDGER_FILE, Ledger
from iop_outcomes.publication.manifest import RULES
from iop_outcomes.publication.overrides import Override
from iop_outcomes.publication.policy import POLICIES, Policy
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.release import Past, SignOff, write_release
from iop_outcomes.publication.residue import scan_file
from iop_outcomes.statistics import wilson

Row = dict[str, Any]
YEARS = {2024: ("2024-01-01", "2024-12-31"), 2025: ("2025-01-01", "2025-12-31")}
QUARTERS = (("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-06-30"), ("2025-07-01", "2025-09-30"),
            ("2025-10-01", "2025-12-31"), ("2026-01-01", "2026-03-31"))  # fmt: skip
NEXT_YEAR = ("2025-04-01", "2026-03-31")


def release(*rows: Row, **options: Any) -> Published:
    return publish(Estimates.from_rows(rows), **options)


def status(*rows: Row, **options: Any) -> list[str]:
    return release(*rows, **options).frame["status"].tolist()


def told(*releases: pd.DataFrame, policy: Policy = POLICIES["cms"]) -> list[tuple[float, float]]:
    """What an attacker who has these tables and nothing else finds."""
    bins = policy.bin if policy.rounding > 1 else None
    return [(each.low, each.high) for each in attack(*releases, threshold=policy.threshold, bins=bins)]


def naive(rows: list[Row], *small: int) -> pd.DataFrame:
    """The rows with the numbers of some of them taken out and nothing else thought of."""
    frame = Estimates.from_rows(rows).frame
    frame.loc[list(small), NUMBERS] = np.nan
    frame.loc[list(small), "status"] = "withheld"
    return frame


def limits(n: int, base: int) -> Row:
    found = wilson(n, base)
    return {"ci_low": found.low, "ci_high": found.high, "conf_level": 0.95, "method": "Wilson"}


def during(span: tuple[str, str]) -> Row:
    return {"period_start": span[0], "period_end": span[1]}


# --- D1 to D3: what a row may rest on ----------------------------------------------------------------------------------
def test_d01_twelve_rows_of_three_people() -> None:
    """Twelve episodes look like enough, but three people had them: any of the three knows which the others are."""
    completed = ["ann", "ben", "cat"] * 4
    row = share(len(completed), 24, people=len(set(completed)))
    assert row["n"] >= 11 > row["people"]  # counting rows lets it pass
    assert status(row) == ["withheld"]
    assert status({**row, "people": 12.0}) == ["ok"]


def test_d02_forty_of_forty_three() -> None:
    """40 of 43 completed; so 3 did not."""
    rows = [share(40, 43)]
    assert told(Estimates.from_rows(rows).frame) == [(3, 3)]
    published = release(*rows)
    assert told(published.frame) == []
    assert published.frame[NUMBERS].isna().all(axis=None)
    assert status(share(43, 43)) == ["ok"]  # nobody is left over


def test_d03_none_of_fourteen() -> None:
    """0 of 14 used: true of every single one of the 14. Neither the row nor everyone less the other group may say so."""
    use = {"definition": "return_to_use@1", "estimand": "cumulative_incidence", "at": 30.0}
    groups = {"day": (30, 60), "evening": (0, 14), "weekend": (20, 40)}
    rows = [share(50, 114, **use)] + [
        share(*counts, by="schedule", group=name, **use) for name, counts in groups.items()
    ]
    evening = naive(rows, 2)
    said = bound(evening).query("cell.str.contains('evening') and kind == 'events'").iloc[0]
    assert (said["low"], said["high"]) == (0, 0)  # though the row itself is taken out
    found = bound(release(*rows).frame).query("cell.str.contains('evening') and kind == 'events'").iloc[0]
    assert found["high"] >= 10
    assert status(share(0, 14, **{**use, "at": 0.0})) == ["ok"]  # on the first day nobody could have


# --- D4 and D5: rounding -----------------------------------------------------------------------------------------------
def test_d04_a_ten_that_can_only_be_eleven_or_twelve() -> None:
    """Withhold up to 10, round to 5: a printed 10 can only be 11 or 12, and never one of the 8 to 10 it also stands for."""
    careless = [5 * round(n / 5) if n > 10 else None for n in (9, 10, 11, 12, 13)]
    assert careless == [None, None, 10, 10, 15]
    rows = [share(n, 60, definition=f"d{n}@1") for n in (9, 10, 11, 12, 13)]
    frame = release(*rows, policy="round5").frame
    assert frame["status"].tolist() == ["withheld"] * 4 + ["ok"]
    for policy in POLICIES.values():
        if policy.withholds:
            low, high = policy.bin(max(policy.threshold - 1, 1))
            assert policy.limit == high
            assert low <= policy.threshold - 1 <= high
            assert policy.bin(policy.show(policy.limit + 1))[0] > policy.limit


def test_d05_a_share_and_a_margin_that_were_not_made_from_the_printed_counts() -> None:
    """52 of 89 printed as 50 of 90 beside the true 58.4 % can only be 52 of 89. And a total rounded by itself pins what
    its parts leave: 50 less 45 is one to nine people.
    """
    policy = POLICIES["round5"]
    bases = np.arange(88.0, 93.0)
    said = read_share(52 / 89, 1e-9, bases)
    assert list(zip(said.events, said.bases, strict=True)) == [(52, 89)]
    pairs = [
        {**share(n, base, definition=f"d{n}of{base}@1"), **limits(n, base)} for n in range(48, 53) for base in bases
    ]
    assert (
        len(release(*pairs, policy="round5").frame[[*NUMBERS, "method"]].drop_duplicates()) == 1
    )  # whatever the counts in their bins: the same row to the last digit
    row = release(share(52, 89), policy="round5").frame.iloc[0]
    assert row["value"] == row["n"] / row["denominator"] == 50 / 90

    sites = {"A": (43, 90), "B": (5, 60)}
    rows = [share(48, 150)] + [share(*counts, by="site", group=name) for name, counts in sites.items()]
    careless = naive(rows, 2)
    for name in ("n", "denominator", "people"):
        careless[name] = policy.show(careless[name].to_numpy())
    assert (1, 9) in told(careless, policy=policy)
    assert told(release(*rows, policy="round5").frame, policy=policy) == []
    pair = [{**share(n, 90, by="site", group=g), **limits(n, 90)} for g, n in (("A", 43), ("C", 34))]
    both = {"by": "site", "group": "A", "reference": "C", "denominator": 180.0, "people": 180.0, "n": None}
    apart = {**pair[0], **both, "estimand": "difference", "value": 0.1, "ci_low": -0.05, "ci_high": 0.24, "method": "x"}
    frame = release(*pair, apart, policy="round5").frame
    assert frame["value"].iloc[2] == frame["value"].iloc[0] - frame["value"].iloc[1] == 45 / 90 - 35 / 90


# --- D6 to D9: what follows from what is printed -----------------------------------------------------------------------
def test_d06_hiding_only_the_three_of_site_a() -> None:
    """A 3 of 40, B 22 of 35, C 19 of 28 with their total of 44 of 103: 44 less 22 less 19 is 3."""
    sites = {"A": (3, 40), "B": (22, 35), "C": (19, 28)}
    rows = [share(44, 103)] + [share(*counts, by="site", group=name) for name, counts in sites.items()]
    assert (3, 3) in told(naive(rows, 1))
    frame = release(*rows).frame
    assert told(frame) == []
    found = bound(frame).query("cell.str.contains('site A') and kind == 'events'").iloc[0]
    assert found["low"] <= 1
    assert found["high"] >= 10


def test_d07_two_ways_hidden_and_both_one_ways_printed() -> None:
    """Each of three tables is safe by itself: site by reason with its 4 taken out, sites alone, and reasons alone."""
    table = {"A": (20, 4, 30), "B": (25, 40, 18), "C": (30, 20, 21)}
    totals = {name: sum(counts) for name, counts in table.items()}
    base = sum(totals.values())
    cross = [share(n, totals[site], by="site", group=site, category=f"c{place}", definition="reason@1")
             for site, counts in table.items() for place, n in enumerate(counts)]  # fmt: skip
    reasons = [share(sum(counts), base, category=f"c{place}", definition="reason@1")
               for place, counts in enumerate(zip(*table.values(), strict=True))]  # fmt: skip
    sites = [share(n, base, by="site", group=name, definition="people@1") for name, n in totals.items()]
    assert told(release(*cross).frame) == told(release(*reasons).frame) == told(release(*sites).frame) == []
    apart = pd.concat([naive(cross, 1), *(Estimates.from_rows(rows).frame for rows in (reasons, sites))])
    assert (4, 4) in told(apart)
    assert told(release(*cross, *reasons, *sites).frame) == []


def test_d08_twelve_and_a_half_percent_of_twenty_four() -> None:
    """12.5 % of 24 can only be 3; so can the 12.5 % of a group whose base stands in another row."""
    hidden = {"n": None, "ci_low": None, "ci_high": None}
    found = read_share(0.125, 0.0005, np.array([24.0]))
    assert found.events.tolist() == [3]
    rows = [share(3, 24, by="site", group="A") | hidden, share(12, 24, by="site", group="A", definition="other@1")]
    for naively in (rows[:1], [{**rows[0], "denominator": None, "people": None}, rows[1]]):
        assert all(1 <= low <= high <= 3 for low, high in told(Estimates.from_rows(naively).frame))
        assert told(Estimates.from_rows(naively).frame)
        frame = release(*naively).frame
        assert told(frame) == []
        assert frame["value"].isna().iloc[0]


def test_d09_seventy_five_percent_with_its_limits() -> None:
    """75 % (62.8–84.2) with its counts left out is 45 of 60 and nothing else; of 66 admitted, that leaves out 6."""
    found = read_interval(0.75, 0.628, 0.842, (0.005, 0.0005), np.arange(1.0, 500.0))
    assert list(zip(found.events, found.bases, strict=True)) == [(45, 60)]
    bare = {**share(45, 60, definition="asked@1"), **limits(45, 60)}
    bare |= {"n": None, "denominator": None, "people": None}
    admitted = share(30, 66)
    naively = Estimates.from_rows([bare, admitted]).frame
    said = bound(naively).query("cell.str.contains('asked')")
    assert {(row.kind, row.low, row.high) for row in said.itertuples() if row.kind in ("events", "base")} == {
        ("events", 45, 45),
        ("base", 60, 60),
    }
    frame = release(bare, admitted).frame
    assert told(frame) == []
    assert frame[["value", "ci_low", "ci_high"]].iloc[0].isna().all()
    taken = (
        share(45, 60, definition="came@1") | limits(45, 60) | {"estimand": "ratio", "n": 60.0}
    )  # 60 beside 66: the gate takes it out
    left = release(taken, admitted).frame.iloc[0]
    assert left[["n", "denominator", "people"]].isna().all()
    if not np.isnan(left["value"]):
        slack = (0.0005, 0.001)  # three digits, and limits moved outwards
        readings = read_interval(left["value"], left["ci_low"], left["ci_high"], slack, np.arange(1.0, 67.0))
        assert len(readings) != 1, list(zip(readings.events, readings.bases, strict=True))
    rounded = release({**share(45, 60), **limits(45, 60)}, policy="round5").frame.iloc[0]
    readings = read_interval(
        rounded["value"], rounded["ci_low"], rounded["ci_high"], (1e-9, 1e-9), np.arange(1.0, 500.0), method="Wilson"
    )
    assert len(readings) == 0  # no count at all has this interval: it holds for every count of the bin


# --- D10 and D11: sums and curves --------------------------------------------------------------------------------------
def test_d10_one_client_with_95_percent_of_the_cost() -> None:
    """19,000 of 20,000 dollars are one person's: the mean of 40 says what that person cost; so do the least and the most."""
    costs = np.array([19_000.0, *[1_000 / 39] * 39])
    mean = float(costs.mean())
    assert abs(mean * 40 - costs.max()) / costs.max() < 0.1  # 40 people, and within a tenth all the same
    top_two = float(np.sort(costs)[-2:].sum() / costs.sum())
    money = {
        "measure": "cost",
        "definition": "cost@1",
        "unit": "dollars of 2025",
        "n": 40,
        "denominator": 40,
        "people": 40,
    }
    for estimand, value in (("mean", mean), ("sum", float(costs.sum()))):
        row = {**money, "estimand": estimand, "value": value}
        assert status({**row, "top_two": top_two}) == status(row) == ["withheld"]
        assert status({**row, "top_two": 0.3}) == ["ok"]
        assert status({**row, "top_two": 0.3, "people": 10, "n": 10, "denominator": 10}) == ["withheld"]
    assert not {"min", "max", "minimum", "maximum"} & set(ESTIMANDS)
    with pytest.raises(ValueError, match="not a known estimand"):
        release({**money, "estimand": "maximum", "value": 19_000.0})


def test_d11_a_step_made_by_one_person(tmp_path: Path) -> None:
    """One more left between day 10 and day 11; and of the last 4 who are still there each day tells who goes."""
    left = {0: 0, 7: 15, 10: 15, 11: 16, 14: 30, 21: 44, 28: 58, 35: 72, 42: 96, 49: 97, 56: 100}
    shared = {"definition": "ending@1", "category": "left_early", "estimand": "cumulative_incidence"}
    at_risk = {"definition": "at_risk@1", "category": "at_risk", "estimand": "count", "unit": "people"}
    rows = [share(n, 100, at=float(day), **shared) for day, n in left.items()]
    rows += [share(100 - n, 100, at=float(day), **at_risk) | {"value": 100 - n} for day, n in left.items()]
    assert (1, 1) in told(Estimates.from_rows(rows).frame)
    published = release(*rows)
    assert told(published.frame) == []
    with write_csv(published, tmp_path / "curve.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert set(lines[0]) == {*(set(COLUMNS) - set(GATE_ONLY)), "policy", "audience", "release_id"}
    for name in ("left_early", "at_risk"):
        counts = [float(line["n"]) for line in lines if line["category"] == name and line["n"]]
        steps = np.abs(np.diff(counts))
        assert len(counts) >= 4
        assert ((steps == 0) | (steps >= 11)).all()
        assert all(count in (0, 100) or 11 <= count <= 89 for count in counts)


# --- D12 and D13: files ------------------------------------------------------------------------------------------------
def small_release() -> Published:
    sites = {"North": (52, 90), "South": (40, 80), "East": (7, 61)}
    rows = [share(*counts, by="site", group=name, **during(QUARTERS[0])) for name, counts in sites.items()]
    return publish(Estimates.from_rows(rows, {"as_of": "2025-03-31", "name": "Riverside"}))


def small_document(published: Published) -> Document:
    table = tabulate(published, [("Site", "group"), ("Share", "value"), ("Events", "n"), ("Of", "denominator")])
    page = Page("sites", "A", "Sites", "", (TableBlock("Done", table, published), DisclosureStatement(published)))
    return Document("Sites", "Riverside", "January to March", "2025-03-31", published.audience, (page,))


def test_d12_an_unreleased_number_in_a_page(tmp_path: Path) -> None:
    """A page prints the mark, and the 7 of 61 stands beside it where a browser does not show it: parse the file."""
    published = small_release()
    page = write_html(small_document(published), tmp_path / "page.html")
    text = page.read_text(encoding="utf-8")
    planted = (
        '<svg role="img" aria-label="7 of 61 at East"><g/></svg>',
        "<svg><metadata><x>61</x></metadata></svg>",
        "<svg><g><title>East: 7</title></g></svg>",
        "<!-- East 7/61 -->",
        "<table><tr><th>East</th><td>7</td></tr></table>",
        '<p data-n="7">East</p>',
        "<svg><text>7</text></svg>",
    )
    missed = []
    for number, markup in enumerate(planted):
        careless = tmp_path / f"{number}.html"
        careless.write_text(text.replace("</main>", f"{markup}</main>"), encoding="utf-8")
        assert re.search(r"\b(?:7|61)\b", markup)  # the attack
        missed += [] if scan_file(careless, published) else [markup]
    assert missed == []
    assert scan_file(page, published) == ()
    assert not re.search(r"(?<![\w.,#-])61(?![\w.,%])", re.sub(r"<style>.*?</style>", "", text, flags=re.S))


def test_d13_a_planted_head(tmp_path: Path) -> None:
    """A notebook that shows released tables, and one that also shows the first rows of the records."""
    published = small_release()
    shown = " | ".join(
        f"{row['group']} {row['n']:.0f} of {row['denominator']:.0f}" for row in published.rows() if row["n"] == row["n"]
    )

    def notebook(*texts: str) -> Path:
        outputs = [{"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}} for text in texts]
        cell = {"cell_type": "code", "source": "show(rows)", "outputs": outputs, "execution_count": 1, "metadata": {}}
        path = tmp_path / f"{len(texts)}.ipynb"
        path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}), encoding="utf-8")
        return path

    head = pd.DataFrame(
        {"person_id": ["p481", "p482"], "age": [78, 34], "admitted": ["2025-03-04", "2025-03-09"]}
    ).to_string()
    assert "78" in {residue.text for residue in scan_file(notebook(shown, head), published)}
    assert scan_file(notebook(shown), published) == ()


# --- D14 and D15: releases after one another -----------------------------------------------------------------------------
def ledger_after(path: Path, *releases: Published) -> Ledger:
    ledger = Ledger(path / LEDGER_FILE)
    for number, each in enumerate(releases, start=1):
        ledger.record(each, on=date(2026, number, 1), signed_off_by="A. Person", files={"a.html": str(number) * 64})
    return ledger


def test_d14_the_revised_quarter(tmp_path: Path) -> None:
    """44 left early in the report of spring, 45 in the corrected one: one record was changed, and staff know whose."""
    first, again = (share(n, 120, definition="lost_early@1", **during(QUARTERS[0])) for n in (44, 45))
    assert told(release(first).frame, release(again).frame) == [(1, 1)]
    ledger = ledger_after(tmp_path, release(first))
    second = release(again, earlier=ledger.earlier())
    assert told(release(first).frame, second.frame) == []
    assert second.frame["n"].tolist() == [44]
    third = release(again, share(50, 130, definition="lost_early@1", **during(QUARTERS[1])), earlier=ledger.earlier())
    assert told(release(first).frame, second.frame, third.frame) == []
    other = ledger.earlier("another level of care")  # other people: nothing to hold it against
    assert release(again, earlier=other).frame["n"].tolist() == [45]


def test_d15_rolling_year_minus_rolling_year(tmp_path: Path) -> None:
    """The year to December, and the year to March, one after the other: less one another they are the new quarter less the
    old one, and the old one is printed. A correction of one record stays out of a closed quarter; many are printed.
    """
    lost = {"definition": "lost_early@1"}
    first = [share(200, 480, **lost, **during(YEARS[2025])), share(30, 120, **lost, **during(QUARTERS[0]))]
    rolled = share(176, 470, **lost, **during(NEXT_YEAR))
    assert (6, 6) in told(*(Estimates.from_rows(rows).frame for rows in (first, [rolled])))
    ledger = ledger_after(tmp_path, release(*first))
    assert release(rolled, earlier=ledger.earlier()).frame["status"].tolist() == ["withheld"]
    assert release(*first, rolled).frame["status"].tolist().count("withheld") > 0  # nor side by side in one release
    few, many = (share(n, 120, **lost, **during(QUARTERS[0])) for n in (33, 60))
    assert release(few, earlier=ledger.earlier()).frame["n"].tolist() == [30]
    assert release(many, earlier=ledger.earlier()).frame["n"].tolist() == [60]


# --- D16 to D19: kinds of tables -----------------------------------------------------------------------------------------
def test_d16_site_by_race_by_sex_by_housing() -> None:
    """Cross enough columns and everybody is alone: whoever knows a person's four answers finds the fifth."""
    draw = np.random.default_rng(1)
    answers = [tuple(draw.integers(0, 4, size=4)) for _ in range(300)]
    assert sum(count == 1 for count in Counter(answers).values()) > 50
    crossed = {"site + race": "ok", "site + race + sex": "ok", "race + sex": "ok", "race + sex + housing": "withheld",
               "site + race + sex + housing": "withheld", "site × race × sex × housing": "withheld"}  # fmt: skip
    for by, expected in crossed.items():
        assert status(*(share(20, 40, by=by, group=group) for group in ("a", "b"))) == [expected] * 2


def test_d17_a_saturated_logistic_regression() -> None:
    """A model with a term for every group fits each group exactly: its share times the group's 10 people is the count."""
    counts, sizes = np.array([3, 22]), np.array([10, 60])
    fitted = counts / sizes  # what a saturated model predicts
    assert (fitted * sizes).round(9).tolist() == [3, 22]
    groups = [share(n, base, by="site", group=g) for g, n, base in (("A", 25, 60), ("B", 22, 60))]
    model = {"definition": "adjusted@1", "estimand": "adjusted_proportion", "n": None}
    for spare, smallest, expected in ((0, 22, "withheld"), (9, 22, "withheld"), (40, 3, "withheld"), (40, 22, "ok")):
        made = [{**row, **model, "residual_df": spare, "smallest": smallest} for row in groups]
        assert status(*groups, *made) == ["ok", "ok", expected, expected]


def test_d18_a_unique_seventy_eight_year_old(tmp_path: Path) -> None:
    """One row a person: the only 78-year-old of the town is in it, with the outcome."""
    people = pd.DataFrame({"age": [78, *[30 + k % 20 for k in range(40)]], "used": [True, *[False] * 40]})
    assert (people.groupby("age").size() == 1).any()
    with pytest.raises(DisclosureError, match="published rows only"):
        write_csv(people, tmp_path / "people.csv")  # type: ignore[arg-type]
    assert not (tmp_path / "people.csv").exists()
    rows = [{"measure": "m", "definition": "age@1", "estimand": "mean", "value": float(age), "by": "person_id",
             "group": str(place), "n": 1, "denominator": 1, "people": 1} for place, age in enumerate(people["age"])]  # fmt: skip
    published = release(*rows)
    assert published.frame[NUMBERS].isna().all(axis=None)
    assert "78" not in write_csv(published, tmp_path / "rows.csv").read_text(encoding="utf-8").replace(
        published.release_id, ""
    )


def test_d19_a_clinician_table() -> None:
    """40 of Dr Ames's 60 clients left early: a figure about one member of staff. And a site of 9 people, by itself or
    as everyone less the other site.
    """
    staff = [share(n, 60, by="clinician", group=name) for name, n in (("Ames", 40), ("Bell", 22))]
    assert status(share(62, 120), *staff) == ["ok", "withheld", "withheld"]
    for by in ("therapist_id", "primary_counselor", "Staff", "case_worker"):
        assert status(*({**row, "by": by} for row in staff)) == ["withheld"] * 2
    sites = [
        share(0, 9, by="site", group="East"),
        share(30, 60, by="site", group="North"),
        share(30, 55, by="site", group="South"),
    ]
    everyone = share(60, 124)
    assert any(1 <= low and high <= 10 for low, high in told(naive([everyone, *sites], 1)))
    frame = release(everyone, *sites).frame
    assert frame["status"].tolist()[1] == "withheld"
    assert told(frame) == []


# --- D20 and D21: how it is said ---------------------------------------------------------------------------------------
def test_d20_marks_that_differ(tmp_path: Path) -> None:
    """ "<11" for the small one and "*" for the one hidden with it: now everybody knows which of the two is small."""
    sites = {"A": (3, 40), "B": (22, 45), "C": (19, 38)}
    rows = [share(44, 123)] + [share(*counts, by="site", group=name) for name, counts in sites.items()]
    published = release(*rows)
    hidden = published.where(status="withheld")
    names = hidden.frame["group"].tolist()
    assert "A" in names
    assert len(names) >= 2
    marks = ["<11" if sites[name][0] < 11 else "*" for name in names]
    assert len(set(marks)) == 2  # the naive way
    assert len(hidden.frame.drop(columns="group").drop_duplicates()) == 1
    with write_csv(published, tmp_path / "rows.csv").open(encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["group"] in names]
    assert len({tuple(cell for name, cell in line.items() if name != "group") for line in lines}) == 1
    assert {line["status"] for line in lines} == {"withheld"}
    page = write_table(published, tmp_path / "page.html").read_text(encoding="utf-8")
    printed = {line.replace(f">{name}<", "><") for line in re.findall(r"<tr>.*?</tr>", page, re.S) for name in names
               if f">{name}<" in line}  # fmt: skip
    assert len(printed) == 1
    assert WITHHELD in printed.pop()


def test_d21_finalising_without_reasons(tmp_path: Path) -> None:
    """Signed by nobody, let through for no reason, or written down nowhere: none of these becomes final."""
    published = small_release()
    document = small_document(published)
    where = {"definition": "done@1", "by": "site", "group": "East"}
    for reason in ("", "because", "........", None):
        with pytest.raises(DisclosureError, match="reason"):
            Override("A. Person", reason, date(2026, 6, 30), where)  # type: ignore[arg-type]

    def write(name: str, **options: Any) -> list[Path]:
        return write_release(document, published, tmp_path, name, **options)

    past = Past.read(tmp_path / LEDGER_FILE, "2.1")
    with pytest.raises(DisclosureError, match="ledger"):
        write("a", past=Past(), sign_off=SignOff("A. Person", date(2026, 1, 31)))
    with pytest.raises(DisclosureError, match="name"):
        write("b", past=past, sign_off=SignOff("tbd", date(2026, 1, 31)))
    override = Override("A. Person", "Everyone counted agreed in writing", date(2026, 1, 30), where)
    with pytest.raises(DisclosureError, match="expired"):
        write("c", past=past, overrides=[override], sign_off=SignOff("A. Person", date(2026, 1, 31)))
    assert not [file for file in tmp_path.iterdir() if file.name.endswith((".manifest.json", ".jsonl"))]

    *_, manifest = write("d", past=past)
    said = json.loads(manifest.read_text(encoding="utf-8"))
    assert (said["state"], said["signed_off_by"]) == ("draft", None)
    assert not (tmp_path / LEDGER_FILE).exists()
    *_, manifest = write("e", past=past, sign_off=SignOff("A. Person", date(2026, 1, 31)))
    said = json.loads(manifest.read_text(encoding="utf-8"))
    assert (said["state"], said["signed_off_by"], said["policy"]["name"]) == ("final", "A. Person", "cms")
    assert set(said["checked"]["rows"]) >= set(RULES)
    assert said["checked"]["withheld"] == sum(said["checked"]["rows"].values()) == 1
    assert said["known_limits"]
    (entry,) = Ledger(tmp_path / LEDGER_FILE).entries()
    assert (entry.release_id, entry.signed_off_by) == (published.release_id, "A. Person")
