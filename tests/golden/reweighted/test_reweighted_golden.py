"""Weights fitted anew to resamples, against R's glm weighted by how often each person was drawn (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iop_outcomes.statistics import reweighted_bootstrap

HERE = Path(__file__).parent
#: Both fits are iterated to rounding.
TOLERANCE = 1e-9


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("estimand", ["ATO", "ATE", "ATT", "ATC"])
def test_as_in_r(estimand: str, monkeypatch: pytest.MonkeyPatch) -> None:
    people = {name: np.array([float(row[name] or "nan") for row in read("input.csv")]) for name in read("input.csv")[0]}
    times = np.loadtxt(HERE / "times.csv", delimiter=",")

    def drawn(*_: Any, **__: Any) -> Any:
        return iter([times[:10], times[10:]])

    monkeypatch.setattr("iop_outcomes.statistics.reweighting.draw_people", drawn)
    made = reweighted_bootstrap(
        np.column_stack([people["cost"], people["effect"]]),
        people["treated"],
        np.column_stack([people["severity"], people["worker"]]),
        estimand=estimand,
        replicates=len(times),
        seed=0,
    )
    names = ("treated_cost", "treated_effect", "reference_cost", "reference_effect")
    expected = [[float(row[name]) for name in names] for row in read("expected.csv") if row["estimand"] == estimand]
    np.testing.assert_allclose(made.draws.reshape(-1, 4), expected, rtol=TOLERANCE)
