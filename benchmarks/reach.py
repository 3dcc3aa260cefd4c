"""`make bench-reach`: delay systems, maps, switches and more digits beside other programs.

    python benchmarks/reach.py [--quick] [--only delays,maps] [--strict]

What a run does and writes is said in suite.py.
"""

from __future__ import annotations

import sys

from suite import Suite, run_suite

SUITE = Suite(
    name="reach",
    title="Delays, maps, switches and more digits, measured",
    command="make bench-reach",
    parts=("delays", "maps", "switches", "precision"),
    packages=("attractory", "jitcdde", "heyoka", "numpy", "numba", "llvmlite"),
)

if __name__ == "__main__":
    sys.exit(run_suite(SUITE, __doc__))
