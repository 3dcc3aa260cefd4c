"""Who writes a store in an object store: there is no kernel to free a lock, so a run holds a lease, renews it while it lives, and frees it.

Leases are objects with rising numbers, each written only if there is none of that number; the highest one counts. A lease whose content has
not changed for as long as it says has run out, by the clock of whoever waits: no two clocks are compared. Taking it over means writing the
next number, which one of all that wait can do.
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

from attractory.errors import InterruptedRunError, RequestError, UnreachableError
from attractory.store.files import LEASE_FOLDER, RUN_FOLDER, canonical_json
from attractory.store.objects import ObjectPath

LONGEST_SECONDS = 30.0
RENEWALS = 4  # in the time that a lease lasts, so that some may be late
_SETTLING_SECONDS = 1.0  # between writing and looking again, where the server does not keep the first

Announce = Callable[[str], None]


def is_leased(store: ObjectPath) -> bool:
    """Whether there is a lease, of a run that lives or was killed."""
    return bool(_numbers(store))


@contextmanager
def leased(store: ObjectPath, *, announce: Announce | None = None) -> Iterator[None]:
    """Hold a store for one run; another run that holds it is waited for, until it frees its lease or that runs out.

    Args:
        announce: told once who is waited for.
    Raises:
        RequestError: another run holds it, and the server ignores `If-None-Match: *`, so that two runs could not be kept apart.
        InterruptedRunError: the lease was lost, as this run was held up for longer than it lasts and another one took it.
    """
    lease = _acquired(store, announce)
    renewing = threading.Thread(target=lease.renew, name="lease", daemon=True)
    renewing.start()
    try:
        yield
    except InterruptedRunError as error:
        raise (lease.loss() if lease.lost.is_set() else error) from error.__cause__
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
        return canonical_json({"holder": self.holder, "renewed": self.renewed, "run": run, "seconds": self.seconds})

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


def _acquired(store: ObjectPath, announce: Announce | None) -> _Lease:
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
        lease = _Lease(store, max(numbers, default=0) + 1, threading.current_thread() is threading.main_thread())
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
