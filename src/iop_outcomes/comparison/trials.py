"""The published evidence on day or intensive outpatient care against inpatient or residential care, as rows.

Only people who could have gone to either were randomised, so nothing here speaks of people who needed 24-hour care. A
difference is worked out where a trial's counts were read; elsewhere the row says in words what was found.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from iop_outcomes.comparison.benchmarks import load_benchmarks, load_sources
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.rows import Group, Row, interval_columns
from iop_outcomes.statistics import newcombe_difference
from iop_outcomes.vocabulary import Status


def list_trials() -> Estimates:
    """What have published comparisons of day or intensive outpatient care with 24-hour care found?

    Rows of ``trial_difference`` (randomised): day less 24-hour care, in points, where counts were read (Newcombe's
    interval), else no value and the finding in the note. Rows of ``comparison_odds`` (not randomised, adjusted): odds after
    outpatient drug-free care over odds after the other modality. ``group`` is the study, ``category`` the outcome,
    ``reference`` the other kind of care; the note ends with how the figure was read (V, V-2, V-calc).

    >>> round(list_trials().value(group="Alterman 1994", category="completed the programme"), 3)
    -0.355
    """
    said = tomllib.loads(files("iop_outcomes.comparison").joinpath("trials.toml").read_text(encoding="utf-8"))
    return Estimates.from_rows([*_differences(said["trial"]), *_odds(said["odds"])], {"published": True})


def _differences(trials: list[dict[str, Any]]) -> Iterator[Row]:
    for trial in trials:
        status = load_sources()[trial["source"]].status
        people = trial.get("people")
        shared = {"category": trial["outcome"], "reference": trial["other"], "denominator": people, "people": people}
        if "day" in trial:
            gap = newcombe_difference(*trial["day"], *trial["twenty_four_hour"])
            counts = {"n": trial["day"][0] + trial["twenty_four_hour"][0], **interval_columns(gap)}
            status = "V-calc"
        else:
            counts = {"status": str(Status.NOT_ESTIMABLE), "method": "words of the publication; counts were not read"}
        note = f"{trial['found']} ({status})"
        yield Group("study", trial["study"]).row("trial_difference", "difference", **shared, **counts, note=note)


def _odds(comparisons: list[dict[str, Any]]) -> Iterator[Row]:
    """A published odds ratio turned round: the limits change places and each becomes one over itself."""
    for comparison in comparisons:
        published = load_benchmarks()[comparison["benchmark"]]
        yield Group("study", comparison["study"]).row(
            "comparison_odds",
            "ratio",
            category=comparison["outcome"],
            reference=comparison["other"],
            value=1 / published.value,
            ci_low=1 / published.high,
            ci_high=1 / published.low,
            conf_level=0.95,
            n=published.n,
            denominator=published.n,
            people=published.n,
            method="published odds ratio, strata of the propensity score, turned round",
            note=f"published as {published.value:g} ({published.low:g} to {published.high:g}) ({published.source.status})",
        )
