"""Interrupted and run again: the bytes of an undisturbed run. Runs that are killed are in tests/chaos."""

from __future__ import annotations

import json
import shutil

import pytest

from attractory import layout, store
from attractory.errors import RequestError, StoreError
from attractory.stages.generate import generate, planned_job
from attractory.stages.info import info
from attractory.stages.place import held_bytes
from attractory.stages.run_record import add_runs
from attractory.stages.task import run_block
from attractory.store.begun import record_path, recorded, write_record
from attractory.store.files import RUN_FOLDER


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def partly(dataset):
    """The dataset with two of its six blocks made, by plain calls."""
    job = planned_job(dataset.located(), dataset.store)
    store.create(job.store, job.plan)
    for block in list(job.plan.blocks())[1:3]:
        run_block(job.task(block))
    return dataset


def test_half_written_files_are_swept_up(partly, undisturbed, cluster):
    """What a killed worker left half-written disappears, a shard cut short is made again, and the store is the same to the byte."""
    (partly.store / RUN_FOLDER / "partial" / "tmpabc").write_bytes(b"half")
    (partly.store / layout.shard_path("Quadratic", "fine", 2)).write_bytes(b"short")
    summary = generate(partly.recipe, workers=cluster)
    assert (summary.made, summary.kept) == (5, 1)
    assert files(partly.store) == files(undisturbed.store)


def test_killed_in_the_template(dataset, undisturbed, cluster):
    """A store whose root document was never written is begun again."""
    job = planned_job(dataset.located(), dataset.store)
    store.create(job.store, job.plan)
    (dataset.store / "zarr.json").unlink()
    (dataset.store / "Spiral/zarr.json").write_text("half")
    generate(dataset.recipe, workers=cluster)
    assert files(dataset.store) == files(undisturbed.store)


def test_killed_after_the_last_block(dataset, undisturbed, cluster):
    """All blocks done, not finished: no worker is started, the store is finished."""
    job = planned_job(dataset.located(), dataset.store)
    store.create(job.store, job.plan)
    for block in job.plan.blocks():
        run_block(job.task(block))
    summary = generate(dataset.recipe, workers=cluster)
    assert (summary.made, summary.kept, summary.startup_seconds) == (0, 6, 0.0)
    assert files(dataset.store) == files(undisturbed.store)


def test_what_is_done_needs_no_room_on_the_disk(partly):
    """The blocks that have a row count as they were planned, before compression, and no other block does."""
    plan = planned_job(partly.located(), partly.store).plan
    done = list(plan.blocks())[1:3]
    assert held_bytes(partly.store, plan) == sum(plan.block_bytes(plan.system(block.system)) for block in done)


def test_a_run_is_recorded_once(partly):
    """Whoever finishes a store may record what another has recorded; the store's folder for half-written files may be gone by then."""
    for _ in range(2):
        add_runs(partly.store, [{"started": "today"}])
    shutil.rmtree(partly.store / RUN_FOLDER)
    add_runs(partly.store, [{"started": "today"}, {"started": "later"}])
    runs = json.loads((partly.folder / "tiny.run.json").read_text())["runs"]
    assert [run["started"] for run in runs] == ["today", "later"]


def test_an_unfinished_store_never_passes_for_a_finished_one(partly):
    """Readers refuse it; info says how far it is."""
    with pytest.raises(StoreError, match="is not finished"):
        store.check(partly.store)
    found = info(partly.store)
    assert (found["finished"], found["blocks_done"]) == (False, 2)


@pytest.mark.parametrize("has_record", [True, False])
@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("zarr.json", '"numcodecs": "', '"numcodecs": "0.', "was begun with .* and is not finished"),
        ("Spiral/coarse/zarr.json", '"dt": 0.875', '"dt": 0.88', "begun with another dt of Spiral/coarse"),
    ],
)
def test_two_halves_that_do_not_fit_are_not_joined(partly, file, old, new, message, has_record):
    """A store that other versions or another annotation began is not gone on with; nor is one of before there was a record of that."""
    text = (partly.store / file).read_text()
    assert old in text
    (partly.store / file).write_text(text.replace(old, new))
    if has_record:
        known = [path for path in recorded(partly.store) if (partly.store / path).is_file()]
        write_record(partly.store, {path: (partly.store / path).read_bytes() for path in known})
    else:
        record_path(partly.store).unlink()
    with pytest.raises(RequestError, match=message):
        generate(partly.recipe)
