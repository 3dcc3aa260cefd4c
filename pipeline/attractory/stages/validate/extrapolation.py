"""A third opinion, for thousands of short stretches at once: Gragg's midpoint rule, extrapolated (Bulirsch and Stoer, Numerische Mathematik
8, 1 (1966)), in NumPy. It shares with the engine's Taylor series, and with SciPy's methods, nothing but the graph of the equations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attractory.expressions.circles import difference, within
from attractory.expressions.definition import Definition
from attractory.expressions.evaluate import evaluate
from attractory.stages.validate.stored import FloatArray

# Substeps of the rows of the tableau: even numbers, so that the error has even powers alone; order 16.
_SUBSTEPS = (2, 4, 6, 8, 10, 12, 14, 16)
# A stretch is cut in 1, 2, 4 ... steps until two orders agree to this part of the spread; beyond the most it is given up.
_AGREED, MOST_STEPS = 1e-12, 64


@dataclass(frozen=True)
class Stretches:
    """Where to go from: states (n, variable), parameters (n, parameter), times (n,) of the equations' own clock, spans (n,) to go;
    scale (variable,)."""

    definition: Definition
    states: FloatArray
    parameters: FloatArray
    times: FloatArray
    spans: FloatArray
    scale: FloatArray

    def taken(self, rows: npt.NDArray[np.intp]) -> Stretches:
        """Some of them."""
        return Stretches(self.definition, self.states[rows], self.parameters[rows], self.times[rows], self.spans[rows], self.scale)

    def rates(self, states: FloatArray, times: FloatArray) -> FloatArray:
        """(n, variable): derivatives, or the next states of a map."""
        return evaluate(self.definition.graph, self.definition.roots, states, self.parameters, times)


def ends(stretches: Stretches, *, most_steps: int = MOST_STEPS) -> FloatArray:
    """States (n, variable) at the ends of the stretches; NaN where that was given up: a stiff system, or no value.

    most_steps: into which a stretch is cut at most.
    """
    return _iterated(stretches) if stretches.definition.kind == "map" else _integrated(stretches, most_steps)


def _iterated(stretches: Stretches) -> FloatArray:
    states, times = stretches.states.copy(), stretches.times.copy()
    with np.errstate(all="ignore"):
        for iterate in range(int(stretches.spans.max(initial=0.0))):
            going = stretches.spans > iterate
            states = np.where(going[:, None], stretches.rates(states, times + iterate), states)
    return states


def _integrated(stretches: Stretches, most_steps: int) -> FloatArray:
    found = np.full_like(stretches.states, np.nan)
    waiting = np.arange(len(found))
    steps = 1
    while len(waiting) and steps <= most_steps:
        own = stretches.taken(waiting)
        states, good = own.states, np.ones(len(waiting), dtype=bool)
        with np.errstate(all="ignore"):
            for number in range(steps):
                states, error = _extrapolated(own, states, own.times + own.spans * (number / steps), own.spans / steps)
                good &= error <= _AGREED
        found[waiting[good]] = states[good]
        waiting = waiting[~good]
        steps *= 2
    return found


def _extrapolated(stretches: Stretches, states: FloatArray, times: FloatArray, spans: FloatArray) -> tuple[FloatArray, FloatArray]:
    """States after one large step, and (n,) how much the last order changed them, in units of the scale or of the change itself."""
    tableau: list[FloatArray] = []
    for row, substeps in enumerate(_SUBSTEPS):
        before, tableau = tableau, [_midpoint(stretches, states, times, spans, substeps)]
        for column in range(row):
            ratio = (substeps / _SUBSTEPS[row - column - 1]) ** 2
            tableau.append(tableau[column] + (tableau[column] - before[column]) / (ratio - 1.0))
    changed = np.abs(tableau[-1] - tableau[-2]) / np.maximum(stretches.scale, np.abs(states))
    worst = changed.max(axis=1)
    return tableau[-1], np.where(np.isfinite(worst), worst, np.inf)


def _midpoint(stretches: Stretches, states: FloatArray, times: FloatArray, spans: FloatArray, substeps: int) -> FloatArray:
    step = spans / substeps
    wide = step[:, None]
    before, now = states, states + wide * stretches.rates(states, times)
    for number in range(1, substeps):
        before, now = now, before + 2.0 * wide * stretches.rates(now, times + number * step)
    return 0.5 * (before + now + wide * stretches.rates(now, times + spans))


def off(stretches: Stretches, found: FloatArray, truth: FloatArray) -> FloatArray:
    """(n,) largest difference of two states in units of the scale, on circles the short way around."""
    wrap = stretches.definition.wrap
    largest: FloatArray = (np.abs(difference(within(found, wrap), within(truth, wrap), wrap)) / stretches.scale).max(axis=1)
    return largest
