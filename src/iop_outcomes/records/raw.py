"""A table as a file holds it: text only, every row with the number a spreadsheet shows for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class RawTable:
    """Text cells (``""`` where empty) of one source file for one of the five tables.

    ``rows`` gives each row's number in that file, the header being row 1 unless title rows stand above it. ``left_out``
    counts rows that a mapping's filter left out, by the filter's own reason; they are part of the rows read. ``broken``
    holds row number and rule of the rows that could not be split into cells; they are part of the rows read too.
    """

    table: str
    file: str
    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    left_out: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    broken: tuple[tuple[int, str], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(str(name) for name in self.frame.columns)

    def count_cells(self, name: str) -> tuple[list[str], npt.NDArray[np.int64], int]:
        """The different cells of a column, how many rows hold each, and how many cells that are not blank there are."""
        codes, texts = pd.factorize(self.frame[name].fillna(""))
        cells = [str(text) for text in texts]
        return (
            cells,
            np.bincount(codes, minlength=len(cells)).astype(np.int64),
            sum(1 for cell in cells if cell.strip()),
        )
