"""Sheets and pictures from Typst templates: the house's typeface, nothing from the machine, and no warning let by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from iop_outcomes.publication.wording import settle_text

if TYPE_CHECKING:
    from typst import Fonts

#: How finely pictures are painted.
DOTS_PER_INCH = 300
#: Faces of the typeface the sheets are set in; Matplotlib, which draws the figures in it, brings them along.
_FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
#: What stands for a letter the typeface does not have.
_UNKNOWN = "\ufffd"


def set_sheets(template: str, content: Mapping[str, Any]) -> bytes:
    """The PDF of a template filled with words and drawings, in keeping with PDF/UA-1; ``RuntimeError`` with a warning."""
    (pdf,) = _compile(template, content, "pdf")
    return pdf


def paint_pictures(drawings: Sequence[str]) -> list[bytes]:
    """Each SVG drawing as a PNG in the size it was drawn in."""
    return _compile("picture.typ", {"drawings": [{"svg": svg} for svg in drawings]}, "png") if drawings else []


def _compile(template: str, content: Mapping[str, Any], kind: Literal["pdf", "png"]) -> list[bytes]:
    import typst

    made, warnings = typst.compile_with_warnings(
        files("iop_outcomes.publication").joinpath("templates", template).read_bytes(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format=kind,
        ppi=DOTS_PER_INCH,
        sys_inputs={"document": _known(json.dumps(_settle(content), ensure_ascii=False))},
        pdf_standards=["ua-1"] if kind == "pdf" else [],
        timestamp=0,
    )
    if warnings or made is None:
        raise RuntimeError(f"the layout is not sound: {'; '.join(str(each) for each in warnings)}")
    return made if isinstance(made, list) else [made]


def _settle(value: Any) -> Any:
    """Every text on one line, without signs that print nothing; drawings as they are."""
    if isinstance(value, Mapping):
        return {name: inner if name == "svg" else _settle(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_settle(inner) for inner in value]
    return settle_text(value) if isinstance(value, str) else value


def _known(text: str) -> str:
    """The text with a mark for every letter the typeface does not have."""
    return text.translate({ord(sign): _UNKNOWN for sign in set(text) - _letters()})


@cache
def _fonts() -> Fonts:
    from typst import Fonts

    return Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[_folder()])


@cache
def _letters() -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    faces = (FT2Font(str(_folder() / face)).get_charmap() for face in _FACES)
    return frozenset(chr(code) for code in set.intersection(*(set(face) for face in faces)))


def _folder() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path(), "fonts", "ttf")
