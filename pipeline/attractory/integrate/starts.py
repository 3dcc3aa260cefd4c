"""Where trajectories start: states drawn around the catalogued one, or in a box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.definition import Model
from attractory.expressions.system import System
from attractory.integrate.random_numbers import bell_shaped_draws, uniform, words

Float = NDArray[np.float64]

# A draw spreads each variable by this part of its size at the catalogued state; a variable near zero takes its size from the largest.
SPREAD = 0.05
SMALLEST_SIZE = 0.1


@dataclass(frozen=True)
class Box:
    """Ranges of some variables, by component, in which states are drawn evenly: (name, low, high)."""

    ranges: tuple[tuple[str, float, float], ...]


def drawn_state(system: System, *, seed: int, trajectory: int, attempt: int = 0) -> Float:
    """An initial state (variable,) near the catalogued one; of a delay system, where its history ends at t = 0."""
    center = np.asarray(system.definition.initial, np.float64)
    sizes = np.maximum(np.abs(center), SMALLEST_SIZE * np.abs(center).max())
    sizes = np.where(sizes > 0, sizes, 1.0)
    draws = bell_shaped_draws(len(center), seed=seed, system=system.name, trajectory=trajectory, attempt=attempt)
    return center + SPREAD * sizes * draws


def start_state(system: System, box: Box | None, *, seed: int, trajectory: int, attempt: int = 0) -> Float:
    """An initial state (variable,) in the box; variables that it does not name, or all without one, are drawn near the catalogued state.

    Each number is a function of (seed, system, variable, trajectory, attempt), so that another range of one variable moves no other.
    """
    state = drawn_state(system, seed=seed, trajectory=trajectory, attempt=attempt)
    for name, low, high in box.ranges if box is not None else ():
        raw = words(1, seed=seed, system=system.name, trajectory=trajectory, attempt=attempt, purpose=f"initial.{name}")
        state[system.variables.index(name)] = min(low + (high - low) * float(uniform(raw)[0]), high)
    return state


def box_of(system: System, ranges: Mapping[str, tuple[float, float]]) -> Box:
    """The box of ranges as an entry's `basin` names them: `x` is every x[i] where the entry writes x[i].

    Raises:
        KeyError: a name is no variable of the system.
    """
    shapes = Model(system.record).shapes
    found = []
    for key, (low, high) in ranges.items():
        names = (key,) if key in system.variables else shapes[key.partition("[")[0]]
        found += [(name, low, high) for name in names]
    return Box(tuple(sorted(found)))
