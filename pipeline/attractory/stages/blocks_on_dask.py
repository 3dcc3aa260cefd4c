"""Blocks sent to a cluster a few at a time. One that fails is tried again elsewhere, then set aside, and is never in the others' way."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from attractory.errors import InterruptedRunError
from attractory.stages.block_queue import BlockQueue
from attractory.stages.losses import ENDED_WORKERS, Loss, ends_the_run, reason_of
from attractory.stages.task import BlockReport, BlockTask, run_block_in_turn
from attractory.store import Block

# One block is made and one waits for the disk, or for its turn, in each worker; the scheduler never holds the whole recipe.
BLOCKS_PER_WORKER = 2
ROSTER_SECONDS = 2.0  # how often a cluster is asked for workers that have joined or left
TRIES = 3  # of a block that fails
# One that ends its worker is sent to another by Dask itself, so many times; then it is tried alone, to know whose fault it was.
KILLED_TRIES, ALLOWED_DEATHS = 2, 1


Make = Callable[[BlockTask], BlockReport]


@dataclass(frozen=True)
class _Try:
    """A block on its way: which try it is, and the worker that it was meant for."""

    block: Block
    number: int
    worker: str


@contextmanager
def few_deaths() -> Iterator[None]:
    """A scheduler that is started inside gives a block up after two workers have ended over it, not after four."""
    import dask
    import distributed  # noqa: F401  # its defaults must be there before, as leaving restores what was there

    with dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_DEATHS}):
        yield


def addresses(client: Any) -> list[str]:
    """The workers of a cluster, now.

    Raises:
        InterruptedRunError: the scheduler is gone.
    """
    try:
        return sorted(client.scheduler_info(n_workers=-1)["workers"])
    except OSError as error:
        raise scheduler_lost() from error


def scheduler_lost() -> InterruptedRunError:
    """The end of a run whose scheduler is gone. Dask would look for it for minutes, and then wait for futures that nobody has any more."""
    return InterruptedRunError(
        "the scheduler has ended, or cannot be reached any more. What is done is kept: the same command goes on from there, "
        "once a scheduler runs again."
    )


def run_blocks(
    client: Any, queue: BlockQueue, task_of: Callable[[Block], BlockTask], *, most: int | None = None, make: Make = run_block_in_turn
) -> Iterator[BlockReport | Loss]:
    """The report of each block, as they are done; of one that failed in every try, the loss.

    A block over which a worker ended is tried again alone, at the end, so that the blocks that waited in the same worker are not blamed.

    Args:
        most: how many blocks are begun; the rest stays in the queue.
        make: what a worker does with a block's task.
    Raises:
        InterruptedRunError, OSError: a signal, or a full disk: what would end every other block too.
    """
    run = _Run(client, queue, task_of, len(queue) if most is None else most, make)
    yield from run.all_blocks()
    yield from run.blamed_blocks()


class _Run:
    """State of one call of `run_blocks`."""

    def __init__(self, client: Any, queue: BlockQueue, task_of: Callable[[Block], BlockTask], most: int, make: Make) -> None:
        import distributed

        self._client, self._queue, self._task_of = client, queue, task_of
        self._left, self._make = most, make
        self._done: Any = distributed.as_completed(raise_errors=False)  # type: ignore[no-untyped-call]
        self._tries: dict[str, _Try] = {}
        self._blamed: list[_Try] = []
        self._roster, self._asked = addresses(client), time.monotonic()

    def all_blocks(self) -> Iterator[BlockReport | Loss]:
        self._fill()
        while self._tries:
            outcome = self._next()
            if outcome is not None:
                yield outcome
            if time.monotonic() - self._asked > ROSTER_SECONDS:
                self._roster, self._asked = addresses(self._client) or self._roster, time.monotonic()
            self._fill()

    def blamed_blocks(self) -> Iterator[BlockReport | Loss]:
        """Those that were there when a worker ended, one at a time with the cluster to itself."""
        while self._blamed:
            self._roster = addresses(self._client) or self._roster
            before = self._blamed.pop(0)
            self._submit(before.block, self._elsewhere(before.worker), before.number + 1)
            outcome = None
            while self._tries:
                outcome = self._next() or outcome
            if outcome is not None:
                yield outcome

    def _next(self) -> BlockReport | Loss | None:
        """What became of the next block; None where it is to be tried again."""
        from distributed import CancelledError, KilledWorker

        future = next(self._done)
        tried = self._tries.pop(future.key)
        try:
            report: BlockReport = future.result()
        except KilledWorker as error:
            if tried.number < KILLED_TRIES:
                self._blamed.append(tried)
                return None
            return Loss(tried.block, f"{ENDED_WORKERS} ({type(error).__name__})", killed=True)
        except CancelledError as error:  # nobody here cancels anything
            raise scheduler_lost() from error
        except Exception as error:  # whatever it is, it is the block's, and the others go on
            if ends_the_run(error):
                raise
            if tried.number < TRIES:
                self._submit(tried.block, self._elsewhere(tried.worker), tried.number + 1)
                return None
            return Loss(tried.block, reason_of(error))
        finally:
            future.release()
        return report

    def _fill(self) -> None:
        """Give every worker its two blocks."""
        load = Counter(tried.worker for tried in self._tries.values())
        for _, worker in itertools.product(range(BLOCKS_PER_WORKER), self._roster):
            block = self._queue.take(worker) if self._left and load[worker] < BLOCKS_PER_WORKER else None
            if block is not None:
                self._left -= 1
                load[worker] += 1
                self._submit(block, worker, 1)

    def _submit(self, block: Block, worker: str, number: int) -> None:
        """A block may go elsewhere when the worker that it is meant for is gone."""
        key = block.key if number == 1 else f"{block.key}-try-{number}"
        future = self._client.submit(self._make, self._task_of(block), key=key, workers=[worker], allow_other_workers=True, pure=False)
        self._tries[future.key] = _Try(block, number, worker)
        self._done.add(future)

    def _elsewhere(self, worker: str) -> str:
        """Another worker, the one after this in the list; the same where there is no other."""
        others = [other for other in self._roster if other != worker] or [worker]
        return next((other for other in others if other > worker), others[0])
