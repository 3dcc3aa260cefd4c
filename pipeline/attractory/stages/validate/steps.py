"""Checks from one stored sample to the next: whether the stated equations lead from each to the one after it, and what would lead there.

Over one step nothing has been forgotten, so a good sample is off by what rounding the one before grows to, and by no more: a parameter that
is wrong by a thousandth, noise, smoothing or rounding to half precision stand far above that, at any sample of a trajectory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from attractory.errors import AttractoryError
from attractory.stages.validate.extrapolation import Stretches, ends, off
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule, ShardStates
from attractory.stages.validate.stored import FloatArray, StoredDataset, StoredGranularity, StoredSystem, open_stored
from attractory.stages.validate.truth import scale_of

# Steps of a granularity that are taken again, at most about; spread over its trajectories, at least two of each that is looked at.
STEPS = 2048
_FEWEST, _MOST_OF_ONE = 2, 64
# The rounding of a sample is followed by this many neighbours at the distance of a whole rounding; a good sample lies well within them.
_NEIGHBOURS, _ROUNDINGS = 3, 4.0
# Errors of the extrapolation and of the engine's own steps, in units of the spread.
_OWN_ERROR, _TOLERANCES = 1e-11, 100.0
# A step over which rounding grows to this part of the spread says nothing.
_FORGOTTEN = 1e-2
# What explains the samples: a parameter that leaves this part of the square of what is unexplained; tried on so many steps.
_EXPLAINED, _TRIED = 0.01, 256
_NUDGE = 1e-4


@dataclass(frozen=True)
class Steps:
    """Of some samples and the ones after them: row and sample (n,), states before and after (n, variable)."""

    row: npt.NDArray[np.intp]
    sample: npt.NDArray[np.intp]
    before: FloatArray
    after: FloatArray


def some_steps(shard: ShardStates) -> Steps:
    """A few steps of each trajectory of a shard, spread evenly with an offset of the trajectory's own; of many trajectories, of some."""
    trajectories, samples = shard.granularity.state.shape[:2]
    every = -(-trajectories * _FEWEST // STEPS)
    of_each = min(samples - 1, _MOST_OF_ONE, max(_FEWEST, STEPS // trajectories))
    kept = np.flatnonzero(shard.stored.good[shard.rows] & (shard.rows % every == 0))
    if of_each < 1 or not len(kept):
        empty = np.empty((0, shard.states.shape[2]))
        return Steps(np.empty(0, np.intp), np.empty(0, np.intp), empty, empty)
    rows = np.repeat(kept, of_each)
    # The golden ratio's multiples are spread evenly whatever their number: no two trajectories are looked at at the same places.
    phase = (shard.rows[kept] * 0.6180339887498949) % 1.0
    places = (np.arange(of_each)[None, :] + phase[:, None]) * ((samples - 1) / of_each)
    sample = np.minimum(places.astype(np.intp), samples - 2).ravel()
    before, after = shard.states[rows, sample], shard.states[rows, sample + 1]
    return Steps(shard.rows[rows], sample, before.astype(np.float64), after.astype(np.float64))


def joined_steps(parts: Sequence[Steps]) -> Steps:
    """All shards' together."""
    return Steps(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("row", "sample", "before", "after")))


def stretches_of(stored: StoredSystem, granularity: StoredGranularity, steps: Steps, scale: FloatArray) -> Stretches:
    """The steps as stretches of the stated equations, each with the time and the parameters of its trajectory."""
    begin, end = _times(granularity, steps.row, steps.sample), _times(granularity, steps.row, steps.sample + 1)
    times = stored.start_time[steps.row] + begin
    return Stretches(stored.system.definition, steps.before, stored.parameters[steps.row], times, end - begin, scale)


def _times(granularity: StoredGranularity, rows: npt.NDArray[np.intp], samples: npt.NDArray[np.intp]) -> FloatArray:
    """(n,) times of samples since the end of the transient."""
    return np.asarray(granularity.time[rows, samples] if granularity.is_irregular else granularity.dt * samples, dtype=np.float64)


def allowed(stretches: Stretches, reached: FloatArray, *, dtype: np.dtype[np.floating], tolerance: float) -> FloatArray:
    """(n,) how far a good sample may be off: what a rounding of the sample before grows to, its own rounding, and the methods' errors."""
    rounding = float(np.finfo(dtype).eps)
    generator = np.random.Generator(np.random.Philox(key=0))
    grown = np.zeros(len(reached))
    for _ in range(_NEIGHBOURS):
        signs = generator.choice([-1.0, 1.0], size=reached.shape)
        moved = replace(stretches, states=stretches.states + 0.5 * rounding * signs * np.maximum(np.abs(stretches.states), 1e-300))
        with np.errstate(all="ignore"):
            distance = off(stretches, ends(moved), reached)
        grown = np.fmax(grown, distance)
    own = (rounding * np.abs(reached) / stretches.scale).max(axis=1)
    growth = np.maximum(1.0, grown / np.maximum(own, 1e-300))
    limit: FloatArray = _ROUNDINGS * (grown + own) + (_OWN_ERROR + _TOLERANCES * tolerance) * growth
    return limit


def one_step(evidence: Evidence) -> Check:
    """From some stored samples of every trajectory to the next ones."""
    stored, granularity = evidence.stored, evidence.granularity
    steps = joined_steps(evidence.shards) if evidence.shards else None
    if steps is None or not len(steps.row):
        return evidence.not_enough("there is no pair of samples to look at", "two samples of one whole trajectory")
    tolerance = float(evidence.dataset.recipe.get("tolerance", 1e-14))
    scale = scale_of(stored, evidence.summaries)
    stretches = stretches_of(stored, granularity, steps, scale)
    reached = ends(stretches)
    limit = allowed(stretches, reached, dtype=granularity.state.dtype, tolerance=tolerance)
    with np.errstate(all="ignore"):
        error = off(stretches, steps.after, reached)
    told = np.isfinite(limit) & (limit < _FORGOTTEN)
    if not told.any():
        return evidence.not_enough(
            f"of {len(told)} steps, none can be told: rounding grows to 1 % of the spread over each, or the equations are too stiff",
            "samples closer together, or dtype float64",
        )
    ratio = np.where(told, np.where(np.isfinite(error), error / limit, np.inf), 0.0)
    worst, wrong = int(np.argmax(ratio)), int(np.sum(ratio > 1.0))
    place = f"trajectory {steps.row[worst]} from sample {steps.sample[worst]} to the next"
    message = f"{int(told.sum())} steps of {len(np.unique(steps.row[told]))} trajectories taken again by extrapolation; worst: {place}"
    if wrong:
        message = (
            f"{place} is not what the stated equations give: off by {error[worst]:.2g} of the spread, rounding is {limit[worst]:.2g}; "
            f"so are {wrong} of {int(told.sum())} steps{_why(evidence, stretches, steps, ratio > 1.0)}"
        )
    return evidence.measured(float(error[worst]), float(limit[worst]), message)


def _why(evidence: Evidence, stretches: Stretches, steps: Steps, wrong: npt.NDArray[np.bool_]) -> str:
    """The end of the message: a parameter or a system that explains what is there, where one does."""
    rows = np.flatnonzero(wrong & np.isfinite(steps.after).all(axis=1))[:_TRIED]
    if not len(rows):
        return ""
    few = stretches.taken(rows)
    after = steps.after[rows]
    for name, value, stated in _other_parameter(few, after):
        return f". They are as if {name} were {value:.6g}, where {stated:.6g} is stated"
    if 2 * int(wrong.sum()) > len(wrong):
        for name in _other_systems(evidence, few, after):
            return f". They are steps of {name}"
    return ""


def _other_parameter(few: Stretches, after: FloatArray) -> Iterator[tuple[str, float, float]]:
    """(name, value, stated value) of a parameter that, changed in all of them alike, explains the steps."""
    reached = ends(few)
    missing = (after - reached) / few.scale
    whole = np.asarray(np.isfinite(missing).all(axis=1))
    if not whole.any():
        return
    best: tuple[float, str, float, float] | None = None
    for place, name in enumerate(few.definition.parameters):
        stated = float(np.median(few.parameters[:, place]))
        value = _fitted(few, after, place, whole)
        if value is None:
            continue
        left = _left(few, after, place, value)
        share = float(np.sum(left[whole] ** 2) / max(np.sum(missing[whole] ** 2), 1e-300))
        if share < _EXPLAINED and (best is None or share < best[0]):
            best = (share, name, value, stated)
    if best is not None:
        yield best[1:]


def _fitted(few: Stretches, after: FloatArray, place: int, whole: npt.NDArray[np.bool_]) -> float | None:
    """The value of one parameter that is nearest to the steps, by two of Newton's steps of the least squares."""
    value = float(np.median(few.parameters[:, place]))
    for _ in range(2):
        nudge = _NUDGE * max(abs(value), 1e-3)
        left, moved = _left(few, after, place, value), _left(few, after, place, value + nudge)
        slope = (moved - left)[whole] / nudge
        square = float(np.nansum(slope**2))
        if not square > 0.0 or not np.isfinite(square):
            return None
        value -= float(np.nansum(slope * left[whole])) / square
    return value if np.isfinite(value) else None


def _left(few: Stretches, after: FloatArray, place: int, value: float) -> FloatArray:
    """(n, variable) what is left between the steps and the equations with one parameter changed, in units of the scale."""
    parameters = few.parameters.copy()
    parameters[:, place] = value
    with np.errstate(all="ignore"):
        left: FloatArray = (after - ends(replace(few, parameters=parameters))) / few.scale
    return left


def _other_systems(evidence: Evidence, few: Stretches, after: FloatArray) -> Iterator[str]:
    """Systems of the same store and dimension whose equations lead from the samples to the next ones."""
    for other in _others(evidence.dataset, evidence.stored):
        definition = other.system.definition
        grid = next((one for one in other.granularities if one.name == evidence.granularity.name), None)
        if definition.kind == "delay" or len(other.system.variables) != few.states.shape[1] or grid is None or grid.is_irregular:
            continue
        parameters = np.tile(np.asarray(definition.values, dtype=np.float64), (len(after), 1))
        tried = replace(few, definition=definition, parameters=parameters, spans=np.full(len(after), grid.dt))
        with np.errstate(all="ignore"):
            error = off(tried, after, ends(tried))
        if float(np.nanmedian(error)) < 1e-4:
            yield other.name


def _others(dataset: StoredDataset, stored: StoredSystem) -> list[StoredSystem]:
    try:
        return [other for other in open_stored(dataset.path).systems if other.name != stored.name]
    except AttractoryError:
        return []


RULES = (
    Rule(
        "one_step",
        "truth",
        "granularity",
        promise="From each stored sample the stated equations lead to the next one, to the rounding of the two.",
        advice="The samples, the parameters, the times or the equations were changed: generate the store again from its recipe.",
        run=one_step,
        needs="a flow or a map, not a delay system, whose samples lie close enough together",
        applies=lambda evidence: evidence.stored.record.kind != "delay",
        gather=some_steps,
    ),
)
