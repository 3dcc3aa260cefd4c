"""The generic driver of maps: groups of lanes iterated in step, every n-th iterate kept. Compiled once by numba and cached on disk.

The compiled iterates leave some samples at a time in a buffer that a processor's first cache holds, variable by variable and lane by lane;
the driver puts them where each grid has them. With several grids a buffered sample is what all of them count in, the largest common
divisor of their distances."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from attractory.kernels.transpose import BLOCK
from attractory.layout import Status

_OK, _DIVERGED = int(Status.OK), int(Status.DIVERGED)
# Numbers in the buffer (16 KiB), and samples at most: runs of so many of a row lie side by side in memory.
_BUFFER, _MOST_SAMPLES = 2048, 64

Iterated = namedtuple("Iterated", "initial parameters start status")
Kept = namedtuple("Kept", "places everies counts out lasts own numbers")
MapLanes = namedtuple("MapLanes", "y p start n finite z")
MapFunctions = namedtuple("MapFunctions", "iterates put")


def map_lane_arrays(width: int, lanes: int, variables: int, parameters: int) -> MapLanes:
    """Zeroed rows of `lanes` numbers, vectors of `width` of them; all begin at multiples of 64 bytes."""
    samples = min(max(_BUFFER // (variables * lanes), 1), _MOST_SAMPLES)
    sizes = [variables * lanes, max(parameters, 1) * lanes, lanes, max(width, 8), max(width, 8), samples * variables * lanes]
    starts = np.cumsum([0, *(-(-size // 8) * 8 for size in sizes)])
    memory = np.zeros(int(starts[-1]) + 8)
    memory = memory[(-memory.ctypes.data // 8) % 8 :]
    y, p, start, n, finite, z = (memory[first : first + size] for first, size in zip(starts, sizes, strict=False))
    return MapLanes(
        y.reshape(variables, lanes), p.reshape(-1, lanes), start, n[:width], finite[:width], z.reshape(samples, variables, lanes)
    )


def common_divisor(everies: NDArray[np.int64]) -> int:
    """The distance in iterates that all grids can count in."""
    return int(np.gcd.reduce(everies))


@njit(cache=True, error_model="numpy", nogil=True)
def run_map(kernel: Any, problem: Any, kept: Any, lanes: Any, every: int) -> None:  # pragma: no cover - compiled
    """Iterates all trajectories and fills `kept.out` and `problem.status`.

    Args:
        kernel: the compiled functions. every: iterates between the samples that it leaves in the buffer.
        problem: initial (trajectory, variable), parameters (trajectory, parameter), start (trajectory,); status is written.
        kept: of each grid the places (offset, row), iterates between samples, and how many there are; out, as in `run_flow`; lasts: of each
            the number of the last sample that is wanted; own, numbers: of grids whose trajectories have samples of their own, where in
            `numbers` theirs begin, one trajectory's after another's; -1 of others.
    """
    total, columns = problem.initial.shape[0], lanes.y.shape[1]
    asked = np.empty(2, np.int64)
    asked[0] = every
    last = 0
    for g in range(kept.counts.shape[0]):
        last = max(last, kept.lasts[g] * (kept.everies[g] // every))
    taken = np.empty((kept.counts.shape[0], columns), np.int64)
    for first in range(0, total, columns):
        held = min(columns, total - first)
        _load(problem, lanes, first, held)
        number, made = 0, 1
        taken[:] = 0
        while number <= last:
            asked[1] = min(lanes.z.shape[0] - made, last + 1 - number - made)
            if asked[1] > 0:
                kernel.iterates(
                    lanes.p.ctypes, lanes.y.ctypes, lanes.start.ctypes, lanes.n.ctypes, lanes.z[made].ctypes, lanes.finite.ctypes,
                    asked.ctypes,
                )  # fmt: skip
                made += asked[1]
            for g in range(kept.counts.shape[0]):
                part = (kept.everies[g] // every, first, held, number, made)
                if kept.own[g] >= 0:
                    _keep_own(lanes.z, kept, g, part, taken[g])
                else:
                    _keep(kernel, lanes.z, kept, g, part)
            number += made
            made = 0
        for lane in range(held):
            problem.status[first + lane] = _OK if lanes.finite[lane % lanes.finite.shape[0]] == 0.0 else _DIVERGED
    _blank(kept, problem.status, lanes.y.shape[0])


@njit(cache=True, error_model="numpy", nogil=True)
def _load(problem: Any, lanes: Any, first: int, held: int) -> None:  # pragma: no cover - compiled
    """The next trajectories, at their sample 0; lanes beyond the last repeat it."""
    lanes.n[:], lanes.finite[:] = 0.0, 0.0
    for lane in range(lanes.y.shape[1]):
        i = first + min(lane, held - 1)
        lanes.start[lane] = problem.start[i]
        for v in range(lanes.y.shape[0]):
            lanes.y[v, lane] = problem.initial[i, v]
            lanes.z[0, v, lane] = problem.initial[i, v]
        for q in range(problem.parameters.shape[1]):
            lanes.p[q, lane] = problem.parameters[i, q]


@njit(cache=True, error_model="numpy", nogil=True)
def _keep(kernel: Any, z: Any, kept: Any, g: int, part: tuple[int, int, int, int, int]) -> None:  # pragma: no cover - compiled
    """Those samples of the buffer that grid g has.

    Args:
        part: each `step`-th sample is the grid's; the first trajectory, how many; the buffer's first sample, how many.
    """
    step, first, held, number, made = part
    variables = z.shape[1]
    begin = -(-number // step)
    end = max(begin, min((number + made - 1) // step + 1, kept.counts[g]))
    row, blocks = kept.places[g, 1], 0
    start = kept.places[g, 0] + first * variables * row
    if step == 1:
        blocks = (end - begin) // BLOCK
        _put_blocks(kernel, z, kept.out[start + begin :], (row, held // BLOCK, blocks))
    whole, rest = held // BLOCK * BLOCK, begin + blocks * BLOCK
    for v in range(variables):
        for lane in range(0 if rest < end else whole, held):
            place = start + (lane * variables + v) * row
            for n in range(rest if lane < whole else begin, end):
                kept.out[place + n] = z[n * step - number, v, lane]


@njit(cache=True, error_model="numpy", nogil=True)
def _keep_own(z: Any, kept: Any, g: int, part: tuple[int, int, int, int, int], taken: Any) -> None:  # pragma: no cover - compiled
    """As `_keep`, where each trajectory has samples of its own; taken: how many each lane has, which is brought up to date."""
    step, first, held, number, made = part
    variables, count, row = z.shape[1], kept.counts[g], kept.places[g, 1]
    for lane in range(held):
        n, own = taken[lane], kept.own[g] + (first + lane) * count
        place = kept.places[g, 0] + (first + lane) * variables * row
        while n < count and kept.numbers[own + n] * step < number + made:
            for v in range(variables):
                kept.out[place + v * row + n] = z[kept.numbers[own + n] * step - number, v, lane]
            n += 1
        taken[lane] = n


@njit(cache=True, error_model="numpy", nogil=True)
def _put_blocks(kernel: Any, z: Any, out: Any, cut: tuple[int, int, int]) -> None:  # pragma: no cover - compiled
    """Whole blocks of lanes and samples from the buffer's beginning; cut = (numbers of a row, blocks of lanes, blocks of samples)."""
    row, lane_blocks, sample_blocks = cut
    variables, lanes = z.shape[1], z.shape[2]
    if lane_blocks > 0 and sample_blocks > 0:
        sizes = np.array([lanes, variables * lanes, row, variables * row, variables, lane_blocks, sample_blocks])
        kernel.put(z.ctypes, out.ctypes, sizes.ctypes)


@njit(cache=True, error_model="numpy", nogil=True)
def _blank(kept: Any, status: Any, variables: int) -> None:  # pragma: no cover - compiled
    """From the first sample that is not finite in any variable, all variables of a trajectory that diverged are NaN.

    What the kernel suspects may be another trajectory's, a sum beyond all doubles, or an infinity that lies between the samples of all
    grids and has come back to a number: then it is well.
    """
    for i in range(status.shape[0]):
        if status[i] == _OK:
            continue
        status[i] = _OK
        for g in range(kept.counts.shape[0]):
            start, row = kept.places[g, 0] + i * variables * kept.places[g, 1], kept.places[g, 1]
            gone = False
            for n in range(kept.counts[g]):
                for v in range(variables):
                    if not np.isfinite(kept.out[start + v * row + n]):
                        gone = True
                if gone:
                    status[i] = _DIVERGED
                    for v in range(variables):
                        kept.out[start + v * row + n] = np.nan
