"""A scheduler whose memory does not grow with the tasks that have gone through it."""

from __future__ import annotations

from collections import deque
from typing import Any

from distributed import SchedulerPlugin

KEPT = 10  # messages to each worker, for whoever looks for what went wrong


class ShortMemory(SchedulerPlugin):
    """Dask's scheduler keeps the last thousand messages to each worker, every one with its task as Python objects: 80 KiB of ours.

    That is 80 MiB a worker, which look like a leak until each has had its thousand tasks. Here it keeps few. A client does the same, and is
    told so by `run_blocks`.
    """

    name = "attractory-short-memory"
    idempotent = True

    async def start(self, scheduler: Any) -> None:
        """Called when the scheduler gets to know the plugin."""
        for address in list(scheduler.stream_comms):
            self.add_worker(scheduler, address)

    def add_worker(self, scheduler: Any, worker: str) -> None:
        """Called when a worker has come."""
        keep_few(scheduler.stream_comms.get(worker))


def keep_few(messages: Any) -> None:
    """Of what one of Dask's processes has sent to another, the last few are kept; nothing where there is no such sender."""
    if messages is not None:
        messages.recent_message_log = deque(messages.recent_message_log, maxlen=KEPT)
