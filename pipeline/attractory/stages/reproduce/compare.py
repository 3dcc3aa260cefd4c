"""The rows of a store as this machine makes them, block by block; the files themselves are dropped once they are digested."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from attractory import layout
from attractory.expressions.system import System
from attractory.stages.generate import Job
from attractory.stages.task import BlockTask, produce_block
from attractory.store import BlockRow, encode_block
from attractory.store.files import document, sha256
from attractory.store.finish import late_arrays, redraws, sealed_root
from attractory.store.manifest import manifest_bytes
from attractory.store.template import ROOT, known_arrays, member_documents

BLOCKS_PER_WORKER = 4  # a process takes some seconds to start: not for fewer blocks than these


def made_rows(job: Job, *, workers: int) -> Iterator[BlockRow]:
    """The row of each block, in the order of the plan; the same for any number of workers."""
    tasks, count = map(job.task, job.plan.blocks()), min(workers, job.plan.tasks // BLOCKS_PER_WORKER)
    if count <= 1:
        yield from map(made_row, tasks)
        return
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield from pool.map(made_row, tasks)
    finally:
        pool.shutdown(cancel_futures=True)


def made_row(task: BlockTask) -> BlockRow:
    """A block's shards and small arrays, by their digests and values."""
    made = produce_block(task, System.from_record(task.record))
    return encode_block(task.plan, task.block, made).row


def small_digests(job: Job, rows: list[BlockRow]) -> dict[str, str]:
    """Path -> SHA-256 of every file of the store that is neither a shard, nor the manifest, nor the root's document."""
    documents_of = {f"{path}/{ROOT}": document(member) for path, member in member_documents(job.plan).items()}
    files = {**documents_of, **known_arrays(job.plan), **late_arrays(job.plan, rows)}
    return {path: sha256(content) for path, content in files.items()}


def bound_digests(job: Job, rows: list[BlockRow], small: dict[str, str]) -> dict[str, str]:
    """SHA-256 of the manifest, and of the root's document, which holds the manifest's."""
    attributes = {**job.plan.attributes, **redraws(job.plan, rows)}
    manifest = manifest_bytes((shard for row in rows for shard in row.shards), files=small, root=attributes)
    return {layout.MANIFEST: sha256(manifest), ROOT: sha256(sealed_root(attributes, manifest, member_documents(job.plan)))}
