"""Page 2, who came: from the records read to the people counted, and Table 1."""

from __future__ import annotations

from iop_outcomes.publication.document import (
    Block,
    Cell,
    Page,
    Paragraph,
    Table,
    TableBlock,
)
from iop_outcomes.publication.figures import figure_block
from iop_outcomes.publication.formatting import NOTHING, quantity_of, say_quantity
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.wording import say_code
from iop_outcomes.reports.reading import Reading, find_quantity


def build_people(reading: Reading) -> Page:
    """Who came: attrition and Table 1."""
    span = reading.contents.quarter or reading.contents.cohort
    now = reading.published.where(period_start=span.edges[0], period_end=span.edges[1])
    blocks: list[Block] = []
    told = _say_admissions(now, span.label)
    if told:
        blocks.append(Paragraph(told, strong=True))
    attrition = reading.of_cohort.where(definition="attrition@1")
    blocks.append(
        figure_block(
            "attrition",
            attrition,
            id="attrition",
            title="Who is counted in this report?",
            caption=reading.caption("attrition@1", attrition),
        )
    )
    blocks.append(_table_one(reading, now))
    return Page(
        "page-2",
        "2",
        "Who came",
        "People and episodes, and how the records became the ones counted.",
        tuple(blocks),
    )


def _say_admissions(now: Published, when: str) -> str:
    """How many came, and how many of them for the first time; nothing where neither people nor episodes may be shown."""
    people, episodes = (
        find_quantity(now, definition="admissions@1", category=counted, estimand="count", by="all")
        for counted in ("people", "episodes")
    )
    told = f"{people.value:,.0f} people came in {when}" if people.shown else ""
    if episodes.shown:
        told = f"{told}, in {episodes.value:,.0f} episodes" if told else f"{episodes.value:,.0f} admissions in {when}"
    first = find_quantity(now, definition="first_admission@1")
    told += (
        f"; {say_quantity(first, 'episodes')} were a first admission in these records" if told and first.shown else ""
    )
    return told and f"{told}."


def _table_one(reading: Reading, now: Published) -> TableBlock:
    before = reading.contents.before
    then = reading.published.where(period_start=before.edges[0], period_end=before.edges[1]) if before else None
    differs = len(now.where(definition="characteristic_difference@1")) > 0
    span = reading.contents.quarter or reading.contents.cohort
    columns = ["At admission", span.label, *([before.label] if before else [])]
    columns += ["Difference, SD"] if differs else []
    rows: list[tuple[Cell, ...]] = []
    for row in now.where(definition="characteristic@1").rows():
        if row["by"] == "all":
            continue
        group = row["group"] if isinstance(row["group"], str) else None
        where = {"by": row["by"], "group": group}
        cells: list[Cell] = [
            f"{say_code(row['by'])}: {say_code(group, row['by']) if group else 'not recorded'}",
            quantity_of(row),
        ]
        if then is not None:
            cells.append(find_quantity(then, definition="characteristic@1", **where))
        if differs:
            apart = find_quantity(now, definition="characteristic_difference@1", **where) if group else NOTHING
            cells.append(apart)
        rows.append(tuple(cells))
    caption = "Shares of episodes; not recorded is shown as a group of its own."
    if differs:
        caption += " Differences of 0.1 standard deviations or more are usually called differences."
    elif before:
        caption += " Standardised differences stand in the internal report."
    return TableBlock(
        "What is known of people at admission?",
        Table(tuple(columns), tuple(rows)),
        reading.published,
        caption,
        "table-one",
    )
