"""What size costs: Lorenz96 with 10 to 10,000 variables, and the variational system of one.

    python benchmarks/size.py [--quick] [--json FILE]

Seconds from the equations' text to callable functions; nanoseconds that a variable takes in a step of one trajectory (a flat line is a cost
that is linear in the dimension); samples a second beside heyoka in batches, in its compact mode from 40 variables on, up to a thousand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from measure import ROUNDS, Case, geometric_mean, measure, rate_text
from numpy.typing import NDArray
from one_core import pin_to_one_core
from table import Requirement, options, requirement_table, table, write

import attractory
from attractory.expressions.definition import Definition
from attractory.expressions.derivative import variational
from attractory.kernels import Target, flow_kernel, lanes_for, order_for

SIZES, QUICK_SIZES = (10, 40, 100, 1000, 10_000), (10, 40)
TOLERANCE = 1e-9
VARIATIONAL = 20  # variables, so 420 states
REQUIRED_SECONDS = 2.0
# A thousand times the variables: quadratic cost would be a thousand; what is allowed is for memory, since 10,000 leave the caches.
FLAT = 5.0
LARGEST_PEER, COMPACT_FROM = 1000, 40
DT, SAMPLES = 0.014, 256  # a hundred samples a period
SPREAD, SEED = 1e-3, 5


@dataclass(frozen=True)
class Size:
    """One size: seconds to compile, nanoseconds a variable and step, samples a second of both (heyoka's 0 where it did not run)."""

    variables: int
    compile: float
    nanoseconds: float
    rate: float
    heyoka: float


def trajectories(variables: int) -> int:
    """Fewer of the largest, so that each size takes about a second; always whole groups of lanes."""
    return 256 if variables <= 100 else 32 if variables <= 1000 else 8


def starts(system: attractory.System) -> NDArray[np.float64]:
    spread = SPREAD * np.random.default_rng(SEED).normal(size=(trajectories(system.dimension), system.dimension))
    return system.initial + spread


def lorenz96(variables: int) -> attractory.System:
    """The catalog's, of another size."""
    return attractory.system("Lorenz96").with_parameters(N=variables)


def compile_seconds(make: Callable[[], Definition]) -> float:
    """From the equations' text to callable functions."""
    begin = time.process_time()
    definition = make()
    flow_kernel.__wrapped__(definition, order_for(TOLERANCE), lanes_for(definition), Target())
    return time.process_time() - begin


def nanoseconds(system: attractory.System, rounds: int) -> float:
    """Of a variable in a step, where next to nothing is sampled; the fastest round, since others are the machine's."""
    initial = starts(system)

    def once() -> float:
        begin = time.process_time()
        made = attractory.integrate(system, initial=initial, samples=2, dt=DT * SAMPLES, tolerance=TOLERANCE)
        return (time.process_time() - begin) / made.attrs["steps"]

    once()
    return 1e9 / system.dimension * min(once() for _ in range(rounds))


def ours(system: attractory.System) -> Callable[[], NDArray[np.float64]]:
    initial = starts(system)
    return lambda: attractory.integrate(system, initial=initial, samples=SAMPLES, dt=DT, tolerance=TOLERANCE).state.values


def heyoka(system: attractory.System, width: int) -> Callable[[], NDArray[np.float64]]:
    """heyoka's Taylor integrator on `width` trajectories at once, the samples put in the order (trajectory, time, variable)."""
    import heyoka

    initial, count, force = starts(system), system.dimension, system.parameters["F"]
    x = heyoka.make_vars(*system.variables)
    equations = [(x[i], (x[(i + 1) % count] - x[i - 2]) * x[i - 1] - x[i] + force) for i in range(count)]
    first = np.ascontiguousarray(initial[:width].T)
    integrator = heyoka.taylor_adaptive_batch(equations, first, tol=TOLERANCE, compact_mode=count >= COMPACT_FROM)
    grid = np.ascontiguousarray(np.tile((np.arange(SAMPLES) * DT)[:, None], (1, width)))

    def run() -> NDArray[np.float64]:
        out = np.empty((len(initial), SAMPLES, count))
        for start in range(0, len(initial), width):
            integrator.set_time(0.0)
            integrator.state[:] = initial[start : start + width].T
            out[start : start + width] = integrator.propagate_grid(grid)[1].transpose(2, 0, 1)
        return out

    return run


def cases(system: attractory.System) -> Iterator[Case]:
    work = trajectories(system.dimension) * SAMPLES
    yield Case("attractory", lambda: ours(system), work)
    if system.dimension <= LARGEST_PEER:
        for width in (4, 8):
            yield Case(f"heyoka {width}", lambda width=width: heyoka(system, width), work)


def measured(variables: int, rounds: int) -> Size:
    seconds = compile_seconds(lambda: lorenz96(variables).definition)
    system = lorenz96(variables)
    step = nanoseconds(system, rounds)
    rates = {row.name: row.rate for row in measure(cases(system), rounds)[0]}
    own = rates.pop("attractory")
    return Size(variables, seconds, step, own, max(rates.values(), default=0.0))


def requirements(rows: list[Size], variational_seconds: float) -> list[Requirement]:
    steps = {row.variables: row.nanoseconds for row in rows}
    first, last = min(steps), max(steps)
    named = f"compile Lorenz96's variational system, {VARIATIONAL} variables"
    return [
        Requirement(named, variational_seconds, REQUIRED_SECONDS, at_least=False, unit=" s"),
        Requirement(f"compile Lorenz96, {last:,} variables", rows[-1].compile, 2 * REQUIRED_SECONDS, at_least=False, unit=" s"),
        Requirement(f"a variable's step of {last:,} over {first}", steps[last] / steps[first], FLAT, at_least=False, unit=" x"),
    ]


def main() -> None:
    asked = options(__doc__).parse_args()
    pin_to_one_core()
    os.environ["ATTRACTORY_CACHE"] = "off"  # what is compiled here is measured
    rounds = 1 if asked.quick else ROUNDS
    compile_seconds(lambda: attractory.system("Lorenz").definition)  # loads LLVM
    seconds = compile_seconds(lambda: variational(lorenz96(VARIATIONAL).definition))
    rows = [measured(variables, rounds) for variables in (QUICK_SIZES if asked.quick else SIZES)]
    cells = [
        [
            f"{row.variables:,}",
            f"{row.compile:.3f} s",
            f"{row.nanoseconds:.1f}",
            rate_text(row.rate),
            rate_text(row.heyoka) if row.heyoka else "",
            f"{row.rate / row.heyoka:.1f}" if row.heyoka else "",
        ]
        for row in rows
    ]
    verdict = requirements(rows, seconds)
    print(f"Lorenz96 at {TOLERANCE:g}, medians of {rounds}:\n")
    print(table(["variables", "compile", "ns a variable and step", "samples/s", "heyoka", "ratio"], cells))
    ratio = geometric_mean(row.rate / row.heyoka for row in rows if row.heyoka)
    print(f"\nGeometric mean of the ratios: {ratio:.2f}\n\n{requirement_table(verdict)}\n")
    write(asked.json, rows, verdict)


if __name__ == "__main__":
    main()
