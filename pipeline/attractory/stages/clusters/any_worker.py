"""Tasks whose worker is gone go to whoever comes, also where for a while there was none at all."""

from __future__ import annotations

from typing import Any

from distributed import SchedulerPlugin


class AnyWorker(SchedulerPlugin):
    """A block is sent to the worker that has its system's machine code, and may go elsewhere (`allow_other_workers`).

    Dask keeps to that while a worker is left. When the last one goes, its tasks wait for its very address, which no new worker has.
    """

    name = "attractory-any-worker"
    idempotent = True

    def add_worker(self, scheduler: Any, worker: str) -> None:
        """Called before the scheduler looks for what the new worker can do."""
        for task in scheduler.unrunnable:
            if task.loose_restrictions:
                task.worker_restrictions = None
