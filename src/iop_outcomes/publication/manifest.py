"""The manifest of a release: what was checked, under which policy, with what result, and which files belong to it.

It stands beside the files it names, holds no number that was not released, and is the same bytes for the same release.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from iop_outcomes.errors import DisclosureError, UsageError
from iop_outcomes.publication import derivation, earlier, judge, suppression
from iop_outcomes.publication.ledger import LedgerState
from iop_outcomes.publication.overrides import Override, check_overrides, check_person
from iop_outcomes.publication.published import Published
from iop_outcomes.vocabulary import Audience

#: Every rule a public release is checked by, in the words of the audit; one that withheld nothing is named with 0.
RULES: tuple[str, ...] = (
    suppression.UNKNOWN,
    suppression.SMALL,
    suppression.COMPLEMENT,
    suppression.EXTREME,
    suppression.SMALL_GROUP,
    suppression.DOMINATED,
    suppression.SATURATED,
    suppression.CROSSED,
    suppression.ABOUT_STAFF,
    suppression.CURVE,
    suppression.NESTED,
    suppression.LINKED,
    derivation.DERIVED_FROM,
    judge.GUESSED,
    earlier.CHANGED,
)

#: What the rules do not protect against, said in every manifest.
LIMITS: tuple[str, ...] = (
    "Withholding and rounding are not differential privacy: they do not bound what somebody with other knowledge can learn.",
    "Somebody who knows that they, or a person they know, stood out may recognise that person.",
    "Somebody who holds other records, such as those of a court or an employer, may be able to link them to these figures.",
)

_VERSION = 1


def write_manifest(
    published: Published,
    path: str | Path,
    files: Sequence[Path],
    *,
    ledger_state: LedgerState | None,
    overrides: Sequence[tuple[Override, int]] = (),
    signed_off_by: str | None = None,
    on: date | None = None,
    software_version: str,
) -> Path:
    """Write down how a release came about and the SHA-256 of each of its files. Returns the path.

    ``files`` stand beside the manifest or below it. ``ledger_state`` says which earlier releases it was checked against
    (None for an internal one). ``overrides`` come with how many rows each opened. With ``signed_off_by`` and the day
    ``on`` the release is final, without them a draft.

    Raises ``DisclosureError`` for a public release without a ledger, a sign-off without a name, or an override that does
    not hold on that day; ``UsageError`` for a file that is missing, named twice or stands elsewhere.
    """
    if not isinstance(published, Published):
        raise DisclosureError("a manifest speaks of published rows; pass the estimates through publish() first")
    if ledger_state is None and published.audience == Audience.PUBLIC:
        raise DisclosureError("a public release is checked against earlier ones: give the state of the ledger")
    if (signed_off_by is None) != (on is None):
        raise UsageError("signing off takes both a person's name and a day")
    if signed_off_by is not None and on is not None:
        signed_off_by = check_person(signed_off_by, "a final release needs the name of the person who signs it off")
        check_overrides([override for override, _ in overrides], on)
    target = Path(path)
    periods = published.frame[["period_start", "period_end"]].dropna().drop_duplicates()
    content = {
        "manifest": _VERSION,
        "release_id": published.release_id,
        "audience": str(published.audience),
        "state": "draft" if signed_off_by is None else "final",
        "signed_off_by": signed_off_by,
        "signed_off_on": None if on is None else on.isoformat(),
        "as_of": str(published.settings.get("as_of") or ""),
        "periods": sorted(periods.itertuples(index=False, name=None)),
        "synthetic": published.synthetic,
        "policy": asdict(published.policy),
        "checked": _describe_audit(published),
        "overrides": [
            {"name": one.name, "reason": one.reason, "expires": one.expires.isoformat(), "rows_opened": rows}
            for one, rows in overrides
        ],
        "ledger": None if ledger_state is None else asdict(ledger_state),
        "known_limits": LIMITS,
        "software": {"name": "iop_outcomes", "version": software_version},
        "files": _list_files(files, target),
    }
    text = json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    target.write_text(text + "\n", encoding="utf-8", newline="\n")
    return target


def check_manifest(path: str | Path) -> list[str]:
    """Are the files of a release the ones that were signed off? Every problem in one sentence; none when all is well."""
    manifest = Path(path)
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except OSError:
        return [f"{manifest.name} is missing or cannot be read"]
    except ValueError:
        return [f"{manifest.name} is damaged: take it from where the release is kept"]
    if not isinstance(content, dict) or content.get("manifest") != _VERSION:
        return [f"{manifest.name} is not a manifest this version of the software knows"]
    files = content.get("files")
    if not isinstance(files, list) or not all(_is_file_line(line) for line in files):
        return [f"{manifest.name} is damaged: its list of files cannot be read"]
    return [problem for line in files if (problem := _check_file(manifest.parent, line))]


def _describe_audit(published: Published) -> dict[str, Any]:
    """What the gate counted, with every rule that was asked, whether it withheld a row or not."""
    asked = dict.fromkeys(RULES, 0) if published.policy.withholds else {}
    return {**asdict(published.audit), "rows": {**asked, **published.audit.rows}}


def _list_files(files: Sequence[Path], manifest: Path) -> list[dict[str, Any]]:
    lines = {}
    for file in files:
        try:
            name = Path(file).resolve().relative_to(manifest.parent.resolve()).as_posix()
        except ValueError as error:
            raise UsageError("the files of a release stand in the folder of its manifest or below it") from error
        if name == manifest.name or name in lines:
            raise UsageError(f"a manifest names each file of a release once, and not itself: {name}")
        try:
            lines[name] = {"name": name, "size": Path(file).stat().st_size, "sha256": _hash(Path(file))}
        except OSError as error:
            raise UsageError(f"the file {name} of the release is missing or cannot be read") from error
    return [lines[name] for name in sorted(lines)]


def describe_files(files: Sequence[Path]) -> dict[str, str]:
    """The SHA-256 of each file by its name."""
    return {Path(file).name: _hash(Path(file)) for file in files}


def _is_file_line(line: object) -> bool:
    """Whether a line names a file of the folder, with a size and a digest."""
    if not isinstance(line, dict) or set(line) != {"name", "size", "sha256"} or not isinstance(line["name"], str):
        return False
    name = PurePosixPath(line["name"])
    inside = not name.is_absolute() and ".." not in name.parts and ":" not in line["name"] and "\\" not in line["name"]
    return inside and isinstance(line["size"], int) and re.fullmatch("[0-9a-f]{64}", str(line["sha256"])) is not None


def _check_file(folder: Path, line: dict[str, Any]) -> str | None:
    file = folder / line["name"]
    try:
        same = file.stat().st_size == line["size"] and _hash(file) == line["sha256"]
    except OSError:
        return f"{line['name']} is missing or cannot be read"
    return None if same else f"{line['name']} was changed after the release"


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
