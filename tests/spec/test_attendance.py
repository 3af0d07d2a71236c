"""What became of scheduled sessions, and who begins to slip away (docs/definitions/attendance.md)."""

from __future__ import annotations

import pytest
from tables import one, records, value

from iop_outcomes import measure_attendance, select_cohort

STAY = "episode | discharge_day | end_reason\ne1 | {} | left_early"
LONG = STAY.format(40)


def attendance(sessions, stays=LONG, by=None, **more):
    return measure_attendance(select_cohort(records(stays, sessions), rung="admitted"), by=by, **more)


def sequence(signs, step=2):
    """Sessions of e1 every ``step`` days: A attended, N no-show, E excused, C cancelled by the programme."""
    words = {"A": "attended", "N": "no_show", "E": "excused", "C": "cancelled_by_program"}
    return "episode | day | status\n" + "\n".join(
        f"e1 | {place * step} | {words[sign]}" for place, sign in enumerate(signs)
    )


SESSIONS = """
    episode | day | week | visit | status
    --------+-----+------+-------+---------------------
    e1      | 0   |      |       | attended
    e1      | 2   |      |       | attended
    e1      | 4   |      |       | cancelled_by_program
    e1      |     | 1    |       | no_show
    e1      |     | 2    |       | no_show
    e1      | 7   |      |       | attended
    e1      | 8   |      |       | excused
    e1      |     |      | extra | no_show
"""


def test_missed_sessions_without_a_date_are_counted():
    """Of eight sessions scheduled three were attended and three missed, none of the missed with a date."""
    found = attendance(SESSIONS)
    shares = found.where(definition="session_status@1").frame.set_index("category")
    assert shares["value"].to_dict() == {
        "attended": 3 / 8,
        "no_show": 3 / 8,
        "excused": 1 / 8,
        "cancelled_by_program": 1 / 8,
    }
    assert shares["n"].sum() == 8
    assert set(shares["denominator"]) == {8}
    assert shares["value"].sum() == 1


def test_attendance_by_week_leaves_out_what_the_programme_cancelled():
    """Week 1 is days 0 to 6: two of three attended (the cancelled session was not held). Week 2: one of three."""
    found = attendance(SESSIONS)
    weekly = found.where(definition="weekly_attendance@1").frame.set_index("at")["value"]
    assert weekly.to_dict() == pytest.approx({1: 2 / 3, 2: 1 / 3})
    # The session known by its name alone has no week: counted as missing, not forgotten.
    assert one(found, "weekly_attendance", at=1)["n_missing"] == 1


def test_attendance_by_week_stays_between_nothing_and_everything():
    stays = "episode | discharge_day | end_reason\n" + "\n".join(f"e{i} | 40 | left_early" for i in range(1, 4))
    sessions = "episode | day | status\n" + "\n".join(
        f"e{i} | {day} | {'no_show' if (i, day) == (1, 2) else 'attended'}" for i in range(1, 4) for day in (0, 2)
    )
    row = one(attendance(sessions, stays), "weekly_attendance", at=1)
    assert row["value"] == pytest.approx(5 / 6)
    assert 0 <= row["ci_low"] < row["value"] < row["ci_high"] <= 1
    assert (row["n"], row["denominator"], row["people"]) == (3, 3, 3)


def test_weeks_shown_end_with_the_planned_length():
    stays = "episode | planned_weeks | discharge_day | end_reason\ne1 | 1 | 20 | completed"
    sessions = "episode | day\ne1 | 0\ne1 | 8"
    assert attendance(sessions, stays).where(definition="weekly_attendance@1").frame["at"].tolist() == [1]
    both = attendance(sessions, stays, weeks=2)
    assert both.where(definition="weekly_attendance@1").frame["at"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("signs", "day"),
    [
        ("ANNA", 4),  # the second of two in a row is on day 4
        ("ANANA", None),  # never two in a row
        ("ANENA", 6),  # an excused session neither counts nor breaks
        ("ANCNA", 6),  # nor does one the programme cancelled
        ("NNA", 2),
        ("AAANN", 8),  # whoever stops coming has the second miss after the last contact, and that is the warning sign
        ("A", None),
    ],
)
def test_second_miss_in_a_row(signs, day):
    found = attendance(sequence(signs), at=[day or 30, (day or 30) - 1])
    assert value(found, "second_miss", at=day or 30) == (0 if day is None else 1)
    assert value(found, "second_miss", at=(day or 30) - 1) == 0


def test_the_recorded_discharge_competes_with_the_second_miss():
    """Four people: two no-shows by day 4; on the day of discharge itself; discharged before a second; still here."""
    stays = """
        episode | admission_date | discharge_day | end_reason
        e1      | 2025-01-06     | 40            | left_early
        e2      | 2025-01-06     | 8             | left_early
        e3      | 2025-01-06     | 8             | left_early
        e4      | 2025-12-21     |               |
    """
    sessions = """
        episode | day | status
        e1      | 0   | attended
        e1      | 2   | no_show
        e1      | 4   | no_show
        e2      | 0   | attended
        e2      | 6   | no_show
        e2      | 8   | no_show
        e3      | 0   | attended
        e3      | 8   | no_show
        e4      | 0   | attended
        e4      | 2   | no_show
        e4      | 4   | attended
    """
    found = attendance(sessions, stays, at=[4, 7, 8, 14])
    assert [value(found, "second_miss", at=day) for day in (4, 7, 8)] == [0.25, 0.25, 0.5]
    # e4 was seen for ten days: of day 14 nothing is known, of her or of anyone else.
    row = one(found, "second_miss", at=14)
    assert (row["status"], row["n_missing"], row["denominator"]) == ("not_estimable", 1, 4)


def test_a_missed_session_without_a_date_counts_at_the_end_of_its_week_but_not_after_the_discharge():
    """Week 2 ends on day 13. Discharged on day 10, both undated no-shows of week 2 were by day 10."""
    sessions = """
        episode | day | week | visit | status
        e1      | 0   |      |       | attended
        e1      |     | 2    | one   | no_show
        e1      |     | 2    | two   | no_show
    """
    late = attendance(sessions, at=[12, 13])
    assert [value(late, "second_miss", at=day) for day in (12, 13)] == [0, 1]
    early = attendance(sessions, STAY.format(10), at=[9, 10])
    assert [value(early, "second_miss", at=day) for day in (9, 10)] == [0, 1]


@pytest.mark.parametrize(
    ("signs", "longest"),
    [("AANAAAN", 3), ("AEACA", 3), ("NNN", 0), ("NAAAA", 4), ("AAN", 2)],
)
def test_longest_run_of_sessions_attended(signs, longest):
    assert value(attendance(sequence(signs)), "longest_streak") == longest


def test_share_of_the_first_ten_sessions_held():
    """Ten held sessions: the cancelled one is not held, the excused one is. Seven of ten attended; the last four do not count."""
    row = one(attendance(sequence("AANCAAEANAA" + "NNNN", step=1)), "first_sessions")
    assert row["value"] == pytest.approx(7 / 10)
    assert (row["n"], row["denominator"], row["people"]) == (1, 1, 1)


def test_the_first_sessions_do_not_grow_with_time_in_care_as_the_longest_run_does():
    """Both attend and miss in turn, three and one; e2 stays three times as long, and so do her chances of a long run."""
    stays = "episode | discharge_day | end_reason\ne1 | 12 | left_early\ne2 | 40 | completed"
    signs = {"e1": "AAAN" * 2, "e2": "AAAN" * 2 + "AAAAAAAN"}
    sessions = "episode | day | status\n" + "\n".join(
        f"{who} | {day} | {'attended' if sign == 'A' else 'no_show'}"
        for who, line in signs.items()
        for day, sign in enumerate(line)
    )
    found = attendance(sessions, stays)
    assert value(found, "longest_streak") == 5
    assert value(found, "first_sessions") == pytest.approx((6 + 8) / (8 + 10))


def test_undated_sessions_stand_at_the_end_of_their_week_and_those_without_a_week_are_left_out_of_the_first():
    sessions = """
        episode | day | week | visit | status
        e1      |     | 1    |       | no_show
        e1      | 7   |      |       | attended
        e1      |     |      | extra | no_show
    """
    row = one(attendance(sessions), "first_sessions")
    assert (row["value"], row["n_missing"]) == (0.5, 0)
    assert value(attendance(sessions), "longest_streak") == 1


def test_who_was_here_before_the_records_begin_has_no_first_sessions_in_view():
    stays = """
        episode | admission_date | discharge_day | end_reason
        e1      | 2025-01-06     | 40            | completed
        e2      | 2025-02-03     | 40            | completed
    """
    sessions = "episode | day | status\ne1|30|no_show\ne1|32|no_show\ne2|0|attended\ne2|2|no_show"
    read = records(stays, sessions, records_from="2025-02-01")
    found = measure_attendance(select_cohort(read, rung="admitted"), at=[35])
    for name in ("second_miss", "first_sessions", "longest_streak"):
        row = one(found, name)
        assert (row["denominator"], row["n_missing"]) == (1, 1), name
    assert value(found, "second_miss") == 0
    assert value(found, "first_sessions") == 0.5


def test_longest_run_is_a_mean_over_those_with_a_session():
    stays = "episode | discharge_day | end_reason\ne1 | 40 | left_early\ne2 | 40 | left_early\ne3 | 40 | left_early"
    sessions = "episode | day | status\ne1|0|attended\ne1|1|attended\ne1|2|attended\ne2|0|no_show\ne3|0|excused"
    row = one(attendance(sessions, stays), "longest_streak")
    assert (row["value"], row["denominator"], row["n_missing"]) == (1.5, 2, 1)


def test_groups():
    stays = "episode | discharge_day | end_reason | gender\ne1 | 40 | left_early | female\ne2 | 40 | left_early | "
    sessions = "episode | day | status\ne1|0|attended\ne1|1|no_show\ne1|2|no_show\ne2|0|attended"
    found = attendance(sessions, stays, by="gender", at=[14])
    missed = found.where(definition="session_status@1", by="gender", category="no_show").frame
    assert missed["group"].isna().tolist() == [False, True]
    assert missed["value"].tolist() == pytest.approx([2 / 3, 0])
    assert found.where(definition="second_miss@1", by="gender").frame["value"].tolist() == [1, 0]
    assert value(found, "second_miss") == 0.5
