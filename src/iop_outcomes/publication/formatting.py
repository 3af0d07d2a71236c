"""Numbers as words: the one place where a raw value becomes text.

Readers meet a frequency first ("about 6 in 10 people"), then a percent, then an interval. Percents stand only where the
denominator is 30 or more; below that a count says it better ("7 of 19"). They are whole, so that a column of them has one
number of decimals and none that its people do not bear; what would round to nothing or to everybody is "under 1%" or
"over 99%".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from iop_outcomes.vocabulary import Status

#: The one mark of a withheld number, whatever rule withheld it.
WITHHELD = "·"
#: What stands where there is nothing to print.
NOTHING = "–"
#: Fewest in the denominator for a percent.
PERCENT_FROM = 30

#: What stands for shares that a whole percent would make nothing or everybody, and how near to these is just that.
_FEW, _MOST, _EXACT = "under 1%", "over 99%", 1e-9

Kind = Literal["share", "count", "days", "weeks", "hours", "ratio", "number", "money", "p_value"]

_UNITS: dict[str, Kind] = {
    "share": "share",
    "proportion": "share",
    "day": "days",
    "days": "days",
    "week": "weeks",
    "weeks": "weeks",
    "hour": "hours",
    "hours": "hours",
    "ratio": "ratio",
    "dollar": "money",
    "dollars": "money",
    "usd": "money",
}
_ESTIMAND_KINDS: dict[str, Kind] = {
    "count": "count",
    "proportion": "share",
    "survival": "share",
    "cumulative_incidence": "share",
    "ratio": "share",
    "p_value": "p_value",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A raw number with its kind, limits and base; what a page prints of it is decided by :func:`show` and friends."""

    kind: Kind
    value: float
    low: float = math.nan
    high: float = math.nan
    conf_level: float = math.nan
    n: float = math.nan
    denominator: float = math.nan
    people: float = math.nan
    status: str = "ok"
    unit: str = ""

    @property
    def withheld(self) -> bool:
        """Whether the gate withheld it."""
        return self.status == Status.WITHHELD

    @property
    def shown(self) -> bool:
        """Whether there is a value to print."""
        return not math.isnan(self.value)


def quantity_of(row: dict[str, Any], kind: Kind | None = None) -> Quantity:
    """The quantity of one row of Estimates or Published; the kind follows its unit and estimand unless given."""
    unit = row.get("unit")
    unit = unit if isinstance(unit, str) else ""
    chosen = kind or _kind_of(unit.lower(), str(row.get("estimand")))
    return Quantity(
        chosen,
        _float(row.get("value")),
        _float(row.get("ci_low")),
        _float(row.get("ci_high")),
        _float(row.get("conf_level")),
        _float(row.get("n")),
        _float(row.get("denominator")),
        _float(row.get("people")),
        str(row.get("status", "ok")),
        unit,
    )


def _kind_of(unit: str, estimand: str) -> Kind:
    """Money by its unit ("dollars of 2025, cost to the provider"), whatever the estimand; the rest by estimand, then unit."""
    if unit.startswith("dollars"):
        return "money"
    return _ESTIMAND_KINDS.get(estimand) or _UNITS.get(unit, "number")


def show(quantity: Quantity) -> str:
    """The number in its shortest honest form: ``58%``, ``7 of 19``, ``41 days``, ``·`` when withheld.

    >>> show(Quantity("share", .578, n=52, denominator=90)), show(Quantity("share", 7 / 19, n=7, denominator=19))
    ('58%', '7 of 19')
    """
    if quantity.withheld:
        return WITHHELD
    if not quantity.shown:
        return Status(quantity.status).label or NOTHING
    if quantity.kind == "share" and quantity.denominator < PERCENT_FROM and _is_share_of_count(quantity):
        return f"{quantity.n:,.0f} of {quantity.denominator:,.0f}"
    return show_value(quantity.value, quantity.kind)


def show_value(value: float, kind: Kind) -> str:
    """A bare number of a kind, without base or limits; a missing one is a dash.

    >>> show_value(1234, "count"), show_value(41.26, "days"), show_value(.004, "share"), show_value(16.4, "number")
    ('1,234', '41.3 days', 'under 1%', '16.4')
    """
    if math.isnan(value):
        return NOTHING
    if kind == "share":
        return _percent(value)
    if kind == "count":
        return f"{value:,.0f}"
    if kind in ("days", "weeks", "hours"):
        return f"{value:,.0f} {kind}" if abs(value) >= 100 else f"{value:,.1f} {kind}"
    if kind == "money":
        return f"${value:,.0f}"
    if kind == "p_value":
        return "under 0.001" if value < 0.001 else f"{value:.3f}"
    return f"{value:,.{0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2}f}"


def show_interval(quantity: Quantity) -> str:
    """The limits in short: ``48% to 68%``; a dash where there are none or where the number was withheld.

    >>> show_interval(Quantity("share", .998, .996, 1)), show_interval(Quantity("share", .96, .91, .997))
    ('over 99%', '91% to over 99%')
    """
    if quantity.withheld:
        return WITHHELD
    if math.isnan(quantity.low) or math.isnan(quantity.high):
        return NOTHING
    if quantity.kind == "share" and quantity.denominator < PERCENT_FROM and _is_share_of_count(quantity):
        return f"{_tenths(quantity.low)} to {_tenths(quantity.high)} in 10"
    low, high = (show_value(limit, quantity.kind) for limit in (quantity.low, quantity.high))
    if (high == _FEW and low in ("0%", _FEW)) or (low == _MOST and high in (_MOST, "100%")):
        return high if high == _FEW else low
    return f"{low} to {high}"


def say_frequency(share: float, things: str = "people") -> str:
    """A share in plain words, as a natural frequency.

    >>> say_frequency(.61), say_frequency(.5), say_frequency(.003), say_frequency(.04)
    ('about 6 in 10 people', 'about half of people', 'fewer than 1 in 100 people', 'about 1 in 25 people')
    """
    if share <= 0:
        return f"none of the {things}"
    if share >= 1:
        return f"all {things}"
    if share < 0.01:
        return f"fewer than 1 in 100 {things}"
    if share > 0.99:
        return f"more than 99 in 100 {things}"
    if abs(share - 0.5) < 0.025:
        return f"about half of {things}"
    if share < 0.095:
        return f"about 1 in {min((10, 12, 15, 20, 25, 33, 50, 100), key=lambda d: abs(1 / d - share))} {things}"
    if share > 0.955:
        return f"about {share * 100:.0f} in 100 {things}"
    tenths = max(1, min(9, round(share * 10)))
    return f"about {tenths} in 10 {things}"


def say_note(note: str) -> str:
    """A note as a sentence holds it: a number the gate took out of it is said to be withheld.

    >>> say_note("people count for · (at least 50 is asked for)")
    'people count for [withheld] (at least 50 is asked for)'
    """
    return note.replace(WITHHELD, "[withheld]")


def say_quantity(quantity: Quantity, things: str = "people") -> str:
    """A share as a sentence part: frequency first, then percent or count, then the interval in words.

    >>> say_quantity(Quantity("share", .24, .18, .31)), say_quantity(Quantity("share", .24, .238, .243))
    ('about 2 in 10 people (24%; likely between 18% and 31%)', 'about 2 in 10 people (24%; likely about 24%)')
    """
    if quantity.withheld:
        return "a number that is withheld to protect privacy"
    if not quantity.shown:
        return Status(quantity.status).label or "not known"
    if quantity.kind != "share":
        return f"{show(quantity)}{_say_limits(quantity)}"
    return f"{say_frequency(quantity.value, things)} ({show(quantity)}{_say_limits(quantity)})"


def show_base(quantity: Quantity) -> str:
    """What the number rests on: ``52 of 90``; parts the gate blanked are left out, and a count rests on itself."""
    if quantity.withheld or quantity.kind == "count":
        return ""
    if _is_share_of_count(quantity):
        return f"{quantity.n:,.0f} of {quantity.denominator:,.0f}"
    for count in (quantity.people, quantity.denominator, quantity.n):
        if not math.isnan(count):
            return f"n = {count:,.0f}"
    return ""


def _say_limits(quantity: Quantity) -> str:
    shown = show_interval(quantity)
    if shown in (NOTHING, WITHHELD):
        return ""
    low, to, high = shown.partition(" to ")
    if low == high:
        return f"; likely about {low}"
    return f"; likely between {low} and {high}" if to else f"; likely {shown}"


def _is_share_of_count(quantity: Quantity) -> bool:
    return (
        quantity.kind == "share"
        and not math.isnan(quantity.n)
        and quantity.denominator > 0
        and abs(quantity.n / quantity.denominator - quantity.value) < 1e-6
    )


def _percent(value: float) -> str:
    """A whole percent; a share that is not quite nothing or everybody is not printed as that, nor a 0 with a minus."""
    whole = round(value * 100)
    if whole == 0 and value > _EXACT:
        return _FEW
    return _MOST if whole == 100 and value < 1 - _EXACT else f"{whole}%"


def _tenths(value: float) -> str:
    return f"{value * 10:.0f}"


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
