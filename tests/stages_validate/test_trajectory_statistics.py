"""The statistics of the referee on processes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from attractory import System
from attractory.stages.validate.agreement_of import Measured, Stated, chance_of_difference, factor_needed, interval, worst_of
from attractory.stages.validate.one_set import farthest, seen
from attractory.stages.validate.settled import beginning_and_end, beginnings
from attractory.stages.validate.tangents_along import exponents_along
from attractory.stages.validate.trajectory_distances import distances_between, points_of
from attractory.stages.validate.trajectory_numbers import numbers_of
from attractory.stages.validate.windows_apart import nearest_windows

ROWS = np.arange(24)


def quadratic_map(trajectories: int, samples: int, seed: int = 0) -> np.ndarray:
    """x -> 4 x (1 - x) beside its last value, (trajectory, time, 2), in units of the spread; its exponent is log 2."""
    state = np.random.default_rng(seed).uniform(0.05, 0.95, trajectories)
    found = []
    for _ in range(samples + 51):
        state = 4.0 * state * (1.0 - state)
        found.append(state)
    values = np.stack(found[50:], axis=1)
    return (np.stack([values[:, 1:], values[:, :-1]], axis=2) - 0.5) / np.sqrt(0.125)


def noise(trajectories: int, samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(trajectories, samples, 2))


def nearest(states: np.ndarray):
    found = nearest_windows(states, forgets=1.0 / np.log(2.0), rounding=1e-7, seed=1)
    assert found is not None
    return found


def test_windows_of_independent_trajectories_are_as_far_apart_as_expected() -> None:
    """Whatever the draw, the nearest of millions of pairs is no alarm."""
    assert min(nearest(quadratic_map(24, 256, seed)).p_value for seed in range(10)) > 0.01


@pytest.mark.parametrize("error", [0.0, 1e-5])
def test_copied_trajectory_is_found_with_its_original(error: float) -> None:
    """Also where it was made again with small noise, which no digest of its samples would see."""
    states = quadratic_map(24, 256)
    states[20] = states[3] + error * noise(1, 256)[0]
    found = nearest(states)
    assert {found.first[0], found.second[0]} == {3, 20}
    assert found.p_value < 1e-6
    assert found.distance < 1e-4 < found.expected


def test_copy_that_begins_later_is_found_with_both_times() -> None:
    """The test trajectory is the later part of a training one, as a long run that was cut into splits would give."""
    states = quadratic_map(24, 256)
    long = quadratic_map(1, 300, seed=9)[0]
    states[5], states[18] = long[:256], long[40:296]
    found = nearest(states)
    times = {found.first[0]: found.first[1], found.second[0]: found.second[1]}
    assert times[5] - times[18] == 40
    assert found.p_value < 1e-6


def test_single_trajectory_has_no_other_window() -> None:
    """And one that is shorter than a window has none."""
    assert nearest_windows(quadratic_map(1, 256), forgets=1.0, rounding=1e-7, seed=0) is None
    assert nearest_windows(quadratic_map(4, 12), forgets=1.0, rounding=1e-7, seed=0) is None


def test_stationary_process_has_a_beginning_like_its_end() -> None:
    """And one that drifts by two deviations has not."""
    good = beginning_and_end(noise(24, 256), ROWS, turn=1.0, draws=2000, seed=0)
    drift = noise(24, 256) + np.linspace(2.0, 0.0, 256)[None, :, None]
    bad = beginning_and_end(drift, ROWS, turn=1.0, draws=2000, seed=0)
    assert good is not None
    assert good.p_value > 0.01
    assert bad is not None
    assert bad.p_value == pytest.approx(1.0 / 2001.0)


def test_eighth_of_a_trajectory_with_fewer_than_four_turns_says_nothing() -> None:
    """Where in a turn it begins would be seen instead."""
    assert beginning_and_end(noise(24, 256), ROWS, turn=10.0, draws=100, seed=0) is None


def test_transient_at_the_beginning_is_seen_beside_fresh_trajectories() -> None:
    """It decays within four samples, and is 3 deviations at first."""
    stored, fresh = noise(24, 64, seed=1), noise(32, 64, seed=2)
    assert beginnings(stored, fresh, samples=8, draws=500, seed=0).p_value > 0.01
    stored += 3.0 * np.exp(-np.arange(64) / 4.0)[None, :, None]
    assert beginnings(stored, fresh, samples=8, draws=500, seed=0).p_value == pytest.approx(1.0 / 501.0)


def test_trajectory_on_another_set_is_the_farthest() -> None:
    """One of 24 is three deviations away; of 24 alike none is far."""
    states = noise(24, 128)
    assert farthest(distances(states))[1] > 0.05
    states[17] += 3.0
    place, chance = farthest(distances(states))
    assert place == 17
    assert chance < 1e-4


def distances(states: np.ndarray) -> np.ndarray:
    return distances_between(points_of(states, ROWS, first=0, last=states.shape[1], seed=0))


def test_rest_and_cycles_are_told_from_chaos() -> None:
    """One trajectory comes to rest, one repeats itself after 7 samples, one is noise."""
    states = noise(3, 200)
    states[0, 50:] = 0.25
    states[1] = np.tile(noise(1, 7, seed=5)[0], (29, 1))[:200]
    found = seen(states, turn=1.0)
    assert found.resting.tolist() == [True, False, False]
    assert found.repeats.tolist() == [0, 7, 0]
    assert found.counted() == "1 are at rest and 1 repeat themselves, of 3"


def test_numbers_of_a_sine_are_those_of_its_formula() -> None:
    """Ten turns in 200 samples: mean 0, deviation 1/sqrt(2), kurtosis 1.5, a tenth of the length between maxima."""
    wave = np.sin(2 * np.pi * (np.arange(200) / 20.0 + 0.3))
    found = numbers_of(np.tile(wave[None, :, None], (4, 1, 1)), ("x",), lag=2, seed=0)
    numbers = dict(zip(found.names, found.values[0], strict=True))
    assert numbers["mean of x"] == pytest.approx(0.0, abs=1e-3)  # the blur is 1e-5 of the spread
    assert numbers["deviation of x"] == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert numbers["kurtosis of x"] == pytest.approx(1.5, abs=1e-3)
    assert numbers["time between maxima of x"] == pytest.approx(0.1, abs=1e-3)


def test_roundings_of_equal_trajectories_are_not_seen() -> None:
    """On a cycle all numbers are equal but for the last digits, and a rule that ranks them would find those."""
    wave = np.tile(np.sin(np.arange(200.0))[None, :, None], (8, 1, 1))
    wave[4:] *= 1.0 + 1e-9
    found = numbers_of(wave, ("x",), lag=2, seed=0).values
    assert (np.sign(found[:4] - found[4:]).sum(axis=0) != 4).all()
    assert np.abs(found[:4] - found[4:]).max() < 1e-3


def test_linear_flow_has_its_rates_as_exponents_along_any_points() -> None:
    """The Jacobian is the same everywhere; the last number is the rate of what was called first."""
    system = System(name="Saddle", equations={"x": "-2*x", "y": "0.5*y + x"}, initial={"x": 1.0, "y": 1.0})
    found = exponents_along(system, noise(4, 200), start_time=np.zeros(4), dt=0.1)
    assert found is not None
    np.testing.assert_allclose(found.estimate.value, [0.5, -2.0], atol=1e-3)


def test_quadratic_map_has_the_logarithm_of_two_as_exponent() -> None:
    """Along stored points, within four of its errors."""
    system = System(name="Quadratic", kind="map", equations={"x": "4*x*(1 - x)"}, initial={"x": 0.3})
    points = quadratic_map(16, 400)[:, :, :1] * np.sqrt(0.125) + 0.5
    found = exponents_along(system, points, start_time=np.zeros(16), dt=1.0)
    assert found is not None
    assert abs(found.estimate.value[0] - np.log(2.0)) < 4.0 * found.estimate.standard_error[0]
    assert found.estimate.standard_error[0] < 0.05


def test_stiff_flow_is_not_followed_by_an_explicit_method() -> None:
    """A rate of a million a sample would take more steps than are allowed."""
    system = System(name="Stiff", equations={"x": "-1e6*(x - cos(y))", "y": "1"}, initial={"x": 1.0, "y": 0.0})
    assert exponents_along(system, noise(2, 20), start_time=np.zeros(2), dt=1.0) is None


def test_number_within_its_error_is_likely_and_ten_errors_away_is_not() -> None:
    """By Student's distribution of fifteen degrees; what the method is off by is not counted."""
    near, far = (Measured(value, ((0.1, 15.0),), allowed=0.05) for value in (1.1, 2.05))
    assert chance_of_difference(near, Stated(1.0, 0.0)) == pytest.approx(0.6245, abs=1e-3)  # |t| = 0.5
    assert chance_of_difference(far, Stated(1.0, 0.0)) == pytest.approx(4.9e-8, rel=0.1)  # |t| = 10
    low, high = interval(near)
    assert (low, high) == pytest.approx((1.1 - 0.2131, 1.1 + 0.2131), abs=1e-3)


def test_error_that_is_ten_times_too_large_needs_a_hundred_times_the_data() -> None:
    """The error falls with the root of their amount."""
    stated = Stated(1.0, 0.0)
    enough = factor_needed(Measured(1.0, ((0.02, 15.0),), 0.0), stated, part=0.5, alarm=1e-4)
    assert enough < 1.0
    assert factor_needed(Measured(1.0, ((0.2, 15.0),), 0.0), stated, part=0.5, alarm=1e-4) == pytest.approx(100 * enough)


def test_smallest_of_several_chances_counts_as_often_as_there_are() -> None:
    """Three exponents are three questions."""
    assert worst_of(np.array([0.5, 0.01, 0.3])) == (1, pytest.approx(0.03))
