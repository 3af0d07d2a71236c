"""Dates as whole days since admission, and the day that a date and a day column together give."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from iop_outcomes.records.rules import Ledger, Mask


def count_days(later: pd.Series, earlier: pd.Series) -> pd.Series:
    """Whole days from one date to another, ``Int64``, missing where either is."""
    days = (later - earlier).dt.days
    return days.round().astype("Int64")


def settle_day(frame: pd.DataFrame, counted: pd.Series, ledger: Ledger, columns: tuple[str, str]) -> pd.Series:
    """The day counted from the date, else the day as given; rows in which both stand and differ are set aside.

    ``columns`` are the names of the date column and the day column.
    """
    given = frame[columns[1]]
    ledger.flag(is_true(given != counted), "date_and_day_disagree", columns[1])
    return counted.fillna(given)


def flag_after(dates: pd.Series, as_of: date | None, ledger: Ledger, column: str) -> None:
    """Set aside rows whose date lies after the as-of date."""
    if as_of is not None:
        ledger.flag(dates > pd.Timestamp(as_of), "after_as_of", column)


def is_true(condition: pd.Series) -> Mask:
    """A condition as a plain mask; what is unknown is not true."""
    return np.asarray(condition.fillna(False).to_numpy(dtype=bool))


def episode_column(ids: pd.Series, episodes: pd.DataFrame, column: str) -> pd.Series:
    """A column of the episodes in use for each row of another table, missing where the episode is not in use."""
    codes, uniques = pd.factorize(ids)
    position = np.append(episodes.index.get_indexer(pd.Index(uniques)), -1)[codes]
    values = episodes[column].array.take(position, allow_fill=True)
    return pd.Series(values, index=ids.index, name=column)


def count_weeks(day: pd.Series) -> pd.Series:
    """The week of treatment of a day: days 0–6 are week 1."""
    return day // 7 + 1
