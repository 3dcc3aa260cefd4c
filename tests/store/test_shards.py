"""A shard's bytes are those of zarr's sharding codec: zarr-python reads back what was encoded, for every shape."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import zarr

from attractory.store.documents import state_document
from attractory.store.files import document
from attractory.store.plan import shard_shape
from attractory.store.shards import encode_shard


def states_of(trajectories, samples, variables, dtype):
    """A random walk as the engine gives it: (trajectory, time, variable) seen through variable-major memory."""
    steps = np.random.default_rng(7).normal(size=(trajectories, variables, samples))
    return np.cumsum(steps, axis=2).astype(dtype).transpose(0, 2, 1)


def read_with_zarr(folder, content, *, shape, cut, dtype):
    (folder / "c/0/0").mkdir(parents=True)
    (folder / "c/0/0/0").write_bytes(content)
    (folder / "zarr.json").write_bytes(document(state_document(shape, dtype=dtype, cut=cut, attributes={})))
    return zarr.open_array(folder, mode="r")[:]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("held", "full", "samples", "variables"),
    [(4, 4, 50, 3), (3, 4, 50, 3), (1, 6, 7, 1), (2, 2, 9001, 7), (5, 8, 4096, 5), (3, 3, 1, 1)],
)
def test_zarr_reads_the_same_values(tmp_path, held, full, samples, variables, dtype):
    """Full and partial shards, packed and cut trajectories, padded ends: the values come back to the bit."""
    states = states_of(held, samples, variables, dtype)
    cut = shard_shape(full, samples=samples, variables=variables, itemsize=states.itemsize)
    read = read_with_zarr(tmp_path / "a", encode_shard(states, cut), shape=states.shape, cut=cut, dtype=dtype)
    assert read.tobytes() == np.ascontiguousarray(states).tobytes()


def test_trajectories_beyond_the_shard_are_nan(tmp_path):
    """A shard that holds fewer trajectories than the array reads as NaN there."""
    states = states_of(2, 20, 3, "float32")
    cut = shard_shape(8, samples=20, variables=3, itemsize=4)
    read = read_with_zarr(tmp_path / "a", encode_shard(states, cut), shape=(8, 20, 3), cut=cut, dtype="float32")
    assert np.isnan(read[2:]).all()


def test_bytes_do_not_depend_on_memory_order_or_thread():
    """A view and its copy, the main thread and another one: one file."""
    states = states_of(4, 5000, 4, "float32")
    cut = shard_shape(4, samples=5000, variables=4, itemsize=4)
    first = encode_shard(states, cut)
    found = [encode_shard(np.ascontiguousarray(states), cut)]
    aside = threading.Thread(target=lambda: found.append(encode_shard(states, cut)))
    aside.start()
    aside.join()
    assert found == [first, first]
