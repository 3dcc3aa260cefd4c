"""What is observed is stored beside the states, with noise that each sample's own number draws, and never changes a state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray
import zarr

import attractory
from attractory import layout
from attractory.errors import RecipeError
from attractory.stages.generate import generate
from attractory.stages.info import info
from attractory.stages.located import systems_of
from attractory.stages.plan import store_plan
from attractory.stages.publish.reach import reach_sentences
from attractory.stages.validate import validate
from attractory.stages.validate.rules import RULES
from attractory.stages.validate.run import run_checks
from attractory.stages.validate.stored import open_stored
from attractory.stages.verify import verify
from attractory.store import check

SPIRAL = ("[Spiral, Quadratic]", "[Spiral]")
COARSE = ("  fine: {dt: 0.05, samples: 200}\n", "")
OBSERVED = "{variables: {Spiral: [y]}, noise: {relative: 0.1}}"


def asked(text: str) -> tuple[str, str]:
    """The change of the recipe that asks for an observation."""
    return "seed: 3", f"seed: 3\nobservation: {text}"


def array(store, path):
    return zarr.open_array(store / path)[:]


def planned(located):
    return store_plan(located, systems_of(located))


def test_noise_has_the_variance_that_was_asked_for(observed):
    """A tenth of the deviation on the cycle: the noise on 1,800 samples has it to a tenth (its own error is 2 %), and mean zero."""
    state, seen = array(observed.store, "Spiral/fine/state")[..., 1], array(observed.store, "Spiral/fine/observed")[..., 0]
    noise = array(observed.store, "Spiral/observation_noise")
    added = seen - state
    assert noise.shape == (9, 1)
    assert (noise == noise[0]).all()
    assert added.std() == pytest.approx(noise[0, 0], rel=0.1)
    assert noise[0, 0] == pytest.approx(0.1 * state.std(), rel=0.1)
    assert abs(added.mean()) < 4 * noise[0, 0] / np.sqrt(added.size)


def test_states_are_what_they_are_without(observed, undisturbed):
    """Observing changes no state, and no system beside it what is observed: shards of another size hold the same numbers."""
    for name in ("coarse/state", "fine/state", "initial"):
        assert array(observed.store, f"Spiral/{name}").tobytes() == array(undisturbed.store, f"Spiral/{name}").tobytes()


def test_other_shards_hold_the_same_noise(dataset, cluster, observed):
    """The noise of a sample is that of its trajectory, granularity and variable, whatever else is made."""
    dataset.write(SPIRAL, COARSE, asked("{noise: {relative: 0.1}}"), ("shard_trajectories: 3", "shard_trajectories: 4"))
    generate(dataset.recipe, workers=cluster)
    whole = array(dataset.store, "Spiral/coarse/observed")
    assert whole.shape[2] == 2
    assert whole[..., 1].tobytes() == array(observed.store, "Spiral/coarse/observed")[..., 0].tobytes()


def test_variables_alone_are_observed_without_noise(dataset, cluster):
    """One variable of the states, bit by bit."""
    dataset.write(SPIRAL, COARSE, asked("{variables: [x]}"))
    generate(dataset.recipe, workers=cluster)
    assert array(dataset.store, "Spiral/coarse/observed").tobytes() == array(dataset.store, "Spiral/coarse/state")[..., :1].tobytes()


def observation_failures(found, *, seed=3, noise=None):
    """Names of the failed checks of what is observed, with another seed or noise than was drawn."""
    (stored,) = found.systems
    changed = replace(stored, observation_noise=stored.observation_noise if noise is None else noise)
    attributes = {**found.attributes, layout.RECIPE: {**found.recipe, "seed": seed}}
    spoiled = replace(found, attributes=attributes, systems=(changed,))
    rules = [rule for rule in RULES if rule.name == "observed"]
    return [check.name for check in run_checks(spoiled, {}, rules=rules) if check.failed]


def test_readers_open_it_and_validation_knows_it(observed):
    """xarray, the loader, info, the card and every check; noise that another seed would draw is found."""
    with xarray.open_datatree(observed.store, engine="zarr") as tree:
        assert tree["Spiral/fine"]["observed"].dims == ("trajectory", "time", "observed_variable")
    fine = attractory.open(observed.store).systems["Spiral"].granularities["fine"]
    assert fine.observed.whole().shape == (9, 200, 1)
    assert info(observed.store)["finished"]
    assert "Spiral: `observed` beside `state` holds y with nearly Gaussian noise of 0.1 standard" in reach_sentences(
        open_stored(observed.store)
    )
    report = validate(observed.store, report=observed.folder / "report")
    assert not [check.message for check in report.failures if check.name in ("observed", "digests", "schema", "same_measure")]
    assert sum(check.name == "observed" and check.passed for check in report.checks) == 2
    found = open_stored(observed.store)
    (stored,) = found.systems
    assert observation_failures(found, seed=4) == observation_failures(found, noise=stored.observation_noise * 2) == ["observed"] * 2


def test_a_damaged_shard_is_found_and_made_again(dataset, cluster):
    """Of what is observed, of its digests and of its noise, the manifest among the damaged too."""
    dataset.write(SPIRAL, COARSE, asked(OBSERVED))
    generate(dataset.recipe, workers=cluster)
    paths = ["Spiral/coarse/observed/c/1/0/0", "Spiral/coarse/observed_digest/c/0/0", "Spiral/observation_noise/c/0/0", layout.MANIFEST]
    before = {path: (dataset.store / path).read_bytes() for path in paths}
    for path in paths:
        (dataset.store / path).write_bytes(before[path][:-1] + b"?")
    assert {damage.path for damage in check(dataset.store)} >= {layout.MANIFEST}
    verify(dataset.store, repair=True)
    verify(dataset.store, repair=True)  # what only a sound manifest names
    assert before == {path: (dataset.store / path).read_bytes() for path in paths}


def test_recipes_without_observation_keep_their_digest(dataset):
    """The key is no part of a recipe that does not have it, and is read back where it does."""
    names = ("Spiral", "Quadratic")
    assert "observation" not in dataset.located().recipe.canonical(names)
    recipe = dataset.located(asked(OBSERVED)).recipe
    assert type(recipe).model_validate(recipe.canonical(names)).canonical(names) == recipe.canonical(names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", r":5: observation: expected variables, noise or both"),
        ("{noise: {}}", r":5: observation.noise: expected exactly one of relative and absolute"),
        ("{noise: {relative: 0.1, absolute: 1}}", r":5: observation.noise: expected exactly one"),
        ("{noise: {relatve: 0.1}}", r":5: observation.noise.relatve: is not a key .* Did you mean 'relative'"),
        ("{noise: {absolute: -1}}", r":5: observation.noise.absolute: found -1, expected greater than 0"),
        ("{variables: [z]}", r":5: observation.variables: Spiral has no variable 'z'; it has x, y"),
        ("{variables: [x, x]}", r":5: observation.variables: names a variable of Spiral twice"),
        ("{variables: {Spirl: [x]}}", r":5: observation.variables.Spirl: no system of this recipe is called 'Spirl'.* mean 'Spiral'"),
    ],
)
def test_observations_that_cannot_be_are_refused(dataset, text, message):
    """By file, line and key, before anything is written."""
    with pytest.raises(RecipeError, match=message):
        planned(dataset.located(SPIRAL, asked(text)))
