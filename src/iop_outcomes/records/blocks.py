"""What a mapping file says about one block: which rows of which export become rows of one of our tables, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from iop_outcomes.records.conditions import Condition
from iop_outcomes.records.joins import Join


@dataclass(frozen=True)
class Wide:
    """Columns of one row that become rows of their own: ``name`` holds which column it was, ``value`` its cell."""

    columns: tuple[str, ...]
    name: str
    value: str
    #: Leave out empty cells under this reason; keep them when empty.
    empty: str = ""


@dataclass(frozen=True)
class Sum:
    """Whole-day arithmetic: ``times`` × the first column, plus and minus columns or numbers."""

    start: str
    times: float = 1
    plus: str | float = 0
    minus: str | float = 0

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns it needs."""
        return (self.start, *(term for term in (self.plus, self.minus) if isinstance(term, str)))


@dataclass(frozen=True)
class Filter:
    """Rows to keep (all conditions hold) or to leave out, and the reason that is counted."""

    conditions: tuple[Condition, ...]
    reason: str
    keep: bool = True


@dataclass(frozen=True)
class Case:
    """The value a column takes where every condition holds: a text, or a working column's cell."""

    conditions: tuple[Condition, ...]
    value: str = ""
    column: str = ""


@dataclass(frozen=True)
class Block:
    """A ``[[TABLE]]`` of a mapping file, in the order its steps are taken."""

    table: str
    place: str
    file: str = ""
    rows: tuple[Mapping[str, str], ...] = ()
    joins: tuple[Join, ...] = ()
    wide: Wide | None = None
    compute: Mapping[str, Sum] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    once_per: tuple[str, ...] = ()
    once_reason: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    cases: Mapping[str, tuple[Case, ...]] = field(default_factory=dict)
    recode: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    otherwise: Mapping[str, str] = field(default_factory=dict)
    date_format: Mapping[str, str] = field(default_factory=dict)

    def steps(self) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        """For each step in order: the working columns it reads and those it makes."""
        for join in self.joins:
            yield tuple(left for left, _ in join.on), join.brings
        if self.wide:
            yield self.wide.columns, (self.wide.name, self.wide.value)
        for name, total in self.compute.items():
            yield total.reads, (name,)
        conditions = [condition for step in self.filters for condition in step.conditions]
        ends = [case for cases in self.cases.values() for case in cases]
        conditions += [condition for case in ends for condition in case.conditions]
        named = [*(condition.column for condition in conditions), *(case.column for case in ends if case.column)]
        yield (*self.once_per, *self.columns.values(), *named), ()

    def reads(self) -> set[str]:
        """Columns the block needs of its file."""
        made: set[str] = set()
        needed: set[str] = set()
        for reads, makes in self.steps():
            needed |= set(reads) - made
            made |= set(makes)
        return needed
