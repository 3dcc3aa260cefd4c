"""One pass over a granularity, shard by shard, in bounded memory: everything that the cheap checks ask about the stored numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attractory.errors import DamageError
from attractory.stages.validate.stored import FloatArray, StoredGranularity

# Two trajectories with these many equal first samples are the same trajectory.
HEAD_SAMPLES = 64


@dataclass(frozen=True)
class Summary:
    """Of each trajectory (first axis of every array).

    Attributes:
        readable: whether its shard could be decoded; the other numbers are NaN or 0 where not.
        finite: number of samples before the first that is not finite.
        first: (trajectory, variable) sample 0, as stored.
        mean, variance, lowest, highest: (trajectory, variable), over its finite samples.
        head: digest of the first samples.
        damage: one sentence for every shard that could not be decoded.
    """

    readable: npt.NDArray[np.bool_]
    finite: npt.NDArray[np.int64]
    first: FloatArray
    mean: FloatArray
    variance: FloatArray
    lowest: FloatArray
    highest: FloatArray
    head: tuple[bytes, ...]
    damage: tuple[str, ...]

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


def summarise(granularity: StoredGranularity) -> Summary:
    """The summary of one granularity."""
    trajectories, _, variables = granularity.state.shape
    shape = (trajectories, variables)
    summary = Summary(
        readable=np.zeros(trajectories, dtype=bool),
        finite=np.zeros(trajectories, dtype=np.int64),
        first=np.full(shape, np.nan),
        mean=np.full(shape, np.nan),
        variance=np.full(shape, np.nan),
        lowest=np.full(shape, np.nan),
        highest=np.full(shape, np.nan),
        head=(),
        damage=(),
    )
    heads: list[bytes] = []
    damage: list[str] = []
    for rows in granularity.shards():
        try:
            states = granularity.read(rows)
        except DamageError as error:
            damage.append(str(error))
            heads.extend(b"" for _ in range(rows.stop - rows.start))
            continue
        _fill(summary, rows, states)
        heads.extend(hashlib.sha256(state[:HEAD_SAMPLES].tobytes()).digest() for state in states)
    return Summary(**{**summary.__dict__, "head": tuple(heads), "damage": tuple(damage)})


def _fill(summary: Summary, rows: slice, states: npt.NDArray[np.floating]) -> None:
    """Writes the numbers of one shard's states (trajectory, time, variable) into the summary's arrays."""
    finite = np.isfinite(states).all(axis=2)
    summary.readable[rows] = True
    summary.finite[rows] = np.where(finite.all(axis=1), states.shape[1], np.argmin(finite, axis=1))
    summary.first[rows] = states[:, 0]
    for row, state, samples in zip(range(rows.start, rows.stop), states, summary.finite[rows], strict=True):
        if samples:
            whole = state[:samples].astype(np.float64)
            summary.mean[row], summary.variance[row] = whole.mean(axis=0), whole.var(axis=0)
            summary.lowest[row], summary.highest[row] = whole.min(axis=0), whole.max(axis=0)
