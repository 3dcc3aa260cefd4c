"""The nodes of a series as units of work: what each reads, which recurrence it is, and which of its values the others need.

A unit is a node that is no leaf, with the sums and products that it takes apart: the same trees that `TaylorSeries` absorbs. Its pattern
says all that its code depends on, so that units with one pattern can share a loop. Terms of a sum are put in order by their kind, and a sum
of many terms becomes a tree of short ones: both keep the number of patterns small, and a tree has no long chain to wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from attractory.expressions.graph import Node
from attractory.expressions.operations import CONDITIONS
from attractory.expressions.phases import LOST
from attractory.kernels.branches import Branched
from attractory.kernels.lanes import Lanes
from attractory.kernels.taylor import SUMS, TaylorSeries

# A unit's code grows with the products of two series in it; so many at most keep it short, and few enough loads go with each.
MOST_PRODUCTS, MOST_TERMS = 4, 8
# What a node is to those who read it: coefficients of every order, of the newest order alone, a number, the time, a condition.
SERIES, NEWEST, NUMBER, TIME, CONDITION = "series", "newest", "number", "time", "condition"
VARYING = (SERIES, NEWEST, TIME)
_DIVISOR: dict[str, Callable[[Unit], int]] = {
    "div": lambda unit: unit.reads[1],
    "sqrt": lambda unit: unit.node,
    **{op: lambda unit: unit.reads[0] for op in ("log", "log10", "pow")},
    **{op: lambda unit: unit.reads[-1] for op in ("asin", "acos", "atan", "atan2")},
}


class Term(NamedTuple):
    """A term of a sum: its sign, and one node or the two factors of a product."""

    sign: int
    factors: tuple[int, ...]


class Unit(NamedTuple):
    """A node's work. `reads` are the nodes that its recurrence reads, a sum's in the order of its terms; a partner is the last."""

    node: int
    op: str
    reads: tuple[int, ...]
    terms: tuple[Term, ...] = ()
    partner: bool = False


class Pattern(NamedTuple):
    """What the code of a unit depends on, beside the order and where its numbers lie."""

    op: str
    kinds: tuple[str, ...]
    terms: tuple[tuple[int, int, bool], ...]  # sign, columns, whether it is a product
    partner: bool
    divides: bool
    varies: bool
    out: str  # SERIES, NEWEST, NUMBER, CONDITION, or "rate"


@dataclass
class Units:
    """All units of a system, each behind those that it reads at the same order; `kinds` are those of all nodes."""

    series: TaylorSeries
    nodes: list[Node]
    kinds: list[str]
    history: set[int]  # nodes whose lower orders somebody reads
    leaves: list[int]
    units: list[Unit] = field(default_factory=list)

    def varies(self, index: int) -> bool:
        return self.kinds[index] in VARYING

    def pattern(self, unit: Unit, out: str) -> Pattern:
        kinds = tuple(self.kinds[index] for index in unit.reads)
        terms = tuple((term.sign, len(set(term.factors)), len(term.factors) == 2) for term in unit.terms)
        return Pattern(unit.op, kinds, terms, unit.partner, self.divisor(unit) is not None, self.varies(unit.node), out)

    def divisor(self, unit: Unit) -> int | None:
        """The node by whose order zero the recurrence divides."""
        if not self.varies(unit.node) or unit.op not in _DIVISOR or (unit.op == "pow" and unit.partner):
            return None
        return _DIVISOR[unit.op](unit)


def units_of(graph: Branched) -> Units:
    """The units of a graph and of the companions of its nodes."""
    return _Builder(TaylorSeries(Lanes(1), graph, lambda node: "")).units()


def members_of_a_pattern(graph: Branched) -> float:
    """How many units have the same pattern, on average: how often a loop over one pattern would go round."""
    found = units_of(graph)
    return len(found.units) / max(1, len({found.pattern(unit, found.kinds[unit.node]) for unit in found.units}))


class _Builder:
    def __init__(self, series: TaylorSeries) -> None:
        self.series = series
        self.nodes = list(series.nodes)
        self.varies = [False] * len(self.nodes)
        for index in series.needed:
            node = self.nodes[index]
            reads = () if node.op in LOST else node.args
            self.varies[index] = node.op in ("variable", "time") or any(self.varies[argument] for argument in reads)

    def units(self) -> Units:
        leaves = [index for index in self.series.needed if not self.nodes[index].args]
        needed = [index for index in self.series.needed if self.nodes[index].args]
        sums = [index for index in needed if self.nodes[index].op in SUMS]
        absorbed = {argument for index in sums for argument in self.nodes[index].args if self._private(argument, (*SUMS, "mul"))}
        plain = [self._unit(index) for index in needed if index not in absorbed]
        history = {index for unit in plain for index in self._read_with_history(unit)}
        self.found = Units(self.series, self.nodes, [self._kind(index, history) for index in range(len(self.nodes))], history, leaves)
        for unit in plain:
            self._append(unit)
        return self.found

    def _kind(self, index: int, history: set[int]) -> str:
        op = self.nodes[index].op
        if op in CONDITIONS or op in ("positive", "slides"):
            return CONDITION
        if op == "time":
            return TIME
        if not self.varies[index]:
            return NUMBER
        return SERIES if op == "variable" or index in history else NEWEST

    def _private(self, index: int, ops: tuple[str, ...]) -> bool:
        return self.series.uses[index] == 1 and self.nodes[index].op in ops

    def _unit(self, index: int) -> Unit:
        node = self.nodes[index]
        if node.op in SUMS:
            return Unit(index, "sum", (), tuple(self._terms(index)))
        if node.op == "mul":
            return Unit(index, "sum", (), (Term(1, node.args),))
        partner = self.series.partners.get(index)
        reads = node.args if partner is None else (*node.args, partner)
        return Unit(index, node.op, reads, partner=partner is not None)

    def _terms(self, index: int) -> Iterator[Term]:
        """The terms of a tree of sums, from left to right; nodes that nothing else reads are looked into."""
        stack = [(1, index)]
        while stack:
            sign, inner = stack.pop()
            node = self.nodes[inner]
            if inner == index or self._private(inner, SUMS):
                last = -sign if node.op in ("sub", "neg") else sign
                stack.append((last, node.args[-1]))
                if node.op != "neg":
                    stack.append((sign, node.args[0]))
            else:
                yield Term(sign, node.args if self._private(inner, ("mul",)) else (inner,))

    def _read_with_history(self, unit: Unit) -> list[int]:
        """The nodes of which the recurrence reads lower orders."""
        if not self.varies[unit.node] or unit.op == "where" or (unit.op == "pow" and unit.partner):
            return []
        if unit.op == "sum":
            products = [term.factors for term in unit.terms if len(term.factors) == 2 and all(self.varies[index] for index in term.factors)]
            return [index for factors in products for index in factors]
        if unit.op == "div" and not self.varies[unit.reads[1]]:
            return []
        return [unit.node, *(index for index in unit.reads if self.varies[index])]

    # long sums

    def _append(self, unit: Unit) -> None:
        """The unit, behind the partial sums that a long one is made of."""
        if unit.op == "sum":
            terms = sorted(unit.terms, key=self._class) if len(unit.terms) > 1 else unit.terms
            while self._too_long(terms):
                terms = self._shorter(terms)
            unit = _sum(unit.node, terms)
        self.found.units.append(unit)

    def _class(self, term: Term) -> tuple[int, int, tuple[str, ...], bool]:
        """Products of series first: part of them is known before the newest order is."""
        varying = sum(self.varies[index] for index in term.factors)
        rank = 0 if varying == 2 else 1 if varying and len(term.factors) == 2 else 2 if varying else 3
        return rank, -term.sign, tuple(self.found.kinds[index] for index in term.factors), len(set(term.factors)) == 1

    def _too_long(self, terms: Sequence[Term]) -> bool:
        return len(terms) > MOST_TERMS or (len(terms) > MOST_PRODUCTS and sum(map(self._convolution, terms)) > MOST_PRODUCTS)

    def _convolution(self, term: Term) -> bool:
        return len(term.factors) == 2 and all(self.varies[index] for index in term.factors)

    def _shorter(self, terms: Sequence[Term]) -> list[Term]:
        """The same sum with partial sums of terms of one kind in place of these; of any kinds where no kind has two."""
        kinds = [list(group) for _, group in groupby(terms, key=self._class)]
        if all(len(kind) == 1 for kind in kinds):
            kinds = [list(terms)]
        pieces = [piece for kind in kinds for piece in self._pieces(kind)]
        return sorted((self._partial(piece) for piece in pieces), key=self._class)

    def _pieces(self, terms: Sequence[Term]) -> Iterator[Sequence[Term]]:
        size = MOST_PRODUCTS if any(self._convolution(term) for term in terms) else MOST_TERMS
        return (terms[place : place + size] for place in range(0, len(terms), size))

    def _partial(self, terms: Sequence[Term]) -> Term:
        if len(terms) == 1:
            return terms[0]
        index = len(self.nodes)
        self.nodes.append(Node("sum"))
        self.varies.append(any(self.varies[factor] for term in terms for factor in term.factors))
        self.found.kinds.append(NEWEST if self.varies[index] else NUMBER)
        self.found.units.append(_sum(index, terms))
        return Term(1, (index,))


def _sum(index: int, terms: Iterable[Term]) -> Unit:
    kept = tuple(terms)
    return Unit(index, "sum", tuple(factor for term in kept for factor in dict.fromkeys(term.factors)), kept)
