"""What a dry run says beside what a run then makes."""

from __future__ import annotations

import json

import pytest

from attractory import console
from attractory.errors import MissingExtraError, RecipeError, RequestError
from attractory.stages.cluster import Workers
from attractory.stages.estimate import estimate
from attractory.stages.generate import generate
from attractory.stages.task_size import Cost, better_shards
from attractory.stages.watching import check_watching


def contents(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def longer(dataset, *changes):
    """Trajectories long enough that files are data and not heads: the index of a shard is a tenth of the tiny one's bytes."""
    return dataset.write(("samples: 20}", "samples: 1024}"), ("samples: 200}", "samples: 4096}"), ("train: 5", "train: 21"), *changes)


def test_what_is_foretold_is_what_is_made(dataset, cluster):
    """Samples, raw bytes, tasks and files exactly; bytes on the disk within 30 %; nothing is written before."""
    longer(dataset)
    before = contents(dataset.folder)
    found = estimate(dataset.recipe)
    assert contents(dataset.folder) == before
    assert not found.finished
    assert found.refusal is None
    made = generate(dataset.recipe, workers=cluster)
    document = found.document()
    assert document["samples"] == made.work.samples == 2 * 25 * (1024 + 4096)
    assert document["tasks"] == made.made
    files = [path for path in dataset.store.rglob("*") if path.is_file()]
    shards = [path for path in files if "state/c" in str(path)]
    assert (found.shard_files, found.other_files) == (len(shards), len(files) - len(shards))
    assert found.disk_bytes == pytest.approx(made.work.bytes, rel=0.3)
    states = 25 * (1024 + 4096) * (2 + 1) * 4  # two variables and one, float32
    arrays = 25 * (8 * (2 + 1 + 1) + 2) + 25 * (8 * (1 + 1 + 1) + 2) + 2 * 8 * (1024 + 4096)  # initial, parameters, start, codes; times
    assert found.raw_bytes == states + arrays
    assert found.core_seconds > 0
    assert estimate(dataset.recipe).finished


def test_families_and_observations_are_foretold(dataset, cluster):
    """Files exactly, and bytes within 30 %, where parameters are drawn and something is observed."""
    asked = "parameters: {systems: {Spiral: {mu: [1, 2]}}}\nobservation: {noise: {relative: 0.1}}"
    longer(dataset, ("seed: 3", f"seed: 3\n{asked}"))
    found = estimate(dataset.recipe)
    made = generate(dataset.recipe, workers=cluster)
    files = [path for path in dataset.store.rglob("*") if path.is_file()]
    shards = [path for path in files if "state/c" in str(path) or "observed/c" in str(path)]
    assert found.shard_files == len(shards) == 2 * 2 * 2 * 9  # systems, granularities, states and what is observed, shards
    assert found.shard_files + found.other_files == len(files)
    assert found.disk_bytes == pytest.approx(made.work.bytes, rel=0.3)
    assert found.samples == made.work.samples


def test_an_estimate_fits_a_screen(dataset):
    """Size, time and files for a person; one document for a program."""
    lines = estimate(dataset.recipe).lines()
    assert len(lines) <= 8
    assert "nothing was written" in lines[0]
    assert "core-hours" in "\n".join(lines)
    assert json.dumps(estimate(dataset.recipe).document(), allow_nan=False)


@pytest.mark.parametrize(
    ("costs", "wanted"),
    [
        ([Cost(64_000, 0.01, 1e4)], None),  # 1,000 tasks of 0.64 s
        ([Cost(64_000, 0.001, 1e4)], 300),  # of 0.064 s: 300 trajectories take 0.3 s
        ([Cost(640, 0.001, 1e4)], None),  # ten tasks, however short
        ([Cost(64_000, 2.0, 1e4)], 30),  # of 128 s
        ([Cost(64_000, 200.0, 1e4)], 1),  # of one trajectory, even so too long
        ([Cost(64_000, 0.001, 1e6)], 200),  # 0.3 s would take more memory than there is
        ([Cost(64_000, 0.0005, 1e4), Cost(200, 0.5, 1e4)], 120),  # 60 s of another system are the bound
        ([Cost(64_000, 0.0005, 1e4), Cost(100, 0.5, 1e4)], 235),  # which has not so many: 50 s are its longest
        ([Cost(64_000, 0.0, 1e4)], 20_000),  # no time was measured: memory alone bounds
    ],
)
def test_a_better_size_of_tasks_is_told(costs, wanted):
    """Tasks of 0.3 s, none of more than 60 s or 200 MB, where there are many; 64 trajectories a shard now."""
    assert better_shards(costs, 64, most_bytes=200_000_000) == wanted


def test_a_dry_run_tells_it(dataset):
    """Three hundred tasks of milliseconds: in the lines for a person and in the document, and tasks are longer then."""
    dataset.write(("train: 5", "train: 995"))
    found = estimate(dataset.recipe)
    assert found.better_shards > 3
    assert f"shard_trajectories: {found.better_shards}" in "\n".join(found.lines())
    assert found.document()["better_shard_trajectories"] == found.better_shards
    dataset.write(("train: 5", "train: 995"), ("shard_trajectories: 3", f"shard_trajectories: {found.better_shards}"))
    assert estimate(dataset.recipe).tasks < found.tasks


def test_a_disk_that_is_too_small_is_refused_with_the_estimate(dataset, capsys):
    """A million million trajectories are measured by sixteen; exit code 2, and nothing is written."""
    dataset.write(("train: 5", "train: 1000000000000"))
    before = contents(dataset.folder)
    assert console.run(["generate", str(dataset.recipe), "--dry-run"]) == 2
    said = capsys.readouterr().out
    assert "refused: " in said
    assert "the recipe makes up to 2.7 PB, and the disk has" in said
    assert contents(dataset.folder) == before


def test_a_wrong_recipe_is_refused_as_a_run_refuses_it(dataset):
    """The same sentences, before anything is measured."""
    dataset.write(("Spiral,", "Spirl,"))
    with pytest.raises(RecipeError, match="Did you mean 'Spiral'"):
        estimate(dataset.recipe)


def test_phases_add_up_to_the_time_of_the_workers(undisturbed):
    """Seconds by phase, in the record beside the store: all of the run that is not work is waiting."""
    (run,) = json.loads((undisturbed.folder / "tiny.run.json").read_text())["runs"]
    assert list(run["phase_seconds"]) == ["compile", "integrate", "compress", "write", "wait"]
    assert sum(run["phase_seconds"].values()) == pytest.approx(run["run_seconds"] * run["workers"], abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--array", "0/4"], "slices count from 1 to 4"),
        (["--array", "1/4", "--workers", "2"], "leave out --workers"),
        (["--array", "1/4", "--replace"], "leave out --replace"),
    ],
)
def test_options_that_do_not_go_together_are_refused(dataset, capsys, options, message):
    """Exit code 2, one sentence, nothing written."""
    before = contents(dataset.folder)
    assert console.run(["generate", str(dataset.recipe), *options]) == 2
    assert message in capsys.readouterr().err
    assert contents(dataset.folder) == before


def test_a_slice_on_the_command_line(dataset, capsys):
    """`--array 1/1` is the whole store; the document says which slice it was and that the store is finished."""
    assert console.run(["generate", str(dataset.recipe), "--array", "1/1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["made"], document["slice"], document["store_finished"]) == (6, "1/1", True)


def test_a_performance_report_needs_what_draws_it(dataset, monkeypatch):
    """Without bokeh the request is refused before anything is written, and the message says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    before = contents(dataset.folder)
    with pytest.raises(MissingExtraError, match=r"A performance report needs the package 'bokeh'.*attractory\[dashboard\]"):
        generate(dataset.recipe, workers=Workers(1, performance=dataset.folder / "report.html"))
    assert contents(dataset.folder) == before


def test_a_performance_report_is_a_page_and_the_dashboard_is_told_once(dataset):
    """Dask's own report, written when the run ends; the link comes once."""
    pytest.importorskip("bokeh")
    said = []
    page = dataset.folder / "report.html"
    generate(dataset.recipe, workers=Workers(1, performance=page, announce=said.append))
    assert "<html" in page.read_text()[:2000].lower()
    (sentence,) = said
    assert "/status" in sentence
    with pytest.raises(RequestError, match="there is no such folder"):
        check_watching(dataset.folder / "none" / "report.html")
