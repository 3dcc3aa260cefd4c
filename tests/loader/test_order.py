"""The order of an epoch: a permutation of (seed, epoch), the same everywhere and for ever."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attractory.loader.order import Order


def test_order_is_pinned() -> None:
    """A seed means the same batches in every version: a change here changes what users' runs draw, so it needs a line in CHANGELOG and a
    new number in the text that the keys are hashed from."""
    assert Order(10, seed=0, epoch=0)(np.arange(10)).tolist() == [6, 8, 2, 0, 7, 5, 3, 4, 9, 1]
    assert Order(3_585_000, seed=0, epoch=0)(np.arange(5)).tolist() == [1865079, 822713, 2299620, 3007023, 236629]
    assert Order(3_585_000, seed=7, epoch=2)(np.arange(5)).tolist() == [829807, 204445, 3171226, 3274997, 53978]
    assert Order(10**12, seed=-1, epoch=10**9)(np.arange(3)).tolist() == [998895270929, 392848625146, 68387298535]


@given(windows=st.integers(1, 5000), seed=st.integers(), epoch=st.integers(0, 10**6))
def test_every_window_comes_once(windows: int, seed: int, epoch: int) -> None:
    """The order is a bijection of [0, windows), whatever the numbers."""
    assert np.array_equal(np.sort(Order(windows, seed, epoch)(np.arange(windows))), np.arange(windows))


def test_a_position_is_computed_alone() -> None:
    """The window at a position does not depend on which other positions are asked for, or in which shape."""
    order = Order(100_003, seed=3, epoch=1)
    together = order(np.arange(600).reshape(20, 30))
    assert [int(order(np.array([position]))[0]) for position in (0, 17, 599)] == together.ravel()[[0, 17, 599]].tolist()


@pytest.mark.parametrize(("seed", "epoch"), [(0, 1), (1, 0), (10, 0)])
def test_another_seed_or_epoch_is_another_order(seed: int, epoch: int) -> None:
    """Two orders agree in about one place, as two random permutations do."""
    positions = np.arange(50_000)
    same = Order(50_000, 0, 0)(positions) == Order(50_000, seed, epoch)(positions)
    assert same.sum() < 10  # Poisson with mean 1: 10 or more has probability 1e-7


@pytest.mark.parametrize("lag", [0, 1, 256, 1024])
def test_neighbours_are_independent(lag: int) -> None:
    """Windows `lag` positions apart (0: a window and its position) fill a grid of 50 x 50 cells as chance would."""
    count = 200_003  # a prime, not near a power of two
    windows = Order(count, seed=1, epoch=0)(np.arange(count))
    first = np.arange(count) if lag == 0 else windows[:-lag]
    cells, _, _ = np.histogram2d(first, windows[lag:], bins=50)
    chi_square = ((cells - cells.mean()) ** 2 / cells.mean()).sum()
    assert abs(chi_square - 2500) < 5 * np.sqrt(2 * 2500)  # five standard deviations; the margins of a permutation are fixed: 99 fewer


def test_a_few_windows_take_every_order() -> None:
    """Each of the 24 orders of four windows is drawn about equally often over many seeds."""
    drawn = [tuple(Order(4, seed, 0)(np.arange(4)).tolist()) for seed in range(4800)]
    counts = np.unique(np.array(drawn), axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert ((counts - 200) ** 2 / 200).sum() < 60  # chi-square of 23 degrees: 60 has probability 4e-5
