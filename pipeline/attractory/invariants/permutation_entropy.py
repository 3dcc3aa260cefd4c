"""The entropy of the order of successive values, of each coordinate."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.autocorrelation_time import autocorrelation_time
from attractory.invariants.estimate import Estimate, FloatArray
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import (
    BLOCKS,
    Signals,
    jackknife,
    require,
    require_samples,
    sampling_or,
    signals_of,
    too_fine,
    trajectory_groups,
)

if TYPE_CHECKING:
    import xarray

METHOD = "permutation entropy (Bandt and Pompe, Phys. Rev. Lett. 88, 174102 (2002)), over log(order!)"
SAMPLING = Sampling(trajectories=16, samples=8192)
_SHORTEST, _LONGEST = 2, 8
_PER_PATTERN = 5


def permutation_entropy(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    order: int = 4,
    delay: int | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """Normalised permutation entropy (coordinate,): 1 where all orders of values are as frequent, 0 where there is only one.

    Of two equal values the earlier counts as the smaller.

    Args:
        source: as `samples_of` takes it; an angle counts as the two coordinates of its point on a circle.
        order: number of values that are compared, from 2 to 8.
        delay: samples between them. None is 1, but where some coordinate is sampled finely (its range over 10 times its mean step) the
            longest of the coordinates' times at which the autocorrelation falls to 1/e.
        sampling: of a System; None is 16 trajectories of 8,192 samples.
        dt: of an array, in time units.
    Returns:
        Estimate; convergence has share (pattern, coordinate), patterns in the order of their ranks' lexicographic number.
    Raises:
        RequestError: a setting out of range, fewer than 5 windows a pattern, or a coordinate that never changes.
    """
    started = time.perf_counter()
    require("order", order, low=_SHORTEST, high=_LONGEST)
    signals = signals_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt, fewest=BLOCKS * order)
    delay = _delay(signals, source) if delay is None else delay
    require("delay", delay, low=1)
    require_samples(signals.values.shape[1], (order - 1) * delay + BLOCKS)
    numbers = pattern_numbers(signals.values, order, delay)
    windows = numbers.shape[0] * numbers.shape[1]
    if windows < _PER_PATTERN * math.factorial(order):
        message = (
            f"{windows} windows for the {math.factorial(order)} patterns of order {order}; expected at least {_PER_PATTERN} a pattern."
        )
        raise RequestError(message)
    counts = _counts(numbers, math.factorial(order))
    value, error = jackknife(counts, lambda mean: entropy(mean) / math.log(math.factorial(order)))
    settings = {**signals.settings, "order": order, "delay": delay, "windows": windows, "seed": seed}
    seconds = time.perf_counter() - started
    return Estimate(value, error, METHOD, settings, seconds, {"share": counts.sum(axis=(0, 1)) / windows})


def _delay(signals: Signals, source: object) -> int:
    if not too_fine(source, signals.values):
        return 1
    times = autocorrelation_time(signals.values).value[0]
    if not np.isfinite(times).all():
        message = "the coordinates are sampled finely and the autocorrelation of one does not fall to 1/e; expected it to. Give delay=."
        raise RequestError(message)
    return max(1, round(float(times.max())))


def pattern_numbers(values: FloatArray, order: int, delay: int) -> npt.NDArray[np.int64]:
    """The pattern (trajectory, window, coordinate) of each window, from 0 (rising) to order! - 1 (falling), by Lehmer's code."""
    count = values.shape[1] - (order - 1) * delay
    within = [values[:, place * delay : place * delay + count] for place in range(order)]
    number = np.zeros((len(values), count, values.shape[2]), dtype=np.int64)
    for place in range(order - 1):
        smaller = np.zeros_like(number)
        for later in range(place + 1, order):
            smaller += within[later] < within[place]
        number += math.factorial(order - 1 - place) * smaller
    return number


def _counts(numbers: npt.NDArray[np.int64], patterns: int) -> FloatArray:
    """How often each pattern is (group of trajectories, block, pattern, coordinate)."""
    blocks = np.array_split(numbers, BLOCKS, axis=1)
    return np.stack([_block_counts(block, patterns) for block in blocks], axis=1)


def _block_counts(numbers: npt.NDArray[np.int64], patterns: int) -> FloatArray:
    trajectories, _, coordinates = numbers.shape
    group = trajectory_groups(trajectories)
    groups = int(group[-1]) + 1
    base = group[:, None, None] * coordinates + np.arange(coordinates)
    counts = np.bincount((base * patterns + numbers).ravel(), minlength=groups * coordinates * patterns)
    return counts.reshape(groups, coordinates, patterns).transpose(0, 2, 1).astype(np.float64)


def entropy(counts: FloatArray) -> FloatArray:
    """Shannon's entropy (coordinate,) in nats of counts (pattern, coordinate)."""
    shares = counts / counts.sum(axis=0)
    total: FloatArray = -np.sum(shares * np.log(np.where(shares > 0, shares, 1.0)), axis=0)
    return np.maximum(total, 0.0)
