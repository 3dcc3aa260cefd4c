"""What comes to rest, and what comes back to where it was."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.circles import difference
from attractory.integrate import Ensemble
from attractory.invariants.estimate import FloatArray
from attractory.layout import Status
from attractory.stages.check.trial import Trial

Bools = NDArray[np.bool_]

# Of a variable's size. A cycle is met again to ten digits; that a chaotic trajectory comes so near itself and stays there over a whole
# return is out of the question.
NEAR = 1.0e-6
# How far a unit of time moves what is at rest, of the state's size, and how much less that is than half a run before.
REST, DECAY = 1.0e-6, 0.5
# A variable at rest has a millionth of itself for its size, of which rounding is some 1e-10.
_ROUND_OFF = 1.0e-8
# Of the terms of a rate, and in systems of how many variables: a square of numbers is made for each trajectory.
_ROUNDINGS, _LARGE = 4.0, 64
MOST_ITERATES = 512
PER_PERIOD = 64
_CANDIDATES, _TURNS, _POINTS, _REFINED = 4, 0.05, 64, 4
# A cycle that doubles blur, because it passes where some variables have no digits left beside others, comes by again so often in a row, and
# no turn takes longer than another by more than this.
_TIMES_IN_A_ROW, _UNEVEN = 16, 1.05


def scale_of(trial: Trial, states: FloatArray, rates: FloatArray) -> FloatArray:
    """(variable,) how far each variable moves: its spread, or what its speed makes in a unit of time where that is less, as for a phase.

    states, rates: (point, variable).
    """
    speed = np.sqrt(np.mean(rates**2, axis=0)) * (1.0 if trial.is_map else trial.unit / (2 * np.pi))
    size = np.minimum(states.std(axis=0), speed)
    # A variable that hardly moves is measured against its own value, and by the others where that is zero.
    least = np.maximum(1e-6 * np.abs(states).mean(axis=0), 1e-9 * max(float(size.max()), 1e-9))
    return np.asarray(np.maximum(size, least))


def at_rest(trial: Trial, earlier: FloatArray, ensemble: Ensemble, scale: FloatArray) -> Bools:
    """(trajectory,) whether a state stays where it is: it hardly moves in a unit of time, and less so than at the earlier states."""
    speed = _speed(trial, ensemble, scale)
    before = _speed(trial, Ensemble(earlier, ensemble.parameters, ensemble.start_time), scale)
    return np.asarray((speed < REST) & ((speed <= DECAY * before) | (speed < _ROUND_OFF)))


def _speed(trial: Trial, ensemble: Ensemble, scale: FloatArray) -> FloatArray:
    rates = trial.rates(ensemble)
    rates = np.where(np.abs(rates) <= _rounding(trial, ensemble), 0.0, rates)
    moved = rates * (1.0 if trial.is_map else trial.unit)
    return np.asarray(np.abs(moved / scale).max(axis=1))


def _rounding(trial: Trial, ensemble: Ensemble) -> FloatArray:
    """(trajectory, variable) what rounding may make of rates whose terms cancel: a variable that rests at zero has no size to tell by."""
    states = np.abs(ensemble.initial)
    if trial.system.dimension > _LARGE:
        return np.zeros_like(states)
    slopes = np.abs(trial.system.jacobian(ensemble.initial, t=ensemble.start_time))
    terms = np.einsum("nij,nj->ni", slopes, states) + (states if trial.is_map else 0.0)
    return np.asarray(_ROUNDINGS * np.finfo(np.float64).eps * terms)


def return_time(trial: Trial, begun: Ensemble, states: FloatArray, scale: FloatArray) -> float:
    """After how many units of time (maps: iterates) one trajectory, all along it, is where it was before; infinite where it is not.

    Args:
        begun: the trajectory's state, an ensemble of one. states: (time, variable) from there, 64 in a unit (maps: iterates).
    """
    if trial.is_map:
        return _map_return(trial, states, scale)
    for guess in _guesses(trial, begun, states, scale)[:_CANDIDATES]:
        found = _refined(trial, begun, guess, scale)
        if found is not None:
            return found / trial.unit
    return np.inf


def _map_return(trial: Trial, states: FloatArray, scale: FloatArray) -> float:
    for lag in range(1, min(MOST_ITERATES, len(states) // 2) + 1):
        apart = np.abs(difference(states[lag:], states[:-lag], trial.system.definition.wrap)) / scale
        if apart.max() < NEAR:
            return float(lag)
    return np.inf


def keeps_coming_by(trial: Trial, begun: Ensemble, states: FloatArray, scale: FloatArray) -> bool:
    """Whether one trajectory of a flow passes near its beginning again and again, after equal times, to the end of these states.

    Each time within a twentieth of its size: chaos does so once or twice, a cycle that rounding blurs always.
    """
    times = sorted(_guesses(trial, begun, states, scale))
    if trial.is_map or len(times) < _TIMES_IN_A_ROW:
        return False
    gaps = np.diff([0.0, *times])
    left = trial.unit / PER_PERIOD * (len(states) - 1) - times[-1]
    return bool(max(gaps.max(), left) < _UNEVEN * gaps.min())


def _guesses(trial: Trial, begun: Ensemble, states: FloatArray, scale: FloatArray) -> list[float]:
    """Times at which a trajectory passes near its beginning, the nearest first, by straight lines between samples."""
    dt = trial.unit / PER_PERIOD
    rate = (trial.rates(begun) / scale)[0]
    apart = difference(states, states[:1], trial.system.definition.wrap) / scale
    ahead = apart @ rate
    crossed = np.flatnonzero((ahead[:-1] < 0) & (ahead[1:] >= 0))
    part = -ahead[crossed] / (ahead[crossed + 1] - ahead[crossed])
    missed = np.abs(apart[crossed] + part[:, None] * (apart[crossed + 1] - apart[crossed])).max(axis=1)
    near = [(float(miss), float(dt * (place + share))) for place, share, miss in zip(crossed, part, missed, strict=True) if miss < _TURNS]
    return [guess for _, guess in sorted(near)]


def _refined(trial: Trial, begun: Ensemble, guess: float, scale: FloatArray) -> float | None:
    """The time of return near a guess, where after it the whole trajectory of that length is met again."""
    lag = guess
    for _ in range(_REFINED):
        made = trial.sampled(begun, lag / _POINTS, 2 * _POINTS + 1)
        if made.status[0] != Status.OK:
            return None
        states = made.states[0][0]
        first, again = states[: _POINTS + 1], states[_POINTS:]
        apart = difference(again, first, trial.system.definition.wrap) / scale
        if float(np.abs(apart).max()) < NEAR:
            return lag
        times = begun.start_time[0] + lag / _POINTS * np.arange(_POINTS, 2 * _POINTS + 1)
        rates = trial.system.rhs(again, t=times) / scale
        lag -= float((apart * rates).sum() / max(float((rates**2).sum()), np.finfo(np.float64).tiny))
        if not 0.5 * guess < lag < 1.5 * guess:
            return None
    return None
