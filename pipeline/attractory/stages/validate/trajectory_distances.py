"""Mean distances between the samples of trajectories: what an energy distance is made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from attractory.stages.validate.permutations import FloatArray

# Of each trajectory: distances of whole trajectories are means over the square of this number.
POINTS = 16
_MOST_COORDINATES = 64  # of a large system, evenly


def distances_between(points: FloatArray) -> FloatArray:
    """(unit, unit): mean Euclidean distance between the points (unit, point, coordinate) of two units; of one unit, between its own."""
    units, count, _ = points.shape
    few = points[:, :, :: -(-points.shape[2] // _MOST_COORDINATES)]
    flat = np.ascontiguousarray(few.reshape(units * count, -1))
    found = np.empty((units, units))
    for unit in range(units):
        near = cdist(flat[unit * count : (unit + 1) * count], flat[unit * count :])
        found[unit, unit:] = found[unit:, unit] = near.reshape(count, units - unit, count).mean(axis=(0, 2))
    return found


def common_samples(length: int, *, seed: int, points: int = POINTS) -> npt.NDArray[np.int64]:
    """(point,): samples at which all trajectories are looked at, one at random of each of so many equal stretches.

    The same for all, since trajectories that began together keep their phase for long: at times of their own they could be told apart.
    """
    edges = np.linspace(0, length, points + 1)
    draws = edges[:-1] + np.random.Generator(np.random.Philox(key=seed)).random(points) * np.diff(edges)
    return np.minimum(draws.astype(np.int64), length - 1)


def points_of(coordinates: FloatArray, rows: np.ndarray, *, first: int, last: int, seed: int, points: int = POINTS) -> FloatArray:
    """(trajectory, point, coordinate): samples at random between two of them, drawn for each trajectory by its number.

    The density of the draws is a smooth hump (a sum of three uniform numbers), so that where a period begins and ends within the stretch
    makes no difference.
    """
    found = np.empty((len(coordinates), points, coordinates.shape[2]))
    for place, row in enumerate(rows.tolist()):
        generator = np.random.Generator(np.random.Philox(key=[seed, row]))
        draws = first + (last - first) * generator.random((points, 3)).mean(axis=1)
        found[place] = coordinates[place, np.minimum(draws.astype(np.int64), last - 1)]
    return found
