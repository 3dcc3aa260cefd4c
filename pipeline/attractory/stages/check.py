"""`attractory check`: catalog entries can be read, and each system moves from its initial state as its entry says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attractory.catalog import SystemRecord, check_entries
from attractory.errors import AttractoryError, CatalogError
from attractory.expressions import System
from attractory.expressions.check import circle_failures
from attractory.expressions.definition import Model
from attractory.layout import Status
from attractory.stages.progress import Progress

PERIODS = 20
ITERATES = 1000
SAMPLES = 201
UNTIMED = 20.0  # time units, for a flow without a period
# A conserved quantity keeps 12 digits over 20 periods at the default tolerance; a wrong term loses them all within one.
DRIFT = 1e-9


@dataclass(frozen=True)
class Checked:
    """Entries that can be read, and a sentence for each that fails as numbers."""

    systems: tuple[str, ...]
    failures: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {"systems": list(self.systems), "failures": list(self.failures)}

    def lines(self) -> list[str]:
        return [*self.failures, f"{len(self.systems)} systems checked, {len(self.failures)} problems"]


def check(paths: Iterable[str | Path] | None = None, *, progress: Progress | None = None) -> Checked:
    """What the numbers of catalog entries say.

    Args:
        paths: files or folders; None is the packaged catalog.
    Raises:
        CatalogError: entries cannot be read, or an expression in one; a line for every problem.
    """
    records, problems = check_entries(paths or ())
    systems = [System.from_record(record) for record in records]
    unread = [*problems, *(line for record in records for line in _unreadable(record))]
    if unread:
        raise CatalogError("\n".join(unread))
    failures: list[str] = []
    for done, system in enumerate(systems):
        if progress:
            progress(done, len(systems), system.name)
        failures += _numerical(system)
    if progress:
        progress(len(systems), len(systems), "")
    return Checked(tuple(system.name for system in systems), tuple(failures))


def _unreadable(record: SystemRecord) -> Iterator[str]:
    """A sentence for every expression of the entry and of its variants that cannot be read."""
    for variant in (None, *record.variants):
        try:
            _read(record if variant is None else record.variant(variant))
        except AttractoryError as error:
            yield from str(error).splitlines()


def _read(record: SystemRecord) -> None:
    system = System.from_record(record)
    system.conserved_quantities(system.initial)  # reads every expression of the entry that a trajectory depends on
    model = Model(record)
    for number, text in enumerate(record.avoid):
        model.number(f"avoid.{number}", text)


def _numerical(system: System) -> Iterator[str]:
    """A sentence for each promise of the entry that its numbers break."""
    from attractory.integrate import integrate  # here: what cannot be read is refused before a compiler is loaded

    record = system.record
    rates = system.initial if system.kind == "delay" else system.rhs(system.initial)  # of a delay system, checked as it was read
    unfit = [name for name, value in zip(system.variables, rates, strict=True) if not np.isfinite(value)]
    if unfit:
        yield f"{record.where('initial')}: the equations of {', '.join(unfit)} are not finite there. Choose another initial state."
        return
    yield from circle_failures(record)
    try:
        start = {"transient": 0.0} if system.kind == "delay" else {"initial": system.initial}
        made = integrate(system, **start, **_span(system))
    except AttractoryError as error:
        yield f"{record.where('equations')}: {error}"
        return
    status = Status(int(made["status"].values[0]))
    if status is not Status.OK:
        yield f"{record.where('initial')}: the trajectory from here {status.sentence}. Check the equations and the initial state."
        return
    yield from _drifts(record, system.conserved_quantities(made["state"].values[0], made["time"].values))


def _span(system: System) -> dict[str, Any]:
    if system.kind == "map":
        return {"samples": ITERATES}
    duration = PERIODS * system.period if system.period is not None else UNTIMED
    return {"samples": SAMPLES, "dt": duration / (SAMPLES - 1)}


def _drifts(record: SystemRecord, quantities: dict[str, Any]) -> Iterator[str]:
    for name, values in quantities.items():
        drift = float(np.abs(values - values[0]).max() / (1 + abs(values[0])))
        if not drift <= DRIFT:
            where = record.where(f"conserved.{name}")
            yield f"{where} changes by {drift:.1e} of itself over {PERIODS} periods, more than {DRIFT:.0e}: the equations do not keep it."
