"""The hours ladder, required → offered → attended, and the weeks that met the requirement.

See docs/definitions/hours.md.
"""

from __future__ import annotations

import pytest
from tables import one, records, value

from iop_outcomes import measure_hours, select_cohort

FOUR_SITES = """
    program | label   | level_of_care | planned_weeks | required_hours | required_hours_by_week
    --------+---------+---------------+---------------+----------------+-----------------------
    flat    | Flat    | 2.1           | 8             | 10             |
    down    | Down    | 2.1           | 8             | 10             | 1:9 2:6
    none    | None    | 2.1           | 8             |                |
"""


def hours(stays, sessions, by=None, exit_rule="discharge", rung="attended", **more):
    return measure_hours(select_cohort(records(stays, sessions, **more), exit_rule=exit_rule, rung=rung), by=by)


def test_week_hours_are_the_persons_own_else_by_week_else_the_programmes_else_nine():
    """Everyone stays days 0 to 20, three whole weeks: 3 · 12; 9 + 6 + 6 (the last step goes on); 3 · 10; 3 · 9."""
    stays = """
        episode | program | weekly_hours | discharge_day | end_reason | referral
        a       | down    | 12           | 20            | completed  | own
        b       | down    |              | 20            | completed  | by week
        c       | flat    |              | 20            | completed  | programme
        d       | none    |              | 20            | completed  | default
    """
    found = hours(stays, None, by="referral", programs=FOUR_SITES)
    asked = found.where(definition="hours_required@1", by="referral").frame.set_index("group")["value"]
    assert asked.to_dict() == {"own": 36, "by week": 21, "programme": 30, "default": 27}
    assert value(found, "hours_required") == 36 + 21 + 30 + 27


def test_the_default_may_be_set():
    stays = "episode | program | discharge_day | end_reason\na | none | 6 | completed"
    assert value(hours(stays, None, programs=FOUR_SITES, hours={"required_hours": 6}), "hours_required") == 6


ONE_STAY = "episode | discharge_day | end_reason\ne1 | {} | left_early"
WEEKS = """
    episode | day | hours_offered
    --------+-----+--------------
    e1      | 0   | 3
    e1      | 3   | 3
    e1      | 6   | 3
    e1      | 7   | 3
    e1      | 13  | 5
    e1      | 14  | 9
"""


@pytest.mark.parametrize(
    ("discharged", "met", "weeks"),
    [
        (20, 2, 3),  # weeks 1 (days 0-6: 9 h), 2 (days 7-13: 8 h) and 3 (9 h)
        (19, 1, 2),  # day 20 was not spent in the programme: week 3 is a part week and left out
        (14, 1, 2),
    ],
)
def test_a_week_counts_when_the_person_was_in_the_programme_for_all_seven_days(discharged, met, weeks):
    row = one(hours(ONE_STAY.format(discharged), WEEKS), "requirement_met")
    assert (row["n"], row["denominator"], row["people"]) == (met, weeks, 1)
    assert row["value"] == pytest.approx(met / weeks)


def test_a_stay_without_a_whole_week_says_so():
    row = one(hours(ONE_STAY.format(5), "episode | day\ne1 | 0"), "requirement_met")
    assert (row["status"], row["denominator"]) == ("not_estimable", 0)


@pytest.mark.parametrize("rule", ["last_contact", "discharge"])
def test_hours_are_asked_until_the_recorded_discharge_whatever_the_exit_rule(rule):
    """Last seen on day 14, discharged on day 19: two whole weeks and six days."""
    found = hours(ONE_STAY.format(19), WEEKS, exit_rule=rule)
    assert one(found, "requirement_met")["denominator"] == 2
    assert value(found, "hours_required") == pytest.approx(9 + 9 + 9 * 6 / 7)


def test_weeks_with_a_closed_day_are_left_out():
    """Week 2 is 13 to 19 January 2025; one closed day in it is enough. Other programmes stay open."""
    closed = [{"program_id": "north", "from": "2025-01-19", "to": "2025-01-19"}]
    row = one(hours(ONE_STAY.format(20), WEEKS, closures=closed), "requirement_met")
    assert (row["n"], row["denominator"]) == (2, 2)
    edges = [{"program_id": "north", "from": "2025-01-01", "to": "2025-01-06"}]
    assert one(hours(ONE_STAY.format(20), WEEKS, closures=edges), "requirement_met")["denominator"] == 2
    before = [{"program_id": "north", "from": "2025-01-01", "to": "2025-01-05"}]
    assert one(hours(ONE_STAY.format(20), WEEKS, closures=before), "requirement_met")["denominator"] == 3


def test_a_session_known_by_its_week_counts_in_that_week():
    sessions = """
        episode | day | week | hours_offered
        e1      | 0   |      | 9
        e1      |     | 2    | 9
    """
    row = one(hours(ONE_STAY.format(13), sessions), "requirement_met")
    assert (row["n"], row["denominator"]) == (2, 2)


# stayer: 9 of 9 hours in each of 8 weeks. leaver: all 9 hours of week 1 and then gone.
COURSE_STAYS = """
    episode | admission_date | discharge_day | end_reason
    --------+----------------+---------------+-----------
    stayer  | 2025-01-06     | 55            | completed
    leaver  | 2025-01-06     | 6             | left_early
    newer   | 2025-12-01     |               |
"""
COURSE = "episode | day | hours_offered\n" + "\n".join(
    [*(f"stayer | {7 * week} | 9" for week in range(8)), "leaver | 0 | 9", "newer | 0 | 9"]
)


def test_hours_completion_falls_when_people_leave_and_while_enrolled_does_not():
    """Of the planned course: 72 + 9 of 72 + 72 hours. While enrolled: 81 of 72 + 9 hours, if newer is left aside.

    newer was admitted 30 days before the extract, has 8 weeks planned and asks too early: left out and counted.
    Days 0 to 30 are 31 days, so that while enrolled newer owes 9 · 31/7 hours and attended 9.
    """
    found = hours(COURSE_STAYS, COURSE)
    course = one(found, "hours_completion_admitted")
    assert course["value"] == pytest.approx(81 / 144)
    assert (course["people"], course["n_missing"]) == (2, 1)
    enrolled = one(found, "hours_completion_enrolled")
    assert enrolled["value"] == pytest.approx(90 / (81 + 9 * 31 / 7))
    assert enrolled["people"] == 3


def test_nobody_has_reached_the_planned_end_yet():
    stays = "episode | admission_date | discharge_day | end_reason\nnewer | 2025-12-01 | | "
    row = one(hours(stays, "episode | day\nnewer | 0"), "hours_completion_admitted")
    assert (row["status"], row["n_missing"], row["people"]) == ("immature", 1, 0)


@pytest.mark.parametrize(("admitted", "missing"), [("2025-11-06", 0), ("2025-11-07", 1)])
def test_the_planned_end_is_the_last_of_fifty_six_days(admitted, missing):
    """Day 55 of who was admitted on 6 November is 31 December, the day of the extract."""
    stays = f"episode | admission_date | discharge_day | end_reason\na | {admitted} | 6 | left_early"
    assert one(hours(stays, None), "hours_completion_admitted")["n_missing"] == missing


def test_hours_beyond_the_planned_course_count_only_while_enrolled():
    """One week planned, two weeks stayed: 9 of 9 hours in the first and 5 of 9 in the second."""
    stays = "episode | planned_weeks | discharge_day | end_reason\ne1 | 1 | 13 | completed"
    sessions = "episode | day | hours_offered\ne1 | 6 | 9\ne1 | 7 | 5"
    found = hours(stays, sessions)
    assert value(found, "hours_completion_admitted") == 1
    assert value(found, "hours_completion_enrolled") == pytest.approx(14 / 18)


LADDER = """
    episode | day | week | visit | service_type | hours_offered | hours_attended | status
    --------+-----+------+-------+--------------+---------------+----------------+---------------------
    e1      | 0   |      |       | individual   | 1             | 1              | attended
    e1      | 1   |      |       | group        | 3             | 2              | attended
    e1      | 2   |      |       | group        | 3             |                | no_show
    e1      | 3   |      |       | group        | 3             |                | cancelled_by_program
    e1      |     | 1    |       | family       | 1             |                | excused
    e1      |     |      | extra | group        | 2             | 2              | attended
    e1      | 6   |      |       | group        | 3             | 1              | attended
    e1      | 8   |      |       | group        | 3             |                | no_show
"""


def test_the_ladder_from_required_to_offered_to_attended():
    """Enrolled for two weeks: 18 hours required.

    Offered 1 + 3 + 3 + 1 + 2 + 3 + 3 = 16: the cancelled session was not offered; the excused one, the undated ones and
    the one after the last contact were. Attended 1 + 2 + 2 + 1 = 6.
    """
    found = hours(ONE_STAY.format(13), LADDER, exit_rule="last_contact")
    totals = [value(found, name, category="all") for name in ("hours_required", "hours_offered", "hours_attended")]
    assert totals == [18, 16, 6]
    assert value(found, "fidelity") == pytest.approx(16 / 18)
    assert value(found, "uptake", category="all") == pytest.approx(6 / 16)
    assert value(found, "hours_completion_enrolled") == pytest.approx(6 / 18)


def test_hours_by_service_type_add_to_the_ladder():
    found = hours(ONE_STAY.format(20), LADDER, exit_rule="last_contact")
    offered = found.where(definition="hours_offered@1").frame.set_index("category")["value"]
    attended = found.where(definition="hours_attended@1").frame.set_index("category")["value"]
    assert offered.to_dict() == {"all": 16, "individual": 1, "group": 14, "family": 1}
    assert attended.to_dict() == {"all": 6, "individual": 1, "group": 5, "family": 0}
    assert value(found, "uptake", category="group") == pytest.approx(5 / 14)
    assert value(found, "uptake", category="family") == 0


def test_records_without_hours_are_not_nought():
    sessions = """
        episode | day | hours_offered | hours_attended | status
        e1      | 0   |               |                | attended
        e1      | 2   |               |                | attended
        e1      | 4   |               |                | no_show
    """
    found = hours(ONE_STAY.format(13), sessions)
    silent = ("hours_attended", "hours_offered", "hours_completion_enrolled", "fidelity", "uptake", "requirement_met")
    for name in silent:
        row = one(found, name, category="all")
        assert row["status"] == "not_estimable", name
        assert row["value"] != row["value"], name
    assert one(found, "hours_completion_admitted")["status"] == "not_estimable"
    assert one(found, "hours_attended", category="all")["n_missing"] == 2
    assert one(found, "hours_offered", category="all")["n_missing"] == 3
    assert one(found, "requirement_met")["n_missing"] == 1  # of the two weeks, the one whose hours nobody knows
    assert value(found, "hours_required") == 18


def test_uptake_compares_only_sessions_of_which_both_hours_are_known():
    """3 of 3, and 0 of 3. The session of unknown length and the one of unknown attendance say nothing of uptake."""
    sessions = """
        episode | day | hours_offered | hours_attended | status
        e1      | 0   | 3             | 3              | attended
        e1      | 1   | 3             |                | no_show
        e1      | 2   |               | 2              | attended
        e1      | 3   | 3             |                | attended
    """
    found = hours(ONE_STAY.format(13), sessions)
    row = one(found, "uptake", category="all")
    assert (row["value"], row["n_missing"]) == (0.5, 2)
    assert value(found, "hours_attended", category="all") == 5
    assert one(found, "hours_attended", category="all")["n_missing"] == 1
    assert one(found, "hours_offered", category="all")["n_missing"] == 1


def test_who_never_came_attended_nought_hours_and_that_is_known():
    sessions = "episode | day | status\ne1 | 0 | no_show"
    found = hours(ONE_STAY.format(6), sessions, rung="admitted")
    assert value(found, "hours_completion_admitted") == 0
    assert value(found, "hours_completion_enrolled") == 0
    assert value(found, "uptake", category="all") == 0


def test_people_with_two_episodes_are_one_cluster():
    """a: 9 of 9 hours in each of two one-week episodes. b: 0 of 9. The two of a are not two people."""
    stays = """
        episode | person | admission_date | discharge_day | end_reason
        a1      | a      | 2025-01-06     | 6             | left_early
        a2      | a      | 2025-06-02     | 6             | left_early
        b1      | b      | 2025-01-06     | 6             | left_early
    """
    sessions = "episode | day | hours_offered | status\na1|0|9|attended\na2|0|9|attended\nb1|0|9|no_show"
    row = one(hours(stays, sessions, rung="admitted"), "hours_completion_enrolled")
    assert row["value"] == pytest.approx(18 / 27)
    assert (row["people"], row["denominator"]) == (2, 2)
    # Σ(y - r·x)² = (18 - 12)² + (0 - 6)² = 72; √(2/1 · 72)/27 = 4/9; Student on 1 degree of freedom: 12.706 · 4/9.
    assert row["ci_high"] == pytest.approx(2 / 3 + 12.7062 * 4 / 9, rel=1e-5)


def test_groups_and_the_unknown_group():
    stays = """
        episode | discharge_day | end_reason | gender
        a       | 6             | left_early | female
        b       | 6             | left_early |
    """
    found = hours(stays, "episode|day|hours_offered|hours_attended\na|0|9|9\nb|0|9|3", by="gender")
    rows = found.where(definition="hours_completion_enrolled@1", by="gender").frame
    assert rows["group"].isna().tolist() == [False, True]
    assert rows["value"].tolist() == pytest.approx([1, 1 / 3])
    assert value(found, "hours_completion_enrolled") == pytest.approx(12 / 18)


# The requirement falls from 9 to 6 hours in the second week; 6 hours are attended in each of three weeks and 4 in the fourth.
DOWN_STAY = "episode | program | discharge_day | end_reason\ne1 | down | {} | completed"
DOWN_WEEKS = "episode | day | hours_offered\ne1 | 0 | 6\ne1 | 7 | 6\ne1 | 14 | 6\ne1 | 21 | 4"


def test_a_requirement_that_steps_down_holds_in_every_figure():
    """Weeks ask for 9, 6, 6, 6 hours: met in weeks 2 and 3. Of the whole course of eight weeks 9 + 7 · 6 = 51."""
    found = hours(DOWN_STAY.format(27), DOWN_WEEKS, programs=FOUR_SITES)
    met = one(found, "requirement_met")
    assert (met["n"], met["denominator"]) == (2, 4)
    assert value(found, "hours_required") == 27
    assert value(found, "hours_completion_enrolled") == pytest.approx(22 / 27)
    assert value(found, "hours_completion_admitted") == pytest.approx(22 / 51)


def test_a_requirement_that_steps_down_holds_in_a_part_week():
    """Discharged on day 23: three days of week 4 ask for 6 · 3/7 = 2.57 hours, and 4 were attended."""
    found = hours(DOWN_STAY.format(23), DOWN_WEEKS, programs=FOUR_SITES, hours={"partial_weeks": "prorate"})
    met = one(found, "requirement_met")
    assert (met["n"], met["denominator"]) == (3, 4)
    assert met["method"].endswith("part weeks prorated")
    whole = one(hours(DOWN_STAY.format(23), DOWN_WEEKS, programs=FOUR_SITES), "requirement_met")
    assert (whole["n"], whole["denominator"]) == (2, 3)
    assert "prorated" not in whole["method"]


@pytest.mark.parametrize(("discharged", "met", "weeks"), [(14, 2, 3), (20, 2, 3), (13, 2, 2)])
def test_part_weeks_may_count_in_proportion(discharged, met, weeks):
    """Weeks 1 (9 h) and 2 (9 h) are met. One hour in week 3 is less than the 9/7 that one day of it asks for."""
    sessions = "episode | day | hours_offered\ne1 | 0 | 9\ne1 | 8 | 9\n" + ("e1 | 14 | 1" if discharged > 13 else "")
    found = hours(ONE_STAY.format(discharged), sessions, hours={"partial_weeks": "prorate"})
    assert (one(found, "requirement_met")["n"], one(found, "requirement_met")["denominator"]) == (met, weeks)


def test_weeks_that_ask_for_no_hours_are_not_counted_as_met():
    sites = """
        program | label | level_of_care | planned_weeks | required_hours | required_hours_by_week
        taper   | Taper | 2.1           | 3             | 9              | 1:9 2:9 3:0
    """
    found = hours("episode | program | discharge_day | end_reason\ne1 | taper | 20 | completed", WEEKS, programs=sites)
    assert (one(found, "requirement_met")["n"], one(found, "requirement_met")["denominator"]) == (1, 2)


def test_a_default_of_no_hours_is_a_default():
    stays = "episode | program | discharge_day | end_reason\na | none | 6 | completed"
    assert value(hours(stays, None, programs=FOUR_SITES, hours={"required_hours": 0}), "hours_required") == 0


@pytest.mark.parametrize(
    ("closed_from", "closed_to", "met", "weeks"),
    [
        ("2025-01-22", "2025-01-22", 1, 2),  # day 16, in the part week: left out like any other
        ("2025-01-23", "2025-01-26", 2, 3),  # days 17 to 20, after the discharge: nothing was missed
        ("2025-01-19", "2025-01-20", 1, 1),  # across two weeks: both go
    ],
)
def test_a_closure_counts_where_it_meets_days_enrolled(closed_from, closed_to, met, weeks):
    """Discharged on day 16: weeks of 9 and 8 hours, and three days of week 3 that ask for 3.86 and got 9."""
    closed = [{"program_id": "north", "from": closed_from, "to": closed_to}]
    found = hours(ONE_STAY.format(16), WEEKS, closures=closed, hours={"partial_weeks": "prorate"})
    assert (one(found, "requirement_met")["n"], one(found, "requirement_met")["denominator"]) == (met, weeks)


UNKNOWN = """
    episode | day | week | visit | hours_offered | hours_attended
    --------+-----+------+-------+---------------+---------------
    e1      | 0   |      |       | 9             | 9
    e1      | 1   |      |       | 3             |
    e1      | 7   |      |       | 6             | 6
    e1      | 8   |      |       | 3             |
    e1      | 14  |      |       | 3             | 3
"""


def test_a_week_with_unknown_hours_is_met_when_the_known_hours_suffice_and_else_stands_between_two_bounds():
    """Week 1: 9 known of 9, met whatever else. Week 2: 6 known and a session unknown. Week 3: 3 known, not met."""
    found = hours(ONE_STAY.format(20), UNKNOWN)
    low, high = one(found, "requirement_met"), one(found, "requirement_not_ruled_out")
    assert (low["n"], low["denominator"], low["n_missing"]) == (1, 3, 1)
    assert (high["n"], high["denominator"], high["n_missing"]) == (2, 3, 1)


def test_a_session_without_a_week_may_have_been_in_any_week_that_fell_short():
    found = hours(ONE_STAY.format(20), UNKNOWN + "    e1 | | | extra | 3 | 3\n")
    low, high = one(found, "requirement_met"), one(found, "requirement_not_ruled_out")
    assert (low["n"], low["n_missing"], high["n"]) == (1, 2, 3)


def test_nought_weeks_met_is_nought_when_hours_are_known():
    sessions = "episode | day | hours_offered | hours_attended\ne1 | 0 | 3 | 3\ne1 | 7 | 3 |"
    found = hours(ONE_STAY.format(13), sessions)
    assert (value(found, "requirement_met"), value(found, "requirement_not_ruled_out")) == (0, 0.5)


def test_the_mean_of_peoples_own_ratios_stands_beside_the_ratio_of_sums():
    """stayer: 72 of 72 hours. leaver: 9 of 72 of the course and 9 of 9 while enrolled. newer: 9 of 9 · 31/7."""
    found = hours(COURSE_STAYS, COURSE)
    course = one(found, "hours_completion_person", category="whole_course")
    assert course["value"] == pytest.approx((1 + 9 / 72) / 2)
    assert (course["people"], course["denominator"]) == (2, 2)
    enrolled = one(found, "hours_completion_person", category="while_enrolled")
    assert enrolled["value"] == pytest.approx((1 + 1 + 7 / 31) / 3)
    # Student on one degree of freedom: 12.706 · |1 - 1/8| / 2
    assert course["ci_high"] == pytest.approx(9 / 16 + 12.7062 * 7 / 16, rel=1e-5)


def test_people_who_were_here_before_the_records_begin_are_looked_at_from_then_on():
    """Admitted on 6 January, records from the 16th (day 10): week 3 is the first whole week in view; days 10 to 20 are 11."""
    stays = "episode | admission_date | discharge_day | end_reason\ne1 | 2025-01-06 | 20 | completed"
    sessions = "episode | day | hours_offered\ne1 | 8 | 9\ne1 | 10 | 2\ne1 | 14 | 9"
    found = hours(stays, sessions, records_from="2025-01-16")
    met = one(found, "requirement_met")
    assert (met["n"], met["denominator"]) == (1, 1)
    assert value(found, "hours_required") == pytest.approx(9 * 11 / 7)
    assert value(found, "hours_attended", category="all") == 11
    course = one(found, "hours_completion_admitted")
    assert (course["status"], course["n_missing"]) == ("not_estimable", 1)
    part = one(hours(stays, sessions, records_from="2025-01-16", hours={"partial_weeks": "prorate"}), "requirement_met")
    assert (part["n"], part["denominator"]) == (1, 2)  # four days of week 2 ask for 5.1 hours
