"""Published figures: retyped facts with source and status, and beside which of our own they may stand."""

from __future__ import annotations

import math
import re

import pytest

import iop_outcomes as iop
from iop_outcomes.comparison.benchmarks import load_benchmarks, load_sources
from iop_outcomes.comparison.prices import Charge, Cost
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.library import load_library
from iop_outcomes.publication.figures.trials import describe_trials, draw_trials, tabulate_trials

FIGURES = load_benchmarks()


@pytest.mark.parametrize("benchmark", FIGURES.values(), ids=FIGURES)
def test_a_published_figure_is_complete(benchmark):
    assert not math.isnan(benchmark.value)
    assert benchmark.unit in ("share", "dollars", "days", "weeks", "ratio", "odds ratio", "points", "hours a week")
    assert benchmark.same in ("yes", "partly", "no")
    assert benchmark.why
    assert (benchmark.money != "") == (benchmark.unit == "dollars")
    if benchmark.compared_with:
        assert benchmark.compared_with in load_library()
    else:
        assert benchmark.same == "no"
    if benchmark.unit == "share":
        assert 0 <= benchmark.value <= 1
    if not math.isnan(benchmark.low):
        assert benchmark.low < benchmark.value < benchmark.high


@pytest.mark.parametrize("source", load_sources().values(), ids=load_sources())
def test_a_source_says_where_it_was_read_and_how_sure_that_is(source):
    assert source.status in ("V", "V-2", "V-calc", "V-inf")
    for name in ("citation", "read_at", "year", "population", "counts", "limits"):
        assert getattr(source, name), name
    assert source.doi == "" or re.fullmatch(r"10\.\d{4,}/\S+", source.doi)


def test_every_source_is_used():
    from iop_outcomes.comparison import trials

    text = trials.files("iop_outcomes.comparison").joinpath("trials.toml").read_text(encoding="utf-8")
    used = {benchmark.source.id for benchmark in FIGURES.values()} | set(re.findall(r'source = "(\w+)"', text))
    assert used == set(load_sources())


def test_endings_of_2004_add_up_and_are_worked_out_from_counts():
    """Intensive outpatient: 43,119 of 114,440 completed, 37.7 % (37.4 to 38.0)."""
    parts = [
        benchmark
        for benchmark in FIGURES.values()
        if benchmark.id.startswith("teds2004_intensive") and "_or_" not in benchmark.category
    ]
    assert sum(benchmark.events for benchmark in parts) == 114_440
    completed = FIGURES["teds2004_intensive_outpatient_completed"]
    assert [round(100 * x, 1) for x in (completed.value, completed.low, completed.high)] == [37.7, 37.4, 38.0]
    either = FIGURES["teds2004_intensive_outpatient_completed_or_transferred"]
    assert either.events == completed.events + FIGURES["teds2004_intensive_outpatient_transferred"].events


def test_three_published_shares_completed_have_three_denominators_and_say_so():
    """37.7 % of discharges, 52 % of discharges kept, 53.6 % of people randomised."""
    names = ("teds2004_intensive_outpatient_completed", "teds2011_op_completed", "alterman1994_completed_dh")
    assert [round(100 * FIGURES[name].value, 1) for name in names] == [37.7, 52.0, 53.6]
    assert len({FIGURES[name].source.population for name in names}) == 3
    assert {FIGURES[name].same for name in names} == {"partly"}


def test_costs_and_prices_are_different_types_and_an_unread_price_year_is_none():
    assert FIGURES["datstats_iop_week"].dollars == Cost(462, 2001)
    assert FIGURES["king2024_price_day"].dollars == Charge(878, 2022)
    with pytest.raises(UsageError):
        assert FIGURES["king2024_price_day"].dollars > FIGURES["adss_res_unit"].dollars
    for name in ("kaskutas2004_cost_dh", "gliske2022_followup"):
        with pytest.raises(UsageError, match="known price year"):
            _ = FIGURES[name].dollars
    assert FIGURES["datstats_iop_episode"].value == 4445 != 7 * FIGURES["datstats_iop_week"].value


def own(definition, category, at, value, unit="share", by="all", status="ok", **settings):
    row = {"measure": "own", "definition": f"{definition}@1", "estimand": "mean", "category": category, "at": at}
    row |= {"unit": unit, "by": by, "group": by, "status": status, "value": value if status == "ok" else None}
    return Estimates.from_rows([row], settings)


def test_a_figure_stands_beside_the_row_of_its_definition():
    found = iop.compare_benchmarks(own("ending", "completed", 56, 0.55).plus(own("ending", "completed", 70, 0.57)))
    (beside,) = [each for each in found if each.benchmark.source.id == "teds_2004_reasons"]
    assert (beside.own["value"], beside.own["at"]) == (0.57, 70)
    assert (round(beside.value, 3), beside.benchmark.same, beside.prices) == (0.377, "partly", "")
    assert iop.compare_benchmarks(own("ending", "completed", 56, 0.55, by="gender")) == []


def test_the_day_must_be_the_published_one():
    assert [each.benchmark.id for each in iop.compare_benchmarks(own("followup_response", None, 90, 0.7))] == [
        "gliske2022_followup"
    ]
    (target,) = iop.compare_benchmarks(own("followup_response", None, 180, 0.7))
    assert (target.benchmark.id, target.benchmark.same, target.value) == ("grant_followup_target", "yes", 0.8)
    assert iop.compare_benchmarks(own("followup_response", None, 30, 0.7)) == []


def test_a_withheld_row_stays_withheld_beside_what_was_published():
    (beside,) = iop.compare_benchmarks(own("followup_response", None, 180, 0.7, status="withheld"))
    assert beside.own["status"] == "withheld"
    assert math.isnan(beside.own["value"])


def test_published_costs_are_carried_to_the_price_year_of_our_own():
    ours = own("cost_client_week", None, None, 567.0, "dollars of 2024, cost to the provider", price_index="cpi_u")
    (beside,) = iop.compare_benchmarks(ours)
    assert beside.value == pytest.approx(iop.convert_dollars(462, 2001, 2024))
    assert beside.prices == "dollars of 2001 in prices of 2024 by CPI-U, all items"


@pytest.mark.parametrize("unit", ["dollars of 2024, charges to the payer", "dollars of 2024, cost to society"])
def test_published_costs_do_not_stand_beside_charges_or_other_perspectives(unit):
    assert iop.compare_benchmarks(own("cost_client_week", None, None, 567.0, unit)) == []


def test_care_nobody_published_of_is_refused():
    with pytest.raises(UsageError, match="care is one of"):
        iop.compare_benchmarks(own("ending", "completed", 56, 0.5), care="spa")


def test_trials_give_a_number_only_where_counts_were_read():
    """30 of 56 less 49 of 55: 35.5 points fewer completed in day care (Newcombe: 18.9 to 49.6)."""
    frame = iop.list_trials().where(definition="trial_difference@1").frame
    shown = frame[frame["value"].notna()]
    assert len(shown) == 1
    assert len(frame) == 8
    row = shown.iloc[0]
    assert (row["n"], row["denominator"]) == (79, 111)
    assert [round(100 * row[name], 1) for name in ("value", "ci_low", "ci_high")] == [-35.5, -49.6, -19.0]
    assert frame["note"].str.contains(r"\((?:V|V-2|V-calc)\)$").all()


def test_odds_are_the_published_ones_turned_round_and_only_associated():
    frame = iop.list_trials().where(definition="comparison_odds@1").frame
    row = frame[(frame["category"] == "abstinent, 5 years") & (frame["reference"] == "inpatient")].iloc[0]
    assert [round(1 / row[name], 2) for name in ("value", "ci_high", "ci_low")] == [0.96, 0.67, 1.38]
    assert set(frame["design_word"]) == {"adjusted_association"}


def test_the_figure_says_whom_it_speaks_of_and_draws_no_number_that_was_not_read():
    trials = iop.list_trials()
    said = describe_trials(trials)
    assert "8 outcomes, 1 with counts" in said
    assert "people who needed 24-hour care" in said
    table = tabulate_trials(trials)
    assert [row[4] for row in table.rows].count("") == 7
    figure = draw_trials(trials)
    points = [len(axes.collections) for axes in figure.axes]
    assert points == [1, 4]
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert words.count("no counts read") == 7


def test_withheld_trials_show_the_mark_and_no_rows_show_words():
    frame = iop.list_trials().frame
    frame.loc[:, ["value", "ci_low", "ci_high", "n", "denominator", "people"]] = float("nan")
    hidden = Estimates(frame.assign(status="withheld", note=None))
    assert {row[4] for row in tabulate_trials(hidden).rows} == {"·"}
    assert "withheld" in describe_trials(hidden)
    none = Estimates(frame[:0])
    assert "Nothing to show yet" in describe_trials(none)
    assert [text.get_text() for text in draw_trials(none).axes[0].texts] == ["nothing to show yet"]
