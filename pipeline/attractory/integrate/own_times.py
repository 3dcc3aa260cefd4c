"""Samples at times of each trajectory's own, taken by the same compiled functions as regular ones, so with the same bits.

Sample n of a regular granularity belongs to the time n dt. For one sample of each lane these functions are told of a granularity with a
single sample, number 0, in lanes whose clock is set back by the time that is wanted: (0 dt - (t - wanted)) - t_low is the same number as
(n dt - t) - t_low where wanted is n dt. Lanes with nothing due are told that the sample is taken."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from attractory.integrate.bits import lowest_bit
from attractory.integrate.grids import Grid, SampleGrid, SectionGrid, TimedGrid

Float = NDArray[np.float64]

# places (granularity, 2): offset and row; grids (granularity, 3): dt, count and row, of all but sections, the first one regular; counts;
# the samples' memory. own (granularity,): where in `times` those of a granularity begin, one trajectory's after another's; -1 of a regular
# one. The last three are scratch: two rows of doubles and one of places, a lane each, and what stands for a granularity (dt, count, row).
Sampling = namedtuple("Sampling", "places grids counts out own times spare spots aimed")


def sampling_of(grids: Sequence[Grid], places: NDArray[np.int64], out: NDArray[np.floating], width: int) -> Sampling:
    """What the drivers fill: regular granularities first, one of no samples where there is none, then those with times of their own, then
    sections; places (granularity, 2) in the order of the grids."""
    if (only := [grid for grid in grids if isinstance(grid, SampleGrid)]) and len(only) == len(grids):
        return _regular(only, places, out, width)
    pairs = list(zip(grids, places.tolist(), strict=True))
    regular = [(grid, spot) for grid, spot in pairs if isinstance(grid, SampleGrid)]
    timed = [(grid, spot) for grid, spot in pairs if isinstance(grid, TimedGrid)]
    cut = [(grid, spot) for grid, spot in pairs if isinstance(grid, SectionGrid)]
    idle = [] if regular else [(1.0, 0, 1)]
    measures = [(grid.dt, grid.samples, row) for grid, (_, row) in regular] + [(grid.dt, grid.samples, row) for grid, (_, row) in timed]
    rows = np.array(idle + measures, np.float64)
    counts = np.array([count for _, count, _ in idle + measures] + [grid.samples for grid, _ in cut], np.int64)
    ordered = [spot for _, spot in regular] + [spot for _, spot in timed] + [spot for _, spot in cut]
    spots = np.array([[0, 1]] * len(idle) + ordered, np.int64)
    times = [np.ascontiguousarray(grid.times).ravel() for grid, _ in timed]
    starts = np.cumsum([0, *(part.size for part in times)])[:-1].tolist()
    own = np.array([-1] * (len(rows) - len(timed)) + starts, np.int64)
    memory = times[0] if len(times) == 1 else np.concatenate([np.empty(0), *times])
    return Sampling(spots, rows, counts, out, own, memory, *_scratch(width))


def _regular(grids: Sequence[SampleGrid], places: NDArray[np.int64], out: NDArray[np.floating], width: int) -> Sampling:
    """Nothing but regular granularities, as where tangent vectors are begun anew many times: said in less time."""
    rows = np.array([(grid.dt, grid.samples, row) for grid, row in zip(grids, places[:, 1].tolist(), strict=True)], np.float64)
    counts = np.array([grid.samples for grid in grids], np.int64)
    return Sampling(places, rows, counts, out, np.full(len(rows), -1, np.int64), np.empty(0), *_scratch(width))


def _scratch(width: int) -> tuple[Float, NDArray[np.int64], Float]:
    """Vectors begin at multiples of 64 bytes."""
    memory = np.zeros(3 * width + 8)
    table = memory[(-memory.ctypes.data // 8) % 8 :][: 3 * width].reshape(3, width)
    return table[:2], table[2].view(np.int64), np.array([0.0, 1.0, 1.0])


@njit(cache=True, error_model="numpy", nogil=True)
def aim(sampling: Any, lanes: Any, step: Any, g: int) -> int:  # pragma: no cover - compiled
    """Points the scratch at the next sample of granularity g in each lane where that lies in the lane's step; the bits of these lanes."""
    count, bits = sampling.counts[g], 0
    sampling.aimed[2] = sampling.places[g, 1]
    for lane in range(step.shape[0]):
        sampling.spare[0, lane], sampling.spare[1, lane] = 1.0, 0.0
        taken = int(lanes.taken[g, lane])
        sampling.spots[lane] = lanes.base[g, lane] + taken
        if taken < count:
            wanted = sampling.times[sampling.own[g] + lanes.trajectory[lane] * count + taken]
            if (wanted - lanes.t[lane]) - lanes.t_low[lane] <= step[lane]:
                sampling.spare[0, lane], sampling.spare[1, lane] = 0.0, lanes.t[lane] - wanted
                bits |= 1 << lane
    return bits


@njit(cache=True, error_model="numpy", nogil=True)
def take_at_times(kernel: Any, sampling: Any, lanes: Any, g: int) -> int:  # pragma: no cover - compiled
    """Takes the samples of granularity g within the lanes' steps; the bits of the lanes that have all, as `kernel.samples`."""
    due = aim(sampling, lanes, lanes.h, g)
    while due != 0:
        kernel.samples(
            lanes.c.ctypes, sampling.spare[0].ctypes, lanes.h.ctypes, sampling.spare[1].ctypes, lanes.t_low.ctypes,
            sampling.aimed.ctypes, sampling.spots.ctypes, lanes.z.ctypes, sampling.out.ctypes, lanes.y_before.ctypes,
        )  # fmt: skip
        while due != 0:
            lanes.taken[g, lowest_bit(due)] += 1.0
            due &= due - 1
        due = aim(sampling, lanes, lanes.h, g)
    complete = 0
    for lane in range(lanes.h.shape[0]):
        if not lanes.taken[g, lane] < sampling.counts[g]:
            complete |= 1 << lane
    return complete
