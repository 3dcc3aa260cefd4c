"""From the place of a window to all that a batch says of it: states, times, labels, other granularities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from attractory.errors import DamageError
from attractory.loader.asked import BFLOAT16, as_bfloat16, bfloat16_bits
from attractory.loader.batch import Batch
from attractory.loader.chance import Chance
from attractory.loader.decoded_cache import DecodedCache
from attractory.loader.gather import Gathering
from attractory.loader.guard import Guard
from attractory.loader.labels import Labels
from attractory.loader.late_checks import LateChecks
from attractory.loader.mapped import MappedPool
from attractory.loader.pool import ChunkPool, WholePool
from attractory.loader.table import Located
from attractory.loader.transforms.known import Transform


@dataclass(frozen=True)
class Lengths:
    """Samples of a window's context and horizon, of each system; both are as long as the longest in a batch."""

    contexts: tuple[int, ...]
    horizons: tuple[int, ...]

    @cached_property
    def context(self) -> int:
        return max(self.contexts)

    @cached_property
    def horizon(self) -> int:
        return max(self.horizons)

    @cached_property
    def total(self) -> int:
        return self.context + self.horizon

    @cached_property
    def same(self) -> bool:
        """Whether every window has as many samples of each."""
        return len(set(zip(self.contexts, self.horizons, strict=True))) == 1

    @cached_property
    def mask(self) -> np.ndarray:
        """Which samples are real (system, time), bool: a short context is padded before, a short horizon after."""
        sample = np.arange(self.total)
        first, last = (self.context + sign * np.array(part)[:, None] for sign, part in ((-1, self.contexts), (1, self.horizons)))
        found: np.ndarray = (sample >= first) & (sample < last)
        return found

    @cached_property
    def kinds(self) -> list[tuple[int, int, np.ndarray]]:
        """(context, horizon, which systems have them (system,) bool)."""
        pairs = list(zip(self.contexts, self.horizons, strict=True))
        return [(*pair, np.array([other == pair for other in pairs])) for pair in dict.fromkeys(pairs)]


@dataclass(frozen=True)
class Reading:
    """The way to the samples of one granularity."""

    gathering: Gathering
    lengths: Lengths
    cache: DecodedCache
    key: str  # of the pools in the cache
    times: Gathering | None = None  # the way to the times of samples that have their own
    dtype: str | None = None
    narrow: bool = False  # batches no wider than their largest system
    skips: bool = False  # leave out what is damaged
    transforms: tuple[Transform, ...] = ()

    def of_epoch(self, epoch: int) -> Reading:
        """The way to the samples of an epoch."""
        return replace(self, gathering=self.gathering.of_epoch(epoch), key=f"{self.key} epoch {epoch}")

    def pools(self) -> tuple[ChunkPool, ...]:
        return self.cache.pools(self.key, self.gathering.plans, skips=self.skips)

    def ahead(self, located: Located) -> None:
        """Begin to decode what some windows will need, where there are threads for it and not all is there."""
        if self.cache.decoders.threads == 0:
            return
        pools = self.pools()
        if all(isinstance(pool, WholePool | MappedPool) and pool.is_complete for pool in pools):
            return
        for context, horizon, rows in self._kinds(located):
            self.gathering.ahead(located.some(rows), length=context + horizon, pools=pools)

    def states(self, located: Located) -> np.ndarray:
        """(window, time, variable), zeros where a window has no sample or variable."""
        return self._gathered(self.gathering, located, self.pools())

    def times_of(self, located: Located) -> np.ndarray | None:
        """(window, time) float64, where samples have times of their own."""
        if self.times is None:
            return None
        pools = self.cache.pools(f"{self.key} time", self.times.plans, skips=self.skips)
        return self._gathered(self.times, located, pools)[..., 0]

    def damaged(self, located: Located) -> np.ndarray | None:
        """Which windows (window,) are left out for damage; None where nothing is."""
        found: np.ndarray | None = None
        if not self.skips:
            return None
        for context, horizon, rows in self._kinds(located):
            part = self.gathering.damaged(located.some(rows), length=context + horizon, pools=self.pools())
            if part is not None:
                found = np.zeros(len(located.start), bool) if found is None else found
                found[rows] = part
        return found

    def samples(self, located: Located) -> np.ndarray:
        """The number of each sample in its trajectory (window, time), -1 where a window has none."""
        lengths = self.lengths
        begin = located.start - (lengths.context - np.array(lengths.contexts)[located.member])
        numbers = begin[:, None] + np.arange(lengths.total)
        return numbers if lengths.same else np.where(lengths.mask[located.member], numbers, -1)

    def damage(self) -> dict[str, str]:
        """What was found damaged and left out: file -> what is wrong."""
        return {text.partition(": ")[0]: text for pool in self.pools() for text in pool.damaged.values()}

    def _gathered(self, gathering: Gathering, located: Located, pools: Sequence[ChunkPool]) -> np.ndarray:
        lengths = self.lengths
        if lengths.same:
            return gathering.states(located, length=lengths.total, pools=pools, narrow=self.narrow)
        parts = [
            (c, rows, gathering.states(located.some(rows), length=c + h, pools=pools, narrow=self.narrow))
            for c, h, rows in self._kinds(located)
        ]
        variables = max((states.shape[2] for _, _, states in parts), default=gathering.variables)
        result = np.zeros((len(located.start), lengths.total, variables), gathering.dtype)
        for context, rows, states in parts:
            begin = lengths.context - context
            result[rows, begin : begin + states.shape[1], : states.shape[2]] = states
        return result

    def _kinds(self, located: Located) -> list[tuple[int, int, np.ndarray]]:
        """(context, horizon, rows of the windows that have them)."""
        if self.lengths.same:
            return [(self.lengths.context, self.lengths.horizon, np.arange(len(located.start)))]
        found = [(context, horizon, np.flatnonzero(systems[located.member])) for context, horizon, systems in self.lengths.kinds]
        return [kind for kind in found if kind[2].size]


@dataclass(frozen=True)
class Other:
    """Another granularity of the same stretch of time."""

    reading: Reading
    steps: np.ndarray  # (system,) float64: samples of it in the time between two of the first granularity

    def located(self, located: Located) -> Located:
        """Where the windows begin there: at their first sample that is not before the window's beginning."""
        begin = np.ceil(located.start * self.steps[located.member] - 1e-6).astype(np.int64)  # 1e-6: of a sample, for the rounding of dt
        return Located(located.member, located.trajectory, begin)


@dataclass(frozen=True)
class Source:
    """What batches are made of, for windows whose place is known."""

    reading: Reading
    codes: np.ndarray  # (system,) int64: each system's place in Dataset.system_names
    labels: Labels
    guards: tuple[Guard, ...] = ()
    others: Mapping[str, Other] = field(default_factory=dict)
    checks: LateChecks | None = None
    rounds: bool = False  # to bfloat16, once transforms are done; without them chunks are rounded when they are decoded

    @property
    def dtype(self) -> str | None:
        """Of the batches' states, where one was asked for."""
        return BFLOAT16 if self.rounds else self.reading.dtype

    def of_epoch(self, epoch: int) -> Source:
        """What the batches of an epoch are made of, where every epoch has trajectories of its own."""
        others = {name: replace(other, reading=other.reading.of_epoch(epoch)) for name, other in self.others.items()}
        return replace(self, reading=self.reading.of_epoch(epoch), others=others)

    def unchanged(self, *, reread: bool = False) -> None:
        """Nothing, while the stores are those that were opened.

        Raises:
            StoreError: one was replaced.
        """
        for guard in self.guards:
            guard.check(reread=reread)

    def checked(self, *, wait: bool = False) -> None:
        """Nothing, while no shard that was checked beside its use is damaged; `wait` for all that are being checked.

        Raises:
            DamageError: one is.
            StoreError: the store was replaced.
        """
        if self.checks is None:
            return
        try:
            self.checks.found(wait=wait)
        except DamageError:
            self.unchanged(reread=True)
            raise

    def ahead(self, located: Located) -> None:
        """Begin to decode what some windows will need."""
        self.reading.ahead(located)
        for other in self.others.values():
            other.reading.ahead(other.located(located))

    def batch(self, windows: np.ndarray, located: Located, chance: Chance | None, *, bits: bool) -> Batch:
        """The batch of some windows; `chance` is what transforms draw from, and `bits`: bfloat16 as uint16.

        Raises:
            DamageError: a shard cannot be read.
            StoreError: a store was replaced since it was opened.
        """
        try:
            main = self._of(self.reading, windows, located)
            others = {name: Batch(**self._of(other.reading, windows, other.located(located))) for name, other in self.others.items()}
        except DamageError:
            self.unchanged(reread=True)
            raise
        metadata = self.labels.of(located, lambda: self.reading.samples(located))
        batch = Batch(**main, metadata=metadata)
        if self.reading.transforms and chance is not None:
            batch = _transformed(batch, self.reading.transforms, chance)
            others = {name: _transformed(one, self.others[name].reading.transforms, chance) for name, one in others.items()}
        if self.dtype == BFLOAT16:
            batch, others = self._rounded(batch, bits), {name: self._rounded(one, bits) for name, one in others.items()}
        return replace(batch, others=others) if others else batch

    def damaged(self, located: Located) -> np.ndarray | None:
        """Which windows (window,) are left out for damage, at any granularity; None where nothing is."""
        readings = [(self.reading, located), *((other.reading, other.located(located)) for other in self.others.values())]
        found = [part for reading, there in readings if (part := reading.damaged(there)) is not None]
        return np.logical_or.reduce(found) if found else None

    def _rounded(self, batch: Batch, bits: bool) -> Batch:
        """The batch with bfloat16 states: NumPy's of ml_dtypes, or their `bits`."""
        rounded = bfloat16_bits(batch.state) if self.rounds else batch.state
        return replace(batch, state=rounded if bits else as_bfloat16(rounded))

    def _of(self, reading: Reading, windows: np.ndarray, located: Located) -> dict[str, Any]:
        state = reading.states(located)
        mask = reading.gathering.mask[located.member]
        return {
            "state": state,
            "mask": mask if mask.shape[1] == state.shape[2] else np.ascontiguousarray(mask[:, : state.shape[2]]),
            "index": windows.copy(),
            "system": self.codes[located.member],
            "trajectory": located.trajectory.copy(),
            "start": located.start.copy(),
            "context_samples": reading.lengths.context,
            "time": reading.times_of(located),
            "time_mask": None if reading.lengths.same else reading.lengths.mask[located.member],
        }


def _transformed(batch: Batch, transforms: Sequence[Transform], chance: Chance) -> Batch:
    """The batch after all transforms, each with random numbers of its own; its arrays are in one piece and may be written."""
    for number, transform in enumerate(transforms):
        batch = transform(batch, chance.part(f"transform {number}"))
    return batch.mapped(lambda values: np.require(values, requirements=["C", "W"]))
