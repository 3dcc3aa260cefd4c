"""Orders of an epoch: each draw once, whatever the way to shuffle; how well blocks mix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attractory.errors import RequestError
from attractory.loader import Dataset
from attractory.loader import open as open_store
from attractory.loader.epochs import BlockShuffled, Buckets, EpochOrder, EpochPlan, EqualBlocks
from attractory.loader.sampling import Sampling
from attractory.loader.table import WindowTable

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}


@pytest.fixture(scope="module")
def dataset(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    written = stores.Written(systems={"A": 1, "B": 2, "C": 3, "D": 2}, chunk=(2, 1000))
    return open_store(stores.write(tmp_path_factory.mktemp("epochs") / "s.zarr", written))


def plan(sizes: list[tuple[int, int]], **settings: Any) -> EpochPlan:
    """Of systems of (trajectories, windows of each)."""
    table = WindowTable(tuple(np.arange(count) for count, _ in sizes), tuple(each for _, each in sizes), (1,) * len(sizes))
    names = tuple("ABCDEFGH"[: len(sizes)])
    return EpochPlan(table, Sampling(names, trajectories=tuple(count for count, _ in sizes)), **settings)


def order(made: EpochPlan, *, batch_size: int = 4, drops: bool = False, seed: int = 0, epoch: int = 0) -> EpochOrder:
    return made.order(made.draws(seed=seed, epoch=epoch), seed=seed, epoch=epoch, batch_size=batch_size, drops=drops)


SIZES = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 40)), min_size=1, max_size=5).filter(lambda sizes: any(n for n, _ in sizes))


@given(sizes=SIZES, rows=st.integers(1, 4), mixing=st.integers(1, 20), seed=st.integers(0, 10**6))
def test_blocks_hold_every_window_once(sizes: list[tuple[int, int]], rows: int, mixing: int, seed: int) -> None:
    """A bijection, of which any position is computed alone; a group of blocks holds no other trajectory's windows."""
    made = plan(sizes, shuffle="blocks", mixing=mixing, rows=(rows,) * len(sizes))
    found = order(made, seed=seed)
    if isinstance(found, EqualBlocks):  # the same order, see below
        found = BlockShuffled(np.arange(found.count + 1) * found.each, found.together, seed, 0)
    assert isinstance(found, BlockShuffled)
    drawn = found(np.arange(len(found)))
    assert np.array_equal(np.sort(drawn), np.arange(len(made.table)))
    assert int(found(np.array([len(found) // 2]))[0]) == drawn[len(found) // 2]
    edges = found._groups
    blocks = np.searchsorted(found.first, drawn, side="right")
    groups = [set(blocks[begin:end].tolist()) for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert max(map(len, groups)) <= found.together


@given(count=st.integers(1, 40), each=st.integers(1, 30), mixing=st.integers(1, 50), seed=st.integers(0, 10**6))
def test_blocks_of_one_size_need_no_list(count: int, each: int, mixing: int, seed: int) -> None:
    """The order that is computed for them is that of blocks of any sizes."""
    found = order(plan([(count, each)], shuffle="blocks", mixing=mixing, rows=(1,)), seed=seed)
    assert isinstance(found, EqualBlocks)
    listed = BlockShuffled(np.arange(count + 1) * each, mixing, seed, 0)
    positions = np.arange(count * each)
    assert len(found) == len(listed) == count * each
    assert np.array_equal(found(positions), listed(positions))


@given(sizes=SIZES, batch_size=st.integers(1, 30), seed=st.integers(0, 10**6), drops=st.booleans())
def test_buckets_hold_every_window_once(sizes: list[tuple[int, int]], batch_size: int, seed: int, drops: bool) -> None:
    """In batches of one bucket each; only a bucket's last batch is not full, and is left out where that was asked for."""
    buckets = tuple(number % 2 for number in range(len(sizes)))
    made = plan(sizes, buckets=buckets)
    found = order(made, batch_size=batch_size, drops=drops, seed=seed)
    assert isinstance(found, Buckets)
    drawn = found(np.arange(len(found)))
    real = drawn[drawn >= 0]
    assert len(np.unique(real)) == len(real)
    counts = [sum(n * each for (n, each), b in zip(sizes, buckets, strict=True) if b == bucket) for bucket in sorted(set(buckets))]
    assert len(real) == sum(count // batch_size * batch_size if drops else count for count in counts)
    for batch in drawn.reshape(-1, batch_size):
        members = made.table.locate(batch[batch >= 0]).member
        assert len({buckets[member] for member in members.tolist()}) == 1


def test_orders_are_pinned() -> None:
    """A seed means the same batches in every version; see test_order.py."""
    sizes = [(3, 4), (2, 5)]
    blocks = order(plan(sizes, shuffle="blocks", mixing=2, rows=(1, 1)), seed=1)
    assert blocks(np.arange(22)).tolist() == [8, 2, 0, 11, 3, 1, 10, 9, 17, 15, 13, 20, 14, 21, 12, 18, 19, 16, 7, 6, 4, 5]
    buckets = order(plan(sizes, buckets=(2, 3)), seed=1, batch_size=4)
    assert buckets(np.arange(24)).tolist() == [0, 7, 9, 6, 3, 4, 10, 2, 19, 13, 14, 15, 21, 12, 20, 16, 17, 18, -1, -1, 11, 5, 8, 1]


def test_the_order_of_the_store_is_kept_where_nothing_is_shuffled(dataset: Dataset) -> None:
    """For evaluation: window i is the i-th."""
    drawn = [int(index) for batch in dataset.windows(**SETTINGS, shuffle="none") for index in batch.index]
    assert drawn == list(range(4 * 5 * 39))


def test_bucketed_batches_are_not_padded(dataset: Dataset, stores: Any) -> None:
    """Each batch has the width of its systems, every window comes once, and every row holds what it says."""
    dimensions = (1, 2, 3, 2)
    drawn: list[int] = []
    widths = set()
    for batch in dataset.windows(**SETTINGS, buckets="dimension"):
        assert batch.mask.shape == (len(batch), batch.state.shape[2])
        assert batch.mask.all()
        widths.add(batch.state.shape[2])
        drawn += batch.index.tolist()
        for row, (system, trajectory, start) in enumerate(zip(batch.system, batch.trajectory, batch.start, strict=True)):
            expected = stores.numbers(system, trajectory + 1, start + 12, dimensions[system])[trajectory, start:]
            assert np.array_equal(batch.state[row], expected)
    assert (sorted(drawn), widths) == (list(range(4 * 5 * 39)), {1, 2, 3})


def test_blocks_read_each_trajectory_for_one_stretch_of_the_epoch(dataset: Dataset) -> None:
    """With room for a quarter of the store: a global shuffle decodes chunks again and again, blocks once each."""
    trajectories = [
        (int(system), int(trajectory) // 2)
        for batch in dataset.windows(**SETTINGS, shuffle="blocks", mixing=4)
        for system, trajectory in zip(batch.system, batch.trajectory, strict=True)
    ]
    first = {block: trajectories.index(block) for block in set(trajectories)}
    last = {block: len(trajectories) - 1 - trajectories[::-1].index(block) for block in set(trajectories)}
    assert max(last[block] - first[block] for block in first) < 4 * 39  # the windows of four trajectories


@pytest.mark.parametrize(("mixing", "least", "most"), [(1, 1.0, 1.2), (16, 15.7, 15.8), (256, 40.6, 41.1)])
def test_how_well_blocks_mix_is_known(mixing: int, least: float, most: float) -> None:
    """Different trajectories in a batch of 64, of 64 trajectories of 1,000 windows: as many as 64 draws among `mixing` of them give,
    mixing * (1 - (1 - 1/mixing)**64), up to the batches that lie in two groups; of all 64 as many as in a global shuffle, 40.6."""
    made = plan([(64, 1000)], shuffle="blocks", mixing=mixing, rows=(1,))
    drawn = order(made)(np.arange(64_000)) // 1000
    counted = np.mean([len(np.unique(batch)) for batch in drawn.reshape(-1, 64)])
    assert least <= counted <= most


def test_a_global_shuffle_is_uniform() -> None:
    """Windows of each part of the store come at each part of the epoch as often as chance would have it: chi-square of 10 x 10 cells."""
    drawn = order(plan([(40, 500), (20, 1000)]), seed=5)(np.arange(40_000))
    cells, _, _ = np.histogram2d(np.arange(40_000), drawn, bins=10)
    assert ((cells - 400) ** 2 / 400).sum() < 124.3  # 81 degrees of freedom: 0.1 % are above


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shuffle": "block"}, "shuffle='block' is none of global, blocks, none. Did you mean 'blocks'"),
        ({"shuffle": "blocks", "mixing": 0}, "mixing=0: expected at least 1"),
        ({"buckets": "size"}, "buckets='size' is none of None, 'dimension'"),
        ({"buckets": "dimension", "batch_size": 500, "drop_last": True}, "windows do not fill one round"),
    ],
)
def test_orders_that_cannot_be_are_refused(dataset: Dataset, settings: dict[str, Any], message: str) -> None:
    """What there is, is said."""
    with pytest.raises(RequestError, match=message):
        dataset.windows(**{**SETTINGS, **settings})
