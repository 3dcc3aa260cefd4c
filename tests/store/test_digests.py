"""The digests of a shard are SHA-256, however they are computed."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from attractory.store.digests import decoded_sha256, shard_digests

# Some are more than is put in order at a time.
SHAPES = ((1, 1, 1), (3, 20, 2), (5, 7, 3), (300, 41, 1), (3, 30_000, 3))


def both(content, states):
    return hashlib.sha256(content).hexdigest(), hashlib.sha256(np.ascontiguousarray(states).tobytes()).hexdigest()


def variable_major(shape, dtype):
    """Draws as the engine gives them: (trajectory, time, variable) seen through variable-major memory."""
    trajectories, samples, variables = shape
    return np.random.default_rng(3).random((trajectories, variables, samples)).astype(dtype).transpose(0, 2, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_they_are_of_the_file_and_of_the_values_in_order(shape, dtype):
    """Whatever the memory of the values was."""
    states, content = variable_major(shape, dtype), b"a file"
    assert shard_digests(content, states) == both(content, states)


def test_the_order_of_values_does_not_depend_on_memory():
    """The digest of decoded values is of (trajectory, time, variable), whatever the memory was."""
    states = variable_major((300, 41, 2), "float32")
    assert decoded_sha256(states) == decoded_sha256(np.ascontiguousarray(states)) == both(b"", states)[1]
