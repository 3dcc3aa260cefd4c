"""`attractory generate`: a recipe becomes a finished store, in one go or in as many as it takes."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from attractory import layout
from attractory.catalog.record import SystemRecord
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, integrate_block
from attractory.integrate.observation import Observation
from attractory.stages.agreement import check_agreement, disagreement
from attractory.stages.block_queue import BlockQueue
from attractory.stages.blocks_on_dask import few_deaths, run_blocks
from attractory.stages.cluster import Workers, running_client
from attractory.stages.located import LocatedRecipe, read_recipe, systems_of
from attractory.stages.losses import lost
from attractory.stages.pace import Pace
from attractory.stages.place import check_place, disk_errors, held_bytes
from attractory.stages.plan import check_memory, family_of_system, observation_of_system, store_plan
from attractory.stages.progress import Progress, silent
from attractory.stages.recipe import Recipe
from attractory.stages.run_record import add_runs, kept_runs, run_document
from attractory.stages.signals import signals_as_errors
from attractory.stages.starts import box_of_system
from attractory.stages.summary import GenerateSummary, Tally
from attractory.stages.task import BlockTask, Produce
from attractory.stages.watching import check_watching, watched
from attractory.store import Block, StorePlan, create, done_rows, finished_document, is_finished, locked
from attractory.store.begun import mend_root
from attractory.store.files import Place, place_of
from attractory.store.finish import remove_run_folder, seal, sweep
from attractory.store.objects import ObjectPath
from attractory.store.state import begun_document, clear, clear_partial, left_leased, stored_failures


@dataclass(frozen=True)
class Job:
    """A request that has been looked at and found good, before anything is written."""

    store: Place
    plan: StorePlan
    systems: tuple[System, ...]
    recipe: Recipe
    produce: Produce

    def task(self, block: Block) -> BlockTask:
        same = self._of_system[block.system]
        return BlockTask(self.store.absolute(), same.plan, block, same.record, same.settings, self.produce, same.observation)

    @cached_property
    def _of_system(self) -> dict[str, _SystemWork]:
        located = LocatedRecipe(self.recipe, Path(str(self.store)), {})  # where errors would be; the plan has refused what cannot be
        return {system.name: self._work(system, located) for system in self.systems}

    def _work(self, system: System, located: LocatedRecipe) -> _SystemWork:
        planned = self.plan.system(system.name)
        settings = BlockSettings(
            self.recipe.seed,
            planned.transient,
            self.recipe.tolerance,
            self.recipe.dtype,
            self.recipe.precision,
            family_of_system(located, system),
            box_of_system(located, system),
        )
        return _SystemWork(replace(self.plan, systems=(planned,)), system.record, settings, observation_of_system(located, system))


@dataclass(frozen=True)
class _SystemWork:
    """What all blocks of a system have in common."""

    plan: StorePlan
    record: SystemRecord
    settings: BlockSettings
    observation: Observation | None


def generate(
    recipe: str | Path | LocatedRecipe,
    *,
    out: str | Path | ObjectPath | None = None,
    workers: int | Workers = 1,
    replace_other: bool = False,
    progress: Progress | None = None,
    produce: Produce = integrate_block,
) -> GenerateSummary:
    """A finished store of the recipe; a run that was interrupted goes on, a finished store is left alone.

    Args:
        recipe: the file, or the folder whose recipe.yaml it is; or what `read_recipe` gives, with more systems.
        out: the store, a path or a URL of an object store; beside the recipe if None.
        replace_other: delete a store of another recipe or catalog that is in the way, in place of refusing.
        produce: what makes a block's trajectories, of integrate_block's signature; known to every worker by its name.
    Raises:
        RecipeError, CatalogError, RequestError: the request is wrong; nothing was written.
        InterruptedRunError: a signal or a full disk, or workers that ended over some blocks; what is done is kept.
        IncompleteRunError: some blocks failed in every try; all others are kept.
    """
    located = read_recipe(recipe)
    job = planned_job(located, place_of(out) if out is not None else located.store, produce)
    with disk_errors(job.store):
        root = agreed_root(job, replace_other=replace_other)
        if root is not None and is_finished(root) and not left_leased(job.store):
            sweep(job.store)
            return found(job)
        where = workers if isinstance(workers, Workers) else Workers(workers)
        check_watching(where.performance)
        check_place(job.store, job.plan, held=held_bytes(job.store, job.plan) if root is not None else 0)
        check_memory(located, job.plan)
        with signals_as_errors(), locked(job.store, announce=lambda sentence: (progress or silent)(0, 0, sentence)):
            root = agreed_root(job, replace_other=replace_other)  # again, now that nobody else writes: another run may have ended meanwhile
            if root is None:
                clear(job.store)
                create(job.store, job.plan)
            elif is_finished(root):
                remove_run_folder(job.store)
                return found(job)
            else:
                mend_root(job.store, job.plan)
            return _run(job, where, progress or silent)


def agreed_root(job: Job, *, replace_other: bool = False) -> dict[str, Any] | None:
    """The root's document of the store that the job makes; None where there is none, or another one that is to make room.

    Raises:
        RequestError: a store of another request is there, or something that is none.
    """
    root = begun_document(job.store, job.plan)
    if root is None or (replace_other and disagreement(job.store, root, job.plan)):
        return None
    check_agreement(job.store, root, job.plan)
    return root


def planned_job(located: LocatedRecipe, store: Place, produce: Produce = integrate_block) -> Job:
    systems = systems_of(located)
    return Job(store, store_plan(located, systems), systems, located.recipe, produce)


def _run(job: Job, workers: Workers, progress: Progress) -> GenerateSummary:
    started, began = datetime.now(UTC), time.perf_counter()
    clear_partial(job.store)
    done, failed = _done(job)
    queue = BlockQueue(block for block in job.plan.blocks() if block.key not in done)
    pace = Pace(progress, tasks=job.plan.tasks, kept=len(done))
    summary = GenerateSummary(job.store, 0, len(done), failed, workers.count)
    if len(queue):
        # Jobs of a cluster end for reasons of their own: there Dask's patience is longer.
        with few_deaths() if workers.are_local else nullcontext(), running_client(workers) as client, watched(client, workers):
            ready = time.perf_counter()
            tally = Tally.of(pace.watched(run_blocks(client, queue, job.task)))
            summary = replace(summary, startup_seconds=ready - began, run_seconds=time.perf_counter() - ready)
        lost_blocks = {loss.block.key: loss.reason for loss in pace.losses}
        summary = replace(summary, made=tally.blocks, failed=failed + tally.failed, tally=tally, lost=lost_blocks)
        summary = replace(summary, workers=len(tally.workers) or workers.count)
    slices = kept_runs(job.store)
    if not pace.losses:
        ended = time.perf_counter()
        seal(job.store, job.plan)
        summary = replace(summary, finish_seconds=time.perf_counter() - ended, redraws=redraws(job))
    own = run_document(summary, started=started, versions=dict(job.plan.attributes[layout.VERSIONS]))
    add_runs(job.store, [own] if pace.losses else [*slices, own])
    if pace.losses:
        raise lost(job.store, pace.losses, tasks=job.plan.tasks)
    remove_run_folder(job.store)  # and with it the lock: last of all
    return summary


def _done(job: Job) -> tuple[set[str], int]:
    """Keys of the blocks that are done, and how many trajectories failed in them; the rows themselves may be more than memory holds."""
    keys, failed = set(), 0
    for row in done_rows(job.store, job.plan):
        keys.add(row.block.key)
        failed += row.failed
    return keys, failed


def found(job: Job) -> GenerateSummary:
    """The summary of a store that was finished already."""
    failed = stored_failures(job.store, job.plan)
    return GenerateSummary(job.store, 0, job.plan.tasks, failed, workers=0, redraws=redraws(job))


def redraws(job: Job) -> dict[str, dict[str, int]]:
    """How often parameter sets of each system were drawn again, as the finished store says."""
    counts: dict[str, dict[str, int]] = finished_document(job.store)["attributes"].get(layout.PARAMETER_REDRAWS, {})
    return counts
