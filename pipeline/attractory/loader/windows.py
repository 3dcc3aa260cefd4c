"""Windows of one epoch as batches: an iterable whose place can be saved, changed and taken up again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from attractory.errors import RequestError
from attractory.loader.batch import Batch
from attractory.loader.chance import chance_of
from attractory.loader.epochs import EpochOrder, EpochPlan
from attractory.loader.items import Items
from attractory.loader.place import Kept, Place, Ranges, State, checked, merged, place_of, state_of
from attractory.loader.rounds import Share
from attractory.loader.sampling import Draws
from attractory.loader.source import Source
from attractory.loader.table import Located

if TYPE_CHECKING:
    from attractory.loader.grain_windows import GrainBatches
    from attractory.loader.jax_windows import JaxWindows
    from attractory.loader.torch_windows import TorchWindows

AHEAD = 16_384  # windows whose order and places are computed at once: it costs a tenth then of what it costs batch by batch
EXTRAS = {"tensorflow": "tf", "datasets": "huggingface"}  # of pip, where they are not called as the package is
BATCHES_AHEAD = 4  # whose chunks other threads begin to decode


@dataclass(frozen=True)
class Drawn:
    """Some draws: their numbers in the epoch, their windows (-1 where there is none), and where those lie; all of one shape."""

    draws: np.ndarray
    windows: np.ndarray
    located: Located

    def some(self, rows: int | np.ndarray) -> Drawn:
        """Some of them: of an array of numbers, or of truths."""
        return Drawn(self.draws[rows], self.windows[rows], self.located.some(rows))


@dataclass(frozen=True)
class Epoch:
    """One epoch of some windows: what is drawn at each position."""

    plan: EpochPlan
    draws: Draws
    order: EpochOrder
    kept: Kept

    def drawn(self, numbers: np.ndarray) -> Drawn:
        """What is drawn at some of the positions that are kept; nothing where the number is -1."""
        order = self.order(self.kept.at(np.maximum(numbers, 0)))
        real = (numbers >= 0) & (order >= 0)
        draws = np.maximum(order, 0)
        windows = np.where(real, self.draws(draws), -1)
        return Drawn(draws, windows, self.plan.table.locate(np.maximum(windows, 0)))


class Windows:
    """Windows of the chosen trajectories as batches of NumPy arrays, in the order of (seed, epoch): every window once, unless weighted.

    Each iteration is the same epoch from its beginning, or once from the place that `load_state_dict` was given; `with_epoch(n)` gives the
    windows of another epoch. Iterate in one thread at a time.
    """

    def __init__(self, source: Source, plan: EpochPlan, share: Share, place: Place, skipped: Ranges = ()) -> None:
        self.source = source
        self.plan = plan
        self.share = share
        self.skipped = skipped
        self._beginning = replace(place, position=0)
        self._resumed: Place | None = place if place.position else None
        self._live: Batches | None = None
        self._epoch: tuple[Place, Ranges, Epoch] | None = None

    def __len__(self) -> int:
        """Batches that this rank draws in a whole epoch."""
        return self.share.batches(self.window_count)

    def __iter__(self) -> Batches:
        return self.batches()

    def __repr__(self) -> str:
        lengths, share = self.source.reading.lengths, self.share
        return (
            f"<Windows: {self.window_count:,} of {lengths.context} + {lengths.horizon} samples, "
            f"{len(self):,} batches of {share.batch_size}, rank {share.rank} of {share.ranks}, epoch {self._beginning.epoch}>"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_live": None, "_epoch": None}

    @property
    def window_count(self) -> int:
        """Positions of the epoch, over all ranks: its windows, and where batches are bucketed the empty rows of those that are not full."""
        return len(self._of(self._beginning).kept)

    @property
    def beginning(self) -> Place:
        """The beginning of the epoch."""
        return self._beginning

    @property
    def resumes(self) -> bool:
        """Whether the next iteration begins elsewhere than at the epoch's beginning."""
        return self._resumed is not None

    @property
    def damage(self) -> Mapping[str, str]:
        """With on_error="skip": the damaged files that this process has met, and what is wrong with each."""
        source = self.source
        return {
            name: text
            for reading in (source.reading, *(o.reading for o in source.others.values()))
            for name, text in reading.damage().items()
        }

    def batches(self, *, worker: int = 0, workers: int = 1, bits: bool = False) -> Batches:
        """The iterator over this rank's batches, or over every `workers`-th of them, beginning with number `worker`.

        bfloat16 comes as NumPy's type of ml_dtypes, or as its `bits`, uint16.
        """
        place, self._resumed = self._resumed or self._beginning, None
        self.source.unchanged()
        self._live = Batches(self, place, worker=worker, workers=workers, bits=bits)
        return self._live

    def batch(self, number: int, *, bits: bool = False) -> Batch:
        """Batch `number` of this rank, counted from the epoch's beginning (below zero: from its end), without those before it.

        Raises:
            IndexError: the epoch has fewer.
        """
        count = len(self)
        if not -count <= number < count:
            message = f"batch {number} of {count}"
            raise IndexError(message)
        return Batches(self, self._beginning, worker=number % count, workers=count, bits=bits).first()

    def at(self, numbers: Sequence[int] | np.ndarray, *, bits: bool = False) -> Batch:
        """The batch of some windows by number, in that order: what `batch.index` holds. For those who draw by themselves.

        Raises:
            IndexError: there is no such window.
        """
        found = np.asarray(numbers, np.int64).reshape(-1)
        table = self.plan.table
        if found.size and not (0 <= found.min() and found.max() < len(table)):
            message = f"windows {found.min()} to {found.max()} of {len(table)}"
            raise IndexError(message)
        source = self.source_at(self._beginning)
        chance = chance_of(found, seed=self._beginning.seed, epoch=self._beginning.epoch) if source.reading.transforms else None
        located = table.locate(found)
        batch = source.batch(found, located, chance, bits=bits)
        source.checked()
        damaged = source.damaged(located)
        return batch if damaged is None or not damaged.any() else replace(batch.emptied(damaged), left_out=int(damaged.sum()))

    def skip(self, numbers: range) -> Self:
        """The same windows without some rounds: batches `numbers` of every rank, counted in the epoch as it is now.

        What comes before and after is drawn as if nothing were missing. A state remembers what is left out.

        Raises:
            RequestError: not a range of the epoch's batches in steps of one, or too many separate ones.
        """
        if not isinstance(numbers, range) or numbers.step != 1 or not 0 <= numbers.start <= numbers.stop <= len(self):
            message = f"skip({numbers!r}): expected a range of batches in steps of one, within range({len(self)})."
            raise RequestError(message)
        kept = self._of(self._beginning).kept
        begin, end = (kept.after(number * self.share.round_size) for number in (numbers.start, numbers.stop))
        return type(self)(self.source, self.plan, self.share, self._resumed or self._beginning, merged([*self.skipped, (begin, end)]))

    def again(self) -> Self:
        """The same windows, from the epoch's beginning, with a place of their own."""
        return type(self)(self.source, self.plan, self.share, self._beginning, self.skipped)

    def with_epoch(self, epoch: int) -> Self:
        """The same windows in the order of another epoch, of which nothing is left out."""
        return type(self)(self.source, self.plan, self.share, replace(self._beginning, epoch=epoch))

    def state_dict(self) -> State:
        """Where the live iterator is: {"seed", "epoch", "position"}, position counted in windows over all ranks; see place.py."""
        place = self._live.place if self._live is not None else self._resumed or self._beginning
        return state_of(place, self.skipped)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration begin at the window after the last one that was drawn, with any number of ranks.

        Raises:
            RequestError: not such a state, or one of a store with fewer windows.
        """
        place, skipped = place_of(state)
        total = len(self._of(replace(place, position=0), ()).order)
        checked(place, skipped, total=total)
        if self.plan.buckets is not None and any(
            number % self.share.batch_size for number in (place.position, *chain.from_iterable(skipped))
        ):
            message = (
                f"position {place.position}: where batches are bucketed, positions are multiples of batch_size, {self.share.batch_size}."
            )
            raise RequestError(message)
        self._beginning, self._resumed, self._live, self.skipped = replace(place, position=0), place, None, skipped

    def torch(self) -> TorchWindows:
        """The same batches as torch tensors: an IterableDataset, for a loop or for DataLoader(…, batch_size=None); its `items()` are a
        map-style Dataset of single windows.

        Raises:
            RequestError: torch is not installed.
        """
        return _adapter("torch_windows", "TorchWindows", "windows.torch()", "torch")(self)  # type: ignore[no-any-return]

    def jax(self) -> JaxWindows:
        """The same batches with JAX arrays for state and mask.

        Raises:
            RequestError: jax is not installed.
        """
        return _adapter("jax_windows", "JaxWindows", "windows.jax()", "jax")(self)  # type: ignore[no-any-return]

    def tf(self) -> Any:
        """The same batches as a tf.data.Dataset of dicts.

        Raises:
            RequestError: tensorflow is not installed.
        """
        return _adapter("tf_windows", "tf_dataset", "windows.tf()", "tensorflow")(self)

    def grain(self) -> GrainBatches:
        """The same batches as a data source of grain, element k being batch k; its `items()` are single windows.

        Raises:
            RequestError: grain is not installed.
        """
        return _adapter("grain_windows", "GrainBatches", "windows.grain()", "grain")(self)  # type: ignore[no-any-return]

    def huggingface(self, *, shards: int = 1) -> Any:
        """The same windows, one by one, as a datasets.IterableDataset; `shards` parts for worker processes to share.

        Raises:
            RequestError: datasets is not installed.
        """
        return _adapter("hf_windows", "hf_dataset", "windows.huggingface()", "datasets")(self, shards=shards)

    def items(self) -> Items:
        """Single windows by number, as dicts of NumPy arrays: for programs that draw by themselves."""
        return Items(self)

    def source_at(self, _place: Place) -> Source:
        """What the batches of a place are made of."""
        return self.source

    def epoch_at(self, place: Place) -> Epoch:
        """The epoch that a place is in, without what is left out."""
        return self._of(replace(place, position=0))

    def _of(self, beginning: Place, skipped: Ranges | None = None) -> Epoch:
        left_out = self.skipped if skipped is None else skipped
        if self._epoch is None or self._epoch[:2] != (beginning, left_out):
            self._epoch = (beginning, left_out, self._made(beginning, left_out))
        return self._epoch[2]

    def _made(self, beginning: Place, skipped: Ranges) -> Epoch:
        key = {"seed": beginning.seed, "epoch": beginning.epoch}
        draws = self.plan.draws(**key)
        order = self.plan.order(draws, **key, batch_size=self.share.batch_size, drops=self.share.uneven == "drop")
        return Epoch(self.plan, draws, order, Kept(len(order), skipped))


class Batches(Iterator[Batch]):
    """The live iterator: batches of one rank, and of one worker of it."""

    def __init__(self, windows: Windows, place: Place, *, worker: int, workers: int, bits: bool) -> None:
        self.place = place
        self._source = windows.source_at(place)
        self._share = windows.share
        self._epoch = windows.epoch_at(place)
        self._bits = bits
        self._begin = self._epoch.kept.before(place.position)
        count = self._share.batches(len(self._epoch.kept) - self._begin)
        self._numbers = range(worker, count, workers)
        self._batches = self._drawn()

    def __next__(self) -> Batch:
        batch = next(self._batches, None)
        self._source.checked(wait=batch is None)
        if batch is None:
            raise StopIteration
        self.place = Place(self.place.seed, self.place.epoch, batch.position)
        return batch

    def first(self) -> Batch:
        """The first batch alone."""
        batch = self._batch(self._of(np.array(self._numbers[:1], np.int64)).some(0), self._numbers[0])
        self._source.checked()
        return batch

    def _drawn(self) -> Iterator[Batch]:
        source = self._source
        for numbers in _runs(iter(self._numbers), max(1, AHEAD // self._share.batch_size)):
            source.unchanged()
            drawn = self._of(numbers)
            for row, number in enumerate(numbers.tolist()):
                for later in range(row + BATCHES_AHEAD if row else 1, min(row + BATCHES_AHEAD + 1, len(numbers))):
                    source.ahead(drawn.located.some(later))
                yield self._batch(drawn.some(row), number)

    def _of(self, numbers: np.ndarray) -> Drawn:
        """What some batches are made of (batch number, batch_size)."""
        return self._epoch.drawn(self._share.positions(numbers, begin=self._begin, windows=len(self._epoch.kept)))

    def _batch(self, drawn: Drawn, number: int) -> Batch:
        drops = self._share.uneven == "keep"  # a batch may be short
        real = drawn.windows >= 0
        if drops and not real.all():
            drawn, real = drawn.some(real), real[real]
        position = self._epoch.kept.after(self._begin + (number + 1) * self._share.round_size)
        chance = chance_of(drawn.draws, seed=self.place.seed, epoch=self.place.epoch) if self._source.reading.transforms else None
        batch = replace(self._source.batch(drawn.windows, drawn.located, chance, bits=self._bits), position=position)
        damaged = self._source.damaged(drawn.located)
        if damaged is not None and damaged.any():
            self._source.unchanged(reread=True)
            batch = replace(batch, left_out=int((damaged & real).sum()))
            batch = batch.rows(~damaged) if drops else batch
            real = real[~damaged] if drops else real & ~damaged
        return batch if real.all() else batch.emptied(~real)


def _adapter(module: str, name: str, door: str, package: str) -> Any:
    """What a framework's page has under a name.

    Raises:
        RequestError: the framework is not installed.
    """
    try:
        return getattr(import_module(f"attractory.loader.{module}"), name)
    except ImportError as error:
        message = f"{door} needs {package}, which is not installed ({error}). Install attractory[{EXTRAS.get(package, package)}]."
        raise RequestError(message) from error


def _runs(numbers: Iterator[int], length: int) -> Iterator[np.ndarray]:
    """The numbers, in arrays of at most `length`."""
    while run := list(islice(numbers, length)):
        yield np.array(run, np.int64)
