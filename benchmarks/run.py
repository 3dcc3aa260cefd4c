"""`make bench`: all measurements in turn, each in a fresh process on one core, then one verdict.

    python benchmarks/run.py [--quick] [--only engine,cold_compile,generate] [--strict]

A full run writes what it prints, and the numbers as JSON, into docs/benchmarks/; a quick or partial one writes nothing. Nothing here reads
a number from an earlier run: all ratios are from this one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from one_core import machine, pin_to_one_core
from table import Requirement, read_requirements, requirement_table

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "docs" / "benchmarks"
PARTS = ("engine", "cold_compile", "generate")
PACKAGES = ("attractory", "heyoka", "scipy", "dysts", "numpy", "numba", "llvmlite", "dask", "numcodecs")


def run_part(part: str, arguments: Sequence[str], file: Path) -> str:
    """Runs one script and passes on what it prints; returns that.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, str(HERE / f"{part}.py"), *arguments, "--json", str(file)]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return "".join(lines)


def report(about: dict[str, str], printed: Sequence[str], requirements: Sequence[Requirement]) -> str:
    """The page of results: where, what, and what was required."""
    head = "\n".join(f"- {key}: {value}" for key, value in about.items() if value)
    parts = "\n".join(text for text in printed)
    return (
        "# Measured\n\nWritten by `make bench`; how is in [benchmarks/README.md](../../benchmarks/README.md).\n\n"
        f"{head}\n\n## Required and measured\n\n{requirement_table(requirements)}\n\n## In detail\n\n{parts}"
    )


def keep(folder: Path, page: str, about: dict[str, str], files: Sequence[Path]) -> None:
    """Writes the page and the numbers behind it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(page)
    numbers = {"machine": about, **{file.stem: json.loads(file.read_text()) for file in files}}
    (folder / "results.json").write_text(json.dumps(numbers, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes and one round: does it run at all? Its numbers mean nothing")
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a requirement is missed")
    asked = parser.parse_args()
    parts = asked.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--only: {', '.join(sorted(unknown))} is not one of {', '.join(PARTS)}")
    core = pin_to_one_core()
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}"} | machine(PACKAGES)
    print("\n".join(f"{key}: {value}" for key, value in about.items()) + f"\npinned to core {core}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{part}.json" for part in parts]
        printed = [run_part(part, ["--quick"] if asked.quick else [], file) for part, file in zip(parts, files, strict=True)]
        requirements = [requirement for file in files for requirement in read_requirements(file)]
        about["load after"] = f"{os.getloadavg()[0]:.1f}"
        if not asked.quick and parts == list(PARTS):
            keep(RESULTS, report(about, printed, requirements), about, files)
    if asked.quick:
        print("All of it runs. Sizes this small say nothing about speed: the verdicts above are to be ignored.")
        return 0
    print(f"Required and measured:\n\n{requirement_table(requirements)}")
    return int(asked.strict and not all(requirement.met for requirement in requirements))


if __name__ == "__main__":
    sys.exit(main())
