"""Every figure of the registry works by itself: rows in, a figure, words and a table out, whatever the rows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.figures import FIGURES
from iop_outcomes.publication.gate import publish
from iop_outcomes.vocabulary import UseState

NO_ROWS = Estimates.from_rows([])


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_figure_of_no_rows_is_a_figure_with_words(name: str) -> None:
    kind = FIGURES[name]
    assert kind.title.endswith("?"), "the title is the question it answers"
    for rows in (NO_ROWS, publish(NO_ROWS)):
        drawn = kind.draw(rows)
        assert isinstance(drawn, Figure)
        assert drawn.get_figwidth() <= 7.2, "as wide as a page at most"
        assert kind.describe(rows).endswith(".")
        assert kind.tabulate(rows).rows == ()


def test_figures_are_called_by_what_they_show() -> None:
    assert len({(kind.title, kind.draw) for kind in FIGURES.values()}) == len(FIGURES)


def week_of_care(week: int, shares: dict[str, float]) -> list[dict]:
    """What is known of one week: the share of days in each state."""
    shared = {
        "measure": "milestones",
        "definition": "day_states@1",
        "estimand": "ratio",
        "at": float(week),
        "people": 40.0,
        "unit": "share",
    }
    return [{**shared, "category": state, "value": share} for state, share in shares.items()]


@pytest.mark.parametrize("weeks", [1, 3, 16])
def test_the_bars_of_what_is_known_are_named_beside_them_without_a_key(weeks: int) -> None:
    """However few weeks may be shown, each state is named once, from the bottom up, and no name covers another."""
    shares = {"negative": 0.9, "not_due": 0.02, "missed": 0.03, "mixed": 0, "positive": 0.05}
    rows = Estimates.from_rows([row for week in range(1, weeks + 1) for row in week_of_care(week, shares)], {})
    figure = FIGURES["calendar"].draw(rows)
    (axes,) = figure.axes
    assert not figure.legends
    assert axes.get_legend() is None
    names = [text for text in axes.texts if text.get_text() in UseState.labels().values()]
    assert [name.get_text() for name in names] == [UseState(state).label for state in shares]
    heights = [name.xyann[1] for name in names]
    assert all(upper - lower > 0.05 for lower, upper in pairwise(heights))


def test_what_should_be_known_is_named_in_words_in_figure_table_and_description() -> None:
    """A column by its words, a known instrument and one of the programme's own by their labels, never by a code."""
    named = {
        "housing": "Housing",
        "race_ethnicity": "Race and ethnicity",
        "hours of attended sessions": "Hours of attended sessions",
        "housing made when due": "Stable housing, when due",
        "phq9 made when due": "PHQ-9, when due",
        "started_on made when due": "Day the medication began, when due",
    }
    row = {
        "measure": "people",
        "definition": "completeness@1",
        "estimand": "proportion",
        "n": 60.0,
        "denominator": 80.0,
        "value": 0.75,
    }
    settings = {"instrument_labels": {"started_on": "day the medication began"}}
    rows = Estimates.from_rows([{**row, "category": code} for code in named], settings)
    kind = FIGURES["completeness"]
    (axes,) = kind.draw(rows).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(named.values())
    assert [line[0] for line in kind.tabulate(rows).rows] == list(named.values())
    assert all(words in kind.describe(rows) for words in named.values())
