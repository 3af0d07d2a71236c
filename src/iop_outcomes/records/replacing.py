"""Outputs that are there whole or not at all: written under another name, and given theirs at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """A path to write to, renamed to ``path`` when all is written and removed when it is not."""
    new = path.with_name(f".{path.name}.part")
    try:
        yield new
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path, others: Sequence[str] = ()) -> Iterator[Path]:
    """A new folder to write to; at the end what is in it takes the place of what bears its name in ``folder``.

    ``others`` are names that go from ``folder`` then as well. What an earlier run left when it was killed is removed.
    """
    new = folder.absolute().with_name(f".{folder.absolute().name}.part")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        folder.mkdir(parents=True, exist_ok=True)
        written = sorted(path.name for path in new.iterdir())
        for name in {*others, *written}:
            _remove(folder / name)
        for name in written:
            os.replace(new / name, folder / name)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
