"""A published dataset made again from its recipe and catalog, which are all that is fetched."""

from __future__ import annotations

import json

import pytest

from attractory import layout
from attractory.errors import DamageError, RequestError
from attractory.stages.cut import Wish
from attractory.stages.fetch import fetch
from attractory.stages.publish import Asked, publish
from attractory.stages.reproduce import reproduce

SHARD = layout.shard_path("Halving", "fine", 1)


def test_an_equal_dataset_is_identical_and_only_its_origin_is_fetched(site, shelf, made_store):
    """Every file of the store, from three small ones."""
    found = reproduce(site.url)
    version = shelf[1].version
    assert site.asked == ["latest", *(f"{version}/{name}" for name in ("SHA256SUMS", "recipe.json", "catalog.json"))]
    size = sum((shelf[0] / version / name).stat().st_size for name in ("SHA256SUMS", "catalog.json", "recipe.json"))
    assert (found.identical, found.shards, found.fetched_bytes) == (True, 12, size)
    assert found.made_bytes == sum(path.stat().st_size for path in made_store.rglob("c/*/0/0") if "state" in path.parts)
    assert found.lines()[0].startswith("identical: ")


def test_a_changed_shard_is_named_with_what_may_be_the_reason(own_site, shelf, say_again):
    """With equal versions the recipe does not make it, or this processor is at fault, which is named."""
    version = own_site.folder / shelf[1].version
    content = (version / "tiny.zarr" / SHARD).read_bytes()
    (version / "tiny.zarr" / SHARD).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    say_again(version, f"tiny.zarr/{SHARD}")
    manifest = version / "tiny.zarr" / layout.MANIFEST
    manifest.write_bytes(b"not one of ours")
    say_again(version, f"tiny.zarr/{layout.MANIFEST}")
    found = reproduce(own_site.url)
    assert (found.identical, found.different) == (False, SHARD)
    assert found.lines()[:2] == [f"different: {SHARD}", "  the versions are the same"]
    assert "this processor (" in found.why[1]


def test_other_packing_of_equal_values_is_no_difference(own_site, shelf, say_again):
    """A shard of other bytes, made with another numcodecs, whose values have the manifest's digest: identical, and said."""
    version = own_site.folder / shelf[1].version
    facts = json.loads((version / "recipe.json").read_text())
    facts["versions"]["numcodecs"] = "0.0.1"
    (version / "recipe.json").write_text(json.dumps(facts))
    (version / "tiny.zarr" / SHARD).write_bytes(b"the same values, packed otherwise")
    for path in ("recipe.json", f"tiny.zarr/{SHARD}"):
        say_again(version, path)
    found = reproduce(own_site.url)
    assert (found.identical, len(found.left_out)) == (True, 2)
    assert "another numcodecs" in found.left_out[0]


def test_a_changed_small_file_and_a_file_too_many_are_named(own_site, shelf, say_again):
    """All of the store is compared, the arrays of each system and its metadata too."""
    version = own_site.folder / shelf[1].version
    sums = (version / "SHA256SUMS").read_text()
    (version / "SHA256SUMS").write_text(sums + f"{'0' * 64}  tiny.zarr/Halving/notes.txt\n")
    assert reproduce(own_site.url).different == "Halving/notes.txt"
    (version / "tiny.zarr/Halving/initial/c/0/0").write_bytes(bytes(80))
    say_again(version, "tiny.zarr/Halving/initial/c/0/0")
    assert reproduce(own_site.url).different == "Halving/initial/c/0/0"


def test_a_part_is_not_reproduced_but_its_parent_is_named(site, shelf, tmp_path):
    """Its trajectories have numbers of their own, from which no other seed follows."""
    part = fetch(site.url, to=tmp_path, wish=Wish(("Halving",), ("coarse",), ("test",)))
    publish(part.store, to=tmp_path / "shelf", asked=Asked(unvalidated=True))
    with pytest.raises(RequestError, match=f"is a part of tiny, version {shelf[1].version}. Reproduce that one"):
        reproduce(str(tmp_path / "shelf"))


def test_a_recipe_that_is_not_the_published_one_is_damage(own_site, shelf):
    """Compared with SHA256SUMS before anything is made."""
    (own_site.folder / shelf[1].version / "recipe.json").write_text("{}")
    with pytest.raises(DamageError, match=r"recipe.json: has SHA-256 \w+, expected SHA-256"):
        reproduce(own_site.url)
