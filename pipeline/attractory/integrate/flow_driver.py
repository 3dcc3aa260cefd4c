"""The generic driver of flows: lane refill, step control, sampling, switches, budgets. Compiled once by numba and cached on disk.

Nothing here depends on a system: the compiled functions come in as pointers. Each lane holds one trajectory and takes its own steps; every
decision of a lane rests on that lane's numbers alone, so a trajectory's bits do not depend on its neighbours, its lane or the lane width.

State of the lanes (a named tuple of arrays, since numba cannot hold records of arrays): `t` + `t_low` is the time since the start, carried
in two parts so that a million steps lose no digits; a lane without a trajectory has `trajectory` -1 and takes steps of length zero."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numba import njit

from attractory.integrate.bits import lowest_bit
from attractory.integrate.borrowed import borrowed
from attractory.integrate.escape import ESCAPE, ESCAPE_LOOK, ESCAPE_STEPS, POLE, largest
from attractory.integrate.handover import CAP, COUNT, DONE, METHOD, Y, leaves_taylor, resume
from attractory.integrate.own_times import take_at_times
from attractory.integrate.sections import take_back_crossings, take_crossings
from attractory.integrate.switches import (
    FOUND,
    ROWS,
    Switches,
    forget_turns,
    is_endless,
    judge_turns,
    set_modes,
    settle,
    switch_facts,
    turn_modes,
)
from attractory.kernels.flow import SwitchFacts
from attractory.kernels.stepping import LOOK, RESOLUTION
from attractory.layout import Status

_OK, _DIVERGED, _UNDERFLOW = int(Status.OK), int(Status.DIVERGED), int(Status.STEP_UNDERFLOW)
_BUDGET, _SLIDING, _ZENO = int(Status.STEP_BUDGET), int(Status.SLIDING), int(Status.ZENO)
_NOT_CROSSED = int(Status.NOT_CROSSED)

# What grows as the time does, such as a phase, does not escape: by this factor its rate is larger than its size over its time.
_FASTER = 8.0

Problem = namedtuple("Problem", "initial parameters start status steps queue parked")
Lanes = namedtuple(
    "Lanes",
    "table trajectory base t t_low origin now h live count cap size known found before taken taken_before "
    "y y_low y_before rate z side p c mode fresh work",
)
Controls = namedtuple("Controls", "order limits")
Kernel = namedtuple("Kernel", "coefficients finish samples modes bound move crossings")


def lane_arrays(width: int, sizes: tuple[int, int, int, int], coefficients: int) -> Lanes:
    """Zeroed lanes for `sizes` = (variables, parameters, switches, granularities), with so many rows of coefficients; vectors begin at
    multiples of 64 bytes. No switch ends a step: nothing but the kernel of a flow with switches writes to `found`."""
    variables, parameters, switches, kinds = sizes
    states = [variables, variables, 2 * variables, variables, variables + 1, variables]
    # The last: order + 1 rows of scratch, of which c has as many for each variable.
    blocks = [*states, max(parameters, 1), coefficients, max(switches, 1), max(switches, 1), coefficients // variables]
    rows = [1] * len(ROWS) + [3, 3, 4, kinds, kinds, *blocks, kinds]
    memory = np.zeros(sum(rows) * width + 8)
    first = (-memory.ctypes.data // 8) % 8
    table = memory[first : first + sum(rows) * width].reshape(sum(rows), width)
    table[FOUND] = -1.0
    ends = list(accumulate(rows))
    *parts, base = [table[end - count : end] for count, end in zip(rows, ends, strict=True)]  # np.split takes ten times as long
    vectors = {name: part[0] for name, part in zip(ROWS, parts, strict=False)}
    kept = [vectors[name] for name in Lanes._fields if name in vectors]
    return Lanes._make([table, np.full(width, -1, np.int64), base.view(np.int64), *kept, *parts[len(ROWS) :]])


def switch_layout(lanes: Lanes, switches: Sequence[SwitchFacts], order: int, vectors: int) -> Switches:
    """The facts of the switches, and where in a lane's memory lies what they need."""
    start, row = lanes.table.ctypes.data, lanes.table.strides[0]
    first = [(getattr(lanes, name).ctypes.data - start) // row for name in ("y", "c", "mode", "fresh", "side")]
    nested = any(switch.nested for switch in switches)
    return Switches(switch_facts(switches), nested, order, len(lanes.y), vectors, *first)


@njit(cache=True, error_model="numpy", nogil=True)
def run_flow(  # noqa: C901, PLR0913 - the seam between records and compiled code; a part of the loop apart would pass all arrays on
    kernel: Any, problem: Any, sampling: Any, lanes: Any, switches: Any, controls: Any, sections: Any
) -> None:  # pragma: no cover - compiled
    """Integrates the trajectories of `problem.queue` until they end or are handed over, and fills `sampling.out`.

    Args:
        kernel: the compiled functions.
        problem: initial (trajectory, variable), parameters (trajectory, parameter), start (trajectory,); queue: the numbers of those to
            run; parked: where those go on that have begun. status and steps are written, and parked for those that are handed over.
        sampling: grids (granularity, 3) holds dt, count and row; places (granularity, 2) offset and row. Sample n of variable v of
            trajectory i lies at out[offset + (i variables + v) row + n] and belongs to the time n dt after the start, or to one of the
            trajectory's own (`own_times`). Sections follow in places and counts.
        switches: what `switch_layout` gives.
        controls: the order; limits = (the step where none can be estimated, the time of the last sample, the budget of steps).
        sections: as `section_lanes` makes them; None where nothing is cut.
    """
    problem, sampling, lanes, controls = borrowed(problem), borrowed(sampling), borrowed(lanes), borrowed(controls)
    total, width = problem.queue.shape[0], lanes.h.shape[0]
    switched = switches.facts.shape[0] > 0
    following, live, closing = 0, 0, 0
    attention, paused, turning = 0, 0, 0  # bits of lanes: see `settle`, `turn_modes` and `emit_crossings`
    for lane in range(width):
        _vacate(lanes, lane, sampling.counts)
    while True:
        while following < total and live < width:
            filled, resting = _fill(kernel, problem, sampling, lanes, switches, following)
            following += filled
            live += filled
            attention |= resting
        if live == 0:
            return
        while True:
            doubtful = kernel.coefficients(
                lanes.p.ctypes, lanes.y.ctypes, lanes.now.ctypes, lanes.mode.ctypes, lanes.c.ctypes, lanes.h.ctypes,
                lanes.before.ctypes, lanes.rate.ctypes, lanes.y_low.ctypes,
            )  # fmt: skip
            if doubtful == 0:
                break
            _take_back(lanes, doubtful)
            if sections is not None:
                take_back_crossings(sections, doubtful)
        if closing != 0:
            live -= _release_finished(problem, sampling, lanes, closing)
        odd = kernel.bound(
            lanes.h.ctypes, lanes.t.ctypes, lanes.now.ctypes, lanes.live.ctypes, lanes.count.ctypes, lanes.cap.ctypes,
            controls.limits.ctypes,
        )  # fmt: skip
        if switched:
            if attention != 0:
                paused, failed = settle(lanes.table, switches, attention)
                live -= _end_sliding(problem, sampling, lanes, failed)
            turning = kernel.crossings(
                lanes.c.ctypes, lanes.mode.ctypes, lanes.h.ctypes, lanes.known.ctypes, lanes.found.ctypes, lanes.work.ctypes
            )  # fmt: skip
            odd &= ~paused
            if turning != 0:
                odd |= judge_turns(lanes.table, switches, turning)
        if odd != 0:
            live -= _examine_steps(problem, sampling, lanes, switched, controls, odd)
        _remember_taken(lanes)
        kernel.finish(
            lanes.c.ctypes, lanes.taken.ctypes, lanes.h.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, sampling.grids.ctypes,
            lanes.base.ctypes, lanes.z.ctypes, sampling.out.ctypes, lanes.y.ctypes, lanes.y_low.ctypes, lanes.y_before.ctypes,
            lanes.rate.ctypes,
        )  # fmt: skip
        closing = _take_samples(kernel, sampling, lanes)
        if sections is not None:
            complete, late = take_crossings(sections, sampling, lanes, controls.order)
            closing &= complete
            live -= _end_late(problem, sampling, lanes, late)
        kernel.move(
            lanes.h.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, lanes.origin.ctypes, lanes.now.ctypes, lanes.before.ctypes
        )  # fmt: skip
        if turning | attention != 0:
            attention, paused = turn_modes(lanes.table, switches, turning, attention), 0


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _take_samples(kernel: Any, sampling: Any, lanes: Any) -> int:  # pragma: no cover - compiled
    """Takes the samples within the lanes' steps, but for sections; the bits of the lanes that have all."""
    closing = -1
    for g in range(sampling.grids.shape[0]):
        if sampling.own[g] >= 0:
            closing &= take_at_times(kernel, sampling, lanes, g)
            continue
        closing &= kernel.samples(
            lanes.c.ctypes, lanes.taken[g].ctypes, lanes.h.ctypes, lanes.t.ctypes, lanes.t_low.ctypes, sampling.grids[g].ctypes,
            lanes.base[g].ctypes, lanes.z.ctypes, sampling.out.ctypes, lanes.y_before.ctypes,
        )  # fmt: skip
    return closing


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _fill(
    kernel: Any, problem: Any, sampling: Any, lanes: Any, switches: Any, following: int
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Puts the next trajectories into the free lanes; (how many, bits of those that begin on a surface)."""
    filled, bits = 0, 0
    for lane in range(lanes.h.shape[0]):
        if lanes.trajectory[lane] < 0 and following + filled < problem.queue.shape[0]:
            _refill(problem, sampling, lanes, lane, problem.queue[following + filled])
            filled += 1
            bits |= 1 << lane
    if switches.facts.shape[0] == 0:
        return filled, 0
    kernel.modes(lanes.p.ctypes, lanes.y.ctypes, lanes.now.ctypes, lanes.fresh.ctypes, lanes.c.ctypes, lanes.y_low.ctypes)
    return filled, set_modes(lanes.table, switches, bits)


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _refill(problem: Any, sampling: Any, lanes: Any, lane: int, i: int) -> None:  # pragma: no cover - compiled
    """Trajectory i begins in this lane."""
    variables = problem.initial.shape[1]
    lanes.trajectory[lane] = i
    lanes.live[lane] = 1.0
    lanes.t[lane], lanes.t_low[lane], lanes.count[lane] = 0.0, 0.0, 0.0
    lanes.origin[lane] = problem.start[i]
    lanes.now[lane] = problem.start[i]
    forget_turns(lanes.table, lane)
    lanes.cap[lane], lanes.before[2, lane] = np.inf, 0.0
    for v in range(variables):
        lanes.y[v, lane] = problem.initial[i, v]
        lanes.y_low[v, lane] = 0.0
    for q in range(problem.parameters.shape[1]):
        lanes.p[q, lane] = problem.parameters[i, q]
    lanes.size[lane] = largest(lanes.y, lane)
    for g in range(sampling.counts.shape[0]):
        lanes.taken[g, lane] = problem.parked[i, Y + 2 * variables + g]
        lanes.base[g, lane] = sampling.places[g, 0] + i * variables * sampling.places[g, 1]
    if problem.parked[i, COUNT] > 0.0:
        resume(problem.parked, lanes, lane)
        lanes.cap[lane] = problem.parked[i, CAP]


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _vacate(lanes: Any, lane: int, counts: Any) -> None:  # pragma: no cover - compiled
    """The lane idles: at zero, with no sample to take, in steps of length zero."""
    lanes.trajectory[lane] = -1
    lanes.live[lane] = 0.0
    lanes.h[lane] = 0.0
    lanes.before[2, lane] = 0.0
    for v in range(lanes.y.shape[0]):
        lanes.y[v, lane] = 0.0
        lanes.y_low[v, lane] = 0.0
    for g in range(counts.shape[0]):
        lanes.taken[g, lane] = counts[g]


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _examine_steps(problem: Any, sampling: Any, lanes: Any, switched: bool, controls: Any, odd: int) -> int:  # pragma: no cover - compiled
    """Looks at the steps of the lanes in these bits: ends trajectories that failed, hands over stiff ones; returns how many it
    ended."""
    ended = 0
    while odd != 0:
        lane = lowest_bit(odd)
        odd &= odd - 1
        if lanes.trajectory[lane] < 0:
            continue
        status = _judge(lanes, lane, controls)
        if status != _OK:
            _end(problem, sampling, lanes, lane, status)
            ended += 1
        elif not switched and lanes.count[lane] % LOOK == 0.0 and leaves_taylor(problem.parked, lanes, lane, controls.order):
            _vacate(lanes, lane, sampling.counts)
            ended += 1
    return ended


@njit(cache=True, error_model="numpy", nogil=True)
def _end_sliding(problem: Any, sampling: Any, lanes: Any, failed: int) -> int:  # pragma: no cover - compiled
    """Ends the trajectories of the lanes in these bits, which slide where they cannot be followed; returns how many."""
    ended = 0
    while failed != 0:
        _end(problem, sampling, lanes, lowest_bit(failed), _SLIDING)
        failed &= failed - 1
        ended += 1
    return ended


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _judge(lanes: Any, lane: int, controls: Any) -> int:  # pragma: no cover - compiled
    """The status that this step means."""
    step = lanes.h[lane]
    if not step >= 0.0:
        return _DIVERGED
    if lanes.count[lane] > controls.limits[2]:
        return _BUDGET
    if lanes.count[lane] > ESCAPE_STEPS and lanes.count[lane] % ESCAPE_LOOK == 0 and _escapes(lanes, lane, controls.order):
        return _DIVERGED
    if is_endless(lanes.table, lane):
        return _ZENO
    if step > lanes.t[lane] * RESOLUTION or lanes.table[FOUND, lane] >= 0.0:  # a step may end at a switch at once
        return _OK
    return _DIVERGED if largest(lanes.y, lane) > POLE else _UNDERFLOW


@njit(cache=True, error_model="numpy", nogil=True)
def _escapes(lanes: Any, lane: int, order: int) -> bool:  # pragma: no cover - compiled
    """Whether some variable has become large, and not in proportion to the time."""
    bound = ESCAPE * max(1.0, lanes.size[lane])
    for v in range(lanes.y.shape[0]):
        size, rate = abs(lanes.y[v, lane]), abs(lanes.c[v * (order + 1) + 1, lane])
        if size > bound and rate * lanes.t[lane] > _FASTER * size:
            return True
    return False


@njit(cache=True, error_model="numpy", nogil=True)
def _end(problem: Any, sampling: Any, lanes: Any, lane: int, status: int) -> None:  # pragma: no cover - compiled
    """A trajectory that failed: its status, NaN for all samples that it did not reach, and its lane set free."""
    i = lanes.trajectory[lane]
    problem.status[i] = status
    problem.steps[i] = int(lanes.count[lane])
    problem.parked[i, METHOD] = DONE
    for g in range(sampling.counts.shape[0]):
        for v in range(lanes.y.shape[0]):
            place = lanes.base[g, lane] + v * sampling.places[g, 1]
            for n in range(int(lanes.taken[g, lane]), sampling.counts[g]):
                sampling.out[place + n] = np.nan
    _vacate(lanes, lane, sampling.counts)


@njit(cache=True, error_model="numpy", nogil=True)
def _end_late(problem: Any, sampling: Any, lanes: Any, late: int) -> int:  # pragma: no cover - compiled
    """Ends the trajectories that waited too long for a section; returns how many."""
    ended = 0
    while late != 0:
        lane = lowest_bit(late)
        late &= late - 1
        _end(problem, sampling, lanes, lane, _NOT_CROSSED)
        ended += 1
    return ended


@njit(cache=True, error_model="numpy", nogil=True)
def _remember_taken(lanes: Any) -> None:  # pragma: no cover - compiled
    for g in range(lanes.taken.shape[0]):
        for lane in range(lanes.taken.shape[1]):
            lanes.taken_before[g, lane] = lanes.taken[g, lane]


@njit(cache=True, error_model="numpy", nogil=True)
def _take_back(lanes: Any, doubtful: int) -> None:  # pragma: no cover - compiled
    """Undoes the last step of the lanes in these bits; their next is at most half as long. Samples that it took are taken again."""
    while doubtful != 0:
        lane = lowest_bit(doubtful)
        doubtful &= doubtful - 1
        lanes.t[lane], lanes.t_low[lane] = lanes.before[0, lane], lanes.before[1, lane]
        lanes.cap[lane], lanes.before[2, lane] = 0.5 * lanes.before[2, lane], 0.0
        lanes.now[lane] = lanes.before[3, lane]
        for v in range(lanes.y.shape[0]):
            lanes.y[v, lane], lanes.y_low[v, lane] = lanes.y_before[2 * v, lane], lanes.y_before[2 * v + 1, lane]
        for g in range(lanes.taken.shape[0]):
            lanes.taken[g, lane] = lanes.taken_before[g, lane]


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _release_finished(problem: Any, sampling: Any, lanes: Any, closing: int) -> int:  # pragma: no cover - compiled
    """Sets free those of the lanes in these bits whose samples are all taken; returns how many."""
    finished = 0
    for lane in range(lanes.h.shape[0]):
        if (closing >> lane) & 1 and lanes.trajectory[lane] >= 0 and _has_all(lanes, lane, sampling.counts):
            finished += 1
            i = lanes.trajectory[lane]
            problem.status[i] = _OK
            problem.steps[i] = int(lanes.count[lane])
            problem.parked[i, METHOD] = DONE
            _vacate(lanes, lane, sampling.counts)
    return finished


@njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _has_all(lanes: Any, lane: int, counts: Any) -> bool:  # pragma: no cover - compiled
    """Whether every sample is taken: not so in a lane that was filled anew or whose last step was taken back."""
    for g in range(counts.shape[0]):
        if lanes.taken[g, lane] < counts[g]:
            return False
    return True
