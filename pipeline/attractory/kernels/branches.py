"""Graphs with switches made analytic: each branch becomes a mode that is fixed within a step, with a function whose zero ends it.

abs, sign, min, max, heaviside and where hang on the sign of a function of the state; floor and mod on the integer below one. A `Branched`
graph holds only analytic operations and three new leaves that read a mode: "signum" (-1 or 1), "level" (an integer) and, as a condition,
"positive". A condition that depends on parameters alone stays what it is: it cannot change during a trajectory.

At some switches the right-hand side jumps, at others (abs, min, max) it only bends. Where it jumps, tangent vectors jump too, and the
driver needs the rate at which each vector changes the switch's function. Where the jump reaches the rate of the function itself, both sides
may point to the surface: then the solution slides along it, with a value of "signum" that keeps it there (`expressions/sliding.py`) and a
function that says how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from attractory.expressions.derivative import tangents
from attractory.expressions.graph import Graph, GraphBuilder, Node, reachable
from attractory.expressions.phases import LOST, two_parts

Kind = Literal["sign", "level"]
MODES = ("signum", "level", "positive", "slides")


@dataclass(frozen=True)
class Switch:
    """A mode: the sign of node `function`, or the largest integer not above it."""

    kind: Kind
    function: int


@dataclass(frozen=True)
class Branched:
    """An analytic graph. Nodes may refer to any earlier node; `moving[i]` says whether node i changes with the state or the time.

    exits: (switch, node) of those along which solutions are followed; the node lies between 0 and 1 as long as one slides.
    holding: switches at which both sides may point to the surface. nested: those whose functions jump where others turn.
    gaps: (switch, nodes) of those at which the right-hand side jumps: the rate of the switch's function along each tangent vector."""

    nodes: tuple[Node, ...]
    roots: tuple[int, ...]
    switches: tuple[Switch, ...]
    moving: tuple[bool, ...]
    exits: tuple[tuple[int, int], ...] = ()
    holding: frozenset[int] = frozenset()
    nested: frozenset[int] = frozenset()
    gaps: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def watched(self) -> tuple[int, ...]:
        """The nodes whose coefficients the driver sees beside the variables', in this order."""
        exits = tuple(node for _, node in self.exits)
        return (*(switch.function for switch in self.switches), *exits, *(node for _, nodes in self.gaps for node in nodes))

    @property
    def sized(self) -> tuple[int, ...]:
        """The variables whose size is a scale for errors: not those of constant rate, such as phases, where there are others.

        Their own error is none, and a million turns of theirs would leave the others a millionth of their digits.
        """
        found = tuple(variable for variable, root in enumerate(self.roots) if self.moving[root])
        return found or tuple(range(len(self.roots)))


def branched(graph: Graph, roots: tuple[int, ...], vectors: int = 0, *, phases: bool = True) -> Branched:
    """The graph of a flow with every switch replaced by its mode, and its phases in two parts, where doubles need them; the last roots are
    those of so many tangent vectors."""
    nodes, roots = two_parts(graph.nodes, roots, clocks=roots) if phases else (graph.nodes, roots)
    rewriter = _Rewriter()
    places = [rewriter.rewrite(node) for node in nodes]  # old index -> new index; args always lie earlier
    return _with_jumps(rewriter, tuple(places[root] for root in roots), vectors)


def _with_jumps(rewriter: _Rewriter, roots: tuple[int, ...], vectors: int) -> Branched:
    size = len(roots) // (1 + vectors)
    builder = GraphBuilder(Graph(tuple(rewriter.nodes)))
    rates = {node: roots[found.place] for node, found in enumerate(rewriter.nodes) if found.op == "variable" and found.place < size}
    rates |= {node: builder.const(1.0) for node, found in enumerate(rewriter.nodes) if found.op == "time"}
    felt = _modes_behind(builder, rewriter, roots[:size])
    jumping = [place for place in sorted(rewriter.jumping) if place in felt]
    holding, gaps = set(), []
    for place in jumping:
        function = list(rewriter.switches)[place].function
        (rate,) = tangents(builder, (function,), rates)
        if rate is not None and place in _modes(builder, (rate,)):
            holding.add(place)
        gaps.append((place, tuple(_along(builder, function, size, vector) for vector in range(vectors))))
    for node in builder.nodes[len(rewriter.nodes) :]:
        rewriter.append(node)
    nested = {place for place, switch in enumerate(rewriter.switches) if _modes(builder, (switch.function,)) & rewriter.jumping}
    made = Branched(tuple(rewriter.nodes), roots, tuple(rewriter.switches), tuple(rewriter.moving))
    exits = tuple(sorted(rewriter.exits.items()))
    return replace(made, exits=exits, holding=frozenset(holding), nested=frozenset(nested), gaps=tuple(gaps) if vectors else ())


def _modes(builder: GraphBuilder, roots: tuple[int, ...]) -> set[int]:
    """The switches whose modes the roots depend on."""
    return {builder.nodes[node].place for node in reachable(builder, roots) if builder.nodes[node].op in MODES}


def _modes_behind(builder: GraphBuilder, rewriter: _Rewriter, roots: tuple[int, ...]) -> set[int]:
    """The same, with those whose modes the functions of such switches depend on."""
    functions = [switch.function for switch in rewriter.switches]
    found: set[int] = set()
    fresh = _modes(builder, roots)
    while fresh:
        found |= fresh
        fresh = _modes(builder, tuple(functions[place] for place in fresh)) - found
    return found


def _along(builder: GraphBuilder, function: int, size: int, vector: int) -> int:
    """The rate of a function of the state along a tangent vector."""
    seeds = {node: builder.variable(size * (vector + 1) + found.place)
             for node, found in enumerate(list(builder.nodes)) if found.op == "variable" and found.place < size}  # fmt: skip
    (rate,) = tangents(builder, (function,), seeds)
    return builder.const(0.0) if rate is None else rate


class _Rewriter:
    """Hash-conses the new nodes; `places` maps the old graph's indices as they are rewritten."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.moving: list[bool] = []
        self.known: dict[tuple[str, tuple[int, ...], str], int] = {}
        self.switches: dict[Switch, int] = {}
        self.places: list[int] = []
        self.jumping: set[int] = set()
        self.exits: dict[int, int] = {}

    def node(self, op: str, *args: int, value: float | int | None = None) -> int:
        key = (op, args, repr(value))  # not the value itself: -0.0 equals 0.0
        if key not in self.known:
            self.known[key] = len(self.nodes)
            self.append(Node(op, args, value))
        return self.known[key]

    def append(self, node: Node) -> None:
        self.nodes.append(node)
        leaf = node.op in ("variable", "time", *MODES)
        self.moving.append(leaf or (node.op not in LOST and any(self.moving[argument] for argument in node.args)))

    def switch(self, kind: Kind, function: int, *, jumps: bool = True) -> int:
        place = self.switches.setdefault(Switch(kind, function), len(self.switches))
        self.jumping |= {place} if jumps else set()
        return place

    def surface(self, function: int) -> tuple[int, bool]:
        """(the function whose zeros they are, whether with its sign turned): u and -u, a - b and b - a turn together."""
        node = self.nodes[function]
        if node.op == "neg":
            return node.args[0], True
        opposite = self.known.get(("sub", node.args[::-1], repr(None))) if node.op == "sub" else None
        return (function, False) if opposite is None or Switch("sign", opposite) not in self.switches else (opposite, True)

    def difference(self, a: int, b: int) -> int:
        if self.nodes[b].op == "const" and self.nodes[b].constant == 0:
            return a
        return self.node("neg", b) if self.nodes[a].op == "const" and self.nodes[a].constant == 0 else self.node("sub", a, b)

    def rewrite(self, node: Node) -> int:
        args = tuple(self.places[argument] for argument in node.args)
        moves = any(self.moving[argument] for argument in args)
        rule = _RULES.get(node.op) if moves else None
        place = rule(self, *args) if rule else self.node(node.op, *args, value=node.value)
        self.places.append(place)
        return place

    def number(self, value: float) -> int:
        return self.node("const", value=value)

    def signum(self, function: int, *, jumps: bool = True) -> int:
        surface, turned = self.surface(function)
        mode = self.node("signum", value=self.switch("sign", surface, jumps=jumps))
        return self.node("neg", mode) if turned else mode

    def positive(self, function: int, *, at_zero: bool = False, jumps: bool = True) -> int:
        """Whether a function is above zero; `at_zero` is the answer while it stays at zero."""
        surface, turned = self.surface(function)
        switch = self.switch("sign", surface, jumps=jumps)
        mode = self.node("positive", value=switch)
        if at_zero != turned:
            mode = self.node("or", mode, self.node("slides", value=switch))
        return self.node("not", mode) if turned else mode

    # one rule an operation
    def absolute(self, u: int) -> int:
        return self.node("mul", self.signum(u, jumps=False), u)

    def floor(self, u: int) -> int:
        return self.node("level", value=self.switch("level", u))

    def slides(self, u: int) -> int:
        return self.node("slides", value=self.switch("sign", self.surface(u)[0]))

    def relay(self, u: int, equivalent: int) -> int:
        """The sign of u, and while the solution slides along its zeros, a value between -1 and 1."""
        surface, turned = self.surface(u)
        signum = self.signum(u)
        inside = self.node("neg", equivalent) if turned else equivalent
        share = self.node("mul", self.number(0.5), self.node("add", self.number(1.0), inside))
        self.exits.setdefault(self.switch("sign", surface), share)
        return self.node("where", self.slides(u), equivalent, signum)

    def modulo(self, a: int, b: int) -> int:
        return self.node("sub", a, self.node("mul", b, self.floor(self.node("div", a, b))))

    def heaviside(self, u: int, at_zero: int) -> int:
        step = self.node("where", self.positive(u), self.number(1.0), self.number(0.0))
        return self.node("where", self.slides(u), at_zero, step)

    def smaller(self, a: int, b: int) -> int:
        return self.node("where", self.positive(self.difference(b, a), jumps=False), a, b)

    def larger(self, a: int, b: int) -> int:
        return self.node("where", self.positive(self.difference(a, b), jumps=False), a, b)

    def above(self, a: int, b: int) -> int:
        return self.positive(self.difference(a, b))

    def below(self, a: int, b: int) -> int:
        return self.positive(self.difference(b, a))

    def not_below(self, a: int, b: int) -> int:
        return self.positive(self.difference(a, b), at_zero=True)

    def not_above(self, a: int, b: int) -> int:
        return self.positive(self.difference(b, a), at_zero=True)

    def equal(self, a: int, b: int) -> int:
        """Never, within a step: two smooth functions meet at isolated times only."""
        return self.node("lt", self.number(0.0), self.number(0.0))

    def unequal(self, a: int, b: int) -> int:
        return self.node("le", self.number(0.0), self.number(0.0))


_RULES: dict[str, Callable[..., int]] = {
    "abs": _Rewriter.absolute,
    "sign": _Rewriter.signum,
    "slides": _Rewriter.slides,
    "relay": _Rewriter.relay,
    "floor": _Rewriter.floor,
    "mod": _Rewriter.modulo,
    "heaviside": _Rewriter.heaviside,
    "min": _Rewriter.smaller,
    "max": _Rewriter.larger,
    "gt": _Rewriter.above,
    "ge": _Rewriter.not_below,
    "lt": _Rewriter.below,
    "le": _Rewriter.not_above,
    "eq": _Rewriter.equal,
    "ne": _Rewriter.unequal,
}
