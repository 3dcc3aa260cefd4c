"""The driver of steps and iterates on expansions: groups of lanes from their beginning to the last sample. Compiled once by numba.

A group's trajectories begin together, and each takes its own steps: the lanes of those that are ready stand still. Every decision rests on
the lane's own numbers, so a trajectory's words do not depend on its neighbours.

Each step has its own unit of time, a power of two near the radius of convergence that was found at the step before: series of hundreds of
orders leave the range of doubles in any other. Where the radius has become so much shorter that they still do, the unit becomes shorter and
the step's coefficients are computed again; where it has become so much longer that they vanish, the next step's unit is longer."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

import numpy as np
from numba import njit

from attractory.integrate.borrowed import borrowed
from attractory.integrate.escape import POLE, largest
from attractory.kernels.stepping import RESOLUTION
from attractory.layout import Status

_OK, _DIVERGED, _UNDERFLOW, _BUDGET = int(Status.OK), int(Status.DIVERGED), int(Status.STEP_UNDERFLOW), int(Status.STEP_BUDGET)
_RUNNING = -1

FlowFunctions = namedtuple("FlowFunctions", "coefficients sample move")
# Vectors of doubles, one in each lane; y, z and t hold words: see kernels/precise/kernel.py.
WideLanes = namedtuple("WideLanes", "y z t p c slope y_before t_before origin h number before cap unit next_unit")
# out (trajectory, variable, sample, 2) of all grids one behind the other; offsets (grid,) and counts (grid,) say where; dts (grid, 1).
WideSampling = namedtuple("WideSampling", "offsets counts dts out")
# quiet: the step where none can be estimated; budget: the most steps of a trajectory; unit: of the first step's time; longest: to which a
# unit grows where coefficients vanish; reach: what it is multiplied by then, and divided by where they overflow.
WideLimits = namedtuple("WideLimits", "quiet budget unit longest reach")

# Dense sampling, at a hundred a period and more, with steps of several samples.
_FIRST_UNIT = 64.0
# No solution is looked at in units that are so much shorter than the first one.
_SHORTEST = 2.0**-200
# The coefficient of the last order changes by this power of two where a unit does that was too long or too short: from beyond 2^1023 to
# well above 2^-960, and the other way.
_REACH_BITS = 960


def wide_limits(quiet: float, budget: float, last: float, order: int) -> WideLimits:
    """The first unit is a multiple of `quiet`, the distance of the finest samples or less; where nothing shows how long one may be, it is
    no longer than the whole that is asked for."""
    unit = _FIRST_UNIT * _power_of_two(quiet)
    return WideLimits(quiet, budget, unit, max(unit, _power_of_two(last)), 2.0 ** (_REACH_BITS // order))


def _power_of_two(number: float) -> float:
    """The one above."""
    return 2.0 ** math.frexp(number)[1]


def wide_lanes(width: int, words: int, sizes: tuple[int, int, int]) -> WideLanes:
    """Zeroed lanes for sizes = (variables, parameters, expansions in the table of coefficients)."""
    variables, parameters, table = sizes
    states = variables * words
    rows = [states, states, words, max(parameters, 1), table * words, states, states, words, 1, 1, 1, 1, 1, 1, 1]
    memory = np.zeros(sum(rows) * width + 8)
    first = (-memory.ctypes.data // 8) % 8
    parts = np.split(memory[first : first + sum(rows) * width].reshape(-1, width), np.cumsum(rows)[:-1])
    return WideLanes._make(parts)


@njit(cache=True, error_model="numpy", nogil=True)
def run_wide_flow(kernel: Any, problem: Any, sampling: Any, lanes: Any, limits: Any) -> None:  # pragma: no cover - compiled
    """Integrates all trajectories of problem = (initial, parameters, start, status, steps), whose last two it fills, and `sampling.out`."""
    problem, sampling, lanes = borrowed(problem), borrowed(sampling), borrowed(lanes)
    initial, _, _, status, steps = problem
    width = lanes.h.shape[1]
    taken = np.zeros((sampling.counts.shape[0], width), np.int64)
    taken_before = np.zeros_like(taken)
    for first in range(0, initial.shape[0], width):
        held = min(width, initial.shape[0] - first)
        running = status[first : first + held]
        _begin(problem, lanes, first, held)
        lanes.unit[:] = limits.unit
        taken[:] = 0
        while True:
            doubtful = kernel.coefficients(
                lanes.p.ctypes, lanes.y.ctypes, lanes.t.ctypes, lanes.origin.ctypes, lanes.unit.ctypes, lanes.c.ctypes,
                lanes.h.ctypes, lanes.next_unit.ctypes, lanes.slope.ctypes, lanes.before.ctypes,
            )  # fmt: skip
            if doubtful != 0:
                _take_back(lanes, taken, taken_before, doubtful)
                continue
            if not _still_running(sampling, taken, running):
                break
            if _shortened(lanes, running, limits):
                continue
            for lane in range(width):
                if lane >= held or running[lane] != _RUNNING:
                    lanes.h[0, lane], lanes.next_unit[0, lane] = 0.0, lanes.unit[0, lane]
                else:
                    running[lane] = _judged(lanes, lane, steps[first + lane], limits)
                    steps[first + lane] += 1
            lanes.before[:], lanes.y_before[:], lanes.t_before[:] = lanes.h, lanes.y, lanes.t
            taken_before[:] = taken
            for g in range(sampling.counts.shape[0]):
                _take_samples(kernel, sampling, lanes, taken, g, (first, running))
            kernel.move(lanes.c.ctypes, lanes.h.ctypes, lanes.unit.ctypes, lanes.y.ctypes, lanes.t.ctypes, lanes.slope.ctypes)
            lanes.unit[:] = lanes.next_unit


@njit(cache=True, error_model="numpy", nogil=True)
def _take_back(lanes: Any, taken: Any, taken_before: Any, doubtful: int) -> None:  # pragma: no cover - compiled
    """Undoes the last step of the lanes in these bits; their next is at most half as long. Samples that it took are taken again."""
    for lane in range(lanes.h.shape[1]):
        if (doubtful >> lane) & 1:
            lanes.y[:, lane], lanes.t[:, lane] = lanes.y_before[:, lane], lanes.t_before[:, lane]
            taken[:, lane] = taken_before[:, lane]
            lanes.cap[0, lane], lanes.before[0, lane] = 0.5 * lanes.before[0, lane], 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def _begin(problem: Any, lanes: Any, first: int, held: int) -> None:  # pragma: no cover - compiled
    """A group's states; lanes beyond its end repeat the last one."""
    initial, parameters, start, status, _ = problem
    words = lanes.t.shape[0]
    lanes.y[:], lanes.t[:], lanes.before[:], lanes.cap[:] = 0.0, 0.0, 0.0, np.inf
    for lane in range(lanes.h.shape[1]):
        i = first + min(lane, held - 1)
        for v in range(initial.shape[1]):
            lanes.y[v * words, lane] = initial[i, v]
        for q in range(parameters.shape[1]):
            lanes.p[q, lane] = parameters[i, q]
        lanes.origin[0, lane] = start[i]
        status[i] = _RUNNING


@njit(cache=True, error_model="numpy", nogil=True)
def _shortened(lanes: Any, status: Any, limits: Any) -> bool:  # pragma: no cover - compiled
    """Whether coefficients of some running lane are no numbers and are to be computed in a shorter unit, which it now has.

    None is shorter than what steps end a trajectory: then it is the solution that has left the numbers."""
    some = False
    for lane in range(status.shape[0]):
        if not lanes.h[0, lane] < np.inf and status[lane] == _RUNNING:
            shorter = lanes.unit[0, lane] / limits.reach
            if shorter > limits.unit * _SHORTEST and shorter > lanes.t[0, lane] * RESOLUTION:
                lanes.unit[0, lane] = shorter
                some = True
    return some


@njit(cache=True, error_model="numpy", nogil=True)
def _judged(lanes: Any, lane: int, count: int, limits: Any) -> int:  # pragma: no cover - compiled
    """Running or the status that ends it; the step is what was estimated, or `quiet`, at most the unit, and zero where it ends.

    Within the unit a series has lost nothing to numbers too small for a double: none of its terms is larger than its coefficient."""
    step, unit = lanes.h[0, lane], lanes.unit[0, lane]
    if step < 0.0:
        step, lanes.next_unit[0, lane] = limits.quiet, max(unit, min(unit * limits.reach, limits.longest))
    step = unit if unit < step else step  # NaN stays
    step = lanes.cap[0, lane] if lanes.cap[0, lane] < step else step
    lanes.cap[0, lane] *= 2.0
    verdict = _RUNNING
    if not step < np.inf:
        verdict = _DIVERGED
    elif count >= limits.budget:
        verdict = _BUDGET
    elif not step > lanes.t[0, lane] * RESOLUTION:
        verdict = _DIVERGED if largest(lanes.y[:: lanes.t.shape[0]], lane) > POLE else _UNDERFLOW
    lanes.h[0, lane] = step if verdict == _RUNNING else 0.0
    return verdict


@njit(cache=True, error_model="numpy", nogil=True)
def _take_samples(kernel: Any, sampling: Any, lanes: Any, taken: Any, g: int, group: Any) -> None:  # pragma: no cover - compiled
    """All samples of a grid within this step of the running lanes; group = (number of the first trajectory, status of each)."""
    first, status = group
    dt, count, held = sampling.dts[g, 0], sampling.counts[g], status.shape[0]
    variables = lanes.y.shape[0] // lanes.t.shape[0]
    due = np.zeros(held, np.bool_)
    while True:
        some = False
        for lane in range(held):
            number = taken[g, lane]
            due[lane] = status[lane] == _RUNNING and number < count and number * dt - lanes.t[0, lane] <= lanes.h[0, lane]
            lanes.number[0, lane] = number if due[lane] else 0.0
            some |= due[lane]
        if not some:
            return
        kernel.sample(
            lanes.c.ctypes, lanes.t.ctypes, lanes.unit.ctypes, lanes.number.ctypes, sampling.dts[g].ctypes, lanes.z.ctypes
        )  # fmt: skip
        for lane in range(held):
            if due[lane]:
                for v in range(variables):
                    place = sampling.offsets[g] + ((first + lane) * variables + v) * count + taken[g, lane]
                    sampling.out[place, 0], sampling.out[place, 1] = lanes.z[2 * v, lane], lanes.z[2 * v + 1, lane]
                taken[g, lane] += 1


@njit(cache=True, error_model="numpy", nogil=True)
def _still_running(sampling: Any, taken: Any, status: Any) -> bool:  # pragma: no cover - compiled
    """Whether some lane has samples to take; those that have all are ended well."""
    some = False
    for lane in range(status.shape[0]):
        if status[lane] == _RUNNING:
            ready = True
            for g in range(sampling.counts.shape[0]):
                ready &= taken[g, lane] == sampling.counts[g]
            if ready:
                status[lane] = _OK
            else:
                some = True
    return some


@njit(cache=True, error_model="numpy", nogil=True)
def run_wide_map(iterate: Any, problem: Any, sampling: Any, lanes: Any) -> None:  # pragma: no cover - compiled
    """As `run_wide_flow`, for maps: dts are whole numbers of iterates."""
    initial, _, start, status, steps = problem
    width, words = lanes.h.shape[1], lanes.t.shape[0]
    last = 0
    for g in range(sampling.counts.shape[0]):
        last = max(last, (sampling.counts[g] - 1) * int(sampling.dts[g, 0]))
    for first in range(0, initial.shape[0], width):
        held = min(width, initial.shape[0] - first)
        _begin(problem, lanes, first, held)
        y, z = lanes.y, lanes.z
        for n in range(last + 1):
            for lane in range(held):
                if status[first + lane] == _RUNNING and not _all_finite(y, lane):
                    status[first + lane], steps[first + lane] = _DIVERGED, n
            _keep_iterates(sampling, y, words, n, status[first : first + held], first)
            if n < last:
                for lane in range(width):
                    lanes.origin[0, lane] = start[first + min(lane, held - 1)] + n
                iterate(lanes.p.ctypes, y.ctypes, lanes.origin.ctypes, z.ctypes)
                y, z = z, y
        for lane in range(held):
            if status[first + lane] == _RUNNING:
                status[first + lane], steps[first + lane] = _OK, last


@njit(cache=True, error_model="numpy", nogil=True)
def _all_finite(y: Any, lane: int) -> bool:  # pragma: no cover - compiled
    for row in range(y.shape[0]):
        if not np.isfinite(y[row, lane]):
            return False
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def _keep_iterates(sampling: Any, y: Any, words: int, n: int, status: Any, first: int) -> None:  # pragma: no cover - compiled
    """The iterate n, where a grid asks for it."""
    variables = y.shape[0] // words
    for g in range(sampling.counts.shape[0]):
        every, count = int(sampling.dts[g, 0]), sampling.counts[g]
        if n % every == 0 and n // every < count:
            for lane in range(status.shape[0]):
                if status[lane] == _RUNNING:
                    for v in range(variables):
                        place = sampling.offsets[g] + ((first + lane) * variables + v) * count + n // every
                        sampling.out[place, 0], sampling.out[place, 1] = y[v * words, lane], y[v * words + 1, lane]
