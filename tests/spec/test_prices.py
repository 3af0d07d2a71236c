"""Dollars of one year in prices of another, and money of three kinds that never mix.

See docs/methods/cost-effectiveness.md.
"""

from __future__ import annotations

import pytest

import iop_outcomes as iop
from iop_outcomes.comparison.prices import Charge, Cost, Money, Payment, load_indices
from iop_outcomes.errors import UsageError


@pytest.mark.parametrize(("index", "dollars"), [("cpi_u", 14_111), ("cpi_medical", 21_149), ("pce_health", 15_422)])
def test_6300_dollars_of_1990_are_three_different_sums_of_2022(index, dollars):
    assert round(iop.convert_dollars(6300, 1990, 2022, index)) == dollars


def test_consumer_prices_are_the_default_and_there_and_back_is_the_same():
    assert iop.convert_dollars(6300, 1990, 2022) == iop.convert_dollars(6300, 1990, 2022, "cpi_u")
    there = iop.convert_dollars(462, 2001, 2024)
    assert iop.convert_dollars(there, 2024, 2001) == pytest.approx(462, abs=1e-9)
    assert there > 462


def test_by_hand_from_the_annual_averages():
    """CPI-U stood at 177.067 in 2001 and at 313.689 in 2024."""
    assert iop.convert_dollars(1000, 2001, 2024) == pytest.approx(1000 * 313.689 / 177.067)


def test_dollars_of_the_same_year_need_no_index_level():
    assert iop.convert_dollars(100, 2024, 2024, "cpi_medical") == 100


@pytest.mark.parametrize(
    ("years", "index", "says"),
    [
        ((1990, 2022), "gold", "index is one of cpi_u, cpi_medical, pce_health"),
        ((1984, 2022), "cpi_u", "1985 to 2025"),
        ((1990, 2024), "cpi_medical", "1985 to 2023"),
        ((1990, 2023), "pce_health", "1985 to 2022"),
    ],
)
def test_an_unknown_index_or_year_is_one_clear_sentence(years, index, says):
    with pytest.raises(UsageError, match=says):
        iop.convert_dollars(1, *years, index)


def test_the_indices_say_where_they_come_from_and_have_no_holes():
    for index in load_indices().values():
        years = sorted(index.levels)
        assert years == list(range(1985, years[-1] + 1)), index.name
        assert min(index.levels.values()) > 0
        assert index.source
        assert index.caution


def test_money_of_one_kind_and_year_adds_and_compares():
    assert Cost(462, 2001) + Cost(38, 2001) == Cost(500, 2001)
    assert Payment(10, 2025) - Payment(4, 2025) == Payment(6, 2025)
    assert Charge(1, 2025) < Charge(2, 2025)
    assert Charge(2, 2025) >= Charge(2, 2025)
    assert max(Cost(3, 2025), Cost(9, 2025)).amount == 9


def test_a_price_of_878_a_day_is_not_a_cost_of_76_a_day():
    """Both are "residential, a day"; one is what was asked, the other what the resources were worth."""
    for mixed in (
        lambda: Charge(878, 2022) + Cost(76.13, 2022),
        lambda: Cost(76.13, 2022) - Charge(878, 2022),
        lambda: Charge(878, 2022) > Cost(76.13, 2022),
        lambda: Payment(1, 2022) <= Cost(1, 2022),
        lambda: Cost(1, 2022) + 1,
    ):
        with pytest.raises(UsageError, match="different things"):
            mixed()
    assert Charge(1, 2022) != Cost(1, 2022)


def test_years_and_indices_do_not_mix_either():
    with pytest.raises(UsageError, match="price years differ"):
        Cost(1, 2001) + Cost(1, 2002)
    with pytest.raises(UsageError, match="price years differ"):
        assert Cost(1, 2001) < Cost(1, 2002)
    by_two = (Cost(1, 1990).in_prices_of(2022, index) for index in ("cpi_u", "cpi_medical"))
    with pytest.raises(UsageError, match="different price indices"):
        sum(by_two, start=Cost(0, 2022))


def test_carried_money_names_its_index():
    money = Cost(6300, 1990).in_prices_of(2022, "cpi_medical")
    assert (round(money.amount), money.price_year, money.index) == (21_149, 2022, "cpi_medical")
    assert (money + Cost(1, 2022)).index == "cpi_medical"
    assert Cost(5, 2022).in_prices_of(2022) == Cost(5, 2022)


def test_money_of_no_kind_is_refused():
    with pytest.raises(UsageError, match="Cost, a Charge or a Payment"):
        Money(1, 2025)
