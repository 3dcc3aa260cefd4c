"""Threads that read and decode chunks: they spend their time in system calls and in C, where Python's lock is released."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

MOST_THREADS = 8
REMOTE_THREADS = 16


@dataclass
class Decoders:
    """Up to `threads` threads of this process, started when first needed; with none, all is done by the thread that asks.

    A forked child inherits no thread, and a pickle none either: each process starts its own.
    """

    threads: int
    _pool: tuple[int, ThreadPoolExecutor] | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"threads": self.threads, "_pool": None}

    def submit(self, function: Callable[..., None], *arguments: Any) -> Future[None]:
        """The result to come of a call."""
        return self._executor().submit(function, *arguments)

    def each(self, function: Callable[[Any], None], arguments: Iterable[Any]) -> None:
        """One call for each argument, side by side; the first error is raised when all have ended."""
        tasks = list(arguments)
        if self.threads == 0 or len(tasks) < 2:
            for argument in tasks:
                function(argument)
            return
        results = [self.submit(function, argument) for argument in tasks]
        errors = [error for result in results if (error := result.exception()) is not None]
        if errors:
            raise errors[0]

    def _executor(self) -> ThreadPoolExecutor:
        if self._pool is None or self._pool[0] != os.getpid():
            self._pool = (os.getpid(), ThreadPoolExecutor(self.threads, thread_name_prefix="attractory"))
        return self._pool[1]


def usual_threads(*, remote: bool) -> int:
    """One a core that this process may use, at most MOST_THREADS, and none on one core, where they would only take turns; more for stores
    elsewhere, where they wait for answers most of the time."""
    if remote:
        return REMOTE_THREADS
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if cores == 1 else min(MOST_THREADS, cores)
