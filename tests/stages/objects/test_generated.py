"""A recipe made straight into an object store: the bytes of a folder, after failing requests, kills and second runs as well."""

from __future__ import annotations

import threading
import time
from itertools import islice

import pytest

from attractory import layout
from attractory.console import run
from attractory.errors import RequestError
from attractory.stages.estimate import estimate
from attractory.stages.generate import generate, planned_job
from attractory.stages.located import read_recipe
from attractory.stages.task import run_block
from attractory.store import create, declared
from attractory.store.files import LEASE_FOLDER, RUN_FOLDER, rows_folder
from attractory.store.finish import sweep
from attractory.store.objects import ObjectPath


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def objects(store):
    return {path: (store / path).read_bytes() for path in store.sizes()}


def place(bucket):
    """Where the tests write: a killed run's lease there runs out after two seconds."""
    return ObjectPath(f"{bucket.url}/tiny.zarr", lease_seconds=2.0)


def test_requests_that_fail_leave_no_trace(made, dataset, bucket, cluster):
    """One request of twenty fails and a connection ends in the middle of a shard: every object is as the file of a folder, and no other is
    there; the run's record lies beside it. The same command again finds the store, and writes nothing."""
    faults = bucket.faults(failing=0.05, seed=1, cut=f"PUT .*/{layout.shard_path('Quadratic', 'fine', 1)}")
    summary = generate(dataset.recipe, out=place(bucket), workers=cluster)
    assert (summary.made, len(faults.cuts), faults.failed > 0) == (6, 1, True)
    assert bucket.objects("tiny.zarr") == files(made.store)
    assert [path for path in bucket.objects() if not path.startswith("tiny.zarr/")] == ["tiny.run.json"]
    before = bucket.objects()
    again = generate(dataset.recipe, out=str(place(bucket)), workers=cluster)
    assert (again.made, again.kept) == (0, 6)
    assert bucket.objects() == before


def begun(dataset, store, *, blocks):
    """The job whose store is there unfinished, with so many blocks done."""
    job = planned_job(read_recipe(dataset.recipe), store)
    create(store, job.plan)
    for block in islice(job.plan.blocks(), blocks):
        run_block(job.task(block))
    return job


def test_a_killed_run_is_gone_on_from_when_its_lease_has_run_out(made, dataset, memory, cluster):
    """What a run leaves that is killed after two blocks, its lease among it: that is waited for, the two are kept, and the bytes are those
    of an undisturbed run. (`make test-integration` kills real ones.)"""
    begun(dataset, memory, blocks=2)
    (memory / RUN_FOLDER / LEASE_FOLDER / "00000001").put(b'{"run": "node7:4242", "seconds": 1.0}')
    notes, began = [], time.monotonic()
    summary = generate(dataset.recipe, out=memory, workers=cluster, progress=lambda *step: notes.append(step[2]))
    assert notes[0] == "waiting for the run of node7:4242"
    assert time.monotonic() - began > 1.0
    assert (summary.made, summary.kept) == (4, 2)
    assert objects(memory) == files(made.store)


def test_a_damaged_row_declares_nothing(made, dataset, memory, cluster):
    """One of two rows has a changed bit: its block is made again, and the bytes are those of an undisturbed run."""
    job = begun(dataset, memory, blocks=2)
    row = rows_folder(memory) / f"{next(iter(job.plan.blocks())).key}.json"
    content = bytearray(row.read_bytes())
    content[len(content) // 2] ^= 1
    row.put(bytes(content))
    summary = generate(dataset.recipe, out=memory, workers=cluster)
    assert (summary.made, summary.kept) == (5, 1)
    assert objects(memory) == files(made.store)


def test_what_a_kill_at_the_very_end_has_left_is_removed(made, dataset, memory, cluster):
    """A row alone at once; beside the lease of the killed run when that has run out. Nothing is made either way."""
    for path, content in files(made.store).items():
        (memory / path).put(content)
    notes = []
    for waited in ([], ["waiting for the run of node7:4242"]):
        (rows_folder(memory) / "left.json").put(b"{}")
        if waited:
            (memory / RUN_FOLDER / LEASE_FOLDER / "00000001").put(b'{"run": "node7:4242", "seconds": 1.0}')
        assert generate(dataset.recipe, out=memory, workers=cluster, progress=lambda *step: notes.append(step[2])).made == 0
        assert notes == waited
        assert objects(memory) == files(made.store)


def test_a_sweep_takes_nothing_from_an_unfinished_store(dataset, memory):
    """Whoever was waited for may have begun another store at the place: its rows are its own."""
    job = begun(dataset, memory, blocks=1)
    sweep(memory)
    assert declared(memory, job.plan) == 1


def beside(first, second):
    """What came of `second`, begun in a thread at the first step of `first`, which goes on when the other one waits or has failed."""
    outcome, waits = [], threading.Event()

    def other():
        try:
            outcome.append(second(lambda done, total, note: waits.set() if "waiting for" in note else None))
        except RequestError as error:
            outcome.append(error)
        finally:
            waits.set()

    thread = threading.Thread(target=other)

    def progress(*step):
        if not thread.is_alive() and not outcome:
            thread.start()
            assert waits.wait(30)

    first(progress)
    thread.join(30)
    return outcome[0]


def test_a_second_run_waits_for_the_first(made, dataset, memory, cluster):
    """Begun when the first has made a block, it finds the store finished, and makes nothing."""
    summary = beside(
        lambda progress: generate(dataset.recipe, out=memory, workers=cluster, progress=progress),
        lambda progress: generate(dataset.recipe, out=memory, workers=cluster, progress=progress),
    )
    assert (summary.made, summary.kept) == (0, 6)
    assert objects(memory) == files(made.store)


def test_a_server_that_ignores_the_condition_has_one_writer(made, dataset, bucket, cluster):
    """`If-None-Match` never reaches it: a run alone makes its store, and a second one is refused with the reason."""
    bucket.faults(ignored=("if-none-match",))
    refused = beside(
        lambda progress: generate(dataset.recipe, out=place(bucket), workers=cluster, progress=progress),
        lambda progress: generate(dataset.recipe, out=place(bucket), workers=cluster, progress=progress),
    )
    assert isinstance(refused, RequestError)
    assert "ignores `If-None-Match: *`, so that two runs cannot be kept apart" in str(refused)
    assert bucket.objects("tiny.zarr") == files(made.store)


def test_another_store_there_is_replaced_only_on_request(made, dataset, memory, cluster):
    """--replace deletes every object of the other store first; what lies beside it stays."""
    memory.with_name("tiny.zarr.txt").put(b"beside")
    generate(dataset.write(("seed: 3", "seed: 4")).recipe, out=memory, workers=cluster)
    (memory / "Spiral/stray").put(b"of the other")
    dataset.write()
    with pytest.raises(RequestError, match=r"was made from another recipe \(it differs in seed\)"):
        generate(dataset.recipe, out=memory, workers=cluster)
    generate(dataset.recipe, out=memory, workers=cluster, replace_other=True)
    assert objects(memory) == files(made.store)
    assert memory.with_name("tiny.zarr.txt").read_bytes() == b"beside"


def test_other_things_are_not_written_over(dataset, memory, cluster):
    """A prefix with objects of somebody's is no place for a store."""
    (memory / "thesis.pdf").put(b"years of work")
    with pytest.raises(RequestError, match=r"holds other things \(thesis.pdf …\) and no store"):
        generate(dataset.recipe, out=memory, workers=cluster)
    assert objects(memory) == {"thesis.pdf": b"years of work"}


def test_a_dry_run_asks_no_object_store_what_is_free(dataset, bucket):
    """Nothing is written there, and nothing is refused for want of room."""
    found = estimate(dataset.recipe, out=f"{bucket.url}/tiny.zarr")
    assert (found.free_bytes, found.refusal, bucket.objects()) == (None, None, {})


def test_a_protocol_that_nobody_knows_is_refused(dataset, capsys):
    """Before anything is made: exit code 2, and an example of what would do."""
    assert run(["generate", str(dataset.recipe), "--out", "s4://bucket/tiny.zarr"]) == 2
    assert "s4://: Protocol not known: s4. Expected a path, or a URL that fsspec knows, such as s3://" in capsys.readouterr().err
