"""Expressions as a graph in which equal sub-expressions are one node: what kernels compile and derivatives are taken of.

A node is folded or rewritten only where the result has the same bits for every input as the expression that the user wrote:
the graph of `x/3` divides, `x/4` may multiply, `x + 0` adds (it turns -0 into +0), `x*1` is x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from attractory.errors import ExpressionError
from attractory.expressions.operations import COMMUTATIVE, LEAVES, OPERATIONS

MAX_POWER = 64  # integer exponents up to here become products
MAX_NODES = 2_000_000  # some hundred bytes each: more would not compile either


class Node(NamedTuple):
    """An operation on earlier nodes. `value` is a constant's float, or the index of a variable or parameter, else None."""

    op: str
    args: tuple[int, ...] = ()
    value: float | int | None = None

    @property
    def constant(self) -> float:
        """The number of a constant node."""
        return 0.0 if self.value is None else float(self.value)  # not `value or 0.0`, which loses the sign of -0.0

    @property
    def place(self) -> int:
        """The index of a variable's or a parameter's node."""
        return 0 if self.value is None else int(self.value)


@dataclass(frozen=True)
class Graph:
    """Nodes whose arguments are always earlier ones: one pass from left to right evaluates them all."""

    nodes: tuple[Node, ...]

    def __len__(self) -> int:
        return len(self.nodes)


class GraphBuilder:
    """A graph under construction; `add` gives the node of an operation, an existing one wherever there is one."""

    def __init__(self, graph: Graph | None = None) -> None:
        self.nodes: list[Node] = list(graph.nodes) if graph else []
        self._known = {_key(node): index for index, node in enumerate(self.nodes)}

    def graph(self) -> Graph:
        return Graph(tuple(self.nodes))

    def const(self, value: float) -> int:
        if not math.isfinite(value):
            message = f"has a constant part that is {value}, not a finite number."
            raise ExpressionError(message)
        return self._intern(Node("const", (), float(value)))

    def variable(self, index: int) -> int:
        return self._intern(Node("variable", (), index))

    def parameter(self, index: int) -> int:
        return self._intern(Node("parameter", (), index))

    def time(self) -> int:
        return self._intern(Node("time"))

    def value(self, node: int) -> float | None:
        """The number that a constant node is, or None."""
        op, _, value = self.nodes[node]
        return value if op == "const" else None

    def add(self, op: str, *args: int, value: float | None = None) -> int:
        """The node of an operation on nodes (or of a leaf, with its value).

        Raises:
            ExpressionError: a division by a constant zero, or a constant part that is no finite number; a sentence without its subject.
        """
        if op in LEAVES:
            leaf = Node(op, (), value)
            return self.const(leaf.constant) if op == "const" else self._intern(Node(op, (), None if value is None else leaf.place))
        if len(args) != OPERATIONS[op].arity:
            message = f"{op} takes {OPERATIONS[op].arity} nodes, found {len(args)}"
            raise ValueError(message)
        simpler = self._simplified(op, args)
        return self._intern(Node(op, args)) if simpler is None else simpler

    def power(self, base: int, exponent: int) -> int:
        """An integer power as products of squares, each of them shared; a negative one is 1 over the product."""
        if exponent < 0:
            return self.add("div", self.const(1.0), self.power(base, -exponent))
        if exponent == 0:
            return self.const(1.0)
        if exponent == 1:
            return base
        if exponent % 2:
            return self.add("mul", self.power(base, exponent - 1), base)
        half = self.power(base, exponent // 2)
        return self.add("mul", half, half)

    def _intern(self, node: Node) -> int:
        known = self._known.get(_key(node))
        if known is None and node.op in COMMUTATIVE:
            known = self._known.get(_key(Node(node.op, node.args[::-1])))
        if known is not None:
            return known
        if len(self.nodes) >= MAX_NODES:
            message = f"needs a graph of more than {MAX_NODES:,} nodes."
            raise ExpressionError(message)
        self.nodes.append(node)
        self._known[_key(node)] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def _simplified(self, op: str, args: tuple[int, ...]) -> int | None:
        """An equal node that is cheaper, where there is one with the same bits for every input."""
        if op == "where":
            return self._chosen(*args)
        if op in ("div", "mod") and self.value(args[1]) == 0:
            message = "divides by a constant zero."
            raise ExpressionError(message)
        folded = self._folded(op, args)
        if folded is not None:
            return folded
        rule = {"add": self._sum, "sub": self._difference, "mul": self._product, "div": self._quotient, "pow": self._pow}.get(op)
        if rule is not None:
            return rule(*args)
        if op == "neg":
            return self._negative(*args)
        if op in ("and", "or"):
            return self._joined(op, *args)
        return args[0] if op in ("min", "max") and args[0] == args[1] else None

    def _folded(self, op: str, args: tuple[int, ...]) -> int | None:
        """The constant that an operation on constants is; what no machine disagrees about is replaced, the rest only checked."""
        values = [self.value(arg) for arg in args]
        if any(value is None for value in values):
            return None
        if op == "pow" and _small_integer(values[1]) is not None:
            return None  # a product, not a call of pow
        try:
            result = float(OPERATIONS[op].scalar(*values))
        except (ArithmeticError, ValueError):
            result = math.nan
        if not math.isfinite(result):
            found = ", ".join(f"{value:g}" for value in values if value is not None)
            message = f"has a constant part, {op} of {found}, that is not a finite number."
            raise ExpressionError(message)
        return self.const(result) if OPERATIONS[op].exact else None

    def _chosen(self, condition: int, a: int, b: int) -> int | None:
        chosen = self.value(condition)
        if chosen is not None:
            return a if chosen else b
        return a if a == b else None

    def _joined(self, op: str, a: int, b: int) -> int | None:
        """A condition joined to a constant one, which is either the whole answer or no part of it."""
        for known, other in ((self.value(a), b), (self.value(b), a)):
            if known is not None:
                return self.const(known) if bool(known) == (op == "or") else other
        return a if a == b else None

    def _inner(self, node: int) -> int | None:
        """x of a node that is -x."""
        return self.nodes[node].args[0] if self.nodes[node].op == "neg" else None

    def _negative(self, a: int) -> int | None:
        if (inner := self._inner(a)) is not None:
            return inner
        op, args, _ = self.nodes[a]
        factor = self.value(args[0]) if op == "mul" else None
        return None if factor is None else self.add("mul", self.const(-factor), args[1])

    def _sum(self, a: int, b: int) -> int | None:
        if (inner := self._inner(b)) is not None:
            return self.add("sub", a, inner)
        if (inner := self._inner(a)) is not None:
            return self.add("sub", b, inner)
        return None

    def _difference(self, a: int, b: int) -> int | None:
        if (inner := self._inner(b)) is not None:
            return self.add("add", a, inner)
        return a if _is_plus_zero(self.value(b)) else None

    def _product(self, a: int, b: int) -> int | None:
        if self.value(b) is not None:
            a, b = b, a  # constants first, as in 2*x
        factor = self.value(a)
        if factor == 1:
            return b
        if factor == -1:
            return self.add("neg", b)
        if (inner := self._inner(b)) is not None:
            return self.add("neg", self.add("mul", a, inner)) if factor is None else self.add("mul", self.const(-factor), inner)
        if (inner := self._inner(a)) is not None:
            return self.add("neg", self.add("mul", inner, b))
        return None if factor is None else self._intern(Node("mul", (a, b)))

    def _quotient(self, a: int, b: int) -> int | None:
        divisor = self.value(b)
        if divisor is not None and _has_exact_reciprocal(divisor):
            return self.add("mul", self.const(1 / divisor), a)
        if (inner := self._inner(a)) is not None:
            return self.add("neg", self.add("div", inner, b))
        if (inner := self._inner(b)) is not None:
            return self.add("neg", self.add("div", a, inner))
        return None

    def _pow(self, base: int, exponent: int) -> int | None:
        value = self.value(exponent)
        integer = _small_integer(value)
        if integer is not None:
            return self.power(base, integer)
        return self.add("sqrt", base) if value == 0.5 else None


def pruned(graph: Graph, roots: tuple[int, ...]) -> tuple[Graph, tuple[int, ...]]:
    """The graph without the nodes that no root needs, in the same order, and the roots in it."""
    live = reachable(graph, roots)
    place = {node: index for index, node in enumerate(live)}
    nodes = tuple(_moved(graph.nodes[node], place) for node in live)
    return Graph(nodes), tuple(place[root] for root in roots)


def reachable(graph: Graph | GraphBuilder, roots: tuple[int, ...]) -> list[int]:
    """The nodes that the roots are computed from, themselves included, in order."""
    seen = set(roots)
    stack = list(seen)
    while stack:
        for arg in graph.nodes[stack.pop()].args:
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return sorted(seen)


def _moved(node: Node, place: dict[int, int]) -> Node:
    return node._replace(args=tuple(place[arg] for arg in node.args))


def _key(node: Node) -> tuple[object, ...]:
    value = node.value.hex() if isinstance(node.value, float) else node.value  # -0.0 == 0.0, but 1/x tells them apart
    return node.op, node.args, value


def _small_integer(value: float | None) -> int | None:
    return int(value) if value is not None and value == math.floor(value) and abs(value) <= MAX_POWER else None


def _has_exact_reciprocal(value: float) -> bool:
    """Powers of two whose reciprocal is a normal number."""
    return abs(math.frexp(value)[0]) == 0.5 and 1e-300 < abs(value) < 1e300


def _is_plus_zero(value: float | None) -> bool:
    return value == 0 and math.copysign(1.0, value) > 0
