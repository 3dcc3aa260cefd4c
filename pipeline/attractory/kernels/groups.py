"""Where the coefficients of a large system lie, and which of its units share a loop.

The table of coefficients is the kernel's array c: rows of lanes, `order + 1` of them for each variable and each switch, as the driver reads
them, then those of the other nodes: as many where somebody reads lower orders, one where only the newest order is read. Units of one
pattern and one level, which no unit of a lower level has to wait for, are a group: one loop over a table of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from attractory.kernels.branches import MODES, Branched
from attractory.kernels.units import NEWEST, NUMBER, SERIES, Pattern, Unit, Units, units_of

RATE = "rate"
LEAF, TURN, RECIPROCAL, COPY = ("leaf", "turn", "reciprocal", "copy")


@dataclass(frozen=True)
class Group:
    """Rows [member][column] of units with one pattern: of what they read, of a divisor's reciprocal, of the result. The first `last`
    members are needed for the switches at the highest order too."""

    pattern: Pattern
    members: tuple[tuple[int, ...], ...]
    last: int


def simple(op: str, kind: str, out: str) -> Pattern:
    """The pattern of a unit that reads one row and is no recurrence."""
    return Pattern(op, (kind,), (), partner=False, divides=False, varies=kind in (SERIES, NEWEST), out=out)


class Layout:
    """Rows and groups of one system at one order."""

    def __init__(self, graph: Branched, variables: int, order: int) -> None:
        self.graph, self.variables, self.order = graph, variables, order
        self.found: Units = units_of(graph)
        self.rates = self._direct_rates()
        self.rows = (variables + len(graph.watched)) * (order + 1)
        self.row: dict[int, int] = {}
        self.reciprocal: dict[int, int] = {}
        self._place()

    def _direct_rates(self) -> dict[int, int]:
        """Variable by node, where a variable's rate is all that the node is for: no other row holds it."""
        roots, uses = self.graph.roots, self.found.series.uses
        possible = {unit.node for unit in self.found.units} - self.found.history
        return {root: variable for variable, root in enumerate(roots) if uses[root] == 1 and root in possible}

    def _place(self) -> None:
        for leaf in self.found.leaves:
            node = self.found.nodes[leaf]
            self.row[leaf] = node.place * (self.order + 1) if node.op == "variable" else self._new(1)
        for unit in self.found.units:
            if unit.node in self.rates:
                self.row[unit.node] = self.rates[unit.node] * (self.order + 1) + 1
            else:  # two rows at least: the second for what is known early
                self.row[unit.node] = self._new(self.order + 1 if unit.node in self.found.history else 2)
            divisor = self.found.divisor(unit)
            if divisor is not None and divisor not in self.reciprocal:
                self.reciprocal[divisor] = self._new(1)

    def _new(self, count: int) -> int:
        self.rows += count
        return self.rows - count

    # what is done once a step

    def leaves(self, *ops: str) -> list[tuple[int, int]]:
        """(place, row) of the leaves of these operations."""
        nodes = self.found.nodes
        return [(nodes[leaf].place, self.row[leaf]) for leaf in self.found.leaves if nodes[leaf].op in ops]

    def constants(self) -> list[tuple[float, int]]:
        nodes = self.found.nodes
        return [(nodes[leaf].constant, self.row[leaf]) for leaf in self.found.leaves if nodes[leaf].op == "const"]

    @cached_property
    def order_zero(self) -> list[Group]:
        """The values of all nodes but leaves, the reciprocals, the rates, and the switches' functions."""
        levels: dict[int, int] = {}
        groups = _Groups()
        for leaf in self.found.leaves:
            if self.found.nodes[leaf].op in MODES:
                self._mode(groups, leaf, 0)
        for unit in self._units_of_order_zero():
            level = 1 + max((levels.get(index, 0) for index in self._arguments(unit)), default=0)
            self._value(groups, levels, unit, level)
        for divisor, row in self.reciprocal.items():
            groups.add(levels.get(divisor, 0) + 1, simple(RECIPROCAL, self.found.kinds[divisor], NUMBER), (self.row[divisor], row))
        self._copies(groups, levels)
        return groups.sorted()

    @cached_property
    def turns(self) -> list[Group]:
        """The modes, each behind those that its function depends on; rows of TURN are the function's and the mode's own."""
        wanted = self._closure([switch.function for switch in self.graph.switches])
        units = {unit.node: unit for unit in self._units_of_order_zero()}
        levels: dict[int, int] = {}
        groups = _Groups()
        for index in self._in_order(wanted):
            node = self.found.nodes[index]
            if node.op in MODES:
                levels[index] = levels.get(self.graph.switches[node.place].function, 0) + 2
                self._mode(groups, index, levels[index])
            elif index in units:
                level = 1 + max((levels.get(argument, 0) for argument in self._arguments(units[index])), default=0)
                self._value(groups, levels, units[index], level)
        for place, switch in enumerate(self.graph.switches):
            groups.add(levels.get(switch.function, 0) + 1, simple(TURN, switch.kind, NUMBER), (self.row[switch.function], place))
        return groups.sorted()

    @cached_property
    def higher_orders(self) -> list[Group]:
        """The recurrences of what varies, and the rates and switches' rows, which are written at every order."""
        wanted = self._closure(self.graph.watched)
        levels: dict[int, int] = {}
        groups = _Groups()
        for unit in self.found.units:
            if self.found.varies(unit.node) or unit.node in self.rates:
                reads = unit.reads[-1:] if unit.op == "pow" and unit.partner else self._arguments(unit)
                levels[unit.node] = 1 + max((levels.get(index, 0) for index in reads), default=0)
                groups.add(levels[unit.node], self._pattern(unit), self._columns(unit), last=unit.node in wanted)
        self._copies(groups, levels)
        return groups.sorted()

    # pieces

    def _units_of_order_zero(self) -> list[Unit]:
        """A sine gives its cosine too."""
        return [unit for unit in self.found.units if unit.op != "cos" or not unit.partner]

    def _arguments(self, unit: Unit) -> Sequence[int]:
        return unit.reads[:-1] if unit.partner else unit.reads

    def _pattern(self, unit: Unit) -> Pattern:
        out = RATE if unit.node in self.rates else self.found.kinds[unit.node]
        return self.found.pattern(unit, out)

    def _columns(self, unit: Unit) -> tuple[int, ...]:
        divisor = self.found.divisor(unit)
        divisors = () if divisor is None else (self.reciprocal[divisor],)
        return (*(self.row[index] for index in unit.reads), *divisors, self.row[unit.node])

    def _value(self, groups: _Groups, levels: dict[int, int], unit: Unit, level: int) -> None:
        levels[unit.node] = level
        if unit.op == "sin" and unit.partner:
            levels[unit.reads[-1]] = level
        groups.add(level, self._pattern(unit), self._columns(unit))

    def _mode(self, groups: _Groups, leaf: int, level: int) -> None:
        pattern = simple(LEAF, self.found.nodes[leaf].op, self.found.kinds[leaf])
        groups.add(level, pattern, (self.found.nodes[leaf].place, self.row[leaf]))

    def _copies(self, groups: _Groups, levels: Mapping[int, int]) -> None:
        for variable, root in enumerate(self.graph.roots):
            if root not in self.rates:
                pattern, row = simple(COPY, self.found.kinds[root], RATE), variable * (self.order + 1) + 1
                groups.add(levels.get(root, 0) + 1, pattern, (self.row[root], row))
        for place, node in enumerate(self.graph.watched):
            pattern, row = simple(COPY, self.found.kinds[node], SERIES), (self.variables + place) * (self.order + 1)
            groups.add(levels.get(node, 0) + 1, pattern, (self.row[node], row), last=True)

    def _closure(self, roots: Iterable[int]) -> set[int]:
        """The units and leaves that the roots depend on at the same order."""
        units = {unit.node: unit for unit in self.found.units}
        wanted = set(roots)
        todo = list(wanted)
        while todo:
            unit = units.get(todo.pop())
            fresh = [index for index in (unit.reads if unit else ()) if index not in wanted]
            wanted.update(fresh)
            todo.extend(fresh)
        return wanted

    def _in_order(self, wanted: set[int]) -> list[int]:
        """Leaves and units, each behind what it reads; a mode's leaf behind the function that the mode is of."""
        units = [unit.node for unit in self.found.units if unit.node in wanted]
        modes = [leaf for leaf in self.found.leaves if leaf in wanted and self.found.nodes[leaf].op in MODES]
        place = {unit.node: number for number, unit in enumerate(self.found.units)}
        behind: dict[int, list[int]] = {}
        for leaf in modes:
            behind.setdefault(place.get(self.graph.switches[self.found.nodes[leaf].place].function, -1), []).append(leaf)
        ordered = list(behind.get(-1, ()))
        for index in units:
            ordered += [index, *behind.get(place[index], ())]
        return ordered


class _Groups:
    """Groups under construction: by level, then in the order in which their patterns first came."""

    def __init__(self) -> None:
        self.members: dict[tuple[int, Pattern], list[list[tuple[int, ...]]]] = {}

    def add(self, level: int, pattern: Pattern, rows: tuple[int, ...], *, last: bool = False) -> None:
        self.members.setdefault((level, pattern), [[], []])[not last].append(rows)

    def sorted(self) -> list[Group]:
        ordered = sorted(self.members.items(), key=lambda entry: entry[0][0])
        return [Group(pattern, (*first, *others), len(first)) for (_, pattern), (first, others) in ordered]
