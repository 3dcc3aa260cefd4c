"""The class of behaviour of a system at given parameters, by a short rule that any machine decides alike.

One trajectory from the catalogued initial state and one tangent vector are followed for 100 periods (500 iterates), then for 300 (1,500)
more, over which the binary exponents of the tangent's growth are added up, which is exact. More than 16 bits of growth is chaos; less
than -16, for a flow, a fixed point. What neither grows nor shrinks is periodic where the trajectory comes back to itself within 12
periods (of a map that is not chaotic: within 64 iterates), else quasiperiodic. `attractory check` looks much longer and from many states;
this rule is for sorting draws.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.circles import difference
from attractory.expressions.derivative import variational
from attractory.expressions.sliding import followed
from attractory.expressions.system import System
from attractory.integrate.ensemble import Engine, Ensemble, advance, integrate_ensemble
from attractory.integrate.grids import SampleGrid
from attractory.integrate.random_numbers import bell_shaped_draws
from attractory.layout import Status

Float = NDArray[np.float64]

CLASSES = ("chaotic", "periodic", "quasiperiodic", "fixed_point", "bounded")

# 16 bits in 300 periods are an exponent of 0.037 a period, a tenth of Rössler's; a torus shears by log2(300) = 8 bits.
BITS = 16
# Rounds and what is one: periods of a flow, iterates of a map. A tangent must fit into a double at the end of each.
_SETTLING, _MEASURED = 50, 150
_PERIODS, _ITERATES = 2, 10
# Enough for the stiffest catalogued flow; a draw that needs more in one round is not one to keep.
_ENGINE = Engine(tolerance=1e-9, step_budget=500_000)
# Sampled so densely that a chord departs from the curve by less than `_NEAR` (in ranges of each variable) except in jumps.
_DENSE, _TURNS, _SOONEST, _NEAR = 512, 12, 64, 5e-4
_LONGEST_CYCLE, _SAME = 64, 1e-6


def behaviours(system: System, values: Float) -> list[str | None]:
    """The class of each parameter set (set, parameter); None where the trajectory does not last."""
    found: list[str | None] = [None] * len(values)
    states, growth, good = _growth(system, values)
    for place in np.flatnonzero(good).tolist():
        if growth[place] > BITS:
            found[place] = "chaotic"
        elif system.kind != "map" and growth[place] < -BITS:
            found[place] = "fixed_point"
        else:
            found[place] = _recurrence(system, states[place], values[place])
    return found


def _growth(system: System, values: Float) -> tuple[Float, NDArray[np.int64], NDArray[np.bool_]]:
    """(the last states (set, variable), the bits by which the tangents have grown, which trajectories have lasted)."""
    definition, size = variational(followed(system.definition), 1), system.dimension
    tangent = bell_shaped_draws(size, seed=0, system=system.name, trajectory=0)
    begun = np.concatenate([np.asarray(system.definition.initial, np.float64), tangent])
    ensemble = Ensemble(np.tile(begun, (len(values), 1)), values, np.zeros(len(values)))
    duration = float(_ITERATES) if system.kind == "map" else _PERIODS * (system.period or 1.0)
    growth, good = np.zeros(len(values), np.int64), np.ones(len(values), bool)
    for number in range(_SETTLING + _MEASURED):
        moved, status, _ = advance(definition, ensemble.subset(np.flatnonzero(good)), duration=duration, engine=_ENGINE)
        lasting = (status == Status.OK) & np.isfinite(moved.initial).all(axis=1)
        good[np.flatnonzero(good)[~lasting]] = False
        if not good.any():
            break
        states = moved.initial[lasting]
        bits = _normalise(states[:, size:], tangent)
        if number >= _SETTLING:
            growth[good] += bits
        kept = Ensemble(ensemble.initial.copy(), ensemble.parameters, ensemble.start_time + duration)
        kept.initial[good] = states
        ensemble = kept
    return ensemble.initial[:, :size], growth, good


def _normalise(tangents: Float, otherwise: Float) -> NDArray[np.int64]:
    """Scales each tangent by a power of two, which is exact, and gives that power; one that vanished begins again."""
    largest = np.abs(tangents).max(axis=1)
    _, powers = np.frexp(largest)
    tangents[:] = np.ldexp(tangents, -powers[:, None])
    tangents[largest == 0] = otherwise
    return np.where(largest == 0, -1100, powers).astype(np.int64)  # below the smallest double's exponent


def _recurrence(system: System, state: Float, values: Float) -> str | None:
    """What a trajectory does that neither parts from its neighbours nor is known to rest."""
    is_map = system.kind == "map"
    dt = 1.0 if is_map else (system.period or 1.0) / _DENSE
    grid = SampleGrid(1 if is_map else dt, _LONGEST_CYCLE + 1 if is_map else (_TURNS + 1) * _DENSE)
    ensemble = Ensemble(np.ascontiguousarray(state)[None], values[None], np.zeros(1))
    made = integrate_ensemble(replace(system.definition, wrap=()), ensemble, grids=[grid], engine=_ENGINE)
    if made.status[0] != Status.OK:
        return None
    samples = np.ascontiguousarray(made.states[0][0])
    ranges = samples.max(axis=0) - samples.min(axis=0)
    if (ranges <= _SAME * (1.0 + np.abs(state))).all():
        return "fixed_point"
    scale = np.where(ranges > 0, ranges, 1.0)
    wrap = system.definition.wrap
    if is_map:
        away = np.abs(difference(samples[1:], samples[0], wrap) / scale).max(axis=1)
        return "periodic" if (away < _SAME).any() else "quasiperiodic"
    return "periodic" if _comes_back(samples, scale, wrap) else "quasiperiodic"


def _comes_back(samples: Float, scale: Float, wrap: Any) -> bool:
    """Whether the curve passes again through its slowest place of the first period, going by lines between samples."""
    steps = difference(samples[1 : _DENSE + 1], samples[:_DENSE], wrap) / scale
    first = int(np.argmin(_product(steps, steps)))
    chord = steps[first]
    length = float(_product(chord[None], chord[None])[0])
    away = difference(samples[first + _SOONEST :], samples[first], wrap) / scale
    along, distance = _product(away, chord[None]), _product(away, away)
    # Times the chord's squared length, so that nothing is divided by what may be zero.
    beside = distance * length - along * along
    return bool(((np.abs(along) <= length) & (beside <= _NEAR**2 * length)).any())


def _product(first: Float, second: Float) -> Float:
    """Scalar products (n,), summed in the order of the variables: NumPy's own sum may take another."""
    return np.asarray(np.cumsum(first * second, axis=1)[:, -1])
