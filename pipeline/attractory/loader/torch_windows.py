"""The batches of some windows as torch tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from attractory.loader.asked import BFLOAT16
from attractory.loader.batch import Batch
from attractory.loader.place import State
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
        part = {} if info is None else {"worker": info.id, "workers": info.num_workers}
        for batch in self.windows.batches(**part, bits=True):
            yield self._tensors(batch)

    def batch(self, number: int) -> Batch:
        """Batch `number` of this rank, without those before it."""
        return self._tensors(self.windows.batch(number, bits=True))

    def skip(self, numbers: range) -> TorchWindows:
        """The same windows without some rounds of batches."""
        return TorchWindows(self.windows.skip(numbers))

    def with_epoch(self, epoch: int) -> TorchWindows:
        """The same windows in the order of another epoch."""
        return TorchWindows(self.windows.with_epoch(epoch))

    def state_dict(self, batch: Batch | None = None) -> State:
        """Where the epoch is: of the live iterator, or, as worker processes run ahead, after the last `batch` that was used."""
        state = self.windows.state_dict()
        return state if batch is None else {**state, "position": batch.position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration begin at the window after the last one that was drawn, with any number of ranks or workers.

        With worker processes the iteration happens there, on copies: for the epoch after it take `with_epoch`.
        """
        self.windows.load_state_dict(state)

    def _tensors(self, batch: Batch) -> Batch:
        tensors = batch.mapped(torch.from_numpy)
        if self.windows.source.reading.dtype != BFLOAT16:
            return tensors
        others = {name: replace(tensors.others[name], state=_bfloat16(other.state)) for name, other in batch.others.items()}
        return replace(tensors, state=_bfloat16(batch.state), others=others)


def _bfloat16(bits: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(bits.view(np.int16)).view(torch.bfloat16)
