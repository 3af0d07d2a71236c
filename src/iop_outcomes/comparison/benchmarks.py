"""Published figures beside a programme's own: what was published, of whom, by what definition, and read where.

Figures stand in ``benchmarks.csv``, their sources in ``benchmarks.toml``. Shares are worked out from published counts
where there are any. A figure of another definition is not a target; each says whether its definition is ours.
"""

from __future__ import annotations

import csv
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, Protocol

from iop_outcomes.comparison.prices import KINDS, Money, find_index
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import ALL
from iop_outcomes.statistics import wilson
from iop_outcomes.vocabulary import CostKind, Status

_DATA = files("iop_outcomes.comparison")
#: The unit of a row published costs may stand beside: an economic cost, to the provider.
_COST = re.compile(r"dollars of (?P<year>\d{4}), cost to the provider")


@dataclass(frozen=True, slots=True)
class Source:
    """Where figures were read, and of whom they speak; ``counts`` says what their n counts.

    ``status``: ``V`` read in the source named, ``V-2`` in a secondary source (check the original before calling it
    official), ``V-calc`` worked out from numbers read, ``V-inf`` read, but the column had to be inferred.
    """

    id: str
    citation: str
    doi: str
    read_at: str
    status: str
    year: str
    population: str
    counts: str
    limits: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One published figure. ``nan`` is what was not published or not read.

    ``low`` and ``high`` are a published interval, or Wilson's where ``events`` of ``n`` are given. ``compared_with`` is
    the id of our definition nearest to it (with ``category`` and ``at``), empty where there is none; ``same`` says whether
    the two are the same definition, ``why`` what differs.
    """

    id: str
    source: Source
    measure: str
    category: str
    care: str
    value: float
    low: float
    high: float
    events: float
    n: float
    sd: float
    unit: str
    money: str
    price_year: int | None
    compared_with: str
    at: float
    same: Literal["yes", "partly", "no"]
    why: str

    @property
    def dollars(self) -> Money:
        """The figure as a cost, charge or payment; ``UsageError`` where it is none, or its price year was not read."""
        if not self.money or self.price_year is None:
            raise UsageError(f"{self.id} is no amount of a known price year")
        return KINDS[CostKind(self.money)](self.value, self.price_year)


class HasRows(Protocol):
    """Estimates, or what was published of them."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What they were made with."""

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as a dict."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A published figure and the programme's own row it is compared with.

    ``value`` is the published one, dollars carried to the price year of the own row; ``prices`` then says from which year
    and by which index.
    """

    benchmark: Benchmark
    own: dict[str, Any]
    value: float
    prices: str = ""


@cache
def load_sources() -> dict[str, Source]:
    """Every source by id."""
    text = _DATA.joinpath("benchmarks.toml").read_text(encoding="utf-8")
    return {name: Source(id=name, **said) for name, said in tomllib.loads(text).items()}


@cache
def load_benchmarks() -> dict[str, Benchmark]:
    """Every published figure by id.

    >>> published = load_benchmarks()["teds2004_intensive_outpatient_completed"]
    >>> round(published.value, 4), round(published.low, 4), round(published.high, 4), published.same
    (0.3768, 0.374, 0.3796, 'partly')
    >>> load_benchmarks()["datstats_iop_week"].dollars
    Cost(amount=462.0, price_year=2001, index='')
    """
    text = _DATA.joinpath("benchmarks.csv").read_text(encoding="utf-8")
    found = {}
    for line in csv.DictReader(text.splitlines()):
        numbers = {name: float(line.pop(name) or "nan") for name in ("value", "low", "high", "events", "n", "sd", "at")}
        if not math.isnan(numbers["events"]):
            share = wilson(numbers["events"], numbers["n"])
            numbers |= {"value": share.value, "low": share.low, "high": share.high}
        source, year = load_sources()[line.pop("source")], line.pop("price_year")
        fields: dict[str, Any] = {**line, **numbers}
        found[line["id"]] = Benchmark(source=source, price_year=int(year) if year else None, **fields)
    return found


def compare_benchmarks(estimates: HasRows, *, care: str = "intensive outpatient") -> list[Beside]:
    """Which published figures stand beside these, and are they of the same definition?

    ``estimates`` are a programme's own rows, or what was published of them; rows of everyone are compared. ``care`` is the
    kind of care the published figure speaks of. A figure finds the row of its definition and category on its day, or on
    the last day there is; a row withheld stays withheld. Published costs stand beside costs to the provider only, carried
    to their price year by the index the estimates were made with.

    Raises :class:`UsageError` for a kind of care no figure speaks of, and where the price index lacks a year.
    """
    known = sorted({benchmark.care for benchmark in load_benchmarks().values()})
    if care not in known:
        raise UsageError(f"care is one of {', '.join(known)}")
    everyone = [row for row in estimates.rows() if row["by"] == ALL]
    index = str(estimates.settings.get("price_index", "cpi_u"))
    found = []
    for benchmark in load_benchmarks().values():
        if benchmark.care in (care, "any") and benchmark.compared_with:
            own = [row for row in everyone if _speaks_of(row, benchmark)]
            if own:
                last = max(own, key=lambda row: -math.inf if math.isnan(row["at"]) else row["at"])
                found.append(_set_beside(benchmark, last, index))
    return found


def _speaks_of(row: dict[str, Any], benchmark: Benchmark) -> bool:
    """Whether a row is of the definition, category, day and kind of money a published figure is compared with."""
    if str(row["definition"]).split("@")[0] != benchmark.compared_with:
        return False
    if row["status"] not in (Status.OK, Status.WITHHELD):
        return False
    if benchmark.money and (benchmark.price_year is None or not _COST.fullmatch(str(row["unit"]))):
        return False
    category = benchmark.category == "" or row["category"] == benchmark.category
    return category and (math.isnan(benchmark.at) or row["at"] == benchmark.at)


def _set_beside(benchmark: Benchmark, own: dict[str, Any], index: str) -> Beside:
    """The two side by side, dollars in the own row's price year."""
    prices = _COST.fullmatch(str(own["unit"]))
    if not benchmark.money or prices is None:
        return Beside(benchmark, own, benchmark.value)
    carried = benchmark.dollars.in_prices_of(int(prices["year"]), index)
    words = f"dollars of {benchmark.price_year} in prices of {carried.price_year} by {find_index(index).label}"
    return Beside(benchmark, own, carried.amount, words)
