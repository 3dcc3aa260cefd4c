"""Seconds to machine code of every system of the catalog: compiled into an empty cache, then found there by a second process.

    python benchmarks/kernel_cache.py [--quick] [--json FILE]

From a system's record to callable functions: reading its expressions, the graph, the IR, machine code, and keeping it; in the second
process reading, the key, the file and loading. Left out are the imports (numba's, llvmlite's and ours) and the YAML. All else counts, also
what a process does once, such as asking LLVM for the processor's features: it falls to the first system.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from one_core import pin_to_one_core
from table import Requirement, options, requirement_table, table, write

# Seconds that a system of the catalog may take on average, by tolerance; and one that a process before has compiled.
REQUIRED = {1e-9: 0.1, 1e-14: 0.15}
REQUIRED_FOUND = 0.005
PROCESSES = 5


@dataclass(frozen=True)
class Catalog:
    """Seconds of processor time at one tolerance, means over all systems; `worst` is the slowest system of each."""

    tolerance: float
    systems: int
    compiled: float
    worst_compiled: tuple[str, float]
    found: float
    worst_found: tuple[str, float]
    bytes: int


def in_this_process(tolerance: float) -> dict[str, float]:
    """Seconds of each system, with whatever the cache holds."""
    from attractory.catalog import read_catalog
    from attractory.expressions import System
    from attractory.kernels import Target, delay_kernel, flow_kernel, lanes_for, map_kernel, order_for

    seconds = {}
    for record in read_catalog().values():
        start = time.process_time()
        system = System.from_record(record)
        width = lanes_for(system.definition)
        if system.kind == "map":
            map_kernel(system.definition, width, Target())
        elif system.kind == "delay":
            delay_kernel(system.definition, order_for(tolerance), width, Target())
        else:
            flow_kernel(system.definition, order_for(tolerance), width, Target())
        seconds[system.name] = time.process_time() - start
    return seconds


def in_a_fresh_process(tolerance: float, folder: str) -> dict[str, float]:
    """The same, in a process whose cache is this folder."""
    command = [sys.executable, __file__, "--one", repr(tolerance)]
    seconds: dict[str, float] = json.loads(subprocess.check_output(command, env=os.environ | {"ATTRACTORY_CACHE": folder}))
    return seconds


def measured(tolerance: float, processes: int) -> Catalog:
    """One process that compiles, then several that find.

    Raises:
        RuntimeError: one of those compiled after all.
    """
    with tempfile.TemporaryDirectory() as folder:
        compiled = in_a_fresh_process(tolerance, folder)
        kept = _files(folder)
        runs = [in_a_fresh_process(tolerance, folder) for _ in range(processes)]
        if not kept or _files(folder) != kept:  # systems with one graph share a file
            message = f"{len(compiled)} systems left {len(kept)} kernels, and later processes did not only read them"
            raise RuntimeError(message)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.kernel"))
    return catalog(tolerance, compiled, runs, size)


def catalog(tolerance: float, compiled: dict[str, float], runs: list[dict[str, float]], size: int) -> Catalog:
    """The numbers of one tolerance; of the runs that found, each system's median."""
    found = {name: statistics.median(run[name] for run in runs) for name in compiled}
    means = (statistics.mean(compiled.values()), statistics.mean(found.values()))
    return Catalog(tolerance, len(compiled), means[0], _worst(compiled), means[1], _worst(found), size)


def requirements(rows: list[Catalog]) -> list[Requirement]:
    """Two lines a tolerance: compiled, and found."""
    verdict = []
    for row in rows:
        name = f"the catalog, {row.tolerance:g}, a system"
        verdict.append(Requirement(f"compile {name}", row.compiled, REQUIRED[row.tolerance], at_least=False, unit=" s"))
        verdict.append(Requirement(f"find {name}", 1e3 * row.found, 1e3 * REQUIRED_FOUND, at_least=False, unit=" ms"))
    return verdict


def _worst(seconds: dict[str, float]) -> tuple[str, float]:
    name = max(seconds, key=seconds.__getitem__)
    return name, seconds[name]


def _files(folder: str) -> dict[str, int]:
    """When each kernel was written."""
    return {path.name: path.stat().st_mtime_ns for path in Path(folder).rglob("*.kernel")}


def _cells(row: Catalog) -> list[str]:
    (slow, slow_seconds), (late, late_seconds) = row.worst_compiled, row.worst_found
    return [
        f"{row.systems} systems, {row.tolerance:g}",
        f"{row.compiled:.3f} s",
        f"{slow}, {slow_seconds:.2f} s",
        f"{1e3 * row.found:.2f} ms",
        f"{late}, {1e3 * late_seconds:.1f} ms",
        f"{row.bytes / row.systems / 1e3:.0f} kB",
    ]


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--one", type=float, help="measure this tolerance in this process and print JSON")
    asked = parser.parse_args()
    pin_to_one_core()
    if asked.one is not None:
        print(json.dumps(in_this_process(asked.one)))
        return
    processes = 1 if asked.quick else PROCESSES
    rows = [measured(tolerance, processes) for tolerance in REQUIRED]
    verdict = requirements(rows)
    print(f"Kernels of the whole catalog, compiled by one process, then found by {processes} (medians); means over systems:\n")
    print(table(["systems, tolerance", "compile", "slowest", "find", "slowest", "on the disk"], [_cells(row) for row in rows]))
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, rows, verdict)


if __name__ == "__main__":
    main()
