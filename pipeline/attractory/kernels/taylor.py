"""Normalised Taylor coefficients of every node of an analytic graph, order by order, as straight-line vector code.

The coefficient of order k of a node follows from lower orders of its arguments by a recurrence (automatic differentiation in Taylor arithmetic:
Moore 1966; the list of recurrences as in Griewank and Walther, Evaluating Derivatives, 2008, table 13.2). The recurrences of one operation are one
method below; a coefficient that is structurally zero is None and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attractory.expressions.graph import Node
from attractory.kernels import functions
from attractory.kernels.branches import Branched
from attractory.kernels.lanes import Lanes, Value
from attractory.kernels.pointwise import LEAVES, operation, reachable

Coefficient = Value | None
_PARTNERS = {"sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh"}


class TaylorSeries:
    """Coefficients [node][order], made in order for all nodes that the roots need.

    Args:
        leaves: order-zero values of the leaves that are not constants, by node index.
    """

    def __init__(self, lanes: Lanes, graph: Branched, leaves: Callable[[Node], Value]) -> None:
        self.lanes = lanes
        self.leaves = leaves
        self.nodes: list[Node] = list(graph.nodes)
        self.moving: list[bool] = list(graph.moving)
        self.known: dict[Node, int] = {node: index for index, node in enumerate(graph.nodes)}
        self.partners: dict[int, int] = {}
        self.scaled_terms: dict[tuple[int, int], Coefficient] = {}
        self.reciprocals: dict[int, Value] = {}
        self.needed = self._with_companions(reachable(graph.nodes, [*graph.roots, *(switch.function for switch in graph.switches)]))
        self.table: list[list[Coefficient]] = [[] for _ in self.nodes]

    # the nodes that recurrences need beside the graph's own

    def _with_companions(self, needed: Sequence[int]) -> list[int]:
        """The needed nodes in an order in which each comes after all that its recurrence reads at the same order."""
        ordered: list[int] = []
        for index in needed:
            node = self.nodes[index]
            companions = self._companions(index, node) if self.moving[index] else ()
            ordered += [extra for extra in companions if extra not in ordered]
            if index not in ordered:
                ordered.append(index)
            if self.moving[index] and node.op in ("tan", "tanh"):  # 1 +- f^2 reads f at the same order, and f reads it at lower ones
                ordered += [self._add("mul", index, index), self._derivative_of_tangent(index, node.op)]
        return list(dict.fromkeys(ordered))

    def _companions(self, index: int, node: Node) -> Iterable[int]:
        if node.op in _PARTNERS:
            partner = self._add(_PARTNERS[node.op], *node.args)
            self.partners |= {index: partner, partner: index}
            return (partner,)  # each reads only lower orders of the other
        if node.op in ("asin", "acos", "atan"):
            square = self._add("mul", node.args[0], node.args[0])
            one = self._add("const", value=1.0)
            inner = self._add("add" if node.op == "atan" else "sub", one, square)
            self.partners[index] = inner if node.op == "atan" else self._add("sqrt", inner)
            return (one, square, inner, self.partners[index])
        if node.op == "atan2":
            squares = [self._add("mul", argument, argument) for argument in node.args]
            self.partners[index] = self._add("add", *squares)
            return (*squares, self.partners[index])
        if node.op == "pow" and self.moving[node.args[1]]:
            logarithm = self._add("log", node.args[0])
            product = self._add("mul", node.args[1], logarithm)
            self.partners[index] = self._add("exp", product)
            return (logarithm, product, self.partners[index])
        return ()

    def _derivative_of_tangent(self, index: int, op: str) -> int:
        one = self._add("const", value=1.0)
        self.partners[index] = self._add("add" if op == "tan" else "sub", one, self._add("mul", index, index))
        return self.partners[index]

    def _add(self, op: str, *args: int, value: float | None = None) -> int:
        node = Node(op, args, value)
        if node not in self.known:
            self.known[node] = len(self.nodes)
            self.nodes.append(node)
            self.moving.append(any(self.moving[argument] for argument in args))
        return self.known[node]

    # driving

    def extend(self, order: int, only: Sequence[int] | None = None) -> None:
        """Makes the coefficients of one order; all lower ones, and this order's of the variables, must be there."""
        wanted = None if only is None else set(self._closure(only))
        for index in self.needed:
            if len(self.table[index]) == order and (wanted is None or index in wanted):
                self.table[index].append(self._coefficient(index, order))

    def _closure(self, roots: Sequence[int]) -> set[int]:
        wanted, todo = set(roots), list(roots)
        while todo:
            index = todo.pop()
            for argument in (*self.nodes[index].args, *((self.partners[index],) if index in self.partners else ())):
                if argument not in wanted:
                    wanted.add(argument)
                    todo.append(argument)
        return wanted

    def _coefficient(self, index: int, k: int) -> Coefficient:
        node = self.nodes[index]
        if k == 0:
            return self._order_zero(index, node)
        if not self.moving[index]:
            return None
        return _RULES[node.op](self, index, k)

    def _order_zero(self, index: int, node: Node) -> Value:
        if node.op == "const":
            return self.lanes.constant(float(node.value or 0.0))
        if node.op in LEAVES:
            return self.leaves(node)
        if node.op in ("sin", "cos"):
            return self._sine_or_cosine(index, node)
        return operation(self.lanes, node, [self._known_zero(argument) for argument in node.args])

    def _known_zero(self, index: int) -> Value:
        value = self.table[index][0]
        if value is None:
            raise RuntimeError(f"node {index} has no value at order zero")
        return value

    def _sine_or_cosine(self, index: int, node: Node) -> Value:
        """Both are made by one call; the partner finds its own waiting."""
        partner = self.partners.get(index)
        if partner is not None and self.table[partner]:
            sine, cosine = self._pairs[node.args[0]]
        else:
            sine, cosine = functions.sin_cos(self.lanes, self._known_zero(node.args[0]))
            self._pairs[node.args[0]] = (sine, cosine)
        return sine if node.op == "sin" else cosine

    @property
    def _pairs(self) -> dict[int, tuple[Value, Value]]:
        return self.__dict__.setdefault("_sine_cosine_pairs", {})

    # pieces of recurrences

    def at(self, index: int, k: int) -> Coefficient:
        return self.table[index][k]

    def scaled(self, index: int, j: int) -> Coefficient:
        """j times the coefficient of order j."""
        if (index, j) not in self.scaled_terms:
            value = self.table[index][j]
            self.scaled_terms[index, j] = value if value is None or j == 1 else self.lanes.mul(value, self.lanes.constant(j))
        return self.scaled_terms[index, j]

    def products(self, pairs: Iterable[tuple[Coefficient, Coefficient]]) -> Coefficient:
        """The sum of the products that are not structurally zero."""
        kept = [(a, b) for a, b in pairs if a is not None and b is not None]
        return self.lanes.dot(kept) if kept else None

    def plus(self, a: Coefficient, b: Coefficient) -> Coefficient:
        if a is None or b is None:
            return b if a is None else a
        return self.lanes.add(a, b)

    def minus(self, a: Coefficient, b: Coefficient) -> Coefficient:
        if b is None:
            return a
        return self.lanes.neg(b) if a is None else self.lanes.sub(a, b)

    def times(self, a: Coefficient, b: Coefficient) -> Coefficient:
        return None if a is None or b is None else self.lanes.mul(a, b)

    def over(self, a: Coefficient, number: int) -> Coefficient:
        return self.times(a, self.lanes.constant(1.0 / number))

    def reciprocal(self, index: int) -> Value:
        """1 / the value at order zero, made once."""
        if index not in self.reciprocals:
            self.reciprocals[index] = self.lanes.div(self.lanes.constant(1.0), self._known_zero(index))
        return self.reciprocals[index]

    # one recurrence an operation

    def leaf(self, index: int, k: int) -> Coefficient:
        """The time moves at rate one; modes stand still within a step; variables are set from outside."""
        return self.lanes.constant(1.0) if self.nodes[index].op == "time" and k == 1 else None

    def add(self, index: int, k: int) -> Coefficient:
        a, b = self.nodes[index].args
        return self.plus(self.at(a, k), self.at(b, k))

    def sub(self, index: int, k: int) -> Coefficient:
        a, b = self.nodes[index].args
        return self.minus(self.at(a, k), self.at(b, k))

    def neg(self, index: int, k: int) -> Coefficient:
        return self.minus(None, self.at(self.nodes[index].args[0], k))

    def mul(self, index: int, k: int) -> Coefficient:
        a, b = self.nodes[index].args
        if not self.moving[a] or not self.moving[b]:
            factor, series = (b, a) if self.moving[a] else (a, b)
            return self.times(self.at(factor, 0), self.at(series, k))
        if a == b:
            return self.square(a, k)
        return self.products((self.at(a, j), self.at(b, k - j)) for j in range(k + 1))

    def square(self, a: int, k: int) -> Coefficient:
        half = self.half_square(a, k, first=0)
        middle = self.at(a, k // 2) if k % 2 == 0 else None
        return self.doubled_plus_square(half, middle)

    def half_square(self, a: int, k: int, first: int) -> Coefficient:
        """The sum of a_j a_(k-j) over first <= j < k/2."""
        return self.products((self.at(a, j), self.at(a, k - j)) for j in range(first, (k + 1) // 2))

    def doubled_plus_square(self, half: Coefficient, middle: Coefficient) -> Coefficient:
        doubled = None if half is None else self.lanes.add(half, half)
        if middle is None:
            return doubled
        return self.lanes.mul(middle, middle) if doubled is None else self.lanes.fma(middle, middle, doubled)

    def div(self, index: int, k: int) -> Coefficient:
        a, b = self.nodes[index].args
        rest = self.products((self.at(b, j), self.at(index, k - j)) for j in range(1, k + 1))
        return self.times(self.minus(self.at(a, k), rest), self.reciprocal(b))

    def sqrt(self, index: int, k: int) -> Coefficient:
        half = self.half_square(index, k, first=1)
        middle = self.at(index, k // 2) if k % 2 == 0 else None
        rest = self.minus(self.at(self.nodes[index].args[0], k), self.doubled_plus_square(half, middle))
        return self.times(self.over(rest, 2), self.reciprocal(index))

    def exp(self, index: int, k: int) -> Coefficient:
        u = self.nodes[index].args[0]
        return self.over(self.products((self.scaled(u, j), self.at(index, k - j)) for j in range(1, k + 1)), k)

    def log(self, index: int, k: int) -> Coefficient:
        u = self.nodes[index].args[0]
        rest = self.over(self.products((self.scaled(index, j), self.at(u, k - j)) for j in range(1, k)), k)
        return self.times(self.minus(self.at(u, k), rest), self.reciprocal(u))

    def log10(self, index: int, k: int) -> Coefficient:
        """As log, with u' / (u ln 10)."""
        u = self.nodes[index].args[0]
        rest = self.over(self.products((self.scaled(index, j), self.at(u, k - j)) for j in range(1, k)), k)
        own = self.times(self.at(u, k), self.lanes.constant(0.4342944819032518))  # 1 / ln 10
        return self.times(self.minus(own, rest), self.reciprocal(u))

    def chained(self, index: int, k: int) -> Coefficient:
        """f' = g u' with the partner g: sin, sinh, cosh, tan, tanh."""
        u, g = self.nodes[index].args[0], self.partners[index]
        return self.over(self.products((self.scaled(u, j), self.at(g, k - j)) for j in range(1, k + 1)), k)

    def cos(self, index: int, k: int) -> Coefficient:
        return self.minus(None, self.chained(index, k))

    def inverse(self, index: int, k: int) -> Coefficient:
        """g f' = u' with the partner g: asin, atan."""
        u, g = self.nodes[index].args[0], self.partners[index]
        rest = self.over(self.products((self.scaled(index, j), self.at(g, k - j)) for j in range(1, k)), k)
        return self.times(self.minus(self.at(u, k), rest), self.reciprocal(g))

    def acos(self, index: int, k: int) -> Coefficient:
        """g f' = -u'."""
        u, g = self.nodes[index].args[0], self.partners[index]
        rest = self.over(self.products((self.scaled(index, j), self.at(g, k - j)) for j in range(1, k)), k)
        own = self.minus(None, self.at(u, k))
        return self.times(self.minus(own, rest), self.reciprocal(g))

    def atan2(self, index: int, k: int) -> Coefficient:
        """(x^2 + y^2) f' = x y' - y x'."""
        (y, x), g = self.nodes[index].args, self.partners[index]
        gain = self.products((self.scaled(y, j), self.at(x, k - j)) for j in range(1, k + 1))
        loss = self.products((self.scaled(x, j), self.at(y, k - j)) for j in range(1, k + 1))
        rest = self.products((self.scaled(index, j), self.at(g, k - j)) for j in range(1, k))
        return self.times(self.over(self.minus(self.minus(gain, loss), rest), k), self.reciprocal(g))

    def pow(self, index: int, k: int) -> Coefficient:
        """u f' = r f u' for a fixed exponent r; otherwise e**(r log u)."""
        if index in self.partners:
            return self.at(self.partners[index], k)
        u, exponent = self.nodes[index].args
        terms = []
        for j in range(1, k + 1):
            # r j - (k - j)
            factor = self.lanes.fma(self._known_zero(exponent), self.lanes.constant(j), self.lanes.constant(j - k))
            terms.append((self.times(factor, self.at(u, j)), self.at(index, k - j)))
        return self.times(self.over(self.products(terms), k), self.reciprocal(u))

    def where(self, index: int, k: int) -> Coefficient:
        condition, a, b = self.nodes[index].args
        first, second = self.at(a, k), self.at(b, k)
        if first is None and second is None:
            return None
        zero = self.lanes.constant(0.0)
        return self.lanes.select(self._known_zero(condition), first or zero, second or zero)

    def condition(self, index: int, k: int) -> Coefficient:
        return None


_RULES: dict[str, Callable[[TaylorSeries, int, int], Coefficient]] = {
    "variable": TaylorSeries.leaf,
    "time": TaylorSeries.leaf,
    "signum": TaylorSeries.leaf,
    "level": TaylorSeries.leaf,
    "positive": TaylorSeries.condition,
    "and": TaylorSeries.condition,
    "or": TaylorSeries.condition,
    "not": TaylorSeries.condition,
    "add": TaylorSeries.add,
    "sub": TaylorSeries.sub,
    "neg": TaylorSeries.neg,
    "mul": TaylorSeries.mul,
    "div": TaylorSeries.div,
    "sqrt": TaylorSeries.sqrt,
    "exp": TaylorSeries.exp,
    "log": TaylorSeries.log,
    "log10": TaylorSeries.log10,
    "sin": TaylorSeries.chained,
    "cos": TaylorSeries.cos,
    "tan": TaylorSeries.chained,
    "sinh": TaylorSeries.chained,
    "cosh": TaylorSeries.chained,
    "tanh": TaylorSeries.chained,
    "asin": TaylorSeries.inverse,
    "acos": TaylorSeries.acos,
    "atan": TaylorSeries.inverse,
    "atan2": TaylorSeries.atan2,
    "pow": TaylorSeries.pow,
    "where": TaylorSeries.where,
}
