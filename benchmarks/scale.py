"""What the scheduler costs, and how good the estimates before a run are.

    python benchmarks/scale.py [--only tasks|estimate] [--tasks N] [--quick] [--json FILE]

tasks      a run of near-empty tasks through `run_blocks`, as `attractory generate` sends its blocks: milliseconds a task of the process
           that holds client and scheduler, and its memory from task 1,000 to the end
estimate   `attractory generate --dry-run` beside what then happens, for a few recipes: bytes on the disk and core-hours
"""

from __future__ import annotations

import gc
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from table import Requirement, number, options, requirement_table, table, write

import attractory
from attractory.integrate import BlockSettings
from attractory.stages.block_queue import BlockQueue
from attractory.stages.blocks_on_dask import run_blocks
from attractory.stages.cluster import Workers, running_client
from attractory.stages.estimate import estimate
from attractory.stages.generate import generate
from attractory.stages.located import read_recipe
from attractory.stages.summary import Tally
from attractory.stages.task import BlockReport, BlockTask
from attractory.store import Block, GridPlan, StorePlan, SystemPlan

TASKS, QUICK_TASKS, SYSTEMS = 100_000, 3_000, 220
SETTLED = 1_000  # tasks after which memory must not grow
REQUIRED_MILLISECONDS, REQUIRED_MIB, REQUIRED_PART = 2.0, 100.0, 0.3

RECIPES = {
    "quickstart": "systems: [Lorenz, Rossler, Henon]\ntrajectories: {train: 192, validation: 32, test: 32}\n"
    "granularities:\n  coarse: {samples_per_period: 15, samples: 1024}\n  fine: {samples_per_period: 100, samples: 4096}\n",
    "larger": "systems: [Lorenz96, Thomas, Chua, HenonHeiles]\ntrajectories: {train: 256}\n"
    "granularities:\n  coarse: {samples_per_period: 15, samples: 4096}\n  fine: {samples_per_period: 100, samples: 4096}\n",
    "doubles": "systems: [HyperRossler, Halvorsen, MackeyGlass]\ntrajectories: {train: 128}\ndtype: float64\n"
    "granularities:\n  fine: {samples_per_period: 50, samples: 8192}\n",
}


@dataclass(frozen=True)
class TaskRun:
    """A run of near-empty tasks. Memory is the resident memory of the process with client and scheduler, in MiB."""

    tasks: int
    wall_milliseconds: float
    scheduler_milliseconds: float
    settled_mib: float
    largest_mib: float
    end_mib: float

    @property
    def growth(self) -> float:
        return self.largest_mib - self.settled_mib


@dataclass(frozen=True)
class Foretold:
    """One recipe: what `--dry-run` said, and what then was."""

    recipe: str
    samples_equal: bool
    files_equal: bool
    disk_part: float
    seconds_part: float

    def cells(self) -> list[str]:
        exact = ["equal" if same else "DIFFERENT" for same in (self.samples_equal, self.files_equal)]
        return [self.recipe, *exact, number(self.disk_part), number(self.seconds_part)]


def empty_report(task: BlockTask) -> BlockReport:
    """What a block would report that took no time."""
    return BlockReport(
        block=task.block,
        failed=0,
        samples=1,
        bytes=1,
        compile_seconds=0.0,
        engine_seconds=0.0,
        compress_seconds=0.0,
        write_seconds=0.0,
        peak_bytes=0,
        worker=f"{socket.gethostname()}:{os.getpid()}",
    )


def synthetic_blocks(tasks: int) -> Iterator[Block]:
    """So many blocks of 220 systems."""
    return (Block(f"System{place % SYSTEMS}", place // SYSTEMS, 64 * (place // SYSTEMS), 64) for place in range(tasks))


def synthetic_task() -> Callable[[Block], BlockTask]:
    """Tasks as large on the wire as those of a catalogued system are."""
    system = attractory.system("Lorenz")
    grids = tuple(GridPlan(name, 0.01, 4096, {}) for name in ("coarse", "fine"))
    planned = SystemPlan("Lorenz", system.variables, system.definition.parameters, 15.0, (10**6, 0, 0), grids, {})
    plan = StorePlan((planned,), "float32", 64, {})
    whole = BlockTask(Path("/nowhere"), plan, Block("Lorenz", 0, 0, 64), system.record, BlockSettings(0, 15.0, 1e-14, "float32"))
    return lambda block: replace(whole, block=block)


def run_tasks(tasks: int, *, every: int = 500) -> TaskRun:
    """A run of near-empty tasks by one worker process, watched every so many."""
    here = psutil.Process()
    memory: list[float] = []

    def watched(outcomes: Iterator[BlockReport]) -> Iterator[BlockReport]:
        for place, outcome in enumerate(outcomes, 1):
            if place >= SETTLED and place % every == 0:
                memory.append(here.memory_info().rss / 2**20)
                print(f"  {place:,} tasks: {memory[-1]:.0f} MiB", flush=True)
            yield outcome

    with running_client(Workers(1)) as client:
        queue = BlockQueue(synthetic_blocks(tasks))
        gc.collect()
        wall, processor = time.perf_counter(), time.process_time()
        tally = Tally.of(watched(run_blocks(client, queue, synthetic_task(), make=empty_report)))  # type: ignore[arg-type]
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return TaskRun(tally.blocks, 1e3 * wall / tasks, 1e3 * processor / tasks, memory[0], max(memory), memory[-1])


def foretold(name: str, folder: Path) -> Foretold:
    """`--dry-run`, then the run itself with one worker, compared in processor time where the worker measures it on the wall."""
    recipe = folder / f"{name}.yaml"
    recipe.write_text(f"name: {name}\n{RECIPES[name]}")
    before = estimate(read_recipe(recipe), out=folder / f"{name}.zarr")
    made = generate(recipe, out=folder / f"{name}.zarr", workers=1)
    shards = [path for path in (folder / f"{name}.zarr").rglob("*") if path.is_file()]
    phases = made.phases
    spent = phases["compile"] + phases["integrate"] + phases["compress"]
    return Foretold(
        recipe=name,
        samples_equal=before.samples == made.work.samples,
        files_equal=len(shards) == before.shard_files + before.other_files,
        disk_part=before.disk_bytes / made.work.bytes,
        seconds_part=before.core_seconds / spent,
    )


def task_requirements(run: TaskRun) -> list[Requirement]:
    return [
        Requirement("processor time of client and scheduler a task", run.scheduler_milliseconds, REQUIRED_MILLISECONDS, False, " ms"),
        Requirement(f"growth of their memory from task {SETTLED:,} on", run.growth, REQUIRED_MIB, False, " MiB"),
    ]


def estimate_requirements(rows: list[Foretold]) -> list[Requirement]:
    """The worst of both, as a distance from 1."""
    disk, seconds = (
        max(abs(part - 1) for part in parts) for parts in zip(*((row.disk_part, row.seconds_part) for row in rows), strict=True)
    )
    return [
        Requirement("estimate of bytes on the disk, off by", disk, REQUIRED_PART, False),
        Requirement("estimate of core-hours, off by", seconds, REQUIRED_PART, False),
    ]


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--only", choices=["tasks", "estimate"], help="one part")
    parser.add_argument("--tasks", type=int, default=None, metavar="N", help=f"how many near-empty tasks; default: {TASKS:,}")
    asked = parser.parse_args()
    rows: list[object] = []
    verdict: list[Requirement] = []
    if asked.only != "estimate":
        run = run_tasks(asked.tasks or (QUICK_TASKS if asked.quick else TASKS))
        rows.append(run)
        verdict += task_requirements(run)
        heads = ["tasks", "ms a task, wall", "processor", f"MiB at {SETTLED:,}", "most", "at the end"]
        cells = [f"{run.tasks:,}", number(run.wall_milliseconds), number(run.scheduler_milliseconds)]
        print(table(heads, [[*cells, *(number(size) for size in (run.settled_mib, run.largest_mib, run.end_mib))]]))
    if asked.only != "tasks":
        with tempfile.TemporaryDirectory(prefix="attractory-benchmark-") as folder:
            found = [foretold(name, Path(folder)) for name in list(RECIPES)[: 1 if asked.quick else None]]
        rows += found
        verdict += estimate_requirements(found)
        print(table(["recipe", "samples", "files", "bytes, foretold / made", "core time"], [row.cells() for row in found]))
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, rows, verdict)


if __name__ == "__main__":
    main()
