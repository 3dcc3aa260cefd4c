"""Decoded chunks in memory, bounded in bytes; the least recently used make room.

The chunks of all arrays of one shape lie in one block of memory, so that a whole batch is gathered by one indexing of it, and the tables
that say what lies where are arrays: a batch costs a few NumPy calls, not a look-up per window.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attractory.loader.arrays import StoredArray


@dataclass(frozen=True)
class PoolPlan:
    """Arrays (trajectory, time, variable) of one chunk shape and dtype, and the chunks of theirs that will be asked for.

    Chunks are numbered through all arrays: those of array m begin at first[m], trajectory blocks outermost.
    """

    arrays: tuple[StoredArray, ...]
    blocks: tuple[np.ndarray, ...]  # of each array, the places along the grid's first axis that will be asked for: int64, ascending

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        return self.arrays[0].layout.chunk

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.arrays[0].layout.dtype

    @property
    def chunk_bytes(self) -> int:
        return int(np.prod(self.chunk_shape)) * self.dtype.itemsize

    @property
    def wanted(self) -> int:
        """How many chunks will be asked for."""
        return sum(len(blocks) * int(each) for blocks, each in zip(self.blocks, self.time_chunks, strict=True))

    @cached_property
    def time_chunks(self) -> np.ndarray:
        """Chunks along time of each array (array,), int64."""
        return np.array([array.layout.grid[1] for array in self.arrays], np.int64)

    @cached_property
    def first(self) -> np.ndarray:
        """Number of each array's first chunk, and the number of all chunks (array + 1,), int64."""
        sizes = [array.layout.grid[0] * array.layout.grid[1] for array in self.arrays]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def wanted_chunks(self) -> np.ndarray:
        """Numbers of the chunks that will be asked for (wanted,), int64, ascending."""
        parts = zip(self.first, self.blocks, self.time_chunks, strict=False)
        return np.concatenate([(first + blocks[:, None] * each + np.arange(each)).ravel() for first, blocks, each in parts])


class ChunkPool:
    """Room for some decoded chunks of a plan's arrays: the least recently used are given up. Not for two threads at once."""

    def __init__(self, plan: PoolPlan, *, slots: int) -> None:
        self.plan = plan
        self.slots = slots
        self.memory = np.empty((slots, *plan.chunk_shape), plan.dtype)  # untouched pages cost nothing yet
        self._slot_of = np.full(int(plan.first[-1]), -1, np.int32)  # of every chunk of the store: 64 MB for one of 1 TB
        self._chunk_in = np.full(slots, -1, np.int64)
        self._used_at = np.full(slots, -1, np.int64)
        self._untouched = 0  # the first slot that never held a chunk
        self._clock = 0

    def hold(self, chunks: np.ndarray) -> np.ndarray:
        """Slots of some different chunks, ascending and at most `slots` of them; decoded where they are not in memory.

        They stay until the next call.

        Raises:
            DamageError: a chunk cannot be decoded.
        """
        self._clock += 1
        found: np.ndarray = self._slot_of[chunks]
        present = found >= 0
        if not present.all():
            self._used_at[found[present]] = self._clock
            self._decode(chunks[~present])
            found = self._slot_of[chunks]
        self._used_at[found] = self._clock
        return found

    def windows(self, length: int) -> np.ndarray:
        """Every stretch of `length` samples within a chunk: (slot, trajectory, start, time, variable), a view."""
        slots, rows, samples, variables = self.memory.shape
        a, b, c, d = self.memory.strides
        shape = (slots, rows, samples - length + 1, length, variables)
        return np.lib.stride_tricks.as_strided(self.memory, shape, (a, b, c, c, d), writeable=False)

    def _decode(self, chunks: np.ndarray) -> None:
        slots = self._room(chunks)
        bounds = np.searchsorted(chunks, self.plan.first)
        for number, array in enumerate(self.plan.arrays):
            mine = slice(bounds[number], bounds[number + 1])
            own = chunks[mine] - self.plan.first[number]
            blocks, times = np.divmod(own, self.plan.time_chunks[number])
            places = [(block, time, 0) for block, time in zip(blocks.tolist(), times.tolist(), strict=True)]
            decoded = array.chunks(places) if places else ()
            for chunk, slot, values in zip(chunks[mine].tolist(), slots[mine].tolist(), decoded, strict=True):
                copy(values, self.memory[slot, : values.shape[0], : values.shape[1]])  # shorter where zarr-python cut it at the end
                self._slot_of[chunk], self._chunk_in[slot] = slot, chunk

    def _room(self, chunks: np.ndarray) -> np.ndarray:
        """Slots for new chunks, which hold nothing any more: untouched ones first, then the least recently used."""
        count = len(chunks)
        if self._untouched + count <= self.slots:
            slots = np.arange(self._untouched, self._untouched + count)
            self._untouched += count
            return slots
        self._untouched = self.slots
        slots = np.argpartition(self._used_at, count - 1)[:count]
        left = self._chunk_in[slots]
        self._slot_of[left[left >= 0]] = -1
        self._chunk_in[slots] = self._used_at[slots] = -1
        return slots


class WholePool(ChunkPool):
    """Room for every chunk that will be asked for, each at a place of its own: nothing is ever given up.

    The time chunks of a block of trajectories are neighbours. With one trajectory a block its samples therefore lie in a row, and a window
    that begins in one chunk and ends in the next is one stretch of memory.
    """

    def __init__(self, plan: PoolPlan) -> None:
        super().__init__(plan, slots=plan.wanted)
        self._home = np.full(int(plan.first[-1]), -1, np.int32)
        self._home[plan.wanted_chunks()] = np.arange(plan.wanted)
        self._absent = plan.wanted

    @property
    def is_complete(self) -> bool:
        """Whether every chunk has been decoded."""
        return self._absent == 0

    def sample(self, chunks: np.ndarray) -> np.ndarray:
        """Place of the first sample of some chunks, counted in samples through the whole memory; for blocks of one trajectory."""
        first: np.ndarray = self._home[chunks].astype(np.int64) * self.memory.shape[2]
        return first

    def stretches(self, length: int) -> np.ndarray:
        """Every stretch of `length` samples of the memory, (start, time, variable), a view; for blocks of one trajectory."""
        samples, variables = self.memory.shape[0] * self.memory.shape[2], self.memory.shape[3]
        step, item = self.memory.strides[2:]
        shape = (samples - length + 1, length, variables)
        return np.lib.stride_tricks.as_strided(self.memory, shape, (step, step, item), writeable=False)

    def _room(self, chunks: np.ndarray) -> np.ndarray:
        home: np.ndarray = self._home[chunks]
        return home

    def _decode(self, chunks: np.ndarray) -> None:
        super()._decode(chunks)
        self._absent -= len(chunks)


def copy(values: np.ndarray, target: np.ndarray) -> None:
    """Copy states (…, variable) into the first variables of a target, the same in all other axes.

    Variable by variable where the layouts differ: NumPy would run its innermost loop over a handful of variables, and take three times as
    long (4096 samples of 3 variables: 15 instead of 5 microseconds).
    """
    variables = values.shape[-1]
    if values.flags.c_contiguous and variables == target.shape[-1]:
        target[...] = values
    else:
        for variable in range(variables):
            target[..., variable] = values[..., variable]


class DecodedCache:
    """The pools of a dataset, at most `limit` bytes together (and at least one chunk a pool); empty after a pickle."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._sets: OrderedDict[Hashable, tuple[ChunkPool, ...]] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {"limit": self.limit, "_sets": OrderedDict()}

    def pools(self, key: Hashable, plans: Sequence[PoolPlan]) -> tuple[ChunkPool, ...]:
        """A pool for each plan: those made for this key before, or new ones, for which the least recently asked for make room."""
        if key not in self._sets:
            wanted = sum(plan.wanted * plan.chunk_bytes for plan in plans)
            while self._sets and self._held() + wanted > self.limit:
                self._sets.popitem(last=False)
            self._sets[key] = tuple(_pool(plan, part=(self.limit - self._held()) / wanted) for plan in plans)
        self._sets.move_to_end(key)
        return self._sets[key]

    def _held(self) -> int:
        return sum(pool.memory.nbytes for pools in self._sets.values() for pool in pools)


def _pool(plan: PoolPlan, *, part: float) -> ChunkPool:
    """A pool for all chunks that will be asked for, or for a part (0 to 1) of them."""
    return WholePool(plan) if part >= 1 else ChunkPool(plan, slots=max(1, int(plan.wanted * part)))
