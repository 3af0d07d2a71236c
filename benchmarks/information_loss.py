"""How much does protecting people cost? Four ways to withhold small counts, on random tables, and what an attacker gets back.

``python benchmarks/information_loss.py [--tables 200] [--seed 1]``

Tables of groups by categories with all margins, and months within quarters within a half-year by categories, in which some
count is 1 to 10. Every table is released four ways:

groups     every group (or month) that holds a small count is blanked whole, and every small count of a margin
one by one in every line with one hidden number the next smallest is hidden too, until no line is left (greedy)
ours       the gate: the fewest rows that stop an exact attacker
offered    the gate after the categories and groups it offers to put together are put together

An attacker of this script's own, who shares nothing with the gate, solves for every count that is not printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.collapsing import collapse, propose_collapses
from iop_outcomes.publication.gate import publish

SIZES = ((3, 3), (4, 4), (6, 5), (8, 8))
#: Categories of the tables of months; six months, two quarters, one half-year.
PERIODS = (3, 4, 5)
MONTHS = (
    ("2025-01-01", "2025-01-31"), ("2025-02-01", "2025-02-28"), ("2025-03-01", "2025-03-31"),
    ("2025-04-01", "2025-04-30"), ("2025-05-01", "2025-05-31"), ("2025-06-01", "2025-06-30"),
)  # fmt: skip
COUNTS: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "skewed": lambda draw, shape: draw.negative_binomial(1, 0.04, size=shape),
    "even": lambda draw, shape: draw.poisson(18, size=shape),
    "a rare category": lambda draw, shape: draw.poisson(np.where(np.arange(shape[1]) == 0, 5, 40), size=shape),
}
WAYS = ("groups", "one by one", "ours", "offered")


@dataclass(frozen=True)
class Table:
    """Counts of the smallest groups (lines) by category, and who is in whom.

    ``nodes`` are sets of lines: each line alone first, then the margins. ``families`` are nodes that are made up of others.
    """

    kind: str
    counts: np.ndarray
    nodes: tuple[frozenset[int], ...]
    families: tuple[tuple[int, tuple[int, ...]], ...]
    labels: tuple[dict[str, str], ...]

    @property
    def whole(self) -> np.ndarray:
        """The counts of every node."""
        return np.array([self.counts[sorted(node)].sum(axis=0) for node in self.nodes])

    @property
    def small(self) -> np.ndarray:
        """Which numbers, or what they leave of their base, are 1 to 10."""
        left = self.whole.sum(axis=1, keepdims=True) - self.whole
        return ((self.whole > 0) & (self.whole < 11)) | ((left > 0) & (left < 11))


@dataclass(frozen=True)
class Release:
    """What a reader sees: sums of cells (places in the table, flattened) with their values, and how much is missing."""

    sums: list[tuple[list[int], float]]
    numbers: float
    people: float


def crossed(counts: np.ndarray) -> Table:
    """Groups and everyone."""
    size = len(counts)
    nodes = (*(frozenset([line]) for line in range(size)), frozenset(range(size)))
    labels = (*({"by": "site", "group": f"g{line}"} for line in range(size)), {"by": "all", "group": "all"})
    kind = " × ".join(map(str, counts.shape))
    return Table(kind, counts, nodes, ((size, tuple(range(size))),), labels)


def dated(counts: np.ndarray) -> Table:
    """Months, quarters and the half-year."""
    nodes = (
        *(frozenset([line]) for line in range(6)),
        frozenset(range(3)),
        frozenset(range(3, 6)),
        frozenset(range(6)),
    )
    families = ((6, (0, 1, 2)), (7, (3, 4, 5)), (8, (6, 7)))
    spans = [(MONTHS[min(node)][0], MONTHS[max(node)][1]) for node in nodes]
    labels = tuple({"by": "all", "group": "all", "period_start": first, "period_end": last} for first, last in spans)
    return Table("months in quarters", counts, nodes, families, labels)


def draw_tables(number: int, seed: int) -> Iterator[Table]:
    """Tables in which something must be withheld and everybody is somewhere, every kind in turn."""
    draw = np.random.default_rng(seed)
    made = 0
    while made < number:
        counts = COUNTS[list(COUNTS)[made // (len(SIZES) + 1) % len(COUNTS)]]
        place = made % (len(SIZES) + 1)
        if place < len(SIZES):
            table = crossed(counts(draw, SIZES[place]))
        else:
            table = dated(counts(draw, (6, PERIODS[made % len(PERIODS)])))
        if table.small.any() and table.counts.sum(axis=1).all():
            made += 1
            yield table


def as_estimates(table: Table) -> Estimates:
    """Every number of a table as a row, with its base."""
    rows = []
    for node, label in zip(table.whole, table.labels, strict=True):
        base = float(node.sum())
        for code, count in enumerate(node):
            row = {"measure": "reasons", "definition": "reason@1", "estimand": "proportion", "category": f"c{code}"}
            numbers = {"value": float(count) / base, "n": float(count), "denominator": base, "people": base}
            rows.append({**row, **label, **numbers})
    return Estimates.from_rows(rows)


def blank_groups(table: Table) -> Release:
    """Every group that holds a small number goes whole; of the margins their small numbers."""
    alone = np.array([len(node) == 1 for node in table.nodes])
    hidden = table.small | (table.small.any(axis=1, keepdims=True) & alone[:, None])
    return _masked(table, hidden, bases=np.logical_not(hidden.all(axis=1)))


def hide_one_by_one(table: Table) -> Release:
    """Line by line: where one number is hidden, or those hidden are few people together, the next smallest goes too."""
    whole, hidden = table.whole, table.small.copy()
    lines: list[Any] = [np.s_[node, :] for node in range(len(table.nodes))]
    lines += [np.s_[[parent, *parts], column] for parent, parts in table.families for column in range(whole.shape[1])]
    moved = True
    while moved:
        moved = False
        for line in lines:
            mask, values = hidden[line], whole[line]
            while mask.any() and not mask.all() and (mask.sum() == 1 or values[mask].sum() < 11):
                mask[np.where(mask, np.inf, values).argmin()] = True
                moved = True
            hidden[line] = mask
    return _masked(table, hidden, bases=np.ones(len(table.nodes), dtype=bool))


def _masked(table: Table, hidden: np.ndarray, bases: np.ndarray) -> Release:
    columns = range(table.counts.shape[1])
    sums = [
        (_cells(table, node, [code]), float(table.whole[place, code]))
        for place, node in enumerate(table.nodes)
        for code in columns
        if not hidden[place, code]
    ]
    sums += [
        (_cells(table, node, columns), float(table.whole[place].sum()))
        for place, node in enumerate(table.nodes)
        if bases[place]
    ]
    lines = hidden[: len(table.counts)]
    return Release(sums, float(hidden.mean()), float(table.counts[lines].sum() / table.counts.sum()))


def gate(table: Table, offered: bool) -> Release:
    """What the gate lets stand, of the table as it is or with what it offers put together."""
    estimates = as_estimates(table)
    asked = len(estimates)
    offers = propose_collapses(estimates) if offered else ()
    taken = [
        collapse(estimates, some) for some in dict.fromkeys((offers, offers[:1]))
    ]  # all of them, or the best alone
    stands = [publish(each).frame for each in taken]
    best = max(range(len(stands)), key=lambda place: int(stands[place]["value"].notna().sum()))
    estimates, frame = taken[best], stands[best]
    sums, lost = [], 0.0
    for before, row in zip(estimates.rows(), frame.to_dict("records"), strict=True):
        node = _node(table, {str(name): value for name, value in row.items()})
        codes = [int(code[1:]) for code in row["category"].split(" or ")]
        if row["status"] == "withheld":
            lost += before["n"] * (row["by"] != "all" or len(node) == 1)
        else:
            sums.append((_cells(table, node, codes), row["n"]))
            sums.append((_cells(table, node, range(table.counts.shape[1])), row["denominator"]))
    return Release(sums, 1 - float(frame["value"].notna().sum()) / asked, lost / float(table.counts.sum()))


def _node(table: Table, row: dict[str, Any]) -> frozenset[int]:
    """The lines a row speaks of."""
    if row["by"] != "all":
        return frozenset(int(group[1:]) for group in row["group"].split(" or "))
    if isinstance(row["period_start"], str):
        spans = [(label["period_start"], label["period_end"]) for label in table.labels]
        return table.nodes[spans.index((row["period_start"], row["period_end"]))]
    return table.nodes[-1]


def _cells(table: Table, node: frozenset[int], codes: Iterable[int]) -> list[int]:
    return [line * table.counts.shape[1] + code for line in sorted(node) for code in codes]


def attack(table: Table, release: Release) -> tuple[bool, bool]:
    """Whether some count of 1 to 10 people can be told exactly, and whether one can be told to be within narrower bounds."""
    size = table.counts.size
    matrix, right = np.zeros((len(release.sums), size)), np.zeros(len(release.sums))
    for place, (cells, value) in enumerate(release.sums):
        matrix[place, cells], right[place] = 1.0, value
    told = narrowed = False
    for node, counts in zip(table.nodes, table.whole, strict=True):
        for code, count in enumerate(counts):
            if not 0 < count < 11 or told:
                continue
            cost = np.zeros(size)
            cost[_cells(table, node, [code])] = 1.0
            low, high = (
                sign * linprog(sign * cost, A_eq=matrix, b_eq=right, bounds=(0, 1e5), method="highs").fun
                for sign in (1.0, -1.0)
            )
            told |= high - low < 1e-6
            narrowed |= low > 1 + 1e-6 or high < 10 - 1e-6
    return told, narrowed


def main() -> None:
    """Release every table every way, attack it, and print the means."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--tables", type=int, default=200)
    ask.add_argument("--seed", type=int, default=1)
    options = ask.parse_args()
    found: dict[str, dict[str, list[tuple[float, ...]]]] = defaultdict(lambda: defaultdict(list))
    started = time.perf_counter()
    for done, table in enumerate(draw_tables(options.tables, options.seed), 1):
        releases = (blank_groups(table), hide_one_by_one(table), gate(table, False), gate(table, True))
        for way, release in zip(WAYS, releases, strict=True):
            line = (release.numbers, release.people, *map(float, attack(table, release)))
            found[table.kind][way].append(line)
            found["all tables"][way].append(line)
        print(f"\r{done} of {options.tables}", end="", file=sys.stderr)
    print(f"\r{options.tables} tables, seed {options.seed}, {time.perf_counter() - started:.0f} s", file=sys.stderr)
    print("Percent (standard error)\n")
    print(
        "| tables | way | numbers withheld | people's counts withheld | tables: one told exactly | told too closely |"
    )
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for kind in sorted(found, key=lambda name: (name == "all tables", not name[0].isdigit(), name)):
        for way in WAYS:
            lines = 100 * np.array(found[kind][way])
            error = lines.std(axis=0, ddof=1) / np.sqrt(len(lines)) if len(lines) > 1 else np.full(4, np.nan)
            cells = " | ".join(f"{mean:.1f} ({se:.1f})" for mean, se in zip(lines.mean(axis=0), error, strict=True))
            print(f"| {kind} ({len(lines)}) | {way} | {cells} |")


if __name__ == "__main__":
    main()
