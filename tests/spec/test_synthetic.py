"""Synthetic records: the same seed gives the same bytes, every feature is there, and the truth is the truth."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iop_outcomes.errors import UsageError
from iop_outcomes.records.loading import read_records
from iop_outcomes.records.synthetic import (
    Sample,
    compute_truth,
    load_truth,
    simulate_records,
    true_value,
    write_sample,
)
from iop_outcomes.schema import TABLES
from iop_outcomes.vocabulary import AttendanceStatus, EndReason

COMMITTED = Path(__file__).parents[2] / "data" / "sample"
#: People in the large samples, and how many standard errors an estimate may lie from the truth.
LARGE, WITHIN = 12_000, 4.0


@pytest.fixture(scope="module")
def sample() -> Sample:
    return simulate_records()


@pytest.fixture(scope="module")
def complete() -> Sample:
    return simulate_records(LARGE, 20, perfect_observation=True, censoring=False)


@pytest.fixture(scope="module")
def stays(complete: Sample) -> pd.DataFrame:
    """The complete sample, one row per admission of the window, with days counted by hand."""
    frame = complete.episodes.copy()
    frame["admitted"] = pd.to_datetime(frame["admission_date"])
    frame = frame.sort_values(["person_id", "admitted"])
    frame["number"] = frame.groupby("person_id").cumcount() + 1
    frame["discharge"] = (pd.to_datetime(frame["discharge_date"]) - frame["admitted"]).dt.days
    came = complete.attendance[complete.attendance["status"] == "attended"]
    day = pd.to_datetime(came["date"]) - came["episode_id"].map(frame.set_index("episode_id")["admitted"])
    frame["last"] = frame["episode_id"].map(day.dt.days.groupby(came["episode_id"]).max())
    inside = frame["admission_date"].between(*complete.admitted)
    return frame[inside & frame["last"].notna()].set_index("episode_id")


def test_same_seed_same_bytes(tmp_path):
    first, second = write_sample(tmp_path / "a", 60, 5), write_sample(tmp_path / "b", 60, 5)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    other = write_sample(tmp_path / "c", 60, 6)
    assert (tmp_path / "a" / "episodes.csv").read_bytes() != (tmp_path / "c" / "episodes.csv").read_bytes()
    assert len(other) == 9


def test_committed_sample_is_what_the_command_writes(tmp_path):
    for path in write_sample(tmp_path):
        assert (COMMITTED / path.name).read_bytes() == path.read_bytes(), f"write data/sample again: {path.name}"


def test_every_file_says_synthetic(tmp_path):
    for path in write_sample(tmp_path, 60, 5):
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.suffix == ".csv":
            assert all("syn" in line for line in lines[1:]), path.name
        else:
            assert "synthetic" in path.read_text(encoding="utf-8").lower()


@pytest.mark.parametrize(("perfect", "censoring"), [(False, True), (True, False)])
def test_no_row_breaks_a_rule(perfect, censoring):
    made = simulate_records(800, 3, perfect_observation=perfect, censoring=censoring)
    manifest = read_records(made.source).manifest
    assert manifest.faults == 0
    assert manifest.warnings == ()
    for account in manifest.accounts:
        assert account.used == len(made.tables[account.table]) > 0


def test_columns_are_the_schemas_in_its_order(sample):
    for name, frame in sample.tables.items():
        assert [column for column in TABLES[name].columns if column in frame] == list(frame.columns)
        assert not frame.isna().any().any()


def test_every_feature_is_in_the_small_sample(sample):
    episodes, attendance, outcomes = sample.episodes, sample.attendance, sample.outcomes
    assert set(episodes["end_reason"]) == {*EndReason.codes(), ""}
    assert set(episodes["level_of_care"]) == {"2.1", "3.5"}
    assert len(sample.programs) == 3
    quarters = pd.PeriodIndex(episodes["admission_date"], freq="Q")
    assert {str(quarter) for quarter in quarters} >= {f"{year}Q{n}" for year in (2024, 2025) for n in (1, 2, 3, 4)}
    repeats = episodes.groupby("person_id").size()
    assert 0.1 < (repeats > 1).mean() < 0.3
    assert (repeats > 2).any()
    assert set(attendance["status"]) == set(AttendanceStatus.codes())
    assert set(attendance["service_type"]) == {"individual", "group", "family"}
    undated = attendance[attendance["date"] == ""]
    assert len(undated) > 200
    assert set(undated["status"]) == {"no_show", "excused"}
    assert (undated["week"] != "").all()
    short = attendance[attendance["status"] == "attended"]
    assert (short["hours_attended"].astype(float) < short["hours_offered"].astype(float)).mean() > 0.03
    assert (attendance["modality"] == "telehealth").any()
    assert set(outcomes["point"]) == {"intake", "week", "exit", "followup"}
    assert set(outcomes.loc[outcomes["point"] == "followup", "month"]) == {"1", "3", "6", "12"}
    assert {"urine", "breath", "self_report", "phq9", "gad7", "work", "no_arrest"} <= set(outcomes["instrument"])
    assert {"barc10", "bam_use", "bam_risk", "bam_protective"} <= set(outcomes["instrument"])
    assert set(sample.costs["kind"]) == {"cost", "charge", "payment"}
    for column in ("race_ethnicity", "employment", "days_used_30"):
        assert 0 < (episodes[column] == "").mean() < 0.1


def test_people_step_up_and_down_within_two_weeks(sample):
    ordered = sample.episodes.sort_values(["person_id", "admission_date"])
    following = ordered.groupby("person_id").shift(-1)
    gap = pd.to_datetime(following["admission_date"]) - pd.to_datetime(ordered["discharge_date"].replace("", None))
    soon = gap.dt.days.between(1, 14)
    assert (soon & (ordered["level_of_care"] == "2.1") & (following["level_of_care"] == "3.5")).sum() >= 3
    assert (soon & (ordered["level_of_care"] == "3.5") & (following["level_of_care"] == "2.1")).sum() >= 10


def test_perfect_observation_changes_only_what_is_observed():
    seen, known = simulate_records(300, 8), simulate_records(300, 8, perfect_observation=True)
    pd.testing.assert_frame_equal(seen.episodes, known.episodes)
    pd.testing.assert_frame_equal(seen.attendance, known.attendance)
    assert (known.outcomes["status"] == "done").all()
    answered = seen.outcomes[seen.outcomes["instrument"] == "abstinent_30"].set_index(["episode_id", "month"])
    truly = known.outcomes[known.outcomes["instrument"] == "abstinent_30"].set_index(["episode_id", "month"])
    reached = (answered["status"] == "done").groupby(truly["result"].reindex(answered.index)).mean()
    assert reached["negative"] > reached["positive"] + 0.1


def test_a_lapse_comes_before_leaving(complete, stays):
    reports = complete.outcomes[complete.outcomes["instrument"] == "self_report"]
    day = pd.to_datetime(reports["date"]) - reports["episode_id"].map(stays["admitted"])
    used = reports[(reports["result"] == "positive") & day.dt.days.between(12, 14)]["episode_id"].unique()
    here = stays[(stays["level_of_care"] == "2.1") & (stays["last"] >= 14)]
    soon = (here["last"] <= 21) & (here["end_reason"] == "left_early")
    after_use = soon[here.index.isin(used)].mean()
    assert after_use > 1.5 * soon[~here.index.isin(used)].mean()


def test_parts_of_the_truth_add_to_one():
    truth = load_truth()
    keys = ["population", "level_of_care", "exit_rule", "at"]
    for definition in ("ending@1", "days_known@1", "session_status@1"):
        rows = truth[truth["definition"] == definition]
        total = rows.groupby(keys, dropna=False)["value"].sum()
        assert len(total) >= 4
        np.testing.assert_allclose(total, 1, atol=1e-5)
    for scale in ("phq9", "gad7"):
        rows = truth[(truth["definition"] == "change_segment@1") & truth["category"].str.startswith(scale)]
        total = rows.groupby(keys, dropna=False)["value"].sum()
        assert len(total) == 4
        np.testing.assert_allclose(total, 1, atol=1e-5)
    assert not truth.duplicated([*keys, "definition", "category"]).any()
    assert (truth["synthetic"] == "synthetic").all()
    for level in ("2.1", "3.5"):
        one = {"population": "attended", "level_of_care": level, "exit_rule": "last_contact"}
        tau = {"2.1": 56, "3.5": 28}[level]
        lost = truth[(truth["definition"] == "mean_days_lost@1") & (truth[list(one)] == pd.Series(one)).all(axis=1)]
        inside = true_value(truth, definition="mean_days_in_programme@1", **one)
        assert inside + lost["value"].sum() == pytest.approx(tau, abs=1e-4)


def test_truth_file_is_of_the_mechanism_as_it_is():
    fresh, kept = compute_truth(8_000, 99), load_truth()
    keys = ["population", "level_of_care", "exit_rule", "definition", "category", "at"]
    both = kept.merge(fresh, on=keys, suffixes=("", "_fresh"), how="outer", indicator=True)
    assert (both["_merge"] == "both").all(), "write the truth file again: write_truth()"
    shares = both[(both["unit"] == "share") & ~both["definition"].isin(["return_to_use@1"])]
    assert (shares["value"] - shares["value_fresh"]).abs().max() < 0.05, "write the truth file again: write_truth()"
    assert (shares["value"] - shares["value_fresh"]).abs().mean() < 0.005, "write the truth file again: write_truth()"


@pytest.mark.parametrize("level", ["2.1", "3.5"])
def test_a_complete_record_shows_the_truth_about_staying(complete, stays, level):
    here = stays[stays["level_of_care"] == level]
    for rule, day in (("discharge", here["discharge"]), ("last_contact", here["last"])):
        where = {"population": "attended", "level_of_care": level, "exit_rule": rule}
        for at in (7, 14, 30, 60):
            for reason in ("completed", "left_early", "transferred"):
                gone = (day <= at) & (here["end_reason"] == reason)
                truth = true_value(complete.truth, definition="ending@1", category=reason, at=at, **where)
                assert abs(gone.mean() - truth) <= WITHIN * np.sqrt(max(truth * (1 - truth), 1e-4) / len(here))


def test_a_complete_record_shows_the_true_milestones(complete, stays):
    reports = complete.outcomes[complete.outcomes["instrument"] == "self_report"]
    day = (pd.to_datetime(reports["date"]) - reports["episode_id"].map(stays["admitted"])).dt.days
    here = stays[stays["level_of_care"] == "2.1"]
    rows = reports.assign(day=day)[reports["episode_id"].isin(here.index)].sort_values(["episode_id", "day"])
    sober = rows["result"] == "negative"
    rows["streak"] = sober.groupby([rows["episode_id"], (~sober).cumsum()]).cumsum()
    rows = rows[rows["day"] <= rows["episode_id"].map(here["last"])]
    for length, at in ((7, 14), (30, 30), (30, 60)):
        reached = rows[(rows["streak"] >= length) & (rows["day"] <= at)]["episode_id"].nunique() / len(here)
        truth = true_value(
            complete.truth,
            population="attended",
            level_of_care="2.1",
            exit_rule="last_contact",
            definition="milestone@1",
            category=str(length),
            at=at,
        )
        assert abs(reached - truth) <= WITHIN * np.sqrt(truth * (1 - truth) / len(here))


def test_people_feel_worst_at_admission_and_only_a_part_of_the_change_is_cares():
    truth = load_truth()
    for level in ("2.1", "3.5"):
        where = {"population": "attended", "level_of_care": level}
        for scale, better in (("phq9", -1), ("gad7", -1), ("barc10", 1)):
            for category in (scale, f"{scale}/cases"):
                change, care = (
                    better * true_value(truth, definition=f"{name}@1", category=category, **where)
                    for name in ("change_mean", "change_by_care")
                )
                assert 0 < care < change - 0.5


def test_crude_comparison_points_the_wrong_way_and_adjustment_mends_it(complete, stays):
    first = stays[(stays["number"] == 1) & (stays["either_level"] == "yes")]
    asked = complete.outcomes[
        (complete.outcomes["instrument"] == "abstinent_30") & (complete.outcomes["month"] == "6")
    ].set_index("episode_id")
    first = first.assign(sober=(asked["result"].reindex(first.index) == "negative").astype(float))
    residential = first["level_of_care"] == "3.5"
    crude = first.loc[residential, "sober"].mean() - first.loc[~residential, "sober"].mean()
    where = {"population": "either_first", "level_of_care": "3.5 v 2.1", "definition": "abstinence_difference@1"}
    true = true_value(complete.truth, category="ATE", at=180, **where)
    assert true > 0.05
    assert crude < -0.03
    assert true_value(complete.truth, category="crude", at=180, **where) < -0.03

    opioids = first["primary_substance"] == "opioids"
    cells = first["severity"].astype(int).clip(1, 9), first["housing"] != "stable", opioids
    means = first.groupby([*cells, residential])["sober"].agg(["mean", "var", "size"]).unstack()
    weight = first.groupby(list(cells)).size() / len(first)
    known = means["mean"].notna().all(axis=1) & (means["size"] > 1).all(axis=1)
    assert weight[known].sum() > 0.97
    weight = weight[known] / weight[known].sum()
    means = means[known]
    adjusted = (weight * (means["mean"][True] - means["mean"][False])).sum()
    error = np.sqrt((weight**2 * (means["var"] / means["size"]).sum(axis=1)).sum())
    assert abs(adjusted - true) <= WITHIN * error


def test_wrong_arguments_are_refused():
    with pytest.raises(UsageError):
        simulate_records(people=5)
    with pytest.raises(UsageError):
        simulate_records(seed=-1)
    with pytest.raises(LookupError):
        true_value(load_truth(), definition="ending@1")
