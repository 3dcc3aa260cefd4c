"""The period that an entry states, against the mean time between maxima."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from attractory.expressions.system import System
from attractory.invariants.estimate import FloatArray
from attractory.stages.check.report import Finding

_DEFINED = re.compile(r"mean time between (maxima|minima) of ([A-Za-z][A-Za-z0-9_]*)$")
# Where the entry says which maxima it means, and where it means something else: 15 % is what rounding and another sample make.
AS_DEFINED, OTHERWISE = 1.15, 4.0


def time_between_maxima(states: FloatArray, dt: float) -> FloatArray:
    """(variable,) the mean time from one maximum to the next in samples (trajectory, time, variable); infinite where there are too few."""
    inner = (states[:, 1:-1] > states[:, :-2]) & (states[:, 1:-1] >= states[:, 2:])
    first = inner.argmax(axis=1)
    last = inner.shape[1] - 1 - inner[:, ::-1].argmax(axis=1)
    gaps = np.maximum(inner.sum(axis=1) - 1, 0).sum(axis=0)
    length = np.where(inner.any(axis=1), last - first, 0).sum(axis=0)
    return np.asarray(np.where(gaps > 0, dt * length / np.maximum(gaps, 1), np.inf))


def period_finding(system: System, states: FloatArray, dt: float) -> Iterator[Finding]:
    """Whether the stated period is what it says, from samples (trajectory, time, variable) at equal steps."""
    record, timescale = system.record, system.record.timescale
    if timescale is None:
        return
    found = _DEFINED.match(timescale.definition)
    if found and found[2] in system.variables:
        measured = time_between_maxima(-states if found[1] == "minima" else states, dt)[system.variables.index(found[2])]
        factor, said = AS_DEFINED, f"the mean time between {found[1]} of {found[2]} is {measured:.4g}"
        lowest = highest = float(measured)
    else:
        measured = time_between_maxima(states, dt)
        measured = measured[np.isfinite(measured)]
        lowest, highest = (float(measured.min()), float(measured.max())) if measured.size else (np.inf, np.inf)
        factor, said = OTHERWISE, f"mean times between maxima are {lowest:.4g} to {highest:.4g}"
    kept = bool(lowest / factor <= timescale.period <= highest * factor) and np.isfinite(lowest)
    where = record.where("timescale.period")
    wrong = f"{where} is {timescale.period:g}, and {said}; expected a factor of {factor:g} between them at most."
    yield Finding("period", kept, said if kept else wrong)
