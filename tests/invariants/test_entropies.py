"""Permutation entropy and multiscale sample entropy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import erf

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import Sampling, multiscale_sample_entropy, permutation_entropy
from attractory.invariants.multiscale_sample_entropy import coarse, matches
from attractory.invariants.permutation_entropy import pattern_numbers

LONG = Sampling(trajectories=16, samples=4096)


def test_patterns_of_the_logistic_map_have_their_exact_shares(logistic: System) -> None:
    """At r = 4 the tent map's intervals between 0, 1/3, 2/5, 2/3, 4/5 and 1 are the five patterns, and a falling one is forbidden."""
    found = permutation_entropy(logistic, order=3, sampling=LONG)
    exact = np.array([5, 1, 2, 4, 3, 0]) / 15  # rising; then 132, 213, 231, 312; falling
    np.testing.assert_allclose(found.convergence["share"][:, 0], exact, atol=0.01)  # 65,000 windows, three together
    assert found.convergence["share"][5, 0] == 0.0
    expected = -np.sum(exact[:5] * np.log(exact[:5])) / np.log(6)
    assert found.value[0] == pytest.approx(expected, abs=4 * float(found.standard_error[0]))
    assert found.standard_error[0] < 2e-3


def test_entropy_grows_ever_more_slowly_towards_log_two_a_value(logistic: System) -> None:
    """The metric entropy of the map at r = 4 is log 2; the increments come down to it from order 5 on, slowly."""
    totals = [permutation_entropy(logistic, order=order, sampling=LONG).value[0] * math.log(math.factorial(order)) for order in (5, 6, 7)]
    increments = np.diff(totals)
    np.testing.assert_allclose(increments, [0.8875, 0.8463], atol=0.01)  # from 400,000 orbits of the tent map; 65,000 windows here
    assert (increments > np.log(2)).all()


def test_shares_of_longer_patterns_are_lengths_of_intervals_of_the_tent_map(logistic: System) -> None:
    """x = sin^2(pi a / 2) turns the map into the tent map, whose measure is length: a fine grid of a has the shares of order 4."""
    angle = (np.arange(200_000) + 0.5) / 200_000
    orbit = [angle]
    for _ in range(3):
        orbit.append(1 - np.abs(1 - 2 * orbit[-1]))
    exact = np.bincount(pattern_numbers(np.stack(orbit, axis=1)[:, :, None], 4, 1).ravel(), minlength=24) / angle.size
    found = permutation_entropy(logistic, order=4, sampling=LONG).convergence["share"][:, 0]
    np.testing.assert_allclose(found, exact, atol=0.01)
    assert ((found == 0) == (exact == 0)).all()


def test_noise_has_every_pattern_and_a_ramp_has_one() -> None:
    """1 up to the bias of 23 free shares in 64,000 windows, and 0."""
    noise = permutation_entropy(np.random.default_rng(0).standard_normal((16, 4000, 1)))
    assert noise.value[0] == pytest.approx(1.0, abs=3e-4)
    assert permutation_entropy(np.arange(1000.0), delay=1).value[0] == 0.0


def test_patterns_are_numbered_by_lehmers_code() -> None:
    """From rising to falling, in lexicographic order of the ranks."""
    windows = np.array([[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]], dtype=np.float64)
    assert pattern_numbers(windows[:, :, None], 3, 1).ravel().tolist() == [0, 1, 2, 3, 4, 5]


def test_of_two_equal_values_the_earlier_is_the_smaller() -> None:
    """A constant stretch counts as rising."""
    assert pattern_numbers(np.zeros((1, 3, 1)), 3, 1).ravel().tolist() == [0]


def test_a_flow_that_is_sampled_finely_gets_a_longer_delay(lorenz: System) -> None:
    """At neighbouring samples nearly every window rises or falls."""
    sampling = Sampling(trajectories=4, samples=2048)
    found = permutation_entropy(lorenz, order=3, sampling=sampling)
    assert found.settings["delay"] > 5
    assert (found.value > permutation_entropy(lorenz, order=3, delay=1, sampling=sampling).value).all()


def test_too_few_windows_are_refused() -> None:
    """The entropy of 720 patterns from 200 windows is that of the windows."""
    with pytest.raises(RequestError, match="windows for the 720 patterns of order 6"):
        permutation_entropy(np.random.default_rng(0).standard_normal(200), order=6)


def test_matches_are_those_of_the_definition() -> None:
    """Counted with loops over Python's lists, on a row with ties."""
    row = np.random.default_rng(2).integers(0, 6, 60).astype(np.float64)
    starts = range(len(row) - 2)
    pairs = [(i, j) for i in starts for j in starts if i < j]
    expected = [sum(np.abs(row[i : i + size] - row[j : j + size]).max() <= 1.0 for i, j in pairs) for size in (2, 3)]
    assert matches(row[None], np.array([1.0])).tolist() == [expected]


def test_noise_loses_entropy_with_scale_as_its_formula_says() -> None:
    """Means of n normal values differ by at most r with chance erf(r sqrt(n) / 2), whatever came before (Costa et al. 2005)."""
    noise = np.random.default_rng(0).standard_normal((12, 2000, 1))
    found = multiscale_sample_entropy(noise, scales=4)
    expected = -np.log(erf(0.15 * np.sqrt(np.arange(1, 5)) / 2))
    assert (np.abs(found.value[:, 0] - expected) < 4 * found.standard_error[:, 0]).all()
    assert (found.standard_error[:, 0] < 0.05).all()


def test_a_periodic_signal_has_no_entropy() -> None:
    """Of five different values, whichever two stretches agree in two values agree in the third."""
    assert multiscale_sample_entropy(np.tile([0.0, 1.0, 3.0, 2.0, 5.0], 400), scales=1).value[0, 0] == 0.0


def test_entropies_of_a_series_are_those_of_entropyhub() -> None:
    """EntropyHub 2.0 gives these for 2,000 iterates of the logistic map at 3.9 (MSEn with m=2, a fixed r; PermEn of orders 3 and 4)."""
    series = [0.4]
    for _ in range(1999):
        series.append(3.9 * series[-1] * (1 - series[-1]))
    row = np.array(series)
    pairs = [matches(coarse(row[None, None, :, None], scale)[0, :, :, 0], np.array([0.15 * row.std()]))[0] for scale in (1, 2, 3, 4)]
    np.testing.assert_allclose([math.log(two / three) for two, three in pairs], [0.52707399, 0.99270469, 1.11842919, 1.17506862], rtol=1e-7)
    orders = [float(permutation_entropy(row, order=order, delay=1).value[0]) * math.log(math.factorial(order)) for order in (3, 4)]
    np.testing.assert_allclose(orders, [1.53371293, 2.29246813], rtol=1e-7)  # the digits that were printed


def test_scales_average_and_drop_what_is_left() -> None:
    """Seven values at scale three are two."""
    assert coarse(np.arange(7.0).reshape(1, 1, 7, 1), 3).ravel().tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    ("samples", "settings", "message"),
    [
        (400, {"scales": 5}, "have 400 samples; expected at least 500"),
        (1000, {"scales": 1, "within": 0.001}, "agree in three values at scale 1"),
    ],
)
def test_too_few_matches_are_refused(samples: int, settings: dict[str, float], message: str) -> None:
    """The logarithm of nothing is no entropy."""
    with pytest.raises(RequestError, match=message):
        multiscale_sample_entropy(np.random.default_rng(0).standard_normal((2, samples, 1)), **settings)
