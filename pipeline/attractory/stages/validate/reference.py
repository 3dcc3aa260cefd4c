"""The second opinion: one trajectory by SciPy's solvers (maps: by plain Python floats), independent of the engine's lanes and kernels.

With it runs a twin, started a hair beside it. How far the two part is how fast this trajectory forgets: it says, without any annotation,
by how much an error of a given size may have grown at each sample.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from attractory.errors import IntegrationError
from attractory.expressions.definition import Definition
from attractory.expressions.operations import OPERATIONS
from attractory.stages.validate.stored import FloatArray

RightHandSide = Callable[[float, Sequence[float]], list[float]]

# DOP853 keeps a local error of this size; below 2e-14 SciPy refuses. LSODA's global error is larger, as its order changes all the time.
_RELATIVE_TOLERANCE = {"DOP853": 1e-13, "LSODA": 1e-12}
_OWN_ERROR = {"DOP853": 1e-13, "LSODA": 1e-10, "iteration": float(np.finfo(np.float64).eps)}
# Of the twin's start, in standard deviations: far above the solver's error, far below where parting stops to be proportional.
_OFFSET = 1e-9
# Operations that Python's own operator does faster than a function.
_FAST: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
}


@dataclass(frozen=True)
class Problem:
    """What is integrated again: initial and parameters as stored, scale (variable,) of each variable, `stiff` picks the solver."""

    definition: Definition
    initial: FloatArray
    parameters: FloatArray
    start_time: float
    scale: FloatArray
    stiff: bool

    @property
    def method(self) -> str:
        if self.definition.kind == "map":
            return "iteration"
        return "LSODA" if self.stiff else "DOP853"


@dataclass(frozen=True)
class Reference:
    """The second opinion at the times asked for, as far as it went.

    Attributes:
        states: (time, variable).
        parted: (time,) distance to the twin over its first, in the maximum norm of scaled variables.
        steps: number of the solver's steps, which each make an error of `own_error`.
    """

    states: FloatArray
    parted: FloatArray
    steps: int
    own_error: float

    def predicted_error(self, tolerance: float) -> FloatArray:
        """(time,) scaled error to expect where every step makes one of max(tolerance, own error): each grown from its time to the end."""
        local = max(tolerance, self.own_error) * max(1.0, self.steps / len(self.parted))
        grown: FloatArray = self.parted * np.cumsum(1.0 / self.parted)
        return local * np.maximum.accumulate(grown)


def scalar_function(definition: Definition, parameters: Sequence[float]) -> RightHandSide:
    """(t, state) -> right-hand side or next state, in Python floats: a walk over the graph's nodes; NaN where there is no value."""
    values: list[float] = [0.0] * len(definition.graph.nodes)
    variables: list[tuple[int, int]] = []
    times: list[int] = []
    steps: list[tuple[int, Callable[..., float], tuple[int, ...]]] = []
    for place, (op, args, value) in enumerate(definition.graph.nodes):
        if op == "const":
            values[place] = float(value or 0.0)
        elif op == "parameter":
            values[place] = float(parameters[int(value or 0)])
        elif op == "variable":
            variables.append((place, int(value or 0)))
        elif op == "time":
            times.append(place)
        else:
            steps.append((place, _FAST.get(op, OPERATIONS[op].scalar), args))
    roots = definition.roots
    nowhere = [math.nan] * len(roots)

    def right_hand_side(t: float, state: Sequence[float]) -> list[float]:
        for place, index in variables:
            values[place] = state[index]
        for place in times:
            values[place] = t
        try:
            for place, function, args in steps:
                values[place] = function(*[values[arg] for arg in args])
        except (ArithmeticError, ValueError):
            return nowhere
        return [values[root] for root in roots]

    return right_hand_side


def integrate_again(problem: Problem, times: FloatArray) -> Reference:
    """The trajectory and its twin at `times` (time,), which begin with 0 and increase.

    Raises: IntegrationError where the second method fails at once.
    """
    direction = np.where(np.arange(len(problem.initial)) % 2, -1.0, 1.0)
    pair = np.concatenate([problem.initial, problem.initial + _OFFSET * problem.scale * direction])
    if problem.definition.kind == "map":
        states, steps = _iterate(problem, pair, times)
    else:
        states, steps = _solve(problem, pair, times)
    if len(states) < min(2, len(times)):
        message = f"{problem.definition.name}: {problem.method} failed before the first sample"
        raise IntegrationError(message)
    count = len(problem.initial)
    # The twin's distance passes near zero only where both curves cross; a floor keeps such a moment from being taken for contraction.
    distance = (np.abs(states[:, count:] - states[:, :count]) / problem.scale).max(axis=1)
    parted = np.maximum(distance / distance[0], 1e-6)
    return Reference(states[:, :count], parted, steps, _OWN_ERROR[problem.method])


def _solve(problem: Problem, pair: FloatArray, times: FloatArray) -> tuple[FloatArray, int]:
    """States of both (time, 2 variables) by SciPy, as far as the solver came, and its number of steps."""
    count = len(problem.initial)
    function = scalar_function(problem.definition, problem.parameters.tolist())

    def both(t: float, states: FloatArray) -> list[float]:
        numbers, now = states.tolist(), problem.start_time + t
        return function(now, numbers[:count]) + function(now, numbers[count:])

    tolerance = _RELATIVE_TOLERANCE[problem.method]
    absolute = np.tile(tolerance * problem.scale, 2)
    with np.errstate(all="ignore"):
        solution = solve_ivp(both, (0.0, float(times[-1])), pair, method=problem.method, rtol=tolerance, atol=absolute, dense_output=True)
    reached = times[times <= solution.t[-1]]
    states = np.asarray(solution.sol(reached), dtype=np.float64).T
    return states, len(solution.t) - 1


def _iterate(problem: Problem, pair: FloatArray, times: FloatArray) -> tuple[FloatArray, int]:
    """States of both (time, 2 variables) by iteration, and the number of iterates."""
    count = len(problem.initial)
    function = scalar_function(problem.definition, problem.parameters.tolist())
    wanted = {int(time) for time in times}
    first, second = pair[:count].tolist(), pair[count:].tolist()
    kept = [first + second]
    for iterate in range(int(times[-1])):
        now = problem.start_time + iterate
        first, second = function(now, first), function(now, second)
        if iterate + 1 in wanted:
            kept.append(first + second)
    return np.array(kept), int(times[-1])
