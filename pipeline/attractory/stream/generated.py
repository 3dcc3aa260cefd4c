"""An array of trajectories that is made when it is read: what the loader takes for one of a store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from attractory import layout
from attractory.catalog.record import SystemRecord
from attractory.errors import IntegrationError
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, SampleGrid, Trajectories, integrate_block
from attractory.layout import Status
from attractory.loader.arrays import ArrayLayout, StoredArray
from attractory.loader.files import ByteRange
from attractory.loader.metadata import StoredSystem

RESERVE = 2**40  # trajectories that take the place of failed ones are numbered from here on
REPLACEMENTS = 8  # tries, each with trajectories that have not been tried
KEPT_BLOCKS = 4  # whose other granularities wait for being asked for


@dataclass(frozen=True)
class BlockMaker:
    """Blocks of `rows` trajectories of a system: epoch e has those with the numbers from first + e * count on.

    They are what `generate` would store under these numbers, so that a stream never draws a trajectory of its recipe's store.
    """

    record: SystemRecord
    grids: tuple[SampleGrid, ...]
    settings: BlockSettings
    first: int
    count: int
    rows: int
    _made: OrderedDict[tuple[int, int], list[np.ndarray]] = field(default_factory=OrderedDict, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        # Not what takes memory or cannot travel: the compiled system, states of the last blocks.
        return {**{name: self.__dict__[name] for name in self.__dataclass_fields__}, "_made": OrderedDict()}

    def states(self, epoch: int, block: int, grid: int) -> np.ndarray:
        """States (trajectory, time, variable) of a block at one granularity."""
        if len(self.grids) == 1:
            return self._block(epoch, block)[grid]
        key = (epoch, block)
        held = self._made.get(key)
        if held is None:
            held = self._made[key] = self._block(epoch, block)
            while len(self._made) > KEPT_BLOCKS:
                self._made.popitem(last=False)
        return held[grid]

    @cached_property
    def _system(self) -> System:
        return System.from_record(self.record)

    def _block(self, epoch: int, block: int) -> list[np.ndarray]:
        begin = self.first + epoch * self.count + block * self.rows
        made = self._integrated(range(begin, begin + min(self.rows, self.count - block * self.rows)))
        for attempt in range(1, REPLACEMENTS + 1):
            failed = np.flatnonzero(made.status != Status.OK)
            if not failed.size:
                return list(made.states)
            again = self._integrated([begin + int(place) + attempt * RESERVE for place in failed])
            for target, source in zip((*made.states, made.status), (*again.states, again.status), strict=True):
                target[failed] = source
        sentence = Status(int(made.status[made.status != Status.OK][0])).sentence
        message = f"{self.record.name}: {REPLACEMENTS} trajectories in place of number {begin} failed as well; the last one {sentence}."
        raise IntegrationError(message)

    def _integrated(self, indices: Sequence[int]) -> Trajectories:
        return integrate_block(self._system, indices=indices, grids=self.grids, settings=self.settings)


class NoFiles:
    """Where a stream's bytes come from: nowhere."""

    is_local = True

    def name(self, path: str) -> str:
        return path or "a stream"

    def read(self, paths: Sequence[str]) -> list[bytes | None]:
        return [None] * len(paths)

    def whole(self, path: str, digest: str) -> bytes | None:
        return None

    def read_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        return []

    def folders(self, path: str) -> list[str]:
        return []


@dataclass
class GeneratedArray(StoredArray):
    """The states of one granularity in one epoch: a chunk is a block of whole trajectories, integrated when it is asked for."""

    maker: BlockMaker | None = None
    grid: int = 0
    epoch: int = 0

    def of_epoch(self, epoch: int) -> GeneratedArray:
        """The states of another epoch: other trajectories."""
        return replace(self, epoch=epoch)

    def chunks(self, places: Sequence[tuple[int, ...]]) -> Iterator[np.ndarray]:
        for block, *_ in places:
            yield self.maker.states(self.epoch, block, self.grid)  # type: ignore[union-attr]  # dataclasses order fields by defaults

    def whole(self) -> np.ndarray:
        """All trajectories of the epoch."""
        return np.concatenate(list(self.chunks([(block, 0, 0) for block in range(self.layout.grid[0])])))


@dataclass
class KnownArray(StoredArray):
    """A small array that is known beforehand, such as the times of samples."""

    values: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def whole(self) -> np.ndarray:
        return self.values


def generated_array(maker: BlockMaker, *, grid: int, variables: int, dtype: str) -> GeneratedArray:
    """The array of a maker's trajectories at one of its granularities."""
    samples = maker.grids[grid].samples
    chunk = (maker.rows, samples, variables)
    return GeneratedArray(NoFiles(), _layout("state", (maker.count, samples, variables), chunk, dtype), maker=maker, grid=grid)


def known_array(name: str, values: np.ndarray) -> KnownArray:
    """An array with these values."""
    return KnownArray(NoFiles(), _layout(name, values.shape, values.shape, values.dtype.name), values=values)


def _layout(path: str, shape: tuple[int, ...], chunk: tuple[int, ...], dtype: str) -> ArrayLayout:
    return ArrayLayout(path, shape, np.dtype(dtype), chunk, chunk, np.nan, "/", None)


@dataclass(frozen=True)
class StreamedSystem(StoredSystem):
    """A system of a stream: all of its trajectories are for training, and none has failed."""

    def array(self, name: str) -> np.ndarray:
        """`split` and `status`; `parameters` where they are not drawn. What a trajectory begins with is known to the integration alone."""
        if name == layout.PARAMETER_ARRAY and layout.PARAMETER_FAMILY not in self.attributes:
            values: Mapping[str, float] = self.parameters
            return np.tile(np.array(list(values.values()), np.float64), (self.trajectories, 1))
        return super().array(name)
