"""The mean rate at which volumes of state space grow: what the Lyapunov exponents must add up to."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from attractory.errors import IntegrationError, RequestError
from attractory.expressions.doors import as_system
from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, default_transient, integrate_ensemble
from attractory.invariants.ensemble import TRANSIENT_TIME, draw_ensemble
from attractory.invariants.estimate import Estimate, FloatArray, Setting, combined_standard_error
from attractory.invariants.growth_rates import ROUND, Effort, Measurement, rate_error
from attractory.invariants.lyapunov_spectrum import measure_growth
from attractory.layout import Status

METHOD = "mean of the divergence (flows) or of log |det J| (maps) along trajectories"
JUMP_METHOD = (
    "mean growth of the volume of as many tangent vectors as variables, carried through jumps of the equations by the jump condition"
)
_BLOCKS = 8
# What may jump with the state. A `where` or a `mod` that turns out not to is measured as if it did, which costs time and changes nothing.
_JUMPS = frozenset({"sign", "heaviside", "floor", "mod", "where"})
_LARGEST_THAT_JUMPS = 64  # variables, as many tangent vectors are carried
_NUMBERS_TOGETHER = 2**20  # doubles of states, or of a map's Jacobians, that are held at a time


def mean_divergence(
    system: System | str, *, seed: int = 0, trajectories: int = 64, samples: int = 4096, tolerance: float = 1e-9
) -> Estimate:
    """Mean divergence of a flow, or mean log |det J| of a map, per time unit: the sum of all Lyapunov exponents.

    Where the equations of a flow jump, a volume changes at once by |det S| = |dh/dt behind / dh/dt before| of the switch's function h, S
    being the saltation matrix. The divergence between the jumps does not have it, so volumes themselves are followed there.

    Args:
        samples: of each trajectory, a fiftieth of the period apart (0.02 without one), an iterate for a map.
    Returns:
        Estimate with a single value; convergence: time (point,), running (point,), the mean up to a time, and growth (trajectory, block).
    Raises:
        RequestError: a delay system; fewer than two trajectories or sixteen samples; a flow that jumps and has over 64 variables.
        IntegrationError: no trajectory stayed on the attractor.
    Source: Mueller, Chaos, Solitons & Fractals 5, 1671 (1995) for the jump condition.
    """
    started = time.perf_counter()
    system = as_system(system)
    _refuse(system, trajectories, samples)
    dt = float(1.0 if system.kind == "map" else (system.period or 1.0) / 50.0)
    if jumps(system):
        rates, dt = _volumes(system, Effort(trajectories, budget=dt * samples, tolerance=tolerance), seed)
        error, method = np.asarray(rate_error(_in_blocks(rates)[:, :, None])[0]), JUMP_METHOD
    else:
        rates = _along(system, (trajectories, samples, dt), seed=seed, tolerance=tolerance)
        error, method = np.asarray(combined_standard_error(_in_blocks(rates))), METHOD
    settings: dict[str, Setting] = {"trajectories": len(rates), "duration": dt * rates.shape[1], "tolerance": tolerance, "seed": seed}
    seconds = time.perf_counter() - started
    return Estimate(np.asarray(rates.mean()), error, method, settings, seconds, _convergence(rates, dt))


def jumps(system: System) -> bool:
    """Whether the right-hand side of a flow may jump."""
    return system.kind == "flow" and any(node.op in _JUMPS for node in system.definition.graph.nodes)


def _refuse(system: System, trajectories: int, samples: int) -> None:
    if system.kind == "delay":
        message = f"{system.name} is a delay system: volumes in a space of functions have no divergence; expected a flow or a map."
        raise RequestError(message)
    if trajectories < 2 or samples < 2 * _BLOCKS:
        message = f"trajectories={trajectories}, samples={samples}: expected at least 2 and {2 * _BLOCKS}, for a standard error."
        raise RequestError(message)
    if jumps(system) and system.dimension > _LARGEST_THAT_JUMPS:
        message = (
            f"{system.name} jumps and has {system.dimension} variables: expected at most {_LARGEST_THAT_JUMPS}, whose volume is followed."
        )
        raise RequestError(message)


def _in_blocks(rates: FloatArray) -> FloatArray:
    return np.stack([part.mean(axis=1) for part in np.array_split(rates, _BLOCKS, axis=1)], axis=1)


def _convergence(rates: FloatArray, dt: float) -> dict[str, FloatArray]:
    running: FloatArray = np.cumsum(rates.mean(axis=0)) / np.arange(1, rates.shape[1] + 1)
    chosen = np.unique(np.linspace(0, len(running) - 1, min(len(running), 256)).round().astype(np.int64))
    times = np.asarray((chosen + 1.0) * dt, np.float64)
    return {"time": times, "running": running[chosen], "growth": _in_blocks(rates)}


def _volumes(system: System, effort: Effort, seed: int) -> tuple[FloatArray, float]:
    """(mean rates of volume growth (trajectory, round), the time of a round)."""
    measurement: Measurement = measure_growth(system, system.dimension, seed=seed, enough=lambda _: False, effort=effort)
    return measurement.settled.sum(axis=2), measurement.interval * ROUND


def _along(system: System, sizes: tuple[int, int, float], *, seed: int, tolerance: float) -> FloatArray:
    """Rates of volume growth (trajectory, time) between jumps, for sizes = (trajectories, samples, dt), of the trajectories that last."""
    trajectories, samples, dt = sizes
    ensemble = draw_ensemble(system, trajectories, seed=seed, transient=default_transient(system, TRANSIENT_TIME), tolerance=tolerance)
    parts: list[FloatArray] = []
    numbers = system.dimension ** (2 if system.kind == "map" else 1)  # whose whole Jacobian is formed
    for count in _parts(samples, trajectories * numbers):
        states, good, ensemble = _later(system, ensemble, SampleGrid(dt=dt, samples=count + 1), Engine(tolerance=tolerance))
        times = ensemble.start_time[:, None] + dt * np.arange(-count, 0)
        parts = [part[good] for part in parts]
        parts.append(_rates(system, np.ascontiguousarray(states[:, :-1]), times))
    return np.concatenate(parts, axis=1)


def _parts(samples: int, numbers: int) -> Iterator[int]:
    """Samples a part, so that one part of all trajectories, `numbers` for a sample, stays small."""
    most = max(_NUMBERS_TOGETHER // numbers, 1)
    for first in range(0, samples, most):
        yield min(most, samples - first)


def _later(system: System, ensemble: Ensemble, grid: SampleGrid, engine: Engine) -> tuple[FloatArray, npt.NDArray[np.intp], Ensemble]:
    """(states (trajectory, time, variable), which trajectories lasted, these at the last time), of those that lasted.

    Raises: IntegrationError where none did.
    """
    run = integrate_ensemble(system.definition, ensemble, grids=[grid], engine=engine)
    good = np.flatnonzero(run.status == Status.OK)
    if not len(good):
        reason = Status(int(run.status[0])).sentence
        message = f"{system.name}: none of {len(run.status)} trajectories lasted {grid.samples} samples; the first: {reason}."
        raise IntegrationError(message)
    states: FloatArray = np.asarray(run.states[0][good], np.float64)
    start = ensemble.start_time[good] + grid.dt * (grid.samples - 1)
    return states, good, Ensemble(np.ascontiguousarray(states[:, -1]), ensemble.parameters[good], start)


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
