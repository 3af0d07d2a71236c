"""The one content model of every publication: pages of blocks that hold raw values, built from published rows.

Writers only lay out. Whatever carries a number carries the :class:`Published` it came from, so that a document knows
its release ids and can refuse content meant for another audience.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from iop_outcomes.errors import DisclosureError
from iop_outcomes.publication.formatting import Kind, Quantity, quantity_of
from iop_outcomes.publication.published import Audit, Published
from iop_outcomes.vocabulary import Audience

#: What a table cell may hold: words, or a raw number with its kind.
Cell = str | Quantity
#: A signal of a control chart; never a colour.
Signal = Literal["better", "worse", "changed", "none", "too_few"]
#: What a signal is called where words stand for its icon.
SIGNAL_WORDS: dict[Signal, str] = {
    "better": "Signal: better",
    "worse": "Signal: worse",
    "changed": "Signal: changed",
    "none": "Within the usual ups and downs",
    "too_few": "Too few points to tell a change",
}


@dataclass(frozen=True)
class Paragraph:
    """Plain prose; ``strong`` sets it apart as a key sentence."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Sentences:
    """A short list of sentences, under an optional heading."""

    items: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class Note:
    """A caution or remark set apart from the text."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class DefinitionBox:
    """One definition as readers see it: id with version, sentence, denominator, clock, what is missing, source."""

    definition: str
    title: str
    sentence: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Tile:
    """One headline number with its own history: value, sparkline chart, signal, base and note."""

    label: str
    quantity: Quantity
    source: Published
    svg: str = ""
    alt: str = ""
    signal: Signal = "too_few"
    assurance: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse content that did not pass the gate."""
        _refuse_unpublished(self.source)


@dataclass(frozen=True)
class Tiles:
    """Headline numbers side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Table:
    """Columns and rows of words and raw numbers, as figures and tables hand them to a writer."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        """Refuse rows of another length than the header."""
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("every row of a table has one cell for each column")


@dataclass(frozen=True)
class TableBlock:
    """A table with numbers, its question as title, and where the numbers came from."""

    title: str
    table: Table
    source: Published
    caption: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        """Refuse content that did not pass the gate."""
        _refuse_unpublished(self.source)


@dataclass(frozen=True)
class TextTable:
    """A table of words only (definitions, settings); it cannot hold a number of people."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class FigureBlock:
    """A drawn figure: the question it answers, SVG text, alternative text, caption and its data table."""

    id: str
    title: str
    svg: str
    alt: str
    caption: str
    table: Table
    source: Published

    def __post_init__(self) -> None:
        """Refuse content that did not pass the gate."""
        _refuse_unpublished(self.source)


@dataclass(frozen=True)
class DisclosureStatement:
    """Which policy a release went through and what it withheld, in sentences; never a withheld number."""

    source: Published
    signed_off_by: str = ""

    def __post_init__(self) -> None:
        """Refuse content that did not pass the gate."""
        _refuse_unpublished(self.source)

    def sentences(self) -> tuple[str, ...]:
        """The statement, sentence by sentence."""
        source, audit = self.source, self.source.audit
        lines = [f"Policy: {source.policy.name}. {source.policy.description}"]
        if source.policy.withholds:
            lines.append(f"Of {audit.total:,} numbers, {audit.withheld:,} are withheld. All carry the same mark.")
            lines.extend(f"{rule}: {_count(count, 'number')}." for rule, count in audit.rows.items())
            lines.extend(f"{rule}: {_count(count, 'cell')}." for rule, count in audit.cells.items())
            lines.extend(_say_exceptions(audit))
            lines.append(
                "Known limits: this is not differential privacy. Someone who knows a person well, or who holds court or "
                "employer records, may still recognise them."
            )
        lines.append(f"Release {source.release_id}, for the {source.audience.label.lower()} audience.")
        lines.append(
            f"Signed off by {self.signed_off_by}." if self.signed_off_by else "Nobody has signed this off yet."
        )
        return tuple(lines)


Block = (
    Paragraph | Sentences | Note | DefinitionBox | Tiles | TableBlock | TextTable | FigureBlock | DisclosureStatement
)


@dataclass(frozen=True)
class Page:
    """One page: ``number`` as printed ("1", "A2"), its title, a lead sentence, and its blocks."""

    id: str
    number: str
    title: str
    lead: str = ""
    blocks: tuple[Block, ...] = ()

    @property
    def shows_numbers(self) -> bool:
        """Whether it has a figure, a table or headline numbers, and so gets a sheet of its own when printed."""
        return any(isinstance(block, Tiles | FigureBlock | TableBlock | TextTable) for block in self.blocks)


@dataclass(frozen=True)
class Document:
    """A whole publication. ``period`` and ``as_of`` are words as printed; every source must share the audience.

    ``definitions`` are those its numbers were counted by, for formats that hold them as a table.
    """

    title: str
    subtitle: str
    period: str
    as_of: str
    audience: Audience
    pages: tuple[Page, ...]
    synthetic: bool = False
    definitions: tuple[DefinitionBox, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a mix of audiences, and pages or figures that share an id."""
        wrong = {str(source.audience) for source in self.sources if source.audience != self.audience}
        if wrong:
            raise DisclosureError(f"a document for the {self.audience} audience cannot hold rows released for another")
        for ids in (
            [page.id for page in self.pages],
            [block.id for block in self._blocks() if isinstance(block, FigureBlock)],
        ):
            if len(set(ids)) < len(ids):
                raise ValueError("two pages or two figures of a document share an id")

    @property
    def sources(self) -> tuple[Published, ...]:
        """Everything published the document draws on, in order, each once."""
        found: dict[int, Published] = {}
        for block in self._blocks():
            held: Iterable[object] = block.tiles if isinstance(block, Tiles) else (block,)
            for item in held:
                source = getattr(item, "source", None)
                if isinstance(source, Published):
                    found.setdefault(id(source), source)
        return tuple(found.values())

    @property
    def release_ids(self) -> tuple[str, ...]:
        """The releases the document draws on, sorted."""
        return tuple(sorted({source.release_id for source in self.sources}))

    @property
    def stamps(self) -> tuple[str, ...]:
        """What every page must carry: INTERNAL, SYNTHETIC, both or nothing."""
        stamps = []
        if self.audience == Audience.INTERNAL:
            stamps.append("INTERNAL")
        if self.synthetic or any(source.synthetic for source in self.sources):
            stamps.append("SYNTHETIC")
        return tuple(stamps)

    def _blocks(self) -> list[Block]:
        return [block for page in self.pages for block in page.blocks]


def pick(published: Published, kind: Kind | None = None, **conditions: Any) -> Quantity:
    """The quantity of the one published row that meets the conditions; ``LookupError`` when it is not exactly one."""
    _refuse_unpublished(published)
    rows = list(published.where(**conditions).rows())
    if len(rows) != 1:
        raise LookupError(f"{len(rows)} published rows meet {conditions}, not one")
    return quantity_of(rows[0], kind)


def tabulate(published: Published, columns: Sequence[tuple[str, str]]) -> Table:
    """A plain table of published rows: ``columns`` pairs a heading with a column of Estimates.

    ``"value"`` becomes a raw quantity with its kind, the counts become counts, everything else is words.
    """
    counts = ("n", "denominator", "people", "n_missing")
    rows: list[tuple[Cell, ...]] = []
    for row in published.rows():
        cells: list[Cell] = []
        for _, name in columns:
            if name == "value":
                cells.append(quantity_of(row))
            elif name in counts:
                cells.append(
                    Quantity("count", row[name], status=row["status"] if row["status"] == "withheld" else "ok")
                )
            elif isinstance(row[name], float):
                cells.append("" if row[name] != row[name] else f"{row[name]:g}")
            else:
                cells.append(str(row[name] or ""))
        rows.append(tuple(cells))
    return Table(tuple(heading for heading, _ in columns), tuple(rows))


def check_document(document: object) -> None:
    """Raise ``DisclosureError`` for anything that is no document of published rows: what every writer asks first."""
    if not isinstance(document, Document):
        raise DisclosureError("a writer accepts a Document built from published rows")


def _refuse_unpublished(source: object) -> None:
    if not isinstance(source, Published):
        raise DisclosureError("a page accepts published rows only; pass the estimates through publish() first")


def _say_exceptions(audit: Audit) -> Iterator[str]:
    """How the numbers to withhold were chosen, and what is not as the rules alone would have it."""
    yield (
        "No other choice would have withheld fewer numbers to keep the rest from being worked out."
        if audit.fewest
        else "The release is too large to look for the fewest numbers to withhold; a safe choice was made."
    )
    if audit.frozen:
        yield f"Printed as first released, because few records have changed since: {_count(audit.frozen, 'number')}."
    if audit.opened:
        yield f"Printed because a named person opened them, with a reason: {_count(audit.opened, 'number')}."
    if audit.exposed:
        yield (
            "Can be worked out from what was released before or opened, and cannot be taken back: "
            f"{_count(audit.exposed, 'number')}."
        )


def _count(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
