"""Letters drawn as shapes: which outline is which letter.

The figures draw their words as outlines, so that a page needs no font. A search cannot read them, and neither could a
scan; so every letter is drawn once, and its outline is remembered.
"""

from __future__ import annotations

import re
from functools import cache

from iop_outcomes.publication.figures.style import new_figure, styled, to_svg

#: Every sign a figure may draw: printable ASCII and Latin-1, the signs of the house, and letters drawn as one.
_SIGNS = (
    *(chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))),
    *"–—−‘’“”•…≥≤≈→←↑↓✓✗",
    *(chr(code) for code in range(0x25A0, 0x2600)),  # the marks of charts
    *("ff", "fi", "fl", "ffi", "ffl"),
)
_OUTLINE = re.compile(r'<path id="([^"]+)"(?: d="([^"]*)")?')
_SHOWN = re.compile(r'<use href="#([^"]+)"')


@cache
def read_alphabet() -> dict[str, str]:
    """The letter of every outline, as :func:`~iop_outcomes.publication.figures.style.to_svg` writes it."""
    alphabet: dict[str, str] = {}
    for weight in ("normal", "bold"):
        with styled():
            figure = new_figure(1)
            figure.set_layout_engine("none")
            figure.text(0, 0, " ".join(("", *_SIGNS, "")), weight=weight)
        svg = to_svg(figure, "letters")
        outlines = {name: join(outline) for name, outline in _OUTLINE.findall(svg)}
        shown = [outlines[name] for name in _SHOWN.findall(svg) if name in outlines]
        space = shown[0]
        alphabet[space] = " "
        words = "".join("\n" if outline == space else f"{outline}\t" for outline in shown).split("\n")[1:-1]
        for sign, word in zip(_SIGNS, words, strict=True):
            if word.count("\t") == 1:  # letters that are not joined here were read one by one
                alphabet.setdefault(word.strip("\t"), sign)
    return alphabet


def join(outline: str) -> str:
    """An outline with one space between its numbers, however its lines were broken."""
    return " ".join(outline.split())
