"""The formats a document can be written in: which writer takes which ending. A writer is loaded when it is first used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from iop_outcomes.errors import UsageError
from iop_outcomes.publication.document import Document
from iop_outcomes.publication.paper import PaperName


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a document: its name for a reader, the module and the function that write it, whether on paper."""

    label: str
    module: str
    writer: str
    on_paper: bool = False


#: Every format by the ending of its files.
FORMATS: dict[str, Format] = {
    "html": Format("web page", "html", "write_html"),
    "pdf": Format("PDF", "pdf", "write_pdf", on_paper=True),
    "docx": Format("Word document", "word", "write_word", on_paper=True),
    "xlsx": Format("Excel workbook", "workbook", "write_workbook", on_paper=True),
    "md": Format("Markdown", "markdown", "write_markdown"),
    "json": Format("JSON", "json_document", "write_json"),
    "csv": Format("CSV", "export", "write_document_csv"),
}
#: The sizes of paper, as a reader calls them.
PAPERS: dict[str, PaperName] = {"a4": "a4", "letter": "us-letter", "us-letter": "us-letter"}


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """The formats asked for, each once and in the order asked; ``UsageError`` names one there is not.

    >>> check_formats(["HTML", "xlsx", "html"])
    ('html', 'xlsx')
    """
    asked = tuple(dict.fromkeys(name.strip().lower().removeprefix(".") for name in formats))
    strange = [name for name in asked if name not in FORMATS]
    if strange or not asked:
        wrong = f"there is no format {strange[0]}; " if strange and strange[0] else ""
        raise UsageError(f"{wrong}a report is written as {', '.join(FORMATS)}, or several of them: html,pdf")
    return asked


def check_paper(paper: str) -> PaperName:
    """The size of paper asked for; ``UsageError`` for one that is not known."""
    if paper not in PAPERS:
        raise UsageError("paper is a4 or letter")
    return PAPERS[paper]


def write_document(document: Document, path: str | Path, paper: PaperName = "a4") -> Path:
    """Write a document in the format its path ends with. Returns the path; ``UsageError`` for an ending nobody writes."""
    (name,) = check_formats([Path(path).suffix])
    known = FORMATS[name]
    write = getattr(import_module(f"iop_outcomes.publication.{known.module}"), known.writer)
    written: Path = write(document, path, paper=paper) if known.on_paper else write(document, path)
    return written
