"""Whether a stretch of one trajectory is nearer to a stretch of another than chance brings two of so many.

Two states at random are within r of each other with the chance C(r), the correlation sum, which falls like a power of r, and a pair
stays so for a time T with a chance that falls like exp(-K T), K being the entropy of second order (Grassberger and Procaccia, Phys. Rev. A
28, 2591 (1983)). So among all pairs of windows that were looked at, pairs * C(r) * exp(-K T) are expected to be so near, and that bounds
the chance of one. All is taken so that more are expected, not fewer: C is measured between random states of different trajectories and
continued to short distances with four fifths of the slope that is seen, and for K stands half of the leading exponent, less where r is no
longer short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from attractory.stages.validate.chosen import IntArray
from attractory.stages.validate.permutations import FloatArray

ANCHORS = 16  # windows of each trajectory that are searched for
POINTS = 24  # states of a window
MOST_STATES = 200_000  # that are searched
_PAIRS = 100_000
_MOST_COORDINATES = 32  # of a large system, evenly
_CAUTION = 0.8
_NEIGHBOURS = 4
_WANTED = 20_000  # pairs that begin near each other by chance
_SHARES = (1e-3, 1e-2)
_SHORT = 0.1  # of the radius within which a hundredth of random pairs lie
_ENTROPY = 0.5  # of the leading exponent


@dataclass(frozen=True)
class Nearest:
    """The nearest two windows: trajectories (places) and first samples of both, their distance, which distance is expected of the nearest
    of so many, the chance of a nearer one, and how many pairs there were."""

    first: tuple[int, int]
    second: tuple[int, int]
    distance: float
    expected: float
    p_value: float
    pairs: float


@dataclass(frozen=True)
class Closeness:
    """C(r) as a power: share of random pairs within `radius`, and the exponent below it; distances up to `short` are short."""

    share: float
    radius: float
    exponent: float
    short: float

    def within(self, distance: FloatArray) -> FloatArray:
        """The share of random pairs so near, at most."""
        with np.errstate(divide="ignore"):
            found: FloatArray = np.minimum(self.share * (distance / self.radius) ** self.exponent, 1.0)
        return found


def nearest_windows(coordinates: FloatArray, *, forgets: float, rounding: float, seed: int) -> Nearest | None:
    """Of all pairs of windows of different trajectories (trajectory, time, coordinate); None where there are fewer than two trajectories,
    or samples than points of a window.

    Args:
        forgets: samples in which an error grows e-fold; infinite where it does not.
        rounding: a distance below this is none, in units of the coordinates.
    """
    coordinates = np.ascontiguousarray(coordinates[:, :, :: -(-coordinates.shape[2] // _MOST_COORDINATES)])
    trajectories, length, _ = coordinates.shape
    thin = max(1, -(-trajectories * length // MOST_STATES))
    apart = _spacing(length)
    if trajectories < 2 or length < POINTS or apart is None:
        return None
    close = closeness(coordinates, seed=seed)
    span = apart * (POINTS - 1)
    starts = anchors_of(trajectories, length - span, seed=seed)
    searched = np.arange(0, length - span, thin)
    if not len(searched):
        return None
    pairs = float(trajectories - 1) * trajectories * starts.shape[1] * len(searched)
    radius = close.radius * min(1.0, (_WANTED / pairs / close.share) ** (1.0 / close.exponent))
    found = _candidates(coordinates, starts, searched, radius)
    if not len(found):
        return Nearest((0, 0), (0, 0), radius, radius, 1.0, pairs)
    offsets = apart * np.arange(POINTS)
    here = coordinates[found[:, 0, None], found[:, 1, None] + offsets]
    there = coordinates[found[:, 2, None], found[:, 3, None] + offsets]
    # Nine tenths of the points: one that is spoilt hides no copy.
    distances = np.quantile(np.sqrt(((here - there) ** 2).sum(axis=2)), 0.9, axis=1)
    distances = np.maximum(distances, rounding)
    expected_pairs = pairs * close.within(distances) * _staying(distances, close, span / forgets)
    place = int(np.argmin(expected_pairs))
    wanted = distances[place] * max(1.0 / expected_pairs[place], 1e-300) ** (1.0 / close.exponent)
    first, second = (tuple(int(number) for number in found[place, part]) for part in (slice(0, 2), slice(2, 4)))
    return Nearest(first, second, float(distances[place]), float(wanted), float(min(1.0, expected_pairs[place])), pairs)  # type: ignore[arg-type]


def closeness(coordinates: FloatArray, *, seed: int) -> Closeness:
    """From random states of different trajectories."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    trajectories, length, _ = coordinates.shape
    first = generator.integers(trajectories, size=_PAIRS)
    second = (first + 1 + generator.integers(trajectories - 1, size=_PAIRS)) % trajectories
    here = coordinates[first, generator.integers(length, size=_PAIRS)]
    there = coordinates[second, generator.integers(length, size=_PAIRS)]
    low, high = np.quantile(np.sqrt(((here - there) ** 2).sum(axis=1)), _SHARES)
    if not low > 0.0:
        return Closeness(_SHARES[0], max(float(high), 1e-300), 1e-3, 0.0)
    slope = float(np.log(_SHARES[1] / _SHARES[0]) / np.log(high / low)) if high > low else 1e-3
    return Closeness(_SHARES[0], float(low), _CAUTION * slope, _SHORT * float(high))


def anchors_of(trajectories: int, places: int, *, seed: int) -> IntArray:
    """(trajectory, window) first samples, one in each equal part of a trajectory, at random within it; the first at sample 0."""
    count = min(ANCHORS, places)
    generator = np.random.Generator(np.random.Philox(key=seed))
    edges = np.linspace(0, places, count + 1)
    draws: IntArray = (edges[:-1] + generator.random((trajectories, count)) * np.diff(edges)).astype(np.int64)
    draws[:, 0] = 0
    return np.minimum(draws, places - 1)


def _spacing(length: int) -> int | None:
    """Samples between the points of a window, which is a third of a trajectory, so that a copy of less than the whole is found."""
    spacing = max(1, length // (3 * POINTS))
    return spacing if spacing * (POINTS - 1) < length else None


def _staying(distances: FloatArray, close: Closeness, foldings: float) -> FloatArray:
    """The chance that two states so near stay so for so many e-foldings; 1 at distances that are not short."""
    if not close.short > 0.0:
        return np.ones_like(distances)
    part = np.clip(np.log10(10.0 * close.short / distances), 0.0, 1.0)
    chance: FloatArray = np.exp(-_ENTROPY * foldings * part)
    return chance


def _candidates(coordinates: FloatArray, starts: IntArray, searched: IntArray, radius: float) -> IntArray:
    """(pair, 4): trajectory and sample of an anchor, and of a searched state of another trajectory within the radius of it."""
    trajectories, count = starts.shape
    owners = np.repeat(np.arange(trajectories), count)
    tree = cKDTree(coordinates[owners, starts.ravel()])
    most = min(_NEIGHBOURS, len(owners))
    found = []
    for trajectory in range(trajectories):
        away, number = tree.query(coordinates[trajectory, searched], k=np.arange(1, most + 1), distance_upper_bound=radius)
        state, rank = np.nonzero(np.isfinite(away))
        anchor = number[state, rank]
        other = owners[anchor] != trajectory
        state, anchor = state[other], anchor[other]
        found.append(
            np.stack([owners[anchor], starts.ravel()[anchor], np.full(len(state), trajectory), searched[state]], axis=1).astype(np.int64)
        )
    return np.concatenate(found)
