"""Samples a second of `attractory.integrate` beside heyoka, diffrax, SciPy, jitcode and dysts, at equal error, on one core.

    python benchmarks/equal_error.py [--quick] [--only Lorenz,Thomas] [--json FILE]

All flows of flows.yaml, 256 trajectories x 4,096 samples, everybody from the same initial states near the attractor. Errors are measured
after one period against heyoka in quadruple precision at 1e-30; curves.py says how a time belongs to an error.

Beside heyoka: errors of 1e-6, 1e-9 and 1e-12 and round-off, the smallest error that both reach: what the worse of the two has at a
tolerance of 1e-15, and a tenth more, since errors of round-off scatter by that much (both are printed); 100 and 15 samples a period; batch
4 or 8, the faster one for each flow and sampling. Systems of more than ten variables make a quarter of
the samples, which must fit into memory, and so do flows whose run takes heyoka long; rates are per sample.

Beside the others: an error of 1e-9 at 100 samples a period, the sampling at which they are least behind. They are much slower and integrate
less (PEERS says how much); what they prepare once is not in the time. jitcode's time is that of its faster integrator, dop853 or lsoda: the
first takes a step for each sample, at any tolerance. dysts has one tolerance of its own, parameters that may differ, and no error here.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import samplers
from curves import PER_PERIOD, Curve, Size, Truth, deadline, reason, truth_of
from flows import Flow, flows
from measure import geometric_mean, measure_warm, rate_text
from one_core import pin_to_one_core
from samplers import Program
from table import Requirement, number, options, requirement_table, table, write

TARGETS = (1e-6, 1e-9, 1e-12)
ROUND_OFF = 0.0  # in place of a target: the smallest error that both reach
SCATTER, EPSILON = 1.1, 1e-17
SAMPLINGS = (100, 15)
BATCHES = (8, 4)
ROUNDS, SHORTEST_SECONDS = 3, 0.05
# A flow whose run takes heyoka longer makes a quarter of the samples: it is long enough for the clock then, and so is the whole.
LONG_SECONDS = 0.3
FULL, LARGE = Size(256, 4096), Size(256, 1024)
QUICK = Size(32, 512)
QUICK_FLOWS = ("Lorenz", "Thomas")
MANY_VARIABLES = 10
# Trajectories whose error is measured; the reference of a large system takes a second for each.
CHECKED, CHECKED_LARGE = 64, 8
PEER_SECONDS = 60  # for one peer on one flow, its compiler included

REQUIRED_OF_HEYOKA = {**dict.fromkeys(TARGETS, 6.0), ROUND_OFF: 5.0}
LEAST_OF_HEYOKA = 3.0


@dataclass(frozen=True)
class Peer:
    """Another program: how much it integrates, and the loosest and tightest rung it is tried at."""

    name: str
    program: Program
    size: Size
    loosest: int = -4
    tightest: int = -13


SLOW = Size(8, 256)
PEERS = (
    Peer("diffrax Dopri8, vmap", samplers.diffrax_dopri8, Size(256, 512)),
    Peer("SciPy DOP853, 256 as one", samplers.scipy_stacked, Size(256, 256)),
    Peer("jitcode dop853", partial(samplers.jitcode_compiled, method="dop853"), SLOW),
    Peer("jitcode lsoda", partial(samplers.jitcode_compiled, method="lsoda"), SLOW),
    Peer("SciPy DOP853, numba", samplers.scipy_dop853, SLOW),
)
PEER_TARGET = 1e-9
DYSTS, DYSTS_SAMPLES = "dysts as shipped", 100
# What is required, by the name of a peer; of several of that beginning the faster counts.
REQUIRED_OF_PEERS = {
    "diffrax Dopri8, vmap": 25.0,
    "SciPy DOP853, 256 as one": 35.0,
    "jitcode": 300.0,
    "SciPy DOP853, numba": 2_000.0,
    DYSTS: 200_000.0,
}


@dataclass(frozen=True)
class Beside:
    """One flow at one sampling and error: samples a second, ours and another program's. `errors` are those reached; where something failed,
    the rates are 0 and `failure` says what."""

    system: str
    peer: str
    per_period: int
    target: float
    ours: float = 0.0
    theirs: float = 0.0
    errors: tuple[float, float] = (0.0, 0.0)
    failure: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs if self.theirs else 0.0


def beside_heyoka(truth: Truth, size: Size, rounds: int) -> list[Beside]:
    """All errors and samplings of one flow."""
    probe = Size(len(truth.after), PER_PERIOD + 1)
    our_curve = Curve("ours", samplers.ours(truth.flow.system), truth, probe)
    heyokas = [Curve(f"heyoka {width}", samplers.heyoka_batch(truth.flow.system, width=width), truth, probe) for width in BATCHES]
    found = []
    for per_period in SAMPLINGS:
        heyoka, seconds = _faster_batch(heyokas, size, per_period)
        chosen = replace(size, samples=size.samples // 4) if seconds > LONG_SECONDS else size
        least = our_curve.error(our_curve.tightest), heyoka.error(heyoka.tightest)
        targets = (*TARGETS, SCATTER * max(*least, EPSILON))
        ours, theirs = _timed([our_curve, heyoka], targets, chosen, per_period, rounds=rounds)
        line = partial(Beside, truth.flow.name, heyoka.name, per_period)
        for target, label in zip(targets, (*TARGETS, ROUND_OFF), strict=True):
            made = _at_error(line, target, (our_curve, ours), (heyoka, theirs))
            found.append(replace(made, target=label, errors=made.errors if label else least))
    return found


def _faster_batch(heyokas: Sequence[Curve], size: Size, per_period: int) -> tuple[Curve, float]:
    """The batch that is faster at an error of 1e-9, and the seconds that it takes for all samples."""
    rung = heyokas[0].around(1e-9)[-1]
    for curve in heyokas:
        curve.error(rung)
    short = replace(size, samples=size.samples // 8)
    rows = measure_warm([curve.case(rung, short, per_period) for curve in heyokas], 1, SHORTEST_SECONDS)
    row, faster = max(zip(rows, heyokas, strict=True), key=lambda pair: pair[0].rate)
    return faster, size.total / row.rate


def _timed(curves: Sequence[Curve], targets: Sequence[float], size: Size, per_period: int, *, rounds: int) -> list[dict[int, float]]:
    """For each curve the seconds a sample at its rungs around the targets, all rungs of all curves in turn."""
    rungs = [sorted({rung for target in targets for rung in curve.around(target)}) for curve in curves]
    cases = [curve.case(rung, size, per_period) for curve, own in zip(curves, rungs, strict=True) for rung in own]
    rates = iter(measure_warm(cases, rounds, SHORTEST_SECONDS))
    return [{rung: 1 / next(rates).rate for rung in own} for own in rungs]


def _at_error(
    line: Callable[..., Beside], target: float, ours: tuple[Curve, Mapping[int, float]], theirs: tuple[Curve, Mapping[int, float]]
) -> Beside:
    """Both rates at an error, or who does not reach it."""
    seconds = [curve.seconds_at(target, times) for curve, times in (ours, theirs)]
    missed = [curve.name for (curve, _), found in zip((ours, theirs), seconds, strict=True) if found is None]
    if missed:
        return line(target, failure="out of reach" if len(missed) == 2 else f"{missed[0]}: out of reach")
    return line(target, *(1 / found for found in seconds if found), (target, target))


def beside_peers(truth: Truth, ours: float, size: Size | None) -> list[Beside]:
    """The slower programs on one flow; `ours` is our rate at the same error, `size` overrides what they integrate."""
    found = []
    for peer in PEERS:
        line = partial(Beside, truth.flow.name, peer.name, PER_PERIOD, PEER_TARGET, ours)
        found.append(_guarded(line, partial(_peer_rate, peer, truth, size or peer.size)))
    line = partial(Beside, truth.flow.name, DYSTS, PER_PERIOD, PEER_TARGET, ours)
    return [*found, _guarded(line, partial(_dysts_rate, truth.flow))]


def _guarded(line: Callable[..., Beside], rate: Callable[[], float]) -> Beside:
    """A line with the rate, or with what went wrong: one peer that fails on one flow is its cell's business alone."""
    try:
        with deadline(PEER_SECONDS):
            return line(rate())
    except Exception as error:  # noqa: BLE001 - whatever another program raises
        return line(failure=reason(error))


def _peer_rate(peer: Peer, truth: Truth, size: Size) -> float:
    curve = Curve(peer.name, peer.program(truth.flow.system), truth, size, peer.loosest, peer.tightest)
    rungs = curve.around(PEER_TARGET)
    if not rungs:
        message = f"best error {min(curve.errors.values()):.0e}"
        raise ArithmeticError(message)
    rows = measure_warm([curve.case(rung, size, PER_PERIOD) for rung in rungs], ROUNDS, SHORTEST_SECONDS)
    seconds = curve.seconds_at(PEER_TARGET, {rung: 1 / row.rate for rung, row in zip(rungs, rows, strict=True)})
    return 1 / seconds if seconds else 0.0


def _dysts_rate(flow: Flow) -> float:
    run = samplers.dysts_as_shipped(flow.dysts, flow.period / PER_PERIOD, DYSTS_SAMPLES)
    start = time.process_time()
    run()
    return DYSTS_SAMPLES / (time.process_time() - start)


def measured(flow: Flow, *, quick: bool) -> tuple[list[Beside], list[Beside]]:
    """(lines beside heyoka, lines beside the others) of one flow."""
    large = flow.system.dimension > MANY_VARIABLES
    size = QUICK if quick else LARGE if large else FULL
    checked = CHECKED_LARGE if large or quick else CHECKED
    try:
        truth = truth_of(flow, size.trajectories, checked, samplers.reference)
        lines = beside_heyoka(truth, size, 1 if quick else ROUNDS)
    except Exception as error:  # noqa: BLE001 - this flow's row says so, and the run goes on
        return [Beside(flow.name, "heyoka", per, target, failure=reason(error)) for per in SAMPLINGS for target in REQUIRED_OF_HEYOKA], []
    ours = next(line.ours for line in lines if (line.per_period, line.target) == (PER_PERIOD, PEER_TARGET))
    if not ours:
        return lines, []
    return lines, beside_peers(truth, ours, Size(8, 128) if quick else None)


def heyoka_table(lines: Sequence[Beside]) -> str:
    """A row for each flow, a column for each sampling and error."""
    columns = [(per_period, target) for per_period in SAMPLINGS for target in REQUIRED_OF_HEYOKA]
    heads = ["flow", "ours", "heyoka (batch)", *(f"{_error_text(target)}, {per}" for per, target in columns), "round-off errors"]
    by_flow = _grouped(lines)
    rows = [_heyoka_cells(name, {(one.per_period, one.target): one for one in own}, columns) for name, own in by_flow.items()]
    for name, joined in (("geometric mean", geometric_mean), ("least", min)):
        ratios = [_ratios(lines, lambda one, column=column: (one.per_period, one.target) == column) for column in columns]
        rows.append([name, "", "", *(f"{joined(own):.2f}" if own else "" for own in ratios), ""])
    return table(heads, rows)


def _heyoka_cells(name: str, own: Mapping[tuple[int, float], Beside], columns: Sequence[tuple[int, float]]) -> list[str]:
    middle, last = own[SAMPLINGS[0], 1e-9], own[SAMPLINGS[0], ROUND_OFF]
    rates = [rate_text(middle.ours), f"{rate_text(middle.theirs)} ({middle.peer.split()[-1]})"] if middle.theirs else ["", ""]
    cells = [f"{own[column].ratio:.2f}" if own[column].ratio else own[column].failure for column in columns]
    return [name, *rates, *cells, f"{last.errors[0]:.1e}, {last.errors[1]:.1e}"]


def peer_table(lines: Sequence[Beside]) -> str:
    """A row for each flow, a column for each program: how many times its rate ours is."""
    names = [*(peer.name for peer in PEERS), DYSTS]
    rows = []
    for flow, own in _grouped(lines).items():
        by_name = {one.peer: one for one in own}
        rows.append([flow, rate_text(own[0].ours), *(_peer_cell(by_name[name]) for name in names)])
    means = [_ratios(lines, lambda one, name=name: one.peer == name) for name in names]
    rows.append(["geometric mean", "", *(number(geometric_mean(own)) if own else "" for own in means)])
    return table(["flow", "ours", *names], rows)


def _peer_cell(line: Beside) -> str:
    return f"{number(line.ratio)} ({rate_text(line.theirs)})" if line.ratio else line.failure


def requirements(heyoka: Sequence[Beside], others: Sequence[Beside]) -> list[Requirement]:
    """Geometric means and least ratios beside what they must be."""
    found = []
    for per_period in SAMPLINGS:
        for target, bound in REQUIRED_OF_HEYOKA.items():
            where = f"{_error_text(target)}, {per_period} a period"
            ratios = _ratios(heyoka, lambda one, key=(per_period, target): (one.per_period, one.target) == key)
            if ratios:
                found.append(Requirement(f"times heyoka, {where}, {len(ratios)} flows", geometric_mean(ratios), bound, unit=" x"))
                found.append(Requirement(f"times heyoka, {where}, the least", min(ratios), LEAST_OF_HEYOKA, unit=" x"))
    ends = [one.errors[0] / one.errors[1] for one in heyoka if one.target == ROUND_OFF and all(one.errors)]
    if ends:
        found.append(Requirement("error at round-off beside heyoka's", geometric_mean(ends), 1.0, at_least=False, unit=" x"))
    return found + [one for beginning, bound in REQUIRED_OF_PEERS.items() if (one := _peer_requirement(others, beginning, bound))]


def _peer_requirement(lines: Sequence[Beside], beginning: str, bound: float) -> Requirement | None:
    """The geometric mean over the flows of the ratio to the fastest of the programs of that beginning."""
    chosen = [one for one in lines if one.peer.startswith(beginning) and one.ratio]
    least = [min(one.ratio for one in own) for own in _grouped(chosen).values()]
    name = f"times {beginning}, {_error_text(PEER_TARGET)}, {PER_PERIOD} a period, {len(least)} flows"
    return Requirement(name, geometric_mean(least), bound, unit=" x") if least else None


def _ratios(lines: Iterable[Beside], chosen: Callable[[Beside], bool]) -> list[float]:
    return [one.ratio for one in lines if one.ratio and chosen(one)]


def _grouped(lines: Iterable[Beside]) -> dict[str, list[Beside]]:
    found: dict[str, list[Beside]] = {}
    for one in lines:
        found.setdefault(one.system, []).append(one)
    return found


def _error_text(target: float) -> str:
    return f"{target:.0e}".replace("e-0", "e-") if target else "round-off"


def _asked() -> Any:
    parser = options(__doc__)
    parser.add_argument("--only", default="", help="names of flows, separated by commas")
    return parser.parse_args()


def main() -> None:
    asked = _asked()
    pin_to_one_core()
    names = asked.only.split(",") if asked.only else QUICK_FLOWS if asked.quick else ()
    heyoka: list[Beside] = []
    others: list[Beside] = []
    for flow in flows(names):
        start = time.perf_counter()
        lines, slower = measured(flow, quick=asked.quick)
        heyoka += lines
        others += slower
        print(f"{flow.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    size, verdict = QUICK if asked.quick else FULL, requirements(heyoka, others)
    print(
        f"At equal error, {size.trajectories} trajectories x {size.samples:,} samples. Rates in samples a second, at 1e-9 and 100 a period."
    )
    print(f"Times heyoka's rate, by error and samples a period:\n\n{heyoka_table(heyoka)}\n")
    print(f"Times the rate of others (theirs in brackets), error 1e-9, 100 samples a period:\n\n{peer_table(others)}\n")
    print(f"{requirement_table(verdict)}\n")
    write(asked.json, [*heyoka, *others], verdict)


if __name__ == "__main__":
    main()
