"""Small blocks go together: how many, what becomes of each, and that a scheduler sees few tasks."""

from __future__ import annotations

import errno
from dataclasses import replace

import cloudpickle
import pytest
from distributed import Client

from attractory.stages.block_queue import BlockQueue
from attractory.stages.blocks_on_dask import run_blocks
from attractory.stages.bundle import GROWTH, MOST_BLOCKS, BundleSizes, Failure, run_bundle
from attractory.stages.generate import planned_job
from attractory.stages.losses import Loss
from attractory.stages.task import OVERLAPPED_BYTES, BlockReport
from attractory.store import Block


def quick(task) -> BlockReport:
    """A block that takes no time; of the second shard, an error."""
    if task.block.shard == 1:
        raise ArithmeticError("no such number")
    return BlockReport(task.block, 0, 1, 1, 0.0, 0.0, 0.0, 0.0, 0, "a worker")


def full(task) -> BlockReport:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def task(dataset):
    job = planned_job(dataset.located(), dataset.store)
    return job.task(next(job.plan.blocks()))


def test_a_block_that_fails_takes_no_other_of_its_bundle_with_it(task):
    """Each has its own outcome, in the order they were sent in."""
    blocks = [Block("Spiral", shard, 3 * shard, 3) for shard in range(3)]
    made = run_bundle(cloudpickle.dumps((quick, task)), blocks)
    assert [outcome.block for outcome in made.outcomes] == blocks
    assert made.outcomes[1] == Failure(blocks[1], "ArithmeticError: no such number")
    assert isinstance(made.outcomes[2], BlockReport)


def test_a_full_disk_ends_a_bundle_as_a_whole(task):
    """Every other block would meet it too."""
    with pytest.raises(OSError, match="No space left"):
        run_bundle(cloudpickle.dumps((full, task)), [task.block])


@pytest.mark.parametrize(
    ("blocks", "seconds", "most"),
    [
        (1, 0.09, 3),  # 0.27 s
        (1, 2.0, 1),
        (1, 0.0, GROWTH),  # not at once as many as one block's time would allow
        (GROWTH, 0.0, GROWTH**2),
        (MOST_BLOCKS, 0.0, MOST_BLOCKS),
        (10, 1.0, 3),  # they take longer now
    ],
)
def test_a_bundle_lasts_a_third_of_a_second(blocks, seconds, most):
    """By what the last ones of the system took; the first block of a system goes alone, whatever others took."""
    sizes = BundleSizes()
    assert sizes.most("Lorenz", 1000) == 1
    sizes.learn("Lorenz", blocks, seconds)
    assert sizes.most("Lorenz", 1000) == most
    assert sizes.most("Thomas", 1000) == 1


def test_a_bundle_holds_no_more_than_a_large_block():
    """However quick its blocks are."""
    sizes = BundleSizes()
    sizes.learn("Lorenz", MOST_BLOCKS, 0.0)
    assert sizes.most("Lorenz", OVERLAPPED_BYTES // 5) == 5
    assert sizes.most("Lorenz", 2 * OVERLAPPED_BYTES) == 1


@pytest.fixture
def runs(task, cluster, monkeypatch):
    """(run these shards of no time on the cluster that is there, the keys of the tasks that were sent)."""
    sent: list[str] = []
    with Client(scheduler_file=str(cluster.scheduler_file)) as client:
        submit = client.submit
        monkeypatch.setattr(client, "submit", lambda *call, **options: sent.append(options["key"]) or submit(*call, **options))

        def run(*shards):
            queue = BlockQueue(Block("Spiral", shard, 3 * shard, 3) for shard in shards)
            return list(run_blocks(client, queue, lambda block: replace(task, block=block), begin=quick))

        yield run, sent


def test_small_blocks_are_few_tasks(runs):
    """Two hundred blocks of no time, of which one fails: less than a quarter as many tasks, and one loss after three tries."""
    run, sent = runs
    outcomes = run(*range(200))
    assert sorted(outcome.block.shard for outcome in outcomes) == list(range(200))
    (loss,) = [outcome for outcome in outcomes if isinstance(outcome, Loss)]
    assert (loss.block.shard, loss.reason) == (1, "ArithmeticError: no such number")
    assert len(sent) < 50
    assert [key.rpartition("-")[0] for key in sent if "try-1" not in key] == ["Spiral-1-try-2", "Spiral-1-try-3"]


def test_a_task_of_another_run_is_never_taken_for_one_of_this(runs):
    """A worker may still be at a bundle of a command that was killed, which begins with the same block and ends with another."""
    run, sent = runs
    assert len(run(2)) == len(run(2)) == 1
    assert len(set(sent)) == len(sent) == 2
