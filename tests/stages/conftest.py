"""A small dataset of three systems of its own: a flow, a map, and a map that runs away. The numbers are the engine's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from attractory.stages.cluster import Workers
from attractory.stages.generate import generate
from attractory.stages.located import read_recipe

SPIRAL = """
name: Spiral
kind: flow
description: A damped oscillator that is driven by its own size, with a limit cycle.
parameters: {mu: 1.5}
equations:
  x: y
  y: mu*(1 - x**2)*y - x
initial: {x: 1.0, y: 0.5}
timescale: {period: 7.0, definition: 'one turn'}
"""
QUADRATIC = """
name: Quadratic
kind: map
description: The logistic map where it covers the interval.
parameters: {r: 4.0}
equations: {x: r*x*(1 - x)}
initial: {x: 0.3}
"""
RUNAWAY = """
name: Runaway
kind: map
description: Grows hundredfold each time, so that it leaves every bound after some 150 iterates.
equations: {x: 100*x}
initial: {x: 1.0}
"""
RECIPE = """
name: tiny
description: Three systems of the tests.
seed: 3
systems: [Spiral, Quadratic]
trajectories: {train: 5, validation: 2, test: 2}
transient: {periods: 1, iterates: 10}
granularities:
  coarse: {samples_per_period: 8, samples: 20}
  fine: {dt: 0.05, samples: 200}
shard_trajectories: 3
catalog: mine
"""


@dataclass(frozen=True)
class Dataset:
    """A folder with a recipe and a catalog of its own."""

    folder: Path

    @property
    def recipe(self) -> Path:
        return self.folder / "recipe.yaml"

    @property
    def store(self) -> Path:
        return self.folder / "tiny.zarr"

    def write(self, *changes: tuple[str, str]) -> Dataset:
        """The recipe with parts of its text replaced; each part must be there."""
        text = RECIPE
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.recipe.write_text(text)
        return self

    def located(self, *changes: tuple[str, str]):
        return read_recipe(self.write(*changes).recipe)

    def entry(self, name: str, text: str) -> Dataset:
        (self.folder / "mine" / f"{name}.yaml").write_text(text)
        return self


def make_dataset(folder: Path) -> Dataset:
    (folder / "mine").mkdir(parents=True)
    dataset = Dataset(folder)
    for name, text in (("spiral", SPIRAL), ("quadratic", QUADRATIC), ("runaway", RUNAWAY)):
        dataset.entry(name, text)
    return dataset.write()


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "tiny")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """A running cluster of one thread, reached as a user's is, through its scheduler file: it costs no start."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as running:
        file = tmp_path_factory.mktemp("cluster") / "scheduler.json"
        file.write_text(json.dumps(running.scheduler.identity()))
        yield Workers(1, file)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The dataset made in one go by one worker; not to be changed."""
    made = make_dataset(tmp_path_factory.mktemp("undisturbed") / "tiny")
    generate(made.recipe, workers=1)
    return made


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, cluster: Workers) -> Dataset:
    """The dataset made by the cluster that is there, which costs little; not to be changed."""
    dataset = make_dataset(tmp_path_factory.mktemp("made") / "tiny")
    generate(dataset.recipe, workers=cluster)
    return dataset


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory, cluster: Workers) -> Dataset:
    """The flow alone, of which y is observed with noise of a tenth of its standard deviation; not to be changed."""
    made = make_dataset(tmp_path_factory.mktemp("observed") / "tiny")
    asked = "observation: {variables: {Spiral: [y]}, noise: {relative: 0.1}}"
    generate(made.write(("[Spiral, Quadratic]", "[Spiral]"), ("seed: 3", f"seed: 3\n{asked}")).recipe, workers=cluster)
    return made
