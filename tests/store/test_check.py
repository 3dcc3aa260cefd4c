"""Every kind of damage is found and named; a sound store passes."""

from __future__ import annotations

import json

import pytest

from attractory import layout, store
from attractory.store.files import document

SHARD = layout.shard_path("Lorenz", "fine", 1)


def found(path):
    return [str(damage) for damage in store.check(path)]


def test_a_sound_store_passes(finished):
    """No damage, and the progress reaches the number of files."""
    seen = []
    assert store.check(finished, progress=lambda done, files: seen.append((done, files))) == ()
    assert seen[-1][0] == seen[-1][1] == len(seen)


def test_a_truncated_shard_is_named(finished):
    """The message says which file, how long it is and how long it should be."""
    whole = (finished / SHARD).read_bytes()
    (finished / SHARD).write_bytes(whole[:-100])
    assert found(finished) == [f"{SHARD}: is truncated: {len(whole) - 100} bytes, expected {len(whole)} bytes"]


def test_a_changed_bit_is_found(finished):
    """One bit in one shard, of equal size."""
    content = bytearray((finished / SHARD).read_bytes())
    content[50] ^= 1
    (finished / SHARD).write_bytes(content)
    assert [message.split(": SHA")[0] for message in found(finished)] == [f"{SHARD}: is changed"]


@pytest.mark.parametrize(
    "path", [SHARD, "Lorenz/initial/c/0/0", "Logistic/split/c/0", "Lorenz/fine/time/c/0", "Lorenz/coarse/digest/c/0/0", "Lorenz/zarr.json"]
)
def test_every_missing_file_is_found(finished, path):
    """Shards, small arrays and metadata alike."""
    (finished / path).unlink()
    assert [message.split(",")[0] for message in found(finished)] == [f"{path}: is missing"]


def test_damage_is_found_without_a_manifest(finished):
    """With the manifest gone too, the digest arrays still tell which shard is changed."""
    (finished / layout.MANIFEST).unlink()
    (finished / SHARD).write_bytes(b"x" * 1000)
    assert [damage.path for damage in store.check(finished)] == [SHARD, layout.MANIFEST]


def test_a_changed_recipe_is_found(finished):
    """The root cannot hold its own digest, but it holds the recipe's."""
    root = json.loads((finished / "zarr.json").read_text())
    root["attributes"][layout.RECIPE]["seed"] = 1
    (finished / "zarr.json").write_bytes(document(root))
    assert any("holds a recipe with SHA-256" in message for message in found(finished))


def test_changed_metadata_in_the_root_is_found(finished):
    """The root's copy of the metadata is what readers use, so it is held against the manifest."""
    root = json.loads((finished / "zarr.json").read_text())
    root["consolidated_metadata"]["metadata"]["Lorenz/fine/state"]["shape"][0] = 9
    (finished / "zarr.json").write_bytes(document(root))
    assert found(finished) == [
        "zarr.json: holds other metadata of it, expected the metadata of Lorenz/fine/state/zarr.json as the manifest has it"
    ]
