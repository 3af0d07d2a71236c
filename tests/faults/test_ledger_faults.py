"""A damaged ledger stops the release and says which line; a machine that stops while writing damages nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from iop_outcomes.errors import DisclosureError
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.ledger import Ledger
from iop_outcomes.publication.published import Published

PLANTED = "zq-planted-7731"
NOT_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX locks, limits and signals")


def quarter(count: int) -> Published:
    row = {
        "measure": "retention", "definition": "retained@1", "estimand": "proportion", "category": PLANTED,
        "value": count / 80, "n": count, "denominator": 80, "people": 80,
    }  # fmt: skip
    return publish(Estimates.from_rows([row]))


def record(ledger: Ledger, count: int) -> None:
    ledger.record(quarter(count), on=date(2026, 1, 31), signed_off_by="A. Person", files={"a.html": "a" * 64})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three releases, never changed."""
    folder = tmp_path_factory.mktemp("whole")
    for count in (40, 41, 42):
        record(Ledger(folder / "releases.jsonl"), count)
    return folder


@pytest.fixture
def ledger(whole: Path, tmp_path: Path) -> Ledger:
    for name in ("releases.jsonl", "releases.head"):
        shutil.copy(whole / name, tmp_path / name)
    return Ledger(tmp_path / "releases.jsonl", patience=0.2)


def refused(ledger: Ledger) -> str:
    """The one message that reading gives, after seeing that writing gives it too and leaves both files alone."""
    files = [file for file in (ledger.path, ledger.path.with_suffix(".head")) if file.exists()]
    before = [file.read_bytes() for file in files]
    with pytest.raises(DisclosureError) as reading:
        ledger.entries()
    with pytest.raises(DisclosureError) as writing:
        record(ledger, 50)
    message = str(reading.value)
    assert message == str(writing.value)
    assert [file.read_bytes() for file in files] == before
    assert PLANTED not in message
    assert str(ledger.path.parent) not in message
    assert "Nothing is released until" in message
    return message


def lines_of(ledger: Ledger) -> list[bytes]:
    return ledger.path.read_bytes().splitlines(keepends=True)


def cut_line(number: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [line for i, line in enumerate(lines, 1) if i != number]


def change_line(number: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [
        line.replace(b'"n":{"4', b'"n":{"5') if i == number else line for i, line in enumerate(lines, 1)
    ]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change_line(1), "line 1, was changed"),
        (change_line(2), "line 2, was changed"),
        (change_line(3), "line 3, was changed"),
        (cut_line(1), "before line 1: 1 missing of 3 lines"),
        (cut_line(2), "after line 1: 1 missing of 3 lines"),
        (cut_line(3), "after line 2: 1 missing of 3 lines"),
        (lambda lines: lines[:1], "after line 1: 2 missing of 3 lines"),
        (lambda lines: [], "before line 1: 3 missing of 3 lines"),
        (lambda lines: [lines[1], lines[0], lines[2]], "line 2, was changed"),
        (lambda lines: [*lines[:2], lines[2][:-1]], "line 3, is cut off"),
        (lambda lines: [*lines[:2], lines[2][:100]], "line 3, is cut off"),
        (lambda lines: [*lines, lines[2], lines[2]], "line 4 and after, was not recorded"),
        (lambda lines: [*lines, lines[2]], "line 3, was changed"),
        (lambda lines: [*lines, b"{}\n"], "line 4, was changed"),
        (lambda lines: [line.replace(b"\n", b"\r\n") for line in lines], "line 3, was changed"),
    ],
)
def test_the_message_names_the_damaged_line(
    ledger: Ledger, damage: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    ledger.path.write_bytes(b"".join(damage(lines_of(ledger))))
    message = refused(ledger)
    assert said in message
    assert "restore releases.jsonl and releases.head together from the backup" in message
    assert "Never delete or edit" in message


def test_any_one_changed_byte_and_any_cut_is_noticed(ledger: Ledger) -> None:
    for file in (ledger.path, ledger.path.with_suffix(".head")):
        good = file.read_bytes()
        for place in range(0, len(good), 3):
            file.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
            with pytest.raises(DisclosureError):
                ledger.state()
            if place or file == ledger.path:
                file.write_bytes(good[:place])
                with pytest.raises(DisclosureError):
                    ledger.state()
        file.write_bytes(good)
    assert len(ledger.entries()) == 3


def test_a_missing_file_is_damage_and_two_missing_files_are_a_new_ledger(ledger: Ledger) -> None:
    head = ledger.path.with_suffix(".head")
    kept = ledger.path.read_bytes()
    ledger.path.unlink()
    assert "before line 1: 3 missing of 3 lines" in refused(ledger)
    ledger.path.write_bytes(kept)
    head.write_bytes(b"")
    assert "line 1 and after, was not recorded" in refused(ledger)
    head.unlink()
    assert "releases.head is missing" in refused(ledger)
    ledger.path.unlink()
    assert ledger.entries() == ()


def test_a_head_of_another_day_is_noticed(ledger: Ledger, whole: Path) -> None:
    record(ledger, 43)
    record(ledger, 44)
    shutil.copy(whole / "releases.head", ledger.path.with_suffix(".head"))
    assert "line 4 and after, was not recorded by releases.head" in refused(ledger)


def test_a_head_that_is_no_head_is_damage(ledger: Ledger) -> None:
    ledger.path.with_suffix(".head").write_text(f"three {'0' * 64}\n")
    assert "releases.head was changed" in refused(ledger)


@pytest.mark.parametrize(
    "changed",
    [{"ledger": 2}, {"colour": PLANTED}, {"columns": {"colour": {PLANTED: [0]}}}],
    ids=["version", "key", "column"],
)
def test_a_line_of_another_version_is_not_guessed_at(tmp_path: Path, changed: dict[str, object]) -> None:
    """A line that another version wrote, chained as it should be."""
    ledger = Ledger(tmp_path / "releases.jsonl")
    record(ledger, 40)
    content = json.loads(ledger.path.read_text())
    line = json.dumps({**content, **changed}).encode()
    ledger.path.write_bytes(line + b"\n")
    ledger.path.with_suffix(".head").write_text(f"1 {hashlib.sha256(line).hexdigest()}\n")
    message = refused(ledger)
    assert "line 1, was written by another version of this software" in message
    assert "use the newest" in message


# --- a machine that stops --------------------------------------------------------------------------------------------
def test_half_a_line_of_a_stopped_machine_is_no_release_and_is_taken_away(ledger: Ledger) -> None:
    before = ledger.path.read_bytes()
    ledger.path.write_bytes(before + b'{"as_of":"","files":{"a.ht')
    assert len(ledger.entries()) == 3
    record(ledger, 43)
    assert ledger.path.read_bytes().startswith(before)
    assert len(ledger.entries()) == 4


def test_a_whole_line_that_the_head_does_not_count_yet_is_a_release(ledger: Ledger) -> None:
    head = ledger.path.with_suffix(".head")
    before = head.read_bytes()
    record(ledger, 43)
    after = head.read_bytes()
    head.write_bytes(before)
    assert len(ledger.entries()) == 4
    size = ledger.path.stat().st_size
    record(ledger, 43)
    assert ledger.path.stat().st_size == size
    assert head.read_bytes() == after


def test_a_stop_during_the_very_first_release_leaves_a_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "releases.jsonl")
    record(ledger, 40)
    ledger.path.with_suffix(".head").write_bytes(b"")
    assert len(ledger.entries()) == 1
    ledger.path.write_bytes(ledger.path.read_bytes()[:50])
    assert ledger.entries() == ()
    record(ledger, 41)
    assert len(ledger.entries()) == 1


FULL = """
import resource, signal, sys
from datetime import date
from pathlib import Path
from iop_outcomes.errors import DisclosureError
from iop_outcomes.publication.ledger import Ledger
sys.path.insert(0, sys.argv[2])
from test_ledger_faults import record
ledger = Ledger(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (ledger.path.stat().st_size + 200, resource.RLIM_INFINITY))
try:
    record(ledger, 43)
except DisclosureError as error:
    print(error)
"""


@NOT_WINDOWS
def test_a_full_disk_leaves_the_ledger_as_it_was(ledger: Ledger) -> None:
    before = ledger.path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(ledger.path), str(Path(__file__).parent)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "this release is not recorded and may not leave" in done.stdout
    assert ledger.path.read_bytes() == before
    record(ledger, 43)
    assert len(ledger.entries()) == 4


HOLD = """
import fcntl, os, sys, time
handle = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(handle, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@NOT_WINDOWS
def test_one_waits_for_the_other_then_says_so_and_a_dead_one_holds_nothing(ledger: Ledger) -> None:
    head = ledger.path.with_suffix(".head")
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(head)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        began = time.monotonic()
        with pytest.raises(DisclosureError, match="another release of this programme is being recorded: wait"):
            record(ledger, 43)
        assert time.monotonic() - began >= ledger.patience
        with pytest.raises(DisclosureError, match="another release"):
            ledger.earlier()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
    record(ledger, 43)
    assert len(ledger.entries()) == 4


@NOT_WINDOWS
def test_readers_do_not_wait_for_readers(ledger: Ledger) -> None:
    import fcntl

    handle = os.open(ledger.path.with_suffix(".head"), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        assert len(ledger.entries()) == 3
    finally:
        os.close(handle)


def test_a_folder_that_is_not_there_or_a_folder_in_its_place(tmp_path: Path) -> None:
    nowhere = Ledger(tmp_path / "none" / "releases.jsonl")
    assert nowhere.entries() == ()
    with pytest.raises(DisclosureError, match=r"cannot be written .* not recorded and may not leave"):
        record(nowhere, 40)
    (tmp_path / "releases.jsonl").mkdir()
    (tmp_path / "releases.head").write_bytes(b"")
    with pytest.raises(DisclosureError, match=r"cannot be read .* nothing is released"):
        Ledger(tmp_path / "releases.jsonl").entries()
