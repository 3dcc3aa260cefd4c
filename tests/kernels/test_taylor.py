"""Each recurrence against the Taylor coefficients that mpmath finds with 60 digits."""

from __future__ import annotations

import ctypes

import mpmath
import numpy as np
import pytest

from attractory.expressions.system import System
from attractory.integrate.flow_driver import lane_arrays
from attractory.kernels import Target, flow_kernel

ORDER = 14
INNER = "(0.3 + 0.2*t - 0.15*t*t)"


LOOPS = pytest.mark.parametrize("loops", [False, True], ids=["straight", "loops"])


def coefficients(text: str, loops: bool) -> np.ndarray:
    """Coefficients of orders 0 to ORDER - 1 of an expression in t at t = 0: those of x' = expression, from the compiled kernel."""
    definition = System(name="Series", equations={"x": text}, initial={"x": 0.0}).definition
    kernel = flow_kernel(definition, ORDER, 8, Target(), loops=loops)
    lanes = lane_arrays(8, (1, 0, len(kernel.switches), 1), kernel.rows)
    arrays = (lanes.p, lanes.y, lanes.now, lanes.mode, lanes.c, lanes.h, lanes.before, lanes.rate, lanes.y_low)
    arguments = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
    kernel.code.functions["modes"](*arguments[:5], arguments[-1])
    kernel.code.functions["coefficients"](*arguments)
    return lanes.c[1 : ORDER + 1, 3] * np.arange(1, ORDER + 1)


def exact(function: object) -> np.ndarray:
    """The same from mpmath."""
    with mpmath.workdps(60):
        return np.array([float(value) for value in mpmath.taylor(function, 0, ORDER - 1)])


def inner(t: mpmath.mpf) -> mpmath.mpf:
    """INNER with the very constants that the kernel has."""
    return mpmath.mpf(0.3) + mpmath.mpf(0.2) * t - mpmath.mpf(0.15) * t * t


@LOOPS
@pytest.mark.parametrize("name", ["exp", "log", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"])
def test_recurrence_of_a_function_gives_its_taylor_coefficients(name: str, loops: bool) -> None:
    """All coefficients of f(u(t)) agree within 16 roundings of the largest."""
    expected = exact(lambda t: getattr(mpmath, name)(inner(t)))
    found = coefficients(f"{name}{INNER}", loops)
    np.testing.assert_allclose(found, expected, rtol=2e-14, atol=16 * 2.2e-16 * np.abs(expected).max())


@LOOPS
@pytest.mark.parametrize(
    ("text", "function"),
    [
        (f"{INNER}*{INNER}", lambda t: inner(t) ** 2),
        (f"{INNER}**5 - 2*{INNER}**2 + t", lambda t: inner(t) ** 5 - 2 * inner(t) ** 2 + t),
        (f"1/{INNER}", lambda t: 1 / inner(t)),
        (f"exp({INNER})*cos({INNER}) - (sin({INNER})*t - 3*exp({INNER}))",
         lambda t: mpmath.exp(inner(t)) * mpmath.cos(inner(t)) - (mpmath.sin(inner(t)) * t - 3 * mpmath.exp(inner(t)))),
        (f"{INNER}**1.5", lambda t: inner(t) ** mpmath.mpf(1.5)),
        (f"{INNER}**(1 + t)", lambda t: inner(t) ** (1 + t)),
        (f"atan2({INNER}, 1 + t)", lambda t: mpmath.atan2(inner(t), 1 + t)),
        (f"abs({INNER} - 1) + max({INNER}, 0.1) + min(t, 1) + sign({INNER})", lambda t: 2 + t),
        (f"floor({INNER} + 3) + heaviside({INNER}, 0.5) + where(t < 1, {INNER}, 0)", lambda t: 4 + inner(t)),
        (f"mod({INNER} + 5, 0.7)", lambda t: inner(t) + 5 - 7 * mpmath.mpf(0.7)),
    ],
)  # fmt: skip
def test_recurrence_of_an_expression_gives_its_taylor_coefficients(text: str, function: object, loops: bool) -> None:
    """Products, quotients, powers, sums of products and the branches in force."""
    expected = exact(function)
    np.testing.assert_allclose(coefficients(text, loops), expected, rtol=2e-14, atol=16 * 2.2e-16 * max(1.0, np.abs(expected).max()))
