"""Windows as a DataModule of Lightning: an order of each epoch, ranks from the trainer, and a place in every checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lightning import LightningDataModule
from torch.utils.data import DataLoader

from attractory.loader.batch import Batch
from attractory.loader.dataset import Dataset
from attractory.loader.place import State
from attractory.loader.torch_windows import TorchWindows


class WindowsModule(LightningDataModule):  # type: ignore[misc]  # lightning is not there when the package is type-checked
    """`trainer.fit(model, dataset.lightning(granularity="fine", context=512, horizon=128, batch_size=256))`.

    Training draws split "train" in the order of the trainer's epoch, validation and test theirs in the order of the store. Every rank of
    the trainer draws its own part; Lightning needs no sampler. A checkpoint holds the place after the last batch that was trained on, and a
    run that is begun from it, with any number of ranks, goes on at the next window.
    """

    def __init__(self, dataset: Dataset, settings: Mapping[str, Any], *, workers: int = 0) -> None:
        super().__init__()
        self.dataset = dataset
        self.settings = dict(settings)
        self.workers = workers
        self._resumed: State | None = None
        self._used: State | None = None

    def train_dataloader(self) -> Batches:
        return Batches(self, "train", {})

    def val_dataloader(self) -> Batches:
        return Batches(self, "validation", {"shuffle": "none", "weights": None, "draws": None, "seed": 0, "epoch": 0})

    def test_dataloader(self) -> Batches:
        return Batches(self, "test", {"shuffle": "none", "weights": None, "draws": None, "seed": 0, "epoch": 0})

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Remember the batch that is used now: Lightning moves it right before."""
        if self.trainer is not None and self.trainer.training and self._used is not None:
            self._used = {**self._used, "position": batch.position}
            self._resumed = None  # not before: Lightning may begin an epoch twice
        return batch

    def state_dict(self) -> State:
        """Where training is, for a checkpoint."""
        return self._used or {}

    def load_state_dict(self, state_dict: State) -> None:
        """Let the next epoch of training begin there."""
        self._resumed = dict(state_dict) or None

    def tensors(self, split: str, changes: Mapping[str, Any]) -> TorchWindows:
        """The windows of a split for this process, in the order of the trainer's epoch."""
        rank, ranks = (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
        asked = {**self.settings, **changes, "split": split, "rank": rank, "ranks": ranks}
        if ranks > 1 and split != "train":
            asked.setdefault("uneven", "pad")
        windows = self.dataset.windows(**asked)
        if split == "train" and self.trainer is not None:
            windows = windows.with_epoch(windows.state_dict()["epoch"] + self.trainer.current_epoch)
        return windows.torch()

    def begun(self, tensors: TorchWindows) -> TorchWindows:
        """An epoch of training, from the place of a checkpoint where one was loaded and no batch was used since."""
        state = self._resumed
        if state is not None and state["position"] < tensors.windows.window_count and state["epoch"] == tensors.state_dict()["epoch"]:
            tensors.load_state_dict(state)
        self._used = tensors.state_dict()
        return tensors


class Batches:
    """What Lightning takes for a DataLoader: an epoch's batches each time it is iterated."""

    def __init__(self, module: WindowsModule, split: str, changes: Mapping[str, Any]) -> None:
        self._module = module
        self._split = split
        self._changes = changes

    def __len__(self) -> int:
        return len(self._module.tensors(self._split, self._changes))

    def __iter__(self) -> Iterator[Batch]:
        tensors = self._module.tensors(self._split, self._changes)
        if self._split == "train":
            tensors = self._module.begun(tensors)
        return iter(DataLoader(tensors, batch_size=None, num_workers=self._module.workers))
