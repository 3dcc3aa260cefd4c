"""The same promises for delay systems. Their state is their past, which cannot be set, so rates are those of tangent functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from attractory.expressions.system import System
from attractory.integrate import BlockSettings, Engine, SampleGrid, integrate_block
from attractory.integrate.delays import check_lags
from attractory.invariants.delay_exponents import measure
from attractory.invariants.estimate import FloatArray
from attractory.invariants.lyapunov_spectrum import Effort, Measurement
from attractory.layout import Status
from attractory.stages.check.annotated import annotated_findings
from attractory.stages.check.classes import CHAOTIC, LONG_ENOUGH, Evidence, Growth, Volume, class_of
from attractory.stages.check.ensemble import SEED
from attractory.stages.check.limits import SECOND, step_cost
from attractory.stages.check.look import Look
from attractory.stages.check.period import period_finding, time_between_maxima
from attractory.stages.check.report import Finding
from attractory.stages.check.returns import DECAY, NEAR, REST
from attractory.stages.check.verdicts import behaviour_finding, bounded_finding, draws_finding, said

TRAJECTORIES = 8
TRANSIENT, WATCHED, PER_PERIOD = 40.0, 80, 64  # periods
TRANSIENT_DELAYS = 100.0  # where these are longer: a past is forgotten delay by delay
# Tangent functions: one along the flow, and two to tell chaos from hyperchaos. They are made orthonormal once a delay, by Python, at least
# so often and at most.
_VECTORS, _FEWEST, _MOST = 3, 256, 4096
_MOST_WORK = 20 * SECOND
_TURNS, _POINTS, _REFINED, _CANDIDATES = 0.1, 64, 5, 3
_ROUND_OFF = 1.0e-11


@dataclass(frozen=True)
class Delayed:
    """A delay system as it is tried: its unit of time, its longest delay, and samples (trajectory, time, variable) after a transient."""

    system: System
    unit: float
    delay: float
    states: FloatArray
    lost: tuple[Status, ...]
    engine: Engine

    @property
    def transient(self) -> float:
        return max(TRANSIENT * self.unit, TRANSIENT_DELAYS * self.delay)

    @property
    def scale(self) -> FloatArray:
        spread = self.states.std(axis=(0, 1))
        return np.asarray(np.maximum(spread, 1e-9 * (1 + np.abs(self.states).max(axis=(0, 1)))))


def delay_findings(system: System, look: Look) -> Iterator[Finding]:
    """Findings about drawn histories: they last, they are bounded, their period, their class of behaviour."""
    made = _delayed(system, look)
    yield draws_finding(system, TRAJECTORIES, made.lost)
    if not len(made.states):
        return
    found, evidence = _measured(made, steps=look.steps / float(look.times[-1]))
    yield behaviour_finding(system, found, said(evidence, "period"))
    if found in CHAOTIC and found == system.behaviour and evidence.growth is not None:
        yield from annotated_findings(system, evidence.growth, made.unit)
    if found != "fixed_point":
        yield from period_finding(system, made.states, made.unit / PER_PERIOD)
    half = made.states.shape[1] // 8
    yield bounded_finding(system, made.states[:, :half], made.states[:, -1])


def _delayed(system: System, look: Look) -> Delayed:
    delay = float(check_lags(system.definition, np.array([system.definition.values])).max())
    known = time_between_maxima(look.states[None], float(look.times[1]))
    likely = float(known[np.isfinite(known)].max(initial=0.0)) or 10 * delay
    made = Delayed(system, system.period or likely, delay, np.zeros(0), (), Engine(step_budget=100 * look.budget))
    states, lost = _sampled(made, range(TRAJECTORIES), made.unit / PER_PERIOD, WATCHED * PER_PERIOD + 1)
    return replace(made, states=states, lost=lost)


def _sampled(made: Delayed, rows: range, dt: float, samples: int) -> tuple[FloatArray, tuple[Status, ...]]:
    """(samples of the drawn trajectories that last, how the others ended)."""
    settings = BlockSettings(seed=SEED, transient=made.transient, tolerance=made.engine.tolerance, dtype="float64")
    found = integrate_block(made.system, indices=rows, grids=[SampleGrid(dt, samples)], settings=settings, engine=made.engine)
    good = found.status == Status.OK
    return found.states[0][good], tuple(Status(int(code)) for code in found.status[~good])


def _measured(made: Delayed, steps: float) -> tuple[str | None, Evidence]:
    evidence = Evidence(None, _resting(made), _returning(made), Volume(np.nan, np.nan), long_enough=False)
    found = class_of(evidence)
    fewest = max(_FEWEST, int(50 * made.unit / made.delay))
    for delays in (fewest, 4 * fewest):
        work = delays * made.delay * steps * (1 + _VECTORS) * step_cost(made.system.definition)
        if found is not None or delays > _MOST or work > _MOST_WORK:
            break
        effort = Effort(trajectories=TRAJECTORIES, budget=delays * made.delay, tolerance=1e-9, transient=made.transient)
        growth = _across(made, measure(made.system, _VECTORS, seed=SEED, standard_error=1e-12, effort=effort))
        evidence = replace(evidence, growth=growth, long_enough=growth.units >= LONG_ENOUGH / 2)
        found = class_of(evidence)
        if found != made.system.behaviour and made.system.behaviour != "unknown":
            found = found if delays > fewest else None
    return found, evidence


def _across(made: Delayed, measurement: Measurement) -> Growth:
    """The growth of the leading directions without the one along the flow, whose rate is the nearest to zero."""
    blocks = measurement.blocks
    per_block = measurement.duration * 7 / 8 / blocks.shape[1]  # without the first eighth
    if not any(node.op == "time" for node in made.system.definition.graph.nodes):
        rates = blocks.mean(axis=(0, 1))
        blocks = np.delete(blocks, int(np.abs(rates).argmin()), axis=2)
    return Growth(blocks[:, :, :2] * per_block, per_block * blocks.shape[1] / made.unit)


def _resting(made: Delayed) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(trajectory,) whether it hardly moves in its last quarter, and less than in its first."""
    first, *_, last = np.array_split(made.states, 4, axis=1)
    size = 1e-9 + np.abs(made.states).max(axis=1)
    early, late = (np.ptp(part, axis=1) / size for part in (first, last))
    return np.asarray(((late < REST) & ((late <= DECAY * early) | (late < _ROUND_OFF))).all(axis=1))


def _returning(made: Delayed) -> FloatArray:
    """After how many periods each trajectory is where it was before, as far as the first that never is: infinity for that one."""
    times: list[float] = []
    for row in range(TRAJECTORIES if not made.lost else 0):
        guesses = _guesses(made, row)[:_CANDIDATES]
        times.append(next((lag / made.unit for guess in guesses if (lag := _refined(made, row, guess)) is not None), np.inf))
        if times[-1] == np.inf:
            break
    return np.array(times)


def _guesses(made: Delayed, row: int) -> list[float]:
    """Lags after which the last part of a trajectory is near what it was, the nearest first."""
    states, dt = made.states[row] / made.scale, made.unit / PER_PERIOD
    window = states[-len(states) // 4 :]
    lags = range(PER_PERIOD // 8, len(states) - len(window))
    missed = np.array([np.abs(window - states[len(states) - len(window) - lag : len(states) - lag]).max() for lag in lags])
    lowest = np.flatnonzero((missed[1:-1] < missed[:-2]) & (missed[1:-1] <= missed[2:]) & (missed[1:-1] < 10 * _TURNS)) + 1
    return [dt * lags[place] for place in sorted(lowest, key=lambda place: missed[place])]


def _refined(made: Delayed, row: int, guess: float) -> float | None:
    """The lag near a guess after which all of the trajectory is met again."""
    lag, points = guess, max(_POINTS, round(PER_PERIOD * guess / made.unit))
    for _ in range(_REFINED):
        states, lost = _sampled(made, range(row, row + 1), lag / points, 2 * points + 1)
        if lost:
            return None
        moving = states[0] / made.scale
        apart = (moving[points:] - moving[: points + 1])[:-1]
        if float(np.abs(apart).max()) < NEAR:
            return lag
        rates = np.gradient(moving, lag / points, axis=0)[points:-1]
        lag -= float((apart * rates).sum() / max(float((rates**2).sum()), np.finfo(np.float64).tiny))
        if not 0.5 * guess < lag < 1.5 * guess:
            return None
    return None
