"""Faultless tables to spoil, read with both ways pandas may store text."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from faultless import Rows, good_tables


@pytest.fixture
def tables() -> dict[str, Rows]:
    return good_tables()


@pytest.fixture(params=["python", "pyarrow"], autouse=True)
def text_storage(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every fault is read with pandas text stored with and without pyarrow."""
    if request.param == "pyarrow":
        pytest.importorskip("pyarrow")
    with pd.option_context("mode.string_storage", request.param):
        yield request.param
