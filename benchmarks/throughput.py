"""How much of what engine, codec and disk allow, one after another, `attractory generate` brings to the disk: one core, and two workers.

    python benchmarks/throughput.py [--quick] [--json FILE]

Four systems at two granularities in float32, on the disk of the temporary folder. In each round engine (e), codec (c) and disk (d) are
measured alone on one core, each on the same block of each system; then the recipe is run by one worker that shares that core with the
scheduler, and by two workers on two cores. All rates are of raw bytes of states. One core must reach 80 % of 1/(1/e + 1/c + 1/d), two
workers 1.8 times as much. The two digests of each shard are no part of the bound.

The recipe asks for the default codec, which is blosc-lz4 with byte shuffle behind a transpose: what is asked of either is measured once.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from one_core import one_thread
from table import Requirement, number, options, requirement_table, table, write

from attractory.stages.clusters.local import KEPT_MEMORY
from attractory.stages.generate import Job, generate, planned_job
from attractory.stages.located import read_recipe
from attractory.stages.task import BlockTask, produce_block
from attractory.store.digests import shard_digests
from attractory.store.files import write_whole
from attractory.store.shards import encode_shard
from attractory.store.template import cut_of

SYSTEMS = ("Lorenz", "HenonHeiles", "Thomas", "HyperRossler")
# A block takes tenths of a second, as a recipe of this size should ask for: of blocks of milliseconds one sees the scheduler alone.
TRAJECTORIES, SHARD, SAMPLES = 1536, 256, 4096
ROUNDS = 3
REQUIRED_PART, REQUIRED_TWO = 0.8, 1.8


@dataclass(frozen=True)
class Alone:
    """Seconds of each part alone for the whole recipe, by the clock on the wall and by that of the processor."""

    engine: tuple[float, float]
    codec: tuple[float, float]
    disk: tuple[float, float]
    digest: tuple[float, float]  # the two SHA-256 of each shard, which are no part of the bound
    first: float  # processor seconds of the first block of all

    def seconds(self, clock: int) -> float:
        """0: wall; 1: processor."""
        return self.engine[clock] + self.codec[clock] + self.disk[clock]


@dataclass(frozen=True)
class Whole:
    """One run of the recipe. `seconds` are of blocks and of finishing the store, on the wall; `fixed` what starting and stopping processes
    took; `processor` the seconds of all processes from the end of the first block to that of the last; phases are of all workers."""

    workers: int
    seconds: float
    fixed: float
    processor: float
    compiling: float
    engine: float
    codec: float
    disk: float
    finishing: float

    @property
    def elsewhere(self) -> float:
        """What workers had nothing to do, or did what no phase counts, over all of them."""
        return self.workers * self.seconds - self.compiling - self.engine - self.codec - self.disk - self.workers * self.finishing


@dataclass(frozen=True)
class Round:
    alone: Alone
    one: Whole
    two: Whole

    @property
    def part(self) -> float:
        """Of the bound of one core, compiling left out."""
        return self.alone.seconds(0) / (self.one.seconds - self.one.compiling)

    @property
    def processor_part(self) -> float:
        """The same in processor time, in which neighbours on the machine count little; what waits for the disk is in neither."""
        return (self.alone.seconds(1) - self.alone.first) / self.one.processor

    @property
    def times(self) -> float:
        """Two workers beside that bound."""
        return self.alone.seconds(0) / (self.two.seconds - self.two.compiling / 2)


def recipe_text(trajectories: int, shard: int, samples: int) -> str:
    return (
        f"name: throughput\nsystems: [{', '.join(SYSTEMS)}]\ntrajectories: {{train: {trajectories}}}\n"
        f"shard_trajectories: {shard}\ndtype: float32\ngranularities:\n"
        f"  coarse: {{samples_per_period: 15, samples: {samples}}}\n  fine: {{samples_per_period: 100, samples: {samples}}}\n"
    )


def clocks(act: Callable[[], object]) -> tuple[float, float]:
    """(seconds on the wall, of this process's processor)."""
    wall, processor = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - processor


def tasks_of(job: Job) -> Iterator[BlockTask]:
    """The first block of each system."""
    for system in job.plan.systems:
        yield job.task(job.plan.block(system, 0))


def alone(job: Job, folder: Path) -> Alone:
    """Each part on one block of each system, times the number of blocks."""
    spent: dict[str, list[tuple[float, float]]] = {"engine": [], "codec": [], "disk": [], "digest": []}
    for task in tasks_of(job):
        _of_block(task, folder, lambda part, act: spent[part].append(clocks(act)))
    blocks = job.plan.shards(job.plan.systems[0])
    first = sum(spent[part][0][1] for part in ("engine", "codec", "disk"))
    return Alone(**{part: (blocks * sum(wall), blocks * sum(own)) for part, (wall, own) in _by_clock(spent)}, first=first)


def _of_block(task: BlockTask, folder: Path, timed: Callable[[str, Callable[[], object]], None]) -> None:
    from attractory.expressions.system import System

    system, kept, packed = System.from_record(task.record), [], []
    timed("engine", lambda: kept.append(produce_block(task, system)))
    cuts = [cut_of(task.plan, task.plan.systems[0], grid) for grid in task.plan.systems[0].grids]
    timed("codec", lambda: packed.extend(encode_shard(states, cut) for states, cut in zip(kept[0].states, cuts, strict=True)))
    place = Path(tempfile.mkdtemp(dir=folder))  # new files, as in a run: to write over old ones is cheaper
    timed("disk", lambda: [write_whole(place / f"shard-{number}", content, partial=place) for number, content in enumerate(packed)])
    timed("digest", lambda: [*map(shard_digests, packed, kept[0].states)])


def whole(recipe: Path, store: Path, workers: int) -> Whole:
    """One `generate`; its store is removed by the caller."""
    processor: list[float] = []

    def after_the_first_and_the_last(done: int, tasks: int, note: str) -> None:
        if note and done in (1, tasks):  # to look at all processes takes milliseconds of what is measured
            processor.append(_processor())

    began = time.perf_counter()
    summary = generate(recipe, out=store, workers=workers, progress=after_the_first_and_the_last)
    seconds, work = time.perf_counter() - began, summary.work
    return Whole(
        workers=workers,
        seconds=summary.run_seconds + summary.finish_seconds,
        fixed=seconds - summary.run_seconds - summary.finish_seconds,
        processor=processor[-1] - processor[0],
        compiling=work.compile_seconds,
        engine=work.engine_seconds,
        codec=work.compress_seconds,
        disk=work.write_seconds,
        finishing=summary.finish_seconds,
    )


def _processor() -> float:
    """Seconds that this process and all that it has started have computed."""
    here = psutil.Process()
    return sum(times.user + times.system for times in (process.cpu_times() for process in (here, *here.children(recursive=True))))


def _by_clock(spent: Mapping[str, Sequence[tuple[float, float]]]) -> Iterator[tuple[str, tuple[Sequence[float], Sequence[float]]]]:
    """(part, (seconds of the wall, of the processor) of each system)."""
    for part, pairs in spent.items():
        wall, own = zip(*pairs, strict=True)
        yield part, (wall, own)


def measured_round(located: Path, job: Job, folder: Path) -> Round:
    """Parts and runs, one after the other; this process is on one core for all but the two workers."""
    both = os.sched_getaffinity(0)
    core = {max(both)}
    os.sched_setaffinity(0, core)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        parts = alone(job, Path(place))
    one = _run(located, folder, 1)
    os.sched_setaffinity(0, both)
    two = _run(located, folder, 2)
    return Round(parts, one, two)


def _run(recipe: Path, folder: Path, workers: int) -> Whole:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        return whole(recipe, Path(place) / "throughput.zarr", workers)


def rounds(sizes: tuple[int, int, int], count: int) -> tuple[list[Round], int]:
    """(so many rounds, raw bytes of the recipe), after one round of compiling and warming that is not kept."""
    found = []
    with tempfile.TemporaryDirectory(prefix="attractory-benchmark-") as name:
        folder = Path(name)
        recipe = folder / "throughput.yaml"
        recipe.write_text(recipe_text(*sizes))
        job = planned_job(read_recipe(recipe), folder / "throughput.zarr")
        for task in tasks_of(job):
            _of_block(task, folder, lambda part, act: act())
        for place in range(count):
            found.append(measured_round(recipe, job, folder))
            print(
                f"  round {place + 1}: one core {found[-1].part:.2f} of its bound ({found[-1].processor_part:.2f} in processor time), "
                f"two workers {found[-1].times:.2f} times it",
                flush=True,
            )
    return found, job.plan.bytes


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def phase_table(found: Sequence[Round]) -> str:
    """Seconds of all workers by phase on the wall, medians of the rounds; `alone`, of the whole recipe by one core."""
    heads = ["", "integrate", "compress", "digest", "write, waited for", "compile", "wait, scheduler", "finish", "in all"]
    lone = [middle([getattr(one.alone, name)[0] for one in found]) for name in ("engine", "codec", "digest", "disk")]
    rows = [["alone", *map(number, lone), "", "", "", number(sum(lone))]]
    for name, runs in (("one core", [one.one for one in found]), ("two workers", [one.two for one in found])):
        cells = [
            number(middle([getattr(run, phase) for run in runs]))
            for phase in ("engine", "codec", "disk", "compiling", "elsewhere", "finishing")
        ]
        rows.append([name, *cells[:2], "in compress", *cells[2:], number(middle([run.seconds for run in runs]))])
    return table(heads, rows)


def rate_table(found: Sequence[Round], size: int) -> str:
    """Raw megabytes a second."""
    heads = ["", "engine e", "codec c", "disk d", "bound", "one core", "two workers"]
    lone = [middle([getattr(one.alone, name)[0] for one in found]) for name in ("engine", "codec", "disk")]
    whole = [
        middle([one.one.seconds - one.one.compiling for one in found]),
        middle([one.two.seconds - one.two.compiling / 2 for one in found]),
    ]
    return table(heads, [["raw MB/s", *(number(size / 1e6 / seconds) for seconds in (*lone, sum(lone), *whole))]])


def requirements(found: Sequence[Round]) -> list[Requirement]:
    return [
        Requirement("one core: part of 1/(1/e + 1/c + 1/d)", middle([one.part for one in found]), REQUIRED_PART),
        Requirement("two workers: times that of one core", middle([one.times for one in found]), REQUIRED_TWO * REQUIRED_PART),
    ]


def main() -> None:
    asked = options(__doc__).parse_args()
    found, size = rounds((48, 16, 256) if asked.quick else (TRAJECTORIES, SHARD, SAMPLES), 1 if asked.quick else ROUNDS)
    print(f"\n{rate_table(found, size)}\n\nSeconds of all workers:\n\n{phase_table(found)}\n")
    print(f"one core in processor time: {middle([one.processor_part for one in found]):.2f} of its bound\n")
    verdict = requirements(found)
    print(f"{requirement_table(verdict)}\n")
    write(asked.json, found, verdict)


def keep_memory() -> None:
    """What `generate` asks of the C library for its local workers, here too, so that engine and codec alone are not slower than there."""
    wanted = {name: str(value) for name, value in KEPT_MEMORY.items()}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.environ.update(wanted)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    one_thread()
    keep_memory()
    main()
