"""How letters get into a figure: every text is measured and shaped once, however often it is laid out and drawn.

A text is asked for its size several times while a figure is laid out, and the same words stand in many figures.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.figure import Figure
from matplotlib.textpath import TextToPath

#: How many texts are remembered: several times those of a report.
_TEXTS = 4096


class _Letters(TextToPath):
    """Sizes and shapes of texts as they were found the first time; they depend on words and font alone."""

    get_text_width_height_descent = lru_cache(_TEXTS)(TextToPath.get_text_width_height_descent)

    def get_glyphs_with_font(
        self, font: Any, s: str, glyph_map: Any = None, return_new_glyphs_only: bool = False, **how: Any
    ) -> Any:
        """Places of the glyphs, and the outlines of those that ``glyph_map`` lacks."""
        places = _shape(font, s, **how)
        new = dict.fromkeys(name for name, *_ in places if name not in (glyph_map or {}))
        return places, {name: _OUTLINES[name] for name in new}, []


_LETTERS = _Letters()
_OUTLINES: dict[str, Any] = {}


@lru_cache(_TEXTS)
def _shape(font: Any, text: str, **how: Any) -> Any:
    """Which glyph stands where; outlines of new ones are kept."""
    places, new, _ = TextToPath.get_glyphs_with_font(_LETTERS, font, text, _OUTLINES, True, **how)
    _OUTLINES.update(new)
    return places


class _Canvas(FigureCanvasSVG):
    """A canvas that is laid out with the pen it is drawn with."""

    pen: Any

    def get_renderer(self) -> Any:
        """What the layout measures texts with."""
        return self.pen


def print_figure(figure: Figure, target: Any) -> None:
    """Lay a figure out and draw it as SVG, each once and with the same pen; ``target`` takes the text."""
    figure.dpi = FigureCanvasSVG.fixed_dpi
    width, height = figure.get_size_inches()
    svg = RendererSVG(
        width * figure.dpi,
        height * figure.dpi,
        target,
        image_dpi=figure.dpi,
        metadata={"Date": None, "Creator": None, "Type": None, "Format": None},
    )
    svg._text2path = _LETTERS
    pen: Any = MixedModeRenderer(figure, width, height, figure.dpi, svg)
    _Canvas(figure).pen = pen
    engine = figure.get_layout_engine()
    if engine is not None:
        if figure.axes:
            engine.execute(figure)
        figure.set_layout_engine("none")
    figure.draw(pen)
    pen.finalize()
