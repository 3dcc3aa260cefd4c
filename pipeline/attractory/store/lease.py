"""Who writes a store in an object store: there is no kernel to free a lock, so a run holds a lease, renews it while it lives, and frees it.

Leases are objects with rising numbers, each written only if there is none of that number; the highest one counts. A lease whose content has
not changed for as long as it says has run out, by the clock of whoever waits: no two clocks are compared. Taking it over means writing the
next number, which one of all that wait can do.

Slices of a job array hold leases of another kind, each its own, any number at once. A slice writes its own and then looks for a run of the
whole; a run of the whole takes the lease and then looks for slices: of two that come together, one at least sees the other.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from attractory.errors import InterruptedRunError, RequestError, UnreachableError
from attractory.store.files import LEASE_FOLDER, RUN_FOLDER, SLICES_FOLDER, canonical_json, read_present
from attractory.store.objects import ObjectPath

LONGEST_SECONDS = 30.0
RENEWALS = 4  # in the time that a lease lasts, so that some may be late
_SETTLING_SECONDS = 1.0  # between writing and looking again, where the server does not keep the first

Announce = Callable[[str], None]


def is_leased(store: ObjectPath) -> bool:
    """Whether there is a lease, of a run that lives or was killed."""
    return bool(_numbers(store))


class Use(StrEnum):
    """What a lease is held for."""

    RUN = "run"  # a run of the whole recipe, or a repair: beside no slice
    SWEEP = "sweep"  # beside no slice either, and no slice is refused for it
    TURN = "turn"  # a slice that finishes the store, beside the others


@contextmanager
def leased(store: ObjectPath, *, use: Use = Use.RUN, announce: Announce | None = None) -> Iterator[None]:
    """Hold a store for one run; another run that holds it is waited for, until it frees its lease or that runs out.

    Args:
        announce: told once who is waited for.
    Raises:
        RequestError: another run holds it, and the server ignores `If-None-Match: *`, so that two runs could not be kept apart; or slices
            of it are being made.
        InterruptedRunError: the lease was lost, as this run was held up for longer than it lasts and another one took it.
    """
    with _renewed(_acquired(store, use, announce)):
        if use is not Use.TURN:
            _without_slices(store, announce)
        yield


@contextmanager
def slice_leased(store: ObjectPath, *, announce: Announce | None = None) -> Iterator[None]:
    """Hold a store for one slice of its blocks, beside any number of others.

    Raises:
        RequestError: a run of the whole holds it; or the server ignores `If-None-Match: *`, so that nothing could keep the two apart.
        InterruptedRunError: the lease was lost, as this slice was held up for longer than it lasts.
    """
    if not (store / RUN_FOLDER).keeps_the_first():
        message = (
            f"{store}: its server ignores `If-None-Match: *`, so that slices which write there at once cannot be kept apart. "
            "Leave out --array: one run alone can write there. Or make the slices in a folder, and publish that."
        )
        raise RequestError(message)
    lease = _SliceLease(store, 0, threading.current_thread() is threading.main_thread())
    lease.path.put(lease.content())
    with _renewed(lease):
        _without_run(store, announce)
        yield


@contextmanager
def _renewed(lease: _Lease) -> Iterator[None]:
    """Renew a lease that is there, and free it at the end."""
    renewing = threading.Thread(target=lease.renew, name="lease", daemon=True)
    renewing.start()
    try:
        yield
    except (InterruptedRunError, KeyboardInterrupt) as error:  # a signal is one, and may be that of the loss
        if lease.lost.is_set():
            raise lease.loss() from error
        raise
    finally:
        lease.ended.set()
        renewing.join()
        if not lease.lost.is_set():
            lease.path.unlink(missing_ok=True)
    if lease.lost.is_set():
        raise lease.loss()


@dataclass
class _Lease:
    """A lease that this run holds, until `lost` is set."""

    store: ObjectPath
    number: int
    is_main: bool
    use: Use = Use.RUN
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    renewed: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)

    @property
    def seconds(self) -> float:
        return min(self.store.lease_seconds, LONGEST_SECONDS)

    @property
    def path(self) -> ObjectPath:
        return _folder(self.store) / f"{self.number:08d}"

    def content(self) -> bytes:
        run = f"{socket.gethostname()}:{os.getpid()}"
        said = {"holder": self.holder, "renewed": self.renewed, "run": run, "seconds": self.seconds, "use": str(self.use)}
        return canonical_json(said)

    def renew(self) -> None:
        """Write the lease anew again and again; notice when another run has taken it."""
        last = time.monotonic()
        while not self.ended.wait(self.seconds / RENEWALS):
            try:
                taken = not self._is_mine()
                if not taken:
                    self.renewed += 1
                    self.path.put(self.content())
                    last = time.monotonic()
            except (UnreachableError, RequestError):
                taken = False
            if taken or time.monotonic() - last > self.seconds:
                self._lose()
                return

    def _is_mine(self) -> bool:
        """Whether it is there, and none above it stays: one that is written too late by a stranger is withdrawn at once."""
        for _ in range(3):
            numbers = _numbers(self.store)
            if numbers and max(numbers) == self.number:
                return True
            if self.ended.wait(self.seconds / 10):
                return True
        return False

    def _lose(self) -> None:
        self.lost.set()
        if self.is_main and callable(signal.getsignal(signal.SIGTERM)):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)  # which the run ends with, as with any other

    def loss(self) -> InterruptedRunError:
        return InterruptedRunError(
            f"{self.store}: this run was held up for longer than its lease of {self.seconds:g} s, and may have been taken for dead. "
            "What is done is kept: the same command goes on from there."
        )


class _SliceLease(_Lease):
    """A lease beside others, of this name alone."""

    @property
    def path(self) -> ObjectPath:
        return self.store / RUN_FOLDER / SLICES_FOLDER / self.holder

    def _is_mine(self) -> bool:
        """Whether it is there: who takes a slice for dead deletes it."""
        return self.path.is_file()


def _without_slices(store: ObjectPath, announce: Announce | None) -> None:
    """Returns when no slice holds a lease; those that have run out are deleted.

    Raises:
        RequestError: one is renewed.
    """
    folder, known, since = store / RUN_FOLDER / SLICES_FOLDER, dict[str, bytes](), time.monotonic()
    while found := read_present(folder, folder.names()):
        alive = [content for name, content in found.items() if known.get(name, content) != content]
        if alive:
            message = f"{store}: a slice of it is being made ({_said(alive[0])[0]}), and others may be. Wait for them, or stop them."
            raise RequestError(message)
        if not known and announce is not None:
            announce(f"waiting for the slice of {_said(next(iter(found.values())))[0]}")
        if set(found) - set(known):
            since = time.monotonic()
        if time.monotonic() - since > max(_said(content)[1] for content in found.values()):
            folder.remove(sorted(found))
            return
        known = found
        time.sleep(min(1.0, store.lease_seconds / 10))


def _without_run(store: ObjectPath, announce: Announce | None) -> None:
    """Returns when no run of the whole holds a store: there is none, it ends, or its lease runs out.

    Raises:
        RequestError: it renews its lease.
    """
    known, number, since = b"", 0, 0.0
    while numbers := _numbers(store):
        content = _content(store, max(numbers))
        if not content:
            continue  # it has ended, and another may have begun
        if _use(content) is not Use.RUN:
            return
        if (number, known) != (max(numbers), content):
            if number == max(numbers):
                message = f"{store}: a run of the whole recipe is writing this store, and makes this slice too. Wait for it, or stop it."
                raise RequestError(message)
            if announce is not None:
                announce(f"waiting for the run of {_said(content)[0]}")
            known, number, since = content, max(numbers), time.monotonic()
        if time.monotonic() - since > _said(content)[1]:
            return
        time.sleep(min(1.0, store.lease_seconds / 10))


def _acquired(store: ObjectPath, use: Use, announce: Announce | None) -> _Lease:
    keeps_the_first = (store / RUN_FOLDER).keeps_the_first()
    known, since = b"", 0.0
    while True:
        numbers = _numbers(store)
        content = _content(store, max(numbers)) if numbers else b""
        if content and content != known:
            if known and not keeps_the_first:
                raise _two_writers(store, content)
            if not known and announce is not None:
                announce(f"waiting for the run of {_said(content)[0]}")
            known, since = content, time.monotonic()
        if content and time.monotonic() - since < _said(content)[1]:
            time.sleep(min(1.0, store.lease_seconds / 10))
            continue
        lease = _Lease(store, max(numbers, default=0) + 1, threading.current_thread() is threading.main_thread(), use)
        if _claimed(lease, numbers, keeps_the_first=keeps_the_first):
            return lease
        time.sleep(secrets.randbelow(500) / 1000)  # so that two who have met do not meet again


def _claimed(lease: _Lease, before: set[int], *, keeps_the_first: bool) -> bool:
    """Write the lease; it is held where nobody else has written one since `before`, whose run-out ones are deleted."""
    if keeps_the_first:
        if not lease.path.put_new(lease.content()):
            return False
    else:
        lease.path.put(lease.content())
        time.sleep(_SETTLING_SECONDS)
        found = _content(lease.store, lease.number)
        if found != lease.content():
            raise _two_writers(lease.store, found)
    if _numbers(lease.store) != before | {lease.number}:
        lease.path.unlink(missing_ok=True)
        return False
    _folder(lease.store).remove([f"{number:08d}" for number in sorted(before)])
    return True


def _two_writers(store: ObjectPath, content: bytes) -> RequestError:
    by = f"the run of {_said(content)[0]}" if content else "another run"
    return RequestError(
        f"{store}: {by} is writing this store, and its server ignores `If-None-Match: *`, so that two runs cannot be kept apart. "
        "Wait for that run to end, or stop it."
    )


def _said(content: bytes) -> tuple[str, float]:
    """The run that a lease is of, and its seconds; of one that cannot be read, that it lasts as long as any."""
    try:
        said = json.loads(content)
        return str(said["run"]), min(float(said["seconds"]), LONGEST_SECONDS)
    except (ValueError, KeyError, TypeError):
        return "someone", LONGEST_SECONDS


def _use(content: bytes) -> Use:
    """What a lease is held for; of one that cannot be read, the strictest."""
    try:
        return Use(json.loads(content)["use"])
    except (ValueError, KeyError, TypeError):
        return Use.RUN


def _content(store: ObjectPath, number: int) -> bytes:
    """Nothing where it is gone meanwhile."""
    try:
        return (_folder(store) / f"{number:08d}").read_bytes()
    except FileNotFoundError:
        return b""


def _numbers(store: ObjectPath) -> set[int]:
    return {int(name) for name in _folder(store).names() if name.isdigit()}


def _folder(store: ObjectPath) -> ObjectPath:
    return store / RUN_FOLDER / LEASE_FOLDER
