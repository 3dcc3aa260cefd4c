"""How many points lie within each radius of chosen points: exact counts, by boxes.

Points are sorted by boxes of the longest radius in up to three coordinates, so that the partners of a point are in few runs of memory. A
squared distance is put into its bin by its bits: exponent and first two bits of the fraction. So no logarithm is taken, and the radii
are square roots of numbers with three bits, eight an octave.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from attractory.invariants.estimate import FloatArray
from attractory.invariants.point_cloud import BLOCKS, IntArray, PointCloud

PER_OCTAVE = 8
_SHIFT = 50  # bits of the fraction of a double that are dropped: all but two
# Shorter distances are counted with the shortest: 2^-40 of a deviation, which is below the rounding of states of size one hundred.
_LOWEST = (1023 - 80) << 2
_CHUNKS = 64  # parts of the work, more than threads so that none waits; the sum is of integers, so its order is free
_MOST_AXES = 3
_RUN = 256  # squared distances that are worked on together: they stay in the first cache


class Boxes(NamedTuple):
    """Points sorted by box.

    Attributes:
        order: (point,) place in the cloud of each sorted point.
        points: (coordinate, point), sorted.
        stamps: (point,), sorted.
        box: (point, axis) in which box each lies.
        start: (box + 1,) of each box the first of its points; the last axis runs fastest.
        shape: (axis,) boxes along each axis.
    """

    order: IntArray
    points: FloatArray
    stamps: IntArray
    box: IntArray
    start: IntArray
    shape: IntArray


def squared_radii(bins: int) -> FloatArray:
    """The upper edges of the bins 0 to `bins` - 1, as squares, which are exact."""
    return ((_LOWEST + 1 + np.arange(bins, dtype=np.int64)) << _SHIFT).view(np.float64)


def bins_of(squares: FloatArray) -> IntArray:
    """The bin of each squared distance; what lies at an edge is in the bin above."""
    bins: IntArray = np.maximum((squares.view(np.int64) >> _SHIFT) - _LOWEST, 0)
    return bins


def all_bins(cloud: PointCloud) -> int:
    """So many bins that every distance of the cloud is in one."""
    extent = cloud.points.max(axis=0) - cloud.points.min(axis=0)
    return int(bins_of(np.array([float(np.sum(extent**2)) * (1 + 1e-12)]))[0]) + 1


def pair_counts(cloud: PointCloud, chosen: IntArray, bins: int) -> IntArray:
    """(block, bin): pairs of a chosen point with any point by the squared distance's bin; those beyond the last bin are left out.

    The block is that of the chosen point. A pair of two chosen points is counted from both ends.
    """
    radius = float(np.sqrt(squared_radii(bins)[-1]))
    boxes = _sorted(cloud, radius)
    sorted_place = np.empty(len(boxes.order), dtype=np.int64)
    sorted_place[boxes.order] = np.arange(len(boxes.order))
    places = np.sort(sorted_place[chosen])
    block = cloud.blocks[boxes.order]

    def part(piece: IntArray) -> IntArray:
        counts = np.zeros((BLOCKS, bins), dtype=np.int64)
        _count(boxes, block, piece, cloud.window, counts)
        return counts

    total = np.zeros((BLOCKS, bins), dtype=np.int64)
    with ThreadPoolExecutor(max_workers=processors()) as pool:
        for counts in pool.map(part, [piece for piece in np.array_split(places, _CHUNKS) if piece.size]):
            total += counts
    return total


def sought(cloud: PointCloud, bins: int) -> float:
    """How many distances `pair_counts` computes for a point, on the average: those to the points of its box and of the boxes around."""
    boxes = _sorted(cloud, float(np.sqrt(squared_radii(bins)[-1])))
    inside = np.diff(boxes.start).reshape(boxes.shape).astype(np.float64)
    around = inside
    for axis in range(around.ndim):
        padded = np.pad(around, [(int(axis == other),) * 2 for other in range(around.ndim)])
        length = around.shape[axis]
        around = np.sum([np.take(padded, np.arange(length) + shift, axis=axis) for shift in range(3)], axis=0)
    return float(np.sum(inside * around) / len(cloud.points))


def processors() -> int:
    """How many threads this process may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _sorted(cloud: PointCloud, radius: float) -> Boxes:
    """Boxes at least as long as the radius, and together at most four a point."""
    low, extent = cloud.points.min(axis=0), np.ptp(cloud.points, axis=0)
    axes = np.sort(np.argsort(-extent, kind="stable")[:_MOST_AXES])
    most = max(int((4.0 * len(cloud.points)) ** (1.0 / len(axes))), 1)
    # One part in a million longer, so that rounding never parts two boxes that a pair within the radius lies in.
    shape = np.clip((extent[axes] / (radius * (1 + 1e-6))).astype(np.int64), 1, most)
    side = extent[axes] / shape
    box = np.minimum(((cloud.points[:, axes] - low[axes]) / side).astype(np.int64), shape - 1)
    number = np.ravel_multi_index(tuple(box.T), tuple(shape))
    order = np.argsort(number, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=int(np.prod(shape))))])
    return Boxes(order, np.ascontiguousarray(cloud.points[order].T), cloud.stamps[order], np.ascontiguousarray(box[order]), start, shape)


@njit(cache=True, error_model="numpy", nogil=True)
def _count(boxes: Any, block: Any, places: Any, window: int, counts: Any) -> None:  # pragma: no cover - compiled
    """Adds to `counts` the partners of the points at `places`, box by box: along the last axis neighbouring boxes are one run."""
    axes = boxes.shape.size
    last = boxes.shape[axes - 1]
    work = np.empty(_RUN)
    for place in places:
        here = boxes.box[place]
        low = max(here[axes - 1] - 1, 0)
        high = min(here[axes - 1] + 2, last)
        for row in range(-1, 2) if axes > 1 else range(1):
            for plane in range(-1, 2) if axes > 2 else range(1):
                first = 0
                if axes > 2:
                    first = here[0] + plane
                    if not 0 <= first < boxes.shape[0]:
                        continue
                if axes > 1:
                    second = here[axes - 2] + row
                    if not 0 <= second < boxes.shape[axes - 2]:
                        continue
                    first = first * boxes.shape[axes - 2] + second
                first *= last
                begin, end = boxes.start[first + low], boxes.start[first + high]
                for some in range(begin, end, _RUN):
                    _count_run(boxes, place, (some, min(some + _RUN, end)), window, work, counts[block[place]])


@njit(cache=True, error_model="numpy", nogil=True)
def _count_run(boxes: Any, place: int, run: Any, window: int, work: Any, counts: Any) -> None:  # pragma: no cover - compiled
    """Adds the points of a run to the bins of their squared distances from the point at `place`."""
    begin, end = run
    squares = work[: end - begin]
    squares[:] = 0.0
    for k in range(boxes.points.shape[0]):
        centre = boxes.points[k, place]
        others = boxes.points[k, begin:end]
        for i in range(squares.size):
            gap = others[i] - centre
            squares[i] += gap * gap
    stamp, bins = boxes.stamps[place], counts.size
    numbers = squares.view(np.int64)
    for i in range(squares.size):
        number = (numbers[i] >> _SHIFT) - _LOWEST
        if number < bins and abs(boxes.stamps[begin + i] - stamp) > window:
            counts[max(number, 0)] += 1
