"""Stiff flows: five problems with published solutions, ours in lanes beside SciPy's implicit methods.

    python benchmarks/stiff.py [--quick] [--json FILE]

Ours: 256 trajectories from the problem's initial state, two samples, the time of one trajectory; SciPy's Radau and BDF: one trajectory, the
right-hand side compiled by numba, with an absolute tolerance that suits the problem's smallest variable. All at 1e-8. The error is the
largest of a variable relative to its published value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure import ROUNDS, Case, geometric_mean, measure
from one_core import pin_to_one_core
from table import Requirement, options, requirement_table, table, write

TOLERANCE, TRAJECTORIES = 1e-8, 256
REQUIRED_RATIO = 1000.0
METHODS = ("Radau", "BDF")


@dataclass(frozen=True)
class Problem:
    """Equations, the state at time 0 and at `end`, and the absolute tolerance that SciPy gets."""

    name: str
    equations: dict[str, str]
    initial: list[float]
    end: float
    final: list[float]
    absolute: float


# Values: Mazzia and Magherini, Test Set for Initial Value Problem Solvers 2.4 (2008); Prothero and Robinson, Math. Comp. 28, 145 (1974).
PROBLEMS = (
    Problem(
        "Robertson",
        {"x": "-0.04*x + 1e4*y*z", "y": "0.04*x - 1e4*y*z - 3e7*y*y", "z": "3e7*y*y"},
        [1.0, 0.0, 0.0],
        1e11,
        [0.2083340149701255e-07, 0.8333360770334713e-13, 0.9999999791665050],
        1e-14,
    ),
    Problem(
        "VanDerPol, mu = 1000",
        {"x": "y", "y": "1000*(1 - x*x)*y - x"},
        [2.0, 0.0],
        2000.0,
        [0.1706167732170483e1, -0.8928097010247975e-3],
        1e-12,
    ),
    Problem(
        "HIRES",
        {
            "a": "-1.71*a + 0.43*b + 8.32*c + 0.0007",
            "b": "1.71*a - 8.75*b",
            "c": "-10.03*c + 0.43*d + 0.035*e",
            "d": "8.32*b + 1.71*c - 1.12*d",
            "e": "-1.745*e + 0.43*f + 0.43*g",
            "f": "-280*f*h + 0.69*d + 1.71*e - 0.43*f + 0.69*g",
            "g": "280*f*h - 1.81*g",
            "h": "-280*f*h + 1.81*g",
        },
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057],
        321.8122,
        [0.7371312573325668e-3, 0.1442485726316185e-3, 0.5888729740967575e-4, 0.1175651343283149e-2, 0.2386356198831331e-2,
         0.6238968252742796e-2, 0.2849998395185769e-2, 0.2850001604814231e-2],
        1e-12,
    ),
    Problem(
        "Oregonator",
        {"x": "77.27*(y + x*(1 - 8.375e-6*x - y))", "y": "(z - (1 + x)*y)/77.27", "z": "0.161*(x - z)"},
        [1.0, 2.0, 3.0],
        360.0,
        [0.1000814870318523e1, 0.1228178521549917e4, 0.1320554942846706e3],
        1e-12,
    ),
    Problem("ProtheroRobinson, 1e6", {"x": "-1e6*(x - sin(t)) + cos(t)"}, [0.0], 10.0, [float(np.sin(10.0))], 1e-12),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One program on one problem; seconds of one trajectory."""

    problem: str
    program: str
    steps: int
    seconds: float
    error: float


def ours(problem: Problem, trajectories: int) -> Callable[[], Any]:
    from attractory.expressions.system import System
    from attractory.integrate import integrate

    names = dict(zip(problem.equations, problem.initial, strict=True))
    system = System(name="Problem", equations=problem.equations, initial=names)
    initial = np.tile(problem.initial, (trajectories, 1))
    return lambda: integrate(system, initial=initial, samples=2, dt=problem.end, tolerance=TOLERANCE)


def scipy_implicit(problem: Problem, method: str) -> Callable[[], Any]:
    from numba import njit
    from scipy.integrate import solve_ivp

    scope: dict[str, Any] = {"np": np, "sin": np.sin, "cos": np.cos}
    unpacked, rates = ", ".join(problem.equations), ", ".join(problem.equations.values())
    exec(f"def derivative(t, u):\n    {unpacked}, = u\n    return np.array([{rates}])", scope)
    derivative, initial = njit(scope["derivative"]), np.array(problem.initial)
    accuracy = {"rtol": TOLERANCE, "atol": problem.absolute}
    return lambda: solve_ivp(derivative, (0.0, problem.end), initial, method, **accuracy)


def lines(problem: Problem, trajectories: int, rounds: int) -> list[Line]:
    """Ours, then SciPy's methods."""
    cases = [Case("attractory", lambda: ours(problem, trajectories), float(trajectories))]
    cases += [Case(method, lambda method=method: scipy_implicit(problem, method), 1.0) for method in METHODS]
    rows, made = measure(cases, rounds)
    return [_line(problem, row.name, 1.0 / row.rate, made[row.name]) for row in rows]


def _line(problem: Problem, program: str, seconds: float, made: Any) -> Line:
    mine = program == "attractory"
    final = made.state.values[0, -1] if mine else made.y[:, -1]
    steps = int(made.steps.values[0]) if mine else len(made.t) - 1
    return Line(problem.name, program, steps, seconds, float(np.abs(final / np.array(problem.final) - 1).max()))


def ratio(of: list[Line], method: str) -> float:
    """How many times longer SciPy's method takes for a trajectory."""
    by_name = {line.program: line.seconds for line in of}
    return by_name[method] / by_name["attractory"]


def main() -> None:
    asked = options(__doc__).parse_args()
    pin_to_one_core()
    trajectories, rounds = (16, 1) if asked.quick else (TRAJECTORIES, ROUNDS)
    found = [lines(problem, trajectories, rounds) for problem in PROBLEMS]
    cells = [
        [line.problem, line.program, f"{line.steps:,}", f"{1e6 * line.seconds:,.0f} us", f"{line.error:.1e}"]
        for group in found
        for line in group
    ]
    means = {method: geometric_mean(ratio(group, method) for group in found) for method in METHODS}
    verdict = [Requirement("stiff flows, against SciPy Radau", means["Radau"], REQUIRED_RATIO)]
    print(f"Stiff flows at {TOLERANCE:g}, time of one trajectory ({trajectories} in lanes; SciPy one at a time):\n")
    print(table(["problem", "program", "steps", "a trajectory", "error"], cells))
    print("\nSciPy's time over ours, geometric means: " + ", ".join(f"{method} {value:,.0f}" for method, value in means.items()))
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, [line for group in found for line in group], verdict)


if __name__ == "__main__":
    main()
