"""A graph's values at one point in expansions: what a map iterates, and the order zero of a Taylor series."""

from __future__ import annotations

from collections.abc import Callable

from attractory.expressions.graph import Node
from attractory.kernels.lanes import Value
from attractory.kernels.precise.body import Body

_CALLS = {
    "add", "sub", "mul", "div", "neg", "sqrt", "floor", "pow", "exp", "log", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "atan2",
    "sinh", "cosh", "tanh",
}  # fmt: skip
_COMPARISONS = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
CONDITIONS = {*_COMPARISONS, "and", "or", "not"}


def operation(body: Body, node: Node, arguments: list[Value]) -> Value:
    """One node that is no leaf, from its arguments: addresses of expansions, and vectors of booleans for conditions."""
    if node.op in _CALLS:
        return body.call(node.op, *arguments)
    if node.op in _COMPARISONS:
        return _difference(body, _COMPARISONS[node.op], *arguments)
    return _OTHERS[node.op](body, *arguments)


def _difference(body: Body, condition: str, a: Value, b: Value) -> Value:
    """Whether a and b stand in this order: by the sign of a - b, whose first word is zero only if all are."""
    return _against_zero(body, condition, body.call("sub", a, b))


def _against_zero(body: Body, condition: str, a: Value) -> Value:
    return body.lanes.compare(condition, body.first_word(a), body.lanes.constant(0.0))


def _sign(body: Body, x: Value) -> Value:
    below = body.chosen(_against_zero(body, "olt", x), body.constant([-1.0]), x)
    return body.chosen(_against_zero(body, "ogt", x), body.constant([1.0]), below)


def _heaviside(body: Body, x: Value, at_zero: Value) -> Value:
    step = body.chosen(_against_zero(body, "olt", x), body.constant([0.0]), at_zero)
    step = body.chosen(_against_zero(body, "ogt", x), body.constant([1.0]), step)
    return body.chosen(_against_zero(body, "uno", x), x, step)


def _smaller(body: Body, a: Value, b: Value) -> Value:
    return body.chosen(_difference(body, "ole", a, b), a, b)


def _larger(body: Body, a: Value, b: Value) -> Value:
    return body.chosen(_difference(body, "oge", a, b), a, b)


def _modulo(body: Body, a: Value, b: Value) -> Value:
    return body.call("sub", a, body.call("mul", b, body.call("floor", body.call("div", a, b))))


_OTHERS: dict[str, Callable[..., Value]] = {
    "abs": Body.absolute,
    "sign": _sign,
    "heaviside": _heaviside,
    "min": _smaller,
    "max": _larger,
    "mod": _modulo,
    "where": Body.chosen,
    "and": lambda body, a, b: body.lanes.logic("and", a, b),
    "or": lambda body, a, b: body.lanes.logic("or", a, b),
    "not": lambda body, a: body.lanes.invert(a),
}
