"""Ensembles of delay systems: from histories and parameters to sampled trajectories, in one run from the history through the transient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attractory.errors import RequestError
from attractory.expressions.definition import Definition, history_values, lag_values, look_times
from attractory.integrate.checks import check_engine, check_grids, check_room, samples_memory
from attractory.integrate.delay_driver import (
    FULL,
    DelayControls,
    DelayFunctions,
    DelayLanes,
    DelayProblem,
    delay_lane_arrays,
    run_delay,
)
from attractory.integrate.ensemble import Engine, Trajectories, row_length, step_limits
from attractory.integrate.grids import Grid, SampleGrid, TimedGrid, last_time, rows_of, typical_end
from attractory.integrate.own_times import Sampling, sampling_of
from attractory.integrate.past import Breaks, Ring, larger, new_breaks, new_ring
from attractory.kernels import DelayKernel, delay_kernel, order_for
from attractory.layout import Status

Float = NDArray[np.float64]

_SLOTS = 64  # pieces of each lane's ring at first
MOST_RING_BYTES = 2**30
# Sixteen lanes hide latency; with more variables and reads their coefficients outgrow the first cache.
_WIDE, _MANY = 16, 6


@dataclass(frozen=True)
class Pasts:
    """Where an ensemble of a delay system begins: for t <= 0 it is factor * history(t) + offset.

    offset (trajectory, variable), factor (trajectory,): 1, or 0 for a constant past; parameters (trajectory, parameter).
    """

    offset: Float
    factor: Float
    parameters: Float

    def subset(self, chosen: NDArray[np.int64]) -> Pasts:
        return Pasts(self.offset[chosen], self.factor[chosen], self.parameters[chosen])


@dataclass
class DelayRun:
    """A run that can be gone on with: its compiled functions and the state of its lanes."""

    kernel: DelayKernel
    problem: DelayProblem
    sampling: Sampling
    controls: DelayControls
    lanes: DelayLanes
    ring: Ring
    breaks: Breaks
    progress: NDArray[np.int64]

    def go_on(self, until: float = np.inf) -> int:
        """Runs to the end, or until all lanes wait at a time; says which."""
        functions = DelayFunctions(*(self.kernel.code.functions[name] for name in DelayFunctions._fields))
        while True:
            controls = self.controls._replace(until=until, may_grow=2 * self.ring.pieces.nbytes <= MOST_RING_BYTES)
            past = (self.ring, self.breaks)
            code: int = run_delay(functions, self.problem, self.sampling, self.lanes, past, controls, self.progress)
            if code != FULL:
                return code
            self.ring = larger(self.ring)


def check_lags(definition: Definition, parameters: Float) -> Float:
    """The delays (trajectory, lag), where each is a finite number above zero.

    Raises:
        RequestError: one is not; the message names the parameters and the trajectory.
    """
    lags = lag_values(definition, parameters)
    known = np.isfinite(parameters).all(axis=1, keepdims=True)
    wrong = np.argwhere(known & ~((lags > 0) & (lags < np.inf)))
    if len(wrong):
        row, place = wrong[0]
        names = _names_in(definition, definition.delays.lags[place] if definition.delays else 0)
        shown = ", ".join(f"{definition.parameters[q]} = {parameters[row, q]:g}" for q in names)
        message = f"{definition.name}: trajectory {row} has a delay of {lags[row, place]:g} ({shown}); expected a finite number above zero."
        raise RequestError(message)
    return lags


def integrate_delays(
    definition: Definition, pasts: Pasts, *, grids: Sequence[Grid], engine: Engine, transient: float = 0.0
) -> Trajectories:
    """All trajectories, sampled on every grid from the end of the transient on; one that fails keeps its status and a tail of NaN.

    `initial` of what comes out is the state at sample 0, and `start_time` the system's own time there.

    Raises:
        RequestError: an engine, a grid or a delay that cannot be, more samples than memory holds.
    """
    check_engine(engine)
    if engine.precision != "double":
        message = f"precision is {engine.precision!r}; delay systems are integrated in doubles, at a tolerance down to 1e-15."
        raise RequestError(message)
    grids = _sampled(definition, grids)
    check_grids(definition, grids)
    lags = check_lags(definition, pasts.parameters)
    total, variables = pasts.offset.shape
    strides = [row_length(grid.samples, engine.dtype) for grid in grids]
    sizes = [total * variables * stride for stride in strides]
    check_room(sum(sizes), engine.dtype)
    runnable = np.flatnonzero(_has_numbers(definition, pasts, lags))
    out = samples_memory(sum(sizes), engine.dtype)
    if len(runnable) < total:
        out.fill(np.nan)
    places = np.stack([np.concatenate([[0], np.cumsum(sizes)[:-1]]), strides], 1).astype(np.int64)
    status, steps = np.full(total, int(Status.NOT_STARTED), np.int8), np.zeros(total, np.int64)
    settled = np.full((total, variables), np.nan)
    states = tuple(
        out[offset : offset + size].reshape(total, variables, -1)[:, :, : grid.samples].transpose(0, 2, 1)
        for (offset, _), size, grid in zip(places, sizes, grids, strict=True)
    )
    if len(runnable) == total:
        run = begin(definition, pasts, lags, grids=grids, engine=engine, transient=transient, memory=(places, out))
        run.go_on()
        status, steps, settled = run.problem.status, run.problem.steps, run.problem.settled
    elif len(runnable):
        some = rows_of(grids, runnable)
        done = integrate_delays(definition, pasts.subset(runnable), grids=some, engine=engine, transient=transient)
        status[runnable], steps[runnable], settled[runnable] = done.status, done.steps, done.initial
        for target, source in zip(states, done.states, strict=True):
            target[runnable] = source
    ones, zeros = np.ones(total, np.int64), np.zeros(total, np.int64)
    times = tuple(grid.times if isinstance(grid, TimedGrid) else None for grid in grids)
    return Trajectories(states, settled, pasts.parameters, np.full(total, transient), status, ones, steps, zeros, times)


def _sampled(definition: Definition, grids: Sequence[Grid]) -> list[SampleGrid | TimedGrid]:
    """The grids.

    Raises:
        RequestError: one is a section.
    """
    found = [grid for grid in grids if isinstance(grid, SampleGrid | TimedGrid)]
    if len(found) < len(grids):
        message = f"{definition.name} is a delay system; a section cuts the trajectories of a flow. Sample it at equal steps."
        raise RequestError(message)
    return found


def begin(  # noqa: PLR0913 - the seam between records and arrays
    definition: Definition,
    pasts: Pasts,
    lags: Float,
    *,
    grids: Sequence[SampleGrid | TimedGrid],
    engine: Engine,
    transient: float,
    memory: tuple[NDArray[np.int64], NDArray[np.floating]],
) -> DelayRun:
    """A run at its beginning; memory: places (granularity, 2) as for `run_flow`, and the samples' own."""
    places, out = memory
    total, variables = pasts.offset.shape
    order = order_for(engine.tolerance)
    width = engine.lanes or delay_width(definition)
    kernel = delay_kernel(definition, order, width, engine.target, engine.dtype)
    finest, end = min(float(grid.dt) for grid in grids), max(typical_end(grid) for grid in grids)
    limits = step_limits(engine, finest, end)
    limits[1] = max(limits[1], *(last_time(grid) for grid in grids))
    if engine.step_budget is None:
        limits[2] = step_limits(engine, finest, end + transient)[2]
    sampling = sampling_of(grids, places, out, width)
    problem = DelayProblem(
        np.ascontiguousarray(pasts.offset),
        np.ascontiguousarray(pasts.factor),
        np.ascontiguousarray(pasts.parameters),
        np.ascontiguousarray(lags),
        np.zeros(total),
        np.full(total, int(Status.NOT_STARTED), np.int8),
        np.zeros(total, np.int64),
        np.full((total, variables), np.nan),
    )
    reads, stored = np.array(kernel.reads, np.int64), np.array(kernel.stored, np.int64)
    lanes = delay_lane_arrays(width, (variables, kernel.parameters, len(reads), len(sampling.counts)), order)
    lanes.taken[:] = sampling.counts[:, None]  # lanes that no trajectory fills have nothing to sample
    return DelayRun(
        kernel,
        problem,
        sampling,
        DelayControls(order, reads, stored, limits, engine.tolerance, float(transient), np.inf, True),
        lanes,
        new_ring(width, _SLOTS, len(stored) * (order + 1), kernel.lags),
        new_breaks(width),
        np.zeros(3, np.int64),
    )


def delay_width(definition: Definition) -> int:
    """The lane width that is fastest for a system of this size."""
    reads = len(definition.delays.reads) if definition.delays else 0
    return _WIDE if len(definition.variables) + reads <= _MANY else _WIDE // 2


def _has_numbers(definition: Definition, pasts: Pasts, lags: Float) -> NDArray[np.bool_]:
    """Which trajectories have finite parameters and a finite past over their longest delay."""
    good = np.isfinite(pasts.parameters).all(1) & np.isfinite(pasts.offset).all(1) & np.isfinite(pasts.factor)
    asked = np.flatnonzero(pasts.factor != 0.0)
    if len(asked):
        parts = look_times(1.0)
        times = parts * lags[asked].max(axis=1)[:, None]
        values = history_values(definition, np.repeat(pasts.parameters[asked], len(parts), axis=0), times.ravel())
        good[asked] &= np.isfinite(values).reshape(len(asked), -1).all(axis=1)
    return good


def _names_in(definition: Definition, node: int) -> list[int]:
    """The places of the parameters that a node is made of."""
    nodes, found, stack = definition.graph.nodes, set(), [node]
    while stack:
        op, args, _ = nodes[stack[-1]]
        if op == "parameter":
            found.add(nodes[stack[-1]].place)
        stack.pop()
        stack.extend(args)
    return sorted(found)
