"""The second opinion on a delay system: the method of steps by SciPy's DOP853, from the drawn history on.

A store holds no pasts, so what is integrated again is the whole run: the history as the trajectory's number draws it, the transient and the
samples. One shortest delay after the other, so that each is an ordinary problem whose past is the solver's own dense output."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.integrate import solve_ivp

from attractory.errors import IntegrationError
from attractory.expressions.definition import Definition, Delays, lag_values
from attractory.stages.validate.reference import FORGOTTEN, OFFSET, Problem, Reference, scalar_function
from attractory.stages.validate.stored import FloatArray

# DOP853 keeps a local error of this size; its dense output, which the next delay reads, is of order seven and worse.
_TOLERANCE, _OWN_ERROR = 1e-12, 1e-10
_TRANSIENT_POINTS = 200

Past = Callable[[float], FloatArray]


def times_from_the_start(start_time: float, times: FloatArray) -> FloatArray:
    """Times since sample 0, with some of the transient before it: errors of the transient grow into the samples."""
    if start_time <= 0:
        return times
    return np.concatenate([np.linspace(-start_time, 0.0, _TRANSIENT_POINTS + 1)[:-1], times])


def integrate_delays_again(problem: Problem, times: FloatArray) -> Reference:
    """The trajectory and its twin at `times` (time,) since sample 0, which increase; problem.initial is what the history is moved by.

    Raises: IntegrationError where SciPy fails before sample 0.
    """
    steps = _Steps(problem)
    goal = problem.start_time + float(times[-1])
    while steps.end < goal and steps.go_on(goal):
        pass
    reached = times[problem.start_time + times <= steps.end]
    if not len(reached) or reached[-1] < 0:
        message = f"{problem.definition.name}: DOP853 came to t = {steps.end:g} only, before sample 0"
        raise IntegrationError(message)
    states = np.array([steps.past(problem.start_time + time) for time in reached.tolist()])
    count = len(problem.initial)
    distance = (np.abs(states[:, count:] - states[:, :count]) / problem.scale).max(axis=1)
    parted = np.maximum(distance / OFFSET, 1e-6)
    return Reference(states[:, :count], parted, steps.taken, _OWN_ERROR, np.zeros(len(states)))


class _Steps:
    """The solution so far, of a trajectory and its twin: pieces between `begins`, each the solver's own."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.count = problem, len(problem.initial)
        definition = problem.definition
        parameters = problem.parameters.tolist()
        delays = _delays(definition)
        self.rate = scalar_function(definition, parameters)
        self.history = scalar_function(replace(definition, roots=delays.history), parameters)
        lags = lag_values(definition, problem.parameters[None])[0].tolist()
        self.shortest, self.taken, self.end = min(lags), 0, 0.0
        self.reads = [(variable, lags[lag]) for variable, lag in delays.reads]
        self.begins: list[float] = []
        self.pieces: list[Past] = []
        self.nothing = [0.0] * (self.count + len(self.reads))
        direction = np.where(np.arange(self.count) % 2, -1.0, 1.0)
        self.moved = np.concatenate([problem.initial, problem.initial + OFFSET * problem.scale * direction])

    def past(self, t: float) -> FloatArray:
        """Both states (2 variables,) at a time up to `end`."""
        if t <= 0 or not self.pieces:
            begun: FloatArray = np.tile(self.history(t, self.nothing), 2) + self.moved
            return begun
        return self.pieces[bisect_right(self.begins, t) - 1 if t >= self.begins[0] else 0](t)

    def go_on(self, goal: float) -> bool:
        """One shortest delay further, or to the goal; False where that fails, or where the twin is far away."""
        end, scale = min(self.end + self.shortest, goal), self.problem.scale
        with np.errstate(all="ignore"):
            found = solve_ivp(
                self._rates,
                (self.end, end),
                self.past(self.end),
                method="DOP853",
                rtol=_TOLERANCE,
                atol=np.tile(_TOLERANCE * scale, 2),
                dense_output=True,
            )
        if not found.success:
            return False
        self.begins.append(self.end)
        self.pieces.append(found.sol)
        self.taken += len(found.t) - 1
        self.end = end
        last = found.y[:, -1]
        return float((np.abs(last[self.count :] - last[: self.count]) / scale).max()) <= FORGOTTEN

    def _rates(self, t: float, states: FloatArray) -> list[float]:
        numbers, count = states.tolist(), self.count
        pasts = [(variable, self.past(t - lag)) for variable, lag in self.reads]
        return self._of(t, numbers[:count], [past[variable] for variable, past in pasts]) + self._of(
            t, numbers[count:], [past[count + variable] for variable, past in pasts]
        )

    def _of(self, t: float, states: Sequence[float], past: Sequence[float]) -> list[float]:
        return self.rate(t, [*states, *(float(value) for value in past)])


def _delays(definition: Definition) -> Delays:
    if definition.delays is None:
        message = f"{definition.name} is no delay system"
        raise RuntimeError(message)
    return definition.delays
