"""Where compiled kernels are kept on the disk, and whether that place may be trusted: machine code from strangers must not run.

The one place where the environment is read below the command line; docs/adr/009-kernels-are-kept-on-the-disk.md says why.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attractory.errors import RequestError

VARIABLE = "ATTRACTORY_CACHE"
OFF = "off"
_KERNELS = "kernels"
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """The folder of kernels: in ATTRACTORY_CACHE, else in `attractory` of the user's cache folder; None where the cache is off.

    Raises:
        RequestError: ATTRACTORY_CACHE is neither an absolute path nor `off`.
    """
    chosen = environment.get(VARIABLE, "")
    if chosen == OFF:
        return None
    if chosen and not os.path.isabs(chosen):
        message = f"{VARIABLE} is {chosen!r}; expected an absolute path, or {OFF!r} to keep no kernels."
        raise RequestError(message)
    if chosen:
        return Path(chosen) / _KERNELS
    base = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # its specification says that a relative one is to be ignored
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "attractory" / _KERNELS if os.path.isabs(base) else None


def make_folder(folder: Path) -> None:
    """The folder and those above it, each new one for its owner alone."""
    for part in [*reversed(folder.parents), folder]:
        if not part.is_dir():
            part.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """A descriptor of the folder, looked at after it was opened, so that no other folder can take its place in between.

    Raises:
        PermissionError: it belongs to somebody else, or others may write into it.
        OSError: it is not there.
    """
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if distrust := _distrust(os.fstat(place)):
            raise PermissionError(errno.EACCES, f"{distrust}, so no kernel is taken from it", str(folder))
        yield place
    finally:
        os.close(place)


@contextmanager
def opened_file(place: int, name: str) -> Iterator[int]:
    """A descriptor of a plain file of ours in an opened folder, to read from.

    Raises:
        OSError: it is not there, no plain file, somebody else's, or others may write to it.
    """
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
    try:
        status = os.fstat(file)
        if _distrust(status) or not stat.S_ISREG(status.st_mode):
            raise PermissionError(errno.EACCES, "not a plain file of ours", name)
        yield file
    finally:
        os.close(file)


def _distrust(status: os.stat_result) -> str:
    if status.st_uid != os.geteuid():
        return f"it belongs to user {status.st_uid}"
    return "others may write to it" if status.st_mode & _OTHERS_MAY_WRITE else ""
