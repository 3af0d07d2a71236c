"""The steps of this package that are timed, each in a process of its own: ``python benchmarks/steps.py STEP FOLDER``.

``computation`` reads a folder of records and runs every measure of the quarterly report, part by part, and before it the
attendance reduction alone; ``survival`` and ``bootstrap`` the statistics from arrays; ``scan`` is no step of the package
but the limit of the disk: a bare DuckDB scan of the columns the report needs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from meter import measured

QUARTER, LEVEL = (2025, 4), "2.1"
REPLICATES = 10_000
#: Columns the report needs of each table.
NEEDED: dict[str, tuple[str, ...]] = {
    "episodes": (
        "episode_id", "person_id", "program_id", "level_of_care", "admission_date", "discharge_date", "end_reason", "age",
        "gender", "race_ethnicity", "primary_substance", "days_used_30", "severity", "prior_episodes", "employment",
        "housing", "referral", "medication",
    ),
    "attendance": ("episode_id", "date", "week", "service_type", "status", "hours_offered", "hours_attended"),
    "outcomes": (
        "episode_id", "date", "week", "point", "month", "instrument", "substance", "score", "result", "days_covered",
        "status",
    ),
}  # fmt: skip


def scan(folder: Path) -> None:
    """Every value of the columns needed, and of attendance alone, looked at once."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for step, tables in (("scan", tuple(NEEDED)), ("scan attendance", ("attendance",))):
            with measured(step):
                for table in tables:
                    largest = ", ".join(f'max("{name}")' for name in NEEDED[table])
                    connection.execute(f"SELECT {largest} FROM read_parquet('{folder}/{table}/*.parquet')").fetchall()


def computation(folder: Path) -> None:
    """From files to every number of the report, for both audiences; without the gate and the pages."""
    from iop_outcomes import measure_hours, read_records, select_cohort
    from iop_outcomes.reports.contents import gather_contents
    from iop_outcomes.reports.period import Quarter

    with measured("Reading and checking"):
        records = read_records(folder)
    rows = {f"{account.table}_rows": account.used for account in records.manifest.accounts}
    cohort = select_cohort(records, level_of_care=LEVEL)
    with measured("hours alone"):
        measure_hours(cohort, by="schedule")
    del cohort
    part = measured("Choosing the cohort", **rows)
    part.__enter__()

    def step(what: str, done: int, total: int) -> None:
        nonlocal part
        part.__exit__(None, None, None)
        part = measured(what)
        part.__enter__()

    gather_contents(records, quarter=Quarter(*QUARTER), level=LEVEL, step=step)


def person_rows(folder: Path) -> Any:
    """One row an episode: person, level, days enrolled, and why it ended (0 where it goes on)."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        return connection.sql(
            f"""SELECT person_id, level_of_care,
                       date_diff('day', admission_date, coalesce(discharge_date, DATE '2026-01-31')) AS day,
                       coalesce(list_position(list_sort((SELECT list(DISTINCT end_reason)
                           FROM read_parquet('{folder}/episodes/*.parquet') WHERE end_reason IS NOT NULL)), end_reason), 0)
                           AS cause
                FROM read_parquet('{folder}/episodes/*.parquet') ORDER BY episode_id"""
        ).df()


def survival(folder: Path) -> None:
    """Curves with intervals from one row an episode, and from the same rows tallied."""
    import numpy as np

    from iop_outcomes.statistics import aalen_johansen, kaplan_meier

    aalen_johansen([1.0, 2.0], [1, 2]), kaplan_meier([1.0], [1])  # imports are not timed
    rows = person_rows(folder)
    day, cause = rows["day"].to_numpy(float), rows["cause"].to_numpy()
    with measured("Kaplan–Meier", rows=len(rows)):
        kaplan_meier(day, cause > 0)
    with measured("Aalen–Johansen", rows=len(rows)):
        aalen_johansen(day, cause)
    cells, counts = np.unique(np.column_stack([day, cause]), axis=0, return_counts=True)
    with measured("Aalen–Johansen from counts", rows=len(cells)):
        aalen_johansen(cells[:, 0], cells[:, 1].astype(int), counts=counts)


def bootstrap(folder: Path) -> None:
    """Cost (client-weeks at a price a level) and effect (completed) of two levels, people drawn whole."""
    from iop_outcomes.statistics import person_bootstrap

    rows = person_rows(folder)
    values = cost_and_effect(rows)
    people = rows["person_id"].astype("category").cat.codes.to_numpy()
    level = rows["level_of_care"].astype("category").cat.codes.to_numpy()
    with measured("bootstrap", people=int(people.max()) + 1, replicates=REPLICATES):
        person_bootstrap(values, people, level, replicates=REPLICATES, seed=1)


def cost_and_effect(rows: Any) -> Any:
    """Dollars by started week and level, and 1 for who completed."""
    weekly = rows["level_of_care"].map({"2.1": 700.0, "3.5": 2_400.0}).fillna(700.0)
    completed = (rows["cause"] == 1).astype(float)
    return rows.assign(cost=weekly * (rows["day"] // 7 + 1), effect=completed)[["cost", "effect"]].to_numpy()


STEPS = {step.__name__: step for step in (scan, computation, survival, bootstrap)}

if __name__ == "__main__":
    STEPS[sys.argv[1]](Path(sys.argv[2]))
