"""From places (system, trajectory, start) to the samples that lie there, as one contiguous array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from attractory.loader.arrays import StoredArray
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

    @property
    def mask(self) -> np.ndarray:
        """Which variables are real (member, variable), bool."""
        return np.arange(self.variables) < np.array(self.dimensions)[:, None]

    def states(self, located: Located, *, length: int, pools: Sequence[ChunkPool]) -> np.ndarray:
        """States (window, time, variable), zeros where a system has fewer variables."""
        if len(pools) == 1:
            return self._states_of(located, length, pools[0])
        result = np.zeros((len(located.start), length, self.variables), self.dtype)
        plan_of = self.plan_of[located.member]
        for number, pool in enumerate(pools):
            rows = np.flatnonzero(plan_of == number)
            if rows.size:
                part = Located(located.member[rows], located.trajectory[rows], located.start[rows])
                _scatter(self._states_of(part, length, pool), result, rows)
        return result

    def _states_of(self, located: Located, length: int, pool: ChunkPool) -> np.ndarray:
        place = self.place_of[located.member]
        rows, samples = pool.memory.shape[1:3]
        block, row = np.divmod(located.trajectory, rows)
        time_chunk, offset = np.divmod(located.start, samples)
        chunk = pool.plan.first[place] + block * pool.plan.time_chunks[place] + time_chunk
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
        pool.hold(np.unique(touched[touched <= last[:, None]]))
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


def gathering(arrays: Sequence[StoredArray], trajectories: Sequence[np.ndarray]) -> Gathering:
    """How to read the states of some systems, given the trajectories of each that will be asked for."""
    arrays = [_with_whole_variables(array) for array in arrays]
    shapes = list(dict.fromkeys((array.layout.chunk, array.layout.dtype) for array in arrays))
    plan_of = [shapes.index((array.layout.chunk, array.layout.dtype)) for array in arrays]
    members = [[member for member, plan in enumerate(plan_of) if plan == number] for number in range(len(shapes))]
    return Gathering(
        plans=tuple(_plan([arrays[m] for m in group], [trajectories[m] for m in group]) for group in members),
        plan_of=np.array(plan_of, np.int64),
        place_of=np.array([members[plan].index(member) for member, plan in enumerate(plan_of)], np.int64),
        dimensions=tuple(array.shape[2] for array in arrays),
        dtype=np.result_type(*(array.layout.dtype for array in arrays)),
    )


def _plan(arrays: Sequence[StoredArray], trajectories: Sequence[np.ndarray]) -> PoolPlan:
    blocks = [np.unique(numbers // array.layout.chunk[0]) for array, numbers in zip(arrays, trajectories, strict=True)]
    return PoolPlan(tuple(arrays), tuple(blocks))


def _with_whole_variables(array: StoredArray) -> StoredArray:
    """The array with chunks that hold all variables; one whose chunks are cut along variables is left to zarr-python."""
    layout = array.layout
    if layout.chunk[2] == layout.shape[2]:
        return array
    return replace(array, layout=replace(layout, chunk=(*layout.chunk[:2], layout.shape[2]), chain=None))
