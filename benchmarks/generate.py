"""`attractory generate` of 24 systems at two granularities: memory of a worker, and how much of the engine's rate reaches the disk.

    python benchmarks/generate.py [--quick] [--profile] [--json FILE]

256 trajectories x 4,096 samples of each, at 15 and at 100 a period in float32, through `stages.generate` into a temporary folder, one
worker that shares one core with the scheduler. Stiff systems run apart, and smaller where a full run would take over a minute.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from one_core import pin_to_one_core
from table import Requirement, options, requirement_table, table, write
from write_path import profile

import attractory
from attractory.catalog import read_catalog
from attractory.catalog.record import SystemRecord
from attractory.stages.generate import generate
from attractory.stages.summary import GenerateSummary, Work

TRAJECTORIES, SAMPLES = 256, 4096
PER_PERIOD = {"coarse": 15, "fine": 100}
TRANSIENT_PERIODS = 20
# Small and larger, smooth and with switches, a stiff one, maps: few enough for a run of minutes.
SYSTEMS = (
    "ArnoldBeltramiChildress Chen Chua DoublePendulum Duffing ForcedVanDerPol Halvorsen Henon HenonHeiles HindmarshRose HyperRossler "
    "LinzSprott Logistic Lorenz Lorenz96 Oregonator RabinovichFabrikant Rossler SprottA SprottB SprottMore Thomas Torus Windmi"
).split()
STIFF = "stiff"
REQUIRED_PART, REQUIRED_GIB = 0.25, 1.0
STIFF_SECONDS = 60.0  # what a stiff system may take in full, by an estimate that may be short by a factor of four
STIFF_AIM = 30.0  # and about what it is cut down to where it would take longer
QUICK_AIM = 2.0
GROUP = 16  # trajectories that fill the lanes


@dataclass(frozen=True)
class Sizes:
    """How much is made of each system."""

    trajectories: int
    samples: int


@dataclass(frozen=True)
class PeriodCost:
    """What one period of one trajectory takes when all lanes are full."""

    steps: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """One call of `generate`; seconds of the clock on the wall, rates in samples (of all variables) a second. `least_part` is the part of a
    block's time that the engine has in the system where that is smallest."""

    name: str
    systems: int
    trajectories: int
    samples_each: int
    samples: int
    failed: int
    startup: float
    compiling: float
    engine: float
    encoding_and_writing: float
    elsewhere: float
    rate: float
    engine_rate: float
    least_part: float
    megabytes: float
    peak_bytes: int

    @property
    def part(self) -> float:
        return self.rate / self.engine_rate if self.engine_rate else 0.0

    def cells(self) -> list[str]:
        return [
            f"{self.name}: {self.systems} x {self.trajectories} x {self.samples_each:,} x {len(PER_PERIOD)}",
            f"{self.startup:.1f}",
            f"{self.compiling:.1f}",
            f"{self.engine:.1f}",
            f"{self.encoding_and_writing:.1f}",
            f"{self.elsewhere:.1f}",
            f"{self.rate / 1e6:.2f} M",
            f"{self.engine_rate / 1e6:.2f} M",
            f"{100 * self.part:.0f} %",
            f"{100 * self.least_part:.0f} %",
            f"{self.megabytes:.0f}",
            f"{self.peak_bytes / 2**20:.0f} MiB",
            str(self.failed),
        ]


HEADS = (
    "run: systems x trajectories x samples x granularities",
    "start-up s",
    "compile s",
    "engine s",
    "encode, write s",
    "else s",
    "samples/s",
    "engine's",
    "part",
    "least",
    "MB",
    "worker's peak",
    "failed",
)


def recipe_text(systems: Sequence[str], sizes: Sizes) -> str:
    """The recipe of a run: all other keys as they are by default."""
    held_out = sizes.trajectories // 8
    grids = "\n".join(f"  {name}: {{samples_per_period: {rate}, samples: {sizes.samples}}}" for name, rate in PER_PERIOD.items())
    return (
        f"name: benchmark\nsystems: [{', '.join(systems)}]\n"
        f"trajectories: {{train: {sizes.trajectories - 2 * held_out}, validation: {held_out}, test: {held_out}}}\n"
        f"transient: {{periods: {TRANSIENT_PERIODS}}}\ngranularities:\n{grids}\ndtype: float32\n"
    )


def run(name: str, systems: Sequence[str], sizes: Sizes, folder: Path) -> Run:
    """One `generate`, start-up included."""
    recipe = folder / f"{name}.yaml"
    recipe.write_text(recipe_text(systems, sizes))
    planned: list[float] = []
    summary = generate(recipe, out=folder / f"{name}.zarr", workers=1, progress=lambda *_: planned.append(time.perf_counter()))
    return measured(name, sizes, summary, time.perf_counter() - planned[0])


def measured(name: str, sizes: Sizes, summary: GenerateSummary, seconds: float) -> Run:
    """What a summary says. `seconds` begin when the run is planned: all that is neither start-up nor compiling counts in the rate, putting
    the store together and stopping the workers too."""
    work: Work = summary.work
    useful = seconds - summary.startup_seconds - work.compile_seconds
    return Run(
        name=name,
        systems=len(summary.tally.systems),
        trajectories=sizes.trajectories,
        samples_each=sizes.samples,
        samples=work.samples,
        failed=summary.failed,
        startup=summary.startup_seconds,
        compiling=work.compile_seconds,
        engine=work.engine_seconds,
        encoding_and_writing=work.compress_seconds + work.write_seconds,
        elsewhere=useful - work.engine_seconds - work.compress_seconds - work.write_seconds,
        rate=work.samples / useful,
        engine_rate=work.engine_rate,
        least_part=min(_engine_parts(summary)),
        megabytes=work.bytes / 1e6,
        peak_bytes=summary.peak_bytes,
    )


def period_cost(name: str, periods: float = 1.0) -> PeriodCost:
    """Measured on full lanes, from the catalogued state."""
    system = attractory.system(name)
    attractory.integrate(system, GROUP, initial=system.initial, samples=2, dt=1e-3)  # compiles
    began = time.process_time()
    made = attractory.integrate(system, GROUP, initial=system.initial, periods=periods, samples_per_period=PER_PERIOD["coarse"])
    return PeriodCost(made.attrs["steps"] / GROUP / periods, (time.process_time() - began) / GROUP / periods)


def full_seconds(cost: PeriodCost, sizes: Sizes) -> float:
    return cost.seconds * sizes.trajectories * _periods(sizes.samples)


def stiff_sizes(cost: PeriodCost, full: Sizes, aim: float) -> Sizes:
    """The full sizes where those take less than a minute; else fewer trajectories, then samples, until it takes about `aim` seconds."""
    if full_seconds(cost, full) <= min(STIFF_SECONDS, 5 * aim):
        return full
    trajectories, samples = full.trajectories, full.samples
    while trajectories > GROUP and full_seconds(cost, Sizes(trajectories, samples)) > aim:
        trajectories //= 2
    while samples > PER_PERIOD["coarse"] and full_seconds(cost, Sizes(trajectories, samples)) > aim:
        samples //= 2
    return Sizes(trajectories, samples)


def requirements(plain: Run, stiff: Sequence[Run]) -> list[Requirement]:
    """The bounds are those of the systems that are not stiff; a worker's memory is bounded in every run."""
    peak = max(one.peak_bytes for one in (plain, *stiff)) / 2**30
    return [
        Requirement("generate: part of the engine's rate that reaches the disk", 100 * plain.part, 100 * REQUIRED_PART, unit=" %"),
        Requirement("generate: a worker's peak memory", peak, REQUIRED_GIB, at_least=False, unit=" GiB"),
    ]


def systems() -> tuple[list[str], list[str]]:
    """(names of what is generated and not stiff, names of what is stiff)."""
    catalog = read_catalog()
    records: list[SystemRecord] = [catalog[name] for name in SYSTEMS]
    stiff = [record.name for record in records if STIFF in record.tags]
    return [record.name for record in records if record.name not in stiff], stiff


def _engine_parts(summary: GenerateSummary) -> Iterator[float]:
    """Of each system: the engine's part of its time in engine and store."""
    for work in summary.tally.systems.values():
        yield work.engine_seconds / (work.seconds - work.compile_seconds)


def _periods(samples: int) -> float:
    return TRANSIENT_PERIODS + samples / min(PER_PERIOD.values())


def _stiff_run(name: str, full: Sizes, folder: Path, aim: float) -> Run:
    cost = period_cost(name)
    sizes = stiff_sizes(cost, full, aim)
    if sizes != full:
        minutes, steps = full_seconds(cost, full) / 60, cost.steps * _periods(full.samples) / 1e6
        print(
            f"{name}: {full.trajectories} x {full.samples:,} would take about {minutes:.0f} min, {steps:.0f} M steps a trajectory; ", end=""
        )
        print(f"made here: {sizes.trajectories} x {sizes.samples:,}.\n", flush=True)
    return run(name, [name], sizes, folder)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--profile", action="store_true", help="also where the time between engine and disk goes, for one large block")
    asked = parser.parse_args()
    pin_to_one_core()
    sizes, aim = (Sizes(32, 256), QUICK_AIM) if asked.quick else (Sizes(TRAJECTORIES, SAMPLES), STIFF_AIM)
    plain, stiff = systems()
    with tempfile.TemporaryDirectory(prefix="attractory-benchmark-") as name:
        folder = Path(name)
        print("Generate: one worker and the scheduler on one core; seconds on the wall.\n", flush=True)
        rows = [run("all but stiff", plain, sizes, folder), *(_stiff_run(one, sizes, folder, aim) for one in stiff)]
        print(table(HEADS, [row.cells() for row in rows]))
        if asked.profile:
            print(f"\n{profile(folder)}")
    verdict = requirements(rows[0], rows[1:])
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, rows, verdict)


if __name__ == "__main__":
    main()
