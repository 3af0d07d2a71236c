"""Figures by month with the limits of an XmR chart (docs/definitions/periods.md)."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from tables import diary, one, records, value

from iop_outcomes import measure_by_period, measure_milestones, select_cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.quarters import list_periods


def cohort(stays, sessions=None, **more):
    chosen = {name: more.pop(name) for name in ("admitted", "exit_rule") if name in more}
    return select_cohort(records(stays, sessions, **more), rung="admitted", **chosen)


def follow(chosen, what, **more):
    """A line on an XmR chart, as page 1 of the report draws it."""
    return measure_by_period(chosen, what, chart="xmr", **more)


def by_start(found, column="value"):
    rows = found.frame[found.frame["estimand"] != "center_line"]
    return rows.set_index("period_start")[column].to_dict()


def admissions(**months):
    """Episodes admitted on the first days of these months of 2025, each discharged after ten days."""
    dates = [f"2025-{month[1:]}-{day + 1:02d}" for month, count in months.items() for day in range(count)]
    ids = [f"e{place}" for place in range(len(dates))]
    return pd.DataFrame({"episode_id": ids, "admission_date": dates, "discharge_day": "10", "end_reason": "completed"})


def test_centre_and_limits_come_from_neighbouring_months():
    """2, 4, 3: centre 3, moving ranges 2 and 1, limits 3 ± 3/1.128 · 1.5; a count is never below 0."""
    found = follow(cohort(admissions(m01=2, m02=4, m03=3), as_of="2025-03-31"), "admissions")
    assert by_start(found) == {"2025-01-01": 2, "2025-02-01": 4, "2025-03-01": 3}
    lines = found.where(estimand="center_line").frame.set_index("category")["value"]
    assert lines["centre"] == 3
    assert lines["upper"] == pytest.approx(3 + 3 / 1.128 * 1.5)
    assert lines["lower"] == 0
    assert one(found, "admissions", period_start="2025-02-01", estimand="count")["period_end"] == "2025-02-28"


def test_a_month_without_admissions_is_a_real_nought():
    found = follow(cohort(admissions(m01=2, m03=4), as_of="2025-03-31"), "admissions")
    assert by_start(found)["2025-02-01"] == 0
    assert value(found, "admissions", category="centre") == 2


def test_a_month_the_extract_or_the_cohort_does_not_cover_whole_is_immature():
    """Seen up to 15 April, and chosen from 10 January on: neither January nor April can be held against the others."""
    stays = admissions(m01=20, m02=4, m03=3, m04=2)
    found = follow(cohort(stays, as_of="2025-04-20", admitted=("2025-01-10", "2025-12-31")), "admissions")
    assert by_start(found, "status") == {
        "2025-01-01": "immature",
        "2025-02-01": "ok",
        "2025-03-01": "ok",
        "2025-04-01": "immature",
    }
    assert value(found, "admissions", category="centre") == 3.5


def test_no_nought_is_made_up_where_the_cohort_did_not_look():
    found = follow(
        cohort(admissions(m01=2, m02=3, m03=4), as_of="2025-06-30", admitted=("2025-01-01", "2025-02-28")), "admissions"
    )
    assert by_start(found) == {"2025-01-01": 2, "2025-02-01": 3}


def test_retained_stands_in_the_month_of_admission_and_ripens_after_its_days():
    """January: one of two left on day 10. February: both stayed. March's day 42 lies after the extract of 30 April."""
    stays = """
        episode | admission_date | discharge_day | end_reason
        a       | 2025-01-06     | 10            | left_early
        b       | 2025-01-31     | 80            | completed
        c       | 2025-02-03     | 60            | completed
        d       | 2025-02-28     | 61            | completed
        e       | 2025-03-31     |               |
    """
    found = follow(cohort(stays, as_of="2025-04-30", exit_rule="discharge"), "retained", at=42)
    assert by_start(found, "status") == {"2025-01-01": "ok", "2025-02-01": "ok", "2025-03-01": "immature"}
    assert by_start(found)["2025-01-01"] == 0.5
    assert by_start(found)["2025-02-01"] == 1
    assert value(found, "retained", category="centre") == 0.75


# Admitted 27 January: weeks begin on 27 January (9 h), 3 February (6 h) and 10 February (9 h); out on 16 February.
ACROSS = "episode | admission_date | discharge_day | end_reason\ne1 | 2025-01-27 | 20 | completed"
ACROSS_SESSIONS = "episode | day | hours_offered\ne1|0|9\ne1|7|6\ne1|20|9"


def two_months(**months):
    """Episodes admitted on the first day of a month of 2025 who left before completing on day 13."""
    shared = {"discharge_day": "13", "end_reason": "left_early"}
    dates = {name: f"2025-{month:02d}-01" for name, month in months.items()}
    return pd.DataFrame({"episode_id": dates.keys(), "admission_date": dates.values()}).assign(**shared)


def test_a_milestone_stands_in_the_month_of_admission_and_rests_on_everyone_admitted(monkeypatch):
    """Seven days, for short diaries. January: a reached them, b bridged a day, c used; February: d left too soon."""
    monkeypatch.setattr("iop_outcomes.measures.period_lines.MILESTONE", 7)
    diaries = diary(a="-" * 14, b="---_---", c="-----+" * 2, d="---+", e="-" * 14)
    stays = two_months(a=1, b=1, c=1, d=2, e=3)
    chosen = select_cohort(records(stays, None, diaries, as_of="2025-03-20"), rung="admitted", exit_rule="discharge")
    found = follow(chosen, "milestone", at=10)
    assert by_start(found) == {"2025-01-01": pytest.approx(2 / 3), "2025-02-01": 0, "2025-03-01": 1}
    assert by_start(found, "denominator") == {"2025-01-01": 3, "2025-02-01": 1, "2025-03-01": 1}
    assert by_start(found, "status") == {"2025-01-01": "ok", "2025-02-01": "ok", "2025-03-01": "immature"}
    whole = measure_milestones(chosen, milestones=(7,), until=10, every=10)
    assert value(whole, "milestone_bridged", at=10) == pytest.approx(3 / 5)
    silent = follow(cohort(stays, as_of="2025-03-20"), "milestone", at=10)
    assert len(silent) == 0


def test_improvement_by_month_rests_on_everyone_with_a_baseline_asked_again_or_not():
    """January: a fell by 6 points, b by 5, c was not asked again. February: d fell by 8; e has no baseline."""
    scores = """
        episode | day | point  | instrument | score
        a       | 0   | intake | phq9       | 16
        a       | 20  | week   | phq9       | 10
        b       | 0   | intake | phq9       | 16
        b       | 20  | week   | phq9       | 11
        c       | 0   | intake | phq9       | 16
        d       | 0   | intake | phq9       | 16
        d       | 20  | week   | phq9       | 8
        e       | 20  | week   | phq9       | 8
    """
    stays = two_months(a=1, b=1, c=1, d=2, e=2)
    chosen = select_cohort(records(stays, None, scores, as_of="2025-06-30"), rung="admitted", exit_rule="discharge")
    found = follow(chosen, "improved")
    assert by_start(found) == {"2025-01-01": pytest.approx(1 / 3), "2025-02-01": 1}
    assert by_start(found, "denominator") == {"2025-01-01": 3, "2025-02-01": 1}
    assert by_start(found, "category") == dict.fromkeys(("2025-01-01", "2025-02-01"), "phq9/improved")
    assert len(follow(cohort(stays, as_of="2025-06-30"), "improved")) == 0


def test_a_week_belongs_to_the_month_in_which_it_began():
    found = follow(cohort(ACROSS, ACROSS_SESSIONS), "requirement_met", until="2025-03-31")
    assert by_start(found) == {"2025-01-01": 1, "2025-02-01": 0.5}
    assert by_start(found, "denominator") == {"2025-01-01": 1, "2025-02-01": 2}
    hours = follow(cohort(ACROSS, ACROSS_SESSIONS), "hours_completion_enrolled", until="2025-03-31")
    assert by_start(hours) == {"2025-01-01": 1, "2025-02-01": pytest.approx(15 / 18)}


def test_who_has_left_is_not_counted_in_the_months_after():
    """a leaves on 9 February, with weeks of the planned course to come in March; b is there all along."""
    stays = """
        episode | admission_date | discharge_day | end_reason
        a       | 2025-01-27     | 13            | left_early
        b       | 2025-01-27     | 55            | completed
    """
    sessions = "episode | day | hours_offered\na|0|9\n" + "\n".join(f"b|{7 * week}|9" for week in range(8))
    found = follow(cohort(stays, sessions, exit_rule="discharge"), "hours_completion_enrolled")
    assert by_start(found, "people") == {"2025-01-01": 2, "2025-02-01": 2, "2025-03-01": 1}
    assert by_start(found)["2025-03-01"] == 1


def test_missed_sessions_stand_in_their_month_the_undated_by_their_week():
    """Week 1 (27 January to 2 February) ends in February; the session known by name alone has no month at all."""
    sessions = """
        episode | day | week | visit | status
        e1      | 0   |      |       | attended
        e1      | 2   |      |       | no_show
        e1      |     | 1    |       | no_show
        e1      | 14  |      |       | attended
        e1      |     |      | extra | no_show
    """
    found = follow(cohort(ACROSS, sessions), "no_show")
    assert by_start(found) == {"2025-01-01": 0.5, "2025-02-01": 0.5}
    assert by_start(found, "n_missing") == {"2025-01-01": 1, "2025-02-01": 1}


def months_of(*missed):
    """One person with 20 sessions in each month from January 2024 on, so many of them missed."""
    rows = []
    for place, count in enumerate(missed):
        for day in range(1, 21):
            when = date(2024 + place // 12, place % 12 + 1, day).isoformat()
            rows.append({"episode_id": "e1", "date": when, "status": "no_show" if day <= count else "attended"})
    last = date(2024 + len(missed) // 12, len(missed) % 12 + 1, 1)
    stays = pd.DataFrame({"episode_id": ["e1"], "admission_date": ["2024-01-01"]}).assign(
        discharge_day="", end_reason=""
    )
    return cohort(stays, pd.DataFrame(rows), as_of=last.isoformat())


def notes(*missed):
    found = follow(months_of(*missed), "no_show")
    return list(by_start(found, "note").values())


def test_ordinary_variation_is_no_signal():
    assert [note for note in notes(4, 8, 5, 9, 4, 7, 6, 8) if isinstance(note, str)] == []


def test_a_month_outside_the_limits_is_worse_when_more_is_missed_and_better_when_less_is():
    worse = notes(4, 5, 4, 5, 4, 5, 18)
    assert worse[-1] == "signal: worse"
    assert not any(isinstance(note, str) for note in worse[:-1])
    assert notes(15, 16, 15, 16, 15, 16, 2)[-1] == "signal: better"


def test_seven_rising_months_are_worse_on_both_sides_of_the_centre():
    """A trend points the way it goes: its first months lie below the centre, and are part of the same bad news."""
    found = notes(4, 16, 4, 16, 4, 16, 5, 6, 7, 8, 9, 10, 11)
    assert found[6:] == ["signal: worse"] * 7
    assert not any(isinstance(note, str) for note in found[:6])
    assert notes(16, 4, 16, 4, 16, 4, 15, 14, 13, 12, 11, 10, 9)[6:] == ["signal: better"] * 7


def test_a_change_in_admissions_is_neither_better_nor_worse():
    months = {f"m{month:02d}": count for month, count in enumerate((2, 3, 2, 3, 2, 3, 2, 3, 14), start=1)}
    found = follow(cohort(admissions(**months), as_of="2025-09-30"), "admissions")
    assert list(by_start(found, "note").values())[-1] == "signal: changed"


def test_one_month_or_months_apart_have_no_limits():
    alone = follow(cohort(admissions(m01=2), as_of="2025-01-31"), "admissions")
    assert set(alone.frame["estimand"]) == {"count"}
    apart = pd.concat([admissions(m01=2), admissions(m03=2).assign(episode_id=["x", "y"])])
    found = follow(cohort(apart, as_of="2025-12-31", exit_rule="discharge"), "retained", at=5)
    assert by_start(found) == {"2025-01-01": 1, "2025-03-01": 1}
    assert "center_line" not in set(found.frame["estimand"])


@pytest.mark.parametrize(
    ("period", "starts"),
    [
        ("month", ["2024-11-01", "2024-12-01", "2025-01-01", "2025-02-01"]),
        ("quarter", ["2024-10-01", "2025-01-01"]),
    ],
)
def test_periods_are_calendar_months_and_quarters(period, starts):
    periods = list_periods(date(2024, 11, 20), date(2025, 2, 1), period)
    assert [start for start, _ in periods] == starts
    assert periods[-1][1] == date(2025, 2, 28) if period == "month" else date(2025, 3, 31)


def test_records_without_dates_have_no_periods():
    stays = "episode | admission_date | admission_year | person_day | discharge_day | observed_day | end_reason\n"
    read = records(stays + "e1 | | 2025 | 0 | 10 | 300 | completed", privacy="safe_harbor")
    assert len(follow(select_cohort(read), "admissions")) == 0


@pytest.mark.parametrize("word", [{"what": "profit"}, {"what": "admissions", "period": "week"}])
def test_a_word_it_does_not_know_is_refused(word):
    with pytest.raises(UsageError):
        measure_by_period(cohort(admissions(m01=1)), **word)
