"""Checks against trajectories that are none of the store's: how far the invariant measure reaches, and how fast the system moves."""

from __future__ import annotations

import numpy as np

from attractory.expressions.circles import within
from attractory.integrate import BlockSettings, Engine, Ensemble, SampleGrid, integrate_block, integrate_ensemble
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.stored import FloatArray

# Fresh trajectories, and the samples of each that are enough.
_TRAJECTORIES, _SAMPLES = 32, 2048
# How far beyond the fresh range a stored value may lie, in units of that range: longer data reach further into the tails.
_BEYOND = 1.0
# Of a fixed point's coordinates: on the way there each trajectory is as near as its start was, not in a range that all have.
_APPROACH = 1e-3
# Of the variance, above the Nyquist frequency: with more, what a sampled trajectory shows is mostly not its own. Spikes of relaxation
# oscillators have a half of it there at the customary 15 samples a period.
_FOLDED = 0.75
_FINER, _WINDOWS, _WINDOW = 8, 8, 512


def measure_range(evidence: Evidence) -> Check:
    """The range of stored values against that of a fresh sample from other random numbers."""
    stored, summary = evidence.stored, evidence.summary
    rows = np.flatnonzero(stored.good & summary.readable & (summary.finite > 1))
    fresh = _fresh(evidence) if len(rows) else None
    if fresh is None:
        return evidence.not_enough("no fresh trajectory reached its end", "a system whose trajectories stay")
    low, high = fresh.min(axis=(0, 1)), fresh.max(axis=(0, 1))
    magnitude = np.maximum(np.abs(high), np.abs(low))
    width = np.where(high > low, high - low, summary.spread)
    if stored.record.behaviour == "fixed_point":
        width = np.maximum(width, _APPROACH * magnitude)
    rounding = float(np.finfo(evidence.granularity.state.dtype).eps) * magnitude
    beyond = (np.maximum(summary.highest[rows] - high, low - summary.lowest[rows]) - rounding) / width
    row, variable = np.unravel_index(int(np.argmax(beyond)), beyond.shape)
    name, where = stored.system.variables[variable], f"trajectory {rows[row]}"
    reach = f"[{low[variable]:.6g}, {high[variable]:.6g}]"
    message = f"{name} of fresh trajectories is in {reach}; the furthest stored value is of {where}"
    if beyond[row, variable] > evidence.limit:
        over = summary.highest[rows[row], variable] > high[variable]
        worst = (summary.highest if over else summary.lowest)[rows[row], variable]
        message = f"{name} reaches {worst:.6g} in {where}, the invariant measure {reach}"
    return evidence.measured(max(float(beyond[row, variable]), 0.0), evidence.limit, message)


def _fresh(evidence: Evidence) -> FloatArray | None:
    """States (trajectory, time, variable) from other random numbers, after the same transient and at the same times."""
    stored, granularity = evidence.stored, evidence.granularity
    grid = SampleGrid(granularity.dt, min(granularity.samples, _SAMPLES))
    settings = BlockSettings(
        seed=(evidence.recipe_seed + 1) % 2**63,
        transient=float(np.median(stored.start_time)),
        tolerance=1e-12,
        dtype="float64",
        box=stored.start_box,
    )
    made = integrate_block(stored.system, indices=range(_TRAJECTORIES), grids=[grid], settings=settings)
    states = np.asarray(made.states[0])[np.asarray(made.status) == 0]
    return within(states, stored.system.definition.wrap) if len(states) else None


def sampling(evidence: Evidence) -> Check:
    """The power above the Nyquist frequency, from stretches that begin at stored states and are sampled more finely."""
    stored, granularity = evidence.stored, evidence.granularity
    rows = evidence.sampled(_WINDOWS)[:_WINDOWS]
    samples = min(granularity.samples, _WINDOW)
    if samples < 16 or not len(rows):
        return evidence.not_enough("too few samples for a spectrum", "16 samples of one whole trajectory")
    grid = SampleGrid(granularity.dt / _FINER, samples * _FINER)
    ensemble = Ensemble(stored.initial[rows], stored.parameters[rows], stored.start_time[rows])
    made = integrate_ensemble(stored.system.definition, ensemble, grids=[grid], engine=Engine(tolerance=1e-9, dtype="float64"))
    states = np.asarray(made.states[0])[np.asarray(made.status) == 0]
    places = [place for place in range(states.shape[2]) if place not in {one.variable for one in stored.system.definition.wrap}]
    if not len(states) or not places:
        return evidence.not_enough("no stretch could be sampled more finely", "a whole trajectory of a variable that is on no circle")
    share = _above_nyquist(states[:, :, places])
    worst = int(np.argmax(share))
    name, rate = stored.system.variables[places[worst]], granularity.dt
    message = f"{share[worst]:.2g} of the variance of {name} lies above the Nyquist frequency of samples {rate:.4g} apart"
    return evidence.measured(float(share[worst]), evidence.limit, message)


def _above_nyquist(states: FloatArray) -> FloatArray:
    """(variable,) share of the variance at frequencies above those of samples `_FINER` times as far apart; medians over trajectories."""
    count = states.shape[1]
    window = np.hanning(count)[None, :, None]
    centred = states - states.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(centred * window, axis=1)) ** 2
    total = power.sum(axis=1)
    above = power[:, count // (2 * _FINER) + 1 :].sum(axis=1)
    with np.errstate(invalid="ignore"):
        share = np.where(total > 0.0, above / total, 0.0)
    found: FloatArray = np.median(share, axis=0)
    return found


def is_regular(evidence: Evidence) -> bool:
    return not evidence.granularity.is_irregular


RULES = (
    Rule(
        "measure_range",
        "numbers",
        "granularity",
        promise="Stored values lie where the invariant measure does: in the range of trajectories from other random numbers.",
        advice="A few values beyond are damage; many are of another system or of other parameters: generate the store again.",
        run=measure_range,
        needs="regular samples of a flow or a map, without drawn parameters",
        applies=lambda evidence: is_regular(evidence) and evidence.stored.family is None and evidence.stored.record.kind != "delay",
        limit=_BEYOND,
    ),
    Rule(
        "sampling",
        "numbers",
        "granularity",
        promise="Samples lie close enough together: little of the variance is above the Nyquist frequency.",
        advice="Ask for more samples_per_period in the recipe; what is above that frequency appears below it as something else.",
        run=sampling,
        needs="regular samples of a flow",
        applies=lambda evidence: is_regular(evidence) and evidence.stored.record.kind == "flow",
        limit=_FOLDED,
    ),
)
