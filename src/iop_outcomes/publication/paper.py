"""The sheets that documents are printed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from iop_outcomes.errors import UsageError

#: The sheets there are.
PaperName = Literal["a4", "us-letter"]

_MILLIMETRE = 72 / 25.4
#: How wide and high each is in millimetres, and the number Excel calls it by.
_SIZES = {"a4": (210.0, 297.0, 9), "us-letter": (215.9, 279.4, 1)}


@dataclass(frozen=True)
class Paper:
    """A sheet with its margins, in points, and what Excel calls it."""

    name: str
    width: float
    height: float
    excel: int
    side: float = 15 * _MILLIMETRE
    top: float = 19 * _MILLIMETRE
    bottom: float = 15 * _MILLIMETRE

    @classmethod
    def named(cls, name: str) -> Paper:
        """The sheet of a name; ``UsageError`` for one nobody has.

        >>> Paper.named("a4").text_width
        510.24
        """
        if name not in _SIZES:
            raise UsageError(f"paper is one of {', '.join(_SIZES)}")
        width, height, excel = _SIZES[name]
        return cls(name, width * _MILLIMETRE, height * _MILLIMETRE, excel)

    @property
    def text_width(self) -> float:
        """How wide the text is."""
        return round(self.width - 2 * self.side, 2)

    @property
    def text_height(self) -> float:
        """How high the text is."""
        return round(self.height - self.top - self.bottom, 2)
