"""The correlation sum of Lorenz's attractor beside SciPy's KD-tree and nolds, in one run.

python benchmarks/correlation.py [--points 1000000] [--tree-points 100000] [--nolds-points 5000]

Three columns of one table: what each one counts, its time on the wall and in processor time, and the dimension it gives or the largest
difference of its counts from ours. Ours counts every pair at the short radii and pairs of evenly chosen points at the long ones, at all
radii. `cKDTree.count_neighbors` of SciPy counts every pair at radii where at most a hundredth of them lie, with one thread, which is all
it has, and without a window. `nolds.corr_dim` makes the whole matrix of distances at each step of its embedding, so that few points fit
into the memory; its time is scaled by the square of the number of points, which is what its work grows with. nolds is optional
(`pip install nolds`): without it its line says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import attractory
from attractory.invariants.correlation_dimension import correlation_dimension
from attractory.invariants.correlation_sum import CorrelationSum, correlation_sum
from attractory.invariants.pair_counts import bins_of, pair_counts, processors
from attractory.invariants.point_cloud import PointCloud, point_cloud

Float = NDArray[np.float64]
TRAJECTORIES = 100
DT = 0.1  # of Lorenz: 7.5 a period
LARGEST_MASS = 0.01  # of the pairs, up to which the tree counts


@dataclass(frozen=True)
class Timed:
    """What a call returned, with seconds on the wall and of the processors."""

    value: object
    wall: float
    processor: float


def timed(call: Callable[[], object]) -> Timed:
    wall, processor = time.perf_counter(), time.process_time()
    value = call()
    return Timed(value, time.perf_counter() - wall, time.process_time() - processor)


def lorenz(points: int) -> Float:
    """(trajectory, time, variable), `points` together."""
    states = attractory.integrate("Lorenz", trajectories=TRAJECTORIES, samples=points // TRAJECTORIES, dt=DT, tolerance=1e-9)["state"]
    return np.ascontiguousarray(states.values)


def cloud_of(states: Float, window: int | None = None) -> PointCloud:
    return point_cloud(states, delays=None, window=window, sampling=None, dt=DT, seed=0)


def short_radii(sums: CorrelationSum) -> Float:
    """Radii, eight an octave, within which at most a hundredth of the pairs lie, and at least a hundred pairs."""
    some = (sums.pairs >= 100) & (sums.curve.log_mass <= np.log(LARGEST_MASS))
    return np.exp(sums.curve.log_radius[some])


def tree_counts(cloud: PointCloud, radii: Float) -> NDArray[np.int64]:
    """Pairs nearer than each radius, each from both ends, by SciPy's tree; a point is not its own pair."""
    from scipy.spatial import cKDTree

    tree = cKDTree(cloud.points)
    return np.asarray(tree.count_neighbors(tree, radii), dtype=np.int64) - len(cloud.points)


def our_counts(cloud: PointCloud, radii: Float) -> NDArray[np.int64]:
    """The same pairs at the same radii, every one of them, by boxes."""
    bins = int(bins_of(np.array([radii[-1] ** 2 * (1 - 1e-9)]))[0]) + 1
    return np.cumsum(pair_counts(cloud, np.arange(len(cloud.points)), bins).sum(axis=0))[-len(radii) :]


def line(name: str, points: int, run: Timed, what: str) -> None:
    print(f"{name:<34}{points:>10,}{run.wall:>12.2f}{run.processor:>12.2f}   {what}")


def main() -> None:
    parser = argparse.ArgumentParser(description="The correlation sum of Lorenz's attractor beside SciPy's KD-tree and nolds.")
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--tree-points", type=int, default=100_000, help="for the tree and, beside it, ours at every pair")
    parser.add_argument("--nolds-points", type=int, default=5_000)
    arguments = parser.parse_args()
    states = lorenz(max(arguments.points, arguments.tree_points))
    correlation_dimension(states[:, :40])  # compiles, or loads what was compiled
    print(f"{processors()} processors")
    print(f"{'':<34}{'points':>10}{'wall (s)':>12}{'cpu (s)':>12}")
    measure_ours(states[:, : arguments.points // TRAJECTORIES])
    measure_tree(states[:, : arguments.tree_points // TRAJECTORIES])
    measure_nolds(arguments)


def measure_ours(states: Float) -> None:
    run = timed(lambda: correlation_dimension(states, dt=DT))
    line("correlation_dimension", states[..., 0].size, run, f"D2 = {run.value}")


def measure_tree(states: Float) -> None:
    """The same integers of the same pairs by both; the window is 0, as the tree has none."""
    cloud = cloud_of(states, window=0)
    radii = short_radii(correlation_sum(cloud))
    ours, tree = timed(lambda: our_counts(cloud, radii)), timed(lambda: tree_counts(cloud, radii))
    differing = int(np.abs(np.asarray(ours.value) - np.asarray(tree.value)).max())
    line("boxes, every pair", len(cloud.points), ours, f"{len(radii)} radii up to {radii[-1]:.3f} deviations")
    line(
        "cKDTree.count_neighbors",
        len(cloud.points),
        tree,
        f"{tree.processor / ours.processor:.1f} times ours; counts differ by {differing}",
    )


def measure_nolds(arguments: argparse.Namespace) -> None:
    """x alone in ten delay coordinates, as nolds embeds with a delay of one."""
    if importlib.util.find_spec("nolds") is None:
        print("nolds is not installed: pip install nolds")
        return
    import nolds

    few = np.asarray(attractory.integrate("Lorenz", trajectories=1, samples=arguments.nolds_points, dt=DT)["state"].values[0, :, 0])
    run = timed(lambda: nolds.corr_dim(few, 10))
    scaled = run.wall * (arguments.points / len(few)) ** 2
    line("nolds.corr_dim", len(few), run, f"D2 = {run.value:.4f}; {scaled / 3600:.1f} hours for {arguments.points:,} points")


if __name__ == "__main__":
    main()
