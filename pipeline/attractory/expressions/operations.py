"""The operations of a graph: how many arguments each takes, and what it gives for Python's own doubles.

One row is one operation. `exact` says that IEEE 754 fixes the result to the last bit, so that a constant may take the operation's place
whatever machine computes it; sin, exp and their like depend on a library and stay in the graph.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple


class Operation(NamedTuple):
    """A row of the table; `scalar` takes and gives floats (conditions are 0 and 1) and may raise where there is no finite result."""

    arity: int
    scalar: Callable[..., Any]
    exact: bool


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _modulo(a: float, b: float) -> float:
    return a - b * float(math.floor(a / b))


def _heaviside(x: float, at_zero: float) -> float:
    return 1.0 if x > 0 else 0.0 if x < 0 else at_zero


def _minimum(a: float, b: float) -> float:
    return b if b < a else a


def _maximum(a: float, b: float) -> float:
    return b if b > a else a


def _where(condition: float, a: float, b: float) -> float:
    return a if condition else b


def _both(a: float, b: float) -> bool:
    return bool(a and b)


def _either(a: float, b: float) -> bool:
    return bool(a or b)


OPERATIONS: dict[str, Operation] = {
    "add": Operation(2, operator.add, exact=True),
    "sub": Operation(2, operator.sub, exact=True),
    "mul": Operation(2, operator.mul, exact=True),
    "div": Operation(2, operator.truediv, exact=True),
    "neg": Operation(1, operator.neg, exact=True),
    "pow": Operation(2, math.pow, exact=False),
    "sqrt": Operation(1, math.sqrt, exact=True),
    "exp": Operation(1, math.exp, exact=False),
    "log": Operation(1, math.log, exact=False),
    "log10": Operation(1, math.log10, exact=False),
    "sin": Operation(1, math.sin, exact=False),
    "cos": Operation(1, math.cos, exact=False),
    "tan": Operation(1, math.tan, exact=False),
    "asin": Operation(1, math.asin, exact=False),
    "acos": Operation(1, math.acos, exact=False),
    "atan": Operation(1, math.atan, exact=False),
    "atan2": Operation(2, math.atan2, exact=False),
    "sinh": Operation(1, math.sinh, exact=False),
    "cosh": Operation(1, math.cosh, exact=False),
    "tanh": Operation(1, math.tanh, exact=False),
    "abs": Operation(1, abs, exact=True),
    "sign": Operation(1, _sign, exact=True),
    "floor": Operation(1, math.floor, exact=True),
    "min": Operation(2, _minimum, exact=True),
    "max": Operation(2, _maximum, exact=True),
    "mod": Operation(2, _modulo, exact=True),
    "heaviside": Operation(2, _heaviside, exact=True),
    "lt": Operation(2, operator.lt, exact=True),
    "le": Operation(2, operator.le, exact=True),
    "gt": Operation(2, operator.gt, exact=True),
    "ge": Operation(2, operator.ge, exact=True),
    "eq": Operation(2, operator.eq, exact=True),
    "ne": Operation(2, operator.ne, exact=True),
    "and": Operation(2, _both, exact=True),
    "or": Operation(2, _either, exact=True),
    "not": Operation(1, operator.not_, exact=True),
    "where": Operation(3, _where, exact=True),
    # Made by `sliding.followed` alone: whether a solution slides along a function's zeros; the function's sign, or a number while it does.
    "slides": Operation(1, lambda u: False, exact=False),
    "relay": Operation(2, lambda u, equivalent: _sign(u), exact=False),
}
LEAVES = frozenset({"const", "variable", "parameter", "time"})
CONDITIONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "slides"})
COMMUTATIVE = frozenset({"add", "mul"})  # to the bit: IEEE rounds a + b and b + a alike
