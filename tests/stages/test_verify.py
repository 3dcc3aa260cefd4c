"""Damage is found, named and undone: the repaired store is the same to the byte."""

from __future__ import annotations

import json
import shutil

import pytest

from attractory import layout
from attractory.errors import DamageError, StoreError
from attractory.stages.verify import verify
from attractory.store.files import document

SHARD = layout.shard_path("Spiral", "fine", 1)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def damaged(undisturbed, tmp_path):
    """A copy of the store, to be damaged, without a recipe or catalog beside it."""
    return shutil.copytree(undisturbed.store, tmp_path / "tiny.zarr")


def test_a_sound_store_is_sound(undisturbed):
    """Every file is looked at: 12 shards, and the rest."""
    seen = []
    found = verify(undisturbed.store, progress=lambda *step: seen.append(step))
    assert (found.repaired, found.files) == ((), len(files(undisturbed.store)))
    assert len(seen) == found.files - 1  # the root's document is what the others are held against


def test_damage_is_an_error_that_says_what_to_do(damaged):
    """A truncated shard: path, expected, found, and the command that mends it."""
    whole = (damaged / SHARD).read_bytes()
    (damaged / SHARD).write_bytes(whole[:100])
    message = (
        rf"1 damaged file\n  {SHARD}: is truncated: 100 bytes, expected {len(whole)} bytes\nMake them again.*attractory verify .* --repair"
    )
    with pytest.raises(DamageError, match=message):
        verify(damaged)


@pytest.mark.parametrize(
    "paths",
    [
        [SHARD],
        [layout.shard_path("Quadratic", "coarse", 2), SHARD],
        ["Spiral/initial/c/0/0"],
        ["Quadratic/status/c/0", "Spiral/split/c/0", "Spiral/fine/time/c/0"],
        ["Spiral/fine/digest/c/0/0", "Spiral/fine/state/zarr.json", "Spiral/zarr.json"],
        [layout.MANIFEST],
        [layout.MANIFEST, SHARD, "Spiral/fine/digest/c/0/0", "Quadratic/parameters/c/0/0"],
    ],
)
def test_repair_brings_every_byte_back(damaged, undisturbed, paths):
    """Shards, small arrays, metadata and manifest, alone and together, from the store's own recipe and systems."""
    for path in paths:
        (damaged / path).write_bytes(b"damaged")
    verify(damaged, repair=True)
    assert files(damaged) == files(undisturbed.store)


def test_a_repair_that_gives_other_bytes_is_an_error(damaged):
    """A producer that disagrees with the digests is never written down."""

    def other(system, *, indices, grids, settings):
        from attractory.integrate import integrate_block

        made = integrate_block(system, indices=indices, grids=grids, settings=settings)
        made.states[1][:] += 1
        return made

    (damaged / SHARD).unlink()
    with pytest.raises(DamageError, match=rf"{SHARD} was made again with SHA-256 .*, expected .*repair it with those versions"):
        verify(damaged, repair=True, produce=other)
    assert not (damaged / SHARD).exists()


def test_a_damaged_root_is_made_again_before_all_else(damaged, undisturbed):
    """A recipe that is not the one of the digest is not what shards are made from; with the manifest damaged too, nothing is."""
    root = json.loads((damaged / "zarr.json").read_text())
    root["attributes"][layout.RECIPE]["seed"] = 5
    (damaged / "zarr.json").write_bytes(document(root))
    (damaged / SHARD).unlink()
    assert set(verify(damaged, repair=True).repaired) == {"zarr.json", SHARD}
    assert files(damaged) == files(undisturbed.store)
    (damaged / "zarr.json").write_bytes(document(root))
    (damaged / layout.MANIFEST).write_bytes(b"damaged")
    with pytest.raises(DamageError, match=r"the root's zarr\.json is damaged, and cannot be made again"):
        verify(damaged, repair=True)


def test_what_is_no_store_is_a_wrong_request(tmp_path):
    """Exit code 2, not 1: nothing is damaged."""
    with pytest.raises(StoreError, match="there is no store"):
        verify(tmp_path / "none.zarr")
