"""How first stays end at either level of care, and when, among people who could have gone to either.

By each day every person has completed, left early, ended in another way or is still in the programme: the parts add to 1,
as they are and once the two levels' people are made alike. The same gate as in :mod:`iop_outcomes.comparison.effectiveness`.

See docs/definitions/comparison.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from iop_outcomes.cohort import Cohort, select_cohort
from iop_outcomes.comparison.balance import Arms, Verdict, balance_rows, chance_rows, judge, read_baseline, support_rows
from iop_outcomes.comparison.effectiveness import ADJUST
from iop_outcomes.comparison.eligible import placement_rows, read_admissions, say_nobody, view_admissions
from iop_outcomes.comparison.protocol import Protocol
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.case_mix import check_covariates
from iop_outcomes.measures.rows import Group, Row, interval_columns
from iop_outcomes.measures.stays import CAUSES, count_unseen
from iop_outcomes.records.model import Records
from iop_outcomes.statistics import Effect, Estimate, Interval, WeightedCurves, answer_weights, weighted_curves
from iop_outcomes.statistics.intervals import Floats
from iop_outcomes.vocabulary import DesignWord, EndReason, Status

_IN_PROGRAMME = "in_programme"
_UNSEEN = "nobody was followed to this day"
_ASSUMED = "holds if nothing else decided both placement and how stays end"
_NO_RANGE = "no range: in one of the levels nobody or everybody"


@dataclass(frozen=True)
class _Reading:
    """As placed, or made alike: the definitions and words of its rows.

    ``shares``, ``days`` and ``lost`` are definitions; ``estimands`` of the shares still in the programme and of those who have
    left; ``methods`` of shares and days where they are not those of the weights; ``apart`` is said of differences.
    """

    shares: str
    days: str
    lost: str
    estimands: tuple[str, str]
    methods: tuple[Row, Row]
    apart: Row


_AS_PLACED = _Reading(
    "level_crude_ending",
    "level_crude_days",
    "level_crude_days_lost",
    ("survival", "cumulative_incidence"),
    ({"method": "Aalen–Johansen, as placed"}, {"method": "restricted mean, as placed"}),
    {"design_word": str(DesignWord.ASSOCIATED)},
)
_MADE_ALIKE = _Reading(
    "level_effect_ending",
    "level_effect_days",
    "level_effect_days_lost",
    ("adjusted_proportion", "adjusted_proportion"),
    ({}, {}),
    {"note": _ASSUMED},
)


@dataclass(frozen=True)
class EndingsProtocol(Protocol):
    """A protocol of how first stays end: ``days`` are those shown, the last of them ``at``.

    >>> asked = EndingsProtocol("2.1", "3.5", "endings", 90, adjust=("severity",), days=(30, 90))
    >>> print(dict(asked.describe())["Followed"])
    To day 90 after admission, or to the day last seen, the same clock in both arms
    """

    days: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        if not self.days or any(isinstance(day, bool) or not isinstance(day, int) or day < 1 for day in self.days):
            raise UsageError("at is a list of whole days since admission, each 1 or more, such as (30, 90, 180)")
        _ = self._placement  # refuses what no comparison of levels can ask

    @property
    def _placement(self) -> Protocol:
        """The same comparison of levels, of days in care."""
        return Protocol(self.treated, self.control, "days_in_care", self.at, self.estimand, self.method, self.adjust)

    @property
    def intercurrent(self) -> tuple[tuple[str, str], ...]:
        """Events that may come between admission and the last day, each with its handling."""
        ways = tuple((event, "an ending of its own, by its day") for event, _ in self._placement.intercurrent)
        return (*ways, ("came back", "not counted: the first stay alone"))

    def describe(self) -> tuple[tuple[str, str], ...]:
        """The target-trial table: element and how it is done here."""
        treated, control = self.names["treated"], self.names["control"]
        said = {
            "Question": f"Of people who could go to either level, how do first stays end, and by when, where care begins in "
            f"{treated}, and how where it begins in {control}?",
            "Followed": f"To day {self.at} after admission, or to the day last seen, the same clock in both arms",
            "Outcome": f"How the first stay ended ({', '.join(EndReason.labels().values()).lower()}), or still in the "
            f"programme, by day {', '.join(map(str, self.days))}; days lost to each ending up to day {self.at}",
            "What may come between": "; ".join(f"{event}: {handled}" for event, handled in self.intercurrent),
            "Not recorded": "Covariates: a category of their own. Ending: people count until they were last seen",
        }
        said = {element: f"{text[:1].upper()}{text[1:]}" for element, text in said.items()}
        asked = ((element, said.get(element, text)) for element, text in self._placement.describe())
        return tuple(("Ending" if element == "Outcome" else element, text) for element, text in asked)


def compare_endings(
    records: Records | Cohort,
    *,
    treated: str = "2.1",
    control: str = "3.5",
    at: Sequence[int] = (30, 60, 90, 180),
    estimand: str = "ATO",
    adjust: Sequence[str] = ADJUST,
    admitted: tuple[str, str] | None = None,
) -> Estimates:
    """Of people who could have gone to either level of care, how would first stays have ended, and by when, at each?

    ``records`` may be a cohort of them: people are chosen anew from all its records, by the clock it has worked out.
    ``treated`` and ``control`` are ASAM levels; ``at`` days since admission. ``estimand`` and ``adjust`` are as in
    ``compare_levels``, and so is the gate. First admissions only, whoever attended nothing included; the stay is that in the
    programme of admission. The protocol is kept in ``settings["endings_protocol"]``.

    Rows: ``level_crude_ending`` (of each level as it is, and the difference: every reason for which anybody left, and
    ``in_programme``, by each day; they add to 1) and ``level_effect_ending`` (the same once people are made alike);
    up to the last day ``level_crude_days`` and ``level_effect_days`` (days in the programme) and
    ``level_crude_days_lost`` and ``level_effect_days_lost`` (days lost to each reason; with those in the programme they add
    to the last day). Categories begin with ``endings/``. Beside them ``level_placement``, ``level_balance_before``,
    ``level_balance_after``, ``level_support``, ``level_chance`` and ``level_chance_weighted``. Where the gate does not pass,
    what is made alike is ``not_estimable``, and its note says why and what would mend it.

    Within each level, being last seen while still in the programme must not go with what people are made alike in.

    Raises :class:`UsageError` for words the protocol does not know, days that are none, and columns not known at admission.

    Source: Aalen and Johansen (1978); Andersen (2013), doi:10.1002/sim.5903; Li, Morgan and Zaslavsky (2018),
    doi:10.1080/01621459.2016.1260466.
    """
    columns = (adjust,) if isinstance(adjust, str) else tuple(dict.fromkeys(adjust))
    days = tuple(sorted(set(at)))
    protocol = EndingsProtocol(
        treated, control, "endings", max(days, default=0), estimand, "weighting", columns, days=days
    )
    levels = [treated, control]
    cohort = select_cohort(records, level_of_care=levels, admitted=admitted, episodes="first", rung="admitted")
    check_covariates(cohort, columns)
    stays = read_admissions(cohort, columns)
    seen = (stays["observed_day"].to_numpy(dtype="float64") >= 0) & (stays["entry_day"] == 0).to_numpy()
    frame = view_admissions(stays.assign(due=seen, answer=stays["exit_day"].astype("float64")), columns)
    settings = {**cohort.settings, "endings_protocol": protocol}
    rows = list(placement_rows(frame, protocol))
    people = frame[frame["view"] == "compared"].reset_index(drop=True)
    own = (people["level_of_care"] == treated).to_numpy()
    study = _Study(protocol, people, own)
    if not own.any() or own.all():
        return Estimates.from_rows([*rows, *study.refused_rows(say_nobody(protocol, own))], settings)
    baseline = read_baseline(people, columns)
    everyone = np.ones(own.size, dtype=bool)
    arms = Arms(protocol, baseline, answer_weights(everyone, own, baseline.design(), estimand))
    settings["not_recorded"] = baseline.unrecorded
    verdict = judge(arms)
    rows += study.crude_rows()
    rows += balance_rows(arms)
    rows += support_rows(arms, verdict)
    rows += chance_rows(arms)
    rows += study.effect_rows(arms, verdict)
    return Estimates.from_rows(rows, settings)


@dataclass(frozen=True, eq=False)
class _Study:
    """The first stays compared; ``own`` says which of them began in the treated level."""

    protocol: EndingsProtocol
    stays: pd.DataFrame
    own: np.ndarray

    @property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Still in the programme, and every reason for which anybody left, with its code."""
        present = set(self.stays["cause"])
        return {_IN_PROGRAMME: (), **{reason: (code,) for reason, code in CAUSES.items() if code in present}}

    @cached_property
    def sides(self) -> tuple[tuple[str, pd.DataFrame], ...]:
        """Each level and how and when its people came and left, the treated first."""
        stays = self.stays[["entry_day", "exit_day", "cause"]]
        return (self.protocol.treated, stays[self.own]), (self.protocol.control, stays[~self.own])

    def crude_rows(self) -> Iterator[Row]:
        """Each level as it is, and the difference."""
        yield from self._rows(_AS_PLACED, self._fit(None))

    def effect_rows(self, arms: Arms, verdict: Verdict) -> Iterator[Row]:
        """Each level once people are made alike, and the difference; or why there is none."""
        made = self._fit(arms.baseline.design()) if verdict.passes else None
        if made is None or made.reason:
            yield from self.refused_rows(f"The model cannot be fitted: {made.reason}." if made else verdict.words)
            return
        spare = {"residual_df": len(self.stays) - arms.baseline.design().shape[1] - 1}
        yield from ({**row, **spare} for row in self._rows(_MADE_ALIKE, made))

    def refused_rows(self, why: str) -> Iterator[Row]:
        """What would be said of people made alike, without a value, and why."""
        for row in self._rows(_MADE_ALIKE, None):
            yield {**row, "status": str(Status.NOT_ESTIMABLE), "note": why}

    def _fit(self, covariates: Floats | None) -> WeightedCurves:
        """The curves of both levels, made alike in the covariates; as they are where there are none."""
        time, cause = self.stays["exit_day"].to_numpy(dtype="float64"), self.stays["cause"].to_numpy(dtype="int64")
        causes = list(CAUSES.values())
        return weighted_curves(time, cause, self.own, covariates, estimand=self.protocol.estimand, causes=causes)

    def _rows(self, reading: _Reading, made: WeightedCurves | None) -> Iterator[Row]:
        """Shares on each day, and days up to the last, of everybody still in and of every reason for leaving."""
        days, last = self.protocol.days, self.protocol.at
        for category, causes in self.parts.items():
            share, spent = (made.at(days, *causes), made.mean_time(last, *causes)) if made else (None, None)
            gone = category != _IN_PROGRAMME
            for row in self._trios(reading.shares, reading.estimands[gone], category, days, share, reading.apart):
                yield {**row, **reading.methods[0]}
            name, estimand = (reading.lost, "restricted_mean_lost") if gone else (reading.days, "restricted_mean")
            for row in self._trios(name, estimand, category, (last,), spent, reading.apart):
                yield {**row, **reading.methods[1]}

    def _trios(
        self, name: str, estimand: str, category: str, days: tuple[int, ...], found: Effect | None, apart: Row
    ) -> Iterator[Row]:
        """Both levels and their difference, on each day."""
        protocol, size = self.protocol, len(self.stays)
        for place, day in enumerate(days):
            shared = {"category": f"{protocol.outcome}/{category}", "at": day}
            unseen = 0
            of_sides = (found.treated, found.reference) if found else (None, None)
            for (level, stays), numbers in zip(self.sides, of_sides, strict=True):
                early = count_unseen(stays, [day])[0]
                counts: Row = {"denominator": len(stays), "people": len(stays), "n_missing": early}
                if estimand != "restricted_mean":
                    counts["n"] = _count(stays, category, day)
                unseen += early
                row = Group("level_of_care", level).row(name, estimand, **shared, **counts)
                yield {**row, **_numbers(numbers, place)}
            both = {"denominator": size, "people": size, "n_missing": unseen, "reference": protocol.control}
            row = Group("level_of_care", protocol.treated).row(name, "difference", **shared, **both)
            between = _numbers(found.difference if found else None, place)
            if "value" in between and not np.isfinite(between["ci_low"]):
                between["note"] = _NO_RANGE
            yield {**row, **apart, **between}


def _count(stays: pd.DataFrame, category: str, day: int) -> int:
    """How many of these people had left for a reason by a day, or had not been seen to leave."""
    gone = stays.loc[(stays["cause"] > 0) & (stays["exit_day"] <= day), "cause"]
    return len(stays) - len(gone) if category == _IN_PROGRAMME else int((gone == CAUSES[category]).sum())


def _numbers(found: Estimate | None, place: int) -> Row:
    """The numbers of one day, or why there are none."""
    if found is None:
        return {}
    value, low, high = (float(np.atleast_1d(column)[place]) for column in (found.value, found.low, found.high))
    columns = interval_columns(Interval(value, low, high, found.conf_level, found.method))
    return {**columns, "note": _UNSEEN} if columns.get("status") else columns
