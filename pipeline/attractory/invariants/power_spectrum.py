"""The power spectrum of each coordinate, from trajectories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray, combined_standard_error
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import BLOCKS, sampling_or, signals_of

if TYPE_CHECKING:
    import xarray

METHOD = "mean of windowed periodograms (Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967)), Hann window, half overlap"
SAMPLING = Sampling(trajectories=16, samples=8192)
FEWEST = 64
_SHORTEST = 16


def power_spectrum(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    segment: int | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """Power (frequency, coordinate) per unit of frequency, whose integral is the variance, at frequencies from 0 to half the sampling rate.

    Args:
        source: as `samples_of` takes it; an angle counts as the two coordinates of its point on a circle.
        segment: samples of one periodogram; None is the largest power of two with at least 8 in all and 2 in a trajectory.
        sampling: of a System; None is 16 trajectories of 8,192 samples.
        dt: of an array, in time units.
    Returns:
        Estimate; convergence has frequency (frequency,), in cycles per time unit.
    Raises:
        RequestError: fewer than 64 samples, a coordinate that never changes, or a segment that is too short or too long.
    """
    started = time.perf_counter()
    signals = signals_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt, fewest=FEWEST)
    length = segment_length(signals.values, segment)
    blocks = block_spectra(signals.values, length, signals.dt)
    settings = {**signals.settings, "segment": length, "segments": segment_count(signals.values, length), "seed": seed}
    errors = combined_standard_error(blocks)
    seconds = time.perf_counter() - started
    convergence = {"frequency": frequencies(length, signals.dt)}
    return Estimate(blocks.mean(axis=(0, 1)), errors, METHOD, settings, seconds, convergence)


def segment_length(values: FloatArray, asked: int | None) -> int:
    """Samples of a segment. Raises RequestError where those asked for do not fit."""
    trajectories, samples = values.shape[:2]
    if asked is None:
        share = samples / max(2.0, 8.0 / trajectories)
        return max(_SHORTEST, 1 << int(np.floor(np.log2(share))))
    if not _SHORTEST <= asked <= samples:
        message = f"segment={asked}; expected from {_SHORTEST} to the {samples} samples of a trajectory."
        raise RequestError(message)
    return asked


def frequencies(length: int, dt: float) -> FloatArray:
    """From 0 to half the sampling rate, in cycles per time unit."""
    found: FloatArray = np.arange(length // 2 + 1) / (length * dt)
    return found


def segment_count(values: FloatArray, length: int) -> int:
    """Segments of all trajectories."""
    return int(len(values) * len(_starts(values, length)))


def block_spectra(values: FloatArray, length: int, dt: float) -> FloatArray:
    """Spectra (trajectory, block, frequency, coordinate): means over the segments that begin in each part of time."""
    periodograms = np.stack([_periodogram(values[:, start : start + length], dt) for start in _starts(values, length)], axis=1)
    whole = periodograms.shape[1] - periodograms.shape[1] % min(BLOCKS, periodograms.shape[1])
    parts = np.split(periodograms[:, :whole], min(BLOCKS, whole), axis=1)
    return np.stack([part.mean(axis=1) for part in parts], axis=1)


def _starts(values: FloatArray, length: int) -> range:
    return range(0, values.shape[1] - length + 1, length // 2)


def _periodogram(values: FloatArray, dt: float) -> FloatArray:
    """One-sided, of values (trajectory, time, coordinate) less their mean."""
    length = values.shape[1]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    centred = (values - values.mean(axis=1, keepdims=True)) * window[:, None]
    power: FloatArray = np.abs(np.fft.rfft(centred, axis=1)) ** 2 * (dt / np.sum(window**2))
    power[:, 1 : (length + 1) // 2] *= 2.0
    return power
