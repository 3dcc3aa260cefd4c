"""Where a version is written so that a reader sees all of it or nothing: `latest`, the file that names it, moves last.

A folder gets the version under a hidden name and renames it. An object store cannot rename a folder: there the files are written in
place, `SHA256SUMS` after all others, so that a version without it is one that is not finished.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from attractory.errors import AttractoryError, InterruptedRunError, RequestError
from attractory.store import objects

LATEST = "latest"
SUMS = "SHA256SUMS"
_BEGUN = ".begun"  # in an object store: a version that a run has begun, so that it may delete what is there


class Destination(Protocol):
    """Whole versions under one place."""

    url: str

    def read(self, path: str) -> str | None:
        """The text at a path below the place, or None where there is nothing."""
        ...

    def read_bytes(self, path: str) -> bytes | None:
        """The same, as bytes."""
        ...

    def begin(self, version: str) -> None:
        """Makes room for a version; what an interrupted run of the same version left is thrown away."""
        ...

    def create(self, version: str, path: str) -> BinaryIO:
        """A new file of a version that was begun, open for writing."""
        ...

    def complete(self, version: str) -> None:
        """Lets readers see the version, once its SHA256SUMS is written."""
        ...

    def point(self, version: str) -> None:
        """Makes `latest` name the version, in one step."""
        ...


class FolderDestination:
    """A folder of a local file system."""

    def __init__(self, folder: Path) -> None:
        self.url = str(folder)
        self._folder = folder

    def read(self, path: str) -> str | None:
        return _text(self.read_bytes(path), f"{self.url}/{path}")

    def read_bytes(self, path: str) -> bytes | None:
        file = self._folder / path
        return file.read_bytes() if file.is_file() else None

    def begin(self, version: str) -> None:
        if (self._folder / version).exists():
            message = f"{self._folder / version} exists and has no {SUMS}: it is not a version of ours. Move it away, or publish elsewhere."
            raise RequestError(message)
        partial = self._partial(version)
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)

    def create(self, version: str, path: str) -> BinaryIO:
        file = self._partial(version) / PurePosixPath(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("xb")

    def complete(self, version: str) -> None:
        for folder, _, files in os.walk(self._partial(version)):
            for path in (folder, *(os.path.join(folder, file) for file in files)):
                _sync(path)
        self._partial(version).rename(self._folder / version)
        _sync(str(self._folder))

    def point(self, version: str) -> None:
        partial = self._folder / f".{LATEST}.partial"
        partial.write_text(version + "\n", encoding="utf-8")
        _sync(str(partial))
        partial.replace(self._folder / LATEST)
        _sync(str(self._folder))

    def _partial(self, version: str) -> Path:
        return self._folder / f".{version}.partial"


class ObjectDestination:
    """A prefix of anything else that fsspec opens; writing one object is one step there."""

    def __init__(self, filesystem: Any, prefix: str, *, url: str) -> None:
        self.url = url
        self._filesystem = filesystem
        self._prefix = prefix.rstrip("/")

    def read(self, path: str) -> str | None:
        return _text(self.read_bytes(path), f"{self.url}/{path}")

    def read_bytes(self, path: str) -> bytes | None:
        try:
            return cast(bytes, self._filesystem.cat_file(f"{self._prefix}/{path}"))
        except FileNotFoundError:
            return None

    def begin(self, version: str) -> None:
        """What lies there is deleted only where an object of ours says that a run of this version has begun it."""
        folder = f"{self._prefix}/{version}"
        if self._filesystem.exists(folder):
            if self.read_bytes(f"{version}/{_BEGUN}") is None:
                message = f"{self.url}/{version} holds objects and has no {SUMS}: it is not a version of ours. Publish elsewhere."
                raise RequestError(message)
            self._filesystem.rm(folder, recursive=True)
        self._filesystem.makedirs(folder, exist_ok=True)
        self._filesystem.pipe_file(f"{folder}/{_BEGUN}", b"begun\n")

    def create(self, version: str, path: str) -> BinaryIO:
        full = f"{self._prefix}/{version}/{path}"
        self._filesystem.makedirs(full.rpartition("/")[0], exist_ok=True)
        return cast(BinaryIO, self._filesystem.open(full, "wb"))

    def complete(self, version: str) -> None:
        """Its SHA256SUMS, the last object, has already said so; the mark of a version that is not whole goes."""
        with suppress(FileNotFoundError):
            self._filesystem.rm_file(f"{self._prefix}/{version}/{_BEGUN}")

    def point(self, version: str) -> None:
        self._filesystem.pipe_file(f"{self._prefix}/{LATEST}", (version + "\n").encode())


def _text(content: bytes | None, where: str) -> str | None:
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError as error:
        message = f"{where} is not text: something else lies where a version of ours would. Publish elsewhere."
        raise RequestError(message) from error


def open_destination(to: str | Path) -> Destination:
    """The destination for a path or an fsspec URL.

    Raises: RequestError where no file system answers to the URL, or the place is a file.
    """
    url = str(to)
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        message = f"{url} cannot be opened: {error}{objects.advice(url)}"
        raise RequestError(message) from error
    if not isinstance(filesystem, LocalFileSystem):
        return ObjectDestination(filesystem, path, url=url)
    if Path(path).exists() and not Path(path).is_dir():
        message = f"{path} is a file, expected a folder to publish into"
        raise RequestError(message)
    return FolderDestination(Path(path))


class DigestingFile:
    """A file to write to that knows the digest and the number of its bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.bytes = 0
        self.closed = False

    def write(self, data: Any) -> int:
        self._digest.update(data)
        self.bytes += memoryview(data).nbytes
        return self._file.write(data)

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turns what the operating system says into our errors: a full disk can be gone on from, a closed door is a wrong request."""
    try:
        with objects.explained(url) if "://" in url else nullcontext():
            yield
    except AttractoryError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = f"{url}: no space is left. `latest` has not moved; make room and publish again."
            raise InterruptedRunError(message) from error
        if isinstance(error, PermissionError | NotADirectoryError) or error.errno == errno.EROFS:
            message = f"{url} cannot be written: {error}"
            raise RequestError(message) from error
        raise


def _sync(path: str) -> None:
    """Makes sure that a power cut cannot lose what was written there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
