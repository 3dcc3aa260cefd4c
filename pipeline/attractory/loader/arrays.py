"""One stored array: its layout from zarr.json, and its decoded chunks read straight from the shards.

zarr-python takes about a millisecond to read a window; a shard's own index, read once, leads to a chunk in the time of one system call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from attractory.errors import DamageError, StoreError
from attractory.loader.codecs import Chain, ChunkError, codec_chain, uncrc32c
from attractory.loader.files import ByteRange, Files
from attractory.loader.late_checks import LARGE_BYTES, LateChecks

INDEX_CODECS = (["bytes", "crc32c"], ["bytes"])  # the chains of a shard's index that are read here
NO_CHUNK = 2**64 - 1  # the offset and length of a chunk that was left out because it holds only the fill value
MOST_WHOLE_BYTES = 2**26  # of a shard elsewhere, decoded, that is read whole
INDICES_KEPT = 4096  # shard indices in memory, 1 KiB each for 64 chunks


@dataclass(frozen=True)
class ArrayLayout:
    """What zarr.json says of an array; `chunk` is the smallest decoded piece and `shard` the region of one file."""

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: tuple[int, ...]
    shard: tuple[int, ...]
    fill_value: Any
    separator: str
    chain: Chain | None  # None: read through zarr-python
    is_sharded: bool = False
    index_at_end: bool = True
    index_checked: bool = True
    added: int = 0  # axes at the end that the file does not know of

    @property
    def grid(self) -> tuple[int, ...]:
        """Chunks along each axis, the last of them possibly beyond the array's end."""
        return tuple(-(-size // step) for size, step in zip(self.shape, self.chunk, strict=True))

    @property
    def chunks_per_shard(self) -> tuple[int, ...]:
        return tuple(outer // inner for outer, inner in zip(self.shard, self.chunk, strict=True))

    @property
    def index_bytes(self) -> int:
        return 16 * int(np.prod(self.chunks_per_shard)) + (4 if self.index_checked else 0)

    def file(self, shard: Sequence[int]) -> str:
        return f"{self.path}/" + self.separator.join(["c", *map(str, shard[: len(self.shard) - self.added])])

    def with_an_axis(self) -> ArrayLayout:
        """The same array with one more axis, of length one: times (trajectory, time, 1) are gathered as states are."""
        return replace(self, shape=(*self.shape, 1), chunk=(*self.chunk, 1), shard=(*self.shard, 1), added=self.added + 1)


def array_layout(path: str, document: Mapping[str, Any]) -> ArrayLayout:
    """The layout of an array from its zarr.json.

    Raises:
        StoreError: the document does not describe an array that can be read.
    """
    try:
        return _array_layout(path, document)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        message = f"{path}/zarr.json does not describe a zarr v3 array of numbers: {error!r}"
        raise StoreError(message) from error


def _array_layout(path: str, document: Mapping[str, Any]) -> ArrayLayout:
    dtype = np.dtype(document["data_type"])
    shard = tuple(document["chunk_grid"]["configuration"]["chunk_shape"])
    encoding = document["chunk_key_encoding"]
    settings: dict[str, Any] = {"chunk": shard, "chain": codec_chain(document["codecs"], dtype)}
    if document["codecs"][0]["name"] == "sharding_indexed" and len(document["codecs"]) == 1:
        settings = _sharding(document["codecs"][0]["configuration"], dtype)
    if encoding["name"] != "default" or document.get("storage_transformers"):
        settings["chain"] = None
    return ArrayLayout(
        path=path,
        shape=tuple(document["shape"]),
        dtype=dtype,
        shard=shard,
        fill_value=np.array(document["fill_value"], dtype)[()],  # "NaN" and "Infinity" are spelled as NumPy reads them
        separator=encoding.get("configuration", {}).get("separator", "/"),
        **settings,
    )


def _sharding(codec: Mapping[str, Any], dtype: np.dtype[Any]) -> dict[str, Any]:
    index = [step["name"] for step in codec["index_codecs"]]
    endian = codec["index_codecs"][0].get("configuration", {}).get("endian")
    readable = index in INDEX_CODECS and endian == "little"
    return {
        "chunk": tuple(codec["chunk_shape"]),
        "chain": codec_chain(codec["codecs"], dtype) if readable else None,
        "is_sharded": True,
        "index_at_end": codec.get("index_location", "end") == "end",
        "index_checked": index[-1] == "crc32c",
    }


@dataclass
class StoredArray:
    """An array of a store, read chunk by chunk.

    `digests` (shard, byte), where given, holds the SHA-256 of each shard file along the first axis: a shard is checked against it once,
    before its first chunk is decoded.
    """

    files: Files
    layout: ArrayLayout
    digests: StoredArray | None = None
    late: LateChecks | None = None  # where large shards are checked beside their use
    _indices: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict, repr=False)
    _verified: set[tuple[int, ...]] = field(default_factory=set, repr=False)
    _refused: dict[tuple[int, ...], DamageError] = field(default_factory=dict, repr=False)  # shards whose digest is another
    _waiting: set[tuple[int, ...]] = field(default_factory=set, repr=False)  # shards whose check is late
    _expected: np.ndarray | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_indices": {}, "_waiting": set()}  # small to send to a worker process

    @property
    def shape(self) -> tuple[int, ...]:
        return self.layout.shape

    @property
    def is_far(self) -> bool:
        """Whether a shard is better read whole where many of its chunks are needed: it lies elsewhere, and is not too large."""
        size = int(np.prod(self.layout.shard)) * self.layout.dtype.itemsize
        return not self.files.is_local and self.layout.is_sharded and size <= MOST_WHOLE_BYTES

    def of_epoch(self, _epoch: int) -> StoredArray:
        """The array of an epoch: the same in all, but for one that is made while it is read."""
        return self

    def whole(self) -> np.ndarray:
        """The whole array, for those that are small."""
        layout = self.layout
        if layout.chain is None:
            return self._through_zarr([tuple(slice(0, size) for size in layout.shape)])[0]
        result = np.empty(layout.shape, layout.dtype)
        places = list(np.ndindex(*layout.grid))
        for place, chunk in zip(places, self.chunks(places), strict=True):
            region = _region(layout, place)
            result[region] = chunk[tuple(slice(0, part.stop - part.start) for part in region)]
        return result

    def chunks(self, places: Sequence[tuple[int, ...]]) -> Iterator[np.ndarray]:
        """The decoded chunks at places of the chunk grid, each of the layout's `chunk` shape or cut at the array's end.

        Raises:
            DamageError: a file is missing, truncated or not what was written; the message names it.
        """
        if self.layout.chain is None:
            yield from self._through_zarr([_region(self.layout, place) for place in places])
            return
        ranges = self.ranges(places)
        read = iter(self.files.read_ranges([part for part in ranges if part is not None]))
        for part in ranges:
            yield self._filled() if part is None else self._decode(part, next(read))

    def _decode(self, part: ByteRange, data: bytes) -> np.ndarray:
        if part.stop is not None and len(data) != part.stop - part.start:
            raise self.damage(part.path, f"it ends {part.stop - part.start - len(data)} bytes inside a chunk")
        try:
            return self.layout.chain.decode(data, self.layout.chunk)  # type: ignore[union-attr]  # chunks() went another way for None
        except ChunkError as error:
            raise self.damage(part.path, str(error)) from error

    def ranges(self, places: Sequence[tuple[int, ...]]) -> list[ByteRange | None]:
        """Where the chunks at places lie, their shards being checked; None for one that holds nothing but the fill value."""
        layout = self.layout
        if not layout.is_sharded:
            return [ByteRange(layout.file(place), 0, None) for place in places]
        per_shard = layout.chunks_per_shard
        shards = [tuple(at // step for at, step in zip(place, per_shard, strict=True)) for place in places]
        indices = self._shard_indices(dict.fromkeys(shards))
        ranges: list[ByteRange | None] = []
        for place, shard in zip(places, shards, strict=True):
            start, length = map(int, indices[shard][tuple(at % step for at, step in zip(place, per_shard, strict=True))])
            ranges.append(None if start == NO_CHUNK else ByteRange(layout.file(shard), start, start + length))
        return ranges

    def _shard_indices(self, shards: Mapping[tuple[int, ...], None]) -> dict[tuple[int, ...], np.ndarray]:
        """Index of each shard, (*chunks_per_shard, 2) of uint64 offset and length; read and checked where it is not in memory."""
        layout = self.layout
        known = {shard: self._indices.get(shard) for shard in shards}  # at once: other threads read here too
        absent = [shard for shard, index in known.items() if index is None]
        for shard in absent:
            self._verify(shard)
        where = (-layout.index_bytes, None) if layout.index_at_end else (0, layout.index_bytes)
        read = self.files.read_ranges([ByteRange(layout.file(shard), *where) for shard in absent])
        fresh = {shard: self._index(shard, data) for shard, data in zip(absent, read, strict=True)}
        found = {shard: fresh[shard] if index is None else index for shard, index in known.items()}
        self._indices.update(fresh)
        if len(self._indices) > INDICES_KEPT:
            for oldest in list(self._indices)[:-INDICES_KEPT]:
                self._indices.pop(oldest, None)
        return found

    def _index(self, shard: tuple[int, ...], data: bytes) -> np.ndarray:
        layout = self.layout
        if len(data) != layout.index_bytes:
            raise self.damage(layout.file(shard), f"it has {len(data)} bytes, fewer than the {layout.index_bytes} of its index")
        try:
            content = uncrc32c(data) if layout.index_checked else data
        except ChunkError as error:
            raise self.damage(layout.file(shard), f"its index is not what was written ({error}); it may be truncated") from error
        return np.frombuffer(content, "<u8").reshape(*layout.chunks_per_shard, 2)

    def _verify(self, shard: tuple[int, ...]) -> None:
        if self.digests is None or shard in self._verified:
            return
        if shard in self._refused:
            raise self._refused[shard]
        if self.late is None or not self.is_late:
            self._check(shard)
        elif shard not in self._waiting:
            self._waiting.add(shard)
            self.late.later((self.layout.path, shard), partial(self._check, shard))

    @property
    def is_late(self) -> bool:
        """Whether shards are so large that they may be checked beside their use."""
        return int(np.prod(self.layout.shard)) * self.layout.dtype.itemsize > LARGE_BYTES

    def _check(self, shard: tuple[int, ...]) -> None:
        if self.digests is None:
            return
        if self._expected is None:
            self._expected = self.digests.whole()
        path = self.layout.file(shard)
        expected = self._expected[shard[0]].tobytes().hex()
        data = self.files.whole(path, expected)
        if data is None:
            raise self.damage(path, "the file is missing")
        found = hashlib.sha256(data).hexdigest()
        if found != expected:
            self._refused[shard] = self.damage(path, f"its SHA-256 is {found[:16]}… instead of {expected[:16]}…, {len(data)} bytes")
            raise self._refused[shard]
        self._verified.add(shard)

    def _filled(self) -> np.ndarray:
        return np.full(self.layout.chunk, self.layout.fill_value, self.layout.dtype)

    def _through_zarr(self, regions: Sequence[tuple[slice, ...]]) -> list[np.ndarray]:
        import zarr

        options = getattr(self.files, "storage_options", None) or None
        place = self.files.name(self.layout.path)
        try:
            array = zarr.open_array(place, mode="r", storage_options=options)
            held = array.ndim
            return [np.asarray(array[region[:held]]).reshape([part.stop - part.start for part in region]) for region in regions]
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            message = f"{place}: zarr cannot read it: {error}. Run `attractory verify` to see which files are damaged."
            raise DamageError(message) from error

    def damage(self, path: str, reason: str) -> DamageError:
        """The error for a file that is not what it should be."""
        return DamageError(f"{self.files.name(path)}: damaged: {reason}. Run `attractory verify --repair`, or copy the file again.")


def _region(layout: ArrayLayout, place: Sequence[int]) -> tuple[slice, ...]:
    """The part of the array that a chunk covers."""
    return tuple(slice(at * step, min(size, (at + 1) * step)) for at, step, size in zip(place, layout.chunk, layout.shape, strict=True))
