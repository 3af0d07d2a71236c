"""The nine claims: verdicts on records a director can check by hand, and what may leave of them."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from tests.spec.tables import records

import iop_outcomes as iop
from iop_outcomes.cli import main
from iop_outcomes.comparison import claims
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.library import load_library
from iop_outcomes.publication.figures import FIGURES, to_svg
from iop_outcomes.statistics import people_for_share
from iop_outcomes.vocabulary import DesignWord

#: A course of one week with three sessions of three hours.
WEEK = """
    program | label     | level_of_care | planned_weeks | required_hours | schedule
    --------+-----------+---------------+---------------+----------------+---------
    north   | North IOP | 2.1           | 1             | 9              | evening
"""


def course(*attended: int, services: str = "group", outcomes: pd.DataFrame | None = None) -> iop.Records:
    """A week of three sessions for each person, who attended so many of them."""
    names = [f"e{place:03}" for place in range(len(attended))]
    stays = pd.DataFrame({"episode_id": names, "discharge_date": "2025-01-12", "end_reason": "completed"})
    kinds = services.split()
    sessions = pd.DataFrame(
        [
            {"episode_id": name, "day": str(2 * place), "status": "attended" if place < came else "no_show",
             "service_type": kinds[place % len(kinds)]}
            for (name, came), place in product(zip(names, attended, strict=True), range(3))
        ]
    )  # fmt: skip
    return records(stays, sessions, outcomes, programs=WEEK)


def verdict(found: Estimates, claim: int) -> pd.Series:
    rows = found.where(definition=f"claim_{claim}@1").frame
    return rows[rows["category"].str.startswith("verdict/")].iloc[0]


def word(found: Estimates, claim: int) -> str:
    return str(verdict(found, claim)["note"]).partition(": ")[0]


def people(found: Estimates, claim: int) -> pd.Series:
    return found.where(definition=f"claim_{claim}@1", category=claims.PEOPLE).frame.iloc[0]


def test_everybody_came_to_everything():
    """120 of 120 sessions of 40 people; the interval begins at 91 %, above the criterion of 75 %."""
    found = claims.test_claims(course(*[3] * 40), only=[7])
    row = verdict(found, 7)
    assert word(found, 7) == "supported"
    assert (row["value"], row["ci_low"] > 0.9) == (1.0, True)
    assert math.isnan(people(found, 7)["value"])


def test_everybody_came_to_one_session_of_three():
    """40 of 120 sessions: 26 % to 42 %, all of it below 75 %."""
    found = claims.test_claims(course(*[1] * 40), only=[7])
    assert word(found, 7) == "not supported"
    assert round(verdict(found, 7)["value"], 3) == 0.333


def test_eight_people_cannot_tell_and_the_number_that_would_is_said():
    """20 of 24 sessions: 83 %, but of eight people; how many like them would tell 80 % from 75 %."""
    found = claims.test_claims(course(3, 3, 3, 3, 3, 3, 1, 1), only=[7])
    row = verdict(found, 7)
    assert word(found, 7) == "data cannot tell"
    assert row["ci_low"] < 0.75 < row["ci_high"]
    assert "the interval reaches across 75%" in row["note"]
    alone = people_for_share(0.75, 0.80).people
    assert people(found, 7)["value"] > alone / 3, "a person brings three sessions, at most as good as three people"
    assert people(found, 7)["value"] > 8
    assert found.settings["claims"] == 1
    assert found.settings["figures_tested"] == 2


def test_a_criterion_is_a_parameter():
    read = course(*[2] * 60)
    low = claims.test_claims(read, only=[7], criteria={"sessions_attended": 0.5, "hours_completed": 0.5})
    high = claims.test_claims(read, only=[7], criteria={"sessions_attended": 0.9, "hours_completed": 0.5})
    assert (word(low, 7), word(high, 7)) == ("supported", "not supported")
    assert low.settings["criteria"]["sessions_attended"] == 0.5


def test_one_part_that_is_not_supported_decides():
    found = claims.test_claims(course(*[2] * 60), only=[7], criteria={"sessions_attended": 0.5, "hours_completed": 0.9})
    assert word(found, 7) == "not supported"
    assert "hours attended of hours required" in verdict(found, 7)["note"]


def test_a_kind_of_therapy_without_sessions_leaves_the_claim_open():
    assert word(claims.test_claims(course(*[3] * 30, services="individual group family"), only=[1]), 1) == "supported"
    found = claims.test_claims(course(*[3] * 30, services="individual group"), only=[1])
    assert word(found, 1) == "data cannot tell"
    assert "sessions of family therapy" in verdict(found, 1)["note"]


def test_privacy_and_skills_say_which_records_would_tell():
    found = claims.test_claims(course(3, 3), only=[3, 4])
    for claim, records_needed, threshold, share in ((3, "log of breaches", 0.95, 0.98), (4, "coping", 0.5, 0.6)):
        assert word(found, claim) == "data cannot tell"
        assert records_needed in verdict(found, claim)["note"]
        exact = people_for_share(threshold, share).people
        assert exact <= people(found, claim)["value"] <= exact + 10


def test_people_not_asked_leave_a_share_open_and_more_people_would_not_close_it():
    """30 had work; 20 kept it, 10 were not asked: from 20 of 30 to all of them."""
    said = [{"episode_id": f"e{place:03}", "point": "intake", "day": "0", "result": "yes"} for place in range(30)]
    said += [{"episode_id": f"e{place:03}", "point": "exit", "day": "6", "result": "yes"} for place in range(20)]
    found = claims.test_claims(course(*[3] * 30, outcomes=pd.DataFrame(said).assign(instrument="work")), only=[9])
    row = verdict(found, 9)
    assert word(found, 9) == "data cannot tell"
    assert round(row["value"], 3) == 0.667
    assert row["ci_high"] == found.where(definition="role_work@1", category="kept_most").frame["ci_high"].iloc[0]
    assert people(found, 9)["status"] == "not_estimable"
    assert "not more people" in people(found, 9)["note"]


def test_without_costs_or_residential_care_there_is_no_verdict_on_cost():
    found = claims.test_claims(course(*[3] * 30), only=[6, 8])
    assert word(found, 6) == word(found, 8) == "data cannot tell"
    assert "no residential stay" in verdict(found, 6)["note"]
    assert "without a comparison group it does not say" in verdict(found, 8)["note"]


def test_no_stay_at_the_level_says_so_for_every_claim():
    found = claims.test_claims(course(3, 3), level_of_care="2.5")
    rows = found.frame[found.frame["category"].str.startswith("verdict/")]
    assert len(rows) == 9
    assert set(rows["note"].str.partition(": ")[0]) == {"data cannot tell"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"criteria": {"hours": 0.5}},
        {"criteria": {"hours_offered": math.nan}},
        {"only": [0]},
        {"level_of_care": "9"},
        {"control": "residential"},
    ],
)
def test_words_it_does_not_know(wrong):
    with pytest.raises(UsageError):
        claims.test_claims(course(3, 3), **wrong)


def test_the_claims_are_data_and_every_figure_is_in_the_library():
    library = load_library()
    assert [claim.number for claim in claims.load_claims()] == list(range(1, 10))
    for claim in claims.load_claims():
        assert library[f"claim_{claim.number}"].sentence == claim.claim
        for part in claim.parts:
            assert ": " not in part.words
            assert not part.source or part.row["definition"] in library
            assert (part.side == "any") == (not part.criterion)
            assert part.criterion == "" or (part.margin > 0 and math.isfinite(part.default))


def test_rows_carry_the_words_of_their_definitions():
    for row in claims.test_claims(course(*[3] * 30)).where(measure="claims").rows():
        known = load_library()[row["definition"].partition("@")[0]]
        assert row["estimand"] == "diagnostic"
        assert row["design_word"] == known.design_word
        assert row["design_word"] in (DesignWord.DESCRIBED, DesignWord.ASSOCIATED)


# What may leave


def test_a_verdict_does_not_outlive_its_figure():
    """Eight people are too few for a public figure: the verdict goes with it, and says nothing of what it was."""
    made = [claims.test_claims(course(*came), only=[3, 7]) for came in ([3] * 8, [1] * 8)]
    shown = [iop.publish(found) for found in made]
    for published in shown:
        rows = published.where(definition="claim_7@1").frame
        assert set(rows["status"]) == {"withheld"}
        assert rows[["value", "ci_low", "ci_high", "note"]].isna().all(axis=None)
        assert word(published, 3) == "data cannot tell"
    one, other = (published.where(definition="claim_7@1").frame for published in shown)
    pd.testing.assert_frame_equal(one, other)


def test_a_verdict_without_its_figures_is_withheld():
    found = claims.test_claims(course(*[3] * 40), only=[7])
    assert word(iop.publish(found), 7) == "supported"
    alone = iop.publish(found.where(measure="claims"))
    assert set(alone.frame["status"]) == {"withheld"}


def test_the_figure_says_each_verdict_by_shape_and_word():
    found = claims.test_claims(course(*[1] * 40, services="individual group family"))
    public = iop.publish(found)
    kind = FIGURES["claims"]
    words = kind.describe(public)
    assert "7 Regular: sessions are attended and hours completed: not supported" in words
    assert "3 Privacy and anonymity are kept: data cannot tell" in words
    lines = kind.tabulate(public).rows
    assert len(lines) == 9
    assert lines[6][1:4] == ("not supported", "33% (25% to 43%)", "at least 75%")
    assert to_svg(kind.draw(public), "a") == to_svg(kind.draw(public), "a")


def test_a_withheld_verdict_is_marked_in_the_figure():
    public = iop.publish(claims.test_claims(course(*[3] * 8), only=[7]))
    assert "withheld to protect privacy" in FIGURES["claims"].describe(public)
    assert FIGURES["claims"].tabulate(public).rows[0][1:] == ("withheld", "·", "·", "·", "")
    assert "Nothing to show" in FIGURES["claims"].describe(public.where(measure="hours"))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "x"
    main(["sample", str(folder), "--people", "80", "--seed", "3"])
    capsys.readouterr()
    assert main(["claims", str(folder), "--audience", "internal"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("INTERNAL")
    assert "9 claims" in said
    assert "data cannot tell" in said
    assert main(["claims", str(folder), "--control", "9"]) == 2
