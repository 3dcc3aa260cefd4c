"""From places (system, trajectory, start) to the samples that lie there, as one contiguous array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from attractory.loader.arrays import StoredArray
from attractory.loader.asked import asked_array
from attractory.loader.mapped import MappedPool
from attractory.loader.pool import ChunkPool, PoolPlan, WholePool
from attractory.loader.table import Located


@dataclass(frozen=True)
class Gathering:
    """How the states of a table's systems are read: which pool each system belongs to, and its place in it."""

    plans: tuple[PoolPlan, ...]
    plan_of: np.ndarray  # (member,) int64
    place_of: np.ndarray  # (member,) int64, within the plan
    dimensions: tuple[int, ...]  # (member,)
    dtype: np.dtype[np.floating]

    @property
    def variables(self) -> int:
        """Variables of the largest system."""
        return max(self.dimensions)

    @cached_property
    def mask(self) -> np.ndarray:
        """Which variables are real (member, variable), bool."""
        return np.arange(self.variables) < np.array(self.dimensions)[:, None]

    def of_epoch(self, epoch: int) -> Gathering:
        """The way to the states of an epoch, where they are made while they are read."""
        plans = (replace(plan, arrays=tuple(array.of_epoch(epoch) for array in plan.arrays)) for plan in self.plans)
        return replace(self, plans=tuple(plans))

    def states(self, located: Located, *, length: int, pools: Sequence[ChunkPool], narrow: bool = False) -> np.ndarray:
        """States (window, time, variable), zeros where a system has fewer variables; `narrow`: no wider than these need."""
        if len(pools) == 1:
            return self._states_of(located, length, pools[0])
        plan_of = self.plan_of[located.member]
        if narrow and len(plan_of) and (plan_of == plan_of[0]).all():
            return self._states_of(located, length, pools[int(plan_of[0])])
        variables = max((self.dimensions[member] for member in np.unique(located.member)), default=1) if narrow else self.variables
        result = np.zeros((len(located.start), length, variables), self.dtype)
        for number, pool in enumerate(pools):
            rows = np.flatnonzero(plan_of == number)
            if rows.size:
                _scatter(self._states_of(located.some(rows), length, pool), result, rows)
        return result

    def ahead(self, located: Located, *, length: int, pools: Sequence[ChunkPool]) -> None:
        """Let the pools begin to decode what some windows will need."""
        for _, pool, chunks in self._touched(located, length, pools):
            if not (isinstance(pool, WholePool | MappedPool) and pool.is_complete):
                touched = np.unique(chunks)
                pool.ahead(touched[touched >= 0])

    def damaged(self, located: Located, *, length: int, pools: Sequence[ChunkPool]) -> np.ndarray | None:
        """Which windows (window,) lie in a chunk that is damaged, and was left out; None where there is no such chunk."""
        if not any(pool.damaged for pool in pools):
            return None
        found = np.zeros(len(located.start), bool)
        for rows, pool, chunks in self._touched(located, length, pools):
            found[rows] = np.isin(chunks, list(pool.damaged)).any(axis=1)
        return found

    def _touched(self, located: Located, length: int, pools: Sequence[ChunkPool]) -> Iterator[tuple[np.ndarray, ChunkPool, np.ndarray]]:
        """Of each pool the rows of its windows and the chunks that each touches (window, chunk), -1 where it touches fewer."""
        plan_of = self.plan_of[located.member]
        for number, pool in enumerate(pools):
            rows = np.flatnonzero(plan_of == number)
            if rows.size:
                chunk, _, offset = self._chunks(located.some(rows), pool)
                count = (offset + length - 1) // pool.memory.shape[2] + 1
                later = np.arange(int(count.max()))
                yield rows, pool, np.where(later < count[:, None], chunk[:, None] + later, -1)

    def _chunks(self, located: Located, pool: ChunkPool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each window the chunk that it begins in, its row there and its first sample there."""
        place = self.place_of[located.member]
        rows, samples = pool.memory.shape[1:3]
        block, row = np.divmod(located.trajectory, rows)
        time_chunk, offset = np.divmod(located.start, samples)
        return pool.plan.first[place] + block * pool.plan.time_chunks[place] + time_chunk, row, offset

    def _states_of(self, located: Located, length: int, pool: ChunkPool) -> np.ndarray:
        rows, samples = pool.memory.shape[1:3]
        chunk, row, offset = self._chunks(located, pool)
        if isinstance(pool, MappedPool):
            return pool.gathered(chunk, row, offset, length)
        if isinstance(pool, WholePool) and rows == 1:
            return _in_a_row(pool, chunk, offset, length)
        if (offset + length <= samples).all():
            return _within_chunks(pool, chunk, row, offset, length)
        return _across_chunks(pool, chunk, row, offset, length)


def _scatter(states: np.ndarray, result: np.ndarray, rows: np.ndarray) -> None:
    """Put states into some rows of a result with at least as many variables; variable by variable for the reason that pool.copy() gives."""
    if states.shape[-1] == result.shape[-1]:
        result[rows] = states
    else:
        for variable in range(states.shape[-1]):
            result[rows, :, variable] = states[:, :, variable]


def _in_a_row(pool: WholePool, chunk: np.ndarray, offset: np.ndarray, length: int) -> np.ndarray:
    if not pool.is_complete:
        last = chunk + (offset + length - 1) // pool.memory.shape[2]
        later = np.arange(int((last - chunk).max()) + 1)
        touched = chunk[:, None] + later
        touched = touched[touched <= last[:, None]]
        if pool.lacks(touched):
            pool.hold(np.unique(touched))
    windows: np.ndarray = pool.stretches(length)[pool.sample(chunk) + offset]
    return windows


def _within_chunks(pool: ChunkPool, chunk: np.ndarray, row: np.ndarray, offset: np.ndarray, length: int) -> np.ndarray:
    windows = pool.windows(length)
    different, inverse = np.unique(chunk, return_inverse=True)
    if len(different) <= pool.slots:
        found: np.ndarray = windows[pool.hold(different)[inverse], row, offset]
        return found
    result = np.empty((len(chunk), length, windows.shape[-1]), windows.dtype)
    for rows, slots in _held_in_turn(pool, different, inverse):
        result[rows] = windows[slots, row[rows], offset[rows]]
    return result


def _across_chunks(pool: ChunkPool, chunk: np.ndarray, row: np.ndarray, offset: np.ndarray, length: int) -> np.ndarray:
    """Windows that begin in one time chunk and end in another: a copy for each window and chunk."""
    samples, variables = pool.memory.shape[2:]
    result = np.empty((len(chunk), length, variables), pool.memory.dtype)
    for later in range(int((offset.max() + length - 1) // samples) + 1):
        first = np.maximum(0, later * samples - offset)  # of the window, in this chunk
        last = np.minimum(length, (later + 1) * samples - offset)
        here = np.flatnonzero(first < last)
        different, inverse = np.unique(chunk[here] + later, return_inverse=True)
        for rows, slots in _held_in_turn(pool, different, inverse):
            for window, slot in zip(here[rows].tolist(), slots.tolist(), strict=True):
                begin, end = first[window], last[window]
                skipped = offset[window] - later * samples
                result[window, begin:end] = pool.memory[slot, row[window], begin + skipped : end + skipped]
    return result


def _held_in_turn(pool: ChunkPool, different: np.ndarray, inverse: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and the slots of their chunks, as many chunks at a time as the pool has room for."""
    for begin in range(0, len(different), pool.slots):
        part = different[begin : begin + pool.slots]
        rows = np.flatnonzero((inverse >= begin) & (inverse < begin + len(part)))
        yield rows, pool.hold(part)[inverse[rows] - begin]


@dataclass(frozen=True)
class Asked:
    """What of each system's array is wanted: columns of the last axis (None: all), and the dtype of the batches (None: the store's)."""

    columns: tuple[tuple[int, ...] | None, ...]
    dtype: str | None = None


def gathering(arrays: Sequence[StoredArray], trajectories: Sequence[np.ndarray], asked: Asked | None = None) -> Gathering:
    """How to read the states of some systems, given the trajectories of each that will be asked for."""
    asked = asked or Asked((None,) * len(arrays))
    whole = [_with_whole_variables(array) for array in arrays]
    wanted = [asked_array(array, columns=columns, dtype=asked.dtype) for array, columns in zip(whole, asked.columns, strict=True)]
    shapes = list(dict.fromkeys((array.layout.chunk, array.layout.dtype) for array in wanted))
    plan_of = [shapes.index((array.layout.chunk, array.layout.dtype)) for array in wanted]
    members = [[member for member, plan in enumerate(plan_of) if plan == number] for number in range(len(shapes))]
    return Gathering(
        plans=tuple(PoolPlan(tuple(wanted[m] for m in group), tuple(trajectories[m] for m in group)) for group in members),
        plan_of=np.array(plan_of, np.int64),
        place_of=np.array([members[plan].index(member) for member, plan in enumerate(plan_of)], np.int64),
        dimensions=tuple(array.shape[2] for array in wanted),
        dtype=np.result_type(*(array.layout.dtype for array in wanted)),
    )


def _with_whole_variables(array: StoredArray) -> StoredArray:
    """The array with chunks that hold all variables; one whose chunks are cut along variables is left to zarr-python."""
    layout = array.layout
    if layout.chunk[2] == layout.shape[2]:
        return array
    return replace(array, layout=replace(layout, chunk=(*layout.chunk[:2], layout.shape[2]), chain=None))
