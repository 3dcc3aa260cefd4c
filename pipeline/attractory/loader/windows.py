"""Windows of one epoch as batches: an iterable whose place can be saved, changed and taken up again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from attractory.errors import RequestError
from attractory.loader.batch import Batch
from attractory.loader.gather import Gathering
from attractory.loader.order import Order
from attractory.loader.pool import ChunkPool, DecodedCache
from attractory.loader.rounds import Share
from attractory.loader.table import Located, WindowTable

if TYPE_CHECKING:
    from attractory.loader.jax_windows import JaxWindows
    from attractory.loader.torch_windows import TorchWindows

AHEAD = 16_384  # windows whose order and places are computed at once: it costs a tenth then of what it costs batch by batch


@dataclass(frozen=True)
class Source:
    """What windows are drawn from: a table of them, and the way to their samples."""

    table: WindowTable
    gathering: Gathering
    codes: np.ndarray  # (member,) int64: each system's place in Dataset.system_names
    context: int
    horizon: int
    cache: DecodedCache
    key: tuple[object, ...]  # of the pools in the cache
    times: Gathering | None = None  # the way to the times of samples that have their own

    @property
    def length(self) -> int:
        return self.context + self.horizon

    def pools(self) -> tuple[ChunkPool, ...]:
        return self.cache.pools(self.key, self.gathering.plans)

    def times_of(self, located: Located) -> np.ndarray | None:
        """(window, time) float64, where samples have times of their own."""
        if self.times is None:
            return None
        pools = self.cache.pools((*self.key, "time"), self.times.plans)
        return self.times.states(located, length=self.length, pools=pools)[..., 0]


@dataclass(frozen=True)
class Place:
    """A place in an epoch: `position` windows of it are drawn, counted over all ranks."""

    seed: int
    epoch: int
    position: int = 0


class Windows:
    """Every window of the chosen trajectories once, as batches of NumPy arrays, in the order of (seed, epoch).

    Each iteration is the same epoch from its beginning, or once from the place that `load_state_dict` was given; `with_epoch(n)` gives the
    windows of another epoch. Iterate in one thread at a time.
    """

    def __init__(self, source: Source, share: Share, place: Place) -> None:
        self.source = source
        self.share = share
        self._beginning = replace(place, position=0)
        self._resumed: Place | None = place if place.position else None
        self._live: Batches | None = None

    def __len__(self) -> int:
        """Batches that this rank draws in a whole epoch."""
        return self.share.batches(self.window_count)

    def __iter__(self) -> Batches:
        return self.batches()

    def __repr__(self) -> str:
        source, share = self.source, self.share
        return (
            f"<Windows: {self.window_count:,} of {source.context} + {source.horizon} samples, {len(self):,} batches of {share.batch_size}, "
            f"rank {share.rank} of {share.ranks}, epoch {self._beginning.epoch}>"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_live": None}

    @property
    def window_count(self) -> int:
        """Windows of the epoch, over all ranks."""
        return len(self.source.table)

    def batches(self, *, worker: int = 0, workers: int = 1) -> Batches:
        """The iterator over this rank's batches, or over every `workers`-th of them, beginning with number `worker`."""
        place, self._resumed = self._resumed or self._beginning, None
        self._live = Batches(self.source, self.share, place, worker=worker, workers=workers)
        return self._live

    def with_epoch(self, epoch: int) -> Windows:
        """The same windows in the order of another epoch."""
        return Windows(self.source, self.share, replace(self._beginning, epoch=epoch))

    def state_dict(self) -> dict[str, int]:
        """Where the live iterator is: {"seed", "epoch", "position"}, position counted in windows over all ranks."""
        place = self._live.place if self._live is not None else self._resumed or self._beginning
        return {"seed": place.seed, "epoch": place.epoch, "position": place.position}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Let the next iteration begin at the window after the last one that was drawn, with any number of ranks.

        Raises:
            RequestError: not such a state, or one of a store with fewer windows.
        """
        place = _place(state, windows=self.window_count)
        self._beginning, self._resumed, self._live = replace(place, position=0), place, None

    def torch(self) -> TorchWindows:
        """The same batches as torch tensors: an IterableDataset, for a loop or for DataLoader(…, batch_size=None).

        Raises:
            RequestError: torch is not installed.
        """
        try:
            from attractory.loader.torch_windows import TorchWindows
        except ImportError as error:
            message = f"windows.torch() needs torch, which is not installed ({error}). Install attractory[torch]."
            raise RequestError(message) from error
        return TorchWindows(self)

    def jax(self) -> JaxWindows:
        """The same batches with JAX arrays for state and mask.

        Raises:
            RequestError: jax is not installed.
        """
        try:
            from attractory.loader.jax_windows import JaxWindows
        except ImportError as error:
            message = f"windows.jax() needs jax, which is not installed ({error}). Install attractory[jax]."
            raise RequestError(message) from error
        return JaxWindows(self)


class Batches(Iterator[Batch]):
    """The live iterator: batches of one rank, and of one worker of it."""

    def __init__(self, source: Source, share: Share, place: Place, *, worker: int, workers: int) -> None:
        self.place = place
        self._source = source
        self._share = share
        self._begin = place.position
        self._numbers = iter(range(worker, share.batches(len(source.table) - place.position), workers))
        self._batches = self._drawn()

    def __next__(self) -> Batch:
        batch = next(self._batches)
        self.place = replace(self.place, position=batch.position)
        return batch

    @cached_property
    def _order(self) -> Order:
        return Order(len(self._source.table), self.place.seed, self.place.epoch)

    def _drawn(self) -> Iterator[Batch]:
        pools, mask = self._source.pools(), self._source.gathering.mask
        for numbers in _runs(self._numbers, max(1, AHEAD // self._share.batch_size)):
            positions = self._share.positions(numbers, begin=self._begin, windows=len(self._source.table))
            windows = np.where(positions >= 0, self._order(np.maximum(positions, 0)), -1)
            located = self._source.table.locate(np.maximum(windows, 0))
            for row, number in enumerate(numbers.tolist()):
                yield self._batch(windows[row], _row(located, row), number, pools=pools, mask=mask)

    def _batch(self, windows: np.ndarray, located: Located, number: int, *, pools: tuple[ChunkPool, ...], mask: np.ndarray) -> Batch:
        source, share = self._source, self._share
        real = windows >= 0
        empty = None
        if not real.all():
            if share.uneven == "keep":  # the partial last batch is short
                windows, located = windows[real], _row(located, real)
            else:
                empty = ~real
        state = source.gathering.states(located, length=source.length, pools=pools)
        batch = Batch(
            state=state,
            mask=mask[located.member],
            index=windows.copy(),
            system=source.codes[located.member],
            trajectory=located.trajectory.copy(),
            start=located.start.copy(),
            context_samples=source.context,
            position=min(len(source.table), self._begin + (number + 1) * share.round_size),
            time=source.times_of(located),
        )
        if empty is not None:
            for values in (
                batch.state,
                batch.mask,
                batch.system,
                batch.trajectory,
                batch.start,
                *([] if batch.time is None else [batch.time]),
            ):
                values[empty] = 0
        return batch


def _runs(numbers: Iterator[int], length: int) -> Iterator[np.ndarray]:
    """The numbers, in arrays of at most `length`."""
    while run := list(islice(numbers, length)):
        yield np.array(run, np.int64)


def _row(located: Located, row: int | np.ndarray) -> Located:
    return Located(located.member[row], located.trajectory[row], located.start[row])


def _place(state: Mapping[str, int], *, windows: int) -> Place:
    names = ("seed", "epoch", "position")
    if not isinstance(state, Mapping) or sorted(state) != sorted(names) or not all(isinstance(state[name], int) for name in names):
        message = f"{state!r} is not a loader's state: expected whole numbers for seed, epoch and position, as state_dict() gives them."
        raise RequestError(message)
    if not 0 <= state["position"] <= windows:
        message = f"position {state['position']} is not in an epoch of {windows} windows: the state is of another store or other settings."
        raise RequestError(message)
    return Place(*(state[name] for name in names))
