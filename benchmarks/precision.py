"""What more digits cost: expansions of two, three, ... doubles beside doubles, and beside heyoka in quadruple precision.

    python benchmarks/precision.py [--quick] [--json FILE]

First 32 digits: samples a second of an ensemble that is followed for a few periods, by the double kernel, by expansions of two and of three
words (106 and 159 bits, not proven) and by heyoka's real128 (113 bits), one trajectory after the other, since it has no batches there; the
errors against expansions of five words, after one period. Then `precision: reference`, which proves: samples a second of trajectories of
so many periods. Then a step of Lorenz in each number of words. One core, medians of processor time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from measure import ROUNDS, Case, geometric_mean, measure, rate_text
from numpy.typing import NDArray
from one_core import pin_to_one_core
from samplers import heyoka_system
from table import Requirement, options, requirement_table, table, write
from work import SYSTEMS, Work, work

import attractory
from attractory.integrate import Engine, Ensemble, SampleGrid
from attractory.integrate.reference import MOST_WORDS, Wide, run_words

PER_PERIOD, PERIODS, TRAJECTORIES = 100, 3, 64
PEER_TRAJECTORIES = 4  # of heyoka: its time is in proportion
PEER_TOLERANCE = 1e-32  # 2^-106
LENGTHS = (1, 10, 30, 100, 200)
WORDS = (2, 3, 4, 6, 8, 12, MOST_WORDS)
REQUIRED = 10.0  # times heyoka's rate, in the geometric mean


@dataclass(frozen=True)
class Digits:
    """One system at 32 digits: samples a second; errors relative to the largest state after one period, of two words and of heyoka."""

    system: str
    doubles: float
    two_words: float
    three_words: float
    heyoka: float
    error: float
    heyoka_error: float


@dataclass(frozen=True)
class Length:
    """Trajectories of Lorenz over so many periods: samples a second of `precision: reference` and of doubles, the steps of each."""

    periods: int
    rate: float
    doubles: float


def ensemble(task: Work) -> Ensemble:
    values = np.tile(np.asarray(task.system.definition.values), (len(task.initial), 1))
    return Ensemble(task.initial, values, np.zeros(len(task.initial)))


def in_words(task: Work, count: int) -> Wide:
    """The work on expansions of so many words; nothing is proven."""
    grid = SampleGrid(task.dt, task.samples)
    return run_words(task.system.definition, ensemble(task), [grid], Engine(), count)


def doubles(task: Work, precision: str = "double") -> NDArray[np.float64]:
    made = attractory.integrate(task.system, initial=task.initial, dt=task.dt, samples=task.samples, precision=precision)
    return made.state.values


def heyoka(task: Work) -> Callable[[], NDArray[np.float64]]:
    """heyoka's Taylor integrator in quadruple precision; the samples (trajectory, time, variable, 2) in two doubles each."""
    import heyoka as peer

    quadruple = peer.real128
    start = np.array([quadruple(value) for value in task.initial[0]], dtype=quadruple)
    integrator = peer.taylor_adaptive(
        heyoka_system(task.system), start, fp_type=quadruple, tol=quadruple(PEER_TOLERANCE), compact_mode=False
    )
    grid = np.array([quadruple(k) * quadruple(task.dt) for k in range(task.samples)], dtype=quadruple)

    def run() -> NDArray[np.float64]:
        out = np.empty((PEER_TRAJECTORIES, *grid.shape, len(start), 2))
        for place in range(PEER_TRAJECTORIES):
            integrator.time = quadruple(0)
            integrator.state[:] = [quadruple(value) for value in task.initial[place]]
            states = integrator.propagate_grid(grid)[-1]
            out[place, ..., 0] = states.astype(np.float64)
            out[place, ..., 1] = (states - out[place, ..., 0].astype(quadruple)).astype(np.float64)
        return out

    return run


def off(made: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Root mean square of the difference of numbers in two words (trajectory, variable, 2), relative to the largest true one."""
    difference = (made - truth[: len(made)]).sum(-1)
    return float(np.sqrt(np.mean(difference**2)) / np.abs(truth[..., 0]).max())


def at_32_digits(name: str, rounds: int) -> Digits:
    task = work(name, per_period=PER_PERIOD, tolerance=1e-14, trajectories=TRAJECTORIES, samples=PERIODS * PER_PERIOD)
    samples = task.samples * TRAJECTORIES
    cases = [
        Case("doubles", lambda: lambda: doubles(task), samples),
        Case("two words", lambda: lambda: in_words(task, 2), samples),
        Case("three words", lambda: lambda: in_words(task, 3), samples),
        Case("heyoka", lambda: heyoka(task), task.samples * PEER_TRAJECTORIES),
    ]
    rows, results = measure(cases, rounds)
    rates = {row.name: row.rate for row in rows}
    truth = in_words(task, 5).samples[0][:, :, PER_PERIOD]
    own, peer = results["two words"].samples[0][:, :, PER_PERIOD], results["heyoka"][:, PER_PERIOD]
    return Digits(name, *(rates[case.name] for case in cases), off(own, truth), off(peer, truth))


def proven(periods: int, rounds: int) -> Length:
    task = work("Lorenz", per_period=PER_PERIOD, tolerance=1e-14, trajectories=16, samples=periods * PER_PERIOD)
    samples = task.samples * 16
    cases = [
        Case("doubles", lambda: lambda: doubles(task), samples),
        Case("reference", lambda: lambda: doubles(task, "reference"), samples),
    ]
    rates = {row.name: row.rate for row in measure(cases, rounds)[0]}
    return Length(periods, rates["reference"], rates["doubles"])


def microseconds(count: int) -> float:
    """Of a step of one trajectory of Lorenz, among sixteen, next to nothing being sampled."""
    task = work("Lorenz", per_period=1, tolerance=1e-14, trajectories=16, samples=3)
    in_words(task, count)
    begin = time.process_time()
    made = in_words(task, count)
    return 1e6 * (time.process_time() - begin) / made.steps.sum()


def cells_of_digits(rows: list[Digits]) -> Iterator[list[str]]:
    for row in rows:
        rates = [rate_text(rate) for rate in (row.doubles, row.two_words, row.three_words, row.heyoka)]
        ratios = [f"{row.doubles / row.two_words:.1f}", f"{row.two_words / row.heyoka:.0f}", f"{row.three_words / row.heyoka:.0f}"]
        yield [row.system, *rates, *ratios, f"{row.error:.1e}", f"{row.heyoka_error:.1e}"]


def main() -> None:
    asked = options(__doc__).parse_args()
    pin_to_one_core()
    rounds = 1 if asked.quick else ROUNDS
    digits = [at_32_digits(name, rounds) for name in (SYSTEMS[:1] if asked.quick else SYSTEMS)]
    ratios = ["doubles / two words", "two / heyoka", "three / heyoka"]
    heads = ["samples/s", "doubles", "two words", "three words", "heyoka real128", *ratios, "error of two", "heyoka's"]
    print(f"32 digits, {PER_PERIOD} samples a period over {PERIODS} periods, medians of {rounds}:\n")
    print(table(heads, list(cells_of_digits(digits))))
    lengths = [proven(periods, 1 if periods > LENGTHS[1] else rounds) for periods in (LENGTHS[:2] if asked.quick else LENGTHS)]
    cells = [[str(row.periods), rate_text(row.rate), rate_text(row.doubles), f"{row.doubles / row.rate:,.0f}"] for row in lengths]
    print("\nLorenz, every sample proven, 16 trajectories of so many periods:\n")
    print(table(["periods", "samples/s", "doubles", "ratio"], cells))
    steps = [[str(count), f"{microseconds(count):.1f}"] for count in (WORDS[:2] if asked.quick else WORDS)]
    print(f"\nA step of Lorenz:\n\n{table(['words', 'microseconds'], steps)}\n")
    ratio = geometric_mean(row.three_words / row.heyoka for row in digits)
    verdict = [Requirement("three words: samples a second over heyoka's real128", ratio, REQUIRED, unit=" x")]
    print(requirement_table(verdict))
    write(asked.json, [*digits, *lengths], verdict)


if __name__ == "__main__":
    main()
