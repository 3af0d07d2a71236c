"""How long does the quarterly computation take, at which size, and against what? ``make benchmark``.

Every step runs in a process of its own, one after another: this package, plain pandas with the usual packages, R's survival
where R is there, and a bare DuckDB scan of the same columns of the same files. Ratios are of processor seconds (all
threads), which other work on the machine hardly changes; wall seconds stand beside them. Writes ``benchmarks/results.json``,
``docs/benchmarks.md`` and ``docs/images/benchmark.svg``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scale_page import write_page

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results.json"
#: People of each size; about 1.2 episodes each.
PEOPLE = (700, 70_000, 700_000)
HUGE = 7_000_000
PACKAGES = ("duckdb", "narwhals", "numpy", "pandas", "scipy", "statsmodels", "pyarrow")

Line = dict[str, Any]


def run(*command: str | Path) -> list[Line]:
    """What a step's process printed; one line that says so where it could not be run to its end."""
    done = subprocess.run([str(part) for part in command], cwd=HERE, capture_output=True, text=True, check=False)
    lines: list[Line] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        lines.append({"step": "stopped", "why": last[:200]})
    return lines


def measure_size(folder: Path, skip: Collection[str]) -> Iterator[tuple[str, list[Line]]]:
    """Everything that is timed on one folder of records, the longest last."""
    ours = {
        name: (sys.executable, "steps.py", name, folder) for name in ("scan", "survival", "bootstrap", "computation")
    }
    theirs = {name: (sys.executable, "pandas_stack.py", name, folder) for name in ("pandas", "loop")}
    for name, command in {"scan": ours.pop("scan"), **theirs, **ours}.items():
        if name not in skip:
            say(f"  {name}")
            yield name, run(*command)
        if name == "survival" and "r" not in skip and shutil.which("Rscript"):
            say("  R")
            yield "r", _run_r(folder)


def _run_r(folder: Path) -> list[Line]:
    """The curves in R, of the same rows."""
    code = "import sys; from pathlib import Path; from steps import person_rows;"
    code += "person_rows(Path(sys.argv[1]))[['day', 'cause']].to_csv(sys.argv[2], index=False)"
    with tempfile.TemporaryDirectory() as place:
        rows = Path(place) / "rows.csv"
        subprocess.run([sys.executable, "-c", code, folder, rows], cwd=HERE, check=True, capture_output=True)
        return run("Rscript", "survival.R", rows)


def measure_start(folder: Path) -> Line:
    """A report from a cold start, and the import, each a process of its own: processor seconds, the children's."""
    with tempfile.TemporaryDirectory() as place:
        command = [
            Path(sys.executable).with_name("iop-outcomes"),
            "report",
            folder,
            "--quarter",
            "2025Q4",
            "--out",
            place,
        ]
        report = _cost(command)
    bare, ours = (_cost([sys.executable, "-c", code]) for code in ("pass", "import iop_outcomes"))
    return {"report": report, "bare Python": bare, "import": ours}


def _cost(command: list[Any]) -> Line:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": cpu, "wall": time.perf_counter() - start}


def describe_machine() -> Line:
    """Processor, cores, memory and versions."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = {name: version(name) for name in PACKAGES} | {"Python": platform.python_version()}
    if shutil.which("Rscript"):
        code = "cat(paste(getRversion(), packageVersion('survival')))"
        said = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False).stdout.split()
        versions |= dict(zip(("R", "R survival"), said, strict=False))
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory": round(memory),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
        "load": round(os.getloadavg()[0], 1),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).is_file() else []


def make_records(people: int, records: Path) -> Path:
    """The synthetic records of so many people, written once."""
    folder = records / f"people-{people}"
    if not (folder / "program.toml").is_file():
        say(f"writing records of {people:,} people")
        program = Path(sys.executable).with_name("iop-outcomes")
        command = [program, "sample", folder, "--people", people, "--format", "parquet", "--overwrite"]
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return folder


def say(text: str) -> None:
    """A line to whoever waits."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure what is asked for, keep it beside what was measured before, and write the page."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    ask.add_argument("--people", type=int, nargs="*", default=list(PEOPLE), help="sizes, in people")
    ask.add_argument("--huge", action="store_true", help=f"{HUGE:,} people too: hours, and 20 GB of disk")
    ask.add_argument("--records", type=Path, default=ROOT / "scratch" / "benchmark", help="where records are kept")
    ask.add_argument("--skip", nargs="*", default=[], help="steps to leave out: scan, computation, pandas, r …")
    ask.add_argument("--draw", action="store_true", help="only write the page again from what was measured")
    given = ask.parse_args()
    kept: Line = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"sizes": {}}
    for people in [] if given.draw else [*given.people, *([HUGE] if given.huge else [])]:
        kept["machine"] = describe_machine()
        folder = make_records(people, given.records).resolve()
        say(f"{people:,} people")
        size = kept["sizes"].setdefault(str(people), {})
        if people == min(PEOPLE) and "start" not in given.skip:
            kept["start"] = measure_start(folder)
        for name, lines in measure_size(folder, given.skip):
            size[name] = lines
            RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(write_page(kept, ROOT / "docs"))


if __name__ == "__main__":
    main()
