"""Stiff flows: five problems with published solutions, ours in lanes beside SciPy's implicit methods.

    python benchmarks/stiff.py [--quick] [--json FILE]

Ours: 256 trajectories from the problem's initial state, two samples, the time of one trajectory; SciPy's Radau and BDF: one trajectory, the
right-hand side compiled by numba, with an absolute tolerance that suits the problem's smallest variable; jitcode: the same with right-hand
side and Jacobian compiled from C, by lsoda, vode's BDF and SciPy's Radau; the fastest that reaches the end counts. All at 1e-8. The
error is the largest of a variable relative to its published value; a method that fails says so in its line.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure import ROUNDS, Case, geometric_mean, measure
from one_core import pin_to_one_core
from table import Requirement, options, requirement_table, table, write

import attractory

TOLERANCE, TRAJECTORIES = 1e-8, 256
REQUIRED_OF_RADAU, REQUIRED_OF_JITCODE = 1000.0, 5.0
METHODS = ("Radau", "BDF")
# vode needs millions of steps where it is not the best by far; it is stopped before.
JITCODE = {"lsoda": {"nsteps": 10**7}, "vode": {"method": "bdf", "nsteps": 20_000}, "Radau": {}}
# What has an error above this did not solve the problem, however fast: all reach 1e-4 and better where they do.
SOLVED = 1e-3


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


def _system(problem: Problem) -> attractory.System:
    names = dict(zip(problem.equations, problem.initial, strict=True))
    return attractory.System(name="Problem", equations=problem.equations, initial=names)


def ours(problem: Problem, trajectories: int) -> Callable[[], Any]:
    from attractory.integrate import integrate

    system = _system(problem)
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


def jitcode_implicit(problem: Problem, integrator: str) -> Callable[[], Any]:
    """The final state (variable,) by one of jitcode's integrators; NaN where it gives up."""
    import jitcode
    from samplers import jitcode_model

    ode, initial = jitcode_model(_system(problem), jacobian=True), np.array(problem.initial)

    def run() -> Any:
        ode.set_integrator(integrator, rtol=TOLERANCE, atol=problem.absolute, **JITCODE[integrator])
        ode.set_initial_value(initial, 0.0)
        try:
            return np.array(ode.integrate(problem.end))
        except jitcode.UnsuccessfulIntegration:
            return np.full(len(initial), np.nan)

    return run


def lines(problem: Problem, trajectories: int, rounds: int) -> list[Line]:
    """Ours, then SciPy's methods and jitcode's."""
    cases = [Case("attractory", lambda: ours(problem, trajectories), float(trajectories))]
    cases += [Case(method, lambda method=method: scipy_implicit(problem, method), 1.0) for method in METHODS]
    cases += [Case(f"jitcode {name}", lambda name=name: jitcode_implicit(problem, name), 1.0) for name in JITCODE]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an integrator that gives up says so; its line does too
        rows, made = measure(cases, rounds)
    return [_line(problem, row.name, 1.0 / row.rate, made[row.name]) for row in rows]


def _line(problem: Problem, program: str, seconds: float, made: Any) -> Line:
    final, steps = _outcome(program, made)
    error = float(np.abs(final / np.array(problem.final) - 1).max())
    return Line(problem.name, program, steps, seconds, error if np.isfinite(error) else np.inf)


def _outcome(program: str, made: Any) -> tuple[Any, int]:
    """(the final state, the steps; 0 where a program does not say)."""
    if program == "attractory":
        return made.state.values[0, -1], int(made.steps.values[0])
    return (made, 0) if program.startswith("jitcode") else (made.y[:, -1], len(made.t) - 1)


def ratio(of: list[Line], program: str) -> float:
    """How many times longer a program takes for a trajectory; of several of that beginning the fastest that solved the problem.

    Raises:
        ValueError: none did.
    """
    mine = next(line.seconds for line in of if line.program == "attractory")
    return min(line.seconds for line in of if line.program.startswith(program) and line.error < SOLVED) / mine


def main() -> None:
    asked = options(__doc__).parse_args()
    pin_to_one_core()
    trajectories, rounds = (16, 1) if asked.quick else (TRAJECTORIES, ROUNDS)
    found = [lines(problem, trajectories, rounds) for problem in PROBLEMS]
    cells = [
        [line.problem, line.program, f"{line.steps:,}" if line.steps else "", f"{1e6 * line.seconds:,.0f} us", _error_text(line)]
        for group in found
        for line in group
    ]
    means = {program: geometric_mean(ratio(group, program) for group in found) for program in (*METHODS, "jitcode")}
    verdict = [
        Requirement("stiff flows, against SciPy Radau", means["Radau"], REQUIRED_OF_RADAU),
        Requirement("stiff flows, against jitcode's best stiff setting", means["jitcode"], REQUIRED_OF_JITCODE),
    ]
    print(f"Stiff flows at {TOLERANCE:g}, time of one trajectory ({trajectories} in lanes; the others one at a time):\n")
    print(table(["problem", "program", "steps", "a trajectory", "error"], cells))
    print("\nTheir time over ours, geometric means: " + ", ".join(f"{program} {value:,.0f}" for program, value in means.items()))
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, [line for group in found for line in group], verdict)


def _error_text(line: Line) -> str:
    return f"{line.error:.1e}" if line.error < SOLVED else "not solved"


if __name__ == "__main__":
    main()
