"""What every test shares: draws that repeat, and one small finished dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.register_profile("thorough", settings.get_profile("repeatable"), max_examples=2000)  # pytest --hypothesis-profile=thorough
settings.load_profile("repeatable")

RECIPE = """
name: quickstart
description: One flow, small.
seed: 0
systems: [Lorenz]
trajectories: {train: 8, validation: 4, test: 4}
granularities:
  coarse: {samples_per_period: 15, samples: 128}
dtype: float32
shard_trajectories: 4
"""


@pytest.fixture(scope="session", autouse=True)
def kernel_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this run keeps its kernels, those of the processes that it starts included: never in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("ATTRACTORY_CACHE", str(folder))
        yield folder / "kernels"


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with datasets/quickstart, a small dataset that is generated, validated and published; tests only read it."""
    from attractory.stages.build import build

    folder = tmp_path_factory.mktemp("project")
    recipe = folder / "datasets" / "quickstart" / "recipe.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text(RECIPE)
    built = build(recipe)
    assert built.published is not None, built.report.failures
    return folder


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Mapping[str, str]], Path]:
    """(the recipe, the entries of its catalog `mine` by file) -> a finished store beside them, made in this process."""
    from attractory.stages.generate import generate

    def make(recipe: str, entries: Mapping[str, str]) -> Path:
        folder = tmp_path_factory.mktemp("generated")
        (folder / "mine").mkdir()
        for name, text in entries.items():
            (folder / "mine" / f"{name}.yaml").write_text(text)
        (folder / "recipe.yaml").write_text(recipe)
        generate(folder / "recipe.yaml", out=folder / "one.zarr")
        return folder / "one.zarr"

    return make
