"""How and when people leave: every ending and *still in programme* add to 1 on every day.

See docs/definitions/endings.md.
"""

from __future__ import annotations

import pytest
from tables import one, records, value

from iop_outcomes import measure_endings, select_cohort
from iop_outcomes.vocabulary import EndReason

# Two leave on one and the same day, 14, the day on which c is last seen; d leaves on day 28.
TIED = """
    episode | admission_date | discharge_day | end_reason
    --------+----------------+---------------+-----------
    a       | 2025-01-06     | 14            | completed
    b       | 2025-01-06     | 14            | left_early
    c       | 2025-12-17     |               |
    d       | 2025-01-06     | 28            | left_early
"""


@pytest.fixture(scope="module")
def tied():
    return measure_endings(select_cohort(records(TIED), exit_rule="discharge"), until=35)


def test_endings_on_one_day_share_the_risk_set_of_that_day(tied):
    """Day 14: one of four completes and one of four leaves. c, seen that day, is in view until it is over.

    Day 28: half is still in, d is the only one in view, so the half goes to left_early.
    """
    assert value(tied, "ending", category="completed", at=7) == 0
    assert value(tied, "ending", category="completed", at=14) == 0.25
    assert value(tied, "ending", category="left_early", at=14) == 0.25
    assert value(tied, "ending", category="in_programme", at=14) == 0.5
    assert value(tied, "ending", category="left_early", at=28) == 0.75
    assert value(tied, "ending", category="completed", at=28) == 0.25
    assert value(tied, "ending", category="in_programme", at=28) == 0


def test_every_ending_and_still_in_programme_add_to_one_on_every_day(tied):
    sums = tied.where(definition="ending@1").frame.groupby("at")["value"].sum()
    assert sums.tolist() == pytest.approx([1] * 6)
    counts = tied.where(definition="ending@1").frame.groupby("at")["n"].sum()
    assert counts.tolist() == [4] * 6


def test_the_grid_goes_by_weeks_to_the_day_asked_for(tied):
    assert sorted(set(tied.frame["at"])) == [0, 7, 14, 21, 28, 35]
    usual = measure_endings(select_cohort(records(TIED), exit_rule="discharge"))
    assert usual.frame["at"].max() == 56 + 14  # the planned length and two weeks


def test_at_risk_counts_who_was_in_view_just_before_the_day(tied):
    risk = tied.where(definition="at_risk@1").frame
    assert risk["n"].tolist() == [4, 4, 4, 1, 1, 0]
    assert risk["value"].tolist() == risk["n"].tolist()


def test_missing_are_those_last_seen_before_the_day(tied):
    assert one(tied, "ending", category="completed", at=14)["n_missing"] == 0
    assert one(tied, "ending", category="completed", at=21)["n_missing"] == 1


@pytest.mark.parametrize("reason", EndReason.codes())
def test_each_reason_is_a_category_of_its_own(reason):
    stays = f"""
        episode | discharge_day | end_reason
        a       | 7             | {reason}
        b       | 7             | {reason}
        c       | 21            | left_early
        d       | 21            | left_early
    """
    found = measure_endings(select_cohort(records(stays), exit_rule="discharge"), until=14)
    at_14 = found.where(definition="ending@1", at=14).frame.set_index("category")["value"]
    assert set(at_14.index) == {*EndReason.codes(), "in_programme"}
    assert at_14[reason] == at_14["in_programme"] == 0.5
    assert at_14.sum() == 1


def test_reasons_put_together_add_the_same():
    stays = """
        episode | discharge_day | end_reason
        a       | 7             | completed
        b       | 7             | left_early
        c       | 7             | terminated
        d       | 7             | died
        e       | 7             | transferred
        f       | 7             | incarcerated
        g       | 7             | other
        h       | 70            | completed
    """
    found = measure_endings(select_cohort(records(stays), exit_rule="discharge"), until=7, combine=True)
    at_7 = found.where(definition="ending@1", at=7).frame.set_index("category")["value"]
    assert at_7.to_dict() == pytest.approx(
        {"completed": 1 / 8, "lost_early": 2 / 8, "other_endings": 4 / 8, "in_programme": 1 / 8}
    )


def test_nothing_is_said_of_a_day_nobody_could_have_reached():
    stays = """
        episode | admission_date | discharge_day | end_reason
        a       | 2025-12-17     | 3             | left_early
        b       | 2025-12-17     |               |
    """
    found = measure_endings(select_cohort(records(stays), exit_rule="discharge"), until=21)
    assert value(found, "ending", category="left_early", at=14) == 0.5
    beyond = found.where(definition="ending@1", at=21).frame
    assert set(beyond["status"]) == {"not_estimable"}
    assert beyond["value"].isna().all()
    assert beyond["note"].str.contains("followed").all()


def test_people_with_several_episodes_are_counted_as_people_and_as_episodes():
    stays = """
        episode | person | admission_date | discharge_day | end_reason
        a1      | a      | 2025-01-06     | 10            | left_early
        a2      | a      | 2025-06-02     | 12            | left_early
        b1      | b      | 2025-01-06     | 56            | completed
    """
    row = one(
        measure_endings(select_cohort(records(stays), exit_rule="discharge")), "ending", category="left_early", at=14
    )
    assert (row["n"], row["denominator"], row["people"]) == (2, 3, 2)
