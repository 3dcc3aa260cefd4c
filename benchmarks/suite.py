"""Several measurements in turn, each in a fresh process on one core, then one verdict and one page in docs/benchmarks/.

A full run writes what it prints to NAME.md, the numbers to NAME.json, and the diagrams beside them; a quick or partial one writes nothing.
A part that fails is a missed line in the verdict and does not end the run.
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
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from one_core import machine, pin_to_one_core
from run import RESULTS, run_part
from table import Requirement, read_requirements, requirement_table


@dataclass(frozen=True)
class Suite:
    """What is run, in this order, and how its page is called; `packages` are those whose versions the page says."""

    name: str
    title: str
    command: str
    parts: tuple[str, ...]
    packages: tuple[str, ...]


def measured(part: str, folder: Path, *, quick: bool) -> tuple[str, list[Requirement]]:
    """(what a part printed, its requirements); where it failed, that."""
    file, start = folder / f"{part}.json", time.perf_counter()
    try:
        printed = run_part(part, ["--quick"] if quick else [], file)
        found = read_requirements(file)
    except (subprocess.CalledProcessError, OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        reason = f"exit code {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else str(error)
        return f"{part} failed: {reason}\n", [Requirement(f"{part}: runs to its end", 0, 1)]
    print(f"{part}: {time.perf_counter() - start:.0f} s\n", file=sys.stderr, flush=True)
    return printed, found


def page(suite: Suite, about: dict[str, str], printed: Sequence[str], requirements: Sequence[Requirement], figures: Sequence[str]) -> str:
    """The page of results: where, what was required, the tables, the diagrams."""
    head = "\n".join(f"- {key}: {value}" for key, value in about.items() if value)
    shown = "\n".join(f"![{name}]({name})" for name in figures)
    return (
        f"# {suite.title}\n\nWritten by `{suite.command}`; how is in [benchmarks/README.md](../../benchmarks/README.md).\n\n"
        f"{head}\n\n## Required and measured\n\n{requirement_table(requirements)}\n\n## In detail\n\n"
        + "\n".join(printed)
        + (f"\n## Diagrams\n\nFurther down and to the left is better.\n\n{shown}\n" if shown else "")
    )


def keep(suite: Suite, folder: Path, made: Path, about: dict[str, str], results: tuple[Sequence[str], Sequence[Requirement]]) -> None:
    """Writes the page of `results` (what was printed, requirements), the numbers behind it, and the diagrams that parts left in `made`."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = [shutil.copy(figure, folder / figure.name).name for figure in sorted(made.glob("*.png"))]
    (folder / f"{suite.name}.md").write_text(page(suite, about, *results, figures))
    numbers = {"machine": about, **{file.stem: json.loads(file.read_text()) for file in sorted(made.glob("*.json"))}}
    (folder / f"{suite.name}.json").write_text(json.dumps(numbers, indent=1) + "\n")


def _asked(suite: Suite, description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes and one round: does it run at all? Its numbers mean nothing")
    parser.add_argument("--only", default=",".join(suite.parts), help="parts to run, separated by commas")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a requirement is missed")
    asked = parser.parse_args()
    if unknown := set(asked.only.split(",")) - set(suite.parts):
        parser.error(f"--only: {', '.join(sorted(unknown))} is not one of {', '.join(suite.parts)}")
    return asked


def run_suite(suite: Suite, description: str) -> int:
    """The exit code of the command line: 1 where a part failed (quick), or a requirement is missed (strict)."""
    asked = _asked(suite, description)
    core = pin_to_one_core()
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}"} | machine(suite.packages)
    print("\n".join(f"{key}: {value}" for key, value in about.items()) + f"\npinned to core {core}\n", flush=True)
    with tempfile.TemporaryDirectory() as made:
        done = [measured(part, Path(made), quick=asked.quick) for part in asked.only.split(",")]
        requirements = [requirement for _, found in done for requirement in found]
        about["load after"] = f"{os.getloadavg()[0]:.1f}"
        if not asked.quick and asked.only == ",".join(suite.parts):
            keep(suite, RESULTS, Path(made), about, ([printed for printed, _ in done], requirements))
    if asked.quick:
        ended = all(requirement.measured for requirement in requirements if requirement.name.endswith("runs to its end"))
        print("All of it runs." if ended else "A part failed.", "Sizes this small say nothing about speed: ignore the verdicts above.")
        return int(not ended)
    print(f"Required and measured:\n\n{requirement_table(requirements)}")
    return int(asked.strict and not all(requirement.met for requirement in requirements))
