"""Damage to a finished store is found and named, and mended where it can be; the mended store is the same to the byte."""

from __future__ import annotations

import json
import random

import pytest

from attractory import layout
from attractory.errors import DamageError
from attractory.stages.slices import Slice, generate_slice
from attractory.stages.verify import verify
from attractory.store.check import contents, inconsistent
from attractory.store.files import RUN_FOLDER
from attractory.store.manifest import manifest_bytes, read_manifest


def truncated(path, draw):
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(len(content))])


def flipped(path, draw):
    """One bit, anywhere."""
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def removed(path, draw):
    path.unlink()


def one_of_each_kind(dataset):
    """A file of every array and every kind of document; the manifest is none of them."""
    paths = [path for path in dataset.files() if "/" in path]
    return sorted({path.split("/", 1)[1].rpartition("/c/")[0] or path.split("/", 1)[1]: path for path in paths}.values())


@pytest.mark.parametrize("harm", [truncated, flipped, removed])
def test_every_kind_of_file_is_mended(quiet, copy, harm):
    """Shards of states and of what is observed, small arrays, metadata, digests: found, named, and these alone made again."""
    draw, before = random.Random(0), quiet.files()
    damaged = one_of_each_kind(quiet)
    for path in damaged:
        harm(copy.store / path, draw)
    whole = {path: (copy.store / path).stat().st_mtime_ns for path in before if path not in damaged}
    with pytest.raises(DamageError) as error:
        verify(copy.store)
    assert f"{len(damaged)} damaged file" in str(error.value)
    found = verify(copy.store, repair=True)
    assert sorted(found.repaired) == damaged
    assert copy.files() == before
    assert {path: (copy.store / path).stat().st_mtime_ns for path in whole} == whole


def test_with_the_manifest_damaged_too_all_comes_back(quiet, copy):
    """Then not every damage has a name, but the manifest's own digest says when all is as it was."""
    for path in (*one_of_each_kind(quiet), layout.MANIFEST):
        flipped(copy.store / path, random.Random(4))
    with pytest.raises(DamageError, match=layout.MANIFEST):
        verify(copy.store)
    verify(copy.store, repair=True)
    assert copy.files() == quiet.files()


def test_a_lost_row_of_the_manifest_is_put_back(quiet, copy):
    """A manifest that lacks one shard is no longer what its digest says; it is made again, and nothing else is."""
    rows, others = read_manifest((copy.store / layout.MANIFEST).read_bytes())
    (copy.store / layout.MANIFEST).write_bytes(manifest_bytes(rows[:-1], files=others))
    assert verify(copy.store, repair=True).repaired == (layout.MANIFEST,)
    assert copy.files() == quiet.files()


def test_a_flipped_bit_of_the_root_is_found(quiet, copy):
    """In 200 places: an error that says damage, and never an error of ours."""
    draw, whole, unseen = random.Random(1), (quiet.store / "zarr.json").read_bytes(), []
    for _ in range(200):
        (copy.store / "zarr.json").write_bytes(whole)
        flipped(copy.store / "zarr.json", draw)
        words = verdict(copy.store)
        unseen += [] if "zarr.json" in words else [words]
    assert unseen == []


def verdict(store):
    """What `verify` says of the root's document alone."""
    try:
        found = list(inconsistent(store, contents(store)))
    except DamageError as error:
        return str(error)
    return "\n".join(map(str, found)) or "sound"


@pytest.mark.parametrize("harm", [truncated, removed])
def test_a_root_that_is_lost_is_made_again(quiet, copy, harm):
    """Exit code 1, the file's name, and what to do; from the manifest and the groups' own documents every byte of it comes back."""
    harm(copy.store / "zarr.json", random.Random(2))
    with pytest.raises(DamageError, match=r"(?s)zarr\.json: .*expected the root's document.*Make it again.*--repair"):
        verify(copy.store)
    assert verify(copy.store, repair=True).repaired == ("zarr.json",)
    assert copy.files() == quiet.files()


def test_a_root_with_a_flipped_bit_is_made_again(quiet, copy):
    """Wherever the bit is: in its text, in the recipe, in the copy of a group's document, in the manifest's digest, or where the manifest
    alone is a witness."""
    whole = (quiet.store / "zarr.json").read_text()
    for old, new in ((": {", ":  {"), ('"seed": 0', '"seed": 1'), ('"node_type": "array"', '"node_type": "brray"'), ("CF-1.11", "CF-1.10")):
        assert old in whole
        (copy.store / "zarr.json").write_text(whole.replace(old, new, 1))
        assert verify(copy.store, repair=True).repaired == ("zarr.json",), old
        assert copy.files() == quiet.files()
    digest = json.loads(whole)["attributes"][layout.MANIFEST_DIGEST]
    (copy.store / "zarr.json").write_text(whole.replace(digest, digest[::-1]))
    assert verify(copy.store, repair=True).repaired == ("zarr.json",)
    assert copy.files() == quiet.files()


def test_every_document_lost_is_made_again(quiet, copy):
    """The manifest has the recipe, the catalog the systems, and each document a digest that proves it."""
    documents = [path for path in quiet.files() if path.endswith("zarr.json")]
    for path in documents:
        (copy.store / path).unlink()
    assert set(verify(copy.store, repair=True).repaired) == set(documents)
    assert copy.files() == quiet.files()


def test_without_root_and_manifest_nothing_is_pretended(copy):
    """Two witnesses are lost together: what to do is said."""
    removed(copy.store / "zarr.json", random.Random(2))
    flipped(copy.store / layout.MANIFEST, random.Random(2))
    (copy.store / layout.MANIFEST).write_bytes((copy.store / layout.MANIFEST).read_bytes()[:-9])
    with pytest.raises(DamageError, match=r"cannot be made again: the manifest .* Generate the store again, at another place"):
        verify(copy.store, repair=True)


@pytest.mark.parametrize("harm", [truncated, flipped, removed])
def test_damage_to_metadata_of_an_unfinished_store_is_not_sealed_in(rounds, quiet, tmp_path, harm):
    """Every document and every array of the template, the root's document among them: blocks that are done stay so, and at the end every
    byte is as it should be."""
    dataset, draw = rounds.Dataset.at(tmp_path / "tiny"), random.Random(6)
    generate_slice(dataset.folder, Slice(1, 2))
    shards = {path for path in dataset.files() if "/state/c/" in path or "/observed/c/" in path}
    for path in set(dataset.files()) - shards:
        if not path.startswith(RUN_FOLDER):
            harm(dataset.store / path, draw)
    again = generate_slice(dataset.folder, Slice(1, 1))
    assert (again.made, again.kept) == (36, 36)
    assert dataset.files() == quiet.files()


@pytest.mark.parametrize("harm", [truncated, flipped, removed])
def test_a_damaged_row_of_an_unfinished_store_is_made_again(rounds, quiet, tmp_path, harm):
    """What declares a block done is believed only as it was written."""
    dataset = rounds.Dataset.at(tmp_path / "tiny")
    assert generate_slice(dataset.folder, Slice(1, 2)).made == 36
    rows = sorted((dataset.store / RUN_FOLDER / "rows").iterdir())
    for row in rows[:5]:
        harm(row, random.Random(3))
    again = generate_slice(dataset.folder, Slice(1, 1))
    assert (again.made, again.kept) == (41, 31)
    assert dataset.files() == quiet.files()
