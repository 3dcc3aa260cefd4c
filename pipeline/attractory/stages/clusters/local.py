"""Worker processes of this machine."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def local_client(count: int) -> Iterator[Any]:
    """A client of so many processes, each of one thread; they end with it."""
    from distributed import Client, LocalCluster

    with _quiet_interrupts():
        cluster = LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # its default listens to the whole network
            silence_logs=logging.CRITICAL,
            memory_limit=0,
        )
    with cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
        yield client


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
