"""`make bench-engine`: the engine beside other programs at equal error, and its parts, each in a fresh process on one core; one verdict.

    python benchmarks/bench_engine.py [--quick] [--only equal_error,stiff] [--strict]

A full run writes what it prints to docs/benchmarks/engine.md, the numbers to engine.json, and the diagrams beside them; a quick or partial
one writes nothing. A part that fails is a missed line in the verdict and does not end the run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from one_core import machine, pin_to_one_core
from run import HERE, RESULTS, run_part
from table import Requirement, read_requirements, requirement_table

# Those whose script is there are run, in this order.
PARTS = ("equal_error", "work_precision", "stiff", "functions", "size", "kernel_cache")
PACKAGES = ("attractory", "heyoka", "diffrax", "jax", "jitcode", "scipy", "dysts", "numpy", "numba", "llvmlite")


def measured(part: str, folder: Path, *, quick: bool) -> tuple[str, list[Requirement]]:
    """(what a part printed, its requirements); where it failed, that."""
    file, start = folder / f"{part}.json", time.perf_counter()
    try:
        printed = run_part(part, ["--quick"] if quick else [], file)
        found = read_requirements(file)
    except (subprocess.CalledProcessError, OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        return f"{part} failed: {error}\n", [Requirement(f"{part}: runs to its end", 0, 1)]
    print(f"{part}: {time.perf_counter() - start:.0f} s\n", file=sys.stderr, flush=True)
    return printed, found


def page(about: dict[str, str], printed: Sequence[str], requirements: Sequence[Requirement], figures: Sequence[str]) -> str:
    """The page of results: where, what was required, the tables, the diagrams."""
    head = "\n".join(f"- {key}: {value}" for key, value in about.items() if value)
    shown = "\n".join(f"![{name}]({name})" for name in figures)
    return (
        "# The engine, measured\n\nWritten by `make bench-engine`; how is in [benchmarks/README.md](../../benchmarks/README.md).\n\n"
        f"{head}\n\n## Required and measured\n\n{requirement_table(requirements)}\n\n## In detail\n\n"
        + "\n".join(printed)
        + (
            f"\n## Work-precision\n\nError after one period over the time spent; further down and to the left is better.\n\n{shown}\n"
            if shown
            else ""
        )
    )


def keep(folder: Path, made: Path, about: dict[str, str], printed: Sequence[str], requirements: Sequence[Requirement]) -> None:
    """Writes the page, the numbers behind it, and the diagrams that the parts left in `made`."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = [shutil.copy(figure, folder / figure.name).name for figure in sorted(made.glob("*.png"))]
    (folder / "engine.md").write_text(page(about, printed, requirements, figures))
    numbers = {"machine": about, **{file.stem: json.loads(file.read_text()) for file in sorted(made.glob("*.json"))}}
    (folder / "engine.json").write_text(json.dumps(numbers, indent=1) + "\n")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes and one round: does it run at all? Its numbers mean nothing")
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a requirement is missed")
    asked = parser.parse_args()
    if unknown := set(asked.only.split(",")) - set(PARTS):
        parser.error(f"--only: {', '.join(sorted(unknown))} is not one of {', '.join(PARTS)}")
    return asked


def main() -> int:
    asked = _asked()
    parts = [part for part in asked.only.split(",") if (HERE / f"{part}.py").exists()]
    core = pin_to_one_core()
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}"} | machine(PACKAGES)
    print("\n".join(f"{key}: {value}" for key, value in about.items()) + f"\npinned to core {core}\n", flush=True)
    with tempfile.TemporaryDirectory() as made:
        done = [measured(part, Path(made), quick=asked.quick) for part in parts]
        requirements = [requirement for _, found in done for requirement in found]
        about["load after"] = f"{os.getloadavg()[0]:.1f}"
        if not asked.quick and asked.only == ",".join(PARTS):
            keep(RESULTS, Path(made), about, [printed for printed, _ in done], requirements)
    if asked.quick:
        ended = all(requirement.measured for requirement in requirements if requirement.name.endswith("runs to its end"))
        print("All of it runs." if ended else "A part failed.", "Sizes this small say nothing about speed: ignore the verdicts above.")
        return int(not ended)
    print(f"Required and measured:\n\n{requirement_table(requirements)}")
    return int(asked.strict and not all(requirement.met for requirement in requirements))


if __name__ == "__main__":
    sys.exit(main())
