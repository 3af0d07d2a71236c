# %% [markdown]
# # Intensive outpatient and residential care: cost
#
# A cheaper level of care that achieves less is neither good nor bad value until somebody says what the effect is worth. So the
# words come first (does it cost more or less, with more or less effect?), then the differences, and only then a price.
#
# The records are **synthetic**: nobody in them exists, and the truth behind them is made up and known. It says nothing about real
# programmes. Two sets are used: the sample of 600 people, and a larger agency in which everybody was reached, once with everybody
# followed to the end and once as its records stand on the day of the extract. Everything is shown in the programme's internal
# view.

# %%
import iop_outcomes as iop
from iop_outcomes.comparison.cheers import fill_cheers
from iop_outcomes.publication.figures.plane import find_place, say_dollars, say_limits, say_surely
from iop_outcomes.publication.figures.tornado import SCENARIOS
from iop_outcomes.publication.formatting import quantity_of
from iop_outcomes.records.synthetic import load_truth, true_value
from iop_outcomes.reports.pages.cost import answer_blocks
from showing import draw, lay_out, number, say, table

sample = iop.read_records("../data/sample")
agency = iop.simulate_records(2_000, seed=7, perfect_observation=True, censoring=False)
larger = iop.read_records(agency.source)
LEVELS = {"2.1": "Intensive outpatient (2.1)", "3.5": "Residential (3.5)"}


def internal(*estimates):
    return iop.publish(*estimates, audience="internal")


# %% [markdown]
# ## What does care cost?
#
# A programme's books over the weeks its clients were enrolled give the cost of a client-week. A person's cost is that, times the
# person's own weeks (DATCAP). Dollars of one year, one kind and one payer never mix with others.

# %%
of_level = {
    level: internal(iop.measure_costs(iop.select_cohort(larger, level_of_care=level, rung="admitted")))
    for level in LEVELS
}
lines = {
    "cost_client_week@1": "A client-week",
    "cost_admission@1": "An admission",
    "cost_completer@1": "A person who completed",
    "cost_pathway@1": "Everything within a year of a first admission",
}
cells = {
    level: [quantity_of(row) for key in lines for row in rows.where(definition=key, by="all").rows()]
    for level, rows in of_level.items()
}
lay_out(
    ["Cost to the provider, dollars of 2025", *LEVELS.values()],
    [(words, *(say_dollars(found[place].value) for found in cells.values()))
     for place, words in enumerate(lines.values())],
)  # fmt: skip

# %% [markdown]
# A completer costs more than an admission: the stays of people who left before completing are paid for too. And a year costs more
# than an admission, for people come back, or move to the other level. Mean cost times mean stay would leave that out.

# %%
costs = internal(iop.measure_costs(iop.select_cohort(sample, level_of_care="2.1", rung="admitted")))
table(costs.where(definition="cost_sober_day@1", by="all"), down="category", value="Cost of a sober day")
table(costs.where(definition="cost_line@1"), down="category", across="group", ranges=False,
      names={"time_and_travel": "Time and travel"})  # fmt: skip

# %% [markdown]
# Both tables are of the sample, where use is tested and asked about. A day is *known sober*, or, for the second line, only *not
# contradicted*. The second table says who bears what: the client's time and travel is no cost to the provider, and one to
# society.

# %% [markdown]
# ## What exactly is asked?

# %%
ENOUGH = ("severity", "housing", "primary_substance", "age", "gender")
found = internal(iop.assess_cost_effectiveness(larger, adjust=ENOUGH))
protocol = found.settings["cost_protocol"]
lay_out(("Part of the question", "Here"), protocol.describe(), words=2)

# %% [markdown]
# ## What would a plain table say?
#
# People as they were placed. Intensive outpatient care costs less, and more of its people are abstinent at six months. Dominant,
# one would say, and stop there.

# %%
crude = find_place(found, "crude")
say(f"As placed: {say_limits(crude.cost)} a person in cost; {say_limits(crude.effect)} in effect.")

# %% [markdown]
# ## And among people who could have gone to either, made alike?
#
# The same people, weights and gate as in the comparison of what each achieves; cost and effect are weighted together, so that it
# is known how they vary together.

# %%
for block in answer_blocks(found):
    say(block.text)
truth = -true_value(load_truth(), population="either_first", definition="abstinence_difference@1", category="ATO", at=180)
say(f"The made-up truth for the effect: {100 * truth:.0f} points.")

# %%
draw(iop.draw_plane, found.where(definition=[
    "increment_cost@1", "increment_effect@1", "crude_cost@1", "crude_effect@1"]))  # fmt: skip

# %% [markdown]
# Below zero on both scales a high ratio speaks *for* the cheaper level and a low one against it; above zero it is the other way
# round. That is why the corner is named before the ratio, and a negative ratio is never printed.

# %% [markdown]
# ## What of people who are not followed for a year yet?
#
# Records end on one day, and whoever came late has had no year in which to cost something. To leave them out throws away what is
# known of them; to count them so far takes months that have not come for months without cost. Here people like them, followed
# so far, stand for them, part by part of the year. The same agency as its records stand on the day of the extract:

# %%
early = iop.read_records(iop.simulate_records(2_000, seed=7, perfect_observation=True).source)
so_far = internal(iop.assess_cost_effectiveness(early, adjust=ENOUGH))
FOLLOWED = {"cost_and_abstinent/compared": "Compared", "cost_and_abstinent/followed": "Of them followed for a year"}


def show_followed(rows):
    counts = rows.where(definition="level_support@1", by="level_of_care", category=list(FOLLOWED))
    table(counts, down="group", across="category", ranges=False, names={**LEVELS, **FOLLOWED})


show_followed(so_far)

# %%
asked = {"As placed, in cost": ("crude", "cost"), "Made alike, in cost": ("increment", "cost"),
         "Made alike, in effect": ("increment", "effect")}  # fmt: skip
lines = [
    (words, *(say_limits(getattr(find_place(rows, name), what)) for rows in (so_far, found)))
    for words, (name, what) in asked.items()
]
lay_out(["Intensive outpatient less residential", "On the day of the extract", "With everybody followed"], lines)

# %% [markdown]
# Nobody had to wait: made alike, the difference on the day of the extract is close to what it is once everybody has been followed,
# and its range is wider, which is the price of not waiting. The plain figure, of people followed for a year alone, is farther from
# what it becomes, if within its range. What is made alike rests on one more assumption, which every such number says: that
# among people alike it does not matter *when* they were admitted. In this made-up agency nothing changes from year to year. Where
# care has changed, only the people who had it can say what a year of it costs.

# %% [markdown]
# ## At which price of one person abstinent does the answer change?
#
# No such price is accepted anywhere. A range is shown, and the exact price at which the answer turns, with all prices the data do
# not rule out (Fieller).

# %%
draw(iop.draw_acceptability, found.where(definition=["net_benefit@1", "break_even_price@1"]))

# %%
PRICES = {0: "$0", 10_000: "$10,000", 20_000: "$20,000", 30_000: "$30,000", 50_000: "$50,000"}
lines = []
for price, words in PRICES.items():
    at = f"abstinent/{price}"
    (gain,) = found.where(definition="net_benefit@1", category=at, estimand="difference").rows()
    (worth,) = found.where(definition="information_value@1", category=at, estimand="diagnostic").rows()
    lines.append((words, say_limits(quantity_of(gain)), say_dollars(worth["value"])))
lay_out(["Price of one person abstinent", "Net benefit a person (likely range)", "Worth of knowing for certain"], lines)

# %% [markdown]
# Knowing for certain is worth most where the two levels are hardest to tell apart. It bounds what any further study can be worth
# for each person it would serve.

# %% [markdown]
# ## What moves the difference in cost?

# %%
draw(iop.draw_tornado, found.where(definition=[
    "increment_price_swing@1", "increment_scenario@1", "increment_cost@1"]))  # fmt: skip

# %%
other = found.where(definition="increment_scenario@1")
lines = []
for category in dict.fromkeys(other.frame["category"]):
    rows = [(row["estimand"], quantity_of(row)) for row in other.where(category=category).rows()]
    cost = next(one for kind, one in rows if kind == "difference" and one.kind == "money")
    price = next((one for kind, one in rows if kind == "tipping_point"), None)
    turn = say_dollars(price.value) if price and price.shown else "none"
    lines.append((SCENARIOS[category.partition("/")[2]], say_limits(cost), turn))
lay_out(["Seen otherwise", "Difference in cost", "Break-even price"], lines)

# %% [markdown]
# For the client intensive outpatient care costs *more* (weeks of travel, and of time off work). Whose money counts decides the
# corner: there is no answer without a perspective.

# %% [markdown]
# ## And if two inputs are off at once?
#
# One at a time an input may look harmless. Both prices of a client-week move together in the first grid, one of them and the
# effect in the second, at one stated price of a person abstinent. No such price is accepted; it is the middle of the range above.

# %%
draw(iop.draw_two_way, found.where(definition=["increment_two_way@1", "break_even_price@1", "increment_effect@1"]))

# %% [markdown]
# Where both prices are lower than thought, residential care is worth more at this price of a person abstinent, and surely so: its
# effect is bought for less. Where both are higher the two draw level. Where they are off in opposite ways either level may be worth
# more. In the second grid the effect counts as known, so that fewer cells are unsure than should be: it shows how far the answer
# hangs on the effect, not how sure it is.

# %% [markdown]
# ## And if there are more than two levels to choose from?
#
# Then pairs are not enough: a level may cost less than one and do more than another, and still be worth less than a mixture of
# both. All levels stand on one frontier. The made-up agency has only two, so its evening programme is **called outpatient
# care (level 1) here**, to show the method. That says nothing of outpatient care, real or made up. People in work come in
# the evening more often, so work is among the things people are made alike in.

# %%
tables = agency.source
for name in ("programs", "episodes"):
    evening = tables[name]["program_id"] == "syn-evening-iop"
    tables[name] = tables[name].assign(level_of_care=tables[name]["level_of_care"].mask(evening, "1"))
three = iop.read_records(tables)
fronts = {
    outcome: internal(iop.assess_frontier(three, outcome=outcome, adjust=(*ENOUGH, "employment")))
    for outcome in ("abstinent", "known_sober_days")
}


# %%
def say_price(one):
    if not one.shown or one.low != one.low:
        return say_dollars(one.value) if one.shown else "none"
    return f"{say_dollars(one.value)} ({say_dollars(one.low) if one.low > 0 else 'any'} to {say_dollars(one.high)})"


# %%
def show_frontier(rows):
    lines = []
    for row in sorted(rows.where(definition="frontier_cost@1", estimand="mean").rows(), key=lambda row: row["value"]):
        own = rows.where(group=row["group"])
        steps = own.where(definition="frontier_price@1", estimand="tipping_point").rows()
        (surely,) = own.where(definition="frontier_cost@1", estimand="diagnostic").rows()
        effects = [number(own, definition=f"frontier_{made}effect@1") for made in ("crude_", "")]
        cells = (say_dollars(row["value"]), *effects, say_surely(surely["value"]))
        step = next((say_price(quantity_of(step)) for step in steps), "none")
        lines.append(({**LEVELS, "1": "Evening (1)"}[row["group"]], row["note"].partition(";")[0], *cells, step))
    lay_out(["", "Its place", "Cost", "Effect as placed", "Made alike", "On the frontier", "Price of one more"], lines, words=2)


show_frontier(fronts["abstinent"])

# %% [markdown]
# As placed, residential care would cost most and do least, and be struck off. Made alike it does most, and is on the frontier in
# nearly all draws. The other two are not told apart so surely. Each price is that of one more person abstinent against the level
# before it. A range that begins with *any* would begin below zero: the data do not rule out that the dearer level costs less
# and does more. That is said, and not given as a negative price, for negative ratios have no order.

# %%
show_frontier(fronts["known_sober_days"])

# %% [markdown]
# The same people and dollars, and another effect: days known sober while in the programme of admission. A course that is planned
# longer has more of them, so residential care is now dominated. What is counted decides who is on the frontier. A level without a
# step has no price to name.

# %% [markdown]
# ## And in the sample of 600 people?

# %%
refused = internal(iop.assess_cost_effectiveness(sample))
show_followed(refused)

# %% [markdown]
# Some of the people have no year behind them yet, and some of the others were not reached at six months. Those who are left stand
# for them all, and in residential care they are too few. The gate in front of every adjusted figure refuses, and no price is
# worked out. No plane is drawn either: with the plain point alone on it, that would be taken for the answer.

# %%
for block in answer_blocks(refused):
    say(block.text)

# %% [markdown]
# ## What a report of this should say
#
# The 28 items of CHEERS 2022 in our own words, filled from the configuration as far as it goes.

# %%
lay_out(["Item", "Topic", "Here"], [(place, topic, here) for place, topic, _, here in fill_cheers(found.settings)], words=3)

# %% [markdown]
# ## What cannot be said
#
# * The price of a client-week is taken as known in the likely ranges; what it may be off by is in the tornado and the grids only.
# * Only care in these records counts. Hospital days, other agencies, work and jail are neither cost nor saving here.
# * It speaks of where care began, among people who could have gone to either level and were alike in what was recorded. Of
#   three levels, that each was open to everybody compared is assumed: the records judge two.
# * For people not yet followed, others speak. If care or its cost has changed, they speak of care as it was.
# * Nobody's price of a sober day, a completer or a person abstinent is accepted; the range shown is no advice.
