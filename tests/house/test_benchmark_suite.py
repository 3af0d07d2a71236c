"""The benchmarks run, and what they time against each other does the same."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SUITE = Path(__file__).resolve().parents[2] / "benchmarks"


def test_the_bootstrap_and_its_loops_have_the_same_error() -> None:
    compare = runpy.run_path(str(SUITE / "bootstrap.py"))["compare"]
    found = compare(people=300, replicates=400, anew=200)
    assert len(found) == 3
    for name, ratio, error in found:
        assert ratio > 0, name
        assert error == pytest.approx(1, abs=0.5), name
