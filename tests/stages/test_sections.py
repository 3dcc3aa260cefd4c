"""Sections as a granularity of a dataset: written, resumed, repaired, validated, published and loaded like any other."""

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
from attractory import layout, store
from attractory.errors import DamageError, RecipeError
from attractory.stages.generate import generate, planned_job
from attractory.stages.info import info
from attractory.stages.located import systems_of
from attractory.stages.plan import store_plan
from attractory.stages.publish import Asked, publish
from attractory.stages.task import run_block
from attractory.stages.validate import validate
from attractory.stages.validate.run import run_checks
from attractory.stages.validate.stored import open_stored
from attractory.stages.verify import verify

GRANULARITIES = "  coarse: {samples_per_period: 8, samples: 20}\n  fine: {dt: 0.05, samples: 200}\n"
CUT = (
    "  fine: {dt: 0.05, samples: 200}\n",
    "  fine: {dt: 0.05, samples: 200}\n  rising: {section: {of: x, at: 0.5}, samples: 30}\n"
    "  top: {section: {maximum_of: x}, samples: 25}\n",
)
ONE = ("[Spiral, Quadratic]", "[Spiral]")
TIME = layout.time_shard_path("Spiral", "rising", 1)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A flow at two regular granularities and two sections, made in one go; not to be changed."""
    made = make_dataset(tmp_path_factory.mktemp("cuts") / "tiny").write(ONE, CUT)
    assert generate(made.recipe, workers=1).failed == 0
    return made


@pytest.fixture
def copied(cuts: Dataset, tmp_path: Path) -> Path:
    """A copy of the store to spoil."""
    return Path(shutil.copytree(cuts.store, tmp_path / "tiny.zarr"))


def test_xarray_reads_states_and_times(cuts: Dataset) -> None:
    """`time` is (trajectory, time); states lie on the section; nothing warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xarray.open_datatree(cuts.store, engine="zarr")
        rising = tree["Spiral/rising"].load()
    assert rising["time"].dims == ("trajectory", "time")
    assert rising["time"].dtype == np.float64
    assert rising["state"].shape == (9, 30, 2)
    np.testing.assert_array_equal(rising["state"].values[..., 0], np.float32(0.5))
    assert (np.diff(rising["time"].values, axis=1) > 0).all()


def test_the_stored_crossings_are_the_engines(cuts: Dataset) -> None:
    """From the same seed and transient, the same times to the bit."""
    tree = xarray.open_datatree(cuts.store, engine="zarr")
    system = systems_of(cuts.located(ONE, CUT))[0]
    made = attractory.integrate(system, 9, seed=3, transient=7.0, section={"of": "x", "at": 0.5}, samples=30)
    np.testing.assert_array_equal(made.time.values, tree["Spiral/rising/time"].values)


def test_regular_granularities_keep_their_bytes(cuts: Dataset, tmp_path: Path) -> None:
    """A store without the sections has the same shards, initial states and time axes."""
    plain = make_dataset(tmp_path / "plain").write(ONE)
    generate(plain.recipe, workers=1)
    with_cuts, without = files(cuts.store), files(plain.store)
    same = [path for path in without if path not in ("zarr.json", layout.MANIFEST)]
    assert {path: with_cuts[path] for path in same} == {path: without[path] for path in same}


def test_a_run_in_pieces_has_the_same_bytes(cuts: Dataset, dataset: Dataset, cluster) -> None:
    """Two blocks by plain calls, one of their shards of times cut short; then the rest on a cluster: equal to one go by one worker."""
    job = planned_job(dataset.located(ONE, CUT), dataset.store)
    store.create(job.store, job.plan)
    for block in list(job.plan.blocks())[1:]:
        run_block(job.task(block))
    (dataset.store / TIME).write_bytes(b"short")
    summary = generate(dataset.recipe, workers=cluster)
    assert (summary.made, summary.kept) == (2, 1)
    assert files(dataset.store) == files(cuts.store)


def test_two_workers_make_the_same_bytes(cuts: Dataset, dataset: Dataset) -> None:
    """Which process makes a block does not show."""
    dataset.write(ONE, CUT)
    generate(dataset.recipe, workers=2)
    assert files(dataset.store) == files(cuts.store)


@pytest.mark.parametrize("also", [[], [layout.MANIFEST], ["Spiral/rising/time_digest/c/0/0"], ["Spiral/rising/state/c/1/0/0"]])
def test_a_damaged_shard_of_times_is_found_and_made_again(copied: Path, cuts: Dataset, also: list[str]) -> None:
    """Alone, and with the files that would have told its digest."""
    for path in [TIME, *also]:
        content = bytearray((copied / path).read_bytes())
        content[len(content) // 2] ^= 1
        (copied / path).write_bytes(content)
    with pytest.raises(DamageError, match=TIME):
        verify(copied)
    assert set(verify(copied, repair=True).repaired) >= {TIME, *also}
    assert files(copied) == files(cuts.store)


def test_info_says_what_is_cut(cuts: Dataset) -> None:
    """With the time that may pass between two crossings: a thousand periods of seven."""
    found = info(cuts.store)["systems"]["Spiral"]["granularities"]
    assert found["rising"]["section"] == {"of": "x", "at": 0.5, "direction": "up", "within": 7000.0}
    assert found["top"] == {"trajectories": 9, "samples": 25, "section": {"maximum_of": "x", "within": 7000.0}}
    assert found["fine"]["dt"] == 0.05


def test_a_good_store_passes_validation(cuts: Dataset, tmp_path: Path) -> None:
    """Every check, the four of sections among them."""
    report = validate(cuts.store, report=tmp_path)
    assert [check.message for check in report.failures] == []
    of_sections = {check.name for check in report.checks if check.granularity == "rising"}
    assert of_sections >= {"time_axis", "on_section", "direction", "crossings", "reintegration"}


def failed(path: Path) -> dict[str, str]:
    """Name and message of what fails of the section `rising`."""
    checks = run_checks(open_stored(path), {})
    return {check.name: check.message for check in checks if not check.passed and check.granularity == "rising"}


def test_a_state_beside_its_section_is_found(copied: Path) -> None:
    """Three units in the last place of single precision."""
    state = zarr.open_group(str(copied), mode="r+", use_consolidated=False)["Spiral/rising/state"]
    state[4, 7, 0] = np.float32(0.5) * (1 + 3 * np.finfo(np.float32).eps)
    assert "trajectory 4 is not on x = 0.5, up at sample 7" in failed(copied)["on_section"]


def test_a_crossing_that_goes_the_other_way_is_found(copied: Path) -> None:
    """y mirrored, so that x falls there."""
    state = zarr.open_group(str(copied), mode="r+", use_consolidated=False)["Spiral/rising/state"]
    state[4, 7, 1] = -state[4, 7, 1]
    assert "1 crossings go the other way" in failed(copied)["direction"]


def test_times_that_go_back_are_found(copied: Path) -> None:
    """Two crossings whose times are exchanged."""
    time = zarr.open_group(str(copied), mode="r+", use_consolidated=False)["Spiral/rising/time"]
    time[2, 10:12] = time[2, 10:12][::-1]
    assert "1 trajectories have times that do not increase, trajectory 2 at sample 11" in failed(copied)["time_axis"]


def test_crossings_that_were_left_out_are_found(copied: Path) -> None:
    """Every second one: each sample is a crossing, at its time, and SciPy finds those between."""
    group = zarr.open_group(str(copied), mode="r+", use_consolidated=False)["Spiral/rising"]
    for name in ("state", "time"):
        values = np.asarray(group[name][:])
        group[name][:, :15] = values[:, ::2]
    assert "DOP853 finds" in failed(copied)["crossings"]


def test_late_times_are_found_by_the_equations(copied: Path) -> None:
    """All times a thousandth too large."""
    time = zarr.open_group(str(copied), mode="r+", use_consolidated=False)["Spiral/rising/time"]
    time[:] = np.asarray(time[:]) * 1.001
    assert failed(copied).keys() >= {"crossings", "reintegration"}


@pytest.fixture(scope="module")
def published(cuts: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the published version."""
    place = tmp_path_factory.mktemp("published")
    return place / publish(cuts.store, to=place, asked=Asked(unvalidated=True)).version


def test_tables_have_a_column_of_times(published: Path, cuts: Dataset) -> None:
    """Of a section, and of nothing else; Croissant and the card say what it is."""
    table = pq.read_table(published / "parquet/Spiral/rising/train.parquet")
    tree = xarray.open_datatree(cuts.store, engine="zarr")
    np.testing.assert_array_equal(np.array(table["time"].to_pylist()), tree["Spiral/rising/time"].values[:5])
    assert "time" not in pq.read_schema(published / "parquet/Spiral/fine/train.parquet").names
    about = json.loads(table.schema.metadata[b"attractory"])
    assert about["section"]["of"] == "x"
    sets = {one["name"]: one for one in json.loads((published / "croissant.json").read_text())["recordSet"]}
    fields = {field["name"]: field for field in sets["Spiral/rising/train"]["field"]}
    assert (fields["time"]["arrayShape"], fields["time"]["dataType"]) == ("30", "sc:Float")
    assert "samples at x = 0.5, up" in sets["Spiral/rising/train"]["description"]
    assert "rising: 30 crossings, x = 0.5, up" in (published / "README.md").read_text()


def test_sections_alone_can_be_published(dataset: Dataset, tmp_path: Path) -> None:
    """No regular granularity to validate, draw or show: the section stands for itself."""
    dataset.write(ONE, (GRANULARITIES, "  rising: {section: {of: x, at: 0.5}, samples: 30}\n"))
    generate(dataset.recipe, workers=1)
    assert validate(dataset.store, report=tmp_path / "report").failures == ()
    version = publish(dataset.store, to=tmp_path / "to", asked=Asked(unvalidated=True)).version
    assert (tmp_path / "to" / version / "pictures/Spiral.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("cache_bytes", [1000, 2**30])
def test_windows_carry_the_times_of_their_crossings(cuts: Dataset, cache_bytes: int) -> None:
    """Consecutive crossings, their states and their times, as xarray reads them; None for regular samples."""
    dataset = attractory.open(cuts.store, cache_bytes=cache_bytes)
    tree = xarray.open_datatree(cuts.store, engine="zarr")["Spiral/rising"]
    state, time = tree["state"].values, tree["time"].values
    seen = 0
    for batch in dataset.windows(granularity="rising", split="train", context=6, horizon=2, batch_size=16, seed=1):
        for row, (trajectory, start) in enumerate(zip(batch.trajectory, batch.start, strict=True)):
            np.testing.assert_array_equal(batch.state[row], state[trajectory, start : start + 8])
            np.testing.assert_array_equal(batch.time[row], time[trajectory, start : start + 8])
            seen += 1
    assert seen == 5 * 23
    granularity = dataset.systems["Spiral"].granularities["rising"]
    assert granularity.is_irregular
    assert (granularity.dt, granularity.samples, dict(granularity.section or {})["of"]) == (None, 30, "x")
    np.testing.assert_array_equal(granularity.time.whole(), time)
    regular = next(iter(dataset.windows(granularity="fine", split="train", context=6, horizon=2, batch_size=4)))
    assert regular.time is None
    assert regular.mapped(lambda values: values).time is None


def test_padding_rows_have_no_times(cuts: Dataset) -> None:
    """A row that only completes the last round is zero in times too."""
    windows = attractory.open(cuts.store).windows(
        granularity="rising", split="test", context=20, horizon=2, batch_size=7, rank=1, ranks=2, uneven="pad"
    )
    last = list(windows)[-1]
    assert (last.index < 0).any()
    assert (last.time[last.index < 0] == 0).all()
    assert (last.time[last.index >= 0] > 0).all()


def test_the_loader_refuses_times_that_are_not_what_was_written(copied: Path) -> None:
    """Their digest is checked before their first use, as that of the states is."""
    content = bytearray((copied / TIME).read_bytes())
    content[10] ^= 1
    (copied / TIME).write_bytes(content)
    with pytest.raises(DamageError, match=TIME):
        list(attractory.open(copied).windows(granularity="rising", split=None, context=6, horizon=2, batch_size=16))


def test_a_section_that_is_never_crossed_fails_with_its_status(dataset: Dataset) -> None:
    """Drawn eight times, then NaN in states and times of every granularity that was not full, and counted as failed."""
    dataset.write(ONE, CUT, ("{of: x, at: 0.5}", "{of: x, at: 5, within: 20}"))
    summary = generate(dataset.recipe, workers=1)
    assert summary.failed == 9
    tree = xarray.open_datatree(dataset.store, engine="zarr")["Spiral"]
    assert (tree["status"].values == layout.Status.NOT_CROSSED).all()
    assert np.isnan(tree["rising/time"].values).all()
    assert np.isnan(tree["rising/state"].values).all()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{of: x, at: 0.5, dir: up}", r"granularities\.rising\.section\.dir: is not a key of a recipe\."),
        ("{of: x, direction: upwards}", r"granularities\.rising\.section\.direction: found 'upwards', expected 'up', 'down' or 'both'"),
        ("{at: 1}", r"granularities\.rising\.section: section has none of of, maximum_of and minimum_of; expected exactly one"),
        ("{maximum_of: x, direction: up}", r"section has maximum_of beside at or direction"),
        ("{of: x, within: -1}", r"granularities\.rising\.section\.within: found -1, expected greater than 0"),
        ("{of: x}, dt: 0.1", r"granularities\.rising: found dt and section, expected exactly one of"),
    ],
)
def test_mistakes_in_a_section_are_told_by_file_line_and_key(dataset: Dataset, section: str, message: str) -> None:
    """Before anything is integrated."""
    with pytest.raises(RecipeError, match=message):
        dataset.located(ONE, CUT, ("section: {of: x, at: 0.5}", f"section: {section}"))


@pytest.mark.parametrize(
    ("systems", "section", "message"),
    [
        ("[Spiral, Quadratic]", "{of: x, at: 0.5}", r"granularities\.rising\.section: Quadratic is a map: each iterate is a point already"),
        ("[Spiral]", "{of: q}", r"granularities\.rising\.section: Spiral: section\.of .*q"),
        ("[Spiral]", "{of: abs(x)}", r"uses abs of the state; expected a smooth expression"),
    ],
)
def test_a_section_that_a_system_cannot_have_is_refused(dataset: Dataset, systems: str, section: str, message: str) -> None:
    """Maps, unknown names and corners."""
    located = dataset.located(("[Spiral, Quadratic]", systems), CUT, ("{of: x, at: 0.5}", section))
    with pytest.raises(RecipeError, match=message):
        store_plan(located, systems_of(located))


def test_defaults_spelled_out_are_the_same_request(dataset: Dataset) -> None:
    """`{of: x}` is `{of: x, at: 0, direction: up}`."""
    short = dataset.located(ONE, CUT, ("{of: x, at: 0.5}", "{of: x}")).recipe
    spelled = dataset.located(ONE, CUT, ("{of: x, at: 0.5}", "{of: x, at: 0.0, direction: up}")).recipe
    assert short.canonical(("Spiral",)) == spelled.canonical(("Spiral",))
