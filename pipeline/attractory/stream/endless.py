"""Windows of one epoch after the other, each with trajectories of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from attractory.loader.batch import Batch
from attractory.loader.place import Place
from attractory.loader.source import Source
from attractory.loader.windows import Batches, Windows


class EndlessWindows(Windows):
    """Windows whose iteration never ends: after an epoch comes the next. `len()` is the batches of one epoch.

    A state names the epoch; loading it goes on in that epoch, with its trajectories, which are integrated again as far as they are needed.
    """

    _source: tuple[int, Source] | None = None

    def batches(self, *, worker: int = 0, workers: int = 1, bits: bool = False) -> Batches:
        """The iterator over this rank's batches, or over every `workers`-th of them, beginning with number `worker`, epoch after epoch."""
        place, self._resumed = self._resumed or self._beginning, None
        self._live = EndlessBatches(self, place, worker=worker, workers=workers, bits=bits)
        return self._live

    def source_at(self, place: Place) -> Source:
        """The trajectories of the place's epoch."""
        if self._source is None or self._source[0] != place.epoch:
            self._source = (place.epoch, self.source.of_epoch(place.epoch))
        return self._source[1]


class EndlessBatches(Batches):
    """Batches of one epoch after the other."""

    def __init__(self, windows: EndlessWindows, place: Place, *, worker: int, workers: int, bits: bool) -> None:
        super().__init__(windows, place, worker=worker, workers=workers, bits=bits)
        self._windows = windows
        self._turns = (worker, workers)

    def _drawn(self) -> Iterator[Batch]:
        yield from super()._drawn()
        while True:
            self._begin_next()
            yield from super()._drawn()

    def _begin_next(self) -> None:
        """The next epoch from its beginning. Workers go on in their turn: it begins with the one after the last of this epoch."""
        worker, workers = self._turns
        count = self._share.batches(len(self._epoch.kept) - self._begin)
        following = Place(self.place.seed, self.place.epoch + 1)
        fresh = self._windows.with_epoch(following.epoch)
        self._turns = ((worker - count) % workers, workers)
        self._source = self._windows.source_at(following)
        self._epoch = fresh.epoch_at(following)
        self._begin = 0
        self._numbers = range(self._turns[0], self._share.batches(len(self._epoch.kept)), workers)
        self.place = replace(following, position=0)
