"""May a store be written here? Asked before anything is."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attractory.errors import InterruptedRunError, RequestError
from attractory.store import StorePlan

_FULL = (errno.ENOSPC, errno.EDQUOT)


def check_place(store: Path, plan: StorePlan, *, held: int = 0) -> None:
    """Nothing where the store can be written and fits.

    Args:
        held: bytes of it that an earlier run has written.
    Raises:
        RequestError: the place cannot be written to, or its disk has less free than the states take.
    """
    ground = next(folder for folder in (store, *store.absolute().parents) if folder.exists())
    try:
        Path(tempfile.mkdtemp(dir=ground, prefix=".attractory-")).rmdir()
    except OSError as error:
        message = f"{store}: cannot be written ({error.strerror}). Choose another place with --out."
        raise RequestError(message) from error
    free, needed = shutil.disk_usage(ground).free, plan.bytes - held
    if needed > free:
        message = (
            f"{store}: the recipe makes up to {_readable(plan.bytes)}, and the disk has {_readable(free)} free. "
            "Ask for fewer trajectories or samples, or choose another place with --out."
        )
        raise RequestError(message)


@contextmanager
def disk_errors(store: Path) -> Iterator[None]:
    """Turns what a disk says into what a user reads.

    Raises:
        InterruptedRunError: the disk is full; what is done is kept.
        RequestError: the place cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            message = f"{store}: the disk is full. What is done is kept: make room, and the same command goes on from there."
            raise InterruptedRunError(message) from error
        message = f"{error.filename or store}: {error.strerror or error}."
        raise RequestError(message) from error


def _readable(count: float) -> str:
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    place = min(len(units) - 1, max(0, (len(str(int(count))) - 1) // 3))
    return f"{count / 1000**place:.3g} {units[place]}"
