"""Page 4, hours and attendance."""

from __future__ import annotations

from iop_outcomes.measures.library import find_definition
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
from iop_outcomes.publication.formatting import Quantity, quantity_of, show, show_interval
from iop_outcomes.publication.wording import say_code
from iop_outcomes.reports.contents import ATTENDANCE_GROUPS
from iop_outcomes.reports.reading import Reading, describe_definition, find_quantity
from iop_outcomes.reports.signals import SERIES, find_series
from iop_outcomes.vocabulary import AttendanceStatus, ServiceType

_QUESTIONS = {
    "schedule": "Do people of one schedule attend more than others?",
    "employment": "Do working people attend as much as others?",
}


def build_hours(reading: Reading) -> Page:
    """Hours and attendance: the ladder, weeks, no-shows, runs, warning signs, and groups compared."""
    ladder = reading.of_cohort.where(definition=["hours_required@1", "hours_offered@1", "hours_attended@1"], by="all")
    whole = find_quantity(reading.of_cohort, definition="hours_completion_admitted@1", by="all")
    enrolled = find_quantity(reading.of_cohort, definition="hours_completion_enrolled@1", by="all")
    blocks: list[Block] = []
    if whole.shown and enrolled.shown:
        blocks.append(
            Paragraph(
                f"People attended {show(whole)} of the hours of the whole planned course, counting those who left early. "
                f"Of the hours due while they were in care, they attended {show(enrolled)}. The second figure "
                "goes up when people leave, so look at both.",
                strong=True,
            )
        )
    if not whole.shown and whole.status != "withheld":
        blocks.append(Note("These records hold no hours, so only sessions are counted here."))
    if find_quantity(ladder, definition="hours_offered@1", category="all").shown:
        blocks.append(
            figure_block("hours_ladder", ladder, id="hours-ladder", caption=reading.caption("uptake@1", ladder))
        )
        blocks.append(_hours_table(reading))
    weeks = find_series(reading.published, SERIES["requirement_met"])
    if reading.contents.quarter and weeks.frame["value"].notna().any():
        blocks.append(
            figure_block(
                "xmr",
                weeks,
                id="weeks-met",
                title="Do weeks meet the weekly hours, and has that changed?",
                caption=reading.caption("requirement_met@1", weeks, _months(reading)),
            )
        )
    heat = reading.of_cohort.where(definition="weekly_attendance@1")
    if heat.frame["value"].notna().any():
        caption = reading.caption("weekly_attendance@1", heat)
        blocks.append(figure_block("weekly_attendance", heat, id="weekly-attendance", caption=caption))
    blocks.append(_sessions_table(reading))
    for by in ATTENDANCE_GROUPS:
        blocks += _contrast(reading, by, _QUESTIONS[by])
    blocks.append(describe_definition("hours_completion_admitted@1"))
    return Page(
        "page-4",
        "4",
        "Hours and attendance",
        "Required, offered, attended: are people getting their hours?",
        tuple(blocks),
    )


def _months(reading: Reading) -> str:
    history = reading.contents.history
    return f"By month in which the week began, {history.label}" if history else ""


def _hours_table(reading: Reading) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for definition in (
        "hours_completion_admitted@1",
        "hours_completion_enrolled@1",
        "fidelity@1",
        "uptake@1",
        "requirement_met@1",
    ):
        found = find_quantity(reading.of_cohort, definition=definition, category="all", by="all")
        rows.append((find_definition(definition).title, found, show_interval(found)))
    known = find_quantity(reading.of_cohort, definition="requirement_met@1", category="all", by="all")
    possible = find_quantity(reading.of_cohort, definition="requirement_not_ruled_out@1", category="all", by="all")
    if possible.shown and known.shown and possible.value > known.value:
        rows.append((find_definition("requirement_not_ruled_out@1").title, possible, show_interval(possible)))
    for service in ServiceType:
        found = find_quantity(reading.of_cohort, definition="uptake@1", category=str(service), by="all")
        if found.status != "not_estimable":
            rows.append((f"Hours attended of offered: {service.label.lower()}", found, show_interval(found)))
    for row in reading.of_cohort.where(definition="hours_completion_admitted@1", by="schedule").rows():
        if not isinstance(row["group"], str):
            continue
        found = quantity_of(row)
        rows.append((f"Hours of the whole course: {say_code(row['group'], 'schedule')}", found, show_interval(found)))
    source = reading.of_cohort.only(lambda row: row["measure"] == "hours")
    caption = reading.caption("hours_completion_admitted@1", source)
    return TableBlock(
        "How much of what was required was offered and attended?",
        Table(("", "Share", "Likely range"), tuple(rows)),
        source,
        caption,
        "hours-table",
    )


def _sessions_table(reading: Reading) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for status in AttendanceStatus:
        found = find_quantity(reading.of_cohort, definition="session_status@1", category=str(status), by="all")
        rows.append((f"Sessions: {status.label.lower()}", found, show_interval(found)))
    for day in (14, 30):
        found = find_quantity(reading.of_cohort, definition="second_miss@1", at=day, by="all")
        rows.append((f"People who had missed two sessions in a row by day {day}", found, show_interval(found)))
    first = find_quantity(reading.of_cohort, definition="first_sessions@1", by="all")
    rows.append(("Of each person's first ten sessions, attended", first, show_interval(first)))
    streak = find_quantity(reading.of_cohort, definition="longest_streak@1", by="all")
    rows.append(("Longest run of sessions attended, mean", streak, show_interval(streak)))
    names = ["session_status@1", "second_miss@1", "first_sessions@1", "longest_streak@1"]
    source = reading.of_cohort.where(definition=names, by="all")
    caption = "A missed session without a date is counted; one the programme cancelled is never held against a person. "
    return TableBlock(
        "What became of scheduled sessions?",
        Table(("", "Figure", "Likely range"), tuple(rows)),
        source,
        caption + reading.caption("session_status@1", source),
        "sessions",
    )


def _contrast(reading: Reading, by: str, title: str) -> list[Block]:
    """Groups beside each other, the shares first; then the difference as it is and among comparable people."""
    source = reading.of_cohort.where(
        definition=["held_sessions@1", "attendance_adjusted@1"], category="attended", by=by
    )
    differences = source.where(estimand="difference")
    groups = [str(row["group"]) for row in source.where(estimand="proportion").rows() if isinstance(row["group"], str)]
    if not len(differences):
        return []
    base = str(differences.frame["reference"].iloc[0])
    rows: list[tuple[Cell, ...]] = []
    for group in sorted(groups, key=lambda name: name != base):
        share = find_quantity(source, definition="held_sessions@1", estimand="proportion", group=group)
        base_of = Quantity("count", share.denominator, status=share.status)
        cells: list[Cell] = [say_code(group, by), base_of, share, show_interval(share)]
        for definition in ("held_sessions@1", "attendance_adjusted@1"):
            found = find_quantity(differences, definition=definition, group=group)
            cells += ["", ""] if group == base else [found, show_interval(found)]
        rows.append(tuple(cells))
    columns = ("", "Sessions held", "Attended", "Range", "Difference", "Range", "Of comparable people", "Range")
    caption = (
        f"Differences are from {say_code(base, by).lower()}, in percentage points: as they are, and between groups made "
        "comparable. A range on both sides of 0% means the records cannot tell. A difference goes with the group; it does "
        "not say that the group made it. "
    )
    caption += reading.caption("attendance_adjusted@1", source)
    return [TableBlock(title, Table(columns, tuple(rows)), source, caption, f"attendance-by-{by}")]
