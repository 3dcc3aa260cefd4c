"""Jobs that ended before the run did (their time limit, preemption, a lost node) are submitted again.

Dask's own adaptive scaling counts a job that it has asked for as there, and does not ask again when its workers are gone
(dask-jobqueue#691); nor does a fixed number of jobs. What Dask does by itself is in the way: a while after a worker is gone it ends the job
of that name, which by then is the new one, where that still waits in the queue.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOST_SECONDS = 10.0  # a nanny starts a new worker process within a few
INTERVAL_SECONDS = 2.0
NEVER_SECONDS = 1.0e8  # of Dask's own look at jobs whose worker is gone: 15 without this

log = logging.getLogger(__name__)


@contextmanager
def resubmitted_jobs(cluster: Any) -> Iterator[None]:
    """While inside, each job of a JobQueueCluster that has had workers and has none any more is replaced by a new one."""
    import dask
    import distributed  # noqa: F401  # its defaults must be there before, as leaving restores what was there

    watch = JobWatch()

    async def begin() -> asyncio.Task[None]:
        return asyncio.create_task(_watch(cluster, watch))

    async def end(task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait([task])

    with dask.config.set({"distributed.deploy.lost-worker-timeout": NEVER_SECONDS}):
        task = cluster.sync(begin)
        try:
            yield
        finally:
            cluster.sync(end, task)


class JobWatch:
    """Which jobs are lost. Of one run, held by the loop that looks."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def lost(self, jobs: set[str], workers: set[str], now: float) -> set[str]:
        """The jobs without a worker for LOST_SECONDS, though they had one; forgotten once said."""
        for job in jobs:
            if any(worker == job or worker.rpartition("-")[0] == job for worker in workers):
                self._seen[job] = now
        gone = {job for job in jobs if now - self._seen.get(job, now) > LOST_SECONDS}
        for job in gone | (set(self._seen) - jobs):
            del self._seen[job]
        return gone


async def _watch(cluster: Any, watch: JobWatch) -> None:
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        workers = {str(worker["name"]) for worker in cluster.scheduler_info["workers"].values()}
        for job in watch.lost(set(cluster.worker_spec) & set(cluster.workers), workers, time.monotonic()):
            await cluster.workers.pop(job).close()  # one that still lies in the queue is taken out
        for job in [name for name, job in cluster.workers.items() if job.job_id is None]:
            del cluster.workers[job]  # Dask keeps one that was refused as if it were there
        if set(cluster.worker_spec) - set(cluster.workers):
            await _submit_missing(cluster)


async def _submit_missing(cluster: Any) -> None:
    try:
        await cluster._correct_state()
    except (RuntimeError, OSError) as error:  # a batch system that is busy or being restarted: the next round asks again
        log.warning("a job could not be submitted again: %s", " ".join(str(error).split()))
