"""The fewest rows to withhold: the search finds what trying every choice finds, and loses less than the usual ways."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_attacker import as_estimates, pinned

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication import complementary, suppression
from iop_outcomes.publication.cells import build_system
from iop_outcomes.publication.complementary import protect
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.inference import Attacker, Need, System
from iop_outcomes.publication.policy import POLICIES
from iop_outcomes.publication.suppression import Sheet

CMS = POLICIES["cms"]


def primary(estimates: Estimates) -> Sheet:
    """A sheet after the rules that look at one row alone."""
    keys = ["by", "group", "category"]
    sheet = Sheet(estimates.frame.sort_values(keys, ignore_index=True))
    suppression.withhold_small(sheet, CMS)
    return sheet


def price(sheet: Sheet, rows: tuple[int, ...]) -> float:
    return sum(complementary.WORTH if sheet.frame.at[row, "by"] == "all" else 1.0 for row in rows)


def cheapest_by_trying(sheet: Sheet) -> float:
    """The lowest price of all safe choices, by trying every one."""
    system = build_system(sheet, CMS)
    attacker = Attacker(system)
    open_rows = [row for row in system.shows if not sheet.hidden[row]]
    best = np.inf
    for size in range(len(open_rows) + 1):
        for rows in combinations(open_rows, size):
            if price(sheet, rows) < best:
                hidden = sheet.hidden.copy()
                hidden[list(rows)] = True
                if not attacker.find_unsafe(system.shown_by(hidden)):
                    best = price(sheet, rows)
        if best < size:  # every larger choice costs more
            return best
    return best


@pytest.mark.parametrize(
    "table",
    [
        [[3, 37, 20], [22, 13, 31], [19, 29, 44]],
        [[3, 40], [35, 22], [28, 19]],
        [[4, 30, 12], [15, 6, 40]],
        [[5, 5, 30], [25, 40, 50]],
    ],
)
def test_no_other_choice_loses_less(table: list[list[int]]) -> None:
    sheet = primary(as_estimates(np.array(table)))
    best = cheapest_by_trying(sheet)
    before = sheet.hidden.copy()
    protect(build_system(sheet, CMS), sheet)
    assert sheet.fewest
    assert price(sheet, tuple(np.flatnonzero(sheet.hidden & ~before))) == pytest.approx(best)


def greedy(table: np.ndarray) -> int:
    """Numbers lost by the usual way: in every line with one hidden number, hide the next smallest, until none is left."""
    whole = np.vstack([table, table.sum(axis=0)])
    base = np.hstack([whole, whole.sum(axis=1, keepdims=True)])
    rest = base[:, -1:] - whole
    hidden = ((whole > 0) & (whole < 11)) | ((rest > 0) & (rest < 11))
    moved = True
    while moved:
        moved = False
        for lines, shown in ((whole, hidden), (whole.T, hidden.T)):
            for values, mask in zip(lines, shown, strict=True):
                while mask.any() and (mask.sum() == 1 or values[mask].sum() < 11) and not mask.all():
                    mask[np.where(mask, np.inf, values).argmin()] = True
                    moved = True
    return int(hidden.sum())


def masked(table: np.ndarray) -> int:
    """Numbers lost when every group that holds a small number is blanked, and everyone's numbers of what it touches."""
    whole = np.vstack([table, table.sum(axis=0)])
    rest = whole.sum(axis=1, keepdims=True) - whole
    small = ((whole > 0) & (whole < 11)) | ((rest > 0) & (rest < 11))
    return int(np.where(small.any(axis=1, keepdims=True), True, small).sum())


@pytest.mark.parametrize("shape", [(4, 3), (6, 5), (8, 8)])
def test_less_is_lost_than_by_either_usual_way(shape: tuple[int, int]) -> None:
    lost = []
    for seed in range(6):
        table = np.random.default_rng(seed).negative_binomial(1, 0.04, size=shape) + 1
        estimates = as_estimates(table)
        sheet = publish(estimates)
        assert pinned(sheet.frame, table) == []
        lost.append(((sheet.frame["status"] == "withheld").sum(), greedy(table), masked(table)))
    ours, step_by_step, whole_groups = np.array(lost).mean(axis=0)
    assert ours < step_by_step
    assert ours < whole_groups


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_the_order_of_the_rows_changes_nothing(seed: int, turn: int) -> None:
    rng = np.random.default_rng(seed)
    estimates = as_estimates(rng.negative_binomial(1, 0.05, size=(4, 3)))
    order = rng.permutation(len(estimates.frame))
    shuffled = Estimates(estimates.frame.iloc[order].reset_index(drop=True))
    one, two = publish(estimates).frame["status"].to_numpy(), publish(shuffled).frame["status"].to_numpy()
    assert (one[order] == two).all()


def test_past_its_size_the_search_falls_back_to_a_safe_choice_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.random.default_rng(3).negative_binomial(1, 0.04, size=(6, 5))
    estimates = as_estimates(table)
    best = publish(estimates)
    assert best.audit.fewest
    monkeypatch.setattr(complementary, "MOST", 0)
    safe = publish(estimates)
    assert not safe.audit.fewest
    assert pinned(safe.frame, table) == []
    assert safe.audit.withheld >= best.audit.withheld


def test_what_cannot_be_hidden_is_counted() -> None:
    """The whole and one part are out already: the other part is known whatever is done."""
    frame = as_estimates(np.array([[3, 37], [22, 13]])).frame
    sheet = Sheet(frame)
    sheet.hidden[0] = True
    sheet.fixed[1:] = True
    system = System(values=[40.0, 37.0, 3.0], shows={1: {0}, 2: {1}, 0: {2}}, needs={2: Need(1.0, 10.0)})
    system.relate([(0, 1.0), (1, -1.0), (2, -1.0)])
    protect(system, sheet)
    assert sheet.exposed == 1
    assert sheet.hidden.sum() == 1
