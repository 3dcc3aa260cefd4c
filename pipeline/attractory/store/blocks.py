"""One task's work on the disk: a block's trajectories become one shard file at every granularity, and then its row."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from attractory import layout
from attractory.store.digests import shard_digests
from attractory.store.files import Place, partial_folder, write_whole
from attractory.store.plan import Block, GridPlan, ShardShape, StorePlan, SystemPlan
from attractory.store.rows import CODES, BlockRow, ShardRow, kept_arrays, write_row
from attractory.store.shards import encode_shard
from attractory.store.template import cut_of, cut_of_observed, cut_of_times


class BlockStates(Protocol):
    """What the engine gives for a block (`attractory.integrate.Trajectories`), as far as a store reads it."""

    @property
    def states(self) -> Sequence[np.ndarray]: ...
    @property
    def initial(self) -> np.ndarray: ...
    @property
    def parameters(self) -> np.ndarray: ...
    @property
    def start_time(self) -> np.ndarray: ...
    @property
    def status(self) -> np.ndarray: ...
    @property
    def times(self) -> Sequence[np.ndarray | None]: ...  # read for irregular granularities alone
    @property
    def observed(self) -> Sequence[np.ndarray]: ...  # read of observed systems alone


@dataclass(frozen=True)
class EncodedBlock:
    """A block as it goes to the disk: its row, and the bytes of each shard file by path."""

    row: BlockRow
    files: Mapping[str, bytes]


class PackedBlock:
    """A block whose files are on their way to the disk. Nothing of its trajectories is held any more, only bytes not yet written."""

    def __init__(self, row: BlockRow, compress_seconds: float, declared: Future[None]) -> None:
        self.row, self.compress_seconds, self._declared = row, compress_seconds, declared

    def wait(self) -> BlockRow:
        """The row of the block, once all of it has reached the disk: only then is it done.

        Raises:
            OSError: the disk is full or the store is gone; nothing is declared done.
        """
        self._declared.result()
        return self.row


def write_block(store: Place, plan: StorePlan, block: Block, made: BlockStates) -> BlockRow:
    """Write a block's shards, then the row that declares it done.

    Raises:
        ValueError: the trajectories do not have the shape or the type that the template promises.
        OSError: the disk is full or the store is gone; nothing is declared done.
    """
    return pack_block(store, plan, block, made).wait()


def pack_block(store: Place, plan: StorePlan, block: Block, made: BlockStates) -> PackedBlock:
    """The same, come so far that all is packed: the disk works while the next shard is packed, and may while the next block is made.

    Raises:
        ValueError: the trajectories do not have the shape or the type that the template promises.
    """
    shards: list[ShardRow] = []
    packing = 0.0
    writer = ThreadPoolExecutor(max_workers=1)
    try:
        written, began = [], time.perf_counter()
        for shard, content in _encoded_shards(plan, block, made):
            packing += time.perf_counter() - began
            shards.append(shard)
            written.append(writer.submit(write_whole, store / shard.path, content, partial=partial_folder(store)))
            began = time.perf_counter()
        row = BlockRow(block, tuple(shards), _kept_arrays(plan.system(block.system), block, made))
        declared = writer.submit(_declare, store, row, written)
    except BaseException:
        writer.shutdown(wait=True)
        raise
    writer.shutdown(wait=False)  # its thread ends when all that it was given is done
    return PackedBlock(row, packing, declared)


def _declare(store: Place, row: BlockRow, written: Sequence[Future[None]]) -> None:
    """Write the row, unless one of the shards did not reach the disk."""
    for one in written:
        one.result()
    write_row(store, row)


def encode_block(plan: StorePlan, block: Block, made: BlockStates) -> EncodedBlock:
    """A block's shard files and its row; nothing is written."""
    encoded = list(_encoded_shards(plan, block, made))
    row = BlockRow(block, tuple(shard for shard, _ in encoded), _kept_arrays(plan.system(block.system), block, made))
    return EncodedBlock(row, {shard.path: content for shard, content in encoded})


def _encoded_shards(plan: StorePlan, block: Block, made: BlockStates) -> Iterator[tuple[ShardRow, bytes]]:
    grids = plan.system(block.system).grids
    if len(made.states) != len(grids):
        message = f"{block.key}: {len(made.states)} granularities were made, {len(grids)} are planned"
        raise ValueError(message)
    return (shard for place, grid in enumerate(grids) for shard in _encode_grid(plan, block, grid, made, place))


def _encode_grid(plan: StorePlan, block: Block, grid: GridPlan, made: BlockStates, place: int) -> Iterator[tuple[ShardRow, bytes]]:
    """The shard of a granularity's states, and of its times where each trajectory has its own."""
    system, states = plan.system(block.system), made.states[place]
    path = layout.shard_path(system.name, grid.name, block.shard)
    _agree(path, states, shape=(block.count, grid.samples, len(system.variables)), dtype=plan.dtype)
    yield _encoded(path, states, cut_of(plan, system, grid), block, grid)
    if system.observed:
        path, observed = layout.observed_shard_path(system.name, grid.name, block.shard), made.observed[place]
        _agree(path, observed, shape=(block.count, grid.samples, len(system.observed)), dtype=plan.dtype)
        yield _encoded(path, observed, cut_of_observed(plan, system, grid), block, grid)
    if grid.is_irregular:
        times = made.times[place]
        if times is None:
            message = f"{path}: no times were made, the template says that each trajectory has its own"
            raise ValueError(message)
        path = layout.time_shard_path(system.name, grid.name, block.shard)
        _agree(path, times, shape=(block.count, grid.samples), dtype="float64")
        if grid.drawn is not None and not (np.diff(times, axis=1) > 0.0).all():
            message = f"{path}: made times that do not rise along each trajectory"
            raise ValueError(message)
        yield _encoded(path, times[..., None], cut_of_times(plan, grid), block, grid)


def _encoded(path: str, values: np.ndarray, cut: ShardShape, block: Block, grid: GridPlan) -> tuple[ShardRow, bytes]:
    """values: (trajectory, time, variable)."""
    content = encode_shard(values, cut)
    of_file, of_values = shard_digests(content, values)
    row = ShardRow(
        path=path,
        bytes=len(content),
        sha256=of_file,
        decoded_sha256=of_values,
        system=block.system,
        granularity=grid.name,
        first_trajectory=block.first,
        trajectories=block.count,
    )
    return row, content


def _kept_arrays(system: SystemPlan, block: Block, made: BlockStates) -> Mapping[str, np.ndarray]:
    widths = {
        layout.INITIAL: (len(system.variables),),
        layout.PARAMETER_ARRAY: (len(system.parameters),),
        layout.OBSERVATION_NOISE: (len(system.observed),),
    }
    arrays = {name: np.asarray(getattr(made, name)) for name in kept_arrays(system)}
    for name, values in arrays.items():
        shape = (block.count, *widths.get(name, ()))
        if values.shape != shape:
            message = f"{block.key}: {name} has shape {values.shape}, the template says {shape}"
            raise ValueError(message)
    return {name: values.astype(CODES[name]) for name, values in arrays.items()}


def _agree(path: str, states: np.ndarray, *, shape: tuple[int, ...], dtype: str) -> None:
    if states.shape != shape or states.dtype != np.dtype(dtype):
        message = f"{path}: made {states.dtype} {states.shape}, the template says {dtype} {shape}"
        raise ValueError(message)
