"""A small finished store of a chaotic flow and a chaotic map, each followed beyond where doubles hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from attractory.stages.generate import generate

# 640 samples at 15 a period are 32 time units of Lorenz, 29 Lyapunov times: rounding errors reach 1e-6 after some 23.
RECIPE = """
name: tiny
description: Two systems, to certify.
seed: 2
systems: [Lorenz, Henon]
trajectories: {train: 4, test: 1}
granularities:
  coarse: {samples_per_period: 15, samples: 640}
  fine: {samples_per_period: 60, samples: 256}
shard_trajectories: 2
"""


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store, not certified; not to be changed."""
    folder = tmp_path_factory.mktemp("certify")
    (folder / "recipe.yaml").write_text(RECIPE)
    return generate(folder / "recipe.yaml", workers=1).store
