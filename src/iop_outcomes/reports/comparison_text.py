"""A comparison as plain text for a terminal: the protocol, who is compared, balance, the gate's verdict, and the effect."""

from __future__ import annotations

from collections.abc import Iterable

from iop_outcomes.publication.document import Block, Note, Paragraph, Table
from iop_outcomes.publication.figures.effect import tabulate_effect
from iop_outcomes.publication.figures.love import tabulate_love
from iop_outcomes.publication.formatting import show
from iop_outcomes.publication.published import Published
from iop_outcomes.reports.pages.comparison import answer_blocks, limit_table, placement_table, sensitivity_blocks


def describe_comparison(published: Published) -> str:
    """The rows of one ``compare_levels`` as text, stamped with who may see it."""
    protocol = published.settings["protocol"]
    stamps = [published.audience.label.upper(), *(["SYNTHETIC"] if published.synthetic else [])]
    parts = [
        " ".join(stamps),
        str(protocol),
        _lay_out("Who is compared, and who is not?", placement_table(published, protocol)),
        _lay_out("Standard deviations apart at admission", tabulate_love(published)),
        _lay_out("Are the people alike enough to compare?", limit_table(published)),
        _lay_out("Does it matter at which level care begins?", tabulate_effect(published)),
        *_prose([*answer_blocks(published, protocol), *sensitivity_blocks(published)]),
    ]
    return "\n\n".join(part for part in parts if part)


def _prose(blocks: Iterable[Block]) -> list[str]:
    notes = [f"{block.title}: {block.text}" for block in blocks if isinstance(block, Note)]
    return [block.text for block in blocks if isinstance(block, Paragraph)] + notes


def _lay_out(title: str, table: Table) -> str:
    """A table in columns of even width under its title; nothing where it has no rows."""
    if not table.rows:
        return ""
    lines = [
        table.columns,
        *(tuple(cell if isinstance(cell, str) else show(cell) for cell in row) for row in table.rows),
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.columns))]
    padded = (
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
    return "\n".join([title, *padded])
