"""A small publication made by hand, with every kind of block and numbers of every kind, some of them withheld."""

from __future__ import annotations

from functools import cache
from typing import Any

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.document import (
    DefinitionBox,
    DisclosureStatement,
    Document,
    FigureBlock,
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
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.published import Published

DEFINITIONS = (
    DefinitionBox("retained@1", "In the programme or completed", "Still here or done.", (("Missing", "censored"),)),
    DefinitionBox("ending@1", "How people leave", "Who left for which reason.", (("Counted", "people"),)),
)
SETTINGS = {"as_of": "2025-12-31", "synthetic": True, "name": "Example programme"}
COLUMNS = (("Site", "group"), ("Day", "at"), ("Value", "value"), ("Events", "n"), ("Of", "denominator"))


def _share(n: int, of: int, **more: Any) -> dict[str, Any]:
    """A share with its counts; limits a tenth to both sides."""
    value = n / of
    row = {"measure": "retention", "definition": "retained@1", "estimand": "proportion", "unit": "share"}
    limits = {"ci_low": max(0.0, value - 0.1), "ci_high": min(1.0, value + 0.1), "conf_level": 0.95}
    return {**row, **limits, "value": value, "n": n, "denominator": of, "people": of, **more}


def _rows() -> list[dict[str, Any]]:
    sites = {"north": (33, 64), "south": (25, 40), "east": (12, 27), "west": (3, 30)}
    rows = [_share(n, of, by="site", group=name, at=30.0) for name, (n, of) in sites.items()]
    rows += [
        _share(311, 500 + 7 * day, at=float(day), definition="ending@1", category="completed") for day in (30, 60, 90)
    ]
    mean = {"measure": "retention", "estimand": "mean", "n": 161, "denominator": 161, "people": 161, "top_two": 0.1}
    rows.append({**mean, "definition": "stay@1", "value": 41.26, "ci_low": 38.1, "ci_high": 44.25, "unit": "days"})
    rows.append({**mean, "definition": "cost@1", "value": 3351.6, "unit": "dollars of 2025, cost to the provider"})
    rows.append({**mean, "definition": "count@1", "estimand": "count", "value": 1234, "n": 1234, "people": 1234})
    return rows


@cache
def small_release(audience: str = "public", policy: str | None = None) -> Published:
    """The rows after the gate; made once."""
    return publish(Estimates.from_rows(_rows(), SETTINGS), audience=audience, policy=policy)


def small_document(audience: str = "public", label: str = "Riverside programme") -> Document:
    """The rows as a document."""
    published = small_release(audience)
    table = tabulate(published, COLUMNS)
    count = pick(published, definition="count@1")
    tile = Tile("People admitted", count, published, "<svg></svg>", "A line.", "better", "Target met", note=label)
    blocks = (
        Tiles((tile,)),
        Sentences(("One.", "Two | three."), "In short"),
        Paragraph(label, strong=True),
        Note("Look *here*.", "Note"),
    )
    figure = FigureBlock(
        "fig", "Who stays?", "<svg></svg>", "Bars, one a site.", "Of everyone admitted.", table, published
    )
    last = (
        TableBlock("Retained by site", table, published, "By site."),
        TextTable("Settings", ("Name", "Value"), (("programme", label), ("sign", "a|b"))),
        DEFINITIONS[0],
        DisclosureStatement(published, "A. Person"),
    )
    pages = (
        Page("first", "1", "This quarter on one page", f"What {label} did.", blocks),
        Page("figures", "2", "Figures", "", (figure,)),
        Page("a3", "A3", "Disclosure statement", "", last),
    )
    return Document(
        label, "Quarterly report", "October to December 2025", "2025-12-31", published.audience, pages,
        definitions=DEFINITIONS,
    )  # fmt: skip
