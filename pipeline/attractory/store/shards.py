"""One shard file's bytes from states, as zarr's sharding_indexed codec lays them out: inner chunks in C order, then their index.

Written directly, not through zarr-python, for speed (one pass, no event loop) and because the bytes are a promise; tests read
every shape back with zarr-python and compare. Source: https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/index.html
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import google_crc32c
import numpy as np
from numcodecs import blosc  # type: ignore[import-untyped]

from attractory.store.documents import COMPRESSOR, LEVEL
from attractory.store.plan import ShardShape

# The index says this for a chunk that is not there (here: beyond the last trajectory); readers give the fill value for it.
_MISSING = np.uint64(2**64 - 1)


def encode_shard(states: np.ndarray, cut: ShardShape) -> bytes:
    """The bytes of one shard.

    Args:
        states: (trajectory, time, variable), at most as large as the shard; may be a transposed view.
    """
    # blosc orders the pieces of a buffer by whichever thread is first when it runs several, which it does on the main thread alone.
    with ThreadPoolExecutor(max_workers=1) as aside:
        return aside.submit(_encode, states, cut).result()


def _encode(states: np.ndarray, cut: ShardShape) -> bytes:
    chunks = [_compress(chunk) for chunk in _inner_chunks(states, cut)]
    sizes = np.array([len(chunk) for chunk in chunks], dtype=np.uint64)
    offsets = np.cumsum(sizes, dtype=np.uint64) - sizes
    index = np.full((cut.grid[0] * cut.grid[1], 2), _MISSING, dtype="<u8")
    index[: len(chunks), 0] = offsets
    index[: len(chunks), 1] = sizes
    packed = index.tobytes()
    return b"".join([*chunks, packed, google_crc32c.value(packed).to_bytes(4, "little")])


def _inner_chunks(states: np.ndarray, cut: ShardShape) -> Iterator[np.ndarray]:
    """Every inner chunk that holds a trajectory, in C order, as (trajectory, variable, time), filled up with NaN to its full size."""
    (together, length, _), little = cut.inner, states.dtype.newbyteorder("<")
    for first in range(0, states.shape[0], together):
        for start in range(0, cut.shard[1], length):
            piece = states[first : first + together, start : start + length].transpose(0, 2, 1)
            missing = (together - piece.shape[0], length - piece.shape[2])
            if any(missing):
                piece = np.pad(piece, ((0, missing[0]), (0, 0), (0, missing[1])), constant_values=np.nan)
            yield np.ascontiguousarray(piece, dtype=little)


def _compress(chunk: np.ndarray) -> bytes:
    compressed: bytes = blosc.compress(chunk, COMPRESSOR.encode(), LEVEL, blosc.SHUFFLE, 0, chunk.dtype.itemsize)
    return compressed
