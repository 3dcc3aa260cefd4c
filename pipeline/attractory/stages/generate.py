"""`attractory generate`: a recipe becomes a finished store, in one go or in as many as it takes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from attractory import layout
from attractory.expressions.system import System
from attractory.integrate import BlockSettings, integrate_block
from attractory.stages.agreement import check_agreement, disagreement
from attractory.stages.block_queue import BlockQueue
from attractory.stages.cluster import Workers, run_blocks, running_client, signals_as_errors
from attractory.stages.located import LocatedRecipe, read_recipe, systems_of
from attractory.stages.place import check_place, disk_errors
from attractory.stages.plan import check_memory, store_plan
from attractory.stages.progress import Progress
from attractory.stages.recipe import Recipe
from attractory.stages.run_record import add_run
from attractory.stages.summary import GenerateSummary
from attractory.stages.task import BlockReport, BlockTask, Produce
from attractory.store import Block, BlockRow, StorePlan, create, done_rows, finish, is_finished, locked, root_document
from attractory.store.finish import remove_run_folder
from attractory.store.state import clear, clear_partial, stored_failures


@dataclass(frozen=True)
class Job:
    """A request that has been looked at and found good, before anything is written."""

    store: Path
    plan: StorePlan
    systems: tuple[System, ...]
    recipe: Recipe
    produce: Produce

    def task(self, block: Block) -> BlockTask:
        plan = replace(self.plan, systems=(self.plan.system(block.system),))
        record = next(system.record for system in self.systems if system.name == block.system)
        return BlockTask(self.store.absolute(), plan, block, record, block_settings(self.recipe, plan), self.produce)


def generate(
    recipe: str | Path | LocatedRecipe,
    *,
    out: str | Path | None = None,
    workers: int | Workers = 1,
    replace_other: bool = False,
    progress: Progress | None = None,
    produce: Produce = integrate_block,
) -> GenerateSummary:
    """A finished store of the recipe; a run that was interrupted goes on, a finished store is left alone.

    Args:
        recipe: the file, or the folder whose recipe.yaml it is; or what `read_recipe` gives, with more systems.
        out: the store; beside the recipe if None.
        replace_other: delete a store of another recipe or catalog that is in the way, in place of refusing.
        produce: what makes a block's trajectories, of integrate_block's signature; known to every worker by its name.
    Raises:
        RecipeError, CatalogError, RequestError: the request is wrong; nothing was written.
        InterruptedRunError: a signal or a full disk; what is done is kept.
    """
    located = read_recipe(recipe)
    job = planned_job(located, Path(out) if out is not None else located.store, produce)
    with disk_errors(job.store):
        root = root_document(job.store)
        if root is not None and replace_other and disagreement(job.store, root, job.plan):
            root = None
        if root is not None:
            check_agreement(job.store, root, job.plan)
            if is_finished(root):
                remove_run_folder(job.store)
                return _found(job)
        check_place(job.store, job.plan, held=_held_bytes(job.store))
        check_memory(located, job.plan)
        with signals_as_errors(), locked(job.store):
            if root is None:
                clear(job.store)
                create(job.store, job.plan)
            return _run(job, workers if isinstance(workers, Workers) else Workers(workers), progress or _silent)


def planned_job(located: LocatedRecipe, store: Path, produce: Produce = integrate_block) -> Job:
    systems = systems_of(located)
    return Job(store, store_plan(located, systems), systems, located.recipe, produce)


def block_settings(recipe: Recipe, plan: StorePlan) -> BlockSettings:
    """What the engine must know of the recipe for blocks of the plan's one system."""
    return BlockSettings(recipe.seed, plan.systems[0].transient, recipe.tolerance, recipe.dtype, recipe.precision)


def _run(job: Job, workers: Workers, progress: Progress) -> GenerateSummary:
    started, began = datetime.now(UTC), time.perf_counter()
    clear_partial(job.store)
    kept = list(done_rows(job.store, job.plan))
    queue = BlockQueue(_missing(job.plan, kept))
    progress(len(kept), job.plan.tasks, f"{len(kept)} kept")
    summary = GenerateSummary(job.store, 0, len(kept), sum(row.failed for row in kept), workers.count)
    if len(queue):
        with running_client(workers) as client:
            ready = time.perf_counter()
            reports = _collect(run_blocks(client, queue, job.task), job.plan.tasks, len(kept), progress)
            summary = replace(summary, startup_seconds=ready - began, run_seconds=time.perf_counter() - ready)
        failed = summary.failed + sum(report.failed for report in reports)
        processes = len({report.worker for report in reports})
        summary = replace(summary, made=len(reports), failed=failed, workers=processes, reports=tuple(reports))
    finish(job.store, job.plan)
    add_run(job.store, summary, started=started, versions=dict(job.plan.attributes[layout.VERSIONS]))
    return summary


def _collect(done: Iterable[BlockReport], total: int, kept: int, progress: Progress) -> list[BlockReport]:
    reports: list[BlockReport] = []
    began, samples = time.perf_counter(), 0
    for report in done:
        reports.append(report)
        samples += report.samples
        rate = samples / (time.perf_counter() - began) / 1e6
        progress(kept + len(reports), total, f"{report.block.system}, {rate:.1f} M samples/s")
    return reports


def _missing(plan: StorePlan, kept: list[BlockRow]) -> Iterator[Block]:
    done = {row.block for row in kept}
    return (block for block in plan.blocks() if block not in done)


def _found(job: Job) -> GenerateSummary:
    return GenerateSummary(job.store, 0, job.plan.tasks, stored_failures(job.store, job.plan), workers=0)


def _held_bytes(store: Path) -> int:
    return sum(path.stat().st_size for path in store.rglob("*") if path.is_file()) if store.is_dir() else 0


def _silent(done: int, total: int, note: str) -> None:
    """Nobody watches."""
