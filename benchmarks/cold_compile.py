"""Seconds to machine code of a system that was never compiled before, in a fresh process.

    python benchmarks/cold_compile.py [--quick] [--json FILE]

Lorenz at 1e-9 and at the default 1e-14: from the expression graph to callable functions. The generic driver is not in it (numba keeps
it on the disk), nor is loading LLVM: another system is compiled first. The first call of the public door, with all that, is shown beside.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from one_core import pin_to_one_core
from table import Requirement, options, requirement_table, table, write

SYSTEM, OTHER = "Lorenz", "Rossler"
TOLERANCES = (1e-9, 1e-14)
PROCESSES = 5
REQUIRED_SECONDS = 0.15


@dataclass(frozen=True)
class ColdCompile:
    """Medians over processes, in seconds: `compile` is what is asked for; `load` imports the package; `first` is a first integration."""

    tolerance: float
    compile: float
    load: float
    first: float


def in_this_process(tolerance: float) -> dict[str, float]:
    """What a process sees that has compiled nothing yet."""
    load = _seconds(lambda: __import__("attractory.integrate"))
    import attractory
    from attractory.kernels import Target, flow_kernel, lanes_for, order_for

    other, system = attractory.system(OTHER), attractory.system(SYSTEM)
    first = _seconds(lambda: attractory.integrate(other, samples=2, dt=0.01, tolerance=tolerance, initial=other.initial))
    # __wrapped__: the compiler behind the cache in memory, which must not answer in its place; the one on the disk is off
    compiled = _seconds(lambda: flow_kernel.__wrapped__(system.definition, order_for(tolerance), lanes_for(system.definition), Target()))
    return {"compile": compiled, "load": load, "first": first}


def in_fresh_processes(tolerance: float, count: int) -> ColdCompile:
    command, environment = [sys.executable, __file__, "--one", repr(tolerance)], os.environ | {"ATTRACTORY_CACHE": "off"}
    found = [json.loads(subprocess.check_output(command, env=environment)) for _ in range(count)]
    return ColdCompile(tolerance, **{name: statistics.median(one[name] for one in found) for name in found[0]})


def requirements(rows: list[ColdCompile]) -> list[Requirement]:
    return [Requirement(f"compile {SYSTEM}, {row.tolerance:g}", row.compile, REQUIRED_SECONDS, at_least=False, unit=" s") for row in rows]


def _seconds(act: Callable[[], object]) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--one", type=float, help="measure this tolerance in this process and print JSON")
    asked = parser.parse_args()
    pin_to_one_core()
    if asked.one is not None:
        print(json.dumps(in_this_process(asked.one)))
        return
    count = 1 if asked.quick else PROCESSES
    in_fresh_processes(TOLERANCES[0], 1)  # fills numba's cache on the disk
    rows = [in_fresh_processes(tolerance, count) for tolerance in TOLERANCES]
    cells = [[f"{SYSTEM}, {row.tolerance:g}", f"{row.compile:.3f} s", f"{row.load:.2f} s", f"{row.first:.2f} s"] for row in rows]
    verdict = requirements(rows)
    print(f"Compiling, medians of {count} fresh processes:\n")
    print(table(["system, tolerance", "compile", "import", "first integration"], cells))
    print(f"\n{requirement_table(verdict)}\n")
    write(asked.json, rows, verdict)


if __name__ == "__main__":
    main()
