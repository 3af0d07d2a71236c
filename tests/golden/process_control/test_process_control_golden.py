"""The XmR chart against a published series and its limits (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from iop_outcomes.statistics import xmr_chart

HERE = Path(__file__).parent
#: The same few sums in double precision on both sides.
TOLERANCE = 1e-9


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_limits_equal_the_formulas() -> None:
    chart = xmr_chart([float(row["value"]) for row in read("input.csv")])
    for name, cell in read("expected.csv")[0].items():
        assert getattr(chart, name) == pytest.approx(float(cell), rel=0, abs=TOLERANCE)


def test_limits_equal_the_published_ones() -> None:
    chart = xmr_chart([float(row["value"]) for row in read("input.csv")])
    assert round(chart.centre, 2) == 300.5
    assert round(chart.mean_range, 2) == 7.79
    assert (round(chart.lower, 2), round(chart.upper, 2)) == (279.78, 321.22)
    assert not chart.signal.any()
