"""Blocks sent to a cluster a few at a time. One that fails is tried again elsewhere, then set aside, and is never in the others' way."""

from __future__ import annotations

import itertools
import math
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from attractory.errors import InterruptedRunError
from attractory.stages.block_queue import BlockQueue
from attractory.stages.bundle import Begin, BundleReport, BundleSizes, Failure, Heads, run_bundle
from attractory.stages.losses import ENDED_WORKERS, Loss, ends_the_run, reason_of
from attractory.stages.task import BlockReport, BlockTask, begin_block
from attractory.store import Block

# One bundle of blocks is made and one waits for the disk, or for its turn, in each worker; the scheduler never holds the whole recipe.
BUNDLES_PER_WORKER = 2
ROSTER_SECONDS = 2.0  # how often a cluster is asked for workers that have joined or left
TRIES = 3  # of a block that fails
# One that ends its worker is sent to another by Dask itself, so many times; then it is tried alone, to know whose fault it was.
KILLED_TRIES, ALLOWED_DEATHS = 2, 1


@dataclass(frozen=True)
class _Try:
    """A bundle of blocks on its way: which try of them it is, and the worker that it was meant for."""

    blocks: tuple[Block, ...]
    number: int
    worker: str

    def key(self, run: str) -> str:
        """That of the first block, which no other bundle of the run has at this try. Of another run, a worker may still be at a bundle that
        begins with the same block and ends with another: Dask would take its outcome for this one's."""
        return f"{self.blocks[0].key}-try-{self.number}-{run}"


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
    except (OSError, KeyError) as error:  # a client that has given its scheduler up knows of nothing any more
        raise scheduler_lost() from error


def scheduler_lost() -> InterruptedRunError:
    """The end of a run whose scheduler is gone. Dask would look for it for minutes, and then wait for futures that nobody has any more."""
    return InterruptedRunError(
        "the scheduler has ended, or cannot be reached any more. What is done is kept: the same command goes on from there, "
        "once a scheduler runs again."
    )


def run_blocks(
    client: Any, queue: BlockQueue, task_of: Callable[[Block], BlockTask], *, most: int | None = None, begin: Begin = begin_block
) -> Iterator[BlockReport | Loss]:
    """The report of each block, as they are done; of one that failed in every try, the loss.

    Blocks of a system that take little time go together. A block over which a worker ended is tried again alone, at the end, so that the
    blocks that were sent with it, or waited in the same worker, are not blamed.

    Args:
        most: how many blocks are begun; the rest stays in the queue.
        begin: what a worker does with a block's task; of the tasks of one system, only their blocks differ.
    Raises:
        InterruptedRunError, OSError: a signal, or a full disk: what would end every other block too.
    """
    run = _Run(client, queue, task_of, len(queue) if most is None else most, begin)
    yield from run.all_blocks()
    yield from run.blamed_blocks()


class _Run:
    """State of one call of `run_blocks`."""

    def __init__(self, client: Any, queue: BlockQueue, task_of: Callable[[Block], BlockTask], most: int, begin: Begin) -> None:
        import distributed

        from attractory.stages.clusters.short_memory import keep_few

        keep_few(client.scheduler_comm)
        self._client, self._queue, self._left, self._name = client, queue, most, uuid.uuid4().hex
        self._heads, self._sizes = Heads(begin, task_of), BundleSizes()
        self._done: Any = distributed.as_completed(raise_errors=False)  # type: ignore[no-untyped-call]
        self._tries: dict[str, _Try] = {}
        self._blamed: list[_Try] = []
        self._roster, self._asked = addresses(client), time.monotonic()

    def all_blocks(self) -> Iterator[BlockReport | Loss]:
        self._fill()
        while self._tries:
            yield from self._next()
            if time.monotonic() - self._asked > ROSTER_SECONDS:
                self._roster, self._asked = addresses(self._client) or self._roster, time.monotonic()
            self._fill()

    def blamed_blocks(self) -> Iterator[BlockReport | Loss]:
        """Those that were there when a worker ended, one at a time with the cluster to itself."""
        while self._blamed:
            self._roster = addresses(self._client) or self._roster
            before = self._blamed.pop(0)
            self._submit(_Try(before.blocks, before.number + 1, self._elsewhere(before.worker)))
            while self._tries:
                yield from self._next()

    def _next(self) -> Iterator[BlockReport | Loss]:
        """What became of the blocks of the bundles that have ended, one at least, but of those that are to be tried again."""
        futures: list[Any] = self._done.next_batch()
        reports = self._reports(futures)
        for future in futures:
            yield from self._ended(future, reports.get(future.key))

    def _reports(self, futures: Sequence[Any]) -> dict[str, BundleReport]:
        """Those of the bundles that ended well, where there are several: in one message, as to ask for each costs a scheduler more than all
        else of a task does."""
        good = [future for future in futures if future.status == "finished"]
        try:
            return dict(zip((future.key for future in good), self._client.gather(good), strict=True)) if len(good) > 1 else {}
        except Exception:  # noqa: BLE001  # of one of them: who asks for that one alone hears which, and what it was
            return {}

    def _ended(self, future: Any, known: BundleReport | None) -> Iterator[BlockReport | Loss]:
        from distributed import CancelledError, KilledWorker

        tried = self._tries.pop(future.key)
        try:
            report: BundleReport = known or future.result()
        except KilledWorker as error:
            yield from self._killed(tried, f"{ENDED_WORKERS} ({type(error).__name__})")
        except CancelledError as error:  # nobody here cancels anything
            raise scheduler_lost() from error
        except Exception as error:  # not of one block: nothing of the bundle could be begun, or told
            if ends_the_run(error):
                raise
            yield from self._outcomes(tried, [Failure(block, reason_of(error)) for block in tried.blocks])
        else:
            self._sizes.learn(tried.blocks[0].system, len(tried.blocks), report.seconds)
            yield from self._outcomes(tried, report.outcomes)
        finally:
            future.release()

    def _outcomes(self, tried: _Try, outcomes: Iterable[BlockReport | Failure]) -> Iterator[BlockReport | Loss]:
        """The reports, and the losses; a block that failed and may be tried again is sent elsewhere, alone."""
        for outcome in outcomes:
            if isinstance(outcome, BlockReport):
                yield outcome
            elif tried.number < TRIES:
                self._submit(_Try((outcome.block,), tried.number + 1, self._elsewhere(tried.worker)))
            else:
                yield Loss(outcome.block, outcome.reason)

    def _killed(self, tried: _Try, reason: str) -> Iterator[Loss]:
        """Losses, where a block ended its worker alone; else each is kept to be tried alone."""
        if tried.number >= KILLED_TRIES:
            yield from (Loss(block, reason, killed=True) for block in tried.blocks)
        else:
            self._blamed += [_Try((block,), tried.number, tried.worker) for block in tried.blocks]

    def _fill(self) -> None:
        """Give every worker its two bundles; towards the end they become smaller, so that the workers end together."""
        load = Counter(tried.worker for tried in self._tries.values())
        waiting = min(len(self._queue), self._left)
        for _, worker in itertools.product(range(BUNDLES_PER_WORKER), self._roster):
            if waiting and load[worker] < BUNDLES_PER_WORKER:
                fair = math.ceil(waiting / (BUNDLES_PER_WORKER * len(self._roster)))
                blocks = self._take(worker, fair)
                waiting -= len(blocks)
                self._left -= len(blocks)
                load[worker] += 1
                self._submit(_Try(blocks, 1, worker))

    def _take(self, worker: str, fair: int) -> tuple[Block, ...]:
        """The next blocks for a worker, of one system."""
        return self._queue.take_some(worker, lambda block: min(fair, self._sizes.most(block.system, self._heads.block_bytes(block))))

    def _submit(self, tried: _Try) -> None:
        """A bundle may go elsewhere when the worker that it is meant for is gone."""
        future = self._client.submit(
            run_bundle,
            self._heads.of(tried.blocks[0]),
            tried.blocks,
            key=tried.key(self._name),
            workers=[tried.worker],
            allow_other_workers=True,
            pure=False,
        )
        self._tries[future.key] = tried
        self._done.add(future)

    def _elsewhere(self, worker: str) -> str:
        """Another worker, the one after this in the list; the same where there is no other."""
        others = [other for other in self._roster if other != worker] or [worker]
        return next((other for other in others if other > worker), others[0])
