"""The synthetic records as one thing: five tables, settings and truth, in memory or in a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from iop_outcomes.errors import UsageError
from iop_outcomes.records.synthetic import scenario, tables
from iop_outcomes.records.synthetic.assessments import assess
from iop_outcomes.records.synthetic.course import Course, follow
from iop_outcomes.records.synthetic.people import Flags, draw_people
from iop_outcomes.records.synthetic.sessions import hold_sessions
from iop_outcomes.records.synthetic.truth import load_truth
from iop_outcomes.records.templates import DICTIONARY_FILE, data_dictionary
from iop_outcomes.schema import TABLES
from iop_outcomes.staging import stage_files

_NAME = "Synthetic sample"


@dataclass(frozen=True)
class Sample:
    """Synthetic records: the five tables as text (``""`` where empty), the settings of program.toml, and the truth.

    ``admitted`` is the first and last day of admission that the truth's rows for every episode speak of; hand it to
    ``select_cohort(admitted=…)`` when the sample was made with ``censoring=False``. :attr:`source` is what
    ``read_records`` takes.
    """

    programs: pd.DataFrame
    episodes: pd.DataFrame
    attendance: pd.DataFrame
    outcomes: pd.DataFrame
    costs: pd.DataFrame
    settings: Mapping[str, Any]
    truth: pd.DataFrame
    admitted: tuple[str, str]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The five tables by name."""
        return {
            "programs": self.programs,
            "episodes": self.episodes,
            "attendance": self.attendance,
            "outcomes": self.outcomes,
            "costs": self.costs,
        }

    @property
    def source(self) -> dict[str, Any]:
        """The tables and settings as ``read_records`` takes them."""
        return {**self.tables, "settings": dict(self.settings)}


def simulate_records(
    people: int = 600, seed: int = 1, *, perfect_observation: bool = False, censoring: bool = True
) -> Sample:
    """Make synthetic records of ``people`` people; the same seed gives the same records, character for character.

    First admissions fall in the eight quarters of 2024 and 2025 and the extract is made on 31 January 2026, so some people
    are still in the programme. With ``perfect_observation`` use is known for every day in care, every assessment is made
    and every follow-up answered truthfully; who comes, uses and leaves stays the same. With ``censoring=False`` everybody
    is followed to the end of all their admissions; the calendar then starts in 2018, so that the extract lies in the past.

    Raises :class:`UsageError` for fewer than 20 people or a negative seed.

    >>> sample = simulate_records(people=40, seed=3)
    >>> sorted(sample.episodes["level_of_care"].unique())
    ['2.1', '3.5']
    """
    drawn = draw_block(people, seed, perfect=perfect_observation, censoring=censoring)
    start, last = _window(censoring)
    text = {name: frame.astype("str") for name, frame in drawn.items()}
    return Sample(
        tables.programs_table(people),
        text["episodes"],
        text["attendance"],
        text["outcomes"],
        text["costs"],
        sample_settings(_day(start, last)),
        load_truth(),
        (start.isoformat(), _day(start, scenario.EXTRACT_DAY).isoformat()),
    )


def draw_block(
    people: int, seed: int, block: int = 0, *, perfect: bool = False, censoring: bool = True
) -> dict[str, pd.DataFrame]:
    """The tables of one block of people but the programmes', drawn from streams of its own; each different cell held once.

    Raises :class:`UsageError` for fewer than 20 people or a negative seed.
    """
    if people < 20 or seed < 0:
        raise UsageError("synthetic records need at least 20 people and a seed of 0 or more")
    # An entropy of 0 at the end changes nothing: the first block is what a sample of one block has always been.
    streams = [np.random.default_rng([seed, stream, block]) for stream in range(7)]
    persons = draw_people(people, streams[0])
    course = follow(persons, streams[1])
    start, last = _window(censoring)
    costs = tables.costs_table(persons, course, start, streams[5])
    course = _kept(course, persons.first_day[course.person] + course.start <= last)
    calendar = tables.Calendar(start, last)
    observed = last - persons.first_day[course.person] - course.start
    sessions = hold_sessions(persons, course, streams[2])
    assessments = assess(persons, course, sessions, observed, streams[3], streams[6], perfect)
    sessions = sessions.keep(sessions.day <= observed[sessions.episode])
    ids = tables.draw_ids(len(course), streams[4], block)
    return {
        "episodes": tables.episodes_table(persons, course, calendar, ids, streams[4], block),
        "attendance": tables.attendance_table(persons, course, sessions, calendar, ids),
        "outcomes": tables.outcomes_table(persons, course, assessments, calendar, ids),
        "costs": costs,
    }


def sample_settings(as_of: date) -> dict[str, Any]:
    """What the sample's program.toml says."""
    return {
        "name": _NAME,
        "as_of": as_of,
        "privacy": "internal",
        "synthetic": True,
        "ids_are_random": True,
        "asam_edition": 3,
    }


def _window(censoring: bool) -> tuple[date, int]:
    """The first day of the calendar and the number of the day of the extract."""
    if censoring:
        return scenario.CALENDAR_START, scenario.EXTRACT_DAY
    return scenario.COMPLETE_START, scenario.COMPLETE_DAY


def write_sample(
    folder: str | Path,
    people: int = 600,
    seed: int = 1,
    *,
    form: str = "csv",
    step: Callable[[str, int, int], None] | None = None,
) -> list[Path]:
    """Write synthetic records, their truth, a README and the data dictionary into ``folder``; returns the files.

    ``form`` is ``"csv"``, one file a table made in memory, or ``"parquet"``, a folder of files a table, made and written
    one block of people after another, so that memory does not grow with ``people``. Tables of the same names are replaced,
    all at once at the end: a run that is stopped leaves what was there. The bytes depend on ``people``, ``seed`` and
    ``form`` alone. ``step`` is told what is being done, how many blocks are done, and of how many.

    Raises :class:`UsageError` for another ``form``.
    """
    from iop_outcomes.records.synthetic.parts import write_parts

    if form not in ("csv", "parquet"):
        raise UsageError("the form of a sample is csv or parquet")
    folder = Path(folder)
    tables = [*TABLES, *(f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet"))]
    with stage_files(folder, "sample", replacing=tables) as new:
        if form == "csv":
            sample = simulate_records(people, seed)
            written = [new / f"{name}.csv" for name in sample.tables]
            for path, frame in zip(written, sample.tables.values(), strict=True):
                _write_csv(frame, path)
            counts = {f"{name}.csv": len(frame) for name, frame in sample.tables.items()}
        else:
            written, counts = write_parts(new, people, seed, step or (lambda what, done, total: None))
        settings = sample_settings(_day(*_window(True)))
        command = f"--people {people} --seed {seed}" + ("" if form == "csv" else f" --format {form}")
        texts = {
            "program.toml": _program_text(settings),
            "README.md": _readme_text(settings, people, command, counts),
            DICTIONARY_FILE: _dictionary_text(),
        }
        for name, text in texts.items():
            (new / name).write_text(text, encoding="utf-8", newline="\n")
        _write_csv(load_truth(), new / "truth.csv")
        names = [*(path.relative_to(new).as_posix() for path in written), *texts, "truth.csv"]
    return [folder / name for name in names]


def _kept(course: Course, mask: Flags) -> Course:
    """The admissions of ``mask``, in the order of admission."""
    order = np.flatnonzero(mask)
    order = order[np.lexsort((course.start[order], course.person[order]))]
    names = ("person", "number", "start", "score", "either", "program", "reason", "left", "discharge", "never_came")
    return replace(course, **{name: getattr(course, name)[order] for name in names})


def _day(start: date, day: int) -> date:
    return start + timedelta(days=day)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _program_text(settings: Mapping[str, Any]) -> str:
    lines = ["# Synthetic records: nobody in these files exists."]
    for key, value in settings.items():
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, str):
            text = f'"{value}"'
        else:
            text = str(value)
        lines.append(f"{key} = {text}")
    return "\n".join(lines) + "\n"


def _dictionary_text() -> str:
    return f"The files beside this page hold synthetic records: nobody in them exists.\n\n{data_dictionary()}"


def _readme_text(settings: Mapping[str, Any], people: int, command: str, rows: Mapping[str, int]) -> str:
    counts = "\n".join(f"| `{name}` | {number:,} |" for name, number in rows.items())
    return _README.format(
        people=people, dictionary=DICTIONARY_FILE, command=command, counts=counts, as_of=settings["as_of"]
    )


_README = """# Synthetic records

**Everything in this folder is synthetic. Nobody in it exists**, and no figure made from it says anything about a programme.
Ids start with `syn-`, programme labels end in "(synthetic)", `program.toml` says `synthetic = true`, and every row
of `truth.csv` carries the word.

Made by `iop-outcomes sample DIR {command}`; the same command writes the same bytes.

| file | rows |
| --- | ---: |
{counts}

An agency with a day and an evening intensive outpatient programme (ASAM 2.1, 8 weeks) and a residential programme
(ASAM 3.5, 4 weeks). First admissions fall in the eight quarters of 2024 and 2025; the extract is dated {as_of}, so some
people are still in a programme and late days of the last admissions have not happened yet. Readmissions in January 2026
are included. What each column means stands in `{dictionary}`.

What to know before using it:

- People with more severe problems go to residential care more often. A crude comparison of the two levels therefore
  points the wrong way: the truth is that the same people do better after residential care *in these made-up records*.
  Severity, housing and primary substance are enough to adjust for; `either_level` marks who could have gone to either.
- A lapse raises the hazard of leaving in the next days.
- Of about a third of the missed sessions only the week of treatment is recorded, not the date.
- Distress is worst at admission and eases by itself, so scores fall further than care brings them down: of the change of
  a score, `change_by_care` in `truth.csv` is care's part.
- Urine tests miss some use, self-reports leave some out, and people who use are harder to reach at follow-up.
- `truth.csv` holds what a complete record would show: `population` says for whom (`attended`: every admission with an
  attended session; `attended_first`: the same for first admissions; `admitted`: every admission; `either_first`: first
  admissions of everybody who could have gone to either level, had all gone to the level named), `exit_rule` which day
  counts as the exit. It comes from a large population drawn from the same mechanism and followed to the end, not from
  these {people} people.
"""
