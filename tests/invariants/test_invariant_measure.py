from __future__ import annotations

import numpy as np
import pytest

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import Sampling, moments_and_quantiles


def test_logistic_map_has_the_arcsine_distribution(logistic: System) -> None:
    """At r = 4: mean 1/2, deviation 1/sqrt(8), no skewness, kurtosis 3/2, quantile sin^2(pi q / 2); all within four errors, all small."""
    found = moments_and_quantiles(logistic, sampling=Sampling(trajectories=32, samples=4096), quantiles=(0.05, 0.25, 0.5, 0.9))
    exact = [0.5, 8**-0.5, 0.0, 1.5, *np.sin(np.pi * np.array([0.05, 0.25, 0.5, 0.9]) / 2) ** 2]
    scores = (found.value[:, 0] - exact) / found.standard_error[:, 0]
    assert (np.abs(scores) < 4).all()
    assert (found.standard_error[:, 0] < 0.01).all()


def test_errors_cover_the_truth_as_often_as_they_say() -> None:
    """Of 40 sets of exponential noise, mean and median score about one in units of their error."""
    draw = np.random.default_rng(0)
    scores = []
    for _ in range(40):
        found = moments_and_quantiles(draw.standard_exponential((8, 400, 1)), quantiles=(0.5,))
        scores.append((found.value[[0, 4], 0] - [1.0, np.log(2)]) / found.standard_error[[0, 4], 0])
    # The larger of two errors from 8 parts each: too large by about a fifth, and scattered by a quarter.
    np.testing.assert_allclose(np.mean(np.square(scores), axis=0), 0.9, atol=0.6)


def test_a_quantile_in_a_gap_of_the_measure_has_a_large_error() -> None:
    """Half of all values are 0 and half are 1: their median is anywhere between."""
    values = np.random.default_rng(0).integers(0, 2, (4, 1600, 1)).astype(np.float64)
    assert moments_and_quantiles(values, quantiles=(0.5,)).standard_error[4, 0] == 0.5


def test_the_rows_are_named() -> None:
    """In the settings, in their order."""
    found = moments_and_quantiles(np.random.default_rng(0).standard_normal(800), quantiles=(0.1,))
    assert found.settings["rows"] == "mean, deviation, skewness, kurtosis, quantile 0.1"
    assert found.value.shape == (5, 1)


@pytest.mark.parametrize(
    ("samples", "quantiles", "message"),
    [(100, (0.5,), "have 100 samples; expected at least 160"), (800, (1.0,), "expected shares between 0 and 1")],
)
def test_what_blocks_cannot_tell_is_refused(samples: int, quantiles: tuple[float, ...], message: str) -> None:
    """Too few samples, or a quantile at the end."""
    with pytest.raises(RequestError, match=message):
        moments_and_quantiles(np.random.default_rng(0).standard_normal(samples), quantiles=quantiles)
