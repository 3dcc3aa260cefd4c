"""Blocks sent to a Dask cluster, a few at a time; what kinds of clusters there are is in clusters/."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from attractory.errors import InterruptedRunError
from attractory.stages.block_queue import BlockQueue
from attractory.stages.clusters.description import Cluster, LocalCluster, MpiCluster, RunningCluster
from attractory.stages.clusters.local import local_client
from attractory.stages.clusters.opening import cluster_client
from attractory.stages.clusters.reading import is_scheduler_file, read_cluster
from attractory.stages.clusters.running import scheduler_file_client
from attractory.stages.task import BlockReport, BlockTask, run_block
from attractory.store import Block

# One block runs and one waits in each worker, so that none is idle while its report travels; the scheduler never holds the whole recipe.
BLOCKS_PER_WORKER = 2
ROSTER_SECONDS = 2.0  # how often a cluster is asked for workers that have joined or left

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Workers:
    """Where blocks run: so many local processes, the cluster whose scheduler file this is, or the one that is described."""

    count: int
    scheduler_file: Path | None = None
    cluster: Cluster | None = None

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
        RequestError: there is no such cluster, or it has no worker.
    """
    with _client(workers) as client:
        _let_tasks_move(client)
        yield client


def _let_tasks_move(client: Any) -> None:
    from attractory.stages.clusters.any_worker import AnyWorker  # imports Dask

    client.register_plugin(AnyWorker())


def _client(workers: Workers) -> AbstractContextManager[Any]:
    if workers.cluster is not None:
        return cluster_client(workers.cluster)
    if workers.scheduler_file is not None:
        return scheduler_file_client(workers.scheduler_file)
    return local_client(workers.count)


def run_blocks(client: Any, queue: BlockQueue, task_of: Callable[[Block], BlockTask]) -> Iterator[BlockReport]:
    """The report of each block, as they are done.

    Raises:
        InterruptedRunError: a worker died several times over one block.
        Whatever a block raised.
    """
    import distributed

    done: Any = distributed.as_completed(raise_errors=False)  # type: ignore[no-untyped-call]
    holder: dict[str, str] = {}
    roster, asked = _addresses(client), time.monotonic()
    _submit(client, queue, task_of, roster=roster, holder=holder, done=done)
    while holder:
        future = next(done)
        holder.pop(future.key)
        yield _result(future)
        if time.monotonic() - asked > ROSTER_SECONDS:
            roster, asked = _addresses(client) or roster, time.monotonic()
        _submit(client, queue, task_of, roster=roster, holder=holder, done=done)


def run_each(client: Any, function: Callable[[T], R], items: Mapping[str, T]) -> Iterator[tuple[str, R | Exception]]:
    """The result of each item, or what it raised, as they are done; begun in the order given, one by each worker of the cluster at a time:
    none waits behind a long one.

    An item over which a worker died is tried on others, and its error is an InterruptedRunError when it ended several of them.
    """
    import distributed

    done: Any = distributed.as_completed(raise_errors=False)  # type: ignore[no-untyped-call]
    waiting, running = iter(items.items()), 0
    while True:
        for key, item in itertools.islice(waiting, max(len(_addresses(client)), 1) - running):
            done.add(client.submit(function, item, key=key, pure=False))
            running += 1
        if not running:
            return
        future = next(done)
        running -= 1
        yield future.key, _outcome(future)


def _outcome(future: Any) -> Any:
    """The result of an item that is done, or its error; what a signal raises meanwhile is none of them, and goes on."""
    from distributed import KilledWorker

    error = future.exception()
    if error is None:
        return _result(future)
    future.release()
    return InterruptedRunError(_killed(future.key)) if isinstance(error, KilledWorker) else error


@contextmanager
def signals_as_errors() -> Iterator[None]:
    """SIGINT and SIGTERM end what runs inside with an error that says the run can go on.

    Raises:
        InterruptedRunError: one of them came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        message = f"stopped by {signal.Signals(number).name}. What is done is kept: the same command goes on from there."
        raise InterruptedRunError(message)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _submit(
    client: Any, queue: BlockQueue, task_of: Callable[[Block], BlockTask], *, roster: list[str], holder: dict[str, str], done: Any
) -> None:
    """Fill every worker up to its two blocks. A block may go elsewhere when the worker that it was meant for is gone."""
    load = Counter(holder.values())
    for _ in range(BLOCKS_PER_WORKER):
        for worker in roster:
            block = queue.take(worker) if load[worker] < BLOCKS_PER_WORKER else None
            if block is not None:
                future = client.submit(run_block, task_of(block), key=block.key, workers=[worker], allow_other_workers=True, pure=False)
                holder[future.key] = worker
                load[worker] += 1
                done.add(future)


def _result(future: Any) -> Any:
    from distributed import KilledWorker

    try:
        report = future.result()
    except KilledWorker as error:
        raise InterruptedRunError(_killed(future.key)) from error
    future.release()
    return report


def _killed(key: str) -> str:
    return (
        f"{key}: its worker ended several times without a word, as a process does that takes more memory than the machine has. "
        "Lower shard_trajectories or --workers; the same command goes on from what is done."
    )


def _addresses(client: Any) -> list[str]:
    return sorted(client.scheduler_info(n_workers=-1)["workers"])
