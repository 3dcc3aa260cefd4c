"""Slices of a job array that meet in an object store alone: the bytes of one run in a folder, and never a mixed store."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import pytest

from attractory.console import run
from attractory.errors import InterruptedRunError, RequestError
from attractory.stages.generate import generate, planned_job
from attractory.stages.slices import Slice, generate_slice
from attractory.stages.task import run_block
from attractory.store import create, done_rows, locked, shared
from attractory.store.files import RUN_FOLDER, SLICES_FOLDER, rows_folder
from attractory.store.rows import write_row


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def objects(store):
    return {path: (store / path).read_bytes() for path in store.sizes()}


def recorded(store):
    return json.loads(store.with_name("tiny.run.json").read_bytes())["runs"]


def at_once(*calls):
    """What each call gives, all of them begun in threads at one moment."""
    outcomes, together = {}, threading.Barrier(len(calls))

    def one(number, call):
        together.wait(30)
        outcomes[number] = call()

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [outcomes[number] for number in sorted(outcomes)]


def test_slices_one_after_the_other_make_the_store_of_one_run(made, dataset, memory):
    """In any order; the last one finishes the store, nothing of the run is left, and the record has each slice that made something."""
    summaries = [generate_slice(dataset.recipe, Slice(number, 7), out=memory) for number in (7, 3, 1, 2, 6, 4)]
    assert [summary.made for summary in summaries] == [0, 1, 1, 1, 1, 1]
    assert not summaries[-1].place.finished
    assert generate_slice(dataset.recipe, Slice(5, 7), out=memory).place.finished
    assert objects(memory) == files(made.store)
    assert sorted(run["slice"] for run in recorded(memory)) == [f"{number}/7" for number in range(1, 7)]
    again = generate_slice(dataset.recipe, Slice(1, 7), out=memory)
    assert (again.made, again.place.finished) == (0, True)


def test_slices_at_once_make_the_store_of_one_run(made, dataset, memory):
    """Four that begin, work and end together: one of them writes the template and one finishes, whichever; every slice is in the record."""
    summaries = at_once(*(lambda number=number: generate_slice(dataset.recipe, Slice(number, 4), out=memory) for number in range(1, 5)))
    assert sum(summary.made for summary in summaries) == 6
    assert objects(memory) == files(made.store)
    assert sorted(run["slice"] for run in recorded(memory)) == ["1/4", "2/4", "3/4", "4/4"]


def test_slices_through_a_network_that_loses_requests(made, dataset, bucket):
    """One request of twenty fails, on a server of S3: the objects are the files of a folder."""
    faults = bucket.faults(failing=0.05, seed=3)
    assert generate_slice(dataset.recipe, Slice(1, 1), out=f"{bucket.url}/tiny.zarr").place.finished
    assert faults.failed > 0
    assert bucket.objects("tiny.zarr") == files(made.store)


def test_a_server_that_ignores_the_condition_is_refused(dataset, bucket, capsys):
    """Two slices could not be told from a slice and a run of another recipe: exit code 2, what to do instead, and nothing is written."""
    bucket.faults(ignored=("if-none-match",))
    assert run(["generate", str(dataset.recipe), "--out", f"{bucket.url}/tiny.zarr", "--array", "1/2"]) == 2
    assert "ignores `If-None-Match: *`, so that slices which write there at once cannot be kept apart" in capsys.readouterr().err
    assert bucket.objects() == {}


def test_a_killed_slice_is_gone_on_from(made, dataset, memory):
    """It left the mark of whoever writes the template, a lease that nobody renews, a row and half of its work: the next one waits for the
    template no longer than a lease lasts, and the last one sweeps all of it up."""
    (memory / RUN_FOLDER / "beginning").put(b"the killed one")
    (memory / RUN_FOLDER / SLICES_FOLDER / "gone").put(b'{"run": "node7:4242", "seconds": 1.0, "use": "run"}')
    began = time.monotonic()
    first = generate_slice(dataset.recipe, Slice(1, 2), out=memory)
    assert (first.made, time.monotonic() - began > 1.0) == (3, True)
    rows = rows_folder(memory)
    (rows / rows.names()[0]).unlink()
    again = generate_slice(dataset.recipe, Slice(1, 2), out=memory)
    assert (again.made, again.kept) == (1, 2)
    assert generate_slice(dataset.recipe, Slice(2, 2), out=memory).place.finished
    assert objects(memory) == files(made.store)


def test_slices_and_a_run_of_the_whole_exclude_each_other(dataset, memory, cluster):
    """A run of the whole is refused while a slice lives, --replace or not, and a slice while a run of the whole does."""
    create(memory, planned_job(dataset.located(), memory).plan)
    with shared(memory), pytest.raises(RequestError, match=r"a slice of it is being made \(.*\), and others may be"):
        generate(dataset.recipe, out=memory, workers=cluster, replace_other=True)
    with locked(memory), pytest.raises(RequestError, match="a run of the whole recipe is writing this store, and makes this slice too"):
        generate_slice(dataset.recipe, Slice(1, 2), out=memory)


def test_a_row_is_written_once(dataset, memory):
    """Of two slices that make the same block, as when a job is queued twice, the second finds its own row; one that is damaged makes room,
    and one of another store ends the slice."""
    place = replace(memory, keeps_rows=True)
    job = planned_job(dataset.located(), place)
    create(place, job.plan)
    block = next(job.plan.blocks())
    run_block(job.task(block))
    path = rows_folder(place) / f"{block.key}.json"
    whole = path.read_bytes()
    run_block(job.task(block))
    path.put(whole[:-9])
    run_block(job.task(block))
    assert path.read_bytes() == whole
    (row,) = done_rows(place, job.plan)
    write_row(memory, replace(row, shards=row.shards[:1]))
    with pytest.raises(InterruptedRunError, match="two stores are being made at one place"):
        write_row(place, row)
