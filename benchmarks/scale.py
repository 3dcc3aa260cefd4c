"""Generation at scale, part by part: each is a script of its own, and takes under four minutes on an idle machine of two cores.

    python benchmarks/scale.py [--part NAME …] [--quick]

throughput   how much of what engine, codec and disk allow reaches the disk, on one core and by two workers
tasks        what a task costs scheduler and client, and their memory (`tasks.py --tasks 100000` for the long run)
opening      stores of 880 and of 2,000 groups, opened by the loader and by xarray
codecs       bits a number, packing and unpacking of a dozen lossless codecs
shards       random windows and full scans against the sizes of chunks and shards
estimate     `attractory generate --dry-run` beside what then happens
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS = {
    "throughput": "throughput.py",
    "tasks": "tasks.py",
    "opening": "opening.py",
    "codecs": "codec_table.py",
    "shards": "shards.py",
    "estimate": "foretold.py",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, action="append", help="one part; may be given again; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all?")
    asked = parser.parse_args()
    ended = []
    for part in asked.part or PARTS:
        print(f"\n## {part}\n", flush=True)
        ended.append(
            subprocess.run([sys.executable, str(HERE / PARTS[part]), *(["--quick"] if asked.quick else [])], check=False).returncode
        )
    return max(ended)


if __name__ == "__main__":
    sys.exit(main())
