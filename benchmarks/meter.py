"""Seconds, processor seconds and peak memory of one step, written as a line of JSON."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def measured(step: str, **said: Any) -> Iterator[None]:
    """Print what the step took: wall and processor seconds (every thread), and the process's peak memory during it."""
    _forget_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    taken = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "memory": peak_memory()}
    print(json.dumps({"step": step, **taken, **said}), flush=True)


def peak_memory() -> float:
    """Megabytes of the most memory this process held since the last step began (since it began, where that is unknown)."""
    if _STATUS.is_file():
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _forget_peak() -> None:
    """Count the peak from here on, where the system lets a process do so."""
    with suppress(OSError):
        _CLEAR.write_text("5")
