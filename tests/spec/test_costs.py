"""What care costs (docs/definitions/costs.md): a programme's books over its client-weeks, person by person."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pytest
from tables import draw, one, value

import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.statistics import (
    Accrual,
    Followed,
    accumulated_mean,
    accumulated_ratio,
    kaplan_meier,
    restricted_mean,
)

PROGRAMS = """
    program | label | level_of_care | planned_weeks | required_hours | schedule
    --------+-------+---------------+---------------+----------------+---------
    iop     | IOP   | 2.1           | 8             | 9              | evening
    home    | Home  | 3.5           | 4             | 20             | residential
"""
#: Days enrolled: 14 (a), 28 (b, completed), 14 (c) in the IOP and 7 (c, later) in residential care.
STAYS = """
    episode | person | program | admission_date | discharge_date | end_reason
    --------+--------+---------+----------------+----------------+-----------
    a       | p1     | iop     | 2025-01-06     | 2025-01-19     | left_early
    b       | p2     | iop     | 2025-01-06     | 2025-02-02     | completed
    c       | p3     | iop     | 2025-01-06     | 2025-01-19     | left_early
    d       | p3     | home    | 2025-03-01     | 2025-03-07     | completed
"""
#: The IOP: $4,000 over 8 client-weeks. Residential: $1,500 over one.
COSTS = """
    program | period_start | period_end | line            | kind    | bearer   | amount | price_year
    --------+--------------+------------+-----------------+---------+----------+--------+-----------
    iop     | 2025-01-01   | 2025-03-31 | personnel       | cost    | provider | 3000   | 2024
    iop     | 2025-01-01   | 2025-03-31 | space           | cost    | provider | 1000   | 2024
    iop     | 2025-01-01   | 2025-03-31 | time_and_travel | cost    | client   | 800    | 2024
    iop     | 2025-01-01   | 2025-03-31 | billed          | charge  | payer    | 6400   | 2024
    iop     | 2025-01-01   | 2025-03-31 | received        | payment | payer    | 3600   | 2024
    home    | 2025-01-01   | 2025-03-31 | personnel       | cost    | provider | 1500   | 2024
"""
SESSIONS = """
    episode | day | hours_offered | hours_attended | status
    --------+-----+---------------+----------------+----------
    a       | 0   | 3             | 3              | attended
    a       | 5   | 3             |                | no_show
    b       | 0   | 3             | 2              | attended
    c       | 0   | 3             | 3              | attended
    d       | 0   | 4             | 4              | attended
"""


@cache
def read(stays, costs, outcomes, as_of, exit_rule):
    frames = {"programs": draw(PROGRAMS), "episodes": draw(stays), "costs": draw(costs)}
    sessions = draw(SESSIONS).assign(service_type="group")
    frames["attendance"] = sessions[sessions["episode_id"].isin(frames["episodes"]["episode_id"])]
    if outcomes is not None:
        frames["outcomes"] = draw(outcomes).assign(point="week", substance="any", status="done")
    settings = {"name": "Spec", "as_of": as_of, "ids_are_random": True, "retention": {"exit_rule": exit_rule}}
    records = iop.read_records({**frames, "settings": settings}, today=date(2026, 6, 30))
    assert records.manifest.faults == 0, records.manifest.set_aside.to_string()
    return records


def measure(
    stays=STAYS, costs=COSTS, outcomes=None, level="2.1", as_of="2026-03-31", exit_rule="last_contact", **options
):
    records = read(stays, costs, outcomes, as_of, exit_rule)
    return iop.measure_costs(iop.select_cohort(records, level_of_care=level, rung="admitted"), **options)


def test_a_client_week_is_the_books_over_the_weeks_delivered_in_the_same_period():
    """2 + 4 + 2 weeks for $4,000: $500 a week."""
    row = one(measure(), "cost_client_week")
    assert (row["value"], row["people"], row["estimand"]) == (500, 3, "ratio")
    assert (row["period_start"], row["period_end"]) == ("2025-01-01", "2025-03-31")
    assert row["unit"] == "dollars of 2024, cost to the provider"
    assert "CPI-U" in row["note"]


def test_only_days_inside_the_period_count_as_delivered():
    """With books for January alone, b's 28 days have 26 in it: 14 + 26 + 14 = 54 days for $4,000."""
    january = COSTS.replace("2025-03-31", "2025-01-31")
    assert value(measure(costs=january), "cost_client_week") == pytest.approx(4000 / (54 / 7))


def test_hours_cost_by_what_was_attended_and_by_what_was_offered():
    """3 + 2 + 3 hours attended and 12 offered in the IOP."""
    found = measure()
    assert value(found, "cost_contact_hour", category="attended") == 500
    assert value(found, "cost_contact_hour", category="offered") == pytest.approx(4000 / 12)


def test_an_admission_costs_its_own_weeks():
    """$1,000, $2,000 and $1,000."""
    row = one(measure(), "cost_admission")
    assert row["value"] == pytest.approx(4000 / 3)
    assert (row["n"], row["people"], row["n_missing"], row["at"]) == (3, 3, 0, 365)
    spread = np.std([1000, 2000, 1000], ddof=1) / np.sqrt(3)
    assert row["ci_high"] - row["value"] == pytest.approx(4.302652729911275 * spread)


def test_mean_cost_times_mean_stay_is_not_the_mean_of_the_products():
    """Published: 7 weeks of $462 are $3,234, but the mean cost of an episode was $4,445. Here weeks of $500 and $1,500,
    $1,000 on average, and stays of 2, 4, 2 and 1 weeks, 2.25 on average, do not make the mean of the four products."""
    assert 7 * 462 == 3234 != 4445
    found = measure(level=None)
    rates = found.where(definition="cost_client_week@1", by="program").frame["value"]
    assert rates.mean() * np.mean([2, 4, 2, 1]) == pytest.approx(2250)
    assert value(found, "cost_admission") == pytest.approx(np.mean([1000, 2000, 1000, 1500])) == 1375
    assert value(found, "cost_admission", by="program", group="Home") == pytest.approx(1500)


def test_the_pathway_holds_readmissions_and_other_levels_within_the_horizon():
    """c's person goes on to a week of residential care 54 days later: $1,000 + $1,500."""
    assert value(measure(), "cost_pathway") == pytest.approx((1000 + 2000 + 2500) / 3)
    assert value(measure(horizon=54), "cost_pathway") == pytest.approx(4000 / 3)
    # Days 54 to 56 of the seven are within 57 days.
    assert value(measure(horizon=57), "cost_pathway") == pytest.approx((4000 + 1500 * 3 / 7) / 3)
    assert not len(measure(pathway=False).where(definition="cost_pathway@1"))


def test_a_completer_carries_the_cost_of_those_who_left():
    row = one(measure(), "cost_completer")
    assert (row["value"], row["n"], row["denominator"]) == (pytest.approx(4000), 1, 3)
    assert row["ci_low"] >= 0


REPORTS = """
    episode | day | instrument  | result   | days_covered
    --------+-----+-------------+----------+-------------
    a       | 6   | self_report | negative | 6
    a       | 9   | self_report | positive | 0
    b       | 13  | self_report | negative | 13
"""


def test_a_sober_day_costs_between_two_prices():
    """In care until the last contact, day 0 of each: 1 day known sober for a and b, nothing known of c. By the discharge
    7 and 14 days are known sober; of 14 + 28 + 14 all but one are not contradicted."""
    found = measure(outcomes=REPORTS, exit_rule="discharge")
    assert value(found, "cost_sober_day", category="known_sober") == pytest.approx(4000 / 21)
    assert value(found, "cost_sober_day", category="not_contradicted") == pytest.approx(4000 / 55)
    contact = measure(outcomes=REPORTS)
    assert value(contact, "cost_sober_day", category="known_sober") > value(
        found, "cost_sober_day", category="known_sober"
    )
    assert not len(measure().where(definition="cost_sober_day@1"))


def test_nobody_completed_and_nobody_known_sober_cannot_be_divided_by():
    """a: in care on days 0 to 7, and use on all of them; nobody completed."""
    one_left = "\n".join(STAYS.strip().splitlines()[:3])
    used = "episode|day|instrument|result|days_covered\na|13|self_report|positive|13"
    found = measure(stays=one_left, outcomes=used)
    for definition in ("cost_completer", "cost_sober_day"):
        rows = found.where(definition=f"{definition}@1", by="all").frame
        assert set(rows["status"]) == {"not_estimable"}, definition
        assert rows["note"].notna().all()


def test_perspectives_and_kinds_are_different_numbers_and_say_so():
    """A week costs the provider $500, the client $100, society $600; $800 is billed for it and $450 received."""
    for options, dollars, unit in (
        ({}, 500, "cost to the provider"),
        ({"perspective": "client"}, 100, "cost to the client"),
        ({"perspective": "society"}, 600, "cost to society"),
        ({"perspective": "payer", "kind": "charge"}, 800, "charges to the payer"),
        ({"perspective": "payer", "kind": "payment"}, 450, "payments by the payer"),
    ):
        row = one(measure(**options), "cost_client_week")
        assert (row["value"], row["unit"]) == (pytest.approx(dollars), f"dollars of 2024, {unit}")


def test_who_bears_each_line():
    lines = measure().where(definition="cost_line@1").frame
    found = {(row.category, row.group): row.value for row in lines.itertuples()}
    assert found == {
        ("personnel", "provider"): 3000,
        ("space", "provider"): 1000,
        ("time_and_travel", "client"): 800,
    }
    assert set(lines["by"]) == {"bearer"}
    assert set(lines["unit"]) == {"dollars of 2024, economic cost"}


def test_prices_are_carried_to_one_year_line_by_line():
    mixed = COSTS.replace("space           | cost    | provider | 1000   | 2024", "space|cost|provider|1000|2020")
    carried = 3000 + iop.convert_dollars(1000, 2020, 2024)
    row = one(measure(costs=mixed), "cost_client_week")
    assert (row["value"], row["unit"]) == (pytest.approx(carried / 8), "dollars of 2024, cost to the provider")
    row = one(measure(price_year=2025), "cost_client_week")
    assert row["value"] == pytest.approx(iop.convert_dollars(500, 2024, 2025))


def test_periods_that_are_not_over_are_left_out_and_counted():
    more = COSTS + "    iop     | 2026-01-01   | 2026-06-30 | personnel | cost | provider | 99999 | 2024\n"
    row = one(measure(costs=more), "cost_client_week")
    assert row["value"] == 500
    assert "1 lines of periods not wholly in the records left out" in row["note"]


def test_books_by_quarter_and_a_yearly_line_cover_the_same_days_once():
    """$4,000 for the quarter and $1,200 of rent for the half year that holds it, over the same 8 client-weeks."""
    rent = COSTS + "    iop     | 2025-01-01   | 2025-06-30 | rent | cost | provider | 1200 | 2024\n"
    assert value(measure(costs=rent), "cost_client_week") == 650


OPEN = """
    episode | person | program | admission_date | discharge_date | end_reason
    --------+--------+---------+----------------+----------------+-----------
    a       | p1     | iop     | 2025-01-06     | 2025-01-12     | left_early
    b       | p2     | iop     | 2025-01-06     | 2025-02-02     | completed
    c       | p3     | iop     | 2025-03-18     |                |
"""


def test_people_still_in_care_have_not_cost_everything_yet():
    """Until the extract on 31 March c has been enrolled for 14 days. 7 + 28 + 14 days for $4,000. Of those seen past day
    14 (b alone) all went on to day 27: a 7 days, b and c 28 each; open admissions left out it would be 17.5 on average."""
    row = one(measure(stays=OPEN, as_of="2025-03-31", pathway=False), "cost_admission")
    daily = 4000 / 49
    assert row["value"] == pytest.approx(daily * (7 + 28 + 28) / 3)
    assert row["value"] > daily * (7 + 28) / 2
    assert (row["n_missing"], row["n"]) == (1, 3)
    assert "censoring" in row["method"]


def test_a_horizon_nobody_was_followed_to_gives_no_number():
    found = measure(stays=OPEN, as_of="2025-03-31")
    row = one(found, "cost_pathway")
    assert (row["status"], row["n_missing"]) == ("not_estimable", 3)
    assert "nobody was followed through 365 days" in row["note"]


def test_a_programme_without_books_is_left_out_and_counted():
    iop_only = "\n".join(line for line in COSTS.splitlines() if "home" not in line)
    found = measure(costs=iop_only, level=None)
    assert one(found, "cost_admission")["n_missing"] == 1
    assert value(found, "cost_admission") == pytest.approx(4000 / 3)
    # c's person goes on to a programme of which nobody knows the cost: their pathway cannot be priced.
    row = one(measure(costs=iop_only), "cost_pathway")
    assert (row["n"], row["n_missing"], row["value"]) == (2, 1, pytest.approx(1500))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"perspective": "court"}, "perspective is one of"),
        ({"kind": "price"}, "kind is one of"),
        ({"horizon": 0}, "horizon is a number of days"),
        ({"index": "gold"}, "index is one of"),
        ({"perspective": "payer"}, "no line of kind cost that counts for the payer"),
        ({"perspective": "society", "kind": "payment"}, "society counts costs"),
        ({"price_year": 1950}, "has the years"),
    ],
)
def test_wrong_words_are_one_clear_sentence(options, says):
    with pytest.raises(UsageError, match=says):
        measure(**options)


def follow(n=60, seed=1):
    rng = np.random.default_rng(seed)
    stay, watched = rng.integers(0, 40, n), rng.integers(3, 60, n)
    return np.minimum(stay, watched), stay <= watched, rng.integers(0, 35, n), rng.random(n) * 10


def test_at_one_rate_it_is_the_restricted_mean_of_kaplan_meier_with_its_error():
    """Days 0 to 29 of a stay are one more than the area under the curve up to day 29; the curve's error, which is R's,
    has no factor m/(m - 1)."""
    seen, final, person, _ = follow()
    rows = np.arange(len(seen))
    mean = accumulated_mean(Accrual(rows, 0 * seen, seen, np.ones(len(seen))), Followed(seen, final, person), days=30)
    curve = restricted_mean(kaplan_meier(seen, final, cluster=person), 29)
    people = len(set(person))
    assert mean.value == pytest.approx(1 + curve.value, abs=1e-12)
    assert mean.std_error == pytest.approx(curve.std_error * np.sqrt(people / (people - 1)), abs=1e-12)


def test_each_row_moves_the_mean_by_what_leaving_it_out_a_little_would():
    """The error against numerical derivatives of the plain formula, rates differing from row to row."""
    seen, final, _, rate = follow()
    rows, days = np.arange(len(seen)), 30

    def plain(weight):
        chance, total = 1.0, 0.0
        for day in range(days):
            total += np.sum(weight * rate * (seen >= day)) / chance
            at_risk = np.sum(weight * ((seen >= day) & ~(final & (seen == day))))
            chance *= 1 - np.sum(weight * (~final & (seen == day))) / at_risk if at_risk > 0 else 1
        return total / weight.sum()

    step = 1e-5 * np.eye(len(seen))
    slopes = np.array([(plain(1 + up) - plain(1 - up)) / 2e-5 for up in step])
    mean = accumulated_mean(Accrual(rows, 0 * seen, seen, rate), Followed(seen, final, rows), days=days)
    assert mean.value == pytest.approx(plain(np.ones(len(seen))), abs=1e-10)
    expected = np.sqrt(len(seen) / (len(seen) - 1) * np.sum(slopes**2))
    assert mean.std_error == pytest.approx(expected, rel=1e-6)


def test_without_censoring_it_is_the_mean_and_the_ratio_of_sums():
    seen, _, person, rate = follow()
    rows = np.arange(len(seen))
    followed = Followed(seen, np.ones(len(seen), dtype=bool), person)
    dollars = Accrual(rows, 0 * seen, seen, rate)
    ones = Accrual(rows, seen, seen, np.ones(len(seen)))
    spent = rate * (seen + 1)
    assert accumulated_mean(dollars, followed, days=100).value == pytest.approx(spent.mean())
    ratio = accumulated_ratio(dollars, ones, followed, days=100)
    sums = {who: (spent[person == who].sum(), (person == who).sum()) for who in set(person)}
    y, x = np.array(list(sums.values())).T
    usual = iop.statistics.ratio_of_sums(y.sum(), x.sum(), y @ y, x @ y, x @ x, len(y))
    assert (ratio.value, ratio.std_error) == (pytest.approx(usual.value), pytest.approx(usual.std_error))


def test_impossible_accruals_are_refused():
    followed = Followed([3], [True], ["a"])
    for accrual in (Accrual([0], [0], [4], [1]), Accrual([0], [2], [1], [1]), Accrual([0], [0], [1], [-1])):
        with pytest.raises(ValueError, match=r"builds up|amounts"):
            accumulated_mean(accrual, followed, days=30)
    with pytest.raises(ValueError, match="whole days"):
        accumulated_mean(Accrual([0], [0], [0], [1]), Followed([1.5], [True], ["a"]), days=3)
