"""Released counts in the bins of a policy, and what stands beside them made again from the released counts.

A share printed beside a rounded count would give the count back, and so would its interval, a difference or a number in
a note. Hence nothing of a rounded release rests on more than the bins: a share follows from two released counts, a
difference from two released shares. Their intervals hold for every count the released ones may stand for, so rounding
makes them wider and never puts a difference there that the records do not show. What no counts can give (a mean, a
model's share, money) keeps two digits, with limits moved outwards. The rules
that are named by number stand in docs/release.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
import pandas as pd

from iop_outcomes.estimates import ALL, REST
from iop_outcomes.publication.derivation import VERDICTS
from iop_outcomes.publication.formatting import WITHHELD
from iop_outcomes.publication.policy import Policy
from iop_outcomes.publication.suppression import COUNTED, MODELLED, SUMMARISED, row_groups, row_keys
from iop_outcomes.statistics import Interval, recovered_difference, wilson
from iop_outcomes.statistics.intervals import Floats, normal_quantile

#: How the method of a row says that its interval was made again.
FROM_COUNTS = "from rounded counts"

#: Numbers that a model, a test or a diagnostic gave.
_WORKED_OUT = frozenset({"diagnostic", "p_value", "smd", "kappa", *MODELLED})

_COUNTS = ["n", "denominator", "people", "n_missing"]
_NUMBERS = ["value", "ci_low", "ci_high"]
_PLACE = ["measure", "definition", "category", "at", "period_start", "period_end"]
_LEVEL = 0.95
#: The smallest p-value printed; anything below is shown as this.
_LEAST_P = 0.001
_SAME = 1e-9
#: How near to a whole number a worth of people is that number.
_NEAR = 1e-6

_NUMBER = r"\d+(?:[.,]\d+)*"
#: Numbers of a note that no person is counted in: days, settings, names, criteria, and how many groups there are.
_HARMLESS = "|".join(
    (
        r"\d{4}-\d\d-\d\d",
        rf"(?<=[A-Za-z]-){_NUMBER}",
        r"\b(?:prices of|days used|day|level|reach|within|under|above|below|across|side of|at least|at most|fewer than"
        rf"|one of) [$+-]*{_NUMBER}%?",
        rf"{_NUMBER}% (?:limits|ranges|interval|power|of its price)",
        rf"{_NUMBER} (?:sites|points|folds|terms|days|weeks|comparisons|more part|of their plain)",
    )
)
_TOLD = re.compile(rf"(?P<harmless>{_HARMLESS})|{_NUMBER}%?")


def round_released(frame: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Which numbers stand in a release whose counts are rounded?

    Takes the rows a gate lets stand (columns of Estimates, withheld cells blank) and gives them back with every count in
    its bin and every other number made again: see the module. Nothing is rounded where the policy rounds nothing, and
    rounding twice changes nothing.

    >>> row = dict(measure="retention", definition="retained@1", estimand="proportion", value=52 / 89, n=52.0,
    ...     ci_low=0.48, ci_high=0.68, conf_level=0.95, denominator=89.0, people=89.0, method="Wilson")
    >>> from iop_outcomes.estimates import Estimates
    >>> from iop_outcomes.publication.policy import POLICIES
    >>> rounded = round_released(Estimates.from_rows([row]).frame, POLICIES["round5"])
    >>> rounded[["n", "denominator", "value", "ci_low"]].round(3).values.tolist()
    [[50.0, 90.0, 0.556, 0.419]]
    """
    if policy.rounding == 1:
        return frame
    released = frame.copy()
    for name in _COUNTS:
        released[name] = policy.show(frame[name].to_numpy())
    estimand = frame["estimand"].to_numpy(dtype=object)
    before = frame["method"].fillna("").str.endswith(FROM_COUNTS).to_numpy()
    numbers = frame[_NUMBERS].to_numpy(dtype=np.float64, copy=True)
    numbers[~before] = np.array([_shorten(*each) for each in numbers[~before]]).reshape(-1, 3)
    numbers[estimand == "p_value", 0] = np.maximum(numbers[estimand == "p_value", 0], _LEAST_P)
    numbers[estimand == "count", 0] = policy.show(frame["value"].to_numpy()[estimand == "count"])
    method = frame["method"].to_numpy(dtype=object, copy=True)
    shares = np.flatnonzero(_is_share(frame) & ~before)
    binned = _bin_shares(frame.iloc[shares], policy)
    numbers[shares] = _share_numbers(frame.iloc[shares], binned)
    with_limits = frame["ci_low"].notna().to_numpy()[shares]
    method[shares[with_limits]] = [_say(words) for words in method[shares[with_limits]]]
    for row, made in _differences(frame, dict(zip(shares.tolist(), binned.each(), strict=True)), ~before):
        numbers[row], method[row] = made, f"Newcombe's square-and-add, {FROM_COUNTS}"
    _repeat_verdicts(frame, numbers)
    released[_NUMBERS] = numbers
    released["method"] = pd.Series(method, index=frame.index, dtype=frame["method"].dtype)
    grid = (frame["estimand"] == "funnel_limit") & (frame["by"] == ALL)  # a funnel is drawn over sizes, not days
    released.loc[grid, "at"] = [_shorten(size)[0] for size in frame.loc[grid, "at"]]
    return released


def shorten_worked_out(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows with two digits in what a model, a test or a diagnostic gave, and three in what stands without its base.

    Many digits of a number tell the counts it was worked out from, even where those are not printed (rules D8 and D9).
    Limits move outwards, so that the shorter interval still holds the longer one.
    """
    told = frame["value"].notna()
    bare = frame["estimand"].isin(SUMMARISED) & frame["n"].isna() & frame["denominator"].isna()
    released = frame.copy()
    share = frame["method"].fillna("").str.contains("Wilson")  # whose limits alone give base and count
    for rows, digits in ((told & (frame["estimand"].isin(_WORKED_OUT) | (bare & share)), 2), (told & bare & ~share, 3)):
        chosen = rows.to_numpy()
        numbers = released[_NUMBERS].to_numpy(dtype=np.float64)[chosen]
        short = [_shorten(value, low, high, digits) for value, low, high in numbers]
        released.loc[chosen, _NUMBERS] = np.array(short).reshape(-1, 3)
    return released


def without_counts(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows without the numbers in their notes that may be counts (rule D12)."""
    return frame.assign(note=frame["note"].map(mask_counts, na_action="ignore").astype(frame["note"].dtype))


def mask_counts(note: str) -> str:
    """A note without the counts in it: the mark of a withheld number stands for every number not known to be harmless.

    >>> mask_counts("prices of 2025 by CPI-U; 12 more people are not yet followed long enough")
    'prices of 2025 by CPI-U; · more people are not yet followed long enough'
    """
    return _TOLD.sub(lambda found: found.group() if found["harmless"] else WITHHELD, note)


def _shorten(
    value: float, low: float = math.nan, high: float = math.nan, digits: int = 2
) -> tuple[float, float, float]:
    """A number to some digits, and its limits outwards to as many digits of their own, but no finer than the number."""
    place = _place(value, digits)
    short = float(f"{value:.{digits - 1}e}")
    return short, _outwards(low, place, ROUND_FLOOR, digits), _outwards(high, place, ROUND_CEILING, digits)


def _outwards(limit: float, place: int, way: str, digits: int) -> float:
    if not math.isfinite(limit):
        return limit
    step = Decimal(1).scaleb(max(place, _place(limit, digits)))
    return float(Decimal(repr(float(limit))).quantize(step, rounding=way)) + 0.0


def _place(number: float, digits: int) -> int:
    """The power of ten of a number's last digit, once shortened; zero and no number have none."""
    if not number or not math.isfinite(number):
        return -99
    return int(Decimal(f"{number:.{digits - 1}e}").as_tuple().exponent)


@dataclass(frozen=True)
class _Shares:
    """Shares known to their bins. ``events`` and ``base`` hold three lines (least, shown, most), a column for each share.

    ``size`` holds two: the fewest people the lower and the upper limit may have been worth; 0 where a limit said nothing.
    """

    events: Floats
    base: Floats
    size: Floats
    level: Floats

    @property
    def value(self) -> Floats:
        """The least, the shown and the most the shares may be."""
        return np.minimum(self.events / self.base[::-1], 1)

    @property
    def limits(self) -> Floats:
        """Wilson's lower limit of the least share and upper limit of the greatest, on the fewest people."""
        least, _, most = self.value
        made = np.stack([np.zeros_like(least), np.ones_like(least)])
        for side, (share, size) in enumerate(zip((least, most), self.size, strict=True)):
            for one in np.unique(self.level):
                here = (self.level == one) & (size > 0)
                interval = wilson(share[here] * size[here], size[here], one)
                made[side, here] = (interval.low, interval.high)[side]
        return made

    def each(self) -> list[_Shares]:
        """The shares one by one."""
        places = range(len(self.level))
        return [
            _Shares(*(part[..., [one]] for part in (self.events, self.base, self.size, self.level))) for one in places
        ]

    def without(self, part: _Shares) -> _Shares:
        """What a part leaves of these, as strong for its size as they are."""
        base = np.maximum(self.base - part.base[::-1], 1)
        events = np.clip(self.events - part.events[::-1], 0, base[::-1])
        return _Shares(events, base, self.size * base[0] / self.base[2], self.level)

    def minus(self, other: _Shares) -> list[float]:
        """The shown difference, with limits by square-and-add that hold wherever in their bins the counts lie."""
        ends = [[_interval(share.value[place], share.limits) for place in (0, 2)] for share in (self, other)]
        low = recovered_difference(ends[0][0], ends[1][1]).low
        high = recovered_difference(ends[0][1], ends[1][0]).high
        return [float(one) for one in (self.value[1, 0] - other.value[1, 0], low, high)]


def _interval(value: Floats, limits: Floats) -> Interval:
    return Interval(float(value[0]), float(limits[0, 0]), float(limits[1, 0]), _LEVEL, "")


def _is_share(frame: pd.DataFrame) -> np.ndarray:
    """Shares of counted people or events, and bounds that are a count over its base."""
    counted = frame["estimand"].isin(COUNTED - {"count"})
    bound = (frame["estimand"] == "limit") & ((frame["value"] - frame["n"] / frame["denominator"]).abs() < _SAME)
    return ((counted | bound) & frame["value"].between(0, 1) & (frame["denominator"] > 0)).to_numpy()


def _bin_shares(rows: pd.DataFrame, policy: Policy) -> _Shares:
    """Bins of how much of the base a share is (whether counted or read off a curve), and of what its limits are worth.

    A limit is worth as many people as Wilson's interval of the share would need for it: all of the base for Wilson's own,
    fewer where people repeat or a curve loses some from view. That worth is a count put in its bin like any other.
    """
    value, base, level = (rows[name].to_numpy(dtype=np.float64) for name in ("value", "denominator", "conf_level"))
    level = np.where(np.isnan(level), _LEVEL, level)
    z = np.array([normal_quantile(one) for one in level])
    events = np.maximum(value * base, 0)
    whole = np.maximum(np.rint(events), events > _SAME)
    edges = np.stack([np.minimum(np.floor(events + _SAME), whole), whole, np.maximum(np.ceil(events - _SAME), whole)])
    sizes = []
    for limit in (rows["ci_low"].to_numpy(), rows["ci_high"].to_numpy()):
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.floor(np.fmin(z**2 * limit * (1 - limit) / (value - limit) ** 2, base) + _NEAR)
        # Too small to be shown, it is no count of people but what a limit far from its share amounts to: it stays.
        sizes.append(np.where(size > policy.limit, policy.bin(size)[0], size))
    return _Shares(
        np.stack([policy.bin(edges[0])[0], policy.show(edges[1]), policy.bin(edges[2])[1]]),
        np.stack([policy.bin(base)[0], policy.show(base), policy.bin(base)[1]]),
        np.stack(sizes),
        level,
    )


def _share_numbers(rows: pd.DataFrame, shares: _Shares) -> Floats:
    """Value and limits of shares; limits only where there were any.

    Rows that carry one interval together (the two ends of what people not asked leave open) carry one again: the lower
    limit of the lowest share and the upper limit of the highest.
    """
    value, limits = rows["value"].to_numpy(), np.where(rows["ci_low"].isna(), np.nan, shares.limits)
    for band in row_groups(rows, ["ci_low", "ci_high", "denominator", "conf_level"]):
        lowest, highest = band[value[band].argmin()], band[value[band].argmax()]
        if rows["ci_low"].notna().iloc[lowest]:
            limits[:, band] = [[limits[0, lowest]], [limits[1, highest]]]
    return np.stack([shares.value[1], *limits], axis=1)


def _say(method: object) -> str:
    words = method if isinstance(method, str) else ""
    return f"{words}, {FROM_COUNTS}" if "Wilson" in words else f"{words}; Wilson's limits {FROM_COUNTS}".lstrip("; ")


def _differences(frame: pd.DataFrame, binned: dict[int, _Shares], may: np.ndarray) -> Iterator[tuple[int, list[float]]]:
    """Differences of two binned shares; of a group and everyone else where its counts can be taken from everyone's."""
    keys = row_keys(frame, [*_PLACE, "by", "group", "reference"])
    value, base, level = (frame[name].to_numpy() for name in ("value", "denominator", "conf_level"))
    limited = frame["ci_low"].notna().to_numpy()
    sides = {keys[row]: row for row in binned if keys[row][-1] is None}
    said = (frame["estimand"] == "difference") & frame["reference"].notna() & frame["value"].notna()
    for row in np.flatnonzero(said & may).tolist():
        *place, by, group, reference = keys[row]
        own = sides.get((*place, by, group, None))
        rest = reference == REST
        other = sides.get((*place, ALL, ALL, None) if rest else (*place, by, reference, None))
        if own is None or other is None or not (limited[own] and limited[other] and level[own] == level[other]):
            continue
        against = value[other]
        if rest and base[other] > base[own]:
            against = (value[other] * base[other] - value[own] * base[own]) / (base[other] - base[own])
        if abs(value[own] - against - value[row]) < _SAME:
            yield row, binned[own].minus(binned[other].without(binned[own]) if rest else binned[other])


def _repeat_verdicts(frame: pd.DataFrame, numbers: Floats) -> None:
    """The verdict of a claim repeats numbers of the figures it names: it repeats the released ones."""
    true = frame[_NUMBERS].to_numpy(dtype=np.float64)
    keys = row_keys(frame, ["by", "group", "at"])
    verdict = (frame["measure"] == VERDICTS).to_numpy()
    names = (frame["definition"] + "/" + frame["category"].fillna("")).tolist()
    figures = {(names[row], keys[row]): row for row in np.flatnonzero(~verdict)}
    claims = np.flatnonzero(verdict)
    for members in row_groups(frame.iloc[claims], ["definition"]):
        rows = claims[members]
        named = [figures.get((frame["category"].iloc[row], keys[row])) for row in rows]
        for figure in (one for one in named if one is not None):
            same = true[rows] == true[figure]
            numbers[rows] = np.where(same, numbers[figure], numbers[rows])
