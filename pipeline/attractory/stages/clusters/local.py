"""Worker processes of this machine."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attractory.errors import InterruptedRunError

# Of the C library: one heap, in which all below 256 MiB lies, and of which so much may stay free. Dask has its workers give what is free
# back to the system at once, and then each array of each block is mapped anew.
KEPT_MEMORY = {"MALLOC_ARENA_MAX": 1, "MALLOC_MMAP_THRESHOLD_": 256 * 2**20, "MALLOC_TRIM_THRESHOLD_": 512 * 2**20}
# Of Dask: look at stacks a hundred times a second only where its report is asked for, and at the event loop's health twice a second, not
# fifty times.
_WATCHED_LESS = {"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "500ms"}


@contextmanager
def local_client(count: int, *, profiled: bool = False) -> Iterator[Any]:
    """A client of so many processes, each of one thread; they end with it. `profiled`: for Dask's own report of what they do.

    Raises:
        InterruptedRunError: one of them ended while it started.
    """
    from distributed import Client

    with _quiet_interrupts(), _lean(profiled=profiled):
        try:
            cluster = _cluster(count)
        except RuntimeError as error:  # Dask says no more than that it could not
            message = (
                "a worker process ended while it started, as one does that is killed or finds too little memory. "
                "What is done is kept: the same command goes on from there; --workers takes fewer."
            )
            raise InterruptedRunError(message) from error
    with cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
        yield client


def _cluster(count: int) -> Any:
    from distributed import LocalCluster

    return LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",  # its default listens to the whole network
        silence_logs=logging.CRITICAL,
        memory_limit=0,
    )


@contextmanager
def _lean(*, profiled: bool) -> Iterator[None]:
    """Processes started inside leave to their blocks what Dask's defaults take of memory and time: a quarter of a fast system's."""
    import dask
    import distributed  # noqa: F401  # its defaults must be there before, as leaving restores what was there

    environment = {f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in KEPT_MEMORY.items()}
    with dask.config.set({**environment, **({} if profiled else _WATCHED_LESS)}):
        yield


@contextmanager
def _quiet_interrupts() -> Iterator[None]:
    """Processes started inside ignore Ctrl-C, which a terminal sends to them too: the command hears it, and stops them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
