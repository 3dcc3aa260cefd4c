"""A few blocks of one system as one task of Dask, so that a scheduler's time is paid once for all of them; each fails for itself alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from attractory.stages.losses import ends_the_run, reason_of
from attractory.stages.task import OVERLAPPED_BYTES, BegunBlock, BlockReport, BlockTask
from attractory.stages.task_size import SHORTEST
from attractory.store import Block

# More would save nothing that shows: the scheduler's time of a task is then a sixtieth of a block's.
MOST_BLOCKS = 64
# A bundle has at most so many times the blocks of the last one, as blocks of a family need not take alike.
GROWTH = 4

Begin = Callable[[BlockTask], BegunBlock | BlockReport]


@dataclass(frozen=True)
class Failure:
    """A block that could not be made, and why."""

    block: Block
    reason: str


_Begun = BegunBlock | BlockReport | Failure


@dataclass(frozen=True)
class BundleReport:
    """What became of each block of a bundle, and the seconds that all of it took but compiling."""

    outcomes: tuple[BlockReport | Failure, ...]
    seconds: float


def run_bundle(head: bytes, blocks: Sequence[Block]) -> BundleReport:
    """Make the blocks one after another, on a worker of Dask; each while the last bytes of the one before reach the disk.

    A client gives a worker two bundles. The second one begins when all of this one is made and its last bytes are on their way.

    Raises:
        InterruptedRunError, OSError: a signal, or a full disk: what would end every other block too.
    """
    began = time.perf_counter()
    begin, task = _unpacked(head)
    outcomes: list[BlockReport | Failure] = []
    before: _Begun | None = None
    for block in blocks:
        begun = _begun(begin, task.of(block))
        outcomes += [_ended(before, BegunBlock.wait)] if before is not None else []
        before = begun
    seconds = time.perf_counter() - began
    if isinstance(before, BegunBlock):
        from distributed import secede

        secede()  # type: ignore[no-untyped-call]
    outcomes += [_ended(before, BegunBlock.overlapped)] if before is not None else []
    compiling = sum(outcome.compile_seconds for outcome in outcomes if isinstance(outcome, BlockReport))
    return BundleReport(tuple(outcomes), seconds - compiling)


def _begun(begin: Begin, task: BlockTask) -> _Begun:
    """A block that is made and on its way to the disk. A large one is waited for, so that what a worker holds is bounded."""
    try:
        begun = begin(task)
        return begun.wait() if isinstance(begun, BegunBlock) and task.bytes > OVERLAPPED_BYTES else begun
    except Exception as error:  # whatever it is, it is the block's, and the others go on
        if ends_the_run(error):
            raise
        return Failure(task.block, reason_of(error))


def _ended(begun: _Begun, wait: Callable[[BegunBlock], BlockReport]) -> BlockReport | Failure:
    try:
        return wait(begun) if isinstance(begun, BegunBlock) else begun
    except Exception as error:
        if ends_the_run(error):
            raise
        return Failure(begun.block, reason_of(error))


@lru_cache(maxsize=8)  # a worker stays with its system
def _unpacked(head: bytes) -> tuple[Begin, BlockTask]:
    import pickle

    opened: tuple[Begin, BlockTask] = pickle.loads(head)
    return opened


class Heads:
    """What all blocks of a system have in common, as bytes: a scheduler passes them on without unpacking what is inside."""

    def __init__(self, begin: Begin, task_of: Callable[[Block], BlockTask]) -> None:
        self._begin, self._task_of = begin, task_of
        self._known: dict[str, tuple[bytes, int]] = {}

    def of(self, block: Block) -> bytes:
        return self._of_system(block)[0]

    def block_bytes(self, block: Block) -> int:
        """Of the states of a block, raw."""
        return self._of_system(block)[1]

    def _of_system(self, block: Block) -> tuple[bytes, int]:
        if block.system not in self._known:
            import cloudpickle  # type: ignore[import-untyped]  # what Dask itself packs functions with

            task = self._task_of(block)
            self._known[block.system] = (cloudpickle.dumps((self._begin, task)), task.bytes)
        return self._known[block.system]


class BundleSizes:
    """How many blocks of each system go together, by what the last ones took. State of one run, held by the one loop that submits.

    As many as take SHORTEST, with at most OVERLAPPED_BYTES of states; the first of a system goes alone, as nobody knows yet.
    """

    def __init__(self) -> None:
        self._most: dict[str, int] = {}

    def most(self, system: str, block_bytes: int) -> int:
        """At least one."""
        return max(1, min(self._most.get(system, 1), MOST_BLOCKS, OVERLAPPED_BYTES // max(block_bytes, 1)))

    def learn(self, system: str, blocks: int, seconds: float) -> None:
        """So many blocks took so long."""
        fitting = int(min(SHORTEST * blocks / max(seconds, 1e-9), GROWTH * blocks))
        self._most[system] = max(1, fitting)
