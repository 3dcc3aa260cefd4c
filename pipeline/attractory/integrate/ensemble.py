"""Ensembles of trajectories from given initial states: what is sampled, with which settings, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attractory.expressions.circles import keep_in_range
from attractory.expressions.definition import Definition
from attractory.integrate.checks import check_engine, check_grids, check_room, samples_memory
from attractory.integrate.flow_driver import Problem
from attractory.integrate.grids import Grid, SampleGrid, SectionGrid, TimedGrid, last_time, rows_of, typical_end
from attractory.integrate.handover import STIFF_COUNT, parked_rows
from attractory.integrate.map_driver import Iterated, Kept, MapFunctions, common_divisor, map_lane_arrays, run_map
from attractory.integrate.methods import Settings, run_methods
from attractory.integrate.own_times import sampling_of
from attractory.integrate.sections import Sections, section_lanes
from attractory.kernels import FlowKernel, MapKernel, Target, flow_kernel, groups_for, lanes_for, map_kernel, order_for
from attractory.kernels.section import section_kernel
from attractory.layout import Status

Float = NDArray[np.float64]

# Steps that a trajectory may take, and steps for each of its finest samples: ten times what the stiffest catalogued flow needs.
STEP_BUDGET, STEPS_PER_SAMPLE = 20_000_000, 100_000
# The most that these come to: an hour where all lanes are busy. Who needs more gives a budget.
MOST_STEPS = 10**9
# Steps from one crossing of a section to the next: thirty of a period's are usual, a stiff one may take a million. Fewer where no longest
# time is known, since then nothing else ends the wait.
STEPS_PER_CROSSING, STEPS_WITHOUT_TIME = 10_000_000, 1_000_000
NATIVE = Target()
_LONG_ROW = 512  # samples


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
    times: for each grid None, or where trajectories have times of their own, those (trajectory, time) after the start.
    initial (trajectory, variable), parameters (trajectory, parameter), start_time, status (layout.Status), attempts (trajectory,).
    steps (trajectory,): how many each took (maps: iterates); stiff_steps (trajectory,): how many of them by the method for stiff flows.
    parameter_draws (trajectory,): of a family of parameters, how many draws each one's set took.
    observed: one array (trajectory, time, observed variable) a grid, where something is observed, and observation_noise (trajectory,
    observed variable): the standard deviation of what was added.
    """

    states: tuple[NDArray[np.floating], ...]
    initial: Float
    parameters: Float
    start_time: Float
    status: NDArray[np.int8]
    attempts: NDArray[np.int64]
    steps: NDArray[np.int64]
    stiff_steps: NDArray[np.int64]
    times: tuple[Float | None, ...] = ()
    parameter_draws: NDArray[np.int16] | None = None
    observed: tuple[NDArray[np.floating], ...] = ()
    observation_noise: Float | None = None


@dataclass(frozen=True)
class Ensemble:
    """Where an ensemble begins: initial (trajectory, variable), parameters (trajectory, parameter), start_time (trajectory,)."""

    initial: Float
    parameters: Float
    start_time: Float

    def subset(self, chosen: NDArray[np.int64]) -> Ensemble:
        return Ensemble(self.initial[chosen], self.parameters[chosen], self.start_time[chosen])


def integrate_ensemble(definition: Definition, ensemble: Ensemble, *, grids: Sequence[Grid], engine: Engine) -> Trajectories:
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
    runnable = _runnable(ensemble)
    if runnable.all():
        memory = Memory(out, places, status, np.full(total * _crossings(grids), np.nan))
        counted = _run(definition, ensemble, grids, engine, memory)
        times = _times(memory.times, total, grids)
        states = tuple(
            out[offset : offset + size].reshape(total, variables, -1)[:, :, : grid.samples].transpose(0, 2, 1)
            for (offset, _), size, grid in zip(places, sizes, grids, strict=True)
        )
        if definition.kind == "map":
            for samples in states:
                keep_in_range(samples, definition.wrap)
        for grid, own, state in zip(grids, times, states, strict=True):
            if isinstance(grid, SectionGrid) and own is not None and (status != Status.OK).any():
                own[np.isnan(state).any(2)] = np.nan  # also of crossings in a step that was taken back, and after which it failed
        return Trajectories(states, *_starts(ensemble), status, np.ones(total, np.int64), *counted, times)
    return _without_unstarted(definition, ensemble, runnable, grids, engine)


@dataclass(frozen=True)
class Memory:
    """What a run fills: samples, where those of each grid begin and how far rows are apart, statuses, the times of one section's crossings
    after another's; the first sample of a flow that is taken."""

    out: NDArray[np.floating]
    places: NDArray[np.int64]
    status: NDArray[np.int8]
    times: Float
    first: int = 0


def _crossings(grids: Sequence[Grid]) -> int:
    """Crossings of one trajectory."""
    return sum(grid.samples for grid in grids if isinstance(grid, SectionGrid))


def _times(memory: Float, total: int, grids: Sequence[Grid]) -> tuple[Float | None, ...]:
    """Views of one section's times after another's, and the times of grids that have their own; None for regular grids."""
    found: list[Float | None] = []
    first = 0
    for grid in grids:
        if isinstance(grid, TimedGrid):
            found.append(grid.times)
            continue
        size = total * grid.samples if isinstance(grid, SectionGrid) else 0
        found.append(memory[first : first + size].reshape(total, -1) if size else None)
        first += size
    return tuple(found)


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
    engine = engine if engine.dtype == "float64" else replace(engine, dtype="float64")
    if definition.kind == "map" or not _runnable(ensemble).all():
        made = integrate_ensemble(definition, ensemble, grids=[grid], engine=engine)
        states, status, steps = np.ascontiguousarray(made.states[0][:, 1]), made.status, made.steps
    else:
        states, status, steps = _ends(definition, ensemble, grid, engine)
    return Ensemble(states, ensemble.parameters, ensemble.start_time + grid.dt), status, int(steps.sum())


def _ends(
    definition: Definition, ensemble: Ensemble, grid: SampleGrid, engine: Engine
) -> tuple[Float, NDArray[np.int8], NDArray[np.int64]]:
    """(the second of two samples of a flow's trajectories, (trajectory, variable), NaN where they fail; statuses; steps)."""
    check_engine(engine)
    check_grids(definition, [grid])
    total, variables = ensemble.initial.shape
    check_room(total * variables, engine.dtype)
    out = samples_memory(total * variables, engine.dtype)
    # Rows hold one sample: number 1 lies at their beginning, where number 0 would lie before it.
    memory = Memory(out, np.array([[-1, 1]]), np.full(total, int(Status.NOT_STARTED), np.int8), np.empty(0), first=1)
    steps, _ = _run(definition, ensemble, [grid], engine, memory)
    ends = np.asarray(out, np.float64).reshape(total, variables)
    return ends, memory.status, steps


def _runnable(ensemble: Ensemble) -> NDArray[np.bool_]:
    """Which trajectories begin with finite numbers."""
    parts = [np.isfinite(part) for part in _starts(ensemble)]
    if all(part.all() for part in parts):  # quicker than row by row
        return np.ones(len(parts[0]), np.bool_)
    return parts[0].all(1) & parts[1].all(1) & parts[2]


def _starts(ensemble: Ensemble) -> tuple[Float, Float, Float]:
    return ensemble.initial, ensemble.parameters, ensemble.start_time


def _without_unstarted(
    definition: Definition, ensemble: Ensemble, runnable: NDArray[np.bool_], grids: Sequence[Grid], engine: Engine
) -> Trajectories:
    """Trajectories whose beginning is not finite are left out and come back as NaN."""
    total, variables = ensemble.initial.shape
    chosen = np.flatnonzero(runnable)
    status = np.full(total, int(Status.NOT_STARTED), np.int8)
    states = tuple(np.full((total, variables, grid.samples), np.nan, engine.dtype).transpose(0, 2, 1) for grid in grids)
    times = _times(np.full(total * _crossings(grids), np.nan), total, grids)
    steps, stiff_steps = np.zeros(total, np.int64), np.zeros(total, np.int64)
    if chosen.size:
        done = integrate_ensemble(definition, ensemble.subset(chosen), grids=rows_of(grids, chosen), engine=engine)
        status[chosen], steps[chosen], stiff_steps[chosen] = done.status, done.steps, done.stiff_steps
        for target, source in zip(states, done.states, strict=True):
            target[chosen] = source
        for own, found in zip(times, done.times, strict=True):
            if own is not None:
                own[chosen] = found
    return Trajectories(states, *_starts(ensemble), status, np.ones(total, np.int64), steps, stiff_steps, times)


def _run(
    definition: Definition, ensemble: Ensemble, grids: Sequence[Grid], engine: Engine, memory: Memory
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Fills the memory; (steps, stiff steps) of each trajectory."""
    initial, parameters = np.ascontiguousarray(ensemble.initial), np.ascontiguousarray(ensemble.parameters)
    plain = Ensemble(initial, parameters, ensemble.start_time)
    width = engine.lanes or lanes_for(definition, len(initial))
    if definition.kind == "map":
        compiled = map_kernel(definition, width, engine.target, engine.dtype, groups_for(definition, width, len(initial)))
        return _run_map(plain, grids, compiled, width, memory)
    kernel = flow_kernel(definition, order_for(engine.tolerance), width, engine.target, engine.dtype)
    return _run_flow(definition, plain, grids, engine, (kernel, memory))


def _run_map(
    ensemble: Ensemble, grids: Sequence[Grid], compiled: MapKernel, width: int, memory: Memory
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    counts = np.array([grid.samples for grid in grids], np.int64)
    # Samples of a map's own times lie at any iterates.
    everies = np.array([round(grid.dt) if isinstance(grid, SampleGrid) else 1 for grid in grids], np.int64)
    timed = [grid.times.astype(np.int64) if isinstance(grid, TimedGrid) else None for grid in grids]
    lasts = np.array([count - 1 if own is None else own.max() for count, own in zip(counts.tolist(), timed, strict=True)], np.int64)
    starts = np.cumsum([0, *(0 if own is None else own.size for own in timed)])[:-1]
    own = np.array([-1 if own is None else start for own, start in zip(timed, starts.tolist(), strict=True)], np.int64)
    numbers = np.concatenate([np.empty(0, np.int64), *(own.ravel() for own in timed if own is not None)])
    total, variables = ensemble.initial.shape
    lanes = map_lane_arrays(width, width * compiled.groups, variables, ensemble.parameters.shape[1])
    problem = Iterated(ensemble.initial, ensemble.parameters, ensemble.start_time, memory.status)
    functions = MapFunctions(*(compiled.code.functions[name] for name in MapFunctions._fields))
    kept = Kept(memory.places, everies, counts, memory.out, lasts, own, numbers)
    run_map(functions, problem, kept, lanes, common_divisor(everies))
    return np.full(total, (lasts * everies).max()), np.zeros(total, np.int64)


def _run_flow(
    definition: Definition, ensemble: Ensemble, grids: Sequence[Grid], engine: Engine, made: tuple[FlowKernel, Memory]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    kernel, memory = made
    total, variables = ensemble.initial.shape
    sampling = sampling_of(grids, memory.places, memory.out, kernel.width)
    steps = np.zeros(total, np.int64)
    parked = parked_rows(total, variables, len(sampling.counts), first=memory.first)
    sections = _sections(kernel, grids, memory, engine)
    run_methods(
        definition,
        kernel,
        Problem(ensemble.initial, ensemble.parameters, ensemble.start_time, memory.status, steps, np.arange(total), parked),
        sampling,
        Settings(_flow_limits(engine, grids), engine.tolerance, engine.target, sections),
    )
    return steps, parked[:, STIFF_COUNT].astype(np.int64)


def _flow_limits(engine: Engine, grids: Sequence[Grid]) -> Float:
    """As `step_limits`: where something is sampled at regular times, the step where none can be estimated does not depend on sections."""
    measured = [grid for grid in grids if isinstance(grid, SampleGrid | TimedGrid)]
    cut = [grid for grid in grids if isinstance(grid, SectionGrid)]
    quiet = min((grid.dt for grid in measured), default=min((grid.quiet for grid in cut), default=1.0))
    limits = step_limits(engine, quiet, max((typical_end(grid) for grid in measured), default=0.0))
    limits[1] = max(limits[1], *(last_time(grid) for grid in grids))
    if cut and engine.step_budget is None:
        limits[2] = min(limits[2] + STEPS_PER_CROSSING * max(grid.samples for grid in cut), MOST_STEPS)
    return limits


def _sections(kernel: FlowKernel, grids: Sequence[Grid], memory: Memory, engine: Engine) -> Sections | None:
    """What cuts the trajectories; None where nothing does."""
    cut = [(grid, row) for grid, (_, row) in zip(grids, memory.places.tolist(), strict=True) if isinstance(grid, SectionGrid)]
    if not cut:
        return None
    compiled = section_kernel(tuple(grid.cut for grid, _ in cut), kernel.order, kernel.width, engine.target, engine.dtype)
    told, spot = [], 0
    for grid, row in cut:
        steps = STEPS_WITHOUT_TIME if grid.within == np.inf else STEPS_PER_CROSSING
        told += [grid.within, float(steps), float(grid.samples), float(row), float(spot)]
        spot += len(memory.status) * grid.samples
    return section_lanes(compiled, kernel.width, told, memory.times)
