"""Every figure of the registry works by itself: rows in, a figure, words and a table out, whatever the rows."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from iop_outcomes.estimates import Estimates
from iop_outcomes.publication.figures import FIGURES
from iop_outcomes.publication.gate import publish

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
