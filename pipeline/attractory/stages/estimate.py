"""`attractory generate --dry-run`: how much a recipe makes and what that costs, from a small block of each system; nothing is written."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attractory.expressions.system import System
from attractory.stages.generate import Job, agreed_root, planned_job
from attractory.stages.located import LocatedRecipe, read_recipe
from attractory.stages.place import disk_errors, free_bytes, held_bytes, readable, room_missing
from attractory.stages.plan import BLOCK_BYTES, check_memory
from attractory.stages.progress import Progress
from attractory.stages.task import produce_block
from attractory.stages.task_size import LONGEST, SHORTEST, Cost, better_shards
from attractory.store import StorePlan, SystemPlan, encode_block, is_finished
from attractory.store.blocks import EncodedBlock
from attractory.store.files import Place, place_of
from attractory.store.finish import small_files
from attractory.store.objects import ObjectPath

# A measured block has as many trajectories as fill the lanes, and at first so many samples of its longest granularity; four times as many,
# then four times as many trajectories, until integrating them takes this long or it is a whole block: so that neither the clock nor the
# beginning of a trajectory decides.
TRAJECTORIES = 16
FIRST_SAMPLES = 128
LONG_ENOUGH = 0.1  # seconds
MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class SystemEstimate:
    """One system's part. Seconds are of one core; every process that makes a block of the system compiles it, or finds it on the disk."""

    name: str
    samples: int
    tasks: int
    raw_bytes: int
    disk_bytes: float
    compile_seconds: float
    integrate_seconds: float
    compress_seconds: float
    write_seconds: float  # of the processor; what the disk keeps a process waiting is not in it

    @property
    def block_seconds(self) -> float:
        """Of all blocks, without compiling."""
        return self.integrate_seconds + self.compress_seconds + self.write_seconds

    @property
    def seconds(self) -> float:
        return self.compile_seconds + self.block_seconds


@dataclass(frozen=True)
class Estimate:
    """What a recipe makes. `samples`, `tasks`, files and `raw_bytes` are exact, the rest is measured on a small part.

    `refusal` is why `generate` would not begin; `finished` where the store is there already; `better_shards`: a `shard_trajectories` with
    which tasks are of a better length, where these are not.
    """

    store: Place
    systems: tuple[SystemEstimate, ...]
    raw_bytes: int
    tasks: int
    shard_files: int
    other_files: int
    free_bytes: int | None
    finished: bool
    refusal: str | None
    better_shards: int | None = None

    @property
    def samples(self) -> int:
        return sum(system.samples for system in self.systems)

    @property
    def disk_bytes(self) -> float:
        """Of the shards; the metadata add some kilobytes for each system."""
        return sum(system.disk_bytes for system in self.systems)

    @property
    def core_seconds(self) -> float:
        return sum(system.seconds for system in self.systems)

    def document(self) -> dict[str, Any]:
        """The estimate as JSON."""
        return {
            "store": str(self.store),
            "samples": self.samples,
            "raw_bytes": self.raw_bytes,
            "estimated_disk_bytes": round(self.disk_bytes),
            "estimated_core_hours": self.core_seconds / 3600,
            "tasks": self.tasks,
            "shard_files": self.shard_files,
            "other_files": self.other_files,
            "free_bytes": self.free_bytes,
            "finished": self.finished,
            "refusal": self.refusal,
            "better_shard_trajectories": self.better_shards,
            "systems": {
                system.name: {
                    "samples": system.samples,
                    "tasks": system.tasks,
                    "raw_bytes": system.raw_bytes,
                    "estimated_disk_bytes": round(system.disk_bytes),
                    "estimated_core_seconds": {
                        "compile": round(system.compile_seconds, 4),
                        "integrate": round(system.integrate_seconds, 4),
                        "compress": round(system.compress_seconds, 4),
                        "write": round(system.write_seconds, 4),
                    },
                }
                for system in self.systems
            },
        }

    def lines(self) -> list[str]:
        """One screen for a person; the systems that cost most are named."""
        hours, dearest = self.core_seconds / 3600, sorted(self.systems, key=lambda system: -system.seconds)[:3]
        part = self.disk_bytes / self.raw_bytes
        longest = max(system.block_seconds / system.tasks for system in self.systems)
        room = "an object store says not what is free" if self.free_bytes is None else f"{readable(self.free_bytes)} free there"
        return [
            f"{self.store}: would make {self.samples / 1e6:,.1f} M samples of {len(self.systems)} systems; nothing was written",
            f"  {readable(self.raw_bytes)} raw, about {readable(self.disk_bytes)} on disk ({100 * part:.0f} %); {room}",
            f"  about {hours:,.3g} core-hours (compile, integrate, compress, write; waiting for the disk is not in it)",
            f"  {self.tasks:,} tasks, the longest of about {longest:.2g} s; {self.shard_files:,} shard files, {self.other_files:,} others",
            *([f"  tasks of {SHORTEST:g} to {LONGEST:g} s: shard_trajectories: {self.better_shards}"] if self.better_shards else []),
            f"  most of the time: {', '.join(f'{system.name} {100 * system.seconds / self.core_seconds:.0f} %' for system in dearest)}",
            *(["  the store is there and finished: nothing is left to make"] if self.finished else []),
            *([f"  refused: {self.refusal}"] if self.refusal else []),
        ]


def estimate(
    recipe: str | Path | LocatedRecipe, *, out: str | Path | ObjectPath | None = None, progress: Progress | None = None
) -> Estimate:
    """What `generate` would make of a recipe from the beginning, measured here and now on one core.

    Raises:
        RecipeError, CatalogError, RequestError: the request is wrong, as `generate` would say.
    """
    located = read_recipe(recipe)
    job = planned_job(located, place_of(out) if out is not None else located.store)
    with disk_errors(job.store):
        root = agreed_root(job)
        finished = root is not None and is_finished(root)
        check_memory(located, job.plan)
        held = held_bytes(job.store, job.plan) if root is not None else 0
        systems = tuple(_measured(job, progress))
        return Estimate(
            store=job.store,
            systems=systems,
            raw_bytes=job.plan.bytes,
            tasks=job.plan.tasks,
            shard_files=sum(job.plan.shards(system) * _shards_of_block(system) for system in job.plan.systems),
            other_files=len(small_files(_smallest(job.plan))) + 2,  # the manifest, and the root's document
            free_bytes=free_bytes(job.store),
            finished=finished,
            refusal=None if finished else room_missing(job.store, job.plan, held=held),
            better_shards=better_shards(_costs(job.plan, systems), job.plan.shard_trajectories, most_bytes=BLOCK_BYTES),
        )


def _costs(plan: StorePlan, systems: Sequence[SystemEstimate]) -> list[Cost]:
    return [
        Cost(
            system.trajectories,
            found.block_seconds / system.trajectories,
            plan.block_bytes(system) / min(plan.shard_trajectories, system.trajectories),
        )
        for system, found in zip(plan.systems, systems, strict=True)
    ]


def _measured(job: Job, progress: Progress | None) -> Iterator[SystemEstimate]:
    for place, (system, plan) in enumerate(zip(job.systems, job.plan.systems, strict=True)):
        if progress is not None:
            progress(place, len(job.systems), system.name)
        yield system_estimate(job, system, plan)
    if progress is not None:
        progress(len(job.systems), len(job.systems), "")


def system_estimate(job: Job, system: System, plan: SystemPlan) -> SystemEstimate:
    """One system's cost, from blocks that grow until they take long enough to be measured."""
    whole = replace(job.plan, systems=(plan,))
    compiling, settling = _settling(job, system, whole)
    for probe in _probes(whole):
        seconds, made = _timed(job, system, probe)
        settled = settling * _trajectories(probe)
        if seconds - settled >= LONG_ENOUGH:
            break
    encoded, compressing = _encoding(probe, made)
    sampled = {grid.name: grid.samples for grid in probe.systems[0].grids}
    growth = sum(grid.samples for grid in plan.grids) / sum(sampled.values())
    groups = plan.trajectories / _trajectories(probe)
    full = {grid.name: grid.samples for grid in plan.grids}
    disk_bytes = sum(row.bytes * full[row.granularity] / sampled[row.granularity] for row in encoded.row.shards) * groups
    return SystemEstimate(
        name=plan.name,
        samples=plan.samples,
        tasks=job.plan.shards(plan),
        raw_bytes=whole.bytes,
        disk_bytes=disk_bytes,
        compile_seconds=compiling,
        integrate_seconds=(settled + max(seconds - settled, 0.0) * growth) * groups,
        compress_seconds=compressing * growth * groups,
        write_seconds=_writing([*encoded.files.values()]) * growth * groups,
    )


def _encoding(probe: StorePlan, made: Any) -> tuple[EncodedBlock, float]:
    """(the block's files, seconds of packing and digesting them), the second time: a run has its memory from the block before."""
    for _ in range(2):
        began = time.process_time()
        encoded = encode_block(probe, probe.block(probe.systems[0], 0), made)
        seconds = time.process_time() - began
    return encoded, seconds


def _writing(contents: Sequence[bytes]) -> float:
    """Seconds of the processor of bringing files to a disk: to one without a name, in the system's folder for what is temporary."""
    with tempfile.TemporaryFile() as file:
        began = time.process_time()
        for content in contents:
            file.write(content)
        file.flush()
        os.fsync(file.fileno())
        return time.process_time() - began


def _trajectories(probe: StorePlan) -> int:
    return probe.systems[0].trajectories


def _probes(whole: StorePlan) -> Iterator[StorePlan]:
    """Plans of small blocks, each four times as large as the one before: of more samples, then of more trajectories."""
    (plan,) = whole.systems
    most, longest = min(plan.trajectories, whole.shard_trajectories), max(grid.samples for grid in plan.grids)
    trajectories, samples = min(TRAJECTORIES, most), min(FIRST_SAMPLES, longest)
    while True:
        probe = _probe(whole, trajectories, samples / longest)
        yield probe
        if (trajectories, samples) == (most, longest) or 4 * probe.block_bytes(probe.systems[0]) > MOST_BYTES:
            return
        if samples < longest:
            samples = min(4 * samples, longest)
        else:
            trajectories = min(4 * trajectories, most)


def _settling(job: Job, system: System, whole: StorePlan) -> tuple[float, float]:
    """(seconds of compiling, seconds of a trajectory's transient): the first block of one sample has both, the second transients alone."""
    probe = _probe(whole, next(_trajectories(small) for small in _probes(whole)), 0.0)
    first, _ = _timed(job, system, probe)
    second, _ = _timed(job, system, probe)
    return max(first - second, 0.0), second / _trajectories(probe)


def _probe(whole: StorePlan, trajectories: int, part: float) -> StorePlan:
    """The plan of a small block: fewer trajectories, and this part of the samples of every granularity, at least one."""
    (system,) = whole.systems
    grids = tuple(replace(grid, samples=max(1, math.ceil(grid.samples * part))) for grid in system.grids)
    small = replace(system, splits=(trajectories, 0, 0), grids=grids)
    return replace(whole, systems=(small,), shard_trajectories=trajectories)


def _smallest(plan: StorePlan) -> StorePlan:
    """A plan of as many small files, which do not become more with trajectories or samples."""
    systems = (replace(system, splits=(1, 0, 0), grids=tuple(replace(grid, samples=1) for grid in system.grids)) for system in plan.systems)
    return replace(plan, systems=tuple(systems))


def _timed(job: Job, system: System, probe: StorePlan) -> tuple[float, Any]:
    """(seconds, trajectories) of a small block, made as a worker makes one."""
    task = replace(job.task(probe.block(probe.systems[0], 0)), plan=probe)
    began = time.process_time()
    made = produce_block(task, system)
    return time.process_time() - began, made


def _shards_of_block(system: SystemPlan) -> int:
    return sum(1 + grid.is_irregular + bool(system.observed) for grid in system.grids)
