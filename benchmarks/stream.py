"""Samples a second that `attractory.stream` gives as batches, beside the engine alone, of the same trajectories.

    python benchmarks/stream.py [--blocks 40]

Lorenz, 100 samples a period, 4,096 of them, float32, default tolerance and transient; windows of 512, one after the other (each sample
is in one batch) or at every 64th sample. Processor time of one process on one core, in turn, medians of five.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

from one_core import pin_to_one_core

import attractory
from attractory.integrate import BlockSettings, SampleGrid, integrate_block

SAMPLES, WINDOW, ROWS = 4096, 512, 64
RECIPE = f"""
name: lorenz
systems: [Lorenz]
trajectories: {{train: 100000}}
granularities:
  fine: {{samples_per_period: 100, samples: {SAMPLES}}}
dtype: float32
"""


def engine_seconds(blocks: int, first: int) -> float:
    """Processor seconds of some blocks."""
    system = attractory.system("Lorenz")
    period = system.period or 1.0
    settings = BlockSettings(0, 20 * period, 1e-14, "float32")
    begin = time.process_time()
    for block in range(blocks):
        indices = range(first + block * ROWS, first + (block + 1) * ROWS)
        integrate_block(system, indices=indices, grids=[SampleGrid(period / 100, SAMPLES)], settings=settings)
    return time.process_time() - begin


def stream_seconds(recipe: Path, blocks: int, stride: int, seed: int) -> float:
    """Processor seconds until the windows of as many blocks are drawn."""
    per_block = ROWS * ((SAMPLES - WINDOW) // stride + 1)
    asked = {"granularity": "fine", "context": 384, "horizon": 128, "batch_size": 256}
    windows = attractory.stream(recipe, threads=0).windows(**asked, stride=stride, seed=seed)
    begin = time.process_time()
    for batch in islice(windows, blocks * per_block // 256):
        batch.state.sum()
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=40, help="of 64 trajectories")
    blocks = parser.parse_args().blocks
    pin_to_one_core()
    engine_seconds(1, 0)
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.yaml"
        recipe.write_text(RECIPE)
        rounds = [
            (engine_seconds(blocks, 10**6 * turn), stream_seconds(recipe, blocks, WINDOW, turn), stream_seconds(recipe, blocks, 64, turn))
            for turn in range(5)
        ]
    engine, apart, overlapping = (median(times) for times in zip(*rounds, strict=True))
    samples = blocks * ROWS * SAMPLES
    print(f"the engine: {samples / engine / 1e6:.1f} M samples/s")
    print(f"stream, windows side by side: {samples / apart / 1e6:.1f} M samples/s, {engine / apart:.2f} of the engine")
    print(f"stream, a window at every 64th sample: {samples / overlapping / 1e6:.1f} M samples/s, {engine / overlapping:.2f} of the engine")


if __name__ == "__main__":
    main()
