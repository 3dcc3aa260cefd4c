"""One epoch of batches from a store, and what it took: python examples/batches.py STORE."""

from __future__ import annotations

import sys
import time

import attractory


def main(store: str) -> None:
    dataset = attractory.open(store)
    print(dataset)
    windows = dataset.windows(granularity="coarse", split="train", context=64, horizon=16, batch_size=256, seed=0)
    started, drawn, systems = time.perf_counter(), 0, set()
    for batch in windows:
        drawn += len(batch)
        systems.update(batch.system.tolist())
    seconds = time.perf_counter() - started
    names = ", ".join(dataset.system_names[code] for code in sorted(systems))
    print(f"one epoch: {len(windows)} batches, {drawn:,} windows of {names} in {seconds:.1f} s ({drawn / seconds:,.0f} a second)")
    print(f"the last batch: context {batch.context.shape}, horizon {batch.horizon.shape}, {batch.state.dtype}, mask {batch.mask.shape}")


if __name__ == "__main__":
    main(*sys.argv[1:])
