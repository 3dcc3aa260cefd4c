"""From the bytes of a chunk to its numbers, for the codecs that stores of ours are written with.

A chain is data: an optional transposition, the stored dtype, and the decompressors in the order in which they are undone. A codec that
is not known here gives no chain, and the array is then read through zarr-python.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import google_crc32c
import numpy as np
from numcodecs import blosc, zstd  # type: ignore[import-untyped]

# zarr-python does the same: without it numcodecs starts a pool of threads of its own, which a forked child inherits dead.
blosc.use_threads = False

Decompressor = Callable[[bytes, int], bytes]
BLOSC_HEADER = 16  # bytes; the sizes in it are little-endian uint32 at 4 (decoded) and 12 (encoded)


class ChunkError(ValueError):
    """The bytes of a chunk are not what the codec wrote; the caller adds the file's name."""


@dataclass(frozen=True)
class Chain:
    """How a chunk's bytes become an array: decompressors in the order of use, the stored dtype, the axes as stored."""

    decompressors: tuple[Decompressor, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...] | None = None

    def decode(self, data: bytes, shape: Sequence[int]) -> np.ndarray:
        """The chunk (shape), possibly a read-only view of `data`.

        Raises:
            ChunkError: the bytes are damaged.
        """
        size = math.prod(shape) * self.dtype.itemsize
        for decompress in self.decompressors:
            data = decompress(data, size)
        if len(data) != size:
            message = f"a chunk decodes to {len(data)} bytes instead of {size}"
            raise ChunkError(message)
        flat = np.frombuffer(data, self.dtype)
        if self.order is None:
            return flat.reshape(shape)
        return flat.reshape([shape[axis] for axis in self.order]).transpose(self._back)

    @cached_property
    def _back(self) -> tuple[int, ...]:
        """The transposition that undoes `order`."""
        order = self.order or ()
        return tuple(order.index(axis) for axis in range(len(order)))


def codec_chain(codecs: Sequence[Mapping[str, Any]], dtype: np.dtype[Any]) -> Chain | None:
    """The chain of a `codecs` list of zarr.json, or None where one of them is not known here."""
    order: tuple[int, ...] | None = None
    stored: np.dtype[Any] | None = None
    decompressors: list[Decompressor] = []
    for codec in codecs:
        name, settings = codec["name"], codec.get("configuration", {})
        if name == "transpose" and order is None and stored is None:
            order = tuple(settings["order"])
        elif name == "bytes" and stored is None:
            stored = dtype.newbyteorder(">" if settings.get("endian") == "big" else "<")
        elif name in DECOMPRESSORS and stored is not None:
            decompressors.append(DECOMPRESSORS[name])
        else:
            return None
    return None if stored is None else Chain(tuple(reversed(decompressors)), stored, order)


def _unblosc(data: bytes, size: int) -> bytes:
    # The sizes are checked before the C code sees the bytes: it trusts the header.
    decoded = int.from_bytes(data[4:8], "little")
    encoded = int.from_bytes(data[12:16], "little")
    if len(data) < BLOSC_HEADER or encoded != len(data) or decoded != size:
        message = "a chunk's blosc header does not match its size"
        raise ChunkError(message)
    try:
        return bytes_of(blosc.decompress(data))
    except RuntimeError as error:
        message = f"a chunk does not decompress: {error}"
        raise ChunkError(message) from error


def _unzstd(data: bytes, size: int) -> bytes:
    try:
        return bytes_of(zstd.decompress(data))
    except (RuntimeError, ValueError) as error:
        message = f"a chunk does not decompress: {error}"
        raise ChunkError(message) from error


def _ungzip(data: bytes, size: int) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        message = f"a chunk does not decompress: {error}"
        raise ChunkError(message) from error


def uncrc32c(data: bytes, size: int = 0) -> bytes:
    """The bytes before a four-byte little-endian CRC-32C that matches them; `size` is not used.

    Raises:
        ChunkError: it does not match.
    """
    content, checksum = data[:-4], data[-4:]
    if len(data) < 4 or google_crc32c.value(content) != int.from_bytes(checksum, "little"):
        message = "a CRC-32C checksum does not match"
        raise ChunkError(message)
    return content


def bytes_of(data: Any) -> bytes:
    """What a codec returned, as bytes."""
    return data if isinstance(data, bytes) else bytes(data)


DECOMPRESSORS: Mapping[str, Decompressor] = {"blosc": _unblosc, "zstd": _unzstd, "gzip": _ungzip, "crc32c": uncrc32c}
