"""How far the invariant measure is from its image under each symmetry of the equations."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.conserved_drift import system_of
from attractory.invariants.estimate import Estimate, FloatArray
from attractory.invariants.samples import Samples, Sampling, samples_of
from attractory.invariants.signals import require, require_samples, sampling_or

if TYPE_CHECKING:
    import xarray

METHOD = "energy distance (Székely and Rizzo 2013, doi:10.1016/j.jspi.2013.03.018) over pairs of different trajectories, normalised"
SAMPLING = Sampling(trajectories=64, samples=2048)
_FEWEST = 4


def symmetry_residual(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    system: System | str | None = None,
    points: int = 32,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """The distance (symmetry,) between the measure and its image: 0 where they are the same, 1 where they are far apart.

    It is 1 - (E|X - X'| + E|Y - Y'|) / (2 E|X - Y|), with X, X' of the measure and Y, Y' of its image. Pairs are taken between different
    trajectories, so it has no bias from the points being few, and may be negative by chance.

    Args:
        source: a System, or trajectories as `samples_of` takes them; at least 4 of them, started independently.
        system: whose symmetries these are, where the source is no System.
        points: of each trajectory, at equal times.
        sampling: of a System; None is 64 trajectories of 2,048 samples.
        dt: of an array, in time units.
    Returns:
        Estimate, the error by leaving out one trajectory at a time. Distances are taken with coordinates in units of their deviation, an
        angle as the two coordinates of its point on a circle. convergence has trajectories (n,) and residual (n, symmetry), of the first
        trajectories alone.
    Raises:
        RequestError: no system is given, it declares no symmetry, or there are fewer than 4 trajectories.
    """
    started = time.perf_counter()
    system = system_of(source, system)
    if not system.symmetries:
        message = f"{system.name} declares no symmetry; expected at least one under `symmetries`."
        raise RequestError(message)
    require("points", points, low=1)
    samples = samples_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt)
    trajectories, length, _ = samples.states.shape
    require_samples(length, points)
    if trajectories < _FEWEST:
        message = f"{trajectories} trajectories; expected at least {_FEWEST}, started independently."
        raise RequestError(message)
    chosen = samples.states[:, np.linspace(0, length - 1, points).astype(np.int64)]
    distances = [mean_distances(*clouds) for clouds in _with_images(system, replace(samples, states=chosen))]
    counts = np.unique(np.geomspace(_FEWEST, trajectories, 12).astype(np.int64))
    settings = {"symmetries": len(distances), "trajectories": trajectories, "points": points, "dt": samples.dt, "seed": seed}
    convergence = {
        "trajectories": counts.astype(np.float64),
        "residual": np.array([[residual(one[:, :count, :count]) for one in distances] for count in counts]),
    }
    value = np.array([residual(one) for one in distances])
    error = np.array([_standard_error(one) for one in distances])
    return Estimate(value, error, METHOD, settings, time.perf_counter() - started, convergence)


def _with_images(system: System, samples: Samples) -> list[tuple[FloatArray, FloatArray]]:
    """The points (trajectory, point, coordinate) and their images under each symmetry, in units of the points' deviations."""
    flat = samples.states.reshape(-1, samples.states.shape[2])
    images = [image.reshape(samples.states.shape) for image in system.symmetry_images(flat)]
    points = samples.embedded()
    scale = points.std(axis=(0, 1))
    scale[scale == 0.0] = 1.0
    return [(points / scale, replace(samples, states=image).embedded() / scale) for image in images]


def mean_distances(points: FloatArray, images: FloatArray) -> FloatArray:
    """Mean distance (3, trajectory, trajectory) from points to points, from images to images and from points to images."""
    pairs = ((points, points), (images, images), (points, images))
    return np.stack([_between(here, there) for here, there in pairs])


def _between(here: FloatArray, there: FloatArray) -> FloatArray:
    trajectories, points, coordinates = there.shape
    flat = there.reshape(-1, coordinates)
    rows = [cdist(own, flat).reshape(points, trajectories, points).mean(axis=(0, 2)) for own in here]
    return np.stack(rows)


def residual(distances: FloatArray) -> float:
    """Normalised energy distance of mean distances (3, trajectory, trajectory), the diagonal left out."""
    count = distances.shape[1]
    apart = ~np.eye(count, dtype=bool)
    points, images, across = (float(part[apart].mean()) for part in distances)
    return 1.0 - (points + images) / (2.0 * across)


def _standard_error(distances: FloatArray) -> float:
    """By the jackknife over trajectories."""
    count = distances.shape[1]
    rest = [np.delete(np.arange(count), one) for one in range(count)]
    values = np.array([residual(distances[:, kept][:, :, kept]) for kept in rest])
    return float(np.sqrt((count - 1) * np.mean((values - values.mean()) ** 2)))
