"""Steps and iterates in more digits than a double has: expansions of two, three, ... doubles in vector lanes.

words.py, arithmetic.py     exact constants; sums and products of expansions in registers
body.py, routines.py        code that calls functions on expansions in memory; those functions
elementary.py               sin, exp, log …, by reduced arguments, Taylor series and Newton's method
pointwise.py, series.py     a graph's values; its Taylor coefficients, as loops over the orders
kernel.py                   put together, compiled
"""

from attractory.kernels.precise.kernel import (
    KEPT_WORDS,
    NOT_SMOOTH,
    PreciseKernel,
    is_smooth,
    precise_flow_kernel,
    precise_map_kernel,
    precise_order,
    precise_width,
)

__all__ = [
    "KEPT_WORDS",
    "NOT_SMOOTH",
    "PreciseKernel",
    "is_smooth",
    "precise_flow_kernel",
    "precise_map_kernel",
    "precise_order",
    "precise_width",
]
