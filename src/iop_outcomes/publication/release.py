"""A release on disk: its page, the table of its numbers, its manifest, and its line in the ledger once somebody signs it off.

Until then it is a draft, checked against everything released before but remembered nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from iop_outcomes.errors import DisclosureError
from iop_outcomes.publication.document import Document
from iop_outcomes.publication.html import write_csv, write_html
from iop_outcomes.publication.ledger import Ledger, LedgerState
from iop_outcomes.publication.manifest import describe_files, write_manifest
from iop_outcomes.publication.overrides import Override, check_overrides
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.published import Published
from iop_outcomes.publication.residue import scan_file


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


def write_release(
    document: Document,
    published: Published,
    folder: str | Path,
    name: str,
    *,
    past: Past,
    overrides: Sequence[tuple[Override, int]] = (),
    sign_off: SignOff | None = None,
) -> list[Path]:
    """Write a public release into a folder: page, table and manifest; with ``sign_off`` also its line in the ledger.

    ``overrides`` come with how many rows each opened. Before a release becomes final its page and table are read again,
    letter by letter, for numbers that were not released.

    Raises ``DisclosureError`` for a final release without a ledger, one that carries an unreleased number, an override that
    no longer holds, and where the ledger refuses it; then no manifest stands beside the files.
    """
    folder = Path(folder)
    page = write_html(document, folder / f"{name}.html")
    table = write_csv(published, folder / f"{name}.csv")
    manifest = folder / f"{name}.manifest.json"
    manifest.unlink(missing_ok=True)
    if sign_off:
        if past.ledger is None:
            raise DisclosureError("a final release is written into the programme's ledger; say where that is")
        check_overrides([override for override, _ in overrides], sign_off.on)
        _refuse_residue([page, table], document, published)
    write_manifest(
        published,
        manifest,
        [page, table],
        ledger_state=past.state,
        overrides=overrides,
        signed_off_by=sign_off.person if sign_off else None,
        on=sign_off.on if sign_off else None,
        software_version=version("iop_outcomes"),
    )
    if sign_off and past.ledger:
        try:
            past.ledger.record(
                published,
                on=sign_off.on,
                signed_off_by=sign_off.person,
                files=describe_files([page, table, manifest]),
                overrides=[override for override, _ in overrides],
                after=past.state,
                population=past.population,
            )
        except DisclosureError:
            manifest.unlink(missing_ok=True)
            raise
    return [page, table, manifest]


def _refuse_residue(files: Sequence[Path], document: Document, published: Published) -> None:
    """Fail closed where a file carries a number that is no released one."""
    for file in files:
        found = scan_file(file, published, document=document if file.suffix == ".html" else None)
        if found:
            places = "; ".join(sorted({each.place for each in found})[:3])
            raise DisclosureError(
                f"{file.name} holds {len(found)} numbers that were not released ({places}); it may not leave. Take them out "
                "of the texts of the programme, or report this as a fault"
            )
