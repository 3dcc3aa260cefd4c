"""How far apart neighbours are after each number of samples, in the mean of logarithms: what an exponent is read from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from attractory.errors import RequestError
from attractory.invariants.estimate import FloatArray
from attractory.invariants.pair_counts import processors
from attractory.invariants.point_cloud import BLOCKS, DelayCoordinates, IntArray, PointCloud

# Ranks of the neighbours that are followed, and of those of the second curve, which begin farther apart.
RANKS = {"rosenstein": (range(1, 2), range(8, 9)), "kantz": (range(1, 9), range(25, 33))}
FAR_APART = 0.25  # of the median distance of two points at random: neighbours that are so far apart cannot part much further
_MOST_TURNS = 32  # that pairs are followed for, and at most a quarter of a trajectory
_LOST = 0.5  # of the distance between the two curves: behind it there is nothing to see
_MOST_PASSED_OVER = 1024  # neighbours of a point for being too near; one with more than these has none
_ONE_CURVE = 1e-3  # a smaller distance between them is none: points that repeat themselves have many neighbours at one distance
_FEWEST = 64  # points with neighbours, two for each block
_RANDOM_PAIRS = 20_000


@dataclass(frozen=True)
class NeighbourPairs:
    """Which neighbours are followed.

    Attributes:
        delays: delay coordinates of one variable in place of the state.
        window: samples within which two points of one trajectory are no pair; None as in `correlation_dimension`.
        least_distance: nearer neighbours are passed over, in deviations of a coordinate: what repeats itself to the last digit, or is
            nearer than the noise of a measurement.
        references: points whose neighbours are looked for, evenly from all.
        across: whether distances are measured across the motion, without the part along it, which neither grows nor shrinks in a flow
            and hides for long what grows; None is yes where samples are close together (`finely_sampled`), and no for iterates of a map.
    """

    delays: DelayCoordinates | None = None
    window: int | None = None
    least_distance: float = 1e-9
    references: int = 4096
    across: bool | None = None


@dataclass(frozen=True)
class NeighbourCurves:
    """Means over points, by the number of samples since the pairs were found.

    Attributes:
        log_distance: (sample,).
        log_distance_without: (block, sample), without the points of one block each; blocks without points are left out.
        far_log_distance: (sample,) the same of pairs that began farther apart.
        far_apart: (sample,) the part of the points whose neighbours are as far away as they can get, about.
        points: with neighbours.
        turn: samples in which the motion turns once, or forgets.
    """

    log_distance: FloatArray
    log_distance_without: FloatArray
    far_log_distance: FloatArray
    far_apart: FloatArray
    points: int
    turn: int

    @property
    def kept(self) -> FloatArray:
        """(sample,) how much is left of the distance between the two curves, as a part of what it was; 0 where they were one."""
        gap = self.far_log_distance - self.log_distance
        kept: FloatArray = gap / gap[0] if gap[0] > _ONE_CURVE else np.zeros_like(gap)
        return kept


def turn_of(cloud: PointCloud) -> int:
    """Samples in which a flow turns once: one over the mean frequency of its slowest coordinate, weighted by power, as Rosenstein and
    others take it; at most a tenth of a trajectory."""
    series = cloud.points.reshape(cloud.trajectories, cloud.length, -1)
    power = (np.abs(np.fft.rfft(series - series.mean(axis=(0, 1)), axis=1)) ** 2).mean(axis=0)
    frequency = (np.fft.rfftfreq(cloud.length) @ power) / power.sum(axis=0)
    return int(max(1, min(np.ceil(1.0 / frequency.min()), cloud.length // 10)))


def neighbour_curves(cloud: PointCloud, pairs: NeighbourPairs, *, algorithm: str, across: bool, seed: int) -> NeighbourCurves:
    """The curves of a cloud's points, whose window is also taken for a turn of the motion.

    Raises:
        RequestError: fewer than 64 points have neighbours, or trajectories are too short to follow any.
    """
    turn = max(cloud.window, 1)
    longest = min(_MOST_TURNS * turn, cloud.length // 4)
    if longest < 3:
        message = f"trajectories of {cloud.length} samples: expected at least 12, of which a quarter is followed"
        raise RequestError(message)
    near, far = _partners(cloud, pairs, RANKS[algorithm], longest)
    if len(near) < _FEWEST:
        message = (
            f"{len(near)} of {pairs.references} points have {RANKS[algorithm][1].stop - 1} neighbours farther away than "
            f"least_distance={pairs.least_distance:g}; expected at least {_FEWEST}: give more samples, or a smaller least_distance"
        )
        raise RequestError(message)
    limit = FAR_APART * _random_distance(cloud, seed)
    samples = min(8 * turn, longest)
    while True:
        curves = _curves(cloud, (near, far), samples, (pairs.least_distance, limit, across))
        if samples == longest or (curves.kept < _LOST).any():
            return curves
        samples = min(2 * samples, longest)


def _partners(cloud: PointCloud, pairs: NeighbourPairs, ranks: tuple[range, range], longest: int) -> tuple[IntArray, IntArray]:
    """(point, place) of nearer and of farther pairs: first the point itself, then its neighbours of these ranks; points that have not
    so many are left out."""
    time = np.arange(len(cloud.points)) % cloud.length
    usable = np.flatnonzero((time > 0) & (time < cloud.length - longest))
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, pairs.references).round().astype(np.int64))]
    ranked = _ranked(cloud, usable, chosen, least=pairs.least_distance, most=ranks[1].stop - 1)
    has = ranked[:, -1] >= 0
    near, far = (np.column_stack([chosen, ranked[:, each.start - 1 : each.stop - 1]])[has] for each in ranks)
    return near, far


def _ranked(cloud: PointCloud, usable: IntArray, chosen: IntArray, *, least: float, most: int) -> IntArray:
    """The nearest neighbours (point, rank) of each chosen point among the usable ones; -1 where there are not so many.

    Those of the same stretch of time, and those that are nearer than `least`, are passed over.
    """
    tree, stamps = cKDTree(cloud.points[usable]), cloud.stamps
    longest = min(most + 2 * cloud.window + _MOST_PASSED_OVER, len(usable))
    ranked = np.full((len(chosen), most), -1)
    left, asked = np.arange(len(chosen)), 2 * most
    while len(left):
        asked = min(asked, longest)
        away, number = tree.query(cloud.points[chosen[left]], k=asked, workers=processors())
        place = usable[number]
        counts = (np.abs(stamps[place] - stamps[chosen[left]][:, None]) > cloud.window) & (away > least)
        enough = counts.sum(axis=1) >= most
        order = np.argsort(~counts[enough], axis=1, kind="stable")[:, :most]
        ranked[left[enough]] = np.take_along_axis(place[enough], order, axis=1)
        if asked == longest:
            break
        left, asked = left[~enough], 4 * asked
    return ranked


def _random_distance(cloud: PointCloud, seed: int) -> float:
    """The median distance of two points at random."""
    draws = np.random.Generator(np.random.Philox(key=seed))
    first, second = draws.integers(len(cloud.points), size=(2, _RANDOM_PAIRS))
    return float(np.median(np.sqrt(((cloud.points[first] - cloud.points[second]) ** 2).sum(axis=1))))


def _curves(cloud: PointCloud, partners: tuple[IntArray, IntArray], samples: int, rules: tuple[float, float, bool]) -> NeighbourCurves:
    near, far = partners
    blocks = cloud.blocks[near[:, 0]]
    start = np.concatenate([[0], np.cumsum(np.bincount(blocks, minlength=BLOCKS))])
    total, apart = _by_block(cloud, near, start, samples, rules)
    far_total, _ = _by_block(cloud, far, start, samples, rules)
    filled = np.flatnonzero(np.diff(start))
    counts = np.diff(start)[filled, None]
    without = (total.sum(axis=0) - total[filled]) / (len(near) - counts)
    return NeighbourCurves(
        log_distance=total.sum(axis=0) / len(near),
        log_distance_without=without,
        far_log_distance=far_total.sum(axis=0) / len(far),
        far_apart=apart.sum(axis=0) / len(near),
        points=len(near),
        turn=max(cloud.window, 1),
    )


def _by_block(
    cloud: PointCloud, partners: IntArray, start: IntArray, samples: int, rules: tuple[float, float, bool]
) -> tuple[FloatArray, FloatArray]:
    """Both sums of `_follow` by block (block, sample): a block's sum has one order, whatever the threads."""

    def follow(block: int) -> tuple[FloatArray, FloatArray]:
        total, apart = np.zeros(samples), np.zeros(samples)
        _follow(cloud.points, partners[start[block] : start[block + 1]], rules, total, apart)
        return total, apart

    with ThreadPoolExecutor(max_workers=processors()) as pool:
        found = list(pool.map(follow, range(BLOCKS)))
    return np.stack([total for total, _ in found]), np.stack([apart for _, apart in found])


@njit(cache=True, error_model="numpy", nogil=True)
def _follow(points: Any, partners: Any, rules: Any, total: Any, apart: Any) -> None:  # pragma: no cover - compiled
    """Adds to `total` (sample,), over points, the logarithm of the mean distance to their neighbours, and to `apart` one where it is above
    the limit. rules = (least distance, limit, whether across)."""
    least, limit, across = rules
    gap, along = np.empty(points.shape[1]), np.zeros(points.shape[1])
    for row in range(partners.shape[0]):
        for later in range(total.size):
            here, distance = partners[row, 0] + later, 0.0
            if across:
                along[:] = points[here + 1] - points[here - 1]
            for place in range(1, partners.shape[1]):
                gap[:] = points[partners[row, place] + later] - points[here]
                distance += _length_across(gap, along)
            distance /= partners.shape[1] - 1
            total[later] += np.log(max(distance, least))
            apart[later] += distance > limit


@njit(cache=True, error_model="numpy", nogil=True)
def _length_across(gap: Any, along: Any) -> float:  # pragma: no cover - compiled
    """The length of `gap` without its part along a direction, if that is not zero; `gap` is changed."""
    speed, product = 0.0, 0.0
    for axis in range(gap.size):
        speed += along[axis] * along[axis]
        product += along[axis] * gap[axis]
    share = product / speed if speed > 0.0 else 0.0
    square = 0.0
    for axis in range(gap.size):
        gap[axis] -= share * along[axis]
        square += gap[axis] * gap[axis]
    return float(np.sqrt(square))
