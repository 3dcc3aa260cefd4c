"""Whole files or none: bytes go to a temporary name on the same disk, reach the disk, and take their name in one step."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# All that is temporary lives in this one folder of an unfinished store: rows, half-written files, the lock. Elsewhere every file is whole.
RUN_FOLDER = ".attractory-run"
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def rows_folder(store: Path) -> Path:
    return store / RUN_FOLDER / "rows"


def partial_folder(store: Path) -> Path:
    return store / RUN_FOLDER / "partial"


def write_whole(path: Path, content: bytes, *, partial: Path) -> None:
    """Put `content` at `path` so that a reader, or a kill at any moment, sees the old file or the new one, never half.

    Args:
        partial: an existing folder on the same disk, for the temporary name.
    """
    with _partial_file(content, partial) as name:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(name, path)


def write_new(path: Path, content: bytes, *, partial: Path) -> bool:
    """As `write_whole`, unless the file is there: of several who come at once, one writes it. Whether it was this one."""
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
def _partial_file(content: bytes, partial: Path) -> Iterator[str]:
    """The temporary name of a file that has reached the disk; removed where what is done with it fails."""
    handle, name = tempfile.mkstemp(dir=partial)
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
