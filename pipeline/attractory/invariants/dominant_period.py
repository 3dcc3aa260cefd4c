"""The period at which the spectrum of each coordinate is largest, and whether red noise would have such a peak."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray
from attractory.invariants.power_spectrum import FEWEST, SAMPLING, block_spectra, frequencies, segment_length
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import jackknife, sampling_or, signals_of

if TYPE_CHECKING:
    import xarray

METHOD = "largest peak of Welch's spectrum; its height over red noise against surrogates with that noise's spectrum and random phases"
# The window spreads what is left of the mean over the first two frequencies.
_FIRST = 2


def dominant_period(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    surrogates: int = 99,
    false_alarm_rate: float = 0.01,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """The period (coordinate,) of the largest peak of each coordinate's spectrum, in time units.

    A peak is significant where p_value <= false_alarm_rate. p_value is (1 + the number of surrogates whose peak is at least as high over
    their red noise) / (1 + surrogates). It is for each coordinate by itself: among n of them, divide the rate by n.

    Args:
        source: as `samples_of` takes it; an angle counts as the two coordinates of its point on a circle.
        surrogates: drawn for the test, with Philox from the seed.
        sampling: of a System; None is 16 trajectories of 8,192 samples.
        dt: of an array, in time units.
    Returns:
        Estimate; a period is infinite where the spectrum is largest at its lowest frequency. convergence has frequency, spectrum and
        red_noise (frequency, coordinate), and by coordinate p_value, significant (1 or 0) and height (over red noise).
    Raises:
        RequestError: fewer than 64 samples, a coordinate that never changes, or too few surrogates for the rate.
    """
    started = time.perf_counter()
    _refuse(surrogates, false_alarm_rate)
    signals = signals_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt, fewest=FEWEST)
    length = segment_length(signals.values, None)
    frequency = frequencies(length, signals.dt)
    blocks = block_spectra(signals.values, length, signals.dt)
    value, error = jackknife(blocks, lambda spectrum: peak_periods(spectrum, frequency))
    height = peak_heights(signals.values, length, signals.dt)
    p_value = _p_values(signals.values, length, height, surrogates=surrogates, seed=seed)
    settings = {**signals.settings, "segment": length, "surrogates": surrogates, "false_alarm_rate": false_alarm_rate, "seed": seed}
    convergence = {
        "frequency": frequency,
        "spectrum": blocks.mean(axis=(0, 1)),
        "red_noise": red_noise(signals.values, frequency, signals.dt),
        "height": height,
        "p_value": p_value,
        "significant": (p_value <= false_alarm_rate).astype(np.float64),
    }
    return Estimate(value, error, METHOD, settings, time.perf_counter() - started, convergence)


def _refuse(surrogates: int, false_alarm_rate: float) -> None:
    if not 0.0 < false_alarm_rate < 1.0:
        message = f"false_alarm_rate={false_alarm_rate:g}; expected a rate between 0 and 1."
        raise RequestError(message)
    fewest = int(np.ceil(1.0 / false_alarm_rate - 1e-9)) - 1
    if surrogates < fewest:
        message = f"surrogates={surrogates}; expected at least {fewest} for a false-alarm rate of {false_alarm_rate:g}."
        raise RequestError(message)


def peak_periods(spectrum: FloatArray, frequency: FloatArray) -> FloatArray:
    """Where a parabola through the logarithms of the largest power and its neighbours is highest; infinite at the lowest frequency."""
    return np.array([_peak_period(column, frequency) for column in spectrum.T])


def _peak_period(power: FloatArray, frequency: FloatArray) -> float:
    place = _FIRST + int(np.argmax(power[_FIRST:]))
    if place == _FIRST and power[_FIRST - 1] >= power[_FIRST]:
        return np.inf
    shift = 0.0
    if place + 1 < len(power):
        before, here, after = np.log(np.maximum(power[place - 1 : place + 2], np.finfo(np.float64).tiny))
        bend = before - 2.0 * here + after
        shift = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
    return float(1.0 / ((place + shift) * frequency[1]))


def peak_heights(values: FloatArray, length: int, dt: float) -> FloatArray:
    """Power over red noise (coordinate,) at the largest peak; 0 where the spectrum is largest at its lowest frequency."""
    spectrum = block_spectra(values, length, dt).mean(axis=(0, 1))
    noise = red_noise(values, frequencies(length, dt), dt)
    places = _FIRST + np.argmax(spectrum[_FIRST:], axis=0)
    columns = np.arange(spectrum.shape[1])
    lowest = (places == _FIRST) & (spectrum[_FIRST - 1] >= spectrum[_FIRST])
    return np.where(lowest, 0.0, spectrum[places, columns] / noise[places, columns])


def red_noise(values: FloatArray, frequency: FloatArray, dt: float) -> FloatArray:
    """The spectrum (frequency, coordinate) of an autoregressive process of order one, with the variance and the correlation between
    neighbours that the values have."""
    centred = values - values.mean(axis=(0, 1))
    variance = np.mean(centred**2, axis=(0, 1))
    correlation = np.clip(np.mean(centred[:, 1:] * centred[:, :-1], axis=(0, 1)) / variance, -0.9999, 0.9999)
    turn = np.cos(2 * np.pi * frequency * dt)[:, None]
    noise: FloatArray = 2.0 * dt * variance * (1.0 - correlation**2) / (1.0 - 2.0 * correlation * turn + correlation**2)
    return noise


def _p_values(values: FloatArray, length: int, height: FloatArray, *, surrogates: int, seed: int) -> FloatArray:
    """Of each coordinate, by the rank of its peak among those of surrogates."""
    trajectories, samples, coordinates = values.shape
    # Drawn on twice the length and cut: what Fourier series give goes around, and its ends would know of each other.
    span = 2 * samples
    amplitude = np.sqrt(red_noise(values, frequencies(span, 1.0), 1.0))
    draw = np.random.Generator(np.random.Philox(key=seed))
    reached = np.zeros(coordinates)
    for _ in range(surrogates):
        parts = draw.standard_normal((2, trajectories, span // 2 + 1, coordinates))
        surrogate = np.fft.irfft(amplitude * (parts[0] + 1j * parts[1]), span, axis=1)[:, :samples]
        reached += peak_heights(surrogate, length, 1.0) >= height
    return (1.0 + reached) / (1.0 + surrogates)
