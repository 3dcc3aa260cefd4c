"""From a recipe to steps, counts and attributes: arithmetic with known answers."""

from __future__ import annotations

import json

import attractory
from attractory import layout
from attractory.loader.mapped import MappedPool
from attractory.stages.generate import planned_job
from attractory.stages.located import systems_of
from attractory.stages.plan import store_plan
from attractory.stages.task import run_block
from attractory.store import create
from attractory.store.finish import seal


def planned(dataset, *changes):
    located = dataset.located(*changes)
    return store_plan(located, systems_of(located))


def test_steps_follow_from_the_period(dataset):
    """8 samples in a period of 7 time units are 7/8 apart; a fixed step is itself; the transient is in time units."""
    spiral = planned(dataset).system("Spiral")
    assert {grid.name: (grid.dt, grid.samples) for grid in spiral.grids} == {"coarse": (7 / 8, 20), "fine": (0.05, 200)}
    assert spiral.transient == 7.0
    assert spiral.splits == (5, 2, 2)


def test_a_map_gives_every_iterate_and_says_so(dataset):
    """Periods and time mean nothing to a map: dt is 1, and the note says why."""
    for grid in planned(dataset).system("Quadratic").grids:
        assert grid.dt == 1
        assert grid.attributes[layout.NOTE].startswith("every iterate")
    assert planned(dataset).system("Quadratic").transient == 10


def test_a_map_can_be_thinned(dataset):
    """{every: 3} keeps every third iterate, without a note."""
    grids = planned(dataset, ("[Spiral, Quadratic]", "[Quadratic]"), ("{dt: 0.05,", "{every: 3,")).system("Quadratic").grids
    assert [grid.dt for grid in grids] == [1.0, 3.0]
    assert layout.NOTE not in grids[1].attributes


def test_attributes_say_what_was_asked_and_what_it_means(dataset):
    """The granularity as the recipe has it, and its density in periods."""
    coarse, fine = planned(dataset).system("Spiral").grids
    assert coarse.attributes == {
        layout.DT: 0.875,
        layout.REQUESTED: {"samples_per_period": 8.0, "samples": 20},
        layout.SAMPLES_PER_PERIOD: 8.0,
    }
    assert fine.attributes[layout.SAMPLES_PER_PERIOD] == 7.0 / 0.05


def test_lyapunov_times_come_from_the_annotation(dataset):
    """Exponent 0.5 with an error of 0.01: a Lyapunov time of 2, four samples in it are 0.5 apart."""
    annotation = "\ninvariants:\n  lyapunov_spectrum: {value: [0.5, -1.0], standard_error: [0.01, 0.01], method: m, computed_with: w}\n"
    dataset.entry("spiral", (dataset.folder / "mine/spiral.yaml").read_text() + annotation)
    spiral = planned(dataset, ("samples_per_period: 8", "samples_per_lyapunov_time: 4")).system("Spiral")
    assert spiral.grids[0].dt == 0.5
    assert spiral.attributes[layout.LYAPUNOV_TIME] == 2.0


def test_trajectories_of_a_system_do_not_know_of_others(dataset):
    """Adding a system leaves the plan of the others as it was."""
    assert planned(dataset).system("Spiral") == planned(dataset, ("[Spiral, Quadratic]", "[Spiral]")).system("Spiral")


def test_annotating_changes_no_digest(dataset):
    """The catalog digest covers what decides numbers, nothing else."""
    before = planned(dataset).attributes
    dataset.entry("spiral", (dataset.folder / "mine/spiral.yaml").read_text() + "notes: a remark\n")
    after = planned(dataset).attributes
    assert before == after
    dataset.entry("spiral", (dataset.folder / "mine/spiral.yaml").read_text().replace("mu: 1.5", "mu: 1.6"))
    assert planned(dataset).attributes[layout.CATALOG_DIGEST] != before[layout.CATALOG_DIGEST]


def test_attributes_are_json(dataset):
    """Every attribute goes into a zarr.json as it is."""
    plan = planned(dataset)
    for attributes in (plan.attributes, *(system.attributes for system in plan.systems)):
        assert json.loads(json.dumps(attributes, allow_nan=False)) == attributes
    assert plan.attributes[layout.RECIPE]["systems"] == ["Quadratic", "Spiral"]
    assert plan.system("Spiral").attributes[layout.PARAMETER_VALUES] == [1.5]


def test_a_plan_of_any_size_is_made_at_once(dataset):
    """A recipe of a trillion trajectories is only numbers."""
    plan = planned(dataset, ("train: 5", "train: 1000000000000"))
    assert plan.bytes > 10**15
    assert next(iter(plan.blocks())).system == "Quadratic"


def test_an_uncompressed_store_is_another_request_with_the_same_states(dataset, tmp_path):
    """`compression: none` stores the numbers themselves, chunk by trajectory; without the key, digests are those of older recipes."""
    written = {}
    for compression in ("lz4", "none"):
        job = planned_job(dataset.located(("seed: 3", f"seed: 3\ncompression: {compression}")), tmp_path / f"{compression}.zarr")
        assert (job.plan.attributes[layout.RECIPE_DIGEST] == planned(dataset).attributes[layout.RECIPE_DIGEST]) == (compression == "lz4")
        create(job.store, job.plan)
        for block in job.plan.blocks():
            run_block(job.task(block))
        seal(job.store, job.plan)
        written[compression] = attractory.open(job.store)
    for name, system in written["none"].systems.items():
        state = system.granularities["fine"].state
        assert state.layout.chunk == (1, 200, state.shape[2])
        assert state.whole().tobytes() == written["lz4"].systems[name].granularities["fine"].state.whole().tobytes()
    windows = written["none"].windows(granularity="fine", split="train", context=8, horizon=4, batch_size=8)
    assert {type(pool) for pool in windows.source.reading.pools()} == {MappedPool}
    assert next(iter(windows)).state.shape == (8, 12, 2)
