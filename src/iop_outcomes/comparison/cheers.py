"""The 28 items of CHEERS 2022, each with what the analysis itself can say; the rest is for its authors to write.

Source: Husereau et al. (2022), doi:10.1016/j.jval.2021.11.1351. The wording is our own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from iop_outcomes.comparison.cost_effectiveness import EFFECTS, PRICE_RANGE, CostProtocol
from iop_outcomes.comparison.prices import find_index
from iop_outcomes.errors import UsageError

#: What stands where only the authors can say.
BY_AUTHORS = "For the authors to write"
#: How each effect is measured.
_MEASURED: dict[str, str] = {
    "abstinent": "Asked or tested at the follow-up interview nearest to the day",
    "completed": "As the programme recorded the end of the stay",
    "known_sober_days": "Urine and breath tests and self-reports laid on one calendar; a day nothing speaks of does not count",
}


@dataclass(frozen=True)
class Item:
    """An item: its number, its topic, what it asks, and what these analyses say (a template; empty: the authors do)."""

    number: int
    topic: str
    asks: str
    said: str


@cache
def load_items() -> tuple[Item, ...]:
    """The 28 items in order.

    >>> [item.topic for item in load_items()][14]
    'Currency, price date, conversion'
    """
    text = files("iop_outcomes.comparison").joinpath("cheers.toml").read_text(encoding="utf-8")
    return tuple(Item(**item) for item in tomllib.loads(text)["item"])


def fill_cheers(settings: Mapping[str, Any]) -> tuple[tuple[str, str, str, str], ...]:
    """What does CHEERS 2022 ask of a report of this analysis, and what does the analysis itself answer?

    ``settings`` are those of what ``assess_cost_effectiveness`` gave, published or not. One line an item: number, topic, what
    it asks, and the answer from the configuration, or the words that the authors must write it.

    Raises :class:`UsageError` for settings of other estimates.
    """
    protocol = settings.get("cost_protocol")
    if not isinstance(protocol, CostProtocol):
        raise UsageError("give the settings of one assess_cost_effectiveness: they hold the protocol CHEERS asks about")
    table = dict(protocol.describe())
    prices = settings["wtp"]
    facts = {
        **protocol.names,
        "question": table["Question"],
        "eligible": table["Who is in it"],
        "excluded": _begin_small(table["Who is not"]),
        "programme": settings.get("programme") or "The programmes of the records",
        "as_of": settings.get("as_of") or "a day the records do not hold",
        "compared": table["What is compared"],
        "perspective": table["Perspective of costs"].capitalize(),
        "at": protocol.at,
        "horizon": protocol.horizon,
        "discounting": table["Discounting"],
        "outcome": table["Outcome"],
        "measured": _MEASURED[protocol.outcome],
        "unit": EFFECTS[protocol.outcome][0],
        "least": prices[0],
        "most": prices[-1],
        "priced": table["How it is priced"],
        "paid": table["What is paid for"],
        "price_year": protocol.price_year,
        "index": find_index(protocol.index).label,
        "how": table["How"],
        "alike": _begin_small(table["Made alike in"]),
        "missing": table["Not recorded"],
        "placed": table["How people were placed"],
        "replicates": settings["replicates"],
        "seed": settings["seed"],
        "swing": PRICE_RANGE,
    }
    return tuple(
        (str(item.number), item.topic, item.asks, item.said.format(**facts) or BY_AUTHORS) for item in load_items()
    )


def _begin_small(text: str) -> str:
    return text[:1].lower() + text[1:]
