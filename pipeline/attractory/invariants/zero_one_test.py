"""The 0-1 test for chaos, of each coordinate: near 1 for chaotic motion, near 0 for regular motion."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray, combined_standard_error
from attractory.invariants.mutual_information_time import mutual_information_time
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import Signals, require, sampling_or, signals_of, too_fine

if TYPE_CHECKING:
    import xarray

METHOD = "0-1 test by correlation (Gottwald and Melbourne, SIAM J. Appl. Dyn. Syst. 8, 129 (2009)), median over random frequencies"
SAMPLING = Sampling(trajectories=8, samples=32768)
FEWEST = 400  # after thinning; with fewer, a tenth of them is no limit in time
_PARTS = 4
_CUT = 10  # the displacement is followed over a tenth of the samples, as the authors advise
_LONG = 4096  # twice as many and more are cut into parts of at least so many


def zero_one_test(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    thinning: int | None = None,
    frequencies: int = 100,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """K (coordinate,): the correlation with time of the displacement that a coordinate drives, the median over frequencies.

    Args:
        source: as `samples_of` takes it; an angle counts as the two coordinates of its point on a circle.
        thinning: every so many samples are used. None is 1 for a map, and elsewhere where no coordinate is sampled finely (its range at
            most 10 times its mean step); else the longest of the coordinates' first minima of the mutual information.
        frequencies: drawn evenly from (π/5, 4π/5), with Philox from the seed.
        sampling: of a System; None is 8 trajectories of 32,768 samples.
        dt: of an array, in time units.
    Returns:
        Estimate, the mean over trajectories, or over parts of a single or a long one; convergence has frequency (frequency,) and
        correlation (frequency, coordinate), the mean over them.
    Raises:
        RequestError: fewer than 400 samples once thinned, a coordinate that never changes, or no time after which to sample was found.
    """
    started = time.perf_counter()
    require("frequencies", frequencies, low=10)
    signals = signals_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt, fewest=FEWEST)
    step = _thinning(signals, source) if thinning is None else thinning
    require("thinning", step, low=1)
    parts = _parts(signals.values[:, ::step], step)
    draw = np.random.Generator(np.random.Philox(key=seed))
    chosen = np.sort(draw.uniform(np.pi / 5, 4 * np.pi / 5, frequencies))
    correlations = np.stack([[growth_correlations(block, chosen) for block in trajectory] for trajectory in parts])
    medians = np.median(correlations, axis=2)
    settings = {
        **signals.settings,
        "thinning": step,
        "frequencies": frequencies,
        "used": parts.shape[2],
        "parts": parts.shape[1],
        "seed": seed,
    }
    convergence = {"frequency": chosen, "correlation": correlations.mean(axis=(0, 1))}
    seconds = time.perf_counter() - started
    return Estimate(medians.mean(axis=(0, 1)), combined_standard_error(medians), METHOD, settings, seconds, convergence)


def _thinning(signals: Signals, source: object) -> int:
    if not too_fine(source, signals.values):
        return 1
    times = mutual_information_time(signals.values).value
    if not np.isfinite(times).any():
        message = "the coordinates are sampled finely and their mutual information has no minimum; expected one. Give thinning=."
        raise RequestError(message)
    return int(times[np.isfinite(times)].max())


def _parts(values: FloatArray, step: int) -> FloatArray:
    """Parts (trajectory, part, time, coordinate) of equal length: one of each trajectory, some of a single or a long one."""
    trajectories, samples, coordinates = values.shape
    if samples < FEWEST:
        message = f"the trajectories have {samples} samples once every {step} is used; expected at least {FEWEST}."
        raise RequestError(message)
    fewest = 1 if trajectories > 1 else max(1, min(_PARTS, samples // (2 * FEWEST)))
    count = max(fewest, samples // _LONG)
    length = samples // count
    return values[:, : count * length].reshape(trajectories, count, length, coordinates)


def growth_correlations(values: FloatArray, frequencies: FloatArray) -> FloatArray:
    """Correlation (frequency, coordinate) of the modified mean square displacement with time, of values (time, coordinate)."""
    return np.stack([_growth_correlation(column, frequencies) for column in values.T], axis=1)


def _growth_correlation(values: FloatArray, frequencies: FloatArray) -> FloatArray:
    samples = len(values)
    longest = samples // _CUT
    turns = np.exp(1j * frequencies[:, None] * np.arange(1, samples + 1))
    path = np.cumsum(values * turns, axis=1)
    lags = np.arange(1, longest + 1)
    swinging = values.mean() ** 2 * (1 - np.cos(frequencies[:, None] * lags)) / (1 - np.cos(frequencies[:, None]))
    displacement = mean_square_displacement(path, longest) - swinging
    return correlation_with_time(displacement)


def mean_square_displacement(path: np.ndarray, longest: int) -> FloatArray:
    """Mean of |path(t + lag) - path(t)|² over the first samples - longest times: (path, lag from 1 to longest), path (path, time)."""
    path = path - path.mean(axis=1, keepdims=True)  # a smaller number loses fewer digits in the difference
    starts = path.shape[1] - longest
    squares = np.concatenate([np.zeros((len(path), 1)), np.cumsum(np.abs(path) ** 2, axis=1)], axis=1)
    lags = np.arange(1, longest + 1)
    size = 1 << int(np.ceil(np.log2(path.shape[1] + longest)))
    products = np.fft.ifft(np.conj(np.fft.fft(path[:, :starts], size, axis=1)) * np.fft.fft(path, size, axis=1), axis=1)
    total = squares[:, lags + starts] - squares[:, lags] + squares[:, starts : starts + 1] - 2.0 * products[:, lags].real
    mean: FloatArray = total / starts
    return mean


def correlation_with_time(displacement: FloatArray) -> FloatArray:
    """Pearson's correlation (row,) of each row with its index."""
    times = np.arange(displacement.shape[1]) - (displacement.shape[1] - 1) / 2
    centred = displacement - displacement.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.sum(centred**2, axis=1) * np.sum(times**2))
    correlation: FloatArray = np.sum(centred * times, axis=1) / np.maximum(spread, np.finfo(np.float64).tiny)
    return correlation
