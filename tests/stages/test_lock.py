"""recipe.lock changes exactly when a build would."""

from __future__ import annotations

import json

import pytest

from attractory.errors import RecipeError
from attractory.stages.lock import lock

ANNOTATION = "\ninvariants:\n  lyapunov_spectrum: {value: [%s, -1.0], standard_error: [0.01, 0.01], method: m, computed_with: w}\n"


def test_it_names_each_system_with_its_digest(dataset):
    """Name and digest of what the recipe uses, and the recipe in canonical form."""
    content = json.loads(lock(dataset.recipe).read_text())
    assert {name: len(system["digest"]) for name, system in content["systems"].items()} == {"Quadratic": 64, "Spiral": 64}
    assert content["recipe"]["seed"] == 3


def test_comments_and_annotations_leave_it_alone(dataset):
    """Not even its time changes, so that nothing that depends on it runs again."""
    path = lock(dataset.recipe)
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    dataset.recipe.write_text("# a comment\n" + dataset.recipe.read_text())
    dataset.entry("spiral", (dataset.folder / "mine/spiral.yaml").read_text() + ANNOTATION % 0.5)
    lock(dataset.recipe)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize(("file", "old", "new"), [("mine/spiral.yaml", "mu: 1.5", "mu: 1.6"), ("recipe.yaml", "seed: 3", "seed: 4")])
def test_what_decides_bytes_changes_it(dataset, file, old, new):
    """A parameter of a system, a key of the recipe."""
    before = lock(dataset.recipe).read_bytes()
    path = dataset.folder / file
    path.write_text(path.read_text().replace(old, new))
    assert lock(dataset.recipe).read_bytes() != before


def test_a_system_that_is_not_used_does_not_matter(dataset):
    """Runaway is in the catalog, not in the recipe."""
    before = lock(dataset.recipe).read_bytes()
    dataset.entry("runaway", (dataset.folder / "mine/runaway.yaml").read_text().replace("100*x", "200*x"))
    assert lock(dataset.recipe).read_bytes() == before


def test_lyapunov_times_are_locked_where_they_count(dataset):
    """Samples per Lyapunov time make the annotated exponent decide the bytes."""
    entry = (dataset.folder / "mine/spiral.yaml").read_text()
    dataset.write(("samples_per_period: 8", "samples_per_lyapunov_time: 8")).entry("spiral", entry + ANNOTATION % 0.5)
    before = lock(dataset.recipe).read_text()
    dataset.entry("spiral", entry + ANNOTATION % 0.4)
    assert json.loads(before)["systems"]["Spiral"]["lyapunov_time"] == 2.0
    assert lock(dataset.recipe).read_text() != before


def test_a_wrong_recipe_is_not_locked(dataset):
    """The same refusals as generate's, and no file."""
    dataset.write(("Spiral,", "Spirl,"))
    with pytest.raises(RecipeError, match="no system is called 'Spirl'"):
        lock(dataset.recipe)
    assert not (dataset.folder / "recipe.lock").exists()
