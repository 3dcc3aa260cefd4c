"""The times of a trajectory's samples where they are drawn: a pure function of (recipe seed, system, granularity, trajectory).

They are known before anything is integrated, and a trajectory that is drawn again keeps them. Exact operations alone decide a bit: the
logarithm that turns uniform numbers into the gaps of a Poisson process is made of them here."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from attractory.integrate.grids import DrawnGrid, Grid, TimedGrid
from attractory.integrate.random_numbers import uniform, words

Float = NDArray[np.float64]

_LOG_2 = 0.6931471805599453  # the double next to ln 2
_HALF_ROOT = 0.7071067811865476  # sqrt(1/2): mantissas from here to its double have logarithms around zero
_TERMS = 11  # of 2 atanh(s) = 2 s (1 + s^2/3 + ...): with s at most 0.1716 the next one is below 1e-18 of the first


def at_drawn_times(grids: Sequence[Grid], *, seed: int, system: str, indices: Sequence[int]) -> list[Grid]:
    """The grids with the times of these trajectories in place of how they are drawn."""
    return [
        TimedGrid(sample_times(grid, seed=seed, system=system, indices=indices), grid.dt, grid.samples * grid.drawn.mean)
        if isinstance(grid, DrawnGrid)
        else grid
        for grid in grids
    ]


def sample_times(grid: DrawnGrid, *, seed: int, system: str, indices: Sequence[int]) -> Float:
    """(trajectory, time): rising, from 0 on, in the system's time units (maps: iterates)."""
    purpose = f"times.{grid.name}"
    rows = [_times(grid, seed=seed, system=system, trajectory=int(index), purpose=purpose) for index in indices]
    return np.array(rows, np.float64).reshape(len(rows), grid.samples)


def _times(grid: DrawnGrid, *, seed: int, system: str, trajectory: int, purpose: str) -> Float:
    drawn, samples = grid.drawn, grid.samples

    def raw(count: int) -> NDArray[np.uint64]:
        return words(count, seed=seed, system=system, trajectory=trajectory, purpose=purpose)

    if drawn.drawn == "poisson":
        return _rising(np.cumsum(exponential(raw(samples))) * drawn.spacing)
    if drawn.drawn == "jitter":
        return _rising((np.arange(samples) + drawn.part * uniform(raw(samples))) * drawn.spacing)
    count = math.ceil(samples / (1.0 - drawn.part)) + 64
    while True:  # the first words are the same however many are drawn
        kept = np.flatnonzero(uniform(raw(count)) >= drawn.part)
        if len(kept) >= samples:
            return np.asarray(kept[:samples] * drawn.spacing, np.float64)
        count *= 2


def exponential(raw: NDArray[np.uint64]) -> Float:
    """Numbers above zero with the density e^-x, one a word: -ln u with u a multiple of 2**-53 in (0, 1), never 0 or 1."""
    return -logarithm(((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)


def logarithm(values: Float) -> Float:
    """Natural logarithms of positive normal numbers, within some units in the last place, the same bits on every machine."""
    mantissa, exponent = np.frexp(values)
    low = mantissa < _HALF_ROOT
    mantissa, exponent = np.where(low, 2.0 * mantissa, mantissa), exponent - low
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = np.full_like(s, 1.0 / (2 * _TERMS + 1))
    for k in range(_TERMS - 1, -1, -1):
        series = series * square + 1.0 / (2 * k + 1)
    return np.asarray(exponent * _LOG_2 + 2.0 * s * series, np.float64)


def _rising(times: Float) -> Float:
    """The times, each moved to the next double where rounding has made it equal to the one before."""
    for place in np.flatnonzero(np.diff(times) <= 0.0).tolist():
        later = place + 1
        while later < len(times) and times[later] <= times[later - 1]:
            times[later] = np.nextafter(times[later - 1], np.inf)
            later += 1
    return times
