"""Page 5, sobriety milestones."""

from __future__ import annotations

from collections.abc import Sequence

from iop_outcomes.publication.document import (
    Block,
    Cell,
    Note,
    Page,
    Table,
    TableBlock,
)
from iop_outcomes.publication.figures import figure_block
from iop_outcomes.publication.formatting import show_interval
from iop_outcomes.reports.reading import Reading, describe_definition, find_quantity
from iop_outcomes.vocabulary import Substance


def build_sobriety(reading: Reading) -> Page:
    """Sobriety milestones among everyone admitted, unknown days shown, return to use, tests and reports."""
    names = ["milestone_bridged@1", "milestone_confirmed@1", "milestone_not_contradicted@1"]
    curves = reading.of_cohort.where(definition=names, by="all")
    lead = "Milestones are counted among everyone admitted; leaving care first counts as not reaching them here."
    substance = str(reading.published.settings.get("substance") or "any")
    if substance != "any":
        lead += (
            f" Sober here means without use of {Substance(substance).label.lower()}, the use these records test for."
        )
    if reading.published.settings.get("milestones_from") == "sobriety_date":
        lead += " They count from the recorded first sober day, and from admission where none is recorded."
    if not len(curves):
        nothing = Note("These records hold no tests or reports of use, so nothing can be said of sobriety.")
        return Page("page-5", "5", "Sobriety milestones", lead, (nothing,))
    blocks: list[Block] = []
    if curves.frame["value"].notna().any():
        blocks.append(figure_block("milestones", curves, id="milestones", caption=reading.caption(names[0], curves)))
    lengths = sorted({int(row["category"]) for row in curves.rows()} & set(range(reading.contents.planned_days + 1)))
    blocks.append(_milestone_table(reading, lengths, names))
    weeks = reading.of_cohort.where(definition="day_states@1", by="all")
    if weeks.frame["value"].notna().any():
        blocks.append(figure_block("calendar", weeks, id="calendar", caption=reading.caption("day_states@1", weeks)))
    blocks.append(_returned(reading, lengths))
    blocks.append(_known_days(reading))
    blocks.append(describe_definition("milestone_bridged@1"))
    blocks.append(
        Note(
            "Here we count days without use while in care. That is not the only way to recover: how the NIAAA, the US "
            "institute for research on alcohol, defined recovery in 2022 does not ask for it.",
            "What is counted",
        )
    )
    return Page("page-5", "5", "Sobriety milestones", lead, tuple(blocks))


def _milestone_table(reading: Reading, lengths: Sequence[int], names: Sequence[str]) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for length in lengths:
        day = reading.milestone_day(length)
        bridged, low, high = (
            find_quantity(reading.of_cohort, definition=name, category=str(length), at=day, by="all") for name in names
        )
        rows.append((f"{length} days", f"{day:.0f}", low, bridged, show_interval(bridged), high))
    columns = (
        "Milestone",
        "By day",
        "Every day confirmed",
        "Gaps of a week bridged",
        "Likely range",
        "Not contradicted",
    )
    source = reading.of_cohort.where(definition=list(names), by="all")
    caption = "The planned length, or the last day before it that may be shown. "
    caption += f"The first and last columns of shares are bounds. {reading.caption(names[0], source)}"
    return TableBlock(
        "How many reached each milestone?", Table(columns, tuple(rows)), source, caption, "milestone-table"
    )


def _returned(reading: Reading, lengths: Sequence[int]) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for length in lengths:
        found = [
            find_quantity(reading.of_cohort, definition="return_to_use@1", category=str(length), at=day, by="all")
            for day in (7, 14, 30)
        ]
        if any(quantity.status != "not_estimable" for quantity in found):
            rows.append((f"After {length} days", *found))
    source = reading.of_cohort.where(definition="return_to_use@1", by="all")
    caption = f"Known use while in care; unknown days are not use. {reading.caption('return_to_use@1', source)}"
    columns = ("Milestone", "Within 7 days", "Within 14 days", "Within 30 days")
    return TableBlock(
        "How many returned to use after a milestone?", Table(columns, tuple(rows)), source, caption, "return-to-use"
    )


def _known_days(reading: Reading) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for category, label in (
        ("known_sober", "Days known sober"),
        ("known_used", "Days known used"),
        ("unknown", "Days unknown"),
    ):
        found = find_quantity(reading.of_cohort, definition="days_known@1", category=category, by="all")
        rows.append((label, found, show_interval(found)))
    labels = {
        "both_negative": "Test negative, report no use", "report_positive_only": "Test negative, report use",
        "test_positive_only": "Test positive, report no use", "both_positive": "Test positive, report use",
        "kappa": "Agreement beyond chance (kappa)",
    }  # fmt: skip
    for category, label in labels.items():
        found = find_quantity(reading.of_cohort, definition="agreement@1", category=category, by="all")
        if found.status != "not_estimable":
            rows.append((label, found, show_interval(found)))
    source = reading.of_cohort.where(definition=["days_known@1", "agreement@1"], by="all")
    caption = f"Days in care; known sober, known used and unknown add to all. {reading.caption('days_known@1', source)}"
    return TableBlock(
        "How much is known, and do test and self-report agree?",
        Table(("", "Figure", "Likely range"), tuple(rows)),
        source,
        caption,
        "known-days",
    )
