"""Derivatives of graphs, as graphs: tangents, Jacobian, divergence, variational equations.

One rule an operation, applied from left to right. A tangent that is zero everywhere is absent, and no node is made for it: that is algebra
on derivatives, not on the user's equations. What has corners is differentiated piece by piece, with the user's own conditions: abs gives
sign, floor and sign give 0, min and max and where give where.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from attractory.expressions.definition import Definition, Delays
from attractory.expressions.graph import Graph, GraphBuilder, pruned, reachable

Tangent = int | None  # a node, or None for zero
Rule = Callable[[GraphBuilder, int, tuple[int, ...], tuple[Tangent, ...]], Tangent]


def derivative(builder: GraphBuilder, node: int, variable_index: int) -> int:
    """The node of the partial derivative by a variable; the constant 0 where there is none."""
    return _node(builder, tangents(builder, (node,), {builder.variable(variable_index): builder.const(1.0)})[0])


def jacobian(definition: Definition) -> tuple[Graph, tuple[tuple[int, ...], ...]]:
    """The graph and the nodes [equation][variable] of the partial derivatives; those that vanish are the constant 0."""
    builder = GraphBuilder(definition.graph)
    rows = sparse_jacobian(builder, definition.roots)
    zero = builder.const(0.0)
    dense = tuple(tuple(row.get(variable, zero) for variable in range(len(definition.variables))) for row in rows)
    return builder.graph(), dense


def divergence(definition: Definition) -> tuple[Graph, int]:
    """The graph and the node of the trace of the Jacobian."""
    builder = GraphBuilder(definition.graph)
    total: Tangent = None
    for variable, root in enumerate(definition.roots):
        seed = {builder.variable(variable): builder.const(1.0)}
        total = _plus(builder, total, tangents(builder, (root,), seed)[0])
    trace = _node(builder, total)  # before the graph is taken: it may be a new constant
    graph, (node,) = pruned(builder.graph(), (trace,))
    return graph, node


def variational(definition: Definition, vectors: int | None = None) -> Definition:
    """The system beside `vectors` tangent vectors carried by it (None: as many as variables).

    Variables are the system's own, then the components of vector 0, of vector 1, …, named `v0.x`; initially they are the unit vectors.
    """
    size = len(definition.variables)
    count = size if vectors is None else vectors
    if definition.delays is not None:
        return _delayed_variational(definition, definition.delays, count)
    builder = GraphBuilder(definition.graph)
    carry = _by_jacobian if _has_few_entries(builder, definition.roots, len(definition.graph.nodes)) else _by_rules
    roots = [*definition.roots]
    for components in carry(builder, definition, count):
        roots.extend(_node(builder, component) for component in components)
    graph, live = pruned(builder.graph(), tuple(roots))
    names = tuple(f"v{vector}.{name}" for vector in range(count) for name in definition.variables)
    units = tuple(float(place == vector) for vector in range(count) for place in range(size))
    variables, initial = definition.variables + names, definition.initial + units
    return replace(definition, variables=variables, initial=initial, graph=graph, roots=live, wrap=(), vectors=count)


def _delayed_variational(definition: Definition, delays: Delays, count: int) -> Definition:
    """As `variational`, for a delay system: tangents of the past move with the states of the past.

    A tangent vector is a function over the longest delay; vector v begins as cos((v + 1) t / first delay) in all variables.
    """
    size, reads = len(definition.variables), len(delays.reads)
    builder = GraphBuilder()
    place: list[int] = []
    for op, args, value in definition.graph.nodes:
        if op == "variable" and value is not None and value >= size:
            place.append(builder.variable(int(value) + size * count))  # what is read of the past comes after all variables
        else:
            place.append(builder.add(op, *(place[arg] for arg in args), value=value))
    roots = [place[root] for root in definition.roots]
    lags = [place[lag] for lag in delays.lags]
    history = [place[node] for node in delays.history]
    past = size * (count + 1)
    states = [builder.variable(number) for number in (*range(size), *range(past, past + reads))]
    for vector in range(count):
        first, then = size * (vector + 1), past + reads * (vector + 1)
        moved = [builder.variable(number) for number in (*range(first, first + size), *range(then, then + reads))]
        roots.extend(_node(builder, tangent) for tangent in tangents(builder, roots[:size], dict(zip(states, moved, strict=True))))
        turn = builder.add("div", builder.add("mul", builder.const(vector + 1.0), builder.time()), lags[0])
        history.extend([builder.add("cos", turn)] * size)
    graph, live = pruned(builder.graph(), (*roots, *lags, *history))
    ends = (len(roots), len(roots) + len(lags))
    read = tuple((variable + size * vector, lag) for vector in range(count + 1) for variable, lag in delays.reads)
    names = tuple(f"v{vector}.{name}" for vector in range(count) for name in definition.variables)
    return replace(
        definition,
        variables=definition.variables + names,
        initial=definition.initial + (1.0,) * (size * count),
        graph=graph,
        roots=live[: ends[0]],
        delays=Delays(live[ends[0] : ends[1]], read, live[ends[1] :]),
    )


def sparse_jacobian(builder: GraphBuilder, roots: Sequence[int]) -> list[dict[int, int]]:
    """For each root {variable: node} of the partial derivatives that are not zero everywhere, by variable.

    Each variable is followed through the nodes that depend on it and no others: ten thousand variables cost ten thousand neighbourhoods.
    """
    one = builder.const(1.0)
    live = reachable(builder, tuple(roots))
    users = _users(builder, live)
    rows: list[dict[int, int]] = [{} for _ in roots]
    places: dict[int, list[int]] = {}
    for place, root in enumerate(roots):
        places.setdefault(root, []).append(place)
    for node, variable in _variables(builder, live):
        carried = _carried(builder, _dependents(users, node), {node: one})
        for root in carried.keys() & places.keys():
            for place in places[root]:
                rows[place][variable] = carried[root]
    return rows


def tangents(builder: GraphBuilder, roots: Sequence[int], seeds: Mapping[int, int]) -> list[Tangent]:
    """The directional derivatives of the roots, where the leaves in `seeds` move as the nodes there say and all others rest."""
    carried = _carried(builder, reachable(builder, tuple(roots)), seeds)
    return [carried.get(root) for root in roots]


def _by_jacobian(builder: GraphBuilder, definition: Definition, count: int) -> Iterable[list[Tangent]]:
    """Jacobian times each vector: its entries are computed once for all vectors."""
    rows = sparse_jacobian(builder, definition.roots)
    size = len(definition.variables)
    for vector in range(count):
        components = [builder.variable(size * (vector + 1) + place) for place in range(size)]
        yield [_total(builder, [_times(builder, entry, components[variable]) for variable, entry in row.items()]) for row in rows]


def _by_rules(builder: GraphBuilder, definition: Definition, count: int) -> Iterable[list[Tangent]]:
    """Each vector through the graph node by node: for a Jacobian with more entries than the graph has nodes, as a mean field gives."""
    size = len(definition.variables)
    for vector in range(count):
        seeds = {builder.variable(place): builder.variable(size * (vector + 1) + place) for place in range(size)}
        yield tangents(builder, definition.roots, seeds)


def _has_few_entries(builder: GraphBuilder, roots: Sequence[int], most: int) -> bool:
    """Whether the Jacobian has at most so many; the count ends there, since that of a mean field would be quadratic."""
    entries = 0
    for root in roots:
        entries += len(_variables(builder, reachable(builder, (root,))))
        if entries > most:
            return False
    return True


def _variables(builder: GraphBuilder, nodes: Iterable[int]) -> list[tuple[int, int]]:
    """(node, variable) of the variables among the nodes, by variable."""
    found = [(node, builder.nodes[node].place) for node in nodes if builder.nodes[node].op == "variable"]
    return sorted(found, key=lambda pair: pair[1])


def _users(builder: GraphBuilder, nodes: Iterable[int]) -> dict[int, list[int]]:
    """The nodes that each node is an argument of."""
    users: dict[int, list[int]] = {}
    for node in nodes:
        for arg in builder.nodes[node].args:
            users.setdefault(arg, []).append(node)
    return users


def _dependents(users: Mapping[int, Sequence[int]], start: int) -> list[int]:
    """The nodes that depend on one, itself included, in order."""
    seen = {start}
    stack = [start]
    while stack:
        fresh = [node for node in users.get(stack.pop(), ()) if node not in seen]
        seen.update(fresh)
        stack.extend(fresh)
    return sorted(seen)


def _carried(builder: GraphBuilder, live: Sequence[int], seeds: Mapping[int, int]) -> dict[int, int]:
    """The tangents, where not zero, of nodes in order."""
    carried = {node: seeds[node] for node in live if node in seeds}
    for node in live:
        op, args, _ = builder.nodes[node]
        if any(arg in carried for arg in args):
            tangent = _RULES[op](builder, node, args, tuple(carried.get(arg) for arg in args)) if op in _RULES else None
            if tangent is not None:
                carried[node] = tangent
    return carried


def _node(builder: GraphBuilder, tangent: Tangent) -> int:
    return builder.const(0.0) if tangent is None else tangent


# --- algebra with zeros ----------------------------------------------------------------------------------------------------------------


def _plus(builder: GraphBuilder, a: Tangent, b: Tangent) -> Tangent:
    if a is None or b is None:
        return b if a is None else a
    total = builder.add("add", a, b)
    return None if builder.value(total) == 0 else total


def _minus(builder: GraphBuilder, a: Tangent, b: Tangent) -> Tangent:
    return _plus(builder, a, None if b is None else builder.add("neg", b))


def _times(builder: GraphBuilder, factor: Tangent, tangent: Tangent) -> Tangent:
    if factor is None or tangent is None or builder.value(factor) == 0:
        return None
    return builder.add("mul", factor, tangent)


def _over(builder: GraphBuilder, tangent: Tangent, divisor: int) -> Tangent:
    return None if tangent is None else builder.add("div", tangent, divisor)


def _total(builder: GraphBuilder, terms: Iterable[Tangent]) -> Tangent:
    total: Tangent = None
    for term in terms:
        total = _plus(builder, total, term)
    return total


# --- one rule an operation: (builder, its node, its arguments, their tangents) -> its tangent ---------------------------------------


def _product(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
    (a, b), (da, db) = args, moved
    if a == b:
        return _times(builder, builder.add("mul", builder.const(2.0), a), da)
    return _plus(builder, _times(builder, b, da), _times(builder, a, db))


def _quotient(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
    return _over(builder, _minus(builder, moved[0], _times(builder, node, moved[1])), args[1])


def _power(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
    (base, exponent), (d_base, d_exponent) = args, moved
    lower = builder.add("pow", base, builder.add("sub", exponent, builder.const(1.0)))
    by_base = _times(builder, builder.add("mul", exponent, lower), d_base)
    if d_exponent is None:
        return by_base
    return _plus(builder, by_base, _times(builder, builder.add("mul", node, builder.add("log", base)), d_exponent))


def _arctangent2(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
    (y, x), (dy, dx) = args, moved
    square = builder.add("add", builder.power(x, 2), builder.power(y, 2))
    return _over(builder, _minus(builder, _times(builder, x, dy), _times(builder, y, dx)), square)


def _modulo(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
    (a, b), (da, db) = args, moved
    turns = None if db is None else builder.add("floor", builder.add("div", a, b))
    return _minus(builder, da, _times(builder, turns, db))


def _where(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
    return _chosen(builder, args[0], moved[1], moved[2])


def _relay(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
    return None if moved[1] is None else builder.add("where", builder.add("slides", args[0]), moved[1], builder.const(0.0))


def _extreme(comparison: str) -> Rule:
    def rule(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
        return _chosen(builder, builder.add(comparison, *args), *moved)

    return rule


def _chosen(builder: GraphBuilder, condition: int, da: Tangent, db: Tangent) -> Tangent:
    if da is None and db is None:
        return None
    return builder.add("where", condition, _node(builder, da), _node(builder, db))


def _outer(slope: Callable[[GraphBuilder, int, int], int]) -> Rule:
    """The chain rule of a function of one argument, from its slope as a node of (builder, its node, its argument)."""

    def rule(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
        return _times(builder, slope(builder, node, args[0]), moved[0]) if moved[0] is not None else None

    return rule


def _inner(divisor: Callable[[GraphBuilder, int, int], int]) -> Rule:
    """The chain rule of a function whose slope is 1 over a node."""

    def rule(builder: GraphBuilder, node: int, args: tuple[int, ...], moved: tuple[Tangent, ...]) -> Tangent:
        return _over(builder, moved[0], divisor(builder, node, args[0])) if moved[0] is not None else None

    return rule


def _one_plus_square(builder: GraphBuilder, node: int) -> int:
    return builder.add("add", builder.const(1.0), builder.power(node, 2))


def _one_minus_square(builder: GraphBuilder, node: int) -> int:
    return builder.add("sub", builder.const(1.0), builder.power(node, 2))


def _scaled(builder: GraphBuilder, factor: float, node: int) -> int:
    return builder.add("mul", builder.const(factor), node)


_RULES: dict[str, Rule] = {
    "add": lambda builder, node, args, moved: _plus(builder, *moved),
    "sub": lambda builder, node, args, moved: _minus(builder, *moved),
    "neg": lambda builder, node, args, moved: _minus(builder, None, moved[0]),
    "mul": _product,
    "div": _quotient,
    "pow": _power,
    "sqrt": _inner(lambda builder, node, x: _scaled(builder, 2.0, node)),
    "exp": _outer(lambda builder, node, x: node),
    "log": _inner(lambda builder, node, x: x),
    "log10": _inner(lambda builder, node, x: _scaled(builder, math.log(10), x)),
    "sin": _outer(lambda builder, node, x: builder.add("cos", x)),
    "cos": _outer(lambda builder, node, x: builder.add("neg", builder.add("sin", x))),
    "tan": _outer(lambda builder, node, x: _one_plus_square(builder, node)),
    "asin": _inner(lambda builder, node, x: builder.add("sqrt", _one_minus_square(builder, x))),
    "acos": _inner(lambda builder, node, x: builder.add("neg", builder.add("sqrt", _one_minus_square(builder, x)))),
    "atan": _inner(lambda builder, node, x: _one_plus_square(builder, x)),
    "atan2": _arctangent2,
    "sinh": _outer(lambda builder, node, x: builder.add("cosh", x)),
    "cosh": _outer(lambda builder, node, x: builder.add("sinh", x)),
    "tanh": _outer(lambda builder, node, x: _one_minus_square(builder, node)),
    "abs": _outer(lambda builder, node, x: builder.add("sign", x)),
    "min": _extreme("le"),
    "max": _extreme("ge"),
    "mod": _modulo,
    "where": _where,
    "relay": _relay,
}  # sign, floor and heaviside are flat between their steps: no rule, no tangent
