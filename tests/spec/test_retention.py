"""Staying, leaving and coming back (docs/definitions/retention.md), on stays a reader can count."""

from __future__ import annotations

import pytest
from tables import one, records, value

from iop_outcomes import measure_retention, select_cohort
from iop_outcomes.errors import UsageError

# Day 10: b leaves early. Day 20: d is last seen, still in the programme (admitted 20 days before the extract).
# Day 30: c leaves early. Day 40: e's stay is ended by the programme. Day 56: a completes.
FIVE = """
    episode | admission_date | discharge_day | end_reason
    --------+----------------+---------------+-----------
    a       | 2025-01-06     | 56            | completed
    b       | 2025-01-06     | 10            | left_early
    c       | 2025-01-06     | 30            | left_early
    d       | 2025-12-11     |               |
    e       | 2025-01-06     | 40            | terminated
"""


@pytest.fixture(scope="module")
def five():
    return measure_retention(select_cohort(records(FIVE), exit_rule="discharge"))


@pytest.mark.parametrize(
    ("day", "inside", "retained", "early"),
    [
        (7, 1, 1, 0),
        (14, 4 / 5, 4 / 5, 1 / 5),
        # d counts up to day 20 and no further, so three are in view on day 30, and one of them leaves: 4/5 · 2/3.
        (30, 8 / 15, 8 / 15, 1 / 5 + 4 / 15),
        # Day 40: one of two: 4/15 stay. Day 56: the last one completes and is retained, but no longer in the programme.
        (60, 0, 4 / 15, 11 / 15),
        (90, 0, 4 / 15, 11 / 15),
    ],
)
def test_people_still_in_the_programme_count_until_they_were_last_seen(five, day, inside, retained, early):
    assert value(five, "in_programme", at=day) == pytest.approx(inside)
    assert value(five, "retained", at=day) == pytest.approx(retained)
    assert value(five, "lost_early", at=day) == pytest.approx(early)


def test_counts_beside_the_share(five):
    row = one(five, "lost_early", at=30)
    assert (row["n"], row["denominator"], row["people"]) == (2, 5, 5)
    assert row["n_missing"] == 1  # d could not be followed to day 30
    assert one(five, "lost_early", at=14)["n_missing"] == 0


def test_the_planned_length_is_shown_unless_other_days_are_asked_for(five):
    assert set(five.where(definition="in_programme@1").frame["at"]) == {7, 14, 30, 56, 60, 90}
    asked = measure_retention(select_cohort(records(FIVE), exit_rule="discharge"), at=[40])
    assert value(asked, "in_programme", at=40) == pytest.approx(4 / 15)
    assert set(asked.where(definition="in_programme@1").frame["at"]) == {40}


def test_days_in_the_programme_and_days_lost_add_to_the_planned_length(five):
    """10 days all five, 20 days four of five, 10 days 8/15, 16 days 4/15: 10 + 16 + 80/15 + 64/15 = 35.6 of 56 days."""
    inside = value(five, "mean_days_in_programme")
    assert inside == pytest.approx(35.6)
    lost = five.where(definition="mean_days_lost@1").frame.set_index("category")["value"]
    # left_early: 1/5 from day 10 (46 days) and 4/15 from day 30 (26 days); terminated: 4/15 from day 40 (16 days).
    assert lost["left_early"] == pytest.approx(46 / 5 + 26 * 4 / 15)
    assert lost["terminated"] == pytest.approx(16 * 4 / 15)
    assert lost["completed"] == lost["died"] == 0
    assert inside + lost.sum() == pytest.approx(56)


def test_median_stay_is_the_day_by_which_half_had_left(five):
    """After day 30 8/15 are in, after day 40 4/15: the curve passes one half on day 40."""
    assert value(five, "median_stay") == 40


def test_median_stay_is_not_reached_while_most_are_in():
    stays = """
        episode | admission_date | discharge_day | end_reason
        a       | 2025-01-06     | 10            | left_early
        b       | 2025-12-01     |               |
        c       | 2025-12-01     |               |
    """
    found = measure_retention(select_cohort(records(stays), exit_rule="discharge"))
    row = one(found, "median_stay")
    assert row["status"] == "not_reached"
    assert row["value"] != row["value"]
    # b and c were seen for 30 days: nothing is said of day 60, and no mean up to day 56.
    assert value(found, "in_programme", at=30) == pytest.approx(2 / 3)
    assert one(found, "in_programme", at=60)["status"] == "not_estimable"
    assert one(found, "mean_days_in_programme")["status"] == "not_estimable"


EXITS = """
    episode | discharge_day | end_reason
    --------+---------------+-----------
    e1      | 40            | left_early
"""


@pytest.mark.parametrize(
    ("sessions", "rule", "exit_day"),
    [
        # Last came on day 5, was discharged from the books on day 40.
        ("0 |   | attended; 5 |   | attended; 12 |   | no_show", "last_contact", 5),
        ("0 |   | attended; 5 |   | attended; 12 |   | no_show", "discharge", 40),
        # An attended session known only by its week counts on the last day of that week: week 3 ends on day 20.
        ("0 |   | attended;   | 3 | attended", "last_contact", 20),
        # ... but never after the discharge: week 6 ends on day 41.
        ("0 |   | attended;   | 6 | attended", "last_contact", 40),
        # A missed session is no contact, dated or not.
        ("0 |   | attended;   | 5 | no_show; 30 | | excused", "last_contact", 0),
    ],
)
def test_exit_is_the_last_contact_or_the_recorded_discharge(sessions, rule, exit_day):
    drawn = "episode | day | week | status\n" + "\n".join(f"e1 | {line}" for line in sessions.split(";"))
    days = [exit_day - 1, exit_day] if exit_day else [exit_day]
    found = measure_retention(select_cohort(records(EXITS, drawn), exit_rule=rule), at=days)
    shares = found.where(definition="in_programme@1").frame.set_index("at")["value"]
    assert shares[exit_day] == 0
    assert shares.get(exit_day - 1, 1) == 1


def test_the_exit_rule_may_stand_in_the_settings():
    read = records(EXITS, retention={"exit_rule": "discharge"})
    assert value(measure_retention(select_cohort(read), at=[20]), "in_programme", at=20) == 1
    assert value(measure_retention(select_cohort(read, exit_rule="last_contact"), at=[20]), "in_programme", at=20) == 0


def test_who_never_came_left_on_the_day_of_admission():
    cohort = select_cohort(records(EXITS, "episode | day | status\ne1 | 3 | no_show"), rung="admitted")
    assert value(measure_retention(cohort, at=[0]), "in_programme", at=0) == 0


def test_groups_speak_for_their_own_people_and_the_unknown_stay_unknown():
    drawn = """
        episode | discharge_day | end_reason | gender
        a       | 56            | completed  | female
        b       | 10            | left_early | female
        c       | 30            | left_early | male
        d       | 40            | terminated |
        e       | 40            | terminated | male
    """
    found = measure_retention(select_cohort(records(drawn), exit_rule="discharge"), by="gender", at=[14])
    rows = found.where(definition="in_programme@1", by="gender").frame
    assert value(found, "in_programme", by="gender", group="female") == 0.5
    assert value(found, "in_programme", by="gender", group="male") == 1
    unknown = rows[rows["group"].isna()]
    assert unknown["denominator"].tolist() == [1]
    assert one(found, "in_programme", by="all")["denominator"] == 5
    with pytest.raises(UsageError):
        measure_retention(select_cohort(records(drawn)), by="age")


TWO_LEVELS = """
    program | label    | level_of_care | planned_weeks | required_hours
    --------+----------+---------------+---------------+---------------
    iop     | IOP      | 2.1           | 8             | 9
    op      | OP       | 1             | 26            | 2
"""
# Everyone completes the IOP on day 56 (3 March 2025); then:
RETURNS = """
    episode | person | program | admission_date | discharge_day | end_reason
    --------+--------+---------+----------------+---------------+-----------
    a1      | a      | iop     | 2025-01-06     | 56            | completed
    b1      | b      | iop     | 2025-01-06     | 56            | completed
    b2      | b      | iop     | 2025-04-02     | 20            | left_early
    c1      | c      | iop     | 2025-01-06     | 56            | completed
    c2      | c      | op      | 2025-03-13     | 40            | completed
    c3      | c      | iop     | 2025-05-06     | 20            | left_early
    d1      | d      | iop     | 2025-01-06     | 56            | completed
    d2      | d      | iop     | 2025-08-31     | 20            | left_early
    f1      | f      | iop     | 2025-01-06     | 30            | left_early
    f2      | f      | iop     | 2025-03-24     | 30            | left_early
"""


def test_re_presentation_is_a_new_pathway_within_180_days_of_completing():
    """Of a, b, c and d, who completed, b came back: 1 in 4.

    a never came back. b was readmitted after 30 days. c stepped down after 10 days and up again 14 days after that: one
    pathway. d came back after 181 days. f came back after leaving early and is not among those who completed.
    """
    cohort = select_cohort(records(RETURNS, programs=TWO_LEVELS), level_of_care="2.1")
    row = one(measure_retention(cohort), "re_presentation")
    assert (row["value"], row["n"], row["denominator"], row["people"]) == (0.25, 1, 4, 4)
    assert row["n_missing"] == 0


@pytest.mark.parametrize(
    ("readmitted", "share"),
    [
        ("2025-03-17", 0),  # 14 days after 3 March: the next step of the same pathway
        ("2025-03-18", 1),  # 15 days
        ("2025-08-30", 1),  # 180 days
        ("2025-08-31", 0),  # 181 days
    ],
)
def test_the_edges_of_the_pathway_and_of_the_window(readmitted, share):
    stays = f"""
        episode | person | admission_date | discharge_day | end_reason
        a1      | a      | 2025-01-06     | 56            | completed
        a2      | a      | {readmitted}   | 5             | left_early
    """
    assert value(measure_retention(select_cohort(records(stays))), "re_presentation") == share


def test_who_completed_lately_cannot_have_come_back_yet():
    """a was followed for 302 days after completing; b for 27 days, and is in view no longer."""
    stays = """
        episode | person | admission_date | discharge_day | end_reason
        a       | a      | 2025-01-06     | 56            | completed
        b       | b      | 2025-10-09     | 56            | completed
    """
    row = one(measure_retention(select_cohort(records(stays))), "re_presentation")
    assert (row["value"], row["n_missing"], row["denominator"]) == (0, 1, 2)
    latest = measure_retention(select_cohort(records(stays), admitted=("2025-10-01", "2025-10-31")))
    assert one(latest, "re_presentation")["status"] == "not_estimable"


# The records begin on 1 March. a and b were already in the programme, on their days 10 and 40. c and d came later. e left
# the books on 10 March but last came on day 5, before the records begin.
ENTRY = """
    episode | admission_date | discharge_day | end_reason
    --------+----------------+---------------+-----------
    a       | 2025-02-19     | 30            | left_early
    b       | 2025-01-20     | 56            | completed
    c       | 2025-03-10     | 20            | left_early
    d       | 2025-03-10     | 56            | completed
    e       | 2025-02-17     | 21            | left_early
"""
SEEN = "episode | day | status\n" + "\n".join(
    f"{episode} | {day} | attended" for episode, day in [("a", 30), ("b", 56), ("c", 20), ("d", 56), ("e", 5)]
)


def test_people_already_in_care_count_from_the_day_they_came_into_view():
    """Day 20: a, c and d are in view and c leaves: 2/3. Day 30: a leaves of a and d: 1/3. b, in view from day 40, had to
    stay that long to be in the records at all; followed from admission, two of all five are there after day 30."""
    late = measure_retention(
        select_cohort(records(ENTRY, SEEN, records_from="2025-03-01")), at=[14, 20, 30, 60], tau=56
    )
    assert value(measure_retention(select_cohort(records(ENTRY, SEEN))), "in_programme", at=30) == pytest.approx(2 / 5)
    assert value(late, "in_programme", at=14) == 1
    assert value(late, "in_programme", at=20) == pytest.approx(2 / 3)
    assert value(late, "in_programme", at=30) == pytest.approx(1 / 3)
    assert value(late, "retained", at=60) == pytest.approx(1 / 3)
    row = one(late, "lost_early", at=30)
    assert (row["n"], row["denominator"], row["people"]) == (2, 4, 4)  # e was never in view
    assert row["n_missing"] == 1  # b came into view later
    assert "delayed entry" in row["method"]
    # 20 days all, ten days 2/3, 26 days 1/3.
    assert value(late, "mean_days_in_programme") == pytest.approx(20 + 20 / 3 + 26 / 3)


@pytest.mark.parametrize(
    ("admitted", "last", "known"),
    [
        ("2025-03-01", 5, True),  # admitted on the day the records begin
        ("2025-02-28", 5, False),  # nobody was in view on the day of admission
    ],
)
def test_a_curve_needs_somebody_in_view_from_admission(admitted, last, known):
    stays = f"""
        episode | admission_date | discharge_day | end_reason
        a       | {admitted}     | {last}        | left_early
        b       | 2025-02-20     | 56            | completed
    """
    found = measure_retention(
        select_cohort(records(stays, records_from="2025-03-01"), exit_rule="discharge"), at=[3, 40]
    )
    row = one(found, "in_programme", at=3)
    assert (row["status"] == "ok") == known
    # On day 5 a is the last in view while b has yet to come in, on day 9: of what follows nothing is known.
    after = one(found, "in_programme", at=40)
    assert after["status"] == "not_estimable"
    assert after["note"] == "on an earlier day nobody was in view, or too few"
    assert one(found, "median_stay")["status"] == one(found, "mean_days_in_programme")["status"] == "not_estimable"
