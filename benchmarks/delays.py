"""Delay systems beside jitcdde at equal measured error: samples a second of one core.

    python benchmarks/delays.py [--quick] [--json FILE]

MackeyGlass and IkedaDelay from a constant past over ten delays, 15 samples a period, each program at several tolerances. Ours: 256
trajectories at once, from pasts a little apart; jitcdde: one trajectory after the other, compiled without openMP, stepping on its
discontinuities as its manual advises. The error is the largest of a trajectory's samples, relative to the largest sample, against our own
run at 1e-15. The ratio is taken at each of jitcdde's tolerances with the loosest of ours whose error is no larger. Compiling is not timed.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure import Case, geometric_mean, measure, rate_text
from one_core import pin_to_one_core
from table import Requirement, number, options, requirement_table, table, write

TRAJECTORIES, DELAYS, PER_PERIOD = 256, 10, 15
SPREAD = 1e-3
REQUIRED_RATIO = 20.0
OUR_TOLERANCES = tuple(10.0**-exponent for exponent in range(2, 16))
THEIR_TOLERANCES = (1e-4, 1e-6, 1e-8, 1e-10)
ROUNDS = 5


@dataclass(frozen=True)
class Problem:
    """A catalogued system, and its right-hand side from jitcdde's y, t and functions."""

    name: str
    equation: Callable[[Any, Any, Any], Any]


def mackey_glass(y: Any, t: Any, parameters: Any) -> Any:
    past = y(0, t - parameters["tau"])
    return parameters["beta"] * past / (1 + past ** parameters["n"]) - parameters["gamma"] * y(0)


def ikeda(y: Any, t: Any, parameters: Any) -> Any:
    from symengine import sin

    return -parameters["c"] * y(0) + parameters["mu"] * sin(y(0, t - parameters["tau"]) - parameters["x0"])


PROBLEMS = (Problem("MackeyGlass", mackey_glass), Problem("IkedaDelay", ikeda))


@dataclass(frozen=True)
class Row:
    """Both programs at one error: jitcdde's tolerance and error, ours, samples a second of both."""

    system: str
    tolerance: float
    error: float
    rate: float
    our_tolerance: float
    our_error: float
    our_rate: float

    @property
    def ratio(self) -> float:
        return self.our_rate / self.rate


def main() -> None:
    """Prints one table and what is required."""
    arguments = options(__doc__).parse_args()
    pin_to_one_core()
    rows = [row for problem in PROBLEMS for row in compared(problem, quick=arguments.quick)]
    heads = ["system", "jitcdde's tolerance", "its error", "samples/s", "our tolerance", "our error", "samples/s", "ratio"]
    print(table(heads, [cells(row) for row in rows]))
    requirements = [
        Requirement(
            f"{problem.name}: jitcdde, the smallest ratio", min(row.ratio for row in rows if row.system == problem.name), REQUIRED_RATIO
        )
        for problem in PROBLEMS
    ]
    requirements.append(Requirement("delay systems: jitcdde, geometric mean", geometric_mean([row.ratio for row in rows]), REQUIRED_RATIO))
    print(requirement_table(requirements))
    write(arguments.json, rows, requirements)


def cells(row: Row) -> list[str]:
    theirs = [f"{row.tolerance:.0e}", f"{row.error:.1e}", rate_text(row.rate)]
    ours = [f"{row.our_tolerance:.0e}", f"{row.our_error:.1e}", rate_text(row.our_rate)]
    return [row.system, *theirs, *ours, number(row.ratio)]


def compared(problem: Problem, *, quick: bool) -> list[Row]:
    """One row for each of jitcdde's tolerances."""
    tolerances = THEIR_TOLERANCES[:2] if quick else THEIR_TOLERANCES
    samples, dt, past = work_of(problem)
    truth = ours(problem, 1e-15, 1)()
    our_errors = {tolerance: error_of(ours(problem, tolerance, 1)(), truth) for tolerance in OUR_TOLERANCES}
    rows = []
    for tolerance in tolerances:
        theirs = jitcdde_run(problem, tolerance, (samples, dt, past))
        error = error_of(theirs(), truth)
        chosen = next((ours_at for ours_at in OUR_TOLERANCES if our_errors[ours_at] <= error), OUR_TOLERANCES[-1])
        cases = [
            Case("ours", lambda chosen=chosen: ours(problem, chosen, TRAJECTORIES), TRAJECTORIES * samples),
            Case("jitcdde", lambda theirs=theirs: theirs, samples),
        ]
        (mine, other), _ = measure(cases, rounds=1 if quick else ROUNDS)
        rows.append(Row(problem.name, tolerance, error, other.rate, chosen, our_errors[chosen], mine.rate))
    return rows


def work_of(problem: Problem) -> tuple[int, float, float]:
    """(samples, dt, the constant past)."""
    import attractory

    system = attractory.system(problem.name)
    dt = float(system.period or 1.0) / PER_PERIOD
    return int(DELAYS * system.parameters["tau"] / dt), dt, float(system.initial[0])


def error_of(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(found - truth).max() / np.abs(truth).max())


def ours(problem: Problem, tolerance: float, trajectories: int) -> Callable[[], np.ndarray]:
    """The first trajectory's samples; the others begin a little apart."""
    import attractory

    samples, dt, past = work_of(problem)
    system = attractory.system(problem.name)
    initial = past * (1 + SPREAD * np.arange(trajectories)[:, None] / TRAJECTORIES)

    def run() -> np.ndarray:
        made = attractory.integrate(system, initial=initial, samples=samples, dt=dt, tolerance=tolerance)
        return np.asarray(made.state.values[0, :, 0])

    return run


def jitcdde_run(problem: Problem, tolerance: float, work: tuple[int, float, float]) -> Callable[[], np.ndarray]:
    """Samples of one trajectory by jitcdde, compiled."""
    from jitcdde import jitcdde, t, y

    import attractory

    samples, dt, past = work
    parameters = attractory.system(problem.name).parameters
    delay = parameters["tau"]
    solver = jitcdde([problem.equation(y, t, parameters)], max_delay=delay, verbose=False)
    # In an empty folder, because setuptools would read the pyproject.toml of the one that we are in.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        solver.compile_C(verbose=False)
    solver.set_integration_parameters(rtol=tolerance, atol=tolerance, first_step=1e-3 * delay, max_step=delay)
    times = dt * np.arange(1, samples)

    def run() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that a sample lies within its last step
            solver.purge_past()
            solver.constant_past([past])
            # jitcdde's own way over discontinuities steps to them; from there on it samples. Samples before that are its interpolants.
            solver.step_on_discontinuities(propagations=1)
            spline = solver.get_state()
            early = [spline.get_state(time)[0] for time in times[times <= solver.t]]
            return np.array([past, *early, *(solver.integrate(time)[0] for time in times[len(early) :])])

    return run


if __name__ == "__main__":
    main()
