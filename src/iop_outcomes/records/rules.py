"""Why a row is set aside: every rule with the sentence that tells a clerk what to do, and the ledger of them."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from iop_outcomes.records.model import SET_ASIDE_COLUMNS, TableAccount
from iop_outcomes.records.raw import RawTable

Mask = npt.NDArray[np.bool_]

#: Rule id to what to do about it. The sentences never hold a value.
RULES: dict[str, str] = {
    # rows that cannot be split into cells
    "too_many_cells": "The row holds more cells than the header has columns: look for a separator inside a cell.",
    "too_few_cells": "The row holds fewer cells than the header has columns: it was cut off; export the file again.",
    "unclosed_quote": "A quotation mark in the row is not closed or not doubled: correct it.",
    # single cells
    "missing_cell": "Fill in the cell: this column may not be empty.",
    "bad_number": "Write a number with digits and a decimal point only, such as 1.5: no unit, no comma.",
    "bad_whole_number": "Write a whole number with digits only.",
    "bad_date": "Write the date as YYYY-MM-DD, or declare date_format in program.toml.",
    "ambiguous_date": "Write the date as YYYY-MM-DD: 03/04 may be March or April.",
    "impossible_date": "The calendar has no such day: correct the date.",
    "after_as_of": "The day lies after the as-of date: correct it, or as_of in program.toml.",
    "out_of_range": "The number lies outside what is possible: correct it.",
    "age_over_89": "Write 90 for anyone over 89.",
    "negative_hours": "Hours cannot be negative: correct them.",
    "over_24_hours": "More than 24 hours in one day: correct the hours or the days of these rows.",
    "unknown_code": "Write one of the codes of the data dictionary.",
    "unknown_instrument": "Write an instrument of the data dictionary, or add [instruments.NAME] to program.toml.",
    "bad_schedule": "Write weeks and hours as 1-4:9 5-8:6, each week once.",
    # rows against one another and against other tables
    "duplicate_row": "The row stands more than once; the first is used. If two things happened, tell them apart.",
    "conflicting_id": "The id stands in several rows that differ, and all are set aside: keep the right one.",
    "unknown_program": "No programme in the programs table has this id: correct it, or add the programme.",
    "program_set_aside": "Its programme was set aside: mend the programs table first.",
    "unknown_episode": "No episode in the episodes table has this id: correct it, or add the episode.",
    "episode_set_aside": "Its episode was set aside: mend the episodes table first.",
    "overlapping_episode": "The person is in this programme already: close the earlier episode or join the two.",
    # times
    "date_and_day_disagree": "The date and the day since admission disagree: correct one or leave one empty.",
    "time_unknown": "The date cannot be counted from an admission without a date: give the day since admission.",
    "discharge_before_admission": "The discharge lies before the admission: correct one of the dates.",
    "session_before_admission": "The session lies before the admission: correct its day or the admission.",
    "session_after_discharge": "The session lies after the discharge: correct its day or the discharge.",
    "end_reason_without_discharge": "There is an end reason and no discharge: add the discharge or remove the reason.",
    "discharge_without_end_reason": "There is a discharge and no end reason: add the reason or remove the discharge.",
    "no_observation": "Without dates, give observed_day for every episode: the days from admission to the as-of date.",
    "period_ends_before_start": "The period ends before it starts: correct one of the dates.",
    # what one row says twice
    "attended_over_offered": "More hours were attended than offered: correct one of the two.",
    "attended_without_hours": "The session was attended with 0 hours: correct the hours or the status.",
    "hours_without_attendance": "The session was not attended and has hours: correct the hours or the status.",
    "score_out_of_range": "The score lies outside its instrument's range: correct it.",
    "unknown_result": "Write a result this instrument has (data dictionary); a scale takes a score and no result.",
    "done_without_result": "It was done and has neither the score nor the result its instrument asks for: add it.",
    "result_without_done": "It was not done and has a score or a result: correct the status or remove the score.",
}


class Notes:
    """Remarks on a table with a number in each, added up where the rows come in several blocks."""

    def __init__(self) -> None:
        """Start without a remark."""
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, before: str, number: int, after: str) -> None:
        """Add ``number`` to the remark that says ``before``, the number, ``after``; none when it is 0."""
        if number:
            self._counts[before, after] = self._counts.get((before, after), 0) + number

    def lines(self) -> tuple[str, ...]:
        """The remarks in the order in which they first came up; "cells" and the like in the singular for one."""
        return tuple(
            f"{before}{number}{re.sub(r'^ cells', ' cell', after) if number == 1 else after}"
            for (before, after), number in self._counts.items()
        )


class Ledger:
    """Where each row of one table goes, and every rule it broke."""

    def __init__(self, table: str, sources: list[RawTable], label: str = "") -> None:
        """Start with every row in use; ``label`` is what a message calls the files, their names unless given."""
        self.table = table
        self.sources = sources
        self.names = label or ", ".join(dict.fromkeys(source.file for source in sources))
        names = [source.file for source in sources]
        lengths = [len(source.frame) for source in sources]
        self.files = np.repeat(np.array(names, dtype=object), lengths)
        self.rows: npt.NDArray[np.int64] = (
            np.concatenate([source.rows for source in sources]) if sources else np.zeros(0, dtype=np.int64)
        )
        self._rules: list[str] = []
        self._first = np.full(len(self.rows), -1, dtype=np.int64)
        self._entries: list[pd.DataFrame] = []
        for source in sources:
            for number, rule in source.broken:
                self._list([source.file], [number], "", rule, "")

    @property
    def ok(self) -> Mask:
        """Rows no rule has set aside so far."""
        return np.asarray(self._first < 0)

    def flag(self, mask: Mask | pd.Series, rule: str, column: str, what_to_do: str = "") -> None:
        """Set the rows of ``mask`` aside under ``rule``; rows set aside before get this rule listed as well."""
        hit = np.flatnonzero(np.asarray(mask, dtype=bool))
        if not len(hit):
            return
        if rule not in self._rules:
            self._rules.append(rule)
        fresh = hit[self._first[hit] < 0]
        self._first[fresh] = self._rules.index(rule)
        self._list(self.files[hit], self.rows[hit], column, rule, what_to_do)

    def account(self) -> TableAccount:
        """Rows read, used and set aside by the first rule each broke."""
        aside: dict[str, int] = {}
        read = len(self.rows)
        for source in self.sources:
            for reason, count in source.left_out.items():
                aside[reason] = aside.get(reason, 0) + int(count)
                read += int(count)
            for _, rule in source.broken:
                aside[rule] = aside.get(rule, 0) + 1
                read += 1
        for index, rule in enumerate(self._rules):
            count = int((self._first == index).sum())
            if count:
                aside[rule] = aside.get(rule, 0) + count
        files = tuple(dict.fromkeys(source.file for source in self.sources))
        return TableAccount(self.table, files, read, int(self.ok.sum()), aside)

    def set_aside(self) -> pd.DataFrame:
        """One row for each rule a row broke, in the order of the files."""
        if not self._entries:
            return pd.DataFrame(columns=list(SET_ASIDE_COLUMNS))
        listed = pd.concat(self._entries, ignore_index=True)
        order = {source.file: index for index, source in enumerate(self.sources)}
        listed["order"] = listed["file"].map(order)
        return listed.sort_values(["order", "row"], kind="stable", ignore_index=True)[list(SET_ASIDE_COLUMNS)]

    def _list(self, files: object, rows: object, column: str, rule: str, what_to_do: str) -> None:
        entry = pd.DataFrame({"file": files, "row": rows})
        entry = entry.assign(table=self.table, column=column, rule=rule, what_to_do=what_to_do or RULES[rule])
        self._entries.append(entry)
