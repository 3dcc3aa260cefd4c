"""The annotations of the dysts database beside ours: docs/invariants/tables/dysts.md.

    python benchmarks/annotations/against_dysts.py [--measure] [--budget SECONDS] [--seed N] [--catalog FOLDER] [--out FOLDER]

Ours are the annotations of the catalog's entries. Where an entry follows a publication and its variant `dysts` has what the database has,
the variant is compared: --measure computes its invariants, one variant after the other, into dysts.json beside the page, and leaves out
those that are there. Without it nothing is computed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dysts_page import page
from dysts_rows import Ours, compared
from pages import PAGES, shown, write

from attractory import System
from attractory.catalog import Catalog, SystemRecord, read_catalog
from attractory.stages.annotate import Work, as_invariant, estimate_invariants

DATA = Path(__file__).with_name("dysts.json")
VARIANT = "dysts"


def read_results(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def measure_variants(catalog: Catalog, names: list[str], path: Path, *, budget: float, seed: int) -> dict[str, Any]:
    """Name -> quantity -> annotation of the variants `dysts`; each is written as it is done."""
    results = read_results(path)
    for name in names:
        if name not in catalog or VARIANT not in catalog.get(name).variants:
            continue
        record = catalog.get(name).variant(VARIANT)
        if is_current(results.get(name), record):
            continue
        estimates = estimate_invariants(System.from_record(record), Work(seed=seed, core_seconds=budget))
        results[name] = {quantity: as_invariant(estimate, digest=record.digest) for quantity, estimate in estimates.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join(f"{json.dumps(done)}: {json.dumps(results[done])}" for done in sorted(results))
        new = path.with_suffix(".new")
        new.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
        os.replace(new, path)
        print(f"{name}, variant {VARIANT}", flush=True)
    return results


def is_current(measured: Mapping[str, Any] | None, record: SystemRecord) -> bool:
    """Whether there are results, made from the equations and parameters that the variant has now."""
    return measured is not None and all(record.digest.startswith(one["digest"]) for one in measured.values())


def ours(catalog: Catalog, name: str, results: Mapping[str, Any]) -> Ours | None:
    """What is compared with the system of this name; None where the catalog has none."""
    if name not in catalog:
        return None
    record = catalog.get(name)
    if VARIANT in record.variants:
        measured = results.get(name) if is_current(results.get(name), record.variant(VARIANT)) else None
        return Ours(f"variant `{VARIANT}`", record.variants[VARIANT].behaviour, measured or {})
    current = {quantity: one for quantity, one in record.invariants.items() if quantity not in record.stale}
    found = {quantity: {"value": one.value, "standard_error": one.standard_error} for quantity, one in current.items()}
    return Ours("entry", record.behaviour, found)


def main(arguments: list[str] | None = None) -> int:
    """Measures what is asked for, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="the invariants of the variants that have none yet")
    parser.add_argument("--budget", type=float, default=120.0, metavar="SECONDS", help="of one core for a spectrum, counted (120)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--catalog", type=Path, metavar="FOLDER", help="another catalog than the checkout's")
    parser.add_argument("--data", type=Path, default=DATA, help="the annotations of dysts")
    parser.add_argument("--out", type=Path, default=PAGES, metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    theirs = json.loads(chosen.data.read_text(encoding="utf-8"))["systems"]
    catalog, kept = read_catalog(chosen.catalog), chosen.out / "dysts.json"
    names = list(theirs) if chosen.measure else []
    results = measure_variants(catalog, names, kept, budget=chosen.budget, seed=chosen.seed)
    rows = [compared(name, data, ours(catalog, name, results)) for name, data in theirs.items()]
    print(f"written: {shown(write('dysts.md', page(rows), folder=chosen.out))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
