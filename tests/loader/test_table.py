"""Windows by number."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from attractory.loader.table import WindowTable, windows_of


def test_windows_are_numbered_by_system_trajectory_and_start() -> None:
    """Two systems: trajectories 3 and 5 with two windows each, then trajectory 0 with three."""
    table = WindowTable((np.array([3, 5]), np.array([0])), (2, 3), strides=(10, 10))
    located = table.locate(np.arange(len(table)))
    assert located.member.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert located.trajectory.tolist() == [3, 3, 5, 5, 0, 0, 0]
    assert located.start.tolist() == [0, 10, 0, 10, 0, 10, 20]


def test_a_system_without_trajectories_has_no_window() -> None:
    """An empty system between two others is passed over."""
    table = WindowTable((np.array([0]), np.array([], np.int64), np.array([1])), (2, 2, 2), strides=(1, 1, 1))
    assert table.locate(np.arange(4)).member.tolist() == [0, 0, 2, 2]


@given(samples=st.integers(1, 60), length=st.integers(1, 60), stride=st.integers(1, 20))
def test_windows_are_all_that_fit(samples: int, length: int, stride: int) -> None:
    """The count equals that of the starts whose window ends within the trajectory."""
    assert windows_of(samples, length=length, stride=stride) == len([s for s in range(0, samples, stride) if s + length <= samples])


def test_ten_trillion_windows_cost_nothing() -> None:
    """The last window of a table that could never be listed."""
    table = WindowTable((np.arange(1_000_000),), (10_000_000,), strides=(1,))
    last = table.locate(np.array([len(table) - 1]))
    assert (len(table), int(last.trajectory[0]), int(last.start[0])) == (10**13, 999_999, 9_999_999)
