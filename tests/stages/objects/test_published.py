"""Published to S3 and read back through a network that loses requests: complete and equal, or an error that says what failed."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

import attractory
from attractory import layout
from attractory.console import run
from attractory.errors import DamageError, RequestError, UnreachableError
from attractory.stages.publish import publish
from attractory.stages.verify import verify
from attractory.store.files import place_of

SHARD = layout.shard_path("Spiral", "fine", 1)
WINDOWS = {"granularity": "fine", "split": "train", "context": 16, "horizon": 4, "batch_size": 64, "systems": ["Spiral"]}


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_version_is_whole_after_a_lossy_upload_and_reads_back_equal(made, bucket):
    """One request of twenty fails and a connection ends in the middle of a shard, each way: every digest of the version holds, `verify`
    finds nothing, batches are those of the folder, and publishing again writes nothing."""
    faults = bucket.faults(failing=0.05, seed=2, cut=f"PUT .*/{SHARD}")
    published = publish(made.store, to=f"{bucket.url}/published")
    assert (faults.cuts[0].startswith("PUT"), faults.failed > 0) == (True, True)
    found = bucket.objects(f"published/{published.version}")
    sums = found.pop("SHA256SUMS").decode()
    assert sums == "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in sorted(found.items()))
    assert len(found) + 1 == published.files
    store = f"{bucket.url}/published/{published.version}/tiny.zarr"
    faults = bucket.faults(failing=0.05, seed=4, cut=f"GET .*/{SHARD}")
    assert verify(store).files == sum(1 for path in made.store.rglob("*") if path.is_file())
    assert (len(faults.cuts), faults.failed > 0) == (1, True)
    bucket.faults(failing=0.05, seed=5, cut=f"GET .*/{layout.shard_path('Spiral', 'fine', 0)}")
    for here, there in zip(attractory.open(made.store).windows(**WINDOWS), attractory.open(store).windows(**WINDOWS), strict=True):
        np.testing.assert_array_equal(here.state, there.state)
    before = bucket.objects()
    assert publish(made.store, to=f"{bucket.url}/published").unchanged
    assert bucket.objects() == before


def test_a_damaged_object_is_named_and_made_again(made, tmp_path):
    """One bit of a shard, and an object that is gone: both are named, --repair puts the same bytes back, and nothing else stays behind."""
    store, whole = place_of(f"memory://{tmp_path.name}/tiny.zarr"), files(made.store)
    for path, content in whole.items():
        (store / path).put(content)
    (store / SHARD).put(bytes([whole[SHARD][0] ^ 1]) + whole[SHARD][1:])
    (store / layout.MANIFEST).unlink()
    with pytest.raises(DamageError, match=f"2 damaged files\n  {SHARD}: is changed.*\n  {layout.MANIFEST}: is missing"):
        verify(store)
    assert set(verify(store, repair=True).repaired) == {SHARD, layout.MANIFEST}
    assert {path: (store / path).read_bytes() for path in store.sizes()} == whole


def test_a_store_that_has_lost_its_root_is_damaged(made, tmp_path):
    """The object that makes a store a finished one is gone, all else is there: damage, and no empty place; it is made again as it was."""
    store = place_of(f"memory://{tmp_path.name}/tiny.zarr")
    for path, content in files(made.store).items():
        if path != "zarr.json":
            (store / path).put(content)
    with pytest.raises(DamageError, match=r"zarr.json: is missing, expected the root's document of a finished store"):
        verify(store)
    assert verify(store, repair=True).repaired == ("zarr.json",)
    assert {path: (store / path).read_bytes() for path in store.sizes()} == files(made.store)


def test_the_command_verifies_a_url(bucket, capsys):
    """`attractory verify s3://…` of nothing: 2, and a sentence with the URL as it was given."""
    assert run(["verify", f"{bucket.url}/none.zarr", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "StoreError"
    assert error["message"].startswith(f"{bucket.url}/none.zarr: there is no store.")


def test_a_server_that_never_answers_ends_in_a_clear_error_after_some_tries(impatient, made):
    """Tried five times, then the URL, what the server said, and what to do; exit code 3, for it can be gone on from."""
    place = place_of(f"{impatient.url}/tiny.zarr")
    faults = impatient.faults(failing=1.0)
    with pytest.raises(
        UnreachableError, match=r"s3://.*/zarr.json: the object store did not .* several tries: .*Reduce your request rate"
    ) as caught:
        (place / "zarr.json").put(b"{}")
    assert (faults.requests, caught.value.exit_code) == (5, 3)
    with pytest.raises(UnreachableError, match=r"s3://.*/published: the object store did not do what it was asked"):
        publish(made.store, to=f"{impatient.url}/published")


def test_a_bucket_that_is_not_there_is_a_wrong_request(bucket):
    """Nothing makes a bucket by itself."""
    with pytest.raises(RequestError, match=r"s3://nowhere-at-all/x: there is no such bucket"):
        place_of("s3://nowhere-at-all/x").put(b"")
