# %% [markdown]
# # Hours and attendance
#
# Are people getting their hours? Intensive outpatient care asks for at least 9 hours a week (ASAM level 2.1, adults); the
# question is how much of that was offered, and how much was attended.
#
# The records are the **synthetic** sample: nobody in it exists. Everything is shown in the programme's internal view.

# %%
import iop_outcomes as iop
from showing import draw, lay_out, number, say, table

records = iop.read_records("../data/sample")
cohort = iop.select_cohort(records, level_of_care="2.1")


def internal(*estimates):
    return iop.publish(*estimates, audience="internal")


# %% [markdown]
# ## How many of the required hours were offered and attended?
#
# The ladder has three steps: *required* hours while people were in the programme, hours *offered* in sessions that were
# held, hours *attended*. Programmes require hours in total, not by service, so the first step stands for all services only.

# %%
hours = internal(iop.measure_hours(cohort, by="schedule"))
ladder = hours.where(definition=["hours_required@1", "hours_offered@1", "hours_attended@1"], by="all")
draw(iop.draw_hours_ladder, ladder)

# %% [markdown]
# ## Which share of the hours is that?
#
# Two answers, always side by side. *While enrolled* asks only for the weeks before somebody left: if the people who attend
# least leave first, it goes up. *Of the whole planned course* keeps on asking for the weeks they were not there.

# %%
completion = ["hours_completion_admitted@1", "hours_completion_enrolled@1"]
table(hours, down="definition", definition=completion, by="all", value="Attended of required")
waiting = hours.where(definition=completion[0], by="all").frame["n_missing"].iloc[0]
say(f"Left out of the first line: {waiting:,.0f} episodes whose planned end had not come on the as-of date.")

# %% [markdown]
# The gap between the two lines is mostly the hours nobody attended because people had left before completing. A report that
# shows only the second line hides them. (It can pass 100 %: these programmes offer more hours than they require.)
#
# Where are hours lost? *Offered of required* is the programme's own part, *attended of offered* is attendance.

# %%
steps = ["fidelity@1", "uptake@1", "requirement_met@1"]
table(hours, down="definition", across="group", definition=steps, category="all")
table(hours, down="category", value="Attended of offered", definition="uptake@1", by="all")

# %% [markdown]
# The last line of the first table counts *weeks*: of all complete weeks in the programme, in how many did a person attend at
# least the hours required? Part weeks at the start and the end are left out.

# %% [markdown]
# ## What became of the sessions that were scheduled?

# %%
attendance = internal(iop.measure_attendance(cohort, by="schedule", at=(14, 30, 42)))
table(attendance, down="category", across="group", definition="session_status@1")

# %% [markdown]
# A session the programme cancelled never counts against a person.

# %% [markdown]
# ## What if missed sessions without a date were dropped?
#
# In many systems a missed session has no date, only the week in which it was due. A spreadsheet sorted by date drops such rows
# without a word, and attendance goes up. The schedule here has its own key (date *or* week), so they stay. First, how
# common it is; then what dropping them would have done.

# %%
known = internal(iop.measure_completeness(cohort)).where(category="date of missed sessions")
say(f"Missed sessions with a date: {number(known)} of {known.frame['denominator'].iloc[0]:,.0f}.")

# %%
sessions = cohort.attendance.select("status", "day").collect("pandas").to_native()
counted = {"every_session": sessions, "dated_only": sessions[sessions["day"].notna()]}
compared = internal(iop.Estimates.from_rows(
    [{"measure": "attendance", "definition": name, "estimand": "proportion", "category": status,
      "n": (rows["status"] == status).sum(), "denominator": len(rows),
      "value": (rows["status"] == status).mean()}
     for name, rows in counted.items() for status in ("attended", "no_show")],
    cohort.settings,
))
lines = [
    (words, f"{len(counted[name]):,}", number(compared, definition=name, category="attended"),
     number(compared, definition=name, category="no_show"))
    for name, words in (("every_session", "Every session scheduled"), ("dated_only", "Only those with a date (wrong)"))
]
lay_out(["Counted", "Sessions", "Attended", "No-show"], lines)

# %% [markdown]
# Here a part of the missed sessions has no date. Where none has one, as in the real trial of notebook 12, dropping them makes
# attendance 100 %.

# %% [markdown]
# ## In which weeks do people miss sessions?
#
# Each cell is the share of sessions attended, of those the programme held for people who had not been discharged. The later
# weeks speak of fewer people, the ones who stayed: read across with the endings of notebook 2 in mind.

# %%
draw(iop.draw_weekly_attendance, attendance.where(definition="weekly_attendance@1"))

# %% [markdown]
# ## Who is starting to slip away?
#
# Missing two sessions in a row is a warning sign that can be acted on. The share of people in whom it had happened by a day
# is a cumulative incidence: a recorded discharge ends the waiting.

# %%
table(attendance, down="at", across="group", definition="second_miss@1")

# %% [markdown]
# The other side: the longest run of scheduled sessions attended, on average.

# %%
table(attendance, down="group", value="Longest run", definition="longest_streak@1")

# %% [markdown]
# Careful: the longer somebody stays, the longer the longest run can be, even if every session were attended by the toss of a
# coin. So it must not be compared between people who completed and people who left before. The share attended of each
# person's *first ten* sessions can be: it does not grow with time in care.

# %%
everyone, completers = (
    internal(iop.measure_attendance(iop.select_cohort(records, level_of_care="2.1", rung=rung), at=(14,)))
    for rung in ("attended", "completed")
)
lay_out(
    ["", "Longest run", "Of the first ten sessions"],
    [(words, number(rows, definition="longest_streak@1"), number(rows, definition="first_sessions@1"))
     for words, rows in (("Everyone", everyone), ("People who completed", completers))],
)

# %% [markdown]
# ## Do people of one schedule attend more than others?
#
# Evening groups are there for working people. Do people in them attend as much? The plain difference mixes two things: the
# schedule, and who comes to it. The second column asks what the difference would be if both groups had the same mix of people
# at admission (employment, primary substance, severity, age, gender): a logistic regression predicts every person's
# attendance in both schedules, and the predictions are averaged over everybody.
#
# Both are *associations*. Nobody was assigned to a schedule by lot, and what the records do not hold is not adjusted for.

# %%
def contrast(by, what="attended"):
    rows = internal(iop.compare_attendance(cohort, by=by, what=what))
    table(rows, down="group", value="Sessions attended", definition="held_sessions@1", estimand="proportion", by=by)
    reference = rows.where(estimand="difference").frame["reference"].iloc[0].replace("_", " ")
    names = {"held_sessions@1": "As it is", "attendance_adjusted@1": "Among comparable people",
             "attendance_within_person@1": "Inside the same people"}  # fmt: skip
    say(f"Difference from {reference}, in percentage points:")
    table(rows, down="group", across="definition", estimand="difference", names=names)
    return rows


schedules = contrast("schedule")

# %% [markdown]
# A range that reaches over 0% means that the records cannot tell.
#
# ## Do working people attend as much as others?

# %%
work = contrast("employment")

# %% [markdown]
# ## Do people attend more by telehealth?
#
# The same person often has sessions of both kinds, which allows a better question: does the *same* person attend more one way
# than the other? The third column compares people with themselves, so that nothing that stays the same in a person can mislead.

# %%
ways = contrast("modality")

# %% [markdown]
# ## Has it really changed, or is it the usual ups and downs?
#
# Months go up and down. An XmR chart draws the average and the range within which a month usually falls (average ± 2.66 × the
# mean difference between neighbouring months). Only a point outside, a long run on one side, or a steady climb is a signal.

# %%
missed = internal(iop.measure_by_period(cohort, "no_show", chart="xmr"))
draw(iop.draw_xmr, missed, "Sessions missed without notice, by month of the session")

# %%
weeks = internal(iop.measure_by_period(cohort, "requirement_met", chart="xmr"))
draw(iop.draw_xmr, weeks, "Weeks that met the weekly hours, by month in which they began")

# %%
for title, chart in (("Missed sessions", missed), ("Weeks met", weeks)):
    found = [f"{row['period_start'][:7]} ({row['note'].removeprefix('signal: ')})"
             for row in chart.rows() if isinstance(row["note"], str)]  # fmt: skip
    say(f"{title}: {'signal in ' + ', '.join(found) if found else 'no signal'}.")

# %% [markdown]
# No signal does not mean no change; it means that these months do not show one. A signal is a reason to ask what happened,
# not an answer. The first and last months rest on fewer people.
