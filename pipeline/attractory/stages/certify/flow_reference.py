"""Flows by heyoka: Taylor's method in multiple precision, switches located as events of its own.

Its recurrences, its step sizes, its arithmetic (MPFR) and its elementary functions are not ours.
Source: Biscani and Izzo, Monthly Notices of the Royal Astronomical Society 504, 2614 (2021).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from attractory.expressions.definition import Definition
from attractory.stages.certify.equations import Equations, Switch, equations_of, heyoka
from attractory.stages.certify.reference import FloatArray, NoReferenceError, Problem, Stretch, offset, stretches, twin_signs
from attractory.stages.certify.values import Values

# Steps of one trajectory, some ten seconds of a small flow. Counted, not timed: the answer must not depend on the machine.
MOST_STEPS = 50_000
# Tolerances of the reference and of its twin, in bits above the last one: other steps, of another order.
_TOLERANCE_BITS, _TWIN_TOLERANCE_BITS = 10, 20


class FlowReference:
    """The true solutions of one flow. Its integrators are compiled once and copied for each trajectory, so threads may share it."""

    def __init__(self, definition: Definition, bits: int) -> None:
        self._definition, self._bits = definition, bits
        self._equations = equations_of(definition, bits)
        self._values = Values(definition, bits)
        self._integrator = self._compiled(_TOLERANCE_BITS)
        self._twin = self._compiled(_TWIN_TOLERANCE_BITS)

    def follow(self, problem: Problem) -> Iterator[Stretch]:
        """See `Reference`."""
        initial = [self._real(value) for value in problem.initial.tolist()]
        moved = [self._real(sign * offset(self._bits)) for sign in twin_signs(len(initial))]
        beside = [value + shift * self._real(scale) for value, shift, scale in zip(initial, moved, problem.scale.tolist(), strict=True)]
        modes = self._modes(problem)
        first = self._begun(self._integrator, initial, modes, problem)
        second = self._begun(self._twin, beside, modes, problem)
        begin, steps = self._real(problem.start_time), 0
        for part in stretches(len(problem.times)):
            # heyoka wants the time that it is at before the times that it is asked for.
            asked = problem.times[part] if part.start == 0 else problem.times[part.start - 1 : part.stop]
            grid = self._array([begin + self._real(time) for time in asked.tolist()])
            states, made = self._states(first, grid, MOST_STEPS - steps)
            twin, _ = self._states(second, grid, 2 * MOST_STEPS)
            steps += made
            fresh = slice(len(asked) - (part.stop - part.start), None)
            yield Stretch(states[fresh].astype(np.float64), problem.distance((states - twin)[fresh].astype(np.float64)), steps)

    def _states(self, integrator: Any, grid: Any, most: int) -> tuple[Any, int]:
        """States (time, variable) on a grid, and how many steps it took."""
        result = integrator.propagate_grid(grid, max_steps=max(most, 1))
        outcome, steps, states = result[0], int(result[3]), result[-1]
        if outcome == heyoka().taylor_outcome.step_limit or most <= 0:
            message = f"it would take more than {MOST_STEPS:,} steps of an explicit method, as a stiff flow does"
            raise NoReferenceError(message)
        if len(states) != len(grid):
            message = f"its solution is no number any more at t = {float(integrator.time):.6g}"
            raise NoReferenceError(message)
        return states, steps

    def _modes(self, problem: Problem) -> list[int]:
        if not self._equations.switches:
            return []
        number = self._values.numbers.mpf
        state, parameters = ([number(value) for value in values.tolist()] for values in (problem.initial, problem.parameters))
        values = self._values(state, parameters, number(problem.start_time))
        return [switch.at(values) for switch in self._equations.switches]

    def _begun(self, template: Any, state: list[Any], modes: Sequence[int], problem: Problem) -> Any:
        """A copy of an integrator, where a trajectory begins."""
        integrator = copy.deepcopy(template)
        integrator.time = self._real(problem.start_time)
        integrator.state[:] = self._array(state)
        if len(integrator.pars):
            integrator.pars[:] = self._array([self._real(value) for value in [*problem.parameters.tolist(), *map(float, modes)]])
        return integrator

    def _compiled(self, tolerance_bits: int) -> Any:
        package, equations = heyoka(), self._equations
        count = len(self._definition.parameters) + len(equations.switches)
        return package.taylor_adaptive(
            list(zip(equations.variables, equations.rates, strict=True)),
            self._array([self._real(0.0)] * len(equations.variables)),
            pars=self._array([self._real(0.0)] * count),
            t_events=list(self._events(equations)),
            fp_type=package.real,
            prec=self._bits,
            tol=self._real(math.ldexp(1.0, tolerance_bits - self._bits)),
            compact_mode=True,  # loops: without them LLVM takes minutes over calls of MPFR written out one by one
        )

    def _events(self, equations: Equations) -> Iterator[Any]:
        """What turns the modes: at a root of a surface, or of the two integers about a floor."""
        package = heyoka()
        direction = package.event_direction
        for switch in equations.switches:
            if not switch.is_floor:
                yield package.t_event(switch.expression, fp_type=package.real, callback=self._turning(switch))
                continue
            mode, one = package.par[switch.mode], package.expression(self._real(1.0))
            for surface, way, by in (
                (switch.expression - mode, direction.negative, -1),
                (switch.expression - mode - one, direction.positive, 1),
            ):
                yield package.t_event(surface, fp_type=package.real, direction=way, callback=self._stepping(switch, by))

    def _turning(self, switch: Switch) -> Callable[[Any, int], bool]:
        def turn(integrator: Any, way: int) -> bool:
            if way:
                integrator.pars[switch.mode] = self._real(float(way))
            return True

        return turn

    def _stepping(self, switch: Switch, by: int) -> Callable[[Any, int], bool]:
        def step(integrator: Any, way: int) -> bool:
            integrator.pars[switch.mode] += self._real(float(by))
            return True

        return step

    def _real(self, value: float) -> Any:
        return heyoka().real(value, self._bits)

    def _array(self, values: Sequence[Any]) -> FloatArray:
        return np.array(values, dtype=heyoka().real)
