"""Maps: nanoseconds an iterate of one trajectory on one core, beside numba's scalar loop and NumPy's iteration of all trajectories at once.

    python benchmarks/maps.py [--quick] [--json FILE]

Ours: `attractory.integrate_ensemble` on 256 trajectories, every 100th iterate or each one kept, as doubles. numba: a function compiled
for the map, one trajectory after the other, so that each waits for its own last iterate. NumPy: the formula written out on arrays of all
trajectories, as one would iterate in Julia with broadcasts. All keep the same samples in memory (trajectory, variable, time).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure import ROUNDS, Case, measure
from numpy.typing import NDArray
from one_core import pin_to_one_core
from table import Requirement, options, requirement_table, table, write

import attractory
from attractory.integrate import Engine, Ensemble, SampleGrid, integrate_ensemble

TRAJECTORIES = 256
# (iterates from one sample to the next, samples): some million iterates each. Arrays of over 32 MiB would be asked of the system anew in
# each run, and filled by it with zeros first.
SAMPLINGS = ((100, 201), (1, 4097))
QUICK_SAMPLINGS = ((100, 11), (1, 129))
REQUIRED_NANOSECONDS = 1.0
SPREAD, SEED = 1e-3, 5


@dataclass(frozen=True)
class Map:
    """A map with its formulas for the others, in Python that numba and NumPy both take; `where` is a conditional in the first."""

    name: str
    system: attractory.System
    scalar: str
    arrays: str


@dataclass(frozen=True)
class Line:
    """Nanoseconds an iterate of one trajectory."""

    name: str
    every: int
    ours: float
    numba: float
    numpy: float


def maps() -> tuple[Map, ...]:
    """Two catalogued ones; one modular, one with an absolute value, one in two pieces."""
    cat = _map("Cat", {"x": "mod(x + y, 1)", "y": "mod(x + 2*y, 1)"}, {"x": 0.1, "y": 0.37})
    lozi = _map("Lozi", {"x": "1 - 1.7*abs(x) + y", "y": "0.5*x"}, {"x": 0.1, "y": 0.1})
    tent = _map("Tent", {"x": "where(x < 0.5, 1.999*x, 1.999 - 1.999*x)"}, {"x": 0.3})
    return (
        Map("Henon", attractory.system("Henon"), "1 - 1.4*(x*x) + y, 0.3*x", "1 - 1.4*(x*x) + y, 0.3*x"),
        Map("Logistic", attractory.system("Logistic"), "3.9*x*(1 - x),", "3.9*x*(1 - x),"),
        Map("Cat", cat, "x + y - np.floor(x + y), x + 2*y - np.floor(x + 2*y)", "x + y - np.floor(x + y), x + 2*y - np.floor(x + 2*y)"),
        Map("Lozi", lozi, "1 - 1.7*abs(x) + y, 0.5*x", "1 - 1.7*abs(x) + y, 0.5*x"),
        Map("Tent", tent, "1.999*x if x < 0.5 else 1.999 - 1.999*x,", "np.where(x < 0.5, 1.999*x, 1.999 - 1.999*x),"),
    )


def _map(name: str, equations: dict[str, str], initial: dict[str, float]) -> attractory.System:
    return attractory.System(name=name, kind="map", equations=equations, initial=initial)


def starts(system: attractory.System, trajectories: int) -> NDArray[np.float64]:
    """States near the map's own, on the side of it that is in the basin."""
    spread = np.abs(SPREAD * np.random.default_rng(SEED).normal(size=(trajectories, system.dimension)))
    return system.initial * (1 - spread)


def ours(one: Map, every: int, samples: int, trajectories: int) -> Callable[[], Any]:
    initial = starts(one.system, trajectories)
    values = np.tile(one.system.definition.values, (trajectories, 1))
    ensemble = Ensemble(initial, values, np.zeros(trajectories))
    grids, engine = [SampleGrid(every, samples)], Engine()
    return lambda: integrate_ensemble(one.system.definition, ensemble, grids=grids, engine=engine).states[0]


def with_numba(one: Map, every: int, samples: int, trajectories: int) -> Callable[[], Any]:
    from numba import njit

    names = one.system.variables
    columns, state = range(len(names)), ", ".join(names) + ","
    kept = "; ".join(f"out[i, {v}, {{0}}] = {name}" for v, name in zip(columns, names, strict=True))
    text = (
        f"def run(initial, every, samples):\n    out = np.empty((initial.shape[0], {len(names)}, samples))\n"
        f"    for i in range(initial.shape[0]):\n        {state} = " + ", ".join(f"initial[i, {v}]" for v in columns) + ",\n"
        f"        {kept.format(0)}\n        for n in range(1, samples):\n            for _ in range(every):\n"
        f"                {state} = {one.scalar}\n            {kept.format('n')}\n    return out\n"
    )
    scope: dict[str, Any] = {"np": np}
    exec(text, scope)
    run, initial = njit(scope["run"]), starts(one.system, trajectories)
    return lambda: run(initial, every, samples)


def with_numpy(one: Map, every: int, samples: int, trajectories: int) -> Callable[[], Any]:
    scope: dict[str, Any] = {"np": np}
    names = ", ".join(one.system.variables) + ","
    exec(f"def step({names.rstrip(',')}):\n    return {one.arrays}", scope)
    step, initial = scope["step"], starts(one.system, trajectories)

    def run() -> NDArray[np.float64]:
        out = np.empty((trajectories, one.system.dimension, samples))
        state = tuple(initial.T)
        for n in range(samples):
            for v, values in enumerate(state):
                out[:, v, n] = values
            for _ in range(every if n < samples - 1 else 0):
                state = step(*state)
        return out

    return run


def cases(one: Map, every: int, samples: int, trajectories: int) -> Iterator[Case]:
    work = float(trajectories * every * (samples - 1))
    for name, prepare in (("attractory", ours), ("numba", with_numba), ("NumPy", with_numpy)):
        yield Case(name, lambda prepare=prepare: prepare(one, every, samples, trajectories), work)


def line(one: Map, every: int, samples: int, trajectories: int, rounds: int) -> Line:
    rows, made = measure(cases(one, every, samples, trajectories), rounds)
    # rounding differs in the order of sums alone: after some iterates all are on the attractor, the first few are equal
    agreed = made["attractory"].transpose(0, 2, 1)[:, :, 0], made["numba"][:, :, 0], made["NumPy"][:, :, 0]
    if not all(np.array_equal(agreed[0], other) for other in agreed[1:]):
        message = f"{one.name}: the three programs begin at different states"
        raise ValueError(message)
    return Line(one.name, every, *(1e9 / row.rate for row in rows))


def requirements(lines: list[Line]) -> list[Requirement]:
    henon = {found.every: found for found in lines if found.name == "Henon"}
    return [
        Requirement(f"Henon, every {every}, an iterate", found.ours, REQUIRED_NANOSECONDS, at_least=False, unit=" ns")
        for every, found in henon.items()
    ]


def _cells(found: Line) -> list[str]:
    times = [f"{value:.3g}" for value in (found.ours, found.numba, found.numpy)]
    return [f"{found.name}, every {found.every}", *times, f"{found.numba / found.ours:.1f}", f"{found.numpy / found.ours:.1f}"]


def main() -> None:
    asked = options(__doc__).parse_args()
    pin_to_one_core()
    trajectories, rounds = (32, 1) if asked.quick else (TRAJECTORIES, ROUNDS)
    samplings = QUICK_SAMPLINGS if asked.quick else SAMPLINGS
    lines = [line(one, *sampling, trajectories, rounds) for one in maps() for sampling in samplings]
    cells = [_cells(found) for found in lines]
    verdict = requirements(lines)
    print(f"Maps, nanoseconds an iterate of one trajectory ({trajectories} trajectories, medians of {rounds}):\n")
    print(table(["map", "ours", "numba, scalar", "NumPy", "numba / ours", "NumPy / ours"], cells))
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, lines, verdict)


if __name__ == "__main__":
    main()
