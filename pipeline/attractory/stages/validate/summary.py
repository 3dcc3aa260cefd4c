"""One pass over a granularity, shard by shard, in bounded memory: everything that the cheap checks ask about the stored numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from attractory.errors import DamageError
from attractory.stages.validate.stored import FloatArray, StoredGranularity
from attractory.stages.validate.trace import traced

# Two trajectories with these many equal first samples are the same trajectory.
HEAD_SAMPLES = 64


@dataclass(frozen=True)
class Summary:
    """Of each trajectory (first axis of every array).

    Attributes:
        seen: whether it was looked at, which all are but of a sample.
        readable: whether it was, and its shard could be decoded; the other numbers are NaN or 0 where not.
        finite: number of samples before the first that is not finite.
        first: (trajectory, variable) sample 0, as stored.
        mean, variance, lowest, highest: (trajectory, variable), over its finite samples.
        held, held_at: (trajectory, variable) the longest run of equal samples, and where it begins.
        still, still_at: the longest run of equal states, all variables at once, and where it begins.
        bits: (trajectory, variable) every bit that is set in any sample after the first.
        head: digest of the first samples.
        damage: one sentence for every shard that could not be decoded.
    """

    seen: npt.NDArray[np.bool_]
    readable: npt.NDArray[np.bool_]
    finite: npt.NDArray[np.int64]
    first: FloatArray
    mean: FloatArray
    variance: FloatArray
    lowest: FloatArray
    highest: FloatArray
    held: npt.NDArray[np.int64]
    held_at: npt.NDArray[np.int64]
    still: npt.NDArray[np.int64]
    still_at: npt.NDArray[np.int64]
    bits: npt.NDArray[np.uint64]
    head: tuple[bytes, ...]
    damage: tuple[str, ...]

    def with_rows(self, rows: npt.NDArray[np.intp], own: Summary) -> Summary:
        """The same with the numbers of some trajectories from another summary, which holds these alone."""
        changed = {name: getattr(self, name).copy() for name in ARRAYS}
        for name, array in changed.items():
            array[rows] = getattr(own, name)
        head = list(self.head)
        for place, row in enumerate(rows):
            head[row] = own.head[place]
        return replace(self, head=tuple(head), **changed)

    @property
    def spread(self) -> FloatArray:
        """(variable,) standard deviation about the centre of all, by medians over trajectories, so that no spoiled one can widen it.

        The magnitude of a variable that does not move.
        """
        rows = self.readable & (self.finite > 1)
        if not rows.any():
            return np.ones(self.mean.shape[1])
        means = self.mean[rows]
        between = 1.4826 * np.median(np.abs(means - np.median(means, axis=0)), axis=0)  # 1.4826: of a normal distribution
        deviation = np.sqrt(np.median(self.variance[rows], axis=0) + between**2)
        magnitude = np.median(np.maximum(np.abs(self.lowest[rows]), np.abs(self.highest[rows])), axis=0)
        still = deviation <= 1e-7 * magnitude
        return np.where(still, np.where(magnitude > 0.0, magnitude, 1.0), deviation)


ARRAYS = tuple(own.name for own in fields(Summary) if own.name not in ("head", "damage"))


def summarise(granularity: StoredGranularity) -> Summary:
    """The summary of one granularity."""
    parts = []
    for rows in granularity.shards():
        try:
            parts.append(summary_of(granularity.read(rows)))
        except DamageError as error:
            parts.append(unread(rows.stop - rows.start, granularity.state.shape[2], damage=str(error)))
    return joined(parts)


def unread(trajectories: int, variables: int, *, damage: str | None = None) -> Summary:
    """Of trajectories that were not read, because that was not asked for, or because of damage."""
    shape = (trajectories, variables)
    nothing = np.full(shape, np.nan)
    none, no_place = np.zeros(trajectories, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    return Summary(
        seen=np.full(trajectories, damage is not None),
        readable=np.zeros(trajectories, dtype=bool),
        finite=none,
        first=nothing,
        mean=nothing,
        variance=nothing,
        lowest=nothing,
        highest=nothing,
        held=no_place,
        held_at=no_place,
        still=none,
        still_at=none,
        bits=np.zeros(shape, dtype=np.uint64),
        head=(b"",) * trajectories,
        damage=() if damage is None else (damage,),
    )


def joined(parts: Sequence[Summary]) -> Summary:
    """One of many, in their order."""
    if len(parts) == 1:
        return parts[0]
    return Summary(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS},
        head=tuple(head for part in parts for head in part.head),
        damage=tuple(damage for part in parts for damage in part.damage),
    )


def summary_of(states: npt.NDArray[np.floating], chosen: npt.NDArray[np.bool_] | None = None) -> Summary:
    """The summary of some trajectories' states (trajectory, time, variable); those that are not `chosen` count as not read."""
    chosen = np.ones(len(states), dtype=bool) if chosen is None else chosen
    if not chosen.all():
        whole = unread(len(states), states.shape[2])
        own = summary_of(states[chosen])
        return whole.with_rows(np.flatnonzero(chosen), own)
    heads = tuple(hashlib.sha256(state[:HEAD_SAMPLES].tobytes()).digest() for state in states)
    first = states[:, 0].astype(np.float64)
    return Summary(seen=chosen, readable=chosen, first=first, head=heads, damage=(), **traced(states))
