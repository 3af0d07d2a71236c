"""What formats that lay out pages print around and beside the numbers: the same words in every one of them."""

from __future__ import annotations

from iop_outcomes.publication.document import SIGNAL_WORDS, Cell, Document, Page, Signal, Tile
from iop_outcomes.publication.formatting import NOTHING, WITHHELD, Quantity, show, show_base, show_interval
from iop_outcomes.schema import EPISODES, PROGRAMS

#: A signal's own sign, so that it is told by its shape and not by its colour alone.
SIGNAL_SIGNS: dict[Signal, str] = {"better": "▲", "worse": "▼", "changed": "◆", "none": "●", "too_few": "○"}
STATEMENT_TITLE = "What this release shows and what it withholds"
BEHIND_TITLE = "Numbers behind the figures"
BEHIND_LINK = "Numbers behind this figure"
BEHIND_LEAD = "Every figure of this report as a table, in the order of its pages."


_FIELDS = {field.name: field.words for field in (*EPISODES.fields, *PROGRAMS.fields)}
#: Codes and names of columns that a plain replacement of underscores would not make words of.
_SAID = {
    "race_ethnicity": "race and ethnicity",
    "american_indian": "American Indian",
    "referral": "source of referral",
    "medication": "medication for opioid or alcohol use",
}


def say_code(code: object, column: str = "") -> str:
    """A code or the name of a column in words, as every format has it: the label of the column's vocabulary, else its own.

    >>> say_code("primary_substance"), say_code("race_ethnicity"), say_code("full_time", "employment")
    ('Primary substance', 'Race and ethnicity', 'Full time')
    """
    words = _FIELDS.get(column)
    if words is not None and str(code) in words.codes():
        return words.labels()[str(code)]
    text = _SAID.get(str(code), str(code).replace("_", " "))
    return text[:1].upper() + text[1:]


def settle_text(text: str) -> str:
    """Words on one line, without signs that print nothing and that no file may hold.

    >>> settle_text("one\\n \\x00 two\\x00")
    'one two'
    """
    return " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())


def show_cell(cell: Cell) -> str:
    """A cell of a table as printed."""
    return show(cell) if isinstance(cell, Quantity) else cell


def show_limits(quantity: Quantity) -> str:
    """The limits under a headline number; nothing where there are none or where the number is withheld."""
    limits = show_interval(quantity)
    return "" if limits in (NOTHING, WITHHELD) else limits


def say_signal(tile: Tile) -> str:
    """What the history of a headline number says, in words; nothing where no history is drawn."""
    return ". ".join(part for part in (SIGNAL_WORDS[tile.signal], tile.assurance) if part) if tile.svg else ""


def say_base(tile: Tile) -> tuple[str, ...]:
    """The lines beside a headline number: why it is not there, or its limits and what it rests on, unless it says so."""
    if tile.quantity.withheld:
        return ("withheld to protect privacy",)
    lines = show_limits(tile.quantity), show_base(tile.quantity)
    return tuple(line for line in lines if line not in ("", show(tile.quantity)))


def say_facts(document: Document) -> tuple[str, ...]:
    """Of when a document speaks, for whom, and which release it is."""
    period = (f"Period: {document.period}",) if document.period else ()
    as_of = (f"Data as of {document.as_of}",) if document.as_of else ()
    release = (f"Release {', '.join(document.release_ids)}",) if document.release_ids else ()
    return (*period, *as_of, f"Audience: {document.audience.label}", *release)


def say_running(document: Document) -> tuple[str, str]:
    """What stands at the top of every sheet: what the document is, and which release of which data.

    A period is named without what is added in brackets, so that the line stays one line.
    """
    left = (document.title, document.period.partition(" (")[0])
    right = (
        f"as of {document.as_of}" if document.as_of else "",
        *(f"policy {source.policy.name}" for source in document.sources[:1]),
        f"release {', '.join(document.release_ids)}" if document.release_ids else "",
    )
    return " · ".join(part for part in left if part), " · ".join(part for part in right if part)


def say_mark(document: Document) -> str:
    """What the mark of a withheld number means, where the document may hold one."""
    withholds = any(source.policy.withholds for source in document.sources)
    return f"{WITHHELD} means withheld to protect privacy" if withholds else ""


def say_page(page: Page) -> str:
    """The number and the title of a page."""
    return f"{page.number} {page.title}".strip()
