"""The digests of a shard are SHA-256, however they are computed."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from attractory.kernels import sha256
from attractory.store.digests import decoded_sha256, shard_digests

# Around the ends of one and two blocks of 64 bytes, where the last length has room or not; and more than is put in order at a time.
LENGTHS = (0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 700_000)
SHAPES = ((1, 1, 1), (3, 20, 2), (5, 7, 3), (300, 41, 1), (3, 30_000, 3))


def both(content, states):
    return hashlib.sha256(content).hexdigest(), hashlib.sha256(np.ascontiguousarray(states).tobytes()).hexdigest()


def variable_major(shape, dtype):
    """Draws as the engine gives them: (trajectory, time, variable) seen through variable-major memory."""
    trajectories, samples, variables = shape
    return np.random.default_rng(3).random((trajectories, variables, samples)).astype(dtype).transpose(0, 2, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_two_digests_at_a_time_are_those_of_hashlib(shape, dtype):
    """Of a file and of values of any two lengths, the shorter of them first or last."""
    states, content = variable_major(shape, dtype), np.random.default_rng(4).bytes(max(LENGTHS))
    for length in LENGTHS:
        assert shard_digests(content[:length], states) == both(content[:length], states)


def test_without_the_instructions_they_are_the_same(monkeypatch):
    """A processor that lacks them takes hashlib."""
    states = variable_major((3, 20, 2), "float32")
    monkeypatch.setattr(sha256, "has_instructions", lambda: False)
    monkeypatch.setattr(sha256, "compiled", lambda: pytest.fail("these instructions are not there"))
    assert shard_digests(b"bytes", states) == both(b"bytes", states)


def test_the_constants_are_those_of_the_standard():
    """They are computed from roots of primes; FIPS 180-4 prints them, as 6a09e667 … 5be0cd19 and 428a2f98 … c67178f2."""
    assert [
        f"{word:08x}" for word in sha256.initial_state()
    ] == "6a09e667 bb67ae85 3c6ef372 a54ff53a 510e527f 9b05688c 1f83d9ab 5be0cd19".split()
    assert [f"{sha256.constants()[place]:08x}" for place in (0, 1, 63)] == ["428a2f98", "71374491", "c67178f2"]


def test_the_order_of_values_does_not_depend_on_memory():
    """The digest of decoded values is of (trajectory, time, variable), whatever the memory was."""
    states = variable_major((300, 41, 2), "float32")
    assert decoded_sha256(states) == decoded_sha256(np.ascontiguousarray(states)) == both(b"", states)[1]
