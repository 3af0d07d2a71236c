"""Sites whose people differ at admission: events observed beside those expected of the same people anywhere.

A logistic model of all sites together gives each episode its risk; a site's expected number is the sum over its own
people. What the records do not hold at admission is not adjusted for, so that a ratio is an association.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort
from iop_outcomes.errors import UsageError
from iop_outcomes.measures.rows import Group, Row, interval_columns, order_by_content
from iop_outcomes.measures.shares import Share
from iop_outcomes.schema import COVARIATES
from iop_outcomes.statistics import Calibration, Interval, calibrate, fit_risk, indirect_standardisation

#: Numbers known at admission; the other columns that can be adjusted for are groups.
NUMBERS: tuple[str, ...] = ("age", "days_used_30", "severity", "prior_episodes")
#: Fewest events, and fewest episodes without one, for each term of the model.
EVENTS_PER_TERM = 10
#: A group with fewer episodes joins the group "other or not recorded" of its column.
LEAST_LEVEL = 10
_FOLDS, _FIFTHS = 10, 5
#: What observed over expected is, and on how firm a footing.
_ADJUSTED = "adjusted_association"


def check_covariates(cohort: Cohort, adjust: Sequence[str] | None) -> tuple[str, ...]:
    """The columns to adjust for, each once; ``UsageError`` for one that is not known at admission."""
    columns = tuple(dict.fromkeys([adjust] if isinstance(adjust, str) else adjust or ()))
    own = tuple(cohort.records.manifest.settings.get("groups") or {})
    allowed = (*COVARIATES, *NUMBERS, *own)
    if any(column not in allowed for column in columns):
        raise UsageError(f"adjust names columns known at admission: {', '.join(allowed)}")
    return columns


def adjust_sites(share: Share, site: str, columns: Sequence[str]) -> Iterator[Row]:
    """Observed over expected for each site, with the expected number, and the calibration of the model."""
    frame = reductions.collect(share.frame.select("person_id", site, "y", "x", *columns))
    frame = frame[frame["x"] == 1].sort_values(["person_id", site, "y", *columns], ignore_index=True)
    y = frame["y"].to_numpy(dtype="float64")
    terms = _terms(frame, columns)
    order = order_by_content(
        np.column_stack([terms, y, pd.factorize(frame[site], sort=True)[0]]), frame["person_id"].to_numpy()
    )
    people = pd.factorize(frame["person_id"].iloc[order])[0][np.argsort(order)]
    events = min(y.sum(), len(y) - y.sum())
    reason, model = f"fewer than {EVENTS_PER_TERM} events for each of {terms.shape[1]} terms of the model", None
    if not terms.shape[1]:
        reason = "nothing to adjust for is recorded"
    elif events >= EVENTS_PER_TERM * terms.shape[1]:
        model = fit_risk(y, terms, people % _FOLDS)
        reason = model.reason
    label = ", ".join(column.replace("_", " ") for column in columns)
    for value, part in frame.groupby(site, sort=True):
        group = Group(site, str(value))
        shared: Row = {
            "category": share.category,
            "at": share.at,
            "n": float(part["y"].sum()),
            "denominator": len(part),
            "people": part["person_id"].nunique(),
            "unit": "ratio",
            "design_word": _ADJUSTED,
            "residual_df": len(y) - terms.shape[1] - 1,
        }
        if model is None or reason:
            status = {"status": "not_estimable", "note": reason}
            yield group.row(share.definition, "standardised_ratio", **shared, **status)
            continue
        expected = float(model.fitted[part.index].sum())
        ratio = interval_columns(indirect_standardisation(shared["n"], expected))
        yield group.row(share.definition, "standardised_ratio", **shared, **ratio, note=f"adjusted for {label}")
        columns_of = {**shared, "category": "expected", "n": None, "unit": "episodes", "value": expected}
        yield group.row(
            share.definition, "diagnostic", **columns_of, method="sum of risks, logistic model of all sites"
        )
    if model is not None and not reason:
        found = calibrate(y, np.clip(model.held_out, 1e-9, 1 - 1e-9), cluster=people, groups=_FIFTHS)
        yield from _calibration(share, frame, found)


def _terms(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Numbers in standard deviations with a term for "not recorded"; groups as terms against the commonest of them."""
    terms: list[np.ndarray] = []
    for column in columns:
        values = frame[column]
        if column in NUMBERS:
            number = values.to_numpy(dtype="float64", na_value=np.nan)
            missing = np.isnan(number)
            if missing.all():
                continue
            spread = float(np.nanstd(number))
            if spread > 0:
                terms.append(np.where(missing, 0.0, (number - np.nanmean(number)) / spread))
            if missing.sum() >= LEAST_LEVEL:
                terms.append(missing.astype(np.float64))
            continue
        text = values.astype(object).where(values.notna(), None)
        sizes = text.value_counts()
        common = sizes.index[sizes >= LEAST_LEVEL].tolist()
        rest = ~text.isin(common).to_numpy()
        terms += [(text == level).to_numpy(dtype="float64") for level in common[1:]]
        if common and rest.sum() >= LEAST_LEVEL:
            terms.append(rest.astype(np.float64))
    return np.column_stack(terms) if terms else np.empty((len(frame), 0))


def _calibration(share: Share, frame: pd.DataFrame, found: Calibration) -> Iterator[Row]:
    whole = {
        "at": share.at,
        "denominator": len(frame),
        "people": frame["person_id"].nunique(),
        "unit": "number",
        "design_word": _ADJUSTED,
        "note": f"of the case-mix model, on people left out of it in turn ({_FOLDS} folds)",
    }
    intervals: tuple[tuple[str, Interval], ...] = (
        ("calibration_intercept", found.intercept),
        ("calibration_slope", found.slope),
    )
    everyone = Group(shared=whole)
    for name, interval in intervals:
        yield everyone.row(share.definition, "diagnostic", category=name, **interval_columns(interval))
    for name, value, method in (
        ("calibration_ratio", found.ratio, "observed over expected"),
        ("concordance", found.concordance, "c statistic"),
        ("brier", found.brier, "mean squared error of risks"),
    ):
        yield everyone.row(share.definition, "diagnostic", category=name, value=value, method=method)
    for place in range(len(found.units)):
        inside = found.group == place
        if not inside.any():
            continue
        shared = {
            **whole,
            "n": found.observed[place],
            "denominator": found.units[place],
            "people": frame.loc[inside, "person_id"].nunique(),
            "unit": "share",
        }
        fifth = Group("expected_fifth", str(place + 1), shared)
        for name, events in (("calibration_observed", found.observed), ("calibration_expected", found.expected)):
            value = events[place] / found.units[place]
            yield fifth.row(share.definition, "diagnostic", category=name, value=value, method="share")
