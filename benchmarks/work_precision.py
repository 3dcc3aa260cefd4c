"""Work-precision diagrams: the error after one period over the time spent, of ours and other programs, for ten flows.

    python benchmarks/work_precision.py [--quick] [--json FILE]

Each program at tolerances a decade apart. The time is that of 256 trajectories x 4,096 samples at 100 samples a period, one core; programs
that are much slower integrate less, and their time is scaled up. A program is on the better side at an error if it takes less time there;
between its points a curve is a straight line in the logarithms. The figures are written beside FILE as work_precision-NAME.png.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import samplers
from curves import LOOSEST, PER_PERIOD, TIGHTEST, Curve, Size, Truth, between, deadline, reason, truth_of
from equal_error import FULL, PEERS, QUICK, Peer
from flows import flows
from matplotlib import pyplot
from matplotlib.axes import Axes
from measure import measure_warm
from one_core import pin_to_one_core
from table import Requirement, number, options, requirement_table, table, write

FLOWS = (
    "Lorenz",
    "Rossler",
    "HenonHeiles",
    "Thomas",
    "Halvorsen",
    "DoublePendulum",
    "HyperRossler",
    "ArnoldBeltramiChildress",
    "Windmi",
    "LorenzCoupled",
)
QUICK_FLOWS = FLOWS[:2]
ERRORS = tuple(10.0**exponent for exponent in range(-5, -16, -1))
OURS = "attractory"
FAST = (
    Peer(OURS, samplers.ours, FULL, LOOSEST, TIGHTEST),
    Peer("heyoka, batch 8", partial(samplers.heyoka_batch, width=8), FULL, LOOSEST, TIGHTEST),
    Peer("heyoka, batch 4", partial(samplers.heyoka_batch, width=4), FULL, LOOSEST, TIGHTEST),
)
CHECKED = 64
ROUNDS, SHORTEST_SECONDS = 3, 0.05  # three: the first may find memory that was never touched
PEER_SECONDS = 90
COLOURS = ("#c1121f", "#1d3557", "#457b9d", "#2a9d8f", "#8d99ae", "#e9a03b", "#b5651d", "#6a4c93")


@dataclass(frozen=True)
class Points:
    """One program on one flow: the error and the seconds for all samples, by the exponent of the tolerance."""

    system: str
    program: str
    errors: dict[int, float] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    failure: str = ""


def points(peer: Peer, truth: Truth, *, quick: bool) -> Points:
    """The measured points of a program; where it fails, what it said."""
    try:
        with deadline(PEER_SECONDS):
            return _points(peer, truth, quick=quick)
    except Exception as error:  # noqa: BLE001 - whatever another program raises: its line is missing then, and the table says why
        return Points(truth.flow.name, peer.name, failure=reason(error))


def _points(peer: Peer, truth: Truth, *, quick: bool) -> Points:
    fast = peer in FAST
    probe = Size(len(truth.after), PER_PERIOD + 1) if fast else peer.size
    size = QUICK if quick and fast else peer.size
    curve = Curve(peer.name, peer.program(truth.flow.system), truth, probe, peer.loosest, peer.tightest)
    rungs = [rung for rung in range(peer.loosest, peer.tightest - 1, -4 if quick else -1) if curve.error(rung) < 1.0]
    rows = measure_warm([curve.case(rung, size, PER_PERIOD) for rung in rungs], 1 if quick or not fast else ROUNDS, SHORTEST_SECONDS)
    seconds = {rung: FULL.total / row.rate for rung, row in zip(rungs, rows, strict=True)}
    return Points(truth.flow.name, peer.name, {rung: curve.errors[rung] for rung in rungs}, seconds)


def seconds_at(made: Points, error: float) -> float | None:
    """The least time of a program for an error: on the line between two neighbouring tolerances around it, or at one that is more accurate;
    None where it is out of reach."""
    good = [made.seconds[rung] for rung, found in made.errors.items() if found <= error]
    return min([*good, *_crossings(made, error)]) if good else None


def _crossings(made: Points, error: float) -> Iterable[float]:
    rungs = sorted(made.errors, reverse=True)
    for loose, tight in pairwise(rungs):
        if made.errors[tight] <= error < made.errors[loose]:
            yield between([(made.errors[loose], made.seconds[loose]), (made.errors[tight], made.seconds[tight])], error)


def lead(programs: Sequence[Points], error: float) -> float | None:
    """How many times our time the fastest other program takes for an error: 0 where another reaches it and we do not, None where no other
    does or nobody."""
    ours = next(seconds_at(made, error) for made in programs if made.program == OURS)
    others = [found for made in programs if made.program != OURS and (found := seconds_at(made, error)) is not None]
    if not others:
        return None
    return min(others) / ours if ours else 0.0


def draw(programs: Sequence[Points], file: Path) -> None:
    """One diagram: error over seconds, both in logarithms; to the left and below is better."""
    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    for colour, made in zip(COLOURS, programs, strict=False):
        _line(axes, made, colour)
    axes.set(xscale="log", yscale="log", title=programs[0].system, ylabel="error after one period, relative")
    axes.set_xlabel(f"seconds for {FULL.trajectories} x {FULL.samples:,} samples, {PER_PERIOD} a period, one core")
    axes.set_ylim(1e-16, 1e-1)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(file, dpi=100)
    pyplot.close(figure)


def _line(axes: Axes, made: Points, colour: str) -> None:
    rungs = sorted(made.seconds, reverse=True)
    mine = made.program == OURS
    style = {"color": colour, "linewidth": 2.5 if mine else 1.2, "markersize": 6 if mine else 4, "zorder": 3 if mine else 2}
    axes.plot([made.seconds[rung] for rung in rungs], [max(made.errors[rung], 1e-17) for rung in rungs], "o-", label=made.program, **style)


def lead_table(by_flow: dict[str, list[Points]]) -> str:
    """For each flow and error, how many times our time the fastest other program takes."""
    rows = [[name, *(_lead_cell(lead(made, error)) for error in ERRORS)] for name, made in by_flow.items()]
    return table(["flow", *(f"{error:.0e}" for error in ERRORS)], rows)


def _lead_cell(value: float | None) -> str:
    return "" if value is None else number(value)


def requirements(by_flow: dict[str, list[Points]]) -> list[Requirement]:
    """On the better side everywhere: at how many errors not, and by how much at least."""
    leads = [found for made in by_flow.values() for error in ERRORS if (found := lead(made, error)) is not None]
    if not leads:
        return []
    where = f"{len(by_flow)} flows, errors 1e-5 to 1e-15"
    lost = sum(found < 1 for found in leads)
    return [
        Requirement(f"work-precision: points of {len(leads)} where another is faster, {where}", lost, 0, at_least=False),
        Requirement(f"work-precision: the least lead, {where}", min(leads), 1, unit=" x"),
    ]


def measured(name: str, *, quick: bool) -> list[Points]:
    """All programs on one flow."""
    flow = flows([name])[0]
    try:
        truth = truth_of(flow, FULL.trajectories, 8 if quick else CHECKED, samplers.reference)
    except Exception as error:  # noqa: BLE001 - without a reference this flow has no errors, and the others go on
        return [Points(name, OURS, failure=reason(error))]
    return [points(peer, truth, quick=quick) for peer in (*FAST, *PEERS)]


def main() -> None:
    asked = options(__doc__).parse_args()
    pin_to_one_core()
    by_flow = {}
    for name in QUICK_FLOWS if asked.quick else FLOWS:
        by_flow[name] = measured(name, quick=asked.quick)
        print(f"{name}: measured", file=sys.stderr, flush=True)
        if asked.json is not None:
            draw(by_flow[name], asked.json.parent / f"work_precision-{name}.png")
    verdict = requirements(by_flow)
    print("Work-precision: how many times our time the fastest other program takes, by error (empty: no other reaches it).\n")
    print(f"{lead_table(by_flow)}\n\n{requirement_table(verdict)}\n")
    failed = [made for programs in by_flow.values() for made in programs if made.failure]
    print("\n".join(f"{made.system}, {made.program}: {made.failure}" for made in failed))
    write(asked.json, [made for programs in by_flow.values() for made in programs], verdict)


if __name__ == "__main__":
    main()
