"""`attractory annotate --check`: annotations computed anew with another seed, and compared; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attractory.catalog.record import Invariant, SystemRecord
from attractory.errors import AttractoryError
from attractory.stages.annotate.estimates import CORE_SECONDS, Work
from attractory.stages.annotate.run import Task, hardest_first, measured, selected
from attractory.stages.annotate.summary import Comparison, Measured, Recheck, RecheckSummary
from attractory.stages.cluster import Workers
from attractory.stages.progress import Progress
from attractory.stages.signals import signals_as_errors

LIMIT = 4.0  # combined standard errors
# Of the largest number of a quantity: what an integration at a tolerance of 1e-9, and twelve written digits, leave uncertain in any case.
ROUNDING = 1.0e-9


def check_annotations(
    names: str | Iterable[str],
    *,
    folder: str | Path | None = None,
    seed: int | None = None,
    core_seconds: float = CORE_SECONDS,
    workers: int | Workers = 1,
    progress: Progress | None = None,
) -> RecheckSummary:
    """Every annotated number beside the same of another seed; they differ by at most LIMIT combined standard errors.

    Args:
        seed: None is the annotation's own plus one, also where that is the one given.
    Raises:
        CatalogError: there is no such entry.
    """
    records = selected([names] if isinstance(names, str) else list(names), folder)
    problems = {record.name: problem for record in records if (problem := _problem(record))}
    tasks = {
        record.name: Task(record, Work(_other_seed(record, seed), core_seconds=core_seconds))
        for record in hardest_first(records)
        if record.name not in problems
    }
    found: dict[str, Recheck] = {name: Recheck(name, problem=problem) for name, problem in problems.items()}
    with signals_as_errors():
        for name, outcome in measured(tasks, workers, progress=progress, kept=len(problems)):
            found[name] = _compared(tasks[name].record, outcome)
    return RecheckSummary(tuple(found[record.name] for record in records), LIMIT)


def _problem(record: SystemRecord) -> str | None:
    """Why there is nothing to compare."""
    if not record.invariants:
        return f"has no annotations. Make them: attractory annotate {record.name}"
    if record.stale:
        of = "computed from other equations than the entry has now"
        return f"{', '.join(record.stale)}: {of}. Make them anew: attractory annotate {record.name}"
    return None


def _other_seed(record: SystemRecord, seed: int | None) -> int:
    held = {int(item.settings.get("seed", 0)) for item in record.invariants.values()}
    return seed if seed is not None and seed not in held else max(held) + 1


def _compared(record: SystemRecord, outcome: Measured | Exception) -> Recheck:
    """Raises whatever is no mistake of a user."""
    if isinstance(outcome, AttractoryError):
        return Recheck(record.name, problem=str(outcome))
    if isinstance(outcome, Exception):
        raise outcome
    missing = [name for name in record.invariants if name not in outcome.invariants]
    if missing:
        return Recheck(record.name, problem=f"{', '.join(missing)}: annotated, and could not be measured with another seed")
    comparisons = [line for name, item in record.invariants.items() for line in _numbers(name, item, outcome.invariants)]
    return Recheck(record.name, tuple(comparisons))


def _numbers(name: str, item: Invariant, found: Mapping[str, Mapping[str, Any]]) -> Iterator[Comparison]:
    """A comparison for each number that both have: a stiff spectrum may have more exponents for one seed than for another."""
    held, held_errors = np.ravel(item.value), np.ravel(item.standard_error if item.standard_error is not None else 0.0)
    value, errors = np.ravel(found[name]["value"]), np.ravel(found[name]["standard_error"])
    rounding = ROUNDING * max(float(np.abs(held).max()), 1.0)
    for place, (a, da, b, db) in enumerate(zip(held, held_errors, value, errors, strict=False)):
        difference = abs(float(a) - float(b)) / (float(np.hypot(da, db)) + rounding)
        label = f"{name}[{place}]" if len(held) > 1 else name
        yield Comparison(label, float(a), float(da), float(b), float(db), difference, bool(difference <= LIMIT))
