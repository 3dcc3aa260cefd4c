"""Elementary functions of the kernels against mpmath, and against NumPy where IEEE 754 leaves no choice."""

from __future__ import annotations

import ctypes
import importlib
import itertools
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from attractory.kernels import functions
from attractory.kernels.lanes import Lanes, declarations
from attractory.kernels.machine import Pointer, Target, compile_functions

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = [*functions.UNARY, "atan2", "power"]
POINTS = 100  # of each range; benchmarks/functions.py takes a million a function
EDGES = [0.0, 5e-324, 1e-310, 2.3e-308, 1e-30, 0.5, 1.0, 1.5, 2.0, 3.0, 22.5, 709.9, 745.2, 2.0**53, 1e22, 1e300, np.inf]
SPECIAL = np.array([*EDGES, *(-edge for edge in EDGES), np.nan])


def script(name: str) -> ModuleType:
    """A script of benchmarks/, imported as the scripts import each other."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


FUNCTIONS = script("function_points").FUNCTIONS


def compiled(name: str, arguments: int, *, width: int = 8, target: str = "native", result: int | None = None) -> Callable[..., np.ndarray]:
    """A function of the kernels, for whole arrays; `result` picks one of several results."""
    lanes = Lanes(width)
    function = functions.UNARY.get(name) or getattr(functions, name)
    made = function(lanes, *(lanes.load("%x", place) for place in range(arguments)))
    lanes.store(made if result is None else made[result], "%y", 0)
    text = declarations(width) + lanes.function("f", ["x", "y"])
    code = compile_functions(text, {"f": ctypes.CFUNCTYPE(None, Pointer, Pointer)}, Target(target))
    memory = np.zeros(width * (arguments + 1) + 8)
    first = (-memory.ctypes.data // 8) % 8
    rows = memory[first : first + width * (arguments + 1)].reshape(arguments + 1, width)

    def call(*columns: np.ndarray) -> np.ndarray:
        results = []
        for start in range(0, len(columns[0]), width):
            for row, column in zip(rows, columns, strict=False):
                part = column[start : start + width]
                row[: len(part)] = part
            code.functions["f"](rows.ctypes.data, rows[arguments:].ctypes.data)
            results.append(rows[arguments].copy())
        return np.concatenate(results)[: len(columns[0])]

    return call


def arguments(name: str) -> int:
    return 2 if name in ("atan2", "power") else 1


def special(name: str) -> list[np.ndarray]:
    """Special arguments, all pairs of them where the function takes two."""
    pairs = itertools.product(*[SPECIAL] * arguments(name))
    return [np.array(column) for column in zip(*pairs, strict=True)]


def ordinary_and_special(name: str) -> list[np.ndarray]:
    """Arguments of all ranges, and the special ones behind them."""
    drawn = FUNCTIONS[name].points(np.random.default_rng(2), 300)
    return [np.concatenate(columns) for columns in zip(drawn, special(name), strict=True)]


@pytest.mark.parametrize(("name", "span"), [(name, span) for name in NAMES for span in FUNCTIONS[name].ranges])
def test_errors_are_below_one_unit(name: str, span: str) -> None:
    """On every range that trajectories visit, and at the limits, the result is one of the two doubles next to the exact value."""
    benchmark, function = script("functions"), FUNCTIONS[name]
    columns = benchmark.usable(function, function.ranges[span](np.random.default_rng(1), POINTS))
    values = compiled(name, arguments(name))(*columns)
    errors = [benchmark.exact_ulps(function, x, float(value)) for *x, value in zip(*columns, values, strict=True)]
    assert max(errors) < 0.9  # the largest of a million is 0.84


@pytest.mark.parametrize("name", NAMES)
def test_special_arguments_give_what_ieee_functions_give(name: str) -> None:
    """Zeros of both signs, infinities, NaN, subnormal numbers, overflow and arguments outside the domain behave as in NumPy."""
    columns = special(name)
    numpy_name = {"atan": "arctan", "asin": "arcsin", "acos": "arccos", "atan2": "arctan2"}.get(name, name)
    with np.errstate(all="ignore"):
        expected = getattr(np, numpy_name)(*columns)
    values = compiled(name, len(columns))(*columns)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(values), ~known)
    np.testing.assert_array_equal(np.signbit(values[known]), np.signbit(expected[known]))
    np.testing.assert_array_max_ulp(values[known], expected[known], maxulp=4)  # NumPy's own functions are good to 4


@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_width_or_instructions(name: str) -> None:
    """SSE2, AVX2, the machine's own features and all widths give the same bytes, NaN included."""
    columns = ordinary_and_special(name)
    targets = ["native", "avx2", "sse2"] if platform.machine().lower() in ("x86_64", "amd64") else ["native"]
    ways = [("native", width) for width in (2, 4, 16)] + [(target, 8) for target in targets]
    assert len({compiled(name, len(columns), width=width, target=target)(*columns).tobytes() for target, width in ways}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_lane_does_not_depend_on_its_neighbours(name: str) -> None:
    """A value is the same among its own copies and beside arguments that take the rare path."""
    columns = ordinary_and_special(name)
    function = compiled(name, len(columns))
    alone = function(*(np.repeat(column, 8) for column in columns))[::8]
    order = np.random.default_rng(3).permutation(len(alone))
    mixed = function(*(column[order] for column in columns))
    assert mixed.tobytes() == alone[order].tobytes()


@pytest.mark.parametrize(("name", "place"), [("sin", 0), ("cos", 1)])
def test_both_at_once_are_what_each_alone_is(name: str, place: int) -> None:
    """sin_cos gives the bits of sin and of cos: a map and a flow see the same function."""
    columns = ordinary_and_special(name)
    assert compiled("sin_cos", 1, result=place)(*columns).tobytes() == compiled(name, 1)(*columns).tobytes()


@pytest.mark.parametrize("exponent", [-2.5, 0.5, 1.5, 7.25])
def test_powers_of_exact_squares_are_exact(exponent: float) -> None:
    """(2**(8 k))**exponent is a power of two, and comes out as one: the logarithm's rounding is not multiplied by the exponent."""
    k = np.arange(-12, 13)
    values = compiled("power", 2)(2.0 ** (8 * k), np.full(len(k), exponent))
    np.testing.assert_array_equal(values, 2.0 ** (8 * exponent * k))


def test_coefficients_are_those_of_the_best_polynomials() -> None:
    """benchmarks/minimax.py makes the very constants that the functions use."""
    minimax, polynomials = script("minimax"), importlib.import_module("attractory.kernels.functions.polynomials")
    for name, problem in minimax.PROBLEMS.items():
        assert minimax.fitted(problem).coefficients == getattr(polynomials, name)
