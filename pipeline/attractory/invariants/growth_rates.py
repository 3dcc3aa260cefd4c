"""How fast tangent vectors grew: what is run, what was measured, when it is enough, and what of it a plot shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attractory.invariants.estimate import FloatArray, Setting, standard_errors

ROUND = 16  # intervals that are measured together
FEWEST_ROUNDS = 16
_BLOCKS = 16  # long enough to be independent where rounds may not be
_POINTS = 256  # of the running mean
_BINS = 64  # of the local exponents' histogram
_WALKS = 3.0  # of deviations that a pair of zero exponents may lie apart
# A sum of exponents that is smaller than this part of their sizes is zero: volumes are kept to the integration's error.
KEPT_VOLUMES = 1e-4


@dataclass(frozen=True)
class Effort:
    """How much is run.

    Attributes:
        trajectories: independent ones, advanced together; those that leave every bound are left out.
        budget: longest time of each trajectory, in the system's units (maps: iterates); None is 4,096 orthonormalisations, and no limit
            where `steps` is one.
        tolerance: of the integration, tangent vectors included.
        transient: None is the length that `generate` uses.
        core_seconds: what orthonormalisations and steps may come to, counted at what they take on one core of a usual machine
            (`tangent_bundle.work`), not measured: the result does not depend on the machine. Eight rounds are made whatever they come to.
    """

    trajectories: int = 128
    budget: float | None = None
    tolerance: float = 1e-9
    transient: float | None = None
    core_seconds: float | None = None


@dataclass(frozen=True)
class Measurement:
    """Mean growth rates (trajectory, round, exponent) of the trajectories that lasted; `lost` counts the others; `steps` of all;
    `tolerance` of the integration."""

    growth: FloatArray
    interval: float
    lost: int
    steps: int = 0
    tolerance: float = Effort.tolerance

    @property
    def settled(self) -> FloatArray:
        """Without the first eighth, in which the tangent vectors still turn into their directions."""
        return self.growth[:, self.growth.shape[1] // 8 :]

    @property
    def blocks(self) -> FloatArray:
        """(trajectory, block, exponent)."""
        settled = self.settled
        parts = np.array_split(settled, min(_BLOCKS, settled.shape[1]), axis=1)
        return np.stack([part.mean(axis=1) for part in parts], axis=1)

    @property
    def value(self) -> FloatArray:
        mean: FloatArray = self.settled.mean(axis=(0, 1))
        return mean

    @property
    def duration(self) -> float:
        """How long each trajectory was followed."""
        return float(self.interval * ROUND * self.growth.shape[1])

    @property
    def errors(self) -> FloatArray:
        """Standard errors (exponent,): the largest of those between trajectories, between blocks, of the ends, and of a pair that walks."""
        walk = walk_error(self.settled, duration=self.interval * ROUND * self.settled.shape[1], tolerance=self.tolerance)
        return np.maximum(np.maximum(rate_error(self.blocks), self.end_error), walk)

    @property
    def end_error(self) -> FloatArray:
        """What the lengths of tangent vectors at both ends of the run make of the mean (exponent,), where growth only goes up and down.

        On a limit cycle log length is a function of the phase, whose deviation shows in its course over the whole run; blocks of time may
        all begin at one phase.
        """
        return swing_error(self.settled)

    def reached(self, standard_error: float, *, shortest: float) -> bool:
        """Whether every error is below the one asked for, relative to the exponent where that is above one, and the run not too short."""
        if self.duration < shortest:
            return False
        errors = self.errors
        return bool((errors <= standard_error * np.maximum(1.0, np.abs(self.value))).all())


def convergence(measurement: Measurement, order: npt.NDArray[np.intp]) -> dict[str, FloatArray]:
    """What a plot shows and a bootstrap draws from, exponents in the order given.

    growth (trajectory, block, exponent); time (point,), running (point, exponent): the mean of all trajectories up to a time, and
    running_error, its standard error between trajectories, infinite where there is one; local_edges (exponent, edge), local_counts
    (exponent, bin): the histogram of local exponents, each the mean over ROUND intervals of one trajectory.
    """
    settled = measurement.settled[:, :, order]
    trajectories, rounds, exponents = settled.shape
    chosen = np.unique(np.linspace(0, rounds - 1, min(rounds, _POINTS)).round().astype(np.int64))
    means = (np.cumsum(settled, axis=1) / np.arange(1, rounds + 1)[:, None])[:, chosen]
    spread = means.std(axis=0, ddof=1) / np.sqrt(trajectories) if trajectories > 1 else np.full(means.shape[1:], np.inf)
    counted = [_histogram(settled[:, :, place]) for place in range(exponents)]
    return {
        "growth": measurement.blocks[:, :, order],
        "time": (chosen + 1.0) * measurement.interval * ROUND,
        "running": means.mean(axis=0),
        "running_error": spread,
        "local_counts": np.stack([counts for counts, _ in counted]),
        "local_edges": np.stack([edges for _, edges in counted]),
    }


def _histogram(rates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(counts, edges); rates that are all the same have bins of some width too."""
    low, high = float(rates.min()), float(rates.max())
    margin = 1e-6 * max(abs(low), abs(high), 1e-6)
    counts, edges = np.histogram(rates, bins=_BINS, range=(low - margin, high + margin))
    return counts.astype(np.float64), edges


def swing_error(growth: FloatArray) -> FloatArray:
    """The deviation (exponent,) that differences between two times of the course of `growth` (trajectory, time, exponent) have, over its
    length."""
    mean = growth.mean(axis=0)
    course = np.cumsum(mean - mean.mean(axis=0), axis=0)
    swing: FloatArray = np.sqrt(2.0) * course.std(axis=0) / len(mean)
    return swing


def walk_error(growth: FloatArray, *, duration: float, tolerance: float) -> FloatArray:
    """What the order of two exponents that both are zero makes of them (exponent,), where all add up to zero and these are in the middle;
    0 elsewhere, and where the two are more than three times as large.

    A reversible flow that keeps volumes has a zero exponent for its own direction, and its negative. The area of these two directions
    then grows and shrinks by a random walk W of each trajectory, which no law keeps bounded as symplectic forms do in a Hamiltonian
    system. Of two tangent vectors the first turns to whatever has grown most until then: it has the maximum of W until a time T, not W,
    and the second what is left. They lie apart by more than their scatter, in all trajectories alike: by sqrt(2 / pi) of the deviation
    of W at T for each (the mean maximum of Brownian motion, by the reflection principle), which falls like 1 / sqrt(T) as a rate. That
    ends where W has walked farther than the errors of tangent vectors, L = -log(tolerance): deeper than L below its maximum nothing is
    remembered, W is reflected there, and its maximum grows at the rate of half its variance in a unit of time over L.

    Args:
        growth: (trajectory, time, exponent), the parts of time being equal.
        duration: of the whole.
    """
    rates = growth.mean(axis=1)
    trajectories, exponents = rates.shape
    value, errors = rates.mean(axis=0), np.zeros(exponents)
    if exponents % 2 or trajectories < 2 or abs(value.sum()) > KEPT_VOLUMES * abs(value).sum():
        return errors
    pair = slice(exponents // 2 - 1, exponents // 2 + 1)
    deviation = float(rates[:, pair].sum(axis=1).std(ddof=1))
    walk = max(np.sqrt(2.0 / np.pi) * deviation, -(deviation**2) * duration / (2.0 * np.log(tolerance)))
    if (abs(value[pair]) <= _WALKS * walk).all():
        errors[pair] = walk
    return errors


def rate_errors(blocks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Standard errors (exponent,) of the mean of `blocks` (trajectory, block, exponent): between trajectories, and between blocks.

    The growth of a tangent vector over a block is a share of the exponent and the difference of what its length is at both ends, relative
    to its mean; where one block ends the next begins, so such differences are undone by the neighbour. As independent, blocks of a few
    turns would make the error several times too large: the covariance of neighbours is added (Newey and West, Econometrica 55, 703
    (1987), with one lag and the weight 1). At least the deviation of a block over the number of blocks is left: what differences at both
    ends of the whole run are worth, also where all trajectories go through the same cycle at the same time.
    """
    between_trajectories, plain = standard_errors(blocks)
    count = blocks.shape[1]
    if count < 4:
        return between_trajectories, plain
    departures = blocks.mean(axis=0) - blocks.mean(axis=(0, 1))
    neighbours = (departures[1:] * departures[:-1]).sum(axis=0) / count**2
    return between_trajectories, np.sqrt(np.maximum(plain**2 + 2.0 * neighbours, plain**2 / count))


def rate_error(blocks: FloatArray) -> FloatArray:
    """The larger of the two errors (exponent,)."""
    return np.maximum(*rate_errors(blocks))


def both_errors(measurement: Measurement, order: npt.NDArray[np.intp]) -> dict[str, Setting]:
    """The standard errors of which the largest is used, exponents in the order given, for the settings."""
    between_trajectories, between_blocks = rate_errors(measurement.blocks)
    return {
        "error_between_trajectories": tuple(between_trajectories[order].tolist()),
        "error_between_blocks": tuple(between_blocks[order].tolist()),
        "error_of_ends": tuple(measurement.end_error[order].tolist()),
    }
