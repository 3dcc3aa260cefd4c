"""The batches of some windows as torch tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch.utils.data import IterableDataset, get_worker_info

from attractory.loader.batch import Batch
from attractory.loader.windows import Windows


class TorchWindows(IterableDataset):  # type: ignore[misc]  # torch is not there when the package is type-checked
    """An IterableDataset of whole batches: `DataLoader(windows.torch(), batch_size=None, num_workers=…)`.

    Worker w of W draws every W-th batch, so that the DataLoader, which takes from its workers in turn, gives the batches of one process
    in the same order for any number of workers. Ranks come from `Dataset.windows(rank=, ranks=)`; no sampler is needed.
    """

    def __init__(self, windows: Windows) -> None:
        super().__init__()
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        batches = self.windows.batches() if info is None else self.windows.batches(worker=info.id, workers=info.num_workers)
        for batch in batches:
            yield batch.mapped(torch.from_numpy)

    def with_epoch(self, epoch: int) -> TorchWindows:
        """The same windows in the order of another epoch."""
        return TorchWindows(self.windows.with_epoch(epoch))

    def state_dict(self, batch: Batch | None = None) -> dict[str, int]:
        """Where the epoch is: of the live iterator, or, as worker processes run ahead, after the last `batch` that was used."""
        state = self.windows.state_dict()
        return state if batch is None else {**state, "position": batch.position}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Let the next iteration begin at the window after the last one that was drawn, with any number of ranks or workers.

        With worker processes the iteration happens there, on copies: for the epoch after it take `with_epoch`.
        """
        self.windows.load_state_dict(state)
