"""Single windows as torch tensors, for DataLoaders with a sampler of their own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils.data import Dataset

from attractory.loader.items import Item, Items
from attractory.loader.windows import Windows


class TorchItems(Dataset):  # type: ignore[misc]  # torch is not there when the package is type-checked
    """A map-style Dataset: `DataLoader(windows.torch().items(), batch_size=256, shuffle=True)`, or any sampler of torch's.

    Elements are dicts of tensors, which torch's own collation stacks. Where the order, the ranks and where to go on are to be the loader's,
    and for speed, take `windows.torch()`.
    """

    def __init__(self, windows: Windows) -> None:
        super().__init__()
        self._items = Items(windows)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, number: int) -> Item:
        return _tensors(self._items[number])

    def __getitems__(self, numbers: Sequence[int]) -> list[Item]:
        return [_tensors(item) for item in self._items.__getitems__(numbers)]


def _tensors(item: Item) -> Item:
    return {name: torch.as_tensor(values) for name, values in item.items()}
