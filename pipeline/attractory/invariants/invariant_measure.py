"""Moments and quantiles of the invariant measure, from trajectories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray, combined_standard_error
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import BLOCKS, jackknife, sampling_or, signals_of

if TYPE_CHECKING:
    import xarray

METHOD = "time averages of powers and of order statistics; errors by leaving out trajectories and blocks of time"
SAMPLING = Sampling(trajectories=32, samples=8192)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOMENTS = ("mean", "deviation", "skewness", "kurtosis")
_PER_BLOCK = 20


def moments_and_quantiles(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    quantiles: tuple[float, ...] = QUANTILES,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """Rows (4 + quantiles, coordinate): mean, standard deviation, skewness, kurtosis (3 for a normal distribution), then each quantile.

    Args:
        source: as `samples_of` takes it; an angle counts as the two coordinates of its point on a circle.
        quantiles: between 0 and 1.
        sampling: of a System; None is 32 trajectories of 8,192 samples.
        dt: of an array, in time units.
    Returns:
        Estimate; convergence has running_mean (block, coordinate) over growing times, and time (block,).
    Raises:
        RequestError: fewer than 160 samples, a coordinate that never changes, or a quantile out of range.
    """
    started = time.perf_counter()
    if not all(0.0 < share < 1.0 for share in quantiles):
        message = f"quantiles={quantiles}; expected shares between 0 and 1."
        raise RequestError(message)
    signals = signals_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt, fewest=BLOCKS * _PER_BLOCK)
    blocks = _equal_blocks(signals.values)
    powers = _powers(blocks)
    parts = [jackknife(powers, lambda mean: _moments(mean, blocks.mean(axis=(0, 1, 2))))]
    if quantiles:
        parts.append(_quantiles(blocks, quantiles))
    value, error = (np.concatenate([part[number] for part in parts]) for number in (0, 1))
    rows = [*MOMENTS, *(f"quantile {share:g}" for share in quantiles)]
    settings = {**signals.settings, "rows": ", ".join(rows), "seed": seed}
    counts = np.arange(1, BLOCKS + 1)
    running = np.cumsum(blocks.mean(axis=(0, 2)), axis=0) / counts[:, None]
    convergence = {"time": signals.dt * blocks.shape[2] * counts, "running_mean": running}
    return Estimate(value, error, METHOD, settings, time.perf_counter() - started, convergence)


def _equal_blocks(values: FloatArray) -> FloatArray:
    """(trajectory, block, time, coordinate); what is left at the end is dropped."""
    trajectories, samples, coordinates = values.shape
    length = samples // BLOCKS
    return values[:, : BLOCKS * length].reshape(trajectories, BLOCKS, length, coordinates)


def _powers(blocks: FloatArray) -> FloatArray:
    """Mean powers 1 to 4 (trajectory, block, power, coordinate) about the common mean, which keeps the digits."""
    centred = blocks - blocks.mean(axis=(0, 1, 2))
    return np.stack([np.mean(centred**power, axis=2) for power in (1, 2, 3, 4)], axis=2)


def _moments(powers: FloatArray, origin: FloatArray) -> FloatArray:
    """Mean, deviation, skewness and kurtosis (4, coordinate) of mean powers (4, coordinate) about an origin."""
    first, second, third, fourth = powers
    variance = second - first**2
    skewness = (third - 3 * first * second + 2 * first**3) / variance**1.5
    kurtosis = (fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4) / variance**2
    return np.stack([origin + first, np.sqrt(variance), skewness, kurtosis])


def _quantiles(blocks: FloatArray, quantiles: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """Of all samples; the error is that of the share of samples below each value, over the density there.

    The density is the quantiles' own slope over two errors of the share on either side, so that a gap in the measure gives a large error.
    """
    flat = blocks.reshape(-1, blocks.shape[3])
    ordered = np.sort(flat, axis=0)
    values = np.quantile(flat, quantiles, axis=0)
    errors = np.empty_like(values)
    for row, share in enumerate(quantiles):
        below = np.mean(blocks <= values[row], axis=2)
        spread = combined_standard_error(below)
        errors[row] = [_half_width(ordered[:, place], share, float(spread[place])) for place in range(len(spread))]
    return values, errors


def _half_width(ordered: FloatArray, share: float, spread: float) -> float:
    """Half of what lies between the quantiles one error of the share below and above."""
    low, high = np.clip([share - spread, share + spread], 0.0, 1.0) * (len(ordered) - 1)
    return float(ordered[int(np.ceil(high))] - ordered[int(np.floor(low))]) / 2
