from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.spatial.distance import cdist

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import DelayCoordinates, RecurrenceSettings, Sampling, recurrence_quantification, samples_of
from attractory.invariants.recurrence_lines import recurrence_lines, squared_radius


def red(trajectories: int, samples: int, *, seed: int) -> np.ndarray:
    """Autoregressive noise in three coordinates."""
    noise = np.random.default_rng(seed).standard_normal((trajectories, samples + 100, 3))
    return lfilter([1.0], [1.0, -0.7], noise, axis=1)[:, 100:]


def on_a_circle(trajectories: int, samples: int, *, seed: int) -> np.ndarray:
    """Independent points, each of which has as many others near it."""
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, (trajectories, samples))
    return np.stack([np.cos(angles), np.sin(angles)], axis=2)


def runs(entries: np.ndarray) -> list[int]:
    """Lengths of the runs of True."""
    return [len(list(run)) for recurs, run in groupby(entries.tolist()) if recurs]


def by_the_matrix(points: np.ndarray, *, rate: float, window: int, shortest: int) -> list[float]:
    """The seven measures from the whole matrix of distances, as the definitions read."""
    size = len(points)
    lags = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    distances = cdist(points, points)
    ordered = np.sort(distances[np.triu(lags > window)])
    radius = ordered[int(np.ceil(rate * len(ordered))) - 1]
    recurs = (distances <= radius) & (lags > window)
    diagonals = [run for lag in range(1, size) for run in runs(np.diagonal(recurs, lag))]
    verticals = [run for column in recurs.T for run in runs(column)]
    long = np.array([run for run in diagonals if run >= shortest])
    tall = np.array([run for run in verticals if run >= shortest])
    _, counts = np.unique(long, return_counts=True)
    shares = counts / len(long)
    return [
        sum(diagonals) / len(ordered),
        long.sum() / sum(diagonals),
        tall.sum() / sum(verticals),
        long.mean(),
        long.max(),
        -np.sum(shares * np.log(shares)),
        tall.mean(),
    ]


def test_the_measures_are_those_of_the_whole_matrix() -> None:
    """Every number, radius included, from a matrix that is stored: the mean over two trajectories."""
    values = red(2, 300, seed=0)
    settings = RecurrenceSettings(rate=0.07, shortest=3, window=4)
    found = recurrence_quantification(values, settings=settings)
    scaled = (values - values.mean(axis=(0, 1))) / values.std(axis=(0, 1))
    expected = np.mean([by_the_matrix(one, rate=0.07, window=4, shortest=3) for one in scaled], axis=0)
    np.testing.assert_allclose(found.value, expected, rtol=1e-12)  # the same integers, divided


def test_the_measures_are_those_of_pyunicorn() -> None:
    """600 iterates of the logistic map at 3.9 in two delay coordinates: pyunicorn 1.0.0, threshold 0.1, Euclidean metric, lines from 2."""
    values = np.empty(600)
    values[0] = 0.3
    for place in range(599):
        values[place + 1] = 3.9 * values[place] * (1 - values[place])
    settings = RecurrenceSettings(radius=0.1, window=0, delays=DelayCoordinates(dimension=2, delay=1))
    found = recurrence_quantification(values, settings=settings)
    rate, determinism, _, mean, longest, entropy, _ = found.value
    # its recurrence matrix has 18,355 ones, 599 of them on the main diagonal
    assert rate == pytest.approx((18355 - 599) / (599 * 598), rel=1e-12)
    assert determinism == pytest.approx(0.8469249831038258, rel=1e-9)
    assert mean == pytest.approx(4.548699334529496, rel=1e-9)
    assert longest == 27
    assert entropy == pytest.approx(2.0786405520503437, rel=1e-9)
    assert found.convergence["diagonals"][:4].tolist() == [1359, 455, 375, 309]


def test_a_sine_recurs_along_whole_diagonals() -> None:
    """Period 20: lags 20, 40, …, 980 recur from end to end, so all is determined, the lengths are known and all different."""
    phases = 2 * np.pi * np.arange(1000) / 20
    values = np.stack([np.cos(phases), np.sin(phases)], axis=1)
    found = recurrence_quantification(values, settings=RecurrenceSettings(radius=0.1, window=4), dt=0.5)
    lengths = 1000 - 20 * np.arange(1, 50)
    expected = [lengths.sum() / (995 * 996 / 2), 1.0, 0.0, 0.5 * 500, 0.5 * 980, np.log(49), 0.0]
    np.testing.assert_allclose(found.value, expected, rtol=1e-12)


def test_independent_points_form_lines_by_chance_alone() -> None:
    """At rate p a recurrence has a neighbour on its diagonal with probability 2p - p²; lengths are geometric. Within four errors."""
    found = recurrence_quantification(on_a_circle(8, 1000, seed=1), settings=RecurrenceSettings(rate=0.1, window=1))
    p = 0.1
    geometric = -np.log(1 - p) - p / (1 - p) * np.log(p)
    expected = {1: 2 * p - p**2, 2: 2 * p - p**2, 3: 2 + p / (1 - p), 5: geometric, 6: 2 + p / (1 - p)}
    assert found.value[0] == pytest.approx(p, abs=2e-6)  # one pair of half a million
    for row, value in expected.items():
        assert abs(found.value[row] - value) < 4 * found.standard_error[row]
        assert found.standard_error[row] < 0.03 * value


def test_the_error_says_how_far_off_the_determinism_is() -> None:
    """Mean square of 24 errors in units of their size: one, or less, since the larger of two estimates is taken."""
    expected = 2 * 0.1 - 0.1**2
    scores = []
    for seed in range(24):
        found = recurrence_quantification(on_a_circle(4, 300, seed=seed), settings=RecurrenceSettings(rate=0.1, window=1))
        scores.append((found.value[1] - expected) / found.standard_error[1])
    assert 0.15 < np.mean(np.square(scores)) < 1.7  # 1.7 is the 98 % point of chi-square with 24 over 24


def test_a_single_trajectory_has_its_error_from_parts() -> None:
    """Four parts in time; where there are too few recurrences for parts the error is infinite, not small."""
    values = red(1, 1200, seed=2)
    found = recurrence_quantification(values)
    assert found.settings["parts"] == 4
    assert np.isfinite(found.standard_error).all()
    assert recurrence_quantification(values[:, :600], settings=RecurrenceSettings(rate=0.002)).standard_error[1] == np.inf


def test_a_system_and_its_samples_have_the_same_plots(henon: System) -> None:
    """One way in for a System and an array."""
    sampling = Sampling(trajectories=3, samples=400, seed=5)
    found = recurrence_quantification(henon, sampling=sampling, seed=5)
    assert found == recurrence_quantification(samples_of(henon, sampling).states, seed=5)
    assert found.value[1] > 0.5  # of independent points it would be 0.04


def test_the_number_of_threads_changes_nothing() -> None:
    """Counts of integers: the same radius to its last bit and the same lines."""
    points = np.ascontiguousarray(red(1, 1500, seed=3)[0].T)
    found = []
    for threads in (1, 3):
        with ThreadPoolExecutor(threads) as pool:
            square = squared_radius(points, 5, 0.013, pool)
            lines = recurrence_lines(points, 5, square, pool)
        found.append((square, lines.diagonals.tolist(), lines.verticals.tolist()))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (RecurrenceSettings(rate=1.5), "rate=1.5; expected a share of pairs between 0 and 1"),
        (RecurrenceSettings(radius=-0.1), "radius=-0.1; expected a distance above 0"),
        (RecurrenceSettings(shortest=1), "shortest=1; expected 2 or more"),
        (RecurrenceSettings(rate=1e-5, window=2), "trajectory 0 has 2 recurrences among 179101 pairs; expected at least 100"),
    ],
)
def test_settings_that_leave_nothing_to_count_are_refused(settings: RecurrenceSettings, message: str) -> None:
    """What was found, what was expected."""
    with pytest.raises(RequestError, match=re.escape(message)):
        recurrence_quantification(red(1, 601, seed=0), settings=settings)
