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
from attractory.store.files import Place
from attractory.store.objects import ObjectPath
from attractory.store.rows import declared_blocks

FULL = (errno.ENOSPC, errno.EDQUOT)


def free_bytes(store: Place) -> int | None:
    """What the disk that a store is on, or would be on, has free; None of an object store, which does not say."""
    if isinstance(store, ObjectPath):
        return None
    return shutil.disk_usage(ground_of(store)).free


def held_bytes(store: Place, plan: StorePlan) -> int:
    """What the blocks of a store that are done take before compression, as the plan counts: those need no more room."""
    held = 0
    for block in declared_blocks(store, plan):
        system = plan.system(block.system)
        held += plan.block_bytes(system) * block.count // min(plan.shard_trajectories, system.trajectories)
    return held


def ground_of(store: Path) -> Path:
    """The store's folder, or the nearest one above it that is there."""
    return next(folder for folder in (store, *store.absolute().parents) if folder.exists())


def room_missing(store: Place, plan: StorePlan, *, held: int = 0) -> str | None:
    """Why the states do not fit on the disk, which compression may yet make them; None where they do."""
    free = free_bytes(store)
    if free is None or plan.bytes - held <= free:
        return None
    return (
        f"{store}: the recipe makes up to {readable(plan.bytes)}, and the disk has {readable(free)} free. "
        "Ask for fewer trajectories or samples, or choose another place with --out."
    )


def check_place(store: Place, plan: StorePlan, *, held: int = 0) -> None:
    """Nothing where the store can be written and fits. Of an object store nothing is asked: it is written to before anything is made.

    Args:
        held: bytes of it, before compression, that an earlier run has written.
    Raises:
        RequestError: the place cannot be written to, or its disk has less free than the states take.
    """
    if isinstance(store, ObjectPath):
        store.refuse_where_read_only()
        return
    try:
        Path(tempfile.mkdtemp(dir=ground_of(store), prefix=".attractory-")).rmdir()
    except OSError as error:
        message = f"{store}: cannot be written ({error.strerror}). Choose another place with --out."
        raise RequestError(message) from error
    missing = room_missing(store, plan, held=held)
    if missing:
        raise RequestError(missing)


@contextmanager
def disk_errors(store: Place) -> Iterator[None]:
    """Turns what a disk says into what a user reads.

    Raises:
        InterruptedRunError: the disk is full; what is done is kept.
        RequestError: the place cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            message = f"{store}: the disk is full. What is done is kept: make room, and the same command goes on from there."
            raise InterruptedRunError(message) from error
        message = f"{error.filename or store}: {error.strerror or error}."
        raise RequestError(message) from error


def readable(count: float) -> str:
    """A number of bytes with three figures: 2.7 PB."""
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    place = min(len(units) - 1, max(0, (len(str(int(count))) - 1) // 3))
    return f"{count / 1000**place:.3g} {units[place]}"
