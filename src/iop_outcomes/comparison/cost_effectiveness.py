"""What intensive outpatient care costs and achieves against residential care, both taken together.

The same people, weights and gate as :mod:`iop_outcomes.comparison.effectiveness`; people not yet followed to the horizon are
stood for by people like them who are (:mod:`iop_outcomes.comparison.horizon`). Where people cannot be made alike there are no
increments.

See docs/definitions/cost_effectiveness.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from iop_outcomes import reductions
from iop_outcomes.cohort import Cohort, select_cohort
from iop_outcomes.comparison.accounts import Accounts, read_accounts
from iop_outcomes.comparison.balance import Arms, balance_rows, judge, read_baseline, support_rows
from iop_outcomes.comparison.effectiveness import ADJUST
from iop_outcomes.comparison.horizon import follow_people
from iop_outcomes.comparison.increments import (
    Question,
    Weighed,
    cost_rows,
    crude_rows,
    decision_rows,
    followed_rows,
    increment_rows,
    refused_rows,
    scenario_rows,
    weigh_people,
)
from iop_outcomes.comparison.person_costs import Courses, hold_rows, name_dollars, read_courses
from iop_outcomes.comparison.prices import find_index, load_indices
from iop_outcomes.comparison.protocol import OUTCOMES, Protocol
from iop_outcomes.comparison.two_way import two_way_rows
from iop_outcomes.errors import UsageError
from iop_outcomes.estimates import Estimates
from iop_outcomes.measures.case_mix import check_covariates
from iop_outcomes.measures.rows import Row
from iop_outcomes.records.model import Records
from iop_outcomes.statistics import one_way_sensitivity
from iop_outcomes.statistics.intervals import Floats
from iop_outcomes.vocabulary import CostKind

#: Effects that may be bought: what one unit is called, its kind, and the prices of one shown unless others are asked for.
EFFECTS: dict[str, tuple[str, str, tuple[float, ...]]] = {
    "abstinent": ("person abstinent", "share", tuple(float(price) for price in range(0, 50_001, 2_500))),
    "completed": ("completer", "share", tuple(float(price) for price in range(0, 50_001, 2_500))),
    "known_sober_days": ("day known sober", "days", tuple(float(price) for price in range(0, 501, 25))),
}
_SOBER = "days known sober while in the programme of admission, by test or report"
#: How far the price of a client-week is moved, down and up, when one input moves at a time.
PRICE_RANGE = 0.25
#: Other sides to look from: perspective and kind of money.
_SIDES: tuple[tuple[str, str], ...] = (
    ("provider", "cost"),
    ("payer", "payment"),
    ("payer", "charge"),
    ("client", "cost"),
    ("society", "cost"),
)


@dataclass(frozen=True)
class CostProtocol(Protocol):
    """A protocol of cost and effect together: ``horizon`` days of cost, ``kind`` of money, the price ``index``.

    >>> asked = CostProtocol("2.1", "3.5", "known_sober_days", 90, adjust=("severity",), perspective="provider")
    >>> asked.describe()[7]
    ('Outcome', 'Days known sober while in the programme of admission, by test or report, to day 90')
    """

    horizon: int = 365
    kind: str = "cost"
    index: str = "cpi_u"

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        if self.outcome not in EFFECTS:
            raise UsageError(f"effect is one of {', '.join(EFFECTS)}")
        if isinstance(self.horizon, bool) or not isinstance(self.horizon, int) or self.horizon < 1:
            raise UsageError("horizon is a whole number of days, 1 or more")
        _ = self._placement  # refuses what no comparison of levels can ask

    @property
    def _placement(self) -> Protocol:
        """The comparison of the two levels without money; days sober take the place of days in care."""
        outcome = self.outcome if self.outcome in OUTCOMES else "days_in_care"
        return Protocol(self.treated, self.control, outcome, self.at, self.estimand, self.method, self.adjust)

    @property
    def intercurrent(self) -> tuple[tuple[str, str], ...]:
        """Events that may come between admission and outcome, each with its handling."""
        return self._placement.intercurrent

    def describe(self) -> tuple[tuple[str, str], ...]:
        """The target-trial table: element and how it is done here."""
        unit = EFFECTS[self.outcome][0]
        treated, control = self.names["treated"], self.names["control"]
        said = {
            "Question": f"Of people who could go to either level, what more does care that begins in {treated} cost, and "
            f"achieve, than care that begins in {control}: dollars within {self.horizon} days for each {unit}?",
            "Followed": f"Outcome to day {self.at}, costs to day {self.horizon}, the same clock in both arms",
        }
        if self.outcome == "completed":
            said["Not recorded"] = "Covariates: a category of their own"
        if self.outcome not in OUTCOMES:
            said["Outcome"] = f"{_SOBER[0].upper()}{_SOBER[1:]}, to day {self.at}"
            said["Not recorded"] = (
                "Covariates: a category of their own. Outcome: a day without a test or report is not known sober"
            )
        rows = [(element, said.get(element, text)) for element, text in self._placement.describe()]
        return (
            *rows,
            ("Perspective of costs", f"{self.perspective}, {CostKind(self.kind).label.lower()}"),
            (
                "What is paid for",
                f"All care in the records from admission to day {self.horizon}, readmissions included",
            ),
            (
                "Not yet followed",
                "People like them, followed so far, stand for them, part by part of the horizon; among people alike it is "
                "assumed not to matter when they were admitted",
            ),
            ("How it is priced", "Each programme's dollars for a client-week, times a person's own weeks (DATCAP)"),
            ("Prices of", f"{self.price_year}, by {find_index(self.index).label}"),
            (
                "Discounting",
                "None up to 365 days" if self.horizon <= 365 else "None: costs beyond a year are undiscounted",
            ),
        )


def assess_cost_effectiveness(
    records: Records | Cohort,
    *,
    treated: str = "2.1",
    control: str = "3.5",
    effect: str = "abstinent",
    at: int = 180,
    horizon: int = 365,
    perspective: str = "provider",
    kind: str = "cost",
    price_year: int | None = None,
    index: str = "cpi_u",
    wtp: Sequence[float] | None = None,
    worth: float | None = None,
    estimand: str = "ATO",
    adjust: Sequence[str] = ADJUST,
    admitted: tuple[str, str] | None = None,
    replicates: int = 10_000,
    seed: int = 1,
) -> Estimates:
    """Of people who could have gone to either level of care, what more would it have cost, and achieved, to begin in this one?

    ``records`` may be a cohort of them: people are chosen anew from all its records, by the clock it has worked out.
    ``effect`` is ``"abstinent"`` (at follow-up day ``at``), ``"completed"`` (by day ``at``) or ``"known_sober_days"`` (in the
    programme of admission, up to day ``at``). Costs are those of all care within ``horizon`` days of the first admission,
    seen by ``perspective`` and ``kind`` of money as in ``measure_costs``. ``wtp`` are prices of one unit of effect to show,
    ``worth`` the one at which two inputs are moved together (the middle of ``wtp`` when left out); nobody has an accepted
    one. ``estimand`` and ``adjust`` are as in ``compare_levels``, and so are the gate and the rule for
    people not reached: answers count by the inverse of their chance, with bounds among the scenarios. So do people followed
    far enough, for those who are not yet, part by part of the horizon; that rests on people alike not differing by when
    they were admitted, and the rows say so. ``replicates`` draws of the four means, made with ``seed``, give the shares
    of the acceptability curve.

    The protocol is kept in ``settings["cost_protocol"]``.

    Rows: ``increment_cost`` and ``increment_effect`` (each level and the difference, its note the words that come first),
    ``crude_cost`` and ``crude_effect``; of ``increment_cost`` also the correlation of the two differences and the share of
    draws in each quadrant; ``break_even_price`` (each level against nothing, and the one against the other, by Fieller);
    over ``wtp`` ``net_benefit`` (with the share of draws in which a level has the higher one) and ``information_value``
    (expected loss of each level, and what it would be worth to know); ``increment_price_swing`` (one price at a time),
    ``increment_two_way`` (two inputs at a time) and ``increment_scenario``; ``level_support`` and the balance of the people
    compared, their categories begun with ``cost_and_``. Where the gate does not pass, increments are ``not_estimable`` with
    the reason, and nothing is made of them.

    Raises :class:`UsageError` for words it does not know, a horizon below a day, prices below 0, fewer than two
    replicates, and where the records hold no such costs, dates, or reports of use.

    Source: Willan and Briggs (2006), Statistical Analysis of Cost-effectiveness Data; Li, Morgan and Zaslavsky (2018),
    doi:10.1080/01621459.2016.1260466.
    """
    cohort = select_cohort(
        records, level_of_care=[treated, control], admitted=admitted, episodes="first", rung="admitted"
    )
    columns = check_covariates(cohort, adjust)
    asked = CostProtocol(
        treated, control, effect, at, estimand, "weighting", columns, perspective, price_year, horizon, kind, index
    )
    prices = _check_prices(EFFECTS[effect][2] if wtp is None else wtp)
    (stated,) = _check_prices([float(np.median(prices)) if worth is None else worth])
    if isinstance(replicates, bool) or not isinstance(replicates, int) or replicates < 2:
        raise UsageError("replicates is a whole number, 2 or more")
    accounts = read_accounts(cohort, perspective, kind, price_year, index)
    protocol = replace(asked, price_year=accounts.price_year)
    followed = follow_people(cohort, effect, at, horizon, columns)
    people, answer = followed.people, followed.answer
    settings = {
        **cohort.settings,
        "cost_protocol": protocol,
        "perspective": perspective,
        "cost_kind": kind,
        "cost_horizon": horizon,
        "price_year": accounts.price_year,
        "price_index": index,
        "wtp": prices,
        "worth": stated,
        "replicates": replicates,
        "seed": seed,
    }
    own = (people["level_of_care"] == treated).to_numpy()
    question = Question(
        protocol, own, *EFFECTS[effect][:2], name_dollars(perspective, kind, accounts.price_year), followed.early
    )
    through = followed.seen[:, -1]
    if not (own & through).any() or not (~own & through).any():
        reason = (
            f"Nobody who could have gone to either level, followed to day {max(at, horizon)}, began in one of them."
        )
        return Estimates.from_rows(refused_rows(question, reason), settings)
    courses, baseline = read_courses(people, accounts, followed.ends), read_baseline(people, columns)
    weighed = weigh_people(question, baseline.design(), followed.seen, courses.price(accounts.daily), answer)
    settings["not_recorded"] = baseline.unrecorded
    # The part of the horizon with the fewest people comes last: its gate speaks for all, unless an earlier one refuses.
    parts = [Arms(protocol, baseline, made) for made in reversed(weighed.made)]
    verdicts = [judge(arms) for arms in parts]
    arms, verdict = next(
        (pair for pair in zip(parts, verdicts, strict=True) if not pair[1].passes), (parts[0], verdicts[0])
    )
    rows = [*crude_rows(question, weighed.whole, answer)]
    for row in (*balance_rows(arms), *support_rows(arms, verdict)):
        rows.append({**row, "category": f"cost_and_{row['category']}"})
    rows += followed_rows(question, through)
    if not verdict.passes:
        rows += refused_rows(question, verdict.words)
        return Estimates.from_rows(rows, settings)
    rows += hold_rows((*increment_rows(weighed), *decision_rows(weighed, prices, replicates, seed)), weighed.held)
    costs = {level: courses.price(accounts.daily, level=level) for level in courses.levels}
    rows += _swing_rows(weighed, costs)
    rows += two_way_rows(weighed, costs, stated)
    rows += _other_sides(weighed, courses, accounts, cohort, baseline.design())
    return Estimates.from_rows(rows, settings)


def _check_prices(wtp: Sequence[float]) -> tuple[float, ...]:
    prices = tuple(sorted({float(price) for price in wtp}))
    if not prices or not all(0 <= price < np.inf for price in prices):
        raise UsageError("wtp is a list of prices of one unit of effect, worth is one, each 0 or more")
    return prices


def _swing_rows(weighed: Weighed, costs: Mapping[str, Floats]) -> Iterator[Row]:
    """The increment of cost with the price of a client-week at each level moved down and up, one at a time.

    ``costs`` are the dollars of care at each level, by level.
    """
    parts = {level: weighed.means_of(cost) for level, cost in costs.items()}
    ranges = dict.fromkeys(parts, (1 - PRICE_RANGE, 1 + PRICE_RANGE))

    def means(prices: Mapping[str, float]) -> Floats:
        return np.sum([price * parts[level] for level, price in prices.items()], axis=0)

    def model(**prices: float) -> float:
        treated, control = means(prices)
        return float(treated - control)

    base = dict.fromkeys(parts, 1.0)
    for swing in one_way_sensitivity(model, base, ranges).swings:
        for end, value, factor in (("low", swing.at_low, swing.low_input), ("high", swing.at_high, swing.high_input)):
            suffix = f"{swing.name}/{end}"
            moved = {**base, swing.name: factor}
            held = replace(weighed, cost=np.sum([price * costs[level] for level, price in moved.items()], axis=0)).held
            yield from hold_rows(cost_rows(weighed.question, "increment_price_swing", suffix, means(moved)), held)
            said: Row = {"value": value, "method": "one price moved, all else as estimated"}
            said["note"] = f"a client-week at level {swing.name} at {factor:.0%} of its price"
            yield weighed.question.row("increment_price_swing", "difference", suffix=suffix, **said)


def _other_sides(
    weighed: Weighed, courses: Courses, accounts: Accounts, cohort: Cohort, design: Floats
) -> Iterator[Row]:
    """The increments seen by others, in other prices, of the first stay alone, and with people not reached counted."""
    protocol: CostProtocol = weighed.question.protocol  # type: ignore[assignment]
    year, index = protocol.price_year, protocol.index

    like = [weighed]

    def again(name: str, cost: Floats, effect: Floats, question: Question) -> Iterator[Row]:
        made = weigh_people(question, design, weighed.seen, cost, effect, like)
        like[1:] = [made]
        yield from hold_rows(scenario_rows(made, name), made.held)

    sides = [
        (f"{one}_{kind}", one, kind, index)
        for one, kind in _SIDES
        if (one, kind) != (protocol.perspective, protocol.kind)
    ]
    priced = reductions.collect(cohort.records.costs.select("price_year"))["price_year"]
    if set(priced.dropna().astype("int64")) - {year}:  # else an index converts nothing
        others = (other for other in load_indices() if other != index)
        sides += [(f"index_{other}", protocol.perspective, protocol.kind, other) for other in others]
    for name, perspective, kind, by in sides:
        question = replace(weighed.question, dollars=name_dollars(perspective, kind, year or 0))
        try:
            daily = read_accounts(cohort, perspective, kind, year, by, accounts).daily
        except UsageError as refusal:
            yield question.row(
                "increment_scenario", "difference", suffix=name, status="not_estimable", note=str(refusal)
            )
            continue
        yield from again(name, courses.price(daily), weighed.effect, question)
    first = courses.price(accounts.daily, first_only=True)
    yield from again("first_stay_only", first, weighed.effect, weighed.question)
    unknown = np.isnan(weighed.effect) & weighed.seen[:, 0]  # not reached, though due
    if not unknown.any() or weighed.question.kind != "share":
        return
    for name, (ours, theirs) in {
        "not_reached_using": (0.0, 0.0),
        "not_reached_sober": (1.0, 1.0),
        "not_reached_least": (0.0, 1.0),
        "not_reached_most": (1.0, 0.0),
    }.items():
        filled = np.where(unknown, np.where(weighed.question.treated, ours, theirs), weighed.effect)
        yield from again(name, weighed.cost, filled, weighed.question)
