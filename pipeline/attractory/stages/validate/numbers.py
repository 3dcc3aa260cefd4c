"""Checks of the numbers themselves: finite, of the type that was asked for, within range, and at the times that are written beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from attractory import layout
from attractory.expressions.circles import as_stored
from attractory.stages.validate.own_times import check_drawn_times
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.sections import check_section
from attractory.stages.validate.stored import StoredDataset, StoredGranularity, StoredSystem
from attractory.stages.validate.summary import Summary

# An excursion beyond the mean by this many standard deviations of all samples is no excursion of a bounded attractor: the bursts of the
# spikiest systems known to us (the Belousov-Zhabotinsky reaction) stay below thirty.
_LARGEST_EXCURSION = 1000.0
# Of a time stored as float64 against k * dt: one rounding of the product and one of the reader's own.
_TIME_ROUNDING = 4.0 * np.finfo(np.float64).eps


def check_numbers(dataset: StoredDataset, stored: StoredSystem, granularity: StoredGranularity, summary: Summary) -> list[Check]:
    """Every check of this group for one granularity."""
    place = (stored.name, granularity.name)
    if granularity.is_section:
        own = check_section(stored, granularity)
    elif granularity.is_irregular:
        own = check_drawn_times(stored, granularity, drawn=int(dataset.recipe.get("seed", 0)))
    else:
        own = [
            _time_axis(Subject("time_axis", "numbers", *place), stored, granularity),
            _first_sample(Subject("first_sample", "numbers", *place), stored, granularity, summary),
        ]
    return [
        _finite(Subject("finite", "numbers", *place), stored, granularity, summary),
        _dtype(Subject("dtype", "numbers", *place), dataset, granularity),
        _range(Subject("range", "numbers", *place), stored, summary),
        *_circles(Subject("circle", "numbers", *place), stored, summary),
        _moving(Subject("moving", "numbers", *place), stored, summary),
        *own,
    ]


def _finite(subject: Subject, stored: StoredSystem, granularity: StoredGranularity, summary: Summary) -> Check:
    samples = granularity.state.shape[1]
    broken = np.flatnonzero(summary.readable & stored.good & (summary.finite < samples))
    message = f"every stored number of {stored.trajectories} trajectories is finite"
    if summary.damage:
        message = f"{int(np.sum(~summary.readable))} trajectories could not be read"
    if len(broken):
        row = int(broken[0])
        message = f"{len(broken)} trajectories hold NaN or infinity, first trajectory {row} at sample {summary.finite[row]}"
    return subject.measured(float(len(broken) + np.sum(~summary.readable)), 0.0, message)


def _dtype(subject: Subject, dataset: StoredDataset, granularity: StoredGranularity) -> Check:
    expected = str(dataset.recipe.get("dtype", "float32"))
    found = str(granularity.state.dtype)
    if found != expected:
        return subject.failed(f"states are stored as {found}, the recipe asks for {expected}")
    return subject.passed(f"states are {found}")


def _range(subject: Subject, stored: StoredSystem, summary: Summary) -> Check:
    rows = summary.readable & stored.good & (summary.finite > 0)
    if not rows.any():
        return subject.failed("there is no trajectory to look at")
    centre = np.median(summary.mean[rows], axis=0)
    excursion = np.maximum(np.abs(summary.highest[rows] - centre), np.abs(summary.lowest[rows] - centre)) / summary.spread
    row, variable = np.unravel_index(int(np.argmax(excursion)), excursion.shape)
    name = stored.system.variables[variable]
    message = f"the largest excursion is of {name}, {excursion.max():.3g} standard deviations (trajectory {np.flatnonzero(rows)[row]})"
    return subject.measured(float(excursion.max()), _LARGEST_EXCURSION, message)


def _circles(subject: Subject, stored: StoredSystem, summary: Summary) -> list[Check]:
    """Every coordinate on a circle lies in its range."""
    rows = np.flatnonzero(summary.readable & stored.good & (summary.finite > 0))
    checks = []
    for one in stored.system.definition.wrap:
        name = stored.system.variables[one.variable]
        low, high = summary.lowest[rows, one.variable], summary.highest[rows, one.variable]
        outside = rows[(low < one.low) | (high >= one.high)]
        message = f"{name} is in [{one.low:.6g}, {one.high:.6g})"
        if len(outside):
            message = f"{len(outside)} trajectories hold {name} outside [{one.low:.6g}, {one.high:.6g}), first trajectory {outside[0]}"
        checks.append(replace(subject, name=f"circle:{name}").measured(float(len(outside)), 0.0, message))
    return checks


def _moving(subject: Subject, stored: StoredSystem, summary: Summary) -> Check:
    """A chaotic trajectory in which every variable stands still was never advanced."""
    if "chaotic" not in stored.record.behaviour:
        return subject.passed(f"not asked of a system annotated as {stored.record.behaviour}")
    if stored.family is not None and stored.family.get("behaviour") != "chaotic":
        return subject.passed("not asked of a family that may hold fixed points")
    rows = np.flatnonzero(summary.readable & stored.good & (summary.finite > 1))
    frozen = rows[(summary.variance[rows] == 0.0).all(axis=1)]
    message = f"{len(frozen)} trajectories do not move" + (f", first trajectory {frozen[0]}" if len(frozen) else "")
    return subject.measured(float(len(frozen)), 0.0, message)


def _time_axis(subject: Subject, stored: StoredSystem, granularity: StoredGranularity) -> Check:
    time, dt = granularity.time, granularity.dt
    samples = granularity.state.shape[1]
    if time.dtype != np.float64 or time.shape != (samples,):
        return subject.failed(f"time is {time.dtype} {time.shape}, expected float64 ({samples},)")
    if not dt > 0.0 or (stored.record.kind == "map" and dt != int(dt)):
        return subject.failed(f"the step between samples is {dt}, expected " + ("a whole number" if dt > 0.0 else "above 0"))
    per_period = granularity.attributes.get(layout.SAMPLES_PER_PERIOD)
    period = stored.system.period
    if per_period and period and stored.record.kind != "map" and abs(float(per_period) * dt / period - 1.0) > 1e-6:
        return subject.failed(f"{per_period} samples of {dt} are not the period of {period}")
    if not (np.diff(time) > 0.0).all():
        return subject.failed(f"time does not increase after sample {int(np.argmin(np.diff(time) > 0.0))}")
    wanted = dt * np.arange(samples)
    error = np.abs(time - wanted) / np.maximum(wanted, dt)
    worst = int(np.argmax(error))
    message = "sample k is at k * dt"
    if error[worst] > _TIME_ROUNDING:
        message = f"sample {worst} is at {time[worst]:.17g}, expected {wanted[worst]:.17g}"
    return subject.measured(float(error[worst]), _TIME_ROUNDING, message)


def _first_sample(subject: Subject, stored: StoredSystem, granularity: StoredGranularity, summary: Summary) -> Check:
    rows = np.flatnonzero(summary.readable & stored.good)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinity, and differs
        wanted = as_stored(stored.initial[rows], stored.system.definition.wrap, str(granularity.state.dtype)).astype(np.float64)
    different = rows[(summary.first[rows] != wanted).any(axis=1)]
    message = "sample 0 is the initial state"
    if len(different):
        message = f"sample 0 differs from `initial` in {len(different)} trajectories, first trajectory {different[0]}"
    return subject.measured(float(len(different)), 0.0, message)
