"""A cluster that runs already, found by its scheduler's address or by the file that the scheduler wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attractory.errors import RequestError
from attractory.stages.clusters.waiting import Patience, await_workers

CONNECT_SECONDS = 120.0  # how long a scheduler may take to answer


@contextmanager
def scheduler_file_client(file: Path, patience: Patience) -> Iterator[Any]:
    """A client of the scheduler that wrote this file.

    Raises:
        RequestError: there is no such file, or no scheduler answers.
        InterruptedRunError: no worker comes in time.
    """
    if not file.is_file():
        message = f"{file}: there is no such scheduler file. Start a cluster with: dask scheduler --scheduler-file FILE"
        raise RequestError(message)
    with _connected(str(file), f"--scheduler-file {file}", patience, scheduler_file=str(file)) as client:
        yield client


@contextmanager
def address_client(address: str, patience: Patience) -> Iterator[Any]:
    """A client of the scheduler that listens there.

    Raises:
        RequestError: no scheduler answers.
        InterruptedRunError: no worker comes in time.
    """
    with _connected(address, address, patience, address=address) as client:
        yield client


@contextmanager
def _connected(name: str, argument: str, patience: Patience, **place: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(timeout=CONNECT_SECONDS, **place)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, KeyError) as error:
        message = f"{name}: no scheduler answers ({error}). Is the cluster running?"
        raise RequestError(message) from error
    with client:
        await_workers(client, patience, hint=f"Start some with: dask worker {argument} --nthreads 1.")
        yield client
