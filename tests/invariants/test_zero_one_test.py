from __future__ import annotations

import numpy as np
import pytest

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import Sampling, zero_one_test
from attractory.invariants.zero_one_test import growth_correlations, mean_square_displacement

MAP = Sampling(trajectories=4, samples=2000)


def logistic_at(r: float) -> System:
    return System(name="Logistic", kind="map", equations={"x": "r*x*(1 - x)"}, parameters={"r": r}, initial={"x": 0.3})


def test_the_displacement_is_the_mean_written_out() -> None:
    """The convolution theorem gives what a loop over lags gives."""
    path = np.cumsum(np.random.default_rng(0).standard_normal((2, 100)) + 1j, axis=1)
    expected = [np.mean(np.abs(path[1, lag : lag + 90] - path[1, :90]) ** 2) for lag in range(1, 11)]
    np.testing.assert_allclose(mean_square_displacement(path, 10)[1], expected, rtol=1e-10)  # a path of length 100 loses two digits


def test_the_correlation_is_the_formula_of_the_authors() -> None:
    """Translation variables, modified displacement and correlation, one frequency, written as in their section 3."""
    values = 0.5 + np.random.default_rng(1).standard_normal(500)
    c, cut = 1.3, 50
    j = np.arange(1, 501)
    p, q = np.cumsum(values * np.cos(c * j)), np.cumsum(values * np.sin(c * j))
    square = np.array([np.mean((p[n : n + 450] - p[:450]) ** 2 + (q[n : n + 450] - q[:450]) ** 2) for n in range(1, cut + 1)])
    lags = np.arange(1, cut + 1)
    modified = square - values.mean() ** 2 * (1 - np.cos(lags * c)) / (1 - np.cos(c))
    expected = np.corrcoef(lags, modified)[0, 1]
    assert growth_correlations(values[:, None], np.array([c]))[0, 0] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("r", "expected"), [(3.55, 0.0), (4.0, 1.0), (3.97, 1.0)])
def test_logistic_map_is_regular_or_chaotic(r: float, expected: float) -> None:
    """The authors' example: period 8 at r = 3.55, chaos at 3.97 and 4; with 2000 iterates K is within 0.05 of its limit."""
    found = zero_one_test(logistic_at(r), sampling=MAP)
    assert found.value[0] == pytest.approx(expected, abs=0.05)
    assert found.settings["thinning"] == 1


def test_henon_is_chaotic_in_both_coordinates(henon: System) -> None:
    """Both are driven by the same motion."""
    assert (zero_one_test(henon, sampling=MAP).value > 0.95).all()


def test_a_flow_that_is_sampled_finely_is_thinned_first(lorenz: System) -> None:
    """Fifty samples a turn look regular; at the first minimum of the mutual information chaos shows."""
    sampling = Sampling(trajectories=2, samples=10240, dt=0.01)
    thinned = zero_one_test(lorenz, sampling=sampling)
    fine = zero_one_test(lorenz, sampling=sampling, thinning=1)
    assert thinned.settings["thinning"] > 5
    assert (thinned.value > 0.9).all()
    assert fine.value[0] < 0.6


def test_a_sine_that_is_sampled_finely_is_regular() -> None:
    """Of two incommensurate frequencies; K is near 0."""
    times = 0.05 * np.arange(40000)
    found = zero_one_test(np.sin(times) + np.sin(np.sqrt(2) * times))
    assert abs(found.value[0]) < 0.1


def test_too_few_samples_once_thinned_are_refused() -> None:
    """A tenth of them must be a time."""
    with pytest.raises(RequestError, match="have 250 samples once every 4 is used; expected at least 400"):
        zero_one_test(np.random.default_rng(0).standard_normal(1000), thinning=4)
