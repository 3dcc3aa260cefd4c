"""Random access for programs that draw by themselves: windows by number, or batches of the loader's own order by number.

Both are what grain calls a RandomAccessDataSource and torch a map-style Dataset: a length, and elements that are functions of their number
alone. Elements are dicts of arrays, as `Batch.fields()` gives them.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from attractory.loader.windows import Windows

Item = dict[str, Any]


class Items:
    """Window i of the chosen trajectories, for i from 0 to below the length: numbered by system, trajectory and start.

    Of weights, order, ranks and batch size nothing is used: who asks for windows decides. Transforms draw for the window's number.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows.plan.table)

    def __getitem__(self, number: int) -> Item:
        return self.__getitems__([_place(number, len(self))])[0]

    def __getitems__(self, numbers: Sequence[int]) -> list[Item]:
        """Several windows, read together: torch's DataLoader asks so for those of a batch."""
        fields = self.windows.at(np.asarray(numbers, np.int64)).fields()
        return [{name: values[row] for name, values in fields.items()} for row in range(len(numbers))]

    def __repr__(self) -> str:
        return f"<Items: {len(self):,} windows by number>"


class WholeBatches:
    """Batch k of this rank, for k from 0 to below the length, in the order of (seed, epoch)."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, number: int) -> Item:
        return self.windows.batch(_place(number, len(self))).fields()

    def __repr__(self) -> str:
        return f"<WholeBatches: {len(self):,} batches by number>"


def _place(number: int, count: int) -> int:
    """A number below zero counts from the end.

    Raises:
        IndexError: there is no such element.
    """
    found = operator.index(number)
    if not -count <= found < count:
        message = f"element {found} of {count}"
        raise IndexError(message)
    return found % count
