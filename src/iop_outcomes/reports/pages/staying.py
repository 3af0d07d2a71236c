"""Page 3, staying and leaving."""

from __future__ import annotations

from iop_outcomes.publication.document import (
    Block,
    Cell,
    Note,
    Page,
    Paragraph,
    Table,
    TableBlock,
)
from iop_outcomes.publication.figures import figure_block
from iop_outcomes.publication.formatting import NOTHING, Quantity, say_quantity, show_interval
from iop_outcomes.publication.wording import say_code
from iop_outcomes.reports.contents import DAYS, GROUP_DAY
from iop_outcomes.reports.reading import Reading, describe_definition, find_quantity
from iop_outcomes.vocabulary import EndReason

#: What is printed of pathways, in order.
_NEXT: dict[str, dict[str, str]] = {
    "Pathways": {"definition": "pathway@1"},
    "Came from a higher level of care": {"definition": "pathway_origin@1", "category": "from_higher_level"},
    "Came from a lower level of care": {"definition": "pathway_origin@1", "category": "from_lower_level"},
    "Stepped down to a lower level": {"definition": "pathway_step@1", "category": "step_down"},
    "Stepped up to a higher level": {"definition": "pathway_step@1", "category": "step_up"},
    "Moved on at the same level": {"definition": "pathway_step@1", "category": "same_level"},
    "Mean days from admission to the end of the pathway": {"definition": "pathway_days@1"},
    "Began another pathway after the end": {"definition": "pathway_return@1"},
}


def build_staying(reading: Reading) -> Page:
    """Staying and leaving: cumulative incidence of endings, days, reasons, by schedule."""
    endings = reading.of_cohort.where(definition=["ending@1", "at_risk@1"], by="all")
    kept = find_quantity(reading.of_cohort, definition="retained@1", at=42, by="all")
    lost = find_quantity(reading.of_cohort, definition="lost_early@1", at=14, by="all")
    lead = []
    if kept.shown:
        lead.append(f"By six weeks, {say_quantity(kept)} were in the programme or had completed it.")
    if lost.shown:
        lead.append(f"By two weeks, {say_quantity(lost)} had left before completing.")
    blocks: list[Block] = [Paragraph(" ".join(lead), strong=True)] if lead else []
    blocks.append(figure_block("endings", endings, id="endings", caption=reading.caption("ending@1", endings)))
    blocks.append(_by_day(reading))
    blocks.append(_stay_lengths(reading))
    if any(isinstance(row["group"], str) for row in reading.of_cohort.where(by="schedule").rows()):
        blocks.append(_by_group(reading, "Does it differ by schedule?", "schedule", GROUP_DAY, "by-schedule"))
    blocks += _differences(reading, "schedule", GROUP_DAY)
    blocks += _completing_and_after(reading)
    blocks.append(
        Note(
            "Ninety days is a common mark. That staying past it makes outpatient care work better has weak support "
            "(Simpson and others 1997 could not tell).",
            "About 90 days",
        )
    )
    blocks.append(describe_definition("retained@1"))
    lead_line = f"All who came in {reading.contents.cohort.label} are counted, those who left early too."
    return Page("page-3", "3", "Staying and leaving", lead_line, tuple(blocks))


def _by_day(reading: Reading) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for day in DAYS:
        cells: list[Cell] = [f"Day {day}"]
        for definition in ("in_programme@1", "retained@1", "lost_early@1"):
            found = find_quantity(reading.of_cohort, definition=definition, at=day, by="all")
            cells += [found, show_interval(found)]
        rows.append(tuple(cells))
    columns = (
        "By",
        "In programme",
        "Range",
        "In programme or completed",
        "Range",
        "Left before completing",
        "Range",
    )
    source = reading.of_cohort.where(definition=["in_programme@1", "retained@1", "lost_early@1"], by="all")
    return TableBlock(
        "How many are still here?",
        Table(columns, tuple(rows)),
        source,
        reading.caption("retained@1", source),
        "by-day",
    )


def _stay_lengths(reading: Reading) -> TableBlock:
    found = find_quantity(reading.of_cohort, definition="mean_days_in_programme@1", by="all")
    rows: list[tuple[Cell, ...]] = [("Mean days in the programme", found, show_interval(found))]
    for reason in ("left_early", "terminated", "transferred", "incarcerated", "died", "other"):
        lost = find_quantity(reading.of_cohort, definition="mean_days_lost@1", category=reason, by="all")
        if lost.status != "not_estimable" and (lost.withheld or lost.value > 0):
            rows.append((f"Mean days lost: {EndReason(reason).label.lower()}", lost, show_interval(lost)))
    median = find_quantity(reading.of_cohort, definition="median_stay@1", by="all")
    rows.append(("Median stay", median, show_interval(median)))
    source = reading.of_cohort.where(
        definition=["mean_days_in_programme@1", "mean_days_lost@1", "median_stay@1"], by="all"
    )
    caption = f"Up to the planned length of {reading.contents.planned_days} days. "
    caption += reading.caption("mean_days_in_programme@1", source)
    return TableBlock(
        "How long do people stay?",
        Table(("", "Days", "Likely range"), tuple(rows)),
        source,
        caption,
        "stay-lengths",
    )


def _by_group(reading: Reading, title: str, by: str, day: int, name: str) -> TableBlock:
    source = reading.of_cohort.where(
        definition=["retained@1", "lost_early@1"], estimand="cumulative_incidence", by=[by], at=day
    )
    groups = sorted({row["group"] for row in source.rows() if isinstance(row["group"], str)})
    rows: list[tuple[Cell, ...]] = []
    for group in groups:
        kept = find_quantity(source, definition="retained@1", group=group)
        lost = find_quantity(source, definition="lost_early@1", group=group)
        base = Quantity("count", kept.denominator, status=kept.status)
        rows.append((say_code(group, by), base, kept, show_interval(kept), lost, show_interval(lost)))
    columns = ("", "Episodes", "In programme or completed", "Range", "Left before completing", "Range")
    return TableBlock(
        title, Table(columns, tuple(rows)), source, f"At day {day}. {reading.caption('retained@1', source)}", name
    )


def _differences(reading: Reading, by: str, day: int) -> list[Block]:
    """Each group against the reference: the difference and its range first, the p-value of all groups together last."""
    asked = {"retained@1": "In programme or completed", "lost_early@1": "Left before completing"}
    rows_of = reading.of_cohort.where(definition=[*asked, "mean_days_in_programme@1"], by=by)
    source = rows_of.where(estimand=["difference", "p_value"])
    differences = source.where(estimand="difference")
    if not len(differences):
        return []
    base = str(differences.frame["reference"].dropna().iloc[0])
    groups = sorted({str(row["group"]) for row in differences.rows()})
    rows: list[tuple[Cell, ...]] = []
    for definition, words in {**asked, "mean_days_in_programme@1": "Mean days in the programme"}.items():
        for group in groups:
            when = {"at": day} if definition in asked else {}
            found = find_quantity(differences, definition=definition, group=group, **when)
            chance: Cell = NOTHING
            if definition in asked and group == groups[0]:
                chance = find_quantity(source, definition=definition, estimand="p_value")
            rows.append((f"{words}: {say_code(group, by).lower()}", found, show_interval(found), chance))
    base_words = say_code(base, by).lower()
    caption = (
        f"Differences from {base_words}, for shares in percentage points at day {day}. A range on both sides of 0 means "
        "the records cannot tell. A difference goes with the group; it does not say that the group made it. The p-value is "
        "of all groups together, over the whole stay. "
    )
    caption += reading.caption("retained@1", rows_of.where(estimand="difference"))
    columns = ("", f"Difference from {base_words}", "Likely range", "p-value")
    return [
        TableBlock("How large is the difference?", Table(columns, tuple(rows)), source, caption, f"differences-{by}")
    ]


def _completing_and_after(reading: Reading) -> list[Block]:
    """Completing, and beside it coming back, so that discharging early cannot look good; then steps between levels."""
    planned = reading.contents.planned_days
    done = find_quantity(reading.of_cohort, definition="ending@1", category="completed", by="all", at=planned)
    again = find_quantity(reading.of_cohort, definition="re_presentation@1", by="all")
    said = [f"By the planned length of {planned} days, {say_quantity(done)} had completed."] if done.shown else []
    if again.shown:
        days = reading.of_cohort.where(definition="re_presentation@1", by="all").frame["at"].iloc[0]
        said.append(f"Of people who completed, {say_quantity(again)} were readmitted within {days:.0f} days.")
    blocks: list[Block] = [Paragraph(" ".join(said))] if said else []
    source = reading.of_cohort.where(measure="pathways", by="all")
    rows: list[tuple[Cell, ...]] = []
    for words, where in _NEXT.items():
        found = find_quantity(source, **where)
        if found.withheld or found.shown:
            rows.append((words, found, show_interval(found)))
    if not rows:
        return blocks
    days = source.where(definition="pathway_step@1").frame["at"].max()
    caption = f"Steps and days up to day {days:.0f} after admission. {reading.caption('pathway_step@1', source)}"
    table = Table(("", "", "Likely range"), tuple(rows))
    return [*blocks, TableBlock("Where do people go next?", table, source, caption, "pathways")]
