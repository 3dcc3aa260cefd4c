"""Opening a store: what it tells, what it refuses, and how little it loads."""

from __future__ import annotations

import gc
import json
import multiprocessing
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from attractory import layout
from attractory.errors import DamageError, MissingExtraError, RequestError, StoreError
from attractory.loader import Dataset
from attractory.loader import open as open_store

SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 8, "horizon": 4, "batch_size": 16}
HEAVY = ("dask", "distributed", "numba", "scipy", "llvmlite", "torch", "jax", "pandas", "xarray", "pydantic", "pyarrow", "rich", "typer")


@pytest.fixture
def dataset(tiny: Path) -> Dataset:
    return open_store(tiny)


def edit(store: Path, **attributes: Any) -> None:
    """Change attributes of the root; None removes one."""
    file = store / "zarr.json"
    document = json.loads(file.read_text())
    document["attributes"] = {name: value for name, value in {**document["attributes"], **attributes}.items() if value is not None}
    file.write_text(json.dumps(document))


def test_a_dataset_tells_what_it_holds(dataset: Dataset, tiny: Path) -> None:
    """Names in order, the number of trajectories, and a line for a person."""
    assert dataset.system_names == ("Henon", "Lorenz")
    assert dataset.granularities == ("coarse", "fine")
    assert dataset.splits == ("train", "validation", "test")
    assert (len(dataset), dataset.recipe) == (16, {"name": "tiny"})
    assert repr(dataset) == f"<Dataset {tiny}: 16 trajectories of 2 systems (Henon, Lorenz), granularities coarse, fine>"


def test_a_system_carries_its_annotations(dataset: Dataset) -> None:
    """As the catalog had them when the store was made."""
    lorenz = dataset.systems["Lorenz"]
    assert lorenz.invariants["lyapunov_spectrum"]["value"] == [0.9, 0.0, -14.5]
    assert (lorenz.code, lorenz.kind, lorenz.variables, lorenz.dimension, lorenz.period) == (1, "flow", ("x", "y", "z"), 3, 0.75)
    assert (lorenz.parameters, lorenz.lyapunov_time, lorenz.tags) == ({"a": 1.5}, None, ())
    assert lorenz.granularities["fine"].samples == 50
    assert lorenz.granularities["fine"].dt == 0.05
    assert np.array_equal(lorenz.array("parameters"), np.full((8, 1), 1.5))


def test_windows_say_what_they_are(dataset: Dataset) -> None:
    """One line with sizes."""
    expected = "<Windows: 390 of 8 + 4 samples, 12 batches of 16, rank 1 of 2, epoch 0>"
    assert repr(dataset.windows(**SETTINGS, rank=1, ranks=2)) == expected


def test_to_xarray_without_xarray_says_what_to_install(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training node may not have it."""
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(MissingExtraError, match="xarray"):
        dataset.to_xarray()


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_missing_framework_is_named(dataset: Dataset, monkeypatch: pytest.MonkeyPatch, framework: str) -> None:
    """With the extra that brings it."""
    for name in (framework, f"attractory.loader.{framework}_windows"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RequestError, match=rf"Install attractory\[{framework}\]"):
        getattr(dataset.windows(**SETTINGS), framework)()


def test_opening_and_reading_load_nothing_heavy(tiny: Path) -> None:
    """A training node has numpy, zarr and fsspec: no Dask, numba, SciPy, pandas, xarray or pydantic is imported, even if it is there."""
    code = f"""if True:
        import sys, attractory
        windows = attractory.open({str(tiny)!r}).windows(**{SETTINGS!r})
        assert sum(len(batch) for batch in windows) == 390
        print(sorted(set({HEAVY!r}) & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_store_opens_from_anywhere_that_fsspec_knows(tiny: Path, dataset: Dataset) -> None:
    """The same batches from a file:// URL and from another filesystem; digests are checked there only when asked for."""
    memory = fsspec.filesystem("memory")
    memory.put(f"{tiny}/", "/tiny.zarr", recursive=True)
    expected = [batch.state for batch in dataset.windows(**SETTINGS)]
    for opened in (open_store(f"file://{tiny}"), open_store("memory://tiny.zarr"), open_store("memory://tiny.zarr", verify=True)):
        opened = pickle.loads(pickle.dumps(opened))
        assert all(np.array_equal(a, b.state) for a, b in zip(expected, opened.windows(**SETTINGS), strict=True))
    memory.rm("/tiny.zarr/Lorenz/fine/state/c/0/0/0")
    with pytest.raises(DamageError, match=r"memory://tiny.zarr/Lorenz/fine/state/c/0/0/0: the file is missing"):
        list(open_store("memory://tiny.zarr").windows(**SETTINGS))


class WholeFiles(MemoryFileSystem):
    """A place that, like a simple web server, does not know ranges."""

    protocol = "wholefiles"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("wholefiles:/"))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **settings: Any) -> bytes:
        return super().cat_file(path, **settings)


def test_a_server_without_ranges_is_named(tiny: Path) -> None:
    """Its answer is not taken for a damaged shard."""
    fsspec.register_implementation("wholefiles", WholeFiles, clobber=True)
    fsspec.filesystem("wholefiles").put(f"{tiny}/", "/whole.zarr", recursive=True)
    with pytest.raises(StoreError, match="the server sends whole files"):
        list(open_store("wholefiles://whole.zarr").windows(**SETTINGS))


def test_the_example_runs(stores: Any, tmp_path: Path, repository: Path) -> None:
    """A user's first script, on a store of two systems, without a warning."""
    store = stores.write(tmp_path / "s.zarr", stores.Written(granularities={"coarse": 100}))
    script = [sys.executable, "-W", "error", str(repository / "examples/batches.py"), str(store)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "windows of Henon, Lorenz" in done.stdout


def test_consolidated_metadata_are_enough(copied: Path) -> None:
    """A store whose root document holds all others is opened by that one file."""
    members = {str(file.parent.relative_to(copied)): json.loads(file.read_text()) for file in copied.rglob("*/zarr.json")}
    document = json.loads((copied / "zarr.json").read_text())
    document["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": members}
    (copied / "zarr.json").write_text(json.dumps(document))
    for path in members:
        (copied / path / "zarr.json").unlink()
    assert sum(len(batch) for batch in open_store(copied).windows(**SETTINGS)) == 390


def _first_index(dataset: Dataset) -> list[int]:
    return [int(index) for index in next(iter(dataset.windows(**SETTINGS))).index]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_made_after_the_parent_has_read_reads_too(dataset: Dataset, method: str) -> None:
    """No thread, lock or handle of the parent is needed in the child."""
    expected = _first_index(dataset)
    if method == "fork":
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.apply(_first_index, (dataset,)) == expected
    else:  # the test's own module has no importable name: a fresh interpreter stands for the spawned one
        code = "import pickle, sys; d = pickle.load(sys.stdin.buffer); print(len(list(d.windows(**eval(sys.argv[1])))))"
        done = subprocess.run([sys.executable, "-c", code, repr(SETTINGS)], input=pickle.dumps(dataset), capture_output=True, check=True)
        assert done.stdout == b"25\n"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({layout.MANIFEST_DIGEST: None}, "is not finished: .*attractory generate"),
        ({layout.FORMAT: 999}, "written in format 999; this version of attractory reads format 1"),
        ({layout.FORMAT: None}, "is a zarr group, but not a store of Attractory"),
    ],
)
def test_what_is_no_finished_store_of_ours_is_refused(copied: Path, attributes: dict[str, Any], message: str) -> None:
    """The message says what was found and what to do; the exit code is that of a wrong request."""
    edit(copied, **attributes)
    with pytest.raises(StoreError, match=message) as caught:
        open_store(copied)
    assert caught.value.exit_code == 2


def test_a_place_without_a_store_is_refused(tmp_path: Path, tiny: Path) -> None:
    """With a hint where a store lies one folder further down."""
    with pytest.raises(StoreError, match=r"nowhere is not a store: there is no zarr.json in it"):
        open_store(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=re.escape(f"Did you mean '{tiny}'?")):
        open_store(tiny.parent)
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store("nosuchprotocol://bucket/store.zarr")


def test_damaged_metadata_are_damage(copied: Path) -> None:
    """A cut document and a missing one are named; the exit code is that of damaged data."""
    file = copied / "Lorenz/fine/state/zarr.json"
    file.write_text(file.read_text()[:50])
    with pytest.raises(DamageError, match=r"Lorenz/fine/state/zarr.json: damaged: it is not JSON") as caught:
        open_store(copied)
    assert caught.value.exit_code == 1
    shutil.rmtree(file.parent)
    with pytest.raises(DamageError, match=r"Lorenz/fine/state/zarr.json: the file is missing"):
        open_store(copied)


def test_opening_leaves_the_collector_of_garbage_as_it_was(tiny: Path, tmp_path: Path) -> None:
    """Metadata are read without it; on or off, and whether the store opens or not, it is afterwards what it was before."""
    for turn, is_on in ((gc.disable, False), (gc.enable, True)):
        turn()
        open_store(tiny)
        assert gc.isenabled() is is_on
        with pytest.raises(StoreError):
            open_store(tmp_path / "nowhere")
        assert gc.isenabled() is is_on


def test_a_damaged_shard_stops_the_batch_that_needs_it(copied: Path) -> None:
    """One flipped bit, an epoch: the error names the file."""
    shard = copied / "Lorenz/fine/state/c/1/0/0"
    data = bytearray(shard.read_bytes())
    data[30] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DamageError, match=r"Lorenz/fine/state/c/1/0/0: damaged: its SHA-256"):
        list(open_store(copied).windows(**SETTINGS))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"granularity": "fien"}, StoreError, "has no granularity 'fien'; there is coarse, fine. Did you mean 'fine'?"),
        ({"split": "trian"}, StoreError, "there is no split 'trian'.* Did you mean 'train'?"),
        ({"systems": ["Lorentz"]}, StoreError, "holds no system 'Lorentz'.* Did you mean 'Lorenz'?"),
        ({"systems": "Lorenz"}, RequestError, "is a single text"),
        ({"systems": []}, StoreError, "no finished trajectory of no system"),
        ({"context": 45, "horizon": 6}, RequestError, "50 samples a trajectory, context 45 . horizon 6 needs 51"),
        ({"context": 0}, RequestError, "context=0: expected at least 1"),
        ({"stride": 1.5}, RequestError, "stride=1.5: expected a whole number"),
        ({"batch_size": 400, "drop_last": True}, RequestError, "390 windows do not fill one round"),
    ],
)
def test_windows_that_cannot_be_are_refused(dataset: Dataset, settings: dict[str, Any], error: type[Exception], message: str) -> None:
    """What was found, what there is, and the nearest name."""
    with pytest.raises(error, match=message):
        dataset.windows(**{**SETTINGS, **settings})
