"""Elementary functions on vectors, in IR of our own: the same bits on every machine, where a mathematics library promises none.

Each takes a `Lanes` and the argument's name and returns the result's name. Arguments that trajectories visit go one straight way; the
others (huge, subnormal, infinite, NaN) are mended by code that runs only where a lane needs it. tests/kernels/test_functions.py measures
the errors against mpmath, benchmarks/functions.py on a million points each."""

from __future__ import annotations

from collections.abc import Callable

from attractory.kernels.functions.arcs import acos, asin, atan, atan2
from attractory.kernels.functions.exponential import cosh, exp, sinh, tanh
from attractory.kernels.functions.logarithm import log, log10
from attractory.kernels.functions.powers import power
from attractory.kernels.functions.trigonometric import cos, sin, sin_cos, tan
from attractory.kernels.lanes import Value

__all__ = ["UNARY", "atan2", "power", "sin_cos"]

# sin, cos, tan and exp take what the argument has lost as a second one, where it is known.
UNARY: dict[str, Callable[..., Value]] = {
    "exp": exp, "log": log, "log10": log10, "sin": sin, "cos": cos, "tan": tan, "asin": asin, "acos": acos, "atan": atan,
    "sinh": sinh, "cosh": cosh, "tanh": tanh,
}  # fmt: skip
