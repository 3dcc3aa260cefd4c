"""Taylor coefficients in expansions: one loop over the orders, in which each node of the graph is a call or two.

The recurrences are those of `taylor.TaylorSeries`, which also says which nodes they need beside the graph's own and in which order. Where
straight-line code would grow with the square of the order (here up to 150), sums of products run over the rows of a table: row k of a
node's series is its coefficient of order k.

Time is counted in a unit of the lane's own, a power of two near the radius of convergence: there all coefficients are about as large as
the value, where in the system's unit that of order k is radius^-k of it and leaves the range of doubles. The unit enters in two places, a
variable's coefficient from its slope's and the time's own, and makes each coefficient what it is in the system's unit times a power of two:
nothing else is rounded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import groupby

from attractory.expressions.graph import Node
from attractory.kernels.branches import Branched
from attractory.kernels.lanes import Value
from attractory.kernels.pointwise import LEAVES
from attractory.kernels.precise.body import Body, Loop
from attractory.kernels.precise.pointwise import CONDITIONS, operation
from attractory.kernels.precise.words import BITS, DECAY, log_of_10, words
from attractory.kernels.taylor import TaylorSeries

# Bits that a coefficient of order k keeps beyond those that its term, e^(-2 k) of the state, shows in the sum: with 8 as with 200 the error
# is 2^-104 of the state after two periods in two words (Lorenz, Thomas, HenonHeiles, Rossler), with -8 it is 2^-97.
SPARE_BITS = 8
_WEIGHTED = {"exp", "sin", "cos", "sinh", "cosh", "tan", "tanh", "atan2", "pow"}  # read j times their argument's coefficient


def bands(count: int, order: int) -> Iterator[tuple[int, int, int]]:
    """(words, first order, last order): how many words the coefficients of these orders need for a sum of `count`, from order one on.

    The terms of a step's series fall by e^DECAY from one to the next, and so do the words that they need: sums of products of eight words
    cost ten times as much as those of eight for the first terms, of one for the last.
    """
    needs = [max(1, min(count, math.ceil(count - (DECAY * k / math.log(2) - SPARE_BITS) / BITS))) for k in range(1, order)]
    first = 1
    for words_, alike in groupby(needs):
        last = first + len(list(alike)) - 1
        yield words_, first, last
        first = last + 1


class PreciseSeries:
    """Writes the series of all nodes, in time units of %unit, into the table %c, whose first rows are those of the variables.

    Args:
        order: the last one that the variables get.
        leaf: the address of a parameter's value or of the time.
    """

    def __init__(self, body: Body, graph: Branched, variables: int, order: int, leaf: Callable[[Node], Value]) -> None:
        plan = TaylorSeries(body.lanes, graph, lambda node: "")
        self.body, self.order, self.leaf, self.roots = body, order, leaf, graph.roots
        self.nodes, self.moving, self.partners, self.needed = plan.nodes, plan.moving, plan.partners, plan.needed
        self.places: dict[int, int] = {}
        self.values: dict[int, Value] = {}  # order zero: addresses, and booleans of conditions
        self.inverses: dict[int, Value] = {}
        self.weights: dict[int, int] = {}
        self.variables = variables
        self.sets = variables
        for index in self.needed:
            self._place(index)

    def _place(self, index: int) -> None:
        node = self.nodes[index]
        if not self.moving[index]:
            return
        self.places[index] = node.place if node.op == "variable" else self._next_set()
        for argument in (index,) if node.op in ("log", "log10", "asin", "acos", "atan", "atan2") else ():
            self.weights[argument] = self._next_set()
        for argument in node.args if node.op in _WEIGHTED else ():
            if self.moving[argument] and argument not in self.weights:
                self.weights[argument] = self._next_set()

    def _next_set(self) -> int:
        self.sets += 1
        return self.sets - 1

    @property
    def rows(self) -> int:
        """Expansions that the table holds."""
        return self.sets * (self.order + 1)

    # addresses

    def base(self, index: int) -> Value:
        """Order zero of a moving node's series."""
        return self.body.row("%c", self.places[index] * (self.order + 1))

    def weighted_base(self, index: int) -> Value:
        """Order zero of j times a node's coefficients."""
        return self.body.row("%c", self.weights[index] * (self.order + 1))

    def at(self, index: int, k: Value) -> Value:
        return self.body.row(self.base(index), k)

    def slope(self, variable: int) -> tuple[Value, int]:
        """(the address of order zero, the last order) of a rate's series; of a rate that stands still, times the unit, with order zero."""
        root = self.roots[variable]
        return (self.base(root), self.order - 1) if self.moving[root] else (self.body.row("%c", variable * (self.order + 1) + 1), 0)

    def rate(self, variable: int) -> Value:
        """The address of a variable's rate at order zero, in the function that `emit` wrote into."""
        return self.values[self.roots[variable]]

    # driving

    def emit(self) -> None:
        """All orders: zero for itself, then the loop, and the variables' rows one order ahead of it."""
        self.unit = self.body.lanes.load("%unit", 0)
        for index in self.needed:
            self._order_zero(index)
        divisors = {self._divisor(index): None for index in self.needed if self.moving[index]}
        self.inverses = {index: self.body.call("reciprocal", self.values[index]) for index in divisors if index is not None}
        for variable, root in enumerate(self.roots):
            self.body.shifted(self.values[root], self.unit, into=self.body.row("%c", variable * (self.order + 1) + 1))
        full = self.body.count
        for count, first, last in bands(full, self.order):
            self.body.count = count
            with Loop(self.body, first, last, []) as loop:
                self._orders(loop.index)
        self.body.count = full

    def _orders(self, k: Value) -> None:
        """The coefficients of order k of all nodes, and of order k + 1 of the variables."""
        for index in self.needed:
            if self.moving[index]:
                self._order(index, k)
        following = self.body.whole("add", k, 1)
        for variable, root in enumerate(self.roots):
            into = self.body.row(self.body.row("%c", variable * (self.order + 1)), following)
            if self.moving[root]:
                self.body.call("integrated", self.at(root, k), (self.body.lanes.vector, self.unit), ("i64", following), into=into)
            else:
                self.body.store([], into)

    def _copy(self, source: Value, target: Value) -> None:
        self.body.store(self.body.load(source), target)

    def _order_zero(self, index: int) -> None:
        node, mark = self.nodes[index], len(self.body.used)
        value = self.base(index) if node.op == "variable" else self._value(index, node)
        if node.op != "variable" and index in self.places:
            self._copy(value, self.base(index))
            value = self.base(index)
            self.body.release(mark)
        self.values[index] = value
        if node.op == "time":
            self.body.store([self.unit], self.body.row("%c", self.places[index] * (self.order + 1) + 1))

    def _value(self, index: int, node: Node) -> Value:
        if node.op == "const":
            return self.body.constant([node.constant])
        if node.op in LEAVES:
            return self.leaf(node)
        return operation(self.body, node, [self.values[argument] for argument in node.args])

    def _order(self, index: int, k: Value) -> None:
        """One node's coefficient; a variable's is there, and the time's rows from order two on stay zero."""
        node, mark = self.nodes[index], len(self.body.used)
        if node.op not in LEAVES and node.op not in CONDITIONS:
            _RULES[node.op](self, index, k, self.at(index, k))
        self._weight(index, k)
        self.body.release(mark)

    def _weight(self, index: int, k: Value) -> None:
        if index in self.weights:
            self.body.call("times", self.at(index, k), ("i64", k), into=self.body.row(self.weighted_base(index), k))

    # pieces of recurrences

    def _over(self, value: Value, k: Value, into: Value | None = None) -> Value:
        return self.body.call("over", value, ("i64", k), into=into)

    def _divisor(self, index: int) -> int | None:
        """The node whose value at order zero all orders of this one are divided by."""
        node = self.nodes[index]
        if node.op in ("div", "log", "log10", "pow") and not (node.op == "pow" and index in self.partners):
            return node.args[1 if node.op == "div" else 0]
        if node.op in ("asin", "acos", "atan", "atan2"):
            return self.partners[index]
        return index if node.op == "sqrt" else None

    def _sum(self, a: Value, b: Value, k: Value, first: Value | int, last: Value) -> Value:
        return self.body.call("convolve", a, b, *self._whole(k, first, last))

    def _whole(self, *numbers: Value | int) -> list[tuple[str, Value]]:
        """The distance of rows and other whole numbers, as arguments."""
        return [("i64", str(number)) for number in (self.body.stride, *numbers)]

    def _weighted(self, a: int, b: int, k: Value) -> Value:
        """The sum of j a_j b_(k-j) for j from 1 to k."""
        return self._sum(self.weighted_base(a), self.base(b), k, 1, k)

    def _series_or_none(self, index: int, k: Value) -> Value:
        """A coefficient of order k; zero of what does not move."""
        return self.at(index, k) if self.moving[index] else self.body.constant([0.0])

    # one recurrence an operation: the coefficient of order k goes to `out`

    def sum(self, index: int, k: Value, out: Value) -> None:
        node = self.nodes[index]
        self.body.call(node.op, *(self._series_or_none(argument, k) for argument in node.args), into=out)

    def mul(self, index: int, k: Value, out: Value) -> None:
        a, b = self.nodes[index].args
        if not self.moving[a] or not self.moving[b]:
            factor, series = (b, a) if self.moving[a] else (a, b)
            self.body.call("mul", self.values[factor], self.at(series, k), into=out)
        elif a == b:
            self.body.call("square", self.base(a), self.base(a), *self._whole(k, 0), into=out)
        else:
            self.body.call("convolve", self.base(a), self.base(b), *self._whole(k, 0, k), into=out)

    def div(self, index: int, k: Value, out: Value) -> None:
        a, b = self.nodes[index].args
        if not self.moving[b]:
            self.body.call("mul", self.at(a, k), self.inverses[b], into=out)
            return
        rest = self._sum(self.base(b), self.base(index), k, 1, k)
        self._quotient(self._series_or_none(a, k), rest, b, out)

    def _quotient(self, own: Value, rest: Value, divisor: int, out: Value) -> None:
        self.body.call("mul", self.body.call("sub", own, rest), self.inverses[divisor], into=out)

    def sqrt(self, index: int, k: Value, out: Value) -> None:
        body = self.body
        square = body.call("square", self.base(index), self.base(index), *self._whole(k, 1))
        rest = body.call("sub", self.at(self.nodes[index].args[0], k), square)
        body.call("mul", body.doubled(rest, -1), self.inverses[index], into=out)

    def exp(self, index: int, k: Value, out: Value) -> None:
        self._over(self._weighted(self.nodes[index].args[0], index, k), k, into=out)

    def log(self, index: int, k: Value, out: Value) -> None:
        u = self.nodes[index].args[0]
        self._integral(self.at(u, k), index, u, k, out)

    def log10(self, index: int, k: Value, out: Value) -> None:
        """As log, with u' / (u ln 10)."""
        u = self.nodes[index].args[0]
        factor = self.body.constant(words(Fraction(1) / log_of_10(), self.body.count))
        self._integral(self.body.call("mul", self.at(u, k), factor), index, u, k, out)

    def _integral(self, own: Value, index: int, divisor: int, k: Value, out: Value) -> None:
        """f from g f' = own', with g the divisor."""
        before = self.body.whole("sub", k, 1)
        rest = self._sum(self.weighted_base(index), self.base(divisor), k, 1, before)
        self._quotient(own, self._over(rest, k), divisor, out)

    def chained(self, index: int, k: Value, out: Value) -> None:
        """f' = g u' with the partner g: sin, sinh, cosh, tan, tanh."""
        self._over(self._weighted(self.nodes[index].args[0], self.partners[index], k), k, into=out)

    def cos(self, index: int, k: Value, out: Value) -> None:
        self.body.call("neg", self._over(self._weighted(self.nodes[index].args[0], self.partners[index], k), k), into=out)

    def inverse(self, index: int, k: Value, out: Value) -> None:
        """g f' = u' with the partner g: asin, atan."""
        self._integral(self.at(self.nodes[index].args[0], k), index, self.partners[index], k, out)

    def acos(self, index: int, k: Value, out: Value) -> None:
        own = self.body.call("neg", self.at(self.nodes[index].args[0], k))
        self._integral(own, index, self.partners[index], k, out)

    def atan2(self, index: int, k: Value, out: Value) -> None:
        """(x^2 + y^2) f' = x y' - y x'."""
        y, x = self.nodes[index].args
        own = self.body.constant([0.0])
        for combine, a, b in (("add", y, x), ("sub", x, y)):
            if self.moving[a]:
                part = self._weighted(a, b, k) if self.moving[b] else self._lone(a, b, k)
                own = self.body.call(combine, own, part)
        self._integral(self._over(own, k), index, self.partners[index], k, out)

    def _lone(self, a: int, b: int, k: Value) -> Value:
        """k a_k b, where b does not move."""
        return self.body.call("mul", self.body.call("times", self.at(a, k), ("i64", k)), self.values[b])

    def pow(self, index: int, k: Value, out: Value) -> None:
        """u f' = r f u' for a fixed exponent r; otherwise e**(r log u)."""
        if index in self.partners:
            self._copy(self.at(self.partners[index], k), out)
            return
        body, (u, exponent) = self.body, self.nodes[index].args
        # k u_0 f_k = r sum j u_j f_(k-j) - sum of (k - j) u_j f_(k-j), the latter being k sum u_j f_(k-j) - sum j u_j f_(k-j)
        weighted = self._weighted(u, index, k)
        plain = self._sum(self.base(u), self.base(index), k, 1, k)
        more = body.call("add", self.values[exponent], body.constant([1.0]))
        total = body.call("sub", self._over(body.call("mul", more, weighted), k), plain)
        body.call("mul", total, self.inverses[u], into=out)

    def where(self, index: int, k: Value, out: Value) -> None:
        condition, a, b = self.nodes[index].args
        chosen = self.body.chosen(self.values[condition], self._series_or_none(a, k), self._series_or_none(b, k))
        self._copy(chosen, out)


_RULES: dict[str, Callable[[PreciseSeries, int, Value, Value], None]] = {
    "add": PreciseSeries.sum,
    "sub": PreciseSeries.sum,
    "neg": PreciseSeries.sum,
    "mul": PreciseSeries.mul,
    "div": PreciseSeries.div,
    "sqrt": PreciseSeries.sqrt,
    "exp": PreciseSeries.exp,
    "log": PreciseSeries.log,
    "log10": PreciseSeries.log10,
    "sin": PreciseSeries.chained,
    "cos": PreciseSeries.cos,
    "tan": PreciseSeries.chained,
    "sinh": PreciseSeries.chained,
    "cosh": PreciseSeries.chained,
    "tanh": PreciseSeries.chained,
    "asin": PreciseSeries.inverse,
    "acos": PreciseSeries.acos,
    "atan": PreciseSeries.inverse,
    "atan2": PreciseSeries.atan2,
    "pow": PreciseSeries.pow,
    "where": PreciseSeries.where,
}
