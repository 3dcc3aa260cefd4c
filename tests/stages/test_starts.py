"""Where trajectories start: in a box or in the entry's basin, before the transient that the recipe states."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr

from attractory import layout
from attractory.errors import RecipeError
from attractory.integrate.starts import Box, start_state
from attractory.stages.generate import generate
from attractory.stages.located import systems_of
from attractory.stages.lock import lock
from attractory.stages.plan import store_plan
from attractory.stages.publish.reach import reach_sentences
from attractory.stages.validate.report import Subject
from attractory.stages.validate.starts import check_starts
from attractory.stages.validate.stored import open_stored

ONE = ("[Spiral, Quadratic]", "[Quadratic]")
COARSE = ("  fine: {dt: 0.05, samples: 200}\n", "")
NO_TRANSIENT = ("transient: {periods: 1, iterates: 10}", "transient: {periods: 0, iterates: 0}")


def asked(text: str) -> tuple[str, str]:
    """The change of the recipe that asks for starts."""
    return "seed: 3", f"seed: 3\ninitial: {text}"


def planned(located):
    return store_plan(located, systems_of(located))


def test_without_a_transient_the_drawn_states_are_sample_0(dataset, cluster):
    """Nine states in the box, all different, exactly as drawn; a shard of another size holds the same; card and validation know them."""
    dataset.write(ONE, COARSE, NO_TRANSIENT, asked("{box: {Quadratic: {x: [0.6, 0.7]}}}"))
    generate(dataset.recipe, workers=cluster)
    initial = zarr.open_array(dataset.store / "Quadratic/initial")[:]
    assert len(np.unique(initial)) == 9
    assert ((initial >= 0.6) & (initial <= 0.7)).all()
    (stored,) = open_stored(dataset.store).systems
    drawn = [start_state(stored.system, Box((("x", 0.6, 0.7),)), seed=3, trajectory=row) for row in range(9)]
    np.testing.assert_array_equal(initial, drawn)
    subject = Subject("starts", "labels", "Quadratic")
    assert check_starts(subject, stored, seed=3, transient=0.0).passed
    assert not check_starts(subject, stored, seed=4, transient=0.0).passed
    assert "Quadratic: trajectories start in a box, x 0.6 to 0.7" in reach_sentences(open_stored(dataset.store))
    other = dataset.folder / "other.zarr"
    dataset.write(
        ONE, COARSE, NO_TRANSIENT, asked("{box: {Quadratic: {x: [0.6, 0.7]}}}"), ("shard_trajectories: 3", "shard_trajectories: 4")
    )
    generate(dataset.recipe, out=other, workers=cluster)
    assert (
        zarr.open_array(other / "Quadratic/coarse/state")[:].tobytes()
        == zarr.open_array(dataset.store / "Quadratic/coarse/state")[:].tobytes()
    )


def test_a_range_of_one_variable_moves_no_other(dataset):
    """Variables outside the box are drawn near the entry's state, as without one."""
    (system,) = systems_of(dataset.located(("[Spiral, Quadratic]", "[Spiral]")))
    free, boxed = (start_state(system, box, seed=0, trajectory=5) for box in (None, Box((("y", 2.0, 3.0),))))
    assert free[0] == boxed[0]
    assert 2.0 <= boxed[1] <= 3.0
    assert (start_state(system, Box((("y", 2.0, 3.0),)), seed=0, trajectory=5, attempt=1) != boxed).all()


def test_the_basin_is_the_entrys_and_the_lock_holds_it(dataset):
    """An entry's basin is not in its digest, yet decides bytes here: the store's attributes and the lock say it."""
    text = (dataset.folder / "mine/spiral.yaml").read_text()
    dataset.entry("spiral", text + "basin: {x: [-2, 2]}\n")
    dataset.write(("[Spiral, Quadratic]", "[Spiral]"), asked("basin"))
    box = planned(dataset.located(("[Spiral, Quadratic]", "[Spiral]"), asked("basin"))).system("Spiral").attributes[layout.START_BOX]
    assert box == {"from": "basin", "ranges": {"x": [-2.0, 2.0]}}
    assert json.loads(lock(dataset.recipe).read_text())["systems"]["Spiral"][layout.START_BOX] == box


def test_the_default_start_keeps_the_digest(dataset):
    """Spelled out, it is the same request; a box is read back from the canonical form."""
    names = ("Spiral", "Quadratic")
    assert dataset.located(asked("attractor")).recipe.canonical(names) == dataset.located().recipe.canonical(names)
    recipe = dataset.located(asked("{box: {Spiral: {x: [0, 1]}}}")).recipe
    canonical = json.loads(json.dumps(recipe.canonical(names)))
    assert type(recipe).model_validate(canonical).canonical(names) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("basin", r":5: initial: found basin, and the entry of Quadratic has none"),
        ("somewhere", r":5: initial: found 'somewhere', expected attractor, basin, or"),
        ("{box: {Quadratic: {y: [0, 1]}}}", r":5: initial.box.Quadratic.y: Quadratic has no variable 'y'; it has x"),
        ("{box: {Quadratik: {x: [0, 1]}}}", r":5: initial.box.Quadratik: no system of this recipe .* mean 'Quadratic'"),
        ("{box: {Quadratic: {x: [1, 0]}}}", r":5: initial.*: found \[1.0, 0.0\], expected the lower end first"),
        ("{box: {}}", r":5: initial.*: expected a range of at least one variable"),
    ],
)
def test_starts_that_cannot_be_are_refused(dataset, text, message):
    """By file, line and key, before anything is written."""
    with pytest.raises(RecipeError, match=message):
        planned(dataset.located(ONE, asked(text)))
