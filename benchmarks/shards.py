"""How fast random windows and full scans are read, against the size of an inner chunk and of a shard.

    python benchmarks/shards.py [--quick] [--json FILE] [--png FILE]

One system, float32, the default codec; windows of 512 samples through `attractory.open(…).windows`, in the order that training reads them,
with no cache of decoded trajectories (as of a dataset far larger than memory); scans by the whole array. Files lie in the system's cache,
so this is what unpacking and calls cost, not what a disk does: a disk's own seek comes on top of each window, once.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from one_core import pin_to_one_core
from table import number, options, table, write

import attractory
from attractory.stages.slices import Slice, generate_slice

KIB = 1024
INNER, SHARDS = (8, 16, 32, 64, 128, 256, 1024), (8, 32, 128, 256)  # KiB of an inner chunk; trajectories of a shard
DEFAULT_INNER, DEFAULT_SHARD = 64, 64
TRAJECTORIES, SAMPLES, WINDOW, BATCH = 256, 16384, 512, 128
SECONDS = 0.5  # of windows, and of scans


@dataclass(frozen=True)
class Reading:
    """Windows and raw megabytes a second of processor time; bytes on the disk as a part of the raw ones."""

    inner_kib: int
    shard_trajectories: int
    windows: float
    scan: float
    part: float

    def cells(self) -> list[str]:
        return [f"{self.inner_kib} KiB", str(self.shard_trajectories), number(self.windows), number(self.scan), f"{self.part:.3f}"]


def reading(folder: Path, inner_kib: int, shard: int, trajectories: int) -> Reading:
    """A store cut so, written and read."""
    name = f"cut-{inner_kib}-{shard}"
    recipe, store = folder / f"{name}.yaml", folder / f"{name}.zarr"
    recipe.write_text(
        f"name: {name}\nsystems: [Lorenz]\ntrajectories: {{train: {trajectories}}}\nshard_trajectories: {shard}\n"
        f"granularities:\n  fine: {{samples_per_period: 100, samples: {SAMPLES}}}\n"
    )
    with mock.patch("attractory.store.plan.INNER_BYTES", inner_kib * KIB):
        made = generate_slice(recipe, Slice(1, 1), out=store)
    raw = trajectories * SAMPLES * 3 * 4
    return Reading(inner_kib, shard, _windows(store), _scans(store, raw), made.work.bytes / raw)


def _windows(store: Path) -> float:
    """Each epoch of another order; the first batch, which looks at every file's digest and index, is not timed."""
    drawn = attractory.open(store, cache_bytes=0, verify=False).windows(
        granularity="fine", split="train", context=WINDOW - 64, horizon=64, batch_size=BATCH, seed=0
    )
    batches = itertools.cycle(drawn)
    next(batches)
    began, count = time.process_time(), 0
    while time.process_time() - began < SECONDS:
        count += len(next(batches).index)
    return count / (time.process_time() - began)


def _scans(store: Path, raw: int) -> float:
    array = attractory.open(store, cache_bytes=0, verify=False).systems["Lorenz"].granularities["fine"].state
    began, count = time.process_time(), 0
    while time.process_time() - began < SECONDS:
        array.whole()
        count += 1
    return count * raw / 1e6 / (time.process_time() - began)


def readings(trajectories: int) -> Iterator[Reading]:
    with tempfile.TemporaryDirectory(prefix="attractory-benchmark-") as folder:
        for inner in INNER:
            yield reading(Path(folder), inner, DEFAULT_SHARD, trajectories)
        for shard in SHARDS:
            yield reading(Path(folder), DEFAULT_INNER, min(shard, trajectories), trajectories)


def draw(rows: list[Reading], file: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    own = [row for row in rows if row.shard_trajectories == DEFAULT_SHARD]
    for axis, name, unit in zip(axes, ("windows", "scan"), ("random windows a second", "full scan, raw MB/s"), strict=True):
        axis.plot([row.inner_kib for row in own], [getattr(row, name) for row in own], "o-")
        axis.axvline(DEFAULT_INNER, color="grey", linestyle=":")
        axis.set(xscale="log", xlabel="inner chunk, KiB (dotted: the default)", ylabel=unit, ylim=(0, None))
    figure.savefig(file, dpi=120)


def arguments() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--png", type=Path, metavar="FILE", help="where to draw the curves")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    rows = list(readings(64 if asked.quick else TRAJECTORIES))
    print(
        table(["inner chunk", "trajectories a shard", "windows/s", "scan MB/s", "bytes, packed / raw"], [row.cells() for row in rows])
        + "\n"
    )
    if asked.png is not None:
        draw(rows, asked.png)
    write(asked.json, rows, [])


if __name__ == "__main__":
    pin_to_one_core()
    main()
