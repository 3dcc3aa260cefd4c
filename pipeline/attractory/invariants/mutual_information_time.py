"""How long each coordinate remembers itself in any way: the first minimum of the mutual information, from trajectories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants.estimate import Estimate, FloatArray
from attractory.invariants.samples import Sampling
from attractory.invariants.signals import BLOCKS, jackknife, require, sampling_or, signals_of, trajectory_groups

if TYPE_CHECKING:
    import xarray

METHOD = (
    "first minimum of the mutual information (Fraser and Swinney, Phys. Rev. A 33, 1134 (1986)), bins of equal mass,"
    " bias as Miller and Madow correct it"
)
SAMPLING = Sampling(trajectories=16, samples=8192)
FEWEST = 256
# A minimum is lower than its neighbours on both sides, so many of them: what the estimate's noise does between two lags is none.
_NEIGHBOURS = 2
# Below so many standard deviations of what independent values give, nothing is left.
_NOTHING = 3.0
_MOST_BINS = 16
# Where between two lags the minimum lies is not known: the deviation of a number that is anywhere within one.
_BETWEEN = 12**-0.5

IntArray = npt.NDArray[np.int64]


def mutual_information_time(
    source: System | str | ArrayLike | xarray.Dataset,
    *,
    longest: int | None = None,
    bins: int | None = None,
    sampling: Sampling | None = None,
    dt: float | None = None,
    seed: int = 0,
) -> Estimate:
    """The time (coordinate,) of the first minimum of the mutual information between a coordinate and its later self.

    Where the information falls to what independent values would give (three standard deviations above none) before it has a minimum, that
    time is the value.

    Args:
        source: as `samples_of` takes it; an angle counts as the two coordinates of its point on a circle.
        longest: lag in samples; None is an eighth of the samples, 256 at most.
        bins: of equal mass, for each of the two values; None is 16, or fewer where a cell would have less than 5 pairs on average.
        sampling: of a System; None is 16 trajectories of 8,192 samples.
        dt: of an array, in time units.
    Returns:
        Estimate, with at least the error of a place within one sample; infinite where neither is found up to the longest lag.
        convergence has lag (lag,) in time units, information (lag, coordinate) in nats, and nothing_left, the level below which it counts
        as none.
    Raises:
        RequestError: fewer than 256 samples, a coordinate that never changes, or `longest` or `bins` out of range.
    """
    started = time.perf_counter()
    signals = signals_of(source, sampling_or(sampling, SAMPLING, seed), dt=dt, fewest=FEWEST)
    trajectories, samples, coordinates = signals.values.shape
    longest = min(256, samples // 8) if longest is None else longest
    require("longest", longest, low=2 * _NEIGHBOURS, high=samples // 2)
    pairs = trajectories * (samples - longest)
    bins = min(_MOST_BINS, int(np.sqrt(pairs / 5))) if bins is None else bins
    _refuse_bins(bins, pairs)
    nothing = _NOTHING * np.sqrt(2.0) * (bins - 1) / (2.0 * pairs)
    found = [_of_coordinate(signals.values[:, :, place], bins=bins, longest=longest, nothing=nothing) for place in range(coordinates)]
    value, error = (signals.dt * np.array([one[part] for one in found]) for part in (0, 1))
    settings = {**signals.settings, "longest": longest, "bins": bins, "seed": seed}
    convergence = {
        "lag": signals.dt * np.arange(longest + 1),
        "information": np.stack([one[2] for one in found], axis=1),
        "nothing_left": np.array(nothing),
    }
    return Estimate(value, error, METHOD, settings, time.perf_counter() - started, convergence)


def _refuse_bins(bins: int, pairs: int) -> None:
    most = int(np.sqrt(pairs / 5))
    if not 2 <= bins <= most:
        message = f"bins={bins}; expected from 2 to {most}, so that {pairs} pairs are 5 to a cell."
        raise RequestError(message)


def _of_coordinate(values: FloatArray, *, bins: int, longest: int, nothing: float) -> tuple[float, float, FloatArray]:
    """First minimum in samples, its standard error, and the information (lag,)."""
    pairs = len(values) * (values.shape[1] - longest)
    counts = _counts(equal_mass_bins(values, bins), bins, longest)

    def first(mean: FloatArray) -> FloatArray:
        return np.asarray(first_minimum(information(mean, pairs), nothing))

    value, error = jackknife(counts, first)
    return float(value), float(np.hypot(error, _BETWEEN)), information(counts.mean(axis=(0, 1)), pairs)


def equal_mass_bins(values: FloatArray, bins: int) -> IntArray:
    """The bin of each value, by its rank among all; equal values share a bin."""
    ordered = np.sort(values, axis=None)
    edges = ordered[np.arange(1, bins) * ordered.size // bins]
    return np.searchsorted(edges, values, side="right")


def _counts(places: IntArray, bins: int, longest: int) -> npt.NDArray[np.int32]:
    """Numbers of pairs (group of trajectories, block, lag, bin now, bin later)."""
    blocks = np.array_split(np.arange(places.shape[1] - longest), BLOCKS)
    group = trajectory_groups(len(places))
    groups = int(group[-1]) + 1
    counts = np.empty((groups, BLOCKS, longest + 1, bins, bins), dtype=np.int32)
    row = group[:, None] * bins * bins
    for number, part in enumerate(blocks):
        base = row + bins * places[:, part]
        for lag in range(longest + 1):
            cells = np.bincount((base + places[:, part + lag]).ravel(), minlength=groups * bins * bins)
            counts[:, number, lag] = cells.reshape(groups, bins, bins)
    return counts


def information(counts: FloatArray, pairs: int) -> FloatArray:
    """Mutual information (lag,) in nats of counts (lag, bin, bin), of so many pairs in all.

    The bias that is taken off is (cells - rows - columns + 1) / (2 pairs), where only what is occupied counts.
    """
    shares = counts / counts.sum(axis=(1, 2), keepdims=True)
    now, later = shares.sum(axis=2), shares.sum(axis=1)
    plain = _negative_entropy(shares, (1, 2)) - _negative_entropy(now, 1) - _negative_entropy(later, 1)
    occupied = (shares > 0).sum(axis=(1, 2)) - (now > 0).sum(axis=1) - (later > 0).sum(axis=1) + 1
    corrected: FloatArray = plain - occupied / (2.0 * pairs)
    return corrected


def _negative_entropy(shares: FloatArray, axes: int | tuple[int, ...]) -> FloatArray:
    logarithms = np.log(np.where(shares > 0, shares, 1.0))
    total: FloatArray = np.sum(shares * logarithms, axis=axes)
    return total


def first_minimum(values: FloatArray, nothing: float) -> float:
    """The first lag that is lower than two neighbours on each side, or where there is nothing left; infinite where there is neither."""
    for lag in range(1, len(values)):
        if values[lag] <= nothing:
            return float(lag)
        before, after = values[max(0, lag - _NEIGHBOURS) : lag], values[lag + 1 : lag + 1 + _NEIGHBOURS]
        if len(after) == _NEIGHBOURS and values[lag] < before.min() and values[lag] < after.min():
            return float(lag)
    return np.inf
