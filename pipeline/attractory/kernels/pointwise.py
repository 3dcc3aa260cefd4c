"""A graph's values at one point: what a map iterates, and the order zero of a Taylor series.

Each operation of the graph is one operation of IEEE arithmetic in the graph's own order, never contracted: for rational right-hand sides
the lanes give what NumPy gives, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attractory.expressions.graph import Node
from attractory.expressions.phases import LOWS
from attractory.kernels import functions
from attractory.kernels.lanes import Lanes, Value

_COMPARISONS = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
LEAVES = {"variable", "parameter", "time", "signum", "level", "positive", "slides"} | LOWS
Leaf = Callable[[Node], Value]


def operation(lanes: Lanes, node: Node, arguments: Sequence[Value]) -> Value:
    """One node that is no leaf, from the values of its arguments; conditions are vectors of booleans."""
    op = node.op
    if op in _ARITHMETIC:
        return lanes.emit(f"{_ARITHMETIC[op]} {lanes.vector} {arguments[0]}, {arguments[1]}")
    if op in _COMPARISONS:
        return lanes.compare(_COMPARISONS[op], *arguments)
    if op in functions.UNARY:
        return functions.UNARY[op](lanes, *arguments)
    return _OTHERS[op](lanes, *arguments)


def sign_mode(lanes: Lanes, x: Value) -> Value:
    """The mode of a sign: -1 or 1, and 0 exactly on the surface."""
    zero = lanes.constant(0.0)
    side = lanes.select(lanes.compare("olt", x, zero), lanes.constant(-1.0), lanes.constant(1.0))
    return lanes.select(lanes.compare("oeq", x, zero), zero, side)


def _sign(lanes: Lanes, x: Value) -> Value:
    zero = lanes.constant(0.0)
    below = lanes.select(lanes.compare("olt", x, zero), lanes.constant(-1.0), x)  # x itself where it is zero or NaN
    return lanes.select(lanes.compare("ogt", x, zero), lanes.constant(1.0), below)


def _heaviside(lanes: Lanes, x: Value, at_zero: Value) -> Value:
    zero = lanes.constant(0.0)
    step = lanes.select(lanes.compare("ogt", x, zero), lanes.constant(1.0), lanes.select(lanes.compare("olt", x, zero), zero, at_zero))
    return lanes.select(lanes.compare("uno", x, x), x, step)


def _smaller(lanes: Lanes, a: Value, b: Value) -> Value:
    return lanes.select(lanes.compare("ole", a, b), a, lanes.select(lanes.compare("uno", a, a), a, b))


def _larger(lanes: Lanes, a: Value, b: Value) -> Value:
    return lanes.select(lanes.compare("oge", a, b), a, lanes.select(lanes.compare("uno", a, a), a, b))


def _modulo(lanes: Lanes, a: Value, b: Value) -> Value:
    return lanes.sub(a, lanes.mul(b, lanes.intrinsic("floor", lanes.div(a, b))))


def _power(lanes: Lanes, x: Value, exponent: Value) -> Value:
    return functions.power(lanes, x, exponent)


_OTHERS: dict[str, Callable[..., Value]] = {
    "neg": Lanes.neg,
    "sqrt": lambda lanes, x: lanes.intrinsic("sqrt", x),
    "abs": lambda lanes, x: lanes.intrinsic("fabs", x),
    "floor": lambda lanes, x: lanes.intrinsic("floor", x),
    "sign": _sign,
    "heaviside": _heaviside,
    "min": _smaller,
    "max": _larger,
    "mod": _modulo,
    "pow": _power,
    "atan2": functions.atan2,
    "where": Lanes.select,
    "lost_add": lambda lanes, a, b: lanes.two_sum(a, b)[1],
    "lost_sub": lambda lanes, a, b: lanes.two_sum(a, lanes.neg(b))[1],
    "lost_mul": lambda lanes, a, b: lanes.fma(a, b, lanes.neg(lanes.mul(a, b))),
    "remainder": lambda lanes, a, b, quotient: lanes.fma(lanes.neg(quotient), b, a),
    "and": lambda lanes, a, b: lanes.logic("and", a, b),
    "or": lambda lanes, a, b: lanes.logic("or", a, b),
    "not": Lanes.invert,
}


def reachable(nodes: Sequence[Node], roots: Sequence[int]) -> list[int]:
    """The nodes that `roots` depend on, themselves included, in the graph's order."""
    wanted = set(roots)
    for index in range(max(roots, default=-1), -1, -1):
        if index in wanted:
            wanted.update(nodes[index].args)
    return sorted(wanted)


def emit_values(lanes: Lanes, nodes: Sequence[Node], roots: Sequence[int], leaf: Leaf) -> dict[int, Value]:
    """Values of all nodes that the roots need; `leaf` gives those of variables, parameters, the time and modes."""
    values: dict[int, Value] = {}
    for index in reachable(nodes, roots):
        node = nodes[index]
        if node.op == "const":
            values[index] = lanes.constant(node.constant)
        elif node.op in LEAVES:
            values[index] = leaf(node)
        else:
            values[index] = operation(lanes, node, [values[argument] for argument in node.args])
    return values
