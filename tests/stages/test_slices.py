"""Slices of one recipe, made by processes that know nothing of each other, are the store of one run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from attractory import store
from attractory.errors import IncompleteRunError, RequestError
from attractory.integrate import integrate_block
from attractory.stages.generate import generate, planned_job
from attractory.stages.slices import Slice, generate_slice, read_slice
from attractory.stages.task import run_block
from attractory.store.begun import record_path
from attractory.store.files import RUN_FOLDER, write_new
from attractory.store.state import root_document

# One slice in a process of its own, with a pause before each block, so that slices overlap and there is a middle to be killed in.
SLICE = """
import sys, time
from attractory.integrate import integrate_block
from attractory.stages.slices import generate_slice, read_slice

def slow(system, **block):
    time.sleep(float(sys.argv[3]))
    return integrate_block(system, **block)

if __name__ == "__main__":
    made = generate_slice(sys.argv[1], read_slice(sys.argv[2]), produce=slow)
    sys.stdout.write(f"{made.made} {made.kept} {made.place.finished}")
"""


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def started(dataset, part, pause=0.3):
    script = dataset.folder / "slice.py"
    script.write_text(SLICE)
    environment = {**os.environ, "PYTHONPATH": str(Path(store.__file__).parents[2])}
    command = [sys.executable, str(script), str(dataset.recipe), part, str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_slices_are_every_block_once(dataset, count):
    """The slices of any number of jobs have each block in exactly one of them; with more jobs than blocks some have none."""
    plan = planned_job(dataset.located(), dataset.store).plan
    parts = [list(Slice(number, count).blocks(plan)) for number in range(1, count + 1)]
    assert sorted(block.key for part in parts for block in part) == sorted(block.key for block in plan.blocks())
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_slices_one_after_the_other_make_the_store_of_one_run(dataset, undisturbed):
    """In any order; the last one finishes the store, and the record beside it has a run of each slice that made something."""
    summaries = [generate_slice(dataset.recipe, Slice(number, 7)) for number in (7, 3, 1, 2, 6, 4)]
    assert [summary.made for summary in summaries] == [0, 1, 1, 1, 1, 1]
    assert not summaries[-1].place.finished
    assert "5 of the store's 6 blocks are done" in "\n".join(summaries[-1].lines())
    last = generate_slice(dataset.recipe, Slice(5, 7))
    assert last.place.finished
    assert files(dataset.store) == files(undisturbed.store)
    runs = json.loads((dataset.folder / "tiny.run.json").read_text())["runs"]
    assert sorted(run["slice"] for run in runs) == [f"{number}/7" for number in range(1, 7)]
    again = generate_slice(dataset.recipe, Slice(1, 7))
    assert (again.made, again.place.finished, "finished already" in again.lines()[0]) == (0, True, False)
    assert files(dataset.store) == files(undisturbed.store)


def test_slices_at_once_make_the_store_of_one_run(dataset, undisturbed):
    """Three processes begin the same store together, make their blocks, and end together."""
    processes = [started(dataset, f"{number}/3", pause=0.05) for number in (1, 2, 3)]
    ended = [(process.communicate(timeout=300), process.returncode) for process in processes]
    assert [code for _, code in ended] == [0, 0, 0], ended
    assert {out.split()[0] for (out, _), _ in ended} == {"2"}
    assert "True" in {out.split()[2] for (out, _), _ in ended}
    assert files(dataset.store) == files(undisturbed.store)


def test_a_slice_that_was_killed_goes_on(dataset, undisturbed):
    """SIGKILL to one slice while another runs to its end; the same command makes what is missing and finishes the store."""
    killed, whole = started(dataset, "1/2"), started(dataset, "2/2", pause=0)
    rows = dataset.store / RUN_FOLDER / "rows"
    keys = [block.key for block in Slice(1, 2).blocks(planned_job(dataset.located(), dataset.store).plan)]
    deadline = time.monotonic() + 120
    while not (rows / f"{keys[0]}.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert whole.communicate(timeout=120)[0] == "3 0 False"
    again = generate_slice(dataset.recipe, Slice(1, 2))
    assert again.made + again.kept == 3
    assert again.kept >= 1
    assert files(dataset.store) == files(undisturbed.store)


def test_a_run_of_the_whole_makes_the_rest(dataset, undisturbed, cluster):
    """Blocks of slices count as done; the record beside the store has the slice's run and the other."""
    generate_slice(dataset.recipe, Slice(2, 3))
    summary = generate(dataset.recipe, workers=cluster)
    assert (summary.made, summary.kept) == (4, 2)
    assert files(dataset.store) == files(undisturbed.store)
    assert [run.get("slice") for run in json.loads((dataset.folder / "tiny.run.json").read_text())["runs"]] == ["2/3", None]


def test_all_blocks_done_and_not_finished(dataset, undisturbed):
    """Killed between the last row and the manifest: any slice once more finishes the store, also one without a block."""
    generate_slice(dataset.recipe, Slice(2, 2))
    job = planned_job(dataset.located(), dataset.store)
    for block in Slice(1, 2).blocks(job.plan):
        run_block(job.task(block))
    assert generate_slice(dataset.recipe, Slice(7, 7)).place.finished
    assert files(dataset.store) == files(undisturbed.store)


def test_slices_and_a_run_of_the_whole_exclude_each_other(dataset):
    """Slices beside slices; neither beside a run of all blocks; a lock on a file that was removed keeps nobody out and lets nobody in."""
    with store.shared(dataset.store), store.shared(dataset.store):
        with pytest.raises(RequestError, match="another run is writing this store"):
            generate(dataset.recipe)
    with store.locked(dataset.store), pytest.raises(RequestError, match="a run of the whole recipe is writing this store"):
        generate_slice(dataset.recipe, Slice(1, 2))


def test_the_first_slice_begins_the_store_and_the_others_find_it(dataset):
    """Several that come at once: each sees a whole template, and the root's document is written once."""
    job = planned_job(dataset.located(), dataset.store)
    errors = []

    def come():
        try:
            store.create(job.store, job.plan)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert not list((dataset.store / RUN_FOLDER / "partial").iterdir())
    assert store.strangers(job.store, job.plan) == ["zarr.json"]


def test_a_late_comer_does_not_take_the_end_away(dataset, undisturbed):
    """Who wrote the template again after the store was finished leaves the finished root's document as it is."""
    generate_slice(dataset.recipe, Slice(1, 1))
    job = planned_job(dataset.located(), dataset.store)
    store.create(job.store, job.plan)
    assert store.is_finished(root_document(dataset.store))
    assert {path: data for path, data in files(dataset.store).items() if RUN_FOLDER not in path} == files(undisturbed.store)


def test_a_file_that_is_there_stays(tmp_path):
    """write_new says whether it wrote, and leaves nothing half-written."""
    (tmp_path / "partial").mkdir()
    target = tmp_path / "folder" / "file"
    assert write_new(target, b"first", partial=tmp_path / "partial")
    assert not write_new(target, b"second", partial=tmp_path / "partial")
    assert (target.read_bytes(), list((tmp_path / "partial").iterdir())) == (b"first", [])


def test_a_slice_deletes_nothing(dataset):
    """The beginnings of another store are refused, with what to do; a half-written template of this one is completed."""
    job = planned_job(dataset.located(), dataset.store)
    store.create(job.store, job.plan)
    (dataset.store / "zarr.json").unlink()
    record_path(dataset.store).unlink()
    (dataset.store / "Other").mkdir()
    (dataset.store / "Other/zarr.json").write_text("{}")
    with pytest.raises(RequestError, match=r"beginnings of another store \(Other/zarr.json\).*without --array"):
        generate_slice(dataset.recipe, Slice(1, 2))
    (dataset.store / "Other/zarr.json").unlink()
    (dataset.store / "Other").rmdir()
    (dataset.store / "Spiral/zarr.json").unlink()
    assert generate_slice(dataset.recipe, Slice(1, 2)).made == 3


def test_a_slice_of_a_recipe_larger_than_the_disk_is_refused(dataset):
    """Before anything is written, as a run of the whole is."""
    dataset.write(("train: 5", "train: 1000000000000"))
    with pytest.raises(RequestError, match=r"the recipe makes up to 2\.7 PB, and the disk has .* free"):
        generate_slice(dataset.recipe, Slice(1, 200))
    assert sorted(path.name for path in dataset.folder.iterdir()) == ["mine", "recipe.yaml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0/200", r"found 0/200, but slices count from 1 to 200. In a job array: sbatch --array=1-200"),
        ("201/200", r"found 201/200, but slices count from 1 to 200"),
        ("1/0", "there is at least one"),
        ("17", "found '17', expected K/N, such as 17/200"),
        ("-1/3", "found '-1/3', expected K/N"),
    ],
)
def test_what_is_no_slice_is_refused(text, message):
    """Slices count from 1, as job arrays mostly do; the message says so."""
    with pytest.raises(RequestError, match=message):
        read_slice(text)
    assert read_slice("200/200") == Slice(200, 200)


def failing(system, **block):
    """Fails for one block of the six."""
    if system.name == "Spiral" and block["indices"][0] == 3:
        raise ArithmeticError("no such number")
    return integrate_block(system, **block)


def test_a_block_that_fails_does_not_stop_its_slice(dataset, undisturbed):
    """The others are made; the error has its key; the same command tries it again."""
    with pytest.raises(IncompleteRunError, match=r"1 of 6 blocks could not be made.*\n  Spiral-1: ArithmeticError: no such number"):
        generate_slice(dataset.recipe, Slice(1, 1), produce=failing)
    summary = generate_slice(dataset.recipe, Slice(1, 1))
    assert (summary.made, summary.kept) == (1, 5)
    assert files(dataset.store) == files(undisturbed.store)


def test_a_block_that_ended_the_process_comes_last_the_next_time(dataset):
    """Where a job was killed over a block (too little memory), its other blocks do not wait behind that one for ever."""
    blocks = list(Slice(1, 1).blocks(planned_job(dataset.located(), dataset.store).plan))
    generate_slice(dataset.recipe, Slice(2, 2))
    (dataset.store / RUN_FOLDER / "slice-1-of-2").write_text(blocks[0].key)
    order = []

    def watched(system, **block):
        order.append(f"{system.name}-{block['indices'][0] // 3}")
        return integrate_block(system, **block)

    generate_slice(dataset.recipe, Slice(1, 2), produce=watched)
    made_blocks = [key for key in dict.fromkeys(reversed(order)) if key in {block.key for block in blocks}]
    assert made_blocks[0] == blocks[0].key
