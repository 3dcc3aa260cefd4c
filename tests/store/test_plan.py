"""Shards, blocks and inner chunks are arithmetic: they cover every trajectory once and every sample once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attractory.store.plan import INNER_BYTES, shard_shape


def test_blocks_cover_each_trajectory_once(tiny):
    """Every trajectory of every system is in exactly one block, in order."""
    planned = tiny.plan(shard_trajectories=4)
    found = {system.name: [] for system in planned.systems}
    for block in planned.blocks():
        found[block.system] += range(block.first, block.first + block.count)
    assert found == {"Logistic": list(range(7)), "Lorenz": list(range(10))}
    assert planned.tasks == 2 + 3


def test_splits_follow_each_other(tiny):
    """Train, validation and test are contiguous ranges in that order."""
    assert tiny.plan().system("Lorenz").split_codes().tolist() == [0] * 6 + [1] * 2 + [2] * 2


def test_bytes_are_those_of_the_arrays(tiny):
    """The estimate that is held against the disk counts states, time axes and the arrays of each system."""
    lorenz = 10 * (7 + 33) * 3 * 4 + 8 * (7 + 33) + 10 * (8 * (3 + 2 + 1) + 2)
    logistic = 7 * 7 * 4 + 8 * 7 + 7 * (8 * (1 + 0 + 1) + 2)
    assert tiny.plan().bytes == lorenz + logistic


@pytest.mark.parametrize(
    ("samples", "variables", "inner"),
    [
        (4096, 3, (1, 4096, 3)),  # 48 KiB: one trajectory
        (1024, 3, (1, 1024, 3)),  # 12 KiB: two would be above 16
        (100, 1, (32, 100, 1)),  # 0.4 KiB: the largest divisor of 64 that stays below 16 KiB
        (4096, 20, (1, 512, 20)),  # 320 KiB: eight pieces of 40 KiB, none padded
        (100_003, 3, (1, 5264, 3)),  # a prime: nothing divides it, so the last piece is padded
    ],
)
def test_inner_chunks_suit_the_length(samples, variables, inner):
    """A long trajectory is cut, short ones are packed."""
    assert shard_shape(64, samples=samples, variables=variables, itemsize=4).inner == inner


@given(st.integers(1, 300), st.integers(1, 50_000), st.integers(1, 64), st.sampled_from([4, 8]))
def test_every_cut_is_one_that_zarr_accepts(trajectories, samples, variables, itemsize):
    """Inner chunks divide the shard, the shard holds every sample, and no inner chunk is larger than it may be."""
    cut = shard_shape(trajectories, samples=samples, variables=variables, itemsize=itemsize)
    assert all(outer % inner == 0 for outer, inner in zip(cut.shard, cut.inner, strict=True))
    assert cut.shard[0] == trajectories
    assert 0 <= cut.shard[1] - samples < cut.grid[1]
    size = cut.inner[0] * cut.inner[1] * variables * itemsize
    assert size <= INNER_BYTES + variables * itemsize  # rounding up adds at most one sample
