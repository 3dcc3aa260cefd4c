"""Whole trajectories of a shard, decoded chunk after chunk by one core: zarr-python takes two to five times as long over small chunks.

It reads what our own stores are made of; whatever else it meets, damage too, it leaves to zarr-python, whose message is then the one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr
from zarr.storage import LocalStore

from attractory.loader.codecs import Chain, ChunkError, codec_chain, uncrc32c

_MISSING = 2**64 - 1  # of a chunk that holds nothing but the fill value
_PLACE = 16  # bytes of a chunk's place in the index: offset and size


def shard_rows(array: zarr.Array[Any], rows: slice) -> npt.NDArray[Any] | None:
    """Whole trajectories (trajectory, time, variable) of one shard, a chunk each; None where zarr-python should read them."""
    if array.shards is None or array.ndim != 3 or array.chunks != (1, *array.shape[1:]) or array.shards[1:] != array.shape[1:]:
        return None
    shard, store = rows.start // array.shards[0], array.store_path.store
    if not isinstance(store, LocalStore) or rows.stop > min((shard + 1) * array.shards[0], array.shape[0]):
        return None
    chain = _chain(array)
    if chain is None:
        return None
    try:
        return _decoded(array, chain, Path(store.root) / array.path / "c" / str(shard) / "0" / "0", rows)
    except (OSError, ChunkError, ValueError):
        return None


def _chain(array: zarr.Array[Any]) -> Chain | None:
    """How a chunk is decoded, where its shard's index is of the usual form."""
    codecs: Any = array.metadata.to_dict()["codecs"]
    if len(codecs) != 1 or codecs[0]["name"] != "sharding_indexed":
        return None
    settings = codecs[0]["configuration"]
    index = [codec["name"] for codec in settings["index_codecs"]]
    if index != ["bytes", "crc32c"] or settings.get("index_location", "end") not in ("end", "ShardingCodecIndexLocation.end"):
        return None
    return codec_chain(settings["codecs"], array.dtype)


def _decoded(array: zarr.Array[Any], chain: Chain, file: Path, rows: slice) -> npt.NDArray[Any] | None:
    content = file.read_bytes()
    in_shard = (array.shards or (0,))[0]
    size = _PLACE * in_shard + 4
    places = np.frombuffer(uncrc32c(content[-size:]), "<u8").reshape(in_shard, 2)
    states = np.empty((rows.stop - rows.start, *array.shape[1:]), array.dtype)
    first = rows.start % in_shard
    for number in range(len(states)):
        offset, count = (int(value) for value in places[first + number])
        if offset == _MISSING or offset + count > len(content):
            return None
        states[number] = chain.decode(content[offset : offset + count], (1, *array.shape[1:]))[0]
    return states
