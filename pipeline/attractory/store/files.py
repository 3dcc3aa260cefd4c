"""Whole files or none: bytes go to a temporary name on the same disk, reach the disk, and take their name in one step.

Of an object store, the same functions write an object by one request, which is whole or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, overload

from attractory.store.objects import ObjectPath

T = TypeVar("T")
Place = Path | ObjectPath

# All that is temporary lives in this one folder of an unfinished store: rows, half-written files, the lock. Elsewhere every file is whole.
RUN_FOLDER = ".attractory-run"
LEASE_FOLDER, SLICES_FOLDER = "lease", "slices"  # inside it, in an object store: the leases of runs, and those of slices
_REQUESTS = 16  # at a time, to an object store: each takes some tens of milliseconds, nearly all of it waiting
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def place_of(text: str | Path | ObjectPath) -> Place:
    """A folder or a file of this machine, or a place in an object store, which any URL means but file://."""
    if isinstance(text, ObjectPath):
        return text
    said = str(text).removeprefix("file://")
    return ObjectPath(said.rstrip("/")) if "://" in said else Path(said)


@overload
def rows_folder(store: Path) -> Path: ...
@overload
def rows_folder(store: ObjectPath) -> ObjectPath: ...
def rows_folder(store: Place) -> Place:
    return store / RUN_FOLDER / "rows"


@overload
def partial_folder(store: Path) -> Path: ...
@overload
def partial_folder(store: ObjectPath) -> ObjectPath: ...
def partial_folder(store: Place) -> Place:
    return store / RUN_FOLDER / "partial"


def read_all(store: Place, paths: Iterable[str]) -> dict[str, bytes]:
    """The bytes of each file of a store; of an object store, many at a time."""
    return dict(_each(store, lambda path: (path, (store / path).read_bytes()), paths))


def read_present(store: Place, paths: Iterable[str]) -> dict[str, bytes]:
    """As `read_all`, without the files that are not there."""
    return {path: content for path, content in _each(store, lambda path: (path, _content(store / path)), paths) if content is not None}


def _content(path: Place) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def write_all(store: Place, files: Mapping[str, bytes]) -> None:
    """Write each file of a store whole; into an object store, many at a time."""
    partial = partial_folder(store)
    for _ in _each(store, lambda path: write_whole(store / path, files[path], partial=partial), files):
        pass


def sizes(store: Place) -> dict[str, int]:
    """Path below a store of every file -> its bytes; empty where there is no store."""
    if isinstance(store, ObjectPath):
        return store.sizes()
    return {str(path.relative_to(store)): path.stat().st_size for path in store.rglob("*") if path.is_file()} if store.is_dir() else {}


def remove_run_objects(store: ObjectPath) -> None:
    """Delete what only a run needs, but leases: whoever holds one frees it, last."""
    folder = store / RUN_FOLDER
    folder.remove([path for path in folder.sizes() if path.partition("/")[0] not in (LEASE_FOLDER, SLICES_FOLDER)])


def _each(store: Place, function: Callable[[str], T], paths: Iterable[str]) -> Iterator[T]:
    if isinstance(store, Path):
        yield from map(function, paths)
        return
    with ThreadPoolExecutor(max_workers=_REQUESTS) as requests:
        yield from requests.map(function, paths)


def write_whole(path: Place, content: bytes, *, partial: Place) -> None:
    """Put `content` at `path` so that a reader, or a kill at any moment, sees the old file or the new one, never half.

    Args:
        partial: an existing folder on the same disk, for the temporary name.
    """
    if isinstance(path, ObjectPath):
        path.put(content)
        return
    with _partial_file(content, partial) as name:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(name, path)


def write_new(path: Place, content: bytes, *, partial: Place) -> bool:
    """As `write_whole`, unless the file is there: of several who come at once, one writes it. Whether it was this one."""
    if isinstance(path, ObjectPath):
        return path.put_new(content)
    with _partial_file(content, partial) as name:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = _linked(name, path)
        Path(name).unlink(missing_ok=True)
    return is_new


def _linked(name: str, path: Path) -> bool:
    try:
        os.link(name, path)
    except FileExistsError:
        return False
    except OSError as error:
        # A file system without hard links: there, looking first has to do.
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            return False
        os.replace(name, path)
    return True


@contextmanager
def _partial_file(content: bytes, partial: Place) -> Iterator[str]:
    """The temporary name of a file that has reached the disk; removed where what is done with it fails."""
    handle, name = tempfile.mkstemp(dir=str(partial))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # mkstemp's 0600 would shut out the readers of a shared disk
        yield name
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sha256(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: what digests are taken of. NaN and infinity are refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def document(value: Mapping[str, Any]) -> bytes:
    """A zarr.json as text that a person can read; the same value gives the same bytes."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
