"""`attractory annotate`: invariants are computed from a system's equations and written into its entry."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import attractory
from attractory import catalog
from attractory.catalog.names import is_path
from attractory.catalog.record import SystemRecord
from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.invariants import Estimate, kaplan_yorke_dimension, ks_entropy, lyapunov_spectrum, mean_divergence
from attractory.invariants.estimate import Setting
from attractory.invariants.lyapunov_spectrum import MOST_OF_DELAYS, Effort, Targets
from attractory.stages.progress import Progress

# Of one spectrum, counted and not measured: it wins over the errors that `Targets` ask.
CORE_SECONDS = 120.0
# A flow whose run ends within fewer periods than this is stiff: of its exponents, as many of the leading ones are measured as let a run go
# through _ENOUGH periods within the budget, as a _TRIAL-th of it tells; the leading one in any case.
_PERIODS, _ENOUGH, _TRIAL, _STIFF_TRAJECTORIES = 8.0, 200.0, 20.0, 16
# A system with more variables gets so many of its leading exponents: the cost grows with the square of their number.
MOST_EXPONENTS = 64
DELAY_EXPONENTS = 6  # of infinitely many, at first: twice as many as long as their sum is positive


@dataclass(frozen=True)
class Annotation:
    """What was written into one entry."""

    system: str
    path: str
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True)
class AnnotateSummary:
    """The outcome of `annotate`, in the order in which the systems were done."""

    annotations: tuple[Annotation, ...]

    def document(self) -> dict[str, Any]:
        """For `--json`: system -> quantity -> value, error, method and settings."""
        return {item.system: {name: as_invariant(estimate) for name, estimate in item.estimates.items()} for item in self.annotations}

    def lines(self) -> list[str]:
        """For a terminal."""
        lines = []
        for item in self.annotations:
            lines.append(f"{item.system}: written to {item.path}")
            for name, estimate in item.estimates.items():
                unreached = "" if estimate.settings.get("reached", True) else "; the wanted error was not reached within the budget"
                lines.append(f"  {name.replace('_', ' ')}: {estimate} ({estimate.seconds:.1f} s{unreached})")
        return lines


def annotate(
    names: str | Iterable[str], *, folder: str | Path | None = None, seed: int = 0, progress: Progress | None = None
) -> AnnotateSummary:
    """Computes the invariants of catalog entries and writes each one's `invariants:`, one entry after the other.

    Args:
        names: of systems, or "all"; and the paths of files.
        folder: of the catalog, which is then the only one; None is the packaged one, or the checkout's.
    Raises:
        CatalogError: there is no such entry, or it cannot be written.
        IntegrationError: a system has no bounded trajectory; the entries before it are written.
    """
    records = _records([names] if isinstance(names, str) else list(names), folder)
    done = []
    for number, record in enumerate(records):
        if progress:
            progress(number, len(records), record.name)
        done.append(annotated(record, seed=seed))
    if progress:
        progress(len(records), len(records), "")
    return AnnotateSummary(tuple(done))


def _records(names: list[str], folder: str | Path | None) -> tuple[SystemRecord, ...]:
    files = tuple(catalog.read_system(name) for name in names if is_path(name))
    named = [name for name in names if not is_path(name)]
    return (*files, *(catalog.read_catalog(folder).select(named) if named or not files else ()))


def annotated(record: SystemRecord, *, seed: int) -> Annotation:
    """Writes the invariants of one entry."""
    estimates = estimate_invariants(System.from_record(record), seed=seed)
    catalog.write_invariants(record.source.path, {name: as_invariant(estimate) for name, estimate in estimates.items()})
    return Annotation(record.name, record.source.path, estimates)


def estimate_invariants(
    system: System, *, seed: int, targets: Targets | None = None, core_seconds: float = CORE_SECONDS
) -> dict[str, Estimate]:
    """Quantity -> estimate; dimension and entropy are left out where they need more exponents than were computed."""
    spectrum = _spectrum(system, seed=seed, targets=targets or Targets(), core_seconds=core_seconds)
    estimates = {"lyapunov_spectrum": spectrum}
    for name, computed in (("kaplan_yorke_dimension", kaplan_yorke_dimension), ("ks_entropy", ks_entropy)):
        with suppress(RequestError):  # the sum of the exponents, or the last of them, is still positive
            estimates[name] = computed(spectrum, seed=seed)
    if system.kind == "delay":  # volumes in a space of functions have no divergence
        return estimates
    return estimates | {"mean_divergence": mean_divergence(system, seed=seed)}


def _spectrum(system: System, *, seed: int, targets: Targets, core_seconds: float) -> Estimate:
    exponents, effort = _affordable(system, core_seconds)
    found = lyapunov_spectrum(system, seed=seed, standard_error=targets, exponents=exponents, effort=effort)
    if system.kind == "flow" and float(found.settings["duration"]) < _PERIODS * (system.period or 0.0):  # type: ignore[arg-type]
        effort = replace(effort, trajectories=_STIFF_TRAJECTORIES)
        exponents = _slow_ones(system, exponents, effort)
        return lyapunov_spectrum(system, seed=seed, standard_error=targets, exponents=exponents, effort=effort)
    while system.kind == "delay" and found.value.sum() > 0.0 and 2 * exponents <= MOST_OF_DELAYS:
        exponents *= 2
        found = lyapunov_spectrum(system, seed=seed, standard_error=targets, exponents=exponents, effort=effort)
    return found


def _affordable(system: System, core_seconds: float) -> tuple[int, Effort]:
    """How many exponents of how many trajectories. The work of delay systems is not counted: theirs is a time."""
    if system.kind == "delay":
        return DELAY_EXPONENTS, Effort(trajectories=32, budget=2000.0 * (system.period or 1.0))
    exponents = min(system.dimension, MOST_EXPONENTS)
    return exponents, Effort(trajectories=128 if system.dimension <= 6 else 16, core_seconds=core_seconds)


def _slow_ones(system: System, exponents: int, effort: Effort) -> int:
    """Exponents of a stiff flow that the budget allows: each that contracts faster asks for shorter intervals."""
    trial = replace(effort, core_seconds=(effort.core_seconds or CORE_SECONDS) / _TRIAL)
    wanted = _ENOUGH * (system.period or 1.0) / _TRIAL
    while exponents > 1:
        found = lyapunov_spectrum(system, standard_error=Targets(leading=0.0, least=0.0), exponents=exponents, effort=trial)
        if float(found.settings["duration"]) >= wanted:  # type: ignore[arg-type]
            break
        exponents -= 1
    return exponents


def as_invariant(estimate: Estimate) -> dict[str, Any]:
    """The mapping that an entry holds: digits beyond the error are left away."""
    pairs = [_rounded(value, error) for value, error in zip(np.ravel(estimate.value), np.ravel(estimate.standard_error), strict=True)]
    values, errors = [value for value, _ in pairs], [error for _, error in pairs]
    single = estimate.value.ndim == 0
    return {
        "value": values[0] if single else values,
        "standard_error": errors[0] if single else errors,
        "method": estimate.method,
        "settings": {name: _short(setting) for name, setting in estimate.settings.items()},
        "computed_with": f"attractory {attractory.__version__}",
    }


def _rounded(value: float, error: float) -> tuple[float, float]:
    """Value and error to the second digit of the error; twelve digits of the value where the error is far below."""
    if not (math.isfinite(error) and error > 0.0):
        return float(f"{value:.12g}"), float(error)
    digits = 1 - math.floor(math.log10(error))
    return float(f"{round(value, digits):.12g}"), float(f"{error:.2g}")


def _short(setting: Setting) -> Setting | list[float]:
    if isinstance(setting, tuple):
        return [float(f"{one:.3g}") for one in setting]
    return float(f"{setting:.6g}") if isinstance(setting, float) else setting
