"""Families: parameter sets are drawn as the recipe says, the same ones by whoever draws them, and stored beside what they made."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr

from attractory import layout
from attractory.errors import RecipeError
from attractory.stages.generate import generate
from attractory.stages.located import systems_of
from attractory.stages.lock import lock
from attractory.stages.plan import store_plan
from attractory.stages.verify import verify
from attractory.store import contents

SETS = "trajectories_per_set: 3"
MAP = "systems: {Quadratic: {r: [3.5, 4.0]}}"
ONE = ("[Spiral, Quadratic]", "[Quadratic]")
COARSE = ("  fine: {dt: 0.05, samples: 200}\n", "")


def asked(*keys: str) -> tuple[str, str]:
    """The change of the recipe that asks for a family."""
    return "seed: 3", f"seed: 3\nparameters: {{{', '.join(keys)}}}"


def array(store, path):
    return zarr.open_array(store / path)[:]


def planned(located):
    return store_plan(located, systems_of(located))


def test_each_set_has_its_trajectories(dataset, cluster):
    """Nine trajectories, three a set: three values of r in the range, dealt in turn; the store says which, and how they were drawn."""
    dataset.write(ONE, COARSE, asked(SETS, MAP))
    generate(dataset.recipe, workers=cluster)
    values, numbers = array(dataset.store, "Quadratic/parameters")[:, 0], array(dataset.store, "Quadratic/parameter_set")
    assert numbers.tolist() == [0, 1, 2] * 3
    assert len(np.unique(values)) == 3
    assert all(len(np.unique(values[numbers == number])) == 1 for number in range(3))
    assert (values >= 3.5).all()
    assert (values <= 4.0).all()
    family = zarr.open_group(dataset.store / "Quadratic").attrs[layout.PARAMETER_FAMILY]
    assert family == {
        "parameters": {"r": {"range": [3.5, 4.0], "scale": "linear"}},
        "draw": "uniform",
        "sets": 3,
        "trajectories_per_set": 3,
        "set_of_trajectory": "trajectory % sets",
    }


def test_other_shards_and_other_trajectories_have_the_same_sets(dataset, cluster):
    """A set is a function of seed, system and its number: neither the size of a shard nor systems beside it change a value or a sample."""
    behaviour = asked(SETS, MAP, "behaviour: chaotic", "draw: latin_hypercube")
    dataset.write(ONE, COARSE, behaviour)
    generate(dataset.recipe, workers=cluster)
    other = dataset.folder / "other.zarr"
    dataset.write(COARSE, behaviour, ("shard_trajectories: 3", "shard_trajectories: 4"))
    generate(dataset.recipe, out=other, workers=cluster)
    for name in ("parameters", "parameter_set", "parameter_draws", "initial", "coarse/state"):
        assert array(other, f"Quadratic/{name}").tobytes() == array(dataset.store, f"Quadratic/{name}").tobytes()
    assert layout.PARAMETER_SET not in zarr.open_group(other / "Spiral")


def test_a_set_of_another_behaviour_is_drawn_again_and_counted(dataset, cluster):
    """Below r = 3.57 the logistic map is periodic: what is kept lies above, and the draws that were not are counted in store and record."""
    dataset.write(
        ONE, COARSE, ("train: 5, validation: 2, test: 2", "train: 12"), asked("systems: {Quadratic: {r: [3.2, 4.0]}}", "behaviour: chaotic")
    )
    summary = generate(dataset.recipe, workers=cluster)
    draws = array(dataset.store, "Quadratic/parameter_draws")
    counted = zarr.open_group(dataset.store).attrs[layout.PARAMETER_REDRAWS]["Quadratic"]
    assert counted == {"sets": 12, "drawn_again": int((draws > 1).sum()), "redraws": int((draws - 1).sum()), "not_found": 0}
    assert counted["redraws"] > 0
    assert (array(dataset.store, "Quadratic/parameters") > 3.56).all()
    (run,) = json.loads((dataset.folder / "tiny.run.json").read_text())["runs"]
    assert run["parameter_redraws"] == {"Quadratic": counted}
    assert "were drawn again" in " ".join(summary.lines())


def test_a_set_that_is_not_found_is_said(dataset, cluster):
    """No chaos at r near 2: NaN, a status that says so, the draws counted, and the command's exit code is that of failed trajectories."""
    ask = asked("systems: {Quadratic: {r: [2.0, 2.2]}}", "behaviour: chaotic", "attempts: 2", SETS)
    dataset.write(ONE, COARSE, ask)
    summary = generate(dataset.recipe, workers=cluster)
    assert summary.failed == 9
    assert set(array(dataset.store, "Quadratic/status")) == {layout.Status.NOT_STARTED}
    assert np.isnan(array(dataset.store, "Quadratic/parameters")).all()
    assert summary.redraws == {"Quadratic": {"sets": 3, "drawn_again": 3, "redraws": 3, "not_found": 3}}
    assert "3 parameter sets were not found" in " ".join(summary.lines())


def test_a_hypercube_has_one_set_in_each_slice(dataset, cluster):
    """Nine sets of Spiral's mu, from 0.5 to 5 in its logarithm: one in each ninth of the logarithm's range."""
    dataset.write(
        ("[Spiral, Quadratic]", "[Spiral]"),
        COARSE,
        asked("systems: {Spiral: {mu: {range: [0.5, 5.0], scale: log}}}", "draw: latin_hypercube"),
    )
    generate(dataset.recipe, workers=cluster)
    values = array(dataset.store, "Spiral/parameters")[:, 0]
    places = np.log(values / 0.5) / np.log(10.0) * 9
    assert sorted(np.floor(places).astype(int).tolist()) == list(range(9))


def test_a_grid_has_each_point_once(dataset, cluster):
    """Three points and three trajectories each: the ends and the middle, whatever their order."""
    dataset.write(ONE, COARSE, asked(SETS, "draw: grid", "systems: {Quadratic: {r: {range: [3.6, 4.0], points: 3}}}"))
    generate(dataset.recipe, workers=cluster)
    values = array(dataset.store, "Quadratic/parameters")[:, 0]
    assert sorted(set(values.tolist())) == pytest.approx([3.6, 3.8, 4.0], rel=1e-15)
    assert np.unique(values, return_counts=True)[1].tolist() == [3, 3, 3]


def test_around_and_ranges_are_taken_from_the_entry(dataset):
    """A tenth around each number of the entry; or what the entry says under ranges, which the lock then holds."""
    around = planned(dataset.located(asked("around: 0.1")))
    spread = around.system("Spiral").attributes[layout.PARAMETER_FAMILY]["parameters"]["mu"]["range"]
    assert spread == pytest.approx([1.35, 1.65], rel=1e-15)
    text = (dataset.folder / "mine/spiral.yaml").read_text()
    dataset.entry("spiral", text.replace("equations", "ranges: {mu: [1, 2]}\nequations"))
    dataset.write(("[Spiral, Quadratic]", "[Spiral]"), asked("from: ranges"))
    first = json.loads(lock(dataset.recipe).read_text())["systems"]["Spiral"]
    dataset.entry("spiral", text.replace("equations", "ranges: {mu: [1, 3]}\nequations"))
    second = json.loads(lock(dataset.recipe).read_text())["systems"]["Spiral"]
    assert (first[layout.PARAMETER_FAMILY]["parameters"]["mu"]["range"], first["digest"]) == ([1.0, 2.0], second["digest"])
    assert first != second


def test_splits_by_parameters_share_no_set(dataset, cluster):
    """Each split has sets of its own; by trajectory they share them all."""
    counts = ("train: 5, validation: 2, test: 2", "train: 6, validation: 3, test: 3")
    dataset.write(ONE, COARSE, counts, asked(SETS, MAP), ("granularities:", "split_by: parameters\ngranularities:"))
    generate(dataset.recipe, workers=cluster)
    numbers, split = array(dataset.store, "Quadratic/parameter_set"), array(dataset.store, "Quadratic/split")
    held = [set(numbers[split == code].tolist()) for code in range(3)]
    assert held == [{0, 1}, {2}, {3}]
    values = array(dataset.store, "Quadratic/parameters")[:, 0]
    assert len(np.unique(values)) == 4


def test_a_held_out_system_is_in_one_split(dataset):
    """All nine trajectories of the map are for the test, those of the flow in three splits; where they lie changes no trajectory."""
    plan = planned(dataset.located(("granularities:", "held_out: {test: [Quadratic]}\ngranularities:")))
    assert plan.system("Quadratic").splits == (0, 0, 9)
    assert plan.system("Spiral").splits == (5, 2, 2)
    assert plan.system("Quadratic").attributes[layout.SPLIT_BY] == "system"


def test_a_damaged_store_is_repaired(dataset, cluster):
    """What a family adds to a store is in the manifest, found when it is damaged, and made again."""
    dataset.write(ONE, COARSE, asked(SETS, MAP))
    generate(dataset.recipe, workers=cluster)
    added = [file.path for file in contents(dataset.store).files if "parameter_" in file.path and not file.path.endswith("zarr.json")]
    assert len(added) == 2
    before = {path: (dataset.store / path).read_bytes() for path in added}
    for path in added:
        (dataset.store / path).write_bytes(b"spoilt")
    assert set(verify(dataset.store, repair=True).repaired) == set(added)
    assert before == {path: (dataset.store / path).read_bytes() for path in added}


def test_recipes_without_families_keep_their_digest(dataset):
    """Spelled out, the default split is the same request."""
    names = ("Spiral", "Quadratic")
    plain = dataset.located().recipe.canonical(names)
    assert dataset.located(("seed: 3", "seed: 3\nsplit_by: trajectories")).recipe.canonical(names) == plain
    assert not {"parameters", "split_by", "held_out"} & set(plain)


def test_a_canonical_family_is_a_recipe(dataset):
    """What stands in a store's root can be read back, `from` included."""
    recipe = dataset.located(asked("from: ranges", MAP, SETS)).recipe
    canonical = json.loads(json.dumps(recipe.canonical(("Spiral", "Quadratic"))))
    assert type(recipe).model_validate(canonical).canonical(("Spiral", "Quadratic")) == canonical
    assert canonical["parameters"]["from"] == "ranges"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "trajectories_per_set: 4, systems: {Quadratic: {r: [3, 4]}}",
            r":5: parameters.trajectories_per_set: found 4, and 9 trajectories of Quad",
        ),
        (
            "systems: {Quadratc: {r: [3, 4]}}",
            r":5: parameters.systems.Quadratc: no system of this recipe is called .* Did you mean 'Quadratic'",
        ),
        ("systems: {Quadratic: {s: [3, 4]}}", r":5: parameters.systems.Quadratic.s: Quadratic has no parameter 's'; it has r"),
        ("systems: {Quadratic: {r: [4, 3]}}", r":5: parameters.systems.Quadratic.r: found \[4.0, 3.0\], expected the lower end first"),
        ("systems: {Quadratic: {r: {rnge: [3, 4]}}}", r":5: parameters.systems.Quadratic.r.rnge: is not a key .* Did you mean 'range'"),
        ("systems: {Quadratic: {r: {values: [3, 4]}}}", r":5: parameters.systems.Quadratic.r.values: lists the points of a grid"),
        ("systems: {Quadratic: {r: {range: [0, 1], scale: log}}}", r"scale log needs a range that begins above zero"),
        ("draw: grid, systems: {Quadratic: {r: [3, 4]}}", r":5: parameters.systems.Quadratic.r: draw is grid, and r has no points"),
        (
            "draw: grid, systems: {Quadratic: {r: {values: [3, 4]}}}",
            r":5: parameters.draw: the grid of Quadratic has 2 points.* 2 trajectories",
        ),
        ("from: ranges", r":5: parameters.from: the entry of Quadratic has no ranges"),
        ("from: ranges, around: 0.1", r":5: parameters: found from and around, expected one"),
        ("draw: uniform", r":5: parameters: expected at least one of from, around and systems"),
        ("around: 0.1, attempts: 3", r":5: parameters: attempts counts the draws until one has the behaviour"),
        ("around: 0.1, behavior: chaotic", r":5: parameters.behavior: is not a key of a recipe\. Did you mean 'behaviour'"),
    ],
)
def test_families_that_cannot_be_are_refused(dataset, keys, message):
    """By file, line and key, before anything is written."""
    with pytest.raises(RecipeError, match=message):
        planned(dataset.located(ONE, asked(keys)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("split_by: parameters", r":5: split_by: found parameters, and all trajectories have the same ones"),
        ("held_out: {test: [Quadratik]}", r":5: held_out.test.0: no system of this recipe is called 'Quadratik'.* mean 'Quadratic'"),
        ("held_out: {test: [Spiral], train: [Spiral]}", r":5: held_out: names 'Spiral' twice"),
        ("held_out: {tst: [Spiral]}", r":5: held_out.tst: is not a key of a recipe. Did you mean 'test'"),
        (
            "parameters: {around: 0.1, trajectories_per_set: 3}\nsplit_by: parameters",
            r":8: trajectories.train: found 5, which is not a multiple of 3",
        ),
        (
            "parameters: {systems: {Spiral: {mu: [1, 2]}}}\nsplit_by: parameters",
            r":6: split_by: found parameters, and Quadratic has one parameter set for all",
        ),
    ],
)
def test_splits_that_cannot_be_are_refused(dataset, line, message):
    """A set in two splits, a system that is not there, one that is held out twice."""
    with pytest.raises(RecipeError, match=message):
        planned(dataset.located(("seed: 3", f"seed: 3\n{line}")))
