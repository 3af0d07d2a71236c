"""Synthetic records written block by block: each block from streams of its own, all of it there or nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from iop_outcomes.cli import main
from iop_outcomes.errors import UsageError
from iop_outcomes.records.loading import read_records
from iop_outcomes.records.synthetic import parts, simulate_records, write_sample
from iop_outcomes.records.synthetic.sample import draw_block

LARGE = ("episodes", "attendance", "outcomes")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_first_block_is_the_sample_of_its_size() -> None:
    sample, drawn = simulate_records(40, 7), draw_block(40, 7)
    for name, frame in drawn.items():
        pd.testing.assert_frame_equal(frame.astype("str"), sample.tables[name])


def test_blocks_share_no_id_and_do_not_depend_on_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "BLOCK", 30)
    steps: list[int] = []
    write_sample(tmp_path / "a", 70, 3, form="parquet", step=lambda what, done, total: steps.append(done))
    assert parts.block_sizes(70) == [30, 40]
    assert steps == [0, 1, 2]
    files = contents(tmp_path / "a")
    write_sample(tmp_path / "b", 70, 3, form="parquet")
    assert files == contents(tmp_path / "b")
    alone = draw_block(40, 3, 1)
    stored = duckdb.read_parquet(str(tmp_path / "a" / "episodes" / "part-00001.parquet")).df()
    assert stored["episode_id"].tolist() == alone["episodes"]["episode_id"].tolist()
    records = read_records(tmp_path / "a")
    assert records.manifest.faults == 0
    assert records.manifest.accounts[1].used == sum(
        len(draw_block(*block)["episodes"]) for block in ((30, 3), (40, 3, 1))
    )
    persons = records.episodes.select("person_id").collect("pandas").to_native()["person_id"]
    assert persons.nunique() <= 70
    costs = pd.read_csv(tmp_path / "a" / "costs.csv")
    both = sum(int(draw_block(*block)["costs"]["amount"].astype(int).sum()) for block in ((30, 3), (40, 3, 1)))
    assert costs["amount"].sum() == both


def test_the_command_writes_either_form_and_the_one_takes_the_others_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sample"
    assert main(["sample", str(folder), "--people", "20"]) == 0
    assert (folder / "episodes.csv").is_file()
    assert main(["sample", str(folder), "--people", "20", "--format", "parquet", "--overwrite"]) == 0
    assert not (folder / "episodes.csv").exists()
    assert main(["check", str(folder), "--memory-limit", "500MB", "--spill", str(tmp_path / "spill")]) == 0
    assert "attendance/ (1 file)" in capsys.readouterr().out
    assert list((tmp_path / "spill").iterdir()) == []
    with pytest.raises(UsageError, match="csv or parquet"):
        write_sample(folder, 20, form="xlsx")


def test_a_run_that_is_stopped_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    write_sample(folder, 20, 1, form="parquet")
    before = contents(folder)

    def stop(what: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(folder, 20, 2, form="parquet", step=stop)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


#: What a terminal gives a program: Ctrl-C is heard, even where these tests run in the background.
_HEARD = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
#: A run of the command in small blocks, long enough to be stopped.
_RUN = _HEARD + "import sys; from iop_outcomes.cli import main; from iop_outcomes.records.synthetic import parts;"
_RUN += "parts.BLOCK = 20; sys.exit(main(['sample', sys.argv[1], '--people', '4000', '--format', 'parquet']))"


def stop_halfway(folder: Path, sign: signal.Signals) -> tuple[int, str]:
    """Start the command, send it a signal when a part is written; how it ended and what it said."""
    half = folder / ".sample.partial"
    with subprocess.Popen([sys.executable, "-c", _RUN, str(folder)], stderr=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 300
        while not (half / "outcomes" / "part-00000.parquet").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        run.send_signal(sign)
        return run.wait(), run.stderr.read() if run.stderr else ""


def test_a_run_stopped_by_ctrl_c_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    ended, said = stop_halfway(tmp_path / "sample", signal.SIGINT)
    assert (ended, said) == (1, "iop-outcomes: stopped; nothing was half written\n")
    assert list(tmp_path.iterdir()) == []


#: The command at queries without end, and Ctrl-C a little later: it is heard within a query or when one ends.
_QUERY = f"""{_HEARD}
import os, signal, sys, threading, duckdb
from iop_outcomes import cli
from iop_outcomes.records import loading
from iop_outcomes.records.engine import Embedded
def endless(folder, spill, **arguments):
    engine = Embedded(on_disk=True, spill=spill)
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    while True:
        engine._connection.execute("SELECT sum(range * range % 7) FROM range(30000000)").fetchall()
loading.read_records = endless
sys.exit(cli.main(["check", "records", "--spill", sys.argv[1]]))
"""


def test_ctrl_c_in_a_query_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _QUERY, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (run.returncode, run.stderr) == (1, "iop-outcomes: stopped; nothing was half written\n")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_started_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    assert stop_halfway(folder, signal.SIGKILL)[0] == -signal.SIGKILL
    assert [path.name for path in folder.iterdir()] == [".sample.partial"]
    write_sample(folder, 20, 1, form="parquet")
    write_sample(tmp_path / "other", 20, 1, form="parquet")
    assert contents(folder) == contents(tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "sample"]
