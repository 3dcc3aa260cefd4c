"""`attractory annotate`: invariants are computed from a system's equations and written into its entry."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import attractory
from attractory import catalog
from attractory.catalog.names import is_path
from attractory.catalog.record import SystemRecord
from attractory.errors import RequestError
from attractory.expressions.system import System
from attractory.integrate import integrate
from attractory.invariants import Estimate, kaplan_yorke_dimension, lyapunov_spectrum, mean_divergence
from attractory.invariants.lyapunov_spectrum import Effort
from attractory.stages.progress import Progress

# Wanted error of each exponent, in 1 / period (maps: 1 / iterate): some 0.1 % of the exponent of a system that forgets in a period.
WANTED_PER_PERIOD = 1e-3
# A system with more variables gets so many of its leading exponents: the cost grows with the square of their number.
MOST_EXPONENTS = 64
DELAY_EXPONENTS = 6  # of infinitely many
# More steps a period than this, or one by the method for stiff flows, and the flow is stiff: tangent vectors would take hours.
STIFF_STEPS = 20_000


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
        RequestError: a flow is stiff; the entries of all others are written.
        IntegrationError: a system has no bounded trajectory; the entries before it are written.
    """
    records = _records([names] if isinstance(names, str) else list(names), folder)
    done, refused = [], []
    for number, record in enumerate(records):
        if progress:
            progress(number, len(records), record.name)
        try:
            done.append(annotated(record, seed=seed))
        except RequestError as error:
            refused.append(str(error))
    if progress:
        progress(len(records), len(records), "")
    if refused:
        raise RequestError("\n".join(refused))
    return AnnotateSummary(tuple(done))


def _records(names: list[str], folder: str | Path | None) -> tuple[SystemRecord, ...]:
    files = tuple(catalog.read_system(name) for name in names if is_path(name))
    named = [name for name in names if not is_path(name)]
    return (*files, *(catalog.read_catalog(folder).select(named) if named or not files else ()))


def annotated(record: SystemRecord, *, seed: int) -> Annotation:
    """Writes the invariants of one entry.

    Raises:
        RequestError: the flow is stiff; its entry stays as it is.
    """
    steps, stiff = _steps_per_period(System.from_record(record))
    if stiff or steps > STIFF_STEPS:
        where = f"{record.where()}: {record.name}"
        message = f"{where} is stiff ({steps:,} steps a period): this version cannot compute its invariants. Leave it out."
        raise RequestError(message)
    estimates = estimate_invariants(System.from_record(record), seed=seed)
    catalog.write_invariants(record.source.path, {name: as_invariant(estimate) for name, estimate in estimates.items()})
    return Annotation(record.name, record.source.path, estimates)


def estimate_invariants(system: System, *, seed: int, wanted_per_period: float = WANTED_PER_PERIOD) -> dict[str, Estimate]:
    """Quantity -> estimate; the Kaplan-Yorke dimension is left out where it needs more exponents than were computed."""
    exponents, effort = _affordable(system)
    wanted = wanted_per_period / (system.period or 1.0)
    spectrum = lyapunov_spectrum(system, seed=seed, standard_error=wanted, exponents=exponents, effort=effort)
    estimates = {"lyapunov_spectrum": spectrum}
    with suppress(RequestError):  # the sum of the exponents that were computed never turns negative
        estimates["kaplan_yorke_dimension"] = kaplan_yorke_dimension(spectrum)
    if system.kind == "delay":  # volumes in a space of functions have no divergence
        return estimates
    return estimates | {"mean_divergence": mean_divergence(system, seed=seed)}


def _affordable(system: System) -> tuple[int, Effort]:
    """How many exponents of how many trajectories: a minute or so for one core."""
    if system.kind == "delay":
        return DELAY_EXPONENTS, Effort(trajectories=32, budget=2000.0 * (system.period or 1.0))
    if system.dimension <= 6:
        return system.dimension, Effort(trajectories=128)
    return min(system.dimension, MOST_EXPONENTS), Effort(trajectories=16, budget=400.0 * (system.period or 1.0))


def _steps_per_period(system: System) -> tuple[int, int]:
    """(all steps, those by the method for stiff flows)."""
    if system.kind != "flow":
        return 0, 0
    made = integrate(system, initial=system.initial, samples=2, dt=system.period or 1.0, tolerance=1e-9)
    return int(made.steps.sum()), int(made.stiff_steps.sum())


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


def _short(setting: float | int | str | bool) -> float | int | str | bool:
    return float(f"{setting:.6g}") if isinstance(setting, float) else setting
