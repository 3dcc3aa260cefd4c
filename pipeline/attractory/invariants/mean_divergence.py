"""The mean rate at which volumes of state space grow: what the Lyapunov exponents must add up to."""

from __future__ import annotations

import time

import numpy as np

from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.integrate import Engine, SampleGrid, default_transient, integrate_ensemble
from attractory.invariants.ensemble import TRANSIENT_TIME, draw_ensemble
from attractory.invariants.estimate import Estimate, FloatArray, combined_standard_error
from attractory.layout import Status

METHOD = "mean of the divergence (flows) or of log |det J| (maps) along trajectories"
_BLOCKS = 8


def mean_divergence(
    system: System | str, *, seed: int = 0, trajectories: int = 64, samples: int = 4096, tolerance: float = 1e-9
) -> Estimate:
    """Mean divergence of a flow, or mean log |det J| of a map, per time unit.

    Args:
        samples: of each trajectory, a fiftieth of the period apart (0.02 without one), an iterate for a map.
    """
    started = time.perf_counter()
    system = as_system(system)
    dt = float(1.0 if system.kind == "map" else (system.period or 1.0) / 50.0)
    ensemble = draw_ensemble(system, trajectories, seed=seed, transient=default_transient(system, TRANSIENT_TIME), tolerance=tolerance)
    grids = [SampleGrid(dt=dt, samples=samples)]
    run = integrate_ensemble(system.definition, ensemble, grids=grids, engine=Engine(tolerance=tolerance))
    times = ensemble.start_time[:, None] + dt * np.arange(samples)
    good = run.status == Status.OK
    rates = _rates(system, run.states[0][good], times[good])
    blocks = np.stack([part.mean(axis=1) for part in np.array_split(rates, _BLOCKS, axis=1)], axis=1)
    settings = {"trajectories": len(rates), "duration": dt * samples, "tolerance": tolerance, "seed": seed}
    seconds = time.perf_counter() - started
    return Estimate(np.asarray(rates.mean()), np.asarray(combined_standard_error(blocks)), METHOD, settings, seconds)


def _rates(system: System, states: FloatArray, times: FloatArray) -> FloatArray:
    """Rate of volume growth at each state: (trajectory, time)."""
    rows, steps, variables = states.shape
    points, at = states.reshape(rows * steps, variables), times.ravel()
    if system.kind == "map":
        # A singular Jacobian is kept finite, as in `lyapunov_spectrum`.
        determinants = np.abs(np.linalg.det(system.jacobian(points, t=at)))
        rates = np.log(np.maximum(determinants, np.finfo(np.float64).tiny))
    else:
        rates = system.divergence(points, t=at)
    return np.asarray(rates, dtype=np.float64).reshape(rows, steps)
