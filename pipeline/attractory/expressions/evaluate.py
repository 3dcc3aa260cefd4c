"""A graph's values, by numpy for many states at once and by Python's own doubles for constants.

Every node is one elementwise operation in the order of the graph, so a state's value does not depend on the states beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from attractory.errors import ExpressionError, RequestError
from attractory.expressions.graph import Graph, GraphBuilder, reachable
from attractory.expressions.operations import OPERATIONS
from attractory.expressions.phases import two_parts

Array = NDArray[Any]
BLOCK_VALUES = 1 << 23  # 64 MiB of doubles: a block of states times the nodes of the graph


def _modulo(a: Array, b: Array) -> Array:
    return np.asarray(a - b * np.floor(a / b))


def _lost_sum(a: Array, b: Array) -> Array:
    total = a + b
    back = total - a
    return np.asarray((a - (total - back)) + (b - back))


def _lost_product(a: Array, b: Array) -> Array:
    product, (a_upper, a_lower), (b_upper, b_lower) = a * b, _halves(a), _halves(b)
    return np.asarray(((a_upper * b_upper - product) + a_upper * b_lower + a_lower * b_upper) + a_lower * b_lower)


def _halves(a: Array) -> tuple[Array, Array]:
    """Two numbers of half the digits (Dekker, Numerische Mathematik 18, 224 (1971))."""
    large = 134217729.0 * a  # 2**27 + 1
    upper = large - (large - a)
    return upper, a - upper


def _with_low(function: Callable[..., Array], moved: Callable[..., Array]) -> Callable[..., Array]:
    """The function of x + low, low far below one: moved(its value at x, x, low)."""

    def value(x: Array, low: Array | None = None) -> Array:
        found = function(x)
        return found if low is None else np.asarray(moved(found, x, np.where(np.isfinite(low), low, 0.0)))

    return value


_NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "pow": np.power, "sqrt": np.sqrt,
    "exp": _with_low(np.exp, lambda value, x, low: value + low * value),
    "sin": _with_low(np.sin, lambda value, x, low: value + low * np.cos(x)),
    "cos": _with_low(np.cos, lambda value, x, low: value - low * np.sin(x)),
    "tan": _with_low(np.tan, lambda value, x, low: (value + low) / (1 - value * low)),
    "lost_add": _lost_sum, "lost_sub": lambda a, b: _lost_sum(a, -b), "lost_mul": _lost_product,
    "remainder": lambda a, b, quotient: (a - quotient * b) - _lost_product(quotient, b),
    "log": np.log, "log10": np.log10, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "atan2": np.arctan2, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "abs": np.abs, "sign": np.sign,
    "floor": np.floor, "min": np.minimum, "max": np.maximum, "mod": _modulo, "heaviside": np.heaviside, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal, "and": np.logical_and, "or": np.logical_or,
    "not": np.logical_not, "where": np.where,
    "slides": lambda u: np.zeros(np.shape(u), np.bool_), "relay": lambda u, equivalent: np.sign(u),
}  # fmt: skip


def evaluate(graph: Graph, roots: Sequence[int], states: ArrayLike, parameters: ArrayLike, t: ArrayLike = 0.0) -> NDArray[np.float64]:
    """The roots' values (n, root) at states (n, variable), for parameters (parameter,) or (n, parameter) and t a number or (n,).

    Infinity and NaN come out where the mathematics has no value; no warning is given.
    """
    if any(node.op == "time" for node in graph.nodes):
        nodes, roots = two_parts(graph.nodes, roots)
        graph = Graph(nodes)
    points = np.atleast_2d(np.asarray(states, dtype=np.float64))
    rows = len(points)
    values = np.asarray(parameters, dtype=np.float64)
    if values.ndim == 2 and len(values) != rows:
        message = f"found parameters for {len(values)} states, expected {rows}."
        raise RequestError(message)
    times = np.broadcast_to(np.asarray(t, dtype=np.float64), (rows,))
    result = np.empty((rows, len(roots)))
    block = max(1, BLOCK_VALUES // max(1, len(graph.nodes)))
    for start in range(0, rows, block):
        part = slice(start, start + block)
        own = values[part].T if values.ndim == 2 else values[:, None]
        _fill(result[part], graph, roots, (points[part].T, own, times[part]))
    return result


def _fill(result: Array, graph: Graph, roots: Sequence[int], leaves: tuple[Array, Array, Array]) -> None:
    variables, parameters, t = leaves
    computed: list[Any] = []
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            match node.op:
                case "const":
                    computed.append(np.float64(node.constant))
                case "variable":
                    computed.append(variables[node.place])
                case "parameter":
                    computed.append(parameters[node.place])
                case "time":
                    computed.append(t)
                case _:
                    computed.append(_NUMPY[node.op](*(computed[arg] for arg in node.args)))
    for column, root in enumerate(roots):
        result[:, column] = computed[root]


def constant_value(builder: GraphBuilder, node: int) -> float:
    """The number that a node without variables, parameters and t is, by Python's own doubles: the same on every machine but for its libm.

    Raises:
        ExpressionError: it is not a finite number; a sentence without its subject.
    """
    values: dict[int, float] = {}
    for index in reachable(builder, (node,)):
        op, args, _ = builder.nodes[index]
        if op == "const":
            values[index] = builder.nodes[index].constant
            continue
        try:
            values[index] = float(OPERATIONS[op].scalar(*(values[arg] for arg in args)))
        except (ArithmeticError, ValueError):
            message = f"has a constant part, {op} of {', '.join(f'{values[arg]:g}' for arg in args)}, that is not a finite number."
            raise ExpressionError(message) from None
    return values[node]
