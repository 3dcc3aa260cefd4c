"""Drawn sample times as a granularity of a dataset: written, resumed, repaired, validated, published and loaded like any other."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray
import zarr
from tests.stages.conftest import Dataset, make_dataset

import attractory
from attractory import layout
from attractory.errors import DamageError, RecipeError, RequestError
from attractory.integrate import DrawnGrid, sample_times
from attractory.layout import DrawnTimes
from attractory.stages.estimate import estimate
from attractory.stages.generate import generate, planned_job
from attractory.stages.info import info
from attractory.stages.located import systems_of
from attractory.stages.plan import store_plan
from attractory.stages.publish import Asked, publish
from attractory.stages.slices import generate_slice, read_slice
from attractory.stages.task import produce_block
from attractory.stages.validate import validate
from attractory.stages.validate.run import run_checks
from attractory.stages.validate.stored import open_stored
from attractory.stages.verify import verify
from attractory.store import encode_block

FINE = "  fine: {dt: 0.05, samples: 200}\n"
OWN = (
    FINE,
    FINE + "  events: {samples_per_period: 14, times: poisson, samples: 30}\n"
    "  late: {dt: 0.25, times: {jitter: 0.5}, samples: 25}\n"
    "  gaps: {dt: 0.05, times: {dropped: 0.4}, samples: 60}\n",
)
DROPPED = (FINE, FINE + "  gaps: {dt: 0.05, times: {dropped: 0.4}, samples: 60}\n")
ONE = ("[Spiral, Quadratic]", "[Spiral]")
TIME = layout.time_shard_path("Spiral", "events", 1)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, cluster) -> Dataset:
    """A flow at two regular granularities and three whose times are drawn, made in one go; not to be changed."""
    made = make_dataset(tmp_path_factory.mktemp("drawn") / "tiny").write(ONE, OWN)
    assert generate(made.recipe, workers=cluster).failed == 0
    return made


@pytest.fixture
def copied(drawn: Dataset, tmp_path: Path) -> Path:
    """A copy of the store to spoil."""
    return Path(shutil.copytree(drawn.store, tmp_path / "tiny.zarr"))


def test_xarray_reads_states_and_times(drawn: Dataset) -> None:
    """`time` is (trajectory, time), the one that seed, system, granularity and number draw; nothing warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xarray.open_datatree(drawn.store, engine="zarr")
        events = tree["Spiral/events"].load()
    assert events["time"].dims == ("trajectory", "time")
    assert events["state"].shape == (9, 30, 2)
    grid = DrawnGrid("events", DrawnTimes("poisson", 0.5), 30)
    np.testing.assert_array_equal(events["time"].values, sample_times(grid, seed=3, system="Spiral", indices=range(9)))


def test_what_is_left_is_the_regular_granularity(drawn: Dataset) -> None:
    """Each state of `gaps` is that of `fine` at the same time, to the bit."""
    tree = xarray.open_datatree(drawn.store, engine="zarr")["Spiral"]
    fine, gaps = tree["fine"], tree["gaps"]
    for row in range(9):
        places = np.searchsorted(fine["time"].values, gaps["time"].values[row])
        inside = places < 200
        np.testing.assert_array_equal(fine["time"].values[places[inside]], gaps["time"].values[row, inside])
        np.testing.assert_array_equal(fine["state"].values[row, places[inside]], gaps["state"].values[row, inside])


def test_regular_granularities_keep_their_bytes(drawn: Dataset, dataset: Dataset, cluster) -> None:
    """A store without the drawn times has the same shards, initial states and time axes."""
    generate(dataset.write(ONE).recipe, workers=cluster)
    with_own, without = files(drawn.store), files(dataset.store)
    same = [path for path in without if path not in ("zarr.json", layout.MANIFEST)]
    assert {path: with_own[path] for path in same} == {path: without[path] for path in same}


def test_slices_make_the_same_bytes(drawn: Dataset, dataset: Dataset) -> None:
    """In another order, with no scheduler: equal to one run on Dask."""
    dataset.write(ONE, OWN)
    for number in (2, 1):
        generate_slice(dataset.recipe, read_slice(f"{number}/2"))
    assert files(dataset.store) == files(drawn.store)


@pytest.mark.parametrize("size", [2, 9])
def test_the_size_of_a_shard_does_not_show(drawn: Dataset, dataset: Dataset, cluster, size: int) -> None:
    """Other blocks have the same states and times."""
    generate(dataset.write(ONE, OWN, ("shard_trajectories: 3", f"shard_trajectories: {size}")).recipe, workers=cluster)
    one, other = (xarray.open_datatree(store, engine="zarr") for store in (drawn.store, dataset.store))
    for name in ("events", "late", "gaps"):
        for array in ("state", "time"):
            np.testing.assert_array_equal(one[f"Spiral/{name}/{array}"].values, other[f"Spiral/{name}/{array}"].values)


def test_a_damaged_shard_of_times_is_found_and_made_again(copied: Path, drawn: Dataset) -> None:
    """With equal bytes, also where the manifest that told its digest is gone too."""
    for path in (TIME, layout.MANIFEST):
        content = bytearray((copied / path).read_bytes())
        content[len(content) // 2] ^= 1
        (copied / path).write_bytes(content)
    with pytest.raises(DamageError, match=TIME):
        verify(copied)
    assert set(verify(copied, repair=True).repaired) >= {TIME, layout.MANIFEST}
    assert files(copied) == files(drawn.store)


def test_info_says_how_times_are_drawn(drawn: Dataset) -> None:
    """With the mean rates, of dropped samples that of those which are left; no dt."""
    found = info(drawn.store)["systems"]["Spiral"]["granularities"]
    assert found["events"] == {
        "trajectories": 9,
        "samples": 30,
        "times": {"drawn": "poisson", "spacing": 0.5},
        "samples_per_period": 14.0,
    }
    assert found["gaps"]["times"] == {"drawn": "dropped", "spacing": 0.05, "part": 0.4}
    assert found["gaps"]["samples_per_period"] == pytest.approx(7 / 0.05 * 0.6)
    assert "dt" not in found["late"]


def test_a_dry_run_counts_the_times(drawn: Dataset) -> None:
    """Samples, raw bytes and files of what was made."""
    foretold = estimate(drawn.recipe)
    shards = len(list(drawn.store.glob("Spiral/*/state/c/*/0/0"))) + len(list(drawn.store.glob("Spiral/*/time/c/*/0")))
    assert (foretold.samples, foretold.shard_files) == (9 * (20 + 200 + 30 + 25 + 60), shards)
    assert foretold.raw_bytes >= 9 * (335 * 2 * 4 + 115 * 8)


def test_a_good_store_passes_validation(drawn: Dataset, tmp_path: Path) -> None:
    """Every check, those of the times among them; SciPy comes to the same states at the same times."""
    report = validate(drawn.store, report=tmp_path)
    assert [check.message for check in report.failures] == []
    for name in ("events", "late", "gaps"):
        of_own = {check.name: check.message for check in report.checks if check.granularity == name}
        assert of_own.keys() >= {"time_axis", "drawn_times", "first_sample", "reintegration"}
        assert "trajectories followed by DOP853" in of_own["reintegration"]


def failed(path: Path, granularity: str) -> dict[str, str]:
    checks = run_checks(open_stored(path), {})
    return {check.name: check.message for check in checks if not check.passed and check.granularity == granularity}


def test_spoiled_times_and_states_are_found(copied: Path) -> None:
    """Times that go back; a time that is another; a state moved by a thousandth of its size; each by the check that is for it."""
    group = zarr.open_group(str(copied), mode="r+", use_consolidated=False)["Spiral"]
    group["events/time"][2, 10:12] = group["events/time"][2, 10:12][::-1]
    group["late/time"][4, 7] = np.nextafter(group["late/time"][4, 7], 0.0)
    group["gaps/state"][:, 5] = np.asarray(group["gaps/state"][:, 5]) * 1.001
    assert "trajectory 2 from sample 11 on" in failed(copied, "events")["time_axis"]
    assert failed(copied, "late")["drawn_times"] == "1 trajectories have other times than their numbers draw, first trajectory 4"
    assert "leaves the solution of the stated equations" in failed(copied, "gaps")["reintegration"]


def test_a_published_version_has_columns_of_times(drawn: Dataset, tmp_path: Path) -> None:
    """The tables, Croissant and the card say how they were drawn."""
    place = tmp_path / publish(drawn.store, to=tmp_path, asked=Asked(unvalidated=True)).version
    table = pq.read_table(place / "parquet/Spiral/events/train.parquet")
    tree = xarray.open_datatree(drawn.store, engine="zarr")
    np.testing.assert_array_equal(np.array(table["time"].to_pylist()), tree["Spiral/events/time"].values[:5])
    assert json.loads(table.schema.metadata[b"attractory"])["times"] == {"drawn": "poisson", "spacing": 0.5}
    sets = {one["name"]: one for one in json.loads((place / "croissant.json").read_text())["recordSet"]}
    assert "samples Poisson times, 0.5 apart in the mean" in sets["Spiral/events/train"]["description"]
    card = (place / "README.md").read_text()
    assert "events: 30, Poisson times, 0.5 apart in the mean" in card
    assert "gaps: 60, 0.05 apart, each left out with the chance 0.4" in card


def test_windows_carry_their_times(drawn: Dataset) -> None:
    """Consecutive samples, their states and their times, as xarray reads them."""
    dataset = attractory.open(drawn.store)
    tree = xarray.open_datatree(drawn.store, engine="zarr")["Spiral/late"]
    state, time = tree["state"].values, tree["time"].values
    seen = 0
    for batch in dataset.windows(granularity="late", split="train", context=6, horizon=2, batch_size=16, seed=1):
        for row, (trajectory, start) in enumerate(zip(batch.trajectory, batch.start, strict=True)):
            np.testing.assert_array_equal(batch.state[row], state[trajectory, start : start + 8])
            np.testing.assert_array_equal(batch.time[row], time[trajectory, start : start + 8])
            seen += 1
    assert seen == 5 * 18
    granularity = dataset.systems["Spiral"].granularities["late"]
    assert (granularity.is_irregular, granularity.dt, granularity.section) == (True, None, None)
    assert granularity.drawn == {"drawn": "jitter", "spacing": 0.25, "part": 0.5}


def test_windows_of_periods_are_refused(drawn: Dataset) -> None:
    """Samples with times of their own are no fixed number a period."""
    with pytest.raises(RequestError, match="Spiral/late are no fixed time apart"):
        attractory.open(drawn.store).windows(granularity="late", split="train", context={"periods": 1}, horizon=2, batch_size=16)


def test_a_map_is_sampled_at_some_iterates(dataset: Dataset, tmp_path: Path, cluster) -> None:
    """Beside a flow: whole numbers of iterates, the regular states there, and a good report; a picture where there is nothing else."""
    generate(dataset.write(DROPPED).recipe, workers=cluster)
    assert [check.message for check in validate(dataset.store, report=tmp_path).failures] == []
    tree = xarray.open_datatree(dataset.store, engine="zarr")["Quadratic"]
    time = tree["gaps/time"].values.astype(int)
    for row in range(9):
        inside = time[row] < 200
        np.testing.assert_array_equal(tree["fine/state"].values[row, time[row, inside]], tree["gaps/state"].values[row, inside])


def test_families_and_observations_go_with_drawn_times(dataset: Dataset, tmp_path: Path, cluster) -> None:
    """Parameters drawn for each trajectory, y observed with noise: every check passes, of the times and of what is observed at them."""
    asked = "seed: 3\nparameters: {systems: {Spiral: {mu: [1, 2]}}}\nobservation: {variables: {Spiral: [y]}, noise: {absolute: 0.1}}"
    generate(dataset.write(ONE, OWN, ("seed: 3", asked)).recipe, workers=cluster)
    report = validate(dataset.store, report=tmp_path)
    assert [check.message for check in report.failures] == []
    assert {check.name for check in report.checks if check.granularity == "events"} >= {"drawn_times", "observed"}


def test_times_that_do_not_rise_are_not_written(dataset: Dataset) -> None:
    """An engine that made such times is stopped before a file is there."""
    job = planned_job(dataset.located(ONE, OWN), dataset.store)
    task = job.task(next(iter(job.plan.blocks())))
    made = produce_block(task, job.systems[0])
    made.times[1][2, 4] = made.times[1][2, 3]
    with pytest.raises(ValueError, match=r"Spiral/events/time/c/0/0: made times that do not rise"):
        encode_block(task.plan, task.block, made)


def test_drawn_times_alone_can_be_published(dataset: Dataset, tmp_path: Path, cluster) -> None:
    """No regular granularity to validate, draw or show."""
    regular = "  coarse: {samples_per_period: 8, samples: 20}\n" + FINE
    generate(dataset.write(ONE, (regular, "  events: {dt: 0.5, times: poisson, samples: 30}\n")).recipe, workers=cluster)
    assert validate(dataset.store, report=tmp_path / "report").failures == ()
    version = publish(dataset.store, to=tmp_path / "to", asked=Asked(unvalidated=True)).version
    assert (tmp_path / "to" / version / "pictures/Spiral.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ("poison", r"granularities\.events\.times: found 'poison', expected poisson, \{jitter: 0\.5\} or \{dropped: 0\.2\}"),
        ("{jiter: 0.5}", r"granularities\.events\.times\.jiter: is not a key of a recipe\. Did you mean 'jitter'"),
        ("{jitter: 1.5}", r"granularities\.events\.times\.jitter: found 1\.5, expected less than or equal to 1"),
        ("{dropped: 1.0}", r"granularities\.events\.times\.dropped: found 1\.0, expected less than or equal to 0\.99"),
        ("{dropped: 0.0}", r"granularities\.events\.times\.dropped: found 0\.0, expected greater than 0"),
        ("{jitter: 0.5, dropped: 0.5}", r"granularities\.events\.times: expected exactly one of jitter and dropped"),
    ],
)
def test_mistakes_are_told_by_file_line_and_key(dataset: Dataset, times: str, message: str) -> None:
    """Before anything is integrated."""
    with pytest.raises(RecipeError, match=message):
        dataset.located(ONE, OWN, ("times: poisson", f"times: {times}"))


def test_a_section_has_times_of_its_own_already(dataset: Dataset) -> None:
    """Crossings are not moved or left out."""
    with pytest.raises(RecipeError, match=r"granularities\.events: found times beside section, expected one of the two"):
        dataset.located(ONE, OWN, ("samples_per_period: 14, times", "section: {of: x}, times"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ((), r"granularities\.events\.times: asks for poisson times, and Quadratic is a map, which has nothing between two iterates"),
        (
            (("  events: {samples_per_period: 14, times: poisson, samples: 30}\n", ""),),
            r"late\.times: asks for jitter times, and Quadratic",
        ),
        ((ONE, ("seed: 3", "seed: 3\nprecision: reference")), r"events\.times: are not sampled with precision reference"),
    ],
)
def test_times_that_cannot_be_drawn_are_refused(dataset: Dataset, changes: tuple[tuple[str, str], ...], message: str) -> None:
    """Of maps, and where every digit is to be true."""
    located = dataset.located(OWN, *changes)
    with pytest.raises(RecipeError, match=message):
        store_plan(located, systems_of(located))
