"""Drawn trajectories on their attractor, sampled for a while: how far variables move, how volumes grow, what rests, what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from attractory.integrate import Ensemble
from attractory.invariants.estimate import FloatArray, combined_standard_error
from attractory.layout import Status
from attractory.stages.check.classes import Volume
from attractory.stages.check.returns import MOST_ITERATES, PER_PERIOD, Bools, at_rest, keeps_coming_by, return_time, scale_of
from attractory.stages.check.trial import Trial

# Units of time in which a cycle closes, and those of a long one.
MOST_PERIODS, LONG_CYCLE = 40, 256
_POINTS = 4096  # at which rates and volumes are looked at
_LARGEST_DETERMINANT = 32  # variables


@dataclass(frozen=True)
class Watched:
    """Trajectories sampled at equal steps after the transient: states (trajectory, time, variable), where they began and are now."""

    begun: Ensemble
    now: Ensemble
    states: FloatArray
    dt: float
    scale: FloatArray
    volume: Volume
    lost: tuple[Status, ...]

    @property
    def count(self) -> int:
        return len(self.states)


def watch(trial: Trial, ensemble: Ensemble, periods: int = MOST_PERIODS) -> Watched:
    """So many units of time of an ensemble (maps: a thousand iterates)."""
    dt, samples = (1.0, 2 * MOST_ITERATES + 1) if trial.is_map else (trial.unit / PER_PERIOD, periods * PER_PERIOD + 1)
    made = trial.sampled(ensemble, dt, samples)
    good = np.flatnonzero(made.status == Status.OK)
    lost = tuple(Status(int(code)) for code in made.status if code != Status.OK)
    states, begun = np.asarray(made.states[0][good], np.float64), ensemble.subset(good)
    now = replace(begun, initial=np.ascontiguousarray(states[:, -1]), start_time=begun.start_time + dt * (samples - 1))
    if not len(good):
        return Watched(begun, now, states, dt, np.ones(trial.system.dimension), Volume(np.nan, np.nan), lost)
    stride = max(1, states.shape[0] * samples // _POINTS)
    points = states[:, ::stride]
    times = (begun.start_time[:, None] + dt * np.arange(0, samples, stride)).ravel()
    flat = points.reshape(-1, points.shape[2])
    parameters = np.tile(begun.parameters[:1], (len(flat), 1))
    scale = scale_of(trial, flat, trial.rates(Ensemble(flat, parameters, times)))
    return Watched(begun, now, states, dt, scale, _volume(trial, points, times), lost)


def _volume(trial: Trial, points: FloatArray, times: FloatArray) -> Volume:
    """The mean divergence along trajectories; of a map the mean logarithm of its determinant."""
    system, flat = trial.system, points.reshape(-1, points.shape[2])
    if system.dimension == 1 or (trial.is_map and system.dimension > _LARGEST_DETERMINANT):
        return Volume(np.nan, np.nan)
    if trial.is_map:
        determinants = np.abs(np.linalg.det(system.jacobian(flat, t=times)))
        rates = np.log(np.maximum(determinants, np.finfo(np.float64).tiny))
    else:
        rates = system.divergence(flat, t=times) * trial.unit
    parts = np.array_split(rates.reshape(points.shape[:2]), 8, axis=1)
    blocks = np.stack([part.mean(axis=1) for part in parts], axis=1)
    return Volume(float(blocks.mean()), float(combined_standard_error(blocks)))


def resting(trial: Trial, watched: Watched) -> Bools:
    """(trajectory,) those that have come to rest."""
    middle = np.ascontiguousarray(watched.states[:, watched.states.shape[1] // 2])
    return at_rest(trial, middle, watched.now, watched.scale)


def cycling(trial: Trial, watched: Watched) -> Bools:
    """(trajectory,) those that have come back to where they were, whatever the others do."""
    times = [return_time(trial, one, states, watched.scale) for one, states in _each(watched)]
    return np.isfinite(times)


def circling(trial: Trial, watched: Watched) -> Bools:
    """(trajectory,) those on a cycle that rounding blurs, so that no turn of it is met again to many digits."""
    return np.array([keeps_coming_by(trial, one, states, watched.scale) for one, states in _each(watched)], dtype=np.bool_)


def _each(watched: Watched) -> Iterator[tuple[Ensemble, FloatArray]]:
    """Each trajectory by itself: where it began, and its states (time, variable)."""
    return ((watched.begun.subset(np.array([row])), watched.states[row]) for row in range(watched.count))


def returning(trial: Trial, watched: Watched) -> FloatArray:
    """After how many units of time each trajectory comes back, as far as the first that does not: infinity for that one."""
    times = []
    for row in range(watched.count):
        one = watched.begun.subset(np.array([row]))
        times.append(return_time(trial, one, watched.states[row], watched.scale))
        if times[-1] == np.inf:
            break
    return np.array(times)
