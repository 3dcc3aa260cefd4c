"""A recipe becomes the same store, whoever makes it, and nothing is begun that cannot be."""

from __future__ import annotations

import errno
import json
import shutil

import numpy as np
import pytest
import zarr

from attractory import layout, store
from attractory.errors import InterruptedRunError, RecipeError, RequestError, StoreError
from attractory.stages import place
from attractory.stages.block_queue import BlockQueue
from attractory.stages.blocks_on_dask import run_blocks
from attractory.stages.cluster import Workers, running_client
from attractory.stages.generate import generate, planned_job
from attractory.stages.info import info
from attractory.stages.located import read_recipe
from attractory.stages.progress import line_progress, shown_progress
from attractory.stages.task import run_block


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_two_workers_make_the_same_files(dataset, undisturbed):
    """One worker or two: equal files, manifest included, a map among the systems; and progress that ends at the end."""
    seen = []
    summary = generate(dataset.recipe, workers=2, progress=lambda *step: seen.append(step))
    assert (summary.made, summary.kept, summary.failed) == (6, 0, 0)
    assert [step[:2] for step in seen] == [(done, 6) for done in range(7)]
    assert files(dataset.store) == files(undisturbed.store)
    assert summary.peak_bytes < 2**30
    assert "made 6, kept 0 of 6 blocks" in summary.lines()[0]


def test_other_chunk_sizes_give_equal_values(dataset, undisturbed, cluster):
    """The size of a shard decides files, never numbers; a trajectory that fails is counted, and fails no other."""
    dataset.write(("shard_trajectories: 3", "shard_trajectories: 4"), ("[Spiral, Quadratic]", "[Spiral, Quadratic, Runaway]"))
    summary = generate(dataset.recipe, workers=cluster)
    for path in ("Spiral/fine/state", "Spiral/coarse/state", "Quadratic/coarse/state", "Spiral/initial", "Quadratic/status"):
        assert zarr.open_array(dataset.store / path)[:].tobytes() == zarr.open_array(undisturbed.store / path)[:].tobytes()
    assert summary.failed == 9
    assert set(zarr.open_array(dataset.store / "Runaway/status")[:]) == {layout.Status.DIVERGED}
    again = generate(dataset.recipe)
    assert (again.made, again.kept, again.failed) == (0, 9, 9)
    assert "9 trajectories end before their last sample" in again.lines()[-1]


def test_granularities_agree_where_they_meet(undisturbed):
    """Both granularities are one integration: 8 coarse steps are 140 fine ones (7 time units), and sample 0 is the initial state."""
    coarse = zarr.open_array(undisturbed.store / "Spiral/coarse/state")[:]
    fine = zarr.open_array(undisturbed.store / "Spiral/fine/state")[:]
    np.testing.assert_array_equal(coarse[:, 0], fine[:, 0])
    np.testing.assert_allclose(coarse[:, 8], fine[:, 140], rtol=1e-5, atol=1e-6)  # float32
    np.testing.assert_array_equal(coarse[:, 0], zarr.open_array(undisturbed.store / "Spiral/initial")[:].astype("f4"))


def test_a_finished_store_is_left_alone(undisturbed):
    """The same recipe again: nothing is made, nothing is written, and it is said."""
    before = {path: path.stat().st_mtime_ns for path in undisturbed.store.rglob("*")}
    summary = generate(undisturbed.recipe)
    assert (summary.made, summary.kept) == (0, 6)
    assert "finished already" in summary.lines()[0]
    assert before == {path: path.stat().st_mtime_ns for path in undisturbed.store.rglob("*")}


def test_the_run_is_recorded_beside_the_store(undisturbed):
    """Times, hosts and rates lie beside the store, in JSON, never in it."""
    (run,) = json.loads((undisturbed.folder / "tiny.run.json").read_text())["runs"]
    assert (run["made"], run["kept"], run["workers"]) == (6, 0, 1)
    assert run["samples"] == 2 * 9 * (20 + 200)
    assert set(run["systems"]) == {"Quadratic", "Spiral"}


def test_info_fits_a_screen(undisturbed):
    """What a store is: its systems, granularities and size; of an unfinished one too."""
    found = info(undisturbed.store)
    assert (found["name"], found["finished"], found["bytes"]) == ("tiny", True, sum(map(len, files(undisturbed.store).values())))
    assert found["systems"]["Spiral"]["granularities"]["coarse"] == {
        "trajectories": 9,
        "samples": 20,
        "dt": 0.875,
        "samples_per_period": 8.0,
    }
    with pytest.raises(StoreError, match="there is no store"):
        info(undisturbed.folder / "none.zarr")


def copied(undisturbed, folder):
    shutil.copytree(undisturbed.folder, folder)
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("recipe.yaml", "seed: 3", "seed: 4", r"tiny.zarr: the store there was made from another recipe \(it differs in seed\)"),
        ("mine/spiral.yaml", "mu: 1.5", "mu: 1.6", r"made from another catalog \(the entries of Spiral have changed\).*--out"),
        (
            "tiny.zarr/zarr.json",
            '"attractory_format": 1',
            '"attractory_format": 2',
            r"has format version 2, this Attractory reads and writes",
        ),
    ],
)
def test_a_store_of_another_request_is_not_touched(undisturbed, tmp_path, file, old, new, message):
    """Another recipe, catalog or format: refused with the reason, every byte as it was."""
    folder = copied(undisturbed, tmp_path / "copy")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    before = files(folder)
    with pytest.raises(RequestError, match=message):
        generate(folder / "recipe.yaml")
    assert files(folder) == before


def test_another_store_is_replaced_on_request(undisturbed, tmp_path, cluster):
    """With replace_other the old store makes room for the one that is asked for."""
    folder = copied(undisturbed, tmp_path / "copy")
    (folder / "recipe.yaml").write_text((folder / "recipe.yaml").read_text().replace("[Spiral, Quadratic]", "[Quadratic]"))
    assert generate(folder / "recipe.yaml", replace_other=True, workers=cluster).made == 3
    assert not (folder / "tiny.zarr/Spiral").exists()
    assert store.check(folder / "tiny.zarr") == ()


def test_a_place_that_cannot_be_written_is_refused(dataset):
    """Below a file, in a file system of the kernel's, and in a folder of other things."""
    (dataset.folder / "file").write_text("")
    with pytest.raises(RequestError, match=r"file/tiny.zarr: cannot be written \(Not a directory\)"):
        generate(dataset.recipe, out=dataset.folder / "file/tiny.zarr")
    with pytest.raises(RequestError, match=r"/proc/tiny.zarr: cannot be written"):
        generate(dataset.recipe, out="/proc/tiny.zarr")
    with pytest.raises(StoreError, match="holds other things"):
        generate(dataset.recipe, out=dataset.folder)
    assert not dataset.store.exists()


def test_a_recipe_larger_than_the_disk_is_refused(dataset):
    """Before anything is written; the message says how much is needed and how much is free."""
    dataset.write(("train: 5", "train: 1000000000000"))
    with pytest.raises(RequestError, match=r"the recipe makes up to 2\.7 PB, and the disk has .* free"):
        generate(dataset.recipe)
    assert sorted(path.name for path in dataset.folder.iterdir()) == ["mine", "recipe.yaml"]


def test_what_is_on_the_disk_already_counts(dataset):
    """A run that goes on needs room only for what is missing."""
    plan = planned_job(dataset.located(("train: 5", "train: 1000000000000")), dataset.store).plan
    place.check_place(dataset.store, plan, held=plan.bytes)
    with pytest.raises(RequestError, match="disk has"):
        place.check_place(dataset.store, plan, held=plan.bytes // 2)


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [(errno.ENOSPC, InterruptedRunError, "the disk is full.*goes on from there"), (errno.EACCES, RequestError, "Permission denied")],
)
def test_the_disk_is_understood(tmp_path, number, kind, message):
    """A full disk interrupts (3), a closed door is a wrong request (2)."""
    with pytest.raises(kind, match=message), place.disk_errors(tmp_path):
        raise OSError(number, "Permission denied")


def test_one_run_at_a_time(dataset):
    """While one run holds the store, another is refused."""
    with store.locked(dataset.store), pytest.raises(RequestError, match="another run is writing"):
        generate(dataset.recipe)


def test_a_recipe_that_is_wrong_writes_nothing(dataset):
    """An unknown system, refused before the store exists."""
    dataset.write(("Spiral,", "Spirl,"))
    with pytest.raises(RecipeError, match="Did you mean 'Spiral'"):
        generate(dataset.recipe)
    assert not dataset.store.exists()


def test_a_cluster_that_is_not_there_is_refused(dataset):
    """A scheduler file that does not exist is a wrong request."""
    with (
        pytest.raises(RequestError, match="there is no such scheduler file"),
        running_client(Workers(1, dataset.folder / "scheduler.json")),
    ):
        pass


def test_blocks_run_on_a_cluster_of_the_user(dataset, undisturbed, cluster):
    """Workers that were there before find their way to the store, and make the same bytes."""
    generate(dataset.recipe, workers=cluster)
    assert files(dataset.store) == files(undisturbed.store)


def test_an_error_of_a_block_reaches_the_user(dataset):
    """What a worker raises is raised here, as it was."""
    from distributed import Client

    def full(system, *, indices, grids, settings):
        raise OSError(errno.ENOSPC, "No space left on device")

    job = planned_job(read_recipe(dataset.recipe), dataset.store, full)
    with (
        pytest.raises(InterruptedRunError, match="disk is full"),
        place.disk_errors(job.store),
        Client(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as client,
    ):
        list(run_blocks(client, BlockQueue(job.plan.blocks()), job.task))


def test_a_worker_keeps_to_its_system():
    """Two workers take two systems; who is done first helps with the larger rest."""
    blocks = [store.Block(name, shard, shard, 1) for name, count in (("A", 2), ("B", 4), ("C", 3)) for shard in range(count)]
    queue = BlockQueue(blocks)
    taken = [(worker, queue.take(worker).system) for worker in ("one", "two", "one", "two", "one", "two", "two", "one")]
    assert [system for worker, system in taken if worker == "one"] == ["B", "B", "B", "B"]
    assert [system for worker, system in taken if worker == "two"] == ["C", "C", "C", "A"]
    assert (len(queue), queue.take("one").system, queue.take("one")) == (1, "A", None)


def test_a_block_reports_what_it_took(dataset):
    """A task is a plain call: it runs here as it does on a worker, and its second block compiles nothing."""
    job = planned_job(dataset.located(), dataset.store)
    store.create(job.store, job.plan)
    first, second, *_ = (run_block(job.task(block)) for block in job.plan.blocks())
    assert first.samples == 3 * 220
    assert second.compile_seconds < 0.01 < first.compile_seconds + 0.02


def test_progress_on_a_file_is_lines(tmp_path):
    """Not a terminal: a line at the end, whatever the time; no control characters."""
    with (tmp_path / "log").open("w") as stream, shown_progress(stream, title="generate") as progress:
        progress(1, 2, "Lorenz")
        progress(2, 2, "Lorenz")
    assert (tmp_path / "log").read_text() == "generate: 2 of 2 (100 %), Lorenz\n"


def test_progress_lines_keep_their_distance(tmp_path):
    """With no distance asked for, every step is a line."""
    with (tmp_path / "log").open("w") as stream:
        progress = line_progress(stream, title="verify", seconds=0)
        progress(1, 3, "")
    assert (tmp_path / "log").read_text() == "verify: 1 of 3 (33 %)\n"
