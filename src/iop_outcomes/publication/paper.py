"""The sheets that documents are printed on."""

from __future__ import annotations

from dataclasses import dataclass

from iop_outcomes.errors import UsageError

_MILLIMETRE = 72 / 25.4
_SIZES = {"a4": (210.0, 297.0), "us-letter": (215.9, 279.4)}


@dataclass(frozen=True)
class Paper:
    """A sheet with its margins, in points."""

    name: str
    width: float
    height: float
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
        width, height = _SIZES[name]
        return cls(name, width * _MILLIMETRE, height * _MILLIMETRE)

    @property
    def text_width(self) -> float:
        """How wide the text is."""
        return round(self.width - 2 * self.side, 2)

    @property
    def text_height(self) -> float:
        """How high the text is."""
        return round(self.height - self.top - self.bottom, 2)
