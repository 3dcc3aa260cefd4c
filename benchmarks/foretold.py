"""`attractory generate --dry-run` beside what then happens, for a few recipes: samples, files, bytes on the disk and core-hours.

python benchmarks/foretold.py [--quick] [--json FILE]
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from one_core import one_thread
from table import Requirement, number, options, requirement_table, table, write

from attractory.stages.estimate import estimate
from attractory.stages.located import read_recipe
from attractory.stages.slices import Slice, generate_slice

REQUIRED_PART = 0.3

# Of seconds of core time: reading recipe and catalog, making the template and finishing the store take some 0.1 s of every run, which is
# in no estimate.
RECIPES = {
    "quickstart8": "systems: [Lorenz, Rossler, Henon]\ntrajectories: {train: 1536, validation: 256, test: 256}\n"
    "granularities:\n  coarse: {samples_per_period: 15, samples: 1024}\n  fine: {samples_per_period: 100, samples: 4096}\n",
    "larger": "systems: [Lorenz96, Thomas, Chua, HenonHeiles]\ntrajectories: {train: 256}\n"
    "granularities:\n  coarse: {samples_per_period: 15, samples: 4096}\n  fine: {samples_per_period: 100, samples: 4096}\n",
    "doubles": "systems: [HyperRossler, Halvorsen, MackeyGlass]\ntrajectories: {train: 1024}\ndtype: float64\n"
    "granularities:\n  fine: {samples_per_period: 50, samples: 8192}\n",
}


@dataclass(frozen=True)
class Foretold:
    """One recipe: what `--dry-run` said, and what then was."""

    recipe: str
    samples_equal: bool
    files_equal: bool
    disk_part: float
    seconds_part: float

    def cells(self) -> list[str]:
        exact = ["equal" if same else "DIFFERENT" for same in (self.samples_equal, self.files_equal)]
        return [self.recipe, *exact, number(self.disk_part), number(self.seconds_part)]


def foretold(name: str, folder: Path) -> Foretold:
    """`--dry-run`, then the whole recipe in this process, both in processor time: a neighbour on the machine counts little. The dry run has
    made the machine code, so compiling is in neither; what writing and finishing take of the processor is in the run alone."""
    recipe = folder / f"{name}.yaml"
    recipe.write_text(f"name: {name}\n{RECIPES[name]}")
    before = estimate(read_recipe(recipe), out=folder / f"{name}.zarr")
    began = time.process_time()
    made = generate_slice(recipe, Slice(1, 1), out=folder / f"{name}.zarr")
    spent = time.process_time() - began
    shards = [path for path in (folder / f"{name}.zarr").rglob("*") if path.is_file()]
    return Foretold(
        recipe=name,
        samples_equal=before.samples == made.work.samples,
        files_equal=len(shards) == before.shard_files + before.other_files,
        disk_part=before.disk_bytes / made.work.bytes,
        seconds_part=sum(system.block_seconds for system in before.systems) / spent,
    )


def requirements(rows: list[Foretold]) -> list[Requirement]:
    """The worst of both, as a distance from 1."""
    disk, seconds = (
        max(abs(part - 1) for part in parts) for parts in zip(*((row.disk_part, row.seconds_part) for row in rows), strict=True)
    )
    return [
        Requirement("estimate of bytes on the disk, off by", disk, REQUIRED_PART, False),
        Requirement("estimate of core-hours, off by", seconds, REQUIRED_PART, False),
    ]


def main() -> None:
    asked = options(__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="attractory-benchmark-") as folder:
        rows = [foretold(name, Path(folder)) for name in list(RECIPES)[: 1 if asked.quick else None]]
    print(table(["recipe", "samples", "files", "bytes, foretold / made", "core time"], [row.cells() for row in rows]))
    verdict = requirements(rows)
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, rows, verdict)


if __name__ == "__main__":
    one_thread()
    main()
