# %% [markdown]
# # Real trial data
#
# What does the package say of clinic data nobody made up?
#
# The data are those of X:BOT (CTN-0051; Lee and others 2018, doi:10.1016/S0140-6736(17)32812-X), a trial that compared two
# medications for opioid use disorder over 24 weeks. **It is not an intensive outpatient programme**, and nothing below says
# anything about one. What it shares with one is the shape of its records: visits kept and missed, tests, reports, endings.
#
# The data are not part of this project. `docs/ctn0094.md` says how to get them (from the R package `public.ctn0094data`) and
# what the mapping does with their traps. These are real people, so everything below is the **public** view: one release, through
# the gate, with the same mark (·) wherever a number is withheld.

# %%
import os
from pathlib import Path

import iop_outcomes as iop
from showing import draw, lay_out, number, say, table

folder = Path(os.environ.get("IOP_CTN0094", "../../shared/data/ctn0094"))
if not folder.is_dir():
    raise FileNotFoundError(
        "The trial's data are not here. docs/ctn0094.md says how to get them; "
        "then set the environment variable IOP_CTN0094 to their folder."
    )

# %% [markdown]
# ## What did the mapping make of the export?
#
# A mapping file turns another system's columns and codes into the five tables. Two trials share the export's files; everything
# that belongs to the other trial, or to the time after treatment, is left out under its reason and counted.

# %%
records = iop.read_records(folder, mapping="../mappings/ctn0094.toml")
lay_out(
    ["Table", "Rows of the export", "Used", "Left out"],
    [(account.table, f"{account.read:,}", f"{account.used:,}", f"{account.read - account.used:,}")
     for account in records.manifest.accounts if account.read],
)
broken = len(records.manifest.set_aside)
say(f"Rows that break a rule: {broken}.")

# %% [markdown]
# What the export cannot say is written down in the mapping and goes with the records:

# %%
say("\n".join(f"* {note}" for note in records.manifest.warnings))

# %% [markdown]
# ## One release
#
# Everything this notebook prints goes through the gate together, so that no table tells what another one hides. People count
# who came to at least one weekly visit.

# %%
WEEKS = 24
cohort = iop.select_cohort(records)
randomised = iop.select_cohort(records, rung="admitted")
episodes = randomised.episodes.select("episode_id", "program").collect("pandas").to_native()
doses = randomised.outcomes.collect("pandas").to_native().query("instrument == 'doses' and score > 0")
episodes["inducted"] = episodes["episode_id"].isin(doses["episode_id"])
induction = iop.Estimates.from_rows(
    [{"measure": "induction", "definition": "inducted", "estimand": "proportion", "by": "program",
      "group": arm, "n": part["inducted"].sum(), "denominator": len(part), "people": len(part),
      "value": part["inducted"].mean(), "unit": "share"}
     for arm, part in episodes.groupby("program")],
    randomised.settings,
)

# %%
release = iop.publish(
    induction,
    iop.measure_endings(cohort, combine=True, until=7 * (WEEKS - 2), every=14),
    iop.measure_retention(cohort, by="program", at=[28, 84, 140], tau=7 * WEEKS),
    iop.measure_attendance(cohort, by="program", at=(28, 84), weeks=WEEKS - 1),
    iop.measure_milestones(
        cohort, substance="opioids", milestones=(30, 60), until=7 * WEEKS, every=84
    ),
    iop.measure_completeness(cohort),
)
say(
    f"{release.audit.total:,} numbers, {release.audit.withheld:,} of them withheld "
    f"under policy {release.policy.name}."
)

# %% [markdown]
# ## Does it meet what was published?
#
# The trial's paper gives how many people were randomised and how many started the medication (any dose). The tests of the
# mapping also hold relapse against the published figures.

# %%
published = {"Buprenorphine-naloxone": (270, 287), "Extended-release naltrexone": (204, 283)}
lines = []
for row in release.where(definition="inducted").rows():
    paper = "{} of {}".format(*published[row["group"]])
    lines.append((row["group"], f"{row['n']:.0f} of {row['denominator']:.0f}", paper))
lay_out(["Started the medication", "These records", "Lee and others 2018"], lines)

# %% [markdown]
# ## What became of the weekly visits?
#
# **Not one missed visit has a date**: only its label says in which week it was due. A table sorted by date would lose all of
# them, and attendance would be 100 %. Kept, they are:

# %%
undated = release.where(category="date of missed sessions")
say(f"Missed visits: {undated.frame['denominator'].iloc[0]:,.0f}, of which with a date: {number(undated)}.")
table(release, down="category", across="group", definition="session_status@1")

# %%
draw(iop.draw_weekly_attendance, release.where(definition="weekly_attendance@1"))

# %% [markdown]
# An attended visit stands in the week of its day, a missed one in the week of its label, so a week's number is a little
# blurred. Week 24 is left out: it holds late visits only and none that was missed.
#
# The naltrexone arm misses more in the first weeks. Fewer people in it had started the medication (first table), and
# starting asks for days without opioids. That is *associated* with the arm; the trial's own analysis says what may be
# concluded.

# %% [markdown]
# ## How long do people keep coming?
#
# Nobody was discharged in this trial, so a person's last day is the last weekly visit attended. It is retention in *visits*, and
# has to be called that: retention by doses would be another figure. The figure stops two weeks before the trial did, when
# everybody's visits came to their end.

# %%
draw(iop.draw_endings, release.where(definition=["ending@1", "at_risk@1"], by="all"))

# %%
arms = release.where(definition=["in_programme@1", "lost_early@1"])
table(arms, down=["definition", "at"], across="group")
table(release, down="definition", across="group", definition="mean_days_in_programme@1")

# %% [markdown]
# ## What is known of opioid use?
#
# Urine was due once a week and speaks for three days back; the export holds reported days of use but no reported day *without*
# use. So no run of a month can be confirmed day by day: the lower bound is 0 %, and the bridged reading rests on weekly
# tests alone. Few days are shown, because the three readings of two milestones must not differ by few people.

# %%
rules = ["milestone_confirmed@1", "milestone_bridged@1", "milestone_not_contradicted@1"]
draw(iop.draw_milestones, release.where(definition=rules))

# %%
words = dict(zip(rules, ["Confirmed", "Bridged", "Not contradicted"]))
table(release, down="category", across="definition", definition=rules, at=7 * WEEKS, names=words)
table(release, down="category", value="Share of days in care", definition="days_known@1")

# %% [markdown]
# About half of the days are unknown. A single figure for "sober" from such records is a choice between the columns above.

# %% [markdown]
# ## How complete are the records?

# %%
draw(iop.draw_completeness, release.where(definition="completeness@1"))

# %% [markdown]
# Hours are not in the export at all, so no figure of hours is made from it.
#
# ## What was withheld, and why?

# %%
say(release.policy.description)
lay_out(
    ["Why numbers were withheld", "Numbers"],
    [(rule, f"{count:,}") for rule, count in release.audit.rows.items()],
)
