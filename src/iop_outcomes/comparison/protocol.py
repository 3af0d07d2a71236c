"""The question of a comparison written down before it is answered: a target trial, and how these records stand in for it.

Source: Hernán and Robins (2016), doi:10.1093/aje/kwv254.
"""

from __future__ import annotations

from dataclasses import dataclass

from iop_outcomes.errors import UsageError
from iop_outcomes.vocabulary import LevelOfCare

#: What may be compared, in words.
OUTCOMES: dict[str, str] = {
    "abstinent": "thirty days without use, as said or tested at the follow-up interview",
    "retained": "still in the programme, or completed it",
    "completed": "completed the programme",
    "days_in_care": "days in the programme of admission, on average (restricted mean)",
}
#: Whose effect, in words; the first is the default.
ESTIMANDS: dict[str, str] = {
    "ATO": "people who could well have gone to either level, the more so the less certain their placement (overlap weights)",
    "ATE": "everybody who could have gone to either level",
    "ATT": "those of them who went to {treated}",
    "ATC": "those of them who went to {control}",
}
#: How people are made alike, in words; the first is the default.
METHODS: dict[str, str] = {
    "weighting": "weights from the chance of placement (logistic regression), errors from stacked estimating equations",
    "aipw": "doubly robust: chance of placement and outcome both modelled, errors from stacked estimating equations",
    "standardisation": "regression of the outcome, averaged over the people whose effect it is (g-formula)",
}
#: Events that may come between admission and outcome, and how each is handled, by outcome.
_INTERCURRENT: dict[str, tuple[tuple[str, str], ...]] = {
    "abstinent": (
        ("left early, or ended by the programme", "counted as any other: the effect is of where care began"),
        ("moved to another level, or came back", "part of the course that began with the first admission"),
        ("in jail", "counted by what was said when reached, else as not reached"),
        ("died", "not counted: a share speaks of people alive on the day"),
    ),
    "retained": (
        ("left early, or ended by the programme", "not retained"),
        ("moved to another level", "not retained in the programme of admission"),
        ("in jail", "not retained"),
        ("died", "not retained"),
    ),
    "completed": (
        ("left early, or ended by the programme", "not completed"),
        ("moved to another level", "not completed"),
        ("in jail", "not completed"),
        ("died", "not completed"),
    ),
    "days_in_care": tuple(
        (event, "ends the days")
        for event in ("left early, or ended by the programme", "moved to another level", "in jail", "died")
    ),
}


@dataclass(frozen=True)
class Protocol:
    """What a comparison asks, of whom, from when, and how: printed with its result and kept in its settings.

    ``treated`` and ``control`` are ASAM levels, ``at`` days since admission, ``adjust`` columns known at admission.
    ``perspective`` and ``price_year`` belong to comparisons of cost and stay empty in others.

    Raises :class:`UsageError` for a word it does not know, or a combination that cannot be.

    >>> print(Protocol("2.1", "3.5", "retained", 30, adjust=("severity",)).describe()[0][1])
    Of people who could go to either level, how many more are still in the programme, or completed it, 30 days after \
admission when care begins in 2.1 (intensive outpatient), not 3.5 (residential, high intensity)?
    """

    treated: str
    control: str
    outcome: str
    at: int
    estimand: str = "ATO"
    method: str = "weighting"
    adjust: tuple[str, ...] = ()
    perspective: str = ""
    price_year: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        if self.treated not in LevelOfCare.codes() or self.control not in LevelOfCare.codes():
            raise UsageError(f"treated and control are levels of care: {', '.join(LevelOfCare.codes())}")
        if self.treated == self.control:
            raise UsageError("treated and control are two different levels of care")
        for name, allowed in (("outcome", OUTCOMES), ("estimand", ESTIMANDS), ("method", METHODS)):
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} is one of {', '.join(allowed)}")
        if isinstance(self.at, bool) or not isinstance(self.at, int) or self.at < 1:
            raise UsageError("at is a whole number of days since admission, 1 or more")
        if self.method != "weighting" and self.estimand == "ATO":
            raise UsageError("overlap weights (ATO) go with method='weighting'; choose estimand 'ATE', 'ATT' or 'ATC'")
        if self.method != "weighting" and self.outcome == "days_in_care":
            raise UsageError("days in care are compared by method='weighting'")
        if not self.adjust:
            raise UsageError("adjust names at least one column known at admission")

    @property
    def names(self) -> dict[str, str]:
        """The two levels as a reader meets them: code and label."""
        levels = {"treated": self.treated, "control": self.control}
        return {side: f"{level} ({LevelOfCare(level).label.lower()})" for side, level in levels.items()}

    def describe(self) -> tuple[tuple[str, str], ...]:
        """The target-trial table: element and how it is done here."""
        treated, control = self.names["treated"], self.names["control"]
        what = OUTCOMES[self.outcome]
        if self.outcome == "days_in_care":
            asked = f"by how many {what}, within {self.at} days, do people differ"
        else:
            verb = {"abstinent": "have gone ", "retained": "are ", "completed": "have "}[self.outcome]
            asked = f"how many more {verb}{what}, {self.at} days after admission"
        alike = ", ".join(name.replace("_", " ") for name in self.adjust)
        rows = [
            (
                "Question",
                f"Of people who could go to either level, {asked} when care begins in {treated}, not {control}?",
            ),
            ("Who is in it", "First admissions of people judged at placement able to go to either level of care"),
            (
                "Who is not",
                "People who could only go to one level (withdrawal risk, unsafe housing), or not judged: told apart",
            ),
            ("What is compared", f"Care that begins in {treated} with care that begins in {control}, whatever follows"),
            (
                "How people were placed",
                "By judgement, not by lot; as good as by lot, it is assumed, among people alike as below",
            ),
            (
                "Time zero",
                "The day of admission, taken to follow the placement decision at once; everybody admitted counts",
            ),
            ("Followed", f"To day {self.at} after admission, the same clock in both arms"),
            ("Outcome", f"{what[0].upper()}{what[1:]}, day {self.at}"),
            ("What may come between", "; ".join(f"{event}: {handled}" for event, handled in self.intercurrent)),
            ("Whose effect", f"{self.estimand}: {ESTIMANDS[self.estimand].format(treated=treated, control=control)}"),
            ("Made alike in", f"{alike}; all recorded at admission"),
            ("How", METHODS[self.method]),
            ("Not recorded", f"Covariates: a category of their own. Outcome: {self._unknown}"),
        ]
        if self.perspective:
            rows.append(("Perspective of costs", self.perspective))
        if self.price_year is not None:
            rows.append(("Prices of", str(self.price_year)))
        return tuple((element, f"{text[:1].upper()}{text[1:]}") for element, text in rows)

    @property
    def intercurrent(self) -> tuple[tuple[str, str], ...]:
        """Events that may come between admission and outcome, each with its handling."""
        return _INTERCURRENT[self.outcome]

    @property
    def _unknown(self) -> str:
        if self.outcome != "abstinent":
            return "people not followed to the day are too early to count, or count until they were last seen"
        if self.method == "standardisation":
            return "people not reached are foretold by the regression; bounds beside"
        return "answers count by the inverse of their chance; bounds beside"

    def __str__(self) -> str:
        """The target-trial table as text."""
        rows = self.describe()
        width = max(len(element) for element, _ in rows)
        return "\n".join(f"{element:<{width}}  {text}" for element, text in rows)
