"""What an outsider holds: the rows of one or several releases, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import ALL, COLUMNS
from iop_outcomes.publication.published import PARTLY
from iop_outcomes.vocabulary import Status

#: Estimands whose ``n`` counts events among the denominator.
COUNTED = ("count", "proportion", "survival", "cumulative_incidence")
#: Estimands that run along days.
CURVES = ("survival", "cumulative_incidence")
#: Estimands that rest on a number of people and say how many.
SUMMARISED = ("mean", "ratio", "rate", "sum", "median", "restricted_mean", "restricted_mean_lost", "kappa")

#: More decimals than this tell nothing more.
_DECIMALS = 12


@dataclass(frozen=True)
class Table:
    """All rows of all releases, one below the other; row numbers count through. Missing text is an empty string.

    ``decimals`` says, per release, how many decimals its values and limits carry (at most 12).
    """

    frame: pd.DataFrame
    release: np.ndarray
    text: dict[str, list[str]]
    number: dict[str, np.ndarray]
    name: list[str]
    withheld: np.ndarray
    decimals: list[dict[str, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.frame)

    def shown(self, column: str, row: int) -> bool:
        """Whether a number stands in the row."""
        return not np.isnan(self.number[column][row])

    def blanked(self, row: int) -> bool:
        """Whether a row stands and says that some of its counts do not."""
        return not self.withheld[row] and PARTLY in self.text["note"][row]

    def key(self, row: int, *columns: str) -> tuple[object, ...]:
        """The row's release and what it says in the columns; a missing day is a value of its own."""
        said = [self._said(name, row) for name in columns]
        return (int(self.release[row]), *said)

    def families(self, rows: Iterable[int], *columns: str) -> dict[tuple[object, ...], list[int]]:
        """Rows by their :meth:`key`, in order."""
        found: dict[tuple[object, ...], list[int]] = {}
        for row in rows:
            found.setdefault(self.key(row, *columns), []).append(row)
        return found

    def _said(self, name: str, row: int) -> object:
        if name in self.text:
            return self.text[name][row]
        value = float(self.number[name][row])
        return None if np.isnan(value) else value


def join(releases: Sequence[pd.DataFrame]) -> Table:
    """One table of everything that is out; a release may leave out columns it does not need.

    Raises ``UsageError`` for a table without definitions and estimands.
    """
    frames = [_complete(release) for release in releases]
    frame = pd.concat(frames, ignore_index=True) if frames else _complete(pd.DataFrame(columns=list(COLUMNS)))
    number = {name: frame[name].to_numpy(dtype="float64") for name, kind in COLUMNS.items() if kind != "str"}
    text = {name: frame[name].fillna("").tolist() for name, kind in COLUMNS.items() if kind == "str"}
    text["by"] = [by or ALL for by in text["by"]]
    text["group"] = [ALL if by == ALL else group for by, group in zip(text["by"], text["group"], strict=True)]
    status = text["status"]
    blank = np.all([np.isnan(number[name]) for name in ("value", "n", "denominator", "people")], axis=0)
    return Table(
        frame,
        np.repeat(np.arange(len(frames)), [len(each) for each in frames]),
        text,
        number,
        [definition.split("@")[0] for definition in text["definition"]],
        np.array([word == Status.WITHHELD for word in status], dtype=bool)
        | (np.array([word == "" for word in status], dtype=bool) & blank),
        [
            {
                name: max(map(decimals_of, each[name].dropna().tolist()), default=0)
                for name in ("value", "ci_low", "ci_high")
            }
            for each in frames
        ],
    )


def read_release(folder: str | Path) -> list[pd.DataFrame]:
    """What has been released into this folder: every CSV file of estimates, by name.

    Several files are what an outsider holds together. Raises ``UsageError`` when there is none, or when a column of
    numbers holds something else.
    """
    folder = Path(folder)
    frames = []
    for path in sorted(folder.glob("*.csv")):
        header = [name for name in pd.read_csv(path, nrows=0).columns if name in COLUMNS]
        if {"definition", "estimand"} <= set(header):
            text = {name: str for name in header if COLUMNS[name] == "str"}
            frame = pd.read_csv(path, usecols=header, dtype=text, keep_default_na=False, na_values=[""])
            frames.append(_complete(frame, f"{path.name}: "))
    if not frames:
        raise UsageError(
            f"there is no released table in {folder}; give the folder that holds the CSV files of a release "
            "(columns definition, estimand, n, denominator and so on)"
        )
    return frames


def _complete(release: pd.DataFrame, where: str = "") -> pd.DataFrame:
    """The release in the columns of Estimates, in order."""
    missing = {"definition", "estimand"} - set(release.columns)
    if missing:
        raise UsageError(f"{where}a released table needs the column {' and '.join(sorted(missing))}")
    columns: dict[str, pd.Series] = {}
    for name, kind in COLUMNS.items():
        given = release[name] if name in release else pd.Series(np.nan, index=release.index)
        if kind == "str":
            columns[name] = given.astype(object).where(given.notna(), None).astype("str")
            continue
        try:
            columns[name] = pd.to_numeric(given).astype("float64")
        except (ValueError, TypeError) as error:
            raise UsageError(f"{where}the column {name} holds something that is not a number") from error
    return pd.DataFrame(columns).reset_index(drop=True)


def decimals_of(value: float) -> int:
    """How many decimals a number carries, at most 12.

    >>> decimals_of(0.125), decimals_of(2 / 3), decimals_of(40.0)
    (3, 12, 0)
    """
    mantissa, _, exponent = f"{value!r}".partition("e")
    return min(_DECIMALS, max(0, len(mantissa.partition(".")[2].rstrip("0")) - int(exponent or 0)))
