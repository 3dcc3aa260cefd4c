"""`precision: reference` in a recipe: what the store says, which bytes it has, and what is refused."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import zarr

import attractory
from attractory import layout
from attractory.errors import RecipeError
from attractory.stages.generate import generate
from attractory.stages.located import systems_of
from attractory.stages.plan import store_plan
from attractory.stages.recipe import Recipe
from attractory.stages.validate.run import validate

REFERENCE = ("seed: 3", "seed: 3\nprecision: reference\ndtype: float64")
SMALLEST = {"name": "a", "systems": ["Lorenz"], "trajectories": {"train": 1}, "granularities": {"g": {"dt": 0.1, "samples": 1}}}


def digests(store):
    """The bytes of the shards and of what describes them, by path."""
    files = sorted(path for path in store.rglob("*") if path.is_file() and "run" not in path.name)
    return {str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_store_of_true_numbers_has_the_same_bytes_whoever_makes_it(dataset, tmp_path):
    """One worker or two; its attributes say what is proven; no check fails; each sample is the door's."""
    dataset.write(REFERENCE)
    assert generate(dataset.recipe, workers=1).failed == 0
    generate(dataset.recipe, out=tmp_path / "other.zarr", workers=2)
    assert digests(dataset.store) == digests(tmp_path / "other.zarr")
    root = zarr.open_group(dataset.store, mode="r")
    assert (root.attrs[layout.PRECISION], root.attrs[layout.PROVEN_BITS]) == ("reference", 53)
    assert validate(dataset.store).failures == ()
    spiral = next(system for system in systems_of(dataset.located(REFERENCE)) if system.name == "Spiral")
    initial = root["Spiral/initial"][:]
    made = attractory.integrate(spiral, initial=initial, samples=200, dt=0.05, precision="reference")
    assert np.array_equal(made.state.values, root["Spiral/fine/state"][:])


def test_the_precision_of_doubles_stands_in_no_canonical_form():
    """Recipes from before there was a choice keep their digest."""
    plain = Recipe.model_validate(SMALLEST).canonical(("Lorenz",))
    assert "precision" not in plain
    assert Recipe.model_validate({**SMALLEST, "precision": "double"}).canonical(("Lorenz",)) == plain
    assert Recipe.model_validate({**SMALLEST, "precision": "reference"}).canonical(("Lorenz",)) == {**plain, "precision": "reference"}


def test_a_flow_with_switches_is_refused_before_anything_is_written(dataset):
    """By file, line and key."""
    dataset.entry("spiral", (dataset.folder / "mine/spiral.yaml").read_text().replace("mu*(1 - x**2)*y", "mu*(1 - abs(x))*y"))
    located = dataset.located(REFERENCE)
    with pytest.raises(RecipeError, match=r"recipe.yaml:5: precision: Spiral has switches \(abs.*Expected equations without them"):
        store_plan(located, systems_of(located))


def test_another_precision_is_refused(dataset):
    """There are two."""
    with pytest.raises(RecipeError, match=r":4: precision: found 'quadruple', expected 'double' or 'reference'"):
        dataset.located(("seed: 3", "precision: quadruple"))
