"""What a store will hold, as frozen records: systems, granularities, shards and blocks. Pure arithmetic; nothing here touches a disk.

A *block* is the key of one task: `shard_trajectories` consecutive trajectories of one system. A block makes one shard at every
granularity, so no two tasks ever write to one file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attractory import layout
from attractory.expressions.section import Section

# One inner chunk is what a reader decodes for one random window: 64 KiB of blosc-lz4 decode in some 20 microseconds, below the cost
# of the read itself. Trajectories shorter than 16 KiB are packed together, else the shard's index outgrows what it points to.
INNER_BYTES = 64 * 1024
PACKED_BYTES = 16 * 1024


@dataclass(frozen=True)
class GridPlan:
    """One granularity of one system: `samples` samples, `dt` time units (maps: iterates) apart; `attributes` as layout.py names them.

    dt is None where each sample has a time of its own: a crossing of `section`, or as `drawn` says.
    """

    name: str
    dt: float | None
    samples: int
    attributes: Mapping[str, Any]
    section: Section | None = None
    drawn: layout.DrawnTimes | None = None

    @property
    def is_irregular(self) -> bool:
        return self.dt is None


@dataclass(frozen=True)
class Block:
    """The key of one task: trajectories first, ..., first + count - 1 of a system, which are shard `shard` at every granularity."""

    system: str
    shard: int
    first: int
    count: int

    @property
    def key(self) -> str:
        return f"{self.system}-{self.shard}"


@dataclass(frozen=True)
class SystemPlan:
    """One system's part of a store; `splits` are the trajectories in train, validation and test, which follow each other in that order.

    sets: which trajectory is of which parameter set; None where all have the catalogued parameters. observed: the variables that are stored
    once more as they are observed; empty where none is.
    """

    name: str
    variables: tuple[str, ...]
    parameters: tuple[str, ...]
    transient: float
    splits: tuple[int, int, int]
    grids: tuple[GridPlan, ...]
    attributes: Mapping[str, Any]
    sets: layout.SetOrder | None = None
    observed: tuple[str, ...] = ()

    @property
    def trajectories(self) -> int:
        return sum(self.splits)

    @property
    def samples(self) -> int:
        """Samples of all trajectories at all granularities."""
        return self.trajectories * sum(grid.samples for grid in self.grids)

    def split_codes(self) -> np.ndarray:
        """The split of each trajectory, int8 (trajectory,)."""
        return np.repeat(np.arange(len(layout.SPLITS), dtype=np.int8), self.splits)


@dataclass(frozen=True)
class StorePlan:
    """All that decides a store's bytes but the numbers themselves; `attributes` are the root's, without the manifest's digest."""

    systems: tuple[SystemPlan, ...]
    dtype: str
    shard_trajectories: int
    attributes: Mapping[str, Any]

    def system(self, name: str) -> SystemPlan:
        return next(system for system in self.systems if system.name == name)

    def shards(self, system: SystemPlan) -> int:
        return math.ceil(system.trajectories / self.shard_trajectories)

    def block(self, system: SystemPlan, shard: int) -> Block:
        first = shard * self.shard_trajectories
        return Block(system.name, shard, first, min(self.shard_trajectories, system.trajectories - first))

    def blocks(self) -> Iterator[Block]:
        """Every block, system by system; never a list, so that a recipe of any size can be looked at before it is refused."""
        return (self.block(system, shard) for system in self.systems for shard in range(self.shards(system)))

    @property
    def tasks(self) -> int:
        return sum(self.shards(system) for system in self.systems)

    @property
    def is_compressed(self) -> bool:
        """Unless the recipe says `compression: none`."""
        return dict(self.attributes.get(layout.RECIPE) or {}).get("compression") != "none"

    @property
    def itemsize(self) -> int:
        return np.dtype(self.dtype).itemsize

    @property
    def bytes(self) -> int:
        """Bytes of the states and of the arrays of each system, before compression: what the disk must have at most."""
        return sum(self._system_bytes(system) for system in self.systems)

    def block_bytes(self, system: SystemPlan) -> int:
        """Bytes of the states of one block in memory, at every granularity together."""
        samples = sum(grid.samples for grid in system.grids)
        one = samples * (len(system.variables) + len(system.observed)) * self.itemsize + 8 * _irregular_samples(system)
        return min(self.shard_trajectories, system.trajectories) * one

    def _system_bytes(self, system: SystemPlan) -> int:
        states = system.samples * (len(system.variables) + len(system.observed)) * self.itemsize
        times = 8 * sum(grid.samples for grid in system.grids) + 8 * system.trajectories * _irregular_samples(system)
        return states + times + system.trajectories * (8 * (len(system.variables) + len(system.parameters) + 1) + 2)


def _irregular_samples(system: SystemPlan) -> int:
    """Samples of one trajectory that have a time of their own."""
    return sum(grid.samples for grid in system.grids if grid.is_irregular)


@dataclass(frozen=True)
class ShardShape:
    """How one shard is cut: the shard (trajectory, time, variable), which may reach past the array's end, and its inner chunks."""

    shard: tuple[int, int, int]
    inner: tuple[int, int, int]
    is_compressed: bool = True

    @property
    def grid(self) -> tuple[int, int]:
        """Inner chunks along trajectory and along time."""
        return self.shard[0] // self.inner[0], self.shard[1] // self.inner[1]


def shard_shape(trajectories: int, *, samples: int, variables: int, itemsize: int) -> ShardShape:
    """The cut of a shard of `trajectories` whole trajectories: one long trajectory is several inner chunks, several short ones are one."""
    trajectory_bytes = samples * variables * itemsize
    if trajectory_bytes > INNER_BYTES:
        pieces = _pieces(samples, math.ceil(trajectory_bytes / INNER_BYTES))
        length = math.ceil(samples / pieces)
        return ShardShape((trajectories, math.ceil(samples / length) * length, variables), (1, length, variables))
    most = max(1, PACKED_BYTES // trajectory_bytes)
    together = max(count for count in range(1, min(most, trajectories) + 1) if trajectories % count == 0)
    return ShardShape((trajectories, samples, variables), (together, samples, variables))


def plain_shape(trajectories: int, *, samples: int, variables: int) -> ShardShape:
    """The cut of a shard without compression, sample after sample: a chunk is one trajectory, so that a reader may map the file."""
    return ShardShape((trajectories, samples, variables), (1, samples, variables), is_compressed=False)


def _pieces(samples: int, least: int) -> int:
    """A number of pieces from `least` to its double that divides `samples`, so that no chunk is padded; `least` where there is none."""
    return next((pieces for pieces in range(least, min(2 * least, samples) + 1) if samples % pieces == 0), min(least, samples))
