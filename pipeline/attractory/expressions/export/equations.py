"""A record's equations as trees with all that a text needs beside them: sizes, places, parameters, ranges, history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from attractory.catalog.names import base_name, index_name
from attractory.catalog.record import SystemRecord
from attractory.expressions.definition import definition, expression_names
from attractory.expressions.parameters import Value, index_sizes, number_names, parameter_values, structural_parameters
from attractory.expressions.parser import Apply, Chain, Delayed, Name, Names, Number, Tree, children, names_in, parse


@dataclass(frozen=True)
class Equation:
    """One line of an entry: `name`, or `name[index]` for each of `size` values; `place` is where the state has the first of them."""

    name: str
    index: str | None
    place: int
    size: int
    tree: Tree
    wrap: tuple[Tree, Tree] | None = None


@dataclass(frozen=True)
class Parameter:
    """A parameter's value; `tree` where it is written as an expression of numbers alone, such as 8/3; `fixed` where it decides a size."""

    name: str
    value: Value
    tree: Tree | None
    fixed: bool


@dataclass(frozen=True)
class Equations:
    """A system ready to be written in another language.

    sizes: how many values each index takes. variables: the names of the state's components, in order.
    history: of a delay system, for t <= 0.
    """

    record: SystemRecord
    equations: tuple[Equation, ...]
    definitions: tuple[tuple[str, Tree], ...]
    parameters: tuple[Parameter, ...]
    sizes: dict[str, int]
    variables: tuple[str, ...]
    initial: tuple[float, ...]
    history: tuple[Equation, ...] = ()

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def kind(self) -> str:
        return self.record.kind

    @property
    def free(self) -> tuple[Parameter, ...]:
        """The parameters that a user of the text may change."""
        return tuple(parameter for parameter in self.parameters if not parameter.fixed)

    @property
    def fixed(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.fixed)

    @cached_property
    def indexed(self) -> dict[str, int]:
        """The indexed variables, and how many components each has."""
        return {equation.name: equation.size for equation in self.equations if equation.index}

    @cached_property
    def lists(self) -> tuple[str, ...]:
        """Every name that is used with an index: indexed variables, then parameters that are lists."""
        return (*self.indexed, *(parameter.name for parameter in self.parameters if isinstance(parameter.value, tuple)))

    @cached_property
    def places(self) -> dict[str, int]:
        """Where the state has each variable, or the first component of an indexed one."""
        return {equation.name: equation.place for equation in self.equations}

    @cached_property
    def declared(self) -> tuple[str, ...]:
        """Every name that the entry declares."""
        names = [equation.name for equation in self.equations] + [name for name, _ in self.definitions]
        return (*names, *(parameter.name for parameter in self.parameters), *self.sizes)

    @cached_property
    def operations(self) -> frozenset[str]:
        """The functions that equations, definitions and history use; `wrap` where a next state is taken modulo a range, `t` for time."""
        trees = [equation.tree for equation in (*self.equations, *self.history)] + [tree for _, tree in self.definitions]
        wraps = {"wrap"} if self.kind == "map" and any(equation.wrap for equation in self.equations) else set()
        return frozenset({*wraps, *(found for tree in trees for found in _operations(tree))})

    @cached_property
    def is_cyclic(self) -> bool:
        """Whether an index of a variable is computed, as in x[i+1], and so goes around."""
        trees = [equation.tree for equation in self.equations] + [tree for _, tree in self.definitions]
        return any(name in self.indexed and not isinstance(index, Name) for tree in trees for name, index in _indices(tree))

    def is_fixed(self, tree: Tree) -> bool:
        """Whether a tree is made of numbers, indices and sizes alone."""
        return names_in(tree) <= {*self.sizes, *(parameter.name for parameter in self.fixed)}


def equations(record: SystemRecord) -> Equations:
    """The equations of a flow, a map or a delay system as trees.

    Raises:
        ExpressionError, RequestError: as for its definition.
    """
    made = definition(record)  # whatever is wrong with the entry is said here
    values = parameter_values(record)
    sizes = index_sizes(record, values)
    known: set[str] = set()
    definitions = []
    for name, text in record.definitions.items():
        definitions.append((name, _parsed(record, values, f"definitions.{name}", text, known)))
        known.add(name)
    return Equations(
        record=record,
        equations=tuple(_equations(record, values, sizes, known)),
        definitions=tuple(definitions),
        parameters=tuple(_parameters(record, values)),
        sizes=sizes,
        variables=made.variables,
        initial=made.initial,
        history=tuple(_history(record, values, sizes)),
    )


def lag(tree: Delayed) -> Tree:
    """tau of x(t - tau); the time is a sum that begins with t, as the definition has checked."""
    time = tree.time
    rest = time.rest if isinstance(time, Chain) else ()
    (operation, first), *others = rest
    turned = first if operation == "sub" else Apply("neg", (first,), tree.column)
    if not others:
        return turned
    return Chain(turned, tuple(("sub" if operation == "add" else "add", operand) for operation, operand in others), tree.column)


def _equations(record: SystemRecord, values: dict[str, Value], sizes: dict[str, int], known: set[str]) -> Iterator[Equation]:
    place = 0
    for key, text in record.equations.items():
        index = index_name(key)
        size = sizes[index] if index else 1
        tree = _parsed(record, values, f"equations.{key}", text, known, index)
        yield Equation(base_name(key), index, place, size, tree, _wrap(record, values, base_name(key)))
        place += size


def _parsed(record: SystemRecord, values: dict[str, Value], key: str, text: str, known: set[str], index: str | None = None) -> Tree:
    names = expression_names(record, values, index=index, definitions=set(known), current=key)
    return parse(text, names, where=record.where(key)).tree


def _wrap(record: SystemRecord, values: dict[str, Value], name: str) -> tuple[Tree, Tree] | None:
    for key, ends in record.wrap.items():
        if base_name(key) == name:
            names = number_names(values, "parameter")
            low, high = (parse(str(end), names, where=record.where(f"wrap.{key}")).tree for end in ends)
            return low, high
    return None


def _parameters(record: SystemRecord, values: dict[str, Value]) -> Iterator[Parameter]:
    fixed = structural_parameters(record)
    for name, value in values.items():
        written = record.parameters[name]
        tree = None
        if isinstance(written, str):
            found = parse(written, number_names(values, "parameter"), where=record.where(f"parameters.{name}")).tree
            tree = None if names_in(found) or isinstance(found, Number) else found
        yield Parameter(name, value, tree, name in fixed)


def _history(record: SystemRecord, values: dict[str, Value], sizes: dict[str, int]) -> Iterator[Equation]:
    for key, index, place, size in _layout(record, sizes) if record.kind == "delay" else ():
        name = base_name(key)
        written = next(entry for entry in record.history if base_name(entry) == name)
        own = index_name(written)
        numbers = number_names(values, "parameter or t")
        names = Names({*numbers.scalars, "t"}, numbers.lists, numbers.integers, set(sizes), {own} if own else set())
        yield Equation(
            name, own or index, place, size, parse(record.history[written], names, where=record.where(f"history.{written}")).tree
        )


def _layout(record: SystemRecord, sizes: dict[str, int]) -> Iterator[tuple[str, str | None, int, int]]:
    place = 0
    for key in record.equations:
        index = index_name(key)
        yield key, index, place, sizes[index] if index else 1
        place += sizes[index] if index else 1


def _operations(tree: Tree) -> Iterator[str]:
    if isinstance(tree, Apply):
        yield tree.operation
    elif isinstance(tree, Name) and tree.name == "t":
        yield "t"
    for child in children(tree):
        yield from _operations(child)


def _indices(tree: Tree) -> Iterator[tuple[str, Tree]]:
    if isinstance(tree, Name | Delayed):
        yield from ((tree.name, index) for index in tree.indices)
    for child in children(tree):
        yield from _indices(child)
