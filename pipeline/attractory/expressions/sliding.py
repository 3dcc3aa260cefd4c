"""Definitions whose solutions may slide along the surfaces of their switches, with what keeps them there.

Where both sides of the surface u = 0 point to it, the solution stays on it: it moves at the mean of both sides' rates, weighted so that u
keeps still (Filippov 1988, section 4). With sign(u) replaced by a number s, equations that are linear in s give u' = a + b s, and
s = -a/b is that mean. Here this number is written into the graph: `relay(u, s)` is sign(u), and s while the solution slides; `slides(u)` is
the condition that it does. Kernels make modes of both, and derivatives go through s as through any expression.

Surfaces that depend on each other are eliminated one after the other, as unknowns of linear equations are. Where s does not enter linearly,
the mean is not unique and the graph stays what it was: sliding is a status there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from attractory.errors import ExpressionError
from attractory.expressions.definition import Definition
from attractory.expressions.derivative import tangents
from attractory.expressions.graph import GraphBuilder, pruned, reachable

_ORDER = {"gt": (0, 1), "ge": (0, 1), "lt": (1, 0), "le": (1, 0)}  # the arguments as minuend and subtrahend
_TURNED = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}
# Surfaces whose sliding is written into a graph: elimination makes expressions that grow with the square of their number.
_MOST_SURFACES = 16


class Equivalent(NamedTuple):
    """A surface, the symbol of its sign, and what takes the sign's place while the solution slides along it."""

    surface: int
    symbol: int
    value: int


def followed(definition: Definition) -> Definition:
    """The definition with `relay` and `slides` where its solutions may slide and can be followed; itself where there is no such place."""
    if definition.kind != "flow" or definition.vectors or any(node.op == "relay" for node in definition.graph.nodes):
        return definition
    builder = GraphBuilder(definition.graph)
    places = list(dict.fromkeys(_surfaces(builder, definition.roots)))
    if not 0 < len(places) <= _MOST_SURFACES:
        return definition
    found = _equivalents(builder, definition, places)
    if not found:
        return definition
    relays: dict[int, int] = {}
    known: dict[int, int] = {}  # the same by symbol
    for surface, symbol, equivalent in reversed(found):  # the last one eliminated depends on no other
        (closed,) = _rebuilt(builder, (equivalent,), lambda node, args: known.get(node))
        relays[surface] = known[symbol] = builder.add("relay", surface, closed)
    roots = _rebuilt(builder, definition.roots, _Kept(builder, relays))
    graph, live = pruned(builder.graph(), tuple(roots))
    return replace(definition, graph=graph, roots=live)


def _equivalents(builder: GraphBuilder, definition: Definition, places: Sequence[int]) -> list[Equivalent]:
    """Those of the surfaces along which solutions can be followed, each in terms of the symbols of later ones."""
    symbols = {surface: builder.parameter(len(definition.parameters) + number) for number, surface in enumerate(places)}
    while True:
        roots = _rebuilt(builder, definition.roots, _Replaced(builder, symbols))
        found, failed = _eliminated(builder, roots, symbols)
        if failed is None:
            return found
        del symbols[failed]


def _eliminated(builder: GraphBuilder, roots: list[int], symbols: dict[int, int]) -> tuple[list[Equivalent], int | None]:
    """(what was found, the first surface that cannot be followed)."""
    found: list[Equivalent] = []
    for surface, symbol in symbols.items():
        try:
            equivalent = _equivalent(builder, roots, surface, symbol)
        except ExpressionError:  # a division by a constant zero
            equivalent = None
        if equivalent is None:
            return [], surface
        found.append(Equivalent(surface, symbol, equivalent))
        held = builder.add("where", builder.add("slides", surface), equivalent, builder.add("sign", surface))
        roots = _substituted(builder, roots, symbol, held)
    return found, None


def _equivalent(builder: GraphBuilder, roots: Sequence[int], surface: int, symbol: int) -> int | None:
    """-a/b of u' = a + b s; None where the equations are not linear in s, or where u' does not depend on it."""
    rates = {node: roots[found.place] for node, found in enumerate(builder.nodes) if found.op == "variable"}
    rates[builder.time()] = builder.const(1.0)
    (rate,) = tangents(builder, (surface,), rates)
    if rate is None:
        return None
    slopes = tangents(builder, (*roots, rate), {symbol: builder.const(1.0)})
    if slopes[-1] is None or any(slope is not None and symbol in reachable(builder, (slope,)) for slope in slopes):
        return None
    (rest,) = _substituted(builder, [rate], symbol, builder.const(0.0))
    return builder.add("div", builder.add("neg", rest), slopes[-1])


def _surfaces(builder: GraphBuilder, roots: Sequence[int]) -> Iterable[int]:
    """The functions on whose sign something hangs that may jump; u and -u, a - b and b - a are one."""
    moving: set[int] = set()
    for node in list(reachable(builder, tuple(roots))):
        op, args, _ = builder.nodes[node]
        if op in ("variable", "time") or not moving.isdisjoint(args):
            moving.add(node)
            if op in ("sign", "heaviside", *_ORDER):
                yield _oriented(builder, node)[0]


def _oriented(builder: GraphBuilder, node: int) -> tuple[int, bool]:
    """(the function u whose sign the node hangs on, whether it hangs on that of -u), the same u for all nodes that turn together."""
    op, args, _ = builder.nodes[node]
    if op not in _ORDER:
        function = args[0]
    else:
        minuend, subtrahend = (args[place] for place in _ORDER[op])
        if builder.value(minuend) == 0:
            function = builder.add("neg", subtrahend)
        else:
            function = minuend if builder.value(subtrahend) == 0 else builder.add("sub", minuend, subtrahend)
    inner_op, inner, _ = builder.nodes[function]
    if inner_op == "neg":
        return inner[0], True
    if inner_op == "sub" and inner[0] > inner[1]:
        return builder.add("sub", *inner[::-1]), True
    return function, False


class _Replaced:
    """Rules that write a number for the sign of each surface in `symbols`, so that what hangs on it is linear in that number."""

    def __init__(self, builder: GraphBuilder, symbols: dict[int, int]) -> None:
        self.builder, self.symbols = builder, symbols

    def symbol(self, node: int) -> int | None:
        """The number in the place of sign(u) of a node of the old graph that hangs on it, with its sign."""
        if self.builder.nodes[node].op not in ("sign", "heaviside", *_ORDER):
            return None
        surface, turned = _oriented(self.builder, node)
        symbol = self.symbols.get(surface)
        return symbol if symbol is None or not turned else self.builder.add("neg", symbol)

    def __call__(self, node: int, args: tuple[int, ...]) -> int | None:
        """What a node becomes whose arguments have become these; None: the same operation."""
        op, old, _ = self.builder.nodes[node]
        if op in ("sign", "heaviside"):
            symbol = self.symbol(node)
            return None if symbol is None else symbol if op == "sign" else self.share(symbol)
        return self.chosen(old[0], args[1], args[2]) if op == "where" else None

    def share(self, symbol: int) -> int:
        """(1 + s)/2: the weight of the side above zero."""
        return self.builder.add("mul", self.builder.const(0.5), self.builder.add("add", self.builder.const(1.0), symbol))

    def chosen(self, condition: int, a: int, b: int) -> int | None:
        """The choice between a and b by a condition that hangs on surfaces: one of them after the other."""
        if not any(self.symbol(node) is not None for node in reachable(self.builder, (condition,))):
            return None
        op, args, _ = self.builder.nodes[condition]
        symbol = self.symbol(condition)
        if symbol is not None:
            return self.builder.add("add", b, self.builder.add("mul", self.share(symbol), self.builder.add("sub", a, b)))
        if op == "not":
            return self.choice(args[0], b, a)
        if op == "and":
            return self.choice(args[0], self.choice(args[1], a, b), b)
        return self.choice(args[0], a, self.choice(args[1], a, b)) if op == "or" else None

    def choice(self, condition: int, a: int, b: int) -> int:
        chosen = self.chosen(condition, a, b)
        return self.builder.add("where", condition, a, b) if chosen is None else chosen


class _Kept(_Replaced):
    """The same for the graph that is integrated: off the surface everything is computed as before."""

    def __call__(self, node: int, args: tuple[int, ...]) -> int | None:
        op = self.builder.nodes[node].op
        if op in _ORDER and self.symbol(node) is not None:
            surface, turned = _oriented(self.builder, node)
            return self.builder.add(_TURNED[op] if turned != (op in ("lt", "le")) else op, surface, self.builder.const(0.0))
        sliding = super().__call__(node, args)
        if sliding is None or op == "sign":
            return sliding
        off = self.builder.add(op, *args)
        for surface in self.surfaces(node):
            off = self.builder.add("where", self.builder.add("slides", surface), sliding, off)
        return off

    def surfaces(self, node: int) -> list[int]:
        below = reachable(self.builder, self.builder.nodes[node].args[:1]) if self.builder.nodes[node].op == "where" else [node]
        return list(dict.fromkeys(_oriented(self.builder, inner)[0] for inner in below if self.symbol(inner) is not None))


Rule = Callable[[int, tuple[int, ...]], int | None]


def _rebuilt(builder: GraphBuilder, roots: Sequence[int], rule: Rule) -> list[int]:
    """The roots with what the rule puts in the place of nodes."""
    places: dict[int, int] = {}
    for node in reachable(builder, tuple(roots)):
        op, args, value = builder.nodes[node]
        moved = tuple(places[arg] for arg in args)
        made = rule(node, moved)
        if made is None:
            made = node if moved == args else builder.add(op, *moved, value=value)
        places[node] = made
    return [places[root] for root in roots]


def _substituted(builder: GraphBuilder, roots: Sequence[int], symbol: int, value: int) -> list[int]:
    return _rebuilt(builder, roots, lambda node, args: value if node == symbol else None)
