"""Checks of large shards beside their use: a thread compares digests while batches are drawn already.

The first batch of random windows touches as many shards as it has windows, and to read all of those whole would take seconds. A shard that
is found damaged ends the iteration at the batch after, and an epoch ends when all of its checks have.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from attractory.errors import DamageError

LARGE_BYTES = 2**20  # decoded: what is smaller is checked before it is used, in less than a millisecond


@dataclass
class LateChecks:
    """Checks that are open, and what they have found. A fork does those of its parent that were open again; a pickle has none."""

    _open: dict[Any, Callable[[], None]] = field(default_factory=dict, repr=False)
    _found: list[Exception] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)
    _owner: int = field(default_factory=os.getpid, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, _state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]  # an empty one

    def later(self, key: Any, check: Callable[[], None]) -> None:
        """Begin a check; a key that is open already is not checked twice."""
        self._here()
        with self._lock:
            self._open.setdefault(key, check)
            self._begin()

    def found(self, *, wait: bool = False) -> None:
        """Nothing, while no check has found damage; `wait` for those that are open.

        Raises:
            DamageError: what one has found; or what kept one from being done.
        """
        if not (self._open or self._found):
            return
        self._here()
        while wait and (thread := self._thread) is not None:
            thread.join()
        if self._found:
            raise self._found[0]

    def _here(self) -> None:
        """In a forked child, in which no thread goes on, begin again."""
        if self._owner == os.getpid():
            return
        self._owner, self._lock, self._thread = os.getpid(), threading.Lock(), None
        with self._lock:
            if self._open:
                self._begin()

    def _begin(self) -> None:
        if self._thread is None:
            # A daemon: nobody waits for it when the program ends.
            self._thread = threading.Thread(target=self._work, name="attractory-checks", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                key = next(iter(self._open), None)
                if key is None:
                    self._thread = None
                    return
            try:
                self._open[key]()
            except DamageError as error:
                self._found.append(late(error))
            except Exception as error:  # noqa: BLE001 - handed to whoever draws the next batch
                self._found.append(error)
            with self._lock:
                self._open.pop(key, None)


def late(error: DamageError) -> DamageError:
    """The error of a check that came after the first use."""
    return DamageError(
        f"{error} It was in use while it was checked: go on from a state that was saved before this epoch's first batches of it, "
        "or open with verify=True, which checks before."
    )
