"""How first stays end at two levels of care, as placed and once people are made alike, by hand.

See docs/definitions/comparison.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tables import one, records

import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.library import find_definition
from iop_outcomes.publication.figures import FIGURES, to_svg

PROGRAMS = """
    program | label     | level_of_care | planned_weeks
    --------+-----------+---------------+--------------
    north   | North IOP | 2.1           | 8
    house   | The House | 3.5           | 4
"""
#: Housing, where care began, people, of whom left before completing on day 10, and the day the others completed. As placed
#: 102 of 180 completed after IOP and 96 of 180 after residential care. In stable and in unstable housing alike it is 10
#: points fewer.
WORLD = (
    ("stable", "north", 120, 36, 40),
    ("stable", "house", 60, 12, 20),
    ("unstable", "north", 60, 42, 40),
    ("unstable", "house", 120, 72, 20),
)
HOUSING: dict[str, Any] = {"adjust": ("housing",), "at": (30, 60)}


def people(world: tuple[tuple[str, str, int, int, int], ...] = WORLD, **columns: Any) -> pd.DataFrame:
    lines = [
        {
            "housing": housing,
            "program_id": program,
            "discharge_day": str(10 if place < left else day),
            "end_reason": "left_early" if place < left else "completed",
        }
        for housing, program, size, left, day in world
        for place in range(size)
    ]
    frame = pd.DataFrame(lines).assign(either_level="yes", **columns)
    return frame.assign(episode_id=[f"e{place}" for place in range(len(frame))])


def read(frame: pd.DataFrame) -> iop.Records:
    """A session on the day of discharge, so that the last contact is the discharge; on day 0 where there is none."""
    days = frame["discharge_day"].where(frame["discharge_day"] != "", "0")
    return records(frame, pd.DataFrame({"episode_id": frame["episode_id"], "day": days}), None, PROGRAMS)


@pytest.fixture(scope="module")
def compared() -> iop.Estimates:
    return iop.compare_endings(read(people()), **HOUSING)


def numbers(found: iop.Estimates, definition: str, category: str, at: int) -> list[float]:
    """After IOP, after residential care, and the difference."""
    rows = found.where(definition=f"{definition}@1", category=f"endings/{category}", at=at).frame
    assert rows["group"].tolist() == ["2.1", "3.5", "2.1"]
    assert rows["reference"].isna().tolist() == [True, True, False]
    return rows["value"].tolist()


@pytest.mark.parametrize(
    ("category", "at", "crude", "adjusted"),
    [
        ("completed", 60, (102 / 180, 96 / 180), (0.5, 0.6)),
        ("completed", 30, (0.0, 96 / 180), (0.0, 0.6)),
        ("left_early", 60, (78 / 180, 84 / 180), (0.5, 0.4)),
        ("left_early", 30, (78 / 180, 84 / 180), (0.5, 0.4)),
        ("in_programme", 30, (102 / 180, 0.0), (0.5, 0.0)),
        ("in_programme", 60, (0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_shares_by_day_as_placed_and_made_alike(
    compared: iop.Estimates, category: str, at: int, crude: tuple[float, float], adjusted: tuple[float, float]
) -> None:
    """Overlap weights count both kinds of housing alike: completed (70 + 30)/2 % after IOP, (80 + 40)/2 % after residential."""
    for definition, (one_level, other) in (("level_crude_ending", crude), ("level_effect_ending", adjusted)):
        found = numbers(compared, definition, category, at)
        assert found == pytest.approx([one_level, other, one_level - other], abs=1e-9), definition


@pytest.mark.parametrize(
    ("name", "category", "adjusted"),
    [
        ("days", "in_programme", (25.0, 16.0)),
        ("days_lost", "completed", (10.0, 24.0)),
        ("days_lost", "left_early", (25.0, 20.0)),
    ],
)
def test_days_in_the_programme_and_lost_add_to_the_horizon(
    compared: iop.Estimates, name: str, category: str, adjusted: tuple[float, float]
) -> None:
    """IOP: half leave on day 10, half complete on day 40. Residential: 40 % leave on day 10, 60 % complete on day 20."""
    one_level, other = adjusted
    found = numbers(compared, f"level_effect_{name}", category, 60)
    assert found == pytest.approx([one_level, other, one_level - other])


def test_what_was_counted_stands_beside_what_was_made_alike(compared: iop.Estimates) -> None:
    rows = compared.where(category="endings/completed", at=60, group="2.1", by="level_of_care").frame
    counted = rows[rows["definition"] == "level_crude_ending@1"].iloc[0]
    adjusted = rows[rows["definition"] == "level_effect_ending@1"].iloc[0]
    assert (counted["estimand"], counted["method"]) == ("cumulative_incidence", "Aalen–Johansen, as placed")
    assert (adjusted["estimand"], adjusted["design_word"]) == ("adjusted_proportion", "estimated_effect")
    for name in ("n", "denominator", "people", "n_missing"):
        assert counted[name] == adjusted[name] == {"n": 102, "n_missing": 0}.get(name, 180)
    gap = compared.where(definition="level_crude_ending@1", estimand="difference").frame
    assert set(gap["design_word"]) == {"associated"}


def parts_of(found: iop.Estimates, definition: str) -> pd.DataFrame:
    rows = found.where(definition=[f"{definition}@1"]).frame
    return rows.assign(apart=rows["reference"].notna())


def test_the_parts_add_to_one_and_differences_to_nothing() -> None:
    """Three more reasons and people still in the programme among them."""
    frame = people().sample(frac=1, random_state=6, ignore_index=True)
    frame.loc[:20, "end_reason"] = "terminated"
    frame.loc[21:50, "end_reason"] = "transferred"
    frame.loc[51:60, ["end_reason", "discharge_day"]] = ["died", "33"]
    frame.loc[61:90, ["end_reason", "discharge_day"]] = ""
    frame["admission_date"] = np.where(frame.index.isin(range(61, 91)), "2025-12-06", "2025-01-06")
    found = iop.compare_endings(read(frame), **HOUSING)
    for reading in ("crude", "effect"):
        shares = parts_of(found, f"level_{reading}_ending")
        assert len(set(shares["category"])) == 6
        totals = shares.groupby(["at", "group", "apart"])["value"].sum()
        assert totals.xs(False, level="apart").to_numpy() == pytest.approx(np.ones(4))
        assert totals.xs(True, level="apart").to_numpy() == pytest.approx(np.zeros(2), abs=1e-9)
        days = pd.concat([parts_of(found, f"level_{reading}_{name}") for name in ("days", "days_lost")])
        assert days[~days["apart"]].groupby("group")["value"].sum().to_numpy() == pytest.approx([60, 60])


def test_people_last_seen_in_the_programme_count_until_then() -> None:
    """12 of the 102 who would complete after IOP were admitted 20 days before the records end. All 90 of the others still in
    on day 20 complete, so that 102/180 do; those last seen are counted as missing from then on."""
    frame = people()
    late = frame.index[(frame["program_id"] == "north") & (frame["end_reason"] == "completed")][:12]
    frame["admission_date"] = "2025-01-06"
    frame.loc[late, ["discharge_day", "end_reason", "admission_date"]] = ["", "", "2025-12-11"]
    found = iop.compare_endings(read(frame), **HOUSING)
    row = one(found, "level_crude_ending", by="level_of_care", group="2.1", category="endings/completed", at=60, n=90)
    assert row["value"] == pytest.approx(102 / 180)
    assert (row["denominator"], row["n_missing"]) == (180, 12)
    still = one(found, "level_crude_ending", by="level_of_care", category="endings/in_programme", at=30, n=102)
    assert still["value"] == pytest.approx(102 / 180)
    assert numbers(found, "level_effect_ending", "completed", 60) == pytest.approx([0.5, 0.6, -0.1])


def test_a_day_nobody_was_followed_to_has_no_share() -> None:
    """After IOP those who do not leave on day 10 were all last seen on day 20."""
    frame = people()
    late = (frame["program_id"] == "north") & (frame["end_reason"] == "completed")
    frame["admission_date"] = np.where(late, "2025-12-11", "2025-01-06")
    frame.loc[late, ["discharge_day", "end_reason"]] = ""
    found = iop.compare_endings(read(frame), **HOUSING)
    for definition in ("level_crude_ending", "level_effect_ending"):
        rows = found.where(definition=f"{definition}@1", category="endings/left_early", at=30).frame
        assert rows["status"].tolist() == ["not_estimable", "ok", "not_estimable"]
        assert rows["note"].tolist()[::2] == ["nobody was followed to this day"] * 2


def test_where_a_level_has_nobody_the_difference_has_no_range(compared: iop.Estimates) -> None:
    """Nobody has completed after IOP by day 30, and nobody is in residential care any more."""
    for definition in ("level_crude_ending", "level_effect_ending"):
        for category in ("completed", "in_programme"):
            rows = compared.where(definition=f"{definition}@1", category=f"endings/{category}", at=30).frame
            gap = rows[rows["estimand"] == "difference"].iloc[0]
            assert gap["status"] == "ok"
            assert np.isnan(gap["ci_low"])
            assert gap["note"] == "no range: in one of the levels nobody or everybody"


def test_whose_effect_it_is_changes_the_weights() -> None:
    """Those who went to IOP are two to one in stable housing: (2 × 80 + 40)/3 % would have completed after residential care."""
    found = iop.compare_endings(read(people()), estimand="ATT", **HOUSING)
    assert numbers(found, "level_effect_ending", "completed", 60) == pytest.approx(
        [102 / 180, 2 / 3, 102 / 180 - 2 / 3]
    )


# The gate


def effects(found: iop.Estimates) -> pd.DataFrame:
    return found.frame[found.frame["definition"].str.startswith("level_effect")]


def test_too_few_people_are_refused_and_the_plain_figures_stay() -> None:
    """A quarter of everybody: 40 effective people in each level."""
    world = tuple((housing, program, size // 4, left // 4, day) for housing, program, size, left, day in WORLD)
    found = iop.compare_endings(read(people(world)), **HOUSING)
    refused = effects(found)
    assert set(refused["status"]) == {"not_estimable"}
    assert refused["value"].isna().all()
    (note,) = set(refused["note"])
    assert "count for 40 (at least 50 is asked for); about 1.3 times as many would mend it" in note
    assert len(refused) == len(found.frame[found.frame["definition"].str.startswith("level_crude")])
    assert numbers(found, "level_crude_ending", "completed", 60)[0] == pytest.approx(26 / 45)
    assert len(found.where(definition="level_balance_after@1", estimand="smd"))


def test_without_a_level_there_is_nothing_to_compare() -> None:
    found = iop.compare_endings(read(people(WORLD[::2])), **HOUSING)
    (note,) = set(effects(found)["note"])
    assert "began in level 3.5" in note
    unjudged = iop.compare_endings(read(people().assign(either_level="")), **HOUSING)
    assert "began in level 2.1 and 3.5" in effects(unjudged)["note"].iloc[0]
    assert one(unjudged, "level_placement", category="endings/not_judged")["n"] == 360


# What is asked, and what may be published


def test_the_protocol_is_kept_and_says_what_is_asked(compared: iop.Estimates) -> None:
    said = dict(compared.settings["endings_protocol"].describe())
    assert "how do first stays end, and by when, where care begins in 2.1 (intensive outpatient)" in said["Question"]
    assert "by day 30, 60; days lost to each ending up to day 60" in said["Ending"]
    assert "died: an ending of its own, by its day; came back: not counted" in said["What may come between"]
    assert said["Whose effect"].startswith("ATO")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"treated": "9"}, "levels of care"),
        ({"control": "2.1"}, "two different levels"),
        ({"estimand": "LATE"}, "estimand is one of"),
        ({"at": ()}, "list of whole days"),
        ({"at": (0, 30)}, "list of whole days"),
        ({"at": (30.5,)}, "list of whole days"),
        ({"adjust": ()}, "at least one column"),
        ({"adjust": ("exit_day",)}, "known at admission"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        iop.compare_endings(read(people()), **{**HOUSING, **wrong})


def test_the_order_of_the_records_does_not_matter(compared: iop.Estimates) -> None:
    shuffled = people().sample(frac=1, random_state=4)
    again = iop.compare_endings(read(shuffled.assign(episode_id="z" + shuffled["episode_id"])), **HOUSING)
    pd.testing.assert_frame_equal(again.frame, compared.frame, rtol=1e-12, atol=1e-12)


def test_every_row_carries_the_measure_and_unit_of_its_definition(compared: iop.Estimates) -> None:
    for row in compared.rows():
        definition = find_definition(row["definition"])
        assert row["measure"] == "comparison"
        assert row["estimand"] == "diagnostic" or row["unit"] == definition.unit, definition.id
        assert row["design_word"] == definition.design_word or row["estimand"] == "difference"


def twins(published: Any) -> pd.DataFrame:
    """Whether each adjusted number and the plain one beside it were withheld."""
    frame = published.frame[published.frame["definition"].str.contains("_crude_|_effect_")].copy()
    frame["own"] = frame["definition"].str.replace("_crude_|_effect_", "_", regex=True)
    frame["reading"] = frame["definition"].str.extract("_(crude|effect)_")[0]
    frame["apart"] = frame["reference"].notna()
    keys = ["own", "category", "at", "group", "apart"]
    return frame.assign(gone=frame["status"] == "withheld").pivot(index=keys, columns="reading", values="gone")


def test_what_is_published_is_what_may_be_counted(compared: iop.Estimates) -> None:
    open_rows = twins(iop.publish(compared))
    assert not open_rows.to_numpy().any()
    assert twins(iop.publish(compared, audience="internal")).equals(open_rows)


@pytest.mark.parametrize("few", [1, 5, 9])
def test_a_few_people_give_nothing_away(few: int) -> None:
    """A few people moved to another level on day 25 after IOP, and as many after residential care: neither the plain nor the
    adjusted share of them may stand, nor the days lost, and whatever plain share goes takes the adjusted one with it."""
    frame = people()
    for program in ("north", "house"):
        some = frame.index[(frame["program_id"] == program) & (frame["end_reason"] == "completed")][:few]
        frame.loc[some, ["discharge_day", "end_reason"]] = ["15", "transferred"]
    found = twins(iop.publish(iop.compare_endings(read(frame), **HOUSING)))
    assert not (found["crude"] & ~found["effect"]).any(), found[found["crude"] & ~found["effect"]]
    moved = found.xs("endings/transferred", level="category")
    assert moved.to_numpy().all()
    assert not found.xs("endings/in_programme", level="category").to_numpy().all()


# What is drawn


def test_the_figure_says_its_own_numbers(compared: iop.Estimates) -> None:
    kind, rows = FIGURES["endings_by_level"], iop.publish(compared)
    said = kind.describe(rows)
    assert "Completed, as placed: 57% by day 60 where care began in intensive outpatient, 53% by day 60" in said
    assert "Completed, made alike: 50% by day 60 where care began in intensive outpatient, 60% by day 60" in said
    lines = {line[:2]: line for line in kind.tabulate(rows).rows}
    assert set(lines) == {
        (name, day)
        for name in ("Completed", "Left before completing", "Still in the programme")
        for day in ("30", "60")
    }
    assert lines["Completed", "60"][-1].startswith("-10 points (")
    assert to_svg(kind.draw(rows), "e") == to_svg(kind.draw(rows), "e")
    assert "Nothing to show yet" in kind.describe(rows.where(measure="hours"))
    assert to_svg(kind.draw(rows.where(measure="hours")), "e").startswith("<svg")


def test_a_refusal_is_drawn_as_words_under_the_plain_lines() -> None:
    world = tuple((housing, program, size // 4, left // 4, day) for housing, program, size, left, day in WORLD)
    rows = iop.publish(iop.compare_endings(read(people(world)), **HOUSING), audience="internal")
    kind = FIGURES["endings_by_level"]
    assert "Made alike: not estimated. After weighting the people in level 3.5 count for 40" in kind.describe(rows)
    assert "Completed, as placed: 58% by day 60" in kind.describe(rows)
    (legend,) = kind.draw(rows).legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "Intensive outpatient, as placed",
        "Residential, high intensity, as placed",
    ]
