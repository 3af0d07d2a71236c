"""Dollars of one year in prices of another, and three kinds of dollars that never mix.

The indices are annual averages kept in ``price_indices.csv``. Which one is used changes the answer more than most
analyses do, so every converted figure names it: $6,300 of 1990 is $14,111, $21,149 or $15,422 of 2022.

See docs/methods/cost-effectiveness.md.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Self

from iop_outcomes.errors import UsageError
from iop_outcomes.vocabulary import CostKind


@dataclass(frozen=True, slots=True)
class PriceIndex:
    """A price index: its label, where its numbers come from, what to know of it, and its annual averages by year."""

    name: str
    label: str
    source: str
    caution: str
    levels: dict[int, float]


#: Label, source and caution of each column of ``price_indices.csv``; the first is the default.
_SAID: dict[str, tuple[str, str, str]] = {
    "cpi_u": (
        "CPI-U, all items",
        "US Bureau of Labor Statistics, CUUR0000SA0, not seasonally adjusted, 1982-84 = 100, mean of the months",
        "2025 is the mean of 11 months: October 2025 is missing",
    ),
    "cpi_medical": (
        "CPI medical care",
        "US Bureau of Labor Statistics, CPIMEDSL, seasonally adjusted, 1982-84 = 100, mean of the months",
        "the usual published average is of the unadjusted series and may differ a little; complete years end in 2023",
    ),
    "pce_health": (
        "PCE health care services",
        "US Bureau of Economic Analysis, DHLCRG3Q086SBEA, 2017 = 100, mean of the quarters",
        "revised by its makers from time to time; complete years end in 2022",
    ),
}


@cache
def load_indices() -> dict[str, PriceIndex]:
    """Every price index by name.

    >>> load_indices()["cpi_u"].levels[1990]
    130.658
    """
    text = files("iop_outcomes.comparison").joinpath("price_indices.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {
        name: PriceIndex(name, *said, {int(row["year"]): float(row[name]) for row in rows if row[name]})
        for name, said in _SAID.items()
    }


def find_index(name: str) -> PriceIndex:
    """The index of this name; ``UsageError`` when there is none."""
    found = load_indices().get(name)
    if found is None:
        raise UsageError(f"index is one of {', '.join(load_indices())}")
    return found


def convert_dollars(amount: float, from_year: int, to_year: int, index: str = "cpi_u") -> float:
    """What is an amount in dollars of one year worth in dollars of another?

    Args:
        amount: dollars of ``from_year``.
        from_year: price year of the amount.
        to_year: price year wanted.
        index: ``cpi_u`` (consumer prices, the default), ``cpi_medical`` or ``pce_health``.

    Returns:
        ``amount`` times the ratio of the two annual averages; dollars of the same year stay as they are.

    Raises:
        UsageError: for an index it does not know and a year the index does not have.

    >>> [round(convert_dollars(6300, 1990, 2022, name)) for name in ("cpi_u", "cpi_medical", "pce_health")]
    [14111, 21149, 15422]
    """
    levels = find_index(index).levels
    if from_year == to_year:
        return amount
    for year in (from_year, to_year):
        if year not in levels:
            raise UsageError(f"the price index {index} has the years {min(levels)} to {max(levels)}: choose among them")
    return amount * (levels[to_year] / levels[from_year])


@dataclass(frozen=True)
class Money:
    """An amount in dollars of a price year. Use :class:`Cost`, :class:`Charge` or :class:`Payment`, never this itself.

    ``index`` names the price index the amount was carried by; it is empty for prices as they were recorded. Two amounts
    are added or put in order only when they are of one kind, of one price year, and not carried by two indices.

    >>> Cost(462, 2001) + Cost(38, 2001)
    Cost(amount=500, price_year=2001, index='')
    >>> round(Cost(6300, 1990).in_prices_of(2022).amount)
    14111
    """

    amount: float
    price_year: int
    index: str = ""

    def __post_init__(self) -> None:
        """Refuse money of no kind."""
        if type(self) is Money:
            raise UsageError("money is a Cost, a Charge or a Payment: say which")

    def in_prices_of(self, year: int, index: str = "cpi_u") -> Self:
        """The same money in dollars of another year, by a named index."""
        amount = convert_dollars(self.amount, self.price_year, year, index)
        return type(self)(amount, year, index if year != self.price_year else self.index)

    def __add__(self, other: Self) -> Self:
        index = self._shared_index(other)
        return type(self)(self.amount + other.amount, self.price_year, index)

    def __sub__(self, other: Self) -> Self:
        index = self._shared_index(other)
        return type(self)(self.amount - other.amount, self.price_year, index)

    def __lt__(self, other: Self) -> bool:
        self._shared_index(other)
        return self.amount < other.amount

    def __le__(self, other: Self) -> bool:
        self._shared_index(other)
        return self.amount <= other.amount

    def _shared_index(self, other: Self) -> str:
        """The index of both; ``UsageError`` when the two are not alike."""
        if type(other) is not type(self):
            raise UsageError("a cost, a charge and a payment are different things: they are not added or compared")
        if other.price_year != self.price_year:
            raise UsageError("the price years differ: bring both to one year with in_prices_of(year, index) first")
        if self.index and other.index and self.index != other.index:
            raise UsageError("the two amounts were carried by different price indices: choose one index for both")
        return self.index or other.index


@dataclass(frozen=True)
class Cost(Money):
    """Economic cost: what the resources used are worth, whoever bears it."""


@dataclass(frozen=True)
class Charge(Money):
    """What was billed; not what was paid, and not what it cost."""


@dataclass(frozen=True)
class Payment(Money):
    """What was paid, or a rate that would be."""


#: The type of each kind of money in the costs table.
KINDS: dict[CostKind, type[Money]] = {CostKind.COST: Cost, CostKind.CHARGE: Charge, CostKind.PAYMENT: Payment}
