"""The second opinion: one trajectory by SciPy's solvers (maps: by plain Python floats), independent of the engine's lanes and kernels.

With it runs a twin, started a hair beside it. How far the two part is how fast this trajectory forgets: it says, without any annotation,
by how much an error of a given size may have grown at each sample.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

from attractory.errors import IntegrationError
from attractory.expressions.definition import Definition
from attractory.expressions.derivative import variational
from attractory.expressions.operations import OPERATIONS
from attractory.stages.validate.stored import FloatArray

RightHandSide = Callable[[float, Sequence[float]], list[float]]

# A twin that is this far away, in standard deviations, has forgotten: beyond there is nothing to compare.
FORGOTTEN = 1e-2
# DOP853 keeps a local error of this size; below 2e-14 SciPy refuses. LSODA's global error is larger, as its order changes all the time.
_RELATIVE_TOLERANCE = {"DOP853": 1e-13, "LSODA": 1e-12}
# Of a second run, where the right-hand side has corners: a solver may step over one without seeing it, but not twice at other steps.
_OTHER_TOLERANCE = {"DOP853": 6e-14, "LSODA": 3e-13}
_CORNERS = frozenset({"abs", "sign", "floor", "min", "max", "mod", "heaviside", "where"})
_DOUBT = 10.0
# Operations (and leaves) that are the same to the bit in every program: iterates of a map that has others part from any second opinion.
_EXACT = (
    frozenset({"const", "variable", "parameter", "time", "add", "sub", "mul", "div", "neg", "sqrt"})
    | _CORNERS
    | frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})
)
_TANGENT_TOLERANCE = 1e-8  # an exponent needs no more
_OWN_ERROR = {"DOP853": 1e-13, "LSODA": 1e-10, "iteration": float(np.finfo(np.float64).eps)}
# Of the twin's start, in standard deviations: far above the solver's error, far below where parting stops to be proportional.
OFFSET = 1e-9
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
    """What is integrated again: initial and parameters as stored, scale (variable,) of each variable, `stiff` picks the solver; `truer`
    says that the stored numbers are better than doubles make them, from which a map's iterates in doubles part."""

    definition: Definition
    initial: FloatArray
    parameters: FloatArray
    start_time: float
    scale: FloatArray
    stiff: bool
    truer: bool = False

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
        doubt: (time,) scaled difference of two runs, where the right-hand side has corners; else 0.
    """

    states: FloatArray
    parted: FloatArray
    steps: int
    own_error: float
    doubt: FloatArray

    def predicted_error(self, tolerance: float) -> FloatArray:
        """(time,) scaled error to expect where every step makes one of max(tolerance, own error): each grown from its time to the end."""
        local = max(tolerance, self.own_error) * max(1.0, self.steps / len(self.parted))
        grown: FloatArray = self.parted * np.cumsum(1.0 / self.parted)
        return local * np.maximum.accumulate(grown) + _DOUBT * np.maximum.accumulate(self.doubt)


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
    pair = np.concatenate([problem.initial, problem.initial + OFFSET * problem.scale * direction])
    states, steps = _run(problem, pair, times, _RELATIVE_TOLERANCE)
    doubt = np.zeros(len(states))
    if problem.definition.kind != "map" and any(node.op in _CORNERS for node in problem.definition.graph.nodes):
        others, _ = _run(problem, pair, times, _OTHER_TOLERANCE)
        both = min(len(states), len(others))
        states, others = states[:both], others[:both]
        doubt = (np.abs(states - others)[:, : len(problem.initial)] / problem.scale).max(axis=1)
    count = len(problem.initial)
    # The twin's distance passes near zero only where both curves cross; a floor keeps such a moment from being taken for contraction.
    distance = (np.abs(states[:, count:] - states[:, :count]) / problem.scale).max(axis=1)
    parted = np.maximum(distance / distance[0], 1e-6)
    return Reference(states[:, :count], parted, steps, _OWN_ERROR[problem.method], doubt)


def tangent_logarithms(problem: Problem, times: FloatArray) -> FloatArray:
    """(time,) logarithm of the length of a tangent vector carried along the trajectory, 0 at first, brought back to length 1 at every time.

    Raises: IntegrationError where the solver fails.
    """
    count = len(problem.initial)
    function = scalar_function(variational(problem.definition, 1), problem.parameters.tolist())
    states = np.concatenate([problem.initial, problem.scale / np.sqrt(count)])
    absolute = _TANGENT_TOLERANCE * np.tile(problem.scale, 2)
    logarithms = [0.0]
    for begin, end in pairwise((problem.start_time + times).tolist()):
        with np.errstate(all="ignore"):
            solution = solve_ivp(
                lambda t, y: function(t, y.tolist()), (begin, end), states, method="LSODA", rtol=_TANGENT_TOLERANCE, atol=absolute
            )
        length = float(np.linalg.norm(solution.y[count:, -1] / problem.scale))
        if not solution.success or not 0.0 < length < np.inf:
            message = f"{problem.definition.name}: LSODA lost the tangent vector between t = {begin:g} and {end:g}: {solution.message}"
            raise IntegrationError(message)
        logarithms.append(logarithms[-1] + math.log(length))
        states = np.concatenate([solution.y[:count, -1], solution.y[count:, -1] / length])
    return np.array(logarithms)


def _run(problem: Problem, pair: FloatArray, times: FloatArray, tolerances: Mapping[str, float]) -> tuple[FloatArray, int]:
    """States of both (time, 2 variables) as far as it makes sense, and the number of steps."""
    if problem.definition.kind == "map":
        return _iterate(problem, pair, times)
    return _solve(problem, pair, times, tolerances[problem.method])


def _solve(problem: Problem, pair: FloatArray, times: FloatArray, tolerance: float) -> tuple[FloatArray, int]:
    """By SciPy, until the twin is far away or the solver fails."""
    count, scale = len(problem.initial), problem.scale
    function = scalar_function(problem.definition, problem.parameters.tolist())

    def both(t: float, states: FloatArray) -> list[float]:
        numbers, now = states.tolist(), problem.start_time + t
        return function(now, numbers[:count]) + function(now, numbers[count:])

    def forgotten(t: float, states: FloatArray) -> float:
        return FORGOTTEN - float((np.abs(states[count:] - states[:count]) / scale).max())

    forgotten.terminal = True  # type: ignore[attr-defined]  # how SciPy is told to stop there
    span = (0.0, float(times[-1]))
    with np.errstate(all="ignore"):
        solution = solve_ivp(
            both, span, pair, method=problem.method, rtol=tolerance, atol=np.tile(tolerance * scale, 2), dense_output=True, events=forgotten
        )
    if solution.status == -1 and solution.t[-1] < times[min(1, len(times) - 1)]:
        message = f"{problem.definition.name}: {problem.method} failed before the first sample: {solution.message}"
        raise IntegrationError(message)
    states = np.asarray(solution.sol(times[times <= solution.t[-1]]), dtype=np.float64).T
    return states, len(solution.t) - 1


def _iterate(problem: Problem, pair: FloatArray, times: FloatArray) -> tuple[FloatArray, int]:
    """States of both (time, 2 variables) by iteration, and the number of iterates."""
    count = len(problem.initial)
    function = scalar_function(problem.definition, problem.parameters.tolist())
    rounded = problem.truer or any(node.op not in _EXACT for node in problem.definition.graph.nodes)
    wanted = {int(time) for time in times}
    first, second = pair[:count].tolist(), pair[count:].tolist()
    kept = [first + second]
    for iterate in range(int(times[-1])):
        now = problem.start_time + iterate
        first, second = function(now, first), function(now, second)
        if rounded and _apart(problem, first, second) > FORGOTTEN:
            return np.array(kept), iterate + 1
        if iterate + 1 in wanted:
            kept.append(first + second)
    return np.array(kept), int(times[-1])


def _apart(problem: Problem, first: Sequence[float], second: Sequence[float]) -> float:
    """The largest scaled distance of two states; infinite where one is no number."""
    distance = float((np.abs(np.subtract(first, second)) / problem.scale).max())
    return math.inf if math.isnan(distance) else distance
