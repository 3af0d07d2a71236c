"""The page and the picture of what was measured: tables by size, ratios, growth, and what of the goals is reached."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]

#: What one run of the computation holds, in order; parts named twice are added up.
WHOLE = "whole"
#: The attendance reduction, of everyone admitted to the level, before the computation and not part of it.
ALONE = "hours alone"


def write_page(kept: Line, docs: Path) -> str:
    """Write ``benchmarks.md`` and ``images/benchmark.svg``; the tables come back as text for a terminal."""
    sizes = {
        int(people): Size(measured) for people, measured in sorted(kept["sizes"].items(), key=lambda one: int(one[0]))
    }
    tables = "\n".join([*_parts(sizes), *_ratios(sizes), *_statistics(sizes), *_goals(kept, sizes)])
    docs.joinpath("benchmarks.md").write_text(
        "\n".join([*_lead(kept), tables, *_notes(sizes)]) + "\n", encoding="utf-8"
    )
    docs.joinpath("images", "benchmark.svg").write_text(draw(sizes) + "\n", encoding="utf-8")
    return tables


class Size:
    """What was measured at one size, steps of one name put together."""

    def __init__(self, measured: Line) -> None:
        self.steps = {name: _together(lines) for name, lines in measured.items()}
        self.stopped = {
            name: line["why"] for name, lines in measured.items() for line in lines if line["step"] == "stopped"
        }

    @property
    def episodes(self) -> int:
        """Episodes the records hold."""
        return int(self.steps["survival"]["Kaplan–Meier"]["rows"])

    @property
    def attendance(self) -> int | None:
        """Attendance rows of the records, where the computation ran."""
        return self.steps.get("computation", {}).get("Choosing the cohort", {}).get("attendance_rows")

    def cost(self, run: str, step: str, what: str = "cpu") -> float:
        """Seconds or megabytes of a step; ``nan`` where it was not measured."""
        steps = self.steps.get(run, {})
        if step != WHOLE:
            return float(steps.get(step, {}).get(what, math.nan))
        if not steps or run in self.stopped:
            return math.nan
        values = [float(line[what]) for step, line in steps.items() if step != ALONE]
        return max(values) if what == "memory" else sum(values)


def _together(lines: list[Line]) -> dict[str, Line]:
    steps: dict[str, Line] = {}
    for line in lines:
        if line["step"] in ("stopped", "Done"):
            continue
        if line["step"] not in steps:
            steps[line["step"]] = dict(line)
            continue
        known = steps[line["step"]]
        known.update(wall=known["wall"] + line["wall"], cpu=known["cpu"] + line["cpu"])
        known["memory"] = max(known["memory"], line["memory"])
    return steps


def growth(sizes: dict[int, Size], run: str, step: str) -> float:
    """The exponent of processor seconds in episodes, between the two largest sizes measured; 1 is in proportion."""
    known = [(size.episodes, size.cost(run, step)) for size in sizes.values() if size.cost(run, step) > 0]
    if len(known) < 2:
        return math.nan
    (few, fast), (many, slow) = known[-2:]
    return math.log(slow / fast) / math.log(many / few)


def _number(value: float, digits: int = 2) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.{digits}f}" if value < 10 else f"{value:.1f}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        "",
        f"| {' | '.join(head)} |",
        f"| --- |{' ---: |' * (len(head) - 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def _lead(kept: Line) -> list[str]:
    machine = kept["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in sorted(machine["versions"].items()))
    return [
        "# How fast, and against what",
        "",
        "`make benchmark` prints these tables and writes this page and its picture. Synthetic records (`iop-outcomes sample DIR",
        "--people N --format parquet`); what is set against each other is of one run, steps in a",
        "process of its own, one after another.",
        "",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory']} GB, {machine['system']}. {versions}.",
        "",
        "**Seconds are processor seconds, all threads added**: other work on the machine changes them less; ratios rest on",
        f"them. (The load when it began was {machine['load']}, so wall seconds say little and are not shown.) Memory is the",
        "process's peak during the step. *Growth* is the exponent of seconds in episodes between the two largest sizes: 1 is in",
        "proportion.",
        "",
        "```{image} images/benchmark.svg",
        ":alt: Processor seconds by number of episodes, both in powers of ten, of this package, of pandas and of a bare scan.",
        ":class: framed",
        "```",
    ]


def _heads(sizes: dict[int, Size]) -> list[str]:
    return [f"{size.episodes:,} episodes" for size in sizes.values()]


def _parts(sizes: dict[int, Size]) -> Iterator[str]:
    names = dict.fromkeys(
        step for size in sizes.values() for step in size.steps.get("computation", {}) if step != ALONE
    )
    rows = []
    for step in [*names, WHOLE]:
        cells = []
        for size in sizes.values():
            seconds, memory = (size.cost("computation", step, what) for what in ("cpu", "memory"))
            cells.append("–" if math.isnan(seconds) else f"{_number(seconds)} s, {_number(memory, 0)} MB")
        name = "**the whole**" if step == WHOLE else step
        rows.append([name, *cells, _number(growth(sizes, "computation", step))])
    yield "## The quarterly computation"
    yield ""
    yield "From files to every number of the report for both audiences, without the gate and the pages."
    yield from _table(["part", *_heads(sizes), "growth"], rows)


def _ratios(sizes: dict[int, Size]) -> Iterator[str]:
    rows = []
    for name, run, step in (
        ("this package", "computation", WHOLE),
        ("this package, without reading and checking", "computation", "after reading"),
        ("pandas, numpy, statsmodels", "pandas", WHOLE),
        ("bare DuckDB scan", "scan", "scan"),
    ):
        values = [_cost(size, run, step) for size in sizes.values()]
        rows.append([name, *(f"{_number(value)} s" for value in values)])
    pairs = (
        ("pandas over this package", ("pandas", WHOLE), ("computation", WHOLE)),
        ("this package over the scan", ("computation", WHOLE), ("scan", "scan")),
        ("hours of the year, in the report: pandas over this package", ("pandas", "Hours"), ("computation", "Hours")),
        (
            "hours of all years, alone: this package over the scan of attendance",
            ("computation", ALONE),
            ("scan", "scan attendance"),
        ),
    )
    for name, top, bottom in pairs:
        values = [_cost(size, *top) / _cost(size, *bottom) for size in sizes.values()]
        rows.append([name, *(f"{_number(value)} ×" if value == value else "–" for value in values)])
    yield "## Against pandas, and against the disk"
    yield ""
    yield "The pandas stack is what an analyst would write: vectorised, only the columns needed, people as clusters"
    yield "(`benchmarks/pandas_stack.py`). It checks no record, and leaves out competing risks, milestones, pathways, imputation,"
    yield "the bootstrap, cost by person and everything by month; so the first ratio sets more work against less."
    yield from _table(["what", *_heads(sizes)], rows)


def _cost(size: Size, run: str, step: str) -> float:
    if step == "after reading":
        return size.cost(run, WHOLE) - size.cost(run, "Reading and checking")
    return size.cost(run, step)


def _statistics(sizes: dict[int, Size]) -> Iterator[str]:
    rows = []
    for name in ("Kaplan–Meier", "Aalen–Johansen", "Aalen–Johansen from counts"):
        seconds = [size.cost("survival", name) for size in sizes.values()]
        rows.append([f"{name}, this package", *(f"{_number(one, 4)} s" for one in seconds)])
        theirs = [size.cost("r", name) for size in sizes.values()]
        if any(one == one for one in theirs):
            rows.append([f"{name}, R `survfit`", *(f"{_number(one)} s" for one in theirs)])
            ratios = [there / here for here, there in zip(seconds, theirs, strict=True)]
            rows.append(["times as fast", *(f"{_number(one, 1)} ×" for one in ratios)])
    seconds = [size.cost("bootstrap", "bootstrap") for size in sizes.values()]
    loops = [_loop(size) for size in sizes.values()]
    rows.append(["10,000 person-bootstrap replicates, this package", *(f"{_number(one)} s" for one in seconds)])
    rows.append(["the same as a pandas loop (from 3 replicates)", *(f"{_number(one)} s" for one in loops)])
    ratios = [loop / here for here, loop in zip(seconds, loops, strict=True)]
    rows.append(["times as fast", *(f"{_number(one, 1)} ×" for one in ratios)])
    yield "## Statistics"
    yield ""
    yield "Curves with 95% limits from one row an episode; the bootstrap of cost and effect draws whole people."
    if not any("r" in size.steps for size in sizes.values()):
        yield "R was not there: its rows are missing."
    yield from _table(["what", *_heads(sizes)], rows)


def _loop(size: Size) -> float:
    line = size.steps.get("loop", {}).get("bootstrap", {})
    return line["cpu"] / line["replicates"] * 10_000 if line else math.nan


def _goals(kept: Line, sizes: dict[int, Size]) -> Iterator[str]:
    """Each goal with what was measured at the largest size at which both sides of it were."""
    whole, scanned = ("computation", WHOLE), ("scan", "scan")
    asked: list[tuple[str, Callable[[Size], float], float]] = [
        ("whole computation ≥ 40 × the pandas stack", lambda size: _over(size, ("pandas", WHOLE), whole), 40),
        ("whole computation ≤ 8 × the bare scan", lambda size: _over(size, whole, scanned), -8),
        ("peak memory of the parts run ≤ 1,000 MB", lambda size: max(_memory(size), default=math.nan), -1000),
        (
            "attendance reduction ≤ 5 × the bare scan",
            lambda size: _over(size, ("computation", ALONE), ("scan", "scan attendance")),
            -5,
        ),
        *(
            (
                f"{name} ≥ {goal} × R",
                lambda size, name=name: _over(size, ("r", name), ("survival", name)),
                goal,
            )
            for name, goal in (("Kaplan–Meier", 20), ("Aalen–Johansen", 200))
        ),
        ("10,000 replicates ≤ 2 s", lambda size: size.cost("bootstrap", "bootstrap"), -2),
        (
            "10,000 replicates ≥ 500 × a pandas loop",
            lambda size: _loop(size) / size.cost("bootstrap", "bootstrap"),
            500,
        ),
    ]
    found = []
    for name, value, goal in asked:
        measured = [(size.episodes, value(size)) for size in sizes.values() if value(size) == value(size)]
        episodes, number = measured[-1] if measured else (0, math.nan)
        found.append((f"{name}, at {episodes:,} episodes" if measured else name, number, goal))
    if start := kept.get("start"):
        light = start["import"]["cpu"] - start["bare Python"]["cpu"]
        found.append(("report of the smallest records, cold start to pages ≤ 6 s", start["report"]["cpu"], -6))
        found.append(("`import iop_outcomes` ≤ 0.3 s, bare Python taken off", light, -0.3))
    rows = []
    for name, number, goal in found:
        reached = "–" if number != number else "yes" if (number >= goal if goal > 0 else number <= -goal) else "no"
        rows.append([name, _number(number), reached])
    yield "## Goals"
    yield from _table(["goal", "measured", "reached"], rows)


def _memory(size: Size) -> list[float]:
    """Megabytes of each part that was run, of a computation that was stopped too."""
    return [line["memory"] for line in size.steps.get("computation", {}).values()]


def _over(size: Size, top: tuple[str, str], bottom: tuple[str, str]) -> float:
    return size.cost(*top) / size.cost(*bottom)


def _notes(sizes: dict[int, Size]) -> Iterator[str]:
    stopped = {
        f"{name} at {size.episodes:,} episodes: {why}" for size in sizes.values() for name, why in size.stopped.items()
    }
    if stopped:
        yield "Steps that did not end:"
        yield ""
        for line in sorted(stopped):
            yield f"- {line}"
        yield ""
    yield (Path(__file__).with_name("reached.md")).read_text(encoding="utf-8").rstrip()


def draw(sizes: dict[int, Size]) -> str:
    """Seconds by episodes as SVG in the house style."""
    from iop_outcomes.publication.figures.style import BLUE, GREY, INK, ORANGE, new_figure, styled, to_svg

    lines = (
        ("this package, all of it", "computation", WHOLE, BLUE, "-", "o"),
        ("pandas, less of it", "pandas", WHOLE, ORANGE, "--", "s"),
        ("bare scan of the columns", "scan", "scan", GREY, ":", "^"),
        ("Aalen–Johansen alone", "survival", "Aalen–Johansen", INK, "-.", "D"),
    )
    with styled():
        figure = new_figure(3.4)
        axes = figure.subplots()
        for name, run, step, colour, dash, marker in lines:
            points = [(size.episodes, size.cost(run, step)) for size in sizes.values() if size.cost(run, step) > 0]
            if points:
                x, y = zip(*points, strict=True)
                axes.plot(x, y, color=colour, linestyle=dash, marker=marker, markersize=5)
                axes.annotate(
                    name,
                    (x[-1], y[-1]),
                    xytext=(8, 0),
                    textcoords="offset points",
                    va="center",
                    color=colour,
                    fontsize=8.5,
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(right=axes.get_xlim()[1] * 12)
        ticks = [size.episodes for size in sizes.values()]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], minor=False)
        axes.set_xticks([], minor=True)
        powers = [p for p in range(-4, 5) if axes.get_ylim()[0] <= 10.0**p <= axes.get_ylim()[1]]
        axes.set_yticks([10.0**p for p in powers], [f"{10.0**p:,g}" for p in powers])
        axes.set_xlabel("Episodes in the records")
        axes.set_ylabel("Processor seconds")
        return to_svg(figure, "benchmark")


if __name__ == "__main__":
    sys.exit("python benchmarks/scale.py --draw")
