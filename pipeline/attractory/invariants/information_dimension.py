"""The information dimension, from trajectories."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree
from scipy.special import digamma

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.correlation_sum import evenly
from attractory.invariants.dimension_settings import dimension_settings, local_slopes
from attractory.invariants.estimate import Estimate, FloatArray
from attractory.invariants.pair_counts import processors
from attractory.invariants.point_cloud import DelayCoordinates, IntArray, PointCloud, point_cloud
from attractory.invariants.samples import Sampling
from attractory.invariants.scaling_region import ScalingCurve, scaling_region

if TYPE_CHECKING:
    import xarray

METHOD = (
    "fixed mass, mean logarithm of distances to neighbours (Badii and Politi, J. Stat. Phys. 40, 725 (1985)) with Grassberger's digamma"
)
# Which neighbours: among all points from the nearest on; from the fourth to the 32nd the mass grows eightfold, which is one thinning.
_NEAREST = np.array([1, 2])
_NEIGHBOURS = np.array([4, 6, 8, 11, 16, 23, 32])
_THINNING = 8
# Points whose neighbours are sought, in up to eight coordinates; in more, where a tree has to look at nearly every point, fewer.
_MOST_CENTRES, _FEWEST_CENTRES, _CHEAP = 4096, 512, 8
_LARGEST_MASS = 0.1
# Nearer than this, in deviations, is taken for the same point: repeated states of a periodic orbit have no finite logarithm.
_SAME = 1e-12


@dataclass(frozen=True)
class Level:
    """Mean log distances (block, neighbour) and log masses (neighbour,) among one thinning of the points."""

    log_radius: FloatArray
    log_mass: FloatArray


def information_dimension(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    delays: DelayCoordinates | None = None,
    window: int | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """D1: how the mass around a typical point grows with the radius.

    The arguments are those of `correlation_dimension`.

    Returns:
        Estimate of one number; convergence has radius (geometric means), mass, slope_radius, local_slope.
    Raises:
        RequestError: what `point_cloud` refuses, or too few points for two pieces of an octave and a factor of four in mass.
    """
    started = time.perf_counter()
    cloud = point_cloud(source, delays=delays, window=window, sampling=sampling, dt=dt, seed=seed)
    points, coordinates = cloud.points.shape
    centres = evenly(cloud, min(points, max(_MOST_CENTRES * _CHEAP**2 // max(coordinates, _CHEAP) ** 2, _FEWEST_CENTRES)))
    curve = _curve(_levels(cloud, centres), np.bincount(cloud.blocks[centres]))
    if curve.log_radius[-1] < np.log(2.0 * _SAME):
        message = "most points coincide with others; expected points that differ (a periodic orbit of a map has dimension 0)"
        raise RequestError(message)
    region = scaling_region(curve)
    settings = {**dimension_settings(cloud, curve, region, seed), "centres": len(centres)}
    middle, slope = local_slopes(curve)
    convergence = {"radius": np.exp(curve.log_radius), "mass": np.exp(curve.log_mass), "slope_radius": middle, "local_slope": slope}
    seconds = time.perf_counter() - started
    return Estimate(np.array(region.slope), np.array(region.standard_error), METHOD, settings, seconds, convergence)


def _levels(cloud: PointCloud, centres: IntArray) -> list[Level]:
    """All points, every eighth, every 64th …, as long as neighbours have no more than a tenth of the mass and trajectories
    have so many points."""
    levels: list[Level] = []
    block = cloud.blocks[centres]
    stride = 1
    while True:
        available = cloud.partners(centres, stride)
        neighbours = _NEIGHBOURS if levels else np.concatenate([_NEAREST, _NEIGHBOURS])
        neighbours = neighbours[neighbours <= _LARGEST_MASS * available.min()]
        if len(neighbours) < 2 and not levels:
            message = f"window={cloud.window} leaves {int(available.min())} partners of some point; expected more: give more samples"
            raise RequestError(message)
        if len(neighbours) < 2 or stride >= cloud.length:
            return levels
        log_distance = np.log(np.maximum(neighbour_distances(cloud, centres, stride, neighbours), _SAME))
        sums: FloatArray = np.stack([np.bincount(block, weights=column) for column in log_distance.T], axis=1)
        # The mean logarithm of the mass within the k-th of n random points.
        levels.append(Level(sums, digamma(neighbours) - float(digamma(available + 1.0).mean())))
        stride *= _THINNING


def neighbour_distances(cloud: PointCloud, centres: IntArray, stride: int, neighbours: IntArray) -> FloatArray:
    """Distances (centre, neighbour) to the nearest, second nearest … of every `stride`-th point of each trajectory, as `neighbours`
    numbers them, among those that are pairs with the centre."""
    kept = np.flatnonzero(np.arange(len(cloud.points)) % cloud.length % stride == 0)
    tree = cKDTree(cloud.points[kept])
    # So many more are asked for as may lie within the window.
    asked = min(int(neighbours[-1]) + 2 * cloud.window // stride + 1, len(kept))
    stamps, found = cloud.stamps, []
    for part in np.array_split(centres, max(len(centres) // 256, 1)):
        distance, place = tree.query(cloud.points[part], k=asked, workers=processors())
        apart = np.abs(stamps[kept][place] - stamps[part][:, None]) > cloud.window
        rank = np.cumsum(apart, axis=1) * apart
        found.append(np.stack([distance[np.arange(len(part)), np.argmax(rank == number, axis=1)] for number in neighbours], axis=1))
    return np.concatenate(found)


def _curve(levels: list[Level], centres: IntArray) -> ScalingCurve:
    """One curve: where a level ends the next begins, with the same mass but for the window's; each goes on from the one before."""
    blocks = len(centres)
    radius = [level.log_radius.sum(axis=0) / centres.sum() for level in levels]
    left = (centres.sum() - centres)[:, None]
    without = [(level.log_radius.sum(axis=0) - level.log_radius) / left for level in levels]
    mass = [level.log_mass for level in levels]
    for number in range(1, len(levels)):
        shift = radius[number - 1][-1] - radius[number][0]
        radius[number] = (radius[number] + shift)[1:]
        without[number] = (without[number] + (without[number - 1][:, -1] - without[number][:, 0])[:, None])[:, 1:]
        mass[number] = (mass[number] + mass[number - 1][-1] - mass[number][0])[1:]
    log_mass = np.concatenate(mass)
    return ScalingCurve(
        np.concatenate(radius), log_mass, np.concatenate(without, axis=1), np.broadcast_to(log_mass, (blocks, len(log_mass)))
    )
