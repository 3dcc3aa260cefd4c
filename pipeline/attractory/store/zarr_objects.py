"""A store in an object store as zarr-python reads one: by our own requests, so that what fails on the way is one of our errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.buffer.core import default_buffer_prototype

from attractory.store.files import read_present
from attractory.store.objects import ObjectPath
from attractory.store.template import ROOT


def zarr_objects(place: ObjectPath, root: Mapping[str, Any]) -> ZarrObjects:
    """The store to read, all its small files at once: one by one, a store of many systems would take minutes to open."""
    members = root["consolidated_metadata"]["metadata"]
    documents = [f"{path}/{ROOT}" for path in members]
    arrays = [_only_chunk(path, member) for path, member in members.items() if _is_small(member)]
    return ZarrObjects(place, read_present(place, [ROOT, *documents, *arrays]))


class ZarrObjects(Store):
    """Reads alone. `held`: the files that are known by now; a document that is not among them is not there."""

    def __init__(self, place: ObjectPath, held: Mapping[str, bytes]) -> None:
        super().__init__(read_only=True)
        self._place, self._held = place, held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZarrObjects) and other._place == self._place

    def __hash__(self) -> int:
        return hash(self._place)

    async def get(self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The bytes of an object, or a part of them; None where there is none."""
        content = await asyncio.to_thread(self._read, key, *_limits(byte_range))
        return None if content is None else (prototype or default_buffer_prototype()).buffer.from_bytes(content)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """As `get`, of several, at once."""
        return list(await asyncio.gather(*(self.get(key, prototype, byte_range) for key, byte_range in key_ranges)))

    async def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        return await self.get(key, None, RangeByteRequest(0, 1)) is not None

    def _read(self, key: str, start: int | None, end: int | None) -> bytes | None:
        if key in self._held:
            return self._held[key][start:end]
        if key.rpartition("/")[2] in (ROOT, ".zarray", ".zgroup", ".zattrs", ".zmetadata"):
            return None
        try:
            place = self._place / key
            return place.read_bytes() if start is None and end is None else place.read_range(start, end)
        except FileNotFoundError:
            return None

    @property
    def supports_writes(self) -> bool:
        """No."""
        return False

    @property
    def supports_deletes(self) -> bool:
        """No."""
        return False

    @property
    def supports_listing(self) -> bool:
        """No: over HTTP there is no such thing, and a store's names are in its root."""
        return False

    async def set(self, key: str, value: Buffer) -> None:
        raise NotImplementedError

    async def delete(self, key: str) -> None:
        raise NotImplementedError

    def list(self) -> AsyncIterator[str]:
        raise NotImplementedError

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        raise NotImplementedError

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        raise NotImplementedError


def _limits(byte_range: ByteRequest | None) -> tuple[int | None, int | None]:
    """Start and end, as a slice has them."""
    match byte_range:
        case RangeByteRequest(start, end):
            return start, end
        case OffsetByteRequest(offset):
            return offset, None
        case SuffixByteRequest(suffix):
            return -suffix, None
        case _:
            return None, None


def _is_small(member: Mapping[str, Any]) -> bool:
    """Whether it is an array in one chunk, as all are but the sharded ones."""
    return member["node_type"] == "array" and all(codec["name"] != "sharding_indexed" for codec in member["codecs"])


def _only_chunk(path: str, member: Mapping[str, Any]) -> str:
    return f"{path}/c/" + "/".join("0" for _ in member["shape"])
