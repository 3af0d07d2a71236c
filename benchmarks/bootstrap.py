"""How many times faster is the person bootstrap of this package than a plain loop that does the same?

Run ``python benchmarks/bootstrap.py``. Loops are timed on fewer replicates and scaled up: their time grows with the number
of replicates, and with nothing else.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from iop_outcomes.statistics import answer_weights, person_bootstrap, reweighted_bootstrap

#: Replicates of which a loop is timed.
LOOPED, LOOPED_ANEW = 40, 20
SEED = 1


def simulate(people: int) -> tuple[Any, Any, Any]:
    """Cost and effect (people × 2, a fifth of them unknown in the second), who was treated, and eight covariates."""
    rng = np.random.default_rng(SEED)
    covariates = np.column_stack([rng.normal(size=(people, 3)), rng.random((people, 5)) < 0.3]).astype(float)
    treated = (rng.random(people) < 1 / (1 + np.exp(-0.5 * covariates[:, 0]))).astype(int)
    effect = (rng.random(people) < 0.4 + 0.1 * treated).astype(float)
    cost = 2_000 + 1_000 * treated + rng.gamma(2, 800, people)
    return np.column_stack([cost, effect]), treated, covariates


def loop_in_python(values: Any, treated: Any, replicates: int) -> list[tuple[float, ...]]:
    """Differences in mean cost and effect, people drawn and added up one by one."""
    people = list(zip(treated.tolist(), *values.T.tolist(), strict=True))
    drawn = random.Random(SEED)
    differences = []
    for _ in range(replicates):
        sums = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
        for arm, cost, effect in drawn.choices(people, k=len(people)):
            side = sums[arm]
            side[0] += 1
            side[1] += cost
            side[2] += effect
        differences.append(tuple(sums[1][part] / sums[1][0] - sums[0][part] / sums[0][0] for part in (1, 2)))
    return differences


def loop_over_arrays(values: Any, treated: Any, replicates: int) -> list[Any]:
    """The same with arrays inside each turn of the loop."""
    rng, n = np.random.default_rng(SEED), len(treated)
    differences = []
    for _ in range(replicates):
        rows = rng.integers(n, size=n)
        y, own = values[rows], treated[rows] == 1
        differences.append(y[own].mean(axis=0) - y[~own].mean(axis=0))
    return differences


def loop_anew(values: Any, treated: Any, covariates: Any, replicates: int) -> list[Any]:
    """Weights of this package fitted anew to the rows drawn, one replicate after another."""
    rng, n = np.random.default_rng(SEED), len(treated)
    differences = []
    for _ in range(replicates):
        rows = rng.integers(n, size=n)
        y, own = values[rows], treated[rows] == 1
        known = ~np.isnan(y).any(axis=1)
        weights = answer_weights(known, own, covariates[rows]).weights
        arms = [weights[arm] @ y[arm] / weights[arm].sum() for arm in (known & own, known & ~own)]
        differences.append(arms[0] - arms[1])
    return differences


def measure(what: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor, so that other work on the machine hardly counts, and what came of it."""
    start = time.process_time()
    made = what()
    return time.process_time() - start, made


def compare(people: int, replicates: int, anew: int) -> list[tuple[str, float, float]]:
    """What was measured, times as fast as the loop, and the error of the difference in effect over that of the loop."""
    values, treated, covariates = simulate(people)
    asked = np.where((np.random.default_rng(2).random(people) < 0.2)[:, None] & [False, True], np.nan, values)
    found = []
    whole = measure(lambda: person_bootstrap(values, range(people), treated, replicates=replicates, seed=SEED))
    drawn = whole[1].difference(1, 0)
    for name, loop in (("plain Python", loop_in_python), ("a loop over arrays", loop_over_arrays)):
        taken, differences = measure(lambda loop=loop: loop(values, treated, LOOPED))
        error = drawn[:, 1].std() / np.std([pair[1] for pair in differences])
        found.append((f"person bootstrap against {name}", taken / LOOPED * replicates / whole[0], error))
    whole = measure(lambda: reweighted_bootstrap(asked, treated, covariates, replicates=anew, seed=SEED))
    taken, differences = measure(lambda: loop_anew(asked, treated, covariates, LOOPED_ANEW))
    error = whole[1].difference[:, 1].std() / np.std([pair[1] for pair in differences])
    found.append(("weights fitted anew against the same in a loop", taken / LOOPED_ANEW * anew / whole[0], error))
    return found


def main() -> None:
    """Print the ratios."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--people", type=int, default=5_000)
    asked.add_argument("--replicates", type=int, default=10_000, help="of cost and effect, weights as they are")
    asked.add_argument("--anew", type=int, default=1_000, help="replicates with weights fitted anew")
    given = asked.parse_args()
    reweighted_bootstrap(*simulate(200), replicates=2, seed=SEED)  # imports are not timed
    print(
        f"{given.people:,} people, cost and effect; {given.replicates:,} replicates, {given.anew:,} with weights anew"
    )
    print(f"loops timed on {LOOPED} and {LOOPED_ANEW} replicates and scaled up\n")
    for name, ratio, error in compare(given.people, given.replicates, given.anew):
        print(f"{name}: {ratio:,.0f} times as fast (error of the effect {error:.2f} of the loop's)")


if __name__ == "__main__":
    main()
