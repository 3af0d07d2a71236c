"""Pages A1 to A3: how sure can we be, the definitions used, and the disclosure statement."""

from __future__ import annotations

from iop_outcomes.measures.library import find_definition
from iop_outcomes.publication.document import Block, DisclosureStatement, Page, Paragraph, Sentences, TextTable
from iop_outcomes.publication.figures import figure_block
from iop_outcomes.records.model import Manifest
from iop_outcomes.reports.folding import list_shown
from iop_outcomes.reports.reading import Reading


def build_certainty(reading: Reading, manifest: Manifest) -> Page:
    """A1: how complete the records are, where every row went, and how to read a range."""
    complete = reading.of_cohort.where(definition="completeness@1")
    blocks: list[Block] = [
        Paragraph(
            "A range says how far the figure could be from the truth by chance alone, if the people admitted here are taken "
            "as a sample of those who might come: 95 such ranges in 100 hold the true value. It does not speak of what was "
            "never recorded. People who came twice are counted as one source of chance, not two."
        ),
        figure_block("completeness", complete, id="completeness", caption=reading.caption("completeness@1", complete)),
        Paragraph(
            "Everything here describes the people admitted. Nothing here says that the programme caused what happened; a "
            "comparison with people who went elsewhere would need records of both."
        ),
    ]
    if not reading.published.policy.withholds:
        blocks.append(_accounts(manifest))
    if manifest.warnings:
        blocks.append(Sentences(tuple(manifest.warnings), "Warnings when the records were read"))
    return Page(
        "page-a1", "A1", "How sure can we be", "What is known, what is missing, and what chance can do.", tuple(blocks)
    )


def _accounts(manifest: Manifest) -> TextTable:
    """Rows read, used and set aside; internal reports only, because a small count of rows is a count of people too."""
    rows = []
    for account in manifest.accounts:
        aside = "; ".join(f"{count:,} {rule.replace('_', ' ')}" for rule, count in sorted(account.set_aside.items()))
        rows.append((account.table, f"{account.read:,}", f"{account.used:,}", aside or "none"))
    return TextTable(
        "Where did every row go?", ("Table", "Rows read", "Rows used", "Set aside, by reason"), tuple(rows)
    )


def build_definitions(reading: Reading) -> Page:
    """A2: every definition used in this report, with its version."""
    keys = list_shown(reading.published)
    some_left_out = len(keys) < reading.published.frame["definition"].nunique()
    rows = []
    for key in keys:
        known = find_definition(key)
        meaning = f"Counted: {known.numerator}. Among: {known.denominator}. Missing: {known.missing}."
        rows.append((f"{known.title} ({known.key})", meaning, known.source))
    table = TextTable(
        "What does each figure mean?",
        ("Definition", "Counted, among whom, and what is missing", "Source"),
        tuple(rows),
        "The number after @ is the version; a change that moves a published number raises it."
        + (" Definitions of which no number can be shown are left out." if some_left_out else ""),
    )
    settings = reading.published.settings
    chosen = [
        ("Exit day", {"last_contact": "the last contact: earlier of the last attended session and the recorded discharge"}.get(
            str(settings.get("exit_rule")), "the recorded discharge")),
        ("Who is counted", f"everyone {settings.get('rung', 'attended')}; {settings.get('episodes', 'all')} episodes"),
        ("Unknown days bridged", f"{settings.get('bridge_days', 7):g}"),
        ("Milestones count from", str(settings.get("milestones_from", "admission"))),
    ]  # fmt: skip
    return Page(
        "page-a2", "A2", "Definitions used", "A figure means what its definition says and nothing more.",
        (table, TextTable("Settings of this report", ("Setting", "Value"), tuple(chosen))),
    )  # fmt: skip


def build_disclosure(reading: Reading) -> Page:
    """A3: the policy, what was withheld, the release id and who signed off."""
    return Page(
        "page-a3", "A3", "Disclosure statement", "What may leave the programme, and what was withheld so that it may.",
        (DisclosureStatement(reading.published, reading.signed_off_by),),
    )  # fmt: skip
