"""`make bench-loader`: windows a second to the training loop, beside other readers on the same numbers.

    python benchmarks/loader.py [--quick] [--only decoded,h5py] [--keep]

1,000 trajectories of Lorenz, 4,096 samples of 3 float32 each; windows of 512, batches of 256, random order, one process, page cache warm;
each batch is summed, so that every byte is touched. Rates are per second of processor time, on one core, in turn, medians. `--keep` writes
docs/benchmarks/loader.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import loader_peers
import numpy as np
from loader_peers import BATCH, SAMPLES, TRAJECTORIES, WINDOW
from measure import Case, Row, measure, rate_text
from one_core import machine, pin_to_one_core
from table import Requirement, requirement_table, table

import attractory

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks" / "loader.md"
PACKAGES = ("attractory", "numpy", "zarr", "torch", "tensorstore", "h5py", "webdataset", "grain", "xbatcher", "datasets", "the_well")
SETTINGS: dict[str, Any] = {"granularity": "fine", "split": "train", "context": 384, "horizon": 128, "batch_size": BATCH}
TRAJECTORY_BYTES = SAMPLES * 3 * 4
CEILING, DATALOADER = "memmap, one gather a batch: the ceiling", "memmap, torch DataLoader"
DECODED, TORCH, FIRST, NEVER, BLOCKS, MAPPED = (
    "Attractory, decoded in the cache",
    "Attractory .torch(), no worker process",
    "Attractory, first pass over the compressed store",
    "Attractory, a cache of 60 trajectories: every window is decoded anew",
    "Attractory, shuffle='blocks', first pass, a cache of 300 trajectories",
    "Attractory, an uncompressed store, from the first batch on",
)
RECIPE = f"""
name: lorenz
seed: 0
systems: [Lorenz]
trajectories: {{train: {TRAJECTORIES}}}
granularities:
  fine: {{samples_per_period: 100, samples: {SAMPLES}}}
dtype: float32
shard_trajectories: 100
"""


def write(folder: Path) -> None:
    """The store, and the same numbers as one plain array."""
    from attractory.stages.generate import generate

    for text, store in ((RECIPE, "lorenz.zarr"), (RECIPE + "compression: none\n", "plain.zarr")):
        (folder / "recipe.yaml").write_text(text)
        generate(folder / "recipe.yaml", out=folder / store)
    states = attractory.open(folder / "lorenz.zarr").to_xarray()["Lorenz/fine/state"].values
    np.save(folder / "plain.npy", states)


def ours(folder: Path, *, quick: bool) -> list[Case]:
    """Our own readers."""
    store, part = folder / "lorenz.zarr", 20 if quick else 400

    def warm() -> Iterator[np.ndarray]:
        windows = attractory.open(store, threads=0).windows(**SETTINGS)
        for _ in islice(windows, 100):
            pass
        while True:
            yield from (batch.state for batch in windows)

    def tensors() -> Iterator[Any]:
        tensors = attractory.open(store, threads=0).windows(**SETTINGS).torch()
        while True:
            yield from (batch.state for batch in tensors)

    def fresh(count: int, cache: int, where: Path = store, **settings: Any) -> Callable[[], Callable[[], None]]:
        def prepare() -> Callable[[], None]:
            def run() -> None:
                windows = attractory.open(where, threads=0, cache_bytes=cache).windows(**SETTINGS, **settings)
                for batch in islice(windows, count):
                    batch.state.sum()

            return run

        return prepare

    epoch = 100 if quick else 4_000
    return [
        loader_peers.case(DECODED, warm, part),
        loader_peers.case(TORCH, tensors, part),
        Case(FIRST, fresh(epoch // 4, 2**30), epoch // 4 * BATCH),
        Case(NEVER, fresh(max(epoch // 200, 1), 60 * TRAJECTORY_BYTES), max(epoch // 200, 1) * BATCH),
        Case(BLOCKS, fresh(epoch, 300 * TRAJECTORY_BYTES, shuffle="blocks"), epoch * BATCH),
        Case(MAPPED, fresh(epoch, 0, folder / "plain.zarr"), epoch * BATCH),
    ]


def requirements(rows: list[Row]) -> list[Requirement]:
    """What is asked for, beside what was measured."""
    rate = {row.name: row.rate for row in rows}
    compressed = max((rate[name] for name in loader_peers.COMPRESSED if name in rate), default=float("nan"))
    slowest = max(
        (rate[name] for name in ("The Well, WellDataset over HDF5", "xbatcher, torch MapDataset") if name in rate), default=float("nan")
    )
    return [
        Requirement("decoded in the cache, part of the ceiling", rate[DECODED] / rate[CEILING], 0.8),
        Requirement(".torch(), beside torch's DataLoader over a memmap", rate[TORCH] / rate[DATALOADER], 1.0),
        Requirement("first pass, beside the best peer that reads compressed data in random order", rate[FIRST] / compressed, 2.0),
        Requirement("first pass, beside the faster of The Well and xbatcher", rate[FIRST] / slowest, 100.0),
        Requirement("block-shuffled, part of the ceiling", rate[BLOCKS] / rate[CEILING], 0.3),
        Requirement("an uncompressed store from the first batch on, part of the ceiling", rate[MAPPED] / rate[CEILING], 0.8),
    ]


def page(about: dict[str, str], rows: list[Row], failed: dict[str, str]) -> str:
    """The table, and what was required."""
    ceiling = next(row.rate for row in rows if row.name == CEILING)
    cells = [[row.name, rate_text(row.rate), f"{row.rate / ceiling:.3g}", f"{100 * row.spread:.0f} %"] for row in rows]
    head = "\n".join(f"- {key}: {value}" for key, value in about.items() if value)
    missing = "".join(f"\nNot measured: {name} ({reason}).\n" for name, reason in failed.items())
    return (
        "# The loader beside others\n\nWritten by `make bench-loader`; what is measured stands in `benchmarks/loader.py`. "
        f"{TRAJECTORIES:,} trajectories x {SAMPLES:,} samples x 3 float32, windows of {WINDOW}, batches of {BATCH}, random "
        "order unless said otherwise, "
        'one process on one core, page cache warm. "Cut": windows cut beforehand; "buffer": through a shuffle buffer.\n\n'
        f"{head}\n\n## Required and measured\n\n{requirement_table(requirements(rows))}\n\n## Windows a second\n\n"
        f"{table(['reader', 'windows/s', 'of the ceiling', 'spread'], cells)}\n{missing}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of a few batches: does it run at all? Its numbers mean nothing")
    parser.add_argument("--only", default="", help="parts of names, separated by commas; the ceiling is always measured")
    parser.add_argument("--folder", type=Path, help="where stores are written and kept (default: a folder that is removed)")
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks/loader.md, of a full run")
    asked = parser.parse_args()
    core = pin_to_one_core()
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}"} | machine(PACKAGES)
    print("\n".join(f"{key}: {value}" for key, value in about.items()) + f"\npinned to core {core}\n", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "plain.npy").exists():
            write(folder)
        cases, failed = loader_peers.that_run(
            [*loader_peers.cases(folder, quick=asked.quick), *ours(folder, quick=asked.quick)], asked.only, CEILING
        )
        rows, _ = measure(cases, 1 if asked.quick else 5)
    for row in rows:
        print(f"{row.name:75s} {rate_text(row.rate):>8s} windows/s  ±{100 * row.spread:3.0f} %", flush=True)
    for name, reason in failed.items():
        print(f"{name:75s} failed: {reason}")
    if asked.only:
        return 0
    print("\n" + requirement_table(requirements(rows)))
    if asked.keep and not asked.quick:
        PAGE.write_text(page(about, rows, failed))
        PAGE.with_suffix(".json").write_text(
            json.dumps({"machine": about, "windows_per_second": {row.name: row.rate for row in rows}}, indent=1) + "\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
