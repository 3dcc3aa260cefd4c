"""The two SHA-256 of a shard, of its file and of its decoded values, both in one pass: a quarter of a fast system's time goes there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from attractory.kernels import sha256 as kernel

# So many bytes of values are put in order at a time: they and as many of the file stay in the cache of a core.
_AT_ONCE = 256 * 1024


def shard_digests(content: bytes, states: np.ndarray) -> tuple[str, str]:
    """(SHA-256 of the bytes, SHA-256 of the values as `decoded_sha256` has it), both as hexadecimal text.

    Args:
        states: (trajectory, time, variable); may be a transposed view.
    """
    return _two(content, states) if kernel.has_instructions() else (hashlib.sha256(content).hexdigest(), decoded_sha256(states))


def decoded_sha256(states: np.ndarray) -> str:
    """SHA-256 of the decoded values, as little-endian bytes in C order of (trajectory, time, variable)."""
    digest = hashlib.sha256()
    for piece in _in_order(states):
        digest.update(piece.data)
    return digest.hexdigest()


def _two(content: bytes, states: np.ndarray) -> tuple[str, str]:
    file, values, rest = _Digest(), _Digest(), np.frombuffer(content, np.uint8)
    for piece in _in_order(states):
        ready = values.joined(piece)
        blocks = min(ready.size, rest.size) // kernel.BLOCK_BYTES
        _advance_both(values, ready, file, rest, blocks)
        values.take(ready[blocks * kernel.BLOCK_BYTES :])
        rest = rest[blocks * kernel.BLOCK_BYTES :]
    file.take(rest)
    return file.ended(), values.ended()


class _Digest:
    """A SHA-256 so far: the state after the whole blocks, and the bytes behind them."""

    def __init__(self) -> None:
        self.state = np.array(kernel.initial_state(), np.uint32)
        self.whole_bytes = 0
        self._left = np.empty(0, np.uint8)

    def joined(self, piece: np.ndarray) -> np.ndarray:
        """What is left and what comes; nothing is left then."""
        ready = np.concatenate([self._left, piece]) if self._left.size else piece
        self._left = self._left[:0]
        return ready

    def take(self, piece: np.ndarray) -> None:
        """Go on with these bytes."""
        ready = self.joined(piece)
        blocks = ready.size // kernel.BLOCK_BYTES
        kernel.compiled().functions["one"](self.state.ctypes.data, ready.ctypes.data, blocks)
        self.whole_bytes += blocks * kernel.BLOCK_BYTES
        self._left = ready[blocks * kernel.BLOCK_BYTES :].copy()

    def ended(self) -> str:
        """The digest, as the text of its eight words: a one behind the bytes, zeros, and their number of bits fill the last block."""
        bits = 8 * (self.whole_bytes + self._left.size)
        zeros = -(self._left.size + 9) % kernel.BLOCK_BYTES
        self.take(np.frombuffer(b"\x80" + bytes(zeros) + bits.to_bytes(8, "big"), np.uint8))
        return self.state.astype(">u4").tobytes().hex()


def _advance_both(one: _Digest, first: np.ndarray, two: _Digest, second: np.ndarray, blocks: int) -> None:
    places = (one.state.ctypes.data, first.ctypes.data, two.state.ctypes.data, second.ctypes.data)
    kernel.compiled().functions["two"](*places, blocks)
    for digest in (one, two):
        digest.whole_bytes += blocks * kernel.BLOCK_BYTES


def _in_order(states: np.ndarray) -> Iterator[np.ndarray]:
    """The values' bytes in their order, some trajectories at a time, each time in the same memory."""
    one = states.shape[1] * states.shape[2] * states.itemsize
    together = max(1, _AT_ONCE // max(one, 1))
    ordered = np.empty((min(together, len(states)), *states.shape[1:]), states.dtype.newbyteorder("<"))
    for first in range(0, len(states), together):
        some = states[first : first + together]
        # By variable, because the engine's memory is variable-major: 2 to 5 times as fast as NumPy's own order of a transposing copy.
        for variable in range(states.shape[2]):
            ordered[: len(some), :, variable] = some[:, :, variable]
        yield ordered[: len(some)].reshape(-1).view(np.uint8)
