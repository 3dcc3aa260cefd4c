"""How far a system's conserved quantities drift along its trajectories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray, combined_standard_error
from attractory.invariants.samples import Samples, Sampling, samples_of
from attractory.invariants.signals import require_samples, sampling_or

if TYPE_CHECKING:
    import xarray

METHOD = "largest change along a trajectory, over the deviation of the quantity at states put together at random"
SAMPLING = Sampling(trajectories=16, samples=2048)


def conserved_drift(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    system: System | str | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """The largest relative change of each conserved quantity (quantity,) along a trajectory, the mean over trajectories.

    The change from the first sample is in units of how much the quantity varies over states whose coordinates are drawn independently from
    the samples: a quantity that is zero by symmetry has a scale too.

    Args:
        source: a System, or trajectories as `samples_of` takes them.
        system: whose quantities these are, where the source is no System.
        sampling: of a System; None is 16 trajectories of 2,048 samples.
        dt: of an array, in time units.
    Returns:
        Estimate, the error between trajectories; settings has the names of the quantities, convergence has time (time,), drift
        (time, quantity), the mean over trajectories, and largest (quantity,), the largest of all.
    Raises:
        RequestError: no system is given, it declares no conserved quantity, one depends on time, or states have other variables.
    """
    started = time.perf_counter()
    system = system_of(source, system)
    if not system.conserved:
        message = f"{system.name} declares no conserved quantity; expected at least one under `conserved`."
        raise RequestError(message)
    samples = samples_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt)
    require_samples(samples.states.shape[1], 2)
    values = quantities(system, samples.states)
    drift = np.abs(values - values[:, :1]) / _scales(system, samples, seed)
    largest = drift.max(axis=1)
    settings = {
        "quantities": ", ".join(system.conserved),
        "trajectories": len(drift),
        "samples": drift.shape[1],
        "dt": samples.dt,
        "seed": seed,
    }
    convergence = {
        "time": samples.dt * np.arange(drift.shape[1]),
        "drift": drift.mean(axis=0),
        "largest": largest.max(axis=0),
    }
    seconds = time.perf_counter() - started
    error = combined_standard_error(largest[:, None])
    return Estimate(largest.mean(axis=0), error, METHOD, settings, seconds, convergence)


def system_of(source: object, system: System | str | None) -> System:
    """The source where it is a System, else the one given.

    Raises: RequestError where there is none, or there are two.
    """
    if isinstance(source, System | str):
        if system is not None:
            message = "the source is a System and system= is given too; expected one of them."
            raise RequestError(message)
        return as_system(source)
    if system is None:
        message = "the source is trajectories; expected their system as system=."
        raise RequestError(message)
    return as_system(system)


def quantities(system: System, states: FloatArray) -> FloatArray:
    """Conserved quantities (trajectory, time, quantity). Raises RequestError where one depends on time."""
    flat = states.reshape(-1, states.shape[2])
    values = system.conserved_quantities(flat)
    later = system.conserved_quantities(flat[:1], t=0.7316)  # a time that is no period of anything
    for name, now in values.items():
        if now[0] != later[name][0] and np.isfinite(now[0]):
            message = f"{system.name}: {name} depends on time, and samples do not say when they began; expected a quantity of the state."
            raise RequestError(message)
    return np.stack(list(values.values()), axis=1).reshape(*states.shape[:2], -1)


def _scales(system: System, samples: Samples, seed: int) -> FloatArray:
    """Deviation (quantity,) of each quantity over states whose coordinates are put together at random, where it is finite."""
    draw = np.random.Generator(np.random.Philox(key=seed))
    flat = samples.states.reshape(-1, samples.states.shape[2])
    mixed = np.stack([column[draw.permutation(len(column))] for column in flat.T], axis=1)
    with np.errstate(all="ignore"):
        values = quantities(system, mixed[None])[0]
    scales = np.array([_spread(column[np.isfinite(column)]) for column in values.T])
    if (scales == 0.0).any():
        name = list(system.conserved)[int(np.argmin(scales))]
        message = f"{system.name}: {name} has one value at any states put together from the samples; expected trajectories that move."
        raise RequestError(message)
    return scales


def _spread(values: FloatArray) -> float:
    return float(values.std()) if values.size else 0.0
