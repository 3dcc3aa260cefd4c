"""What every dimension from trajectories says of how it was made."""

from __future__ import annotations

import numpy as np

from attractory.invariants.estimate import FloatArray, Setting
from attractory.invariants.point_cloud import PointCloud, cloud_settings
from attractory.invariants.scaling_region import ScalingCurve, ScalingRegion


def dimension_settings(cloud: PointCloud, curve: ScalingCurve, region: ScalingRegion, seed: int) -> dict[str, Setting]:
    """The points, the range of radii with the smallest error, the slope there before it is continued to zero radius, and the parts of
    the error."""
    return {
        **cloud_settings(cloud),
        "shortest_radius": float(np.exp(curve.log_radius[region.first])),
        "longest_radius": float(np.exp(curve.log_radius[region.last])),
        "plain_slope": region.plain_slope,
        "fit_error": region.fit_error,
        "resampling_error": region.resampling_error,
        "seed": seed,
    }


def local_slopes(curve: ScalingCurve) -> tuple[FloatArray, FloatArray]:
    """Radii, and the slope of the curve over about an octave around each."""
    radius, mass = curve.log_radius, curve.log_mass
    first = np.arange(len(radius))
    last = np.searchsorted(radius, radius + 0.99 * np.log(2.0))
    some = last < len(radius)
    first, last = first[some], last[some]
    middle: FloatArray = np.exp(0.5 * (radius[first] + radius[last]))
    slope: FloatArray = (mass[last] - mass[first]) / (radius[last] - radius[first])
    return middle, slope
