"""Lyapunov exponents of Lorenz on one core: seconds to a standard error, beside jitcode_lyap and dysts at equal error.

    python benchmarks/invariants.py [--quick] [--json FILE]

The scatter of an exponent over a time T is sqrt(D / T), and D belongs to the system: all programs that follow its trajectories need the
same total time for the same standard error. So D comes from our estimate, and each program's seconds are those it takes for a unit of time,
times D / error^2. What a program is off for another reason is printed beside it, and no amount of time mends it. Measured is processor
time, with everything compiled before; ours includes the transient and finding the interval. The leading exponent alone is measured as well
as with all three, since the contraction asks for short intervals; dysts has no other way than all three.
"""

from __future__ import annotations

import json
import logging
import math
import time
from contextlib import chdir
from dataclasses import asdict, dataclass
from tempfile import TemporaryDirectory

import numpy as np
from one_core import pin_to_one_core
from table import Requirement, number, options, requirement_table, table

from attractory.invariants import lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort, Targets

# The leading exponent's standard error, and the seconds that it may take.
ERROR, SECONDS = 5e-4, 1.0
TIMES_JITCODE, TIMES_DYSTS = 50.0, 1000.0
PUBLISHED = 0.9056  # Sprott, Chaos and Time-Series Analysis (2003), p. 431
SETTLING = 20.0  # time units in which jitcode's tangent vectors turn into their directions


@dataclass(frozen=True)
class Line:
    """One program: the seconds that ERROR takes, its leading exponent in this run, the time units that were run."""

    name: str
    seconds: float
    exponent: float
    units: float


def our_line(vectors: int, trajectories: int, error: float) -> tuple[Line, float]:
    """(our line, D: the variance of the leading exponent times the time), with so many tangent vectors."""
    targets, effort = Targets(leading=error / PUBLISHED, zero=1.0), Effort(trajectories=trajectories, core_seconds=600.0)
    lyapunov_spectrum("Lorenz", standard_error=0.1, exponents=vectors, effort=Effort(trajectories=trajectories))  # compiles
    begun = time.process_time()
    found = lyapunov_spectrum("Lorenz", standard_error=targets, exponents=vectors, effort=effort)
    seconds = time.process_time() - begun
    units = float(found.settings["duration"]) * trajectories  # type: ignore[arg-type]
    return Line(f"attractory, {_counted(vectors)}", seconds * (found.standard_error[0] / ERROR) ** 2, float(found.value[0]), units), float(
        found.standard_error[0] ** 2 * units
    )


def _counted(vectors: int) -> str:
    return "the leading exponent" if vectors == 1 else f"all {vectors}"


def jitcode_line(vectors: int, units: float, variance: float) -> Line:
    """Its adaptive method of order 5 at its own tolerances, one trajectory, QR every half unit."""
    from jitcode import jitcode_lyap, y

    equations = [10 * (y(1) - y(0)), y(0) * (28 - y(2)) - y(1), y(0) * y(1) - 8 / 3 * y(2)]
    solver = jitcode_lyap(equations, n_lyap=vectors, verbose=False)
    with TemporaryDirectory() as folder, chdir(folder):  # its setuptools would read this project's settings
        solver.compile_C()
        solver.set_integrator("dopri5")
    solver.set_initial_value([1.0, 1.0, 25.0], 0.0)
    for at in np.arange(0.5, SETTLING, 0.5):
        solver.integrate(at)
    begun, rates = time.process_time(), []
    for at in np.arange(SETTLING, SETTLING + units, 0.5):
        rates.append(solver.integrate(at)[1][0])
    seconds = time.process_time() - begun
    return Line(f"jitcode_lyap, {_counted(vectors)}", seconds / units * variance / ERROR**2, float(np.mean(rates)), units)


def dysts_line(periods: int, variance: float) -> Line:
    """`find_lyapunov_exponents` at its own settings, 500 points a period, its trajectory included."""
    from dysts.analysis import find_lyapunov_exponents
    from dysts.flows import Lorenz

    model, points = Lorenz(), 500
    begun = time.process_time()
    found = find_lyapunov_exponents(model, periods * points, pts_per_period=points)
    seconds = time.process_time() - begun
    units = periods * float(model.period)
    return Line("dysts, all 3", seconds / units * variance / ERROR**2, float(found[0]), units)


def _cells(line: Line, ours: Line, variance: float) -> list[str]:
    spent = [number(line.seconds), number(line.seconds / ours.seconds), number(line.units)]
    return [line.name, *spent, f"{line.exponent:.4f}", f"{math.sqrt(variance / line.units):.2g}"]


def main() -> None:
    """Prints the lines and the verdict."""
    arguments = options(__doc__).parse_args()
    pin_to_one_core()
    logging.getLogger("numba").setLevel(logging.WARNING)  # jitcode turns on every message
    trajectories, error, units = (256, 5e-3, 50.0) if arguments.quick else (1024, ERROR, 2000.0)
    alone, variance = our_line(1, trajectories, error)
    first, spread = our_line(3, trajectories, error)
    lines = [
        alone,
        jitcode_line(1, units, variance),
        first,
        jitcode_line(3, units, spread),
        dysts_line(10 if arguments.quick else 200, spread),
    ]
    heads = ["program", f"s to ± {ERROR:g}", "times ours", "time units run", "leading exponent", "± over these"]
    rows = [_cells(line, alone if line in lines[:2] else first, variance) for line in lines]
    print(table(heads, rows))
    requirements = [
        Requirement(f"Lorenz to {ERROR:g}", first.seconds, SECONDS, at_least=False, unit=" s"),
        Requirement("times jitcode_lyap, the leading exponent", lines[1].seconds / alone.seconds, TIMES_JITCODE),
        Requirement("times jitcode_lyap, all 3", lines[3].seconds / first.seconds, TIMES_JITCODE),
        Requirement("times dysts, all 3", lines[4].seconds / first.seconds, TIMES_DYSTS),
    ]
    print(requirement_table(requirements))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")


if __name__ == "__main__":
    main()
