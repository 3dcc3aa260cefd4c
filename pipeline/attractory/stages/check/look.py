"""The first trajectory, from the catalogued state itself: does it last, how long does it take, does it keep what it should."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from attractory.catalog import SystemRecord
from attractory.errors import AttractoryError
from attractory.expressions.system import System
from attractory.integrate import Engine, SampleGrid, Trajectories, integrate_ensemble, moved_histories
from attractory.integrate.delays import integrate_delays
from attractory.invariants.estimate import FloatArray
from attractory.layout import Status
from attractory.stages.check.limits import SECOND, step_cost
from attractory.stages.check.report import Finding
from attractory.stages.check.trial import ensemble_of

PERIODS, ITERATES = 100, 1000
UNTIMED = 100.0  # time units, for a flow without a period
PER_PERIOD = 32
VARIANT_PERIODS = 10
# A conserved quantity keeps 12 digits over 100 periods at the default tolerance; a wrong term loses them all within one.
DRIFT = 1.0e-10
# Of a trajectory's share, where as many run side by side as there are lanes. What is given up takes some seconds of a core.
MOST_SECONDS, _BUDGET_SECONDS = 1.0, 4.0


@dataclass(frozen=True)
class Look:
    """A trajectory of `periods` periods: states (time, variable), times, how it ended, its steps, and seconds of one core:
    its share, where as many run as there are lanes."""

    states: FloatArray
    times: FloatArray
    status: Status
    steps: int
    seconds: float
    periods: float
    budget: int


def first_look(system: System, engine: Engine, *, periods: float = PERIODS) -> Look:
    """The trajectory from the catalogued state, after everything is compiled; the shorter time of two where the first is too long.

    Raises:
        AttractoryError: the engine refuses the system.
    """
    budget = int(_BUDGET_SECONDS * SECOND / step_cost(system.definition))
    engine = replace(engine, step_budget=budget)
    grid = _grid(system, periods)
    _run(system, replace(grid, samples=2), engine)  # compiles
    for _ in range(2):
        begun = time.thread_time()
        made = _run(system, grid, engine)
        seconds = (time.thread_time() - begun) / (engine.lanes or 1)
        if seconds <= MOST_SECONDS or made.status[0] != Status.OK:
            break
    times: FloatArray = np.asarray(grid.dt * np.arange(grid.samples), np.float64)
    return Look(np.asarray(made.states[0][0], np.float64), times, Status(int(made.status[0])), int(made.steps[0]), seconds, periods, budget)


def look_findings(record: SystemRecord, look: Look) -> Iterator[Finding]:
    """Whether it lasts, and within a second of one core."""
    if look.status is Status.STEP_BUDGET and record.timescale is not None:
        where = record.where("timescale.period")
        message = f"{where} is {record.timescale.period:g}: {look.periods:g} periods take more than {look.budget:,} steps."
        yield Finding("trajectory", False, message + " Check the equations and the period.")
    elif look.status is not Status.OK:
        message = f"{record.where('initial')}: the trajectory from here {look.status.sentence}. Check the equations and the initial state."
        yield Finding("trajectory", False, message)
    else:
        said = (
            f"{look.periods:g} periods"
            if record.timescale
            else f"{look.times[-1]:g} {'iterates' if record.kind == 'map' else 'time units'}"
        )
        yield Finding("trajectory", True, f"lasts for {said} of {look.steps:,} steps")
        yield from _speed(record, look)


def _speed(record: SystemRecord, look: Look) -> Iterator[Finding]:
    if record.timescale is None:
        return
    kept = look.seconds <= MOST_SECONDS
    message = f"{record.where('timescale')}: 100 periods of a trajectory take {look.seconds:.2g} s of one core, expected at most one."
    yield Finding("speed", kept, "100 periods take less than a second of one core" if kept else message)


def drift_findings(system: System, look: Look) -> Iterator[Finding]:
    """Whether each conserved quantity is kept along the trajectory, relative to its size and to what it is made of."""
    record = system.record
    for name, values in system.conserved_quantities(look.states, look.times).items():
        drift = float(np.abs(values - values[0]).max() / (1 + np.abs(values[0])))
        where, kept = record.where(f"conserved.{name}"), drift <= DRIFT
        message = f"changes by {drift:.1e} of itself along the trajectory"
        wrong = f"{where} {message}, more than {DRIFT:.0e}: the equations do not keep it."
        yield Finding("conserved", kept, f"{name} {message}" if kept else wrong)


def variant_findings(record: SystemRecord, engine: Engine) -> Iterator[Finding]:
    """Whether each variant's own trajectory lasts for a while."""
    for name in record.variants:
        try:
            look = first_look(System.from_record(record.variant(name)), engine, periods=VARIANT_PERIODS)
        except AttractoryError as error:
            yield Finding("variant", False, f"{record.where(f'variants.{name}')}: {error}")
            continue
        kept = look.status is Status.OK
        message = f"{record.where(f'variants.{name}')}: the trajectory from its initial state {look.status.sentence}."
        yield Finding("variant", kept, f"{name} lasts" if kept else message)


def _grid(system: System, periods: float) -> SampleGrid:
    if system.kind == "map":
        return SampleGrid(1.0, ITERATES + 1)
    duration = UNTIMED if system.period is None else periods * system.period
    samples = round(periods * PER_PERIOD)
    return SampleGrid(duration / samples, samples + 1)


def _run(system: System, grid: SampleGrid, engine: Engine) -> Trajectories:
    ensemble = ensemble_of(system, system.initial[None])
    if system.kind != "delay":
        return integrate_ensemble(system.definition, ensemble, grids=[grid], engine=engine)
    pasts = moved_histories(system, ensemble.initial, ensemble.parameters)
    return integrate_delays(system.definition, pasts, grids=[grid], engine=engine)
