"""Publishes a small dataset into a folder, in every form: run with the environment that has Attractory, never imported.

python small_dataset.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from attractory.stages.located import read_recipe
from attractory.stages.publish import Asked, publish, tables, the_well
from attractory.stages.slices import generate_slice, read_slice

RECIPE = """\
name: small
description: A flow and a map, for other people's readers.
seed: 1
systems: [Lorenz, Henon]
trajectories: {train: 7, validation: 2, test: 3}
granularities:
  coarse: {samples_per_period: 15, samples: 40}
  dropped: {samples_per_period: 15, times: {dropped: 0.2}, samples: 30}
shard_trajectories: 4
authors: [{name: Ada Example, orcid: 0000-0002-1825-0097}]
"""
# So that a split is several files: four trajectories of Lorenz at the coarse granularity are one.
FILE_BYTES = 4 * 40 * 3 * 4


def main(folder: Path) -> None:
    """`FOLDER/shelf` has the version; the store lies beside it."""
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    generate_slice(read_recipe(folder / "recipe.yaml"), read_slice("1/1"))
    tables.FILE_BYTES = the_well.FILE_BYTES = FILE_BYTES
    publish(folder / "small.zarr", to=folder / "shelf", asked=Asked(formats=("well", "dysts"), unvalidated=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
