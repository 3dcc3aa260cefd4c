from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter, welch

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import Sampling, dominant_period, power_spectrum


def red(trajectories: int, samples: int, *, correlation: float, seed: int) -> np.ndarray:
    """Autoregressive noise of order one."""
    noise = np.random.default_rng(seed).standard_normal((trajectories, samples + 200))
    return lfilter([1.0], [1.0, -correlation], noise, axis=1)[:, 200:, None]


def test_the_spectrum_is_welchs_as_scipy_has_it() -> None:
    """The same segments and window: the same numbers."""
    values = red(1, 4096, correlation=0.7, seed=0)
    ours = power_spectrum(values, segment=256, dt=0.1)
    # 31 segments are 24 whole blocks of 3: the rest is left out of both
    frequency, power = welch(values[0, : 23 * 128 + 256, 0], fs=10.0, nperseg=256)
    np.testing.assert_allclose(ours.convergence["frequency"], frequency)
    np.testing.assert_allclose(ours.value[:, 0], power, rtol=1e-9)  # rounding of sums of 256


def test_white_noise_has_a_flat_spectrum_within_its_errors() -> None:
    """2 dt times the variance at every frequency but the ends; the mean square of the errors in units of their size is one."""
    noise = np.random.default_rng(3).standard_normal((64, 1024, 1))
    spectrum = power_spectrum(noise, dt=0.5, segment=128)
    inner = slice(3, -3)
    scores = (spectrum.value[inner, 0] - 1.0) / spectrum.standard_error[inner, 0]
    assert np.mean(scores**2) == pytest.approx(1.0, abs=0.5)  # 59 scores, and the larger of two errors is too large


def test_the_integral_of_the_spectrum_is_the_variance() -> None:
    """Parseval, up to the mean that each segment loses."""
    values = red(8, 4096, correlation=0.5, seed=1)
    spectrum = power_spectrum(values)
    width = spectrum.convergence["frequency"][1]
    assert spectrum.value[:, 0].sum() * width == pytest.approx(values.var(), rel=0.02)  # ends of trajectories count less


def test_the_period_of_a_sine_is_found_between_the_frequencies() -> None:
    """Period 7.3 samples of 0.1 time units in noise of the same power, and no red noise has such a peak."""
    draw = np.random.default_rng(0)
    phases = draw.uniform(0, 2 * np.pi, (8, 1))
    values = np.sqrt(2) * np.sin(2 * np.pi * np.arange(2048) / 7.3 + phases) + draw.standard_normal((8, 2048))
    found = dominant_period(values[:, :, None], dt=0.1)
    assert found.value[0] == pytest.approx(0.73, abs=3e-4)  # a sixth of the distance of two frequencies
    assert found.convergence["p_value"][0] == pytest.approx(0.01)
    assert found.convergence["significant"][0] == 1.0


def test_red_noise_raises_a_false_alarm_as_often_as_is_said() -> None:
    """At a rate of 0.2, about a fifth of 60 series: from 4 to 21 in all but one case in a thousand."""
    alarms = 0.0
    for seed in range(60):
        values = red(1, 512, correlation=0.8, seed=seed)
        alarms += dominant_period(values, surrogates=19, false_alarm_rate=0.2, seed=seed).convergence["significant"][0]
    assert 4 <= alarms <= 21


def test_red_noise_without_a_peak_has_no_period() -> None:
    """The spectrum is largest at its lowest frequency: the period is infinite."""
    walk = np.cumsum(np.random.default_rng(0).standard_normal((1, 4096, 1)), axis=1)
    found = dominant_period(walk, surrogates=9, false_alarm_rate=0.1)
    assert found.value[0] == np.inf
    assert found.convergence["p_value"][0] == 1.0


def test_lorenz_turns_with_its_period_in_z(lorenz: System) -> None:
    """z has a sharp peak at the catalogued 0.75, the mean time between its maxima; x, which changes sides at random, has none."""
    found = dominant_period(lorenz, sampling=Sampling(trajectories=4, samples=4096), surrogates=19, false_alarm_rate=0.05)
    assert found.value[2] == pytest.approx(0.75, rel=0.03)  # the catalog's is rounded, and a mean is no peak
    assert found.convergence["significant"].tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"surrogates": 20, "false_alarm_rate": 0.01}, "surrogates=20; expected at least 99"),
        ({"false_alarm_rate": 1.5}, "false_alarm_rate=1.5; expected a rate between"),
    ],
)
def test_a_rate_that_the_surrogates_cannot_tell_is_refused(settings: dict[str, float], message: str) -> None:
    """The smallest p-value is one over the surrogates and one."""
    with pytest.raises(RequestError, match=message):
        dominant_period(red(1, 512, correlation=0.5, seed=0), **settings)


def test_a_segment_longer_than_the_trajectories_is_refused() -> None:
    """With what fits."""
    with pytest.raises(RequestError, match="segment=600; expected from 16 to the 512 samples"):
        power_spectrum(red(1, 512, correlation=0.5, seed=0), segment=600)
