"""What a task costs scheduler and client, and whether their memory stays as it is: a run of near-empty tasks.

    python benchmarks/tasks.py [--tasks N] [--workers N] [--bundle N] [--quick] [--json FILE]

The tasks go through `run_blocks`, as `attractory generate` sends its blocks: near-empty ones in bundles of up to 64, each of which is one
task to Dask; `--bundle 1` sends each alone, as blocks of a third of a second and more are sent. The scheduler is a process of its own,
as on a cluster, so that its time and its memory are known apart from the client's; a third process holds the workers, each of one thread,
that report at once.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import psutil
from one_core import one_thread
from table import Requirement, number, options, requirement_table, table, write

import attractory
from attractory.integrate import BlockSettings
from attractory.stages import bundle as bundles
from attractory.stages.block_queue import BlockQueue
from attractory.stages.blocks_on_dask import run_blocks
from attractory.stages.cluster import Workers, running_client
from attractory.stages.losses import Loss
from attractory.stages.summary import Tally
from attractory.stages.task import BlockReport, BlockTask
from attractory.store import Block, GridPlan, StorePlan, SystemPlan

TASKS, QUICK_TASKS, SYSTEMS = 25_000, 2_000, 220
WORKERS = 16  # of one process, so that as many tasks are on their way as in a cluster of 16 cores
SETTLED = 1_000  # tasks after which memory must not grow
REQUIRED_MILLISECONDS, REQUIRED_MIB = 2.0, 100.0


@dataclass(frozen=True)
class Kept:
    """One process while the tasks ran: seconds of its processor, and its resident memory in MiB."""

    name: str
    milliseconds: float
    settled_mib: float
    largest_mib: float
    end_mib: float

    @property
    def growth(self) -> float:
        return self.largest_mib - self.settled_mib

    def cells(self) -> list[str]:
        return [self.name, number(self.milliseconds), *(number(size) for size in (self.settled_mib, self.largest_mib, self.end_mib))]


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


class Watch:
    """The memory of processes, looked at every so many tasks, and what their processors did from the first look to the last."""

    def __init__(self, processes: dict[str, psutil.Process], every: int) -> None:
        self._processes, self._every = processes, every
        self._sizes: dict[str, list[float]] = {name: [] for name in processes}
        self._began = {name: _seconds(process) for name, process in processes.items()}

    def __call__(self, outcomes: Iterator[BlockReport | Loss]) -> Iterator[BlockReport]:
        for place, outcome in enumerate(outcomes, 1):
            if isinstance(outcome, Loss):
                raise RuntimeError(str(outcome))
            if place >= SETTLED and place % self._every == 0:
                self._look(place)
            yield outcome

    def kept(self, tasks: int) -> list[Kept]:
        return [
            Kept(name, 1e3 * (_seconds(process) - self._began[name]) / tasks, sizes[0], max(sizes), sizes[-1])
            for (name, process), sizes in zip(self._processes.items(), self._sizes.values(), strict=True)
        ]

    def _look(self, place: int) -> None:
        for name, process in self._processes.items():
            self._sizes[name].append(process.memory_info().rss / 2**20)
        if place % (20 * self._every) == 0:
            print(f"  {place:,} tasks: " + ", ".join(f"{name} {sizes[-1]:.0f} MiB" for name, sizes in self._sizes.items()), flush=True)


def run_tasks(tasks: int, workers: int, *, bundle: int, every: int = 250) -> tuple[list[Kept], float]:
    """(scheduler and client, milliseconds on the wall a task)."""
    with cluster(workers) as (scheduler, file), running_client(Workers(workers, scheduler_file=file)) as client:
        client.wait_for_workers(workers)
        queue = BlockQueue(synthetic_blocks(tasks))
        gc.collect()
        watch, began = Watch({"scheduler": scheduler, "client": psutil.Process()}, every), time.perf_counter()
        with mock.patch.object(bundles, "MOST_BLOCKS", bundle):
            tally = Tally.of(watch(run_blocks(client, queue, synthetic_task(), begin=empty_report)))
        wall = time.perf_counter() - began
        return watch.kept(tally.blocks), 1e3 * wall / tasks


@contextmanager
def cluster(workers: int) -> Iterator[tuple[psutil.Process, Path]]:
    """(the scheduler's process, its file); so many workers are on their way."""
    with tempfile.TemporaryDirectory(prefix="attractory-benchmark-") as folder:
        file = Path(folder) / "scheduler.json"
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        scheduler = subprocess.Popen([*command, "--scheduler-file", str(file)], stderr=subprocess.DEVNULL)
        while not file.exists():
            time.sleep(0.1)
        serving = subprocess.Popen([sys.executable, __file__, "--serve", str(file), "--workers", str(workers)], stderr=subprocess.DEVNULL)
        try:
            yield psutil.Process(scheduler.pid), file
        finally:
            for process in (serving, scheduler):
                process.terminate()
                process.wait()


async def serve(file: Path, count: int) -> None:
    """So many workers in this process, until it is ended."""
    from distributed import Worker

    with tempfile.TemporaryDirectory(prefix="attractory-benchmark-") as folder:
        workers = [
            Worker(scheduler_file=str(file), nthreads=1, name=number, local_directory=folder, memory_limit=0) for number in range(count)
        ]
        await asyncio.gather(*workers)
        await asyncio.gather(*(worker.finished() for worker in workers))


def requirements(rows: list[Kept]) -> list[Requirement]:
    scheduler = next(row for row in rows if row.name == "scheduler")
    return [
        Requirement("processor time of the scheduler a task", scheduler.milliseconds, REQUIRED_MILLISECONDS, False, " ms"),
        Requirement(
            f"growth of scheduler's or client's memory from task {SETTLED:,} on",
            max(row.growth for row in rows),
            REQUIRED_MIB,
            False,
            " MiB",
        ),
    ]


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def arguments() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--tasks", type=int, default=None, metavar="N", help=f"how many; default: {TASKS:,}")
    parser.add_argument("--workers", type=int, default=WORKERS, metavar="N", help=f"how many; default: {WORKERS}")
    most = bundles.MOST_BLOCKS
    parser.add_argument("--bundle", type=int, default=most, metavar="N", help=f"the most tasks that go together; default: {most}")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    if asked.serve is not None:
        asyncio.run(serve(asked.serve, asked.workers))
        return
    tasks = asked.tasks or (QUICK_TASKS if asked.quick else TASKS)
    rows, wall = run_tasks(tasks, asked.workers, bundle=asked.bundle)
    where = f"{asked.workers} workers in one process, bundles of at most {asked.bundle}"
    print(f"\n{tasks:,} tasks, {where}, {number(wall)} ms a task on the wall:\n")
    print(table(["", "ms a task", f"MiB at {SETTLED:,}", "most", "at the end"], [row.cells() for row in rows]))
    verdict = requirements(rows)
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, rows, verdict)


if __name__ == "__main__":
    one_thread()
    main()
