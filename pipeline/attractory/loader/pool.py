"""Decoded chunks in memory, bounded in bytes; the least recently used make room.

The chunks of all arrays of one shape lie in one block of memory, so that a whole batch is gathered by one indexing of it, and the tables
that say what lies where are arrays: a batch costs a few NumPy calls, not a look-up per window.
"""

from __future__ import annotations

import os
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attractory.errors import DamageError
from attractory.loader.arrays import StoredArray
from attractory.loader.asked import AskedArray
from attractory.loader.decoders import Decoders

WHOLE_PART = 8  # of the chunks that are wanted of a shard elsewhere, one of so many being needed, all are read

PooledArray = StoredArray | AskedArray


@dataclass(frozen=True)
class PoolPlan:
    """Arrays (trajectory, time, variable) of one chunk shape and dtype, and the chunks of theirs that will be asked for.

    Chunks are numbered through all arrays: those of array m begin at first[m], trajectory blocks outermost.
    """

    arrays: tuple[PooledArray, ...]
    trajectories: tuple[np.ndarray, ...]  # of each array, those that will be asked for: int64, ascending

    @cached_property
    def blocks(self) -> tuple[np.ndarray, ...]:
        """Of each array, the places along the grid's first axis that will be asked for: int64, ascending."""
        return tuple(_different(numbers // self.chunk_shape[0]) for numbers in self.trajectories)

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        return self.arrays[0].layout.chunk

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.arrays[0].layout.dtype

    @property
    def chunk_bytes(self) -> int:
        return int(np.prod(self.chunk_shape)) * self.dtype.itemsize

    @cached_property
    def wanted(self) -> int:
        """How many chunks will be asked for."""
        parts = self.trajectories if self.chunk_shape[0] == 1 else self.blocks
        return sum(len(part) * int(each) for part, each in zip(parts, self.time_chunks, strict=True))

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


@dataclass(frozen=True)
class Task:
    """Chunks of one shard, and the slots that they are decoded into."""

    array: PooledArray
    chunks: tuple[int, ...]
    places: tuple[tuple[int, ...], ...]
    slots: tuple[int, ...]


class ChunkPool:
    """Room for some decoded chunks of a plan's arrays: the least recently used are given up. Not for two threads at once.

    `ahead` starts to decode what will be needed, in other threads; only `hold` waits for it. With `skips` a chunk that is damaged is kept
    as zeros and listed in `damaged`, instead of ending the batch.
    """

    def __init__(self, plan: PoolPlan, *, slots: int, decoders: Decoders | None = None, skips: bool = False) -> None:
        self.plan = plan
        self.slots = slots
        self.skips = skips
        self.damaged: dict[int, str] = {}  # chunk -> what is wrong with it
        self.memory = np.empty((slots, *plan.chunk_shape), plan.dtype)  # untouched pages cost nothing yet
        self._decoders = decoders or Decoders(0)
        self._views: dict[int, np.ndarray] = {}  # by length: a view costs as much to make as a hundred windows to copy
        # The slot of every chunk of the store and 1, or 0: untouched pages are zeros and cost nothing, 100 MB for a store of 1 TB else.
        self._place_of = np.zeros(int(plan.first[-1]), np.int32)
        self._chunk_in = np.full(slots, -1, np.int64)
        self._used_at = np.full(slots, -1, np.int64)
        self._untouched = 0  # the first slot that never held a chunk
        self._clock = 0
        self._coming: dict[int, Future[None]] = {}  # chunks that other threads of process `_owner` are decoding
        self._owner = os.getpid()

    def hold(self, chunks: np.ndarray) -> np.ndarray:
        """Slots of some different chunks, ascending and at most `slots` of them; decoded where they are not in memory.

        They stay until the next call.

        Raises:
            DamageError: a chunk cannot be decoded.
        """
        self._clock += 1
        self._leave_the_parents()
        if self._coming:
            self._arrived(chunks)
        found = self._slots(chunks)
        present = found >= 0
        if not present.all():
            self._used_at[found[present]] = self._clock
            self._decode(chunks[~present])
            found = self._slots(chunks)
        self._used_at[found] = self._clock
        return found

    def ahead(self, chunks: np.ndarray) -> None:
        """Begin to decode some different chunks, ascending, that a later call will hold, where there is room and a thread."""
        if self._decoders.threads == 0:
            return
        self._leave_the_parents()
        found = self._slots(chunks)
        absent = chunks[found < 0]
        self._used_at[found[found >= 0]] = self._clock
        if not absent.size or 2 * (absent.size + len(self._coming)) > self.slots:
            return
        for task in self._tasks(absent, self._room(absent)):
            self._coming.update(dict.fromkeys(task.chunks, self._decoders.submit(self._fill, task)))
            self._enter(task)
            self._used_at[list(task.slots)] = self._clock

    def windows(self, length: int) -> np.ndarray:
        """Every stretch of `length` samples within a chunk: (slot, trajectory, start, time, variable), a view."""
        if length not in self._views:
            slots, rows, samples, variables = self.memory.shape
            a, b, c, d = self.memory.strides
            shape = (slots, rows, samples - length + 1, length, variables)
            self._views[length] = np.lib.stride_tricks.as_strided(self.memory, shape, (a, b, c, c, d), writeable=False)
        return self._views[length]

    def _slots(self, chunks: np.ndarray | list[int]) -> np.ndarray:
        """The slots of some chunks, -1 where one is not in memory."""
        found: np.ndarray = self._place_of[chunks] - 1
        return found

    def _leave_the_parents(self) -> None:
        """In a forked child, before threads of its own begin: what the parent's threads were decoding will not come here."""
        if self._owner != os.getpid():
            self._leave(list(self._coming))
            self._coming.clear()
            self._owner = os.getpid()

    def _arrived(self, chunks: np.ndarray) -> None:
        """Wait for those of the chunks that are on their way; one that did not come is absent again, and is read by who needs it."""
        for chunk in chunks.tolist():
            result = self._coming.pop(chunk, None)
            if result is not None and result.exception() is not None:
                self._leave([chunk])

    def _decode(self, chunks: np.ndarray) -> None:
        tasks = self._tasks(chunks, self._room(chunks))
        self._decoders.each(self._fill_or_mark if self.skips else self._fill, tasks)
        for task in tasks:
            self._enter(task)

    def _tasks(self, chunks: np.ndarray, slots: np.ndarray) -> list[Task]:
        """Who reads what: the chunks of a shard together, so that it is checked once and opened once."""
        found: dict[tuple[int, ...], list[tuple[int, tuple[int, ...], int]]] = {}
        numbers = np.searchsorted(self.plan.first, chunks, side="right") - 1
        blocks, times = np.divmod(chunks - self.plan.first[numbers], self.plan.time_chunks[numbers])
        columns = (chunks.tolist(), slots.tolist(), numbers.tolist(), blocks.tolist(), times.tolist())
        for chunk, slot, number, block, time in zip(*columns, strict=True):
            per_shard = self.plan.arrays[number].layout.chunks_per_shard
            found.setdefault((number, block // per_shard[0], time // per_shard[1]), []).append((chunk, (block, time, 0), slot))
        return [Task(self.plan.arrays[key[0]], *zip(*members, strict=True)) for key, members in found.items()]

    def _fill(self, task: Task) -> None:
        for slot, values in zip(task.slots, task.array.chunks(task.places), strict=True):
            copy(values, self.memory[slot, : values.shape[0], : values.shape[1]])  # shorter where zarr-python cut it at the end

    def _fill_or_mark(self, task: Task) -> None:
        try:
            self._fill(task)
        except DamageError:
            for chunk, place, slot in zip(task.chunks, task.places, task.slots, strict=True):
                try:
                    self._fill(Task(task.array, (chunk,), (place,), (slot,)))
                except DamageError as error:
                    self.damaged[chunk] = str(error)
                    self.memory[slot] = 0

    def _enter(self, task: Task) -> None:
        """The chunks of a task are in their slots now, or will be."""
        self._place_of[list(task.chunks)] = np.array(task.slots) + 1
        self._chunk_in[list(task.slots)] = task.chunks

    def _leave(self, chunks: list[int]) -> None:
        """Some chunks are not in memory any more."""
        slots = self._slots(chunks)
        self._place_of[chunks] = 0
        self._chunk_in[slots] = self._used_at[slots] = -1

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
        left = left[left >= 0]
        if self._coming:
            self._arrived(left)  # a thread may still be writing there
        self._place_of[left] = 0
        self._chunk_in[slots] = self._used_at[slots] = -1
        return slots


class WholePool(ChunkPool):
    """Room for every chunk that will be asked for, each at a place of its own: nothing is ever given up.

    The time chunks of a block of trajectories are neighbours. With one trajectory a block its samples therefore lie in a row, and a window
    that begins in one chunk and ends in the next is one stretch of memory.
    """

    def __init__(self, plan: PoolPlan, *, decoders: Decoders | None = None, skips: bool = False) -> None:
        super().__init__(plan, slots=plan.wanted, decoders=decoders, skips=skips)
        self._home = np.full(int(plan.first[-1]), -1, np.int32)
        self._home[plan.wanted_chunks()] = np.arange(plan.wanted)
        self._absent = plan.wanted

    @property
    def is_complete(self) -> bool:
        """Whether every chunk has been decoded."""
        return self._absent == 0 and not self._coming

    def lacks(self, chunks: np.ndarray) -> bool:
        """Whether one of the chunks is not here yet: what is, is never given up, and needs no holding."""
        return bool(self._coming) or not self._place_of[chunks].all()

    def sample(self, chunks: np.ndarray) -> np.ndarray:
        """Place of the first sample of some chunks, counted in samples through the whole memory; for blocks of one trajectory."""
        first: np.ndarray = self._home[chunks].astype(np.int64) * self.memory.shape[2]
        return first

    def stretches(self, length: int) -> np.ndarray:
        """Every stretch of `length` samples of the memory, (start, time, variable), a view; for blocks of one trajectory."""
        if length not in self._views:
            samples, variables = self.memory.shape[0] * self.memory.shape[2], self.memory.shape[3]
            step, item = self.memory.strides[2:]
            shape = (samples - length + 1, length, variables)
            self._views[length] = np.lib.stride_tricks.as_strided(self.memory, shape, (step, step, item), writeable=False)
        return self._views[length]

    def ahead(self, chunks: np.ndarray) -> None:
        super().ahead(self._with_neighbours(chunks))

    def _decode(self, chunks: np.ndarray) -> None:
        super()._decode(self._with_neighbours(chunks))

    def _with_neighbours(self, chunks: np.ndarray) -> np.ndarray:
        """Some absent chunks, and with them all others of shards elsewhere of which many are asked for: they will be needed as well."""
        if not any(array.is_far for array in self.plan.arrays):
            return chunks
        shards, counts = np.unique(self._shards[chunks], return_counts=True)
        wanted = self._shards[self._wanted]
        many = shards[counts * WHOLE_PART >= np.bincount(wanted, minlength=int(shards.max()) + 1)[shards]]
        others = self._wanted[np.isin(wanted, many)]
        others = others[self._place_of[others] == 0]
        return np.union1d(chunks, others)

    @cached_property
    def _wanted(self) -> np.ndarray:
        return self.plan.wanted_chunks()

    @cached_property
    def _shards(self) -> np.ndarray:
        """A number for the shard of every chunk (chunk,), int64."""
        parts: list[np.ndarray] = []
        for array in self.plan.arrays:
            (blocks, times), (rows, samples) = array.layout.grid[:2], array.layout.chunks_per_shard[:2]
            numbers = (np.arange(blocks)[:, None] // rows) * -(-times // samples) + np.arange(times) // samples
            begin = int(parts[-1].max()) + 1 if parts else 0
            # Of shards that are not read whole, each chunk counts as one of its own.
            parts.append(begin + (numbers.ravel() if array.is_far else np.arange(blocks * times)))
        return np.concatenate(parts)

    def _room(self, chunks: np.ndarray) -> np.ndarray:
        home: np.ndarray = self._home[chunks]
        return home

    def _enter(self, task: Task) -> None:
        super()._enter(task)
        self._absent -= len(task.chunks)

    def _leave(self, chunks: list[int]) -> None:
        super()._leave(chunks)
        self._absent += len(chunks)


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


def _different(numbers: np.ndarray) -> np.ndarray:
    """Each of some ascending numbers once."""
    found: np.ndarray = numbers[np.concatenate([np.ones(min(1, len(numbers)), bool), np.diff(numbers) > 0])]
    return found
