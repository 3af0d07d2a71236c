"""Control charts against published series and their limits, and against base R (see make.R)."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from iop_outcomes.statistics import dispersion_test, g_chart, p_chart, p_prime_chart, run_chart, t_chart, xmr_chart

HERE = Path(__file__).parent
#: The same few sums in double precision on both sides.
TOLERANCE = 1e-9
#: Powers of 3.6 multiply the rounding of their base, so those are held to parts of themselves.
PARTS = 1e-12


def read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float("nan") if row[name] == "NA" else float(row[name]) for row in rows])


def by_dataset(name: str, *keys: str) -> dict[tuple[str, ...], list[dict[str, str]]]:
    found = defaultdict(list)
    for row in read(name):
        found[tuple(row[key] for key in ("dataset", *keys))].append(row)
    return found


def test_limits_equal_the_formulas() -> None:
    chart = xmr_chart([float(row["value"]) for row in read("input.csv")])
    for name, cell in read("expected.csv")[0].items():
        assert getattr(chart, name) == pytest.approx(float(cell), rel=0, abs=TOLERANCE)


def test_limits_equal_the_published_ones() -> None:
    chart = xmr_chart([float(row["value"]) for row in read("input.csv")])
    assert round(chart.centre, 2) == 300.5
    assert round(chart.mean_range, 2) == 7.79
    assert (round(chart.lower, 2), round(chart.upper, 2)) == (279.78, 321.22)
    assert not chart.signal.any()


SHARES = by_dataset("input_shares.csv")
GAPS = by_dataset("input_gaps.csv")


@pytest.mark.parametrize("dataset", sorted(name for (name,) in SHARES))
@pytest.mark.parametrize(("kind", "draw"), [("p", p_chart), ("p_prime", p_prime_chart)])
def test_charts_of_shares_equal_the_formulas(dataset: str, kind: str, draw) -> None:
    rows = SHARES[(dataset,)]
    kept = np.array([row["baseline"] == "TRUE" for row in rows])
    chart = draw(column(rows, "events"), column(rows, "units"), baseline=kept)
    expected = by_dataset("expected_shares.csv", "chart")[dataset, kind]
    for name in ("lower", "upper"):
        assert np.allclose(getattr(chart, name), column(expected, name), rtol=0, atol=TOLERANCE)
    for name in ("centre", "sigma_z"):
        assert getattr(chart, name) == pytest.approx(column(expected, name)[0], rel=0, abs=TOLERANCE)


def test_a_p_chart_equals_the_published_one() -> None:
    """Montgomery, table 7.1: all 30 samples have centre .2313 and two points outside; without them .0407 to .3893."""
    rows = SHARES[("cans",)]
    events, units = column(rows, "events"), column(rows, "units")
    first = p_chart(events, units)
    assert round(first.centre, 4) == 0.2313
    assert (np.flatnonzero(first.outside) + 1).tolist() == [15, 23]
    chart = p_chart(events, units, baseline=~first.outside)
    assert round(chart.centre, 4) == 0.2150
    assert (round(chart.lower[0], 4), round(chart.upper[0], 4)) == (0.0407, 0.3893)
    assert (np.flatnonzero(chart.outside) + 1).tolist() == [15, 21, 23]


@pytest.mark.parametrize("dataset", sorted(name for (name,) in SHARES))
def test_dispersion_is_pearsons_chi_squared(dataset: str) -> None:
    rows = SHARES[(dataset,)]
    test = dispersion_test(column(rows, "events"), column(rows, "units"))
    (expected,) = by_dataset("expected_dispersion.csv")[(dataset,)]
    assert test.statistic == pytest.approx(float(expected["statistic"]), rel=0, abs=TOLERANCE)
    assert test.degrees == int(expected["degrees"])
    assert test.p_value == pytest.approx(float(expected["p_value"]), rel=TOLERANCE, abs=0)


@pytest.mark.parametrize("dataset", sorted(name for (name,) in GAPS))
@pytest.mark.parametrize(("kind", "draw"), [("g", g_chart), ("t", t_chart)])
def test_charts_of_rare_events_equal_the_formulas(dataset: str, kind: str, draw) -> None:
    """The limits of a g-chart are those of R's own quantiles of the geometric distribution."""
    chart = draw(column(GAPS[(dataset,)], "gap"))
    (expected,) = by_dataset("expected_gaps.csv", "chart")[dataset, kind]
    for name in ("centre", "lower", "upper"):
        assert getattr(chart, name) == pytest.approx(column([expected], name)[0], rel=PARTS, abs=TOLERANCE, nan_ok=True)


def test_powers_of_times_are_the_published_ones() -> None:
    """Montgomery, table 7.14, prints powers of 0.2777 to five places: ours of 1/3.6 agree to the thousandth part."""
    published = {286: 4.80986, 948: 6.70903, 2837: 9.09619, 4: 1.46958}
    for hours, power in published.items():
        assert t_chart([hours]).centre ** (1 / 3.6) == pytest.approx(power, rel=1e-3)


def test_run_limits_for_every_length() -> None:
    for row in read("expected_run_limits.csv"):
        n = int(row["useful"])
        chart = run_chart([0] * (n // 2) + [1, 1] + [2] * (n - n // 2))
        found = (chart.useful, chart.run_limit, chart.crossings_limit)
        assert found == (n, int(row["run_limit"]), int(row["crossings_limit"]))


def test_runs_are_counted_as_r_counts_them() -> None:
    series = by_dataset("input_series.csv")
    for row in read("expected_runs.csv"):
        chart = run_chart(column(series[(row["dataset"],)], "value"))
        for name in ("centre", "useful", "longest_run", "crossings"):
            assert getattr(chart, name) == float(row[name]), (row["dataset"], name)
