"""Primary suppression: which rows may not stand whatever else is printed, and which single counts must go.

Every function marks rows of a :class:`Sheet`; none of them unmarks one, so their order only decides which rule the
audit names. The rules that are named by number stand in docs/release.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from iop_outcomes.estimates import ALL
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.published import Audit
from iop_outcomes.vocabulary import Status

#: Estimands whose ``n`` counts people, episodes or events among the denominator.
COUNTED: frozenset[str] = frozenset({"count", "proportion", "survival", "cumulative_incidence"})
#: Estimands that summarise people; their counts say what they rest on.
SUMMARISED: frozenset[str] = frozenset(
    {
        "mean",
        "restricted_mean",
        "restricted_mean_lost",
        "median",
        "rate",
        "ratio",
        "sum",
        "smd",
        "kappa",
    }
)
#: One number from the rows of two groups or more.
CONTRASTS: frozenset[str] = frozenset({"difference", "p_value"})
#: One number a model made from counts of the same people.
MODELLED: frozenset[str] = frozenset({"adjusted_proportion", "standardised_ratio", "tipping_point"})
#: Shares and ratios that a regression made: they need more people than terms (rule D17).
REGRESSED: frozenset[str] = frozenset({"adjusted_proportion", "standardised_ratio"})
#: The most of a total that two people may hold (rule D10), and the fewest people a model must have beyond its terms.
TWO_HOLD, SPARE_PEOPLE = 0.9, 10
#: Most columns that may be crossed in one table, the period and the site apart (rule D16).
MOST_CROSSED = 2
#: Words in the name of a group column that speak of staff (rule D19).
STAFF: tuple[str, ...] = (
    "staff",
    "clinician",
    "counselor",
    "counsellor",
    "therapist",
    "physician",
    "prescriber",
    "worker",
)
#: Drawn through, or said of, all rows of a definition together.
DRAWN: frozenset[str] = frozenset({"center_line", "limit", "funnel_limit", "diagnostic"})

POPULATION: tuple[str, ...] = ("by", "group", "period_start", "period_end")

UNKNOWN = "Withheld because the gate does not know the kind of number"
SMALL = "Withheld because it rests on too few people"
COMPLEMENT = "Withheld because too few people are left over"
EXTREME = "Withheld because 0% or 100% would say something about every person"
SMALL_GROUP = "Withheld because the group, or the group it could be subtracted from, is too small"
DOMINATED = "Withheld because two people hold nearly all of it, or because nobody said how much they hold"
SATURATED = "Withheld because the model has nearly as many terms as people, or because nobody said how many"
CROSSED = "Withheld because too many characteristics are crossed"
ABOUT_STAFF = "Withheld because a table about single members of staff is not for release"
CURVE = "Withheld because a step of the curve would show too few people"
NESTED = "Withheld because a difference between two numbers would show too few people"
LINKED = "Withheld because a withheld number could be worked out from it"


@dataclass
class Sheet:
    """The rows of a release while rules are applied: which are hidden, by which rule, and which cells are blanked.

    ``fixed`` rows cannot be hidden: an override opened them, or they are out already. ``twin`` of a row released before is
    the row of the same figure now, else -1. ``extreme`` marks what rule D3 protects. ``exposed`` counts protected numbers
    that only fixed rows give away, and ``fewest`` says whether no other choice would have withheld less.
    """

    frame: pd.DataFrame
    hidden: np.ndarray = field(init=False)
    blank: dict[str, np.ndarray] = field(init=False)
    extreme: np.ndarray = field(init=False)
    fixed: np.ndarray = field(init=False)
    twin: np.ndarray = field(init=False)
    exposed: int = 0
    fewest: bool = True
    _spared: np.ndarray = field(init=False)
    _rules: Counter[str] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        """Start with nothing hidden."""
        rows = len(self.frame)
        self.hidden = np.zeros(rows, dtype=bool)
        self.hidden |= (self.frame["status"] == Status.WITHHELD).to_numpy()
        self.extreme = np.zeros(rows, dtype=bool)
        self.fixed = np.zeros(rows, dtype=bool)
        self.twin = np.full(rows, -1)
        self._spared = np.zeros(rows, dtype=bool)
        self.blank = {name: np.zeros(rows, dtype=bool) for name in ("n", "denominator", "people", "n_missing")}

    def hide(self, rows: np.ndarray, rule: str) -> None:
        """Withhold rows (a mask or positions) under a rule; rows already withheld keep their first rule."""
        mask = rows if rows.dtype == bool else np.isin(np.arange(len(self.frame)), rows)
        fresh = mask & ~self.hidden & ~self.fixed
        self._spared |= mask & self.fixed
        if fresh.any():
            self._rules[rule] += int(fresh.sum())
            self.hidden |= fresh

    def follow(self, whole: Sheet) -> None:
        """Take over what was decided on a larger sheet that began with this one's rows."""
        self.hide(whole.hidden[: len(self.frame)], LINKED)
        self.exposed, self.fewest = whole.exposed, whole.fewest

    def audit(self, frozen: int) -> Audit:
        """Rows withheld by rule and cells blanked in rows that stay; ``frozen`` rows are printed as released before."""
        cells: dict[str, int] = {}
        for name, words in (("people", "Count of people left out"), ("n_missing", "Count of missing records left out")):
            count = int((self.blank[name] & ~self.hidden & self.frame[name].notna().to_numpy()).sum())
            if count:
                cells[words] = count
        return Audit(
            len(self.frame),
            int(self.hidden.sum()) - frozen,
            dict(sorted(self._rules.items())),
            cells,
            opened=int(self._spared.sum()),
            frozen=frozen,
            exposed=self.exposed,
            fewest=self.fewest,
        )

    def column(self, name: str) -> np.ndarray:
        """A numeric column as an array, or a text column with missing as an empty string."""
        column = self.frame[name]
        if column.dtype.kind == "f":
            return column.to_numpy()
        return column.astype(object).where(column.notna(), "").to_numpy(dtype=object)


def is_primary(frame: pd.DataFrame) -> np.ndarray:
    """Rows that are counted or summarised from people, not worked out from other rows."""
    return (~frame["estimand"].isin(CONTRASTS | MODELLED | DRAWN)).to_numpy()


def row_groups(frame: pd.DataFrame, keys: list[str]) -> list[np.ndarray]:
    """Positions of the rows that share the key columns, a missing key being a value of its own."""
    return [np.asarray(rows) for rows in frame.groupby(keys, dropna=False).indices.values()]


def row_keys(frame: pd.DataFrame, names: Sequence[str]) -> list[tuple[object, ...]]:
    """One key a row; a missing cell is a value like any other."""
    columns = frame[list(names)].astype(object)
    return list(columns.where(columns.notna(), None).itertuples(index=False, name=None))


def withhold_unknown(sheet: Sheet) -> None:
    """Fail closed: an estimand, status or count the gate cannot judge is withheld."""
    estimand = sheet.frame["estimand"]
    known = estimand.isin(COUNTED | SUMMARISED | CONTRASTS | MODELLED | DRAWN)
    status = sheet.frame["status"].isin(Status.codes())
    counts = sheet.frame[["n", "denominator", "people"]].notna()
    says = np.where(
        estimand.isin(COUNTED),
        counts["n"] | ((sheet.frame["status"] != Status.OK) & sheet.frame["value"].isna()),
        counts["people"] | counts["denominator"],
    )
    rests = says | estimand.isin(DRAWN).to_numpy() | (sheet.frame["status"] == Status.NOT_ESTIMABLE).to_numpy()
    sheet.hide(~(known & status & rests).to_numpy(), UNKNOWN)


def withhold_small(sheet: Sheet, policy: Policy) -> None:
    """Events, base, people, the smallest count behind a number, and in counted rows those left over: zero or enough."""
    small = np.zeros(len(sheet.frame), dtype=bool)
    for name in ("n", "denominator", "people", "smallest"):
        small |= _small(sheet.column(name), policy)
    counted = np.isin(sheet.column("estimand").astype(str), sorted(COUNTED))
    counts = counted & (sheet.column("estimand") == "count")
    small |= counts & _small(sheet.column("value"), policy)
    sheet.hide(small, SMALL)
    left = sheet.column("denominator") - sheet.column("n")
    sheet.hide(counted & _small(left, policy), COMPLEMENT)


def withhold_dominated(sheet: Sheet) -> None:
    """Rule D10: a sum, and any sum, mean or ratio of money, of which two people hold more than nine tenths.

    Where two hold at most nine tenths, the rest is more than a tenth of the largest part, so the second largest person
    cannot tell the largest one's to within 10 % either. A share that nobody gave counts as too much.
    """
    frame = sheet.frame
    money = frame["unit"].fillna("").str.startswith("dollars")
    total = (frame["estimand"] == "sum") | (money & frame["estimand"].isin(SUMMARISED))
    held = frame["top_two"]
    told = frame["value"].notna() & (frame["value"] != 0)
    sheet.hide(((held > TWO_HOLD) | (total & held.isna() & told)).to_numpy(), DOMINATED)


def withhold_saturated(sheet: Sheet) -> None:
    """Rule D17: a regressed share or ratio needs at least ten more people than the model has terms."""
    frame = sheet.frame
    regressed = (frame["estimand"].isin(REGRESSED) & frame["value"].notna()).to_numpy()
    sheet.hide(regressed & ~(frame["residual_df"] >= SPARE_PEOPLE).to_numpy(), SATURATED)


def withhold_kinds(sheet: Sheet) -> None:
    """Rules D16 and D19: tables that cross more than two characteristics, and tables about members of staff."""
    crossed = sheet.frame["by"].str.split(r"\s*(?:\+|×|\*| x )\s*", regex=True)
    sheet.hide((crossed.map(lambda names: len(set(names) - {"site", "program"})) > MOST_CROSSED).to_numpy(), CROSSED)
    about = sheet.frame["by"].str.lower().str.contains("|".join(STAFF), regex=True)
    sheet.hide(about.to_numpy(), ABOUT_STAFF)


def withhold_extremes(sheet: Sheet, sensitive: tuple[str, ...]) -> None:
    """Rule D3: no or every person of a group, on a sensitive matter, unless nobody could have been counted yet."""
    name = np.array([str(text).split("@")[0] for text in sheet.column("definition")])
    n, base, at = sheet.column("n"), sheet.column("denominator"), sheet.column("at")
    counted = np.isin(sheet.column("estimand").astype(str), sorted(COUNTED))
    whole = (n == 0) | (n == base)
    structural = (at == 0) & (n == 0)
    sheet.extreme |= counted & np.isin(name, sensitive) & (base > 0) & whole & ~structural
    sheet.hide(sheet.extreme, EXTREME)


def withhold_groups(sheet: Sheet, policy: Policy) -> None:
    """A group with too few people is withheld everywhere, and so is the next smallest until subtraction tells nothing."""
    frame = sheet.frame
    base = pd.Series(policy.show(frame["people"].fillna(frame["denominator"]).fillna(0.0).to_numpy()))
    own = (frame["by"] != ALL).to_numpy() & is_primary(frame)  # a contrast counts the people of both its groups
    groups = frame.assign(_base=base)[own].groupby(["by", "period_start", "period_end", "group"], dropna=False)
    sizes = groups["_base"].max().reset_index()
    keys = [sheet.column(name) for name in ("by", "period_start", "period_end", "group")]
    for _, family in sizes.groupby(["by", "period_start", "period_end"], dropna=False):
        ranked = family.fillna({"group": "", "period_start": "", "period_end": ""}).sort_values(["_base", "group"])
        chosen = _hidden_groups(ranked["_base"].to_numpy(), policy)
        for _, row in ranked.iloc[:chosen].iterrows():
            same = np.ones(len(frame), dtype=bool)
            for key, name in zip(keys, ("by", "period_start", "period_end", "group"), strict=True):
                same &= key == row[name]
            sheet.hide(same, SMALL_GROUP)


def withhold_days_lost(sheet: Sheet, policy: Policy) -> None:
    """Mean days in care and mean days lost to each cause add to a known length: one cause alone cannot be withheld."""
    lost = np.flatnonzero((sheet.frame["estimand"] == "restricted_mean_lost").to_numpy())
    key = ["measure", "definition", *POPULATION, "at"]
    counts = sheet.column("n")
    for members in row_groups(sheet.frame.iloc[lost], key):
        rows = sorted(lost[members], key=lambda row: (np.nan_to_num(counts[row], nan=np.inf), row))
        hidden = [row for row in rows if sheet.hidden[row]]
        shown = [row for row in rows if not sheet.hidden[row]]
        while hidden and shown and (len(hidden) < 2 or np.nansum(counts[hidden]) <= policy.limit):
            hidden.append(shown.pop(0))
        sheet.hide(np.array(hidden, dtype=int), LINKED)


def blank_people(sheet: Sheet, policy: Policy) -> None:
    """Blank a count of people that a neighbouring count would turn into a small difference.

    Among the people of one group and period, counts of people are nested (those in care in week 3 are among those
    admitted). A count stays when it differs from every larger one that stays by zero or enough people; otherwise it is
    blanked, in all groups at once, and with it the base of the ratio it stands for. So it is where a row counts events of
    the same people: 122 episodes of 121 people say that one person came twice.
    """
    frame = sheet.frame
    people, base, events = (sheet.column(name) for name in ("people", "denominator", "n"))
    estimand = sheet.column("estimand").astype(str)
    counted = np.isin(sheet.column("estimand").astype(str), sorted(COUNTED))
    blank = np.zeros(len(frame), dtype=bool)
    shown = ~sheet.hidden
    for rows in row_groups(frame, list(POPULATION)):
        visible = rows[shown[rows]]
        kept = set(base[visible[counted[visible]]]) - {np.nan}
        kept = {value for value in kept if not np.isnan(value)}
        for value in sorted({p for p in people[visible] if not np.isnan(p)}, reverse=True):
            if any(_is_small(abs(other - value), policy) for other in kept):
                blank[visible[people[visible] == value]] = True
            else:
                kept.add(value)
    key = ["measure", "definition", "estimand", "category", "at", "period_start", "period_end", "by"]
    positions = np.flatnonzero((frame["by"] != ALL).to_numpy())
    for members in row_groups(frame[frame["by"] != ALL], key):
        rows = positions[members]
        if blank[rows].any():
            blank[rows] = True
    more = np.where(counted, events, base) - people
    sheet.blank["people"] |= blank | (_small(more, policy) & np.isin(estimand, ("count", "proportion", *SUMMARISED)))
    same = np.isclose(base, people) | ~counted
    for name in ("n", "denominator"):
        sheet.blank[name] |= blank & ~counted & same
    of_their_own = np.isin(estimand, sorted(SUMMARISED)) & ~np.isclose(events, base) & ~np.isclose(events, people)
    sheet.blank["n"] |= of_their_own  # events that no counted row of this figure stands beside


def blank_missing(sheet: Sheet, policy: Policy) -> None:
    """Blank a small count of missing records, in all rows of its definition, group and period at once."""
    frame = sheet.frame
    small = _small(sheet.column("n_missing"), policy)
    key = ["measure", "definition", "by", "period_start", "period_end"]
    for rows in row_groups(frame, key):
        if small[rows].any():
            sheet.blank["n_missing"][rows] = True


def _hidden_groups(sizes: np.ndarray, policy: Policy) -> int:
    """How many of the smallest groups to hide so that the hidden ones cannot be found by subtraction."""
    small = int(sum(_is_small(size, policy) and size > 0 for size in sizes))
    empty = int((sizes == 0).sum())
    if small == 0:
        return 0
    count = empty + small
    while count < len(sizes) and ((sizes[:count] > 0).sum() < 2 or sizes[:count].sum() <= policy.limit):
        count += 1
    return count


def _small(values: np.ndarray, policy: Policy) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        small = (values > 0) & (values <= policy.limit)
        return small if policy.zero_shown else small | (values == 0)


def _is_small(value: float, policy: Policy) -> bool:
    return 0 < value <= policy.limit
