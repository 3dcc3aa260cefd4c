"""Trees as Python expressions; what SciPy's and SymPy's texts share."""

from __future__ import annotations

import math
from collections.abc import Mapping

from attractory.expressions.export.equations import Equation, Parameter, lag
from attractory.expressions.export.writer import ATOM, CHOICE, NOT, POWER, PRODUCT, Piece, Writer
from attractory.expressions.parameters import Value
from attractory.expressions.parser import Apply, Delayed, Name, Number, Sum, Tree


class PythonWriter(Writer):
    """`module` is what the functions belong to, `functions` what it calls those of the language."""

    module = ""
    functions: Mapping[str, str] = {}

    def number(self, value: float) -> str:
        return f"{self.module}.pi" if value == math.pi else repr(value)

    def name(self, tree: Name) -> str:
        size = self.equations.indexed.get(tree.name)
        brackets = [self.index(index, size) for index in tree.indices]
        return self.names[tree.name] + "".join(f"[{bracket}]" for bracket in brackets)

    def index(self, tree: Tree, size: int | None) -> str:
        """What stands in square brackets, modulo the number of elements where a list is cyclic."""
        own = isinstance(tree, Number) and size is not None and tree.value < size
        if size is None or own or (isinstance(tree, Name) and self.equations.sizes.get(tree.name) == size):
            return self.text(tree)
        return f"{self.text(tree, PRODUCT + 1)} % {size}"

    def power(self, base: Tree, exponent: Tree) -> Piece:
        return Piece(f"{self.text(base, ATOM)}**{self.text(exponent, POWER + 1)}", POWER)

    def function(self, operation: str, arguments: tuple[Tree, ...]) -> Piece:
        if operation == "heaviside" and len(arguments) == 1:
            arguments = (*arguments, Number(0.5, 0))
        called = self.functions.get(operation, operation)
        own = called if operation in ("mod",) or called in ("abs", "min", "max") else f"{self.module}.{called}"
        return Piece(f"{own}({', '.join(self.text(argument) for argument in arguments)})", ATOM)

    def choice(self, condition: Tree, a: Tree, b: Tree) -> Piece:
        """Only the branch taken is computed: `where(i > 0, 1/i, 0)` is never 1/0."""
        return Piece(f"{self.text(a, NOT)} if {self.text(condition, NOT)} else {self.text(b, CHOICE)}", CHOICE)

    def total(self, tree: Sum) -> Piece:
        return Piece(f"sum({self.text(tree.body)} for {self.names[tree.index]} in range({self.equations.sizes[tree.index]}))", ATOM)

    def delayed(self, tree: Delayed) -> Piece:
        return Piece(f"past({self.text(lag(tree))})[{self.component(tree)}]", ATOM)

    def component(self, tree: Delayed) -> str:
        """Where the state has what a delayed name reads."""
        place, size = self.equations.places[tree.name], self.equations.indexed.get(tree.name)
        if not tree.indices:
            return str(place)
        index = self.index(tree.indices[0], size)
        return str(place + int(index)) if index.isdigit() else f"{place} + {index}" if place else index

    def elements(self, equation: Equation) -> str:
        """The equation as an element of a list, or as many as its index has values."""
        text = self.wrapped(equation, self.text(equation.tree))
        return f"*({text} for {self.names[equation.index]} in range({equation.size}))" if equation.index else text

    def wrapped(self, equation: Equation, text: str) -> str:
        if equation.wrap is None or self.equations.kind != "map":
            return text
        low, high = equation.wrap
        return f"wrap({text}, {self.text(low)}, {self.text(high)})"

    def unpacked(self) -> list[str]:
        """Lines that give the state's components their names."""
        if not self.equations.indexed:
            names = [self.names[equation.name] for equation in self.equations.equations]
            return [f"{', '.join(names)} = state" if len(names) > 1 else f"({names[0]},) = state"]
        return [f"{self.names[equation.name]} = state[{_slice(equation)}]" for equation in self.equations.equations]

    def value(self, parameter: Parameter) -> str:
        """A parameter's value as written, where that is an expression of numbers, else as a number or a tuple."""
        if parameter.tree is not None:
            return self.text(parameter.tree)
        return _whole(parameter.value) if parameter.fixed else _value(parameter.value)

    def fixed(self) -> list[str]:
        """Lines with the parameters that decide sizes."""
        return [f"{self.names[one.name]} = {_whole(one.value)}  # decides the size" for one in self.equations.fixed]

    def definitions(self) -> list[str]:
        return [f"{self.names[name]} = {self.text(tree)}" for name, tree in self.equations.definitions]


def is_whole(tree: Tree, indices: frozenset[str]) -> bool:
    """Whether an exponent is an integer: a literal, with or without a sign, or made of indices."""
    match tree:
        case Number(value=value):
            return isinstance(value, int) or float(value).is_integer()
        case Name(name=name):
            return name in indices
        case Apply(operation="neg", arguments=(operand,)):
            return is_whole(operand, indices)
    return False


def _slice(equation: Equation) -> str:
    return f"{equation.place}:{equation.place + equation.size}" if equation.index else str(equation.place)


def _whole(value: Value) -> str:
    """A number that decides a size: integers stay integers, because they count."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else _value(value)


def _value(value: Value) -> str:
    if not isinstance(value, tuple):
        return repr(value)
    return "(" + ", ".join(map(_value, value)) + ("," if len(value) == 1 else "") + ")"
