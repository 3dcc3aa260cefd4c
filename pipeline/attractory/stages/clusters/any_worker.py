"""Tasks whose worker is gone go to whoever comes, also where for a while there was none at all."""

from __future__ import annotations

from typing import Any

from distributed import SchedulerPlugin


class AnyWorker(SchedulerPlugin):
    """A block is sent to the worker that has its system's machine code, and may go elsewhere (`allow_other_workers`).

    Dask keeps to that while a worker is left. Where there is none, a task waits for the very address that it was meant for, which no new
    worker has; so whatever begins to wait for lack of a worker forgets it.
    """

    name = "attractory-any-worker"
    idempotent = True

    async def start(self, scheduler: Any) -> None:
        """Called when the scheduler gets to know the plugin."""
        self._tasks = scheduler.tasks

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        """Called when a task has come to another state. (Workers' coming is no moment for this: they register before they run.)"""
        task = self._tasks.get(key) if finish == "no-worker" else None
        if task is not None and task.loose_restrictions:
            task.worker_restrictions = None
