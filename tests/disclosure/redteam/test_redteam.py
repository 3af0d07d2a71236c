"""Twenty naive releases give their hidden number back; through the gate the same estimates give nothing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest

from iop_outcomes.estimates import COLUMNS, Estimates
from iop_outcomes.publication.attacker import attack
from iop_outcomes.publication.gate import publish

HERE = Path(__file__).parent
ANSWERS = tomllib.loads((HERE / "answers.toml").read_text(encoding="utf-8"))


def releases(folder: str, name: str) -> list[pd.DataFrame]:
    """The releases of a case, in order."""
    paths = sorted(path for path in (HERE / folder).glob("*.csv") if path.stem.partition("-release-")[0] == name)
    assert paths
    text = {column: str for column, kind in COLUMNS.items() if kind == "str"}
    return [pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""]) for path in paths]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_naive_release_gives_its_hidden_number_back(name: str) -> None:
    answer = ANSWERS[name]
    found = {each.cell: each for each in attack(*releases("naive", name))}
    assert answer["cell"] in found, sorted(found)
    finding = found[answer["cell"]]
    assert (finding.low, finding.high, finding.method) == (answer["number"], answer["number"], answer["method"])


@pytest.mark.parametrize("name", ANSWERS)
def test_the_gate_lets_nothing_through(name: str) -> None:
    """Each release is published after the ones before it, which a reader still holds."""
    earlier: list[pd.DataFrame] = []
    for rows in releases("full", name):
        known = pd.concat(earlier, ignore_index=True) if earlier else None
        earlier.append(publish(Estimates(rows), earlier=known).frame)
    told = [(each.cell, each.low, each.high, each.method) for each in attack(*earlier)]
    assert told == []


def test_the_answers_are_not_in_the_tables() -> None:
    """Twenty cases, each with its tables, and every withheld row of a naive release is blank."""
    assert len(ANSWERS) == 20
    for name in ANSWERS:
        for frame in releases("naive", name):
            if "status" in frame:
                gone = frame[frame["status"] == "withheld"]
                assert gone.reindex(columns=["value", "n", "people"]).isna().all(axis=None)
