"""Elementary functions of the kernels against mpmath with 40 digits."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from attractory.kernels import functions
from attractory.kernels.lanes import Lanes, declarations
from attractory.kernels.machine import Pointer, Target, compile_functions

WIDTH = 8
POINTS = 800


def compiled(name: str, arguments: int) -> Callable[..., np.ndarray]:
    """A function of the kernels, for whole arrays."""
    lanes = Lanes(WIDTH)
    function = functions.UNARY.get(name) or getattr(functions, name)
    lanes.store(function(lanes, *(lanes.load("%x", place) for place in range(arguments))), "%y", 0)
    text = declarations(WIDTH) + lanes.function("f", ["x", "y"])
    code = compile_functions(text, {"f": ctypes.CFUNCTYPE(None, Pointer, Pointer)}, Target())
    memory = np.zeros(WIDTH * (arguments + 1) + 8)
    first = (-memory.ctypes.data // 8) % 8
    rows = memory[first : first + WIDTH * (arguments + 1)].reshape(arguments + 1, WIDTH)

    def call(*columns: np.ndarray) -> np.ndarray:
        results = []
        for start in range(0, len(columns[0]), WIDTH):
            for row, column in zip(rows, columns, strict=False):
                part = column[start : start + WIDTH]
                row[: len(part)] = part
            code.functions["f"](rows.ctypes.data, rows[arguments:].ctypes.data)
            results.append(rows[arguments].copy())
        return np.concatenate(results)[: len(columns[0])]

    return call


def worst_ulp(name: str, columns: list[np.ndarray]) -> float:
    """The largest error in units in the last place of the exact value."""
    values = compiled(name, len(columns))(*columns)
    worst = 0.0
    with mpmath.workdps(40):
        exact_function = getattr(mpmath, name)
        for row, value in zip(zip(*columns, strict=True), values, strict=True):
            exact = exact_function(*(mpmath.mpf(float(x)) for x in row))
            unit = mpmath.mpf(float(np.spacing(abs(float(exact)))))
            worst = max(worst, abs(float((mpmath.mpf(float(value)) - exact) / unit)))
    return worst


@pytest.mark.parametrize(
    ("name", "low", "high", "limit"),
    [
        ("exp", -1, 1, 1), ("exp", -700, 700, 1), ("exp", -745, -708, 1), ("log", 0.5, 2, 1), ("log", 1e-300, 1e-290, 1),
        ("log10", 0.01, 300, 1.5),
        ("sin", -4, 4, 1), ("sin", -1e7, 1e7, 1), ("sin", -1e14, 1e14, 1), ("cos", -4, 4, 1), ("cos", -1e7, 1e7, 1), ("tan", -100, 100, 2),
        ("atan", -5, 5, 1), ("atan", -1e5, 1e5, 1), ("asin", -1, 1, 2.5), ("acos", -1, 1, 2.5),
        ("sinh", -1.5, 1.5, 2), ("sinh", -30, 30, 2), ("cosh", -3, 3, 1.5), ("tanh", -1.5, 1.5, 2.5), ("tanh", -15, 15, 2.5),
    ],
)  # fmt: skip
def test_each_function_is_within_its_stated_error(name: str, low: float, high: float, limit: float) -> None:
    """The largest error over random points stays below the limit in units in the last place, the second figure after what was measured."""
    points = np.random.default_rng(1).uniform(low, high, POINTS)
    assert worst_ulp(name, [points]) < limit


def test_sine_near_multiples_of_pi_keeps_its_relative_accuracy() -> None:
    """Where the result nearly cancels, the reduction still carries all digits."""
    assert worst_ulp("sin", [np.arange(1, POINTS) * np.pi]) < 1


def test_angle_of_a_point_has_the_right_quadrant() -> None:
    """atan2 agrees with mpmath over all quadrants, and with its limits on the axes."""
    random = np.random.default_rng(2)
    assert worst_ulp("atan2", [random.uniform(-2, 2, POINTS), random.uniform(-2, 2, POINTS)]) < 2.5
    y, x = np.array([0.0, 0.0, -0.0, 1.0, -1.0, 0.0]), np.array([1.0, -1.0, -1.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(compiled("atan2", 2)(y, x), np.arctan2(y, x))


def test_power_of_moderate_size_is_good_to_a_few_units() -> None:
    """The logarithm's own rounding, times the exponent, is what remains: 5 units for exponents up to 3."""
    points = [np.random.default_rng(3).uniform(0.01, 5, POINTS), np.random.default_rng(4).uniform(-3, 3, POINTS)]
    values = compiled("power", 2)(*points)
    np.testing.assert_allclose(values, points[0] ** points[1], rtol=8 * 2.2e-16)


@pytest.mark.parametrize("name", ["exp", "log", "sin", "atan", "tanh", "sinh", "cosh", "asin", "acos"])
def test_special_arguments_give_what_ieee_functions_give(name: str) -> None:
    """Zeros, infinities, NaN, the smallest numbers and overflow behave as in NumPy."""
    points = np.array([0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, 1e-310, 800.0, -800.0])
    numpy_name = {"atan": "arctan", "asin": "arcsin", "acos": "arccos"}.get(name, name)
    with np.errstate(all="ignore"):
        expected = getattr(np, numpy_name)(points)
    np.testing.assert_allclose(compiled(name, 1)(points), expected, rtol=1e-15)
