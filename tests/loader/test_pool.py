"""Decoded chunks in memory: as many as fit, the right ones, and never more bytes than allowed."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from attractory.loader.decoded_cache import DecodedCache
from attractory.loader.pool import ChunkPool, PoolPlan, WholePool


@pytest.fixture(scope="module")
def plan(stores: Any, tmp_path_factory: pytest.TempPathFactory) -> PoolPlan:
    """Six trajectories of 50 samples in time chunks of 20: three chunks each, the last of them partly beyond the end."""
    written = stores.Written(systems={"Lorenz": 3}, splits=(6, 0, 0), chunk=(1, 20))
    array = stores.array(stores.write(tmp_path_factory.mktemp("pool") / "s.zarr", written))
    return PoolPlan((array,), (np.array([1, 2, 4]),))


def first_values(pool: ChunkPool, chunks: list[int]) -> list[float]:
    return pool.memory[pool.hold(np.array(chunks)), 0, 0, 0].tolist()


def expected(stores: Any, chunks: list[int]) -> list[float]:
    states = stores.numbers(0, 6, 50, 3)
    return [states[chunk // 3, chunk % 3 * 20, 0] for chunk in chunks]


def test_chunks_are_numbered_by_trajectory_then_time(plan: PoolPlan) -> None:
    """Of trajectories 1, 2 and 4, three chunks each."""
    assert plan.wanted_chunks().tolist() == [3, 4, 5, 6, 7, 8, 12, 13, 14]
    assert plan.wanted == 9


@pytest.mark.parametrize("slots", [2, 3, 5])
def test_a_small_pool_always_holds_what_was_asked_for(stores: Any, plan: PoolPlan, slots: int) -> None:
    """Whatever had to make room before."""
    pool = ChunkPool(plan, slots=slots)
    for chunks in ([3, 8], [4, 5], [3, 14], [5], [6, 7], [3, 8], [12, 13]):
        assert first_values(pool, chunks) == expected(stores, chunks)


def test_the_least_recently_used_makes_room(plan: PoolPlan) -> None:
    """Of three slots, 3 and 5 were used after 4: their values are there although the files are gone."""
    pool = ChunkPool(plan, slots=3)
    for chunks in ([3, 4, 5], [3], [5], [6]):
        pool.hold(np.array(chunks))
    assert (pool._slots([3, 5, 6]) >= 0).all()
    assert pool._slots([4]) == [-1]


def test_a_whole_pool_keeps_the_time_of_a_trajectory_in_a_row(stores: Any, plan: PoolPlan) -> None:
    """A stretch of 30 samples that begins in the first chunk of trajectory 2 and ends in its second."""
    pool = WholePool(plan)
    pool.hold(np.array([6, 7, 8]))
    begin = int(pool.sample(np.array([6]))[0]) + 11
    assert np.array_equal(pool.stretches(30)[begin], stores.numbers(0, 6, 50, 3)[2, 11:41])
    assert not pool.is_complete
    pool.hold(plan.wanted_chunks())
    assert pool.is_complete


def test_the_cache_stays_within_its_limit(plan: PoolPlan) -> None:
    """Two sets of which only one fits: the older goes; a set that is too large gets as many chunks as fit."""
    size = plan.wanted * plan.chunk_bytes
    cache = DecodedCache(size + 10)
    (first,) = cache.pools("first", [plan])
    assert isinstance(first, WholePool)
    assert cache.pools("first", [plan])[0] is first
    assert isinstance(cache.pools("second", [plan])[0], WholePool)
    assert cache.pools("first", [plan])[0] is not first
    assert DecodedCache(size // 2).pools("first", [plan])[0].slots == 4


def test_a_pickle_carries_no_decoded_data(plan: PoolPlan) -> None:
    """A worker process begins with an empty cache of the same limit."""
    cache = DecodedCache(10**6)
    cache.pools("first", [plan])
    copy = pickle.loads(pickle.dumps(cache))
    assert (copy.limit, copy._held()) == (10**6, 0)
