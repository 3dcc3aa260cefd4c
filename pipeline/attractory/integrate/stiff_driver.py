"""The generic driver of stiff flows: lanes filled from trajectories that another method handed over, step control, sampling, the way back.

As `flow_driver`, whose words it uses. A step that is rejected leaves its lane where it was and is tried again at the length that its error
allows; the other lanes go on. What all lanes do is vector code (`kernels/rosenbrock.py`); here are the rare events of single lanes."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
from numba import njit

from attractory.integrate.bits import lowest_bit
from attractory.integrate.borrowed import borrowed
from attractory.integrate.handover import (
    CAP,
    COUNT,
    DELAY,
    DONE,
    GAIN,
    LONGEST_DELAY,
    LONGEST_WAIT,
    LOOK_COUNT,
    LOOK_FROM,
    LOOK_T,
    METHOD,
    PACE,
    STIFF_COUNT,
    TAYLOR,
    WAIT,
    keep_state,
    resume,
)
from attractory.integrate.own_times import aim
from attractory.kernels.stepping import LOOK, RESOLUTION
from attractory.layout import Status

_OK, _BUDGET = int(Status.OK), int(Status.STEP_BUDGET)
# A trial begins with a step this many times Taylor's, and may take so many: the first ones end what Taylor's errors keep in motion.
_TRIAL, _TRIES = 8.0, 24.0

StiffLanes = namedtuple(
    "StiffLanes",
    "trajectory waiting trial base t t_low origin now h step live count look taken error y y_low slope k c z p mode tc th time rate",
)
StiffControls = namedtuple("StiffControls", "limits quiet taylor_cost stiff_cost")
StiffFunctions = namedtuple("StiffFunctions", "attempt dense due evaluate advance coefficients")


def stiff_lane_arrays(width: int, sizes: tuple[int, int, int], coefficients: int) -> StiffLanes:
    """Zeroed lanes for `sizes` = (variables, parameters, granularities); the last five are what Taylor's kernel needs, with so many rows of
    coefficients."""
    variables, parameters, kinds = sizes
    blocks = [variables, variables, variables, 8 * variables, 5 * variables, variables, max(parameters, 1)]
    rows = [1] * 9 + [kinds, 3, *blocks, 1, coefficients, 1, 3, variables]
    memory = np.zeros(sum(rows) * width + 8)
    first = (-memory.ctypes.data // 8) % 8
    parts = np.split(memory[first : first + sum(rows) * width].reshape(sum(rows), width), np.cumsum(rows)[:-1])
    integers = [np.full(width, -1, np.int64), np.full(width, -1, np.int64), np.zeros(width, np.int64), np.zeros((kinds, width), np.int64)]
    return StiffLanes._make([*integers, *(part[0] for part in parts[:9]), *parts[9:]])


@njit(cache=True, error_model="numpy", nogil=True)
def run_stiff(kernel: Any, problem: Any, sampling: Any, lanes: Any, controls: Any) -> None:  # pragma: no cover - compiled
    """Integrates the trajectories of `problem.queue` from where they are kept until they end or go back; arguments as `run_flow`.

    controls: limits as for `emit_attempt`; quiet: Taylor's step where it has no estimate; the costs of one step of each method.
    """
    problem, sampling, lanes, controls = borrowed(problem), borrowed(sampling), borrowed(lanes), borrowed(controls)
    total, width = problem.queue.shape[0], lanes.h.shape[0]
    following, live = 0, 0
    for lane in range(width):
        _vacate(lanes, lane, sampling.counts)
    while True:
        for lane in range(width):
            if lanes.trajectory[lane] < 0 and following < total:
                _fill(problem, sampling, lanes, lane, problem.queue[following])
                following += 1
                live += 1
        if live == 0:
            return
        odd, closing, filling = 0, 0, live
        while live == filling or (live > 0 and following == total):
            odd = kernel.attempt(
                lanes.p.ctypes, lanes.y.ctypes, lanes.y_low.ctypes, lanes.slope.ctypes, lanes.k.ctypes, lanes.c.ctypes, lanes.t.ctypes,
                lanes.t_low.ctypes, lanes.now.ctypes, lanes.h.ctypes, lanes.step.ctypes, lanes.error.ctypes, lanes.live.ctypes,
                lanes.count.ctypes, lanes.look.ctypes, controls.limits.ctypes,
            )  # fmt: skip
            closing = _sample(kernel, sampling, lanes)
            kernel.advance(lanes.step.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, lanes.origin.ctypes, lanes.now.ctypes)
            if odd != 0:
                live -= _examine(kernel, problem, sampling, lanes, controls, odd)
            if closing > 0:
                live -= _release_finished(problem, sampling, lanes)


@njit(cache=True, error_model="numpy", nogil=True)
def _fill(problem: Any, sampling: Any, lanes: Any, lane: int, i: int) -> None:  # pragma: no cover - compiled
    """Trajectory i goes on in this lane, with a trial step."""
    parked = problem.parked
    lanes.trajectory[lane], lanes.live[lane], lanes.trial[lane] = i, 1.0, 1
    lanes.origin[lane] = problem.start[i]
    resume(parked, lanes, lane)
    lanes.waiting[lane] = 0
    for g in range(sampling.counts.shape[0]):
        lanes.base[g, lane] = sampling.places[g, 0] + i * lanes.y.shape[0] * sampling.places[g, 1]
        lanes.waiting[lane] += sampling.counts[g] - int(lanes.taken[g, lane])
    for q in range(problem.parameters.shape[1]):
        lanes.p[q, lane] = problem.parameters[i, q]
    lanes.h[lane] = _TRIAL * parked[i, PACE]
    lanes.error[0, lane], lanes.error[1, lane] = 0.0, 1.0
    lanes.look[lane] = lanes.count[lane] + 1.0


@njit(cache=True, error_model="numpy", nogil=True)
def _vacate(lanes: Any, lane: int, counts: Any) -> None:  # pragma: no cover - compiled
    """The lane idles at zero in steps of length zero."""
    lanes.trajectory[lane], lanes.waiting[lane], lanes.live[lane], lanes.h[lane] = -1, -1, 0.0, 0.0
    lanes.t[lane], lanes.t_low[lane], lanes.count[lane] = 0.0, 0.0, 0.0
    for v in range(lanes.y.shape[0]):
        lanes.y[v, lane], lanes.y_low[v, lane] = 0.0, 0.0
    for g in range(counts.shape[0]):
        lanes.taken[g, lane] = counts[g]


@njit(cache=True, error_model="numpy", nogil=True)
def _sample(kernel: Any, sampling: Any, lanes: Any) -> int:  # pragma: no cover - compiled
    """Takes all samples within the lanes' steps; returns how many trajectories took their last."""
    finished, ready = 0, False
    for g in range(sampling.counts.shape[0]):
        if sampling.own[g] >= 0:
            while True:
                due = aim(sampling, lanes, lanes.step, g)
                for lane in range(lanes.step.shape[0]):
                    if not lanes.step[lane] > 0.0:  # rejected, or idle: no step was taken
                        due &= ~(1 << lane)
                if due == 0:
                    break
                if not ready:
                    kernel.dense(lanes.k.ctypes, lanes.c.ctypes)
                    ready = True
                finished += _take_at_times(kernel, sampling, lanes, g, due)
            continue
        n, grid = lanes.taken[g], sampling.grids[g]
        if kernel.due(n.ctypes, lanes.step.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, grid.ctypes) == 0:
            continue
        if not ready:
            kernel.dense(lanes.k.ctypes, lanes.c.ctypes)
            ready = True
        while True:
            due = kernel.evaluate(
                lanes.c.ctypes, n.ctypes, lanes.step.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, grid.ctypes, lanes.z.ctypes
            )  # fmt: skip
            if due == 0:
                break
            finished += _keep_samples(sampling, lanes, g, due)
    return finished


@njit(cache=True, error_model="numpy", nogil=True)
def _take_at_times(kernel: Any, sampling: Any, lanes: Any, g: int, due: int) -> int:  # pragma: no cover - compiled
    """One sample at a time of its own in each lane in these bits, at which `aim` has pointed; returns how many trajectories took their
    last."""
    kernel.evaluate(
        lanes.c.ctypes, sampling.spare[0].ctypes, lanes.step.ctypes, sampling.spare[1].ctypes, lanes.t_low.ctypes,
        sampling.aimed.ctypes, lanes.z.ctypes,
    )  # fmt: skip
    left = due
    while left != 0:
        lanes.taken[g, lowest_bit(left)] += 1.0
        left &= left - 1
    return _keep_samples(sampling, lanes, g, due)


@njit(cache=True, error_model="numpy", nogil=True)
def _keep_samples(sampling: Any, lanes: Any, g: int, due: int) -> int:  # pragma: no cover - compiled
    """Writes one sample of each lane in these bits; returns how many trajectories took their last."""
    row, finished = sampling.places[g, 1], 0
    while due != 0:
        lane = lowest_bit(due)
        due &= due - 1
        place = lanes.base[g, lane] + int(lanes.taken[g, lane]) - 1
        for v in range(lanes.y.shape[0]):
            sampling.out[place + v * row] = lanes.z[v, lane]
        lanes.waiting[lane] -= 1
        finished += lanes.waiting[lane] == 0
    return finished


@njit(cache=True, error_model="numpy", nogil=True)
def _examine(kernel: Any, problem: Any, sampling: Any, lanes: Any, controls: Any, odd: int) -> int:  # pragma: no cover - compiled
    """Ends what spent its budget, decides which trajectories in these bits go back to Taylor; returns how many lanes became free."""
    freed, asked = 0, False
    parked = problem.parked
    while odd != 0:
        lane = lowest_bit(odd)
        odd &= odd - 1
        if lanes.trial[lane] == 1:
            if _is_better(parked, lanes, lane, controls):
                _go_on(parked, lanes, lane)
                continue
            if lanes.waiting[lane] > 0 and lanes.count[lane] < parked[lanes.trajectory[lane], COUNT] + _TRIES:
                lanes.look[lane] = lanes.count[lane] + 1.0
                continue
            _refuse(problem, lanes, lane)
        elif lanes.waiting[lane] == 0:
            continue  # it has ended
        elif lanes.count[lane] > controls.limits[1]:
            _end(problem, sampling, lanes, lane)
        elif not lanes.h[lane] > lanes.t[lane] * RESOLUTION:
            _return(problem, lanes, lane, np.inf)  # Taylor finds what is wrong there, and says it
        else:
            if not asked:
                asked = True
                kernel.coefficients(
                    lanes.p.ctypes, lanes.y.ctypes, lanes.now.ctypes, lanes.mode.ctypes, lanes.tc.ctypes, lanes.th.ctypes,
                    lanes.time.ctypes, lanes.rate.ctypes, lanes.y_low.ctypes,
                )  # fmt: skip
            if not _taylor_is_better(parked, lanes, lane, controls):
                _go_on(parked, lanes, lane)
                continue
            _return(problem, lanes, lane, lanes.count[lane] + LOOK)
        freed += 1
        _vacate(lanes, lane, sampling.counts)
    return freed


@njit(cache=True, error_model="numpy", nogil=True)
def _is_better(parked: Any, lanes: Any, lane: int, controls: Any) -> bool:  # pragma: no cover - compiled
    """Whether the step that the last error allows would make so much more for its cost than Taylor's steps did."""
    pace: float = parked[lanes.trajectory[lane], PACE]
    return bool(lanes.error[2, lane] * controls.taylor_cost >= GAIN * pace * controls.stiff_cost)


@njit(cache=True, error_model="numpy", nogil=True)
def _taylor_is_better(parked: Any, lanes: Any, lane: int, controls: Any) -> bool:  # pragma: no cover - compiled
    """Whether its step from here would make so much more for its cost than the mean of the steps since the last look."""
    i, step = lanes.trajectory[lane], lanes.th[0, lane]
    if step < 0.0:
        step = controls.quiet
    pace = (lanes.t[lane] - parked[i, LOOK_T]) / (lanes.count[lane] - parked[i, LOOK_COUNT])
    return bool(step * controls.stiff_cost > GAIN * pace * controls.taylor_cost)


@njit(cache=True, error_model="numpy", nogil=True)
def _go_on(parked: Any, lanes: Any, lane: int) -> None:  # pragma: no cover - compiled
    """The trajectory stays; its next look is set."""
    i = lanes.trajectory[lane]
    lanes.trial[lane] = 0
    parked[i, LOOK_T], parked[i, LOOK_COUNT] = lanes.t[lane], lanes.count[lane]
    lanes.look[lane] = lanes.count[lane] + parked[i, WAIT]


@njit(cache=True, error_model="numpy", nogil=True)
def _refuse(problem: Any, lanes: Any, lane: int) -> None:  # pragma: no cover - compiled
    """After a trial that was no better: back to Taylor, as if it had not been, but for the count; the next trial comes later."""
    parked, i = problem.parked, lanes.trajectory[lane]
    parked[i, METHOD], parked[i, COUNT] = TAYLOR, lanes.count[lane]
    parked[i, LOOK_COUNT] = lanes.count[lane]
    parked[i, LOOK_FROM] = lanes.count[lane] + parked[i, DELAY]
    parked[i, DELAY] = min(2.0 * parked[i, DELAY], LONGEST_DELAY)


@njit(cache=True, error_model="numpy", nogil=True)
def _return(problem: Any, lanes: Any, lane: int, look: float) -> None:  # pragma: no cover - compiled
    """Back to Taylor from here; it tries the other method again no earlier than at the count `look`."""
    parked, i = problem.parked, lanes.trajectory[lane]
    keep_state(parked, lanes, lane)
    parked[i, STIFF_COUNT] += lanes.count[lane] - parked[i, COUNT]
    parked[i, METHOD], parked[i, COUNT], parked[i, CAP] = TAYLOR, lanes.count[lane], np.inf
    parked[i, LOOK_FROM], parked[i, LOOK_T], parked[i, LOOK_COUNT] = look, lanes.t[lane], lanes.count[lane]
    parked[i, WAIT] = min(2.0 * parked[i, WAIT], LONGEST_WAIT)


@njit(cache=True, error_model="numpy", nogil=True)
def _close(problem: Any, lanes: Any, lane: int, status: int) -> None:  # pragma: no cover - compiled
    parked, i = problem.parked, lanes.trajectory[lane]
    parked[i, STIFF_COUNT] += lanes.count[lane] - parked[i, COUNT]
    parked[i, METHOD] = DONE
    problem.status[i] = status
    problem.steps[i] = int(lanes.count[lane])


@njit(cache=True, error_model="numpy", nogil=True)
def _end(problem: Any, sampling: Any, lanes: Any, lane: int) -> None:  # pragma: no cover - compiled
    """The budget is spent: NaN for all samples that were not reached."""
    _close(problem, lanes, lane, _BUDGET)
    for g in range(sampling.counts.shape[0]):
        for v in range(lanes.y.shape[0]):
            place = lanes.base[g, lane] + v * sampling.places[g, 1]
            for n in range(int(lanes.taken[g, lane]), sampling.counts[g]):
                sampling.out[place + n] = np.nan


@njit(cache=True, error_model="numpy", nogil=True)
def _release_finished(problem: Any, sampling: Any, lanes: Any) -> int:  # pragma: no cover - compiled
    """Sets free the lanes whose last sample is taken; returns how many."""
    finished = 0
    for lane in range(lanes.h.shape[0]):
        if lanes.waiting[lane] == 0:
            finished += 1
            _close(problem, lanes, lane, _OK)
            _vacate(lanes, lane, sampling.counts)
    return finished
