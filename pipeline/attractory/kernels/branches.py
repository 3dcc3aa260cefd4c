"""Graphs with switches made analytic: each branch becomes a mode that is fixed within a step, with a function whose zero ends it.

abs, sign, min, max, heaviside and where hang on the sign of a function of the state; floor and mod on the integer below one. A `Branched`
graph holds only analytic operations and three new leaves that read a mode: "signum" (-1 or 1), "level" (an integer) and, as a condition,
"positive". A condition that depends on parameters alone stays what it is: it cannot change during a trajectory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from attractory.expressions.graph import Graph, Node
from attractory.expressions.phases import LOST, two_parts

Kind = Literal["sign", "level"]


@dataclass(frozen=True)
class Switch:
    """A mode: the sign of node `function`, or the largest integer not above it."""

    kind: Kind
    function: int


@dataclass(frozen=True)
class Branched:
    """An analytic graph. Nodes may refer to any earlier node; `moving[i]` says whether node i changes with the state or the time."""

    nodes: tuple[Node, ...]
    roots: tuple[int, ...]
    switches: tuple[Switch, ...]
    moving: tuple[bool, ...]

    @property
    def sized(self) -> tuple[int, ...]:
        """The variables whose size is a scale for errors: not those of constant rate, such as phases, where there are others.

        Their own error is none, and a million turns of theirs would leave the others a millionth of their digits.
        """
        found = tuple(variable for variable, root in enumerate(self.roots) if self.moving[root])
        return found or tuple(range(len(self.roots)))


def branched(graph: Graph, roots: tuple[int, ...]) -> Branched:
    """The graph of a flow with every switch replaced by its mode, and its phases in two parts."""
    nodes, roots = two_parts(graph.nodes, roots, clocks=roots)
    rewriter = _Rewriter()
    places = [rewriter.rewrite(node) for node in nodes]  # old index -> new index; args always lie earlier
    return rewriter.result(tuple(places[root] for root in roots))


def smooth(graph: Graph, roots: tuple[int, ...]) -> Branched:
    """A graph without switches; its phases stay in one part."""
    rewriter = _Rewriter()
    places = [rewriter.rewrite(node) for node in graph.nodes]
    return rewriter.result(tuple(places[root] for root in roots))


class _Rewriter:
    """Hash-conses the new nodes; `places` maps the old graph's indices as they are rewritten."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.moving: list[bool] = []
        self.known: dict[tuple[str, tuple[int, ...], str], int] = {}
        self.switches: dict[Switch, int] = {}
        self.places: list[int] = []

    def result(self, roots: tuple[int, ...]) -> Branched:
        return Branched(tuple(self.nodes), roots, tuple(self.switches), tuple(self.moving))

    def node(self, op: str, *args: int, value: float | int | None = None) -> int:
        key = (op, args, repr(value))  # not the value itself: -0.0 equals 0.0
        if key not in self.known:
            self.known[key] = len(self.nodes)
            self.nodes.append(Node(op, args, value))
            leaf = op in ("variable", "time", "signum", "level", "positive")
            self.moving.append(leaf or (op not in LOST and any(self.moving[argument] for argument in args)))
        return self.known[key]

    def switch(self, kind: Kind, function: int) -> int:
        return self.switches.setdefault(Switch(kind, function), len(self.switches))

    def rewrite(self, node: Node) -> int:
        args = tuple(self.places[argument] for argument in node.args)
        moves = any(self.moving[argument] for argument in args)
        rule = _RULES.get(node.op) if moves else None
        place = rule(self, *args) if rule else self.node(node.op, *args, value=node.value)
        self.places.append(place)
        return place

    def number(self, value: float) -> int:
        return self.node("const", value=value)

    def signum(self, function: int) -> int:
        return self.node("signum", value=self.switch("sign", function))

    def positive(self, function: int) -> int:
        return self.node("positive", value=self.switch("sign", function))

    # one rule an operation
    def absolute(self, u: int) -> int:
        return self.node("mul", self.signum(u), u)

    def floor(self, u: int) -> int:
        return self.node("level", value=self.switch("level", u))

    def modulo(self, a: int, b: int) -> int:
        return self.node("sub", a, self.node("mul", b, self.floor(self.node("div", a, b))))

    def heaviside(self, u: int, at_zero: int) -> int:
        return self.node("where", self.positive(u), self.number(1.0), self.number(0.0))

    def smaller(self, a: int, b: int) -> int:
        return self.node("where", self.positive(self.node("sub", b, a)), a, b)

    def larger(self, a: int, b: int) -> int:
        return self.node("where", self.positive(self.node("sub", a, b)), a, b)

    def above(self, a: int, b: int) -> int:
        return self.positive(self.node("sub", a, b))

    def below(self, a: int, b: int) -> int:
        return self.positive(self.node("sub", b, a))

    def equal(self, a: int, b: int) -> int:
        """Never, within a step: two smooth functions meet at isolated times only."""
        return self.node("lt", self.number(0.0), self.number(0.0))

    def unequal(self, a: int, b: int) -> int:
        return self.node("le", self.number(0.0), self.number(0.0))


_RULES: dict[str, Callable[..., int]] = {
    "abs": _Rewriter.absolute,
    "sign": _Rewriter.signum,
    "floor": _Rewriter.floor,
    "mod": _Rewriter.modulo,
    "heaviside": _Rewriter.heaviside,
    "min": _Rewriter.smaller,
    "max": _Rewriter.larger,
    "gt": _Rewriter.above,
    "ge": _Rewriter.above,
    "lt": _Rewriter.below,
    "le": _Rewriter.below,
    "eq": _Rewriter.equal,
    "ne": _Rewriter.unequal,
}
