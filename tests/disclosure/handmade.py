"""A made-up programme as a bundle of estimates, for the gate, the figures and the page: counted by hand from made people."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.document import (
    DefinitionBox,
    DisclosureStatement,
    Document,
    Note,
    Page,
    Paragraph,
    Sentences,
    TableBlock,
    TextTable,
    Tile,
    Tiles,
    pick,
    tabulate,
)
from iop_outcomes.publication.figures import FIGURES, figure_block, to_svg
from iop_outcomes.publication.figures.control import latest_signal
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.published import Published

CAUSES = ("completed", "left_early", "terminated", "transferred", "incarcerated", "died", "other")
SHARES = (0.44, 0.30, 0.08, 0.08, 0.04, 0.01, 0.05)
WEEKS = tuple(float(day) for day in range(0, 85, 7))
SETTINGS = {"as_of": "2025-12-31", "synthetic": True, "name": "Example programme"}


def made_people(people: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Exit day, cause, schedule and milestone days of made people."""
    draw = np.random.default_rng(seed)
    cause = draw.choice(len(CAUSES), size=people, p=SHARES)
    early = draw.integers(1, 84, size=people)
    day = np.where(cause == 0, draw.integers(63, 85, size=people), early).astype(float)
    streak = {length: draw.exponential(45, size=people) + length for length in (7, 14, 30, 60)}
    return {
        "cause": cause,
        "day": day,
        "schedule": draw.choice(["day", "evening", "weekend"], size=people, p=[0.5, 0.35, 0.15]),
        **{f"m{length}": np.where(reach <= day, reach, np.inf) for length, reach in streak.items()},
    }


def made_rows(people: dict[str, np.ndarray], by: str, group: str) -> list[dict]:
    """Endings, at risk, retention, milestones and hours of some of the people."""
    total = len(people["day"])
    base = {"by": by, "group": group, "denominator": total, "people": total, "unit": "share", "conf_level": 0.95}
    rows: list[dict] = []

    def share(definition: str, estimand: str, category: str | None, at: float, n: int) -> None:
        value = n / total
        half = 1.96 * np.sqrt(max(value * (1 - value), 1e-4) / total)
        limits = {"ci_low": max(0.0, value - half), "ci_high": min(1.0, value + half)}
        rows.append(
            {
                **base, **limits, "measure": definition.split("_")[0].split("@")[0], "definition": definition,
                "estimand": estimand, "category": category, "at": at, "value": value, "n": n,
            }
        )  # fmt: skip

    for at in WEEKS:
        out = people["day"] <= at
        for code, cause in enumerate(CAUSES):
            share("ending@1", "cumulative_incidence", cause, at, int((out & (people["cause"] == code)).sum()))
        share("ending@1", "survival", "in_programme", at, int((~out).sum()))
        risk = int((people["day"] >= at).sum())
        rows.append(
            {**base, "measure": "ending", "definition": "at_risk@1", "estimand": "count", "category": "at_risk",
             "at": at, "value": risk, "n": risk, "unit": "people"}
        )  # fmt: skip
    for at in (7.0, 14.0, 30.0, 42.0, 60.0, 90.0):
        out = people["day"] <= at
        early = out & np.isin(people["cause"], (1, 2))
        share("in_programme@1", "survival", "in_programme", at, int((~out).sum()))
        share("retained@1", "cumulative_incidence", "retained", at, int((~out | (people["cause"] == 0)).sum()))
        share("lost_early@1", "cumulative_incidence", "lost_early", at, int(early.sum()))
    for rule, slack in (("confirmed", 6.0), ("bridged", 0.0), ("not_contradicted", -5.0)):
        for length in (7, 14, 30, 60):
            for at in WEEKS:
                reached = (people[f"m{length}"] + slack <= at) & (people["day"] >= length)
                share(f"milestone_{rule}@1", "cumulative_incidence", str(length), at, int(reached.sum()))
    for service, part in (("group", 6.0), ("individual", 1.0), ("family", 0.6), ("other", 0.4), ("all", 8.0)):
        for step, kept in (("required", 1.125), ("offered", 1.0), ("attended", 0.72)):
            hours = part * kept * float(people["day"].sum()) / 7
            rows.append(
                {**base, "measure": "hours", "definition": f"hours_{step}@1", "estimand": "sum", "category": service,
                 "value": hours, "n": total, "unit": "hours", "top_two": 0.1}
            )  # fmt: skip
    for week in range(1, 13):
        there = int((people["day"] >= 7 * (week - 1)).sum())
        if there:
            value = 0.86 - 0.018 * week + 0.02 * np.sin(3 * week + len(group))
            rows.append(
                {**base, "measure": "attendance", "definition": "weekly_attendance@1", "estimand": "ratio",
                 "category": "all", "at": float(week), "value": value, "n": there, "denominator": there, "people": there,
                 "ci_low": value - 0.04, "ci_high": value + 0.04}
            )  # fmt: skip
    return rows


def made_bundle(people: int = 600, seed: int = 1, by: str = "schedule") -> Estimates:
    """Everyone and three schedules."""
    crowd = made_people(people, seed)
    rows = made_rows(crowd, "all", "all")
    for group in sorted(set(crowd["schedule"])):
        chosen = crowd["schedule"] == group
        rows += made_rows({name: values[chosen] for name, values in crowd.items()}, by, str(group))
    return Estimates.from_rows(rows, SETTINGS)


def made_series(points: int = 18) -> Estimates:
    """A monthly series with its lines, a run of signals at the end and one in the middle."""
    rows = []
    for month in range(points):
        year, part = 2024 + month // 12, month % 12 + 1
        value = 0.66 + 0.03 * float(np.sin(5 * month)) + (0.08 if month > points - 5 else 0.0)
        rows.append(
            {"measure": "hours", "definition": "hours_completion_admitted@1", "estimand": "ratio", "category": "all",
             "period_start": f"{year}-{part:02d}-01", "period_end": f"{year}-{part:02d}-28", "value": value, "unit": "share",
             "n": 70, "denominator": 70, "people": 70,
             "note": "signal: better" if month > points - 5 else "signal: worse" if month == 4 else None}
        )  # fmt: skip
    for line, value in (("centre", 0.67), ("lower", 0.55), ("upper", 0.79)):
        rows.append(
            {"measure": "hours", "definition": "hours_completion_admitted@1", "estimand": "center_line",
             "category": line, "value": value, "unit": "share"}
        )  # fmt: skip
    return Estimates.from_rows(rows, SETTINGS)


def made_flow() -> Estimates:
    """Attrition and completeness."""
    steps = (
        ("read", 930, 930),
        ("another level of care", 212, 930),
        ("admitted outside the year", 118, 718),
        ("counted", 600, 600),
    )
    rows: list[dict] = [
        {"measure": "cohort", "definition": "attrition@1", "estimand": "count", "category": word, "at": float(place),
         "value": n, "n": n, "denominator": base}
        for place, (word, n, base) in enumerate(steps)
    ]  # fmt: skip
    for word, n in (("end reason", 580), ("urine tests when due", 431), ("PHQ-9 at exit", 300)):
        rows.append(
            {"measure": "data", "definition": "completeness@1", "estimand": "proportion", "category": word, "value": n / 600,
             "n": n, "denominator": 600, "people": 600, "unit": "share"}
        )  # fmt: skip
    return Estimates.from_rows(rows, SETTINGS)


@cache
def made_published(people: int = 600) -> Published:
    """The bundle after the gate; made once, for what is published never changes."""
    return publish(made_bundle(people))


@cache
def made_release(audience: str = "public", people: int = 600) -> Published:
    """Bundle, series and flow after the gate as one release; made once."""
    return publish(made_bundle(people), made_series(), made_flow(), audience=audience)


def made_document(audience: str = "public", people: int = 600, label: str = "Riverside programme") -> Document:
    """A document with every kind of block and every figure."""
    published = made_release(audience, people)
    whole = published.where(by="all")
    months = published.where(definition="hours_completion_admitted@1")
    retained = pick(published, definition="retained@1", at=42.0, by="all")
    tile = Tile(
        "In programme or completed at 6 weeks",
        retained,
        published,
        to_svg(FIGURES["sparkline"].draw(months), "spark1"),
        FIGURES["sparkline"].describe(months),
        latest_signal(months),
        note=label,
    )
    other = replace(tile, label="Hours attended of required", svg=to_svg(FIGURES["sparkline"].draw(months), "spark2"))
    sources = {
        "endings": whole,
        "milestones": whole,
        "hours_ladder": whole,
        "weekly_attendance": published,
        "xmr": months,
        "attrition": published,
        "completeness": published,
    }
    words = (Sentences(("One.", "Two."), "In short"), Paragraph(label, strong=True), Note("Look here.", "Note"))
    first = Page("first", "1", "This quarter on one page", f"What {label} did.", (Tiles((tile, other)), *words))
    drawn = tuple(figure_block(name, rows, id=f"fig-{name.replace('_', '-')}") for name, rows in sources.items())
    figures = Page("figures", "2", "Figures", "", drawn)
    rows = published.where(definition="retained@1", by="schedule")
    table = tabulate(
        rows, [("Schedule", "group"), ("Day", "at"), ("Retained", "value"), ("People", "n"), ("Of", "denominator")]
    )
    last = Page(
        "a3", "A3", "Disclosure statement", "",
        (
            TableBlock("Retained by schedule", table, published, "By schedule."),
            TextTable("Settings", ("Name", "Value"), (("programme", label),)),
            DefinitionBox("retained@1", "Retained", "In the programme or completed.", (("Missing", "censored"),)),
            DisclosureStatement(published, "A. Person"),
        ),
    )  # fmt: skip
    return Document(
        label, "Quarterly report", "October to December 2025", "2025-12-31", published.audience, (first, figures, last)
    )
