"""One unit's coefficient of one order by the recurrences of `TaylorSeries`, its arguments read from rows of a table.

All members of a group run the same code, so it is written for one of them: a series of a few nodes, one for each column of the group's
table, whose coefficients are loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from attractory.expressions.graph import Node
from attractory.kernels.groups import COPY, LEAF, RATE, RECIPROCAL, TURN
from attractory.kernels.lanes import Lanes, Value, row_pointer
from attractory.kernels.pointwise import sign_mode
from attractory.kernels.running_sums import Coefficient
from attractory.kernels.taylor import TaylorSeries
from attractory.kernels.units import CONDITION, NUMBER, SERIES, TIME, VARYING, Pattern

_TABLE, _MODES = "%c", "%m"
# Recurrences that read the newest order of their arguments alone, whatever these are.
_NEWEST_ALONE = ("where", COPY)


def early_is_known(k: int, order: int) -> bool:
    """Whether the part of a sum of order k that needs lower orders alone was added up along with the order before."""
    return k % 2 == 1 and 3 <= k < order


def emit_member(lanes: Lanes, pattern: Pattern, k: int, order: int, rows: Sequence[Value]) -> None:
    """The code of one member at order k of `order`: its result goes to the last of its rows."""
    if pattern.op == LEAF:
        _emit_mode(lanes, pattern, rows)
    elif pattern.op == TURN:
        _emit_turn(lanes, pattern, rows)
    else:
        _emit_unit(lanes, pattern, k, order, rows)


def _emit_unit(lanes: Lanes, pattern: Pattern, k: int, order: int, rows: Sequence[Value]) -> None:
    member = _Member(lanes, pattern, k, rows)
    _store(lanes, pattern, k, member.pointers[-1], member.result(early_is_known(k, order)))
    if pattern.op == "sum" and early_is_known(k + 1, order):
        early = member.early_part(k + 1)
        if early is not None:
            lanes.store(early, member.pointers[-1], member.early_row(k + 1))
    if pattern.op == "sin" and pattern.partner and k == 0:
        _, cosine = member.pairs[0]
        lanes.store(cosine, member.pointers[member.own - 1], 0)


def _store(lanes: Lanes, pattern: Pattern, k: int, pointer: str, value: Coefficient) -> None:
    if value is None:
        value = lanes.constant(0.0)
    if pattern.out == CONDITION:
        value = lanes.select(value, lanes.constant(1.0), lanes.constant(0.0))
    if pattern.out == RATE and k:
        value = lanes.mul(value, lanes.constant(1.0 / (k + 1)))
    lanes.store(value, pointer, k if pattern.out in (SERIES, RATE) else 0)


def _emit_mode(lanes: Lanes, pattern: Pattern, rows: Sequence[Value]) -> None:
    """A mode from where the driver keeps it, as a number or, for "positive" and "slides", as a condition."""
    value = lanes.load(row_pointer(lanes, _MODES, rows[0]), 0)
    if pattern.out == CONDITION:
        above = lanes.compare("oeq" if pattern.kinds == ("slides",) else "ogt", value, lanes.constant(0.0))
        value = lanes.select(above, lanes.constant(1.0), lanes.constant(0.0))
    lanes.store(value, row_pointer(lanes, _TABLE, rows[1]), 0)


def _emit_turn(lanes: Lanes, pattern: Pattern, rows: Sequence[Value]) -> None:
    """The mode that a function's value asks for."""
    value = lanes.load(row_pointer(lanes, _TABLE, rows[0]), 0)
    if pattern.kinds == ("level",):
        mode = lanes.intrinsic("floor", value)
    else:
        mode = sign_mode(lanes, value)
    lanes.store(mode, row_pointer(lanes, _MODES, rows[1]), 0)


class _Term(NamedTuple):
    """A term of the sum: its sign and its node, and the columns that it reads."""

    sign: int
    node: int
    columns: tuple[int, ...]


class _Member(TaylorSeries):
    """Nodes: one a column that is read, the unit itself, then a sum's products."""

    def __init__(self, lanes: Lanes, pattern: Pattern, k: int, rows: Sequence[Value]) -> None:
        self.lanes, self.pattern, self.k = lanes, pattern, k
        self.pairs, self.scaled_terms, self.reciprocals, self.sums, self.begun = {}, {}, {}, {}, {}
        count = len(pattern.kinds)
        self.own = count
        arguments = tuple(range(count - pattern.partner))
        self.nodes = [Node("") for _ in range(count)] + [Node(pattern.op, arguments)]
        self.moving = [kind in VARYING for kind in pattern.kinds] + [pattern.varies]
        self.partners = {count: count - 1} if pattern.partner else {}
        self.terms = self._make_terms()
        self.pointers = [row_pointer(lanes, _TABLE, row) for row in rows]
        if pattern.divides and k:
            self.reciprocals = dict.fromkeys(range(count + 1), lanes.load(self.pointers[-2], 0))
        self.table = [self._column(column) for column in range(count)] + [self._own_history()]

    def result(self, early_is_known: bool) -> Coefficient:
        if self.pattern.op == "sum":
            return self._total(early_is_known)
        if self.pattern.op == COPY:
            return self.at(0, self.k)
        if self.pattern.op == RECIPROCAL:
            return self.reciprocal(0)
        return self._coefficient(self.own, self.k)

    # sums: what needs lower orders alone can be added up one order ahead, while these are in registers

    def _total(self, early_is_known: bool) -> Coefficient:
        early, late = self._products(self.k)
        if early and early_is_known:
            total: Coefficient = self.lanes.load(self.pointers[-1], self.early_row(self.k))
        else:
            total = self.products(early)
        for a, factor in late:
            total = self.plus(total, a) if factor is None else self.plus_product(total, a, factor)
        return total

    def early_part(self, k: int) -> Coefficient:
        """The sum of the products of lower orders than k, the oldest first."""
        return self.products(self._products(k)[0])

    def early_row(self, k: int) -> int:
        """Where it waits, counted from the result's row: where the coefficient itself will be, if all orders are kept."""
        return k if self.pattern.out in (SERIES, RATE) else 1

    def _products(self, k: int) -> tuple[list[tuple[Value, Value]], list[tuple[Value, Value | None]]]:
        """Products of lower orders than k, the oldest first, and what needs order k itself."""
        early: list[tuple[int, Value, Value]] = []
        late: list[tuple[Value, Value | None]] = []
        for term in self.terms:
            products = self._products_of(term.sign, term.node, k)
            for product in products:  # in the order of memory
                left, right = self.factors(product)
                if left is None or right is None:
                    continue
                if product.newest < k:
                    early.append((product.newest, left, right))
                else:
                    late.append((left, right))
            late += [] if products else self._late(term.sign, term.node, k)
        return [(a, b) for _, a, b in sorted(early, key=lambda product: product[0])], late

    def _private(self, index: int, ops: tuple[str, ...]) -> bool:
        return index > self.own

    def _make_terms(self) -> list[_Term]:
        terms, first = [], 0
        for sign, columns, product in self.pattern.terms:
            read = tuple(range(first, first + columns))
            first += columns
            terms.append(_Term(sign, len(self.nodes) if product else read[0], read))
            if product:
                self.nodes.append(Node("mul", read if columns == 2 else read * 2))
                self.moving.append(True)
        return terms

    # coefficients

    def _column(self, column: int) -> list[Coefficient]:
        """The coefficients of orders 0 to k that the recurrence may read, and none of the next; a partner's newest may not be there yet."""
        kind, pointer, k = self.pattern.kinds[column], self.pointers[column], self.k
        if self.pattern.partner and column == self.own - 1 and not k:
            return []
        if kind == CONDITION:
            return [self.lanes.compare("une", self.lanes.load(pointer, 0), self.lanes.constant(0.0))]
        rows = {k: k if kind == SERIES else 0}
        if kind in (NUMBER, TIME):
            rows = {0: 0}
        elif kind == SERIES and self._reads_history(column):
            rows = {j: j for j in range(k + 1)}
        coefficients = _Loads(self.lanes, pointer, k + 2, rows)
        if kind == TIME:
            coefficients[1] = self.lanes.constant(1.0)
        return coefficients

    def _reads_history(self, column: int) -> bool:
        if self.pattern.op == "sum":
            return any(column in term.columns and self._convolves(term) for term in self.terms)
        divides_by_number = self.pattern.op == "div" and not self.moving[1]
        through_partner = self.pattern.op == "pow" and self.pattern.partner
        return not (divides_by_number or through_partner or self.pattern.op in _NEWEST_ALONE)

    def _convolves(self, term: _Term) -> bool:
        return term.node > self.own and all(self.moving[column] for column in term.columns)

    def _own_history(self) -> list[Coefficient]:
        """The unit's own lower orders, where they are kept."""
        return _Loads(self.lanes, self.pointers[-1], self.k, {j: j for j in range(self.k)} if self.pattern.out == SERIES else {})


class _Loads(list[Coefficient]):
    """`count` coefficients, of which those in `rows` are loaded when they are first asked for."""

    def __init__(self, lanes: Lanes, pointer: str, count: int, rows: Mapping[int, int]) -> None:
        super().__init__([None] * count)
        self.lanes, self.pointer, self.waiting = lanes, pointer, dict(rows)

    def __getitem__(self, order: Any) -> Any:
        if order in self.waiting:
            self[order] = self.lanes.load(self.pointer, self.waiting.pop(order))
        return super().__getitem__(order)
