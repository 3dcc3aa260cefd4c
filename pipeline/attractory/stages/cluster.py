"""The one place that knows Dask: a local cluster or one that runs already, and blocks sent to it a few at a time."""

from __future__ import annotations

import itertools
import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from attractory.errors import InterruptedRunError, RequestError
from attractory.stages.block_queue import BlockQueue
from attractory.stages.task import BlockReport, BlockTask, run_block
from attractory.store import Block

# One block runs and one waits in each worker, so that none is idle while its report travels; the scheduler never holds the whole recipe.
BLOCKS_PER_WORKER = 2
ROSTER_SECONDS = 2.0  # how often a cluster is asked for workers that have joined or left
WAIT_SECONDS = 120.0  # how long the first worker of a running cluster may take

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Workers:
    """Where blocks run: so many local processes, or the cluster whose scheduler file this is."""

    count: int
    scheduler_file: Path | None = None


@contextmanager
def running_client(workers: Workers) -> Iterator[Any]:
    """A Dask client whose workers are up.

    Raises:
        RequestError: there is no such cluster, or it has no worker.
    """
    if workers.scheduler_file is None:
        with _local_client(workers.count) as client:
            yield client
    else:
        with _remote_client(workers.scheduler_file) as client:
            yield client


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


@contextmanager
def _local_client(count: int) -> Iterator[Any]:
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
def _remote_client(scheduler_file: Path) -> Iterator[Any]:
    from distributed import Client

    if not scheduler_file.is_file():
        message = f"{scheduler_file}: there is no such scheduler file. Start a cluster with: dask scheduler --scheduler-file FILE"
        raise RequestError(message)
    try:
        client = Client(scheduler_file=str(scheduler_file), timeout=WAIT_SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, KeyError) as error:
        message = f"{scheduler_file}: no scheduler answers ({error}). Is the cluster running?"
        raise RequestError(message) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
        except TimeoutError as error:
            message = f"{scheduler_file}: the cluster has no worker. Start some with: dask worker --scheduler-file FILE --nthreads 1"
            raise RequestError(message) from error
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
