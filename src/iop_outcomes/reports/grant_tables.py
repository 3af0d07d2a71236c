"""The tables of a fact sheet: need, targets with how realistic they are, the logic model, and published figures beside ours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from iop_outcomes.comparison.benchmarks import Beside, compare_benchmarks
from iop_outcomes.publication.document import Block, Cell, Note, Table, TableBlock, TextTable
from iop_outcomes.publication.formatting import (
    NOTHING,
    Kind,
    Quantity,
    quantity_of,
    show,
    show_interval,
    show_value,
)
from iop_outcomes.publication.published import Published
from iop_outcomes.reports.reading import Reading, find_quantity, name_scale
from iop_outcomes.statistics import judge_target
from iop_outcomes.statistics.intervals import normal_quantile

#: The kind of care published figures speak of, by level of care.
_CARE = {"1": "outpatient", "2.1": "intensive outpatient"}
_TO_FILL = "to be filled in"
#: A chance below this is said to be under it.
_LEAST = 0.01


@dataclass(frozen=True)
class Aim:
    """An objective: its key under [targets], what it says, which row its baseline is, whether higher is better, and whether
    it is a share of things that can be counted (of hours it is not)."""

    key: str
    objective: str
    where: Mapping[str, Any]
    higher: bool = True
    counted: bool = True


def list_aims(reading: Reading) -> tuple[Aim, ...]:
    """What a target may be set for, in order."""
    done = reading.contents.planned_days + 14
    ended = {"definition": "ending@1", "category": "completed", "at": done}
    return (
        Aim("retained", "In the programme or completed at six weeks", {"definition": "retained@1", "at": 42}),
        Aim("completed", f"Completed by day {done}", ended),
        Aim("requirement_met", "Weeks that meet the weekly hours",
            {"definition": "requirement_met@1", "category": "all"}),
        Aim("hours_completion_enrolled", "Hours attended of hours required while enrolled",
            {"definition": "hours_completion_enrolled@1", "category": "all"}, counted=False),
        Aim("no_show", "Sessions missed without notice",
            {"definition": "session_status@1", "category": "no_show"}, higher=False),
    )  # fmt: skip


def tabulate_need(needs: Sequence[Mapping[str, str]]) -> Block:
    """The local need in the programme's own words, each with its source; an empty slot says what to write there."""
    title = "Need"
    if not needs:
        return Note(
            "To be filled in: how many people nearby need this care, and who says so. Write each number and its source "
            "under [[needs]] in program.toml. County health plans, state surveys and overdose counts are good places to look.",
            title,
        )
    return TextTable(title, ("Need", "Source"), tuple((need["text"], need["source"]) for need in needs))


def tabulate_targets(reading: Reading, targets: Mapping[str, Any], grant: Mapping[str, Any]) -> TableBlock:
    """Objectives with baseline, target, and whether luck alone would meet it; rows whose baseline is missing stay."""
    lines: list[tuple[Cell, ...]] = []
    for aim in list_aims(reading):
        base = find_quantity(reading.of_cohort, by="all", **aim.where)
        if base.status == "not_estimable":
            continue
        target = targets.get(aim.key)
        lines.append(
            (
                f"{aim.objective} ({aim.where['definition']})",
                base,
                show_interval(base),
                Quantity("count", base.denominator, status=base.status),
                _say_target(aim, target),
                _say_status(aim, base, target),
                *_judge(aim, base, target),
            )
        )
    columns = (
        "Objective (measure)", "Baseline", "95% CI", "n", "Target", "Status", "By luck", "Visible", "n needed",
    )  # fmt: skip
    where = "" if targets and grant else " Set in program.toml under [targets] and [grant]."
    caption = (
        f"To be met by: {grant.get('by') or _TO_FILL}. Responsible: {grant.get('responsible') or _TO_FILL}. Reported "
        f"{grant.get('frequency') or 'every quarter'} from the programme's records.{where} By luck: the chance that such a "
        "year meets the target though nothing changed. Visible: a change to the nearest level that two years of this size tell "
        "apart, 8 times in 10. n needed: to tell the target so."
    )
    definitions = [aim.where["definition"] for aim in list_aims(reading)]
    source = reading.of_cohort.where(definition=definitions, by="all")
    return TableBlock("Targets, and how realistic they are", Table(columns, tuple(lines)), source, caption, "targets")


def _say_target(aim: Aim, target: float | None) -> str:
    if target is None:
        return "not set"
    return f"{show_value(target, 'share')} or {'more' if aim.higher else 'less'}"


def _say_status(aim: Aim, base: Quantity, target: float | None) -> str:
    if not base.shown:
        return "no baseline"
    if target is None:
        return NOTHING
    return "met" if (base.value >= target if aim.higher else base.value <= target) else "not yet"


def _judge(aim: Aim, base: Quantity, target: float | None) -> tuple[str, str, str]:
    """The three cells of realism, from the released baseline and its released range alone."""
    if not 0 < base.value < 1 or math.isnan(base.denominator) or math.isnan(base.low) or not aim.counted:
        return NOTHING, NOTHING, NOTHING
    std_err = (base.high - base.low) / (2 * normal_quantile(base.conf_level))
    found = judge_target(base.value, base.denominator, target, std_err=std_err, higher=aim.higher)
    chance = show_value(max(found.chance, _LEAST), "share")
    luck = f"{chance} chance" if found.chance >= _LEAST else f"under {chance}"
    level = show_value(found.visible, "share")
    level = f"{found.visible:.1%}" if level == show_value(base.value, "share") else level
    visible = "none" if math.isnan(found.visible) else f"to {level}"
    needed = NOTHING if math.isnan(found.people) else f"{found.people:,.0f} a year"
    return NOTHING if target is None else luck, visible, needed


def tabulate_logic(reading: Reading) -> TableBlock:
    """From what goes in to what comes out, with the cells these records measure filled."""
    improved = reading.of_cohort.where(definition="reliable_improvement@1", by="all")
    scale = next((str(row["category"]) for row in improved.rows()), "")
    label = name_scale(reading.published.settings.get("scales"), scale.partition("/")[0])
    day = reading.milestone_day(30)
    columns: dict[str, tuple[tuple[str, Mapping[str, Any]], ...]] = {
        "Inputs": (
            ("Cost of an episode", {"definition": "cost_admission@1"}),
            ("Cost of a client week", {"definition": "cost_client_week@1"}),
        ),
        "Activities": (
            ("Group care offered", {"definition": "hours_offered@1", "category": "group"}),
            ("Individual care offered", {"definition": "hours_offered@1", "category": "individual"}),
            ("Family care offered", {"definition": "hours_offered@1", "category": "family"}),
        ),
        "Outputs": (
            ("People admitted", {"definition": "admissions@1", "category": "people"}),
            ("Sessions attended", {"definition": "session_status@1", "category": "attended"}),
            ("Weeks that met the hours", {"definition": "requirement_met@1", "category": "all"}),
        ),
        "Early outcomes": (
            ("In care or completed, six weeks", {"definition": "retained@1", "at": 42}),
            ("30 days sober in a row", {"definition": "milestone_bridged@1", "category": "30", "at": day}),
            (f"Improved on the {label}, at least", {"definition": "reliable_improvement@1", "category": scale}),
        ),
        "Later outcomes": (
            ("No use in 30 days at six months, of those reached",
             {"definition": "abstinent_responders@1", "category": "abstinent_30", "at": 180}),
            ("The same, all not reached counted as using",
             {"definition": "abstinent_missing_using@1", "category": "abstinent_30", "at": 180}),
            ("Work at intake and at exit", {"definition": "role_work@1", "category": "kept", "at": math.nan}),
        ),
    }  # fmt: skip
    cells = {name: [_fill(reading, *asked) for asked in parts] for name, parts in columns.items()}
    cells["Inputs"].append(f"Staff and rooms: {_TO_FILL}")
    height = max(len(column) for column in cells.values())
    rows = tuple(
        tuple(column[place] if place < len(column) else "" for column in cells.values()) for place in range(height)
    )
    return TableBlock("Logic model, with what was measured", Table(tuple(cells), rows), _measured(reading), "", "logic")


def _fill(reading: Reading, words: str, where: Mapping[str, Any]) -> str:
    found = find_quantity(_measured(reading), by="all", **where)
    if found.withheld:
        return f"{words}: withheld"
    return f"{words}: {show(found) if found.shown else 'not measured'}"


def _measured(reading: Reading) -> Published:
    """The rows of everyone admitted in the period, and those of cost, which are of all admissions."""
    first, last = reading.contents.cohort.edges
    return reading.published.only(
        lambda row: (
            row["by"] == "all"
            and (row["measure"] == "costs" or (row["period_start"], row["period_end"]) == (first, last))
        )
    )


def tabulate_benchmarks(reading: Reading) -> Block:
    """Published figures beside the programme's own, and whether the two are the same definition."""
    title = "Published figures beside ours"
    care = _CARE.get(reading.contents.level)
    found = _nearest(compare_benchmarks(_measured(reading), care=care)) if care else []
    if not found:
        return Note("No published figure speaks of this level of care by a definition near ours.", title)
    lines = tuple(
        (f"{_name_benchmark(beside)} ({beside.benchmark.source.citation})", _say_published(beside),
         quantity_of(beside.own), f"{beside.benchmark.same}: {beside.benchmark.why}")
        for beside in found
    )  # fmt: skip
    columns = ("Published figure (source)", "There", "Here", "Same definition?")
    caption = (
        "A figure of another definition is not a target. People who come to one place differ from those of another."
    )
    carried = next((beside.prices.rpartition(" by ")[2] for beside in found if beside.prices), "")
    caption += f" Dollars are carried to prices of our own year by {carried}." if carried else ""
    keys = sorted({str(beside.own["definition"]) for beside in found})
    source = _measured(reading).where(definition=keys)
    return TableBlock(title, Table(columns, lines), source, caption, "benchmarks")


def _nearest(found: Sequence[Beside]) -> list[Beside]:
    """One published figure for each measure of ours, the one whose definition is nearest."""
    order = {"yes": 0, "partly": 1, "no": 2}
    nearest: dict[str, Beside] = {}
    for beside in sorted(found, key=lambda beside: order[beside.benchmark.same]):
        nearest.setdefault(str(beside.own["measure"]), beside)
    return [beside for beside in found if beside in nearest.values()]


def _name_benchmark(beside: Beside) -> str:
    one = beside.benchmark
    words = f"{one.measure}, {one.category}" if one.category and one.measure == "end reason" else one.measure
    return (words[:1].upper() + words[1:].replace("_", " ")).replace("Followup", "Follow-up")


def _say_published(beside: Beside) -> str:
    one = beside.benchmark
    kind: Kind = "money" if one.money else "share" if one.unit == "share" else "days"
    value = show_value(beside.value, kind)
    if beside.prices:
        return f"{value}, carried from {one.price_year}"
    return f"{value}, n not given" if math.isnan(one.n) else f"{value} of {one.n:,.0f} {one.source.counts}"


def list_texts(blocks: Sequence[Block]) -> Iterator[str]:
    """Every text of tables that holds numbers of others: targets, needs, published figures; the same whatever the records."""
    for block in blocks:
        rows = block.rows if isinstance(block, TextTable) else block.table.rows if isinstance(block, TableBlock) else ()
        yield from (cell for row in rows for cell in row if isinstance(cell, str))
