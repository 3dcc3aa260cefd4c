"""Ours against every row of truth.json: docs/invariants/tables/truth.md, and the numbers beside it as truth.json.

    python benchmarks/annotations/truth.py [--budget SECONDS] [--only KEY …] [--seed N] [--page]

Measures the systems that are not yet in the results with this budget and seed, and keeps each as it is done, so that a run may be ended
and begun again; --page measures nothing. Exit code 1 where a row outside three combined errors has no explanation in
truth_explained.yaml, an explanation there is of no row, or fewer than 95 % of the rows are within. A whole run takes about an hour of
one core.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pages import PAGES, shown, write
from truth_measured import measure
from truth_page import page
from truth_rows import compared, explanations, failures, row_names
from truth_systems import DATA, Truth, read_truth

EXPLAINED = Path(__file__).with_name("truth_explained.yaml")
RESULTS = PAGES / "truth.json"


def quantities(truth: Truth, key: str) -> dict[str, int]:
    """Quantity -> how many numbers the longest row of a system has of it."""
    found: dict[str, int] = {}
    for row in truth.rows:
        if row["system"] == key:
            count = len(row["value"]) if isinstance(row["value"], list) else 1
            found[row["quantity"]] = max(found.get(row["quantity"], 0), count)
    return found


def is_done(results: Mapping[str, Any], key: str, *, budget: float, seed: int) -> bool:
    return key in results and (results[key]["budget"], results[key]["seed"]) == (budget, seed)


def measure_all(truth: Truth, path: Path, *, keys: list[str], budget: float, seed: int) -> dict[str, Any]:
    """The results, which are in the file at any time."""
    results: dict[str, Any] = read_results(path)
    for key in keys:
        if is_done(results, key, budget=budget, seed=seed):
            continue
        results[key] = measure(key, truth.systems[key], quantities=quantities(truth, key), budget=budget, seed=seed)
        keep(path, results)
        print(f"{key}: {results[key]['core_seconds']} s", flush=True)
    return results


def read_results(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(path: Path, results: Mapping[str, Any]) -> None:
    """Whole or not at all: a run that is ended leaves the file of the system before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(results[key])}" for key in sorted(results))
    new = path.with_suffix(".new")
    new.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    os.replace(new, path)


def main(arguments: list[str] | None = None) -> int:
    """Measures, writes the page, and says what fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=60.0, metavar="SECONDS", help="of one core for a spectrum, counted (60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[], metavar="KEY", help="these systems alone")
    parser.add_argument("--page", action="store_true", help="measure nothing: the page from the results")
    parser.add_argument("--data", type=Path, default=DATA, help="the rows")
    parser.add_argument("--explained", type=Path, default=EXPLAINED)
    parser.add_argument("--out", type=Path, default=RESULTS, help="the results; the page is written beside them")
    chosen = parser.parse_args(arguments)
    truth = read_truth(chosen.data)
    keys = [] if chosen.page else chosen.only or list(truth.systems)
    results = measure_all(truth, chosen.out, keys=keys, budget=chosen.budget, seed=chosen.seed)
    comparisons = compared(truth, results)
    explained = explanations(chosen.explained)
    efforts, missing = [one["budget"] for one in results.values()], len(truth.rows) - len(comparisons)
    written = write("truth.md", page(comparisons, explained, efforts=efforts, missing=missing), folder=chosen.out.parent)
    print(f"written: {shown(written)}")
    found = failures(comparisons, explained, row_names(truth.rows))
    for sentence in found:
        print(sentence, file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
