"""The quarterly figures as an analyst would write them with pandas, numpy and statsmodels: ``pandas_stack.py FOLDER``.

Vectorised throughout, only the columns needed, people as clusters in every error. It checks no record. Left out: competing
risks (Kaplan–Meier stands in), milestones, pathways, contrasts with people in both groups, imputation, the bootstrap, cost
by person, and everything by month.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from meter import measured

AS_OF, FIRST, LAST = pd.Timestamp("2026-01-31"), pd.Timestamp("2025-01-01"), pd.Timestamp("2025-12-31")
DAYS = (7, 14, 30, 42, 60, 90)
GROUPS = ("gender", "race_ethnicity", "primary_substance", "employment", "housing", "medication")
ADJUST = ("severity", "days_used_30", "age", "prior_episodes")


def read_tables(folder: Path) -> tuple[pd.DataFrame, ...]:
    """The tables, only the columns needed."""
    columns = {
        "episodes": None,
        "attendance": ["episode_id", "date", "service_type", "status", "hours_offered", "hours_attended"],
        "outcomes": ["episode_id", "date", "point", "month", "instrument", "score", "result", "status"],
    }
    tables = [
        pd.read_parquet(folder / name, columns=wanted, to_pandas_kwargs={"date_as_object": False})
        for name, wanted in columns.items()
    ]
    return pd.read_csv(folder / "programs.csv", dtype={"level_of_care": str}), *tables


def clustered(y: pd.Series, x: pd.Series, person: pd.Series) -> tuple[float, float, float]:
    """A ratio of sums with its 95% limits, people as clusters."""
    sums = pd.DataFrame({"y": y, "x": x}).groupby(person).sum()
    ratio, m = sums["y"].sum() / sums["x"].sum(), len(sums)
    error = np.sqrt(m / max(1, m - 1) * ((sums["y"] - ratio * sums["x"]) ** 2).sum()) / sums["x"].sum()
    return ratio, ratio - 1.96 * error, ratio + 1.96 * error


def choose_cohort(programs: pd.DataFrame, episodes: pd.DataFrame, attendance: pd.DataFrame) -> pd.DataFrame:
    """Everyone admitted to intensive outpatient care in the year who came at least once, with their clock."""
    attended = attendance[attendance["status"] == "attended"]
    contact = attended.groupby("episode_id")["date"].agg(last_contact="max", sessions="count")
    known = episodes.merge(contact, on="episode_id", how="left").merge(
        programs[["program_id", "schedule", "planned_weeks"]], on="program_id"
    )
    end = known["discharge_date"].fillna(AS_OF)
    known["enrolled"] = (end - known["admission_date"]).dt.days
    left = np.minimum(known["last_contact"].fillna(known["admission_date"]), end)
    known["day"] = np.where(
        known["end_reason"].isna(), (AS_OF - known["admission_date"]).dt.days, (left - known["admission_date"]).dt.days
    )
    chosen = known["level_of_care"].eq("2.1") & known["admission_date"].between(FIRST, LAST) & (known["sessions"] > 0)
    return known[chosen].reset_index(drop=True)


def staying(cohort: pd.DataFrame) -> list[Any]:
    """Kaplan–Meier curves of everyone and by schedule, with limits, and the log-rank test."""
    from statsmodels.duration.survfunc import SurvfuncRight, survdiff

    found: list[Any] = []
    parts = [cohort, *(part for _, part in cohort.groupby("schedule"))]
    for part in parts:
        curve = SurvfuncRight(part["day"], part["end_reason"].notna().astype(int))
        place = np.searchsorted(curve.surv_times, DAYS, side="right") - 1
        value, reach = curve.surv_prob[place], 1.96 * curve.surv_prob_se[place]
        found.append((value, value - reach, value + reach))
    found.append(survdiff(cohort["day"], cohort["end_reason"].notna().astype(int), cohort["schedule"]))
    return found


def join_sessions(cohort: pd.DataFrame, attendance: pd.DataFrame) -> pd.DataFrame:
    """The sessions of the cohort with their week of treatment."""
    columns = ["episode_id", "person_id", "program_id", "schedule", "employment", "admission_date"]
    sessions = attendance.merge(cohort[columns], on="episode_id")
    return sessions.assign(week=(sessions["date"] - sessions["admission_date"]).dt.days // 7 + 1)


def plan_weeks(programs: pd.DataFrame, last: int) -> pd.DataFrame:
    """Hours required in each week of a programme, from ``"1-6:9 7-12:6"`` or one number for all."""
    rows = []
    for program in programs.itertuples():
        spans = str(program.required_hours_by_week).split() if pd.notna(program.required_hours_by_week) else []
        by_week = {}
        for span in spans:
            weeks, required = span.split(":")
            first, _, until = weeks.partition("-")
            by_week |= dict.fromkeys(range(int(first), int(until or first) + 1), float(required))
        after = by_week[max(by_week)] if by_week else program.required_hours
        rows += [(program.program_id, week, by_week.get(week, after)) for week in range(1, last + 1)]
    return pd.DataFrame(rows, columns=["program_id", "week", "required_hours"])


def hours(programs: pd.DataFrame, cohort: pd.DataFrame, sessions: pd.DataFrame) -> list[Any]:
    """Hours offered and attended of required, overall and by schedule and service, and the share of weeks that met it."""
    offered = sessions["hours_offered"].where(sessions["status"] != "cancelled_by_program", 0.0)
    attended = sessions["hours_attended"].where(sessions["status"] == "attended", 0.0)
    done = sessions.assign(offered=offered, attended=attended)
    by_week = done.groupby(["episode_id", "week"])[["offered", "attended"]].sum()
    number = np.maximum(cohort["planned_weeks"], cohort["enrolled"] // 7 + 1).astype(int)
    weeks = cohort.loc[cohort.index.repeat(number)]
    weeks = weeks.assign(week=weeks.groupby(level=0).cumcount() + 1).reset_index(drop=True)
    weeks = weeks.merge(plan_weeks(programs, int(number.max())), on=["program_id", "week"])
    weeks = weeks.merge(by_week, on=["episode_id", "week"], how="left").fillna({"offered": 0.0, "attended": 0.0})
    inside = np.clip(weeks["enrolled"] + 1 - 7 * (weeks["week"] - 1), 0, 7)
    weeks = weeks.assign(required=weeks["required_hours"] * inside / 7, whole=inside == 7)
    given = done[["person_id", "schedule", "offered", "attended"]].assign(required=0.0)
    asked = weeks[["person_id", "schedule", "required"]].assign(offered=0.0, attended=0.0)
    both = pd.concat([given, asked], ignore_index=True)  # hours offered after somebody had left are not lost
    found: list[Any] = []
    for schedule in (None, *sorted(weeks["schedule"].unique())):
        part, sums = (frame if schedule is None else frame[frame["schedule"] == schedule] for frame in (weeks, both))
        found.append(clustered(sums["attended"], sums["required"], sums["person_id"]))
        found.append(clustered(sums["offered"], sums["required"], sums["person_id"]))
        whole = part[part["whole"]]
        met = (whole["attended"] + 1e-9 >= whole["required"]).astype(float)
        found.append(clustered(met, pd.Series(1.0, index=whole.index), whole["person_id"]))
    for _, part in done.groupby("service_type"):
        found.append(clustered(part["attended"], part["offered"], part["person_id"]))
    return found


def attendance_shares(sessions: pd.DataFrame) -> list[Any]:
    """What became of sessions, the share attended by week and programme, and no-shows by group."""
    one = pd.Series(1.0, index=sessions.index)
    found: list[Any] = []
    for status in ("attended", "no_show", "excused", "cancelled_by_program"):
        found.append(clustered(sessions["status"].eq(status).astype(float), one, sessions["person_id"]))
    held = sessions[sessions["status"] != "cancelled_by_program"]
    came = held.assign(came=held["status"].eq("attended").astype(float), one=1.0)
    for keys in (["week"], ["program_id", "week"]):
        for _, part in came[came["week"] <= 12].groupby(keys):
            found.append(clustered(part["came"], part["one"], part["person_id"]))
    missed = came.assign(missed=came["status"].eq("no_show").astype(float))
    for column in ("schedule", "employment"):
        for _, part in missed.groupby(column):
            found.append(clustered(part["missed"], part["one"], part["person_id"]))
    return found


def health(cohort: pd.DataFrame, outcomes: pd.DataFrame) -> list[Any]:
    """Change in scores from intake to the last asked, and abstinence at follow-up, weighted for who was reached."""
    import statsmodels.api as sm

    own = outcomes.merge(
        cohort[["episode_id", "person_id", "admission_date", "severity", "days_used_30"]], on="episode_id"
    )
    scores = own[(own["status"] == "done") & own["score"].notna() & (own["point"] != "followup")].sort_values("date")
    found: list[Any] = []
    for _, part in scores.groupby("instrument"):
        ends = part.groupby("episode_id")["score"].agg(["first", "last", "count"])
        change = (ends["last"] - ends["first"])[ends["count"] > 1]
        found.append((change.mean(), change.std() / np.sqrt(max(1, len(change)))))
    asked = own[(own["instrument"] == "abstinent_30") & (own["point"] == "followup")]
    for month, part in asked.groupby("month"):
        due = cohort[(AS_OF - cohort["admission_date"]).dt.days >= 30 * month + 30]
        answer = part[part["status"] == "done"].drop_duplicates("episode_id").set_index("episode_id")["result"]
        said = due["episode_id"].map(answer)
        reached, sober = said.notna(), said.eq("negative")
        if not reached.any() or reached.all():
            continue
        covariates = due[["severity", "days_used_30", "sessions"]].astype(float)
        covariates = sm.add_constant(covariates.fillna(covariates.median()))
        chance = sm.Logit(reached.astype(float), covariates).fit(disp=False).predict(covariates)
        weight = reached / chance
        found.append((month, sober[reached].mean(), (weight * sober).sum() / weight.sum(), sober.sum() / len(due)))
    return found


def groups(cohort: pd.DataFrame) -> list[Any]:
    """Still there on day 30, by programme and by group."""
    followed = cohort[(AS_OF - cohort["admission_date"]).dt.days >= 30]
    kept = (followed["end_reason"].isna() | followed["end_reason"].eq("completed") | (followed["day"] > 30)).astype(
        float
    )
    one = pd.Series(1.0, index=followed.index)
    found: list[Any] = []
    for column in ("program_id", *GROUPS):
        for value, part in followed.groupby(column):
            found.append((value, *clustered(kept[part.index], one[part.index], part["person_id"])))
    return found


def levels(episodes: pd.DataFrame, outcomes: pd.DataFrame, folder: Path) -> list[Any]:
    """Abstinence at six months after either level, overlap weights, and the cost of a client-week by programme."""
    import statsmodels.api as sm

    first = episodes.sort_values(["admission_date", "episode_id"]).drop_duplicates("person_id")
    asked = outcomes[
        (outcomes["instrument"] == "abstinent_30") & (outcomes["month"] == 6) & (outcomes["status"] == "done")
    ]
    answer = asked.drop_duplicates("episode_id").set_index("episode_id")["result"].eq("negative").astype(float)
    known = first.assign(sober=first["episode_id"].map(answer)).dropna(subset=["sober"])
    numbers = known[list(ADJUST)].astype(float)
    words = known[["employment", "housing", "primary_substance", "referral", "gender", "medication"]]
    marks = pd.get_dummies(words, drop_first=True).astype(float)
    design = sm.add_constant(pd.concat([numbers.fillna(numbers.median()), marks], axis=1))
    treated = known["level_of_care"].eq("2.1").astype(float)
    fit = sm.GLM(treated, design, family=sm.families.Binomial()).fit()
    weight = np.where(treated == 1, 1 - fit.fittedvalues, fit.fittedvalues)
    means = [np.average(known["sober"][treated == side], weights=weight[treated == side]) for side in (1, 0)]
    costs = pd.read_csv(folder / "costs.csv").groupby("program_id")["amount"].sum()
    stays = (episodes["discharge_date"].fillna(AS_OF) - episodes["admission_date"]).dt.days / 7
    return [means, costs / stays.groupby(episodes["program_id"]).sum()]


def main(folder: Path) -> None:
    """Every part, timed."""
    import statsmodels.api  # noqa: F401  (imports are not timed)
    from statsmodels.duration.survfunc import SurvfuncRight  # noqa: F401

    with measured("Reading"):
        programs, episodes, attendance, outcomes = read_tables(folder)
    with measured("Choosing the cohort"):
        cohort = choose_cohort(programs, episodes, attendance)
    with measured("Staying and leaving"):
        staying(cohort)
    with measured("Hours"):
        sessions = join_sessions(cohort, attendance)
        hours(programs, cohort, sessions)
    with measured("Attendance"):
        attendance_shares(sessions)
    with measured("Health and daily life"):
        health(cohort, outcomes)
    with measured("Groups"):
        groups(cohort)
    with measured("Cost and comparison"):
        levels(episodes, outcomes, folder)


def loop(folder: Path, replicates: int = 3) -> None:
    """The person bootstrap of cost and effect as a loop over samples of a frame of people; a few replicates only."""
    from steps import cost_and_effect, person_rows

    rows = person_rows(folder)
    rows[["cost", "effect"]] = cost_and_effect(rows)
    people = rows.assign(one=1.0).pivot_table(
        index="person_id", columns="level_of_care", values=["cost", "effect", "one"], aggfunc="sum", fill_value=0.0
    )
    with measured("bootstrap", replicates=replicates):
        for replicate in range(replicates):
            drawn = people.sample(frac=1.0, replace=True, random_state=replicate).sum()
            drawn["cost"] / drawn["one"], drawn["effect"] / drawn["one"]


if __name__ == "__main__":
    {"pandas": main, "loop": loop}[sys.argv[1]](Path(sys.argv[2]))
