"""Page 7, sites and groups."""

from __future__ import annotations

from typing import Any

from iop_outcomes.publication.document import Block, Cell, Note, Page, Paragraph, Table, TableBlock
from iop_outcomes.publication.figures import figure_block
from iop_outcomes.publication.formatting import Quantity, quantity_of, say_quantity, show, show_interval
from iop_outcomes.publication.published import Published
from iop_outcomes.reports.contents import SITE_DAY
from iop_outcomes.reports.reading import Reading, describe_definition, find_quantity

_SITE = "program"
_RETAINED = "retained_followed@1"
#: What sites are compared by beside retention: definition, category and heading.
_OTHERS = (
    ("requirement_met@1", "all", "Weekly hours met"),
    ("session_status@1", "no_show", "Sessions missed"),
)
#: Fewer sites than this and a funnel says little; from ten, the spread between sites can be judged.
_FEW, _MANY = 5, 10


def build_sites(reading: Reading) -> Page:
    """Sites and groups: the funnel, what sites look like beside case mix, and dots for groups."""
    kept = reading.of_cohort.where(definition=_RETAINED)
    everyone = find_quantity(kept, estimand="proportion", by="all", at=SITE_DAY)
    sites = sorted({str(row["group"]) for row in _site_shares(reading.of_cohort) if isinstance(row["group"], str)})
    blocks: list[Block] = []
    if everyone.shown:
        many = say_quantity(everyone, "episodes")
        text = f"Of episodes followed for {SITE_DAY} days, {many} were in the programme or completed."
        blocks.append(Paragraph(text, strong=True))
    if len(sites) > 1:
        blocks += _site_blocks(reading, kept, sites)
    elif sites:
        blocks.append(Note("There is one site, so there is nothing to compare it with."))
    if _has(kept, estimand="proportion", apart=_SITE):
        blocks += _group_blocks(reading, kept)
    if not blocks:
        blocks.append(Note("There is nothing to compare between sites or groups in this report."))
    else:
        blocks.append(describe_definition(_RETAINED))
    lead = "Do sites or groups of people differ by more than chance explains? Nothing here is a ranking."
    return Page("page-7", "7", "Sites and groups", lead, tuple(blocks))


def _site_blocks(reading: Reading, kept: Published, sites: list[str]) -> list[Block]:
    funnel = kept.only(
        lambda row: (
            row["by"] in ("all", _SITE) and row["estimand"] in ("proportion", "funnel_limit", "p_value", "diagnostic")
        )
    )
    blocks: list[Block] = []
    if len(sites) < _FEW:
        blocks.append(
            Note(
                f"With {len(sites)} sites a funnel says little: each site makes up much of the overall figure it is held "
                "against. A difference that lasts over several reports says more than one that is large once.",
                "Few sites",
            )
        )
    if _has(funnel, estimand="proportion", by=_SITE):
        caption = (
            "The lines show where a site of each size would lie were it like all sites together: 95 in 100 times inside "
            "the inner lines, 998 in 1,000 inside the outer ones. "
        )
        if any(str(row["category"]).endswith("_adjusted") for row in funnel.rows()):
            caption += "The dark lines are wider, for sites here vary by more than chance: they allow each a level of its own. "
        block = figure_block("funnel", funnel, id="funnel", caption=caption + reading.caption(_RETAINED, funnel))
        blocks.append(block)
        said = _say_test(funnel, len(sites))
        if said:
            blocks.append(Paragraph(said))
    blocks.append(_site_table(reading, sites))
    ratios = kept.where(estimand="standardised_ratio", by=_SITE)
    if _has(ratios):
        blocks.append(_case_mix(reading, kept, ratios))
    return blocks


def _say_test(funnel: Published, sites: int) -> str:
    """Whether sites vary by more than chance, and how far apart they truly are, where that is known."""
    p_value = find_quantity(funnel, estimand="p_value", by=_SITE)
    if not p_value.shown:
        return ""
    likely = "Chance alone would seldom" if p_value.value < 0.05 else "Chance alone could easily"
    words = f"{likely} spread {sites} sites this far (p {_say_p(p_value)})."
    spread = find_quantity(funnel, category="between_site_sd", by=_SITE)
    if spread.shown and sites >= _MANY:
        words += (
            f" Beyond chance, sites differ with a standard deviation of {100 * spread.value:.0f} percentage points."
        )
    return words


def _say_p(p_value: Quantity) -> str:
    shown = show(p_value)
    return shown if shown.startswith("under") else f"= {shown}"


def _site_table(reading: Reading, sites: list[str]) -> TableBlock:
    cohort = reading.of_cohort
    shown = ((_RETAINED, "retained", f"In or completed by day {SITE_DAY}"), *_OTHERS)
    rows: list[tuple[Cell, ...]] = []
    for site in (None, *sites):
        group: dict[str, Any] = {"by": "all"} if site is None else {"by": _SITE, "group": site}
        found = [
            find_quantity(cohort, definition=name, category=what, estimand="proportion", **group)
            for name, what, _ in shown
        ]
        base = Quantity("count", found[0].denominator, status=found[0].status)
        cells: list[Cell] = ["All sites" if site is None else site, base]
        for quantity in found:
            cells += [quantity, show_interval(quantity)]
        rows.append(tuple(cells))
    columns = ["", "Episodes"]
    for _, _, heading in shown:
        columns += [heading, "Range"]
    source = cohort.where(definition=[name for name, _, _ in shown], estimand="proportion", by=["all", _SITE])
    caption = f"Sites in order of their names. Missed: without notice. {reading.caption(_RETAINED, source)}"
    return TableBlock(
        "What does each site look like?", Table(tuple(columns), tuple(rows)), source, caption, "site-table"
    )


def _case_mix(reading: Reading, kept: Published, ratios: Published) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    adjusted = ""
    for row in sorted(ratios.rows(), key=lambda row: str(row["group"])):
        found = quantity_of(row, "number")
        expected = find_quantity(kept, category="expected", by=_SITE, group=row["group"])
        share = find_quantity(kept, estimand="proportion", by=_SITE, group=row["group"])
        observed = Quantity("count", share.n, status=share.status)
        note = row["note"] if isinstance(row["note"], str) else ""
        adjusted = adjusted or note.partition("adjusted for ")[2].partition(";")[0]
        rows.append((str(row["group"]), observed, expected, found, show_interval(found)))
    caption = "Observed over expected: 1 is what would be expected of the same people at all sites together. "
    caption += f"Adjusted for {adjusted}. " if adjusted else ""
    slope = find_quantity(kept, category="calibration_slope", by="all")
    concordance = find_quantity(kept, category="concordance", by="all")
    if slope.shown and concordance.shown:
        caption += (
            f"Checked on people left out in turn, the model's calibration slope is {show(slope)} (1 is right) and its c "
            f"statistic {show(concordance)} (0.5 is chance). "
        )
    caption += "What is not recorded at admission is not adjusted for. Byar's limits, cautious for common events. "
    return TableBlock(
        "Would these people have stayed as long anywhere?",
        Table(("Site", "Observed", "Expected", "Observed over expected", "Range"), tuple(rows)),
        kept,
        caption + reading.caption(_RETAINED, ratios),
        "case-mix",
    )


def _group_blocks(reading: Reading, kept: Published) -> list[Block]:
    groups = kept.only(
        lambda row: (
            row["by"] not in (_SITE, "expected_fifth")
            and (row["estimand"] in ("proportion", "difference") or row["category"] == "comparisons")
        )
    )
    blocks: list[Block] = []
    compared = find_quantity(groups, category="comparisons", by="all")
    drawn = groups.where(estimand="difference").frame
    if compared.shown and drawn["value"].notna().any():
        said = f"{compared.value:.0f} groups are each compared with everyone else. "
        said += "About one in 20 of the plain ranges would leave out no difference by chance alone."
        if (drawn["reference"] == "everyone else, partially pooled").any():
            said += " Partial pooling draws each difference towards none, the more so the fewer people it rests on."
        blocks.append(Paragraph(said))
    caption = "Groups of fewer than 20 people are not compared. A difference is an association, not an effect of belonging to "
    caption += "the group. "
    blocks.append(figure_block("equity", groups, id="equity", caption=caption + reading.caption(_RETAINED, groups)))
    return blocks


def _site_shares(cohort: Published) -> list[dict[str, Any]]:
    names = [_RETAINED, *(name for name, _, _ in _OTHERS)]
    return list(cohort.where(definition=names, estimand="proportion", by=_SITE).rows())


def _has(rows: Published, apart: str | None = None, **conditions: Any) -> bool:
    """Whether any such row is there, withheld or not; with ``apart``, any by another column than it."""
    found = rows.where(**conditions) if conditions else rows
    return len(found) > 0 if apart is None else any(row["by"] not in ("all", apart) for row in found.rows())
