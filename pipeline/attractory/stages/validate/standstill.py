"""Checks for samples that stay the same where the stated equations move: repeated samples, a frozen variable, values that were clipped.

Two equal numbers prove nothing by themselves: near a fixed point, or on the flat part of a relaxation, a state may move by less than a
rounding. So each run of equal samples is put to the equations, which say how far the next one had to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from attractory.errors import DamageError
from attractory.expressions.evaluate import evaluate
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Evidence, Rule
from attractory.stages.validate.stored import FloatArray

Kind = Literal["repeated", "frozen", "clipped"]

# A variable that does not move over three samples, a state over two: one equal pair of a single variable is its turning point.
_SHORTEST_OF_VARIABLE, _SHORTEST_OF_STATE = 3, 2
# What the equations move it by, to be called a contradiction: in roundings of its value, and as part of the spread.
_ROUNDINGS, _PART = 16.0, 1e-4
# Runs put to the equations, the longest first, and samples of each.
_RUNS, _SAMPLES = 64, 16
# Samples a period below which a flow may come back to the same value, as one that is looked at once in each period of its drive does.
_SAMPLES_PER_PERIOD = 6.0


@dataclass(frozen=True)
class Run:
    """Equal samples that the equations contradict: of one variable, or of the whole state (variable is None)."""

    trajectory: int
    begin: int
    length: int
    variable: int | None
    value: float


def runs(evidence: Evidence) -> list[tuple[Kind, Run]]:
    """Every contradicted run that was looked at, and what it is called."""
    stored, summary = evidence.stored, evidence.summary
    good = stored.good & summary.readable & (summary.finite > 1)
    found: list[tuple[Kind, Run]] = []
    order = np.argsort(-summary.still, kind="stable")
    for row in order[(good & (summary.still >= _SHORTEST_OF_STATE))[order]][:_RUNS]:
        run = Run(int(row), int(summary.still_at[row]), int(summary.still[row]), None, np.nan)
        if _contradicted(evidence, run):
            found.append(("repeated", run))
    candidates = np.argwhere(good[:, None] & (summary.held >= _SHORTEST_OF_VARIABLE) & (summary.held > summary.still[:, None]))
    lengths = summary.held[candidates[:, 0], candidates[:, 1]]
    for row, variable in candidates[np.argsort(-lengths, kind="stable")][:_RUNS]:
        begin, length = int(summary.held_at[row, variable]), int(summary.held[row, variable])
        value = _values(evidence, int(row), slice(begin, begin + 1))[0, variable]
        run = Run(int(row), begin, length, int(variable), float(value))
        if _contradicted(evidence, run):
            at_end = value in (summary.lowest[row, variable], summary.highest[row, variable])
            found.append(("clipped" if at_end and length < summary.finite[row] else "frozen", run))
    return found


def _values(evidence: Evidence, row: int, samples: slice) -> FloatArray:
    try:
        return evidence.granularity.read(row, samples).astype(np.float64)
    except DamageError:  # the rule `finite` tells of it
        return np.full((max(samples.stop - samples.start, 1), evidence.stored.system.dimension), np.nan)


def _contradicted(evidence: Evidence, run: Run) -> bool:
    """Whether the equations move, by more than rounding, what the run holds still."""
    stored, granularity = evidence.stored, evidence.granularity
    first = run.begin + (run.variable is not None)  # of a variable: samples whose two neighbours are equal to them
    last = run.begin + run.length - 1
    samples = np.unique(np.linspace(first, last - 1, _SAMPLES).astype(int)) if last > first else np.array([first])
    states = _values(evidence, run.trajectory, slice(int(samples[0]), int(samples[-1]) + 1))[samples - samples[0]]
    parameters = np.tile(stored.parameters[run.trajectory], (len(states), 1))
    times = stored.start_time[run.trajectory] + granularity.dt * samples
    definition = stored.system.definition
    with np.errstate(all="ignore"):
        rates = evaluate(definition.graph, definition.roots, states, parameters, times)
    change = np.abs(rates - states) if definition.kind == "map" else np.abs(rates) * granularity.dt
    rounding = _ROUNDINGS * float(np.finfo(granularity.state.dtype).eps) * np.abs(states)
    contradicted = change > np.maximum(rounding, _PART * evidence.summary.spread)
    return bool((contradicted.any(axis=1) if run.variable is None else contradicted[:, run.variable]).any())


def can_be_asked(evidence: Evidence) -> bool:
    """Of regular samples close together: a map's every iterate, a flow several times a period."""
    stored, granularity = evidence.stored, evidence.granularity
    if granularity.is_irregular or stored.record.kind == "delay":
        return False
    if stored.record.kind == "map":
        return granularity.dt == 1.0
    return stored.system.period is None or granularity.dt * _SAMPLES_PER_PERIOD <= stored.system.period


def _verdict(evidence: Evidence, kind: Kind, said: str) -> Check:
    own = [run for name, run in runs(evidence) if name == kind]
    message = "no run of equal samples that the equations contradict"
    if own:
        run = own[0]
        what = "the whole state" if run.variable is None else f"{evidence.stored.system.variables[run.variable]} = {run.value:.6g}"
        rows = len({one.trajectory for one in own})
        message = (
            f"{what} {said} for {run.length} samples of trajectory {run.trajectory}, from sample {run.begin}, where the equations move it; "
            f"{rows} of the trajectories looked at do so"
        )
    return evidence.measured(float(len(own)), 0.0, message)


_AGAIN = "generate the store again from its recipe, or correct whatever changed the samples afterwards"
_NEEDS = "regular samples, at least six a period; maps: every iterate"

RULES = (
    Rule(
        "repeated_samples",
        "numbers",
        "granularity",
        promise="No state is repeated where the equations move on.",
        advice=f"Samples were repeated, as a reader does that fills gaps: {_AGAIN}.",
        run=lambda evidence: _verdict(evidence, "repeated", "stays the same"),
        needs=_NEEDS,
        applies=can_be_asked,
    ),
    Rule(
        "frozen_variable",
        "numbers",
        "granularity",
        promise="No variable stands still where the equations move it.",
        advice=f"A column was overwritten or never filled: {_AGAIN}.",
        run=lambda evidence: _verdict(evidence, "frozen", "stands still"),
        needs=_NEEDS,
        applies=can_be_asked,
    ),
    Rule(
        "clipped",
        "numbers",
        "granularity",
        promise="No variable lies at its extreme value where the equations carry it beyond.",
        advice=f"Values were cut off at a limit: {_AGAIN}.",
        run=lambda evidence: _verdict(evidence, "clipped", "is cut off"),
        needs=_NEEDS,
        applies=can_be_asked,
    ),
)
