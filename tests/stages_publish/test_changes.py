"""Two versions in one place: what `CHANGES.md` says of the second."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from attractory.stages.located import read_recipe
from attractory.stages.publish import Asked, publish
from attractory.stages.publish.changes import changes
from attractory.stages.publish.origin import origin_of, previous_origin
from attractory.stages.slices import generate_slice, read_slice
from attractory.stages.validate.stored import open_stored

UNVALIDATED = Asked(unvalidated=True)


@pytest.fixture(scope="module")
def changed_store(made_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same recipe, after one number of the map's equation and the description of the flow have changed."""
    folder = Path(shutil.copytree(made_store.parent, tmp_path_factory.mktemp("changed") / "tiny", ignore=shutil.ignore_patterns("tiny.*")))
    for name, old, new in (("halving", "4*x*(1 - x)", "3.9*x*(1 - x)"), ("wobble", "for tests", "for some tests")):
        entry = folder / "mine" / f"{name}.yaml"
        entry.write_text(entry.read_text().replace(old, new))
    generate_slice(read_recipe(folder / "recipe.yaml"), read_slice("1/1"))
    return folder / "tiny.zarr"


def test_the_second_version_says_which_system_changed_and_why(made_store, changed_store, tmp_path):
    """The map's samples differ since its equation does; the flow's are the same, only what is said of it changed. Both versions stay, and
    the older one can be pointed to again."""
    first = publish(made_store, to=tmp_path, asked=UNVALIDATED)
    second = publish(changed_store, to=tmp_path, asked=UNVALIDATED)
    text = (tmp_path / second.version / "CHANGES.md").read_text()
    assert text.startswith(f"# Changes from {first.version} to {second.version}\n")
    assert '- `Halving`: samples differ in coarse, fine. Why: `equations.x`: `"4*x*(1 - x)"` -> `"3.9*x*(1 - x)"`.' in text
    assert "## Changed descriptions, same samples\n\n- `Wobble`: description" in text
    assert "1 of 2 systems have the samples that they had, to the last bit, where both versions have them." in text
    assert (tmp_path / "latest").read_text() == second.version + "\n"
    assert not (tmp_path / first.version / "CHANGES.md").exists()
    assert publish(made_store, to=tmp_path, asked=UNVALIDATED).unchanged
    assert (tmp_path / "latest").read_text() == first.version + "\n"


def test_systems_and_keys_of_the_recipe_come_and_go(made_store):
    """Each has its section; a change of samples that no entry explains is put down to the recipe or to the code."""
    old = origin_of(open_stored(made_store), version="1")
    recipe = {**old.recipe, "seed": 6}
    facts = {**old.facts, "recipe": recipe, "versions": {**old.facts["versions"], "attractory": "9.9"}}
    decoded = {key: dict.fromkeys(digests, "0" * 64) for key, digests in old.decoded.items()}
    new = replace(old, version="2", facts=facts, catalog={"Other": {}, "Wobble": old.catalog["Wobble"]}, decoded=decoded)
    text = changes(old, new)
    for line in (
        "## Code\n\n- `attractory`: ",
        "## Recipe\n\n- `seed`: `5` -> `6`",
        "## New systems\n\n- `Other`",
        "## Systems that are gone\n\n- `Halving`",
        "- `Wobble`: samples differ in coarse, fine. Why: the recipe changed; the code changed from ",
        "0 of 2 systems",
    ):
        assert line in text


def test_more_trajectories_are_no_change_of_those_that_were_there(made_store):
    """Shards of both versions are compared by the trajectories that they hold; where none is the same, that is said and nothing guessed."""
    old = origin_of(open_stored(made_store), version="1")
    facts = {**old.facts, "recipe": {**old.recipe, "trajectories": {"train": 6, "validation": 2, "test": 3}}}
    longer = {key: {**digests, (f"{key}/state/c/2/0/0", 3): "0" * 64} for key, digests in old.decoded.items()}
    text = changes(old, replace(old, version="2", facts=facts, decoded=longer))
    assert "## Changed systems" not in text
    assert "2 of 2 systems have the samples that they had" in text
    other = {key: {(path, count + 1): digest for (path, count), digest in digests.items()} for key, digests in old.decoded.items()}
    text = changes(old, replace(old, version="2", facts=facts, decoded=other))
    assert "- `Wobble`: samples in coarse, fine cannot be compared, as shards hold other trajectories. Why: the recipe changed." in text
    assert "0 of 2 systems" in text


@pytest.mark.parametrize("damage", ["latest is empty", "no recipe.json", "recipe.json is no JSON", "no manifest"])
def test_a_predecessor_that_cannot_be_read_is_passed_over(made_store, damage):
    """A new version is published without a word about it: the old one's damage is not the new one's."""
    files = {"latest": b"1\n", "1/recipe.json": b'{"store": "tiny.zarr"}', "1/catalog.json": b"{}", "1/tiny.zarr/manifest.parquet": b"PAR1"}
    files |= {"latest is empty": {"latest": b""}, "recipe.json is no JSON": {"1/recipe.json": b"{"}}.get(damage, {})
    gone = {"no recipe.json": "1/recipe.json", "no manifest": "1/tiny.zarr/manifest.parquet"}.get(damage)
    assert previous_origin(lambda path: None if path == gone else files.get(path), "2") is None
