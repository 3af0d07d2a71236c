"""The nine claims about intensive outpatient programmes, tested on a programme's own records.

The claims stand in ``claims.toml``: which figures test each, the criterion, and what the records would have to hold. Nothing
is measured here: figures of the measures are held against criteria. A verdict speaks of these records only.

See docs/definitions/claims.md.
"""

# ruff: noqa: PT028 -- test_claims is a public word, not a test

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import pandas as pd

from iop_outcomes.cohort import select_cohort
from iop_outcomes.comparison.cost import measure_costs
from iop_outcomes.comparison.effectiveness import compare_levels
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import ALL, Estimates
from iop_outcomes.measures.attendance_contrasts import compare_attendance
from iop_outcomes.measures.followup import measure_abstinence
from iop_outcomes.measures.hours import measure_hours
from iop_outcomes.measures.landmark import measure_landmark
from iop_outcomes.measures.library import find_definition
from iop_outcomes.measures.retention import measure_retention
from iop_outcomes.measures.retention_contrasts import compare_retention
from iop_outcomes.measures.roles import measure_roles
from iop_outcomes.measures.rows import Group, Row, interval_columns
from iop_outcomes.measures.wellbeing import measure_change
from iop_outcomes.records.model import Records
from iop_outcomes.statistics import (
    Interval,
    people_for_difference,
    people_for_mean,
    people_for_share,
    recovered_difference,
)
from iop_outcomes.statistics.intervals import normal_quantile
from iop_outcomes.vocabulary import DesignWord, Employment, Status

SUPPORTED, NOT_SUPPORTED, CANNOT_TELL = "supported", "not supported", "data cannot tell"
#: What the categories of a claim's rows begin with; the rows of its figures begin with the figure's definition.
VERDICT, CRITERION, PEOPLE = "verdict", "criterion", "people that would tell"
#: Whom people in work are compared with.
_OUT_OF_WORK = str(Employment.UNEMPLOYED)
#: The unit of a criterion whose figure is not there.
_UNITS = {"share": "share", "ratio": "ratio", "difference": "difference of shares", "mean": "dollars"}


@dataclass(frozen=True)
class Part:
    """One figure held against a criterion; ``row`` finds the figure, ``upper`` the other bound of one that is open."""

    words: str
    source: str
    kind: Literal["share", "difference", "ratio", "mean", "sum"]
    side: Literal["at least", "at most", "any"]
    needs: str
    row: Mapping[str, str]
    upper: Mapping[str, str]
    criterion: str
    default: float
    margin: float
    optional: bool


@dataclass(frozen=True)
class Claim:
    """A claim in plain words, its parts, and what even a verdict does not say."""

    number: int
    short: str
    claim: str
    limits: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class _Finding:
    """A part with its figure and verdict. ``people`` would tell, or ``why_not`` says why no number of them would."""

    part: Part
    verdict: str
    reason: str
    figures: tuple[Row, ...] = ()
    criterion: float = math.nan
    people: float = math.nan
    why_not: str = ""


@cache
def load_claims() -> tuple[Claim, ...]:
    """The nine claims in order.

    >>> [len(load_claims()), load_claims()[6].short]
    [9, 'Regular: sessions are attended and hours completed']
    """
    text = files("iop_outcomes.comparison").joinpath("claims.toml").read_text(encoding="utf-8")
    empty: dict[str, Any] = {"row": {}, "upper": {}, "criterion": "", "default": math.nan, "margin": math.nan}
    claims = []
    for name, said in tomllib.loads(text).items():
        parts = tuple(Part(**{**empty, "optional": False, **part}) for part in said.pop("part"))
        claims.append(Claim(int(name.removeprefix("claim_")), parts=parts, **said))
    return tuple(claims)


def test_claims(
    records: Records,
    *,
    level_of_care: str = "2.1",
    control: str = "3.5",
    criteria: Mapping[str, float] | None = None,
    only: Sequence[int] | None = None,
) -> Estimates:
    """Which of the nine claims do these records support, which not, and of which can they not tell?

    ``level_of_care`` is the programme's ASAM level, ``control`` the residential one of claims 6 and 8. ``criteria`` changes
    criteria by name (:func:`load_claims` has names and defaults; shares from 0 to 1, differences of shares likewise,
    money in dollars). ``only`` looks at some claims. A part is *supported* when its whole 95 % interval lies on the
    claim's side of the criterion, *not supported* when it lies on the other, else *data cannot tell*; a claim is
    supported when all parts are, and not supported when one is not. Where people not asked leave a share open, the
    interval is that of both bounds.

    Rows: every figure tested, as its measure gave it, with the rows it is worked out from; and of measure ``claims``, one
    definition a claim, estimand ``diagnostic``: ``verdict/…`` (the deciding figure; the note is the verdict, the
    part that decides and the reason), for each part its figure (category the definition and category tested) and its
    ``criterion/…``, and ``people that would tell`` where the data cannot: how many it takes, four times in five, for
    a figure that lies a stated margin beyond its criterion. A release lets a claim's rows stand only where every figure
    it speaks of stands. ``settings["claims"]`` says how many claims and figures were looked at: among so many some
    verdicts are wrong by chance alone.

    Raises :class:`UsageError` for a level, a claim or a criterion it does not know.

    Source: verdicts from intervals as in Piaggio et al. 2012, doi:10.1001/jama.2012.87802; criteria are this project's own.
    """
    known = {part.criterion: part.default for claim in load_claims() for part in claim.parts if part.criterion}
    for name, value in (criteria or {}).items():
        if name not in known:
            raise UsageError(f"criteria are named {', '.join(known)}")
        if not math.isfinite(value):
            raise UsageError(f"the criterion {name} is a number")
    numbers = range(1, 10) if only is None else only
    if not set(numbers) <= set(range(1, 10)):
        raise UsageError("only lists claims by their numbers, 1 to 9")
    chosen = {**known, **(criteria or {})}
    desk = _Desk(records, level_of_care, control)
    rows: list[Row] = []
    looked_at = 0
    for claim in load_claims():
        if claim.number in numbers:
            findings = [_judge(desk, part, chosen.get(part.criterion, math.nan)) for part in claim.parts]
            looked_at += sum(bool(finding.figures) for finding in findings)
            rows += _claim_rows(claim, findings)
    told = [one for one in desk.found.values() if isinstance(one, Estimates)]
    settings = {name: value for one in told for name, value in one.settings.items()} | dict(desk.own.settings)
    settings |= {"claims": len(set(numbers)), "figures_tested": looked_at, "criteria": chosen, "control": control}
    verdicts = Estimates.from_rows(rows)
    frame = pd.concat([one.frame for one in (*told, verdicts)], ignore_index=True)
    return Estimates(frame.drop_duplicates(ignore_index=True), settings)


#: A public word whose name a collector of tests would take for a test.
test_claims.__test__ = False  # type: ignore[attr-defined]


class _Desk:
    """The measures that were run, each once and only when a claim asks for it; a sentence where one cannot be run."""

    def __init__(self, records: Records, own: str, control: str) -> None:
        self.records, self.level, self.control = records, own, control
        self.own = select_cohort(records, level_of_care=own)
        self.residential = select_cohort(records, level_of_care=control)
        self.nobody = self.own.attrition[-1].episodes == 0
        self.found: dict[str, Estimates | str] = {}

    def ask(self, source: str) -> Estimates | str:
        """What a measure gave, or why it could not be run."""
        if source not in self.found:
            try:
                self.found[source] = "the records hold no stay at this level" if self.nobody else _SOURCES[source](self)
            except UsageError as error:
                self.found[source] = str(error)
        return self.found[source]


def _leaving(desk: _Desk) -> Estimates:
    shares = measure_retention(desk.own, at=[56], by="employment")
    gaps = compare_retention(desk.own, by="employment", reference=_OUT_OF_WORK, at=[56])
    return shares.plus(gaps.where(estimand="difference")).where(definition=["lost_early@1", "retained@1"])


def _costs(desk: _Desk) -> Estimates:
    """The costs of both levels side by side, and how far they are apart: each level's rows as its measure gave them."""
    if desk.residential.attrition[-1].episodes == 0:
        raise UsageError("the records hold no residential stay to compare with")
    own = measure_costs(desk.own)
    other = measure_costs(desk.residential, price_year=own.settings["price_year"])
    rows: list[Row] = []
    for definition in ("cost_admission", "cost_pathway"):
        sides = []
        for level, made in ((desk.level, own), (desk.control, other)):
            found = list(made.where(definition=find_definition(definition).key, by=ALL).rows())
            sides += [{**row, "by": "level_of_care", "group": level} for row in found]
        rows += sides
        if len(sides) == 2 and all(side["status"] == Status.OK for side in sides):
            rows.append(_apart(*sides))
    return Estimates.from_rows(rows, own.settings)


def _apart(own: Row, other: Row) -> Row:
    """The difference of two mean costs from their intervals."""
    one, two = (
        Interval(side["value"], side["ci_low"], side["ci_high"], side["conf_level"], "") for side in (own, other)
    )
    gap = replace(recovered_difference(one, two), method="square and add of the two intervals (Zou & Donner 2008)")
    counts = {name: own[name] + other[name] for name in ("n", "denominator", "people", "n_missing")}
    shared = {"estimand": "difference", "reference": other["group"], "design_word": str(DesignWord.ASSOCIATED)}
    return {**own, **counts, **shared, **interval_columns(gap)}


_SOURCES: dict[str, Callable[[_Desk], Estimates]] = {
    "hours": lambda desk: measure_hours(desk.own).where(by=ALL),
    "sessions": lambda desk: compare_attendance(desk.own, by="employment", adjust=()).where(by=ALL),
    "attendance": lambda desk: compare_attendance(desk.own, by="employment", reference=_OUT_OF_WORK),
    "leaving": _leaving,
    "family": lambda desk: measure_landmark(desk.own, until=56),
    "costs": _costs,
    "abstinence": lambda desk: measure_abstinence(desk.own, months=[6]),
    "scales": lambda desk: measure_change(desk.own, scales=["phq9"]),
    "levels": lambda desk: compare_levels(desk.records, treated=desk.level, control=desk.control),
    "roles": lambda desk: measure_roles(desk.own, combine=True),
}


def _judge(desk: _Desk, part: Part, criterion: float) -> _Finding:
    """The verdict of one part: where the whole interval lies."""
    silent = _Finding(part, CANNOT_TELL, f"the records would need {part.needs}", criterion=criterion)
    if not part.source:
        return replace(silent, **_size(part, criterion))
    found = desk.ask(part.source)
    if isinstance(found, str):
        return replace(silent, reason=found.rstrip("."), **_size(part, criterion))
    figures = tuple(row for where in (part.row, part.upper) if where for row in _pick(found, where, desk.level))
    if len(figures) != (2 if part.upper else 1):
        return replace(silent, **_size(part, criterion))
    silent = replace(silent, figures=figures)
    least, most = figures[0], figures[-1]
    low, high = least["ci_low"], most["ci_high"]
    if part.side == "any":
        return replace(silent, verdict=SUPPORTED, reason="recorded") if least["value"] > 0 else silent
    if math.isnan(low) or math.isnan(high):
        words = least["note"] if isinstance(least["note"], str) else Status(least["status"]).label or "no interval"
        return replace(silent, reason=words.lower().rstrip("."), **_size(part, criterion))
    at, above = _say(criterion, part, least), part.side == "at least"
    if (low >= criterion) if above else (high <= criterion):
        side = "above" if above else "below"
        return replace(silent, verdict=SUPPORTED, reason=f"the whole interval lies at or {side} {at}")
    if (high < criterion) if above else (low > criterion):
        side = "below" if above else "above"
        return replace(silent, verdict=NOT_SUPPORTED, reason=f"the whole interval lies {side} {at}")
    if least["value"] < criterion <= most["value"]:
        words = f"people not asked leave open on which side of {at} it lies"
        return replace(silent, reason=words, why_not="answers of people not asked would tell, not more people")
    return replace(silent, reason=f"the interval reaches across {at}", **_size(part, criterion, least))


def _pick(found: Estimates, where: Mapping[str, str], level: str) -> Iterator[Row]:
    """The rows of a figure: for everyone unless it names a group."""
    chosen = {"by": ALL, **where, "definition": find_definition(where["definition"]).key}
    if where.get("group") == "{own}":
        chosen["group"] = level
    for row in found.where(**chosen).rows():
        yield {name: None if name == "category" and pd.isna(value) else value for name, value in row.items()}


def _size(part: Part, criterion: float, row: Row | None = None) -> dict[str, Any]:
    """The people that would tell a figure that lies the margin beyond its criterion, two significant digits upwards.

    The spread is that of the figure found. Without one, shares are taken from as many people, differences in the least
    favourable place; what else has no figure has no number either.
    """
    sign = 1 if part.side == "at least" else -1
    share = criterion + sign * part.margin
    if part.kind == "share":
        if not (0 < criterion < 1 and 0 < share < 1):
            return {"why_not": "the criterion lies too near none or all"}
        binomial = 0.0 if row is None else row["value"] * (1 - row["value"])
        effect = _variance(row) / binomial if row is not None and binomial else 1.0
        size = people_for_share(criterion, share, design_effect=effect)
    elif row is not None:
        size = people_for_mean(math.sqrt(_variance(row)), part.margin)
    elif part.kind == "difference":
        size = people_for_difference(0.5 - part.margin / 2, 0.5 + part.margin / 2)
    else:
        return {"why_not": "how far people differ is not known before anything is recorded"}
    if row is not None and size.people <= row["people"]:
        return {"why_not": "people enough for such a distance: the figure lies nearer its criterion"}
    step = 10 ** max(0, math.floor(math.log10(size.people)) - 1)
    return {"people": float(math.ceil(size.people / step) * step)}


def _variance(row: Row) -> float:
    """What one person adds: the squared error the interval stands for, times the people."""
    error = (row["ci_high"] - row["ci_low"]) / (2 * normal_quantile(row["conf_level"]))
    return float(error**2 * row["people"])


def _say(criterion: float, part: Part, row: Row) -> str:
    """A criterion in the words of its unit."""
    if str(row["unit"]).startswith("dollars"):
        return f"${criterion:,.0f}" if criterion >= 0 else f"-${-criterion:,.0f}"
    if part.kind == "difference":
        return f"{100 * criterion:+g} points" if criterion else "no difference"
    return f"{100 * criterion:g}%"


def _conclude(findings: Sequence[_Finding]) -> tuple[str, list[_Finding]]:
    """The verdict of a claim, and the parts in order, those that decide first."""
    asked = [one for one in findings if not (one.part.optional and one.verdict == CANNOT_TELL)]
    verdicts = {one.verdict for one in asked}
    verdict = next(one for one in (NOT_SUPPORTED, CANNOT_TELL, SUPPORTED) if one in verdicts)
    return verdict, sorted(findings, key=lambda one: (one not in asked, one.verdict != verdict, one.part.side == "any"))


def _claim_rows(claim: Claim, findings: Sequence[_Finding]) -> Iterator[Row]:
    """The verdict with its deciding figure, every part with its criterion, and the people that would tell.

    Which part decides stands in notes and numbers only: what else a row says stays when its verdict is withheld.
    """
    verdict, ordered = _conclude(findings)
    first, deciding = ordered[0], [one for one in ordered if one.verdict == verdict and not one.part.optional]
    name = f"claim_{claim.number}"
    reason = f"{first.part.words}: {first.reason}"
    others = len([one for one in deciding if one is not first])
    if others:
        reason += f" (and {others} more part{'s' if others > 1 else ''})"
    beside = [one for one in ordered if one.part.optional and one.verdict == CANNOT_TELL]
    reason += "".join(f"; {one.part.words}: {one.reason}" for one in beside)
    note = f"{verdict}: {reason}. {claim.limits[:1].upper()}{claim.limits[1:]}."
    columns = {"category": f"{VERDICT}/{claim.short}", "unit": "verdict", "note": note}
    yield Group().row(name, "diagnostic", **{**_figure(first), **columns})
    for one in findings:
        yield from _part_rows(name, one)
    people = _people(deciding) if verdict == CANNOT_TELL else _no_number("these records tell")
    yield Group().row(name, "diagnostic", category=PEOPLE, unit="people", method="80% power, 95% interval", **people)


def _part_rows(name: str, one: _Finding) -> Iterator[Row]:
    """A part's figures, by the definition and category they have where they were measured, and its criterion."""
    note = f"{one.verdict}: {one.part.words}: {one.reason}"
    keys = [f"{row['definition']}/{row['category'] or ''}" for row in one.figures] or [one.part.words]
    for place, key in enumerate(keys):
        row = one.figures[place] if one.figures else {}
        group = Group(row.get("by", ALL), row.get("group", ALL))
        shown = _figure(one) if place == 0 else _plain(row)
        yield group.row(name, "diagnostic", category=key, at=row.get("at"), note=note, **shown)
    if one.part.criterion:
        group = Group(*((one.figures[0]["by"], one.figures[0]["group"]) if one.figures else (ALL, ALL)))
        unit = _unit(one.figures[0]) if one.figures else _UNITS[one.part.kind]
        yield group.row(
            name, "diagnostic", category=f"{CRITERION}/{keys[0]}", value=one.criterion, unit=unit, method=one.part.side
        )


def _figure(one: _Finding) -> Row:
    """The figure of a part: its value and limits; for one left open the lower bound, with the limits of both."""
    if not one.figures:
        return {"status": str(Status.NOT_ESTIMABLE)}
    return {**_plain(one.figures[0]), "ci_high": one.figures[-1]["ci_high"]}


def _plain(row: Row) -> Row:
    return {**{name: row[name] for name in ("value", "ci_low", "ci_high", "conf_level", "status")}, "unit": _unit(row)}


def _unit(row: Row) -> str:
    """A difference of shares is told from a share, which is never negative."""
    return _UNITS["difference"] if (row["estimand"], row["unit"]) == ("difference", "share") else str(row["unit"])


def _people(deciding: Sequence[_Finding]) -> Row:
    """As many as the part that takes most; no number where one part needs something else than people."""
    stuck = next((one for one in deciding if math.isnan(one.people)), None)
    if stuck is None:
        return {"value": max(one.people for one in deciding)}
    why = stuck.why_not or f"the records would need {stuck.part.needs}"
    return _no_number(f"{stuck.part.words}: {why}")


def _no_number(why: str) -> Row:
    return {"status": str(Status.NOT_ESTIMABLE), "note": why}
