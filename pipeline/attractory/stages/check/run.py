"""Entries to results, by as many processes as are asked for."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from attractory.catalog import SystemRecord, check_entries
from attractory.errors import CatalogError
from attractory.stages.check.entry import check_entry
from attractory.stages.check.reading import unreadable
from attractory.stages.check.report import Checked, Result
from attractory.stages.progress import Progress

# A process takes a second or two to start: not for fewer entries than these.
ENTRIES_PER_WORKER = 4


def check(paths: Iterable[str | Path] | None = None, *, workers: int = 1, progress: Progress | None = None) -> Checked:
    """What the numbers of catalog entries say; the same for any number of workers.

    Args:
        paths: files or folders; None is the packaged catalog.
        workers: processes; few entries are checked in this one.
    Raises:
        CatalogError: entries cannot be read, or an expression in one; a line for every problem.
    """
    records, problems = check_entries(paths or ())
    unread = [*problems, *(line for record in records for line in unreadable(record))]
    if unread:
        raise CatalogError("\n".join(unread))
    results: dict[int, Result] = {}
    for place, result in _results(records, min(workers, -(-len(records) // ENTRIES_PER_WORKER))):
        results[place] = result
        if progress:
            progress(len(results), len(records), result.name)
    return Checked(tuple(results[place] for place in range(len(records))))


def _results(records: Sequence[SystemRecord], workers: int) -> Iterator[tuple[int, Result]]:
    """(place, result) of each entry as it is done."""
    if workers <= 1:
        yield from ((place, check_entry(record)) for place, record in enumerate(records))
        return
    with _pool(workers) as pool:
        futures = {pool.submit(check_entry, record): place for place, record in enumerate(records)}
        for done in as_completed(futures):
            yield futures[done], done.result()


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    """Processes that are started afresh, since a compiler's state is not to be copied; what waits is dropped where this one is stopped."""
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
