"""The same people in two worlds: what 30-day abstinence would be had everybody gone to one level of care first.

Speaks of first admissions of people who could have gone to either level; what follows the first admission (step-up,
step-down, readmission) takes its course in each world, as it does in the records.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from iop_outcomes.records.synthetic.course import Course, follow
from iop_outcomes.records.synthetic.people import Floats, People, residential_chance
from iop_outcomes.records.synthetic.scenario import FOLLOWUP_DAYS, IOP, LEVELS, RESIDENTIAL

_CONTRAST = f"{LEVELS[RESIDENTIAL]} v {LEVELS[IOP]}"


def compare_worlds(people: People, course: Course, seed: tuple[int, int]) -> pd.DataFrame:
    """One row per person: ``either``, ``level`` as placed, ``chance`` of residential placement, and abstinence by day.

    Columns ``placed_D``, ``2.1_D`` and ``3.5_D`` are 1, 0 or missing (died) for each follow-up day D: as placed, and had
    the first admission been to that level. All three worlds draw from the same stream.
    """
    first = np.flatnonzero(course.number == 1)
    s = (course.score[first] - 5) / 2
    columns: dict[str, object] = {
        "either": course.either[first],
        "level": course.level[first],
        "chance": residential_chance(people, course.person[first], s),
    }
    worlds = {"placed": course}
    for level, name in enumerate(LEVELS):
        worlds[name] = follow(people, np.random.default_rng([*seed, 1]), first_level=level)
    for name, world in worlds.items():
        mine = np.flatnonzero(world.number == 1)
        for day in FOLLOWUP_DAYS:
            used = world.days_used(mine, np.full(len(mine), day), 30)
            columns[f"{name}_{day}"] = np.where(world.died_day[world.person[mine]] <= day, np.nan, used == 0)
    return pd.DataFrame(columns)


def causal_rows(worlds: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Abstinence had everybody gone to each level, and the difference, for three target populations; and the crude one.

    Categories: ``ATE`` everybody who could have gone to either level, ``ATO`` weighted to where placement was most
    uncertain (chance × (1 − chance)), ``ATT`` those placed in residential care, ``crude`` the difference as placed,
    ``crude_everyone`` the same with people who could only have gone to residential care.
    """
    either = worlds[worlds["either"]]
    chance = either["chance"].to_numpy()
    targets = {
        "ATE": np.ones(len(either)),
        "ATO": chance * (1 - chance),
        "ATT": (either["level"] == RESIDENTIAL).to_numpy(dtype=float),
    }
    for day in FOLLOWUP_DAYS:
        for target, weight in targets.items():
            means = [_mean(either[f"{name}_{day}"].to_numpy(dtype=float), weight) for name in LEVELS]
            for name, mean in zip(LEVELS, means, strict=True):
                yield _row(name, "abstinence@1", target, day, mean)
            yield _row(_CONTRAST, "abstinence_difference@1", target, day, means[RESIDENTIAL] - means[IOP])
        for category, part in (("crude", either), ("crude_everyone", worlds)):
            placed, level = part[f"placed_{day}"].to_numpy(dtype=float), part["level"].to_numpy()
            means = [_mean(placed, (level == place).astype(float)) for place in range(len(LEVELS))]
            yield _row(_CONTRAST, "abstinence_difference@1", category, day, means[RESIDENTIAL] - means[IOP])


def _mean(values: Floats, weight: Floats) -> float:
    known = ~np.isnan(values)
    return float(np.average(values[known], weights=weight[known]))


def _row(level: str, definition: str, category: str, at: int, value: float) -> dict[str, object]:
    return {
        "population": "either_first",
        "level_of_care": level,
        "exit_rule": "",
        "definition": definition,
        "category": category,
        "at": at,
        "value": value,
        "unit": "share",
    }
