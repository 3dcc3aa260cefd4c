"""Lyapunov exponents along stored points: tangent vectors are carried from each stored sample to the next by the stated equations.

The state begins anew at every stored sample, so that the exponents are means over the stored points, by the Jacobian of the entry; the
engine has no part in it. Between two samples a flow takes steps of the classical method of order four, so many that twice as many change
no exponent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, standard_errors
from attractory.stages.validate.permutations import FloatArray

MOST_VARIABLES = 24
TRAJECTORIES, BLOCKS = 16, 8
_NUMBERS = 75_000  # samples times variables, of all trajectories together
_UNALIGNED = 0.25  # of a trajectory: until tangent vectors lie where they belong
_STEPS, _MOST_STEPS = 2, 64
_GOOD = 0.005  # of an exponent, between so many steps and twice as many


@dataclass(frozen=True)
class Along:
    """Exponents (variable,) in 1 / time unit, largest first: the estimate, its error between trajectories and that between blocks of time,
    the time that each trajectory counts for, and how many trajectories there are."""

    estimate: Estimate
    between_trajectories: FloatArray
    between_blocks: FloatArray
    duration: float
    trajectories: int


def samples_along(trajectories: int, variables: int, samples: int) -> int:
    """How many samples of each trajectory are followed."""
    return min(samples, max(2, _NUMBERS // max(1, trajectories * variables)))


def exponents_along(system: System, states: FloatArray, *, start_time: FloatArray, dt: float) -> Along | None:
    """From states (trajectory, time, variable) at equal steps; None where no number of steps that can be afforded is enough.

    Args:
        start_time: (trajectory,) the system's own time at the first sample.
    """
    steps, found = 1 if system.kind == "map" else _STEPS, None
    while steps <= _MOST_STEPS:
        coarser, found = found, _with_steps(system, states, start_time, dt, steps)
        if system.kind == "map" or (coarser is not None and found is not None and _alike(coarser, found)):
            return found
        steps *= 2
    return None


def _with_steps(system: System, states: FloatArray, start_time: FloatArray, dt: float, steps: int) -> Along | None:
    """With so many steps from one sample to the next; None where a tangent grows beyond every bound."""
    trajectories, samples, variables = states.shape
    points = states[:, :-1].reshape(-1, variables)
    times = (start_time[:, None] + dt * np.arange(samples - 1)).reshape(-1)
    maps = tangent_maps(system, points, times, dt, steps=steps)
    if not np.isfinite(maps).all():
        return None
    logarithms = _growth(maps.reshape(trajectories, samples - 1, variables, variables))[:, int(_UNALIGNED * (samples - 1)) :]
    blocks = np.stack([part.mean(axis=1) for part in np.array_split(logarithms, BLOCKS, axis=1)], axis=1) / dt
    means = logarithms.mean(axis=(0, 1)) / dt
    order = np.argsort(-means)  # a direction that nothing turns, as of a phase, stays where it began
    between, within = (errors[order] for errors in standard_errors(blocks))
    method = "tangent vectors from each stored sample to the next, by the stated equations"
    settings = {"trajectories": trajectories, "samples": samples, "steps": steps}
    estimate = Estimate(means[order], np.maximum(between, within), method, settings, 0.0)
    return Along(estimate, between, within, dt * logarithms.shape[1], trajectories)


def _alike(coarser: Along, finer: Along) -> bool:
    """Whether twice the steps change no exponent by more than a part of what it may be off by."""
    change, size = np.abs(finer.estimate.value - coarser.estimate.value), np.abs(finer.estimate.value)
    return bool((change <= _GOOD * size + 0.1 / finer.duration).all())


def tangent_maps(system: System, points: FloatArray, times: FloatArray, dt: float, *, steps: int) -> FloatArray:
    """(point, variable, variable): how a small change of a state is changed one sample later."""
    tangent = np.broadcast_to(np.eye(points.shape[1]), (len(points), points.shape[1], points.shape[1]))
    state, moment = points, times
    with np.errstate(all="ignore"):
        if system.kind == "map":
            for _ in range(round(dt)):
                tangent = system.jacobian(state, moment) @ tangent
                state, moment = system.rhs(state, moment), moment + 1.0
            return np.asarray(tangent)
        for _ in range(steps):
            state, tangent = _step(system, state, tangent, moment, dt / steps)
            moment = moment + dt / steps
    return np.asarray(tangent)


def _step(system: System, state: FloatArray, tangent: FloatArray, moment: FloatArray, length: float) -> tuple[FloatArray, FloatArray]:
    """One step of Runge and Kutta's method of order four for states and their tangents."""
    total_state, total_tangent = np.zeros_like(state), np.zeros_like(tangent)
    rate, turn = system.rhs(state, moment), system.jacobian(state, moment) @ tangent
    for weight, part in ((1.0, 0.5), (2.0, 0.5), (2.0, 1.0), (1.0, 0.0)):
        total_state, total_tangent = total_state + weight * rate, total_tangent + weight * turn
        if part:
            middle, later = state + part * length * rate, moment + part * length
            rate, turn = system.rhs(middle, later), system.jacobian(middle, later) @ (tangent + part * length * turn)
    return state + length / 6.0 * total_state, tangent + length / 6.0 * total_tangent


def _growth(maps: FloatArray) -> FloatArray:
    """Logarithms (trajectory, interval, variable) of what orthogonal directions grow by."""
    trajectories, intervals, variables, _ = maps.shape
    frames = np.broadcast_to(np.eye(variables), (trajectories, variables, variables))
    grown = np.empty((trajectories, intervals, variables))
    for interval in range(intervals):
        moved = maps[:, interval] @ frames
        frames, triangle = np.linalg.qr(moved)
        lengths = np.abs(np.einsum("nii->ni", triangle))
        grown[:, interval] = np.log(np.maximum(lengths, 1e-300))
    return grown
