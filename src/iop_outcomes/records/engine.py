"""The typed tables on one embedded DuckDB database, lazily."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import narwhals as nw
import pandas as pd

from iop_outcomes.schema import TABLES

_TYPES = {"date": "DATE", "day": "BIGINT", "integer": "BIGINT", "year": "BIGINT", "number": "DOUBLE", "hours": "DOUBLE"}

Lift = Callable[[pd.DataFrame | nw.LazyFrame[Any]], nw.LazyFrame[Any]]


def place_tables(frames: Mapping[str, pd.DataFrame]) -> tuple[dict[str, nw.LazyFrame[Any]], Lift]:
    """The five tables as lazy frames with the schema's types, and a function that puts further tables beside them.

    Text is VARCHAR, whole numbers BIGINT, other numbers DOUBLE, dates DATE; the lazy frames keep the database open.
    """
    import duckdb

    connection = duckdb.connect()
    numbers = count()

    def place(name: str, frame: pd.DataFrame, columns: str) -> nw.LazyFrame[Any]:
        connection.register("incoming", frame)
        connection.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM incoming")
        connection.unregister("incoming")
        return nw.from_native(connection.table(name)).lazy()

    def lift(frame: pd.DataFrame | nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        name = f"lifted_{next(numbers)}"
        if isinstance(frame, pd.DataFrame):
            return place(name, frame, "*")
        frame.to_native().create(name)
        return nw.from_native(connection.table(name)).lazy()

    lazy = {}
    for name, table in TABLES.items():
        kinds = {spec.name: _TYPES.get(spec.kind, "VARCHAR") for spec in table.fields}
        columns = [str(column) for column in frames[name].columns]
        casts = [f'CAST("{column}" AS {kinds.get(column, "VARCHAR")}) AS "{column}"' for column in columns]
        lazy[name] = place(name, frames[name], ", ".join(casts))
    return lazy, lift
