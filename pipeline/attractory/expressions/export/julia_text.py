"""A system as Julia text: an in-place function for OrdinaryDiffEq, DelayDiffEq or DynamicalSystems, with its parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from attractory.expressions.export.equations import Equation, Equations, Parameter, lag
from attractory.expressions.export.python import is_whole
from attractory.expressions.export.writer import ATOM, CHOICE, COMPARISON, NOT, OR, POWER, SUM, Piece, Writer, enclosed, filled, spelled
from attractory.expressions.parameters import Value
from attractory.expressions.parser import Delayed, Name, Number, Sum, Tree

_WORDS = (
    "baremodule begin break catch const continue do else elseif end export false finally for function global if import in isa let local "
    "macro module mutable struct abstract primitive type quote return true try using where while outer public"
)
_CALLED = (
    "sin cos tan asin acos atan sinh cosh tanh exp log log10 sqrt abs sign floor fld mod min max sum pi ifelse nothing "
    "view f! du u p t h parameters initial history heaviside modulo wrapped NamedTuple"
)
TAKEN = {*_WORDS.split(), *_CALLED.split()}
MODULO = ["modulo(a, b) = a - b*floor(a/b)"]
HEAVISIDE = ["heaviside(x, at_zero) = x > 0 ? 1.0 : x < 0 ? 0.0 : at_zero"]
WRAPPED = [
    "function wrapped(value, low, high)  # taken modulo [low, high)",
    "    value = low + modulo(value - low, high - low)",
    "    return value >= high || value < low ? low : value",
    "end",
]


class _Writer(Writer):
    signs: Mapping[str, str] = {**Writer.signs, "and": " && ", "or": " || "}
    functions: Mapping[str, str] = {"atan2": "atan", "mod": "modulo"}

    def number(self, value: float) -> str:
        """Whole numbers beyond what an Int64 multiplies safely are written as floating point."""
        if value == math.pi:
            return "pi"
        return repr(float(value)) if isinstance(value, int) and abs(value) > 2**15 else repr(value)

    def name(self, tree: Name) -> str:
        size = self.equations.indexed.get(tree.name)
        return self.names[tree.name] + "".join(f"[{self.index(index, size)}]" for index in tree.indices)

    def index(self, tree: Tree, size: int | None, place: int = 0) -> str:
        """What stands in square brackets, counted from one, modulo the number of elements where a list is cyclic."""
        if isinstance(tree, Number):
            value = int(tree.value) if size is None else int(tree.value) % size
            return str(place + value + 1)
        plain = size is None or (isinstance(tree, Name) and self.equations.sizes.get(tree.name) == size)
        return f"{self.text(tree, SUM) if plain else f'mod({self.text(tree)}, {size})'} + {place + 1}"

    def joined(self, operation: str, left: Piece, right: Piece) -> Piece:
        if operation in ("floordiv", "rem"):  # of integers, in square brackets
            return Piece(f"{'fld' if operation == 'floordiv' else 'mod'}({left.text}, {right.text})", ATOM)
        return super().joined(operation, left, right)

    def negation(self, operand: Tree) -> Piece:
        return Piece(f"!({self.text(operand)})", NOT)

    def power(self, base: Tree, exponent: Tree) -> Piece:
        """An integer to an integer power in floating point: Julia refuses 2^(-i)."""
        indices = frozenset(self.equations.sizes)
        whole = is_whole(base, indices) and not isinstance(exponent, Number)
        return Piece(f"{f'float({self.text(base)})' if whole else self.text(base, ATOM)}^{self.text(exponent, POWER + 1)}", POWER)

    def function(self, operation: str, arguments: tuple[Tree, ...]) -> Piece:
        if operation == "heaviside" and len(arguments) == 1:
            arguments = (*arguments, Number(0.5, 0))
        return Piece(f"{self.functions.get(operation, operation)}({', '.join(map(self.text, arguments))})", ATOM)

    def choice(self, condition: Tree, a: Tree, b: Tree) -> Piece:
        return Piece(f"{self.text(condition, OR)} ? {self.text(a, OR)} : {self.text(b, OR)}", CHOICE)

    def total(self, tree: Sum) -> Piece:
        index = self.names[tree.index]
        return Piece(f"sum({self.text(tree.body, COMPARISON)} for {index} in 0:{self.equations.sizes[tree.index] - 1})", ATOM)

    def delayed(self, tree: Delayed) -> Piece:
        place, size = self.equations.places[tree.name], self.equations.indexed.get(tree.name)
        index = self.index(tree.indices[0], size, place) if tree.indices else str(place + 1)
        return Piece(f"h(p, t - {self.text(lag(tree), ATOM)})[{index}]", ATOM)

    def value(self, parameter: Parameter) -> str:
        return _value(parameter.value) if parameter.tree is None else self.text(parameter.tree)


def julia_text(equations: Equations) -> str:
    """Julia: `f!(du, u, p, t)` with the named tuple `parameters` and the vector `initial`; a delay system's also takes its history `h`."""
    writer = _Writer(equations, spelled(equations, TAKEN))
    found = equations.operations
    helpers = [("heaviside", HEAVISIDE), ("mod", MODULO), ("wrap", MODULO if "mod" not in found else []), ("wrap", WRAPPED)]
    blocks = [lines for operation, lines in helpers if operation in found and lines]
    blocks += [list(_function(equations, writer)), list(_history(equations, writer)), list(_values(equations, writer)), _usage(equations)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _function(equations: Equations, writer: _Writer) -> Iterator[str]:
    yield f"# {equations.name}: {'the next state' if equations.kind == 'map' else 'the time derivative'} of {', '.join(equations.places)}"
    yield f"function f!(du, u, {'h, ' if equations.kind == 'delay' else ''}p, t)"
    yield from _unpacked_parameters(equations, writer)
    if equations.indexed or len(equations.equations) == 1:
        for equation in equations.equations:
            yield f"    {writer.names[equation.name]} = {_component(equation)}"
    else:
        yield f"    {', '.join(writer.names[equation.name] for equation in equations.equations)} = u"
    for name, tree in equations.definitions:
        yield f"    {writer.names[name]} = {writer.text(tree)}"
    for equation in equations.equations:
        yield from _assigned("du", equation, _wrapped(equations, equation, writer), writer)
    yield "    return nothing"
    yield "end"


def _unpacked_parameters(equations: Equations, writer: _Writer) -> Iterator[str]:
    if equations.free:
        yield f"    (; {', '.join(writer.names[parameter.name] for parameter in equations.free)}) = p"
    for parameter in equations.fixed:
        yield f"    {writer.names[parameter.name]} = {_whole(parameter.value)}  # decides the size"


def _component(equation: Equation) -> str:
    return f"u[{equation.place + 1}:{equation.place + equation.size}]" if equation.index else f"u[{equation.place + 1}]"


def _wrapped(equations: Equations, equation: Equation, writer: _Writer) -> str:
    text = writer.text(equation.tree)
    if equations.kind != "map" or equation.wrap is None:
        return text
    low, high = equation.wrap
    return f"wrapped({text}, {writer.text(low)}, {writer.text(high)})"


def _assigned(target: str, equation: Equation, text: str, writer: _Writer) -> Iterator[str]:
    if equation.index is None:
        yield f"    {target}[{equation.place + 1}] = {text}"
        return
    index = writer.names[equation.index]
    yield f"    for {index} in 0:{equation.size - 1}"
    yield f"        {target}[{index} + {equation.place + 1}] = {text}"
    yield "    end"


def _history(equations: Equations, writer: _Writer) -> Iterator[str]:
    if not equations.history:
        return
    yield "function history(p, t)  # the state at t <= 0"
    yield from _unpacked_parameters(equations, writer)
    yield f"    u = zeros({len(equations.variables)})"
    for equation in equations.history:
        yield from _assigned("u", equation, writer.text(equation.tree), writer)
    yield "    return u"
    yield "end"


def _values(equations: Equations, writer: _Writer) -> Iterator[str]:
    pairs = [f"{writer.names[parameter.name]} = {writer.value(parameter)}" for parameter in equations.free]
    yield from enclosed(pairs, start="parameters = (; ", end=")") if pairs else ["parameters = NamedTuple()"]
    yield from filled(map(repr, equations.initial), start="initial = [", end="]")


def _usage(equations: Equations) -> list[str]:
    timescale = equations.record.timescale
    end = f"{20 * timescale.period if timescale else 100.0:g}"
    if equations.kind == "map":
        return ["# using DynamicalSystems", "# map = DeterministicIteratedMap(f!, initial, parameters)"]
    if equations.kind == "delay":
        return [
            "# using DelayDiffEq, OrdinaryDiffEq",
            f"# problem = DDEProblem(f!, initial, history, (0.0, {end}), parameters)",
            "# solution = solve(problem, MethodOfSteps(Tsit5()); reltol = 1e-8, abstol = 1e-8)",
        ]
    return [
        "# using OrdinaryDiffEq",
        f"# problem = ODEProblem(f!, initial, (0.0, {end}), parameters)",
        "# solution = solve(problem, Vern9(); reltol = 1e-10, abstol = 1e-10)",
    ]


def _whole(value: Value) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else _value(value)


def _value(value: Value) -> str:
    return "[" + ", ".join(map(_value, value)) + "]" if isinstance(value, tuple) else repr(value)
