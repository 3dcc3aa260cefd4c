"""The decoded chunks of a dataset in memory: pools for each way that windows are asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

from attractory.loader.decoders import Decoders
from attractory.loader.mapped import MappedPool, can_be_mapped
from attractory.loader.pool import ChunkPool, PoolPlan, WholePool


class DecodedCache:
    """The pools of a dataset, at most `limit` bytes together (and at least one chunk a pool); empty after a pickle."""

    def __init__(self, limit: int, decoders: Decoders | None = None) -> None:
        self.limit = limit
        self.decoders = decoders or Decoders(0)
        self._sets: OrderedDict[Hashable, tuple[ChunkPool, ...]] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {"limit": self.limit, "decoders": self.decoders, "_sets": OrderedDict()}

    def pools(self, key: Hashable, plans: Sequence[PoolPlan], *, skips: bool = False) -> tuple[ChunkPool, ...]:
        """A pool for each plan: those made for this key before, or new ones, for which the least recently asked for make room."""
        if key not in self._sets:
            mapped = [not skips and can_be_mapped(plan) for plan in plans]
            wanted = sum(plan.wanted * plan.chunk_bytes for plan, is_mapped in zip(plans, mapped, strict=True) if not is_mapped)
            while self._sets and self._held() + wanted > self.limit:
                self._sets.popitem(last=False)
            part = (self.limit - self._held()) / wanted if wanted else 1.0
            pairs = zip(plans, mapped, strict=True)
            self._sets[key] = tuple(
                MappedPool(plan) if is_mapped else self._pool(plan, part=part, skips=skips) for plan, is_mapped in pairs
            )
        self._sets.move_to_end(key)
        return self._sets[key]

    def _pool(self, plan: PoolPlan, *, part: float, skips: bool) -> ChunkPool:
        """A pool for all chunks that will be asked for, or for a part (0 to 1) of them."""
        if part >= 1:
            return WholePool(plan, decoders=self.decoders, skips=skips)
        return ChunkPool(plan, slots=max(1, int(plan.wanted * part)), decoders=self.decoders, skips=skips)

    def _held(self) -> int:
        return sum(pool.memory.nbytes for pools in self._sets.values() for pool in pools)
