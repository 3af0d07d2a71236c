"""Whatever the records say, DuckDB and pandas behind the same expressions come to the same numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings

sys.path.insert(0, str(Path(__file__).parents[1] / "property"))
from test_engines import ENGINES, MEASURES, OF_OUTCOMES, move
from worlds import choose, quick, worlds

import iop_outcomes as iop

#: One part of the measures at a time, so that each sees records of its own.
PARTS: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "care": MEASURES,
    "outcomes": {name: one for name, one in OF_OUTCOMES.items() if name not in ("groups", "sites", "telehealth")},
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_engine_says_the_same_of_any_records(part: str, engine: str) -> None:
    @settings(quick, max_examples=3)
    @given(worlds())
    def compare(world: dict[str, pd.DataFrame]) -> None:
        cohort = choose(world)
        other = iop.select_cohort(move(cohort.records, ENGINES[engine]), rung="admitted")
        assert cohort.attrition == other.attrition
        for name, measure in PARTS[part].items():
            one, two = measure(cohort).frame, measure(other).frame
            pd.testing.assert_frame_equal(one, two, check_exact=False, rtol=1e-12, atol=1e-12, obj=name)

    compare()
