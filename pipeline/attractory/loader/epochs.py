"""The order of an epoch's draws: shuffled as a whole, by blocks of trajectories, not at all, or in batches of one dimension each.

Every order is a bijection of the positions [0, len) onto the draws, computed position by position from (seed, epoch). Where draws come in
batches that are not full ("buckets"), the positions between are empty: the draw there is -1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from attractory.errors import RequestError, nearest
from attractory.loader.order import Order
from attractory.loader.sampling import Draws, EveryWindow, Sampling
from attractory.loader.table import WindowTable

SHUFFLES = {
    "global": "every window of the epoch may come at every place",
    "blocks": "trajectories in random order, the windows of a number of them shuffled together: for storage that is slow or far away",
    "none": "in the order of the store",
}
MIXED = 256  # trajectories whose windows are shuffled together by "blocks", unless asked otherwise


class EpochOrder(Protocol):
    """Draws by position."""

    def __len__(self) -> int: ...

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """The draws at some positions, int64 of the same shape; -1 where a position is empty."""


@dataclass(frozen=True)
class InOrder:
    """Draw i at position i."""

    count: int

    def __len__(self) -> int:
        return self.count

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        return positions


@dataclass(frozen=True)
class Shuffled:
    """All draws in one permutation."""

    order: Order

    def __len__(self) -> int:
        return self.order.windows

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        return self.order(positions)


@dataclass(frozen=True)
class BlockShuffled:
    """Blocks in random order; of so many that follow each other, all draws in one permutation."""

    first: np.ndarray  # the first draw of each block, and the number of draws (block + 1,), int64
    together: int  # blocks
    seed: int
    epoch: int
    lane: tuple[int, int] = (0, 1)  # (l, L): of the blocks in their order every L-th alone, beginning with number l

    def __len__(self) -> int:
        return int(self._begin[-1])

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        group = np.searchsorted(self._groups, positions, side="right") - 1
        mixed = np.empty(positions.shape, np.int64)
        for number in np.unique(group).tolist():
            here = group == number
            begin, end = int(self._groups[number]), int(self._groups[number + 1])
            mixed[here] = begin + Order(end - begin, self.seed, self.epoch, f"group {number}{self._name}")(positions[here] - begin)
        place = np.searchsorted(self._begin, mixed, side="right") - 1
        found: np.ndarray = self.first[self._blocks[place]] + mixed - self._begin[place]
        return found

    @cached_property
    def _blocks(self) -> np.ndarray:
        """The blocks that hold a draw, in this epoch's order."""
        there = np.flatnonzero(np.diff(self.first))
        lane, lanes = self.lane
        found: np.ndarray = there[Order(len(there), self.seed, self.epoch, "blocks")(np.arange(len(there)))][lane::lanes]
        return found

    @property
    def _name(self) -> str:
        return f", lane {self.lane[0]} of {self.lane[1]}" if self.lane[1] > 1 else ""

    @cached_property
    def _begin(self) -> np.ndarray:
        """The position that each of these blocks would begin at, and the end."""
        return np.concatenate([[0], np.cumsum(np.diff(self.first)[self._blocks])]).astype(np.int64)

    @cached_property
    def _groups(self) -> np.ndarray:
        """The position that each group of blocks begins at, and the end."""
        return np.append(self._begin[: len(self._blocks) : self.together], self._begin[-1])


@dataclass(frozen=True)
class EqualBlocks:
    """What BlockShuffled is for blocks of equally many draws, where nothing as long as the list of blocks is needed."""

    count: int
    each: int  # draws of a block
    together: int
    seed: int
    epoch: int

    def __len__(self) -> int:
        return self.count * self.each

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        size = self.together * self.each
        group = positions // size
        mixed = np.empty(positions.shape, np.int64)
        for number in np.unique(group).tolist():
            here = group == number
            begin, end = number * size, min((number + 1) * size, len(self))
            mixed[here] = begin + Order(end - begin, self.seed, self.epoch, f"group {number}")(positions[here] - begin)
        place, within = np.divmod(mixed, self.each)
        found: np.ndarray = Order(self.count, self.seed, self.epoch, "blocks")(place) * self.each + within
        return found


@dataclass(frozen=True)
class Lanes:
    """Batches from several orders by turns, so that processes that take every so many-th batch need the blocks of some of them only.

    Lanes end together, with the last batch that all of them fill; what is left of each is not drawn.
    """

    lanes: tuple[BlockShuffled, ...]
    batch_size: int

    def __len__(self) -> int:
        return len(self.lanes) * self.batch_size * min(len(lane) // self.batch_size for lane in self.lanes)

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        batch, within = np.divmod(positions, self.batch_size)
        turn, lane = np.divmod(batch, len(self.lanes))
        draws = np.empty(positions.shape, np.int64)
        for number in np.unique(lane).tolist():
            here = lane == number
            draws[here] = self.lanes[number](turn[here] * self.batch_size + within[here])
        return draws


@dataclass(frozen=True)
class Buckets:
    """Batches of draws that belong together, such as those of one dimension: full batches of all buckets in one permutation, then the rest.

    A bucket's draws are shuffled, then cut into batches; what is left of each bucket makes one batch that is not full.
    """

    members: tuple[np.ndarray, ...]  # of each bucket, (begin, end) of runs of draws, (run, 2) int64
    batch_size: int
    seed: int
    epoch: int
    drops: bool  # leave out the batches that are not full

    def __len__(self) -> int:
        return int(self._first[-1]) * self.batch_size

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        batch = Order(int(self._first[-1]), self.seed, self.epoch, "batches")(positions // self.batch_size)
        bucket = np.searchsorted(self._first, batch, side="right") - 1
        within = (batch - self._first[bucket]) * self.batch_size + positions % self.batch_size
        draws = np.full(positions.shape, -1, np.int64)
        for number in np.unique(bucket).tolist():
            here = (bucket == number) & (within < self._sizes[number])
            shuffled = Order(int(self._sizes[number]), self.seed, self.epoch, f"bucket {number}")(within[here])
            draws[here] = _in_runs(self.members[number], shuffled)
        return draws

    @cached_property
    def _sizes(self) -> np.ndarray:
        return np.array([int((runs[:, 1] - runs[:, 0]).sum()) for runs in self.members], np.int64)

    @cached_property
    def _first(self) -> np.ndarray:
        """The first batch of each bucket, and the number of batches."""
        batches = self._sizes // self.batch_size if self.drops else -(-self._sizes // self.batch_size)
        return np.concatenate([[0], np.cumsum(batches)]).astype(np.int64)


def _in_runs(runs: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The numbers-th members of runs that follow each other."""
    first = np.concatenate([[0], np.cumsum(runs[:, 1] - runs[:, 0])])
    run = np.searchsorted(first, numbers, side="right") - 1
    found: np.ndarray = runs[run, 0] + numbers - first[run]
    return found


@dataclass(frozen=True)
class EpochPlan:
    """How the order of every epoch is made: what is drawn, and how it is shuffled."""

    table: WindowTable
    sampling: Sampling
    shuffle: str = "global"  # a key of SHUFFLES
    mixing: int = MIXED  # trajectories
    rows: tuple[int, ...] = ()  # of each system, trajectories that are decoded together
    buckets: tuple[int, ...] | None = None  # of each system, the bucket that it belongs to
    lanes: int = 1  # of "blocks": how many orders of their own blocks take turns

    def draws(self, *, seed: int, epoch: int) -> Draws:
        return self.sampling.of_epoch(self.table, seed=seed, epoch=epoch)

    def order(self, draws: Draws, *, seed: int, epoch: int, batch_size: int, drops: bool) -> EpochOrder:
        """The order of one epoch's draws; `batch_size` and `drops` matter to buckets alone."""
        if self.buckets is not None:
            return Buckets(self._runs(draws, self.buckets), batch_size, seed, epoch, drops)
        if self.shuffle == "none":
            return InOrder(len(draws))
        if self.shuffle == "blocks":
            each = set(self.table.per_trajectory)
            if self.lanes > 1:
                blocks = self.table.blocks(self.rows)
                parts = ((number, self.lanes) for number in range(self.lanes))
                return Lanes(tuple(BlockShuffled(draws.first[blocks], self._together(blocks), seed, epoch, p) for p in parts), batch_size)
            if isinstance(draws, EveryWindow) and set(self.rows) == {1} and len(each) == 1:
                count = sum(map(len, self.table.trajectories))
                return EqualBlocks(count, each.pop(), self.mixing, seed, epoch)
            blocks = self.table.blocks(self.rows)
            return BlockShuffled(draws.first[blocks], self._together(blocks), seed, epoch)
        return Shuffled(Order(len(draws), seed, epoch))

    def _together(self, blocks: np.ndarray) -> int:
        """Blocks of which `mixing` trajectories are made, on average."""
        return max(1, round(self.mixing * (len(blocks) - 1) / max(1, int(blocks[-1]))))

    def _runs(self, draws: Draws, buckets: tuple[int, ...]) -> tuple[np.ndarray, ...]:
        ends = np.concatenate([[0], np.cumsum([len(numbers) for numbers in self.table.trajectories])])
        first = draws.first[ends] if len(ends) > 1 else np.zeros(1, np.int64)
        runs = np.stack([first[:-1], first[1:]], axis=1).astype(np.int64)
        return tuple(runs[np.array(buckets) == bucket] for bucket in sorted(set(buckets)))


def checked_shuffle(shuffle: str) -> str:
    """The name of a way to shuffle.

    Raises:
        RequestError: there is no such way.
    """
    if shuffle not in SHUFFLES:
        message = f"shuffle={shuffle!r} is none of {', '.join(SHUFFLES)}.{nearest(str(shuffle), SHUFFLES)}"
        raise RequestError(message)
    return shuffle
