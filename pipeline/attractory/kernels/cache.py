"""Compiled kernels on the disk: one file each, found by its key, whole or not at all.

A file is four lines (magic, digest, key, the second it was made and the system) and the kernel. The digest covers all that follows it, so
a file that is damaged, cut short or renamed counts as one that is not there. Files are written under a temporary name and renamed: any
number of processes may write at once. Where the disk refuses, there is no cache, and nothing else changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from attractory.kernels.cache_folder import cache_folder, make_folder, opened_file, opened_folder

LIMIT_BYTES = 512 * 2**20  # some ten thousand kernels
_MAGIC = b"attractory kernel 1"
_SUFFIX, _PARTIAL = ".kernel", ".partial"
# A hit sets the file's time, by which the least recently used is found; more often than this would only wear the disk.
_USE_SECONDS = 600.0
_ABANDONED_SECONDS = 3600.0  # a partial file this old was left by a process that died
# One key in sixteen ends so; keeping it also looks through the folder, which takes 50 ms where ten thousand kernels are.
_LOOKS = "0"
_HEAD_BYTES = 1024  # the four lines, names of systems included


@dataclass(frozen=True)
class Entry:
    """One kept kernel: its key, the system that it was made for, bytes on the disk, and when it was made and last used (seconds, Unix)."""

    key: str
    system: str
    bytes: int
    made: float
    used: float


@dataclass(frozen=True)
class KernelCache:
    """The kernels in a folder of ours; those used least recently are dropped beyond `limit_bytes`."""

    folder: Path
    limit_bytes: int = LIMIT_BYTES

    def find(self, key: str) -> bytes | None:
        """What was kept under this key; None where there is none, or none that is whole, of this key and ours."""
        try:
            with opened_folder(self.folder) as place, opened_file(place, key + _SUFFIX) as file:
                kernel = _checked(_read(file), key)
                if kernel is not None:
                    _mark_used(file)
                return kernel
        except OSError:
            return None

    def keep(self, key: str, system: str, kernel: bytes) -> None:
        """Keeps a kernel under its key, in the place of what is there; does nothing where the disk refuses."""
        with contextlib.suppress(OSError):
            make_folder(self.folder)
            with opened_folder(self.folder) as place:
                _write(place, key + _SUFFIX, _content(key, system, kernel))
                if key.endswith(_LOOKS):
                    self._drop_least_used(place)

    def entries(self) -> list[Entry]:
        """What is kept, by key; empty where there is no such folder yet.

        Raises:
            OSError: the folder cannot be read, or is not to be trusted.
        """
        if not self.folder.exists():
            return []
        with opened_folder(self.folder) as place:
            found = (_entry(place, name) for name in sorted(os.listdir(place)) if name.endswith(_SUFFIX))
            return [entry for entry in found if entry is not None]

    def clear(self) -> tuple[int, int]:
        """Deletes all kernels; (how many, bytes that this freed).

        Raises:
            OSError: the folder is not to be trusted, or cannot be written.
        """
        if not self.folder.exists():
            return 0, 0
        with opened_folder(self.folder) as place:
            kept = [(name, size) for name, size, _ in _files(place, _SUFFIX)]
            for name in [*(name for name, _ in kept), *(name for name, _, _ in _files(place, _PARTIAL))]:
                _unlink(place, name)
        return len(kept), sum(size for _, size in kept)

    def _drop_least_used(self, place: int) -> None:
        files = list(_files(place, _SUFFIX))
        excess = sum(size for _, size, _ in files) - self.limit_bytes
        for name, size, _ in sorted(files, key=lambda file: file[2]):
            if excess <= 0:
                break
            _unlink(place, name)
            excess -= size
        for name, _, written in _files(place, _PARTIAL):
            if time.time() - written > _ABANDONED_SECONDS:
                _unlink(place, name)


def kernel_cache() -> KernelCache | None:
    """The cache of this process's user; None where it is off."""
    folder = cache_folder(os.environ)
    return None if folder is None else KernelCache(folder)


def _content(key: str, system: str, kernel: bytes) -> bytes:
    name = system.encode("utf-8", "replace").replace(b"\n", b" ")[: _HEAD_BYTES // 2]
    signed = key.encode() + b"\n%d %s\n" % (int(time.time()), name) + kernel
    return b"\n".join([_MAGIC, hashlib.sha256(signed).hexdigest().encode(), signed])


def _checked(content: bytes, key: str) -> bytes | None:
    """The kernel in a file's content, where digest and key are what they must be."""
    magic, _, rest = content.partition(b"\n")
    digest, _, signed = rest.partition(b"\n")
    if magic != _MAGIC or hashlib.sha256(signed).hexdigest().encode() != digest:
        return None
    found, _, rest = signed.partition(b"\n")
    return rest.partition(b"\n")[2] if found == key.encode() else None


def _entry(place: int, name: str) -> Entry | None:
    """What the first lines of a file say; None where they say nothing."""
    try:
        with opened_file(place, name) as file:
            status, head = os.fstat(file), os.read(file, _HEAD_BYTES)
        magic, _, key, about = head.split(b"\n", 4)[:4]
        made, _, system = about.partition(b" ")
        if magic != _MAGIC:
            return None
        return Entry(key.decode(), system.decode("utf-8", "replace"), status.st_size, float(made), status.st_mtime)
    except (OSError, ValueError):
        return None


def _read(file: int) -> bytes:
    with open(file, "rb", closefd=False) as stream:
        return stream.read()


def _write(place: int, name: str, content: bytes) -> None:
    """The whole file under its name, or nothing."""
    partial = f"{name}.{secrets.token_hex(8)}{_PARTIAL}"
    file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=place)
    try:
        with open(file, "wb") as stream:
            stream.write(content)
        os.rename(partial, name, src_dir_fd=place, dst_dir_fd=place)
    except BaseException:
        _unlink(place, partial)
        raise


def _mark_used(file: int) -> None:
    if time.time() - os.fstat(file).st_mtime > _USE_SECONDS:
        with contextlib.suppress(OSError):  # a disk that can only be read still gives kernels
            os.utime(file)


def _files(place: int, suffix: str) -> Iterator[tuple[str, int, float]]:
    """(name, bytes, seconds of its last use) of the files with a suffix."""
    with os.scandir(place) as found:
        for file in found:
            if file.name.endswith(suffix):
                with contextlib.suppress(FileNotFoundError):  # another process was first
                    status = file.stat(follow_symlinks=False)
                    yield file.name, status.st_size, status.st_mtime


def _unlink(place: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=place)
