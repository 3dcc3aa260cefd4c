"""Windows by number: which system, trajectory and first sample window i is. Pure arithmetic; no list of windows is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Located:
    """Where some windows lie, each field int64 of the same shape."""

    member: np.ndarray  # place of the system in the table
    trajectory: np.ndarray
    start: np.ndarray


@dataclass(frozen=True)
class WindowTable:
    """All windows of some systems, numbered by system, then trajectory, then start."""

    trajectories: tuple[np.ndarray, ...]  # of each system, the numbers of those that take part
    per_trajectory: tuple[int, ...]  # windows of one trajectory, of each system
    stride: int

    def __len__(self) -> int:
        return int(self._first[-1])

    def locate(self, windows: np.ndarray) -> Located:
        """System, trajectory and first sample of windows (int64, each in [0, len))."""
        member = np.searchsorted(self._first, windows, side="right") - 1
        row, step = np.divmod(windows - self._first[member], self._per_trajectory[member])
        return Located(member, self._flat[self._row[member] + row], step * self.stride)

    @cached_property
    def _per_trajectory(self) -> np.ndarray:
        return np.array(self.per_trajectory, np.int64)

    @cached_property
    def _flat(self) -> np.ndarray:
        return np.concatenate(self.trajectories).astype(np.int64)

    @cached_property
    def _row(self) -> np.ndarray:
        """Where each system's trajectories begin in `_flat`, and the end."""
        return _offsets([len(numbers) for numbers in self.trajectories])

    @cached_property
    def _first(self) -> np.ndarray:
        """The first window of each system, and the number of windows."""
        return _offsets([len(numbers) * each for numbers, each in zip(self.trajectories, self.per_trajectory, strict=True)])


def windows_of(samples: int, *, length: int, stride: int) -> int:
    """Windows of `length` samples that begin at 0, stride, … of a trajectory."""
    return 0 if length > samples else (samples - length) // stride + 1


def _offsets(sizes: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
