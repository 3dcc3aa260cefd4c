"""Samples a second of `attractory.integrate` beside heyoka, SciPy and dysts, on one core, and the error of each after one period.

    python benchmarks/engine.py [--quick] [--json FILE]

Lorenz, Rossler, HenonHeiles and Thomas as the catalog has them, 256 trajectories x 4,096 samples, 100 and 15 samples a period, tolerances
1e-9 and 1e-13, everybody from the same initial states. heyoka's best batch width is chosen anew for each line. SciPy makes one trajectory
and dysts a few samples of one (rates are per sample); dysts has one tolerance of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from floor import Peaks, arithmetic, floor, peaks
from measure import ROUNDS, Case, Row, geometric_mean, measure, rate_text
from numpy.typing import NDArray
from one_core import pin_to_one_core
from peers import Run, dysts_as_shipped, heyoka_batch, reference, scipy_dop853
from table import Requirement, options, requirement_table, table, write
from work import CHECKED, SAMPLES, SYSTEMS, TRAJECTORIES, Work, error_after_one_period, work

import attractory

OURS = "attractory"
BATCHES = (4, 8)
SAMPLINGS, TOLERANCES = (100, 15), (1e-9, 1e-13)
# (samples a period, tolerance) -> times heyoka's rate, as the work was ordered
REQUIRED_OF_HEYOKA = {(100, 1e-9): 3.5, (15, 1e-9): 3.0, (100, 1e-13): 3.0, (15, 1e-13): 3.0}
REQUIRED_OF_SCIPY, REQUIRED_OF_DYSTS = 1_500, 100_000
# dysts as shipped makes some 10 (15 a period) to 200 samples a second.
DYSTS_SAMPLES = {100: 100, 15: 20}


@dataclass(frozen=True)
class Line:
    """One system, sampling and tolerance: rates in samples a second, errors after one period; dysts is 0 where it was not asked."""

    system: str
    per_period: int
    tolerance: float
    ours: float
    heyoka: float
    batch: int
    scipy: float
    dysts: float
    error: float
    heyoka_error: float
    steps_per_sample: float
    floor: float
    spread: float
    waited: float

    def cells(self) -> list[str]:
        of_dysts = f"{self.ours / self.dysts:,.0f}" if self.dysts else ""
        return [
            f"{self.system}, {self.per_period} a period, {self.tolerance:g}",
            f"{rate_text(self.ours)} ±{100 * self.spread:.0f} %",
            f"{rate_text(self.heyoka)} ({self.batch})",
            f"{self.ours / self.heyoka:.2f}",
            f"{rate_text(self.scipy)}",
            f"{self.ours / self.scipy:,.0f}",
            rate_text(self.dysts) if self.dysts else "",
            of_dysts,
            f"{self.error:.2e}",
            f"{self.heyoka_error:.2e}",
            f"{100 * self.ours / self.floor:.0f} % of {rate_text(self.floor)}",
        ]


HEADS = (
    "system, sampling, tolerance",
    "samples/s",
    "heyoka (batch)",
    "ratio",
    "SciPy DOP853",
    "ratio",
    "dysts",
    "ratio",
    "error",
    "heyoka's",
    "of the bound",
)


def integrate(work: Work) -> Run:
    """Our candidate: the public door."""
    initial, dt = work.initial, work.dt
    return lambda: attractory.integrate(work.system, initial=initial, dt=dt, samples=work.samples, tolerance=work.tolerance)


def cases(work: Work) -> list[Case]:
    """Everybody who takes part in one line."""
    all_samples = len(work.initial) * work.samples
    few = replace(work, initial=work.initial[:1])
    found = [Case(OURS, partial(integrate, work), all_samples)]
    found += [Case(f"heyoka {width}", partial(heyoka_batch, work, width=width), all_samples) for width in BATCHES]
    found.append(Case("scipy", partial(scipy_dop853, few), few.samples))
    if work.tolerance == TOLERANCES[0]:
        fewer = replace(few, samples=min(work.samples, DYSTS_SAMPLES[work.per_period]))
        found.append(Case("dysts", partial(dysts_as_shipped, fewer), fewer.samples))
    return found


def line(work: Work, rounds: int, peak: Peaks) -> Line:
    """Measures one line."""
    rows, made = measure(cases(work), rounds)
    by_name: dict[str, Row] = {row.name: row for row in rows}
    ours, batch = by_name[OURS], max(BATCHES, key=lambda width: by_name[f"heyoka {width}"].rate)
    steps = made[OURS].attrs["steps"] / (len(work.initial) * work.samples)
    cost = arithmetic(work.system.definition, work.tolerance)
    truth = reference(work, min(CHECKED, len(work.initial)))
    return Line(
        system=work.system.name,
        per_period=work.per_period,
        tolerance=work.tolerance,
        ours=ours.rate,
        heyoka=by_name[f"heyoka {batch}"].rate,
        batch=batch,
        scipy=by_name["scipy"].rate,
        dysts=by_name["dysts"].rate if "dysts" in by_name else 0.0,
        error=_error(made[OURS].state.values, truth, work),
        heyoka_error=_error(made[f"heyoka {batch}"], truth, work),
        steps_per_sample=steps,
        floor=floor(cost, peak, steps_per_sample=steps, variables=work.system.dimension).rate,
        spread=ours.spread,
        waited=max(row.waited for row in rows),
    )


def requirements(lines: Sequence[Line]) -> list[Requirement]:
    """Geometric means over the systems, beside what they must be."""
    found = []
    for (per_period, tolerance), bound in REQUIRED_OF_HEYOKA.items():
        chosen = [one for one in lines if (one.per_period, one.tolerance) == (per_period, tolerance)]
        where = f"{per_period} a period, {tolerance:g}"
        found.append(Requirement(f"times heyoka, {where}", geometric_mean(one.ours / one.heyoka for one in chosen), bound, unit=" x"))
        errors = geometric_mean(one.error / one.heyoka_error for one in chosen)
        found.append(Requirement(f"error beside heyoka's, {where}", errors, 1.0, at_least=False, unit=" x"))
    for per_period in SAMPLINGS:
        chosen = [one for one in lines if (one.per_period, one.tolerance) == (per_period, TOLERANCES[0])]
        where = f"{per_period} a period, {TOLERANCES[0]:g}"
        of_scipy = geometric_mean(one.ours / one.scipy for one in chosen)
        of_dysts = geometric_mean(one.ours / one.dysts for one in chosen)
        found.append(Requirement(f"times SciPy's DOP853, {where}", of_scipy, REQUIRED_OF_SCIPY, unit=" x"))
        found.append(Requirement(f"times dysts as shipped, {per_period} a period", of_dysts, REQUIRED_OF_DYSTS, unit=" x"))
    return found


def _error(states: NDArray[np.float64], truth: NDArray[np.float64], work: Work) -> float:
    return error_after_one_period(states, truth, work.per_period)


def main() -> None:
    asked = options(__doc__).parse_args()
    pin_to_one_core()
    sizes = {"trajectories": 32, "samples": 512} if asked.quick else {"trajectories": TRAJECTORIES, "samples": SAMPLES}
    peak, lines = peaks(), []
    rounds = 1 if asked.quick else ROUNDS
    print(f"The engine: {sizes['trajectories']} trajectories x {sizes['samples']:,} samples, {rounds} rounds in turn, medians.")
    print(f"This core: {peak.flops / 1e9:.0f} G operations/s; {peak.fresh / 1e9:.1f} GB/s into fresh memory, ", end="")
    print(f"{peak.warm / 1e9:.0f} GB/s into used.\n", flush=True)
    for tolerance in TOLERANCES:
        for per_period in SAMPLINGS:
            for name in SYSTEMS:
                todo = work(name, per_period=per_period, tolerance=tolerance, **sizes)
                lines.append(line(todo, rounds, peak))
    verdict = requirements(lines)
    waited = 100 * max(one.waited for one in lines)
    print(table(HEADS, [one.cells() for one in lines]))
    print(f"\nOthers on this core made a candidate wait for at most {waited:.0f} % of its own time.")
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, lines, verdict)


if __name__ == "__main__":
    main()
