"""Lyapunov exponents of Lorenz on one core: seconds to a standard error, beside jitcode_lyap and dysts at equal error.

    python benchmarks/invariants.py [--quick] [--json FILE]

The scatter of an exponent over a time T is sqrt(D / T), and D belongs to the system: all programs that follow its trajectories need the
same total time for the same standard error. So D comes from our estimate, and each program's seconds are those it takes for a unit of time,
times D / error^2. What a program is off for another reason is printed beside it, and no amount of time mends it. Measured is processor
time, with the system read and everything compiled before; ours includes the transient and finding the interval. jitcode_lyap runs at its
own relative tolerance, 1e-6, beside ours at the same, and both run at our default, 1e-9. The leading exponent alone is measured as well as
all three, since the contraction asks for short intervals; dysts has no other way than all three, and its own tolerances.
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

import attractory
from attractory.invariants import lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort, Targets

# The leading exponent's standard error, and the seconds that it may take.
ERROR, SECONDS = 5e-4, 1.0
OWN, DEFAULT = 1e-6, 1e-9  # relative tolerances: jitcode_lyap's, with SciPy's dopri5, and ours
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


def our_line(vectors: int, trajectories: int, error: float, tolerance: float) -> tuple[Line, float]:
    """(our line, D: the variance of the leading exponent times the time), with so many tangent vectors."""
    targets, effort = Targets(leading=error / PUBLISHED, zero=1.0), Effort(trajectories, tolerance=tolerance, core_seconds=600.0)
    lorenz = attractory.system("Lorenz")
    lyapunov_spectrum(lorenz, standard_error=0.1, exponents=vectors, effort=Effort(trajectories, tolerance=tolerance))  # compiles
    begun = time.process_time()
    found = lyapunov_spectrum(lorenz, standard_error=targets, exponents=vectors, effort=effort)
    seconds = time.process_time() - begun
    units = float(found.settings["duration"]) * trajectories  # type: ignore[arg-type]
    variance = float(found.standard_error[0] ** 2 * units)
    name = f"attractory, {_counted(vectors)}, {tolerance:g}"
    return Line(name, seconds * (found.standard_error[0] / ERROR) ** 2, float(found.value[0]), units), variance


def _counted(vectors: int) -> str:
    return "the leading exponent" if vectors == 1 else f"all {vectors}"


def jitcode_line(vectors: int, units: float, variance: float, tolerance: float) -> Line:
    """Its adaptive method of order 5, one trajectory, QR every half unit."""
    from jitcode import jitcode_lyap, y

    equations = [10 * (y(1) - y(0)), y(0) * (28 - y(2)) - y(1), y(0) * y(1) - 8 / 3 * y(2)]
    solver = jitcode_lyap(equations, n_lyap=vectors, verbose=False)
    with TemporaryDirectory() as folder, chdir(folder):  # its setuptools would read this project's settings
        solver.compile_C()
        solver.set_integrator("dopri5", rtol=tolerance)
    solver.set_initial_value([1.0, 1.0, 25.0], 0.0)
    for at in np.arange(0.5, SETTLING, 0.5):
        solver.integrate(at)
    begun, rates = time.process_time(), []
    for at in np.arange(SETTLING, SETTLING + units, 0.5):
        rates.append(solver.integrate(at)[1][0])
    seconds = time.process_time() - begun
    return Line(f"jitcode_lyap, {_counted(vectors)}, {tolerance:g}", seconds / units * variance / ERROR**2, float(np.mean(rates)), units)


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


@dataclass(frozen=True)
class Pair:
    """The same work in ours and in a peer; `variance` is D."""

    ours: Line
    peer: Line
    variance: float

    @property
    def times(self) -> float:
        return self.peer.seconds / self.ours.seconds

    def rows(self) -> list[list[str]]:
        return [self._row(line) for line in (self.ours, self.peer)]

    def _row(self, line: Line) -> list[str]:
        spent = [number(line.seconds), number(line.seconds / self.ours.seconds), number(line.units)]
        return [line.name, *spent, f"{line.exponent:.4f}", f"{math.sqrt(self.variance / line.units):.2g}"]


def beside_jitcode(vectors: int, tolerance: float, *, quick: bool) -> Pair:
    trajectories, error, units = (256, 5e-3, 50.0) if quick else (1024, ERROR, 2000.0)
    ours, variance = our_line(vectors, trajectories, error, tolerance)
    return Pair(ours, jitcode_line(vectors, units, variance, tolerance), variance)


def main() -> None:
    """Prints the lines and the verdict."""
    arguments = options(__doc__).parse_args()
    pin_to_one_core()
    logging.getLogger("numba").setLevel(logging.WARNING)  # jitcode turns on every message
    pairs = [beside_jitcode(vectors, tolerance, quick=arguments.quick) for vectors in (1, 3) for tolerance in (OWN, DEFAULT)]
    last = pairs[-1]
    slowest = Pair(last.ours, dysts_line(10 if arguments.quick else 200, last.variance), last.variance)
    rows = [row for pair in pairs for row in pair.rows()] + slowest.rows()[1:]
    print(table(["program", f"s to ± {ERROR:g}", "times ours", "time units run", "leading exponent", "± over these"], rows))
    first = Requirement(f"Lorenz to {ERROR:g}, all 3, {DEFAULT:g}", last.ours.seconds, SECONDS, at_least=False, unit=" s")
    beside = [Requirement(f"times {pair.peer.name}", pair.times, TIMES_JITCODE) for pair in pairs]
    print(requirement_table([first, *beside, Requirement(f"times {slowest.peer.name}", slowest.times, TIMES_DYSTS)]))
    if arguments.json:
        lines = [line for pair in pairs for line in (pair.ours, pair.peer)] + [slowest.peer]
        arguments.json.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")


if __name__ == "__main__":
    main()
