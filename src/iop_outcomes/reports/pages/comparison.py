"""Page 8, cost and comparison: two levels of care side by side where the gate passes, else why not; then what care costs."""

from __future__ import annotations

import math
from typing import Any

from iop_outcomes.publication.document import (
    Block,
    Cell,
    Note,
    Page,
    Paragraph,
    Sentences,
    Table,
    TableBlock,
    TextTable,
)
from iop_outcomes.publication.figures import figure_block
from iop_outcomes.publication.figures.effect import say_gap
from iop_outcomes.publication.figures.level_endings import CRUDE, EFFECT
from iop_outcomes.publication.figures.love import say_covariate
from iop_outcomes.publication.formatting import Kind, Quantity, quantity_of, say_note, show
from iop_outcomes.publication.published import Published
from iop_outcomes.reports.pages.cost import cost_blocks
from iop_outcomes.reports.reading import Reading, describe_definition, find_quantity
from iop_outcomes.vocabulary import LevelOfCare, Status

_CRUDE, _EFFECT, _LEFT_OUT = ([f"level_{name}@1", f"level_{name}_days@1"] for name in ("crude", "effect", "left_out"))
#: The readings of the difference drawn together.
GAPS = [*_CRUDE, *_EFFECT, *(f"level_missing_{way}@1" for way in ("using", "sober", "least", "most"))]
_VIEWS = {
    "compared": "Compared: could have gone to either level, and followed to the day",
    "not_followed": "Could have gone to either; the day is yet to come, or they had died by it",
    "one_level_only": "Could only have gone to this level: not comparable",
    "not_judged": "Not judged at placement",
}
_LIMITS = {
    "largest_difference": "Largest difference at admission after weighting, in standard deviations",
    "outside_support": "Share of people unlike everyone who went to the other level",
    "least_effective": "People the smaller level counts for once weighted",
}
_KINDS: dict[str, Kind] = {"share": "share", "people": "count"}
_OUTCOMES = {
    "abstinent": "had gone thirty days without use at day {day}",
    "retained": "were in the programme or had completed it at day {day}",
    "completed": "had completed by day {day}",
    "days_in_care": "were spent in the programme, of the first {day} days,",
}
_CANNOT = (
    "Nobody was placed by lot. Whatever decided both placement and outcome and was not recorded at admission is in the "
    "adjusted figure too; the E-value says how strong it would have to be.",
    "It speaks of people who could have gone to either level. Of those who could only have gone to one it says nothing.",
    "It speaks of where care began. Longer or shorter stays, and what care follows, are part of either course.",
    "It speaks of this programme's levels and these months, not of all intensive outpatient or residential care.",
)

_NO_ANSWER = "There is no comparison of the two levels in this report."
_WITHHELD = "Too few people could have gone to either level. What could be said of them is withheld to protect privacy."


def build_comparison(reading: Reading) -> Page:
    """Cost and comparison: each comparison in the release with its protocol, then the costs that are there."""
    rows = reading.published.where(measure="comparison")
    blocks: list[Block] = []
    for protocol in _protocols(rows):
        own = _about(rows, protocol)
        if len(own):
            blocks += _compared(reading, own, protocol)
    if not blocks:
        said = "These records hold no two levels of care to compare, so nothing is said of one against another."
        blocks.append(Note(said, "Nothing to compare"))
    blocks += _endings(reading, rows)
    blocks += cost_blocks(reading)
    lead = "Would people have done better had care begun at another level? A plain comparison does not answer that."
    return Page("page-8", "8", "Cost and comparison", lead, tuple(blocks))


def _compared(reading: Reading, rows: Published, protocol: Any) -> list[Block]:
    """One comparison: its answer or refusal, its protocol, the figure, who was compared, balance, and what it cannot say."""
    name = f"{protocol.outcome.replace('_', '-')}-{protocol.at}"
    compared = find_quantity(rows, definition="level_support@1", by="all", estimand="count")
    when = f"First admissions to level {protocol.treated} or {protocol.control}"
    when += f"; {show(compared)} people compared" if compared.shown else ""
    blocks = answer_blocks(rows, protocol)
    gaps = rows.where(definition=GAPS)
    if not blocks:  # neither a difference, nor a reason why there is none
        return [Paragraph(_NO_ANSWER, strong=True), Note(_WITHHELD, "Why")]
    caption = reading.caption(_key(rows, _EFFECT), gaps, when)
    blocks.append(figure_block("effect", gaps, id=f"effect-{name}", caption=caption))
    blocks += sensitivity_blocks(rows)
    blocks.append(TextTable("What exactly is asked?", ("Part of the question", "Here"), protocol.describe()))
    blocks.append(_placement(reading, rows, protocol, when, name))
    balance = rows.where(definition=["level_balance_before@1", "level_balance_after@1"])
    if len(balance):
        caption = reading.caption("level_balance_before@1", balance, when)
        blocks.append(figure_block("love", balance, id=f"love-{name}", caption=caption))
    chances = rows.where(definition=["level_chance@1", "level_chance_weighted@1"])
    if len(chances):
        caption = reading.caption("level_chance@1", chances, when)
        blocks.append(figure_block("overlap", chances, id=f"overlap-{name}", caption=caption))
    blocks += _limits(reading, rows, when, name)
    blocks += _yardstick(reading, rows, when, name)
    blocks.append(Sentences(_CANNOT, "What cannot be said"))
    blocks.append(describe_definition(_key(rows, _EFFECT)))
    return blocks


def answer_blocks(rows: Published, protocol: Any) -> list[Block]:
    """The plain and the adjusted difference in sentences, or why there is no adjusted one."""
    treated, control = (_say_level(level) for level in (protocol.treated, protocol.control))
    effect = find_quantity(rows, definition=_EFFECT, estimand="difference")
    crude = find_quantity(rows, definition=_CRUDE, estimand="difference")
    blocks: list[Block] = []
    if effect.status == Status.NOT_ESTIMABLE:
        note = next(str(row["note"]) for row in rows.where(definition=_EFFECT, estimand="difference").rows())
        blocks.append(Paragraph("There is no adjusted comparison of the two levels in this report.", strong=True))
        blocks.append(Note(say_note(note), "Why, and what would mend it"))
    elif effect.shown:
        sides = [
            find_quantity(rows, definition=_EFFECT, group=level, estimand=_estimand(protocol))
            for level in (protocol.treated, protocol.control)
        ]
        shown = [show(side) for side in sides]
        said = (
            f"Among people who could have gone to either level, and alike in what was recorded, an estimated {shown[0]} "
            f"{_OUTCOMES[protocol.outcome].format(day=protocol.at)} where care began in {treated}, and {shown[1]} where it "
            f"began in {control}: {say_gap(effect)}."
        )
        if not (effect.low > 0 or effect.high < 0):
            said += " The range holds no difference, so these records cannot tell."
        said += _say_rounding(sides, effect)
        blocks.append(Paragraph(said, strong=True))
    if crude.shown:
        said = f"As placed, without regard to who went where, the difference is {say_gap(crude)}."
        if effect.shown and crude.value * effect.value < 0:
            said += " It points the other way, as it does where people with more severe problems go to one level more often."
        blocks.append(Paragraph(said))
    return blocks


def _say_rounding(sides: list[Quantity], effect: Quantity) -> str:
    """Why two shares as printed lie further or less far apart than the difference says, where they do."""
    if effect.kind != "share" or not all(side.shown for side in sides):
        return ""
    first, second, apart = (round(100 * one.value) for one in (*sides, effect))
    return "" if first - second == apart else " The shares are rounded; the difference is of the shares as they are."


def sensitivity_blocks(rows: Published) -> list[Block]:
    """What could overturn it: the E-value in a sentence, and the bounds."""
    said = []
    effect = find_quantity(rows, definition=_EFFECT, estimand="difference")
    point, limit = (find_quantity(rows, definition=f"level_evalue{end}@1") for end in ("", "_limit"))
    if point.shown:
        said.append(
            f"To explain the whole difference away, something unrecorded would have to go with both placement and outcome by a "
            f"ratio of at least {point.value:.1f} (the E-value)."
        )
        if limit.shown:
            said.append(
                "The likely range already holds no difference."
                if limit.value <= 1
                else f"For the likely range to reach no difference, {limit.value:.1f} would do."
            )
    least, most = (
        find_quantity(rows, definition=f"level_missing_{way}@1", estimand="difference") for way in ("least", "most")
    )
    if effect.shown and least.shown and most.shown and least.value < 0 < most.value:
        said.append(
            "Depending on how people not reached did, the difference could lie on either side of none; counting them all as "
            "using is one named scenario and no fair way to compare levels reached unequally."
        )
    return [Paragraph(" ".join(said))] if said else []


def placement_table(rows: Published, protocol: Any) -> Table:
    """Who is compared and who is not, how many were reached, and the outcome of each as it is, by level."""
    levels = (protocol.treated, protocol.control)
    placed = rows.where(definition="level_placement@1")
    lines: list[tuple[Cell, ...]] = []
    for view, words in _VIEWS.items():
        found = [find_quantity(placed, category=f"{protocol.outcome}/{view}", group=level) for level in levels]
        lines.append((words, *(_count(one) for one in found)))
    shares = rows.only(lambda row: row["estimand"] != "difference")
    asked = (
        ("level_reached@1", protocol.outcome, "Of those compared: reached"),
        (_key(rows, _CRUDE), protocol.outcome, "Outcome as placed, of those known"),
        ("level_apart@1", f"{protocol.outcome}/one_level_only", "Outcome of those not comparable, of those known"),
    )
    for definition, category, words in asked:
        found = [find_quantity(shares, definition=definition, category=category, group=level) for level in levels]
        if any(one.shown or one.withheld for one in found):
            lines.append((words, *(one if one.shown or one.withheld else "" for one in found)))
    return Table(("", *(_say_level(level).capitalize() for level in levels)), tuple(lines))


def _placement(reading: Reading, rows: Published, protocol: Any, when: str, name: str) -> TableBlock:
    source = rows.where(definition=["level_placement@1", "level_reached@1", *_CRUDE, "level_apart@1"])
    caption, table = reading.caption("level_placement@1", source, when), placement_table(source, protocol)
    return TableBlock("Who is compared, and who is not?", table, source, caption, f"placement-{name}")


def limit_table(rows: Published) -> Table:
    """What is asked of a comparison before an adjusted figure may stand, and how it is here; empty without weights."""
    lines: list[tuple[Cell, ...]] = []
    for row in rows.where(definition="level_support@1", by="all", estimand="diagnostic").rows():
        words = _LIMITS.get(str(row["category"]).partition("/")[2])
        if words:
            limit = row["note"] if isinstance(row["note"], str) else ""
            lines.append((words, quantity_of(row, _KINDS.get(str(row["unit"]), "number")), limit))
    return Table(("", "Here", "Asked for"), tuple(lines))


def _limits(reading: Reading, rows: Published, when: str, name: str) -> list[Block]:
    source, table = rows.where(definition="level_support@1"), limit_table(rows)
    if not table.rows:
        return []
    caption = reading.caption("level_support@1", source, when)
    return [TableBlock("Are the people alike enough to compare?", table, source, caption, f"gate-{name}")]


def _yardstick(reading: Reading, rows: Published, when: str, name: str) -> list[Block]:
    source = rows.where(definition=[*_LEFT_OUT, "level_left_out_evalue@1"])
    lines: list[tuple[Cell, ...]] = []
    for row in source.where(estimand="difference").rows():
        strength = find_quantity(source, category=row["category"], estimand="tipping_point")
        lines.append((say_covariate(str(row["category"])), say_gap(quantity_of(row)), strength))
    if not any(quantity_of(row).shown for row in source.rows()):
        return []
    columns = ("Left out", "Difference without it", "Its own E-value")
    caption = "How much the estimate leans on each thing recorded: a yardstick for what was not. "
    caption += reading.caption(_key(rows, _LEFT_OUT), source, when)
    return [
        TableBlock(
            "What if one thing had not been recorded?",
            Table(columns, tuple(lines)),
            source,
            caption,
            f"yardstick-{name}",
        )
    ]


def _endings(reading: Reading, rows: Published) -> list[Block]:
    """How first stays end at either level, where the release holds it."""
    source = rows.where(definition=[CRUDE, EFFECT])
    if not len(source):
        return []
    sides = source.where(estimand="difference").frame[["group", "reference"]].iloc[0]
    when = f"First admissions to level {sides['group']} or {sides['reference']} of people who could have gone to either"
    caption = reading.caption(EFFECT, source, when)
    return [figure_block("endings_by_level", source, id="endings-by-level", caption=caption)]


def _protocols(rows: Published) -> tuple[Any, ...]:
    """The protocols of the release; one, or all where several comparisons leave together."""
    if not len(rows):
        return ()
    found = rows.settings.get("protocol", ())
    return found if isinstance(found, tuple) else (found,)


def _about(rows: Published, protocol: Any) -> Published:
    """The rows of one comparison: those of its day whose category is, or begins with, its outcome."""
    return rows.where(at=float(protocol.at)).only(
        lambda row: str(row["category"]).partition("/")[0] == str(protocol.outcome)
    )


def _key(rows: Published, names: list[str]) -> str:
    """The one of several definitions that is in the rows; the first where none is."""
    present = set(rows.frame["definition"])
    return next((name for name in names if name in present), names[0])


def _estimand(protocol: Any) -> str:
    return "restricted_mean" if protocol.outcome == "days_in_care" else "adjusted_proportion"


def _count(found: Quantity) -> Cell:
    """The people behind a share."""
    if found.status == Status.NOT_ESTIMABLE:
        return "nobody"
    return Quantity("count", found.n if found.shown else math.nan, status=found.status)


def _say_level(level: str) -> str:
    return LevelOfCare(level).label.lower() if level in LevelOfCare.codes() else level
