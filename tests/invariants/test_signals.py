from __future__ import annotations

import numpy as np
import pytest

from attractory.errors import RequestError
from attractory.invariants import Sampling
from attractory.invariants.signals import BLOCKS, finely_sampled, jackknife, lagged_products, signals_of, too_fine

SAMPLING = Sampling(trajectories=2, samples=64)


def test_lagged_products_are_the_sums_written_out() -> None:
    """The convolution theorem gives what a loop over times and lags gives."""
    values = np.random.default_rng(0).standard_normal((2, 50, 3))
    products = lagged_products(values, 10)
    times = np.array_split(np.arange(40), BLOCKS)[3]
    expected = [np.mean(values[1, times, 2] * values[1, times + lag, 2]) for lag in range(11)]
    np.testing.assert_allclose(products[1, 3, :, 2], expected, atol=1e-14)  # sums of 5 products of order one


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    """Of independent numbers both ways of leaving out give the deviation over the root of their number."""
    draws = np.random.default_rng(0).standard_normal((64, BLOCKS, 1))
    value, error = jackknife(draws, lambda mean: mean)
    assert value[0] == pytest.approx(draws.mean())
    assert error[0] == pytest.approx(512**-0.5, rel=0.6)  # the deviation of 8 block means is known to a quarter


def test_jackknife_of_a_square_has_the_error_of_the_slope() -> None:
    """The error of the square of a mean m is 2 m times that of the mean."""
    draws = 3.0 + 0.1 * np.random.default_rng(1).standard_normal((64, 1, 1))
    error = jackknife(draws, lambda mean: mean**2)[1]
    assert error[0] == pytest.approx(6.0 * draws.std(ddof=1) / 8.0, rel=1e-2)  # the second derivative adds less


def test_what_is_infinite_without_one_part_has_an_infinite_error() -> None:
    """And a single part has none at all."""
    draws = np.ones((4, 1, 1))
    draws[0] = 100.0
    assert jackknife(draws, lambda mean: np.where(mean < 5.0, np.inf, mean))[1].tolist() == [np.inf]
    assert jackknife(np.ones((1, 1, 1)), lambda mean: mean)[1].tolist() == [np.inf]


def test_a_slow_sine_is_sampled_finely_and_noise_is_not() -> None:
    """A tenth of the range from one sample to the next is the border."""
    sine = np.sin(0.05 * np.arange(1000.0))[None, :, None]
    assert finely_sampled(sine)
    assert not finely_sampled(np.random.default_rng(0).standard_normal((1, 1000, 1)))


def test_iterates_of_a_map_are_never_too_fine() -> None:
    """Whatever the steps, there is nothing between two iterates; an array of the same values may be a flow's."""
    sine = np.sin(0.05 * np.arange(1000.0))[None, :, None]
    assert not too_fine("Logistic", sine)
    assert too_fine(sine, sine)


def test_a_coordinate_that_never_changes_is_refused() -> None:
    """It has no spectrum, no correlation and no order."""
    states = np.stack([np.arange(64.0), np.ones(64)], axis=1)
    with pytest.raises(RequestError, match="coordinate 1 of 2 has one value only"):
        signals_of(states, SAMPLING, dt=None, fewest=2)


def test_short_trajectories_are_refused() -> None:
    """With what was found and what was expected."""
    with pytest.raises(RequestError, match="have 10 samples; expected at least 20"):
        signals_of(np.arange(10.0), SAMPLING, dt=None, fewest=20)
