"""The batches of some windows as torch tensors."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from attractory.loader.asked import BFLOAT16
from attractory.loader.batch import Batch
from attractory.loader.place import State
from attractory.loader.torch_items import TorchItems
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

    def on(self, device: Any, *, ahead: int = 2) -> Iterator[Batch]:
        """The batches of this process on a device, each copied there, from page-locked memory, while those before it are used.

        Args:
            device: as torch takes it, such as "cuda".
            ahead: batches that wait on the device; each takes its place in its memory.
        """
        return OnDevice(iter(self), torch.device(device), ahead=ahead).batches()

    def batch(self, number: int) -> Batch:
        """Batch `number` of this rank, without those before it."""
        return self._tensors(self.windows.batch(number, bits=True))

    def items(self) -> TorchItems:
        """Single windows by number, for DataLoaders with a sampler of their own: a map-style Dataset."""
        return TorchItems(self.windows)

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
        if self.windows.source.dtype != BFLOAT16:
            return tensors
        others = {name: replace(tensors.others[name], state=_bfloat16(other.state)) for name, other in batch.others.items()}
        return replace(tensors, state=_bfloat16(batch.state), others=others)


def _bfloat16(bits: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(bits.view(np.int16)).view(torch.bfloat16)


class OnDevice:
    """Batches copied to a device by a thread and on a stream of their own: neither reading nor copying waits for a training step."""

    def __init__(self, batches: Iterator[Batch], device: torch.device, *, ahead: int) -> None:
        self._source = batches
        self._device = device
        self._ahead = max(1, ahead)
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def batches(self) -> Iterator[Batch]:
        """In order; an error of the source comes where its batch would have."""
        with ThreadPoolExecutor(1, thread_name_prefix="attractory-device") as thread:
            coming = deque(thread.submit(self._next) for _ in range(self._ahead))
            while (found := coming.popleft().result()) is not None:
                coming.append(thread.submit(self._next))
                batch, copied = found
                if copied is not None:
                    self._hand_over(batch, copied)
                yield batch

    def _hand_over(self, batch: Batch, copied: Any) -> None:
        """Let the stream that uses a batch wait for its copy, and the memory wait for that stream before it is given away."""
        used = torch.cuda.current_stream(self._device)
        used.wait_event(copied)

        def record(tensor: Any) -> Any:
            tensor.record_stream(used)
            return tensor

        batch.mapped(record)

    def _next(self) -> tuple[Batch, Any] | None:
        batch = next(self._source, None)
        if batch is None:
            return None
        if self._stream is None:
            return batch.to(self._device), None
        with torch.cuda.stream(self._stream):
            moved = batch.pin_memory().to(self._device, non_blocking=True)
            return moved, self._stream.record_event()
