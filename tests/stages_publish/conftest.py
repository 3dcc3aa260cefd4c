"""A small finished store of a flow and a map, as `generate` makes it from a recipe with its own catalog."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from attractory.stages.generate import generate

DUFFING = """\
name: Wobble
kind: flow
description: A damped oscillator, driven; for tests.
reference: {authors: 'Nobody, N. | Others', year: 1901, title: 'On wobbling', doi: 10.1000/wobble}
parameters: {damping: 0.3, drive: 0.5}
equations:
  q: p
  p: q - q**3 - damping*p + drive*cos(1.2*t)
initial: {q: 0.5, p: 0.0}
timescale: {period: 5.2, definition: '2 pi over the frequency of the drive'}
"""
TENT = """\
name: Halving
kind: map
description: A map with one variable and no parameter; for tests.
equations:
  x: 4*x*(1 - x)
initial: {x: 0.3}
"""
RECIPE = """\
name: tiny
description: Two systems, to try out publishing.
seed: 5
systems: [Wobble, Halving]
trajectories: {train: 6, validation: 2, test: 2}
granularities:
  coarse: {samples_per_period: 10, samples: 32}
  fine: {samples_per_period: 40, samples: 64}
shard_trajectories: 4
catalog: mine/
authors: [{name: Ada Example, orcid: 0000-0002-1825-0097}]
"""


@pytest.fixture(scope="session")
def made_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "mine").mkdir()
    (folder / "mine" / "wobble.yaml").write_text(DUFFING)
    (folder / "mine" / "halving.yaml").write_text(TENT)
    (folder / "recipe.yaml").write_text(RECIPE)
    generate(folder / "recipe.yaml", workers=1)
    return folder / "tiny.zarr"


@pytest.fixture
def own_store(made_store: Path, tmp_path: Path) -> Path:
    """A copy to spoil, with a place beside it for a report."""
    return Path(shutil.copytree(made_store, tmp_path / "own" / "tiny.zarr"))
