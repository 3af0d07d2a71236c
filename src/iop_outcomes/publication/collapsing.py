"""Before anything is withheld: which categories, or which groups, put together would let more numbers stand.

Rule D6 of docs/release.md. Categories that other figures are sums of stay apart, for the gate knows those sums by name.
Groups are put together in every figure of a release at once, and categories in every period of their figure: one figure
with the parts beside one with the whole would give a part away. For the same reason what an earlier release shows apart
stays apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import pandas as pd

from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import ALL, KEY, Estimates
from iop_outcomes.publication.curves import SUMS
from iop_outcomes.publication.gate import SENSITIVE, publish
from iop_outcomes.publication.nested import GROUP_HOLDS, HOLDS, subject_of
from iop_outcomes.publication.policy import Policy, choose_policy
from iop_outcomes.publication.suppression import COUNTED
from iop_outcomes.publication.wholes import (
    UNKNOWN,
    Collapse,
    Row,
    columns_of,
    group_of,
    line_of,
    put_together,
    read_rows,
)
from iop_outcomes.vocabulary import Housing, Status

__all__ = ["Collapse", "collapse", "propose_collapses"]

#: Categories and groups of people about whom something is not known. They are put together with people about whom it is
#: known only where nothing else helps.
NOT_KNOWN: frozenset[str] = frozenset(
    {UNKNOWN, "missing", "not_asked", "not_known", "not_recorded", "not_judged", "not_followed"}
)
#: Opposites: a whole that holds both says nothing.
OPPOSITES: tuple[frozenset[str], ...] = tuple(
    map(frozenset, (("kept", "lost"), ("gained", "lost"), ("improved", "worse"), ("yes", "no")))
)
#: Words that have an order though they begin with no number.
SCALES: tuple[tuple[str, ...], ...] = (Housing.codes(), ("improved", "same", "worse"))
#: Choices per figure or column that the gate is asked about, those first that could let most numbers stand.
TRIES = 8
#: Most parts of one whole.
MOST_PARTS = 6
_LEADING = re.compile(r"((?:under|below|fewer than|over|above|at least) )?(\d+(?:\.\d+)?)")


def propose_collapses(
    *estimates: Estimates,
    policy: str = "cms",
    sensitive: Sequence[str] = SENSITIVE,
    earlier: pd.DataFrame | None = None,
) -> tuple[Collapse, ...]:
    """Which categories or groups, put together, would let more numbers stand?

    Takes everything one release prints, as :func:`~iop_outcomes.publication.gate.publish` does. At most one choice for each
    figure and one for each column of groups, the one that saves most first. The two, three, ... smallest are tried, and each
    withheld one with each other; of those in an order of their own (ages, tenths) neighbours only. ``earlier`` are rows
    released before: what is printed there on its own stays on its own, for the whole would give away the other parts.

    >>> rows = [dict(measure="m", definition="reason@1", estimand="proportion", category=reason, value=n / 100, n=n,
    ...     denominator=100, people=100) for reason, n in (("moved", 6), ("work", 9), ("home", 40), ("money", 45))]
    >>> propose_collapses(Estimates.from_rows(rows))[0].sentence
    "Putting 'moved' and 'work' together would print 1 more number."
    """
    chosen = choose_policy("public", policy)
    frame = pd.concat([each.frame for each in estimates]) if estimates else Estimates.from_rows([]).frame
    rows = read_rows(frame.sort_values(list(KEY)))
    printed = read_rows(earlier[earlier["value"].notna() | earlier["n"].notna()]) if earlier is not None else []
    found = []
    for blank, values, family in [*_figures(rows), *_columns(rows)]:
        best = _Search(blank, values, family, printed, chosen, tuple(sensitive)).run()
        found += [best] if best else []
    return tuple(sorted(found, key=lambda each: (-each.saved, each.axis, each.definition, each.by, each.members)))


def collapse(estimates: Estimates, proposals: Iterable[Collapse]) -> Estimates:
    """The same result with the chosen parts put together.

    Counts add; shares, and incidences of causes, are made again; limits are made again where they are Wilson's of the counts
    alone and left out elsewhere. Rows of the parts that do not add are left out; the setting ``put_together`` says what was
    done and how many those are. Hand it the same rows, unfiltered, that the proposals were made from.

    Raises ``UsageError`` when two proposals want the same part.
    """
    proposals = tuple(proposals)
    wanted = [(each.axis, each.definition, each.by, member) for each in proposals for member in each.members]
    if len(wanted) != len(set(wanted)):
        raise UsageError("two of the proposals put the same category or group together; choose one of them")
    rows, said = read_rows(estimates.frame), []
    for each in proposals:
        if any(each.touches(row) for row in rows):
            rows, lost = put_together(rows, each)
            said.append(f"{each.parts} put together; {lost} number{'s' * (lost != 1)} that cannot be added left out")
    if not said:
        return estimates
    before = estimates.settings.get("put_together", ())
    return Estimates.from_rows(rows, {**estimates.settings, "put_together": (*before, *said)})


def _figures(rows: list[Row]) -> Iterator[tuple[Collapse, set[str], list[Row]]]:
    """Every figure with categories: an empty choice, the categories that may be put together, and the rows concerned."""
    for definition in sorted({row["definition"] for row in rows}):
        own = [row for row in rows if row["definition"] == definition]
        name = definition.split("@")[0]
        events = {row["category"] for row in own if row["estimand"] in COUNTED - {"survival"} and row["category"]}
        for subject in sorted({subject_of(category) for category in events}):
            mine = {each for each in events if subject_of(each) == subject and not _is_named(name, each)}
            if len(mine) > 1:
                all_of_it = Collapse(definition, "category", "", tuple(sorted(mine)), "")
                family = [row for row in rows if row["definition"] == definition or all_of_it.touches(row)]
                yield replace(all_of_it, members=()), mine, family


def _columns(rows: list[Row]) -> Iterator[tuple[Collapse, set[str], list[Row]]]:
    """The same for every column of groups; with it go everyone's rows of its figures."""
    for by in sorted({row["by"] for row in rows if row["by"] != ALL and row["by"] not in GROUP_HOLDS}):
        groups = {group_of(row) for row in rows if row["by"] == by and row["estimand"] in COUNTED}
        lines = {line_of(row) for row in rows if row["by"] == by and row["estimand"] in COUNTED}
        if len(groups) > 2 and columns_of(by) == [by]:
            family = [
                row for row in rows if by in columns_of(row["by"]) or (row["by"] == ALL and line_of(row) in lines)
            ]
            yield Collapse("", "group", by, (), ""), groups, family


@dataclass(frozen=True)
class _Search:
    """The best choice for one figure or column."""

    blank: Collapse
    values: set[str]
    family: list[Row]
    printed: list[Row]
    policy: Policy
    sensitive: tuple[str, ...]

    def run(self) -> Collapse | None:
        """Ask the gate what stands as it is, and then about the choices that could be better."""
        shown, withheld, lost = self._ask(self.family)
        if not lost:
            return None
        apart = {self._value(row) for row in self.printed if self._is_own(row)}
        known = sorted(value for value in self.values - apart if _word(value) not in NOT_KNOWN)
        every = sorted(self.values - apart)
        start = replace(self.blank, shown_before=shown, withheld_before=withheld)
        best = self._best(start, self._choices(known, lost))
        return best or self._best(start, [each for each in self._choices(every, lost) if not set(each) <= set(known)])

    def _best(self, start: Collapse, choices: Iterable[tuple[str, ...]]) -> Collapse | None:
        """Of the choices that could let most numbers stand, the one that does; among equals of the fewest people."""
        size = self._sizes()
        tries = []
        for members in choices:
            change = replace(start, members=members, name=_join_names(members, start.axis))
            if change.name not in self.values and len(members) < len(self.values):
                rows, _ = put_together(self.family, change)
                tries.append((-self._most(rows), sum(size[each] for each in members), members, change, rows))
        best = start
        for most, _, _, change, rows in sorted(tries, key=lambda one: one[:3])[:TRIES]:
            if -most > max(best.shown_after, start.shown_before):
                shown, withheld, _ = self._ask(rows)
                if shown > max(best.shown_after, start.shown_before):
                    best = replace(change, shown_after=shown, withheld_after=withheld)
        return best if best.members else None

    def _choices(self, values: list[str], lost: set[str]) -> list[tuple[str, ...]]:
        """Runs of neighbours where the values have an order; else the smallest ones, and pairs. One is withheld now."""
        place, size = _order(values), self._sizes()
        if place:
            values = sorted(values, key=lambda value: place[value])
            runs = [tuple(values[i:j]) for i, j in combinations(range(len(values) + 1), 2)]
        else:
            ranked = sorted(values, key=lambda value: (size[value], value))
            runs = [tuple(sorted(ranked[:many], key=_last_unknown)) for many in range(2, len(ranked))]
            runs += [tuple(sorted(pair, key=_last_unknown)) for pair in combinations(values, 2)]
        return sorted(
            run
            for run in set(runs)
            if 2 <= len(run) <= MOST_PARTS
            and lost.intersection(run)
            and not any(pair <= set(map(_word, run)) for pair in OPPOSITES)
        )

    def _sizes(self) -> dict[str, float]:
        size = dict.fromkeys(self.values, 0.0)
        for row in self.family:
            if self._is_own(row) and self._value(row) in size:
                size[self._value(row)] += row["n"] or 0.0
        return size

    def _ask(self, rows: list[Row]) -> tuple[int, int, set[str]]:
        """How many numbers of some rows stand by themselves, how many are withheld, and the categories or groups of those."""
        if not rows:
            return 0, 0, set()
        frame = publish(Estimates.from_rows(rows), policy=self.policy.name, sensitive=self.sensitive).frame
        gone = [row for row in read_rows(frame) if row["status"] == Status.WITHHELD]
        lost = {self._value(row) for row in gone if self._is_own(row)} & self.values
        return int(frame["value"].notna().sum()), len(gone), lost

    def _most(self, rows: list[Row]) -> int:
        """The most numbers that could stand: those that are not small themselves."""
        small = self.policy.is_small
        count = 0
        for row in rows:
            counts = [row[name] for name in ("n", "denominator", "people") if row[name] is not None]
            if row["estimand"] in COUNTED and None not in (row["n"], row["denominator"]):
                counts.append(row["denominator"] - row["n"])
            count += row["value"] is not None and not any(0 < each and small(each) for each in counts)
        return count

    def _value(self, row: Row) -> str:
        return (row["category"] or "") if self.blank.axis == "category" else group_of(row)

    def _is_own(self, row: Row) -> bool:
        if self.blank.axis == "category":
            return bool(row["definition"] == self.blank.definition)
        return bool(row["by"] == self.blank.by)


def _is_named(name: str, category: str) -> bool:
    """Whether the gate knows a category by name, as a part of other figures, a total, or one of nested lengths."""
    segment = _word(category)
    named = [pair for parts in SUMS.values() for pair in parts]
    named += [pair for holder, held in HOLDS for pair in (holder, *held)]
    return segment.isdigit() or segment in ("all", "at_risk") or (name, segment) in named or (name, "") in named


def _join_names(members: tuple[str, ...], axis: str) -> str:
    """``phq9/same or worse`` for two segments; the members come in the order in which they are said."""
    subject = subject_of(members[0]) if axis == "category" else ""
    words = " or ".join(member.removeprefix(f"{subject}/") for member in members)
    return f"{subject}/{words}" if subject else words


def _order(values: Sequence[str]) -> dict[str, tuple[float, int]] | None:
    """Where values stand that all begin with a number (``18 to 24``, ``under 18``) or are of one scale; else nothing."""
    for scale in SCALES:
        if {_word(value) for value in values} <= set(scale):
            return {value: (float(scale.index(_word(value))), 0) for value in values}
    place: dict[str, tuple[float, int]] = {}
    for value in values:
        found = _LEADING.match(_word(value))
        if not found:
            return None
        place[value] = (float(found[2]), -1 if (found[1] or "").strip() in ("under", "below", "fewer than") else 1)
    return place if len(set(place.values())) == len(place) else None


def _word(value: str) -> str:
    """A segment without what it is a segment of; a group as it is."""
    return value.partition("/")[2] or value


def _last_unknown(value: str) -> tuple[bool, str]:
    return _word(value) in NOT_KNOWN, value
