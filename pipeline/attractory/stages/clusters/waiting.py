"""A cluster without a worker: said after a while, again and again, and the end of the run after as long as the user allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from attractory.errors import InterruptedRunError
from attractory.stages.blocks_on_dask import scheduler_lost

WAIT_SECONDS = 120.0  # where neither --wait-workers nor the cluster's file says how long
SAID_SECONDS = 30.0  # before it is said for the first time; then after twice as long, and so on
LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class Patience:
    """How long a run goes on without any worker, before the first one as after the last; and who is told."""

    seconds: float = WAIT_SECONDS
    tell: Callable[[str], None] | None = None
    said_seconds: float = SAID_SECONDS


class Absence:
    """How long there has been no worker. State of one run."""

    def __init__(self, patience: Patience, *, now: float) -> None:
        self._patience, self._since, self._said = patience, now, 0.0

    def seen(self, workers: int, now: float) -> bool:
        """To be told how many workers there are; whether that has been none for too long."""
        if workers:
            self._since, self._said = now, 0.0
            return False
        absent = now - self._since
        if absent >= self._patience.seconds:
            return True
        due = self._said * 2 or self._patience.said_seconds
        if absent >= due and self._patience.tell is not None:
            self._said = due
            self._patience.tell(f"no worker for {_spoken(absent)}; the run ends after {_spoken(self._patience.seconds)} without one")
        return False


def await_workers(client: Any, patience: Patience, *, hint: str) -> None:
    """Returns when the first worker is there.

    Args:
        hint: what to do about it, at the end of the error.
    Raises:
        InterruptedRunError: none came in time.
    """
    absence, began = Absence(patience, now=time.monotonic()), time.monotonic()
    try:
        while not absence.seen(workers := _count(client), time.monotonic()):
            if workers:
                return
            left = patience.seconds - (time.monotonic() - began)
            with suppress(TimeoutError):
                client.wait_for_workers(1, timeout=max(0.1, min(LOOK_SECONDS, left)))
    except OSError as error:
        raise scheduler_lost() from error
    message = f"no worker has come within {_spoken(patience.seconds)}. {hint} --wait-workers gives them more time."
    raise InterruptedRunError(message)


@contextmanager
def attended(client: Any, patience: Patience) -> Iterator[None]:
    """While inside, the workers are looked after: where there has been none for too long, what waits for one is given up.

    Raises:
        InterruptedRunError: there was none for too long.
    """
    given_up, ended = threading.Event(), threading.Event()
    looking = threading.Thread(target=_look, args=(client, patience, given_up, ended), name="workers", daemon=True)
    looking.start()
    try:
        yield
    except InterruptedRunError as error:
        if given_up.is_set():
            message = (
                f"all workers are gone, and none has come for {_spoken(patience.seconds)} (--wait-workers). What is done is kept: "
                "the same command goes on from there, once there are workers."
            )
            raise InterruptedRunError(message) from error
        raise
    finally:
        ended.set()
        looking.join()


def _look(client: Any, patience: Patience, given_up: threading.Event, ended: threading.Event) -> None:
    absence = Absence(patience, now=time.monotonic())
    while not ended.wait(min(LOOK_SECONDS, patience.seconds / 4)):
        try:
            workers = _count(client)
        except (OSError, RuntimeError):  # the scheduler is gone, or the client closed: whoever waits for a result hears of it
            continue
        if absence.seen(workers, time.monotonic()) and not given_up.is_set():
            given_up.set()
            client.loop.add_callback(_give_up, client)


def _give_up(client: Any) -> None:
    """As if the scheduler had lost them, which it never says of tasks that wait for a worker."""
    for future in list(client.futures.values()):
        if future.status == "pending":
            future.cancel()


def _count(client: Any) -> int:
    return len(client.scheduler_info(n_workers=1)["workers"])


def _spoken(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} hours"
