"""A place in an object store, with as much of a path's manners as a store asks for; whatever fsspec opens by its URL.

An object is written by one request, whole or not at all, so nothing here has a temporary name. What fails on the way is tried again by the
filesystem (s3fs and the client below it, each a few times with growing pauses); what still fails then ends in one of our errors.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from attractory.errors import RequestError, UnreachableError

LEASE_SECONDS = 20.0

_ANSWERS = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError)
_CLIENTS = {"botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "azure"}  # whose errors are a server's or a network's, not ours
_READ_ONLY = ("http", "https")
_ONE_REQUEST = {"s3": {"chunksize": 5 * 2**30 // 2}, "s3a": {"chunksize": 5 * 2**30 // 2}}  # s3fs cuts from twice so many bytes on

_ONE_READ = {"s3": {"max_concurrency": 1}, "s3a": {"max_concurrency": 1}}  # s3fs asks for the size before, to cut from 50 MiB on


@dataclass(frozen=True)
class ObjectPath:
    """An object, or a prefix of objects.

    lease_seconds: how long a store below it stays held after its run has been killed. keeps_rows: a row that is there stays, as slices of
    the same store may have written it.
    """

    url: str
    lease_seconds: float = LEASE_SECONDS
    keeps_rows: bool = False

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, path: str) -> ObjectPath:
        return replace(self, url=f"{self.url}/{path}")

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    def with_name(self, name: str) -> ObjectPath:
        return replace(self, url=f"{self.url.rpartition('/')[0]}/{name}")

    def absolute(self) -> ObjectPath:
        return self

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: prefixes are not made."""

    def read_bytes(self) -> bytes:
        """
        Raises:
            FileNotFoundError: there is no such object.
        """
        filesystem, path = self._opened()
        with explained(self.url):
            return bytes(filesystem.cat_file(path, **_ONE_READ.get(self._protocol, {})))

    def read_range(self, start: int | None, end: int | None) -> bytes:
        """The bytes from start to end, as a slice has them.

        Raises:
            FileNotFoundError: there is no such object.
        """
        filesystem, path = self._opened()
        with explained(self.url):
            content = bytes(filesystem.cat_file(path, start=start, end=end))
        asked = -start if start is not None and start < 0 else None if end is None else end - (start or 0)
        is_whole = asked is not None and len(content) > asked  # some web servers know no ranges
        return content[start:end] if is_whole else content

    @property
    def is_read_only(self) -> bool:
        """Whether its protocol has no way to write."""
        return self._protocol in _READ_ONLY

    def check_writable(self) -> None:
        """Nothing, where an object can be written below; tried with one of its own.

        Raises:
            RequestError: it cannot.
        """
        probe = self / f"probe-{secrets.token_hex(8)}"
        probe.put(b"")
        probe.unlink(missing_ok=True)

    def put(self, content: bytes) -> None:
        """Write the object, in the place of one that is there."""
        self.refuse_where_read_only()
        filesystem, path = self._opened()
        with explained(self.url), self._bucket_there():
            filesystem.pipe_file(path, content, **_ONE_REQUEST.get(self._protocol, {}))

    def put_new(self, content: bytes) -> bool:
        """Write the object unless one is there, in one request. Whether what is there then is ours: a request that was repeated, as its
        answer was lost, finds its own."""
        self.refuse_where_read_only()
        filesystem, path = self._opened()
        with explained(self.url), self._bucket_there():
            try:
                filesystem.pipe_file(path, content, mode="create", **_ONE_REQUEST.get(self._protocol, {}))
            except OSError as error:
                if not _says_there_is_one(error):
                    raise
                return self._holds(content)
        return True

    def keeps_the_first(self) -> bool:
        """Whether the server refuses to write an object that is there, as `If-None-Match: *` asks; some ignore it. Tried with an object
        of its own."""
        self.refuse_where_read_only()
        probe = self / f"probe-{secrets.token_hex(8)}"
        try:
            return probe.put_new(b"first") and not probe.put_new(b"second")
        except UnreachableError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSYS, errno.EINVAL):
                return False  # it knows the header, and says that it cannot
            raise
        finally:
            probe.unlink(missing_ok=True)

    def unlink(self, *, missing_ok: bool = False) -> None:
        filesystem, path = self._opened()
        with explained(self.url):
            try:
                filesystem.rm_file(path)
            except FileNotFoundError:
                if not missing_ok:
                    raise

    def is_file(self) -> bool:
        filesystem, path = self._opened()
        with explained(self.url):
            return bool(filesystem.isfile(path))

    def is_dir(self) -> bool:
        """Whether there is an object below it."""
        return bool(self.names())

    def exists(self) -> bool:
        return self.is_dir() or self.is_file()

    def names(self) -> list[str]:
        """The names one step below, of objects and of prefixes."""
        filesystem, path = self._opened()
        with explained(self.url):
            try:
                found = filesystem.ls(path, detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted({entry.rstrip("/").rpartition("/")[2] for entry in found if entry.rstrip("/") != path})

    def iterdir(self) -> Iterator[ObjectPath]:
        return (self / name for name in self.names())

    def sizes(self) -> dict[str, int]:
        """Path below this one of every object -> its bytes, by listing alone."""
        filesystem, path = self._opened()
        with explained(self.url):
            try:
                found = filesystem.find(path, detail=True)
            except FileNotFoundError:
                return {}
        return {key.removeprefix(path).lstrip("/"): int(entry["size"]) for key, entry in found.items() if key != path}

    def remove(self, paths: list[str]) -> None:
        """Delete objects below this one, many by one request."""
        filesystem, path = self._opened()
        if paths:
            with explained(self.url):
                filesystem.rm([f"{path}/{name}" for name in paths])

    def refuse_where_read_only(self) -> None:
        """Nothing, where its protocol can write."""
        if self.is_read_only:
            message = (
                f"{self.url}: {self._protocol}:// can be read, not written to. Expected a folder, or a URL such as s3://bucket/name.zarr."
            )
            raise RequestError(message)

    def _holds(self, content: bytes) -> bool:
        try:
            return self.read_bytes() == content
        except FileNotFoundError:
            return False

    @property
    def _protocol(self) -> str:
        return self.url.partition("://")[0]

    def _opened(self) -> tuple[Any, str]:
        filesystem = _filesystem(self._protocol, os.getpid())
        return filesystem, str(filesystem._strip_protocol(self.url))

    @contextmanager
    def _bucket_there(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            message = f"{self.url}: there is no such bucket ({error}). Make it first, with your provider's tools."
            raise RequestError(message) from error


@lru_cache(maxsize=8)
def _filesystem(protocol: str, process: int) -> Any:
    """The filesystem of a protocol, one a process: each has connections of its own, and an event loop that no fork may share.

    Credentials, endpoint and the rest come from where the filesystem looks for them: the environment, its configuration files, fsspec's.
    """
    import fsspec

    try:
        return fsspec.filesystem(protocol, use_listings_cache=False)
    except ImportError as error:
        message = f"{protocol}://: {error}{advice(protocol)}"
        raise RequestError(message) from error
    except ValueError as error:
        message = f"{protocol}://: {error}. Expected a path, or a URL that fsspec knows, such as s3://bucket/name.zarr."
        raise RequestError(message) from error


def advice(url: str) -> str:
    """The end of a message about a filesystem whose package is missing."""
    return ". Run: pip install 'attractory[s3]'" if url.partition("://")[0] in _ONE_REQUEST and find_spec("s3fs") is None else ""


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turns what a server says after the last try into what a user reads; that something is there or is not passes through."""
    try:
        yield
    except OSError as error:
        if isinstance(error, _ANSWERS) or error.filename is not None or error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # a server's error has no file name: that is one of a disk of this machine
        raise (_refused if isinstance(error, PermissionError) else _unreachable)(url, error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _CLIENTS:
            raise
        if "Credentials" in type(error).__name__:
            raise _refused(url, error) from error
        raise _unreachable(url, error) from error


def _refused(url: str, error: Exception) -> RequestError:
    hint = "Credentials come from the usual places (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, fsspec's configuration)."
    return RequestError(f"{url}: access was refused: {error}. {hint}")


def _unreachable(url: str, error: Exception) -> UnreachableError:
    return UnreachableError(
        f"{url}: the object store did not do what it was asked, after several tries: {type(error).__name__}: {error}. "
        "What is done is kept: the same command goes on from there."
    )


def _says_there_is_one(error: OSError) -> bool:
    """S3 says which condition failed; servers that only speak like it may not."""
    code = getattr(error.__cause__, "response", {}).get("Error", {}).get("Code")
    return isinstance(error, FileExistsError) or code in ("PreconditionFailed", "412")
