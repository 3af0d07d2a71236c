"""Clones, censored and weighted, against clones laid out week by week and stacked equations written in R (see make.R)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import clone_weights

HERE = Path(__file__).parent
#: All fits are iterated to rounding; R's errors use central differences of step 1e-5, good to about 1e-8 of the error.
VALUE, ERROR = 1e-9, 1e-6


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


INPUT = {name: np.array([float(row[name] or "nan") for row in read("input.csv")]) for name in read("input.csv")[0]}
COVARIATES = np.column_stack([INPUT["severity"], INPUT["works"]])
STATE = np.column_stack([INPUT[f"X{week}"] for week in range(1, 7)])[:, :, None]


@pytest.mark.parametrize("row", read("expected.csv"), ids=lambda row: "-".join(list(row.values())[:3]))
def test_as_in_r(row: dict[str, str]) -> None:
    state = STATE if row["known_by"] == "state" else None
    made = clone_weights(INPUT["exit"], INPUT["left"], COVARIATES, state, stay=42, grace=row["grace"])
    answers = "weights" if row["answers"] == "weights" else "complete"
    found = made.compare(INPUT["full" if row["answers"] == "full" else "outcome"], answers=answers)
    assert not found.strategies.reason
    for name in ("treated", "reference", "difference"):
        estimate = getattr(found.strategies, name)
        assert estimate.value == pytest.approx(float(row[name]), abs=VALUE)
        assert estimate.std_error == pytest.approx(float(row[f"{name}_se"]), rel=ERROR)
    for name in ("stay", "leave"):
        arm = getattr(found, name)
        assert arm.effective == pytest.approx(float(row[f"{name}_effective"]), rel=VALUE)
        assert arm.largest == pytest.approx(float(row[f"{name}_largest"]), rel=VALUE)
