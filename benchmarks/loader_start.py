"""How long a training script waits for its first batch of a store of 1 TB, and what memory that takes.

    python benchmarks/loader_start.py [--quick]

200 systems x 500 shards x 64 trajectories x 13,000 samples x 3 float32: 10^5 shard files, of which all are links to one, so that the store
is as large as it says to the reader and small on the disk. Each figure is from a fresh process, from the import on; the best of five.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import BloscCodec, TransposeCodec

from attractory import layout

SYSTEMS, SHARDS, ROWS, SAMPLES, PIECES = 200, 500, 64, 13_000, 4
SCRIPT = """
import os, resource, sys, time
begin = time.perf_counter()
import attractory
verify = {"checked": None, "unchecked": False}[sys.argv[2]]
dataset = attractory.open(sys.argv[1], verify=verify, threads=0, cache_bytes="64MB")
settings = dict(granularity="fine", split="train", context=384, horizon=128, batch_size=256)
windows = dataset.windows(**settings, shuffle=sys.argv[3])
made = time.perf_counter()
batch = next(iter(windows))
end = time.perf_counter()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - 64
print(len(dataset), windows.window_count, made - begin, end - begin, memory)
"""


def write(path: Path, *, systems: int, shards: int) -> None:
    """The store: documents for all of it, arrays of a number a trajectory, and one shard that every shard's name leads to."""
    attributes = {layout.FORMAT: layout.FORMAT_VERSION, layout.RECIPE: {"name": "large"}, layout.MANIFEST_DIGEST: "00"}
    root = zarr.open_group(str(path), mode="w", attributes=attributes)
    states = np.cumsum(np.random.default_rng(0).normal(size=(ROWS, SAMPLES, 3)), axis=1).astype(np.float32)
    members: dict[str, dict[str, object]] = {}
    for number in range(systems):
        name = f"System{number:03d}"
        group = root.create_group(name, attributes={layout.KIND: "flow", layout.VARIABLES: ["x", "y", "z"], layout.PARAMETERS: []})
        count = ROWS * shards
        small = {"initial": np.zeros((count, 3)), "parameters": np.zeros((count, 1)), "start_time": np.zeros(count)}
        for array, values in {**small, "split": np.zeros(count, np.int8), "status": np.zeros(count, np.int8)}.items():
            group.create_array(array, data=values, chunks=values.shape, config={"write_empty_chunks": array in ("split", "status")})
        part = group.create_group("fine", attributes={layout.DT: 0.01})
        state = part.create_array(
            "state",
            shape=(count, SAMPLES, 3),
            dtype="f4",
            shards=(ROWS, SAMPLES, 3),
            chunks=(1, SAMPLES // PIECES, 3),
            filters=TransposeCodec(order=(0, 2, 1)),
            compressors=BloscCodec(cname="lz4", shuffle="shuffle"),
            dimension_names=("trajectory", "time", "variable"),
        )
        part.create_array("time", data=np.arange(SAMPLES) * 0.01)
        folder = path / name / "fine/state/c"
        first = path / "System000/fine/state/c/0/0/0"
        if number == 0:
            state[:ROWS] = states
        for shard in range(0 if number else 1, shards):
            (folder / f"{shard}/0").mkdir(parents=True)
            (folder / f"{shard}/0/0").symlink_to(first)
        digest = np.frombuffer(hashlib.sha256(first.read_bytes()).digest(), np.uint8)
        part.create_array("digest", data=np.broadcast_to(digest, (shards, 32)).copy(), dimension_names=("shard", "byte"))
    for file in sorted(path.rglob("zarr.json")):
        if file.parent != path:
            members[str(file.parent.relative_to(path))] = json.loads(file.read_text())
    document = json.loads((path / "zarr.json").read_text())
    document["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": members}
    (path / "zarr.json").write_text(json.dumps(document))


def measured(store: Path, check: str, shuffle: str) -> str:
    """One line: the fastest of five processes."""
    runs = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", SCRIPT, str(store), check, shuffle], capture_output=True, text=True, check=True)
        runs.append([float(number) for number in done.stdout.split()])
    trajectories, windows, made, first, memory = min(runs, key=lambda run: run[3])
    return (
        f"{check:10s} {shuffle:7s} {trajectories:,.0f} trajectories, {windows:,.0f} windows: windows() after {made:.2f} s, "
        f"the first batch after {first:.2f} s, {memory:.0f} MB beside the cache"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small store: does it run at all?")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "large.zarr"
        write(store, systems=5 if asked.quick else SYSTEMS, shards=4 if asked.quick else SHARDS)
        for check in ("unchecked", "checked"):
            for shuffle in ("global", "blocks"):
                print(measured(store, check, shuffle), flush=True)


if __name__ == "__main__":
    main()
