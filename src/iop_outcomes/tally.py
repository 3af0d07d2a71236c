"""Sufficient statistics: the only thing that leaves the engine, small and validated.

Three kinds and no more: *counts* (how many rows and people by group and category), *life table* (events and people by
group, day and cause) and *moments* (sums, squares and cross-products over people, by group). What needs one row per
episode, such as a clustered standard error, asks the engine for exactly the columns it needs instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

#: The columns each kind holds beside its group columns.
_KINDS: dict[str, tuple[str, ...]] = {
    "counts": ("n", "people"),
    "life_table": ("day", "cause", "n"),
    "moments": ("clusters", "sum_y", "sum_x", "sum_yy", "sum_xy", "sum_xx"),
}


@dataclass(frozen=True)
class Tally:
    """A validated frame of sufficient statistics; ``by`` names its group columns.

    Adding the tallies of two disjoint sets of people gives the tally of both, which is what lets an engine split the work.
    """

    kind: str
    by: tuple[str, ...]
    frame: pd.DataFrame

    def __post_init__(self) -> None:
        """Refuse a frame that is not a tally of its kind."""
        if self.kind not in _KINDS:
            raise ValueError(f"{self.kind!r} is not a kind of tally: {', '.join(_KINDS)}")
        wanted = [*self.by, *_KINDS[self.kind]]
        missing = [name for name in wanted if name not in self.frame]
        if missing:
            raise ValueError(f"a {self.kind} tally needs {', '.join(missing)}")
        numbers = [name for name in _KINDS[self.kind] if name != "cause"]
        columns = {name: self.frame[name].array for name in wanted}
        columns |= {name: self.frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in numbers}
        if any(np.isnan(columns[name]).any() for name in numbers):
            raise ValueError(f"a {self.kind} tally holds a missing number")
        if any((columns[name] < 0).any() for name in numbers if name in ("n", "people", "clusters", "day")):
            raise ValueError(f"a {self.kind} tally holds a negative count")
        object.__setattr__(self, "frame", pd.DataFrame(columns))

    def __add__(self, other: Tally) -> Tally:
        """The tally of both sets of people, which must not overlap."""
        if (self.kind, self.by) != (other.kind, other.by):
            raise ValueError("only tallies of one kind and grouping can be added")
        keys = [*self.by, *(name for name in _KINDS[self.kind] if name in ("day", "cause"))]
        both = pd.concat([self.frame, other.frame])
        if not keys:
            return Tally(self.kind, self.by, both.sum().to_frame().T)
        return Tally(self.kind, self.by, both.groupby(keys, dropna=False, as_index=False).sum())
