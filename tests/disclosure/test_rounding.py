"""Rounded releases: no number of one says more than the bins of its counts, and every interval still holds."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from handmade import made_bundle

from iop_outcomes.estimates import REST, Estimates
from iop_outcomes.publication.gate import publish
from iop_outcomes.publication.policy import POLICIES, Policy
from iop_outcomes.publication.rounding import mask_counts, round_released
from iop_outcomes.statistics import bounds, clustered_proportion, newcombe_difference, wilson

ROUND5 = POLICIES["round5"]
ROUNDED = [policy for policy in POLICIES.values() if policy.rounding > 1]
each_policy = pytest.mark.parametrize("policy", ROUNDED, ids=lambda policy: policy.name)


def counted(n: float, base: float, **columns: object) -> dict[str, object]:
    """A share of people with Wilson's interval."""
    made = wilson(n, base)
    start = {"measure": "m", "definition": "done@1", "estimand": "proportion", "unit": "share", "people": base}
    limits = {"ci_low": made.low, "ci_high": made.high, "conf_level": 0.95, "method": made.method}
    return {**start, "value": n / base, "n": n, "denominator": base, **limits, **columns}


def against(own: tuple[int, int], other: tuple[int, int]) -> list[dict[str, object]]:
    """Two groups and their difference."""
    gap = newcombe_difference(*own, *other)
    limits = {"value": gap.value, "ci_low": gap.low, "ci_high": gap.high, "method": gap.method}
    both = {"denominator": own[1] + other[1], "people": own[1] + other[1], "n": None, **limits}
    return [
        counted(*own, by="schedule", group="day"),
        counted(*other, by="schedule", group="evening"),
        counted(*own, by="schedule", group="day", estimand="difference", reference="evening") | both,
    ]


def rounded(rows: list[dict[str, object]], policy: Policy = ROUND5) -> pd.DataFrame:
    frame = round_released(Estimates.from_rows(rows).frame, policy)
    Estimates(frame)  # still a valid result
    return frame


def apart(frame: pd.DataFrame, row: int = -1) -> tuple[float, float, float]:
    low, value, high = frame[["ci_low", "value", "ci_high"]].iloc[row]
    return low, value, high


# --- by hand ---------------------------------------------------------------------------------------------------------
def test_a_share_follows_from_its_released_counts() -> None:
    """52 of 89 is shown as 50 of 90; the counts may be 48 to 52 and 88 to 92, so the limits are those of 48 of 92 (on 88
    people) and of 52 of 88.
    """
    row = rounded([counted(52, 89, n_missing=14)]).iloc[0]
    assert row[["n", "denominator", "people", "n_missing"]].tolist() == [50, 90, 90, 15]
    assert row["value"] == 50 / 90
    assert row["ci_low"] == pytest.approx(wilson(48 / 92 * 88, 88).low)
    assert row["ci_high"] == pytest.approx(wilson(52, 88).high)
    assert row["method"] == "Wilson, from rounded counts"
    assert row["conf_level"] == 0.95


def test_nobody_and_everybody_stay_nobody_and_everybody() -> None:
    none, everyone = (rounded([counted(n, 40)]).iloc[0] for n in (0, 40))
    assert (none["n"], none["value"], none["ci_low"]) == (0, 0, 0)
    assert (everyone["n"], everyone["denominator"], everyone["value"], everyone["ci_high"]) == (40, 40, 1, 1)


def test_a_share_without_an_interval_gets_none() -> None:
    row = rounded([counted(52, 89, ci_low=None, ci_high=None, conf_level=None, method="share")]).iloc[0]
    assert (row["value"], row["method"]) == (50 / 90, "share")
    assert row[["ci_low", "ci_high"]].isna().all()


def test_counts_that_are_the_number_itself() -> None:
    row = rounded([counted(52, 89, estimand="count", value=52, ci_low=None, ci_high=None, method="count")]).iloc[0]
    assert (row["value"], row["n"], row["method"]) == (50, 50, "count")


def test_numbers_no_count_gives_keep_two_digits_and_their_limits_move_outwards() -> None:
    def mean(value: float, low: float, high: float) -> tuple[float, float, float]:
        limits = {"value": value, "ci_low": low, "ci_high": high, "method": "mean"}
        return apart(rounded([counted(89, 89, estimand="mean", unit="days") | limits]))

    assert mean(41.26, 38.91, 43.61) == (38, 41, 44)
    assert mean(-0.02893, -0.05733, -0.00054) == (-0.058, -0.029, 0)
    assert mean(3352.15, 2901.0, 3803.4) == (2900, 3400, 3900)
    assert mean(0.0012, -0.4983, 0.5001) == (-0.50, 0.0012, 0.51)
    assert mean(0.0, -0.314, 0.314) == (-0.32, 0, 0.32)
    assert mean(9.96, 9.91, 10.04) == (9, 10, 11)


@pytest.mark.parametrize(("true", "shown"), [(0.4489, 0.45), (0.02498, 0.025), (0.00004, 0.001), (0.0013, 0.0013)])
def test_a_p_value_keeps_two_digits_and_never_falls_below_a_thousandth(true: float, shown: float) -> None:
    test = {"estimand": "p_value", "value": true, "ci_low": None, "ci_high": None, "conf_level": None}
    assert rounded([counted(40, 80) | test])["value"].tolist() == [shown]


def test_a_day_stays_and_the_size_a_funnel_is_drawn_at_does_not() -> None:
    limit = {"estimand": "funnel_limit", "value": 0.6, "n": None, "ci_low": None, "ci_high": None, "conf_level": None}
    rows = [
        counted(52, 89, at=42.0),
        counted(52, 89, at=30.0, by="program", group="A") | limit,
        counted(52, 89, at=247.0, denominator=None, people=None) | limit,
    ]
    assert rounded(rows)["at"].tolist() == [42, 30, 250]


def test_withheld_rows_stay_blank_and_partly_blank_rows_keep_their_blanks() -> None:
    blank = dict.fromkeys(("value", "n", "denominator", "people", "ci_low", "ci_high", "conf_level"))
    partly = {"estimand": "ratio", "n": None, "value": 0.8719, "ci_low": 0.8412, "ci_high": 0.8971}
    frame = rounded([counted(3, 89) | blank | {"status": "withheld"}, counted(52, 89) | partly])
    assert frame.iloc[0][list(blank)].isna().all()
    assert frame.iloc[0]["status"] == "withheld"
    assert apart(frame) == (0.84, 0.87, 0.90)
    assert math.isnan(frame["n"].iloc[1])
    assert frame["denominator"].iloc[1] == 90
    share = rounded([counted(52, 89) | {"n": None}]).iloc[0]
    assert (share["value"], share["denominator"]) == (50 / 90, 90)


def test_without_rounding_nothing_changes() -> None:
    frame = Estimates.from_rows([counted(52, 89, note="3 more people")]).frame
    assert round_released(frame, POLICIES["cms"]) is frame
    assert round_released(frame, POLICIES["internal"]) is frame


# --- rows that stand on other rows -----------------------------------------------------------------------------------
def test_the_two_ends_of_what_people_not_asked_leave_open_carry_one_interval() -> None:
    band = bounds(59, 144, 217)
    limits = {"ci_low": band.low, "ci_high": band.high, "method": band.method}
    frame = rounded([counted(59, 217) | limits, counted(59 + 73, 217) | limits])
    assert frame["value"].tolist() == [60 / 215, 130 / 215]
    assert frame["ci_low"].nunique() == frame["ci_high"].nunique() == 1
    assert frame["ci_low"].iloc[0] <= band.low < band.high <= frame["ci_high"].iloc[0]
    assert 0.2 < frame["ci_low"].iloc[0] < frame["ci_high"].iloc[0] < 0.7


def test_a_difference_is_that_of_the_released_shares() -> None:
    frame = rounded(against((78, 125), (66, 122)))
    assert frame["value"].tolist() == [80 / 125, 65 / 120, 80 / 125 - 65 / 120]
    assert frame["method"].iloc[-1] == "Newcombe's square-and-add, from rounded counts"
    assert frame["denominator"].iloc[-1] == ROUND5.show(125 + 122)


def test_rounding_never_shows_a_difference_the_records_do_not() -> None:
    """18 of 22 against 27 of 42 could be chance; 20 of 20 against 25 of 40, taken for the counts, could not."""
    gap = newcombe_difference(18, 22, 27, 42)
    assert gap.low < 0 < newcombe_difference(20, 20, 25, 40).low
    low, value, high = apart(rounded(against((18, 22), (27, 42))))
    assert (value, low < gap.low, gap.high < high) == (20 / 20 - 25 / 40, True, True)


def test_everyone_else_is_what_the_released_counts_leave_of_everyone() -> None:
    n, base, rest_n, rest_base = 78, 125, 66, 122
    gap = newcombe_difference(n, base, rest_n, rest_base)
    limits = {"value": gap.value, "ci_low": gap.low, "ci_high": gap.high, "n": None}
    own = {"by": "gender", "group": "women"}
    rows = [
        counted(n + rest_n, base + rest_base),
        counted(n, base, **own),
        counted(n, base, estimand="difference", reference=REST, **own) | limits,
    ]
    frame = rounded(rows)
    assert apart(frame)[1] == pytest.approx(80 / 125 - (145 - 80) / (245 - 125))
    assert apart(frame)[0] < gap.low < gap.high < apart(frame)[2]


def test_a_difference_a_model_made_keeps_two_digits() -> None:
    rows = against((78, 125), (66, 122))
    rows[-1] |= {"value": 0.08765, "ci_low": -0.0311, "ci_high": 0.2063, "method": "logistic regression"}
    assert apart(rounded(rows)) == (-0.032, 0.088, 0.21)


def test_a_verdict_repeats_the_released_figure() -> None:
    figure = counted(52, 89)
    copied = {name: figure[name] for name in ("value", "ci_low", "ci_high", "conf_level")}
    claim = {"measure": "claims", "definition": "claim_1@1", "estimand": "diagnostic", "unit": "share", **copied}
    frame = rounded([figure, {**claim, "category": "verdict/hours"}, {**claim, "category": "done@1/"}])
    assert apart(frame, 0) == apart(frame, 1) == apart(frame, 2)


# --- notes -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "note",
    [
        "prices of 2025 by CPI-U, all items",
        "adjusted for severity, days used 30, employment",
        "inside the 95% limits; signal: better",
        "outside the 99.8% limits, widened for the spread between sites",
        "fewer than 10 sites",
        "2 sites: a funnel of so few says little",
        "one of 17 comparisons",
        "chance alone would put about 1 of their plain 95% ranges to one side of 0",
        "share of people not reached who must have been abstinent for everyone due to reach 50%",
        "the whole interval lies at or above $0; the interval reaches across +5 points",
        "not rebased from 2025-07-01: fewer than 8 points after it",
        "at most 7 of 24 points by chance",
        "lost early by day 56, people employed full time less people out of work",
        "PHQ-9 is a screen; some counts withheld",
    ],
)
def test_a_note_without_people_in_it_stays(note: str) -> None:
    assert mask_counts(note) == note


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("12 more people are not yet followed long enough", "· more people are not yet followed long enough"),
        ("10.4% of the people are unlike the others (at most 10% is asked for)", "· of the people are unlike the "
         "others (at most 10% is asked for)"),
        ("the people in level 3.5 count for 45 (at least 50 is asked for)", "the people in level 3.5 count for · (at "
         "least 50 is asked for)"),
        ("XmR chart: 3.2 of a kind expected a period, fewer than 5", "XmR chart: · of a kind expected a period, fewer "
         "than 5"),
        ("the data allow prices up to 12,345 and from 30,100 on", "the data allow prices up to · and from · on"),
        ("1 left", "· left"),
    ],
)  # fmt: skip
def test_a_count_in_a_note_is_masked(note: str, shown: str) -> None:
    assert mask_counts(note) == shown == mask_counts(shown)
    released = publish(Estimates.from_rows([counted(52, 89, note=note)]))  # whatever the policy
    assert released.frame["note"].tolist() == [shown]


# --- for any counts --------------------------------------------------------------------------------------------------
def many(policy: Policy, pairs: int = 150, seed: int = 1) -> np.ndarray:
    """Counts and bases (pairs × groups × 2) from the smallest a policy shows to a few thousand, extremes among them."""
    draw = np.random.default_rng(seed)
    base = np.rint(np.exp(draw.uniform(np.log(policy.limit + 1), np.log(3000), size=(pairs, 2))))
    share = np.clip(draw.uniform(-0.1, 1.1, size=(pairs, 2)), 0, 1)
    return np.stack([np.rint(share * base), base], axis=2).astype(int)


def all_against(counts: np.ndarray) -> list[dict[str, object]]:
    """Two groups and their difference, for each pair a day of its own."""
    return [row | {"at": float(day)} for day, pair in enumerate(counts) for row in against(*map(tuple, pair))]


@each_policy
def test_a_release_is_the_same_for_all_counts_of_the_same_bins(policy: Policy) -> None:
    counts = many(policy)
    draw = np.random.default_rng(2)
    low, high = policy.bin(counts)
    twins = draw.integers(low.astype(int), high.astype(int) + 1)
    twins[..., 0] = np.where(twins[..., 0] <= twins[..., 1], twins[..., 0], np.minimum(counts[..., 0], twins[..., 1]))
    possible = (policy.show(twins) == policy.show(counts)).all(axis=(1, 2))
    both = policy.show(twins[..., 1].sum(axis=1)) == policy.show(counts[..., 1].sum(axis=1))
    chosen = possible & both & (twins != counts).any(axis=(1, 2))
    assert chosen.sum() > 20
    first, second = (rounded(all_against(found[chosen]), policy) for found in (counts, twins))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@each_policy
def test_every_interval_still_holds(policy: Policy) -> None:
    rows = all_against(many(policy))
    before, frame = Estimates.from_rows(rows).frame, rounded(rows, policy)
    assert (frame["ci_low"] <= before["ci_low"] + 1e-9).all()
    assert (frame["ci_high"] >= before["ci_high"] - 1e-9).all()
    assert ((frame["ci_low"] <= frame["value"] + 1e-9) & (frame["value"] <= frame["ci_high"] + 1e-9)).all()
    shares = frame[frame["estimand"] == "proportion"]
    assert (shares["n"] <= shares["denominator"]).all()
    assert shares["value"].between(0, 1).all()
    pd.testing.assert_frame_equal(round_released(frame, policy), frame)


@each_policy
def test_an_interval_of_people_who_came_more_than_once_still_holds(policy: Policy) -> None:
    draw = np.random.default_rng(3)
    rows = []
    for size in np.repeat([15, 40, 120], 20):
        n = draw.integers(1, 7, size=size).astype(float)
        x = draw.binomial(n.astype(int), draw.uniform(0, 1, size=size)).astype(float)
        made = clustered_proportion(x.sum(), n.sum(), (x * x).sum(), (x * n).sum(), (n * n).sum(), size)
        limits = {"ci_low": made.low, "ci_high": made.high, "method": made.method, "at": float(len(rows))}
        rows.append(counted(x.sum(), n.sum(), people=size) | limits)
    before, frame = Estimates.from_rows(rows).frame, rounded(rows, policy)
    assert (frame["ci_low"] <= before["ci_low"] + 1e-9).all()
    assert (frame["ci_high"] >= before["ci_high"] - 1e-9).all()


@each_policy
def test_a_curve_that_falls_still_falls(policy: Policy) -> None:
    """Shares read off a curve are not counts over the base; they keep the order and lie on the same steps."""
    draw = np.random.default_rng(4)
    for base in (31, 90, 250):
        curve = np.sort(draw.uniform(0, 1, size=60))[::-1]
        blank = {"ci_low": None, "ci_high": None, "conf_level": None}
        rows = [counted(base, base, estimand="survival", at=float(day)) | {"value": value} | blank
                for day, value in enumerate(curve)]  # fmt: skip
        frame = rounded(rows, policy)
        assert (np.diff(frame["value"]) <= 1e-12).all()
        steps = (frame["value"] * frame["denominator"]).to_numpy()
        np.testing.assert_allclose(steps, policy.show(np.rint(steps)), atol=1e-6)


# --- a whole release -------------------------------------------------------------------------------------------------
@each_policy
def test_no_exact_count_is_left_in_a_release_and_rounding_it_again_changes_nothing(policy: Policy) -> None:
    kept = ["ending@1", "retained@1", "at_risk@1", "weekly_attendance@1", "hours_attended@1"]
    estimates = made_bundle(600).where(definition=kept, by="all")
    frame = round_released(publish(estimates, policy=policy.name).frame, policy)
    for name in ("n", "denominator", "people", "n_missing"):
        counts = frame[name].dropna()
        assert (policy.show(counts.to_numpy()) == counts).all()
        assert not counts.map(policy.is_small).any()
    shares = frame[
        frame["estimand"].isin(["proportion", "survival", "cumulative_incidence"]) & (frame["status"] == "ok")
    ]
    assert len(shares) > 20
    np.testing.assert_allclose(shares["value"], shares["n"] / shares["denominator"], rtol=1e-12)
    pd.testing.assert_frame_equal(round_released(frame, policy), frame)


@each_policy
def test_the_order_of_the_rows_does_not_matter(policy: Policy) -> None:
    frame = Estimates.from_rows([*against((78, 125), (66, 122)), counted(52, 89)]).frame
    turned = frame.iloc[::-1].reset_index(drop=True)
    back = round_released(turned, policy).iloc[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(back, round_released(frame, policy))
