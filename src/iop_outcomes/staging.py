"""Files that appear together or not at all: written aside first, put in place when all of them are there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def stage_files(folder: str | Path, name: str, replacing: Sequence[str] = ()) -> Iterator[Path]:
    """A folder to write into: what is in it moves into ``folder`` when the block ends well.

    It stands inside ``folder``, hidden and under a ``name`` of its own, so that a second run of the same thing clears away
    what a killed one left. When the block ends in an error or is interrupted, nothing in ``folder`` has changed. What
    ``replacing`` names goes from ``folder`` then as well. A manifest leaves before the files it speaks of are replaced, and
    the new one comes last.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with stage_files(folder, "report") as aside:
    ...     written = (aside / "a.txt").write_text("whole")
    >>> [file.name for file in folder.iterdir()]
    ['a.txt']
    """
    target = Path(folder)
    made = [each for each in (target, *target.parents) if not each.exists()]
    aside = target / f".{name}.partial"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        files = sorted(aside.iterdir(), key=lambda file: (_is_manifest(file), file.name))
        for gone in (*replacing, *(file.name for file in files if _is_manifest(file) or file.is_dir())):
            _remove(target / gone)
        for file in files:
            os.replace(file, target / file.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        for each in made:
            if each.is_dir() and not any(each.iterdir()):
                each.rmdir()


def _is_manifest(file: Path) -> bool:
    return file.name.endswith(".manifest.json")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
