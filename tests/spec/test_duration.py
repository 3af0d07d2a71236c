"""Staying so long against leaving before, by clones that are censored and weighted, by hand.

See docs/methods/weighting.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tables import one, records

import iop_outcomes as iop
from iop_outcomes.comparison.weekly_state import read_weekly_state
from iop_outcomes.errors import UsageError
from iop_outcomes.statistics import clone_weights
from iop_outcomes.statistics.clone_censor import FORETOLD, NOBODY_LAST, NOBODY_LEFT, NOBODY_STAYED, SILENT

#: 40 people: 10 leave in week 1 (2 do well), 10 in week 2 (6 do well), 20 stay two weeks (14 do well).
DAY = np.repeat([3, 10, 14], [10, 10, 20])
LEFT = DAY < 14
WELL = np.concatenate([np.arange(size) < well for size, well in ((10, 2), (10, 6), (20, 14))]).astype(float)


def test_weights_are_products_of_the_inverse_of_staying() -> None:
    """10 of 40 leave in week 1, 10 of 30 in week 2: whoever stays counts 1/(3/4 · 2/3) = 2."""
    made = clone_weights(DAY, LEFT, stay=14)
    assert made.stay == pytest.approx(np.repeat([0, 0, 2], [10, 10, 20]))
    assert made.leave == pytest.approx(np.repeat([2, 2, 0], [10, 10, 20]))
    found = made.compare(WELL)
    assert found.strategies.treated.value == pytest.approx(14 / 20)
    assert found.strategies.reference.value == pytest.approx((2 + 6) / 20)
    assert (found.stay.people, found.stay.effective, found.stay.largest) == pytest.approx((20, 20, 1))


def test_left_to_themselves_until_the_last_week() -> None:
    """With grace "end" those of week 1 leave as they do, the 10 of week 2 stand for the 30 then there: (10 · .2 + 30 · .6)/40."""
    made = clone_weights(DAY, LEFT, stay=14, grace="end")
    assert made.leave == pytest.approx(np.repeat([1, 3, 0], [10, 10, 20]))
    assert made.compare(WELL).strategies.reference.value == pytest.approx(0.5)


def test_without_covariates_the_error_is_that_of_two_plain_shares() -> None:
    """The weights are constant, and how many stay says nothing of how well they do: .7 · .3/20 + .4 · .6/20."""
    gap = clone_weights(DAY, LEFT, stay=14).compare(WELL).strategies.difference
    assert gap.std_error == pytest.approx(np.sqrt(0.7 * 0.3 / 20 + 0.4 * 0.6 / 20))


def test_who_is_excused_keeps_both_clones_and_everybody_is_stood_for() -> None:
    """8 more are transferred in week 2: 10 of 48 leave in week 1, 10 of the 30 others in week 2. Whoever stays counts
    48/38 · 3/2, the transferred 48/38 for having lived through week 1; under leaving, week 1's and week 2's count alike."""
    day, left = np.append(DAY, np.repeat(9, 8)), np.append(LEFT, np.repeat(False, 8))
    for grace in ("usual", "end"):
        made = clone_weights(day, left, stay=14, grace=grace)
        assert made.stay[[0, 20, 40]] == pytest.approx([0, 48 / 38 * 3 / 2, 48 / 38])
        assert made.stay.sum() == pytest.approx(48)
        assert (made.leave[day == 14] == 0).all()
    gone, later = 10 / 48, 38 / 48 / 3  # leave in week 1, in week 2
    made = clone_weights(day, left, stay=14)
    assert made.leave[[0, 10]] == pytest.approx([1 / (gone + later)] * 2)
    assert made.leave[40] == pytest.approx((1 - gone / (gone + later)) / (1 - gone))
    assert made.leave.sum() == pytest.approx(48)


def test_a_week_nobody_leaves_in_changes_nothing() -> None:
    """The same people, the second ten a week later: week 2 is certain to be lived through."""
    later = np.where(DAY > 3, DAY + 7, DAY)
    made = clone_weights(later, LEFT, stay=21)
    assert made.stay.max() == pytest.approx(2)
    assert made.compare(WELL).strategies.difference.value == pytest.approx(0.3)


def test_people_alike_stand_for_each_other() -> None:
    """One week; 10 of 40 of one kind leave and 30 of 40 of the other: stayers count 4/3 and 4, leavers 4 and 4/3."""
    kind = np.repeat([0.0, 1.0], 40)
    left = np.concatenate([np.arange(40) < 10, np.arange(40) < 30])
    made = clone_weights(np.where(left, 2, 9), left, kind[:, None], stay=7)
    assert sorted(set(made.stay.round(9))) == pytest.approx([0, 4 / 3, 4])
    assert sorted(set(made.leave.round(9))) == pytest.approx([0, 4 / 3, 4])
    well = kind  # whoever is of the second kind does well, whatever they do: half of everybody
    found = made.compare(well).strategies
    assert (found.treated.value, found.reference.value) == pytest.approx((0.5, 0.5))
    assert found.difference.std_error < 1e-6, "what the covariates tell wholly carries no error of its own"


def test_answers_stand_for_people_not_reached() -> None:
    """10 of the 20 who stayed are silent and 8 of the 20 who left. All answers of a strategy have the same chance: it is the
    share of those reached, 4 of 10 and 6 of 12, weighted or not. Three unknown are too few for a model."""
    silent = WELL.copy()
    silent[[*range(20, 30), *range(8)]] = np.nan
    for answers, by in (("weights", "having stayed, covariates and last state"), ("complete", "")):
        made = clone_weights(DAY, LEFT, stay=14).compare(silent, answers=answers)
        assert made.answered_by == by
        assert made.strategies.treated.value == pytest.approx(0.4)
        assert made.strategies.reference.value == pytest.approx(6 / 12)
    few = WELL.copy()
    few[20:23] = np.nan
    assert clone_weights(DAY, LEFT, stay=14).compare(few).answered_by == ""
    bounds = clone_weights(DAY, LEFT, stay=14).compare(np.zeros(40), under_leave=np.ones(40)).strategies
    assert (bounds.treated.value, bounds.reference.value) == pytest.approx((0, 1))


@pytest.mark.parametrize(
    ("day", "left", "more", "reason"),
    [
        (np.repeat([3, 10], 20), np.repeat(True, 40), {}, NOBODY_STAYED),
        (np.repeat([14, 20], 20), np.repeat(True, 40), {}, NOBODY_LEFT),
        (np.repeat([3, 14], 20), np.repeat([True, False], 20), {"grace": "end"}, NOBODY_LAST),
        (DAY, LEFT, {"covariates": LEFT[:, None]}, FORETOLD),
    ],
)
def test_where_nobody_stands_for_somebody_there_is_no_figure(
    day: np.ndarray, left: np.ndarray, more: dict[str, Any], reason: str
) -> None:
    made = clone_weights(day, left, stay=14, **more)
    found = made.compare(np.ones(40))
    assert (made.reason, found.strategies.reason) == (reason, reason)
    assert np.isnan([found.strategies.difference.value, found.stay.effective, *made.stay]).all()


def test_without_an_answer_under_a_strategy_there_is_no_figure() -> None:
    assert clone_weights(DAY, LEFT, stay=14).compare(np.where(LEFT, WELL, np.nan)).strategies.reason == SILENT


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"stay": 0}, "above 0"),
        ({"grace": "none"}, "grace must be"),
        ({"left": LEFT[:5]}, "for each"),
        ({"exit_day": -DAY}, "0 or more"),
        ({"covariates": np.full((40, 1), np.nan)}, "missing"),
        ({"state": np.zeros((40, 3, 1))}, "for each interval"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        clone_weights(**{"exit_day": DAY, "left": LEFT, "stay": 14, **more})


def test_outcomes_that_cannot_be_are_refused() -> None:
    made = clone_weights(DAY, LEFT, stay=14)
    for arguments in ({"outcome": WELL[:3]}, {"outcome": WELL, "answers": "all"}):
        with pytest.raises(ValueError):
            made.compare(**arguments)


#: Housing, day of the exit, its reason, people, of whom abstinent at day 180. Within stable and unstable housing 20 points
#: more of those who stay a week are abstinent; as it looks it is 110 of 200 against 50 of 200, 30 points more.
WORLD = (
    ("stable", 3, "left_early", 50, 20),
    ("stable", 40, "completed", 150, 90),
    ("unstable", 3, "left_early", 150, 30),
    ("unstable", 40, "completed", 50, 20),
)
HOW = {"adjust": ("housing",), "stay": 7}


def people(world: tuple[tuple[str, int, str, int, int], ...] = WORLD) -> pd.DataFrame:
    lines = [
        {"housing": housing, "discharge_day": str(day), "end_reason": reason, "abstinent": place < sober}
        for housing, day, reason, size, sober in world
        for place in range(size)
    ]
    return pd.DataFrame(lines).assign(episode_id=[f"e{place}" for place in range(len(lines))])


def read(frame: pd.DataFrame, silent: np.ndarray | None = None, **more: Any) -> iop.Records:
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
    said = said if silent is None else said[~silent]
    outcomes = pd.concat([said, *more.pop("outcomes", [])]).fillna("")
    return records(
        frame.drop(columns="abstinent"), more.get("attendance"), outcomes, retention={"exit_rule": "discharge"}
    )


@pytest.fixture(scope="module")
def compared() -> iop.Estimates:
    return iop.compare_durations(read(people()), **HOW)


def gap(found: iop.Estimates, definition: str = "duration_effect") -> dict[str, Any]:
    return one(found, definition, by="duration", estimand="difference")


def side(found: iop.Estimates, definition: str, group: str) -> float:
    return float(one(found, definition, by="duration", group=group, reference=[None, np.nan])["value"])


def test_the_plain_difference_and_the_adjusted_one(compared: iop.Estimates) -> None:
    crude = compared.where(definition="duration_crude@1", estimand="proportion").frame
    assert crude[["group", "n", "denominator"]].to_numpy().tolist() == [["stay", 110, 200], ["leave", 50, 200]]
    assert set(crude["design_word"]) == {"described"}
    assert gap(compared, "duration_crude")["value"] == pytest.approx(0.3)
    assert gap(compared, "duration_crude")["design_word"] == "associated"
    assert side(compared, "duration_effect", "stay") == pytest.approx((0.6 + 0.4) / 2)
    assert side(compared, "duration_effect", "leave") == pytest.approx((0.4 + 0.2) / 2)
    effect = gap(compared)
    assert (effect["value"], effect["people"], effect["reference"]) == (pytest.approx(0.2), 400, "leave")
    assert effect["design_word"] == "estimated_effect"
    assert effect["note"] == "holds if nothing else decided both staying and outcome"
    assert effect["ci_low"] < 0.2 < effect["ci_high"]


def test_support_is_said_beside(compared: iop.Estimates) -> None:
    """150 people count 4/3 and 50 count 4: (200 + 200)² / (150 · 16/9 + 50 · 16) = 150."""
    for group in ("stay", "leave"):
        row = one(compared, "duration_support", category="abstinent/effective", by="duration", group=group)
        assert row["value"] == pytest.approx(150)
    assert one(compared, "duration_support", category="abstinent/largest_difference")["value"] == pytest.approx(
        0, abs=1e-9
    )
    assert one(compared, "duration_support", category="abstinent/cloned")["n"] == 400


def test_everybody_is_in_one_part_and_transfers_are_excused() -> None:
    """40 more are transferred on day 4, 10 admitted too late to be followed."""
    frame = people((*WORLD, ("stable", 4, "transferred", 40, 20)))
    late = people((("stable", 20, "completed", 10, 0),)).assign(admission_date="2025-11-01")
    late["episode_id"] = "late" + late["episode_id"]
    both = pd.concat([frame.assign(admission_date="2025-01-06"), late], ignore_index=True)
    found = iop.compare_durations(read(both, (both["admission_date"] > "2025-06").to_numpy()), **HOW)
    rows = found.where(definition="duration_strategies@1", by="all").frame
    assert rows[["category", "n"]].to_numpy().tolist() == [
        ["abstinent/stayed", 200],
        ["abstinent/ended_before", 240],
        ["abstinent/not_followed", 10],
    ]
    assert set(rows["denominator"]) == {450}
    excused = one(found, "duration_strategies", by="duration", group="leave")
    assert (excused["category"], excused["n"], excused["denominator"]) == ("abstinent/excused", 40, 240)
    # one week, and the 40 set aside in it: the others as before, with the 20 of 40 abstinent under both strategies
    stable, unstable = (200 * 0.6 + 20, 200 * 0.4 + 20), (200 * 0.4, 200 * 0.2)
    assert side(found, "duration_effect", "stay") == pytest.approx((stable[0] + unstable[0]) / 440)
    assert side(found, "duration_effect", "leave") == pytest.approx((stable[1] + unstable[1]) / 440)


def test_people_not_reached_are_bounded() -> None:
    """Every fifth person is silent: of either strategy's clones a fifth, counted against and for."""
    silent = np.arange(400) % 5 == 0
    found = iop.compare_durations(read(people(), silent), **HOW)
    least, most = gap(found, "duration_missing_least")["value"], gap(found, "duration_missing_most")["value"]
    assert least < gap(found)["value"] < most
    assert most - least == pytest.approx(0.4)
    assert side(found, "duration_missing_sober", "stay") - side(
        found, "duration_missing_using", "stay"
    ) == pytest.approx(0.2)
    assert gap(found)["n_missing"] == 80
    assert "inverse chance of a known outcome" in gap(found)["method"]


def test_the_e_value_is_of_the_ratio(compared: iop.Estimates) -> None:
    ratio = 0.5 / 0.3
    row = one(compared, "duration_evalue", by="duration")
    assert row["value"] == pytest.approx(ratio + np.sqrt(ratio * (ratio - 1)))
    assert 1 < one(compared, "duration_evalue_limit", by="duration")["value"] < row["value"]


@pytest.mark.parametrize(
    ("stay", "world", "says"),
    [
        (90, WORLD, "stayed to day 90 (the planned length is 56 days). An earlier day would mend it."),
        (2, WORLD, "left before day 2. A later day would mend it."),
        (7, (WORLD[0], WORLD[3]), "What was recorded tells wholly who leaves"),
        (7, (("stable", 3, "left_early", 40, 20), *WORLD[1:2]), "the people who left before day 7 count for 40"),
    ],
)
def test_a_refusal_says_what_would_mend_it(stay: int, world: Any, says: str) -> None:
    found = iop.compare_durations(read(people(world)), adjust=("housing",), stay=stay)
    refused = found.where(definition="duration_effect@1").frame
    assert len(refused) == 3
    assert (refused["status"] == "not_estimable").all()
    assert refused["note"].str.contains(says, regex=False).all(), refused["note"].iloc[0]
    assert refused["note"].str.contains("would mend it").all()
    assert not len(found.where(definition="duration_missing_using@1"))
    assert not len(found.where(definition="duration_evalue@1"))


def test_nobody_to_follow_is_a_result_of_its_own() -> None:
    frame = people().assign(admission_date="2025-11-01")
    found = iop.compare_durations(read(frame, np.full(400, True)), **HOW)
    assert one(found, "duration_strategies", category="abstinent/not_followed")["value"] == 1
    assert gap(found)["status"] == "not_estimable"


def test_clones_that_still_differ_are_refused() -> None:
    """Who answered goes by housing, differently among those who stayed: few of the unstable, so that the weighted differ."""
    frame = people()
    silent = ((frame["housing"] == "unstable") & (frame["discharge_day"] == "40")).to_numpy() & (
        np.arange(400) % 25 != 0
    )
    found = iop.compare_durations(read(frame, silent), **HOW)
    assert "under the two strategies still differ in housing" in gap(found)["note"]


def test_the_protocol_is_printed_and_kept(compared: iop.Estimates) -> None:
    protocol = compared.settings["duration_protocol"]
    assert protocol == iop.DurationProtocol("2.1", 7, "abstinent", 180, ("housing",))
    said = dict(protocol.describe())
    assert "Stay at least 7 days; leave before day 7" in said["What is compared"]
    assert "transferred, incarcerated: compatible with both" in said["What may come between"]
    assert all(element in str(protocol) for element in said)
    assert compared.settings["duration_states"] == ()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"level": "IOP"}, "level is one level"),
        ({"outcome": "retained"}, "made of the stay itself"),
        ({"stay": 0}, "between day 1"),
        ({"stay": 200}, "between day 1"),
        ({"stay": 7.5}, "whole numbers"),
        ({"at": 100}, "follow-up days"),
        ({"adjust": ()}, "at least one column"),
        ({"adjust": ("episode_id",)}, "known at admission"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        iop.compare_durations(read(people()), **{**HOW, **asked})


def test_only_what_stood_in_the_records_before_a_week_is_known_in_it() -> None:
    """Of 60 people 30 have a positive test on day 6 and a negative one on day 7, and miss the second of two sessions of week
    1. Before week 2 the positive one is known, before week 3 the negative one. The others are never tested."""
    frame = people((("stable", 40, "completed", 60, 30),))
    tested = frame["episode_id"].head(30)
    parts = [
        pd.DataFrame({"episode_id": tested, "day": day, "point": "week", "instrument": "urine", "result": result})
        for day, result in (("6", "positive"), ("7", "negative"))
    ]
    first = pd.DataFrame({"episode_id": frame["episode_id"], "day": "1"}).assign(status="attended")
    second = pd.DataFrame({"episode_id": frame["episode_id"], "day": "3"}).assign(status="attended")
    second.loc[:29, "status"] = "no_show"
    read_in = read(frame, outcomes=parts, attendance=pd.concat([first, second], ignore_index=True))
    cohort = iop.select_cohort(read_in, rung="admitted")
    numbers = cohort.episodes.select("episode_id", "episode_code").collect("pandas").to_native()
    stays = frame.rename(columns={"episode_id": "episode_code"}).merge(numbers, on="episode_code").assign(exit_day=40)
    found = read_weekly_state(cohort, stays, 3)
    assert found.names == ("used", "not_tested", "missed")
    assert found.values[0].T.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0.5, 0]]
    assert found.values[59].T.tolist() == [[0, 0, 0], [1, 1, 1], [0, 0, 0]]


def test_the_release_gate_takes_it(compared: iop.Estimates) -> None:
    """Nothing here is small. Where few stayed both the plain and the adjusted figures go; two days of staying in one release
    would give those between by subtraction, and are refused."""
    assert not (iop.publish(compared).frame["status"] == "withheld").any()
    few = iop.compare_durations(read(people((*WORLD, ("stable", 4, "incarcerated", 4, 2)))), **HOW)
    shown = iop.publish(few).frame
    assert (shown.loc[shown["category"] == "abstinent/excused", "status"] == "withheld").all()
    other = iop.compare_durations(read(people()), adjust=("housing",), stay=35)
    moved = iop.compare_durations(
        read(people((*WORLD, ("stable", 20, "left_early", 30, 10)))), adjust=("housing",), stay=35
    )
    assert len(iop.publish(compared, other))
    with pytest.raises(UsageError, match="differ"):
        iop.publish(compared, moved)
