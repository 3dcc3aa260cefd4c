"""The generic driver of delay systems: as the driver of flows, with the past of each lane looked up before a step and kept after it.

A step never passes a breaking point that matters (what the jump of x' at the beginning becomes, one order smoother with every delay), nor
the shortest delay, nor what the polynomials of the past are good for. A transient is the part of the run before t = 0: the steps meet
there, the state is kept, and sampling begins."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
from numba import njit

from attractory.integrate.bits import lowest_bit
from attractory.integrate.borrowed import borrowed
from attractory.integrate.escape import ESCAPE, ESCAPE_LOOK, ESCAPE_STEPS, POLE, largest
from attractory.integrate.own_times import take_at_times
from attractory.integrate.past import add_break, find_break, find_piece, jump, keep_piece, nearest_piece, same_time, since
from attractory.kernels.stepping import RESOLUTION
from attractory.layout import Status

_OK, _DIVERGED, _UNDERFLOW, _BUDGET = int(Status.OK), int(Status.DIVERGED), int(Status.STEP_UNDERFLOW), int(Status.STEP_BUDGET)

# What a run came back for.
ENDED, FULL, PAUSED = 0, 1, 2

# offset (trajectory, variable) and factor (trajectory,): the history is factor * history + offset; lags (trajectory, lag);
# settled (trajectory, variable): the state at t = 0, written.
DelayProblem = namedtuple("DelayProblem", "offset factor parameters lags start status steps settled")
# reads (read, 2): (place among stored, lag); stored: variables whose past is read; limits as for `emit_bound`; settle: the length of the
# transient; until: where all lanes wait for each other; may_grow: whether the ring may become larger.
DelayControls = namedtuple("DelayControls", "order reads stored limits tolerance settle until may_grow")
DelayLanes = namedtuple(
    "DelayLanes",
    "trajectory base settling waiting t t_low origin now h live count cap size natural limit factor times good taken taken_before before "
    "y y_low y_before rate z p offset c past shift history",
)
DelayFunctions = namedtuple("DelayFunctions", "coefficients history finish samples bound move")


def delay_lane_arrays(width: int, sizes: tuple[int, int, int, int], order: int) -> DelayLanes:
    """Zeroed lanes for `sizes` = (variables, parameters, reads, granularities); vectors begin at multiples of 64 bytes."""
    variables, parameters, reads, kinds = sizes
    terms = order + 1
    rows = [1] * 14 + [kinds, kinds, 4, variables, variables, 2 * variables, variables, variables + 1]
    rows += [max(parameters, 1), variables, variables * terms, reads * terms, reads, variables * terms, kinds]
    memory = np.zeros(sum(rows) * width + 8)
    first = (-memory.ctypes.data // 8) % 8
    table = memory[first : first + sum(rows) * width].reshape(sum(rows), width)
    *parts, base = np.split(table, np.cumsum(rows)[:-1])
    trajectory, settling, waiting = (np.full(width, -1, np.int64) for _ in range(3))
    return DelayLanes._make([trajectory, base.view(np.int64), settling, waiting, *(part[0] for part in parts[:14]), *parts[14:]])


@njit(cache=True, error_model="numpy", nogil=True)
def run_delay(  # noqa: C901, PLR0913 - one loop, called with records of arrays only
    kernel: Any, problem: Any, sampling: Any, lanes: Any, past: Any, controls: Any, progress: Any
) -> int:  # pragma: no cover - compiled
    """Integrates trajectories until they end (ENDED), the ring is full (FULL) or all lanes have come to `until` (PAUSED); called again,
    it goes on. past = (ring, breaks); progress = (trajectories begun, lanes in use, lanes that have taken their last sample)."""
    problem, sampling, lanes = borrowed(problem), borrowed(sampling), borrowed(lanes)
    ring, breaks, controls = borrowed(past[0]), borrowed(past[1]), borrowed(controls)
    past = (ring, breaks)
    total, width = problem.offset.shape[0], lanes.h.shape[0]
    grids = sampling.counts.shape[0]
    while True:
        if progress[0] < total and progress[1] < width:
            _fill(kernel, problem, sampling, lanes, past, controls, progress)
        if progress[1] == 0:
            return ENDED
        while True:
            full = _look_back(kernel, problem, sampling, lanes, past, controls, progress)
            if full:
                return FULL
            if _all_wait(lanes):
                return PAUSED
            doubtful = kernel.coefficients(
                lanes.p.ctypes, lanes.y.ctypes, lanes.now.ctypes, lanes.past.ctypes, lanes.shift.ctypes, lanes.c.ctypes, lanes.h.ctypes,
                lanes.before.ctypes, lanes.rate.ctypes,
            )  # fmt: skip
            if doubtful == 0:
                break
            _take_back(lanes, ring, doubtful)
        if progress[2] != 0:
            progress[1] -= _release_finished(problem, sampling, lanes, progress[2])
        crowded = _limit_steps(problem, lanes, past, controls)
        odd = kernel.bound(
            lanes.h.ctypes, lanes.t.ctypes, lanes.now.ctypes, lanes.live.ctypes, lanes.count.ctypes, lanes.cap.ctypes,
            controls.limits.ctypes,
        )  # fmt: skip
        progress[1] -= _examine_steps(problem, sampling, lanes, controls, odd, crowded)
        for lane in range(width):
            for g in range(grids):
                lanes.taken_before[g, lane] = lanes.taken[g, lane]
            if lanes.live[lane] > 0.0:
                keep_piece(ring, lanes, lane, controls.stored, breaks.sharp[lane])
        kernel.finish(
            lanes.c.ctypes, lanes.taken.ctypes, lanes.h.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, sampling.grids.ctypes,
            lanes.base.ctypes, lanes.z.ctypes, sampling.out.ctypes, lanes.y.ctypes, lanes.y_low.ctypes, lanes.y_before.ctypes,
            lanes.rate.ctypes,
        )  # fmt: skip
        progress[2] = -1
        for g in range(grids):
            if sampling.own[g] >= 0:
                progress[2] &= take_at_times(kernel, sampling, lanes, g)
                continue
            progress[2] &= kernel.samples(
                lanes.c.ctypes, lanes.taken[g].ctypes, lanes.h.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, sampling.grids[g].ctypes,
                lanes.base[g].ctypes, lanes.z.ctypes, sampling.out.ctypes, lanes.y_before.ctypes,
            )  # fmt: skip
        kernel.move(
            lanes.h.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, lanes.origin.ctypes, lanes.now.ctypes, lanes.before.ctypes
        )  # fmt: skip


@njit(cache=True, error_model="numpy", nogil=True)
def _fill(  # noqa: PLR0913 - inlined into the loop, where a record would cost more than it shows
    kernel: Any, problem: Any, sampling: Any, lanes: Any, past: Any, controls: Any, progress: Any
) -> None:  # pragma: no cover - compiled
    """Puts the next trajectories into the free lanes, at their histories' values."""
    fresh = np.zeros(lanes.h.shape[0], np.bool_)
    for lane in range(lanes.h.shape[0]):
        if lanes.trajectory[lane] < 0 and progress[0] < problem.offset.shape[0]:
            _refill(problem, sampling, lanes, past, controls, (lane, progress[0]))
            fresh[lane] = True
            progress[0] += 1
            progress[1] += 1
        lanes.times[lane] = lanes.now[lane]
    kernel.history(
        lanes.p.ctypes, lanes.times.ctypes, lanes.factor.ctypes, lanes.offset.ctypes, lanes.history.ctypes, lanes.good.ctypes
    )  # fmt: skip
    for lane in range(lanes.h.shape[0]):
        if fresh[lane]:
            i = lanes.trajectory[lane]
            for v in range(lanes.y.shape[0]):
                lanes.y[v, lane] = lanes.history[v * (controls.order + 1), lane]
                problem.settled[i, v] = lanes.y[v, lane]
            lanes.size[lane] = largest(lanes.y, lane)


@njit(cache=True, error_model="numpy", nogil=True)
def _refill(
    problem: Any, sampling: Any, lanes: Any, past: Any, controls: Any, taken: tuple[int, int]
) -> None:  # pragma: no cover - compiled
    """A trajectory begins in a lane; taken = (lane, trajectory)."""
    ring, breaks = past
    lane, i = taken
    variables, lags = problem.offset.shape[1], problem.lags.shape[1]
    lanes.trajectory[lane], lanes.live[lane], lanes.waiting[lane] = i, 1.0, 0
    lanes.settling[lane] = 1 if controls.settle > 0.0 else 0
    lanes.t[lane], lanes.t_low[lane], lanes.count[lane] = -controls.settle, 0.0, 0.0
    lanes.origin[lane] = problem.start[i] + controls.settle
    lanes.now[lane] = problem.start[i]
    lanes.cap[lane], lanes.before[2, lane] = np.inf, 0.0
    lanes.factor[lane] = problem.factor[i]
    for v in range(variables):
        lanes.offset[v, lane], lanes.y_low[v, lane] = problem.offset[i, v], 0.0
    for q in range(problem.parameters.shape[1]):
        lanes.p[q, lane] = problem.parameters[i, q]
    for g in range(sampling.counts.shape[0]):
        lanes.taken[g, lane] = sampling.counts[g] if controls.settle > 0.0 else 0.0
        lanes.base[g, lane] = sampling.places[g, 0] + i * variables * sampling.places[g, 1]
    ring.count[lane] = 0
    breaks.held[lane], breaks.following[lane], breaks.here[lane], breaks.sharp[lane] = 0, 0, -1, 1.0
    for j in range(lags):
        ring.cursor[lane, j] = 0
        add_break(
            breaks, lane, -controls.settle + problem.lags[i, j], 1, 4.0 * same_time(lanes.t[lane], lanes.now[lane], problem.lags[i, j])
        )


@njit(cache=True, error_model="numpy", nogil=True)
def _vacate(lanes: Any, lane: int, counts: Any) -> None:  # pragma: no cover - compiled
    """The lane idles: at zero, with no sample to take, in steps of length zero."""
    lanes.trajectory[lane], lanes.live[lane], lanes.settling[lane], lanes.waiting[lane] = -1, 0.0, 0, 0
    lanes.h[lane], lanes.before[2, lane] = 0.0, 0.0
    for v in range(lanes.y.shape[0]):
        lanes.y[v, lane], lanes.y_low[v, lane] = 0.0, 0.0
    for row in range(lanes.past.shape[0]):
        lanes.past[row, lane] = 0.0
    for row in range(lanes.shift.shape[0]):
        lanes.shift[row, lane] = 0.0
    for g in range(counts.shape[0]):
        lanes.taken[g, lane] = counts[g]


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _look_back(  # noqa: PLR0913 - inlined into the loop, where a record would cost more than it shows
    kernel: Any, problem: Any, sampling: Any, lanes: Any, past: Any, controls: Any, progress: Any
) -> bool:  # pragma: no cover - compiled
    """Sets the polynomials of the past and the longest step of every lane; True where some lane's ring has no room for another piece."""
    ring, breaks = past
    width, lags = lanes.h.shape[0], problem.lags.shape[1]
    for lane in range(width):
        if lanes.trajectory[lane] >= 0:
            if _is_full(ring, lane):
                if controls.may_grow:
                    return True
                _end(problem, sampling, lanes, lane, _BUDGET)
                progress[1] -= 1
                continue
            _arrive(problem, lanes, breaks, controls, lane)
    for j in range(lags):
        early = False
        for lane in range(width):
            i = lanes.trajectory[lane]
            if i < 0:
                continue
            lag = problem.lags[i, j]
            lanes.limit[lane] = min(lanes.limit[lane], lag)
            at = (lanes.t[lane], lanes.t_low[lane], lanes.now[lane])
            piece = find_piece(ring, lane, j, at, lag) if ring.count[lane] > 0 else -1
            lanes.times[lane] = np.nan
            if piece < 0:
                lanes.times[lane], early = _history_time(problem, lanes, controls, lane, lag), True
            else:
                slot, shift, reach = nearest_piece(ring, lane, piece, at, lag)
                lanes.limit[lane] = min(lanes.limit[lane], reach)
                _set_past(ring, lanes, controls, lane, j, (slot, shift))
        if early:
            kernel.history(
                lanes.p.ctypes, lanes.times.ctypes, lanes.factor.ctypes, lanes.offset.ctypes, lanes.history.ctypes, lanes.good.ctypes
            )  # fmt: skip
            _set_history(lanes, controls, j)
    return False


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _history_time(problem: Any, lanes: Any, controls: Any, lane: int, lag: float) -> float:  # pragma: no cover - compiled
    """The system's own time of a lag that lies in the history, not beyond its end."""
    start: float = problem.start[lanes.trajectory[lane]]
    return min(start + since(lanes.t[lane], lanes.t_low[lane], -controls.settle, 0.0, lag), start)


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _is_full(ring: Any, lane: int) -> bool:  # pragma: no cover - compiled
    """Whether another piece, and one more if the last step is taken back, would fall on one that is still read."""
    first: int = ring.count[lane]
    for j in range(ring.cursor.shape[1]):
        first = min(first, ring.cursor[lane, j])
    full: bool = ring.count[lane] - first + 4 > ring.centres.shape[1]
    return full


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _arrive(problem: Any, lanes: Any, breaks: Any, controls: Any, lane: int) -> None:  # pragma: no cover - compiled
    """What happens at this time: the transient ends, the lane waits, a breaking point; and the longest step because of what is ahead."""
    i = lanes.trajectory[lane]
    near = same_time(lanes.t[lane], lanes.now[lane], problem.lags[i, 0])
    if lanes.settling[lane] == 1 and lanes.t[lane] + lanes.t_low[lane] >= -near:
        lanes.settling[lane], lanes.t[lane], lanes.t_low[lane] = 0, 0.0, 0.0
        for g in range(lanes.taken.shape[0]):
            lanes.taken[g, lane] = 0.0
        for v in range(lanes.y.shape[0]):
            problem.settled[i, v] = lanes.y[v, lane]
    t, low = lanes.t[lane], lanes.t_low[lane]
    ahead = find_break(breaks, lane, t + low, near)
    lanes.limit[lane] = since(ahead, 0.0, t, low, 0.0) if ahead < np.inf else np.inf
    if lanes.settling[lane] == 1:
        lanes.limit[lane] = min(lanes.limit[lane], -(t + low))
    if controls.until < np.inf:
        left = since(controls.until, 0.0, t, low, 0.0)
        lanes.waiting[lane] = 1 if left <= near else 0
        lanes.live[lane] = 0.0 if left <= near else 1.0
        lanes.limit[lane] = min(lanes.limit[lane], max(left, 0.0))


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _all_wait(lanes: Any) -> bool:  # pragma: no cover - compiled
    """Whether some lane waits, and no other has a way to go."""
    waiting = False
    for lane in range(lanes.h.shape[0]):
        if lanes.trajectory[lane] >= 0:
            if lanes.waiting[lane] == 0:
                return False
            waiting = True
    return waiting


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _set_past(ring: Any, lanes: Any, controls: Any, lane: int, j: int, found: tuple[int, float]) -> None:  # pragma: no cover - compiled
    """The reads of lag j are the polynomials of a slot; found = (slot, time since its centre)."""
    slot, shift = found
    terms = controls.order + 1
    for r in range(controls.reads.shape[0]):
        if controls.reads[r, 1] == j:
            lanes.shift[r, lane] = shift
            first = controls.reads[r, 0] * terms
            for k in range(terms):
                lanes.past[r * terms + k, lane] = ring.pieces[lane, slot, first + k]


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _set_history(lanes: Any, controls: Any, j: int) -> None:  # pragma: no cover - compiled
    """The reads of lag j are the history, in the lanes that have a time in it."""
    terms = controls.order + 1
    for lane in range(lanes.h.shape[0]):
        if lanes.trajectory[lane] < 0 or lanes.times[lane] != lanes.times[lane]:
            continue
        if lanes.good[lane] > 0.0:
            lanes.limit[lane] = min(lanes.limit[lane], lanes.good[lane])
        for r in range(controls.reads.shape[0]):
            if controls.reads[r, 1] == j:
                lanes.shift[r, lane] = 0.0
                first = controls.stored[controls.reads[r, 0]] * terms
                for k in range(terms):
                    lanes.past[r * terms + k, lane] = lanes.history[first + k, lane]


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _limit_steps(problem: Any, lanes: Any, past: Any, controls: Any) -> int:  # pragma: no cover - compiled
    """Brings every step within its limit, and looks at the breaking points that lanes are at; the bits of lanes with too many of them."""
    crowded = 0
    for lane in range(lanes.h.shape[0]):
        i = lanes.trajectory[lane]
        if i < 0:
            continue
        step = lanes.h[lane]
        lanes.natural[lane] = min(np.inf if step < 0.0 else step, lanes.cap[lane])
        if step < 0.0:
            step = controls.limits[0]
        if lanes.live[lane] > 0.0 and not _pass_break(problem, lanes, past, controls, lane):
            crowded |= 1 << lane
        lanes.h[lane] = lanes.limit[lane] if lanes.limit[lane] < step else step
    return crowded


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _pass_break(problem: Any, lanes: Any, past: Any, controls: Any, lane: int) -> bool:  # pragma: no cover - compiled
    """Passes a breaking point on to one delay later, each delay, while its jump matters; False where there are too many."""
    ring, breaks = past
    i, here = lanes.trajectory[lane], breaks.here[lane]
    if ring.count[lane] == 0:
        return True
    breaks.sharp[lane] = 0.0
    if here < 0:
        return True
    level = breaks.levels[lane, here]
    matters = jump(ring, lanes, lane, controls.stored, level) > controls.tolerance * max(1.0, largest(lanes.y, lane))
    if not matters or level > controls.order:
        return True
    breaks.sharp[lane] = 1.0
    for j in range(problem.lags.shape[1]):
        lag = problem.lags[i, j]
        time = lanes.t[lane] + (lanes.t_low[lane] + lag)
        if not add_break(breaks, lane, time, level + 1, 4.0 * same_time(lanes.t[lane], lanes.now[lane], lag)):
            return False
    return True


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _examine_steps(problem: Any, sampling: Any, lanes: Any, controls: Any, odd: int, crowded: int) -> int:  # pragma: no cover - compiled
    """Ends trajectories that failed; returns how many."""
    ended = 0
    for lane in range(lanes.h.shape[0]):
        if lanes.trajectory[lane] < 0 or lanes.live[lane] == 0.0:
            continue
        lost = not lanes.h[lane] > RESOLUTION * abs(lanes.now[lane])
        if not lost and (crowded >> lane) & 1 == 0 and (odd >> lane) & 1 == 0:
            continue
        status = _BUDGET if (crowded >> lane) & 1 else _judge(lanes, lane, controls)
        if status != _OK:
            _end(problem, sampling, lanes, lane, status)
            ended += 1
    return ended


@njit(cache=True, error_model="numpy", nogil=True)
def _judge(lanes: Any, lane: int, controls: Any) -> int:  # pragma: no cover - compiled
    """The status that this step means."""
    step, count = lanes.h[lane], lanes.count[lane]
    if not step >= 0.0:
        return _DIVERGED
    if count > controls.limits[2]:
        return _BUDGET
    grown = largest(lanes.y, lane)
    if count > ESCAPE_STEPS and count % ESCAPE_LOOK == 0 and grown > ESCAPE * max(1.0, lanes.size[lane]):
        return _DIVERGED
    if step > RESOLUTION * abs(lanes.now[lane]):
        return _OK
    return _DIVERGED if grown > POLE else _UNDERFLOW


@njit(cache=True, error_model="numpy", nogil=True)
def _end(problem: Any, sampling: Any, lanes: Any, lane: int, status: int) -> None:  # pragma: no cover - compiled
    """A trajectory that failed: its status, NaN for all samples that it did not reach, and its lane set free."""
    i = lanes.trajectory[lane]
    problem.status[i], problem.steps[i] = status, int(lanes.count[lane])
    for g in range(sampling.counts.shape[0]):
        first = 0 if lanes.settling[lane] == 1 else int(lanes.taken[g, lane])
        for v in range(lanes.y.shape[0]):
            place = lanes.base[g, lane] + v * sampling.places[g, 1]
            for n in range(first, sampling.counts[g]):
                sampling.out[place + n] = np.nan
    if lanes.settling[lane] == 1:
        for v in range(lanes.y.shape[0]):
            problem.settled[i, v] = np.nan
    _vacate(lanes, lane, sampling.counts)


@njit(cache=True, error_model="numpy", nogil=True)
def _take_back(lanes: Any, ring: Any, doubtful: int) -> None:  # pragma: no cover - compiled
    """Undoes the last step of the lanes in these bits; their next is at most half as long. Samples that it took are taken again."""
    while doubtful != 0:
        lane = lowest_bit(doubtful)
        doubtful &= doubtful - 1
        lanes.t[lane], lanes.t_low[lane] = lanes.before[0, lane], lanes.before[1, lane]
        lanes.cap[lane], lanes.before[2, lane] = 0.5 * lanes.before[2, lane], 0.0
        lanes.now[lane] = lanes.before[3, lane]
        if lanes.trajectory[lane] >= 0:
            ring.count[lane] -= 1
            lanes.settling[lane] = 1 if lanes.t[lane] < 0.0 else 0
        for v in range(lanes.y.shape[0]):
            lanes.y[v, lane], lanes.y_low[v, lane] = lanes.y_before[2 * v, lane], lanes.y_before[2 * v + 1, lane]
        for g in range(lanes.taken.shape[0]):
            lanes.taken[g, lane] = lanes.taken_before[g, lane]


@njit(cache=True, error_model="numpy", nogil=True, forceinline=True)
def _release_finished(problem: Any, sampling: Any, lanes: Any, closing: int) -> int:  # pragma: no cover - compiled
    """Sets free those of the lanes in these bits whose samples are all taken; returns how many."""
    finished = 0
    for lane in range(lanes.h.shape[0]):
        if (closing >> lane) & 1 == 0 or lanes.trajectory[lane] < 0 or lanes.settling[lane] == 1:
            continue
        has_all = True
        for g in range(sampling.counts.shape[0]):
            has_all = has_all and lanes.taken[g, lane] >= sampling.counts[g]
        if has_all:
            finished += 1
            i = lanes.trajectory[lane]
            problem.status[i], problem.steps[i] = _OK, int(lanes.count[lane])
            _vacate(lanes, lane, sampling.counts)
    return finished
