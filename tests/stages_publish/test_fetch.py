"""A part of a published dataset over HTTP: what is asked for of the server, and what is here afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr

import attractory
from attractory import layout
from attractory.errors import AttractoryError, DamageError, RequestError
from attractory.stages.cut import Wish
from attractory.stages.fetch import fetch
from attractory.stages.info import info
from attractory.stages.located import read_recipe
from attractory.stages.publish import Asked, publish
from attractory.stages.slices import generate_slice, read_slice
from attractory.store import check
from attractory.store.finish import RUN_FOLDER

OBSERVED = """
name: observed
systems: [Doubled]
trajectories: {train: 3, validation: 2}
transient: {iterates: 5}
granularities: {some: {every: 1, samples: 12, times: {dropped: 0.3}}}
observation: {variables: {Doubled: [y]}, noise: {relative: 0.1}}
shard_trajectories: 2
catalog: mine
"""
DOUBLED = """
name: Doubled
kind: map
description: Two maps side by side.
equations: {x: 4*x*(1 - x), y: 3.8*y*(1 - y)}
initial: {x: 0.3, y: 0.4}
"""
TEST_OF_WOBBLE = Wish(("Wobble",), ("coarse",), ("test",))


def state(store: Path, path: str) -> np.ndarray:
    return np.asarray(zarr.open_group(str(store), mode="r")[path][:])


def test_a_part_is_a_valid_store_that_names_its_parent(site, shelf, made_store, tmp_path):
    """Sound by its own manifest, opened by xarray and by the loader; its trajectories are those of the split, in the parent's numbers."""
    fetched = fetch(site.url, to=tmp_path, wish=TEST_OF_WOBBLE)
    store = tmp_path / "tiny.zarr"
    assert (fetched.store, fetched.trajectories, check(store)) == (store, {"Wobble": 2}, ())
    parent = zarr.open_group(str(store), mode="r").attrs["parent"]
    assert (parent["dataset"], parent["version"], parent["trajectories"]) == ("tiny", shelf[1].version, {"Wobble": [[8, 10]]})
    for name in ("coarse/state", "initial", "parameters", "start_time", "status"):
        np.testing.assert_array_equal(state(store, f"Wobble/{name}"), state(made_store, f"Wobble/{name}")[8:10])
    dataset = attractory.open(store)
    assert (dataset.system_names, dataset.splits, list(dataset.systems["Wobble"].granularities)) == (("Wobble",), ("test",), ["coarse"])
    with xarray.open_datatree(str(store), engine="zarr") as tree:
        assert tree["Wobble/coarse"]["state"].sizes == {"trajectory": 2, "time": 32, "variable": 2}
    assert dataset.recipe["trajectories"] == {"test": 2}
    assert info(store)["parent"]["version"] == shelf[1].version
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.zarr"]


def test_no_shard_is_asked_for_that_was_not_selected(site, tmp_path):
    """The server sees one request a needed shard, and none of another system's arrays at all."""
    fetch(site.url, to=tmp_path, wish=TEST_OF_WOBBLE)
    assert site.shards == ["Wobble/coarse/state/c/2/0/0"]
    assert [path for path in site.asked if "Halving" in path or "/fine/" in path] == []


def test_the_size_is_said_before_the_first_shard_is_asked_for(site, made_store, tmp_path):
    """In bytes and in shards, of those of the whole dataset."""
    told = []
    fetched = fetch(site.url, to=tmp_path, wish=TEST_OF_WOBBLE, announce=lambda text: told.append((text, len(site.shards))))
    size = (made_store / layout.shard_path("Wobble", "coarse", 2)).stat().st_size
    assert len(told) == 1
    assert (fetched.part_bytes, told[0][1]) == (size, 0)
    assert f"1 of 12 shards, {size} B of " in told[0][0]


def test_splits_that_share_a_shard_are_parted(site, made_store, tmp_path):
    """Training trajectories 0 to 5 in shards of four: the first shard keeps its bytes, the second loses two validation trajectories."""
    fetch(site.url, to=tmp_path, wish=Wish(("Wobble",), None, ("train",)))
    store = tmp_path / "tiny.zarr"
    whole, cut = (layout.shard_path("Wobble", "fine", shard) for shard in (0, 1))
    assert (store / whole).read_bytes() == (made_store / whole).read_bytes()
    assert (store / cut).read_bytes() != (made_store / cut).read_bytes()
    np.testing.assert_array_equal(state(store, "Wobble/fine/state"), state(made_store, "Wobble/fine/state")[:6])
    assert attractory.open(store).splits == ("train",)


def test_all_of_it_is_the_parent_but_for_what_says_so(site, made_store, tmp_path):
    """Every file but the root, which says what it is a part of, and the manifest, which has the root's attributes."""
    fetch(site.url, to=tmp_path)
    store = tmp_path / "tiny.zarr"
    kept = {path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()}
    made = {path.relative_to(made_store): path.read_bytes() for path in made_store.rglob("*") if path.is_file()}
    assert {str(path) for path in made if kept.get(path) != made[path]} == {"manifest.parquet", "zarr.json"}
    assert (kept.keys() == made.keys(), check(store)) == (True, ())


def test_an_interrupted_fetch_goes_on_and_asks_for_nothing_twice(site, tmp_path, monkeypatch):
    """The server goes down after three shards; the next run asks for the others alone."""
    monkeypatch.setattr("attractory.stages.fetch.run._TRANSFERS", 1)
    site.cut_after = 3
    with pytest.raises(AttractoryError):
        fetch(site.url, to=tmp_path, wish=Wish(splits=("train",)))
    assert not (tmp_path / "tiny.zarr").exists()
    first, site.cut_after = site.shards[:3], None
    site.asked.clear()
    fetch(site.url, to=tmp_path, wish=Wish(splits=("train",)))
    assert (len(first), len(site.shards), set(first) & set(site.shards)) == (3, 5, set())
    assert check(tmp_path / "tiny.zarr") == ()


def test_a_part_that_is_there_is_checked_and_mended(site, tmp_path):
    """A sound one costs no shard; of a damaged one all shards are fetched anew."""
    fetch(site.url, to=tmp_path, wish=TEST_OF_WOBBLE)
    site.asked.clear()
    fetch(site.url, to=tmp_path, wish=TEST_OF_WOBBLE)
    assert site.shards == []
    (tmp_path / "tiny.zarr" / layout.shard_path("Wobble", "coarse", 0)).write_bytes(b"damaged")
    fetch(site.url, to=tmp_path, wish=TEST_OF_WOBBLE)
    assert (site.shards, check(tmp_path / "tiny.zarr")) == (["Wobble/coarse/state/c/2/0/0"], ())


def test_what_is_damaged_there_is_named_and_not_taken(own_site, shelf, tmp_path):
    """Three tries, then the file, its digest and the one that it must have."""
    shard = own_site.folder / shelf[1].version / "tiny.zarr" / layout.shard_path("Wobble", "coarse", 2)
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DamageError, match=r"Wobble/coarse/state/c/2/0/0: has SHA-256 \w+, expected SHA-256 \w+"):
        fetch(own_site.url, to=tmp_path / "part", wish=TEST_OF_WOBBLE)
    assert (len(own_site.shards), (tmp_path / "part" / "tiny.zarr").exists()) == (3, False)


def test_the_starter_is_fetched_by_name(site, tmp_path):
    """As any other store of the version, in whole or in part."""
    fetched = fetch(site.url, to=tmp_path, wish=Wish(systems=("Halving",)), starter=True)
    assert (fetched.trajectories, check(fetched.store)) == ({"Halving": 10}, ())
    assert all("/starter/" in f"/{path}" for path in site.asked if "/state/" in path)


def test_drawn_times_and_observations_come_along(tmp_path):
    """Arrays that only some stores have: times of their own, what is observed, its noise; a folder is a place to fetch from too."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/doubled.yaml").write_text(DOUBLED)
    (tmp_path / "recipe.yaml").write_text(OBSERVED)
    generate_slice(read_recipe(tmp_path / "recipe.yaml"), read_slice("1/1"))
    whole = tmp_path / "observed.zarr"
    part = fetch(str(whole), to=tmp_path / "part", wish=Wish(splits=("validation",))).store
    assert check(part) == ()
    for name in ("some/state", "some/time", "some/observed", "observation_noise", "initial"):
        np.testing.assert_array_equal(state(part, f"Doubled/{name}"), state(whole, f"Doubled/{name}")[3:5])


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish(("Wobbel",)), "there is no system 'Wobbel'. Did you mean 'Wobble'?"),
        (Wish(granularities=("medium",)), "there is no granularity 'medium'. There are: coarse, fine."),
        (Wish(splits=("training",)), "there is no split 'training'. Did you mean 'train'?"),
    ],
)
def test_what_is_not_there_is_refused_with_the_nearest_name(site, tmp_path, wish, message):
    """Before a shard is asked for."""
    with pytest.raises(RequestError) as refused:
        fetch(site.url, to=tmp_path, wish=wish)
    assert (str(refused.value), site.shards) == (message, [])


def test_places_that_are_none_or_taken_are_refused(site, made_store, tmp_path):
    """No version at the URL; another store where the part would be."""
    with pytest.raises(RequestError, match="there is no published version: neither latest nor SHA256SUMS is there"):
        fetch(f"{site.url}/nothing", to=tmp_path)
    (tmp_path / "tiny.zarr" / RUN_FOLDER).mkdir(parents=True)
    with pytest.raises(RequestError, match="another store is there"):
        fetch(site.url, to=tmp_path, wish=TEST_OF_WOBBLE)


def test_a_latest_that_leads_elsewhere_is_damage(own_site, tmp_path):
    """It must name a version, whatever the server says."""
    (own_site.folder / "latest").write_text("../../etc\n")
    with pytest.raises(DamageError, match=r"found '\.\./\.\./etc', expected the name of a version"):
        fetch(own_site.url, to=tmp_path)


def test_names_that_lead_out_of_the_folder_are_refused(own_site, shelf, say_again, tmp_path):
    """What a stranger's root calls its systems becomes folders here: no name leads out. A root with another digest is not even read."""
    version = own_site.folder / shelf[1].version
    root = version / "tiny.zarr/zarr.json"
    root.write_text(root.read_text().replace('"Wobble/', '"../../Wobble/'))
    with pytest.raises(DamageError, match=r"zarr.json: has SHA-256 \w+, expected SHA-256"):
        fetch(own_site.url, to=tmp_path / "part")
    say_again(version, "tiny.zarr/zarr.json")
    with pytest.raises(DamageError, match=r"names '../../Wobble/\w+', which is no name in a store of ours. Nothing of it was taken"):
        fetch(own_site.url, to=tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_a_part_is_published_with_its_parent_in_the_recipe(site, shelf, tmp_path):
    """A course may publish the part that it uses; where it is from stands in what it is made from."""
    fetched = fetch(site.url, to=tmp_path, wish=TEST_OF_WOBBLE)
    result = publish(fetched.store, to=tmp_path / "shelf", asked=Asked(unvalidated=True))
    facts = json.loads((tmp_path / "shelf" / result.version / "recipe.json").read_text())
    assert (facts["parent"]["version"], result.version != shelf[1].version) == (shelf[1].version, True)
