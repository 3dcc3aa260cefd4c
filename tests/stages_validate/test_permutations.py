from __future__ import annotations

import numpy as np
import pytest

from attractory.stages.validate.false_alarms import FALSE_ALARM_RATE, TESTS, alarm_of, draws_of, joined
from attractory.stages.validate.permutations import (
    chance_of,
    deals_of,
    dealt_at_random,
    differences,
    energy_of,
    largest_difference,
    turned_at_random,
)
from attractory.stages.validate.trajectory_distances import distances_between, points_of

LABELS = np.repeat([0, 1, 2], (20, 10, 10))


def features(seed: int, *, shift: float = 0.0) -> np.ndarray:
    """Skewed numbers with a heavy tail, as means of intermittent trajectories are; the last group is moved by `shift`."""
    return np.random.default_rng(seed).lognormal(sigma=1.0, size=(40, 4)) + shift * (LABELS == 2)[:, None]


def chance(statistic, *, draws: int = 300, seed: int = 0):
    return chance_of(statistic, LABELS, dealt_at_random(LABELS), ways=deals_of(LABELS), draws=draws, seed=seed)


def of_points(values: np.ndarray):
    return energy_of(distances_between(values[:, None]), 3)


@pytest.mark.parametrize("statistic", [lambda values: largest_difference(values, 3), of_points], ids=["difference", "energy"])
def test_chance_in_good_data_is_evenly_spread(statistic) -> None:
    """Of 100 good datasets some five have a chance below 0.05, as a chance should, whatever the distribution."""
    chances = np.array([chance(statistic(features(seed)), seed=seed).p_value for seed in range(100)])
    assert 0 < np.sum(chances < 0.05) < 13  # binomial(100, 0.05): 13 or more in one of a thousand
    assert 35 < np.sum(chances < 0.5) < 65  # three deviations of binomial(100, 0.5)


@pytest.mark.parametrize("statistic", [lambda values: largest_difference(values, 3), of_points], ids=["difference", "energy"])
def test_group_that_is_moved_gets_the_smallest_chance_that_so_many_deals_show(statistic) -> None:
    """Four deviations away, no deal of a thousand is as extreme."""
    found = chance(statistic(features(3, shift=8.0)), draws=1000)
    assert found.p_value == 1.0 / 1001.0
    assert found.can_alarm(1e-3)
    assert not found.can_alarm(1e-4)


def test_difference_of_a_group_from_the_rest_has_unit_variance() -> None:
    """Standardised, also for a finite population: over many deals its mean square is one."""
    dealt = dealt_at_random(LABELS)(np.random.default_rng(0), 3000)
    squares = differences(features(1), dealt, 3) ** 2
    np.testing.assert_allclose(squares.mean(axis=(0, 2)), 1.0, rtol=0.06)  # 12,000 squares, each of relative deviation below two


def test_chance_of_four_units_is_counted() -> None:
    """Of the six ways to deal two and two, two are as extreme as {1, 2} against {3, 4}."""
    labels = np.array([0, 0, 1, 1])
    assert deals_of(labels) == pytest.approx(6.0)
    values = np.array([[1.0], [2.0], [3.0], [4.0]])
    found = chance_of(largest_difference(values, 2), labels, dealt_at_random(labels), ways=6.0, draws=20_000, seed=1)
    assert found.p_value == pytest.approx(1.0 / 3.0, abs=0.25)  # stopped after twenty: known to a quarter of itself
    assert found.draws < 200
    assert not found.can_alarm(0.1)


def test_pairs_that_are_turned_stay_pairs() -> None:
    """Each pair has one unit in each group, in every deal."""
    dealt = turned_at_random(7)(np.random.default_rng(0), 50)
    np.testing.assert_array_equal(dealt[:, :7] + dealt[:, 7:], 1)


def test_energy_of_two_groups_is_that_of_its_definition() -> None:
    """n m / (2 N) (2 E|X - Y| - E|X - X'| - E|Y - Y'|), by hand for points 0, 1 against 5."""
    distances = np.abs(np.subtract.outer([0.0, 1.0, 5.0], [0.0, 1.0, 5.0]))
    found = energy_of(distances, 2)(np.array([[0, 0, 1]]))[0]
    assert found == pytest.approx(2 * 1 / (2 * 3) * (2 * 4.5 - 0.5 - 0.0))


def test_distance_between_trajectories_is_the_mean_over_all_pairs_of_their_points() -> None:
    """Two points each, in one dimension."""
    points = np.array([[[0.0], [2.0]], [[10.0], [20.0]]])
    np.testing.assert_allclose(distances_between(points), [[1.0, 14.0], [14.0, 5.0]])


def test_points_depend_on_the_number_of_a_trajectory_alone() -> None:
    """Drawn with others or alone: shards and workers make no difference."""
    states = np.random.default_rng(0).normal(size=(5, 40, 2))
    rows = np.array([3, 4, 8, 9, 11])
    together = points_of(states, rows, first=0, last=40, seed=7)
    np.testing.assert_array_equal(together[2:3], points_of(states[2:3], rows[2:3], first=0, last=40, seed=7))


def test_tests_of_a_dataset_share_one_rate() -> None:
    """However many granularities there are, all alarms together are the rate."""
    assert alarm_of(48) * 48 * TESTS == pytest.approx(FALSE_ALARM_RATE)
    assert 1.0 / (draws_of(alarm_of(48)) + 1.0) < alarm_of(48)
    assert joined([0.5, 0.01, 0.3]) == pytest.approx(0.03)
    assert joined([0.9, 0.8]) == 1.0
