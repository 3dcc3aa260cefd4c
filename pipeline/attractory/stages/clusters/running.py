"""A cluster that runs already, found by its scheduler's address or by the file that the scheduler wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attractory.errors import RequestError

WAIT_SECONDS = 120.0  # how long the first worker of a running cluster may take


@contextmanager
def scheduler_file_client(file: Path) -> Iterator[Any]:
    """A client of the scheduler that wrote this file.

    Raises:
        RequestError: there is no such file, no scheduler answers, or it has no worker.
    """
    if not file.is_file():
        message = f"{file}: there is no such scheduler file. Start a cluster with: dask scheduler --scheduler-file FILE"
        raise RequestError(message)
    with _connected(str(file), f"--scheduler-file {file}", scheduler_file=str(file)) as client:
        yield client


@contextmanager
def address_client(address: str) -> Iterator[Any]:
    """A client of the scheduler that listens there.

    Raises:
        RequestError: no scheduler answers, or it has no worker.
    """
    with _connected(address, address, address=address) as client:
        yield client


@contextmanager
def _connected(name: str, argument: str, **place: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(timeout=WAIT_SECONDS, **place)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, KeyError) as error:
        message = f"{name}: no scheduler answers ({error}). Is the cluster running?"
        raise RequestError(message) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
        except TimeoutError as error:
            message = f"{name}: the cluster has no worker. Start some with: dask worker {argument} --nthreads 1"
            raise RequestError(message) from error
        yield client
