"""Where things run on Dask: the cluster that a request names (its kinds are in clusters/), and what is sent there one by one."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from attractory.errors import InterruptedRunError
from attractory.stages.blocks_on_dask import addresses, scheduler_lost
from attractory.stages.clusters.description import Cluster, JobCluster, LocalCluster, MpiCluster, RunningCluster
from attractory.stages.clusters.local import local_client
from attractory.stages.clusters.opening import cluster_client
from attractory.stages.clusters.reading import is_scheduler_file, read_cluster
from attractory.stages.clusters.running import scheduler_file_client
from attractory.stages.clusters.waiting import WAIT_SECONDS, Patience, attended
from attractory.stages.losses import ENDED_WORKERS

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Workers:
    """Where blocks run: so many local processes, the cluster whose scheduler file this is, or the one that is described.

    `performance` is a file for Dask's report of the run; `announce` is told where the dashboard is, once. `wait_seconds` is how long the
    run goes on without any worker, before the first and after the last: None is what the cluster's file says, or two minutes; `tell` is
    told meanwhile.
    """

    count: int
    scheduler_file: Path | None = None
    cluster: Cluster | None = None
    performance: Path | None = None
    announce: Callable[[str], None] | None = None
    wait_seconds: float | None = None
    tell: Callable[[str], None] | None = None

    @property
    def patience(self) -> Patience:
        """How long it waits for workers."""
        of_file = self.cluster.wait_hours * 3600 if isinstance(self.cluster, JobCluster) else WAIT_SECONDS
        return Patience(of_file if self.wait_seconds is None else self.wait_seconds, self.tell)

    @property
    def are_local(self) -> bool:
        """Whether they are processes of this machine, started for the run."""
        return self.scheduler_file is None and (self.cluster is None or isinstance(self.cluster, LocalCluster))


def workers_of(file: str | Path) -> Workers:
    """What `--cluster FILE` means: a scheduler file of Dask, or the description of a cluster.

    Of the ranks of an MPI run, the one that goes on with the command comes back from here; to be called before anything is written.

    Raises:
        RequestError: the file is neither, or there are too few ranks.
    """
    path = Path(file)
    if is_scheduler_file(path):
        return Workers(1, path)
    cluster = read_cluster(path)
    if isinstance(cluster, LocalCluster):
        return Workers(cluster.workers)
    if isinstance(cluster, MpiCluster):
        from attractory.stages.clusters.mpi import parted_ranks

        cluster = RunningCluster(kind="address", address=parted_ranks(cluster))
    return Workers(1, cluster=cluster)


@contextmanager
def running_client(workers: Workers) -> Iterator[Any]:
    """A Dask client whose workers are up.

    Raises:
        RequestError: there is no such cluster.
        InterruptedRunError: it has had no worker for too long, at first or later.
    """
    from distributed.utils import silence_logging_cmgr

    # What Dask logs when a scheduler or a worker ends is tracebacks; what it means for the run, the run says.
    with silence_logging_cmgr(logging.CRITICAL), _client(workers) as client:
        _add_plugins(client)
        with attended(client, workers.patience):
            yield client


def _add_plugins(client: Any) -> None:
    """What Dask's scheduler does not do by itself."""
    from attractory.stages.clusters.any_worker import AnyWorker  # these import Dask
    from attractory.stages.clusters.short_memory import ShortMemory

    client.register_plugin(AnyWorker())
    client.register_plugin(ShortMemory())


def _client(workers: Workers) -> AbstractContextManager[Any]:
    if workers.cluster is not None:
        return cluster_client(workers.cluster, workers.patience)
    if workers.scheduler_file is not None:
        return scheduler_file_client(workers.scheduler_file, workers.patience)
    return local_client(workers.count, profiled=workers.performance is not None)


def run_each(client: Any, function: Callable[[T], R], items: Mapping[str, T]) -> Iterator[tuple[str, R | Exception]]:
    """The result of each item, or what it raised, as they are done; begun in the order given, one by each worker of the cluster at a time:
    none waits behind a long one.

    An item over which a worker died is tried on others, and its error is an InterruptedRunError when it ended several of them.
    """
    import distributed

    done: Any = distributed.as_completed(raise_errors=False)  # type: ignore[no-untyped-call]
    waiting, running = iter(items.items()), 0
    while True:
        for key, item in itertools.islice(waiting, max(len(addresses(client)), 1) - running):
            done.add(client.submit(function, item, key=key, pure=False))
            running += 1
        if not running:
            return
        future = next(done)
        running -= 1
        yield future.key, _outcome(future)


def _outcome(future: Any) -> Any:
    """The result of an item that is done, or its error; what a signal raises meanwhile is none of them, and goes on."""
    from distributed import CancelledError, KilledWorker

    try:
        error = future.exception()
        outcome = future.result() if error is None else error
    except CancelledError as cancelled:  # nobody here cancels anything
        raise scheduler_lost() from cancelled
    if isinstance(error, KilledWorker):
        advice = "Lower shard_trajectories or --workers; the same command goes on from what is done."
        outcome = InterruptedRunError(f"{future.key}: {ENDED_WORKERS}. {advice}")
    future.release()
    return outcome
