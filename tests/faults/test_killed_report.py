"""A report whose run was killed half-way, and started again: the same bytes as one never stopped, and no debris."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iop_outcomes.records.synthetic import write_sample

_RUN = "import sys; from iop_outcomes.cli import main; sys.exit(main(sys.argv[1:]))"


def start(records: Path, out: Path, spill: Path) -> subprocess.Popen[bytes]:
    """The command, writing the report of one audience and keeping its tables in ``spill``."""
    words = ["report", records, "--out", out, "--audience", "internal", "--format", "md,json,csv", "--spill", spill]
    return subprocess.Popen([sys.executable, "-c", _RUN, *map(str, words)], stdout=subprocess.DEVNULL)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_killed_report_started_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    records, out, other, spill = (tmp_path / name for name in ("records", "out", "other", "spill"))
    write_sample(records, 40, 1)
    with start(records, out, spill) as run:
        deadline = time.monotonic() + 300
        while not list(out.glob(".*.partial/*")) and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        run.kill()
        assert run.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert list(spill.iterdir()), "the tables of the killed run"
    assert not [name for name in contents(out) if not name.startswith(".")], "nothing stands half written"
    for folder in (out, other):
        with start(records, folder, spill) as run:
            assert run.wait() == 0
    assert contents(out) == contents(other)
    assert not any(name.startswith(".") for name in contents(out))
    assert not list(spill.iterdir())
