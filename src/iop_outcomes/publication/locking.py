"""A file that one process holds at a time, on Linux, macOS and Windows.

The lock is the operating system's, so it goes with the process that held it and never has to be cleared away by hand.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iop_outcomes.errors import DisclosureError

#: For ``os.open``: bytes are what they are, on Windows too.
BINARY: int = getattr(os, "O_BINARY", 0)

_PAUSE = 0.02


@contextmanager
def locked(path: Path, patience: float, *, write: bool) -> Iterator[int]:
    """The open file, held until the end of the block: alone to write (it is made where it is not there), shared to read.

    Waits up to ``patience`` seconds for another process, then raises ``DisclosureError``.
    """
    handle = os.open(path, (os.O_RDWR | os.O_CREAT if write else os.O_RDONLY) | BINARY, 0o644)
    try:
        end = time.monotonic() + patience
        while not _lock(handle, write):
            if time.monotonic() >= end:
                raise DisclosureError(
                    "another release of this programme is being recorded: wait until that is done and try again"
                )
            time.sleep(_PAUSE)
        try:
            yield handle
        finally:
            _unlock(handle)
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    #: A byte far behind the text, so that the text itself can always be read.
    _FAR = 1 << 30

    def _lock(handle: int, write: bool) -> bool:
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle: int) -> None:
        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(handle: int, write: bool) -> bool:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if write else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
