"""A release on disk: its documents, the table of its numbers, its manifest, and its line in the ledger once it is signed off.

Until then it is a draft, checked against everything released before but remembered nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from iop_outcomes.errors import DisclosureError
from iop_outcomes.publication.document import Document
from iop_outcomes.publication.export import write_csv
from iop_outcomes.publication.formats import FORMATS, write_document
from iop_outcomes.publication.ledger import Ledger, LedgerState
from iop_outcomes.publication.manifest import describe_files, write_manifest
from iop_outcomes.publication.overrides import Override, check_overrides, count_named
from iop_outcomes.publication.paper import PaperName
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.residue import scan_file
from iop_outcomes.staging import stage_files


@dataclass(frozen=True)
class Past:
    """What was released before of the same people, and how far the ledger had come when it was read.

    ``population`` says whom a release speaks of where a programme reports on several crowds apart, such as levels of care.
    """

    ledger: Ledger | None = None
    population: str = ""
    state: LedgerState = field(default_factory=LedgerState)
    rows: pd.DataFrame | None = None

    @classmethod
    def read(cls, path: str | Path | None, population: str) -> Past:
        """The past of a population as its ledger has it; nothing without a ledger. ``DisclosureError`` for a damaged one."""
        if path is None:
            return cls()
        ledger = Ledger(Path(path))
        return cls(ledger, population, ledger.state(), ledger.earlier(population))

    def check_policy(self, policy: Policy) -> None:
        """Raise ``DisclosureError`` where earlier releases followed another policy: numbers rounded in two ways give more
        away than either."""
        for entry in self.ledger.entries() if self.ledger else ():
            if entry.population == self.population and entry.policy["name"] != policy.name:
                raise DisclosureError(
                    f"earlier releases follow the policy {entry.policy['name']} and this one {policy.name}; keep to the "
                    "earlier policy (publication.policy in program.toml), for two kinds of rounding give more away than one"
                )


@dataclass(frozen=True)
class SignOff:
    """Who makes a release final, and on which day."""

    person: str
    on: date


#: Told what is being written or checked.
Say = Callable[[str], None]
#: Further files of a release by their names, each with what writes it to a path.
Attachments = Mapping[str, Callable[[Path], Path]]


def write_documents(
    document: Document,
    folder: str | Path,
    name: str,
    *,
    formats: Sequence[str] = ("html",),
    paper: PaperName = "a4",
    attachments: Attachments = MappingProxyType({}),
    say: Say = lambda what: None,
) -> list[Path]:
    """Write one document in several formats into a folder, all of them or none. Returns the paths.

    ``attachments`` are further files. ``say`` is told of each format before it is written.
    """
    with stage_files(folder, name) as aside:
        files = _write_formats(document, aside, name, formats, paper, say)
        files += [write(aside / file) for file, write in attachments.items()]
    return [Path(folder) / file.name for file in files]


def write_release(
    document: Document,
    published: Published,
    folder: str | Path,
    name: str,
    *,
    past: Past,
    overrides: Sequence[Override] = (),
    sign_off: SignOff | None = None,
    formats: Sequence[str] = ("html",),
    paper: PaperName = "a4",
    attachments: Attachments = MappingProxyType({}),
    vocabulary: Sequence[str] = (),
    say: Say = lambda what: None,
) -> list[Path]:
    """Write a public release into a folder: the document in every format asked for, always the CSV of its numbers, and the
    manifest; with ``sign_off`` also its line in the ledger. Returns the paths, the manifest's last.

    ``attachments`` are further files of the release. ``vocabulary`` are texts in them that are the same whatever the
    records, such as those of program.toml. ``overrides`` opened the rows they name. Before a release becomes final
    its files are read again, letter by letter, for numbers that were not released. ``say`` is told what is being written or
    checked. All files of a release appear together, or none does.

    Raises ``DisclosureError`` for a final release without a ledger, one that carries an unreleased number, an override that
    no longer holds, a policy other than that of earlier releases, and where the ledger refuses it.
    """
    past.check_policy(published.policy)
    with stage_files(folder, name) as aside:
        files = _write_formats(document, aside, name, [each for each in formats if each != "csv"], paper, say)
        files += [write(aside / file) for file, write in attachments.items()]
        files.append(write_csv(published, aside / f"{name}.csv"))
        if sign_off:
            if past.ledger is None:
                raise DisclosureError("a final release is written into the programme's ledger; say where that is")
            check_overrides(overrides, sign_off.on)
            say("Reading every file again for numbers not released")
            _refuse_residue(files, document, published, vocabulary)
        manifest = write_manifest(
            published,
            aside / f"{name}.manifest.json",
            files,
            ledger_state=past.state,
            overrides=[(one, count_named(one, published.frame)) for one in overrides],
            signed_off_by=sign_off.person if sign_off else None,
            on=sign_off.on if sign_off else None,
            software_version=version("iop_outcomes"),
        )
        if sign_off and past.ledger:
            past.ledger.record(
                published,
                on=sign_off.on,
                signed_off_by=sign_off.person,
                files=describe_files([*files, manifest]),
                overrides=overrides,
                after=past.state,
                population=past.population,
            )
    return [Path(folder) / file.name for file in (*files, manifest)]


def _write_formats(
    document: Document, folder: Path, name: str, formats: Sequence[str], paper: PaperName, say: Say
) -> list[Path]:
    files = []
    for ending in formats:
        say(f"Writing the {document.audience.label.lower()} report: {FORMATS[ending].label}")
        files.append(write_document(document, folder / f"{name}.{ending}", paper))
    return files


def _refuse_residue(files: Sequence[Path], document: Document, published: Published, vocabulary: Sequence[str]) -> None:
    """Fail closed where a file carries a number that is no released one."""
    for file in files:
        found = scan_file(file, published, vocabulary=vocabulary, document=document)
        if found:
            places = "; ".join(sorted({each.place for each in found})[:3])
            raise DisclosureError(
                f"{file.name} holds {len(found)} numbers that were not released ({places}); it may not leave. Take them out "
                "of the texts of the programme, or report this as a fault"
            )
