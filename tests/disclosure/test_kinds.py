"""Rules of docs/release.md that look at what a number was made from: dominance D10, models D17, crossings D16, staff D19, D18."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import iop_outcomes as iop
from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import GATE_ONLY, Estimates
from iop_outcomes.measures.rows import most_of_two
from iop_outcomes.publication.export import write_csv
from iop_outcomes.publication.gate import publish

NUMBERS = ["value", "ci_low", "ci_high", "n", "denominator", "people"]


def row(**columns: object) -> dict[str, object]:
    shared = {"measure": "m", "definition": "total@1", "estimand": "sum", "value": 1000.0, "n": 40, "denominator": 40}
    return {**shared, "people": 40, "unit": "hours", **columns}


def status(*rows: dict[str, object]) -> list[str]:
    return publish(Estimates.from_rows(rows)).frame["status"].tolist()


# --- D10 ---------------------------------------------------------------------------------------------------------------
def test_one_client_with_95_percent_of_the_cost() -> None:
    """19,000 of 20,000 dollars are one person's: whoever knows the sum knows that person's cost to within 5 %."""
    costs = np.array([19_000.0, *[1000 / 39] * 39])
    held = np.sort(costs)[-2:].sum() / costs.sum()
    assert abs(costs.sum() - 19_000) / 19_000 < 0.06  # the attack
    cost = {"unit": "dollars of 2025", "value": costs.sum()}
    assert status(row(**cost, top_two=held)) == ["withheld"]
    assert status(row(**cost, top_two=0.3)) == ["ok"]


@pytest.mark.parametrize("estimand", ["sum", "mean", "ratio"])
def test_money_of_which_nobody_said_how_much_two_people_hold_is_withheld(estimand: str) -> None:
    assert status(row(estimand=estimand, unit="dollars of 2025")) == ["withheld"]


def test_hours_of_two_people_among_forty_are_withheld() -> None:
    """Two of 40 people had family sessions: the sum of the hours is theirs."""
    hours = np.array([6.0, 4.0, *[0.0] * 38])
    assert status(row(value=hours.sum(), top_two=most_of_two(hours.sum(), (hours**2).sum()))) == ["withheld"]
    hours[2:12] = 5.0
    assert status(row(value=hours.sum(), top_two=most_of_two(hours.sum(), (hours**2).sum()))) == ["ok"]


def test_the_bound_on_two_peoples_share_never_lies_below_it() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        parts = rng.lognormal(0, rng.uniform(0.1, 4), size=rng.integers(2, 40))
        exact = np.sort(parts)[-2:].sum() / parts.sum()
        assert most_of_two(parts.sum(), (parts**2).sum()) >= exact - 1e-12


def test_a_measure_says_how_much_two_people_hold() -> None:
    records = iop.read_records(iop.simulate_records(people=200, seed=2).source)
    hours = iop.measure_hours(iop.select_cohort(records, level_of_care="2.1")).where(estimand="sum").frame
    assert len(hours) > 8
    assert hours["top_two"].between(0, 1).all()
    everybody = hours[(hours["definition"] == "hours_attended@1") & (hours["category"] == "all")].iloc[0]
    assert np.sqrt(2 / everybody["people"]) <= everybody["top_two"] < 0.5  # never below what equal parts would hold


# --- D17 ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("spare", "told"), [(None, "withheld"), (0, "withheld"), (9, "withheld"), (10, "ok")])
def test_a_saturated_model_gives_its_groups_back(spare: int | None, told: str) -> None:
    share = row(estimand="proportion", definition="done@1", value=0.5, n=20, unit="share")
    made = {**share, "definition": "adjusted@1", "estimand": "adjusted_proportion", "residual_df": spare}
    assert status(share, made) == ["ok", told]


# --- D16 and D19 ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("gender", "ok"),
        ("site", "ok"),
        ("gender + employment", "ok"),
        ("site + gender + employment", "ok"),
        ("site + race + gender + employment", "withheld"),
        ("race x gender x employment", "withheld"),
        ("clinician", "withheld"),
        ("primary_counsellor", "withheld"),
        ("staff_id", "withheld"),
    ],
)
def test_tables_of_many_characteristics_and_of_staff_are_blocked(by: str, told: str) -> None:
    groups = [row(estimand="proportion", definition="done@1", value=0.5, n=20, by=by, group=name) for name in "AB"]
    assert status(*groups) == [told] * 2


# --- D1 for what was worked out ------------------------------------------------------------------------------------------
def test_a_balance_figure_does_not_tell_the_few_people_it_rests_on() -> None:
    """3 of 60 and 22 of 60: the standardised difference of the two shares can only be that of 3 and 22."""

    def smd(treated: int, control: int) -> float:
        one, two = treated / 60, control / 60
        return (one - two) / np.sqrt((one * (1 - one) + two * (1 - two)) / 2)

    told = smd(3, 22)
    readings = [(x, 25 - x) for x in range(26) if abs(smd(x, 25 - x) - told) < 1e-9]
    assert readings == [(3, 22)]  # the attack
    figure = row(estimand="smd", definition="balance@1", value=told, n=25, denominator=120, people=120, unit="sd")
    assert status({**figure, "smallest": 3}) == ["withheld"]
    assert status({**figure, "smallest": 22}) == ["ok"]


# --- D18 and what the gate alone may see ------------------------------------------------------------------------------------
def test_rows_about_single_people_do_not_leave() -> None:
    people = [row(estimand="mean", definition="age@1", value=78.0, n=1, denominator=1, people=1, by="person", group=str(i))
              for i in range(20)]  # fmt: skip
    assert set(status(*people)) == {"withheld"}


def test_no_writer_takes_a_table_that_did_not_pass_the_gate(tmp_path) -> None:
    with pytest.raises(DisclosureError, match="published rows only"):
        write_csv(pd.DataFrame({"age": [78]}), tmp_path / "people.csv")


@pytest.mark.parametrize("audience", ["public", "internal"])
def test_what_the_gate_alone_may_see_is_in_no_release(audience: str) -> None:
    rows = [row(top_two=0.2, smallest=22, residual_df=30)]
    assert publish(Estimates.from_rows(rows), audience=audience).frame[list(GATE_ONLY)].isna().all(axis=None)
