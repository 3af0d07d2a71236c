"""An exact attacker that knows nothing of the gate's own bookkeeping: it reads the released table and solves for the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.gate import publish

THRESHOLD = 11


def as_estimates(table: np.ndarray) -> Estimates:
    """Groups by categories, with the margins of everyone; every row prints its base."""
    rows = []
    whole = table.sum(axis=0)
    for name, counts in [*((f"g{i}", line) for i, line in enumerate(table)), ("all", whole)]:
        base = float(counts.sum())
        for code, count in enumerate(counts):
            rows.append(
                {
                    "measure": "reasons",
                    "definition": "reason@1",
                    "estimand": "proportion",
                    "category": f"c{code}",
                    "by": "all" if name == "all" else "site",
                    "group": name,
                    "value": float(count) / base if base else None,
                    "status": "ok" if base else "not_estimable",
                    "n": float(count),
                    "denominator": base,
                    "people": base,
                }
            )
    return Estimates.from_rows(rows)


def attack(frame, shape: tuple[int, int]) -> np.ndarray:
    """Smallest and largest value of every cell that fit the released counts, bases and margins."""
    groups, categories = shape
    place = {(f"g{i}", f"c{j}"): i * categories + j for i in range(groups) for j in range(categories)}
    matrix, right = [], []

    def equation(cells: list[int], total: float) -> None:
        line = np.zeros(groups * categories)
        line[cells] = 1.0
        matrix.append(line)
        right.append(total)

    for row in frame.to_dict("records"):
        names = [f"g{i}" for i in range(groups)] if row["by"] == "all" else [row["group"]]
        if not np.isnan(row["n"]):
            equation([place[(name, row["category"])] for name in names], row["n"])
        if not np.isnan(row["denominator"]):
            equation([place[(name, f"c{j}")] for name in names for j in range(categories)], row["denominator"])
    found = np.zeros((2, groups * categories))
    for cell in range(groups * categories):
        for side, sign in enumerate((1.0, -1.0)):
            cost = np.zeros(groups * categories)
            cost[cell] = sign
            answer = linprog(
                cost, A_eq=np.array(matrix) if matrix else None, b_eq=right or None, bounds=(0, 1e5), method="highs"
            )
            found[side, cell] = sign * answer.fun
    return found.reshape(2, groups, categories)


def pinned(frame, table: np.ndarray) -> list[tuple[int, int]]:
    """Protected cells that the attacker bounds tighter than 1 to the threshold less one."""
    low, high = attack(frame, table.shape)
    small = (table > 0) & (table < THRESHOLD)
    narrow = (low > 1 + 1e-6) | (high < THRESHOLD - 1 - 1e-6)
    return [(int(i), int(j)) for i, j in np.argwhere(small & narrow)]


def primary_only(estimates: Estimates):
    """What a table with its small cells blanked would give away."""
    frame = estimates.frame.copy()
    small = (frame["n"] > 0) & (frame["n"] < THRESHOLD)
    frame.loc[small, ["n", "value"]] = np.nan
    return frame


def test_the_attack_works_on_primary_suppression() -> None:
    table = np.array([[3, 37], [22, 13], [19, 9]])
    estimates = as_estimates(table)
    assert (0, 0) in pinned(primary_only(estimates), table)
    assert pinned(publish(estimates).frame, table) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(2, 4).flatmap(
        lambda groups: st.lists(
            st.lists(st.one_of(st.integers(0, 14), st.integers(11, 90)), min_size=3, max_size=3),
            min_size=groups,
            max_size=groups,
        )
    )
)
def test_no_protected_cell_of_a_random_table_is_pinned(cells: list[list[int]]) -> None:
    table = np.array(cells)
    if table.sum() == 0:
        return
    assert pinned(publish(as_estimates(table)).frame, table) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_no_protected_cell_of_a_larger_table_is_pinned(seed: int) -> None:
    table = np.random.default_rng(seed).negative_binomial(1, 0.03, size=(6, 5))
    assert pinned(publish(as_estimates(table)).frame, table) == []


def test_primary_suppression_alone_is_usually_undone() -> None:
    draws = [np.random.default_rng(seed).negative_binomial(1, 0.04, size=(4, 3)) for seed in range(20)]
    needing = [table for table in draws if ((table > 0) & (table < THRESHOLD)).any() and table.sum(axis=1).all()]
    undone = [bool(pinned(primary_only(as_estimates(table)), table)) for table in needing]
    assert np.mean(undone) > 0.8
