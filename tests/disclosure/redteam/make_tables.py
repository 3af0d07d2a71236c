"""Twenty small tables as they are often released, each with a number that was meant to stay hidden.

Every table is made by hand, with no random numbers: ``full/`` holds the estimates before anything is withheld, ``naive/``
what leaves when only small counts are taken out, ``answers.toml`` the number a reader gets back. Run this file to write
all of them again:

    python tests/disclosure/redteam/make_tables.py
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent

Row = dict[str, object]
_COUNTS = ("value", "ci_low", "ci_high", "n", "denominator", "people", "n_missing")
_Z = 1.959963984540054
_ALL = {"by": "all", "group": "all"}


@dataclass(frozen=True)
class Table:
    """One case: what is asked, the full rows of each release, what the naive release takes out, and the answer."""

    name: str
    about: str
    full: tuple[list[Row], ...]
    naive: Callable[[Row], Row | None]
    cell: str
    number: int
    method: str


def share(n: float, base: float, **columns: object) -> Row:
    start = {"measure": "made", "definition": "completed@1", "estimand": "proportion", **_ALL}
    counts = {"value": n / base, "n": n, "denominator": base, "people": base, "unit": "share"}
    return {**start, **counts, **columns}


def wilson(n: float, base: float) -> Row:
    p = n / base
    middle, width = p + _Z**2 / (2 * base), _Z * (p * (1 - p) / base + _Z**2 / (4 * base**2)) ** 0.5
    low, high = ((middle + sign * width) / (1 + _Z**2 / base) for sign in (-1, 1))
    return {"ci_low": low, "ci_high": high, "conf_level": 0.95, "method": "Wilson"}


def mean(total: float, base: float, **columns: object) -> Row:
    return {**share(base, base, estimand="mean"), "value": total / base, "top_two": 0.1, **columns}


def sites(*counts: tuple[str, int, int], **columns: object) -> list[Row]:
    """Groups and everyone."""
    whole = share(sum(n for _, _, n in counts), sum(base for _, base, _ in counts), **columns)
    return [whole, *(share(n, base, by="site", group=site, **columns) for site, base, n in counts)]


def curve(days: tuple[float, ...], counts: tuple[float, ...], base: float, **columns: object) -> list[Row]:
    return [share(n, base, at=day, **columns) for day, n in zip(days, counts, strict=True)]


def over(start: str, end: str) -> Row:
    return {"period_start": start, "period_end": end}


def small(row: Row) -> Row:
    """Primary suppression: a row with 1 to 10 events loses its numbers."""
    return withheld(row) if 0 < float(str(row["n"])) < 11 else row


def few(row: Row) -> Row:
    """Primary suppression of a row that rests on 1 to 10 people."""
    return withheld(row) if float(str(row["denominator"])) < 11 else row


def withheld(row: Row) -> Row:
    return {**row, **dict.fromkeys(_COUNTS), "status": "withheld"}


def without(*names: str) -> Callable[[Row], Row]:
    """A release that prints shares and leaves counts out."""
    return lambda row: {**row, **dict.fromkeys(names)} if float(str(row["n"])) < 11 else row


def as_it_is(row: Row) -> Row:
    return row


def two_ways() -> list[Row]:
    """Sites by reasons, and both margins as tables of their own."""
    counts = {"A": (20, 4, 30), "B": (25, 40, 18), "C": (30, 20, 21)}
    rows = []
    for j, reason in enumerate(("work", "family", "court")):
        column = [line[j] for line in counts.values()]
        rows += sites(
            *((site, sum(line), count) for (site, line), count in zip(counts.items(), column, strict=True)),
            definition="reason@1", category=reason,
        )  # fmt: skip
    return rows


def ended(day: str) -> list[Row]:
    """Everyone who ended and why, as counts."""
    row = {"definition": "endings@1", "estimand": "count", **over("2025-01-01", day), "unit": "episodes"}
    parts = {"completed": 61, "left_early": 44, "transferred": 17, "incarcerated": 6, "all": 128}
    return [share(n, 160, category=word, **{**row, "value": n}) for word, n in parts.items()]


def steps() -> list[Row]:
    flow = (("read", 930, 930), ("other level", 212, 930), ("no session", 4, 718), ("no consent", 60, 714),
            ("counted", 654, 654))  # fmt: skip
    return [
        share(n, base, definition="attrition@1", estimand="count", category=word, at=place, value=n, people=None)
        for place, (word, n, base) in enumerate(flow)
    ]


def survival(
    days: tuple[float, ...], there: tuple[int, ...], risk: tuple[int, ...], heights: tuple[float, ...]
) -> list[Row]:
    rows = []
    for day, n, r, height in zip(days, there, risk, heights, strict=True):
        line = {"definition": "ending@1", "estimand": "survival", "category": "in_programme", "at": day}
        rows.append(share(n, 247, **{**line, "value": height}))
        line = {"definition": "at_risk@1", "estimand": "count", "category": "at_risk", "at": day, "unit": "people"}
        rows.append(share(r, 247, **{**line, "value": r, "denominator": None}))
    return rows


def quarter(n: int, base: int, start: str, end: str) -> Row:
    return share(n, base, definition="left_early@1", **over(start, end))


TABLES: tuple[Table, ...] = (
    Table(
        "01-margins", "One site of three is withheld; everyone is printed.",
        (sites(("A", 40, 3), ("B", 35, 22), ("C", 41, 19)),), small,
        "completed@1, site A, withheld row: events", 3, "linear",
    ),
    Table(
        "02-complement", "40 of 43 completed.",
        ([share(40, 43)],), as_it_is,
        "completed@1, row: denominator less events", 3, "linear",
    ),
    Table(
        "03-percent", "12.5 % of 24, the count left out.",
        ([share(3, 24), share(15, 36, category="other")],), without("n"),
        "completed@1, row: events", 3, "percent",
    ),
    Table(
        "04-interval", "A share with its interval, the counts left out.",
        ([share(30, 90, definition="asked@1"), share(8, 60, **wilson(8, 60))],), without("n", "denominator", "people"),
        "completed@1, row: events", 8, "interval",
    ),
    Table(
        "05-two-ways", "Site by reason with one cell withheld; reasons of everyone printed beside it.",
        (two_ways(),), small,
        "reason@1, category family, site A, withheld row: events", 4, "linear",
    ),
    Table(
        "06-category-left-out", "Three endings are printed, the fourth is left out of the table.",
        ([share(n, 90, definition="endings@1", category=word)
          for word, n in (("completed", 40), ("left_early", 31), ("transferred", 14), ("died", 5))],),
        lambda row: None if row["category"] == "died" else row,
        "endings@1, category completed, row: denominator less all categories", 5, "linear",
    ),
    Table(
        "07-total-of-categories", "Endings counted by kind, one withheld, with their total.",
        (ended("2025-03-31"),), small,
        "endings@1, category incarcerated, 2025-01-01 to 2025-03-31, withheld row: events", 6, "linear",
    ),
    Table(
        "08-months", "Two months and their quarter are printed, one month is withheld.",
        ([share(n, base, **over(*span)) for n, base, span in (
            (20, 55, ("2025-01-01", "2025-01-31")), (4, 50, ("2025-02-01", "2025-02-28")),
            (30, 75, ("2025-03-01", "2025-03-31")), (54, 180, ("2025-01-01", "2025-03-31")))],), small,
        "completed@1, 2025-02-01 to 2025-02-28, withheld row: events", 4, "linear",
    ),
    Table(
        "09-revised", "The first quarter said 44 left early; a year later it says 45.",
        ([quarter(44, 120, "2025-01-01", "2025-03-31")], [quarter(45, 120, "2025-01-01", "2025-03-31")]), as_it_is,
        "left_early@1, 2025-01-01 to 2025-03-31, release 1, row: change of events to release 2", 1, "releases",
    ),
    Table(
        "10-rolling", "A rolling year, then the next one with its newest quarter: the quarter that fell out.",
        (
            [quarter(100, 400, "2024-01-01", "2024-12-31")],
            [quarter(108, 430, "2024-04-01", "2025-03-31"), quarter(12, 110, "2025-01-01", "2025-03-31")],
        ), as_it_is,
        "left_early@1, 2024-01-01 to 2024-03-31, release 1, no row of its own: events", 4, "linear",
    ),
    Table(
        "11-step", "A weekly curve in which one person left in the second week.",
        (curve((7, 14, 21, 28), (15, 16, 30, 44), 100, definition="ending@1", estimand="cumulative_incidence",
               category="left_early"),), as_it_is,
        "ending@1, category left_early, day 7, row: change to day 14", 1, "linear",
    ),
    Table(
        "12-fall-of-a-curve", "A survival curve with the numbers at risk under it and no counts.",
        (survival((14, 21), (225, 221), (80, 61), (0.92, 0.92 * (1 - 4 / 61))),),
        lambda row: {**row, "n": None, "people": None} if row["estimand"] == "survival" else row,
        "ending@1, category in_programme, day 14, row: change to day 21", 4, "step",
    ),
    Table(
        "13-on-the-day", "Those at risk on day 7 and those still in the programme after it.",
        (survival((7, 14), (213, 189), (220, 203), (213 / 247, 189 / 247)),), as_it_is,
        "ending@1, category in_programme, day 7, row: left on day 7 itself", 7, "step",
    ),
    Table(
        "14-lengths", "7 sober days in a row reached by 60, 14 by 56.",
        ([share(n, 100, definition="milestone_bridged@1", estimand="cumulative_incidence", category=length, at=60)
          for length, n in (("7", 60), ("14", 56), ("30", 20))],), as_it_is,
        "milestone_bridged@1, category 7, day 60, row: not also in milestone_bridged@1, category 14, day 60", 4, "linear",
    ),
    Table(
        "15-exclusions", "Steps from everyone to those counted, one exclusion withheld, all bases printed.",
        (steps(),), lambda row: {**row, "n": None, "value": None} if row["n"] == 4 else row,
        "attrition@1, category no session, day 2, row: events", 4, "linear",
    ),
    Table(
        "16-missing-records", "How many were not tested is left out at one site, where both bases stand.",
        ([row for site, due, tested in (("A", 100, 80), ("B", 60, 54)) for row in (
            share(due / 2, due, definition="admitted@1", by="site", group=site),
            share(30, tested, definition="tested@1", by="site", group=site, n_missing=due - tested))],),
        lambda row: {**row, "n_missing": None} if row.get("n_missing") == 6 else row,
        "tested@1, site B, row: n_missing", 6, "linear",
    ),
    Table(
        "17-both-groups", "Different people of two schedules and of everyone.",
        ([share(50, 130, people=112), share(20, 70, people=56, by="schedule", group="day"),
          share(30, 60, people=60, by="schedule", group="evening")],), as_it_is,
        "completed@1, row: people in more than one group of schedule", 4, "linear",
    ),
    Table(
        "18-total-of-a-mean", "Mean sessions of everyone and of one schedule; the other has three people.",
        ([row for category, parts in (("offered", ((400, 40), (30, 3))), ("attended", ((260, 40), (15, 3)))) for row in (
            mean(sum(p[0] for p in parts), 43, definition="sessions@1", category=category, unit="sessions"),
            *(mean(*p, definition="sessions@1", category=category, unit="sessions", by="schedule", group=group)
              for p, group in zip(parts, ("day", "evening"), strict=True)))],),
        lambda row: {**withheld(row), "denominator": row["denominator"]} if row["group"] == "evening" else row,
        "sessions@1, category attended, schedule evening, withheld row: total of the withheld mean", 15, "average",
    ),
    Table(
        "19-base-of-a-mean", "A mean with all its decimals, its base left out because it lacks two of everyone.",
        ([*curve((7, 14), (20, 40), 247, definition="ending@1", estimand="cumulative_incidence", category="left_early"),
          mean(283, 245, definition="pathway_episodes@1", unit="episodes")],),
        lambda row: {**row, "n": None, "denominator": None, "people": None} if row["estimand"] == "mean" else row,
        "ending@1, category left_early, day 7, row: not among those counted in pathway_episodes@1", 2, "percent",
    ),
    Table(
        "20-lower-bound", "63 of 65 reached used less: withheld, while the bound over all 105 prints the 63.",
        ([share(n, base, definition=name, category="days_used_30", at=180) for name, n, base in (
            ("followup_response@1", 65, 105), ("used_fewer_days@1", 63, 65), ("used_fewer_days_low@1", 63, 105))],),
        lambda row: withheld(row) if row["definition"] == "used_fewer_days@1" else row,
        "used_fewer_days@1, category days_used_30, day 180, withheld row: denominator less events", 2, "linear",
    ),
)  # fmt: skip


def main() -> None:
    """Write the tables and the answers."""
    answers = ["# What a reader gets back from each table of naive/, and how. Kept apart from the tables.\n"]
    for table in TABLES:
        for number, rows in enumerate(table.full, start=1):
            name = table.name if len(table.full) == 1 else f"{table.name}-release-{number}"
            told = [kept for row in rows if (kept := table.naive(row)) is not None]
            _write(told, HERE / "naive" / f"{name}.csv", hidden=("top_two",))
            _write(rows, HERE / "full" / f"{name}.csv")
        answers.append(
            f'["{table.name}"]\nabout = "{table.about}"\ncell = "{table.cell}"\nnumber = {table.number}\n'
            f'method = "{table.method}"\n'
        )
    (HERE / "answers.toml").write_text("\n".join(answers), encoding="utf-8")


def _write(rows: list[Row], path: Path, hidden: tuple[str, ...] = ()) -> None:
    path.parent.mkdir(exist_ok=True)
    frame = pd.DataFrame(rows).drop(columns=list(hidden), errors="ignore").dropna(axis="columns", how="all")
    frame.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
