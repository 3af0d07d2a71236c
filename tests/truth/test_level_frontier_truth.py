"""Three levels whose people differ: made alike they cover the truth, as placed the order of their effects is turned round."""

from __future__ import annotations

import numpy as np
import pytest

from iop_outcomes.statistics import efficiency_frontier, joint_means, several_weights

NAMES = ("1", "2.1", "3.5")
PEOPLE, DRAWS = 1_200, 800


def draw(people: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Severity, chances of the three levels, costs and effects at each; higher levels do more, and get the more severe."""
    severity = rng.standard_normal(people)
    lines = np.column_stack([0 * severity, 0.2 + 0.6 * severity, 1.2 * severity])
    chance = np.exp(lines) / np.exp(lines).sum(axis=1, keepdims=True)
    cost = rng.gamma(4, 1, (people, 3)) * np.array([200, 500, 900]) * np.exp(0.2 * severity)[:, None]
    line = np.array([-0.6, 0.0, 0.3]) - 1.6 * severity[:, None]
    effect = (rng.random((people, 3)) < 1 / (1 + np.exp(-line))).astype(float)
    return severity, chance, cost, effect


def observe(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """What records hold: severity, level, cost, effect, and whether it is known; severe people are reached less often."""
    severity, chance, cost, effect = draw(PEOPLE, rng)
    level = (rng.random(PEOPLE)[:, None] > chance.cumsum(axis=1)).sum(axis=1).clip(max=2)
    row = np.arange(PEOPLE)
    known = rng.random(PEOPLE) < 1 / (1 + np.exp(-1.4 + 0.5 * severity))
    return severity, level, cost[row, level], effect[row, level], known


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Mean cost and effect of each level, of the people overlap weights speak of."""
    _, chance, cost, effect = draw(1_000_000, np.random.default_rng(1))
    overlap = 1 / (1 / chance).sum(axis=1)
    return np.column_stack([np.average(part, axis=0, weights=overlap) for part in (cost, effect)])


def test_means_made_alike_cover_at_their_level(truth: np.ndarray) -> None:
    """Cost and effect of all three levels; three Monte-Carlo errors of 800 draws are 2.4 %."""
    inside = []
    for rng in np.random.default_rng(14).spawn(DRAWS):
        severity, level, cost, effect, known = observe(rng)
        made = several_weights(known, level, severity[:, None])
        both = joint_means([made], [level == place for place in range(3)], cost[:, None], effect)
        error = np.sqrt(np.diag(both.covariance)).reshape(3, 2)
        inside.append(np.abs(both.means - truth) < 1.959964 * error)
    np.testing.assert_allclose(np.mean(inside, axis=0), 0.95, atol=0.024)


def test_as_placed_the_most_effective_level_looks_dominated(truth: np.ndarray) -> None:
    """Made alike all three are on the frontier; as placed the highest level does least, and its share does not cover."""
    assert set(efficiency_frontier(*truth.T, NAMES).status) == {"on_frontier"}
    covers = dominated = 0
    for rng in np.random.default_rng(5).spawn(50):
        _, level, cost, effect, known = observe(rng)
        groups = [(level == place) & known for place in range(3)]
        means = np.array([[cost[own].mean(), effect[own].mean()] for own in groups])
        dominated += efficiency_frontier(*means.T, NAMES).status[2] == "dominated"
        share, size = means[2, 1], groups[2].sum()
        covers += abs(share - truth[2, 1]) < 1.96 * np.sqrt(share * (1 - share) / size)
    assert dominated > 45
    assert covers < 5
