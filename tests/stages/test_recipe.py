"""A recipe is read as it is written, and every mistake in one is told by file, line and key."""

from __future__ import annotations

import re

import pytest

from attractory.errors import RecipeError
from attractory.stages.located import read_recipe, systems_of
from attractory.stages.plan import check_memory, store_plan
from attractory.stages.recipe import Recipe

SMALLEST = {"name": "a", "systems": ["Lorenz"], "trajectories": {"train": 1}, "granularities": {"g": {"dt": 0.1, "samples": 1}}}


def test_defaults_are_the_promised_ones():
    """What a recipe leaves out has these values; changing one changes the bytes of every such dataset."""
    recipe = Recipe.model_validate(SMALLEST)
    assert (recipe.seed, recipe.tolerance, recipe.dtype, recipe.shard_trajectories) == (0, 1e-14, "float32", 64)
    assert (recipe.transient.periods, recipe.transient.iterates, recipe.licence) == (20, 1000, "CC-BY-4.0")
    assert recipe.trajectories.counts == (1, 0, 0)


def test_half_a_transient_keeps_the_other_default():
    """Periods for flows and iterates for maps are set apart."""
    assert Recipe.model_validate({**SMALLEST, "transient": {"periods": 5}}).transient.iterates == 1000


def test_equal_requests_have_equal_canonical_forms(dataset):
    """Order, comments and spelled-out defaults say nothing; the seed does."""
    one = dataset.located(("[Spiral, Quadratic]", "[Quadratic, Spiral] # maps first"), ("seed: 3", "tolerance: 1.0e-14\nseed: 3")).recipe
    other, third = dataset.located().recipe, dataset.located(("seed: 3", "seed: 4")).recipe
    names = ("Spiral", "Quadratic")
    assert one.canonical(names) == other.canonical(names) != third.canonical(names)


def test_canonical_form_is_a_recipe(dataset):
    """What stands in a store's root can be read back as a recipe, and is its own canonical form."""
    canonical = dataset.located().recipe.canonical(("Spiral", "Quadratic"))
    assert Recipe.model_validate(canonical).canonical(("Spiral", "Quadratic")) == canonical


def test_systems_by_name_all_and_query(dataset):
    """The three ways to say which systems, always sorted by name."""
    assert [system.name for system in systems_of(dataset.located())] == ["Quadratic", "Spiral"]
    everything = {system.name for system in systems_of(dataset.located(("[Spiral, Quadratic]", "all")))}
    assert {"Quadratic", "Runaway", "Spiral"} <= everything
    maps = systems_of(dataset.located(("[Spiral, Quadratic]", "{kind: map}")))
    assert {"Quadratic", "Runaway"} <= {system.name for system in maps} < everything


def test_a_recipe_may_use_other_names_of_a_system(dataset):
    """Aliases, in capitals or not, are the same dataset; a system under two of its names is named twice."""
    named = dataset.located(("[Spiral, Quadratic]", "[sine_CIRCLE, spiral]"))
    plain = dataset.located(("[Spiral, Quadratic]", "[Circle, Spiral]"))
    assert systems_of(named) == systems_of(plain)
    assert store_plan(named, systems_of(named)).attributes == store_plan(plain, systems_of(plain)).attributes
    with pytest.raises(RecipeError, match=r":5: systems: names 'Circle' twice"):
        systems_of(dataset.located(("[Spiral, Quadratic]", "[sine_circle, Circle]")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 3", "sed: 3", r"recipe.yaml:4: sed: is not a key of a recipe\. Did you mean 'seed'\?"),
        ("periods: 1,", "period: 1,", r":7: transient.period: is not a key of a recipe\. Did you mean 'periods'\?"),
        (
            "{samples_per_period: 8, samples: 20}",
            "{samples_per_perod: 8, samples: 20}",
            r":9: granularities.coarse.samples_per_perod: .*_period'\?",
        ),
        ("systems: [Spiral, Quadratic]", "systems: []", r":5: systems: names no system, expected at least one\."),
        ("systems: [Spiral, Quadratic]\n", "", r":1: systems: the key is missing\."),
        ("Spiral, Quadratic", "Spiral, spiral", r":5: systems: names 'Spiral' twice\."),
        ("[Spiral, Quadratic]", "Spiral", r":5: systems: found 'Spiral', expected a list of names, 'all', or a query"),
        ("dt: 0.05, samples: 200", "dt: 0.05", r":10: granularities.fine.samples: the key is missing"),
        ("dt: 0.05, samples: 200", "samples: 200", r":10: granularities.fine: found none, expected exactly one of samples_per_period, dt"),
        ("dt: 0.05,", "dt: 0.05, every: 2,", r":10: granularities.fine: found dt and every, expected exactly one"),
        ("dt: 0.05,", "dt: -1,", r":10: granularities.fine.dt: found -1, expected greater than 0"),
        ("dt: 0.05,", "dt: .inf,", r":10: granularities.fine.dt: found inf, expected a finite number"),
        ("samples: 200", "samples: 0", r":10: granularities.fine.samples: found 0, expected greater than or equal to 1"),
        ("train: 5", "train: 0", r":6: trajectories.train: found 0, expected"),
        ("{train: 5, validation: 2, test: 2}", "{}", r":6: trajectories: expected at least one of train, validation and test"),
        ("shard_trajectories: 3", "shard_trajectories: -3", r":11: shard_trajectories: found -3, expected"),
        ("shard_trajectories: 3", "shard_trajectories: 3.5", r":11: shard_trajectories: found 3.5, expected a valid integer"),
        ("seed: 3", "seed: yes", r":4: seed: found 'yes', expected a valid integer"),
        ("seed: 3", "tolerance: 1.0e-16", r":4: tolerance: found 1e-16, expected a number from 1.0e-15 to 1.0e-3"),
        ("seed: 3", "tolerance: 0.1", r":4: tolerance: found 0.1, expected a number from 1.0e-15"),
        ("seed: 3", "dtype: float16", r":4: dtype: found 'float16', expected 'float32' or 'float64'"),
        ("name: tiny", "name: ../tiny", r":2: name: found '../tiny', expected letters"),
        ("  coarse:", "  ../coarse:", r":8: granularities: '../coarse' is not a name for a folder"),
        ("  coarse:", "  initial:", r":8: granularities: 'initial' is the name of an array of each system"),
        ("  coarse:", "  Fine:", r":8: granularities: two granularities differ in nothing but capitals"),
    ],
)
def test_mistakes_are_told_by_file_line_and_key(dataset, old, new, message):
    """One line for each mistake, with what was found and what was expected."""
    with pytest.raises(RecipeError, match=message):
        dataset.located((old, new))


def test_every_mistake_is_told_at_once(dataset):
    """Two mistakes, two lines."""
    with pytest.raises(RecipeError) as caught:
        dataset.located(("seed: 3", "sed: 3"), ("samples: 200", "samples: 0"))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Spiral,", "Spirl,", r":5: systems.0: no system is called 'Spirl'\. Did you mean 'Spiral'\?"),
        ("Spiral,", "Zzzzz,", r":5: systems.0: no system is called 'Zzzzz'\. Systems of your own are in a folder: --catalog FOLDER"),
        ("[Spiral, Quadratic]", "{kind: mapp}", r":5: systems: no system has kind 'mapp'"),
        ("[Spiral, Quadratic]", "{colour: red}", r":5: systems: unknown query key 'colour'"),
        ("catalog: mine", "catalog: ../..", r":12: catalog: found '../..', expected a folder inside the recipe's own folder"),
        ("catalog: mine", "catalog: /etc", r":12: catalog: found '/etc', expected a folder inside"),
        ("catalog: mine", "catalog: yours", r":12: catalog: there is no folder 'yours' beside the recipe"),
    ],
)
def test_systems_that_are_not_there_are_refused(dataset, old, new, message):
    """Unknown names and queries that find nothing, and folders that are not the recipe's own."""
    with pytest.raises(RecipeError, match=message):
        systems_of(dataset.located((old, new)))


def test_a_link_out_of_the_folder_is_not_followed(dataset, tmp_path):
    """A recipe from a stranger reads nothing beside itself, not through a symbolic link either."""
    (tmp_path / "secret").mkdir()
    (dataset.folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(RecipeError, match="inside the recipe's own folder"):
        systems_of(dataset.located(("catalog: mine", "catalog: link")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{dt: 0.05,", "{every: 2,", r":10: granularities.fine.every: counts iterates, and Spiral is a flow"),
        (
            "samples_per_period: 8",
            "samples_per_lyapunov_time: 8",
            r":9: granularities.coarse.samples_per_lyapunov_time: counts Lyapunov times",
        ),
    ],
)
def test_what_a_system_cannot_give_is_refused(dataset, old, new, message):
    """Measures of time that a system does not have."""
    located = dataset.located((old, new))
    with pytest.raises(RecipeError, match=message):
        store_plan(located, systems_of(located))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (20_000_000, r":11: shard_trajectories: one shard of Spiral takes 458 MiB of memory, at most 192 .* Lower it to 1\."),
        (200_000_000, "Even one"),
    ],
)
def test_blocks_that_no_worker_can_hold_are_refused(dataset, samples, message):
    """A shard is made in memory as a whole; the message says how many trajectories fit."""
    located = dataset.located(("samples: 200", f"samples: {samples}"), ("[Spiral, Quadratic]", "[Spiral]"))
    with pytest.raises(RecipeError, match=message):
        check_memory(located, store_plan(located, systems_of(located)))


@pytest.mark.parametrize(
    ("old", "new", "key"), [("{samples_per_period: 8,", "{dt: 1.0,", "transient.periods"), ("periods: 1,", "periods: 0,", "coarse")]
)
def test_a_flow_without_a_period_is_refused_where_periods_count(dataset, old, new, key):
    """Transient and granularity alike; with neither in periods it goes."""
    dataset.entry("spiral", (dataset.folder / "mine/spiral.yaml").read_text().split("timescale")[0])
    located = dataset.located((old, new))
    with pytest.raises(RecipeError, match=rf"{key}.*Spiral has none: its catalog entry has no timescale"):
        store_plan(located, systems_of(located))
    both = dataset.located(("{samples_per_period: 8,", "{dt: 1.0,"), ("periods: 1,", "periods: 0,"))
    assert store_plan(both, systems_of(both)).system("Spiral").transient == 0


def test_a_folder_stands_for_its_recipe(dataset):
    """`datasets/tiny` is `datasets/tiny/recipe.yaml`, and an absent file is told."""
    assert read_recipe(dataset.folder).store == dataset.store
    with pytest.raises(RecipeError, match=re.escape("nothing.yaml: there is no such recipe")):
        read_recipe(dataset.folder / "nothing.yaml")


@pytest.mark.parametrize("text", ["", "- 1\n- 2\n", "name"])
def test_a_file_without_keys_is_refused(dataset, text):
    """An empty file, a list and a word are not recipes."""
    dataset.recipe.write_text(text)
    with pytest.raises(RecipeError, match="expected a recipe"):
        read_recipe(dataset.recipe)
