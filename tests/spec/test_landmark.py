"""People still there on one day, with and without family sessions by then (docs/definitions/landmark.md)."""

from __future__ import annotations

import pandas as pd
import pytest
from tables import one, records

from iop_outcomes import measure_landmark, select_cohort
from iop_outcomes.errors import UsageError

#: Left on this day for this reason; attended a family session on this day (``-``: never).
STAYS = """
    episode | discharge_day | end_reason | family
    --------+---------------+------------+-------
    a       | 55            | completed  | 10
    b       | 55            | completed  | 30
    c       | 40            | left_early | 20
    d       | 55            | completed  | -
    e       | 45            | left_early | 33
    f       | 30            | left_early | 9
    g       | 12            | left_early | -
    h       | 31            | terminated | -
"""


def cohort(text=STAYS, status="attended", **columns):
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines() if "---" not in line]
    stays = pd.DataFrame(lines[1:], columns=["episode_id", *lines[0][1:]]).assign(**columns)
    first = pd.DataFrame({"episode_id": stays["episode_id"], "day": "0", "service_type": "group", "status": "attended"})
    family = stays.loc[stays["family"] != "-", ["episode_id", "family"]].rename(columns={"family": "day"})
    sessions = pd.concat([first, family.assign(service_type="family", status=status)])
    return select_cohort(records(stays.drop(columns="family"), sessions), exit_rule="discharge")


@pytest.fixture(scope="module")
def eight():
    return cohort()


def share(found, definition="landmark_retained", **where):
    row = one(found, definition, estimand="cumulative_incidence", **where)
    return row["value"], row["denominator"]


def test_everybody_is_looked_at_on_the_landmark_and_nobody_dropped_silently(eight):
    """f and g had left by day 30 (f on the day itself): of eight, two; six are compared."""
    found = measure_landmark(eight)
    counts = found.where(definition="landmark_view@1").frame.set_index("category")["n"]
    assert counts.to_dict() == {"left_before": 2, "not_in_view": 0, "compared": 6}
    assert one(found, "landmark_view", category="compared")["at"] == 30


def test_only_sessions_up_to_the_landmark_make_the_group(eight):
    """With: a, b (on the day itself) and c; without: d, h, and e, whose session came on day 33. Of a, b, c two completed;
    of d, e, h one."""
    found = measure_landmark(eight)
    assert share(found) == (pytest.approx(3 / 6), 6)
    assert share(found, by="family_sessions", group="at least 1") == (pytest.approx(2 / 3), 3)
    assert share(found, by="family_sessions", group="none") == (pytest.approx(1 / 3), 3)


def test_days_count_from_the_landmark(eight):
    """c left on day 40, ten days after the landmark: after nine days all three are there; h left on day 31."""
    found = measure_landmark(eight, until=9)
    assert share(found, by="family_sessions", group="at least 1")[0] == 1
    assert share(found, by="family_sessions", group="none")[0] == pytest.approx(2 / 3)
    assert share(measure_landmark(eight, until=10), by="family_sessions", group="at least 1")[0] == pytest.approx(2 / 3)


def test_the_difference_is_of_the_two_groups_and_carries_both(eight):
    row = one(measure_landmark(eight), "landmark_retained", by="family_sessions", estimand="difference")
    assert row["value"] == pytest.approx(1 / 3)
    assert (row["group"], row["reference"], row["denominator"]) == ("at least 1", "none", 6)
    assert row["ci_low"] < row["value"] < row["ci_high"]
    assert row["design_word"] == "associated"


def test_completing_is_not_yet_done_while_somebody_stays(eight):
    """Twenty days after the landmark nobody has completed; after twenty-five a, b and d have."""
    assert share(measure_landmark(eight, outcome="completed", until=20), "landmark_completed")[0] == 0
    found = measure_landmark(eight, outcome="completed", until=25)
    assert share(found, "landmark_completed") == (pytest.approx(3 / 6), 6)
    apart = one(found, "landmark_completed", by="family_sessions", estimand="difference")
    assert apart["value"] == pytest.approx(1 / 3)


def test_a_session_missed_is_not_attended():
    found = measure_landmark(cohort(status="no_show"))
    assert share(found, by="family_sessions", group="none")[1] == 6
    assert not len(found.where(group="at least 1")), "nobody is in the other group, and there is nothing to compare"


def test_how_many_sessions_and_of_which_kind_can_be_asked(eight):
    found = measure_landmark(eight, service="group", least=2, landmark=20)
    assert share(found, by="group_sessions", group="fewer than 2")[1] == 7


def test_people_last_seen_before_the_landmark_are_not_in_view():
    """i was admitted twenty days before the extract and j forty: j is compared, and seen for ten days from the landmark."""
    text = STAYS + "    i | | | 3\n    j | | | 3\n"
    dates = ["2025-01-06"] * 8 + ["2025-12-11", "2025-11-21"]
    found = measure_landmark(cohort(text, admission_date=dates))
    counts = found.where(definition="landmark_view@1").frame.set_index("category")["n"]
    assert counts.to_dict() == {"left_before": 2, "not_in_view": 1, "compared": 7}
    assert one(found, "landmark_retained")["n_missing"] == 1


def test_a_session_without_a_date_counts_on_the_last_day_of_its_week():
    """Week 4 ends on day 27, week 5 on day 34: by day 30 only the first is known to have been."""
    sessions = pd.DataFrame({"episode_id": ["d", "h"], "day": ["", ""], "week": ["4", "5"], "service_type": "family"})
    first = pd.DataFrame({"episode_id": list("abcdefgh"), "day": "0", "week": "1", "service_type": "group"})
    stays = pd.DataFrame({"episode_id": list("abcdefgh"), "discharge_day": "55", "end_reason": "completed"})
    found = measure_landmark(select_cohort(records(stays, pd.concat([first, sessions])), exit_rule="discharge"))
    assert share(found, by="family_sessions", group="at least 1")[1] == 1


def test_bad_words_are_refused(eight):
    for wrong in ({"service": "yoga"}, {"outcome": "happy"}, {"landmark": 0}, {"least": 0}, {"until": 0}):
        with pytest.raises(UsageError):
            measure_landmark(eight, **wrong)
