"""What lies at a path: nothing, an unfinished store, a finished one, or something else; and the lock that keeps two runs apart."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from attractory import layout
from attractory.errors import RequestError, StoreError
from attractory.store.begun import is_damaged_root, record_path, root_text
from attractory.store.files import RUN_FOLDER, Place, partial_folder, read_all, remove_run_objects, rows_folder, sizes
from attractory.store.lease import Announce, Use, is_leased, leased, slice_leased
from attractory.store.objects import ObjectPath
from attractory.store.plan import StorePlan
from attractory.store.template import ROOT, small_path


def root_document(store: Place) -> dict[str, Any] | None:
    """The root's zarr.json of a store of this format version, finished or not; None where there is nothing or the start of a template.

    Raises:
        StoreError: something else is there.
    """
    if isinstance(store, ObjectPath):
        return _root_object(store)
    if not store.exists():
        return None
    if not store.is_dir():
        message = f"{store}: is a file, not the folder of a store. Choose another place with --out."
        raise StoreError(message)
    if not (store / ROOT).is_file():
        if any(entry.name != RUN_FOLDER for entry in store.iterdir()) and not (store / RUN_FOLDER).is_dir():
            message = f"{store}: is a folder that holds other things and no store. Choose another place with --out."
            raise StoreError(message)
        return None
    return _our_document(store)


def _root_object(store: ObjectPath) -> dict[str, Any] | None:
    """As `root_document`, by one request where there is a store."""
    try:
        return _our_document(store)
    except FileNotFoundError:
        names = store.names()
    if names and RUN_FOLDER not in names:
        message = f"{store}: holds other things ({names[0]} …) and no store. Choose another place with --out."
        raise StoreError(message)
    return None


def begun_document(store: Place, plan: StorePlan) -> dict[str, Any] | None:
    """As `root_document`; of an unfinished store that was begun with this plan, and whose document is damaged or lost, the planned one.

    Raises:
        StoreError: something else is there.
    """
    return dict(json.loads(root_text(plan))) if is_damaged_root(store, plan) else root_document(store)


def finished_document(store: Place) -> dict[str, Any]:
    """The root's zarr.json of a finished store.

    Raises:
        StoreError: there is no store, or it is of another format version, or not finished.
    """
    root = root_document(store)
    if root is None:
        message = f"{store}: there is no store. Make one with: attractory generate RECIPE"
        raise StoreError(message)
    if not is_finished(root):
        message = f"{store}: the store is not finished. The command that began it goes on from there: attractory generate RECIPE"
        raise StoreError(message)
    return root


def is_finished(root: dict[str, Any]) -> bool:
    return layout.MANIFEST_DIGEST in root["attributes"]


@contextmanager
def locked(store: Place, *, announce: Announce | None = None) -> Iterator[None]:
    """Hold a store for one run; see `lease` for one in an object store, where a run that holds it is waited for.

    Args:
        announce: told once who is waited for.
    Raises:
        RequestError: another run holds it, or slices of one.
    """
    if isinstance(store, ObjectPath):
        with leased(store, announce=announce):
            yield
        return
    with _holding(store, "lock", fcntl.LOCK_EX | fcntl.LOCK_NB, "another run is writing this store. Wait for it, or stop it."):
        yield


@contextmanager
def quietly(store: Place) -> Iterator[None]:
    """As `locked`, to sweep up: slices that come meanwhile are not refused for it."""
    if isinstance(store, ObjectPath):
        with leased(store, use=Use.SWEEP):
            yield
        return
    with locked(store):
        yield


@contextmanager
def shared(store: Place, *, announce: Announce | None = None) -> Iterator[None]:
    """Hold a store for one slice of its blocks: any number of slices may, while no run of the whole does.

    Args:
        announce: told who is waited for, in an object store.
    Raises:
        RequestError: a run of the whole holds it.
    """
    if isinstance(store, ObjectPath):
        with slice_leased(store, announce=announce):
            yield
        return
    sentence = "a run of the whole recipe is writing this store, and makes this slice too. Wait for it, or stop it."
    with _holding(store, "lock", fcntl.LOCK_SH | fcntl.LOCK_NB, sentence):
        yield


@contextmanager
def in_turn(store: Place) -> Iterator[None]:
    """One slice after the other: each waits until those before it have begun or finished the store."""
    if isinstance(store, ObjectPath):
        with leased(store, use=Use.TURN):
            yield
        return
    with _holding(store, "turn", fcntl.LOCK_EX, "another slice begins or finishes this store."):
        yield


@contextmanager
def _holding(store: Path, name: str, kind: int, refusal: str) -> Iterator[None]:
    """Hold a lock file of the run folder. The kernel frees it with the process, so a killed run is in nobody's way."""
    while True:
        file = _opened(store / RUN_FOLDER / name)
        with file:
            try:
                fcntl.flock(file, kind)
            except OSError as error:
                # A file system without locks (some clusters' scratch) is no reason to refuse: two runs of one recipe write equal bytes.
                if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                    message = f"{store}: {refusal}"
                    raise RequestError(message) from error
            if _is_at(file, store / RUN_FOLDER / name):
                yield
                return


def _opened(path: Path) -> BinaryIO:
    """Readable and writable, which shared and exclusive locks on NFS need; whoever finishes the store may remove the folder meanwhile."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return path.open("a+b")
        except FileNotFoundError:
            continue


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the open file is still the one of that name: a lock on one that was removed keeps nobody out."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def left_leased(store: Place) -> bool:
    """Whether a run holds a store in an object store, or was killed after it had finished it and before it freed its lease."""
    return isinstance(store, ObjectPath) and is_leased(store)


def clear(store: Place) -> None:
    """Empty the folder of a store that this run has locked; rows go first, so that after a kill nothing counts as done."""
    record_path(store).unlink(missing_ok=True)
    if isinstance(store, ObjectPath):
        remove_run_objects(store)
        (store / ROOT).unlink(missing_ok=True)
        store.remove([path for path in store.sizes() if not path.startswith(RUN_FOLDER)])
        return
    shutil.rmtree(rows_folder(store), ignore_errors=True)
    (store / ROOT).unlink(missing_ok=True)
    for entry in store.iterdir():
        if entry.name != RUN_FOLDER:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def clear_partial(store: Place) -> None:
    """Remove what a killed run has left half-written; no object is."""
    if isinstance(store, ObjectPath):
        return
    partial_folder(store).mkdir(parents=True, exist_ok=True)
    for entry in partial_folder(store).iterdir():
        entry.unlink(missing_ok=True)


def stored_failures(store: Place, plan: StorePlan) -> int:
    """How many trajectories of a finished store end before their last sample; a damaged array counts none, `check` finds it."""
    paths = [small_path(system.name, layout.STATUS) for system in plan.systems]
    if isinstance(store, ObjectPath):
        present = sizes(store)
        return _failures(read_all(store, [path for path in paths if path in present]).values())
    return _failures((store / path).read_bytes() for path in paths if (store / path).is_file())


def _failures(statuses: Iterable[bytes]) -> int:
    return sum(int(np.count_nonzero(np.frombuffer(codes, dtype=np.int8))) for codes in statuses)


def _our_document(store: Place) -> dict[str, Any]:
    try:
        root = json.loads((store / ROOT).read_bytes())
        attributes = root["attributes"]
        version = attributes[layout.FORMAT]
    except (ValueError, KeyError, TypeError) as error:
        message = f"{store}: is not a store made by Attractory ({ROOT} has no {layout.FORMAT!r})."
        raise StoreError(message) from error
    if version != layout.FORMAT_VERSION:
        message = (
            f"{store}: has format version {version}, this Attractory reads and writes version {layout.FORMAT_VERSION}. "
            "Use the version that made it, or choose another place with --out."
        )
        raise StoreError(message)
    return dict(root)
