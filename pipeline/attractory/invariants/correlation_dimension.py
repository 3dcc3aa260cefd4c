"""The correlation dimension, from trajectories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.correlation_sum import CorrelationSum, correlation_sum
from attractory.invariants.dimension_settings import dimension_settings, local_slopes
from attractory.invariants.estimate import Estimate, FloatArray
from attractory.invariants.point_cloud import DelayCoordinates, point_cloud
from attractory.invariants.samples import Sampling
from attractory.invariants.scaling_region import ScalingCurve, ScalingRegion, scaling_region

if TYPE_CHECKING:
    import xarray

METHOD = "correlation sum (Grassberger and Procaccia, Physica D 9, 189 (1983)), pairs of one orbit's window left out (Theiler 1986)"
# Radii below which there are fewer pairs are left out: their logarithm is biased, and their blocks say nothing about its error.
_FEWEST_PAIRS = 500
# Radii within which more of all pairs lie feel the attractor's size.
_LARGEST_MASS = 0.05


def correlation_dimension(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    delays: DelayCoordinates | None = None,
    window: int | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """D2: how the number of pairs of points grows with their largest distance.

    Args:
        source: as `samples_of` takes it; each coordinate is measured in units of its own deviation.
        delays: delay coordinates of one variable in place of the state.
        window: samples within which two points of one trajectory are no pair; None is a period or, where that is longer or unknown, the
            time after which no coordinate's autocorrelation exceeds 1/e.
        sampling: of a System; None is 32 trajectories of 4,096 points.
        dt: of an array, in time units.
    Returns:
        Estimate of one number, the slope of the correlation sum as continued to zero radius. standard_error joins the fit's, in which is
        how sure that continuation is, and that of blocks left out (see `scaling_region`). settings has the range of radii, the slope
        there before it is continued, the window and Takens' estimate up to the longest of these radii, as a check; convergence has
        radius, correlation_sum, pairs, slope_radius, local_slope.
    Raises:
        RequestError: what `point_cloud` refuses, or too few pairs for two pieces of an octave and a factor of four in mass.
    """
    started = time.perf_counter()
    cloud = point_cloud(source, delays=delays, window=window, sampling=sampling, dt=dt, seed=seed)
    sums = correlation_sum(cloud)
    usable = _usable(sums)
    region = scaling_region(usable)
    settings = {
        **dimension_settings(cloud, usable, region, seed),
        "takens": takens_estimate(sums, float(usable.log_radius[region.last]), region),
    }
    seconds = time.perf_counter() - started
    return Estimate(np.array(region.slope), np.array(region.standard_error), METHOD, settings, seconds, _convergence(sums))


def takens_estimate(sums: CorrelationSum, log_radius: float, region: ScalingRegion) -> float:
    """Takens' maximum-likelihood estimate from the pairs nearer than a radius.

    It is C(r) over the integral of C(s)/s from 0 to r, which is the inverse of the mean of log(r/s) over pairs. Between two radii C is
    taken as a power of the radius, and below the shortest with the region's exponent.

    Source: Takens, Lecture Notes in Mathematics 1125, 99 (1985).
    """
    inside = sums.curve.log_radius <= log_radius + 1e-9
    radius, mass = sums.curve.log_radius[inside], sums.curve.log_mass[inside]
    rises = np.diff(mass)
    flat = rises < 1e-12
    powers = np.where(flat, 1.0, rises) / np.diff(radius)
    parts = np.where(flat, np.exp(mass[1:]) * np.diff(radius), np.diff(np.exp(mass)) / powers)
    below = np.exp(mass[0]) / max(region.slope, 1e-3)
    return float(np.exp(mass[-1]) / (parts.sum() + below))


def _usable(sums: CorrelationSum) -> ScalingCurve:
    """The radii with pairs enough and not too many."""
    if sums.curve.log_mass[0] > np.log(_LARGEST_MASS):
        share = float(np.exp(sums.curve.log_mass[0]))
        message = f"{share:.0%} of the pairs coincide; expected points that differ (a periodic orbit of a map has dimension 0)"
        raise RequestError(message)
    fitting = np.flatnonzero((sums.pairs >= _FEWEST_PAIRS) & (sums.curve.log_mass <= np.log(_LARGEST_MASS)))
    if fitting.size == 0:
        return sums.curve.part(0, 0)
    return sums.curve.part(int(fitting[0]), int(fitting[-1]))


def _convergence(sums: CorrelationSum) -> dict[str, FloatArray]:
    middle, slope = local_slopes(sums.curve)
    return {
        "radius": np.exp(sums.curve.log_radius),
        "correlation_sum": np.exp(sums.curve.log_mass),
        "pairs": sums.pairs,
        "slope_radius": middle,
        "local_slope": slope,
    }
