"""Accumulated means and ratios against R: weights from survfit, errors by numerical jackknife (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import Accrual, Followed, accumulated_mean, accumulated_ratio

HERE = Path(__file__).parent
#: Values are sums of a few thousand terms of order 10 in double precision: 1e-10 relative is room enough.
VALUE = 1e-10
#: R's errors are central differences with a step of 1e-4, themselves off by about the square of it.
ERROR = 1e-6


def load(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("expected", load("expected.csv"), ids=lambda row: f"{row['name']}-{row['days']}")
def test_as_r(expected: dict[str, str]) -> None:
    rows = load("input.csv")
    person, seen, final, event = (
        np.array([int(row[name]) for row in rows]) for name in ("person", "seen", "final", "event")
    )
    place = np.arange(len(rows))
    dollars = Accrual(place, 0 * seen, seen, np.array([float(row["rate"]) for row in rows]))
    on = place[(final == 1) & (event == 1)]
    events = Accrual(on, seen[on], seen[on], np.ones(len(on)))
    followed, days = Followed(seen, final == 1, person), int(expected["days"])
    if expected["name"] == "mean":
        found = accumulated_mean(dollars, followed, days=days)
    else:
        found = accumulated_ratio(dollars, events, followed, days=days)
    assert found.value == pytest.approx(float(expected["value"]), rel=VALUE)
    for name in ("std_error", "low", "high"):
        assert getattr(found, name) == pytest.approx(float(expected[name]), rel=ERROR), name
