"""The cost part of page 8: what care costs, who bears what, and what a difference in cost buys, or why that is not said."""

from __future__ import annotations

from collections.abc import Sequence

from iop_outcomes.measures.library import find_definition
from iop_outcomes.publication.document import (
    Block,
    Cell,
    Note,
    Paragraph,
    Sentences,
    Table,
    TableBlock,
    TextTable,
)
from iop_outcomes.publication.figures import figure_block
from iop_outcomes.publication.figures.plane import (
    find_place,
    name_sides,
    say_dollars,
    say_limits,
    say_refusal,
)
from iop_outcomes.publication.figures.tornado import SCENARIOS
from iop_outcomes.publication.formatting import NOTHING, WITHHELD, Quantity, quantity_of, show_value
from iop_outcomes.publication.published import Published
from iop_outcomes.reports.reading import Reading, describe_definition
from iop_outcomes.statistics.plane import QUADRANTS
from iop_outcomes.vocabulary import Bearer, Status

#: Lines of the table of costs: definition, category, words.
_LINES: tuple[tuple[str, str | None, str], ...] = (
    ("cost_client_week@1", None, "A client-week"),
    ("cost_contact_hour@1", "attended", "An hour attended"),
    ("cost_contact_hour@1", "offered", "An hour offered"),
    ("cost_admission@1", None, "An admission"),
    ("cost_pathway@1", None, "Everything that follows a first admission"),
    ("cost_completer@1", None, "A person who completed"),
    ("cost_sober_day@1", "known_sober", "A day known sober"),
    ("cost_sober_day@1", "not_contradicted", "A day not contradicted"),
)
_WORTH = {
    "dominant": "It costs no more and does no less, so there is no price to name.",
    "dominated": "It costs no less and does no more, so there is no price to name.",
}
_BELOW_NOTHING = " A limit below $0 is no price: it says that even which level costs more is not sure."
_CANNOT = (
    "The prices of a client-week are taken as known: what they may be off by is in the tornado, not in the likely ranges.",
    "It counts care in these records only: hospital days, other agencies, work and jail are neither cost nor saving here.",
    "No price of a sober day, a completer or a person abstinent is accepted anywhere; the range shown is not advice.",
)


def cost_blocks(reading: Reading) -> list[Block]:
    """What care costs, who bears it, and each cost-effectiveness analysis of the release; nothing where there is none."""
    blocks: list[Block] = []
    costs = reading.published.where(measure="costs")
    for unit in dict.fromkeys(str(row["unit"]) for row in costs.rows() if row["definition"] != "cost_line@1"):
        blocks += _unit_costs(reading, costs.where(unit=unit), unit)
    blocks += _bearers(reading, costs.where(definition="cost_line@1"))
    rows = reading.published.where(measure="cost_effectiveness")
    for effect in dict.fromkeys(_effect(row["category"]) for row in rows.where(definition="increment_cost@1").rows()):
        own = [category for category in dict.fromkeys(rows.frame["category"]) if _effect(category) == effect]
        blocks += effectiveness_blocks(reading, rows.where(category=own), effect)
    return blocks


def effectiveness_blocks(reading: Reading, rows: Published, effect: str) -> list[Block]:
    """One analysis of cost and effect together: the answer or the refusal, its figures, scenarios, and what it cannot say."""
    name = effect.replace("_", "-")
    when = "First admissions of people who could have gone to either level"
    blocks = answer_blocks(rows)
    if say_refusal(rows):  # a plane with the crude point alone would be read as the answer
        return blocks
    if not blocks:
        return [Note("What care costs and what it achieves, read together, is withheld to protect privacy.")]
    places = rows.where(definition=[f"{one}_{what}@1" for one in ("increment", "crude") for what in ("cost", "effect")])
    caption = reading.caption("increment_cost@1", places, when)
    blocks.append(figure_block("plane", places, id=f"plane-{name}", caption=caption))
    curves = rows.where(definition=["net_benefit@1", "break_even_price@1"])
    caption = reading.caption("net_benefit@1", curves, when)
    blocks.append(figure_block("acceptability", curves, id=f"acceptability-{name}", caption=caption))
    swings = rows.where(definition=["increment_price_swing@1", "increment_scenario@1", "increment_cost@1"])
    caption = reading.caption("increment_price_swing@1", swings, when)
    blocks.append(figure_block("tornado", swings, id=f"tornado-{name}", caption=caption))
    together = rows.where(definition=["increment_two_way@1", "break_even_price@1", "increment_effect@1"])
    if len(together.where(definition="increment_two_way@1")):
        caption = reading.caption("increment_two_way@1", together, when)
        blocks.append(figure_block("two_way", together, id=f"two-way-{name}", caption=caption))
    blocks += _scenarios(reading, rows.where(definition="increment_scenario@1"), name, when)
    blocks.append(Sentences(_CANNOT, "What the costs cannot say"))
    blocks.append(describe_definition("break_even_price@1"))
    return blocks


def answer_blocks(rows: Published) -> list[Block]:
    """The quadrant in words, the two differences and the price, or why there are none; then what a plain table would say."""
    found, crude, refused = find_place(rows, "increment"), find_place(rows, "crude"), say_refusal(rows)
    treated, control = name_sides(rows)
    blocks: list[Block] = []
    if refused:
        blocks.append(Paragraph("There is no comparison of cost and effect together in this report.", strong=True))
        blocks.append(Note(refused, "Why, and what would mend it"))
    elif found is not None and found.shown:
        here = found.quadrant
        said = (
            f"Among people who could have gone to either level, and alike in what was recorded, care that begins in {treated} is "
            f"estimated, against care that begins in {control}, as one that {QUADRANTS[here]}: "
            f"{say_limits(found.cost)} a person in cost, {say_limits(found.effect)} in effect."
        )
        if not _is_sure(found.cost) or not _is_sure(found.effect):
            said += " A likely range holds no difference, so these records cannot tell which of the four it is."
        blocks.append(Paragraph(said, strong=True))
        blocks.append(Paragraph(_say_price(rows, here)))
    if crude is not None and crude.shown:
        said = f"As placed, without regard to who went where: {say_limits(crude.cost)} in cost, "
        said += f"{say_limits(crude.effect)} in effect."
        turned = found is not None and found.shown and crude.effect.value * found.effect.value < 0
        if turned:
            said += " Its effect points the other way: people with more severe problems go to one level more often."
        blocks.append(Paragraph(said))
    return blocks


def _say_price(rows: Published, here: str) -> str:
    """The break-even price as a sentence, or why there is none."""
    for row in rows.where(definition="break_even_price@1", estimand="tipping_point").rows():
        price = quantity_of(row, "money")
        unit = price.unit.rpartition(", for each ")[2] or "unit of effect"
        if price.withheld:
            return "The break-even price is withheld to protect privacy."
        if not price.shown:
            return _WORTH.get(here, "There is no price to name.")
        side = "less" if here == "less_for_less" else "more"
        words = f"It is worth it where one {unit} is valued at {side} than {say_dollars(price.value)}"
        if price.low == price.low:
            said = f"{words} (likely between {say_dollars(price.low)} and {say_dollars(price.high)})."
            return said + _BELOW_NOTHING if price.low < 0 else said
        return f"{words}; how sure that is cannot be put as a range ({str(row['note']).rpartition('; ')[2]})."
    return _WORTH.get(here, "There is no price to name.")


def _is_sure(one: Quantity) -> bool:
    return one.low > 0 or one.high < 0


def _effect(category: object) -> str:
    return str(category).partition("/")[0]


def _unit_costs(reading: Reading, rows: Published, unit: str) -> list[Block]:
    """Each kind of cost down, everyone and the programmes across."""
    groups = list(dict.fromkeys(str(row["group"]) for row in rows.rows() if isinstance(row["group"], str)))
    groups.sort(key=lambda group: group != "all")
    lines: list[tuple[Cell, ...]] = []
    for definition, category, words in _LINES:
        found = {
            str(row["group"]): _say_cost(quantity_of(row, "money"))
            for row in rows.where(definition=definition).rows()
            if (row["category"] if isinstance(row["category"], str) else None) == category
        }
        if found:
            lines.append((words, *(found.get(group, NOTHING) for group in groups)))
    if not lines:
        return []
    columns = ("", *("All" if group == "all" else group for group in groups))
    caption = f"{unit[:1].upper()}{unit[1:]}; likely range in brackets. {_say_when(rows)}"
    caption += f"Definition cost_admission@1: {find_definition('cost_admission@1').sentence}"
    name = "".join(sign if sign.isalnum() else "-" for sign in unit.partition(", ")[2])
    return [TableBlock(f"What does care cost? ({unit.partition(', ')[2]})", Table(columns, tuple(lines)), rows, caption,
                       f"costs-{name}")]  # fmt: skip


def _say_when(rows: Published) -> str:
    days = rows.frame["at"].dropna().unique()
    return f"Within {days[0]:.0f} days of admission. " if len(days) == 1 else ""


def _say_cost(one: Quantity) -> str:
    if one.withheld:
        return WITHHELD
    if not one.shown:
        return Status(one.status).label or NOTHING
    # Cents matter under $100 only.
    value = f"${one.value:,.2f}" if one.value < 100 else show_value(one.value, "money")
    return value if one.low != one.low else f"{value} ({say_dollars(one.low)} to {say_dollars(one.high)})"


def _bearers(reading: Reading, rows: Published) -> list[Block]:
    """Who bears each line, as recorded; one table whatever the perspective."""
    bearers = [bearer for bearer in Bearer.codes() if len(rows.where(group=bearer))]
    lines: dict[str, dict[str, Quantity]] = {}
    for row in rows.rows():
        lines.setdefault(str(row["category"]), {})[str(row["group"])] = quantity_of(row, "money")
    if not lines:
        return []
    table = [(_words(line), *(found.get(bearer, NOTHING) for bearer in bearers)) for line, found in lines.items()]
    columns = ("Line", *(Bearer(bearer).label for bearer in bearers))
    unit = str(rows.frame["unit"].iloc[0])
    caption = (
        f"{unit[:1].upper()}{unit[1:]}, sums of the periods. {reading.caption('cost_line@1', rows, 'Whole programmes')}"
    )
    return [TableBlock("Who bears what?", Table(columns, tuple(table)), rows, caption, "bearers")]


def _scenarios(reading: Reading, rows: Published, name: str, when: str) -> list[Block]:
    """Both differences and the price under other assumptions; what cannot be worked out says why."""
    lines: list[tuple[Cell, ...]] = []
    for scenario in dict.fromkeys(str(row["category"]) for row in rows.rows()):
        own = list(rows.where(category=scenario).rows())
        differences = [quantity_of(row) for row in own if row["estimand"] == "difference"]
        cost = next((one for one in differences if one.kind == "money"), None)
        effect = next((one for one in differences if one.kind != "money"), None)
        price = next((quantity_of(row, "money") for row in own if row["estimand"] == "tipping_point"), None)
        code = scenario.rpartition("/")[2]
        lines.append(
            (
                SCENARIOS.get(code, _words(code)),
                _say(cost),
                _say(effect),
                "" if price is None else _say_break_even(price),
            )
        )
    if not lines:
        return []
    columns = ("", "Difference in cost", "Difference in effect", "Break-even price")
    caption = reading.caption("increment_scenario@1", rows, when)
    title = "What if it is seen otherwise?"
    return [TableBlock(title, Table(columns, tuple(lines)), rows, caption, f"scenarios-{name}")]


def _say(one: Quantity | None) -> str:
    return "" if one is None else say_limits(one)


def _say_break_even(one: Quantity) -> str:
    return say_dollars(one.value) if one.shown else WITHHELD if one.withheld else "none"


def _words(code: str) -> str:
    return f"{code[:1].upper()}{code[1:].replace('_', ' ')}"


def cheers_block(lines: Sequence[tuple[str, str, str, str]]) -> TextTable:
    """The 28 items of CHEERS 2022 as filled by ``fill_cheers``, for the appendix."""
    return TextTable(
        "What a report of an economic evaluation should say (CHEERS 2022)",
        ("Item", "Topic", "What is asked", "Here"),
        tuple(lines),
        "Our own wording of the items of Husereau et al. 2022, doi:10.1016/j.jval.2021.11.1351.",
    )
