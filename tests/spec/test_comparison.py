"""Two levels of care among people who could have gone to either (docs/definitions/comparison.md), by hand."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tables import one, records

import iop_outcomes as iop
from iop_outcomes.cli import main
from iop_outcomes.comparison.balance import LEAST_LEVEL, read_baseline
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.library import find_definition
from iop_outcomes.publication.document import FigureBlock, Note, TextTable
from iop_outcomes.publication.figures import FIGURES, to_svg
from iop_outcomes.reports.pages.comparison import build_comparison
from iop_outcomes.reports.reading import Reading

PROGRAMS = """
    program | label     | level_of_care | planned_weeks
    --------+-----------+---------------+--------------
    north   | North IOP | 2.1           | 8
    house   | The House | 3.5           | 4
"""
#: Housing, where care began, people, of whom abstinent. Within stable and within unstable housing 10 points fewer are
#: abstinent after IOP; as placed it is 84 of 180 against 78 of 180, 3 points more.
WORLD = (
    ("stable", "north", 120, 72),
    ("stable", "house", 60, 42),
    ("unstable", "north", 60, 12),
    ("unstable", "house", 120, 36),
)
HOUSING = {"adjust": ("housing",)}


def people(world: tuple[tuple[str, str, int, int], ...] = WORLD, **columns: Any) -> pd.DataFrame:
    lines = [
        {"housing": housing, "program_id": program, "abstinent": place < sober}
        for housing, program, size, sober in world
        for place in range(size)
    ]
    frame = pd.DataFrame(lines).assign(either_level="yes", discharge_day="20", end_reason="completed", **columns)
    return frame.assign(episode_id=[f"e{place}" for place in range(len(frame))])


def read(frame: pd.DataFrame, silent: pd.Series | None = None) -> iop.Records:
    said = pd.DataFrame(
        {
            "episode_id": frame["episode_id"],
            "day": "180",
            "month": "6",
            "point": "followup",
            "instrument": "abstinent_30",
            "result": np.where(frame["abstinent"], "negative", "positive"),
        }
    )
    return records(
        frame.drop(columns="abstinent"), None, said if silent is None else said[~silent.to_numpy()], PROGRAMS
    )


@pytest.fixture(scope="module")
def compared() -> iop.Estimates:
    return iop.compare_levels(read(people()), **HOUSING)


def side(found: iop.Estimates, definition: str, level: str) -> float:
    return float(one(found, definition, by="level_of_care", group=level, reference=[None, np.nan])["value"])


def gap(found: iop.Estimates, definition: str = "level_effect") -> dict[str, Any]:
    return one(found, definition, by="level_of_care", estimand="difference")


def test_the_plain_difference_and_the_adjusted_one(compared: iop.Estimates) -> None:
    """Overlap weights count stable and unstable housing alike: (60 + 20)/2 % after IOP, (70 + 30)/2 % after residential."""
    crude = compared.where(definition="level_crude@1", estimand="proportion").frame
    assert crude[["n", "denominator"]].to_numpy().tolist() == [[84, 180], [78, 180]]
    assert gap(compared, "level_crude")["value"] == pytest.approx(84 / 180 - 78 / 180)
    assert gap(compared, "level_crude")["design_word"] == "associated"
    adjusted = compared.where(definition="level_effect@1", estimand="adjusted_proportion").frame
    assert adjusted["value"].tolist() == pytest.approx([0.4, 0.5])
    assert gap(compared)["value"] == pytest.approx(-0.1)
    assert gap(compared)["design_word"] == "estimated_effect"
    assert gap(compared)["reference"] == "3.5"
    assert gap(compared)["people"] == 360


@pytest.mark.parametrize(("method", "estimand"), [("weighting", "ATE"), ("aipw", "ATE"), ("standardisation", "ATE")])
def test_every_method_finds_it_where_groups_are_few(method: str, estimand: str) -> None:
    """Among everybody stable and unstable housing are as frequent, so the shares are the same (no interaction on the scale of
    shares is not none on that of log odds: a regression without products comes close)."""
    found = iop.compare_levels(read(people()), method=method, estimand=estimand, **HOUSING)
    near = 0.01 if method == "standardisation" else 1e-9
    assert gap(found)["value"] == pytest.approx(-0.1, abs=near)


def test_whose_effect_it_is_changes_the_weights() -> None:
    """With 30 of 120 abstinent after IOP in stable housing the difference is -45 points there and -10 in unstable: those who
    went to IOP are two to one in stable housing, those who went to residential care one to two."""
    world = (("stable", "north", 120, 30), *WORLD[1:])
    for estimand, expected in (("ATT", (2 * -0.45 - 0.1) / 3), ("ATC", (-0.45 - 0.2) / 3), ("ATO", -0.275)):
        found = iop.compare_levels(read(people(world)), estimand=estimand, **HOUSING)
        assert gap(found)["value"] == pytest.approx(expected), estimand


def test_balance_before_and_after(compared: iop.Estimates) -> None:
    """Two in three against one in three in stable housing: (1/3) over the root of 2/9."""
    for name, expected in (("before", 1 / 3 / np.sqrt(2 / 9)), ("after", 0.0)):
        row = one(compared, f"level_balance_{name}", category="abstinent/housing/stable", estimand="smd")
        assert row["value"] == pytest.approx(expected, abs=1e-9)
    row = one(compared, "level_balance_before", category="abstinent/housing/stable", unit="distance")
    assert row["value"] == pytest.approx(1 / 3)


def test_how_many_people_the_weights_are_worth(compared: iop.Estimates) -> None:
    """IOP: 120 people count 1/3 and 60 count 2/3: 80² over (120/9 + 240/9) is 160. All lie where the other level has people."""
    sizes = compared.where(definition="level_support@1", category="abstinent/effective").frame["value"]
    assert sizes.tolist() == pytest.approx([160, 160])
    assert one(compared, "level_support", category="abstinent/outside_support")["value"] == 0
    middle = one(compared, "level_support", category="abstinent/weight_p50", by="level_of_care", group="2.1")
    assert middle["value"] == pytest.approx((1 / 3) / (80 / 180))


def test_the_e_value_and_its_yardstick(compared: iop.Estimates) -> None:
    """The ratio is 0.4/0.5; turned round 1.25, so 1.25 + √(1.25 × 0.25). Without housing the plain ratio 84/78 is left, which
    is 1.346 times as much."""
    row = one(compared, "level_evalue", by="level_of_care")
    assert row["value"] == pytest.approx(1.25 + np.sqrt(1.25 * 0.25))
    left = one(compared, "level_left_out", by="level_of_care")
    assert left["value"] == pytest.approx(84 / 180 - 78 / 180)
    moved = (84 / 78) / 0.8
    row = one(compared, "level_left_out_evalue", by="level_of_care")
    assert row["value"] == pytest.approx(moved + np.sqrt(moved * (moved - 1)))


def test_the_chance_of_placement_is_shown_in_classes_only(compared: iop.Estimates) -> None:
    counted = compared.where(definition="level_chance@1", group="2.1").frame
    assert counted.set_index("category")["n"].loc[lambda n: n > 0].to_dict() == {
        "abstinent/0.3 to 0.4": 60,
        "abstinent/0.6 to 0.7": 120,
    }
    weighted = compared.where(definition="level_chance_weighted@1", group="2.1").frame.set_index("category")["value"]
    assert weighted["abstinent/0.3 to 0.4"] == pytest.approx(0.5)


def test_people_who_could_not_have_gone_to_either_are_told_apart() -> None:
    """30 of the 120 in unstable housing and residential care could only go there (the first 30 of them abstinent), 5 were not
    judged; 325 are left to compare."""
    frame = people()
    where = frame.index[(frame["housing"] == "unstable") & (frame["program_id"] == "house")]
    frame.loc[where[:30], "either_level"] = "no"
    frame.loc[where[30:35], "either_level"] = ""
    found = iop.compare_levels(read(frame), **HOUSING)
    views = found.where(definition="level_placement@1", by="all").frame.set_index("category")["n"]
    assert views.to_dict() == {
        "abstinent/compared": 325,
        "abstinent/not_followed": 0,
        "abstinent/one_level_only": 30,
        "abstinent/not_judged": 5,
    }
    apart = one(found, "level_apart", by="level_of_care", group="3.5")
    assert (apart["n"], apart["denominator"]) == (30, 30)
    assert one(found, "level_crude", by="level_of_care", group="3.5")["n"] == 78 - 35


def test_only_first_admissions_are_compared_and_who_came_to_nothing_is_among_them() -> None:
    again = people().assign(person_id=lambda frame: frame["episode_id"])
    second = again.head(40).assign(episode_id=[f"x{place}" for place in range(40)], admission_date="2025-04-06")
    both = pd.concat([again.assign(admission_date="2025-01-06"), second], ignore_index=True)
    found = iop.compare_levels(read(both), **HOUSING)
    assert one(found, "level_support", category="abstinent/compared")["n"] == 360


def test_people_not_reached_are_counted_in_four_ways() -> None:
    """24 abstinent people in stable housing after IOP were not reached. As using: (48/120 + 20 %)/2 = 30 % against 50 %; as
    abstinent: 40 % against 50 %, which is also the most it could be."""
    frame = people()
    silent = (frame["housing"] == "stable") & (frame["program_id"] == "north") & frame["abstinent"]
    silent &= silent.cumsum() <= 24
    found = iop.compare_levels(read(frame, silent), **HOUSING)
    expected = {"using": (0.3, 0.5), "sober": (0.4, 0.5), "least": (0.3, 0.5), "most": (0.4, 0.5)}
    for way, shares in expected.items():
        pair = found.where(definition=f"level_missing_{way}@1", estimand="adjusted_proportion").frame
        assert pair["value"].tolist() == pytest.approx(shares), way
        assert pair["n_missing"].tolist() == [24, 0]
    reached = found.where(definition="level_reached@1").frame
    assert reached[["n", "denominator"]].to_numpy().tolist() == [[156, 180], [180, 180]]
    responders = found.where(definition="level_effect@1", estimand="adjusted_proportion").frame["value"]
    assert responders[0] < 0.4
    assert gap(found)["n_missing"] == 24


@pytest.mark.parametrize(
    ("outcome", "at", "expected"),
    [("retained", 30, 1 / 3), ("completed", 30, 1 / 3), ("days_in_care", 30, -10.0)],
)
def test_outcomes_of_the_stay_itself(outcome: str, at: int, expected: float) -> None:
    """IOP: all complete on day 20; residential: on day 10 a third leave, two thirds go on, complete on day 40 for retained.
    Retained and completed by day 30: all against two thirds, or all against two thirds where they complete on day 20 too.
    Days of the first 30: 20 against a third of 10 and two thirds of 40, cut at 30: 10/3 + 20."""
    frame = people()
    house = frame["program_id"] == "house"
    third = house & (frame.groupby(["housing", "program_id"]).cumcount() % 3 == 0)
    frame.loc[house, "discharge_day"] = "20" if outcome == "completed" else "40"
    frame.loc[third, ["discharge_day", "end_reason"]] = ["10", "left_early"]
    found = iop.compare_levels(
        records(frame.drop(columns="abstinent"), sessions(frame), None, PROGRAMS), outcome=outcome, at=at, **HOUSING
    )
    if outcome == "days_in_care":
        expected = 20 - (10 / 3 + 20)
    definition = "level_effect_days" if outcome == "days_in_care" else "level_effect"
    assert gap(found, definition)["value"] == pytest.approx(expected)


def sessions(frame: pd.DataFrame) -> pd.DataFrame:
    """A session on the day of discharge, so that the last contact is the discharge."""
    return pd.DataFrame({"episode_id": frame["episode_id"], "day": frame["discharge_day"]})


# The gate


def refused(found: iop.Estimates) -> str:
    rows = found.where(definition="level_effect@1").frame
    assert (rows["status"] == "not_estimable").all()
    assert rows["value"].isna().all()
    assert not len(found.where(definition=["level_left_out@1", "level_missing_using@1"]))
    (note,) = set(rows["note"])
    assert "would mend it" in note
    return str(note)


def test_too_few_people_are_refused_and_the_plain_figures_stay() -> None:
    """A quarter of everybody: 40 effective people in each level."""
    world = tuple((housing, program, size // 4, sober // 4) for housing, program, size, sober in WORLD)
    found = iop.compare_levels(read(people(world)), **HOUSING)
    assert "count for 40 (at least 50 is asked for); about 1.3 times as many" in refused(found)
    plain = one(found, "level_crude", by="level_of_care", group="2.1", estimand="proportion")
    assert plain["value"] == pytest.approx(84 / 180)
    assert len(found.where(definition="level_balance_after@1", estimand="smd"))


def test_where_placement_follows_what_was_recorded_nobody_is_alike() -> None:
    world = (("stable", "north", 180, 100), ("unstable", "house", 180, 60))
    found = iop.compare_levels(read(people(world)), **HOUSING)
    assert "tells wholly who went where" in refused(found)
    assert len(found.where(definition="level_balance_before@1", estimand="smd"))
    assert not len(found.where(definition="level_balance_after@1"))


def test_people_unlike_everyone_of_the_other_level_are_too_many() -> None:
    """Age alone: IOP from 20, residential from 30 to 69; 100 of 500 are younger than anybody in residential care."""
    ages = [*np.tile(np.arange(20, 70), 5), *np.tile(np.arange(30, 80), 5)]
    frame = people((("stable", "north", 250, 125), ("stable", "house", 250, 125))).assign(
        age=[str(age) for age in ages]
    )
    found = iop.compare_levels(read(frame), adjust=("age",))
    assert "20.0% of the people are unlike everyone" in refused(found)


def test_where_weights_do_not_make_people_alike_the_estimate_is_refused() -> None:
    """Four in five of one level are 30 and a fifth 60, of the other 195 of 250 are 45: a straight line through the log odds
    does not tell who went where, and weights for everybody leave the ages apart. Overlap weights make the means equal."""
    ages = [*[30] * 200, *[60] * 50, *[30] * 50, *[45] * 195, *[60] * 5]
    frame = people((("stable", "north", 250, 125), ("stable", "house", 250, 125))).assign(
        age=[str(age) for age in ages]
    )
    found = iop.compare_levels(read(frame), adjust=("age",), estimand="ATE")
    assert "still differ in age by 0.28 standard deviations (under 0.1 is asked for)" in refused(found)
    assert gap(iop.compare_levels(read(frame), adjust=("age",)))["status"] == "ok"


def test_without_a_level_or_a_judgement_there_is_nothing_to_compare() -> None:
    found = iop.compare_levels(read(people(WORLD[::2])), **HOUSING)
    assert "began in level 3.5" in refused(found)
    unjudged = iop.compare_levels(read(people().assign(either_level="")), **HOUSING)
    assert "began in level 2.1 and 3.5" in refused(unjudged)
    assert one(unjudged, "level_placement", category="abstinent/not_judged")["n"] == 360


# What was known at admission


def test_what_is_not_recorded_is_a_category_of_its_own() -> None:
    few, many = LEAST_LEVEL - 1, LEAST_LEVEL
    housing = ["stable"] * 100 + ["unstable"] * 40 + ["homeless"] * few
    frame = pd.DataFrame({"housing": housing, "age": 40.0 + np.arange(len(housing)) % 9})
    made = read_baseline(frame, ("housing", "age", "gender") if "gender" in frame else ("housing", "age"))
    assert made.labels == ("housing/stable", "housing/unstable_or_other", "age")
    assert made.matrix[:, 1].sum() == 40 + few
    frame.loc[frame.index[:many], "housing"] = None
    frame.loc[frame.index[:many], "age"] = np.nan
    made = read_baseline(frame, ("housing", "age"))
    assert made.labels == (
        "housing/stable",
        "housing/unstable",
        "housing/other_or_not_recorded",
        "age",
        "age/not_recorded",
    )
    assert made.missing["housing"].sum() == many
    assert made.design("housing").shape[1] == 2
    assert made.design().shape[1] == 4


def test_what_nobody_recorded_is_said() -> None:
    found = iop.compare_levels(read(people()), adjust=("housing", "gender"))
    assert found.settings["not_recorded"] == ("gender",)
    assert gap(found)["value"] == pytest.approx(-0.1)


# The protocol


def test_the_protocol_is_kept_with_the_result_and_says_what_was_asked(compared: iop.Estimates) -> None:
    protocol = compared.settings["protocol"]
    assert protocol == iop.Protocol("2.1", "3.5", "abstinent", 180, "ATO", "weighting", ("housing",))
    parts = dict(protocol.describe())
    assert "180 days after admission" in parts["Question"]
    assert parts["Made alike in"].startswith("Housing")
    for event in ("left early", "another level", "jail", "died"):
        assert event in parts["What may come between"].lower()
    assert all(element in str(protocol) for element in parts)
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.at = 90
    costs = iop.Protocol("2.1", "3.5", "abstinent", 180, adjust=("age",), perspective="provider", price_year=2025)
    assert dict(costs.describe())["Prices of"] == "2025"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"treated": "9"}, "levels of care"),
        ({"control": "2.1"}, "two different levels"),
        ({"outcome": "happy"}, "outcome is one of"),
        ({"estimand": "LATE"}, "estimand is one of"),
        ({"method": "matching"}, "method is one of"),
        ({"method": "aipw"}, "choose estimand"),
        ({"method": "aipw", "estimand": "ATE", "outcome": "days_in_care"}, "days in care are compared"),
        ({"at": 0}, "whole number of days"),
        ({"at": 100}, "follow-up days"),
        ({"adjust": ()}, "at least one column"),
        ({"adjust": ("exit_day",)}, "known at admission"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        iop.compare_levels(read(people()), **{**HOUSING, **wrong})


def test_the_order_of_the_records_does_not_matter(compared: iop.Estimates) -> None:
    shuffled = people().sample(frac=1, random_state=4)
    again = iop.compare_levels(read(shuffled.assign(episode_id="z" + shuffled["episode_id"])), **HOUSING)
    pd.testing.assert_frame_equal(again.frame, compared.frame, rtol=1e-9, atol=1e-12)


# What is drawn and printed


def test_the_figures_say_their_own_numbers(compared: iop.Estimates) -> None:
    rows = iop.publish(compared, audience="internal")
    words = {name: FIGURES[name].describe(rows) for name in ("effect", "love", "overlap")}
    assert "As placed (people differ): 3 points" in words["effect"]
    assert "Made alike: -10 points" in words["effect"]
    assert "farthest housing: stable, 0.71. Weighted, the farthest is 0.00." in words["love"]
    assert "people of level 2.1, intensive outpatient: most often 60% to 70% (67%)" in words["overlap"]
    for name in words:
        drawing = FIGURES[name].draw(rows)
        assert to_svg(drawing, name) == to_svg(FIGURES[name].draw(rows), name)
        assert len(FIGURES[name].tabulate(rows).rows) >= 2


def test_a_refusal_is_drawn_as_words() -> None:
    frame = people((("stable", "north", 180, 100), ("unstable", "house", 180, 60)))
    frame["age"] = [str(20 + place % 7) for place in range(len(frame))]
    rows = iop.publish(iop.compare_levels(read(frame), adjust=("housing", "age")), audience="internal")
    assert "Made alike: not estimated. What was recorded at admission tells wholly" in FIGURES["effect"].describe(rows)
    assert "There are no weights" in FIGURES["love"].describe(rows)
    assert "Nothing to show yet" in FIGURES["overlap"].describe(rows)
    for name in ("effect", "love", "overlap"):
        assert to_svg(FIGURES[name].draw(rows), name).startswith("<svg")


def page(found: iop.Estimates, audience: str = "public") -> Any:
    contents: Any = None
    return build_comparison(Reading(iop.publish(found, audience=audience), contents, "2025-12-31"))


def text(blocks: Any) -> str:
    return " ".join(str(getattr(block, "text", "")) for block in blocks)


def test_the_page_says_both_differences_and_what_cannot_be_said(compared: iop.Estimates) -> None:
    made = page(compared)
    said = text(made.blocks)
    assert "an estimated 40% had gone thirty days without use at day 180" in said
    assert "-10 points" in said
    assert "As placed, without regard to who went where, the difference is 3 points" in said
    assert "points the other way" in said
    assert [block.id for block in made.blocks if isinstance(block, FigureBlock)] == [
        "effect-abstinent-180",
        "love-abstinent-180",
        "overlap-abstinent-180",
    ]
    assert any(isinstance(block, TextTable) and block.title == "What exactly is asked?" for block in made.blocks)


def test_the_page_says_why_there_is_no_comparison() -> None:
    world = (("stable", "north", 180, 100), ("unstable", "house", 180, 60))
    made = page(iop.compare_levels(read(people(world)), **HOUSING))
    assert "There is no adjusted comparison" in text(made.blocks)
    assert any(isinstance(block, Note) and "would mend it" in block.text for block in made.blocks)


def test_without_two_levels_the_page_says_so() -> None:
    found = iop.Estimates.from_rows([])
    assert "no two levels of care" in text(page(found).blocks)


def test_a_small_programme_gives_away_nothing() -> None:
    """Ten people not abstinent in a level: the plain share and everything made from it is withheld from the public."""
    world = (
        ("stable", "north", 100, 95),
        ("stable", "house", 100, 50),
        ("unstable", "north", 100, 95),
        ("unstable", "house", 100, 50),
    )
    released = iop.publish(iop.compare_levels(read(people(world)), **HOUSING)).frame.set_index("definition")
    for name in ("level_effect@1", "level_crude@1", "level_evalue@1", "level_evalue_limit@1", "level_left_out@1"):
        rows = released.loc[[name]]
        assert (rows.loc[rows["estimand"].isin(["difference", "tipping_point"]), "status"] == "withheld").all(), name


def test_every_row_carries_the_measure_and_unit_of_its_definition(compared: iop.Estimates) -> None:
    days = iop.compare_levels(read(people()), outcome="days_in_care", at=30, **HOUSING)
    seen = set()
    for row in [*compared.rows(), *days.rows()]:
        definition = find_definition(row["definition"])
        seen.add(definition.id)
        assert row["measure"] == "comparison"
        assert row["estimand"] == "diagnostic" or row["unit"] == definition.unit, definition.id
        assert row["design_word"] == definition.design_word or row["estimand"] == "difference"
    assert {"level_effect_days", "level_crude_days", "level_left_out_days", "level_evalue_limit"} <= seen


def test_the_command_prints_protocol_balance_verdict_and_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sample"
    main(["sample", str(folder), "--people", "120", "--seed", "3"])
    capsys.readouterr()
    assert main(["compare", str(folder), "--treated", "2.1", "--control", "3.5"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("INTERNAL SYNTHETIC")
    for words in (
        "Whose effect",
        "Who is compared",
        "Are the people alike",
        "There is no adjusted comparison",
        "would mend it",
    ):
        assert words in said
    assert not re.search(r"syn-[0-9a-z]*\d", said)
    assert main(["compare", str(folder), "--outcome", "happy"]) == 2
    assert "outcome is one of" in capsys.readouterr().err
