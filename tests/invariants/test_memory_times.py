"""Autocorrelation and mutual-information times."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import multivariate_normal, norm

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import Sampling, autocorrelation_time, mutual_information_time
from attractory.invariants.mutual_information_time import equal_mass_bins, first_minimum, information
from attractory.invariants.signals import trajectory_groups


def red(trajectories: int, samples: int, *, correlation: float) -> np.ndarray:
    noise = np.random.default_rng(5).standard_normal((trajectories, samples + 500))
    return lfilter([1.0], [1.0, -correlation], noise, axis=1)[:, 500:, None]


def test_red_noise_has_its_exponential_times() -> None:
    """Correlation 0.9^lag: 1/e at 1 / log(1/0.9), integral 1.9 / 0.2, each within four errors that are themselves small."""
    found = autocorrelation_time(red(32, 8192, correlation=0.9), dt=0.1, longest=400)
    expected = np.array([0.1 / -np.log(0.9), 0.1 * 1.9 / 0.2])
    value, error = found.value[[0, 2], 0], found.standard_error[[0, 2], 0]
    assert (error < 0.05 * expected).all()
    assert (np.abs(value - expected) < 4 * error + [0.0, 0.01]).all()  # the window ends where a hundredth is left: 0.7 % of 0.95


def test_a_sine_falls_to_zero_at_a_quarter_of_its_period() -> None:
    """cos(2 pi t / 40): zero at 10, 1/e at 40 acos(1/e) / (2 pi)."""
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (16, 1))
    found = autocorrelation_time(np.sin(2 * np.pi * np.arange(4000) / 40 + phases)[:, :, None], longest=400)
    assert found.value[1, 0] == pytest.approx(10.0, abs=0.01)  # straight lines between samples
    assert found.value[0, 0] == pytest.approx(40 * np.arccos(np.exp(-1)) / (2 * np.pi), abs=0.02)


def test_a_correlation_that_does_not_fall_so_far_has_an_infinite_time() -> None:
    """Half a period of 4000 samples is not seen within 50."""
    found = autocorrelation_time(np.sin(2 * np.pi * np.arange(8000) / 4000), longest=50)
    assert found.value[:2, 0].tolist() == [np.inf, np.inf]
    assert found.standard_error[1, 0] == np.inf


def test_logistic_iterates_are_uncorrelated_but_not_independent(logistic: System) -> None:
    """At r = 4 the correlation is zero from the first lag on; the information is not."""
    sampling = Sampling(trajectories=16, samples=2048)
    linear = autocorrelation_time(logistic, sampling=sampling)
    assert linear.value[2, 0] == pytest.approx(0.5, abs=4 * float(linear.standard_error[2, 0]))
    information = mutual_information_time(logistic, sampling=sampling, longest=16).convergence["information"][:, 0]
    # With 16 bins of equal mass the next value is in one of two bins as likely: log 16 - log 2, then log 16 - log 4. The edges that the
    # samples give are not exactly those of the measure, and the pairs between them land in a third bin.
    np.testing.assert_allclose(information[:4], np.log([16, 8, 4, 2]), rtol=0.06)


def test_the_information_of_a_binned_gaussian_pair_is_that_of_its_cells() -> None:
    """Of correlation c, with the cells' masses from the bivariate distribution; it is below the -log(1 - c^2) / 2 of the pair itself."""
    found = mutual_information_time(red(32, 8192, correlation=0.8), longest=8).convergence["information"][:, 0]
    edges = np.array([-9.0, *norm.ppf(np.arange(1, 16) / 16), 9.0])
    corners = np.stack(np.meshgrid(edges, edges), axis=-1)
    for lag in (1, 4):
        correlation = 0.8**lag
        below = multivariate_normal.cdf(corners, cov=[[1.0, correlation], [correlation, 1.0]])
        cells = np.maximum(np.diff(np.diff(below, axis=0), axis=1), 1e-300)
        assert found[lag] == pytest.approx(np.sum(cells * np.log(256 * cells)), abs=0.004)  # 260,000 pairs, ten together
        assert found[lag] < -0.5 * np.log(1 - correlation**2)


def test_independent_values_leave_nothing_after_one_sample() -> None:
    """The corrected estimate is zero on average, so that the first lag is below the level."""
    found = mutual_information_time(np.random.default_rng(1).standard_normal((4, 4096, 1)), dt=0.5)
    assert found.value[0] == 0.5
    assert abs(found.convergence["information"][1:, 0].mean()) < found.convergence["nothing_left"] / 3


def test_lorenz_has_its_first_minimum_where_the_literature_takes_its_delay(lorenz: System) -> None:
    """About 0.16 time units for x, the delay that Fraser and Swinney's criterion is known for there."""
    found = mutual_information_time(lorenz, sampling=Sampling(trajectories=8, samples=8192, dt=0.01), longest=40)
    assert found.value[0] == pytest.approx(0.17, abs=0.025)  # the minimum is flat, and depends on the bins by a sample or two


def test_bins_hold_the_same_mass() -> None:
    """Whatever the distribution."""
    places = equal_mass_bins(np.random.default_rng(0).standard_exponential((4, 1000)), 8)
    assert np.bincount(places.ravel()).tolist() == [500] * 8


def test_many_trajectories_are_counted_in_groups() -> None:
    """Sixteen groups of nearly one size keep the memory small; the value knows nothing of them."""
    sizes = np.bincount(trajectory_groups(100))
    assert (sizes.size, sizes.min(), sizes.max()) == (16, 6, 7)
    assert trajectory_groups(3).tolist() == [0, 1, 2]
    values = red(40, 512, correlation=0.8)
    counted = mutual_information_time(values, longest=8, bins=4).convergence["information"]
    apart = np.array([np.bincount(4 * now + later, minlength=16) for now, later in _pairs(values, lag=3, longest=8)]).sum(axis=0)
    assert counted[3, 0] == pytest.approx(information(apart.reshape(1, 4, 4).astype(np.float64), 40 * 504)[0], abs=1e-12)


def _pairs(values: np.ndarray, *, lag: int, longest: int) -> list[tuple[np.ndarray, np.ndarray]]:
    places = equal_mass_bins(values[:, :, 0], 4)
    times = places.shape[1] - longest
    return [(row[:times], row[lag : lag + times]) for row in places]


def test_a_ripple_of_one_sample_is_no_minimum() -> None:
    """A minimum is lower than two neighbours on each side."""
    assert first_minimum(np.array([5, 4, 4.1, 3, 2, 1, 2, 3.0]), 0.1) == 5.0
    assert first_minimum(np.array([5, 4, 3, 2.0]), 0.1) == np.inf


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"bins": 60}, "bins=60; expected from 2 to "), ({"longest": 300}, "longest=300; expected a number from 4 to 256")],
)
def test_settings_that_the_samples_cannot_carry_are_refused(settings: dict[str, int], message: str) -> None:
    """Cells need pairs, and lags need times."""
    with pytest.raises(RequestError, match=message):
        mutual_information_time(np.random.default_rng(0).standard_normal(512), **settings)
