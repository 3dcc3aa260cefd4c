"""The graph: equal nodes are one, and no rewriting changes a bit of what the user wrote."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st

from attractory.errors import ExpressionError
from attractory.expressions.evaluate import evaluate
from attractory.expressions.expansion import Expander, Scope
from attractory.expressions.graph import Graph, GraphBuilder, Node, pruned
from attractory.expressions.parser import Names, parse

NAMES = Names({"x", "y", "p"})


def build(*texts: str) -> tuple[Graph, tuple[int, ...]]:
    builder = GraphBuilder()
    expander = Expander(builder, Scope({"x": builder.variable(0), "y": builder.variable(1), "p": builder.parameter(0)}))
    roots = tuple(expander.node(parse(text, NAMES, where="equations.x")) for text in texts)
    return pruned(builder.graph(), roots)


def operations(text: str) -> list[str]:
    return [node.op for node in build(text)[0].nodes if node.args]


def value(text: str, x: float = 0.3, y: float = -1.7) -> float:
    graph, roots = build(text)
    return float(evaluate(graph, roots, [[x, y]], [2.0])[0, 0])


def test_equal_expressions_are_one_node() -> None:
    """x*y, y*x and the x*y inside another expression are the same node."""
    graph, (a, b, c) = build("x*y", "y*x", "1 + x*y")
    assert a == b
    assert a in graph.nodes[c].args


def test_arguments_come_before_their_node() -> None:
    """One pass from left to right evaluates the graph."""
    graph, _ = build("sin(x*y)**3/(1 + p) - where(x > y, x, y)")
    assert all(arg < index for index, node in enumerate(graph.nodes) for arg in node.args)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x**5", ["mul", "mul", "mul"]),  # x², x⁴, x⁵
        ("x**4 + x**2", ["mul", "mul", "add"]),  # the square is shared
        ("x**-2", ["mul", "div"]),
        ("x**0.5", ["sqrt"]),
        ("x**(1/2)", ["sqrt"]),
        ("x**1", []),
        ("x**0", []),
        ("x**65", ["pow"]),
        ("x**p", ["pow"]),
        ("x**2.5", ["pow"]),
        ("x/3", ["div"]),
        ("x/4", ["mul"]),  # exact: a power of two
        ("x*1 + y/1", ["add"]),
        ("x + 0", ["add"]),  # -0 + 0 is +0
        ("0*x", ["mul"]),  # 0 times infinity is no zero
        ("x - 0", []),
        ("-(-x)", []),
        ("x + -y", ["sub"]),
        ("-2*x", ["mul"]),
        ("-(2*x)", ["mul"]),
        ("-x*y + p", ["mul", "sub"]),
        ("sqrt(2)*x", ["mul"]),
        ("exp(2)*x", ["exp", "mul"]),  # a library's last digit
        ("min(x, y, p)", ["min", "min"]),
        ("where(1 < 2, x, y)", []),
        ("where(x < y, x, x)", []),
        ("where(1 < 2 and x < y, x, y)", ["lt", "where"]),
    ],
)
def test_expression_becomes_these_operations(text: str, expected: list[str]) -> None:
    """Powers are shared products, and only what keeps every bit is simplified."""
    assert operations(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x/0", r"divides by a constant zero"),
        ("x/(2 - 2)", r"divides by a constant zero"),
        ("x*0**-1", r"divides by a constant zero"),
        ("mod(x, 0)", r"divides by a constant zero"),
        ("x + log(0)", r"log of 0, that is not a finite number"),
        ("x + sqrt(-1)", r"sqrt of -1, that is not a finite number"),
        ("1e300*1e300", r"mul of 1e\+300, 1e\+300, that is not a finite number"),
        ("9**(9**9)", r"pow of 9, 3\.8742e\+08, that is not a finite number"),
    ],
)
def test_constant_without_a_value_is_refused(text: str, message: str) -> None:
    """A constant part that is no finite number is the writer's mistake, found before any run."""
    with pytest.raises(ExpressionError, match=r"^equations\.x .*" + message):
        build(text)


def test_zeros_of_both_signs_are_two_constants() -> None:
    """1/x tells -0 from +0, so they are not shared."""
    builder = GraphBuilder()
    assert builder.const(0.0) != builder.const(-0.0)


def test_unneeded_nodes_are_left_out() -> None:
    """What no root needs is gone, and the others keep their order."""
    graph = Graph((Node("variable", (), 0), Node("const", (), 2.0), Node("sin", (0,)), Node("mul", (1, 0))))
    assert pruned(graph, (2,)) == (Graph((Node("variable", (), 0), Node("sin", (0,)))), (1,))


def test_wrong_number_of_nodes_is_a_mistake_of_the_caller() -> None:
    """The builder takes each operation's own number of nodes."""
    builder = GraphBuilder()
    with pytest.raises(ValueError, match="add takes 2 nodes, found 1"):
        builder.add("add", builder.time())


Written = tuple[Any, ...]
NUMBERS = st.floats(min_value=-1e6, max_value=1e6, allow_subnormal=False).map(lambda number: ("number", repr(number)))
LEAVES = st.sampled_from([("x",), ("y",)]) | NUMBERS | st.integers(0, 9).map(lambda number: ("number", str(number)))
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from("+-*/"), inner, inner) | st.tuples(st.just("neg"), inner) | st.tuples(st.just("**2"), inner),
    max_leaves=12,
)


def written(tree: Written) -> str:
    match tree:
        case ("number", text):
            return f"({text})"
        case ("neg", inner):
            return f"(-{written(inner)})"
        case ("**2", inner):
            return f"({written(inner)})**2"
        case (operator, a, b):
            return f"({written(a)} {operator} {written(b)})"
    return str(tree[0])


def by_doubles(tree: Written, x: np.float64, y: np.float64) -> np.float64:
    match tree:
        case ("number", text):
            return np.float64(text)
        case ("neg", inner):
            return -by_doubles(inner, x, y)
        case ("**2", inner):
            return by_doubles(inner, x, y) * by_doubles(inner, x, y)
        case (operator, a, b):
            left, right = by_doubles(a, x, y), by_doubles(b, x, y)
            return {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[operator](left, right)  # type: ignore[no-any-return]
    return x if tree == ("x",) else y


@example(("neg", ("number", "0.0")), 1.0, 1.0)
@given(EXPRESSIONS, st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_graph_gives_the_bits_of_the_arithmetic_that_was_written(tree: Written, x: float, y: float) -> None:
    """Sharing, folding and rewriting change no bit, zeros' signs included, for any x and y."""
    try:
        found = value(written(tree), x, y)
    except ExpressionError:  # a constant zero divides, or constants overflow
        reject()
    with np.errstate(all="ignore"):
        expected = float(by_doubles(tree, np.float64(x), np.float64(y)))
    assert math.isnan(expected) if math.isnan(found) else (found, math.copysign(1, found)) == (expected, math.copysign(1, expected))
