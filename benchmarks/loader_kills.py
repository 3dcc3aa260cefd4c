"""Ten thousand batches of a run whose worker processes are killed at random: what is lost, what comes twice, what memory does.

    python benchmarks/loader_kills.py [--batches 10000] [--seed 0]   (needs torch)

A run draws batches from a DataLoader with two worker processes and saves its state after each; after a random number of batches one of its
workers gets SIGKILL, and the run ends with torch's error. The next run begins from the state. At the end, the windows of all runs are
compared with the order of one process. Memory is the run's own resident set, at its fiftieth batch and at its last.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attractory

SETTINGS = {"granularity": "lyapunov", "split": "train", "context": 40, "horizon": 40, "batch_size": 64}
RUN = """
import json, os, signal, sys
from pathlib import Path
from torch.utils.data import DataLoader
import attractory

store, place, settings, limit, kill = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
drawn, state = place.with_suffix(".drawn"), json.loads(place.read_text()) if place.exists() else None

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

tensors = attractory.open(store).windows(**settings).torch()
done = 0
if state:
    tensors.load_state_dict(state["loader"])
    done = state["batches"]
early = 0
with drawn.open("a") as log:
    batches = iter(DataLoader(tensors, batch_size=None, num_workers=2))
    try:
        for number, batch in enumerate(batches):
            log.write(json.dumps(batch.index.tolist()) + "\\n")
            log.flush()
            done += 1
            new = {"loader": tensors.state_dict(batch), "batches": done}
            place.with_suffix(".new").write_text(json.dumps(new))
            place.with_suffix(".new").replace(place)
            early = resident() if number == 50 else early
            if done == limit:
                break
            if number == kill:
                os.kill(batches._workers[number % 2].pid, signal.SIGKILL)
    finally:
        print(early, resident())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", nargs="?", default="examples/forecast/forecast.zarr")
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance, runs, longest, memory = random.Random(options.seed), 0, 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "state.json"
        while not place.exists() or json.loads(place.read_text())["batches"] < options.batches:
            kill = chance.randrange(100, 1200)
            command = [sys.executable, "-c", RUN, options.store, str(place), json.dumps(SETTINGS), str(options.batches), str(kill)]
            begin = time.monotonic()
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
            runs, longest = runs + 1, max(longest, time.monotonic() - begin)
            memory.append(tuple(map(int, done.stdout.split())))
        drawn = [json.loads(line) for line in place.with_suffix(".drawn").read_text().splitlines()]
    windows = attractory.open(options.store).windows(**SETTINGS)
    expected = [windows.batch(number).index.tolist() for number in range(options.batches)]
    flat = [index for batch in drawn for index in batch]
    print(f"{len(drawn)} batches in {runs} runs, {runs - 1} ended by a killed worker, the longest {longest:.0f} s")
    print(f"equal to one process: {drawn == expected}; windows twice: {len(flat) - len(set(flat))}")
    print(f"memory at the fiftieth and the last batch, MB: {', '.join(f'{a} {b}' for a, b in memory)}")


if __name__ == "__main__":
    main()
