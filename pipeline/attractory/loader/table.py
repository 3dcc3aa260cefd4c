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

    def some(self, rows: int | np.ndarray) -> Located:
        """Some of them: of an array of numbers, or of truths."""
        return Located(self.member[rows], self.trajectory[rows], self.start[rows])


@dataclass(frozen=True)
class WindowTable:
    """All windows of some systems, numbered by system, then trajectory, then start."""

    trajectories: tuple[np.ndarray, ...]  # of each system, the numbers of those that take part
    per_trajectory: tuple[int, ...]  # windows of one trajectory, of each system
    strides: tuple[int, ...]  # samples between the beginnings of a trajectory's windows, of each system

    def __len__(self) -> int:
        return int(self._first[-1])

    def locate(self, windows: np.ndarray) -> Located:
        """System, trajectory and first sample of windows (int64, each in [0, len))."""
        member = np.searchsorted(self._first, windows, side="right") - 1
        row, step = np.divmod(windows - self._first[member], self._per_trajectory[member])
        return Located(member, self._flat[self._row[member] + row], step * self._strides[member])

    @cached_property
    def first_of_trajectories(self) -> np.ndarray:
        """The first window of each trajectory that takes part, and the number of windows (trajectory + 1,), int64."""
        return _offsets(np.repeat(self._per_trajectory, [len(numbers) for numbers in self.trajectories]))

    def blocks(self, rows: Sequence[int]) -> np.ndarray:
        """Where blocks of trajectories begin and the last one ends (block + 1,), int64: places in the list of all trajectories.

        Args:
            rows: trajectories that are stored, and decoded, together, of each system.
        """
        systems = np.repeat(np.arange(len(rows)), [len(numbers) for numbers in self.trajectories])
        chunk = self._flat // np.repeat(np.array(rows, np.int64), [len(numbers) for numbers in self.trajectories])
        changes = np.flatnonzero((np.diff(systems) != 0) | (np.diff(chunk) != 0)) + 1
        return np.concatenate([[0], changes, [len(self._flat)]]).astype(np.int64)

    @cached_property
    def _per_trajectory(self) -> np.ndarray:
        return np.array(self.per_trajectory, np.int64)

    @cached_property
    def _strides(self) -> np.ndarray:
        return np.array(self.strides, np.int64)

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


def _offsets(sizes: Sequence[int] | np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
