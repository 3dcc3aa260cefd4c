"""A system as Python code that builds SymPy's symbols and a Matrix; SymPy itself is not needed to write it."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping

from attractory.expressions.export.equations import Equations, lag
from attractory.expressions.export.python import PythonWriter
from attractory.expressions.export.writer import ATOM, Piece, enclosed, spelled
from attractory.expressions.parameters import Value
from attractory.expressions.parser import Delayed, Number, Tree

TAKEN = {*dir(builtins), "sp", "state", "parameters", "rhs", "wrap", "mod", "initial"}
MOD = ["def mod(a, b):", "    return a - b*sp.floor(a/b)"]
WRAP = ["def wrap(value, low, high):", "    return low + mod(value - low, high - low)"]


class _Writer(PythonWriter):
    module = "sp"
    functions: Mapping[str, str] = {
        "abs": "Abs", "min": "Min", "max": "Max", "heaviside": "Heaviside", "and": "And", "or": "Or", "not": "Not", "eq": "Eq", "ne": "Ne"
    }  # fmt: skip

    def function(self, operation: str, arguments: tuple[Tree, ...]) -> Piece:
        """As SymPy has it; it compares the arguments of Min and Max with each other unless it is told not to, which can take seconds."""
        if operation == "log10":
            return super().function("log", (*arguments, Number(10, 0)))
        piece = super().function(operation, arguments)
        return Piece(f"{piece.text[:-1]}, evaluate=False)", ATOM) if operation in ("min", "max") else piece

    def joined(self, operation: str, left: Piece, right: Piece) -> Piece:
        if operation in ("and", "or"):
            return Piece(f"sp.{self.functions[operation]}({left.text}, {right.text})", ATOM)
        return super().joined(operation, left, right)

    def negation(self, operand: Tree) -> Piece:
        return Piece(f"sp.Not({self.text(operand)})", ATOM)

    def comparison(self, operation: str, a: Tree, b: Tree) -> Piece:
        if operation in ("eq", "ne"):
            return Piece(f"sp.{self.functions[operation]}({self.text(a)}, {self.text(b)})", ATOM)
        return super().comparison(operation, a, b)

    def choice(self, condition: Tree, a: Tree, b: Tree) -> Piece:
        if self.equations.is_fixed(condition):
            return super().choice(condition, a, b)
        return Piece(f"sp.Piecewise(({self.text(a)}, {self.text(condition)}), ({self.text(b)}, True))", ATOM)

    def delayed(self, tree: Delayed) -> Piece:
        size = self.equations.indexed.get(tree.name)
        brackets = "".join(f"[{self.index(index, size)}]" for index in tree.indices)
        return Piece(f"{_past(tree.name)}{brackets}(t - {self.text(lag(tree), ATOM)})", ATOM)


def sympy_text(equations: Equations) -> str:
    """Python code with `t`, `state`, `parameters` (symbol to value) and `rhs`, a Matrix of time derivatives or next states."""
    pasts = {_past(equation.name) for equation in equations.equations} if equations.kind == "delay" else set()
    writer = _Writer(equations, spelled(equations, TAKEN | pasts))
    found = equations.operations
    helpers = [*([MOD] if found & {"mod", "wrap"} else []), *([WRAP] if "wrap" in found else [])]
    blocks = [["import sympy as sp"], *helpers, list(_body(equations, writer))]
    return "\n\n\n".join("\n".join(block) for block in blocks) + "\n"


def _body(equations: Equations, writer: _Writer) -> Iterator[str]:
    yield 't = sp.Symbol("t", real=True)'
    stems = _elements_of(equations)
    for equation in equations.equations:
        size, stem = equation.size if equation.index else None, stems.get(equation.name, equation.name)
        yield f"{writer.names[equation.name]} = {_variable(stem, size)}"
        if equations.kind == "delay":
            yield f"{_past(equation.name)} = {_function(stem, size)}"
    for parameter in equations.free:
        yield f"{writer.names[parameter.name]} = {_symbol(stems.get(parameter.name, parameter.name), parameter.value)}"
    yield from writer.fixed()
    parts = [f"*{writer.names[one.name]}" if one.index else writer.names[one.name] for one in equations.equations]
    yield from enclosed(parts, start="state = sp.Matrix([", end="])")
    yield from enclosed(_values(equations, writer), start="parameters = {", end="}")
    yield from writer.definitions()
    meaning = "next states" if equations.kind == "map" else "time derivatives"
    yield f"# {meaning}, in the order of state"
    yield from enclosed(map(writer.elements, equations.equations), start="rhs = sp.Matrix([", end="])")


def _past(name: str) -> str:
    return f"{name}_past"


def _variable(name: str, size: int | None) -> str:
    if size is None:
        return f'sp.Symbol("{name}", real=True)'
    return f'tuple(sp.Symbol(f"{name}_{{i}}", real=True) for i in range({size}))'


def _function(name: str, size: int | None) -> str:
    return f'sp.Function("{name}")' if size is None else f'tuple(sp.Function(f"{name}_{{i}}") for i in range({size}))'


def _symbol(name: str, value: Value) -> str:
    """The symbol of a parameter, or nested tuples of symbols."""
    if not isinstance(value, tuple):
        return _variable(name, None)
    if not any(isinstance(item, tuple) for item in value):
        return _variable(name, len(value))
    return "(" + "".join(f"{_symbol(f'{name}_{place}', item)}, " for place, item in enumerate(value)).rstrip() + ")"


def _elements_of(equations: Equations) -> dict[str, str]:
    """The name before `_0`, `_1`, … of the elements of each list, which no declared name has: `x`, or `x_` where there is an x_0."""
    found = {}
    for name in equations.lists:
        stem = name
        while any(re.fullmatch(rf"{stem}(_\d+)+", declared) for declared in equations.declared):
            stem += "_"
        found[name] = stem
    return found


def _values(equations: Equations, writer: _Writer) -> Iterator[str]:
    for parameter in equations.free:
        name = writer.names[parameter.name]
        if isinstance(parameter.value, tuple):
            yield from (f"{element}: {value!r}" for element, value in _elements(name, parameter.value))
        else:
            yield f"{name}: {writer.value(parameter)}"


def _elements(name: str, value: Value) -> Iterator[tuple[str, float]]:
    if isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from _elements(f"{name}[{place}]", item)
    else:
        yield name, value
