"""The leading exponent along the stored samples: how the running mean of a tangent vector's growth settles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.errors import AttractoryError
from attractory.expressions.definition import SWITCHES
from attractory.expressions.system import System
from attractory.stages.report.sample import Sample
from attractory.stages.validate.stored import StoredSystem
from attractory.stages.validate.tangents_along import tangent_maps

Float = NDArray[np.float64]

POINTS = 80  # of the curve
_MOST_ENTRIES = 2**20  # of the propagators that are held together: 8 MB
_MOST_DIMENSIONS = 16
_MOST_STEPS = 24  # within one interval of samples; a stiff system would need more
_STEP = 1.0  # by the norm of the Jacobian: well within where the fourth order of Runge and Kutta is stable
_MOST_ITERATES = 64  # between two samples of a map


@dataclass(frozen=True)
class Growth:
    """time (point,), and by it the mean rate over trajectories and its standard error between them; 0 where there is one."""

    time: Float
    rate: Float
    error: Float
    trajectories: int


def growth(stored: StoredSystem, found: Sample) -> Growth | str:
    """The rates at which tangent vectors grow that are carried along the samples by the stated equations; or why there are none.

    Each interval begins anew at its stored sample, so that what is followed is what is stored.
    """
    if without := _not_followed(stored, found):
        return without
    with np.errstate(all="ignore"):
        try:
            logarithms = _logarithms(stored, found)
        except AttractoryError as reason:
            return str(reason)
    if isinstance(logarithms, str):
        return logarithms
    if not np.isfinite(logarithms).all():
        return "a tangent vector left what doubles hold"
    total = np.cumsum(logarithms, axis=1) / (found.dt * np.arange(1, logarithms.shape[1] + 1))
    places = np.unique(np.geomspace(2, total.shape[1], POINTS).astype(np.int64)) - 1
    count = len(total)
    error = total[:, places].std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.zeros(len(places))
    time, rate, spread = (np.asarray(column, np.float64) for column in (found.dt * (places + 1.0), total[:, places].mean(axis=0), error))
    return Growth(time, rate, spread, count)


def _not_followed(stored: StoredSystem, found: Sample) -> str:
    """Why a tangent vector is not carried along; nothing where it is."""
    if not found.is_regular:
        return "samples lie at times of their own"
    if stored.record.kind not in ("flow", "map"):
        return f"a tangent vector of a {stored.record.kind} system needs more than its states"
    if stored.system.dimension > _MOST_DIMENSIONS:
        return f"of more than {_MOST_DIMENSIONS} variables none is drawn"
    if stored.record.kind == "flow" and SWITCHES & {node.op for node in stored.system.definition.graph.nodes}:
        return "the equations switch: a tangent vector jumps with them"
    if stored.record.kind == "map" and found.dt > _MOST_ITERATES:
        return f"more than {_MOST_ITERATES} iterates lie between two samples"
    return ""


def _logarithms(stored: StoredSystem, found: Sample) -> Float | str:
    """Growth (trajectory, interval) of a vector that is brought back to length 1 at each sample."""
    dimension = stored.system.dimension
    intervals = min(found.states.shape[1] - 1, max(1, _MOST_ENTRIES // (len(found.rows) * dimension**2)))
    vectors = np.full((len(found.rows), dimension), dimension**-0.5)
    propagators = []
    for place, row in enumerate(found.rows):
        made = _propagators(stored, stored.system_of(row), found.states[place, :intervals], row, found.dt)
        if isinstance(made, str):
            return made
        propagators.append(made)
    carried = np.stack(propagators, axis=1)  # (interval, trajectory, …): read one interval after the other
    logarithms = np.empty((len(found.rows), intervals))
    for interval in range(intervals):
        vectors = (carried[interval] @ vectors[:, :, None])[:, :, 0]
        length = np.sqrt((vectors * vectors).sum(axis=1))
        logarithms[:, interval] = np.log(length)
        vectors /= length[:, None]
    return logarithms


def _propagators(stored: StoredSystem, system: System, states: Float, row: int, dt: float) -> Float | str:
    """(interval, variable, variable) from each sample to the next, or why there are none."""
    times: Float = np.asarray(float(stored.start_time[row]) + dt * np.arange(len(states)), np.float64)
    steps = 1 if system.kind == "map" else _steps(system, states, times, dt)
    return tangent_maps(system, states, times, dt, steps=steps) if steps else "stiff: a tangent vector would need very small steps"


def _steps(system: System, states: Float, times: Float, dt: float) -> int:
    """How many steps of the method are stable within one interval; 0 where they would be too many."""
    size = float(np.quantile(np.abs(system.jacobian(states, times)).sum(axis=2).max(axis=1), 0.999))
    steps = size * dt / _STEP
    return max(1, int(np.ceil(steps))) if steps <= _MOST_STEPS else 0
