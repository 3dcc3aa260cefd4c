"""The fraction of pairs nearer than each radius, of a million points too: long radii from few points, short ones from all.

Level by level, the longest radius is halved and the number of points whose partners are counted grows, so that each level costs about
the same. Levels are joined by their increments, and the shortest radii, where every pair counts, are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attractory.invariants.estimate import FloatArray
from attractory.invariants.pair_counts import PER_OCTAVE, all_bins, pair_counts, sought, squared_radii
from attractory.invariants.point_cloud import IntArray, PointCloud
from attractory.invariants.scaling_region import ScalingCurve

WORK = 1 << 27  # distances that are computed at each level, or so, in up to eight coordinates; in more, fewer
_CHEAP = 8
_FEWEST_CHOSEN = 1024
_WORTH = 1.5  # a level more where it has so many times the points


@dataclass(frozen=True)
class Level:
    """Counts (block, bin) of `chosen` points, of `possible` pairs (block,); it decides on bins from `lowest` to its last."""

    counts: IntArray
    possible: IntArray
    chosen: int
    lowest: int

    @property
    def within(self) -> FloatArray:
        """Pairs nearer than each bin's upper edge (bin,)."""
        return np.cumsum(self.counts.sum(axis=0)).astype(np.float64)

    def log_mass(self) -> tuple[FloatArray, FloatArray]:
        """(bin,), and the same without one block each (block, bin).

        A block is left out of both ends of its pairs: to first order that is twice what it contributes as the points that partners are
        counted of. Bins below which there is no pair have minus infinity.
        """
        blocks = self.possible > 0
        within, possible = self.within, float(self.possible.sum())
        with np.errstate(divide="ignore", invalid="ignore"):
            mass = within / possible
            of_block = np.cumsum(self.counts[blocks], axis=1) / self.possible[blocks, None]
            left_out = np.log(mass) - 2.0 * (of_block / mass - 1.0) / (blocks.sum() - 1)
            return np.log(mass), left_out


@dataclass(frozen=True)
class CorrelationSum:
    """log C(r) with the number of pairs (radius,) that it was counted from."""

    curve: ScalingCurve
    pairs: FloatArray
    levels: list[Level]


def correlation_sum(cloud: PointCloud, work: int = WORK) -> CorrelationSum:
    """C(r) at eight radii an octave, of every pair where there are at most `work` of them."""
    return _joined(_levels(cloud, work * _CHEAP // max(cloud.points.shape[1], _CHEAP)))


def evenly(cloud: PointCloud, count: int) -> IntArray:
    """The places of `count` points, evenly over trajectories and times."""
    return np.arange(count) * len(cloud.points) // count


def _levels(cloud: PointCloud, work: int) -> list[Level]:
    total = len(cloud.points)
    bins, chosen = all_bins(cloud), min(total, max(work // total, _FEWEST_CHOSEN))
    levels = [_level(cloud, chosen, bins)]
    while levels[-1].chosen < total:
        bins, chosen = _next(levels[-1], cloud, work)
        if chosen == 0:
            break
        before = levels[-1]
        levels[-1] = Level(before.counts, before.possible, before.chosen, bins - 1)
        levels.append(_level(cloud, chosen, bins))
    return levels


def _next(level: Level, cloud: PointCloud, work: int) -> tuple[int, int]:
    """Bins and number of points of the level below; no points where none would have a partner, or no more than now can be afforded."""
    within = level.within
    for bins in range(len(within) - PER_OCTAVE, 0, -PER_OCTAVE):
        if within[bins - 1] == 0:
            break
        chosen = min(len(cloud.points), int(work / sought(cloud, bins)))
        if chosen == len(cloud.points) or chosen >= _WORTH * level.chosen:
            return bins, chosen
    return 0, 0


def _level(cloud: PointCloud, chosen: int, bins: int) -> Level:
    places = evenly(cloud, chosen)
    counts = pair_counts(cloud, places, bins)
    possible = np.bincount(cloud.blocks[places], weights=cloud.partners(places), minlength=len(counts)).astype(np.int64)
    return Level(counts, possible, chosen, 0)


def _joined(levels: list[Level]) -> CorrelationSum:
    """One curve: the last level as it is, and above it the increments of the level that decides on each bin."""
    mass, without = levels[-1].log_mass()
    pairs = levels[-1].within
    for level in reversed(levels[:-1]):
        above, above_without = level.log_mass()
        low = level.lowest
        mass = np.concatenate([mass[: low + 1], mass[low] + above[low + 1 :] - above[low]])
        raised = without[:, low, None] + above_without[:, low + 1 :] - above_without[:, low, None]
        without = np.concatenate([without[:, : low + 1], raised], axis=1)
        pairs = np.concatenate([pairs[: low + 1], level.within[low + 1 :]])
    first = int(np.argmax(pairs > 0))
    radius = 0.5 * np.log(squared_radii(len(mass)))
    kept = slice(first, None)
    repeated = np.broadcast_to(radius[kept], without[:, kept].shape)
    return CorrelationSum(ScalingCurve(radius[kept], mass[kept], repeated, without[:, kept]), pairs[kept], levels)
