"""Sentences about what drawn trajectories did, against what the entry says."""

from __future__ import annotations

import numpy as np

from attractory.expressions.system import System
from attractory.invariants.estimate import FloatArray
from attractory.layout import Status
from attractory.stages.check.classes import Evidence, Growth
from attractory.stages.check.report import Finding

_BEYOND = 1.0  # of its range: so far beyond it nothing bounded goes


def draws_finding(system: System, count: int, lost: tuple[Status, ...]) -> Finding:
    """At least half of the states that the engine draws last; it draws the others again."""
    if 2 * len(lost) <= count:
        said = f"; {len(lost)} of them were lost" if lost else ""
        return Finding("draws", True, f"{count} states were drawn{said}")
    where = system.record.where("initial")
    message = (
        f"{where}: of {count} trajectories from states drawn around it, or in the basin, {len(lost)} did not last; one {lost[0].sentence}."
    )
    return Finding("draws", False, message + " Choose another initial state, or a smaller basin.")


def behaviour_finding(system: System, found: str | None, said: str) -> Finding:
    where, claim = system.record.where("behaviour"), system.behaviour
    if claim == "unknown":
        return Finding("behaviour", True, f"the entry does not say; found {found or 'nothing sure'}: {said}")
    if found is None:
        return Finding("behaviour", False, f"{where} is {claim}, which could not be confirmed within the budget: {said}.")
    if found != claim:
        return Finding("behaviour", False, f"{where} is {claim}, and the trajectories are {found}: {said}.")
    return Finding("behaviour", True, f"{found}: {said}")


def said(evidence: Evidence, unit: str) -> str:
    """What was found, in words."""
    if evidence.resting.any():
        return f"{int(evidence.resting.sum())} of {len(evidence.resting)} trajectories are at rest"
    if evidence.comes_back:
        return f"all {len(evidence.returning)} trajectories come back after {evidence.returning.min():.4g} {unit}s or more"
    back = "some come back" if np.isfinite(evidence.returning).any() else "they do not come back"
    if evidence.growth is None or not evidence.growth.blocks.shape[2]:
        return back
    volume = f", volumes grow by {evidence.volume.rate:.2g} ± {evidence.volume.error:.1g}" if np.isfinite(evidence.volume.rate) else ""
    return f"{back} and part by {evidence.growth.said()} in a {unit}{volume}, over {evidence.growth.units:.0f} of them"


def alike_finding(system: System, growth: Growth) -> Finding:
    """All drawn trajectories of an attractor do the same; in a chaotic sea there are islands, and a quarter is not on them."""
    regular, count = growth.regular(), len(growth.blocks)
    conservative = system.behaviour == "conservative_chaotic"
    allowed = 3 * count // 4 if conservative else count // 16
    number = int(regular.sum())
    if number <= allowed:
        return Finding("alike", True, f"{count - number} of {count} trajectories are chaotic by themselves")
    where = system.record.where("initial")
    return Finding(
        "alike", False, f"{where}: {number} of {count} trajectories from states drawn around it are regular, the others chaotic."
    )


def bounded_finding(system: System, states: FloatArray, later: FloatArray) -> Finding:
    """No variable that may not grow is later (trajectory, variable) far beyond where states (trajectory, time, variable) were."""
    record = system.record
    low, high = states.min(axis=(0, 1)), states.max(axis=(0, 1))
    beyond = np.maximum(low - later, later - high).max(axis=0, initial=-np.inf) / np.maximum(high - low, 1e-6 * (1 + np.abs(high)))
    gone = [name for name, much in zip(system.variables, beyond, strict=True) if much > _BEYOND and name not in growing(system)]
    if not gone:
        return Finding("bounded", True, "no variable grows" + (f" but {', '.join(record.unbounded)}" if record.unbounded else ""))
    message = f"{record.where('equations')}: {', '.join(gone)} went on growing. Name what grows without bound under `unbounded`."
    return Finding("bounded", False, message)


def growing(system: System) -> frozenset[str]:
    """The variables that may grow without bound: under `unbounded`, and the coordinates on a circle."""
    named = system.record.unbounded
    return frozenset(name for name in system.variables if name in named or name.rstrip("0123456789") in named) | frozenset(system.ranges)
