"""Shard files of a remote store on this machine's disk: fetched whole, checked by digest, shared by processes, bounded in bytes.

A file's name is the digest that it must have, so that no process can take another version's shard for it, and two processes that fetch the
same one write the same bytes. It is written under a name of its own and renamed: whoever is killed leaves nothing that looks finished. The
files that were used longest ago make room; one that another process has removed is fetched again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attractory.errors import StoreError
from attractory.loader.files import ByteRange, Files

UNFINISHED_SECONDS = 3600.0  # a file being written that is older was left by a process that was killed
TEMPORARY = ".part"


@dataclass(frozen=True)
class DiskCache:
    """A folder of files named by their SHA-256, at most `limit` bytes of them."""

    folder: Path
    limit: int

    def find(self, digest: str) -> bytes | None:
        """The content with that digest; a file that does not have it is removed."""
        path = self.folder / digest
        try:
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == digest:
                os.utime(path)
                return data
            path.unlink(missing_ok=True)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None

    def keep(self, digest: str, data: bytes) -> None:
        """Write a content that has the digest, and let others make room.

        Raises:
            StoreError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=TEMPORARY, delete=False) as file:
                file.write(data)
            os.replace(file.name, self.folder / digest)
            self._make_room()
        except OSError as error:
            message = f"{self.folder}: the disk cache cannot be written: {error}. Give another folder, or a smaller disk_bytes."
            raise StoreError(message) from error

    def read_range(self, digest: str, start: int, stop: int | None) -> bytes | None:
        """Bytes of a file that was checked before; None where it is gone."""
        try:
            descriptor = os.open(self.folder / digest, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            size = os.fstat(descriptor).st_size
            first = max(0, size + start) if start < 0 else start
            return os.pread(descriptor, max(0, (size if stop is None else stop) - first), first)
        finally:
            os.close(descriptor)

    def _make_room(self) -> None:
        entries = [(entry, status) for entry in os.scandir(self.folder) if (status := _status(entry)) is not None]
        abandoned = time.time() - UNFINISHED_SECONDS
        total = 0
        for entry, status in sorted(entries, key=lambda pair: -pair[1].st_mtime):
            total += status.st_size
            if total > self.limit if not entry.name.endswith(TEMPORARY) else status.st_mtime < abandoned:
                Path(entry.path).unlink(missing_ok=True)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except FileNotFoundError:  # another process made room
        return None


@dataclass
class CachedFiles:
    """The files of a remote store, of which shards are read from the disk of this machine once they were fetched."""

    remote: Files
    cache: DiskCache
    _digests: dict[str, str] = field(default_factory=dict, repr=False)  # of the files that this process has checked

    is_local = False

    @property
    def storage_options(self) -> Any:
        return getattr(self.remote, "storage_options", None)

    def name(self, path: str) -> str:
        return self.remote.name(path)

    def read(self, paths: Sequence[str]) -> list[bytes | None]:
        return self.remote.read(paths)

    def whole(self, path: str, digest: str) -> bytes | None:
        """A whole file, from the disk if it is there; what comes from afar is kept if it has the digest."""
        data = self.cache.find(digest)
        if data is None:
            data = self.remote.read([path])[0]
            if data is None or hashlib.sha256(data).hexdigest() != digest:
                return data
            self.cache.keep(digest, data)
        self._digests[path] = digest
        return data

    def read_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        found = [self._held(part) for part in ranges]
        absent = [place for place, data in enumerate(found) if data is None]
        for place, data in zip(absent, self.remote.read_ranges([ranges[place] for place in absent]), strict=True):
            found[place] = data
        return [data for data in found if data is not None]

    def folders(self, path: str) -> list[str]:
        return self.remote.folders(path)

    def _held(self, part: ByteRange) -> bytes | None:
        digest = self._digests.get(part.path)
        if digest is None:
            return None
        data = self.cache.read_range(digest, part.start, part.stop)
        if data is None and self.whole(part.path, digest) is not None:  # another process made room
            data = self.cache.read_range(digest, part.start, part.stop)
        return data
