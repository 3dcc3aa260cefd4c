"""Counts by boxes against counts of every pair."""

from __future__ import annotations

import numpy as np
import pytest

from attractory.invariants import correlation_sum, pair_counts
from attractory.invariants.point_cloud import BLOCKS, PointCloud


def cloud_of(*, coordinates: int, trajectories: int = 3, length: int = 200, window: int = 5) -> PointCloud:
    """Random walks, so that neighbours in time are near, some points twice, and some far off."""
    draw = np.random.Generator(np.random.Philox(key=coordinates))
    walks = np.cumsum(draw.standard_normal((trajectories, length, coordinates)), axis=1)
    points = walks.reshape(-1, coordinates) / walks.std()
    points[17] = points[len(points) // 2]
    return PointCloud(np.ascontiguousarray(points), length, window)


def every_pair(cloud: PointCloud, chosen: np.ndarray, bins: int) -> np.ndarray:
    """Squared distances as sums in the order of coordinates, one pair at a time; a window only within a trajectory."""
    counts = np.zeros((BLOCKS, bins), dtype=np.int64)
    trajectory, time = np.divmod(np.arange(len(cloud.points)), cloud.length)
    for place in chosen:
        squares = np.zeros(len(cloud.points))
        for k in range(cloud.points.shape[1]):
            gap = cloud.points[:, k] - cloud.points[place, k]
            squares += gap * gap
        pair = (trajectory != trajectory[place]) | (np.abs(time - time[place]) > cloud.window)
        edges = pair_counts.squared_radii(bins)
        number = np.searchsorted(edges, squares[pair], side="right")
        np.add.at(counts[cloud.blocks[place]], number[number < bins], 1)
    return counts


@pytest.mark.parametrize("coordinates", [1, 2, 3, 5])
@pytest.mark.parametrize("shorter", [0, 12, 40])
def test_counts_by_boxes_are_those_of_every_pair(coordinates: int, shorter: int) -> None:
    """In one box and in many, in each number of axes, with a window, of all points and of some: the same integers."""
    cloud = cloud_of(coordinates=coordinates)
    bins = pair_counts.all_bins(cloud) - shorter
    for chosen in (np.arange(len(cloud.points)), np.array([0, 17, 18, 599])):
        assert np.array_equal(pair_counts.pair_counts(cloud, chosen, bins), every_pair(cloud, chosen, bins))


def test_every_pair_is_in_a_bin() -> None:
    """The bins reach to the longest distance, and what is possible is what is counted."""
    cloud = cloud_of(coordinates=3)
    everyone = np.arange(len(cloud.points))
    counted = pair_counts.pair_counts(cloud, everyone, pair_counts.all_bins(cloud))
    assert counted.sum() == cloud.partners(everyone).sum()


@pytest.mark.parametrize("coordinates", [1, 2, 3])
def test_the_work_is_known_beforehand(coordinates: int) -> None:
    """All points where there is one box; else those whose boxes touch, one by one."""
    cloud = cloud_of(coordinates=coordinates)
    bins = pair_counts.all_bins(cloud)
    assert pair_counts.sought(cloud, bins) == len(cloud.points)
    boxes = pair_counts._sorted(cloud, float(np.sqrt(pair_counts.squared_radii(bins - 40)[-1])))
    touching = (np.abs(boxes.box[:, None] - boxes.box[None]) <= 1).all(axis=2)
    assert pair_counts.sought(cloud, bins - 40) == pytest.approx(touching.sum(axis=1).mean())


@pytest.mark.parametrize("stride", [1, 3, 8])
def test_partners_of_every_so_many_points_are_counted_exactly(stride: int) -> None:
    """As one by one: those beyond the window, and all of other trajectories."""
    cloud = cloud_of(coordinates=1, length=50)
    trajectory, time = np.divmod(np.arange(150), 50)
    chosen = np.array([0, 3, 49, 50, 77, 149])
    apart = (trajectory[:, None] != trajectory[chosen]) | (np.abs(time[:, None] - time[chosen]) > cloud.window)
    assert np.array_equal(cloud.partners(chosen, stride), apart[time % stride == 0].sum(axis=0))


def test_levels_join_to_the_sum_over_every_pair() -> None:
    """With less work the long radii are from few points: the short ones are the same to the last bit, the others within their error."""
    draw = np.random.Generator(np.random.Philox(key=3))
    cloud = PointCloud(draw.random((6000, 2)), 6000, 0)
    exact, quick = correlation_sum.correlation_sum(cloud), correlation_sum.correlation_sum(cloud, work=1 << 22)
    assert len(exact.levels) == 1
    assert [level.chosen for level in quick.levels] == sorted({level.chosen for level in quick.levels})
    assert quick.levels[-1].chosen == 6000
    short = len(quick.levels[-1].within) - int(np.argmax(quick.levels[-1].within > 0)) - correlation_sum.PER_OCTAVE
    assert np.array_equal(exact.curve.log_mass[:short], quick.curve.log_mass[:short])
    # 1,024 points at the longest radii: the mass within them differs from point to point by about a tenth.
    assert np.abs(exact.curve.log_mass - quick.curve.log_mass).max() < 0.02
