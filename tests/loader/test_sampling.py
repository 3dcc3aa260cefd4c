"""Weighted draws: shares that hold to the last draw, windows of a trajectory alike, and another choice each epoch."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attractory.errors import RequestError
from attractory.loader import Dataset, Windows
from attractory.loader import open as open_store
from attractory.loader.sampling import Sampling
from attractory.loader.table import WindowTable

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}


@pytest.fixture(scope="module")
def dataset(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_store(stores.write(tmp_path_factory.mktemp("weights") / "s.zarr", stores.Written(systems={"A": 1, "B": 2, "C": 3})))


def systems(windows: Windows) -> Counter[int]:
    return Counter(int(code) for batch in windows for code in batch.system)


def table(*sizes: tuple[int, int]) -> WindowTable:
    """Systems of (trajectories, windows of each)."""
    return WindowTable(tuple(np.arange(count) for count, _ in sizes), tuple(each for _, each in sizes), (1,) * len(sizes))


def test_shares_of_systems_are_exact(dataset: Dataset) -> None:
    """Of 600 draws 300, 200 and 100; those that are not named have weight 1."""
    assert systems(dataset.windows(**SETTINGS, weights={"A": 3, "B": 2}, draws=600)) == {0: 300, 1: 200, 2: 100}
    assert systems(dataset.windows(**SETTINGS, weights={"A": 0}, draws=600)) == {1: 300, 2: 300}
    assert systems(dataset.windows(**SETTINGS, systems=["A", "C"], weights="systems", draws=50)) == {0: 25, 2: 25}


def test_equal_weights_and_all_draws_are_every_window_once(dataset: Dataset) -> None:
    """A weight of one for each trajectory changes nothing but the order's numbering."""
    drawn = [int(index) for batch in dataset.windows(**SETTINGS, weights={"A": np.ones(8)}) for index in batch.index]
    assert sorted(drawn) == list(range(3 * 5 * 39))


def test_importance_weights_count_for_trajectories(dataset: Dataset) -> None:
    """Trajectory 1 of A twice as often as others, trajectory 2 never."""
    weights = {"A": np.array([1, 2, 0, 1, 1, 1, 1, 1.0])}
    drawn: Counter[int] = Counter()
    for batch in dataset.windows(**SETTINGS, systems=["A"], weights=weights, draws=500):
        drawn.update(batch.trajectory.tolist())
    assert drawn == {0: 100, 1: 200, 3: 100, 4: 100}


def test_a_curriculum_is_a_function_of_the_epoch(dataset: Dataset) -> None:
    """The share of B grows from nothing."""
    windows = dataset.windows(**SETTINGS, weights=lambda epoch: {"A": 1, "B": epoch, "C": 0}, draws=120)
    assert systems(windows) == {0: 120}
    assert systems(windows.with_epoch(2)) == {0: 40, 1: 80}


def test_fewer_draws_than_windows_change_from_epoch_to_epoch(dataset: Dataset) -> None:
    """Half of the windows each epoch, none twice; in ten epochs nearly all of them."""
    windows = dataset.windows(**SETTINGS, draws=292)
    epochs = [sorted(int(i) for batch in windows.with_epoch(epoch) for i in batch.index) for epoch in range(10)]
    assert all(len(set(epoch)) == 292 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 10
    assert len({index for epoch in epochs for index in epoch}) > 0.95 * 585  # of independent halves 99.9 % would be drawn


@given(
    sizes=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 30)), min_size=1, max_size=4).filter(lambda s: any(n for n, _ in s)),
    draws=st.integers(1, 500),
    seed=st.integers(0, 10**6),
    equal=st.booleans(),
)
def test_draws_are_spread_evenly(sizes: list[tuple[int, int]], draws: int, seed: int, equal: bool) -> None:
    """As many as asked; of each trajectory's windows none comes two times more often than another; each is a window of the table."""
    windows = table(*sizes)
    sampling = Sampling(
        tuple("ABCD"[: len(sizes)]), weights="systems" if equal else None, draws=draws, trajectories=tuple(n for n, _ in sizes)
    )
    found = sampling.of_epoch(windows, seed=seed, epoch=0)
    drawn = found(np.arange(len(found)))
    assert len(drawn) == len(found) == draws
    counts = np.bincount(drawn, minlength=len(windows))
    assert len(counts) == len(windows)
    edges = windows.first_of_trajectories
    spread = [np.ptp(counts[begin:end]) for begin, end in pairwise(edges) if begin < end]
    assert max(spread) <= 1


def test_weighted_order_is_pinned() -> None:
    """A seed means the same draws in every version; see test_order.py."""
    sampling = Sampling(("A", "B"), weights="systems", draws=8, trajectories=(2, 3))
    draws = sampling.of_epoch(table((2, 10), (3, 100)), seed=1, epoch=0)
    assert draws.first.tolist() == [0, 2, 4, 6, 7, 8]
    assert draws(np.arange(8)).tolist() == [2, 7, 10, 15, 53, 103, 172, 228]


def test_stores_as_one_have_their_shares(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two stores with three to one; without weights every window of both once; a name that both have is told apart."""
    folder = tmp_path_factory.mktemp("mixture")
    first = stores.write(folder / "one.zarr", stores.Written(systems={"A": 2, "B": 3}))
    second = stores.write(folder / "two.zarr", stores.Written(systems={"B": 3, "C": 1}, splits=(3, 0, 0)))
    both = open_store([first, second])
    assert both.system_names == ("A", "tiny#1/B", "tiny#2/B", "C")
    assert (len(both), [len(one) for one in both.stores]) == (22, [16, 6])
    whole = both.windows(**SETTINGS)
    assert sorted(int(i) for batch in whole for i in batch.index) == list(range((10 + 6) * 39))
    mixed = systems(open_store([first, second], weights=[3, 1]).windows(**SETTINGS, draws=400))
    assert mixed[0] + mixed[1] == 300
    assert mixed[2] + mixed[3] == 100
    for batch in whole:
        for row, (system, trajectory, start) in enumerate(zip(batch.system, batch.trajectory, batch.start, strict=True)):
            code, dimension = ((0, 2), (1, 3), (0, 3), (1, 1))[system]
            expected = stores.numbers(code, trajectory + 1, start + 12, dimension)[trajectory, start:]
            assert np.array_equal(batch.state[row, :, :dimension], expected)
    with pytest.raises(RequestError, match=r"recipe of 2 stores together: ask one of them, dataset.stores\[0\].recipe"):
        both.recipe  # noqa: B018
    with pytest.raises(RequestError, match="expected a number for each of the 2 stores"):
        open_store([first, second], weights=[1])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"D": 1}, "'D' is not one of the chosen systems"),
        ({"A": -1}, "none below zero"),
        ({"A": [1, 2]}, "expected one number for each of its 8 trajectories"),
        ({"A": 0, "B": 0, "C": 0}, "all of what is chosen has weight zero"),
        ({"A": 1, "B": np.ones(8)}, "give one kind"),
        ("system", "expected 'systems'"),
    ],
)
def test_weights_without_meaning_are_refused(dataset: Dataset, weights: Any, message: str) -> None:
    """What was expected is said."""
    with pytest.raises(RequestError, match=message):
        dataset.windows(**SETTINGS, weights=weights)
