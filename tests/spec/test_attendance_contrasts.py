"""One group's attendance beside another's: plain, among comparable people, and inside the same people."""

from __future__ import annotations

import pandas as pd
import pytest
from tables import one, records

from iop_outcomes import compare_attendance, measure_hours, select_cohort
from iop_outcomes.errors import UsageError

TWO_SITES = """
    program | label   | level_of_care | planned_weeks | required_hours | schedule
    --------+---------+---------------+---------------+----------------+---------
    north   | North   | 2.1           | 8             | 9              | evening
    south   | South   | 2.1           | 8             | 9              | day
"""
# Site, employment, people, sessions attended of 10 by each. Attendance depends on employment alone.
KINDS = [
    ("south", "unemployed", 30, 8),
    ("south", "full_time", 10, 5),
    ("north", "unemployed", 10, 8),
    ("north", "full_time", 30, 5),
]


def stays_of(kinds):
    rows = []
    for program, employment, people, came in kinds:
        for _ in range(people):
            name = f"e{len(rows)}"
            rows.append({"episode_id": name, "program_id": program, "employment": employment, "came": came})
    frame = pd.DataFrame(rows, dtype=object)
    return frame.assign(discharge_day="40", end_reason="left_early")


def sessions_of(stays, held=10, **columns):
    rows = [
        {"episode_id": stay.episode_id, "day": str(2 * place), "status": "attended" if place < stay.came else "no_show"}
        for stay in stays.itertuples()
        for place in range(held)
    ]
    frame = pd.DataFrame(rows, dtype=str)
    return frame.assign(service_type="group", hours_offered="3", **columns)


def cohort(kinds=KINDS, change=None, **more):
    stays = stays_of(kinds)
    sessions = sessions_of(stays)
    if change is not None:
        stays, sessions = change(stays, sessions)
    read = records(stays.drop(columns="came"), sessions, programs=TWO_SITES, **more)
    return select_cohort(read, rung="admitted")


@pytest.fixture(scope="module")
def two_sites():
    return cohort()


def test_schedules_that_serve_different_people_do_not_differ_among_comparable_people(two_sites):
    """Plain: evening 57.5 % of 400 sessions, day 72.5 %. Half of everybody works: 65 % in both."""
    found = compare_attendance(two_sites, by="schedule", reference="day", adjust=["employment"])
    shares = found.where(definition="held_sessions@1", estimand="proportion", by="schedule").frame
    assert shares.set_index("group")["value"].to_dict() == pytest.approx({"day": 0.725, "evening": 0.575})
    assert shares[["n", "denominator", "people"]].to_numpy().tolist() == [[290, 400, 40], [230, 400, 40]]
    plain = one(found, "held_sessions", by="schedule", estimand="difference")
    assert (plain["group"], plain["reference"], plain["category"]) == ("evening", "day", "attended")
    assert plain["value"] == pytest.approx(-0.15)
    assert (plain["n"], plain["denominator"], plain["people"]) == (520, 800, 80)
    assert plain["design_word"] == "associated"
    made = found.where(definition="attendance_adjusted@1", estimand="adjusted_proportion").frame
    assert made.set_index("group")["value"].to_dict() == pytest.approx({"day": 0.65, "evening": 0.65})
    fair = one(found, "attendance_adjusted", by="schedule", estimand="difference")
    assert fair["value"] == pytest.approx(0, abs=1e-12)
    assert (fair["denominator"], fair["people"], fair["n_missing"]) == (800, 80, 0)
    assert fair["design_word"] == "adjusted_association"
    assert "employment" in fair["method"]


def test_everyone_stands_first_and_missed_sessions_are_compared_too(two_sites):
    found = compare_attendance(two_sites, by="schedule", what="no_show", reference="day", adjust=[])
    assert one(found, "held_sessions", category="no_show")["value"] == pytest.approx(1 - 520 / 800)
    plain = one(found, "held_sessions", by="schedule", estimand="difference")
    assert plain["value"] == pytest.approx(0.15)
    assert not (found.frame["definition"] == "attendance_adjusted@1").any()


def test_the_reference_is_the_group_with_most_people_unless_named(two_sites):
    more = [("south", "unemployed", 21, 8), ("north", "unemployed", 20, 7)]
    found = compare_attendance(cohort(more), by="schedule", adjust=[])
    assert one(found, "held_sessions", by="schedule", estimand="difference")["reference"] == "day"
    named = compare_attendance(two_sites, by="employment", reference="unemployed", adjust=[])
    assert one(named, "held_sessions", by="employment", estimand="difference")["group"] == "full_time"


def test_what_the_programme_cancelled_is_not_held_against_a_group():
    def cancel(stays, sessions):
        north = sessions["episode_id"].map(stays.set_index("episode_id")["program_id"]) == "north"
        off = north & (sessions["day"].astype(int) >= 14)  # the last three of ten
        return stays, sessions.assign(status=sessions["status"].mask(off, "cancelled_by_program"))

    found = compare_attendance(cohort(change=cancel), by="schedule", reference="day", adjust=[])
    evening = one(found, "held_sessions", by="schedule", estimand="proportion", group="evening")
    assert (evening["n"], evening["denominator"]) == (10 * 7 + 30 * 5, 40 * 7)


def test_a_characteristic_not_recorded_is_a_category_of_its_own_and_counted():
    """As above, but of those who do not work it is not written down: nothing changes but the count."""

    def forget(stays, sessions):
        return stays.assign(employment=stays["employment"].mask(stays["employment"] == "unemployed", "")), sessions

    found = compare_attendance(cohort(change=forget), by="schedule", reference="day", adjust=["employment"])
    fair = one(found, "attendance_adjusted", by="schedule", estimand="difference")
    assert fair["value"] == pytest.approx(0, abs=1e-12)
    assert fair["n_missing"] == 400
    day = one(found, "attendance_adjusted", by="schedule", estimand="adjusted_proportion", group="day")
    assert day["n_missing"] == 300


def test_who_has_no_group_is_shown_and_not_compared():
    def forget(stays, sessions):
        return stays.assign(employment=stays["employment"].mask(stays.index % 4 == 0, "")), sessions

    found = compare_attendance(cohort(change=forget), by="employment", adjust=[])
    shares = found.where(by="employment", estimand="proportion").frame
    assert shares["group"].isna().sum() == 1
    assert shares["people"].sum() == 80
    assert found.where(estimand="difference").frame["people"].tolist() == [60]


def test_groups_of_few_people_and_of_one_outcome_are_not_compared():
    """Nine evening people are too few; ten who attended everything leave nothing to compare. The adjusted rows say the same."""
    for few, note in (
        (("north", "unemployed", 9, 5), "fewer than 10 people"),
        (("north", "unemployed", 10, 10), "all or none"),
    ):
        found = compare_attendance(
            cohort([("south", "unemployed", 30, 8), few]), by="schedule", adjust=["employment"], reference="day"
        )
        for row in (*found.where(estimand="difference").rows(), *found.where(estimand="adjusted_proportion").rows()):
            if row["group"] == "evening":
                assert row["status"] == "not_estimable"
                assert note in row["note"]
    other = compare_attendance(
        cohort([("south", "unemployed", 30, 8), few]), by="schedule", adjust=[], reference="evening"
    )
    row = one(other, "held_sessions", by="schedule", estimand="difference")
    assert row["note"].startswith("the reference:")


def test_a_characteristic_that_goes_with_the_group_wholly_cannot_be_adjusted_for():
    kinds = [("south", "unemployed", 30, 8), ("north", "full_time", 30, 5)]
    found = compare_attendance(cohort(kinds), by="schedule", adjust=["employment"], reference="day")
    fair = one(found, "attendance_adjusted", by="schedule", estimand="difference")
    assert (fair["status"], fair["note"]) == ("not_estimable", "the groups and covariates cannot be told apart")
    assert one(found, "held_sessions", by="schedule", estimand="difference")["value"] == pytest.approx(-0.3)


def test_rare_categories_are_put_together_and_a_number_without_spread_is_left_out():
    """Two of one kind and two of another would each be too few people to say anything of; age is the same for all."""

    def rare(stays, sessions):
        substance = ["alcohol", "opioids"] * 38 + ["cocaine"] * 2 + ["cannabis"] * 2
        return stays.assign(primary_substance=substance, age="40"), sessions

    found = compare_attendance(
        cohort(change=rare), by="schedule", adjust=["employment", "primary_substance", "age"], reference="day"
    )
    fair = one(found, "attendance_adjusted", by="schedule", estimand="difference")
    assert fair["status"] == "ok"
    assert fair["method"].endswith("characteristics: employment, primary substance")


def test_a_number_not_recorded_is_told_apart_from_one_that_is():
    """Severity is known of those who do not work alone: the indicator carries what employment would."""

    def known(stays, sessions):
        severity = [str(place % 7) for place in range(len(stays))]
        return stays.assign(severity=pd.Series(severity).mask(stays["employment"] == "full_time", "")), sessions

    found = compare_attendance(cohort(change=known), by="schedule", adjust=["severity"], reference="day")
    fair = one(found, "attendance_adjusted", by="schedule", estimand="difference")
    assert abs(fair["value"]) < 0.02
    assert fair["n_missing"] == 400


def test_weeks_that_met_the_requirement_are_the_same_rows_as_in_the_hours(two_sites):
    found = compare_attendance(two_sites, by="employment", what="requirement_met", adjust=["severity"])
    hours = measure_hours(two_sites, by="employment").where(definition="requirement_met@1").frame
    mine = found.where(definition="requirement_met@1", estimand="proportion").frame
    pd.testing.assert_frame_equal(mine, hours)
    # Discharged on day 40: five whole weeks, of four sessions and then two of 3 hours each. Unemployed people attend the
    # first eight sessions: week 1 (days 0 to 6, 12 h) and week 2 (three sessions, 9 h); the others week 1 alone.
    assert mine[mine["group"] == "unemployed"]["value"].iloc[0] == pytest.approx(2 / 5)
    assert mine[mine["group"] == "full_time"]["value"].iloc[0] == pytest.approx(1 / 5)
    plain = one(found, "requirement_met", by="employment", estimand="difference")
    assert (plain["value"], plain["category"]) == (pytest.approx(0.2), "all")


def test_records_without_hours_compare_no_weeks():
    found = compare_attendance(
        cohort(change=lambda stays, sessions: (stays, sessions.assign(hours_offered="", hours_attended=""))),
        by="schedule",
        what="requirement_met",
    )
    assert set(found.frame["status"]) == {"not_estimable"}
    assert set(found.where(estimand="difference").frame["note"]) == {"the records hold no hours"}


def by_modality(people):
    """``people``: number of people, telehealth sessions attended and held, in-person sessions attended and held."""
    stays, sessions = [], []
    for count, *kinds in people:
        for _ in range(count):
            name = f"e{len(stays)}"
            stays.append({"episode_id": name, "discharge_day": "60", "end_reason": "left_early"})
            for modality, came, held in (("telehealth", *kinds[:2]), ("in_person", *kinds[2:])):
                sessions += [
                    {"episode_id": name, "day": str(place), "visit": modality, "modality": modality,
                     "service_type": "group", "hours_offered": "3", "status": "attended" if place < came else "no_show"}
                    for place in range(held)
                ]  # fmt: skip
    return pd.DataFrame(stays, dtype=str), pd.DataFrame(sessions, dtype=str)


# Twenty people attend 90 % either way and are mostly seen by telehealth; twenty attend 20 % either way, mostly in person.
MODALITIES = by_modality([(20, 18, 20, 9, 10), (20, 2, 10, 4, 20)])


def test_telehealth_is_compared_within_the_same_people():
    """Plain: (20·18 + 20·2) of 600 = 66.7 % beside (20·9 + 20·4) of 600 = 43.3 %. Inside people: no difference at all."""
    found = compare_attendance(select_cohort(records(*MODALITIES)), by="modality", adjust=[])
    plain = one(found, "held_sessions", by="modality", estimand="difference", group="telehealth")
    assert (plain["value"], plain["reference"]) == (pytest.approx(400 / 600 - 260 / 600), "in_person")
    assert (plain["people"], plain["denominator"]) == (40, 1200)
    within = one(found, "attendance_within_person", by="modality")
    assert within["value"] == pytest.approx(0, abs=1e-12)
    assert (within["n"], within["denominator"], within["people"]) == (40, 40, 40)


def test_sessions_whose_modality_is_kept_only_when_attended_are_not_compared():
    stays, sessions = MODALITIES
    missed = sessions["status"] == "no_show"
    found = compare_attendance(
        select_cohort(records(stays, sessions.assign(modality=sessions["modality"].mask(missed, "")))), by="modality"
    )
    assert set(found.where(by="modality").frame["status"]) == {"not_estimable"}
    assert found.frame.loc[found.frame["by"] == "all", "status"].tolist() == ["ok"]


def test_one_group_alone_has_nothing_to_be_compared_with():
    found = compare_attendance(cohort([("south", "unemployed", 20, 8)]), by="schedule")
    assert found.frame["estimand"].tolist() == ["proportion", "proportion"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "weather"},
        {"what": "present"},
        {"by": "modality", "what": "requirement_met"},
        {"reference": "weekend"},
        {"adjust": ["weather"]},
        {"adjust": ["schedule"]},
        {"what": "requirement_met", "adjust": ["service_type"]},
    ],
)
def test_words_it_does_not_know_are_refused(two_sites, wrong):
    with pytest.raises(UsageError):
        compare_attendance(two_sites, **wrong)
