"""What a worker does with one block: integrate, write, report. Plain records in, a plain record out, so it runs anywhere."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from attractory.catalog.record import SystemRecord
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, DrawnGrid, Grid, SampleGrid, TimedGrid, Trajectories, integrate_block, section_grid
from attractory.integrate.observation import Observation, Seen, observed
from attractory.store import Block, GridPlan, PackedBlock, StorePlan, SystemPlan, pack_block
from attractory.store.files import Place

Produce = Callable[..., Trajectories]

# Up to so many bytes of states, a block's last bytes may wait for the disk while the next is made: with the largest block that is allowed,
# its copies, and interpreter and libraries, that stays below 1 GiB.
OVERLAPPED_BYTES = 96 * 2**20


@dataclass(frozen=True)
class BlockTask:
    """All that a worker needs to know of one block; `plan` holds the block's own system only."""

    store: Place
    plan: StorePlan
    block: Block
    record: SystemRecord
    settings: BlockSettings
    produce: Produce = integrate_block
    observation: Observation | None = None

    @cached_property
    def grids(self) -> tuple[Grid, ...]:
        return grids_of(self.plan.systems[0], System.from_record(self.record))

    @property
    def bytes(self) -> int:
        """Of the block's states, raw."""
        return self.plan.block_bytes(self.plan.systems[0])

    def of(self, block: Block) -> BlockTask:
        """The task of another block of the same system."""
        other = replace(self, block=block)
        other.__dict__["grids"] = self.grids  # found once: to read a system takes longer than to make a small block
        return other


@dataclass(frozen=True)
class BlockReport:
    """What one block took. Samples are states of all variables; seconds are this worker's, of writing only those in which it waited for the
    disk and did nothing else."""

    block: Block
    failed: int
    samples: int
    bytes: int
    compile_seconds: float
    engine_seconds: float
    compress_seconds: float
    write_seconds: float
    peak_bytes: int
    worker: str


def grids_of(plan: SystemPlan, system: System) -> tuple[Grid, ...]:
    """Where the engine samples for the granularities of a plan."""
    return tuple(_grid(grid, system) for grid in plan.grids)


def _grid(grid: GridPlan, system: System) -> Grid:
    if grid.section is not None:
        return section_grid(system, grid.section, grid.samples)
    if grid.drawn is not None:
        return DrawnGrid(grid.name, grid.drawn, grid.samples)
    return SampleGrid(float(grid.dt or 0.0), grid.samples)


def run_block(task: BlockTask) -> BlockReport:
    """Make one block and write it; only then is it done."""
    return begin_block(task).wait()


@dataclass(frozen=True)
class BegunBlock:
    """A block that is made and packed, whose last bytes are on their way; `report` is of what is done by now."""

    packed: PackedBlock
    report: BlockReport

    @property
    def block(self) -> Block:
        return self.report.block

    def wait(self) -> BlockReport:
        """The report, once the block is done."""
        began = time.perf_counter()
        self.packed.wait()
        return replace(self.report, write_seconds=time.perf_counter() - began)

    def overlapped(self) -> BlockReport:
        """The same where the process makes another block meanwhile: then nothing was waited for."""
        self.packed.wait()
        return self.report


def begin_block(task: BlockTask) -> BegunBlock:
    """Make one block, pack it, and set the disk to work."""
    started = time.perf_counter()
    system = _prepared(task.produce, task.record, task.grids, task.settings)
    compiled = time.perf_counter()
    made = produce_block(task, system)
    produced = time.perf_counter()
    packed = pack_block(task.store, task.plan, task.block, made)
    report = BlockReport(
        block=task.block,
        failed=packed.row.failed,
        samples=task.block.count * sum(grid.samples for grid in task.grids),
        bytes=sum(shard.bytes for shard in packed.row.shards),
        compile_seconds=compiled - started,
        engine_seconds=produced - compiled,
        compress_seconds=packed.compress_seconds,
        write_seconds=0.0,
        peak_bytes=_peak_bytes(),
        worker=f"{socket.gethostname()}:{os.getpid()}",
    )
    return BegunBlock(packed, report)


def produce_block(task: BlockTask, system: System) -> Trajectories:
    block = task.block
    indices = range(block.first, block.first + block.count)
    made = task.produce(system, indices=indices, grids=task.grids, settings=task.settings)
    if task.observation is None:
        return made
    names = tuple(grid.name for grid in task.plan.systems[0].grids)
    return observed(made, task.observation, Seen(task.settings.seed, system, names, indices))


@lru_cache(maxsize=256)
def _prepared(produce: Produce, record: SystemRecord, grids: Sequence[Grid], settings: BlockSettings) -> System:
    """The system with its machine code made, by one trajectory of one sample, so that compiling is timed apart."""
    system = System.from_record(record)
    single = tuple(replace(grid, samples=1) for grid in grids if not isinstance(grid, TimedGrid))
    produce(system, indices=[0], grids=single, settings=replace(settings, transient=0.0, family=None))
    return system


def _peak_bytes() -> int:
    """The most memory that this process has held; `getrusage` begins, on Linux, with that of the process that started it."""
    try:
        with open("/proc/self/status") as lines:
            fields = dict(line.split(":", 1) for line in lines)
        return int(fields["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
