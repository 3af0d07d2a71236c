"""Two inputs of a cost-effectiveness analysis moved at once: made-up people whose dollars one can add.

See docs/definitions/cost_effectiveness.md.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
from test_cost_effectiveness import made_up

import iop_outcomes as iop
from iop_outcomes.errors import UsageError
from iop_outcomes.publication.figures import FIGURES
from iop_outcomes.publication.residue import scan_file


@cache
def assess(each=200, worth=6_000):
    """150 of 200 abstinent after $2,800 (two IOP weeks at $700, then one residential at $1,400), against 100 after $1,400."""
    return iop.assess_cost_effectiveness(
        made_up((0.75, 0.5), True, 1.0, each), adjust=("severity",), replicates=50, worth=worth
    )


def cell(found, names, first, second, estimand="difference", group="2.1"):
    category = f"abstinent/6000/{names}/{first}/{second}"
    frame = found.where(definition="increment_two_way@1", category=category, estimand=estimand, group=group).frame
    assert len(frame) == 1, category
    return frame.iloc[0]


def test_both_prices_of_a_client_week_move_at_once():
    """A quarter of a person more at $6,000 is $1,500, for $1,400 as estimated. Half the IOP's price saves $700; half as much
    again for a residential week costs both $700, and so changes nothing between them."""
    found = assess()
    assert cell(found, "2.1 and 3.5", "1", "1")["value"] == pytest.approx(100)
    assert cell(found, "2.1 and 3.5", "0.5", "1")["value"] == pytest.approx(800)
    assert cell(found, "2.1 and 3.5", "0.5", "1.5")["value"] == pytest.approx(800)
    assert cell(found, "2.1 and 3.5", "1.5", "0.5")["value"] == pytest.approx(-600)


def test_a_price_and_the_difference_in_effect_move_at_once():
    """At the lower end of the likely range of the effect, its worth is that much less; the price of the IOP as before."""
    found = assess()
    gap = found.where(definition="increment_effect@1", estimand="difference").frame.iloc[0]
    low = round(gap["ci_low"], 2)
    assert cell(found, "2.1 and effect", "0.75", f"{low:g}")["value"] == pytest.approx(6_000 * low - 1_050)
    middle = cell(found, "2.1 and effect", "1", "0.25")
    assert middle["value"] == pytest.approx(100)


def test_both_levels_stand_beside_their_difference():
    found = assess()
    ours, theirs = (cell(found, "2.1 and 3.5", "0.5", "1.5", "mean", level)["value"] for level in ("2.1", "3.5"))
    assert (ours, theirs) == pytest.approx((6_000 * 0.75 - 700 - 2_100, 6_000 * 0.5 - 2_100))


def test_as_estimated_it_is_the_net_benefit_and_its_range():
    plain = iop.assess_cost_effectiveness(
        made_up((0.75, 0.5), True, 1.0, 200), adjust=("severity",), replicates=50, wtp=(6_000,)
    )
    wanted = plain.where(definition="net_benefit@1", estimand="difference").frame.iloc[0]
    found = cell(plain, "2.1 and 3.5", "1", "1")
    for name in ("value", "ci_low", "ci_high"):
        assert found[name] == pytest.approx(wanted[name])


def test_every_pair_of_values_is_there_once_and_falls_as_the_price_rises():
    frame = assess().where(definition="increment_two_way@1", estimand="difference").frame
    assert len(frame) == 25 + 15
    assert frame["category"].is_unique
    prices = frame[frame["category"].str.contains("2.1 and 3.5")]["value"].to_numpy().reshape(5, 5)
    assert (np.diff(prices, axis=0) < 0).all()


def test_a_price_below_nothing_is_refused():
    with pytest.raises(UsageError, match="worth is one, each 0 or more"):
        assess(worth=-1)


def test_the_figure_says_and_lists_which_level_is_worth_more():
    kind, rows = FIGURES["two_way"], iop.publish(assess(), audience="public")
    said = kind.describe(rows)
    assert said.startswith("At $6,000 for each person abstinent. Price of a client-week, intensive outpatient and")
    assert "As estimated: Intensive outpatient by $100, not sure." in said
    counts = [int(number) for number in re.findall(r" (\d+) of 25 ?", said)]
    assert sum(counts[:3]) == 25
    lines = kind.tabulate(rows).rows
    assert len(lines) == 40
    first = "Price of a client-week, intensive outpatient: 150%", "Price of a client-week, residential: 100%"
    worth_more = {line[:2]: line[2] for line in lines}[first]
    assert worth_more == "Residential by $600"
    kind.draw(rows)


def test_the_figure_of_withheld_or_refused_rows_says_so():
    kind = FIGURES["two_way"]
    refused = iop.assess_cost_effectiveness(made_up((0.75, 0.5), True, 1.0, 40), adjust=("severity",), replicates=50)
    assert "Not estimated." in kind.describe(refused)
    few = iop.publish(
        assess(each=200).where(definition="increment_two_way@1", estimand="difference"), audience="public"
    )
    assert "withheld" in kind.describe(few)
    for rows in (refused, few):
        kind.draw(rows)
    assert {line[2] for line in kind.tabulate(few).rows} == {"·"}


def test_every_number_of_the_figure_is_a_released_one(tmp_path):
    rows = iop.publish(assess(), audience="public")
    lines = [" ".join(map(str, line)) for line in FIGURES["two_way"].tabulate(rows).rows]
    path = tmp_path / "two_way.txt"
    path.write_text("\n".join([FIGURES["two_way"].describe(rows), *lines]), encoding="utf-8")
    assert scan_file(path, rows) == ()
    path.write_text("Residential by $4,713\n-47 points\n13 of 25 pairs, 13 of 29 pairs", encoding="utf-8")
    assert [each.text for each in scan_file(path, rows)] == ["$4,713", "-47", "13 of 29"]
