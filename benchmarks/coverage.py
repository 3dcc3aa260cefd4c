"""Do the error bars of exponents hold? Independent runs of four systems, and how often 1.96 standard errors reach the long-run value.

    python benchmarks/coverage.py [--quick] [--json FILE] [--runs 200] [--processes 1]

The long-run value is the exponent where it is known in closed form, else one run of another seed whose standard error is a tenth of a short
run's; the rest of its error is a part of the distance then (at most 0.5 % of it in squares). A standard error is right where the interval
holds the value in 95 % of the runs; of 200 runs, 90 to 99 % are asked for, which leaves room for three errors of the count itself (1.5 %).
Errors that are too large fail as well. Exponents, the Kaplan-Yorke dimension and the entropy are all looked at. Not a part of `make bench`.
"""

from __future__ import annotations

import json
import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np
from table import number, options, table

import attractory
from attractory.invariants import Estimate, kaplan_yorke_dimension, ks_entropy, lyapunov_spectrum
from attractory.invariants.lyapunov_spectrum import Effort, Targets

INTERVAL = 1.959964  # standard errors on both sides that hold 95 % of a normal distribution
LOWEST, HIGHEST = 0.90, 0.99
LONG_SEED, LONGER = 1_000_000, 10.0


@dataclass(frozen=True)
class Case:
    """A system, the relative error of the leading exponent at which a short run ends, and exponents that are known."""

    system: str
    error: float
    known: tuple[float, ...] = ()


# A map with a known exponent, a map and two flows without; the last one's exponent is small beside its contraction.
GAUSS_MAP = math.pi**2 / (6 * math.log(2))  # Khinchin, Continued Fractions (1935): the exponent of the map x -> 1/x mod 1
CASES = (Case("ContinuedFraction", 0.002, (GAUSS_MAP,)), Case("Henon", 0.003), Case("Lorenz", 0.003), Case("Rossler", 0.02))


@dataclass(frozen=True)
class Row:
    """One quantity of one system: the long-run value, what short runs say, and how many hold it; `squared` is their distance in errors."""

    system: str
    quantity: str
    value: float
    error: float
    runs: int
    covered: float
    squared: float

    @property
    def good(self) -> bool:
        return LOWEST <= self.covered <= HIGHEST


def numbers(spectrum: Estimate) -> dict[str, tuple[float, float]]:
    """Quantity -> (value, standard error)."""
    named = {f"exponent {place + 1}": pair for place, pair in enumerate(zip(spectrum.value, spectrum.standard_error, strict=True))}
    for name, derived in (("D_KY", kaplan_yorke_dimension(spectrum)), ("entropy", ks_entropy(spectrum))):
        named[name] = (derived.value, derived.standard_error)
    return {name: (float(value), float(error)) for name, (value, error) in named.items()}


def one_run(case: Case, seed: int, part: float) -> dict[str, tuple[float, float]]:
    """What a run with this seed says; it ends at this part of the case's error."""
    targets = Targets(leading=case.error * part, zero=1.0, dimension=1.0, least=0.0)
    found = lyapunov_spectrum(case.system, seed=seed, standard_error=targets, effort=Effort(trajectories=128, core_seconds=3600.0))
    return numbers(found)


def rows_of(case: Case, runs: int, pool: ProcessPoolExecutor) -> list[Row]:
    """The quantities of one system that are known to scatter."""
    long_run = pool.submit(one_run, case, LONG_SEED, 1.0 / LONGER)
    short = [future.result() for future in [pool.submit(one_run, case, seed, 1.0) for seed in range(1, runs + 1)]]
    truth = long_run.result()
    known = dict(zip(truth, case.known, strict=False)) | ({"entropy": sum(case.known)} if case.known else {})
    return [
        _row(case.system, name, known.get(name, truth[name][0]), [run[name] for run in short]) for name in truth if _scatters(name, short)
    ]


def _scatters(name: str, short: list[dict[str, tuple[float, float]]]) -> bool:
    """A dimension that is that of the whole space has no error, and is not looked at."""
    return all(run[name][1] > 0.0 for run in short)


def _row(system: str, name: str, value: float, found: list[tuple[float, float]]) -> Row:
    estimates, errors = np.array(found).T
    distance = np.abs(estimates - value) / errors
    return Row(system, name, value, float(np.median(errors)), len(found), float((distance <= INTERVAL).mean()), float((distance**2).mean()))


def _cells(row: Row) -> list[str]:
    counted = [f"{row.value:.5g}", number(row.error), f"{row.covered:.1%}", number(row.squared)]
    return [row.system, row.quantity, *counted, "met" if row.good else "MISSED"]


def main() -> None:
    """Prints the table, and exits with 1 where a row is outside."""
    parser = options(__doc__)
    parser.add_argument("--runs", type=int, default=200, help="of each system")
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    runs = 20 if arguments.quick else arguments.runs
    with ProcessPoolExecutor(arguments.processes) as pool:
        rows = [row for case in CASES for row in rows_of(case, runs, pool)]
    print(f"{runs} runs of each system, attractory {attractory.__version__}; required: {LOWEST:.0%} to {HIGHEST:.0%}\n")
    heads = ["system", "quantity", "long-run value", "error of a run", "covered", "mean squared distance", "verdict"]
    print(table(heads, [_cells(row) for row in rows]))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    raise SystemExit(0 if arguments.quick or all(row.good for row in rows) else 1)


if __name__ == "__main__":
    main()
