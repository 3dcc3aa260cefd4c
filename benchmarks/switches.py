"""What exact switches cost: Chua's circuit with its two corners found, beside the same kernel that never looks for them.

    python benchmarks/switches.py [--quick] [--json FILE]

Both run the same compiled steps from the same states; without looking, each trajectory keeps the modes that it began with, so its steps are
those of a smooth flow. A last line has the rate of a mass that sticks and slips, where sliding is a part of the graph.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure import ROUNDS, Case, measure, rate_text
from one_core import pin_to_one_core
from table import Requirement, options, requirement_table, table, write

TRAJECTORIES, PERIODS, REQUIRED_RATIO = 256, 10, 2.0
SETTINGS = ((1e-9, 100), (1e-9, 15), (1e-14, 100), (1e-14, 15))  # tolerance, samples a period
BELT = {"x": "v", "v": "-x - (0.5 + 0.5*exp(-abs(v - 0.3)))*sign(v - 0.3)"}


@dataclass(frozen=True)
class Line:
    """One setting: samples a second with switches and without looking for them, and steps a period of each."""

    tolerance: float
    samples_per_period: int
    exact: float
    ignoring: float
    exact_steps: float
    ignoring_steps: float

    @property
    def ratio(self) -> float:
        return self.ignoring / self.exact


@contextmanager
def ignored_switches() -> Iterator[None]:
    """The driver is told of no switch: modes stay as they were set at the start."""
    methods = importlib.import_module("attractory.integrate.methods")
    layout = methods.switch_layout
    methods.switch_layout = lambda *arguments: (found := layout(*arguments))._replace(facts=found.facts[:0])
    try:
        yield
    finally:
        methods.switch_layout = layout


def chua(tolerance: float, samples_per_period: int, periods: int, *, exact: bool) -> Callable[[], Any]:
    import attractory
    from attractory.integrate import integrate

    system = attractory.system("Chua")
    initial = np.asarray(system.initial) * (1 + 0.001 * np.arange(TRAJECTORIES)[:, None])
    length = {"samples": samples_per_period * periods, "samples_per_period": samples_per_period}

    def run() -> Any:
        if exact:
            return integrate(system, initial=initial, tolerance=tolerance, **length)
        with ignored_switches():
            return integrate(system, initial=initial, tolerance=tolerance, **length)

    return run


def line(tolerance: float, samples_per_period: int, periods: int, rounds: int) -> Line:
    work = float(TRAJECTORIES * samples_per_period * periods)
    cases = [
        Case(name, lambda exact=exact: chua(tolerance, samples_per_period, periods, exact=exact), work)
        for name, exact in (("exact", True), ("ignoring", False))
    ]
    rows, made = measure(cases, rounds)
    steps = [float(made[name].steps.values.mean()) / periods for name in ("exact", "ignoring")]
    return Line(tolerance, samples_per_period, rows[0].rate, rows[1].rate, *steps)


def stick_slip(rounds: int) -> float:
    """Samples a second of a mass that sticks and slips, 20 a time unit."""
    from attractory.expressions.system import System
    from attractory.integrate import integrate

    system = System(name="Belt", equations=BELT, initial={"x": 0.0, "v": 0.3})
    initial = np.stack([np.linspace(-1, 1, TRAJECTORIES), np.full(TRAJECTORIES, 0.3)], 1)
    case = Case("belt", lambda: lambda: integrate(system, initial=initial, samples=2000, dt=0.05, tolerance=1e-9), 2000.0 * TRAJECTORIES)
    return measure([case], rounds)[0][0].rate


def main() -> None:
    asked = options(__doc__).parse_args()
    pin_to_one_core()
    periods, rounds = (2, 1) if asked.quick else (PERIODS, ROUNDS)
    lines = [line(*setting, periods, rounds) for setting in SETTINGS]
    cells = [
        [f"{found.tolerance:g}", str(found.samples_per_period), rate_text(found.exact), rate_text(found.ignoring), f"{found.ratio:.2f}",
         f"{found.exact_steps:.1f}", f"{found.ignoring_steps:.1f}"]
        for found in lines
    ]  # fmt: skip
    worst = max(found.ratio for found in lines)
    verdict = [Requirement("Chua with exact switches, times as long as ignoring them", worst, REQUIRED_RATIO, at_least=False)]
    print("Chua, samples a second with exact switches and without looking for them:\n")
    print(table(["tolerance", "a period", "exact", "ignoring", "ratio", "steps", "steps ignoring"], cells))
    print(f"\nA mass that sticks and slips on a belt, at 1e-9: {rate_text(stick_slip(rounds))} samples a second.")
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, lines, verdict)


if __name__ == "__main__":
    main()
