"""Sums of products of Taylor coefficients, each begun as soon as its first products are known: what recurrences are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from attractory.kernels.lanes import Lanes, Value

Coefficient = Value | None


def oldest_first(orders: Iterable[int], k: int) -> list[int]:
    """The j of products of orders j and k - j, those known first at the beginning: their sum can start before the newest are there."""
    return sorted(orders, key=lambda j: max(j, k - j))


@dataclass(frozen=True)
class Product:
    """left(a) times the coefficient b, or less it: `newest` is the larger of the two orders."""

    newest: int
    left: Callable[[int, int], Coefficient]
    a: tuple[int, int]
    b: tuple[int, int]
    sign: int = 1


class _Begun:
    """A sum of products: its value so far, and the products that are not in it yet, the next one last."""

    def __init__(self, products: list[Product]) -> None:
        self.total: Coefficient = None
        self.products = products[::-1]


class RunningSums:
    """A table of coefficients [node][order], and the sums over it that are under way."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.table: list[list[Coefficient]] = []
        self.scaled_terms: dict[tuple[int, int], Coefficient] = {}
        self.reciprocals: dict[int, Value] = {}
        self.sums: dict[Any, Callable[[Any, int], list[Product]]] = {}
        self.begun: dict[tuple[Any, int], _Begun] = {}

    def at(self, index: int, k: int) -> Coefficient:
        return self.table[index][k]

    def scaled(self, index: int, j: int) -> Coefficient:
        """j times the coefficient of order j."""
        if (index, j) not in self.scaled_terms:
            value = self.table[index][j]
            self.scaled_terms[index, j] = value if value is None or j == 1 else self.lanes.mul(value, self.lanes.constant(j))
        return self.scaled_terms[index, j]

    def products(self, pairs: Iterable[tuple[Coefficient, Coefficient]]) -> Coefficient:
        """The sum of the products that are not structurally zero, one chain of fused multiply-adds in the order given."""
        total: Coefficient = None
        for a, b in pairs:
            if a is not None and b is not None:
                total = self.lanes.mul(a, b) if total is None else self.lanes.fma(a, b, total)
        return total

    def convolution(self, a: int, b: int, k: int, first: int = 0, *, last: int = 0) -> Coefficient:
        """The sum of a_j b_(k-j) over first <= j <= k - last."""
        return self.running((self.at, a, b, first, last), self._convolved, k)

    def weighted(self, a: int, b: int, k: int, *, last: int = 0) -> Coefficient:
        """The sum of j a_j b_(k-j) over 1 <= j <= k - last."""
        return self.running((self.scaled, a, b, 1, last), self._convolved, k)

    def _convolved(self, key: Any, k: int) -> list[Product]:
        left, a, b, first, last = key
        return [Product(max(j, k - j), left, (a, j), (b, k - j)) for j in oldest_first(range(first, k - last + 1), k)]

    def running(self, key: Any, products: Callable[[Any, int], list[Product]], k: int) -> Coefficient:
        """The sum of products(key, k), of which a part may have been added up before."""
        self.sums.setdefault(key, products)
        self._add_up(key, k, k)
        return self.begun.pop((key, k)).total

    def _add_up(self, key: Any, k: int, known: int) -> None:
        """Adds to a sum of order k the next products of orders up to `known`."""
        if (key, k) not in self.begun:
            self.begun[key, k] = _Begun(self.sums[key](key, k))
        begun = self.begun[key, k]
        while begun.products and begun.products[-1].newest <= known:
            begun.total = self.plus_product(begun.total, *self.factors(begun.products.pop()))

    def factors(self, product: Product) -> tuple[Coefficient, Coefficient]:
        left, right = product.left(*product.a), self.at(*product.b)
        return (self.lanes.neg(left) if left is not None and right is not None and product.sign < 0 else left), right

    def plus_product(self, total: Coefficient, a: Coefficient, b: Coefficient) -> Coefficient:
        if a is None or b is None:
            return total
        return self.lanes.mul(a, b) if total is None else self.lanes.fma(a, b, total)

    def look_ahead(self, known: int, orders: Iterable[int]) -> None:
        """Adds up those products of sums of these orders that orders up to `known` allow, the oldest of all first."""
        todo = [(key, k) for k in orders for key in self.sums]
        for newest in range(known + 1):
            for key, k in todo:
                self._add_up(key, k, newest)

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
            self.reciprocals[index] = self.lanes.div(self.lanes.constant(1.0), self.known_zero(index))
        return self.reciprocals[index]

    def square(self, a: int, k: int, first: int = 0) -> Coefficient:
        """The sum of a_j a_(k-j) over first <= j <= k - first, each pair once and doubled."""
        return self.running((a, first), self._squared, k)

    def _squared(self, key: Any, k: int) -> list[Product]:
        a, first = key
        orders = oldest_first(range(first, k // 2 + 1), k)
        return [Product(max(j, k - j), self.doubled if 2 * j < k else self.at, (a, j), (a, k - j)) for j in orders]

    def doubled(self, index: int, j: int) -> Coefficient:
        """Twice a coefficient, made once."""
        if (index, -j - 1) not in self.scaled_terms:
            value = self.table[index][j]
            self.scaled_terms[index, -j - 1] = None if value is None else self.lanes.add(value, value)
        return self.scaled_terms[index, -j - 1]

    def known_zero(self, index: int) -> Value:
        value = self.table[index][0]
        if value is None:
            message = f"node {index} has no value at order zero"
            raise RuntimeError(message)
        return value
