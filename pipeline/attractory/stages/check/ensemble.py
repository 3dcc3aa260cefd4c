"""States drawn as the engine draws them, and from the basin where the entry has one, run through the engine's transient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.expressions.definition import Model
from attractory.expressions.system import System
from attractory.integrate import Ensemble, drawn_state
from attractory.integrate.block import TRANSIENT_ITERATES, TRANSIENT_PERIODS
from attractory.invariants.estimate import FloatArray
from attractory.layout import Status
from attractory.stages.check.trial import Trial, ensemble_of

TRAJECTORIES, BASIN = 16, 4
_FEW, _LARGE = 8, 64  # trajectories of a system with more variables
SEED = 0


def trajectories_of(system: System) -> int:
    return _FEW if system.dimension > _LARGE else TRAJECTORIES


def starts(system: System) -> Ensemble:
    """The catalogued state, then states that are drawn around it, the last of them from the basin where there is one."""
    count = trajectories_of(system)
    states = [system.initial, *(drawn_state(system, seed=SEED, trajectory=index) for index in range(count - 1))]
    if system.record.basin:
        states[-BASIN:] = _from_basin(system)
    return ensemble_of(system, np.array(states))


def _from_basin(system: System) -> list[FloatArray]:
    """States drawn evenly from the box; variables that it does not name are drawn as the engine draws them."""
    shapes, random = Model(system.record).shapes, np.random.Generator(np.random.Philox(SEED))
    states = []
    for number in range(BASIN):
        state = drawn_state(system, seed=SEED, trajectory=TRAJECTORIES + number)
        for key, (low, high) in system.record.basin.items():
            for name in shapes[key.partition("[")[0]]:
                state[system.variables.index(name)] = random.uniform(low, high)
        states.append(state)
    return states


@dataclass(frozen=True)
class Settled:
    """Those of the drawn states that lasted through the transient, there; `row` says which, `lost` how the others ended."""

    ensemble: Ensemble
    row: np.ndarray[tuple[int], np.dtype[np.intp]]
    lost: tuple[Status, ...]


def settled(trial: Trial, begun: Ensemble) -> Settled:
    """The states after the transient that `generate` uses."""
    moved, status, _ = trial.moved(begun, TRANSIENT_ITERATES if trial.is_map else TRANSIENT_PERIODS * trial.unit)
    good = np.flatnonzero(status == Status.OK)
    return Settled(moved.subset(good), good, tuple(Status(int(code)) for code in status if code != Status.OK))
