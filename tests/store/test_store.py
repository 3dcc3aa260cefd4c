"""What readers see of a store, from its template to its last byte."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import xarray
import zarr

from attractory import layout, store
from attractory.errors import RequestError, StoreError
from attractory.store.files import RUN_FOLDER


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_xarray_opens_the_tree_without_a_warning(finished):
    """Plain xarray sees systems, granularities and coordinates (a warning fails the test)."""
    with xarray.open_datatree(finished, engine="zarr") as tree:
        assert tree["Lorenz/fine"]["state"].dims == ("trajectory", "time", "variable")
        assert tree["Lorenz/fine"]["time"].values[32] == 32 * 0.1
        assert tree["Lorenz"]["split"].values.tolist() == [0] * 6 + [1] * 2 + [2] * 2
        assert tree["Lorenz"]["status"].attrs["flag_meanings"].split()[0] == "ok"
        np.testing.assert_array_equal(tree["Lorenz"]["initial"], tree["Lorenz/fine"]["state"][:, 0].astype("f8"))


def test_zarr_lists_the_tree_without_a_warning(finished):
    """zarr-python lists every member, with the tree's picture."""
    group = zarr.open_group(finished, mode="r")
    assert {"Lorenz/fine/state", "Logistic/coarse/digest"} <= {name for name, _ in group.members(max_depth=None)}
    assert "state (10, 33, 3) float32" in str(group.tree())


def test_each_document_alone_is_what_zarr_expects(finished):
    """Without the root's copy of the metadata, each array opens from its own document."""
    member = zarr.open_array(finished / "Lorenz/fine/state", mode="r")
    assert (member.shape, member.shards, member.metadata.dimension_names) == ((10, 33, 3), (4, 33, 3), ("trajectory", "time", "variable"))
    assert zarr.open_group(finished / "Lorenz", mode="r").attrs[layout.KIND] == "flow"


def test_values_are_those_that_were_made(finished, tiny):
    """Every block's states come back to the bit, at every granularity."""
    planned = tiny.plan()
    for block in planned.blocks():
        for grid, states in zip(planned.system(block.system).grids, tiny.made(planned, block).states, strict=True):
            read = zarr.open_array(finished / block.system / grid.name / "state", mode="r")[block.first : block.first + block.count]
            assert read.tobytes() == states.copy(order="C").tobytes()


def test_manifest_describes_every_shard_file(finished):
    """One row per shard, sorted; sizes and digests are those of the files and of the decoded values."""
    rows, _ = store.read_manifest((finished / layout.MANIFEST).read_bytes())
    assert [row.path for row in rows] == sorted(str(path.relative_to(finished)) for path in finished.rglob("state/c/*/0/0"))
    row = next(row for row in rows if row.path == "Lorenz/fine/state/c/2/0/0")
    content = (finished / row.path).read_bytes()
    values = zarr.open_array(finished / "Lorenz/fine/state", mode="r")[8:10]
    assert (row.bytes, row.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert row.decoded_sha256 == hashlib.sha256(values.tobytes()).hexdigest()
    assert (row.system, row.granularity, row.first_trajectory, row.trajectories) == ("Lorenz", "fine", 8, 2)


def test_root_binds_the_manifest_and_the_digest_arrays(finished):
    """manifest_digest is the manifest's SHA-256, and each row of `digest` that of a shard."""
    root = zarr.open_group(finished, mode="r")
    assert root.attrs[layout.MANIFEST_DIGEST] == hashlib.sha256((finished / layout.MANIFEST).read_bytes()).hexdigest()
    shard = (finished / layout.shard_path("Lorenz", "coarse", 1)).read_bytes()
    assert bytes(root["Lorenz/coarse/digest"][1]).hex() == hashlib.sha256(shard).hexdigest()


def test_order_of_blocks_does_not_change_a_byte(finished, tiny, tmp_path):
    """Blocks written backwards, some twice: the same files."""
    planned, other = tiny.plan(), tmp_path / "other.zarr"
    store.create(other, planned)
    for block in [*reversed(list(planned.blocks())), *planned.blocks()]:
        store.write_block(other, planned, block, tiny.made(planned, block))
    store.finish(other, planned)
    assert files(other) == files(finished)


def test_other_chunk_sizes_hold_equal_values(finished, tiny, tmp_path):
    """The size of a shard changes files, never values."""
    other = tiny.build(tmp_path / "other.zarr", tiny.plan(shard_trajectories=3))
    for path in ("Lorenz/fine/state", "Lorenz/coarse/state", "Logistic/coarse/state", "Lorenz/initial", "Lorenz/start_time"):
        assert zarr.open_array(other / path)[:].tobytes() == zarr.open_array(finished / path)[:].tobytes()


def test_nothing_temporary_is_left(finished):
    """A finished store holds no row, no lock and no half-written file."""
    assert not (finished / RUN_FOLDER).exists()
    assert not [path for path in finished.rglob("*") if path.name.startswith((".", "tmp"))]


def test_a_block_of_another_shape_is_refused(tmp_path, tiny):
    """A chunk that disagrees with the template is never written."""
    planned = tiny.plan()
    store.create(tmp_path / "a.zarr", planned)
    first, *_, last = planned.blocks()
    with pytest.raises(ValueError, match="granularities were made"):
        store.write_block(tmp_path / "a.zarr", planned, first, tiny.made(planned, last))
    with pytest.raises(ValueError, match=r"the template says float64"):
        store.write_block(tmp_path / "a.zarr", tiny.plan(dtype="float64"), last, tiny.made(planned, last))


def test_finishing_too_early_is_refused(tmp_path, tiny):
    """A store with a missing block cannot become a finished one."""
    store.create(tmp_path / "a.zarr", tiny.plan())
    with pytest.raises(ValueError, match="0 of 5 blocks"):
        store.finish(tmp_path / "a.zarr", tiny.plan())


def test_a_block_counts_as_done_only_with_its_files(tmp_path, tiny):
    """A row whose shard is gone or short is made again."""
    planned, path = tiny.plan(), tmp_path / "a.zarr"
    store.create(path, planned)
    for block in planned.blocks():
        store.write_block(path, planned, block, tiny.made(planned, block))
    (path / layout.shard_path("Lorenz", "fine", 1)).write_bytes(b"short")
    (path / layout.shard_path("Logistic", "coarse", 0)).unlink()
    assert {row.block.key for row in store.done_rows(path, planned)} == {"Logistic-1", "Lorenz-0", "Lorenz-2"}


def test_failed_trajectories_keep_their_status(tmp_path, tiny):
    """A NaN tail and the reason are stored, and the row counts it."""
    planned, path = tiny.plan(), tmp_path / "a.zarr"
    store.create(path, planned)
    rows = [store.write_block(path, planned, block, tiny.failed(tiny.made(planned, block), 0, 3)) for block in planned.blocks()]
    store.finish(path, planned)
    assert [row.failed for row in rows] == [1] * 5
    assert zarr.open_array(path / "Lorenz/status")[:].tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 1, 0]
    assert np.isnan(zarr.open_array(path / "Lorenz/fine/state")[4, 3:]).all()


def test_an_unfinished_store_is_not_a_finished_one(tmp_path, tiny):
    """It is ours, and says that it is not finished."""
    store.create(tmp_path / "a.zarr", tiny.plan())
    assert not store.is_finished(store.root_document(tmp_path / "a.zarr"))
    with pytest.raises(StoreError, match="not finished"):
        store.finished_document(tmp_path / "a.zarr")


def test_what_is_no_store_is_refused(tmp_path):
    """Nothing, a folder of other things, a foreign zarr, another version: each has its own sentence."""
    assert store.root_document(tmp_path / "none.zarr") is None
    with pytest.raises(StoreError, match="there is no store"):
        store.finished_document(tmp_path / "none.zarr")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="holds other things"):
        store.root_document(tmp_path)
    with pytest.raises(StoreError, match="is a file"):
        store.root_document(tmp_path / "notes.txt")
    zarr.create_group(tmp_path / "foreign.zarr")
    with pytest.raises(StoreError, match="not a store made by Attractory"):
        store.root_document(tmp_path / "foreign.zarr")
    zarr.create_group(tmp_path / "later.zarr", attributes={layout.FORMAT: 99})
    with pytest.raises(StoreError, match="format version 99"):
        store.root_document(tmp_path / "later.zarr")


def test_one_run_at_a_time(tmp_path):
    """The second run is refused while the first holds the store, and let in after it."""
    with store.locked(tmp_path / "a.zarr"), pytest.raises(RequestError, match="another run"), store.locked(tmp_path / "a.zarr"):
        pass
    with store.locked(tmp_path / "a.zarr"):
        pass


def test_documents_hold_plain_json(finished):
    """Every zarr.json parses without NaN or infinity."""
    for path in finished.rglob("zarr.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)
