# %% [markdown]
# # Sobriety milestones
#
# How many of everyone admitted reach 7, 14, 30 or 60 days sober while in care, and how much of that do we know?
#
# The records are the **synthetic** sample: nobody in it exists. Everything is shown in the programme's internal view.

# %%
import iop_outcomes as iop
import numpy as np
from iop_outcomes.measures.use_calendar import Reports, build_calendar, milestone_days
from matplotlib.figure import Figure
from showing import draw, lay_out, number, say, show_svg, table

records = iop.read_records("../data/sample")
cohort = iop.select_cohort(records, level_of_care="2.1")


def internal(*estimates):
    return iop.publish(*estimates, audience="internal")


# %% [markdown]
# ## What is known of each day?
#
# Urine, breath and self-report are laid on one calendar per person. Each source speaks for some days: a urine test for the
# day it was given and 3 days back, a breath test for its own day, a self-report for the days it asks about. A day is
# **sober**, **use**, **mixed** (sources disagree), **missed** (a test was due and not given) or **not asked**. The last three are
# unknown. Nothing is filled in.
#
# Three made-up people, four weeks:

# %%
SOBER, USE, MISSED = 2, 3, 1
made_up = [  # person, first and last day spoken for, what was said
    (0, 0, 6, SOBER), (0, 7, 13, SOBER), (0, 14, 20, SOBER), (0, 21, 27, SOBER),
    (1, 0, 6, SOBER), (1, 10, 13, SOBER), (1, 17, 20, MISSED), (1, 17, 27, SOBER),
    (2, 0, 6, SOBER), (2, 7, 9, USE), (2, 9, 12, SOBER), (2, 16, 20, SOBER), (2, 24, 27, MISSED),
]  # fmt: skip
columns = np.array(made_up).T
said = Reports(columns[0], columns[1], columns[2], columns[3].astype(np.int8))
calendar = build_calendar(said, people=3, days=28)

# %%
looks = {  # state: tone, sign
    0: ("white", ""), 1: ("white", "o"), 2: ("#1f5fa8", ""), 3: ("#d9822b", "+"),
    4: ("#d9dde2", "?"),
}  # fmt: skip
figure = Figure(figsize=(7.2, 1.7), layout="constrained")
axes = figure.subplots()
for person, days in enumerate(calendar):
    for day, state in enumerate(days):
        tone, sign = looks[int(state)]
        axes.barh(person, 0.94, left=day, height=0.7, facecolor=tone, edgecolor="#8a939e")
        axes.text(day + 0.47, person, sign, ha="center", va="center", fontsize=8)
axes.set_yticks(range(3), ["A", "B", "C"])
axes.invert_yaxis()
axes.set_xticks(range(0, 29, 7))
key = "Filled: sober   +: use   ?: sources disagree   o: missed   empty: not asked"
axes.set_xlabel(f"Days since admission.  {key}", fontsize=8)
axes.spines[:].set_visible(False)
show_svg(figure, "Calendars of three made-up people: A sober throughout, B with gaps, C with use on days 7 and 8.")

# %% [markdown]
# A milestone is reached on the first day the run of sober days is long enough. What of the unknown days in between? Three
# readings stand side by side: **confirmed** (an unknown day breaks the run), **bridged** (a run survives up to 7 unknown days
# in a row) and **not contradicted** (an unknown day counts as sober). The first and the last are bounds.

# %%
end = np.full(3, 27)
readings = {"Confirmed": 0, "Bridged": 7, "Not contradicted": np.inf}
reached = {words: milestone_days(calendar, end, 14, bridge) for words, bridge in readings.items()}
lines = [
    (f"Made-up person {'ABC'[person]}",
     *("not reached" if np.isnan(days[person]) else f"day {days[person]:.0f}"
       for days in reached.values()))
    for person in range(3)
]
lay_out(["14 days sober", *reached], lines)

# %% [markdown]
# ## How many people reach a sobriety milestone?
#
# Among **everyone admitted**. Leaving care first is a competing event: whoever left before day 30 is still in the
# denominator of the 30-day milestone. The line is the bridged reading; hatched is what the unknown days leave open.

# %%
LENGTHS, END = (7, 14, 30, 60), 70
milestones = internal(iop.measure_milestones(cohort, milestones=LENGTHS, until=END))
rules = ["milestone_confirmed@1", "milestone_bridged@1", "milestone_not_contradicted@1"]
draw(iop.draw_milestones, milestones.where(definition=rules))

# %%
words = dict(zip(rules, ["Confirmed", "Bridged", "Not contradicted"]))
table(milestones, down="category", across="definition", definition=rules, at=56, names=words)

# %% [markdown]
# By day 56, the planned length of the course. The true share lies between the first and the last column as far as missing days
# go; tests and reports that are wrong are another matter (see the end).

# %% [markdown]
# ## Why among everyone admitted, and not among those who stayed?
#
# People who return to use tend to leave earlier, so the people who stayed are a selection. The same milestones, counted among those
# who completed:

# %%
stayed = iop.select_cohort(records, level_of_care="2.1", rung="completed")
selected = internal(iop.measure_milestones(stayed, milestones=LENGTHS, until=END))
lines = [
    (f"{length} days", number(milestones, definition=rules[1], category=str(length), at=56),
     number(selected, definition=rules[1], category=str(length), at=56))
    for length in LENGTHS if length <= 56
]
lay_out(["Reached by day 56 (bridged)", "Everyone admitted", "Only those who completed"], lines)

# %% [markdown]
# The last column is right about those people. It misleads as a description of what becomes of somebody who is admitted.

# %% [markdown]
# ## How much of the time do we know anything?
#
# Of all days in care: known sober, known used, unknown. The three add to 100 %.

# %%
known = milestones.where(definition="days_known@1")
table(known, down="category", value="Share of days in care")

# %% [markdown]
# ## Do people return to use after a milestone?
#
# Among people who reached it (bridged), the share with a known day of use within 7, 14 and 30 days, while in care. Unknown
# days are not counted as use, and people who left are no longer seen, so these shares are low rather than high.

# %%
within = {day: f"Within {day} days" for day in (7, 14, 30)}
table(milestones, down="category", across="at", definition="return_to_use@1", names=within)

# %% [markdown]
# ## Do urine tests and self-reports agree?
#
# On days that both speak for. Kappa is agreement beyond chance: 0 is what chance alone gives, 1 is complete agreement.

# %%
pairs = milestones.where(definition="agreement@1")
lay_out(
    ["Number of tests", "Reported no use", "Reported use"],
    [("Test negative", number(pairs, category="both_negative"),
      number(pairs, category="report_positive_only")),
     ("Test positive", number(pairs, category="test_positive_only"),
      number(pairs, category="both_positive"))],
)
table(pairs, down="category", value="Agreement beyond chance", category="kappa")

# %% [markdown]
# A test can miss use that happened too long before it, and a report can leave use out. Where they disagree, the day is *mixed*
# and breaks a run: neither source is taken to be right.
#
# ## What is counted here
#
# Abstinence in care is. It is not the only kind of recovery: the 2022 definition of recovery from alcohol use disorder by the
# US National Institute on Alcohol Abuse and Alcoholism does not require it. Medication for opioid use disorder is treatment,
# not use.
