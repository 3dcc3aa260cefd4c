"""Phases: arguments of sin, cos, tan and exp that grow with the time, in two parts.

omega*t as one double is off by half a unit in its last place: 5e-10 after a million turns, and so is the sine of it. Here such an argument
keeps what its roundings lost beside it, and the function takes both. A phase is the time, a variable whose rate is a number (a clock: the
state carries what its roundings lost), either of them times or over a number, and a sum with anything else. The nodes that this adds are
made once, at order zero: a phase's higher coefficients are what they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attractory.expressions.graph import Graph, Node, pruned

# Operations that give what a rounding lost: of a sum, a difference, a product; a - q b for the quotient q. Within a step they stand still.
LOST = frozenset({"lost_add", "lost_sub", "lost_mul", "remainder"})
# Leaves: what a variable's rounding and the time's have lost.
LOWS = frozenset({"low", "time_low"})
FUNCTIONS = frozenset({"sin", "cos", "tan", "exp"})


def two_parts(
    nodes: Sequence[Node], roots: Sequence[int], *, clocks: Sequence[int] = (), time_low: bool = False
) -> tuple[tuple[Node, ...], tuple[int, ...]]:
    """The same nodes and roots, with a second argument for functions of phases: the part that their first has lost.

    Args:
        clocks: the rates of the variables; those of constant rate have a leaf "low" beside them. time_low: the time has one, "time_low".
    """
    if not any(node.op in FUNCTIONS for node in nodes):
        return tuple(nodes), tuple(roots)
    rewriter = _Rewriter(clocks=_clocks(nodes, clocks), time_low=time_low)
    for node in nodes:
        rewriter.rewrite(node)
    graph, live = pruned(Graph(tuple(rewriter.nodes)), tuple(rewriter.places[root] for root in roots))
    return graph.nodes, live


def _clocks(nodes: Sequence[Node], rates: Sequence[int]) -> frozenset[int]:
    """The variables whose rate depends on numbers and parameters alone."""
    moving = _moving(nodes)
    return frozenset(variable for variable, rate in enumerate(rates) if not moving[rate])


def _moving(nodes: Sequence[Node]) -> list[bool]:
    moving: list[bool] = []
    for node in nodes:
        moving.append(node.op in ("variable", "time") or any(moving[argument] for argument in node.args))
    return moving


class _Rewriter:
    """New nodes; `places` maps the old ones, and `lows` each phase to the node of what it has lost, None where that is nothing."""

    def __init__(self, *, clocks: frozenset[int], time_low: bool) -> None:
        self.clocks, self.time_low = clocks, time_low
        self.nodes: list[Node] = []
        self.moving: list[bool] = []
        self.known: dict[tuple[str, tuple[int, ...], str], int] = {}
        self.places: list[int] = []
        self.lows: dict[int, int | None] = {}

    def add(self, op: str, *args: int, value: float | int | None = None) -> int:
        key = (op, args, repr(value))  # not the value itself: -0.0 equals 0.0
        if key not in self.known:
            self.known[key] = len(self.nodes)
            self.nodes.append(Node(op, args, value))
            still = op in LOST
            self.moving.append(op in ("variable", "time") or (not still and any(self.moving[argument] for argument in args)))
        return self.known[key]

    def rewrite(self, node: Node) -> None:
        args = tuple(self.places[argument] for argument in node.args)
        low = self.lows.get(args[0]) if node.op in FUNCTIONS else None
        args = args if low is None else (*args, low)
        place = self.add(node.op, *args, value=node.value)
        self.places.append(place)
        rule = _RULES.get(node.op)
        if rule and place not in self.lows:
            rule(self, place, args)

    # one rule an operation: `lows` of the new node, where it is a phase

    def leaf(self, place: int, _: tuple[int, ...]) -> None:
        node = self.nodes[place]
        if node.op == "time":
            self.lows[place] = self.add("time_low") if self.time_low else None
        elif node.place in self.clocks:
            self.lows[place] = self.add("low", value=node.place)

    def neg(self, place: int, args: tuple[int, ...]) -> None:
        if args[0] in self.lows:
            low = self.lows[args[0]]
            self.lows[place] = None if low is None else self.add("neg", low)

    def sum(self, place: int, args: tuple[int, ...]) -> None:
        if args[0] in self.lows or args[1] in self.lows:
            op = self.nodes[place].op
            low = self.add(f"lost_{op}", *args)
            for name, argument in zip(("add", op), args, strict=True):
                part = self.lows.get(argument)
                low = low if part is None else self.add(name, low, part)
            self.lows[place] = low

    def mul(self, place: int, args: tuple[int, ...]) -> None:
        for phase, factor in (args, args[::-1]):
            if phase in self.lows and not self.moving[factor]:
                low, part = self.add("lost_mul", *args), self.lows[phase]
                self.lows[place] = low if part is None else self.add("add", low, self.add("mul", part, factor))
                return

    def div(self, place: int, args: tuple[int, ...]) -> None:
        phase, divisor = args
        if phase in self.lows and not self.moving[divisor]:
            low, part = self.add("remainder", phase, divisor, place), self.lows[phase]
            self.lows[place] = self.add("div", low if part is None else self.add("add", low, part), divisor)


_RULES: dict[str, Callable[[_Rewriter, int, tuple[int, ...]], None]] = {
    "time": _Rewriter.leaf,
    "variable": _Rewriter.leaf,
    "neg": _Rewriter.neg,
    "add": _Rewriter.sum,
    "sub": _Rewriter.sum,
    "mul": _Rewriter.mul,
    "div": _Rewriter.div,
}
