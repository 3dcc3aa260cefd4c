"""Chunks that need no decoding, taken from the mapped files of a store: of an uncompressed store on this machine.

Every window of any shard is an element of one strided view that spans all mapped files, so that a batch is one gather, as from a single
memory map. The view has the pages between the files in it too, which no index leads to.
"""

from __future__ import annotations

import mmap
import os
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from attractory.loader.arrays import StoredArray
from attractory.loader.pool import ChunkPool, PoolPlan

MOST_FILES = 512  # that a process maps: each keeps a descriptor open, of which a process has 1,024 where nobody has asked for more
MOST_BYTES = 2**62  # of a view, as NumPy counts it


def can_be_mapped(plan: PoolPlan) -> bool:
    """Whether all chunks of a plan lie in files of this machine as the numbers that they are."""
    return all(isinstance(array, StoredArray) and _is_plain(array) for array in plan.arrays) and _files(plan) <= MOST_FILES


def _is_plain(array: StoredArray) -> bool:
    layout, chain = array.layout, array.layout.chain
    is_native = layout.dtype.newbyteorder("=") == layout.dtype and sys.byteorder == "little"
    whole = layout.is_sharded and layout.grid[1:] == (1, 1) and layout.added == 0
    undone = chain is not None and not chain.decompressors and not chain.order
    return array.files.is_local and whole and is_native and undone


def _files(plan: PoolPlan) -> int:
    return sum(len(np.unique(blocks // array.layout.chunks_per_shard[0])) for array, blocks in zip(plan.arrays, plan.blocks, strict=True))


@dataclass(frozen=True)
class Mapping:
    """One mapped file, and the address of its first byte."""

    memory: mmap.mmap
    address: int

    @property
    def end(self) -> int:
        return self.address + len(self.memory)


class MappedPool(ChunkPool):
    """A pool that holds nothing: the chunks of a plan by their address."""

    def __init__(self, plan: PoolPlan) -> None:
        super().__init__(plan, slots=0)
        self._address = np.zeros(int(plan.first[-1]), np.int64)  # of each chunk's first number; 0 where its file is not mapped yet
        self._mappings: list[Mapping] = []
        self._base = 0
        self._stretches: dict[int, np.ndarray | None] = {}

    @property
    def is_complete(self) -> bool:
        """Whether nothing is to be read ahead: the system does that."""
        return True

    def gathered(self, chunk: np.ndarray, row: np.ndarray, offset: np.ndarray, length: int) -> np.ndarray:
        """The states (window, time, variable) of windows that begin in some chunks.

        Raises:
            DamageError: a file is missing or damaged.
        """
        addresses = self._address[chunk]
        if not addresses.all():
            self._map(np.unique(chunk[addresses == 0]))
            addresses = self._address[chunk]
        samples, variables = self.plan.chunk_shape[1:]
        first = addresses + (row * samples + offset) * (variables * self.plan.dtype.itemsize)
        view = self._view(length)
        if view is None:
            return np.stack([_numbers(int(one), (length, variables), self.plan.dtype) for one in first])
        windows: np.ndarray = view[(first - self._base) // self.plan.dtype.itemsize]
        return windows

    def _map(self, chunks: np.ndarray) -> None:
        for task in self._tasks(chunks, np.zeros(len(chunks), np.int64)):
            array = task.array if isinstance(task.array, StoredArray) else task.array.array
            ranges = array.ranges(task.places)
            mapping = _mapped(array, ranges[0].path) if ranges[0] is not None else None
            for number, part in zip(task.chunks, ranges, strict=True):
                if part is None or mapping is None or part.stop is None or part.stop > len(mapping.memory):
                    raise array.damage(array.layout.path, "a trajectory is not in it")
                if part.stop - part.start != self.plan.chunk_bytes:
                    raise array.damage(part.path, f"a chunk has {part.stop - part.start} bytes instead of {self.plan.chunk_bytes}")
                self._address[number] = mapping.address + part.start
            if mapping is not None:
                self._mappings.append(mapping)
        self._stretches.clear()

    def _view(self, length: int) -> np.ndarray | None:
        """Every stretch of `length` samples of all that is mapped (number, time, variable), by the number that it begins with."""
        if length not in self._stretches:
            self._base = min(mapping.address for mapping in self._mappings)
            count = (max(mapping.end for mapping in self._mappings) - self._base) // self.plan.dtype.itemsize
            variables, item = self.plan.chunk_shape[2], self.plan.dtype.itemsize
            shape = (count - length * variables + 1, length, variables)
            if np.prod(np.array(shape, np.float64)) * item < MOST_BYTES:
                whole = _numbers(self._base, (count,), self.plan.dtype)
                strides = (item, variables * item, item)
                self._stretches[length] = np.lib.stride_tricks.as_strided(whole, shape, strides, writeable=False)
            else:  # files at far ends of the address space
                self._stretches[length] = None
        return self._stretches[length]


def _mapped(array: StoredArray, path: str) -> Mapping:
    try:
        descriptor = os.open(array.files.name(path), os.O_RDONLY)
    except OSError as error:
        raise array.damage(path, f"it cannot be opened: {error}") from error
    try:
        memory = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)
    return Mapping(memory, np.frombuffer(memory, np.uint8).__array_interface__["data"][0])


class _Region:
    """Memory that NumPy is to look at."""

    def __init__(self, interface: dict[str, Any]) -> None:
        self.__array_interface__ = interface


def _numbers(address: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """The numbers at an address, which is mapped for as long as they are used."""
    return np.asarray(_Region({"data": (address, True), "shape": shape, "typestr": dtype.str, "version": 3}))
