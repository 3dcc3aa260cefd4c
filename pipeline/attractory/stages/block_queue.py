"""Which block a worker takes next. A worker stays with its system as long as it can, because it has the machine code of that one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from attractory.store import Block


class BlockQueue:
    """The blocks that are still to be made. State of one run, held by the one loop that submits."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._waiting: dict[str, deque[Block]] = {}
        self._count = 0
        for block in blocks:
            self._count += 1
            self._waiting.setdefault(block.system, deque()).append(block)
        self._system_of: dict[str, str] = {}

    def take(self, worker: str) -> Block | None:
        """The next block for a worker: of its own system; else of one that no worker has begun; else of the one with most left."""
        system = self._system_of.get(worker)
        if system not in self._waiting:
            system = self._another()
        if system is None:
            return None
        self._system_of[worker] = system
        return self._next_of(system)

    def take_some(self, worker: str, most: Callable[[Block], int]) -> tuple[Block, ...]:
        """The next blocks of one system for a worker: the one that `take` gives, which `most` is asked about, and those behind it."""
        first = self.take(worker)
        if first is None:
            return ()
        others = min(most(first) - 1, len(self._waiting.get(first.system, ())))
        return (first, *(self._next_of(first.system) for _ in range(others)))

    def __len__(self) -> int:
        return self._count

    def _next_of(self, system: str) -> Block:
        block = self._waiting[system].popleft()
        self._count -= 1
        if not self._waiting[system]:
            del self._waiting[system]
        return block

    def _another(self) -> str | None:
        begun = set(self._system_of.values())
        return max(self._waiting, key=lambda name: (name not in begun, len(self._waiting[name])), default=None)
