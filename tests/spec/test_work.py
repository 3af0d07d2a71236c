"""How much work a report is: counted, never timed, so that a slow machine says the same as a fast one."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iop_outcomes import read_records, reductions, select_cohort
from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.figures.style import new_figure, styled, to_svg
from iop_outcomes.records.model import Records
from iop_outcomes.reports.contents import gather_contents
from iop_outcomes.reports.period import Quarter

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
ROW = {"measure": "m", "definition": "d@1", "estimand": "proportion", "value": 0.5, "n": 1, "denominator": 2}


@pytest.fixture(scope="module")
def records() -> Records:
    return read_records(SAMPLE)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the engine was asked for rows, and for the clock of every episode."""
    found: Counter[str] = Counter()

    def counted(name: str) -> Callable[..., Any]:
        asks = getattr(reductions, name)

        def ask(*args: Any, **settings: Any) -> Any:
            found[name] += 1
            return asks(*args, **settings)

        return ask

    for name in ("collect", "episode_clock"):
        monkeypatch.setattr(reductions, name, counted(name))
    return found


def test_a_report_asks_the_engine_seldom(records: Records, asked: Counter[str]) -> None:
    """Costs and both audiences included; the clock is worked out for the level, and for each comparison of levels."""
    gather_contents(records, quarter=Quarter(2025, 4), level="2.1")
    assert asked["episode_clock"] <= 4  # effect, cost, and how stays end
    assert asked["collect"] <= 230


def test_a_cohort_serves_as_the_records_of_the_next(records: Records, asked: Counter[str]) -> None:
    """Chosen from a cohort, another is the same as chosen from its records; another exit rule has a clock of its own."""
    first = select_cohort(records, level_of_care="2.1")
    how: dict[str, Any] = {"admitted": ("2025-01-01", "2025-06-30"), "episodes": "first"}
    again, anew = select_cohort(first, **how), select_cohort(records, **how)
    assert asked["episode_clock"] == 2
    assert again.attrition == anew.attrition
    assert again.settings == anew.settings
    exits = [reductions.episode_rows(cohort.episodes, "exit_day") for cohort in (again, anew)]
    assert exits[0].equals(exits[1])
    select_cohort(first, exit_rule="discharge")
    assert asked["episode_clock"] == 3


def test_reading_a_selection_makes_no_frame() -> None:
    """Hundreds of sentences look for one number each; the frame of a selection is made when it is asked for."""
    made = Estimates.from_rows([{**ROW, "at": at, "category": name} for at in (7, 30) for name in ("a", None)])
    found = made.where(at=[30, 60]).where(category=None)
    assert [(row["at"], row["measure"]) for row in found.rows()] == [(30.0, "m")]
    assert "frame" not in vars(found)
    assert found.frame.equals(made.frame.iloc[[3]].reset_index(drop=True))
    assert len(made.where(category="c")) == len(made.where(at="30")) == 0


def test_what_a_row_is_changed_into_stays_with_its_reader() -> None:
    made = Estimates.from_rows([ROW])
    next(made.rows())["value"] = 1.0
    assert made.value() == next(made.where(measure="m").rows())["value"] == 0.5


def test_a_figure_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laid out first and then drawn, a second time with the same bytes."""
    from matplotlib.axes import Axes

    drawn, draw = [], Axes.draw
    monkeypatch.setattr(Axes, "draw", lambda self, renderer: (drawn.append(self), draw(self, renderer)))
    with styled():
        figure = new_figure(2.0)
        axes = figure.subplots()
        axes.plot([0, 1], [0.2, 0.7])
        axes.set_ylabel("Of everyone admitted")
    assert to_svg(figure, "x") == to_svg(figure, "x")
    assert drawn == [axes, axes]


def test_a_text_is_measured_and_shaped_once() -> None:
    """However often it is laid out and drawn, and in however many figures of a report it stands."""
    from iop_outcomes.publication.figures.lettering import _Letters, _shape

    memories = (_Letters.get_text_width_height_descent, _shape)
    worked = []
    for text in ("Seen at seven days", "Seen at seven days", "Seen at thirty days"):
        before = [memory.cache_info().misses for memory in memories]
        with styled():
            figure = new_figure(2.0)
            figure.subplots().set_title(text)
        to_svg(figure, "x")
        worked.append([memory.cache_info().misses - one for memory, one in zip(memories, before, strict=True)])
    assert worked[1:] == [[0, 0], [1, 1]]


def test_funnels_and_calibration_wait_for_no_heavy_package() -> None:
    code = (
        "import sys; from iop_outcomes.statistics import calibrate, funnel_limits;"
        "funnel_limits([20, 200], 0.7); calibrate([0, 0, 1, 0, 1, 1], [.2, .3, .3, .6, .6, .8], groups=2);"
        "print('scipy.stats' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_page_waits_for_no_package_that_it_does_not_use() -> None:
    """The report and a figure of it, as HTML: nothing of other formats, other engines or statistics packages."""
    code = (
        "import sys; import iop_outcomes, iop_outcomes.cli, iop_outcomes.reports.quarterly, iop_outcomes.records.loading;"
        "from iop_outcomes.publication.figures.style import new_figure, styled, to_svg;"
        "from iop_outcomes.publication.html import render_html;"
        "\nwith styled(): to_svg(new_figure(2.0), 'x')"
        "\nprint(*sorted({'docx', 'xlsxwriter', 'typst', 'rich', 'polars', 'pyspark', 'statsmodels', 'scipy.stats',"
        " 'scipy.optimize', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
