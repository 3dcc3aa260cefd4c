"""The largest Lyapunov exponent from trajectories alone: how fast neighbours part."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray, Setting
from attractory.invariants.exponential_range import ExponentialRange, exponential_range, local_rates
from attractory.invariants.neighbour_curves import RANKS, NeighbourCurves, NeighbourPairs, neighbour_curves, turn_of
from attractory.invariants.point_cloud import PointCloud, cloud_settings, point_cloud
from attractory.invariants.samples import Sampling, is_dataset
from attractory.invariants.signals import too_fine

if TYPE_CHECKING:
    import xarray

METHODS = {
    "rosenstein": "mean log distance to the nearest neighbour (Rosenstein, Collins and De Luca, Physica D 65, 117 (1993))",
    "kantz": "mean of the log of the mean distance to the neighbours within a radius (Kantz, Physics Letters A 185, 77 (1994))",
}
_TRAJECTORIES, _ITERATES, _SAMPLES = 16, 4096, 16384
_SAMPLES_PER_PERIOD = 25


def largest_exponent_from_data(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    algorithm: str = "rosenstein",
    pairs: NeighbourPairs | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """The rate at which the distance of neighbours grows, in 1 / time unit (maps: 1 / iterate).

    `settings["exponential"]` says whether it does grow exponentially, by a rule: the distance grows by a factor of e or more while pairs
    that began farther apart stay so by the same factor, and the rate is above zero by five standard errors. Regular motion has a rate of
    about zero and False. Noise has no such range at all: the value is then the slope of the first sample, its standard error infinite,
    and `exponential` False.

    Args:
        source: as `samples_of` takes it; each coordinate is measured in units of its own deviation, distances are Euclid's.
        algorithm: "rosenstein" (the nearest neighbour of each point) or "kantz" (all within a radius, 16 of them at most).
        pairs: delay coordinates, Theiler's window, which neighbours.
        sampling: of a System; None is 16 trajectories, of a flow 16,384 samples, 25 a period, of a map 4,096 iterates.
        dt: of an array, in time units.
    Returns:
        Estimate of one number; the rule of the range and the parts of the error: `exponential_range`. convergence has time,
        log_distance, far_log_distance, kept, far_apart, all (sample,), and rate_time, local_rate, the slope over a turn.
    Raises:
        RequestError: what `point_cloud` refuses (a delay system without delay coordinates, too few points), or too few neighbours.
    """
    started = time.perf_counter()
    pairs = pairs or NeighbourPairs()
    _refuse(algorithm, pairs)
    cloud = point_cloud(
        source, delays=pairs.delays, window=pairs.window, sampling=sampling or _default_sampling(source, seed), dt=dt, seed=seed
    )
    across = _is_fine(source, cloud) if pairs.across is None else pairs.across
    if across and pairs.window is None and not _has_period(source):
        cloud = replace(cloud, window=max(cloud.window, turn_of(cloud)))
    curves = neighbour_curves(cloud, pairs, algorithm=algorithm, across=across, seed=seed)
    found = exponential_range(curves)
    settings: dict[str, Setting] = {
        **cloud_settings(cloud),
        "algorithm": algorithm,
        "across": across,
        "least_distance": pairs.least_distance,
        "pairs_followed": curves.points,
        **_range_settings(found, cloud.dt),
        "seed": seed,
    }
    value, error = np.array(found.rate / cloud.dt), np.array(found.standard_error / cloud.dt)
    return Estimate(value, error, METHODS[algorithm], settings, time.perf_counter() - started, _convergence(curves, cloud.dt))


def _refuse(algorithm: str, pairs: NeighbourPairs) -> None:
    """Raises RequestError where a setting is out of its range."""
    if algorithm not in RANKS:
        message = f"algorithm={algorithm!r}; expected one of {', '.join(RANKS)}."
        raise RequestError(message)
    if not pairs.least_distance > 0.0:
        message = f"least_distance={pairs.least_distance:g}; expected a number above 0, in deviations of a coordinate."
        raise RequestError(message)
    if pairs.references < 64:
        message = f"references={pairs.references}; expected at least 64."
        raise RequestError(message)


def _is_fine(source: System | str | ArrayLike | xarray.Dataset, cloud: PointCloud) -> bool:
    """Whether samples are so close together that they show where the motion goes."""
    return too_fine(source, cloud.points.reshape(cloud.trajectories, cloud.length, -1))


def _has_period(source: System | str | ArrayLike | xarray.Dataset) -> bool:
    """Whether the window of the source's points is a period that is known."""
    if isinstance(source, System | str):
        return as_system(source).period is not None
    return is_dataset(source) and source.attrs.get("period") is not None


def _default_sampling(source: System | str | ArrayLike | xarray.Dataset, seed: int) -> Sampling | None:
    if not isinstance(source, System | str):
        return None
    system = as_system(source)
    if system.kind == "map":
        return Sampling(_TRAJECTORIES, _ITERATES, seed=seed)
    return Sampling(_TRAJECTORIES, _SAMPLES, dt=(system.period or 1.0) / _SAMPLES_PER_PERIOD, seed=seed)


def _range_settings(found: ExponentialRange, dt: float) -> dict[str, Setting]:
    return {
        "exponential": found.is_clear,
        "range_begins": found.first * dt,
        "range_ends": found.last * dt,
        "rise": found.rise,
        "fit_error": found.fit_error / dt,
        "resampling_error": found.resampling_error / dt,
        "saturation_error": found.saturation_error / dt,
    }


def _convergence(curves: NeighbourCurves, dt: float) -> dict[str, FloatArray]:
    rates = local_rates(curves)
    times: FloatArray = np.asarray(dt * np.arange(len(curves.log_distance)), np.float64)
    return {
        "time": times,
        "log_distance": curves.log_distance,
        "far_log_distance": curves.far_log_distance,
        "kept": curves.kept,
        "far_apart": curves.far_apart,
        "rate_time": np.asarray(times[: len(rates)] + 0.5 * curves.turn * dt, np.float64),
        "local_rate": rates / dt,
    }
