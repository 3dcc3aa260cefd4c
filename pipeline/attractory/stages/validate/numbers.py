"""Checks of the numbers themselves: finite, of the type that was asked for, within range, and at the times that are written beside them."""

from __future__ import annotations

import numpy as np

from attractory import layout
from attractory.expressions.circles import as_stored
from attractory.stages.validate.own_times import first_sample_at_zero, rising_times, times_as_drawn
from attractory.stages.validate.report import Check, Subject
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.sections import crossing_times
from attractory.stages.validate.stored import StoredGranularity, StoredSystem

# An excursion beyond the mean by this many standard deviations of all samples is no excursion of a bounded attractor: the bursts of the
# spikiest systems known to us (the Belousov-Zhabotinsky reaction) stay below thirty.
_LARGEST_EXCURSION = 1000.0
# Of a time stored as float64 against k * dt: one rounding of the product and one of the reader's own.
_TIME_ROUNDING = 4.0 * np.finfo(np.float64).eps


def finite(evidence: Evidence) -> Check:
    """Every number of a trajectory whose status is OK."""
    stored, summary = evidence.stored, evidence.summary
    broken = np.flatnonzero(summary.readable & stored.good & (summary.finite < evidence.granularity.samples))
    lost = int(np.sum(summary.seen & ~summary.readable))
    message = f"every stored number of {int(summary.seen.sum())} trajectories is finite"
    if lost:
        message = f"{lost} trajectories could not be read: {summary.damage[0]}"
    if len(broken):
        row = int(broken[0])
        message = f"{len(broken)} trajectories hold NaN or infinity, first trajectory {row} at sample {summary.finite[row]}"
    return evidence.measured(float(len(broken) + lost), 0.0, message)


def dtype(evidence: Evidence) -> Check:
    expected = str(evidence.dataset.recipe.get("dtype", "float32"))
    found = str(evidence.granularity.state.dtype)
    if found != expected:
        return evidence.failed(f"states are stored as {found}, the recipe asks for {expected}")
    return evidence.passed(f"states are {found}")


def in_range(evidence: Evidence) -> Check:
    stored, summary = evidence.stored, evidence.summary
    rows = summary.readable & stored.good & (summary.finite > 0)
    if not rows.any():
        return evidence.not_enough("there is no trajectory to look at", "one whose status is OK and whose shard can be read")
    centre = np.median(summary.mean[rows], axis=0)
    excursion = np.maximum(np.abs(summary.highest[rows] - centre), np.abs(summary.lowest[rows] - centre)) / summary.spread
    row, variable = np.unravel_index(int(np.argmax(excursion)), excursion.shape)
    name = stored.system.variables[variable]
    message = f"the largest excursion is of {name}, {excursion.max():.3g} standard deviations (trajectory {np.flatnonzero(rows)[row]})"
    return evidence.measured(float(excursion.max()), evidence.limit, message)


def circles(evidence: Evidence) -> list[Check]:
    """Every coordinate on a circle lies in its range."""
    stored, summary = evidence.stored, evidence.summary
    rows = np.flatnonzero(summary.readable & stored.good & (summary.finite > 0))
    checks = []
    for one in stored.system.definition.wrap:
        name = stored.system.variables[one.variable]
        low, high = summary.lowest[rows, one.variable], summary.highest[rows, one.variable]
        outside = rows[(low < one.low) | (high >= one.high)]
        message = f"{name} is in [{one.low:.6g}, {one.high:.6g})"
        if len(outside):
            message = f"{len(outside)} trajectories hold {name} outside [{one.low:.6g}, {one.high:.6g}), first trajectory {outside[0]}"
        checks.append(evidence.subject(name).measured(float(len(outside)), 0.0, message))
    return checks


def is_chaotic(evidence: Evidence) -> bool:
    """Whether every trajectory is to be chaotic: the entry says so, and so does the family where parameters are drawn."""
    stored = evidence.stored
    return "chaotic" in stored.record.behaviour and (stored.family is None or stored.family.get("behaviour") == "chaotic")


def moving(evidence: Evidence) -> Check:
    """A chaotic trajectory in which every variable stands still was never advanced."""
    stored, summary = evidence.stored, evidence.summary
    rows = np.flatnonzero(summary.readable & stored.good & (summary.finite > 1))
    frozen = rows[(summary.variance[rows] == 0.0).all(axis=1)]
    message = f"{len(frozen)} trajectories do not move" + (f", first trajectory {frozen[0]}" if len(frozen) else "")
    return evidence.measured(float(len(frozen)), 0.0, message)


def time_axis(evidence: Evidence) -> Check:
    """Sample k is where the granularity says: at k * dt, at rising times of its own, or at crossings one after the other."""
    of = (evidence.subject(), evidence.stored, evidence.granularity)
    if evidence.granularity.is_section:
        return crossing_times(*of)
    return rising_times(*of) if evidence.granularity.is_irregular else _regular_times(*of)


def _regular_times(subject: Subject, stored: StoredSystem, granularity: StoredGranularity) -> Check:
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


def first_sample(evidence: Evidence) -> Check:
    """A sample at time 0 is the initial state, to the last bit."""
    stored, granularity, summary = evidence.stored, evidence.granularity, evidence.summary
    if granularity.is_irregular:
        return first_sample_at_zero(evidence.subject(), stored, granularity)
    rows = np.flatnonzero(summary.readable & stored.good)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinity, and differs
        wanted = as_stored(stored.initial[rows], stored.system.definition.wrap, str(granularity.state.dtype)).astype(np.float64)
    different = rows[(summary.first[rows] != wanted).any(axis=1)]
    message = "sample 0 is the initial state"
    if len(different):
        message = f"sample 0 differs from `initial` in {len(different)} trajectories, first trajectory {different[0]}"
    return evidence.measured(float(len(different)), 0.0, message)


def drawn_times(evidence: Evidence) -> Check:
    """Times of each trajectory's own are those that its number draws."""
    stored, granularity = evidence.stored, evidence.granularity
    if not rising_times(evidence.subject(), stored, granularity).passed:
        return evidence.failed("not asked of times that are no time axis")
    return times_as_drawn(evidence.subject(), stored, granularity, evidence.recipe_seed)


def is_no_section(evidence: Evidence) -> bool:
    return not evidence.granularity.is_section


AGAIN = "`attractory verify STORE --repair` makes damaged files again; where they agree with their digests, generate the store anew"

RULES = (
    Rule(
        "finite",
        "numbers",
        "granularity",
        promise="Every number of a trajectory that is said to be whole is finite.",
        advice=f"The samples from the one named on are no data: {AGAIN}.",
        run=finite,
    ),
    Rule(
        "dtype",
        "numbers",
        "granularity",
        promise="States are stored in the type that the recipe asks for.",
        advice="Generate the store again from its recipe, or correct the recipe's dtype.",
        run=dtype,
    ),
    Rule(
        "range",
        "numbers",
        "granularity",
        promise="No value lies where no bounded attractor goes.",
        advice=f"A value so far out is damage, or a trajectory that ran away with a status that says OK: {AGAIN}.",
        run=in_range,
        needs="trajectories that do not come to rest one after the other, so that their spread is a scale",
        applies=lambda evidence: evidence.stored.record.behaviour != "transient_chaotic",
        limit=_LARGEST_EXCURSION,
    ),
    Rule(
        "circle",
        "numbers",
        "granularity",
        promise="Every coordinate on a circle lies in its range.",
        advice=f"The entry's `wrap` is not what the states were made with: {AGAIN}.",
        run=circles,
        needs="coordinates on a circle",
    ),
    Rule(
        "moving",
        "numbers",
        "granularity",
        promise="No trajectory of a chaotic system stands still.",
        advice=f"A trajectory that stands still was never advanced, or was overwritten: {AGAIN}.",
        run=moving,
        needs="a system that is annotated as chaotic",
        applies=is_chaotic,
    ),
    Rule(
        "time_axis",
        "numbers",
        "granularity",
        promise="Times are where the granularity says, and rise.",
        advice=f"States are not of the times beside them: {AGAIN}.",
        run=time_axis,
    ),
    Rule(
        "drawn_times",
        "numbers",
        "granularity",
        promise="Times of each trajectory's own are those that the seed draws for its number.",
        advice=f"States are not of the times beside them: {AGAIN}.",
        run=drawn_times,
        needs="times that are drawn",
        applies=lambda evidence: evidence.granularity.is_irregular and not evidence.granularity.is_section,
    ),
    Rule(
        "first_sample",
        "numbers",
        "granularity",
        promise="The sample at time 0 is the initial state, to the last bit.",
        advice=f"The samples or `initial` are of another trajectory, or are shifted: {AGAIN}.",
        run=first_sample,
        needs="a granularity that is no section",
        applies=is_no_section,
    ),
)
