"""The five-state calendar and its streaks (docs/definitions/milestones.md), one line a person: day 0 first."""

from __future__ import annotations

import numpy as np
import pytest

from iop_outcomes.measures.use_calendar import Reports, build_calendar, first_use_after, milestone_days

SIGNS = "_o-+*"  # nothing due, missed, known sober, known use, sources disagree
READINGS = {"confirmed": 0.0, "bridged": 7.0, "not contradicted": np.inf}


def draw(calendar):
    return ["".join(SIGNS[state] for state in row) for row in calendar]


def days(line):
    return np.array([[SIGNS.index(sign) for sign in line]], dtype=np.int8)


def reports(*said):
    """Reports of person 0: (first day, last day, sign)."""
    columns = list(zip(*said, strict=True))
    states = np.array([SIGNS.index(sign) for sign in columns[2]], dtype=np.int8)
    return Reports(np.zeros(len(said), dtype=np.int64), np.array(columns[0]), np.array(columns[1]), states)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        # A test of day 5 that speaks three days back says something of days 2, 3, 4 and 5.
        ([(2, 5, "-")], "__----__"),
        ([(5, 5, "-")], "_____-__"),
        # Where one source says sober and another says use, the day is mixed, whoever spoke first.
        ([(2, 5, "-"), (4, 6, "+")], "__--**+_"),
        ([(4, 6, "+"), (2, 5, "-")], "__--**+_"),
        # A missed test says nothing, and takes nothing from what others say.
        ([(1, 3, "o"), (3, 4, "-")], "_oo--___"),
        ([(1, 3, "o"), (2, 2, "+")], "_o+o____"),
        # What lies before admission or beyond the calendar is left out.
        ([(-3, 1, "-")], "--______"),
        ([(-9, -5, "+"), (6, 12, "-")], "______--"),
        ([(20, 25, "+")], "________"),
    ],
)
def test_each_report_speaks_for_its_own_days(said, line):
    assert draw(build_calendar(reports(*said), 1, 8)) == [line]


@pytest.mark.parametrize(
    ("line", "length", "confirmed", "bridged", "not_contradicted"),
    [
        ("-------", 7, 6, 6, 6),  # seven days sober are complete on day 6
        ("------", 7, None, None, None),
        ("---+-------", 7, 10, 10, 10),  # use breaks every reading
        ("---*-------", 7, 10, 10, 10),  # so do sources that disagree
        # An unknown day ends a confirmed streak; a bridged one goes on and counts it.
        ("---_---", 7, None, 6, 6),
        ("---o---", 7, None, 6, 6),
        # Seven unknown days are bridged, eight are not: the streak begins again on day 11.
        ("---_______-", 10, None, 10, 9),
        ("---________-", 10, None, None, 9),
        ("---________---", 10, None, None, 9),
        # A bridged milestone is reached on a day known sober, not on an unknown one.
        ("----___-", 7, None, 7, 6),
        # Nothing known at all: the upper bound says sober, the others say nothing.
        ("__________", 7, None, None, 6),
        # A streak begins on a sober day.
        ("___-------", 7, 9, 9, 6),
        ("+--_--_-", 7, None, 7, 7),
    ],
)
def test_three_readings_of_unknown_days(line, length, confirmed, bridged, not_contradicted):
    found = [milestone_days(days(line), np.array([len(line) - 1]), length, gap)[0] for gap in READINGS.values()]
    assert [None if np.isnan(day) else int(day) for day in found] == [confirmed, bridged, not_contradicted]


@pytest.mark.parametrize(("end", "day"), [(5, None), (6, 6), (9, 6)])
def test_a_milestone_counts_while_in_care_only(end, day):
    found = milestone_days(days("----------"), np.array([end]), 7, 7.0)[0]
    assert (None if np.isnan(found) else int(found)) == day


def test_the_first_time_counts_after_which_use_changes_nothing():
    assert milestone_days(days("-------+-------"), np.array([14]), 7, 0.0).tolist() == [6]


@pytest.mark.parametrize(
    ("line", "since", "day"),
    [("--+--+", 1, 2), ("--+--+", 2, 5), ("--*---", 1, None), ("--____", 1, None), ("--+---", np.nan, None)],
)
def test_first_known_use_after_a_day(line, since, day):
    found = first_use_after(days(line), np.array([since]))[0]
    assert (None if np.isnan(found) else int(found)) == day


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("mixed", "-**+__"),
        ("test", "---+__"),
        ("use", "-+++__"),
    ],
)
def test_which_source_wins_is_a_rule(rule, line):
    """A test says sober of days 0 to 2; a report says use of days 1 to 3, of the last of which the test says nothing."""
    said = reports((0, 2, "-"), (1, 3, "+"))
    both = Reports(said.person, said.first, said.last, said.state, np.array([True, False]))
    assert draw(build_calendar(both, 1, 6, rule)) == [line]


def test_where_two_tests_disagree_no_test_wins():
    said = reports((0, 2, "-"), (1, 3, "+"), (1, 1, "-"))
    tests = Reports(said.person, said.first, said.last, said.state, np.array([True, True, False]))
    assert draw(build_calendar(tests, 1, 5, "test")) == ["-**+_"]


@pytest.mark.parametrize(
    ("line", "since", "length", "reached"),
    [
        ("-----", -6, 7, 0),  # six days sober before admission and the day itself
        ("-----", -4, 7, 2),
        ("_-_-_", -4, 7, 3),  # a gap is bridged and counted, on a day known sober
        ("+------", -30, 7, None),  # use at admission ends what was before
        ("-------", 3, 4, 6),  # days before the recorded date do not count
        ("-------", np.nan, 7, 6),  # nobody wrote a date: from admission
        ("________-", -30, 30, None),  # more than a week unknown: a new run begins
    ],
)
def test_milestones_may_count_from_the_recorded_sobriety_date(line, since, length, reached):
    calendar = days(line)
    found = milestone_days(calendar, np.array([len(line) - 1]), length, 7.0, np.array([since], dtype=float))[0]
    assert (None if np.isnan(found) else found) == reached
