"""A system as it is tried: its unit of time, and the one compiled kernel that all of its trajectories share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from attractory.expressions.system import System
from attractory.integrate import Engine, Ensemble, SampleGrid, Trajectories, advance, integrate_ensemble
from attractory.integrate.delays import delay_width
from attractory.invariants.estimate import FloatArray
from attractory.kernels import lanes_for
from attractory.layout import Status
from attractory.stages.check.limits import step_cost
from attractory.stages.check.period import time_between_maxima

if TYPE_CHECKING:
    from attractory.stages.check.look import Look

LANES_FOR = 48  # trajectories with their twins
# Of what the first trajectory took: in the mean of a run, and beyond that.
_MORE_STEPS, _SOME_STEPS = 20.0, 2_000
Statuses = np.ndarray[tuple[int], np.dtype[np.int8]]


@dataclass(frozen=True)
class Trial:
    """What is tried.

    Attributes:
        unit: the period; of a flow without one the mean time between maxima; one iterate of a map.
        steps: of one trajectory in a unit, as the first trajectory took them.
        engine: default settings but for the number of lanes, which is the same throughout, so that one kernel is compiled.
    """

    system: System
    unit: float
    steps: float
    engine: Engine

    @property
    def is_map(self) -> bool:
        return self.system.kind == "map"

    @property
    def cost(self) -> float:
        """Microseconds of one core that a unit of a few trajectories side by side takes, roughly."""
        return self.steps * self.step_cost

    @property
    def step_cost(self) -> float:
        """The same of one step."""
        return step_cost(self.system.definition)

    @property
    def reads_time(self) -> bool:
        """Whether the equations depend on t itself: then a shift along the trajectory is no solution."""
        return any(node.op == "time" for node in self.system.definition.graph.nodes)

    def moved(self, ensemble: Ensemble, duration: float) -> tuple[Ensemble, Statuses, int]:
        """(the ensemble after so long, how each trajectory ended, the steps that all took)."""
        moved, status, steps = advance(self.system.definition, ensemble, duration=duration, engine=self._bounded(duration))
        lost = ~np.isfinite(moved.initial).all(axis=1) & (status == Status.OK)
        return moved, np.where(lost, np.int8(Status.DIVERGED), status), steps

    def sampled(self, ensemble: Ensemble, dt: float, samples: int) -> Trajectories:
        """The ensemble at equal steps."""
        grids = [SampleGrid(float(round(dt)) if self.is_map else dt, samples)]
        return integrate_ensemble(self.system.definition, ensemble, grids=grids, engine=self._bounded(dt * samples))

    def rates(self, ensemble: Ensemble) -> FloatArray:
        """How fast each state moves (trajectory, variable): its time derivative; of a map, the step to the next state."""
        following = self.system.rhs(ensemble.initial, t=ensemble.start_time)
        return following - ensemble.initial if self.is_map else following

    def _bounded(self, duration: float) -> Engine:
        """A trajectory that suddenly needs many times the steps is given up."""
        return replace(self.engine, step_budget=int(_MORE_STEPS * self.steps * max(1.0, duration / self.unit)) + _SOME_STEPS)


def ensemble_of(system: System, states: FloatArray) -> Ensemble:
    """States (trajectory, variable) with the catalogued parameters, at t = 0."""
    parameters = np.tile(np.asarray(system.definition.values, np.float64), (len(states), 1))
    return Ensemble(np.ascontiguousarray(states), parameters, np.zeros(len(states)))


def engine_for(system: System) -> Engine:
    """Default settings, with the lanes that serve an ensemble best."""
    if system.kind == "delay":
        return Engine(lanes=delay_width(system.definition))
    return Engine(lanes=lanes_for(system.definition, LANES_FOR))


def trial_of(system: System, look: Look, engine: Engine) -> Trial:
    """A system with what its first trajectory has shown."""
    unit = 1.0 if system.kind == "map" else system.period or _likely_period(look)
    return Trial(system, unit, max(1.0, look.steps * unit / float(look.times[-1])), engine)


def _likely_period(look: Look) -> float:
    """Of a flow that states none: the mean time between maxima of the variable with the fewest, or a time unit."""
    times = time_between_maxima(look.states[None], float(look.times[1]))
    known = times[np.isfinite(times)]
    return float(known.max()) if known.size else 1.0
