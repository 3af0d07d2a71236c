"""Zip archives that never change: the members of an office file in one order, with one time and one way to pack them."""

from __future__ import annotations

import zipfile
from pathlib import Path

#: The first day a zip archive can tell.
_TIME = (1980, 1, 1, 0, 0, 0)
#: The part that names the kinds of all others; readers look for it first.
_FIRST = "[Content_Types].xml"
_UNIX = 3


def settle_archive(path: str | Path) -> Path:
    """Rewrite a zip archive (XLSX, DOCX) so that the same contents give the same bytes, whenever and wherever written.

    Members keep their names and contents; their order, times and attributes become fixed and the archive's comment goes.
    Returns the path; raises ``zipfile.BadZipFile`` for a file that is no archive.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.zip"
    >>> with zipfile.ZipFile(path, "w") as archive:
    ...     archive.writestr("b.xml", "<b/>")
    ...     archive.writestr("[Content_Types].xml", "<a/>")
    >>> with zipfile.ZipFile(settle_archive(path)) as archive:
    ...     [(member.filename, member.date_time[0]) for member in archive.infolist()]
    [('[Content_Types].xml', 1980), ('b.xml', 1980)]
    """
    target = Path(path)
    with zipfile.ZipFile(target) as archive:
        members = {member.filename: archive.read(member) for member in archive.infolist() if not member.is_dir()}
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(members, key=lambda name: (name != _FIRST, name)):
            member = zipfile.ZipInfo(name, _TIME)
            member.compress_type, member.create_system = zipfile.ZIP_DEFLATED, _UNIX
            archive.writestr(member, members[name])
    return target
