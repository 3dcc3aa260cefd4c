"""From what was measured to a class of behaviour, whatever the entry says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.invariants.estimate import FloatArray, combined_standard_error

# Twins beside regular motion part in proportion to the time, at most to a small power of it: by a factor of 4 to 64 from a quarter of a run
# to its end, which is 1.4 to 4.2 in logarithms. What has grown by more than 10, and by more than five of its errors, grows exponentially.
GROWN, REGULAR = 10.0, 4.2
ERRORS = 5.0
CHAOTIC = ("chaotic", "hyperchaotic", "conservative_chaotic")
# Units of time after which what has not grown is taken for regular.
LONG_ENOUGH, LONG_ENOUGH_MAP = 250.0, 4_000.0
_BLOCKS = 16
# Volumes are kept where their rate is zero within its error, and this is a small part of the leading rate.
_SMALL, EXACT = 0.2, 1.0e-9
# A second rate below this part of the first is none.
_FAINT = 0.02


@dataclass(frozen=True)
class Volume:
    """The mean rate at which volumes grow, in a unit of time, with its error; not a number where there is none (maps of one variable)."""

    rate: float
    error: float

    def is_kept(self, leading: float) -> bool | None:
        """Whether volumes are kept; None where the error is too large to say."""
        if not np.isfinite(self.rate):
            return None
        if abs(self.rate) > max(ERRORS * self.error, EXACT):
            return False
        return True if self.error < _SMALL * leading or self.error < EXACT else None


@dataclass(frozen=True)
class Growth:
    """What twins have grown by, without the first quarter: logarithms (trajectory, block, twin), over so many units of time in all."""

    blocks: FloatArray
    units: float

    @property
    def rates(self) -> FloatArray:
        """(twin,) in a unit of time."""
        return np.asarray(self.blocks.sum(axis=1).mean(axis=0) / self.units)

    @property
    def errors(self) -> FloatArray:
        per_block = self.units / self.blocks.shape[1]
        return np.asarray(combined_standard_error(self.blocks / per_block))

    def grows(self, twin: int) -> bool:
        """Exponentially: by five errors, or, where trajectories differ as in a sea with islands, in a quarter of them by far."""
        rate, error = self.rates[twin], self.errors[twin]
        far = self.blocks[:, :, twin].sum(axis=1) > 2 * GROWN
        return bool(rate * self.units > GROWN and (rate > ERRORS * error or far.mean() >= 0.25))

    def stays(self, twin: int) -> bool:
        """Not more in all than regular motion makes it, nor by two errors (between trajectories) more than twice that."""
        grown = self.blocks[:, :, twin].sum(axis=1)
        error = float(grown.std(ddof=1) / np.sqrt(len(grown))) if len(grown) > 1 else 0.0
        return bool(grown.mean() < REGULAR and grown.mean() + 2 * error < 2 * REGULAR)

    def shrinks(self, twin: int) -> bool:
        rate, error = self.rates[twin], self.errors[twin]
        return bool(rate * self.units < -GROWN and rate < -ERRORS * error)

    def volume(self) -> Volume:
        """How areas of the first two directions grow: volumes, where there are no others."""
        both = self.blocks.sum(axis=2, keepdims=True)
        per_block = self.units / both.shape[1]
        return Volume(float(both.sum(axis=1).mean() / self.units), float(combined_standard_error(both / per_block)[0]))

    def alike(self) -> bool:
        """Whether all trajectories but one in sixteen are chaotic by themselves."""
        return int(self.regular().sum()) <= len(self.blocks) // 16

    def regular(self) -> NDArray[np.bool_]:
        """(trajectory,) those whose first twin has not parted exponentially."""
        return np.asarray(self.blocks[:, :, 0].sum(axis=1) < min(GROWN, 0.25 * self.units * float(self.rates[0])))

    def said(self) -> str:
        pairs = [f"{rate:.2g} ± {error:.1g}" for rate, error in zip(self.rates, self.errors, strict=True)]
        return " and ".join(pairs)


def growth_of(logarithms: FloatArray, units: float) -> Growth:
    """From the logarithms (interval, trajectory, twin) of a run; an interval in which a twin was lost counts as the trajectory's mean."""
    settled = logarithms[len(logarithms) // 4 :]
    with np.errstate(invalid="ignore"):
        count = np.maximum(np.isfinite(settled).sum(axis=0), 1)
        mean = np.where(np.isfinite(settled), settled, 0.0).sum(axis=0) / count
    filled = np.where(np.isfinite(settled), settled, mean)
    blocks = np.stack([part.sum(axis=0) for part in np.array_split(filled, min(_BLOCKS, len(filled)))], axis=1)
    return Growth(blocks, units * len(settled) / len(logarithms))


@dataclass(frozen=True)
class Evidence:
    """What a system was seen to do.

    resting, returning: (trajectory,) what has come to rest, and after how many units of time each comes back to where it was.
    across: how many directions there are beside that of the flow.
    """

    growth: Growth | None
    resting: NDArray[np.bool_]
    returning: FloatArray
    volume: Volume
    long_enough: bool
    across: int = 0

    @property
    def comes_back(self) -> bool:
        return bool(len(self.returning) and np.isfinite(self.returning).all())


def class_of(evidence: Evidence) -> str | None:
    """The class of behaviour; None where it is not sure yet."""
    if len(evidence.resting) and evidence.resting.all():
        return "fixed_point"
    if evidence.comes_back:
        return "periodic"
    growth = evidence.growth
    if growth is None:
        return None
    if growth.blocks.shape[2] and growth.grows(0):
        return _chaos(evidence, growth)
    if evidence.long_enough and (not growth.blocks.shape[2] or growth.stays(0)):
        # what shrinks onto something that neither rests nor comes back within forty periods needs longer to be told
        return None if growth.blocks.shape[2] and growth.shrinks(0) else "quasiperiodic"
    return None


def _volume(evidence: Evidence, growth: Growth) -> Volume:
    """The better of two: along the trajectories; or by areas of the first two directions, where there are no others, or where they shrink:
    the rates of what keeps volumes are an even spectrum, and such areas never do."""
    along = evidence.volume
    if growth.blocks.shape[2] < 2 or not np.isfinite(along.rate):
        return along
    areas = growth.volume()
    return areas if (evidence.across == 2 or areas.rate < 0) and areas.error < along.error else along


def _chaos(evidence: Evidence, growth: Growth) -> str | None:
    leading = float(growth.rates[0])
    kept = _volume(evidence, growth).is_kept(leading)
    if kept:
        return "conservative_chaotic"
    if kept is None and np.isfinite(evidence.volume.rate):
        return None
    if growth.blocks.shape[2] > 1:
        if growth.grows(1):
            return "hyperchaotic"
        if not growth.stays(1) and growth.rates[1] + 3 * growth.errors[1] > _FAINT * leading:
            return None
    return "chaotic"
