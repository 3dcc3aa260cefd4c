"""The sample entropy of each coordinate, averaged over longer and longer times."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numba import njit, prange
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import jackknife, require, require_samples, sampling_or, signals_of

if TYPE_CHECKING:
    import xarray

METHOD = (
    "sample entropy (Richman and Moorman, Am. J. Physiol. 278, H2039 (2000)) of means over each scale"
    " (Costa, Goldberger and Peng, Phys. Rev. Lett. 89, 068102 (2002))"
)
SAMPLING = Sampling(trajectories=16, samples=4096)
_FEWEST = 100  # of a part at the longest scale
_PARTS = 8
_LONGEST_PART = 4096  # pairs grow with its square


def multiscale_sample_entropy(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    scales: int = 5,
    within: float = 0.15,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """Sample entropy (scale, coordinate) in nats: minus the logarithm of the chance that two stretches that agree in two values agree in
    the third. Values agree that differ by at most `within` standard deviations of the coordinate at scale 1.

    Args:
        source: as `samples_of` takes it; an angle counts as the two coordinates of its point on a circle.
        scales: numbers of successive values that are averaged, from 1 to this.
        within: in standard deviations over all trajectories.
        sampling: of a System; None is 16 trajectories of 4,096 samples.
        dt: of an array, in time units.
    Returns:
        Estimate; pairs are looked for within parts of a trajectory: its whole where there are several, eight of a single one, of 4,096
        values at most. convergence has scale, and matches_of_two, matches_of_three (scale, coordinate), the numbers of pairs.
    Raises:
        RequestError: parts of fewer than 100 values at the longest scale, no pair that agrees in three values, or a coordinate that never
            changes.
    """
    started = time.perf_counter()
    require("scales", scales, low=1, high=100)
    require("within", within, low=1e-3, high=2.0)
    signals = signals_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt, fewest=_FEWEST * scales)
    radii = within * signals.values.std(axis=(0, 1))
    parts = _parts(signals.values)
    require_samples(parts.shape[2], _FEWEST * scales)
    counts = np.stack([_counts(coarse(parts, scale), radii) for scale in range(1, scales + 1)], axis=2)
    totals = counts.sum(axis=(0, 1))
    if (totals == 0).any():
        scale, _, place = (int(number[0]) for number in np.nonzero(totals == 0))
        message = (
            f"no two stretches of coordinate {place} agree in three values at scale {scale + 1}; expected some. Raise within={within:g}."
        )
        raise RequestError(message)
    value, error = jackknife(counts, _entropy)
    settings = {
        **signals.settings,
        "scales": scales,
        "within": within,
        "parts": parts.shape[1],
        "part_samples": parts.shape[2],
        "seed": seed,
    }
    convergence = {"scale": np.arange(1.0, scales + 1), "matches_of_two": totals[:, 0], "matches_of_three": totals[:, 1]}
    return Estimate(value, error, METHOD, settings, time.perf_counter() - started, convergence)


def _entropy(counts: FloatArray) -> FloatArray:
    """(scale, coordinate) of counts (scale, 2, coordinate); infinite where none is left."""
    three = np.where(counts[:, 1] > 0, counts[:, 1], 1.0)
    return np.where(counts[:, 1] > 0, np.log(np.maximum(counts[:, 0], 1e-300) / three), np.inf)


def _parts(values: FloatArray) -> FloatArray:
    """(trajectory, part, time, coordinate)."""
    trajectories, samples, coordinates = values.shape
    count = max(_PARTS if trajectories == 1 else 1, -(-samples // _LONGEST_PART))
    length = samples // count
    return values[:, : count * length].reshape(trajectories, count, length, coordinates)


def coarse(parts: FloatArray, scale: int) -> FloatArray:
    """Means over `scale` successive values, along the third axis; what is left at the end is dropped."""
    length = parts.shape[2] // scale
    means: FloatArray = parts[:, :, : length * scale].reshape(*parts.shape[:2], length, scale, parts.shape[3]).mean(axis=3)
    return means


def _counts(parts: FloatArray, radii: FloatArray) -> FloatArray:
    """Pairs (trajectory, part, 2, coordinate) that agree in two values and in three."""
    trajectories, count, length, coordinates = parts.shape
    rows = np.ascontiguousarray(parts.transpose(0, 1, 3, 2)).reshape(-1, length)
    found = matches(rows, np.tile(radii, trajectories * count))
    return found.reshape(trajectories, count, coordinates, 2).transpose(0, 1, 3, 2).astype(np.float64)


@njit(cache=True, error_model="numpy", nogil=True, parallel=True)
def matches(rows: FloatArray, radii: FloatArray) -> npt.NDArray[np.int64]:
    """Pairs (row, 2) of stretches of a row (row, time) that agree in two and in three values; both kinds of stretch begin at the same
    places. Whole numbers, so that no order of threads can change them."""
    found = np.zeros((rows.shape[0], 2), dtype=np.int64)
    for row in prange(rows.shape[0]):
        values, radius = rows[row], radii[row]
        two, three = 0, 0
        for first in range(values.size - 3):
            for second in range(first + 1, values.size - 2):
                if abs(values[first] - values[second]) <= radius and abs(values[first + 1] - values[second + 1]) <= radius:
                    two += 1
                    if abs(values[first + 2] - values[second + 2]) <= radius:
                        three += 1
        found[row, 0] = two
        found[row, 1] = three
    return found
