"""Where bytes come from: a folder on this machine, or any place that fsspec knows.

Neither kind keeps a handle, a thread or a connection between calls on this side, so both survive a fork and a pickle.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from attractory.errors import DamageError, StoreError

PAUSES = (0.1, 0.4, 1.6)  # seconds before a remote place that answered with an error is asked again: a server that is busy says so (503)
GAP_BYTES = 2**15  # between two ranges that are read as one
JOINED_BYTES = 2**21  # of ranges that are read as one: large enough that latency is little of it, small enough for several at once
ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)  # what is not there will not come


class ByteRange(NamedTuple):
    """Bytes [start, stop) of a file; a negative start counts from the end, and stop None is the end."""

    path: str
    start: int
    stop: int | None


class Files(Protocol):
    """Read-only files under one root; paths are relative to it and use `/`."""

    @property
    def is_local(self) -> bool: ...

    def name(self, path: str) -> str:
        """The file as a message names it."""

    def read(self, paths: Sequence[str]) -> list[bytes | None]:
        """Whole files; None where there is none."""

    def whole(self, path: str, digest: str) -> bytes | None:
        """One whole file that should have a SHA-256; None where there is none. Whether it has it, the caller checks."""

    def read_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        """The bytes of each range, shorter where the file ends early.

        Raises:
            DamageError: a file is missing.
            StoreError: a place cannot be read.
        """

    def folders(self, path: str) -> list[str]:
        """Names of the folders directly under a folder, sorted; empty where it is missing."""


def files_at(url: str | os.PathLike[str], storage_options: Mapping[str, Any] | None = None) -> Files:
    """The files under a path or fsspec URL."""
    text = os.fspath(url)
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    if "://" in text or "::" in text:
        return RemoteFiles(text.rstrip("/"), dict(storage_options or {}))
    return LocalFiles(Path(text))


class LocalFiles:
    """Files of this machine, each opened for as long as one call takes."""

    is_local = True

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def name(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    def read(self, paths: Sequence[str]) -> list[bytes | None]:
        return [self._read(path) for path in paths]

    def whole(self, path: str, digest: str) -> bytes | None:
        return self._read(path)

    def read_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        # Neighbours in the list share one open file, so callers sort by path.
        found: list[bytes] = []
        current, descriptor = "", -1
        try:
            for path, start, stop in ranges:
                if path != current:
                    current, descriptor = path, self._reopen(path, descriptor)
                found.append(_read_range(descriptor, start, stop))
        except OSError as error:
            raise _unreadable(self.name(current), error) from error
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return found

    def folders(self, path: str) -> list[str]:
        try:
            with os.scandir(self.name(path)) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except OSError:
            return []

    def _read(self, path: str) -> bytes | None:
        try:
            return Path(self.name(path)).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(self.name(path), error) from error

    def _reopen(self, path: str, descriptor: int) -> int:
        try:
            opened = os.open(self.name(path), os.O_RDONLY)
        except FileNotFoundError as error:
            raise _missing(self.name(path)) from error
        if descriptor >= 0:
            os.close(descriptor)
        return opened


def _read_range(descriptor: int, start: int, stop: int | None) -> bytes:
    size = os.fstat(descriptor).st_size if start < 0 or stop is None else 0
    first = max(0, size + start) if start < 0 else start
    return os.pread(descriptor, (size if stop is None else stop) - first, first)


class RemoteFiles:
    """Files behind an fsspec URL; ranges of one call are asked for together where the filesystem can."""

    is_local = False

    def __init__(self, url: str, storage_options: dict[str, Any]) -> None:
        self.url = url
        self.storage_options = storage_options
        self._opened: tuple[int, Any, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def name(self, path: str) -> str:
        return f"{self.url}/{path}" if path else self.url

    def read(self, paths: Sequence[str]) -> list[bytes | None]:
        # An open range, not cat(): that one takes a `*` in a path for a pattern.
        found = self._asked([ByteRange(path, 0, None) for path in paths])
        return [self._whole(path, data) for path, data in zip(paths, found, strict=True)]

    def whole(self, path: str, digest: str) -> bytes | None:
        return self.read([path])[0]

    def read_ranges(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        if not ranges:
            return []
        asked, places = joined(ranges)
        found = self._asked(asked)
        for part, data in zip(asked, found, strict=True):
            if isinstance(data, FileNotFoundError):
                raise _missing(self.name(part.path)) from data
            if isinstance(data, Exception):
                raise _unreadable(self.name(part.path), data) from data
            if len(data) > _longest(part):
                message = (
                    f"{self.name(part.path)}: the server sends whole files and not the parts that are asked for. Copy the store first."
                )
                raise StoreError(message)
        whole = [data for data in found if isinstance(data, bytes)]
        return [whole[place][begin:end] for place, begin, end in places]

    def _asked(self, ranges: Sequence[ByteRange]) -> list[bytes | Exception]:
        """The bytes of each range, or why they could not be read; a place that is busy is asked again, some seconds long."""
        found: list[bytes | Exception] = [OSError("not asked")] * len(ranges)
        left = list(range(len(ranges)))
        for pause in (*PAUSES, None):
            filesystem, root = self._filesystem()
            asked = [ranges[place] for place in left]
            paths, starts, stops = (
                [f"{root}/{part.path}" for part in asked],
                [part.start for part in asked],
                [part.stop for part in asked],
            )
            for place, data in zip(left, filesystem.cat_ranges(paths, starts, stops, on_error="return"), strict=True):
                found[place] = data if isinstance(data, Exception) else bytes(data)
            left = [place for place in left if isinstance(found[place], Exception) and not isinstance(found[place], ABSENT)]
            if not left or pause is None:
                break
            time.sleep(pause)
        return found

    def folders(self, path: str) -> list[str]:
        filesystem, root = self._filesystem()
        try:
            entries = filesystem.ls(f"{root}/{path}" if path else root, detail=True)
        except OSError:
            return []
        return sorted(entry["name"].rstrip("/").rsplit("/", 1)[-1] for entry in entries if entry["type"] == "directory")

    def _whole(self, path: str, data: bytes | Exception) -> bytes | None:
        if isinstance(data, ABSENT):
            return None
        if isinstance(data, Exception):
            raise _unreadable(self.name(path), data) from data
        return data

    def _filesystem(self) -> tuple[Any, str]:
        # An fsspec filesystem may own an event loop, which a forked child must not use: each process opens its own.
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), *_open_filesystem(self.url, self.storage_options))
        return self._opened[1], self._opened[2]


def joined(ranges: Sequence[ByteRange]) -> tuple[list[ByteRange], list[tuple[int, int, int | None]]]:
    """Ranges that hold some others, neighbours in one where little lies between them, and where each is: (number, begin, end).

    A request costs as much time as the transfer of some hundred kilobytes.
    """
    order = sorted(range(len(ranges)), key=lambda place: (ranges[place].path, ranges[place].start))
    found: list[ByteRange] = []
    places: list[tuple[int, int, int | None]] = [(0, 0, None)] * len(ranges)
    for place in order:
        path, start, stop = ranges[place]
        last = found[-1] if found else None
        if last is None or last.path != path or not _near(last, start, stop):
            found.append(ranges[place])
            places[place] = (len(found) - 1, 0, None)
            continue
        begin = start - last.start
        found[-1] = ByteRange(path, last.start, max(last.stop or 0, stop or 0))
        places[place] = (len(found) - 1, begin, begin + (stop or 0) - start)
    # The first of several has an end within them too.
    for place, (number, begin, end) in enumerate(places):
        if end is None and found[number] != ranges[place]:
            places[place] = (number, begin, begin + (ranges[place].stop or 0) - ranges[place].start)
    return found, places


def _near(last: ByteRange, start: int, stop: int | None) -> bool:
    """Whether a range that begins later is to be read together with the one before it."""
    if last.start < 0 or last.stop is None or stop is None:
        return False
    return start - last.stop <= GAP_BYTES and max(stop, last.stop) - last.start <= JOINED_BYTES


def _longest(part: ByteRange) -> float:
    """The most bytes that a range can have."""
    if part.stop is not None:
        return part.stop - part.start
    return -part.start if part.start < 0 else math.inf


def _open_filesystem(url: str, storage_options: dict[str, Any]) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        filesystem, root = url_to_fs(url, **storage_options)
    except (ImportError, ValueError) as error:
        message = f"{url}: cannot be opened: {error}"
        raise StoreError(message) from error
    return filesystem, root.rstrip("/")


def _missing(name: str) -> DamageError:
    return DamageError(f"{name}: the file is missing. The store is incomplete: run `attractory verify`, or copy it again.")


def _unreadable(name: str, error: Exception) -> StoreError:
    return StoreError(f"{name}: cannot be read: {error}")
