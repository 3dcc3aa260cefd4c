"""The batches of some windows, or the windows, as a source of grain."""

from __future__ import annotations

from grain.sources import RandomAccessDataSource

from attractory.loader.items import Items, WholeBatches


class GrainBatches(WholeBatches, RandomAccessDataSource):  # type: ignore[misc]  # grain is not there when the package is type-checked
    """Element k is batch k of this rank, in the loader's order: `grain.MapDataset.source(windows.grain())`.

    grain's own iterators then say where they are; shuffle nothing more, and shard nothing: rank= and ranks= of windows() do.
    """

    def items(self) -> GrainItems:
        """Single windows by number: `grain.MapDataset.source(windows.grain().items()).shuffle(seed=0).batch(256)`."""
        return GrainItems(self.windows)


class GrainItems(Items, RandomAccessDataSource):  # type: ignore[misc]  # as above
    """Element i is window i."""
