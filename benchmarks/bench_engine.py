"""`make bench-engine`: the engine beside other programs at equal error, and its parts.

    python benchmarks/bench_engine.py [--quick] [--only equal_error,stiff] [--strict]

What a run does and writes is said in suite.py.
"""

from __future__ import annotations

import sys

from suite import Suite, run_suite

SUITE = Suite(
    name="engine",
    title="The engine, measured",
    command="make bench-engine",
    parts=("equal_error", "work_precision", "stiff", "functions", "size", "kernel_cache"),
    packages=("attractory", "heyoka", "diffrax", "jax", "jitcode", "scipy", "dysts", "numpy", "numba", "llvmlite"),
)

if __name__ == "__main__":
    sys.exit(run_suite(SUITE, __doc__))
