"""A block that fails is tried elsewhere, then set aside with its key; the others are made, and the next run tries it again."""

from __future__ import annotations

import json
import os
import signal
from itertools import pairwise

import pytest
from distributed import Client, LocalCluster

from attractory.errors import IncompleteRunError, InterruptedRunError
from attractory.integrate import integrate_block
from attractory.stages.block_queue import BlockQueue
from attractory.stages.blocks_on_dask import TRIES, few_deaths, run_blocks
from attractory.stages.cluster import Workers, running_client
from attractory.stages.generate import generate, planned_job
from attractory.stages.losses import Loss, lost
from attractory.stages.pace import Pace, time_left
from attractory.stages.task import BlockReport
from attractory.store import Block


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def failing(system, **block):
    """Fails for one block of the six, and for none other."""
    if system.name == "Spiral" and block["indices"][0] == 3:
        raise ArithmeticError("no such number")
    return integrate_block(system, **block)


def report(task) -> BlockReport:
    return BlockReport(task.block, 0, 1, 1, 0.0, 0.0, 0.0, 0.0, 0, f"{os.getpid()}")


def test_a_block_that_fails_is_reported_when_all_others_are_done(dataset, undisturbed, cluster):
    """Exit code 1, its key and its error; five of six are kept, and the run after that makes the sixth: the same bytes."""
    with pytest.raises(
        IncompleteRunError, match=r"1 of 6 blocks could not be made.*\n  Spiral-1: ArithmeticError: no such number\n"
    ) as raised:
        generate(dataset.recipe, workers=cluster, produce=failing)
    assert raised.value.exit_code == 1
    (run,) = json.loads((dataset.folder / "tiny.run.json").read_text())["runs"]
    assert (run["made"], run["lost_blocks"]) == (5, {"Spiral-1": "ArithmeticError: no such number"})
    summary = generate(dataset.recipe, workers=cluster)
    assert (summary.made, summary.kept) == (1, 5)
    assert files(dataset.store) == files(undisturbed.store)


def test_a_block_that_fails_is_tried_on_another_worker(dataset):
    """Each try but the first goes to another worker than the one before; there are no more tries than are allowed."""
    job = planned_job(dataset.located(), dataset.store)
    log = dataset.folder / "tries"

    def sometimes(task):
        from distributed import get_worker

        if task.block.key != "Spiral-1":
            return report(task)
        with log.open("a") as lines:
            lines.write(f"{get_worker().address}\n")
        raise ArithmeticError("no such number")

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0") as running, Client(running) as client:
        outcomes = list(run_blocks(client, BlockQueue(job.plan.blocks()), job.task, begin=sometimes))
    assert [outcome for outcome in outcomes if isinstance(outcome, Loss)] == [
        Loss(next(block for block in job.plan.blocks() if block.key == "Spiral-1"), "ArithmeticError: no such number")
    ]
    workers = log.read_text().split()
    assert len(workers) == TRIES
    assert all(before != after for before, after in pairwise(workers))


def test_a_block_that_ends_its_worker_takes_no_other_with_it(dataset):
    """The blocks that waited in the same worker are made all the same; only the one that ends workers alone is lost, as killed."""
    job = planned_job(dataset.located(), dataset.store)

    def deadly(task):
        if task.block.key == "Quadratic-1":
            os.kill(os.getpid(), signal.SIGKILL)
        # Nothing of this module: another process does not find it.
        return BlockReport(task.block, 0, 1, 1, 0.0, 0.0, 0.0, 0.0, 0, "a worker")

    with few_deaths(), running_client(Workers(1)) as client:
        outcomes = list(run_blocks(client, BlockQueue(job.plan.blocks()), job.task, begin=deadly))
    assert sorted(outcome.block.key for outcome in outcomes) == sorted(block.key for block in job.plan.blocks())
    (loss,) = [outcome for outcome in outcomes if isinstance(outcome, Loss)]
    assert (loss.block.key, loss.killed) == ("Quadratic-1", True)


def test_a_run_begins_no_more_blocks_than_it_is_asked_to(dataset, cluster):
    """The rest stays in the queue, for the next scheduler."""
    job = planned_job(dataset.located(), dataset.store)
    queue = BlockQueue(job.plan.blocks())
    with Client(scheduler_file=str(cluster.scheduler_file)) as client:
        assert len(list(run_blocks(client, queue, job.task, most=4, begin=report))) == 4
        assert len(queue) == 2
        assert len(list(run_blocks(client, queue, job.task, begin=report))) == 2


def test_the_exit_code_tells_a_failure_from_a_lack_of_memory(tmp_path):
    """Errors are incomplete data (1); killed workers and nothing else are an interruption (3); ten are named, the rest counted."""
    killed = [Loss(Block("Lorenz", shard, shard, 1), "its worker ended", killed=True) for shard in range(12)]
    assert isinstance(lost(tmp_path, killed, tasks=20), InterruptedRunError)
    error = lost(tmp_path, [*killed, Loss(Block("Thomas", 0, 0, 1), "ValueError: no")], tasks=20)
    assert isinstance(error, IncompleteRunError)
    assert "13 of 20 blocks" in str(error)
    assert "… and 3 more" in str(error)


def test_progress_tells_rate_bytes_time_left_and_failures():
    """As many steps as blocks, and the note says what has gone wrong so far."""
    notes = []
    pace = Pace(lambda done, total, note: notes.append((done, total, note)), tasks=5, kept=2)
    blocks = [Block("Lorenz", shard, shard, 1) for shard in range(3)]
    outcomes = [
        BlockReport(blocks[0], 0, 10**6, 2 * 10**6, 0.0, 0.0, 0.0, 0.0, 0, "a"),
        BlockReport(blocks[1], 3, 10**6, 2 * 10**6, 0.0, 0.0, 0.0, 0.0, 0, "a"),
        Loss(blocks[2], "ValueError"),
    ]
    assert list(pace.watched(outcomes)) == outcomes[:2]
    assert [note[:2] for note in notes] == [(2, 5), (3, 5), (4, 5), (4, 5)]
    assert "2 MB" in notes[1][2]
    assert "left" in notes[1][2]
    assert notes[-1][2].endswith("3 trajectories failed, 1 blocks lost")


@pytest.mark.parametrize(("seconds", "text"), [(40, "40 s"), (700, "12 min"), (12_600, "3.5 h"), (181_440, "2.1 d")])
def test_time_left_is_counted_as_a_person_counts(seconds, text):
    """Two figures are enough."""
    assert time_left(seconds) == text
