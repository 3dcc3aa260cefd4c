"""`attractory generate --array K/N`: a fixed slice of a recipe's blocks, made in this process, beside any number of other slices.

Slices meet in the store alone, which may lie on a shared file system or in an object store, and nothing that decides a byte hangs on a
lock: whoever begins or finishes the store writes the same bytes as anybody else would, file by file, each of them whole. Locks, or leases
in an object store, keep a run of the whole recipe away and let one slice finish at a time, where the file system has them.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from attractory import layout
from attractory.errors import RequestError
from attractory.integrate import integrate_block
from attractory.stages.generate import Job, agreed_root, found, planned_job, redraws
from attractory.stages.located import LocatedRecipe, read_recipe
from attractory.stages.losses import Loss, ends_the_run, lost, reason_of
from attractory.stages.pace import Pace
from attractory.stages.place import check_place, disk_errors
from attractory.stages.plan import check_memory
from attractory.stages.progress import Progress, silent
from attractory.stages.run_record import add_runs, keep_run, kept_runs, run_document
from attractory.stages.signals import signals_as_errors
from attractory.stages.summary import GenerateSummary, SlicePlace, Tally
from attractory.stages.task import BlockReport, Produce, run_block
from attractory.store import Block, BlockRow, StorePlan, create, declared, done_rows, in_turn, is_finished, shared, strangers
from attractory.store.begun import is_damaged_root, mend_root
from attractory.store.files import RUN_FOLDER, Place, place_of
from attractory.store.finish import seal, sweep
from attractory.store.objects import ObjectPath
from attractory.store.state import root_document

_BEGINNING = "beginning"  # the mark of the slice that writes the template, in an object store
_FORM = re.compile(r"(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True)
class Slice:
    """Slice `number` of `count`, counted from 1: every `count`-th block, so that a slow system is spread over all slices."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def blocks(self, plan: StorePlan) -> Iterator[Block]:
        return islice(plan.blocks(), self.number - 1, None, self.count)


def read_slice(text: str) -> Slice:
    """The slice that `17/200` means.

    Raises:
        RequestError: it is no slice, or not one of that many.
    """
    form = _FORM.fullmatch(text.strip())
    if form is None:
        message = f"--array: found {text!r}, expected K/N, such as 17/200: slice 17 of 200."
        raise RequestError(message)
    number, count = int(form[1]), int(form[2])
    if not 1 <= number <= count:
        last = f"from 1 to {count}" if count else "from 1, and there is at least one"
        message = f"--array: found {text.strip()}, but slices count {last}. In a job array: sbatch --array=1-{count or 200}"
        raise RequestError(message)
    return Slice(number, count)


def generate_slice(
    recipe: str | Path | LocatedRecipe,
    part: Slice,
    *,
    out: str | Path | ObjectPath | None = None,
    progress: Progress | None = None,
    produce: Produce = integrate_block,
) -> GenerateSummary:
    """The slice's blocks, made by this process; and a finished store where they were the last ones. Always resumes.

    Args:
        recipe, out, produce: as of `generate`.
    Raises:
        RecipeError, CatalogError, RequestError: the request is wrong, or a run of the whole recipe writes the store, or its server ignores
            the condition that keeps writers apart.
        InterruptedRunError: a signal or a full disk; what is done is kept.
        IncompleteRunError: some blocks failed; all others of the slice are kept.
    """
    located = read_recipe(recipe)
    job = planned_job(located, _place(out) if out is not None else located.store, produce)
    with disk_errors(job.store):
        root = agreed_root(job)
        if root is not None and is_finished(root):
            sweep(job.store)
            return _placed(found(job), job, part)
        check_memory(located, job.plan)
        if root is None:
            check_place(job.store, job.plan)
        with signals_as_errors(), shared(job.store, announce=lambda sentence: (progress or silent)(0, 0, sentence)):
            _begin(job)
            summary = _run(job, part, progress or silent)
        if summary.place is not None and summary.place.finished:
            sweep(job.store)  # the last of several that end together, as each holds its own lock until then
        return summary


def _place(out: str | Path | ObjectPath) -> Place:
    """Where slices write: in an object store, a row that is there stays."""
    place = place_of(out)
    return replace(place, keeps_rows=True) if isinstance(place, ObjectPath) else place


def _begin(job: Job) -> None:
    """Write the template, unless another slice has; mend the root's document, where that is damaged."""
    if is_damaged_root(job.store, job.plan):
        with in_turn(job.store):
            mend_root(job.store, job.plan)
    if root_document(job.store) is not None:
        return
    if isinstance(job.store, ObjectPath):
        _create(job)
        return
    with in_turn(job.store):
        _create(job)


def _create(job: Job) -> None:
    """Write the template, unless another slice has. What a killed run of another recipe left is no slice's to delete.

    Nothing of a slice is there before the root's document is, so that what is listed first, and is not of the template, is a stranger's
    where there is no root afterwards.
    """
    unknown = strangers(job.store, job.plan)
    if agreed_root(job) is not None:
        return
    if unknown:
        message = (
            f"{job.store}: holds the beginnings of another store ({unknown[0]}), which a slice does not delete. "
            "Delete the folder, or begin the store without --array."
        )
        raise RequestError(message)
    if not _is_created_by_another(job):
        create(job.store, job.plan)


def _is_created_by_another(job: Job) -> bool:
    """Whether another slice has written the template meanwhile. Where there is no lock the first one says so by a mark, and the others give
    it some time; two that write it write the same."""
    if not isinstance(job.store, ObjectPath):
        return False
    if (job.store / RUN_FOLDER / _BEGINNING).put_new(secrets.token_bytes(8)):
        return False
    deadline = time.monotonic() + job.store.lease_seconds
    while root_document(job.store) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(job.store.lease_seconds / 20)
    return True


def _run(job: Job, part: Slice, progress: Progress) -> GenerateSummary:
    started, began = datetime.now(UTC), time.perf_counter()
    blocks = list(part.blocks(job.plan))
    kept = [_without_arrays(row) for row in done_rows(job.store, job.plan, blocks)]
    if _is_finished(job):  # after the rows were looked for, which go when the store is finished
        return _placed(found(job), job, part)
    done = {key for key, _ in kept}
    pace = Pace(progress, tasks=len(blocks), kept=len(kept))
    missing = [block for block in blocks if block.key not in done]
    tally = Tally.of(pace.watched(_made(job, part, missing)))
    failed = sum(count for _, count in kept) + tally.failed
    summary = GenerateSummary(job.store, tally.blocks, len(kept), failed, 1, run_seconds=time.perf_counter() - began, tally=tally)
    summary = replace(summary, lost={loss.block.key: loss.reason for loss in pace.losses})
    run = run_document(_placed(summary, job, part), started=started, versions=dict(job.plan.attributes[layout.VERSIONS]))
    _finish(job, [run] if missing else [])
    if pace.losses:
        raise lost(job.store, pace.losses, tasks=len(blocks))
    return _placed(summary, job, part)


def _without_arrays(row: BlockRow) -> tuple[str, int]:
    return row.block.key, row.failed


def _made(job: Job, part: Slice, blocks: Sequence[Block]) -> Iterator[BlockReport | Loss]:
    """Each block's report or loss. One that ended this slice's process the last time comes last, so that it is in no other's way."""
    mark = job.store / RUN_FOLDER / f"slice-{part.number}-of-{part.count}"
    before = mark.read_bytes().decode() if mark.is_file() else ""
    for block in sorted(blocks, key=lambda block: block.key == before):
        try:
            _write_mark(mark, block.key)
            yield run_block(job.task(block))
        except Exception as error:
            if ends_the_run(error):
                raise
            if _is_finished(job):  # by others, who have made this block too
                return
            yield Loss(block, reason_of(error))
    if blocks:
        mark.unlink(missing_ok=True)


def _write_mark(mark: Place, key: str) -> None:
    if isinstance(mark, ObjectPath):
        mark.put(key.encode())
        return
    mark.write_text(key)


def _finish(job: Job, runs: Sequence[dict[str, Any]]) -> None:
    """Finish the store if all blocks are done. Two slices that end together both come here: the second finds it finished.

    Args:
        runs: what this slice has to add to the record, which waits in the store until that is finished.
    """
    if isinstance(job.store, ObjectPath):
        _finish_objects(job, runs)
        return
    with in_turn(job.store):
        if not _is_finished(job) and declared(job.store, job.plan) == job.plan.tasks:
            kept = kept_runs(job.store)
            _finish_all(job)
            runs = [*kept, *runs] if _is_finished(job) else runs
        if not _is_finished(job):
            _keep(job, runs)
        if _is_finished(job):
            add_runs(job.store, runs)


def _finish_objects(job: Job, runs: Sequence[dict[str, Any]]) -> None:
    """The same in an object store, where turns cost requests and seconds: they are taken by those alone that may have made the last block.
    Whoever comes after the last row counts all of them."""
    for run in runs:
        keep_run(job.store, run)
    if not _is_finished(job) and declared(job.store, job.plan) < job.plan.tasks:
        return
    with in_turn(job.store):
        if not _is_finished(job):
            _finish_all(job)
        if _is_finished(job):
            add_runs(job.store, kept_runs(job.store))


def _keep(job: Job, runs: Sequence[dict[str, Any]]) -> None:
    try:
        for run in runs:
            keep_run(job.store, run)
    except FileNotFoundError:
        if not _is_finished(job):  # by another slice, just now, where there are no locks
            raise


def _finish_all(job: Job) -> None:
    """Finish the store, unless a row names a shard that is not there in full size, which whoever comes next makes again."""
    if sum(1 for _ in done_rows(job.store, job.plan)) < job.plan.tasks:
        return
    try:
        seal(job.store, job.plan)
    except (FileNotFoundError, ValueError):
        # Without locks another slice may have finished it under our hands, and taken the rows away; its bytes are the same.
        if not _is_finished(job):
            raise


def _is_finished(job: Job) -> bool:
    root = root_document(job.store)
    return root is not None and is_finished(root)


def _placed(summary: GenerateSummary, job: Job, part: Slice) -> GenerateSummary:
    finished = _is_finished(job)
    done = job.plan.tasks if finished else declared(job.store, job.plan)
    place = SlicePlace(str(part), done, job.plan.tasks, finished)
    return replace(summary, place=place, redraws=redraws(job) if finished else {})
