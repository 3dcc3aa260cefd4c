from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter, welch

from attractory import System
from attractory.errors import RequestError
from attractory.invariants import Sampling, SpectralSettings, samples_of, spectral_hellinger_distance


def red(trajectories: int, samples: int, *, correlation: float, seed: int) -> np.ndarray:
    """Autoregressive noise of order one."""
    noise = np.random.default_rng(seed).standard_normal((trajectories, samples + 200))
    return lfilter([1.0], [1.0, -correlation], noise, axis=1)[:, 200:, None]


def band(trajectories: int, samples: int, *, middle: float, width: float, seed: int) -> np.ndarray:
    """Noise with a Gaussian spectrum around a frequency, in cycles per sample."""
    frequency = np.fft.rfftfreq(samples)
    draw = np.random.default_rng(seed).standard_normal((2, trajectories, len(frequency)))
    amplitude = np.exp(-((frequency - middle) ** 2) / (4 * width**2))
    return np.fft.irfft(amplitude * (draw[0] + 1j * draw[1]), samples, axis=1)[:, :, None]


def test_identical_sets_have_no_distance() -> None:
    """Exactly none."""
    values = red(4, 512, correlation=0.6, seed=0)
    assert spectral_hellinger_distance(values, values.copy()).value == 0.0


def test_two_shifted_bands_have_the_distance_of_the_formula() -> None:
    """Two Gaussians of deviation s whose middles are d apart: H² = 1 - exp(-d² / (8 s²))."""
    first, second = (band(16, 8192, middle=middle, width=0.02, seed=number) for number, middle in enumerate((0.2, 0.23)))
    found = spectral_hellinger_distance(first, second)
    expected = np.sqrt(1 - np.exp(-((0.03 / 0.02) ** 2) / 8))
    assert float(found.value) == pytest.approx(expected, abs=3 * float(found.standard_error))
    assert found.standard_error < 0.02 * expected


def test_red_and_white_noise_have_the_distance_of_their_densities() -> None:
    """Normalised, (1 - a²) / (1 - 2 a cos(2πf) + a²) against 1, by quadrature."""
    found = spectral_hellinger_distance(red(32, 8192, correlation=0.7, seed=1), red(32, 8192, correlation=0.0, seed=2))
    angle = np.linspace(0, np.pi, 2001)
    density = (1 - 0.49) / (1 - 1.4 * np.cos(angle) + 0.49)
    expected = np.sqrt(1 - trapezoid(np.sqrt(density), angle / np.pi))
    assert float(found.value) == pytest.approx(expected, abs=3 * float(found.standard_error))
    assert found.standard_error < 0.02 * expected


def test_the_spectra_are_those_of_scipy_smoothed() -> None:
    """Welch's with a Hann window, smoothed by a Gaussian, normalised: the same distance by another road."""
    first, second = (red(1, 640, correlation=correlation, seed=3)[0, :, 0] for correlation in (0.8, 0.3))
    found = spectral_hellinger_distance(first, second, settings=SpectralSettings(segment=128, smoothing=1.5), dt=0.1)
    # 9 segments are 8 blocks of one: the last is left out of both
    spectra = [welch(one[: 128 + 7 * 64], fs=10.0, nperseg=128)[1] for one in (first, second)]
    shares = [gaussian_filter1d(one, 1.5) / gaussian_filter1d(one, 1.5).sum() for one in spectra]
    assert float(found.value) == pytest.approx(np.sqrt(1 - np.sum(np.sqrt(shares[0] * shares[1]))), rel=1e-9)
    assert found.convergence["frequency"][-1] == 5.0


def test_the_distance_is_symmetric_and_at_most_one() -> None:
    """Two lines far apart share nothing."""
    times = np.arange(4096)
    first, second = (np.sin(2 * np.pi * times * frequency)[None, :, None] for frequency in (0.05, 0.35))
    found = spectral_hellinger_distance(first, second)
    assert 0.999 < float(found.value) <= 1.0
    mirrored = spectral_hellinger_distance(second, first)
    assert (found.value, found.standard_error) == (mirrored.value, mirrored.standard_error)


def test_size_and_place_of_the_signals_do_not_matter() -> None:
    """Spectra are normalised, a coordinate at a time."""
    first, second = red(4, 512, correlation=0.6, seed=4), red(4, 512, correlation=0.2, seed=5)
    found = spectral_hellinger_distance(first, second)
    assert float(spectral_hellinger_distance(first, 100.0 + 3.0 * second).value) == pytest.approx(float(found.value), rel=1e-9)


def test_a_set_at_rest_is_as_far_as_can_be() -> None:
    """A model that has come to rest, wherever: no power, not the power of rounding. Of two coordinates one rests."""
    moving = np.concatenate([red(4, 256, correlation=0.6, seed=seed) for seed in (6, 7)], axis=2)
    resting = moving.copy()
    resting[:, :, 1] = np.array([0.1, 0.2, 0.3, 0.7])[:, None]
    found = spectral_hellinger_distance(moving, resting)
    assert found.convergence["by_coordinate"].tolist() == [0.0, 1.0]
    assert found.value == 0.5


def test_the_error_says_how_much_the_distance_scatters() -> None:
    """The deviation over 24 pairs of sets against the error: the larger of two estimates, with a jackknife's bias upwards."""
    found = [
        spectral_hellinger_distance(red(8, 512, correlation=0.8, seed=2 * seed), red(8, 512, correlation=0.4, seed=2 * seed + 1))
        for seed in range(24)
    ]
    scatter = np.std([float(one.value) for one in found], ddof=1)
    error = np.sqrt(np.mean([float(one.standard_error) ** 2 for one in found]))
    assert 0.7 * scatter < error < 2.0 * scatter


def test_a_system_twice_is_two_sets_of_one_spectrum(henon: System) -> None:
    """The second with the next seed; and an array of such samples, which has no dt of its own, has that of the System before it."""
    sampling = Sampling(trajectories=4, samples=1024, dt=2.0, seed=1)
    found = spectral_hellinger_distance(henon, henon, sampling=sampling)
    others = samples_of(henon, Sampling(trajectories=4, samples=1024, dt=2.0, seed=2)).states
    assert found == spectral_hellinger_distance(henon, others, sampling=sampling)
    assert 0.0 < float(found.value) < 0.1
    assert found.settings["dt"] == 2.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SpectralSettings(smoothing=-1.0), "smoothing=-1.0; expected from 0 to 16 steps of frequency"),
        (SpectralSettings(smoothing=20.0), "smoothing=20.0; expected from 0 to 16 steps of frequency"),
        (SpectralSettings(segment=600), "segment=600; expected from 16 to the 512 samples"),
        (SpectralSettings(segment=0), "segment=0; expected from 16 to the 512 samples"),
    ],
)
def test_spectra_that_cannot_be_made_are_refused(settings: SpectralSettings, message: str) -> None:
    """What was found, what was expected."""
    with pytest.raises(RequestError, match=re.escape(message)):
        spectral_hellinger_distance(red(2, 512, correlation=0.5, seed=0), red(2, 900, correlation=0.5, seed=1), settings=settings)


def test_short_trajectories_are_refused() -> None:
    """Of either set."""
    with pytest.raises(RequestError, match="the trajectories have 40 samples; expected at least 64"):
        spectral_hellinger_distance(red(2, 512, correlation=0.5, seed=0), red(2, 40, correlation=0.5, seed=1))


def test_sets_sampled_at_different_times_are_refused(henon: System) -> None:
    """Their frequencies are others: the System was asked for at every second iterate, the array is at each."""
    values = red(2, 512, correlation=0.5, seed=0).repeat(2, axis=2)
    with pytest.raises(RequestError, match="the reference has dt=1 and the other set dt=2; expected the same"):
        spectral_hellinger_distance(values, henon, sampling=Sampling(trajectories=2, samples=512, dt=2.0))
