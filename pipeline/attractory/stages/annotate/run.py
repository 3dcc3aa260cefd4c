"""Entries to annotations, on Dask: what is current is kept, what is done is written at once, so that a run that was stopped goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from attractory import catalog
from attractory.catalog.names import is_path
from attractory.catalog.record import SystemRecord
from attractory.errors import AttractoryError, CatalogError, InterruptedRunError
from attractory.expressions.system import System
from attractory.stages.annotate.estimates import Work, estimate_invariants
from attractory.stages.annotate.summary import AnnotateSummary, Annotation, Failure, Measured
from attractory.stages.annotate.written import as_invariant
from attractory.stages.cluster import Workers, run_each, running_client
from attractory.stages.progress import Progress
from attractory.stages.signals import signals_as_errors


@dataclass(frozen=True)
class Task:
    """All that a worker must know to annotate one entry."""

    record: SystemRecord
    work: Work


def annotate(
    names: str | Iterable[str],
    *,
    folder: str | Path | None = None,
    work: Work | None = None,
    again: bool = False,
    workers: int | Workers = 1,
    progress: Progress | None = None,
) -> AnnotateSummary:
    """Computes the invariants of catalog entries and writes each one's `invariants:` as soon as they are there.

    What is written depends on the entry, the seed and the work allowed alone, not on workers, order or interruptions.

    Args:
        names: of systems, or "all"; and the paths of files.
        folder: of the catalog, which is then the only one; None is the packaged one, or the checkout's.
        work: the seed, and the work that a spectrum may take; None is the seed 0 and two counted core minutes.
        again: compute anew what is current too: an entry is current whose annotations are of its present equations.
    Raises:
        CatalogError: there is no such entry.
        InterruptedRunError: a signal; what is written stays, and the same call goes on from there.
    """
    records = selected([names] if isinstance(names, str) else list(names), folder)
    kept = [record for record in records if not again and is_current(record)]
    tasks = {record.name: Task(record, work or Work(seed=0)) for record in hardest_first(records) if record not in kept}
    done: dict[str, Annotation | Failure] = {}
    unexpected: list[Exception] = []
    with signals_as_errors():
        for name, outcome in measured(tasks, workers, progress=progress, kept=len(kept)):
            if isinstance(outcome, Exception) and not isinstance(outcome, AttractoryError):
                unexpected.append(outcome)
            else:
                done[name] = _written(tasks[name].record, outcome)
    if unexpected:  # an error of ours, said when the others are done
        raise unexpected[0]
    held = {record.name: Annotation.kept(record) for record in kept}
    return AnnotateSummary(tuple((held | done)[record.name] for record in records))


def selected(names: list[str], folder: str | Path | None) -> tuple[SystemRecord, ...]:
    """The records that names and paths mean.

    Raises:
        CatalogError: there is no such entry, or one is named twice.
    """
    files = tuple(catalog.read_system(name) for name in names if is_path(name))
    named = [name for name in names if not is_path(name)]
    records = (*files, *(catalog.read_catalog(folder).select(named) if named or not files else ()))
    counted = Counter(record.name for record in records)
    if twice := [name for name, count in counted.items() if count > 1]:
        message = f"names {twice[0]!r} twice: expected each system once"
        raise CatalogError(message)
    return records


def is_current(record: SystemRecord) -> bool:
    """Whether its annotations are of its equations as they are now."""
    return bool(record.invariants) and not record.stale and not record.unsigned


def hardest_first(records: Iterable[SystemRecord]) -> list[SystemRecord]:
    """What takes longest is begun first, so that no worker is left with it at the end: delays, then many variables."""
    return sorted(records, key=lambda record: (record.kind != "delay", record.kind == "map", -(record.dimension or 1_000)))


def measured(
    tasks: Mapping[str, Task], workers: int | Workers, *, progress: Progress | None, kept: int
) -> Iterable[tuple[str, Measured | Exception]]:
    """What each entry comes to, as they are done."""
    total = kept + len(tasks)
    if progress:
        progress(kept, total, f"{kept} current" if kept else "")
    if not tasks:
        return
    for number, (name, outcome) in enumerate(_outcomes(tasks, workers), start=1):
        yield name, outcome
        if progress:
            progress(kept + number, total, name)


def _outcomes(tasks: Mapping[str, Task], workers: int | Workers) -> Iterator[tuple[str, Measured | Exception]]:
    where = workers if isinstance(workers, Workers) else Workers(workers)
    if len(tasks) == 1 and where.are_local:  # here: a cluster takes seconds to start
        ((name, task),) = tasks.items()
        yield name, _tried(task)
        return
    with running_client(where) as client:
        yield from run_each(client, measure_entry, tasks)


def _tried(task: Task) -> Measured | Exception:
    try:
        return measure_entry(task)
    except InterruptedRunError:  # a signal, which is not the entry's fault
        raise
    except AttractoryError as error:
        return error


def measure_entry(task: Task) -> Measured:
    """What a worker does: a pure function of the task, but for the seconds it took."""
    import numba

    numba.set_num_threads(1)  # each worker has one core
    record = task.record
    estimates = estimate_invariants(System.from_record(record), task.work)
    written = {name: as_invariant(estimate, digest=record.digest) for name, estimate in estimates.items()}
    return Measured(written, {name: estimate.seconds for name, estimate in estimates.items()})


def _written(record: SystemRecord, outcome: Measured | Exception) -> Annotation | Failure:
    """Writes one entry; what could not be measured or written is a failure of this entry alone."""
    if isinstance(outcome, Exception):
        return Failure(record.name, record.source.path, str(outcome))
    try:
        catalog.write_invariants(record.source.path, outcome.invariants)
    except CatalogError as error:
        return Failure(record.name, record.source.path, str(error))
    return Annotation(record.name, record.source.path, outcome.invariants, outcome.seconds)
