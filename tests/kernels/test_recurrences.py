"""Each recurrence against mpmath's Taylor coefficients of orders 0 to 20, in units in the last place (2**-52 of it).

The arguments u and v are series of random doubles, handed to the recurrences from outside, and t = 0.25, so that what is compared are the
recurrences of one expression and no rounding before them. The unit belongs to the coefficient of the *majorant*: the solution of the same
recurrence with the absolute value of every term, again a known function. Where nothing cancels it is the coefficient itself; where terms
cancel, no arithmetic on doubles can do better than its last place. U, V and W are the series of u, v and u' with absolute values."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import reduce

import mpmath
import numpy as np
import pytest
from mpmath import acos, asin, atan, atan2, atanh, cos, cosh, exp, log, log10, mpf, sin, sinh, sqrt, tan, tanh

from attractory.expressions.operations import CONDITIONS, OPERATIONS
from attractory.expressions.system import System
from attractory.kernels.branches import branched
from attractory.kernels.lanes import Lanes, declarations
from attractory.kernels.machine import Pointer, Target, compile_functions
from attractory.kernels.taylor import TaylorSeries

ORDER = 20
SERIES = 8
A, T = mpf(0.7), mpf(0.25)
UNIT = mpf(2) ** -52
Function = Callable[[mpf, mpf, mpf], mpf]


def coefficients(text: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Coefficients (order, series) of an expression in u, v, t and the parameter a, for coefficients (order, series) of u and v."""
    definition = System(name="Series", equations={"u": text, "v": "u + v"}, parameters={"a": 0.7}, initial={"u": 0.0, "v": 0.0}).definition
    graph, lanes = branched(definition.graph, definition.roots), Lanes(SERIES)
    pointers = {"parameter": "%p", "time": "%t", "variable": "%x"}
    series = TaylorSeries(lanes, graph, lambda node: lanes.load(pointers[node.op], node.place))
    for k in range(ORDER + 1):
        for index, node in enumerate(graph.nodes):
            if node.op == "variable":
                series.table[index].append(lanes.load("%x", node.place * (ORDER + 1) + k))
        series.extend(k)
        lanes.store(series.table[graph.roots[0]][k] or lanes.constant(0.0), "%f", k)
    module = declarations(SERIES) + lanes.function("f", ["p", "t", "x", "f"])
    code = compile_functions(module, {"f": ctypes.CFUNCTYPE(None, *[Pointer] * 4)}, Target())
    rows = np.concatenate([np.full((1, SERIES), 0.7), np.full((1, SERIES), 0.25), u, v, np.empty((ORDER + 1, SERIES))])  # p, t, x, f
    memory = np.empty(rows.size + 8)
    first = (-memory.ctypes.data // 8) % 8  # vectors begin at multiples of 64 bytes
    aligned = memory[first : first + rows.size].reshape(rows.shape)
    aligned[:] = rows
    code.functions["f"](*(aligned[place:].ctypes.data for place in (0, 1, 2, 2 * ORDER + 4)))
    return aligned[2 * ORDER + 4 :].copy()


def arguments(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Series (order, series) of u, near 1/2, and of v, of either sign; terms fall off as 2**-k."""
    random, fall = np.random.default_rng(seed), 0.5 ** np.arange(ORDER + 1)[:, None]
    u, v = (random.uniform(-0.25, 0.25, (ORDER + 1, SERIES)) * fall for _ in range(2))
    u[0], v[0] = random.uniform(0.4, 0.6, SERIES), random.uniform(-1, 1, SERIES)
    return u, v


def polynomial(column: np.ndarray) -> Callable[[mpf], mpf]:
    numbers = [mpf(float(value)) for value in column[::-1]]
    return lambda t: reduce(lambda total, number: total * t + number, numbers)


def errors(text: str, exact: Function, majorant: Function, seed: int = 0) -> np.ndarray:
    """The error (order, series) of each coefficient, in units of 2**-52 of the majorant's."""
    u, v = arguments(seed)
    found, off = coefficients(text, u, v), np.zeros(u.shape)
    for place in range(SERIES):
        slope = np.arange(1, ORDER + 1) * u[1:, place]
        series, sizes = (
            [polynomial(x) for x in (u[:, place], v[:, place])],
            [polynomial(np.abs(x)) for x in (u[:, place], v[:, place], slope)],
        )
        with mpmath.workdps(22):
            true = mpmath.taylor(lambda t: exact(series[0](t), series[1](t), t), 0, ORDER)  # noqa: B023 - used within the loop
            start = [x(mpf(0)) for x in series]
            large = mpmath.taylor(lambda t: majorant(*start, *(x(t) for x in sizes), t), 0, ORDER)  # noqa: B023
            if text in BY_SLOPE:
                large = [abs(true[0]), *(value / (k + 1) for k, value in enumerate(large[:-1]))]
            for k in range(ORDER + 1):
                unit = abs(large[k]) * UNIT
                off[k, place] = abs(mpf(float(found[k, place])) - true[k]) / unit if unit else found[k, place] != 0
    return off


def reciprocal(u: mpf, U: mpf) -> mpf:
    """The majorant of 1/u for positive u."""
    return 1 / (2 * u - U)


def of_atan(u: mpf, U: mpf) -> mpf:
    """The integral of U' / (1 + 2 u0^2 - U^2): that of u' / (1 + u^2) with every term of the denominator against it."""
    root = sqrt(1 + 2 * u * u)
    return abs(atan(u)) + (atanh(U / root) - atanh(abs(u) / root)) / root


def of_angle(y: mpf, x: mpf, Y: mpf, X: mpf, slope: mpf) -> mpf:
    """The derivative of that of atan2(y, x), for x' = 1: (x y' + y x') / (2 (x0^2 + y0^2) - X^2 - Y^2)."""
    return (X * slope + Y) / (2 * (x * x + y * y) - X * X - Y * Y)


BY_SLOPE = {"atan2(u, 1 + t)"}  # whose majorant is given by its derivative
# text: (exact function of u, v and the time t after 0.25; majorant of u0, v0, U, V, W, t; limit)
RECURRENCES: dict[str, tuple[Function, Callable[..., mpf], float]] = {
    "u + v": (lambda u, v, t: u + v, lambda u, v, U, V, W, t: U + V, 0.51),
    "u - v": (lambda u, v, t: u - v, lambda u, v, U, V, W, t: U + V, 0.51),
    "-u": (lambda u, v, t: -u, lambda u, v, U, V, W, t: U, 0.01),
    "a*u": (lambda u, v, t: A * u, lambda u, v, U, V, W, t: A * U, 0.51),
    "u*v": (lambda u, v, t: u * v, lambda u, v, U, V, W, t: U * V, 2),
    "u*u": (lambda u, v, t: u * u, lambda u, v, U, V, W, t: U * U, 2),
    "u*v - v*v + 3*u": (lambda u, v, t: u * v - v * v + 3 * u, lambda u, v, U, V, W, t: U * V + V * V + 3 * U, 2),
    "v/a": (lambda u, v, t: v / A, lambda u, v, U, V, W, t: V / A, 2),
    "a/u": (lambda u, v, t: A / u, lambda u, v, U, V, W, t: A * reciprocal(u, U), 2),
    "1/u": (lambda u, v, t: 1 / u, lambda u, v, U, V, W, t: reciprocal(u, U), 2),
    "v/u": (lambda u, v, t: v / u, lambda u, v, U, V, W, t: V * reciprocal(u, U), 2),
    "sqrt(u)": (lambda u, v, t: sqrt(u), lambda u, v, U, V, W, t: 2 * sqrt(u) - sqrt(2 * u - U), 2),
    "u**3": (lambda u, v, t: u**3, lambda u, v, U, V, W, t: U**3, 2),
    "u**7": (lambda u, v, t: u**7, lambda u, v, U, V, W, t: U**7, 2),
    "u**-3": (lambda u, v, t: u**-3, lambda u, v, U, V, W, t: reciprocal(u**3, U**3), 2),
    "u**1.5": (lambda u, v, t: u ** mpf(1.5), lambda u, v, U, V, W, t: u**3 * (2 * u - U) ** mpf(-1.5), 2),
    "u**a": (lambda u, v, t: u**A, lambda u, v, U, V, W, t: u ** (2 * A) * (2 * u - U) ** -A, 2),
    "u**v": (lambda u, v, t: u**v, lambda u, v, U, V, W, t: u**v * exp(V * (abs(log(u)) - log(2 - U / u)) - abs(v * log(u))), 2),
    "a**v": (lambda u, v, t: A**v, lambda u, v, U, V, W, t: A**v * exp((V - abs(v)) * abs(log(A))), 2),
    "exp(v)": (lambda u, v, t: exp(v), lambda u, v, U, V, W, t: exp(v + V - abs(v)), 2),
    "log(u)": (lambda u, v, t: log(u), lambda u, v, U, V, W, t: abs(log(u)) - log(2 - U / u), 2),
    "log10(u)": (lambda u, v, t: log10(u), lambda u, v, U, V, W, t: abs(log10(u)) - log10(2 - U / u), 2),
    "sin(v)": (lambda u, v, t: sin(v), lambda u, v, U, V, W, t: abs(sin(v)) * cosh(V - abs(v)) + cos(v) * sinh(V - abs(v)), 2),
    "cos(v)": (lambda u, v, t: cos(v), lambda u, v, U, V, W, t: cos(v) * cosh(V - abs(v)) + abs(sin(v)) * sinh(V - abs(v)), 2),
    "tan(u)": (lambda u, v, t: tan(u), lambda u, v, U, V, W, t: tan(U), 2),
    "asin(u)": (lambda u, v, t: asin(u), lambda u, v, U, V, W, t: asin(U), 2),
    "acos(u)": (lambda u, v, t: acos(u), lambda u, v, U, V, W, t: asin(U) - asin(u) + acos(u), 2),
    "atan(v)": (lambda u, v, t: atan(v), lambda u, v, U, V, W, t: of_atan(v, V), 2),
    "atan2(u, 1 + t)": (lambda u, v, t: atan2(u, 1 + T + t), lambda u, v, U, V, W, t: of_angle(u, 1 + T, U, 1 + T + t, W), 2),
    "sinh(v)": (lambda u, v, t: sinh(v), lambda u, v, U, V, W, t: abs(sinh(v)) * cosh(V - abs(v)) + cosh(v) * sinh(V - abs(v)), 2),
    "cosh(v)": (lambda u, v, t: cosh(v), lambda u, v, U, V, W, t: cosh(v) * cosh(V - abs(v)) + abs(sinh(v)) * sinh(V - abs(v)), 2),
    "tanh(v)": (lambda u, v, t: tanh(v), lambda u, v, U, V, W, t: tan(atan(abs(tanh(v))) + V - abs(v)), 2),
    "u*t": (lambda u, v, t: u * (T + t), lambda u, v, U, V, W, t: U * (T + t), 2),
    # One term an order, so nothing averages out: 1/k, rounded, is off by as much in every order that follows.
    "sin(t)": (lambda u, v, t: sin(T + t), lambda u, v, U, V, W, t: sin(T) * cosh(t) + cos(T) * sinh(t), 3),
    "exp(-t*t)": (lambda u, v, t: exp(-((T + t) ** 2)), lambda u, v, U, V, W, t: exp(-T * T + 2 * T * t + t * t), 2),
}  # fmt: skip


@pytest.mark.parametrize("text", list(RECURRENCES))
def test_recurrence_is_within_its_stated_units_of_taylor_coefficients(text: str) -> None:
    """Orders 0 to 20 of eight series each: 2 units; half of one where the exact coefficient has only to be rounded."""
    exact, majorant, limit = RECURRENCES[text]
    assert errors(text, exact, majorant).max() < limit


def test_every_analytic_operation_of_the_language_has_its_row() -> None:
    """A new operation brings its recurrence, and its row above."""
    names = dict.fromkeys("uv", 0.0)
    equations = {"u": " + ".join(f"({text})" for text in RECURRENCES), "v": "u"}
    definition = System(name="Whole", equations=equations, parameters={"a": 0.7}, initial=names).definition
    branching = {"abs", "sign", "floor", "min", "max", "mod", "heaviside", "where", "relay"}
    assert {node.op for node in definition.graph.nodes} >= set(OPERATIONS) - CONDITIONS - branching
