"""Where the time between the engine and the disk goes: each part of writing one shard, alone, in megabytes of states a second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from table import number, table

import attractory
from attractory.integrate import BlockSettings, SampleGrid, integrate_block
from attractory.store.digests import decoded_sha256
from attractory.store.files import sha256, write_whole
from attractory.store.plan import shard_shape
from attractory.store.shards import encode_shard

SYSTEM, TRAJECTORIES, SAMPLES, PER_PERIOD = "Lorenz", 64, 4096, 100
TRIES = 7


def profile(folder: Path) -> str:
    """A table of the parts, for one shard as a recipe's defaults make it; `folder` is on the disk that is meant."""
    system = attractory.system(SYSTEM)
    grids = (SampleGrid((system.period or 1.0) / PER_PERIOD, SAMPLES),)
    settings = BlockSettings(seed=0, transient=0.0, tolerance=1e-14, dtype="float32")

    def make() -> object:
        return integrate_block(system, indices=range(TRAJECTORIES), grids=grids, settings=settings)

    states = integrate_block(system, indices=range(TRAJECTORIES), grids=grids, settings=settings).states[0]
    cut = shard_shape(TRAJECTORIES, samples=SAMPLES, variables=system.dimension, itemsize=states.itemsize)
    content = encode_shard(states, cut)
    parts: dict[str, Callable[[], object]] = {
        "engine": make,
        "encode (transpose, shuffle, lz4)": lambda: encode_shard(states, cut),
        "sha256 of the decoded states": lambda: decoded_sha256(states),
        "sha256 of the file": lambda: sha256(content),
        "write, fsync, rename": lambda: write_whole(folder / "shard", content, partial=folder),
    }
    rows = [_row(name, act, states.nbytes) for name, act in parts.items()]
    head = f"One shard of {SYSTEM}: {states.nbytes / 1e6:.1f} MB of states, {len(content) / 1e6:.1f} MB packed. MB of states a second:"
    return f"{head}\n\n{table(['part', 'processor', 'wall'], rows)}"


def _row(name: str, act: Callable[[], object], size: int) -> list[str]:
    act()
    taken = [_seconds(act) for _ in range(TRIES)]
    return [name, *(number(size / 1e6 / max(statistics.median(column), 1e-9)) for column in zip(*taken, strict=True))]


def _seconds(act: Callable[[], object]) -> tuple[float, float]:
    processor, wall = time.process_time(), time.perf_counter()
    act()
    return time.process_time() - processor, time.perf_counter() - wall
