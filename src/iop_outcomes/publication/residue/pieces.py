"""What readers of files hand over: a text with its place, or the place of something that could not be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """One text of a file: a paragraph, a cell, an attribute, a drawn word. ``scope`` is the block of a document it is in.

    ``readable`` is false for a part nobody could read; its text says what it is.
    """

    place: str
    text: str
    scope: str = ""
    readable: bool = True


def unread(place: str, what: str) -> Piece:
    """The place of something that could not be read."""
    return Piece(place, what, readable=False)
