"""Chunks read straight from the shards: equal to what zarr-python reads, and never silently wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

from attractory.errors import DamageError, StoreError
from attractory.loader.arrays import StoredArray, array_layout
from attractory.loader.files import LocalFiles

CODECS: dict[str, dict[str, Any]] = {
    "blosc, variable-major": {"filters": TransposeCodec(order=(0, 2, 1)), "compressors": BloscCodec(cname="lz4", shuffle="shuffle")},
    "blosc of another kind": {"compressors": BloscCodec(cname="zstd", shuffle="bitshuffle")},
    "uncompressed": {"compressors": None},
    "zstd with a checksum of its own": {"compressors": [ZstdCodec(level=3, checksum=True), Crc32cCodec()]},
    "gzip, big-endian, time-major": {
        "filters": TransposeCodec(order=(1, 0, 2)),
        "serializer": BytesCodec(endian="big"),
        "compressors": GzipCodec(),
    },
}
SHARD = "Lorenz/fine/state/c/0/0/0"


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("chunk", [(1, 1000), (2, 50), (2, 16), (1, 7)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chunks_equal_what_zarr_reads(stores: Any, tmp_path: Path, name: str, chunk: tuple[int, int], dtype: str) -> None:
    """For every codec chain that is read here, and chunks of several trajectories or of a part of the time."""
    written = stores.Written(systems={"Lorenz": 3}, chunk=chunk, dtype=dtype, codecs=CODECS[name], splits=(4, 1, 1))
    store = stores.write(tmp_path / "s.zarr", written)
    array = stores.array(store)
    assert array.layout.chain is not None
    expected = zarr.open_array(store / "Lorenz/fine/state", mode="r")[:]
    assert array.whole().dtype == expected.dtype
    assert np.array_equal(array.whole(), expected)


def test_an_unknown_codec_is_left_to_zarr(stores: Any, tmp_path: Path) -> None:
    """The values are the same, only slower."""
    codecs = {"filters": [TransposeCodec(order=(0, 2, 1)), TransposeCodec(order=(1, 0, 2))]}
    array = stores.array(stores.write(tmp_path / "s.zarr", stores.Written(systems={"Lorenz": 3}, codecs=codecs)))
    assert array.layout.chain is None
    expected = zarr.open_array(tmp_path / "s.zarr/Lorenz/fine/state", mode="r")[:]
    assert np.array_equal(array.whole(), expected)
    assert np.array_equal(next(array.chunks([(5, 0, 0)])), expected[5:6])


def test_the_index_may_stand_at_the_beginning(tmp_path: Path) -> None:
    """zarr allows a shard's index at either end."""
    values = np.arange(24, dtype="f4").reshape(4, 6, 1)
    array = zarr.create_array(
        tmp_path / "a", shape=values.shape, dtype="f4", chunks=(1, 6, 1), shards={"shape": (4, 6, 1), "index_location": "start"}
    )
    array[:] = values
    read = StoredArray(LocalFiles(tmp_path), array_layout("a", json.loads((tmp_path / "a/zarr.json").read_bytes())))
    assert np.array_equal(read.whole(), values)


def test_a_chunk_that_was_left_out_holds_the_fill_value(tmp_path: Path) -> None:
    """zarr does not store a chunk that is nothing but fill value."""
    array = zarr.create_array(tmp_path / "a", shape=(4, 6, 1), dtype="f4", chunks=(1, 6, 1), shards=(4, 6, 1), fill_value=np.nan)
    array[1] = 5.0
    read = StoredArray(LocalFiles(tmp_path), array_layout("a", json.loads((tmp_path / "a/zarr.json").read_bytes()))).whole()
    assert np.isnan(read[[0, 2, 3]]).all()
    assert (read[1] == 5.0).all()


def cut(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])


def flip(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 0x10
    file.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (lambda file: file.unlink(), "the file is missing"),
    "empty": (lambda file: cut(file, 0), "0 bytes, fewer than the 68 of its index"),
    "truncated": (lambda file: cut(file, 200), "index is not what was written.*truncated"),
    "index": (lambda file: flip(file, -10), "index is not what was written"),
    "header of the first chunk": (lambda file: flip(file, 5), "blosc header"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_without_digests(stores: Any, copied: Path, name: str) -> None:
    """What a read alone shows: the file and what is wrong with it."""
    spoil, message = DAMAGE[name]
    spoil(copied / SHARD)
    with pytest.raises(DamageError, match=f"{copied}/{SHARD}: .*{message}"):
        stores.array(copied).whole()


def test_one_flipped_bit_is_found_by_the_digest(stores: Any, copied: Path) -> None:
    """A bit within the compressed values can decode to other values: only the digest of the file tells."""
    flip(copied / SHARD, 40)
    with pytest.raises(DamageError, match=f"{SHARD}: damaged: its SHA-256 is"):
        stores.array(copied, verify=True).whole()
    assert stores.array(copied, verify=True).chunks([(5, 0, 0)])  # the other shard is whole


def test_a_shard_that_ends_inside_a_chunk_is_named(stores: Any, copied: Path) -> None:
    """The index was read while the file was whole, and the file was cut then."""
    array = stores.array(copied)
    next(array.chunks([(0, 0, 0)]))
    cut(copied / SHARD, 20)
    with pytest.raises(DamageError, match="bytes inside a chunk"):
        next(array.chunks([(3, 0, 0)]))


@pytest.mark.parametrize("document", [{}, {"shape": [1], "data_type": "string"}, {"shape": 3}])
def test_metadata_of_something_else_is_refused(document: dict[str, Any]) -> None:
    """The message names the file and what is missing."""
    with pytest.raises(StoreError, match=r"a/zarr.json does not describe a zarr v3 array"):
        array_layout("a", document)
