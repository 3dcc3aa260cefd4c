"""Normalised Taylor coefficients of every node of an analytic graph, order by order, as straight-line vector code.

The coefficient of order k of a node follows from lower orders of its arguments by a recurrence (automatic differentiation in Taylor
arithmetic: Moore 1966; the list of recurrences as in Griewank and Walther, Evaluating Derivatives, 2008, table 13.2). The recurrences of
one operation are one method below; a coefficient that is structurally zero is None and costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attractory.expressions.graph import Node
from attractory.kernels import functions
from attractory.kernels.branches import Branched
from attractory.kernels.lanes import Lanes, Value
from attractory.kernels.pointwise import LEAVES, operation, reachable
from attractory.kernels.running_sums import Coefficient, Product, RunningSums, oldest_first

SUMS = ("add", "sub", "neg")
_PARTNERS = {"sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh"}


class TaylorSeries(RunningSums):
    """Coefficients [node][order], made in order for all nodes that the roots need.

    Args:
        leaves: order-zero values of the leaves that are not constants, by node index.
    """

    def __init__(self, lanes: Lanes, graph: Branched, leaves: Callable[[Node], Value]) -> None:
        super().__init__(lanes)
        self.leaves = leaves
        self.nodes: list[Node] = list(graph.nodes)
        self.moving: list[bool] = list(graph.moving)
        self.known: dict[Node, int] = {node: index for index, node in enumerate(graph.nodes)}
        self.partners: dict[int, int] = {}
        self.pairs: dict[int, tuple[Value, Value]] = {}
        self.needed = self._with_companions(reachable(graph.nodes, [*graph.roots, *graph.watched]))
        self.table = [[] for _ in self.nodes]
        self.uses = self._uses(graph)
        self.absorbed = self._absorbed()

    def _uses(self, graph: Branched) -> list[int]:
        """How many needed nodes, recurrences, equations and switches read each node."""
        uses = [0] * len(self.nodes)
        read = [argument for index in self.needed for argument in self.nodes[index].args]
        for index in (*read, *self.partners.values(), *graph.roots, *graph.watched):
            uses[index] += 1
        return uses

    def _absorbed(self) -> set[int]:
        """Nodes that only one sum reads and that it takes apart: of these nothing but order zero is made."""
        sums = [index for index in self.needed if self.moving[index] and self.nodes[index].op in SUMS]
        return {term for index in sums for term in self.nodes[index].args if self._private(term, (*SUMS, "mul"))}

    def _private(self, index: int, ops: tuple[str, ...]) -> bool:
        return self.moving[index] and self.uses[index] == 1 and self.nodes[index].op in ops

    # the nodes that recurrences need beside the graph's own

    def _with_companions(self, needed: Sequence[int]) -> list[int]:
        """The needed nodes in an order in which each comes after all that its recurrence reads at the same order."""
        ordered: dict[int, None] = {}  # a set that keeps its order
        for index in needed:
            node = self.nodes[index]
            ordered |= dict.fromkeys(self._companions(index, node) if self.moving[index] else ())
            ordered[index] = None
            if self.moving[index] and node.op in ("tan", "tanh"):
                ordered |= dict.fromkeys(self._slope_of_tangent(index, node.op))
        return list(ordered)

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

    def _slope_of_tangent(self, index: int, op: str) -> tuple[int, int, int]:
        """1 +- f^2, the partner of f: it reads f at the same order, and f reads it at lower ones."""
        one, square = self._add("const", value=1.0), self._add("mul", index, index)
        self.partners[index] = self._add("add" if op == "tan" else "sub", one, square)
        return one, square, self.partners[index]

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
            if len(self.table[index]) == order and (wanted is None or index in wanted) and not (order and index in self.absorbed):
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
            return self.lanes.constant(node.constant)
        if node.op in LEAVES:
            return self.leaves(node)
        if node.op in ("sin", "cos"):
            return self._sine_or_cosine(index, node)
        return operation(self.lanes, node, [self.known_zero(argument) for argument in node.args])

    def _sine_or_cosine(self, index: int, node: Node) -> Value:
        """Both are made by one call; the partner finds its own waiting."""
        partner = self.partners.get(index)
        if partner is not None and self.table[partner]:
            sine, cosine = self.pairs[node.args[0]]
        else:
            sine, cosine = functions.sin_cos(self.lanes, *(self.known_zero(argument) for argument in node.args))
            self.pairs[node.args[0]] = (sine, cosine)
        return sine if node.op == "sin" else cosine

    # one recurrence an operation

    def leaf(self, index: int, k: int) -> Coefficient:
        """The time moves at rate one; modes stand still within a step; variables are set from outside."""
        return self.lanes.constant(1.0) if self.nodes[index].op == "time" and k == 1 else None

    def sum(self, index: int, k: int) -> Coefficient:
        """A whole tree of sums at once: products go into one chain of fused multiply-adds, what was known first at its beginning."""
        total = self.running(index, self._early_products, k)
        for a, factor in [part for sign, term in self._terms(index) for part in self._late(sign, term, k)]:
            total = self.plus(total, a) if factor is None else self.plus_product(total, a, factor)
        return total

    def _early_products(self, index: int, k: int) -> list[Product]:
        """A sum's products of lower orders than k, the oldest first."""
        found = [product for sign, term in self._terms(index) for product in self._products_of(sign, term, k) if product.newest < k]
        return sorted(found, key=lambda product: product.newest)

    def _products_of(self, sign: int, term: int, k: int) -> list[Product]:
        """The products that a term of a sum brings, where it is a product that nothing else reads."""
        if not self._private(term, ("mul",)):
            return []
        a, b = self.nodes[term].args
        if not self.moving[a] or not self.moving[b]:
            factor, series = (b, a) if self.moving[a] else (a, b)
            return [Product(k, self.at, (factor, 0), (series, k), sign)]
        if a == b:
            return [Product(max(j, k - j), self.doubled if 2 * j < k else self.at, (a, j), (a, k - j), sign) for j in range(k // 2 + 1)]
        return [Product(max(j, k - j), self.at, (a, j), (b, k - j), sign) for j in range(k + 1)]

    def _terms(self, index: int, sign: int = 1) -> list[tuple[int, int]]:
        """(sign, node) of the terms of a tree of sums; only nodes that nothing else reads are looked into."""
        node = self.nodes[index]
        first, second = node.args[0], node.args[-1]
        terms = [(-sign if node.op == "neg" else sign, first)]
        if node.op != "neg":
            terms.append((-sign if node.op == "sub" else sign, second))
        opened = []
        for inner_sign, inner in terms:
            opened += self._terms(inner, inner_sign) if self._private(inner, SUMS) else [(inner_sign, inner)]
        return opened

    def _late(self, sign: int, term: int, k: int) -> list[tuple[Value, Value | None]]:
        """What a term brings that needs order k itself: a value, or the two factors of a product."""
        if not self._private(term, ("mul",)):
            value = self.at(term, k)
            return [] if value is None else [(value if sign > 0 else self.lanes.neg(value), None)]
        made = [self.factors(product) for product in self._products_of(sign, term, k) if product.newest == k]
        return [(left, right) for left, right in made if left is not None and right is not None]

    def mul(self, index: int, k: int) -> Coefficient:
        a, b = self.nodes[index].args
        if not self.moving[a] or not self.moving[b]:
            factor, series = (b, a) if self.moving[a] else (a, b)
            return self.times(self.at(factor, 0), self.at(series, k))
        return self.square(a, k) if a == b else self.convolution(a, b, k)

    def div(self, index: int, k: int) -> Coefficient:
        a, b = self.nodes[index].args
        if not self.moving[b]:
            return self.times(self.at(a, k), self.reciprocal(b))
        rest = self.convolution(b, index, k, 1)
        return self.times(self.minus(self.at(a, k), rest), self.reciprocal(b))

    def sqrt(self, index: int, k: int) -> Coefficient:
        rest = self.minus(self.at(self.nodes[index].args[0], k), self.square(index, k, first=1))
        return self.times(self.over(rest, 2), self.reciprocal(index))

    def exp(self, index: int, k: int) -> Coefficient:
        return self.over(self.weighted(self.nodes[index].args[0], index, k), k)

    def log(self, index: int, k: int) -> Coefficient:
        u = self.nodes[index].args[0]
        return self.quotient(self.at(u, k), index, u, k)

    def log10(self, index: int, k: int) -> Coefficient:
        """As log, with u' / (u ln 10)."""
        u = self.nodes[index].args[0]
        return self.quotient(self.times(self.at(u, k), self.lanes.constant(0.4342944819032518)), index, u, k)  # 1 / ln 10

    def quotient(self, own: Coefficient, index: int, divisor: int, k: int) -> Coefficient:
        """f from g f' = own', with g the divisor."""
        rest = self.over(self.weighted(index, divisor, k, last=1), k)
        return self.times(self.minus(own, rest), self.reciprocal(divisor))

    def chained(self, index: int, k: int) -> Coefficient:
        """f' = g u' with the partner g: sin, sinh, cosh, tan, tanh."""
        return self.over(self.weighted(self.nodes[index].args[0], self.partners[index], k), k)

    def cos(self, index: int, k: int) -> Coefficient:
        return self.minus(None, self.chained(index, k))

    def inverse(self, index: int, k: int) -> Coefficient:
        """g f' = u' with the partner g: asin, atan."""
        return self.quotient(self.at(self.nodes[index].args[0], k), index, self.partners[index], k)

    def acos(self, index: int, k: int) -> Coefficient:
        """g f' = -u'."""
        return self.quotient(self.minus(None, self.at(self.nodes[index].args[0], k)), index, self.partners[index], k)

    def atan2(self, index: int, k: int) -> Coefficient:
        """(x^2 + y^2) f' = x y' - y x'."""
        y, x = self.nodes[index].args
        gain, loss = self.weighted(y, x, k), self.weighted(x, y, k)
        return self.quotient(self.over(self.minus(gain, loss), k), index, self.partners[index], k)

    def pow(self, index: int, k: int) -> Coefficient:
        """u f' = r f u' for a fixed exponent r; otherwise e**(r log u)."""
        if index in self.partners:
            return self.at(self.partners[index], k)
        u, exponent = self.nodes[index].args
        terms = []
        for j in oldest_first(range(1, k + 1), k):
            # r j - (k - j)
            factor = self.lanes.fma(self.known_zero(exponent), self.lanes.constant(j), self.lanes.constant(j - k))
            terms.append((self.times(factor, self.at(u, j)), self.at(index, k - j)))
        return self.times(self.over(self.products(terms), k), self.reciprocal(u))

    def where(self, index: int, k: int) -> Coefficient:
        condition, a, b = self.nodes[index].args
        first, second = self.at(a, k), self.at(b, k)
        if first is None and second is None:
            return None
        zero = self.lanes.constant(0.0)
        return self.lanes.select(self.known_zero(condition), first or zero, second or zero)

    def condition(self, index: int, k: int) -> Coefficient:
        return None


_RULES: dict[str, Callable[[TaylorSeries, int, int], Coefficient]] = {
    "variable": TaylorSeries.leaf,
    "time": TaylorSeries.leaf,
    "signum": TaylorSeries.leaf,
    "level": TaylorSeries.leaf,
    "positive": TaylorSeries.condition,
    "slides": TaylorSeries.condition,
    "and": TaylorSeries.condition,
    "or": TaylorSeries.condition,
    "not": TaylorSeries.condition,
    "add": TaylorSeries.sum,
    "sub": TaylorSeries.sum,
    "neg": TaylorSeries.sum,
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
