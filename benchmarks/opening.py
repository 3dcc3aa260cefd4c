"""How long a finished store takes to open: by the loader, by xarray as a tree, and one group of it by xarray.

    python benchmarks/opening.py [--quick] [--json FILE]

Two stores whose numbers are made up and few: 220 systems at 3 granularities (880 groups below the root), and 500 systems at 3 granularities
(2,000). xarray reads the index of each coordinate that has the name of its dimension, one by one (pydata/xarray#10579); the second line of
each store is the same metadata with `time` under another name.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
from one_core import one_thread
from table import Requirement, options, requirement_table, table, write

import attractory
from attractory.stages.generate import planned_job
from attractory.stages.located import read_recipe
from attractory.store import Block, StorePlan, SystemPlan, create, finish, write_block

STORES, QUICK_STORES = {"220 systems x 3": 220, "2,000 groups": 500}, {"5 systems x 3": 5}
TREE_SECONDS = {"220 systems x 3": 3.0, "2,000 groups": 20.0}
OPEN_SECONDS = 0.3
TRIES = 3
RECIPE = """name: opening
systems: [Lorenz]
trajectories: {train: 2, validation: 1, test: 1}
granularities:
  coarse: {samples_per_period: 15, samples: 64}
  fine: {samples_per_period: 100, samples: 64}
  finest: {dt: 0.001, samples: 64}
"""


@dataclass(frozen=True)
class Opened:
    """Seconds of this process's processor, the least of some tries; the files lie in the system's cache."""

    store: str
    time_is_index: bool
    loader: float
    tree: float
    group: float

    def cells(self) -> list[str]:
        return [self.store, "yes" if self.time_is_index else "no", *(f"{seconds:.3f}" for seconds in (self.loader, self.tree, self.group))]


def synthetic_plan(systems: int, folder: Path) -> StorePlan:
    """Lorenz under so many names, each with all of its metadata."""
    (folder / "opening.yaml").write_text(RECIPE)
    plan = planned_job(read_recipe(folder / "opening.yaml"), folder / "opening.zarr").plan
    return replace(plan, systems=tuple(replace(plan.systems[0], name=f"System{place}") for place in range(systems)))


def synthetic_block(system: SystemPlan, block: Block) -> SimpleNamespace:
    """Zeros in the shape of a block."""
    shape = (block.count, len(system.variables))
    states = [np.zeros((block.count, grid.samples, len(system.variables)), np.float32) for grid in system.grids]
    return SimpleNamespace(
        states=states,
        initial=np.zeros(shape),
        parameters=np.zeros((block.count, len(system.parameters))),
        start_time=np.zeros(block.count),
        status=np.zeros(block.count, np.int8),
        times=[None] * len(states),
    )


def make(systems: int, folder: Path) -> Path:
    """A finished store. Its many files need not outlive the machine, so none is sent to the disk by itself."""
    store, plan = folder / f"{systems}.zarr", synthetic_plan(systems, folder)
    with mock.patch("os.fsync"):
        create(store, plan)
        for block in plan.blocks():
            write_block(store, plan, block, synthetic_block(plan.system(block.system), block))  # type: ignore[arg-type]
        finish(store, plan)
    return store


@contextmanager
def without_index(store: Path) -> Iterator[Path]:
    """The same metadata, `time` under another name: enough to be opened, not to be read."""
    other = store.with_name(f"without-{store.name}")
    other.mkdir()
    root = json.loads((store / "zarr.json").read_text())
    members = root["consolidated_metadata"]["metadata"]
    root["consolidated_metadata"]["metadata"] = {
        f"{path}_of_samples" if path.endswith("/time") else path: value for path, value in members.items()
    }
    (other / "zarr.json").write_text(json.dumps(root))
    yield other


def measured(name: str, store: Path) -> Iterator[Opened]:
    import xarray

    loader = least(lambda: attractory.open(store))
    for path, is_index in ((store, True), (None, False)):
        if path is None:
            with without_index(store) as other:
                yield Opened(name, is_index, loader, *_by_xarray(xarray, other))
        else:
            yield Opened(name, is_index, loader, *_by_xarray(xarray, path))


def _by_xarray(xarray: object, path: Path) -> tuple[float, float]:
    tree = least(lambda: xarray.open_datatree(path, engine="zarr"))  # type: ignore[attr-defined]
    return tree, least(lambda: xarray.open_dataset(path, group="System1/fine", engine="zarr"))  # type: ignore[attr-defined]


def least(act: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TRIES):
        began = time.process_time()
        act()
        seconds.append(time.process_time() - began)
    return min(seconds)


def requirements(rows: list[Opened]) -> list[Requirement]:
    found = []
    for row in rows:
        if row.time_is_index and row.store in TREE_SECONDS:
            found.append(Requirement(f"{row.store}: attractory.open", row.loader, OPEN_SECONDS, False, " s"))
            found.append(Requirement(f"{row.store}: xarray.open_datatree", row.tree, TREE_SECONDS[row.store], False, " s"))
    return found


def main() -> None:
    asked = options(__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="attractory-benchmark-") as folder:
        rows = [
            row
            for name, systems in (QUICK_STORES if asked.quick else STORES).items()
            for row in measured(name, make(systems, Path(folder)))
        ]
        sizes = [sum(1 for path in store.rglob("*") if path.is_file()) for store in Path(folder).glob("[0-9]*.zarr")]
    print(f"files of the stores: {', '.join(f'{size:,}' for size in sorted(sizes))}; seconds of the processor\n")
    print(
        table(
            ["store", "time is an index", "attractory.open", "xarray.open_datatree", "one group by xarray"], [row.cells() for row in rows]
        )
    )
    verdict = requirements(rows)
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, rows, verdict)


if __name__ == "__main__":
    one_thread()
    main()
