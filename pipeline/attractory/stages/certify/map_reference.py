"""Maps by iteration in many digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from attractory.expressions.definition import Definition
from attractory.stages.certify.reference import NoReferenceError, Problem, Stretch, offset, stretches, twin_signs
from attractory.stages.certify.values import Values

# Iterates of one trajectory: some seconds of a small map. A chaotic one has forgotten its first digit long before.
MOST_ITERATES = 100_000


class MapReference:
    """The true orbits of one map; the twin differs in its initial state alone, as an iterate has no step to choose."""

    def __init__(self, definition: Definition, bits: int) -> None:
        self._definition, self._bits = definition, bits
        self._values = Values(definition, bits)

    def follow(self, problem: Problem) -> Iterator[Stretch]:
        """See `Reference`."""
        number = self._values.numbers.mpf
        parameters = [number(value) for value in problem.parameters.tolist()]
        moved = offset(self._bits)
        orbit = [number(value) for value in problem.initial.tolist()]
        twin = [
            value + sign * moved * scale for value, sign, scale in zip(orbit, twin_signs(len(orbit)), problem.scale.tolist(), strict=True)
        ]
        iterate = 0
        for part in stretches(len(problem.times)):
            states, differences = [], []
            for time in problem.times[part].tolist():
                while iterate < time:
                    if iterate >= MOST_ITERATES:
                        message = f"{MOST_ITERATES:,} iterates are the most that are followed"
                        raise NoReferenceError(message)
                    orbit, twin = (self._next(state, parameters, problem.start_time + iterate) for state in (orbit, twin))
                    iterate += 1
                states.append([float(value) for value in orbit])
                differences.append([float(a - b) for a, b in zip(orbit, twin, strict=True)])
            yield Stretch(np.array(states), problem.distance(np.array(differences)), iterate)

    def _next(self, state: list[Any], parameters: list[Any], time: float) -> list[Any]:
        values = self._values(state, parameters, self._values.numbers.mpf(time))
        return [values[root] for root in self._definition.roots]
