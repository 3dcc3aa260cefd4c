"""A system's graph as heyoka's expressions, every number in it with the same many bits.

What is not analytic becomes so by *modes*, numbers that stay as they are between two crossings: the side of a surface that the
solution is on, or the integer below it. They are parameters of heyoka's; its events find the crossings and turn them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from attractory.errors import MissingExtraError
from attractory.expressions.definition import Definition
from attractory.expressions.graph import Node, reachable
from attractory.stages.certify.reference import NoReferenceError
from attractory.stages.certify.values import context, operations

# Operations that jump: a surface made of one would be crossed without a root.
_JUMPS = frozenset({"sign", "heaviside", "floor", "mod", "where", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})
_SAME_NAME = ("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh")


def heyoka() -> Any:
    """The package.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import heyoka as package
    except ModuleNotFoundError as missing:
        raise MissingExtraError("`attractory certify`", "heyoka", extra="certify") from missing
    return package


@dataclass(frozen=True)
class Switch:
    """One mode: 1 or -1, the side of a surface; or, of `floor`, the integer below the expression.

    `mode` is its place among heyoka's parameters; `measure` gives the expression's value from the values of the graph's nodes.
    """

    mode: int
    expression: Any
    measure: Callable[[Sequence[Any]], Any]
    is_floor: bool = False

    def at(self, values: Sequence[Any]) -> int:
        """The mode that a trajectory begins with.

        Raises:
            NoReferenceError: it begins on the surface.
        """
        measured = self.measure(values)
        if self.is_floor:
            below = int(measured // 1)
            on_surface = below == measured
        else:
            below, on_surface = (1 if measured > 0 else -1), measured == 0
        if on_surface:
            raise NoReferenceError("it begins exactly on a switching surface")
        return below


@dataclass
class Equations:
    """The equations as heyoka takes them: rates, one for each variable, and switches."""

    variables: list[Any]
    rates: list[Any]
    switches: list[Switch] = field(default_factory=list)


def equations_of(definition: Definition, bits: int) -> Equations:
    """The equations of a flow.

    Raises:
        NoReferenceError: a surface is itself made of what jumps.
        MissingExtraError: heyoka is not installed.
    """
    return _Translation(definition, bits).equations()


class _Translation:
    """A walk over the graph; a node is a number (of mpmath) as long as nothing in it varies, else an expression."""

    def __init__(self, definition: Definition, bits: int) -> None:
        self._heyoka, self._numbers = heyoka(), context(bits)
        self._definition, self._bits = definition, bits
        self._operations = operations(self._numbers)
        made = self._heyoka.make_vars(*(f"u{place}" for place in range(len(definition.variables))))
        self._variables = [made] if len(definition.variables) == 1 else list(made)
        self._one, self._half = self._expression(self._numbers.one), self._expression(self._numbers.mpf(0.5))
        self._switches: list[Switch] = []
        self._nodes: list[Any] = []

    def equations(self) -> Equations:
        for node in self._definition.graph.nodes:
            self._nodes.append(self._translated(node))
        return Equations(self._variables, [self._expression(self._nodes[root]) for root in self._definition.roots], self._switches)

    def _translated(self, node: Node) -> Any:
        match node.op:
            case "const":
                return self._numbers.mpf(node.constant)
            case "variable":
                return self._variables[node.place]
            case "parameter":
                return self._heyoka.par[node.place]
            case "time":
                return self._heyoka.time
        args = [self._nodes[arg] for arg in node.args]
        if all(self._is_number(arg) for arg in args):
            return self._operations[node.op](*args)
        return self._operation(node, args)

    def _operation(self, node: Node, args: list[Any]) -> Any:
        if node.op in ("add", "sub", "mul", "div", "neg"):
            return self._operations[node.op](*(self._expression(arg) for arg in args))
        if node.op == "pow":
            return self._expression(args[0]) ** self._expression(args[1])
        if node.op == "log10":
            return self._heyoka.log(args[0]) / self._expression(self._numbers.log(10))
        if node.op in _SAME_NAME:
            return getattr(self._heyoka, node.op)(*(self._expression(arg) for arg in args))
        return self._switched(node, args)

    def _switched(self, node: Node, args: list[Any]) -> Any:
        match node.op:
            case "abs":
                return self._side(node.args[0]) * args[0]
            case "sign":
                return self._side(node.args[0])
            case "min":
                return self._chosen(self._side(node.args[1], node.args[0]), args[0], args[1])
            case "max":
                return self._chosen(self._side(node.args[0], node.args[1]), args[0], args[1])
            case "where":
                return self._chosen(args[0] if self._is_number(args[0]) else args[0] - self._half, args[1], args[2])
            case "floor":
                return self._floor(args[0], node.args, _value_of(node.args[0]))
            case "mod":
                a, b = (self._expression(arg) for arg in args)
                return a - b * self._floor(a / b, node.args, _quotient_of(*node.args))
        return self._condition(node, args)

    def _condition(self, node: Node, args: list[Any]) -> Any:
        """1 where it holds and 0 where not: a number between two crossings."""
        match node.op:
            case "heaviside":
                return self._half * (self._one + self._side(node.args[0]))
            case "lt" | "le":
                return self._half * (self._one + self._side(node.args[1], node.args[0]))
            case "gt" | "ge":
                return self._half * (self._one + self._side(node.args[0], node.args[1]))
            case "not":
                return self._one - args[0]
            case "and" | "or":
                a, b = (self._expression(arg) for arg in args)
                return a * b if node.op == "and" else a + b - a * b
        return self._numbers.mpf(node.op == "ne")  # `eq` holds, and `ne` fails, at single moments only, which changes no solution

    def _chosen(self, positive: Any, a: Any, b: Any) -> Any:
        """`a` where the first is above zero, else `b`; what is not taken need not have a value."""
        if self._is_number(positive):
            return a if positive > 0 else b
        choose, above = self._heyoka.select, self._heyoka.gt
        return choose(above(positive, self._expression(self._numbers.zero)), self._expression(a), self._expression(b))

    def _side(self, node: int, minus: int | None = None) -> Any:
        """The mode that says whether a node (less another one) is above or below zero."""
        self._check_surface((node,) if minus is None else (node, minus))
        if minus is None:
            return self._mode(self._expression(self._nodes[node]), _value_of(node))
        difference = self._expression(self._nodes[node]) - self._expression(self._nodes[minus])
        return self._mode(difference, lambda values: values[node] - values[minus])

    def _floor(self, expression: Any, made_of: tuple[int, ...], measure: Callable[[Sequence[Any]], Any]) -> Any:
        self._check_surface(made_of)
        return self._mode(self._expression(expression), measure, is_floor=True)

    def _mode(self, expression: Any, measure: Callable[[Sequence[Any]], Any], *, is_floor: bool = False) -> Any:
        mode = len(self._definition.parameters) + len(self._switches)
        self._switches.append(Switch(mode, expression, measure, is_floor))
        return self._heyoka.par[mode]

    def _check_surface(self, nodes: tuple[int, ...]) -> None:
        graph = self._definition.graph
        found = sorted({graph.nodes[node].op for node in reachable(graph, nodes)} & _JUMPS)
        if found:
            message = f"a switch depends on another one that jumps ({', '.join(found)}), which is not followed"
            raise NoReferenceError(message)

    def _is_number(self, value: Any) -> bool:
        return isinstance(value, self._numbers.mpf)

    def _expression(self, value: Any) -> Any:
        """A number as an expression that keeps all of its bits: heyoka folds constants in the precision that it is given them in."""
        if not self._is_number(value):
            return value
        digits = self._numbers.dps + 3
        return self._heyoka.expression(self._heyoka.real(self._numbers.nstr(value, digits), self._bits))


def _value_of(node: int) -> Callable[[Sequence[Any]], Any]:
    return lambda values: values[node]


def _quotient_of(a: int, b: int) -> Callable[[Sequence[Any]], Any]:
    return lambda values: values[a] / values[b]
