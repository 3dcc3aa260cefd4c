"""Ensembles of trajectories from given initial states: what is sampled, with which settings, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.circles import keep_in_range
from attractory.expressions.definition import Definition
from attractory.integrate.checks import check_engine, check_grids, check_room, samples_memory
from attractory.integrate.flow_driver import Problem, Sampling
from attractory.integrate.handover import STIFF_COUNT, parked_rows
from attractory.integrate.map_driver import Iterated, Kept, MapFunctions, common_divisor, map_lane_arrays, run_map
from attractory.integrate.methods import Settings, run_methods
from attractory.kernels import Target, flow_kernel, groups_for, lanes_for, map_kernel, order_for
from attractory.layout import Status

Float = NDArray[np.float64]

# Steps that a trajectory may take, and steps for each of its finest samples: ten times what the stiffest catalogued flow needs.
STEP_BUDGET, STEPS_PER_SAMPLE = 20_000_000, 100_000
# The most that these come to: an hour where all lanes are busy. Who needs more gives a budget.
MOST_STEPS = 10**9
NATIVE = Target()
_LONG_ROW = 512  # samples


@dataclass(frozen=True)
class SampleGrid:
    """Sample k belongs to the time k dt after sample 0 (maps: dt is a whole number of iterates)."""

    dt: float
    samples: int


@dataclass(frozen=True)
class Engine:
    """How trajectories are computed. Target and lanes change the speed, never a bit of the result (lanes=None: what is fastest).

    step_budget: the most steps of one trajectory; None: 20 million and 100,000 for each sample of the finest granularity, at most 10^9.
    quiet: the longest step, in time units, where all of a solution's last Taylor coefficients vanish, so that its speed says nothing; None:
    the smallest dt that is sampled.
    precision: "double", or "reference": samples that are true to the last digit, which `sampled_ensemble` gives."""

    tolerance: float = 1e-14
    dtype: str = "float64"
    target: Target = NATIVE
    lanes: int | None = None
    step_budget: int | None = None
    quiet: float | None = None
    precision: str = "double"


@dataclass(frozen=True)
class Trajectories:
    """An integrated ensemble.

    states: one array (trajectory, time, variable) a grid; the memory behind it is variable-major (trajectory, variable, time).
    initial (trajectory, variable), parameters (trajectory, parameter), start_time, status (layout.Status), attempts (trajectory,).
    steps (trajectory,): how many each took (maps: iterates); stiff_steps (trajectory,): how many of them by the method for stiff flows.
    """

    states: tuple[NDArray[np.floating], ...]
    initial: Float
    parameters: Float
    start_time: Float
    status: NDArray[np.int8]
    attempts: NDArray[np.int64]
    steps: NDArray[np.int64]
    stiff_steps: NDArray[np.int64]


@dataclass(frozen=True)
class Ensemble:
    """Where an ensemble begins: initial (trajectory, variable), parameters (trajectory, parameter), start_time (trajectory,)."""

    initial: Float
    parameters: Float
    start_time: Float

    def subset(self, chosen: NDArray[np.int64]) -> Ensemble:
        return Ensemble(self.initial[chosen], self.parameters[chosen], self.start_time[chosen])


def integrate_ensemble(definition: Definition, ensemble: Ensemble, *, grids: Sequence[SampleGrid], engine: Engine) -> Trajectories:
    """All trajectories of an ensemble, sampled on every grid in one pass; one that fails keeps its status and a tail of NaN.

    Raises:
        RequestError: an engine or a grid that cannot be (`checks`), more samples than memory holds.
    """
    check_engine(engine)
    check_grids(definition, grids)
    total, variables = ensemble.initial.shape
    strides = [row_length(grid.samples, engine.dtype) for grid in grids]
    sizes = [total * variables * stride for stride in strides]
    check_room(sum(sizes), engine.dtype)
    out = samples_memory(sum(sizes), engine.dtype)
    places = np.stack([np.concatenate([[0], np.cumsum(sizes)[:-1]]), strides], 1).astype(np.int64)
    status = np.full(total, int(Status.NOT_STARTED), np.int8)
    runnable = np.isfinite(ensemble.initial).all(1) & np.isfinite(ensemble.parameters).all(1) & np.isfinite(ensemble.start_time)
    if runnable.all():
        counted = _run(definition, ensemble, grids, engine, out, places, status)
        states = tuple(
            out[offset : offset + size].reshape(total, variables, -1)[:, :, : grid.samples].transpose(0, 2, 1)
            for (offset, _), size, grid in zip(places, sizes, grids, strict=True)
        )
        if definition.kind == "map":
            for samples in states:
                keep_in_range(samples, definition.wrap)
        return Trajectories(states, *_starts(ensemble), status, np.ones(total, np.int64), *counted)
    return _without_unstarted(definition, ensemble, runnable, grids, engine)


def row_length(samples: int, dtype: str) -> int:
    """Numbers between the beginnings of two variables' samples in memory: an odd number of 64-byte lines where a row is long.

    The lanes write to as many rows as there are trajectories and variables in flight, nearly all at the same sample. Rows a multiple of
    4,096 bytes apart would all fall into one set of the first cache, which holds eight; this cost a third of the time at 4,096 samples.
    """
    line = 64 // np.dtype(dtype).itemsize
    return samples if samples < _LONG_ROW else (-(-samples // line) | 1) * line


def step_limits(engine: Engine, dt: float, last: float) -> Float:
    """(the step where none can be estimated, the time of the last sample, the budget of steps) for a finest sampling step dt."""
    quiet = engine.quiet or dt
    budget = engine.step_budget or min(STEP_BUDGET + STEPS_PER_SAMPLE * last / quiet, MOST_STEPS)
    return np.array([quiet, max(last, quiet), budget])


def advance(definition: Definition, ensemble: Ensemble, *, duration: float, engine: Engine) -> tuple[Ensemble, NDArray[np.int8], int]:
    """(the ensemble moved on by `duration` (maps: iterates), its time too; the status of each trajectory; the steps taken)."""
    if duration <= 0:
        return ensemble, np.full(len(ensemble.initial), int(Status.OK), np.int8), 0
    grid = SampleGrid(round(duration) if definition.kind == "map" else duration, 2)
    made = integrate_ensemble(definition, ensemble, grids=[grid], engine=replace(engine, dtype="float64"))
    moved = Ensemble(np.ascontiguousarray(made.states[0][:, 1]), ensemble.parameters, ensemble.start_time + grid.dt)
    return moved, made.status, int(made.steps.sum())


def _starts(ensemble: Ensemble) -> tuple[Float, Float, Float]:
    return ensemble.initial, ensemble.parameters, ensemble.start_time


def _without_unstarted(
    definition: Definition, ensemble: Ensemble, runnable: NDArray[np.bool_], grids: Sequence[SampleGrid], engine: Engine
) -> Trajectories:
    """Trajectories whose beginning is not finite are left out and come back as NaN."""
    total, variables = ensemble.initial.shape
    chosen = np.flatnonzero(runnable)
    status = np.full(total, int(Status.NOT_STARTED), np.int8)
    states = tuple(np.full((total, variables, grid.samples), np.nan, engine.dtype).transpose(0, 2, 1) for grid in grids)
    steps, stiff_steps = np.zeros(total, np.int64), np.zeros(total, np.int64)
    if chosen.size:
        done = integrate_ensemble(definition, ensemble.subset(chosen), grids=grids, engine=engine)
        status[chosen], steps[chosen], stiff_steps[chosen] = done.status, done.steps, done.stiff_steps
        for target, source in zip(states, done.states, strict=True):
            target[chosen] = source
    return Trajectories(states, *_starts(ensemble), status, np.ones(total, np.int64), steps, stiff_steps)


def _run(  # noqa: PLR0913 - the seam between records and arrays
    definition: Definition,
    ensemble: Ensemble,
    grids: Sequence[SampleGrid],
    engine: Engine,
    out: NDArray[np.floating],
    places: NDArray[np.int64],
    status: NDArray[np.int8],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Fills `out` and `status`; (steps, stiff steps) of each trajectory."""
    counts = np.array([grid.samples for grid in grids], np.int64)
    initial, parameters = np.ascontiguousarray(ensemble.initial), np.ascontiguousarray(ensemble.parameters)
    width = engine.lanes or lanes_for(definition, len(initial))
    variables = initial.shape[1]
    if definition.kind == "map":
        compiled = map_kernel(definition, width, engine.target, engine.dtype, groups_for(definition, width, len(initial)))
        everies = np.array([round(grid.dt) for grid in grids], np.int64)
        lanes = map_lane_arrays(width, width * compiled.groups, variables, parameters.shape[1])
        problem, kept = Iterated(initial, parameters, ensemble.start_time, status), Kept(places, everies, counts, out)
        run_map(
            MapFunctions(*(compiled.code.functions[name] for name in MapFunctions._fields)), problem, kept, lanes, common_divisor(everies)
        )
        return np.full(len(initial), ((counts - 1) * everies).max()), np.zeros(len(initial), np.int64)
    order = order_for(engine.tolerance)
    kernel = flow_kernel(definition, order, width, engine.target, engine.dtype)
    dts = np.array([grid.dt for grid in grids], np.float64)
    steps = np.zeros(len(initial), np.int64)
    parked = parked_rows(len(initial), variables, len(grids))
    run_methods(
        definition,
        kernel,
        Problem(initial, parameters, ensemble.start_time, status, steps, np.arange(len(initial)), parked),
        Sampling(places, np.stack([dts, counts, places[:, 1]], 1), counts, out),
        Settings(step_limits(engine, float(dts.min()), float(((counts - 1) * dts).max())), engine.tolerance, engine.target),
    )
    return steps, parked[:, STIFF_COUNT].astype(np.int64)
