"""How often does a good dataset fail? Datasets that differ in their seed alone, each made and validated whole.

    python benchmarks/false_alarms.py [--datasets 100] [--first 0] [--whole] [--quick] [--json FILE] [--join FILE] [--page FILE]

Each has three systems, two chaotic flows and a map, at two granularities, small, so that a hundred take minutes of one core. The checks
that give chances are run, and those of splits and labels beside them; with `--whole` every check, which takes five times as long. At most
one of a hundred may fail. Beside the verdicts the page says how often each test gave a chance below 1, 5 and 20 %: what is exact gives 1, 5
and 20 %, what errs on the safe side fewer. `--page` writes docs/validation/false_alarms.md; `--join` adds what another run with `--json`
has found with other seeds. Exits 1 where more fail than the rate allows. Not a part of `make bench`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from attractory import catalog
from attractory.stages.generate import planned_job
from attractory.stages.located import read_recipe
from attractory.stages.task import run_block
from attractory.stages.validate.false_alarms import FALSE_ALARM_RATE, TESTS
from attractory.stages.validate.report import Check
from attractory.stages.validate.rule import Rule
from attractory.stages.validate.rules import RULES
from attractory.stages.validate.run import run_checks
from attractory.stages.validate.stored import open_stored
from attractory.store import create
from attractory.store.finish import seal

SYSTEMS = ("Lorenz", "Rossler", "Henon")
RECIPE = """
name: small
description: A good dataset.
seed: {seed}
systems: [{systems}]
trajectories: {{train: 16, validation: 8, test: 8}}
granularities:
  coarse: {{samples_per_period: 15, samples: 512}}
  fine: {{samples_per_period: 40, samples: 640}}
dtype: float32
shard_trajectories: 32
"""
STATISTICAL = tuple(
    rule
    for rule in RULES
    if rule.group == "splits" or rule.key in ("truth.fresh", "truth.invariants", "labels.attractor", "labels.stationary")
)
SHARES = (0.01, 0.05, 0.2)
SMALL = 1e-3
EVERY, SOME = "every check", "the checks that give chances, and all others of splits"


@dataclass
class Count:
    """What was seen: datasets, the messages of those that failed, chances by test, how many verdicts had not enough data, seconds."""

    datasets: int = 0
    failures: dict[int, list[str]] = field(default_factory=dict)
    chances: dict[str, list[float]] = field(default_factory=dict)
    undecided: dict[str, int] = field(default_factory=dict)
    small: list[str] = field(default_factory=list)
    core_seconds: float = 0.0

    def add(self, seed: int, checks: list[Check]) -> None:
        self.datasets += 1
        failed = [check for check in checks if check.failed]
        if failed:
            self.failures[seed] = [
                f"{check.group}.{check.name} of {check.system} {check.granularity or ''}: {check.message}" for check in failed
            ]
        for check in checks:
            name = f"{check.group}.{check.name}"
            if check.p_value is not None:
                self.chances.setdefault(name, []).append(check.p_value)
                if check.p_value < SMALL:
                    self.small.append(f"seed {seed}, {name} of {check.system} {check.granularity or ''}: {check.message}")
            elif check.verdict == "not enough data":
                self.undecided[name] = self.undecided.get(name, 0) + 1

    def join(self, other: dict[str, Any]) -> None:
        """Adds what another run has found."""
        self.datasets += other["datasets"]
        self.core_seconds += other["core_seconds"]
        self.failures |= other["failures"]
        self.small += other["small"]
        for name, chances in other["chances"].items():
            self.chances.setdefault(name, []).extend(chances)
        for name, number in other["undecided"].items():
            self.undecided[name] = self.undecided.get(name, 0) + number


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--join", type=Path, help="what another run has found")
    parser.add_argument("--whole", action="store_true", help="every check")
    parser.add_argument("--quick", action="store_true", help="three datasets")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args()
    count = Count()
    began = time.process_time()
    for seed in range(asked.first, asked.first + (3 if asked.quick else asked.datasets)):
        with tempfile.TemporaryDirectory() as folder:
            count.add(seed, validated(Path(folder), seed, RULES if asked.whole else STATISTICAL))
        count.core_seconds = time.process_time() - began
        sys.stderr.write(f"seed {seed}: {'; '.join(count.failures.get(seed, ['pass']))}; {count.core_seconds:.0f} s of one core so far\n")
    if asked.join:
        count.join(json.loads(asked.join.read_text(encoding="utf-8")))
    text = page(count, asked.whole)
    sys.stdout.write(text)
    if asked.page:
        asked.page.write_text(text, encoding="utf-8")
    if asked.json:
        asked.json.write_text(json.dumps(asdict(count), indent=1) + "\n", encoding="utf-8")
    return int(len(count.failures) > max(1, FALSE_ALARM_RATE * count.datasets))


def validated(folder: Path, seed: int, rules: Sequence[Rule], systems: Sequence[str] = SYSTEMS) -> list[Check]:
    """The verdicts of these rules about a dataset of that seed, made in this process."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(seed=seed, systems=", ".join(systems)), encoding="utf-8")
    job = planned_job(read_recipe(recipe), folder / "small.zarr")
    create(job.store, job.plan)
    for block in job.plan.blocks():
        run_block(job.task(block))
    seal(job.store, job.plan)
    return run_checks(open_stored(folder / "small.zarr"), catalog.read_catalog(), rules=rules)


def page(count: Count, whole: bool) -> str:
    """The page as Markdown."""
    places = 2 * len(SYSTEMS)
    lines = [
        "# False alarms",
        "",
        f"Of `python benchmarks/false_alarms.py{' --whole' if whole else ''}`: {count.datasets} good datasets of",
        f"{', '.join(SYSTEMS)} at two granularities, which differ in their seed alone. Looked at by {EVERY if whole else SOME}.",
        f"**{len(count.failures)} failed.** {count.core_seconds:.0f} seconds of one core.",
        "",
        f"The tests of a dataset share a rate of {FALSE_ALARM_RATE:.0%} evenly: {TESTS} for each granularity of each system,",
        f"{TESTS * places} here, so that one fails where its chance in good data is below {FALSE_ALARM_RATE / TESTS / places:.2g}.",
        "",
        "| test | chances | below 1 % | below 5 % | below 20 % | smallest | not enough data |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in sorted({*count.chances, *count.undecided}):
        chances = count.chances.get(name, [])
        shares = [f"{sum(chance < share for chance in chances) / len(chances):.1%}" if chances else "" for share in SHARES]
        smallest = f"{min(chances):.2g}" if chances else ""
        lines.append(f"| {name} | {len(chances)} | {' | '.join(shares)} | {smallest} | {count.undecided.get(name, 0)} |")
    lines += ["", *(f"Seed {seed}: {message}." for seed, messages in count.failures.items() for message in messages)]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
