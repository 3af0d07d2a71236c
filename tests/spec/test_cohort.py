"""Who is counted: the ladder admitted → attended → engaged → completed, and the attrition.

See docs/definitions/attrition.md.
"""

from __future__ import annotations

import pytest
from tables import draw, one, records, value

from iop_outcomes import measure_endings, select_cohort
from iop_outcomes.errors import UsageError

STAYS = """
    episode | person | admission_date | discharge_day | end_reason | gender
    --------+--------+----------------+---------------+------------+-------
    e1      | p1     | 2025-01-06     | 56            | completed  | female
    e2      | p1     | 2025-06-02     | 10            | left_early | female
    e3      | p2     | 2025-02-03     | 30            | terminated | male
    e4      | p3     | 2025-03-03     | 20            | left_early |
"""
SESSIONS = """
    episode | day | week | status
    --------+-----+------+--------
    e1      | 0   |      | attended
    e1      | 2   |      | attended
    e1      | 9   |      | attended
    e1      | 13  |      | attended
    e2      | 0   |      | attended
    e2      | 1   |      | attended
    e2      | 2   |      | attended
    e2      |     | 2    | attended
    e3      | 0   |      | attended
    e3      | 2   |      | attended
    e3      | 13  |      | attended
    e3      | 14  |      | attended
    e4      | 0   |      | no_show
    e4      |     | 1    | no_show
"""
TWO_SITES = """
    program | label     | level_of_care | planned_weeks | required_hours
    --------+-----------+---------------+---------------+---------------
    north   | North IOP | 2.1           | 8             | 9
    south   | South OP  | 1             | 12            | 3
"""


def counted(cohort):
    return sorted(cohort.episodes.select("episode_code").collect("pandas").to_native()["episode_code"])


@pytest.mark.parametrize(
    ("rung", "episodes"),
    [
        ("admitted", ["e1", "e2", "e3", "e4"]),
        # e4 was scheduled twice and never came.
        ("attended", ["e1", "e2", "e3"]),
        # Four sessions on days 0 to 13: e3's fourth was on day 14; e2's undated one was in week 2, by day 13 at the latest.
        ("engaged", ["e1", "e2"]),
        ("completed", ["e1"]),
    ],
)
def test_each_rung_of_the_ladder_counts_fewer(rung, episodes):
    assert counted(select_cohort(records(STAYS, SESSIONS), rung=rung)) == episodes


def test_first_admission_is_the_persons_first_in_the_records():
    assert counted(select_cohort(records(STAYS, SESSIONS), episodes="first")) == ["e1", "e3"]


def test_first_admission_follows_time_and_not_the_order_of_the_ids():
    stays = """
        episode | person | admission_date | discharge_day | end_reason
        z       | p1     | 2025-01-06     | 5             | left_early
        a       | p1     | 2025-06-02     | 10            | completed
    """
    assert counted(select_cohort(records(stays), episodes="first")) == ["z"]


@pytest.mark.parametrize(
    ("admitted", "episodes"),
    [
        (("2025-01-06", "2025-02-03"), ["e1", "e3"]),  # both edges count
        (("2025-01-07", "2025-02-02"), []),
        (("2025", "2025"), ["e1", "e2", "e3"]),
        (("2024", "2024"), []),
    ],
)
def test_admitted_is_a_window_with_both_edges(admitted, episodes):
    assert counted(select_cohort(records(STAYS, SESSIONS), admitted=admitted)) == episodes


def test_level_of_care_is_the_episodes_own_else_its_programmes():
    stays = """
        episode | program | level_of_care | discharge_day | end_reason
        own     | north   | 2.5           | 5             | left_early
        site    | north   |               | 5             | left_early
        other   | south   |               | 5             | left_early
    """
    read = records(stays, programs=TWO_SITES)
    assert counted(select_cohort(read, level_of_care="2.1")) == ["site"]
    assert counted(select_cohort(read, level_of_care=["2.1", "2.5"])) == ["own", "site"]
    assert counted(select_cohort(read, programs=["south"])) == ["other"]


def test_attrition_adds_up_and_counts_people_and_episodes():
    cohort = select_cohort(
        records(STAYS, SESSIONS), level_of_care="2.1", admitted=("2025-01-01", "2025-05-31"), rung="engaged"
    )
    found = [(step.episodes, step.people, step.left_out) for step in cohort.attrition]
    assert found == [
        (4, 3, 0),  # episodes in the records
        (4, 3, 0),  # without a fault
        (4, 3, 0),  # level 2.1
        (3, 3, 1),  # admitted January to May: e2 falls out, p1 stays in with e1
        (2, 2, 1),  # attended: e4 never came
        (1, 1, 1),  # engaged: e3 came four times, but only three by day 13
    ]
    described = cohort.describe_attrition()
    assert one(described, "attrition", category="read")["n"] == 4
    assert (
        one(described, "attrition", category="counted")["n"]
        == one(described, "attrition", category="counted")["people"]
    )
    left_out = described.frame.query("category not in ('read', 'counted')")
    assert left_out["n"].tolist() == [0, 0, 1, 1, 1]
    assert left_out["denominator"].tolist() == [4, 4, 4, 3, 2]
    assert left_out["n"].sum() + 1 == 4


def test_an_empty_cohort_is_empty_and_not_an_error():
    cohort = select_cohort(records(STAYS, SESSIONS), admitted=("2020-01-01", "2020-12-31"))
    assert cohort.attrition[-1].episodes == cohort.attrition[-1].people == 0
    assert len(measure_endings(cohort)) == 0


def test_a_missing_group_is_the_unknown_group_and_never_everyone():
    endings = measure_endings(select_cohort(records(STAYS, SESSIONS), rung="admitted"), by="gender", until=7)
    groups = endings.where(by="gender", category="in_programme", at=0).frame
    assert groups["group"].isna().sum() == 1
    assert set(groups["group"].dropna()) == {"female", "male"}
    assert groups["denominator"].sum() == one(endings, "ending", category="in_programme", at=0)["denominator"] == 4
    assert value(endings, "ending", by="gender", group="female", category="in_programme", at=0) == 1


@pytest.mark.parametrize(
    "word",
    [
        {"rung": "arrived"},
        {"episodes": "last"},
        {"exit_rule": "billing"},
        {"level_of_care": "IOP"},
        {"admitted": ("January", "March")},
    ],
)
def test_a_word_it_does_not_know_is_refused(word):
    with pytest.raises(UsageError):
        select_cohort(records(STAYS, SESSIONS), **word)


def test_records_without_dates_take_years_only():
    stays = """
        episode | admission_date | admission_year | person_day | discharge_day | observed_day | end_reason
        e1      |                | 2024           | 0          | 10            | 300          | left_early
        e2      |                | 2025           | 0          | 10            | 200          | completed
    """
    read = records(stays, as_of="2025-12-31", privacy="safe_harbor")
    assert counted(select_cohort(read, admitted=("2025", "2025"))) == ["e2"]
    with pytest.raises(UsageError, match="two years"):
        select_cohort(read, admitted=("2025-01-01", "2025-12-31"))


def test_a_drawn_table_keeps_blank_cells_and_short_names():
    assert draw(STAYS).columns[:2].tolist() == ["episode_id", "person_id"]
    assert draw(STAYS)["gender"].tolist() == ["female", "female", "male", ""]
