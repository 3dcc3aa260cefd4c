"""Which block a worker takes next. A worker stays with its system as long as it can, because it has the machine code of that one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from attractory.store import Block


class BlockQueue:
    """The blocks that are still to be made. State of one run, held by the one loop that submits."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._waiting: dict[str, deque[Block]] = {}
        for block in blocks:
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
        block = self._waiting[system].popleft()
        if not self._waiting[system]:
            del self._waiting[system]
        return block

    def __len__(self) -> int:
        return sum(len(blocks) for blocks in self._waiting.values())

    def _another(self) -> str | None:
        begun = set(self._system_of.values())
        return max(self._waiting, key=lambda name: (name not in begun, len(self._waiting[name])), default=None)
