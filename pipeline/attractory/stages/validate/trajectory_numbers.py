"""Invariants of each trajectory by itself, as numbers that a permutation test compares: a set of trajectories is a set of such rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from attractory.invariants.permutation_entropy import entropy, pattern_numbers
from attractory.stages.check.period import time_between_maxima
from attractory.stages.validate.permutations import FloatArray

_ORDER = 3
_MOST_COORDINATES = 16  # of a large system, evenly: each adds seven numbers that share one chance
# Two programs that make the same numbers differ in roundings, and where trajectories are all alike (a cycle) nothing else differs: this
# part of each coordinate's spread is added at random, so that no rounding is seen.
_BLUR = 1e-5
# Quantities whose size is not that of the coordinate: part of 1.
_PLAIN_BLUR = 1e-4


@dataclass(frozen=True)
class Numbers:
    """values (trajectory, number), and what each number is, as in `deviation of x`."""

    values: FloatArray
    names: tuple[str, ...]


def numbers_of(coordinates: FloatArray, names: tuple[str, ...], *, lag: int, seed: int) -> Numbers:
    """Of each trajectory and coordinate (trajectory, time, coordinate): mean, deviation, skewness, kurtosis, the mean size of a step, time
    between maxima and permutation entropy.

    Args:
        names: of the coordinates. lag: samples between the values whose order is counted. seed: of the blur.
    """
    every = -(-coordinates.shape[2] // _MOST_COORDINATES)
    coordinates, names = coordinates[:, :, ::every], names[::every]
    mean, deviation = coordinates.mean(axis=1), coordinates.std(axis=1)
    typical = np.maximum(np.median(deviation, axis=0), _BLUR)
    scaled = (coordinates - mean[:, None]) / np.maximum(deviation, 1e-3 * typical)[:, None]
    steps = np.abs(np.diff(coordinates, axis=1)).mean(axis=1)
    found = {
        "mean": mean,
        "deviation": deviation,
        "skewness": (scaled**3).mean(axis=1),
        "kurtosis": (scaled**4).mean(axis=1),
        "mean step": steps,
        "time between maxima": _turns(coordinates),
        "permutation entropy": _entropies(coordinates, lag),
    }
    generator = np.random.Generator(np.random.Philox(key=seed))
    sizes = {"mean": typical, "deviation": typical, "mean step": np.maximum(np.median(steps, axis=0), _BLUR)}
    blurred = [
        values + (_BLUR * sizes[kind] if kind in sizes else _PLAIN_BLUR) * generator.uniform(-1.0, 1.0, values.shape)
        for kind, values in found.items()
    ]
    return Numbers(np.concatenate(blurred, axis=1), tuple(f"{kind} of {name}" for kind in found for name in names))


def _turns(coordinates: FloatArray) -> FloatArray:
    """(trajectory, coordinate) mean time between maxima, as part of the trajectory's length; 1 where there are fewer than two."""
    length = coordinates.shape[1]
    times = np.array([time_between_maxima(one[None], 1.0 / length) for one in coordinates])
    return np.asarray(np.where(np.isfinite(times), times, 1.0))


def _entropies(coordinates: FloatArray, lag: int) -> FloatArray:
    """(trajectory, coordinate), 0 where trajectories are too short for a pattern."""
    trajectories, length, count = coordinates.shape
    lag = min(lag, (length - 1) // (_ORDER - 1))
    if lag < 1:
        return np.zeros((trajectories, count))
    patterns = pattern_numbers(coordinates, _ORDER, lag)
    shares = np.stack([(patterns == number).mean(axis=1) for number in range(math.factorial(_ORDER))], axis=1)
    return np.stack([entropy(one) / math.log(math.factorial(_ORDER)) for one in shares])
