"""Sums and products of expansions in registers: a number as a sum of `count` doubles, each about 2^-53 of the one before.

Everything is made of two transformations that lose nothing: the sum of two doubles with what its rounding lost (Knuth), and the product
likewise, by a fused multiply-add. What is of one size is added up on one level, and each rounding goes to the next; the last level is
plain arithmetic. Then the levels are put in order (Hida, Li and Bailey, ARITH-15, 155 (2001); Joldes, Marty, Muller and Popescu, IEEE
Trans. Computers 65, 1197 (2016)). No branch depends on a number, so lanes go together, and each operation is IEEE's: the bits are the
same on every machine."""

from __future__ import annotations

from collections.abc import Sequence

from attractory.kernels.lanes import Lanes, Value

Expansion = Sequence[Value]


class Levels:
    """A sum under way: level s holds what is about 2^(-53 s) of the whole, the last one all that is smaller too."""

    def __init__(self, lanes: Lanes, count: int, first: Expansion = ()) -> None:
        self.lanes = lanes
        self.sums: list[Value | None] = [*first, *[None] * (count - len(first))]
        self.last: list[Value] = []

    @property
    def count(self) -> int:
        return len(self.sums)

    def put(self, level: int, value: Value) -> None:
        """Adds a number to a level."""
        for place in range(level, self.count - 1):
            total = self.sums[place]
            if total is None:
                self.sums[place] = value
                return
            self.sums[place], value = self.lanes.two_sum(total, value)
        if level < self.count:
            self.last.append(value)

    def add(self, a: Expansion) -> None:
        for level, value in enumerate(a):
            self.put(level, value)

    def multiply(self, a: Expansion, b: Expansion) -> None:
        """Adds a product: of its parts those that the last level still shows."""
        for level in range(self.count):
            for place in range(max(0, level - len(b) + 1), min(level, len(a) - 1) + 1):
                self._product(level, a[place], b[level - place])

    def _product(self, level: int, a: Value, b: Value) -> None:
        if level == self.count - 1:
            self.last.append(self.lanes.fma(a, b, self.last.pop(0)) if self.last else self.lanes.mul(a, b))
            return
        product = self.lanes.mul(a, b)
        rest = self.lanes.fma(a, b, self.lanes.neg(product))
        self.put(level, product)
        self.put(level + 1, rest)

    def totals(self) -> list[Value]:
        """The levels as they are; what waits for the last one is added pairwise, so that nothing waits long for its turn."""
        waiting = self.last
        while len(waiting) > 1:
            waiting = [self.lanes.add(*waiting[i : i + 2]) if i + 1 < len(waiting) else waiting[i] for i in range(0, len(waiting), 2)]
        self.last = []
        before = self.sums[-1]
        if waiting:
            self.sums[-1] = waiting[0] if before is None else self.lanes.add(before, waiting[0])
        zero = self.lanes.constant(0.0)
        return [zero if total is None else total for total in self.sums]

    def result(self) -> list[Value]:
        """The sum as an expansion."""
        return ordered(self.lanes, self.totals())


def ordered(lanes: Lanes, terms: Expansion) -> list[Value]:
    """The same sum with each word the rounded value of all that follows it and itself, but for the last bits of the last."""
    values = list(terms)
    for first in (0, *range(len(values) - 1)):  # the first word twice: its first value may be what a cancellation left
        for place in range(len(values) - 2, first - 1, -1):
            values[place], values[place + 1] = lanes.two_sum(values[place], values[place + 1])
    return values


def negated(lanes: Lanes, a: Expansion) -> list[Value]:
    return [lanes.neg(word) for word in a]


def total(lanes: Lanes, a: Expansion, b: Expansion) -> list[Value]:
    levels = Levels(lanes, max(len(a), len(b)), a)
    levels.add(b)
    return levels.result()


def product(lanes: Lanes, a: Expansion, b: Expansion, count: int) -> list[Value]:
    levels = Levels(lanes, count)
    levels.multiply(a, b)
    return levels.result()
