"""The page of benchmarks says what was measured, and nothing else."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "scale_page.py"))


def line(step: str, cpu: float, **said: Any) -> dict[str, Any]:
    return {"step": step, "cpu": cpu, "wall": 2 * cpu, "memory": 100 * cpu, **said}


@pytest.fixture(scope="module")
def sizes(page: dict[str, Any]) -> Any:
    """Ten times the rows take twenty times as long; at the larger size pandas did not come to its end."""

    def measured(factor: float) -> dict[str, Any]:
        return {
            "computation": [line("Hours", factor), line("hours alone", factor), line("Hours", 2 * factor)],
            "survival": [line("Kaplan–Meier", factor, rows=1_000 if factor == 1 else 10_000)],
            "pandas": [line("Hours", factor), *([{"step": "stopped", "why": "memory"}] if factor > 1 else [])],
        }

    return {people: page["Size"](measured(factor)) for people, factor in ((1, 1.0), (10, 20.0))}


def test_the_page_is_what_was_measured(page: dict[str, Any], tmp_path: Path) -> None:
    kept = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    (tmp_path / "images").mkdir()
    page["write_page"](kept, tmp_path)
    for name in ("benchmarks.md", "images/benchmark.svg"):
        written, committed = ((folder / name).read_text(encoding="utf-8") for folder in (tmp_path, ROOT / "docs"))
        assert written == committed, f"{name}: python benchmarks/scale.py --draw"


def test_steps_of_one_name_are_added_and_the_whole_is_its_parts(sizes: Any) -> None:
    assert sizes[1].cost("computation", "Hours") == 3
    assert sizes[1].cost("computation", "whole") == 3
    assert sizes[1].cost("computation", "whole", "memory") == 200


def test_growth_is_the_exponent_between_the_two_largest_sizes(page: dict[str, Any], sizes: Any) -> None:
    assert sizes[10].episodes == 10_000
    assert page["growth"](sizes, "computation", "Hours") == pytest.approx(1.301, abs=0.001)


def test_a_step_that_did_not_end_has_no_figure(page: dict[str, Any], sizes: Any) -> None:
    assert sizes[10].cost("pandas", "whole") != sizes[10].cost("pandas", "whole")
    assert "pandas at 10,000 episodes: memory" in "".join(page["_notes"](sizes))
