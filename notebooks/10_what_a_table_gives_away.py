# %% [markdown]
# # What a published table gives away
#
# A small number is replaced by "fewer than 11", and the table goes out. What can a reader work out all the same? Attack by
# attack, and what the release gate does about each.
#
# Everything here is **synthetic**: the tables are made up, the curve comes from the sample, and nobody in either exists.
# That is why this notebook may print what no release would: hidden numbers stand beside what a reader makes of them, so
# that you can see whether the reader is right. Of real people only what the gate lets stand may be shown.

# %%
import tempfile
from pathlib import Path

import iop_outcomes as iop
import numpy as np
from iop_outcomes.estimates import COLUMNS, Estimates
from iop_outcomes.publication.attacker import attack, bound, describe_attack, try_release
from iop_outcomes.publication.attacker.inversion import read_interval, read_share
from iop_outcomes.publication.collapsing import collapse, propose_collapses
from iop_outcomes.publication.document import DisclosureStatement
from iop_outcomes.publication.figures.style import (
    BLUE, GREY, INK, LINE, ORANGE, SOFT, TONES, WASH, new_figure, styled,
)  # fmt: skip
from iop_outcomes.publication.formatting import WITHHELD
from iop_outcomes.publication.policy import POLICIES
from iop_outcomes.publication.residue import scan_file
from iop_outcomes.statistics import wilson
from iop_outcomes.vocabulary import EndReason
from matplotlib.patches import Rectangle
from showing import lay_out, say, show_svg

# %% [markdown]
# A made-up table: why people's episodes ended, by site. Each site has one number below 11. It leaves in two ways: with the
# small numbers taken out, as is often done, and through the gate.

# %%
SITES = ("A", "B", "C", "D")
REASONS = ("completed", "left_early", "transferred", "incarcerated", "other")
COUNTS = np.array([  # one line a site, one column a reason
    [48, 31, 16, 5, 13],
    [37, 22, 17, 15, 7],
    [29, 18, 14, 4, 15],
    [33, 26, 13, 14, 6],
])  # fmt: skip


def made_up(*rows):
    return Estimates.from_rows(rows, {"synthetic": True})


def share(n, base, **columns):
    """One row: so many of so many people."""
    counts = {"value": n / base, "n": n, "denominator": base, "people": base, "unit": "share"}
    return {"measure": "endings", "definition": "reason@1", "estimand": "proportion", **counts, **columns}


def tabulate(counts):
    """A row for each reason and site, and for everyone."""
    lines = [("all", "all", counts.sum(axis=0)), *(("site", *line) for line in zip(SITES, counts))]
    return made_up(*(
        share(n, line.sum(), by=by, group=group, category=reason)
        for by, group, line in lines for reason, n in zip(REASONS, line)
    ))  # fmt: skip


# %%
NUMBERS = [name for name, kind in COLUMNS.items() if kind == "float64" and name != "at"]


def take_out(frame, rows):
    hidden = frame.copy()
    hidden.loc[rows, NUMBERS], hidden.loc[rows, "status"] = np.nan, "withheld"
    return hidden


def hide_small(frame):
    """What is often done: take out counts of 1 to 10 and print all the rest, totals included."""
    return take_out(frame, frame["n"].between(1, 10))


def work_out(frame, bins=None):
    """The least and the most each hidden count can be, for somebody who holds this table and nothing else."""
    found = bound(frame, bins=bins).query("kind == 'events'")
    places = frame.loc[found["row"], ["category", "group"]].itertuples(index=False, name=None)
    return dict(zip(places, zip(found["low"], found["high"])))


table = tabulate(COUNTS)
usual = hide_small(table.frame)
gated = iop.publish(table)

# %%
WORDS = {**EndReason.labels(), "left_early": "Left early", "other": "Other"}


def draw_table(axes, title, frame, hidden):
    """One small table; ``hidden`` draws what stands in a cell that is not printed."""
    lines, columns = [*dict.fromkeys(frame["category"]), "people"], [*SITES, "all"]
    cells = {(row["category"], row["group"]): row["n"] for row in frame.to_dict("records")}
    cells |= {("people", group): base for group, base in frame.groupby("group")["denominator"].max().items()}
    for place, count in cells.items():
        x, y = columns.index(place[1]) + 0.5, lines.index(place[0]) + 0.5
        tone = hidden(axes, x, y, place) if np.isnan(count) else "white"
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=tone, edgecolor=GREY, linewidth=0.5))
        axes.text(x, y, "" if np.isnan(count) else f"{count:.0f}", ha="center", va="center", fontsize=8)
    axes.set(xlim=(-0.03, len(columns) + 0.03), ylim=(len(lines) + 0.04, -0.04))
    axes.set_xticks(np.arange(len(columns)) + 0.5, [word.capitalize() for word in columns])
    axes.set_yticks(np.arange(len(lines)) + 0.5, [WORDS.get(word, word.capitalize()) for word in lines])
    axes.tick_params(length=0, labeltop=True, labelbottom=False, labelsize=8)
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left", fontsize=9, pad=5)


def show_limits(limits):
    """The number where only one is left for a reader, in bold; else the mark of a hidden number above its limits."""

    def draw(axes, x, y, place):
        low, high = limits[place]
        if low == high:
            axes.text(x, y, f"{low:.0f}", ha="center", va="center", fontsize=10, weight="bold")
            return ORANGE
        axes.text(x, y - 0.2, WITHHELD, ha="center", va="center", fontsize=12, weight="bold")
        axes.text(x, y + 0.22, f"{low:.0f}–{high:.0f}", ha="center", va="center", fontsize=6.8)
        return TONES[6]

    return draw


def show_sign(axes, x, y, place):
    axes.text(x, y, "<11", ha="center", va="center", fontsize=8)
    return TONES[6]


def say_fate(rows, **how):
    return ["hidden" if row["status"] == "withheld" else "printed" for row in iop.publish(rows, **how).rows()]


def caption(words):
    say(f"*{words}; synthetic records.*")


# %% [markdown]
# ## Five minutes: does hiding the small numbers hide them?

# %%
told, kept = work_out(usual), work_out(gated.frame)
truth = table.frame.set_index(["category", "group"])["n"]
right = sum(low == high == truth[place] for place, (low, high) in told.items())
with styled():
    figure = new_figure(2.3)
    panels = figure.subplots(1, 3, sharey=True)
    draw_table(panels[0], "As it is often printed", usual, show_sign)
    draw_table(panels[1], "What a reader works out", usual, show_limits(told))
    draw_table(panels[2], "What the gate prints", gated.frame, show_limits(kept))
show_svg(
    figure,
    f"Of {len(told)} hidden numbers a reader recovers {right} exactly. The gate hides {len(kept)}, and of none can a reader "
    "say that it is from 1 to 10.",
)
caption(
    "Shaded: hidden. Bold: hidden, and known exactly. Small print: the least and the most a hidden number can be, for a "
    "reader who holds the whole table. Made-up table"
)

# %%
lows, highs = zip(*(kept[place] for place in told))
say(
    f"* Hiding the small numbers hid nothing: **{right} of {len(told)}** come back exactly.\n"
    f"* The gate hides {len(kept)} of {len(table)} numbers. Each small one can still be anything from {max(lows):.0f} "
    f"to {min(highs):.0f}, some more: a reader learns nothing beyond \"fewer than 11\".\n"
    "* A small number is safe only if enough *other* numbers are hidden with it. Which ones is no matter of taste: it can be "
    "computed, and the result can be attacked."
)

# %% [markdown]
# ## How does a reader do it?
#
# By taking away. No skill is needed; the numbers printed beside the hidden one are enough.

# %%
line = dict(zip(REASONS, COUNTS[0].tolist()))
others = [n for reason, n in line.items() if reason != "incarcerated"]
people = sum(line.values())
sum_of = " − ".join(map(str, [people, *others]))
say(f"Site A has {people} people. Incarcerated: {sum_of} = **{people - sum(others)}**.")

# %% [markdown]
# The package has an attacker of its own. It holds what a reader holds, supposes what a reader may suppose (groups make up
# everyone, reasons make up a group), and finds the least and the most every hidden number can be. `iop-outcomes attack FOLDER`
# runs it on any folder of released tables. On the table as it is often printed:

# %%
attempt = try_release(usual)
say(describe_attack(attempt.findings, attempt).replace("Do not release", "\nDo not release"))

# %% [markdown]
# ## How often does that work?
#
# On 100 random tables of this size, each with at least one number from 1 to 10. Two usual ways are tried. **Only the small
# numbers**: they are taken out, and nothing else. **By hand**: wherever a line or a column then has a single gap, the next
# smallest number in it is taken out too.


# %%
def hide_by_hand(frame):
    """The small counts, and the next smallest wherever a site or a reason has a single gap."""
    hidden = hide_small(frame)
    while True:
        sites = hidden[hidden["by"] == "site"]
        gaps = [line["n"].idxmin() for way in ("group", "category") for _, line in sites.groupby(way)
                if line["n"].isna().sum() == 1]  # fmt: skip
        if not gaps:
            return hidden
        hidden = take_out(hidden, gaps[:1])


def draw_counts(rng):
    """A random table: 60 to 150 people a site, reasons much alike everywhere, at least one number from 1 to 10."""
    while True:
        shares = rng.dirichlet([6, 4, 2, 1, 1])
        counts = np.array([rng.multinomial(rng.integers(60, 151), rng.dirichlet(30 * shares)) for _ in SITES])
        if ((counts > 0) & (counts < 11)).any():
            return counts


rng = np.random.default_rng(10)
tables = [tabulate(draw_counts(rng)) for _ in range(100)]
WAYS = {"Only the small numbers": hide_small, "By hand": hide_by_hand}
counted = {}
for way, hide in WAYS.items():
    found = [attack(hide(each.frame)) for each in tables]
    exact = sum(any(finding.pinned for finding in findings) for findings in found)
    counted[way] = (exact, sum(map(bool, found)) - exact, sum(not findings for findings in found))

# %%
with styled():
    figure = new_figure(1.2)
    axes = figure.subplots()
    for place, parts in enumerate(counted.values()):
        start = 0
        for width, tone, hatch in zip(parts, (ORANGE, "white", WASH), ("", "////", "")):
            axes.barh(place, width, left=start, height=0.66, facecolor=tone, edgecolor=GREY, hatch=hatch)
            axes.text(start + width / 2, place, f"{width}", ha="center", va="center", fontsize=9,
                      bbox={"facecolor": tone, "edgecolor": "none", "pad": 2})  # fmt: skip
            start += width
    axes.set_yticks(range(len(counted)), list(counted))
    axes.set(xlim=(0, 100), ylim=(len(counted) - 0.5, -0.5), xlabel="Tables")
    axes.tick_params(left=False)
    axes.spines[:].set_visible(False)
show_svg(
    figure,
    ". ".join(
        f"{way}: of 100 tables {exact} give a small number back exactly, {narrow} more say that one is from 1 to 10, {rest} do not"
        for way, (exact, narrow, rest) in counted.items()
    ),
)
caption(
    "Filled: a small number comes back exactly. Hatched: one is known to be from 1 to 10. Pale: nothing found. 100 random "
    "tables of four sites and five reasons, seed 10"
)

# %% [markdown]
# Hiding a second number in each line and column is better, and not enough: chains of gaps can be followed around the table, and a
# sum of two gaps can be small itself.

# %% [markdown]
# ## Does a percent hide a count?
#
# Somebody takes out counts and prints percents, which look harmless.

# %%
bases = np.arange(1, 101)
eighth = read_share(0.125, 0.0005, bases)
loose, tight = read_share(0.75, 0.005, bases), read_interval(0.75, 0.628, 0.842, (0.005, 0.0005), np.arange(1, 5_001))
with styled():
    figure = new_figure(2.5)
    one, two = figure.subplots(1, 2)
    one.axhspan(0.5, 10.5, color=WASH)
    one.text(2, 10, "1 to 10 people", va="top", fontsize=8, color=SOFT)
    one.plot(eighth.bases, eighth.events, "o", color=GREY, markersize=5)
    one.plot(24, 3, "o", color=ORANGE, markeredgecolor=INK, markersize=9)
    one.text(30, 2.4, "3 of 24", va="center")
    one.set_title("“12.5%”", loc="left")
    two.plot(loose.bases, loose.events, ".", color=GREY, markersize=3.5)
    two.plot(tight.bases, tight.events, "o", color=ORANGE, markeredgecolor=INK, markersize=9)
    two.text(65, 39, "45 of 60", va="center")
    two.set_title("“75%” and “75% (62.8–84.2)”", loc="left")
    for axes in (one, two):
        axes.set(xlim=(0, 101), ylim=(0, None), ylabel="People counted", xlabel="People in the group")
show_svg(
    figure,
    f"12.5 % fits {len(eighth)} counts in groups of up to 100, one of them 3 of 24. 75 % fits {len(loose)}; with the interval "
    f"62.8 to 84.2 it fits {len(tight)}, 45 of 60.",
)
caption(
    "Dots: every count and group that print this percent. Large, left: the one with 24 people; right: the one that also prints "
    "this interval. Made-up figures"
)

# %% [markdown]
# On the left, 12.5 %. Whoever knows from another table that the group has 24 people reads 3. Whoever knows only that it
# has fewer than 88 still reads a number from 1 to 10.
#
# On the right, 75 %. Alone it fits many groups. With its interval it fits one, out of all groups of up to 5,000 people: 45 of
# 60. Taking out the base does not help, because the width of the interval *is* the base.

# %%
tried = [(x, n) for n in range(30, 1501, 30) for x in range(1, 11)]
back = small = 0
for x, n in tried:
    printed = [round(float(limit), 3) for limit in (x / n, wilson(x, n).low, wilson(x, n).high)]
    found = read_interval(*printed, (0.0005, 0.0005), np.arange(1, 3_001))
    back, small = back + (set(found.events) == {x}), small + bool(found.events.max() <= 10)
say(
    f"{len(tried)} counts of 1 to 10, in groups of 30 to 1,500, each printed as a percent with its interval (one decimal) and "
    f"without any count: **{back}** come back exactly, and **{small}** are known to be from 1 to 10."
)

# %% [markdown]
# **What the gate does.** A number that may not be printed goes with everything that was made of it: percent, interval, base. One
# mark stands for all, whatever the reason.

# %%
percents = made_up(
    share(3, 24, definition="first@1"), share(45, 60, definition="second@1", ci_low=0.628, ci_high=0.842)
)
lay_out(("Percent", "Through the gate"), list(zip(("12.5%, 3 of 24", "75% (62.8–84.2), 45 of 60"), say_fate(percents))))

# %% [markdown]
# ## What does a curve show?
#
# How many are still in the programme, day by day: the first seven weeks of the synthetic sample. On the left every day, as
# such curves are often drawn. Each step is a day on which somebody left.

# %%
sample = iop.select_cohort(iop.read_records("../data/sample"), level_of_care="2.1")
stay = iop.measure_endings(sample, at=range(50)).where(category="in_programme")
printed = iop.publish(stay)
shown = printed.frame[printed.frame["n"].notna()]
steps, coarse = -stay.frame["n"].diff(), -shown["n"].diff()
least = int(coarse[coarse > 0].min())

# %%
with styled():
    figure = new_figure(2.6)
    one, two = figure.subplots(1, 2, sharey=True)
    days, height = stay.frame["at"], stay.frame["value"]
    one.step(days, height, where="post", color=GREY, linewidth=1.2)
    for among, tone, size in ((steps.between(2, 10), "white", 3.5), (steps == 1, ORANGE, 7)):
        one.plot(days[among], height[among], "o", color=tone, markeredgecolor=INK, markeredgewidth=0.7, markersize=size)
    two.step(shown["at"], shown["value"], where="post", color=BLUE)
    two.plot(shown["at"], shown["value"], "s", color=BLUE, markersize=4.5)
    for axes, words in ((one, "Every day"), (two, "What the gate prints")):
        axes.set(xlim=(-0.5, 50), ylim=(0.5, 1.02), xlabel="Days since admission", xticks=range(0, 50, 7))
        axes.set_title(words, loc="left")
    one.set_ylabel("Still in the programme")
    one.yaxis.set_major_formatter(lambda height, _: f"{height:.0%}")
show_svg(
    figure,
    f"Drawn day by day, {steps.between(1, 10).sum()} steps are of 1 to 10 people, {(steps == 1).sum()} of them of one person. The "
    f"gate prints {len(shown)} days; its smallest step is of {least} people.",
)
caption(
    "Small circles: steps of 2 to 10 people. Large: steps of one person. Squares: days the gate prints. The scale begins at "
    "50%. Sample of 600 people, level 2.1"
)

# %%
say(
    f"Left: on **{steps.between(1, 10).sum()}** of {len(steps) - 1} days 1 to 10 people left, on **{(steps == 1).sum()}** of them one "
    "person. Whoever knows on which day a neighbour stopped going finds the neighbour in the curve; in a curve for each "
    f"reason, the reason too. From the rows behind it the attacker reads {len(attack(stay.frame))} small numbers on the left and "
    f"{len(attack(printed.frame))} on the right, where no step is of fewer than {least} people."
)

# %% [markdown]
# **What the gate does.** It prints a day only when enough people have left since the day printed before it, or nobody. The
# table behind the figure has the same days and no others.

# %% [markdown]
# ## What do two reports say that one does not?
#
# Spring: 44 of 120 people left early. Summer, corrected: 45 of 120. Each table alone is harmless. Together they say that one
# person's record was changed.

# %%
QUARTER = {"period_start": "2025-01-01", "period_end": "2025-03-31", "definition": "left_early@1"}
spring, summer = made_up(share(44, 120, **QUARTER)), made_up(share(45, 120, **QUARTER))
first = iop.publish(spring)
again = iop.publish(summer, earlier=first.frame)
(change,), (row,) = attack(first.frame, summer.frame), again.rows()
say(
    f"The two together: a difference of **{change.high:.0f}**. The gate, which is shown the first report, prints "
    f"**{row['n']:.0f} of {row['denominator']:.0f}** again: *{row['note']}*."
)

# %% [markdown]
# Rolling years do the same. A year, the next one a quarter later, and the new quarter by itself:

# %%
YEARS = {  # first and last day, events, people
    "Year 2024": ("2024-01-01", "2024-12-31", 100, 400),
    "Year to March 2025": ("2024-04-01", "2025-03-31", 108, 410),
    "First quarter of 2025": ("2025-01-01", "2025-03-31", 12, 90),
}
year, *later = (
    made_up(share(n, base, definition="left_early@1", period_start=start, period_end=end))
    for start, end, n, base in YEARS.values()
)
second = later[0].plus(later[1])
(quarter,) = attack(year.frame, second.frame)

# %%
with styled():
    figure = new_figure(1.8)
    axes = figure.subplots()
    counts = [n for *_, n, _ in YEARS.values()]
    for place, (start, length, n) in enumerate(zip((0, 1, 4, 0), (4, 4, 1, 1), (*counts, quarter.low))):
        axes.barh(place, length, left=start, height=0.7, facecolor=TONES[6] if place < 3 else ORANGE, edgecolor=GREY)
        axes.text(start + length / 2, place, f"{n:.0f}", ha="center", va="center", weight="bold" if place > 2 else "normal")
    axes.text(1.1, 3, "= 100 − (108 − 12)", va="center")
    axes.set(xlim=(0, 5), ylim=(3.5, -0.5))
    axes.set_yticks(range(4), [*YEARS, "First quarter of 2024,\nnever printed"])
    axes.set_xticks(np.arange(5) + 0.5, ["Q1 2024", "Q2", "Q3", "Q4", "Q1 2025"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
show_svg(
    figure,
    "Left early: " + ", ".join(f"{words} {n}" for words, n in zip(YEARS, counts)) + ". Hence the first quarter of 2024, never "
    f"printed: {quarter.low:.0f}.",
)
caption("People who left early, the first year from one report and the others from the next. Made-up figures")

# %%
lay_out(
    ("Second report, through the gate", "Left early"),
    list(zip(list(YEARS)[1:], say_fate(second, earlier=iop.publish(year).frame))),
)

# %% [markdown]
# **What the gate does.** A programme's ledger keeps every number it has released. A new release is attacked together with all
# of them. A closed figure stays as first printed while few records have changed, and what would complete a subtraction is hidden.

# %% [markdown]
# ## Are averages safe?
#
# Not if they rest on few people, or if one of them holds nearly everything.

# %%
costs = np.array([95_000, 900, 700, 600, 500, 450, 400, 350, 300, 250, 200, 150, 120, 80])
rest = 0.40
gaps = {x: (x / 3 - rest) / np.sqrt((x / 3 * (1 - x / 3) + rest * (1 - rest)) / 2) for x in range(4)}
with styled():
    figure = new_figure(2.2)
    one, two = figure.subplots(1, 2)
    one.bar(range(len(costs)), costs / 1000, color=[ORANGE, *[GREY] * 13], edgecolor=INK, linewidth=0.5)
    one.set(ylabel="Thousand dollars", xticks=[], xlabel=f"{len(costs)} people, cost of each")
    one.text(0.8, 88, f"{costs[0] / costs.sum():.0%} of the total", va="center", fontsize=9)
    two.axhline(0, color=LINE)
    two.plot(list(gaps.values()), [0] * 4, "o", color=ORANGE, markeredgecolor=INK, markersize=9)
    for x, gap in gaps.items():
        two.annotate(f"{x} of 3\n{gap:+.2f}", (gap, 0), (0, 10), textcoords="offset points", ha="center", fontsize=8.5)
    two.set(ylim=(-0.6, 1), yticks=[], xlim=(-1.6, 2.2))
    two.set_xlabel("Standard deviations apart: a group of 3 against\na large one of whom 40% have stable housing")
    two.spines["left"].set_visible(False)
    for axes in (one, two):
        axes.xaxis.label.set_fontsize(8)
show_svg(
    figure,
    f"One of {len(costs)} people has {costs[0] / costs.sum():.0%} of the cost. A balance figure of a group of three can take "
    "four values only, one for each count.",
)
caption(
    "Left: the cost of each of 14 people. Right: all values that the balance figure of a group of three can take. Made-up "
    "figures"
)

# %% [markdown]
# Left: the total, or the mean times 14, is that one person's cost to within 6 %. Right: a balance figure (how far
# two groups lie apart, in standard deviations) seems abstract, but three people can only give four values. Print one, and you
# have printed the count.

# %%
balance = {"measure": "balance", "definition": "balance@1", "estimand": "smd", "value": gaps[2]}
cost = {"measure": "cost", "estimand": "sum", "unit": "dollars", "people": 14, "denominator": 14, "value": costs.sum()}
candidates = {
    "Total cost, two people hold nearly all": {**cost, "definition": "a@1", "top_two": costs[:2].sum() / costs.sum()},
    "The same total, evenly spread": {**cost, "definition": "b@1", "top_two": 0.2},
    "Balance, 2 of a group of 3": {**balance, "category": "a", "people": 303, "denominator": 303, "smallest": 1},
    "Balance, 40 of a group of 60": {**balance, "category": "b", "people": 360, "denominator": 360, "smallest": 20},
}
lay_out(("Number", "Through the gate"), list(zip(candidates, say_fate(made_up(*candidates.values())))))

# %% [markdown]
# **What the gate does.** It judges a number by the people it rests on, not by how it looks. A sum or mean of money needs 11
# people of whom no two hold more than nine tenths. A worked-out number needs 0, or 11 and more, in every count behind it.

# %% [markdown]
# ## What is left in a file after a number is taken off the page?
#
# A drawing's title, a comment, the words for a screen reader, the sheet behind a chart. A reader opens them with two
# clicks. So every file is read back before it leaves, and each number in it held against the released rows.

# %%
sites = iop.publish(
    made_up(share(44, 120, by="site", group="A"), share(7, 120, by="site", group="B"), share(51, 240))
)
page = """<html><body><p>Everyone: 51 of 240. Site B: ·</p><!-- Site B: 5.8 -->
<svg xmlns="http://www.w3.org/2000/svg"><title>Site B: 7 of 120</title></svg></body></html>"""
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "page.html")
    file.write_text(page, encoding="utf-8")
    found = scan_file(file, sites)
lay_out(("Left behind in", "Number"), [(residue.place, residue.text) for residue in found])

# %% [markdown]
# ## What does the gate cost?
#
# Numbers. Under the policy `cms` (the default) what is printed is printed as it is. Under `round5` counts up to 12 are hidden
# and the others rounded to fives; fewer are hidden, because a rounded total tells less. And before anything is hidden the
# gate can be asked what putting two categories together would save.

# %%
rounded = iop.publish(table, policy="round5")
bins = POLICIES["round5"].bin
(proposal,) = propose_collapses(table)
together = iop.publish(collapse(table, [proposal]))
say(f"> {proposal.sentence}")

# %%
with styled():
    figure = new_figure(2.2)
    panels = figure.subplots(1, 2)
    draw_table(panels[0], "round5: rounded to fives", rounded.frame, show_limits(work_out(rounded.frame, bins)))
    draw_table(panels[1], "Two reasons put together, then cms", together.frame, show_limits(work_out(together.frame)))
show_svg(
    figure,
    f"The example rounded to fives, with {rounded.audit.withheld} numbers hidden; and with incarcerated and other put together, "
    f"with {together.audit.withheld} hidden.",
)
caption("Shaded: hidden, with the least and the most it can be. Made-up table")

# %%
ways = {
    "Only the small numbers": (usual, None),
    "By hand": (hide_by_hand(table.frame), None),
    "The gate, cms": (gated.frame, None),
    "The gate, round5": (rounded.frame, bins),
    "Put together, then cms": (together.frame, None),
}
lay_out(
    ("The example", "Printed", "Hidden", "Numbers of 1 to 10 people a reader finds"),
    [
        (way, f"{frame['n'].notna().sum()}", f"{frame['n'].isna().sum()}", f"{len(attack(frame, bins=bins))}")
        for way, (frame, bins) in ways.items()
    ],
)

# %% [markdown]
# Put together, nothing needs hiding, and everything printed is exact. What is lost is one distinction; somebody who knows
# the programme decides whether the table can do without it. On the random tables the gate hides more than the usual ways,
# which is the price of giving nothing away:

# %%
first = tables[:10]
lines = []
for way, hide in {**WAYS, "The gate, cms": lambda frame: iop.publish(Estimates(frame)).frame}.items():
    frames = [hide(each.frame) for each in first]
    gone = np.mean([frame["n"].isna().sum() for frame in frames])
    lines.append((way, f"{gone:.1f} of {len(table)}", f"{sum(bool(attack(frame)) for frame in frames)} of {len(first)}"))
lay_out(
    (f"The first {len(first)} random tables", "Numbers hidden, on average", "Tables that give a small number away"), lines
)

# %% [markdown]
# What the gate did is said with every release:

# %%
say("\n".join(f"* {sentence}" for sentence in DisclosureStatement(gated).sentences()[:-2]))

# %% [markdown]
# ## What does all of this not do?
#
# * **It is no mathematical promise.** Differential privacy would be one: noise in every number, so that it hardly matters
#   whether any one person is in the records. Here numbers are exact or rounded, and whoever knows a great deal already can
#   learn more.
# * **A person may recognise themselves**, or somebody close to them, in a number that rests on enough people.
# * **Other records remain.** Court, employer or hospital data can be laid beside a table. The gate does not know them.
# * **The gate knows what it is shown.** A number sent in an email, or on a slide made by hand, is not in the ledger and is
#   not attacked.
# * **The attacker knows the ways above, and no others.** That it finds nothing means that none of these ways leads to a
#   small number. It does not reason about *why* just these numbers were hidden, and somebody may think of yet another way.
# * **Eleven is a custom**, not a law of nature. Where a count of 11 would still hurt, choose a stricter policy (`strict`
#   asks for 20).
# * **It is no legal advice.** A release carries the name of the person who signed it off.
