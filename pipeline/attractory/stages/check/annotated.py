"""The annotated leading exponent against the one that the check finds: a check of the annotation, which is no part of the proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from attractory.catalog.record import Invariant
from attractory.errors import IntegrationError
from attractory.expressions.system import System
from attractory.invariants.lyapunov_spectrum import Effort, measure_growth
from attractory.stages.check.classes import Growth
from attractory.stages.check.ensemble import SEED
from attractory.stages.check.report import Finding

_ERRORS, _SYSTEMATIC = 5.0, 0.1
_TRAJECTORIES, _CORE_SECONDS = 16, 10.0  # of the second look, counted as `Effort.core_seconds` is


def annotated_findings(system: System, growth: Growth, unit: float) -> Iterator[Finding]:
    """The annotated leading exponent agrees with the growth that was found, whose rates are of one `unit` of time; or, where trajectories
    linger in another chaos first, with the growth later in a run of the annotation's length."""
    annotated = system.invariants.get("lyapunov_spectrum")
    if annotated is None or "lyapunov_spectrum" in system.record.stale:
        return
    value, error = float(np.ravel(annotated.value)[0]), float(np.ravel(annotated.standard_error or 0.0)[0])
    found = float(growth.rates[0]) / unit, float(growth.errors[0]) / unit
    said, kept = f"the leading exponent is {_number(found)}", _agrees(found, value, error)
    later = None if kept else _later(system, annotated)
    if later is not None:
        said, kept = f"{said} at first and {_number(later)} later", _agrees(later, value, error)
    said = f"{said}, annotated {value:.4g} ± {error:.1g}"
    where = system.record.where("invariants.lyapunov_spectrum")
    again = f"{where}: {said}. Where the equations have changed: attractory annotate {system.name}"
    yield Finding("annotated", kept, said if kept else again)


def _number(found: tuple[float, float]) -> str:
    return f"{found[0]:.3g} ± {found[1]:.1g}"


def _agrees(found: tuple[float, float], value: float, error: float) -> bool:
    return abs(found[0] - value) <= _ERRORS * float(np.hypot(error, found[1])) + _SYSTEMATIC * abs(value)


def _later(system: System, annotated: Invariant) -> tuple[float, float] | None:
    """(exponent, error) of the second half of a run as long as the annotated one, of bounded work; None where that cannot be had."""
    duration = annotated.settings.get("duration")
    if system.kind == "delay" or not isinstance(duration, int | float) or not duration > 0.0:
        return None
    effort = Effort(trajectories=_TRAJECTORIES, budget=float(duration), core_seconds=_CORE_SECONDS)
    try:
        run = measure_growth(system, 1, seed=SEED, enough=lambda _: False, effort=effort)
    except IntegrationError:
        return None
    half = replace(run, growth=run.growth[:, run.growth.shape[1] // 2 :])
    return float(half.value[0]), float(half.errors[0])
