"""A system's equations as lines of Unicode for a terminal: ẋ = σ (y − x)."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from attractory.expressions.export.equations import Equation, Equations
from attractory.expressions.export.glyphs import GREEK, Glyph, glyphs
from attractory.expressions.export.writer import ATOM, CHOICE, COMPARISON, POWER, PRODUCT, QUOTIENT, SUM, Piece, Writer
from attractory.expressions.parser import Delayed, Name, Number, Sum, Tree

WIDTH = 100
_SPACE = "\xa0"  # between factors, where a line should not be broken
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_LOWERED = str.maketrans("0123456789+-aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_LOWERABLE = frozenset("0123456789+-aehijklmnoprstuvx")
_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "log": "ln", "log10": "log₁₀", "sign": "sgn", "heaviside": "H"}
_AROUND = {"abs": ("|", "|"), "floor": ("⌊", "⌋")}


class TerminalWriter(Writer):
    signs: Mapping[str, str] = {**Writer.signs, "sub": " − ", "mul": _SPACE}
    minus = "−"
    below_minus = QUOTIENT
    comparisons: Mapping[str, str] = {"lt": "<", "le": "≤", "gt": ">", "ge": "≥", "eq": "=", "ne": "≠"}

    def __init__(self, equations: Equations) -> None:
        super().__init__(equations, {})
        self.glyphs = glyphs(equations.declared, _shown, lists=equations.lists)

    def number(self, value: float) -> str:
        return "π" if value == math.pi else repr(value)

    def name(self, tree: Name) -> str:
        return self.symbol(tree.name, [self.text(index).replace(" ", "").replace("−", "-") for index in tree.indices])

    def symbol(self, name: str, indices: Sequence[str] = (), *, mark: str = "") -> str:
        """A declared name with its indices; `mark` is a combining character for its stem."""
        stem, subscript = self.glyphs[name]
        letters = unicodedata.normalize("NFC", GREEK.get(stem, stem) + mark)
        plain = all(_LOWERABLE.issuperset(index) for index in indices)
        inside = ",".join(indices)
        return letters + _below(subscript) + (_lowered(indices) if plain else "[{}]".format(inside.replace("-", "−")))

    def left(self, equation: Equation) -> str:
        """What stands on the left of an equation: ẋ, ẋᵢ, dname/dt, or x′ for a map."""
        indices = [equation.index] if equation.index else []
        if self.equations.kind == "map":
            return self.symbol(equation.name, indices) + "′"
        stem = self.glyphs[equation.name].stem
        if len(GREEK.get(stem, stem)) > 1:
            return f"d{self.symbol(equation.name, indices)}/dt"
        return self.symbol(equation.name, indices, mark="\u0307")

    def joined(self, operation: str, left: Piece, right: Piece) -> Piece:
        """A quotient is in brackets before a factor: (a/b) c."""
        if operation == "div":
            return Piece(f"{self.bracketed(left, PRODUCT)}/{self.bracketed(right, POWER)}", QUOTIENT)
        if operation == "mul":
            sign = f"{_SPACE}·{_SPACE}" if right.text[0].isdigit() and right.level > PRODUCT else _SPACE
            return Piece(f"{self.bracketed(left, PRODUCT)}{sign}{self.bracketed(right, POWER)}", PRODUCT)
        return super().joined(operation, left, right)

    def power(self, base: Tree, exponent: Tree) -> Piece:
        text = self.text(exponent).replace("−", "-")
        if text.lstrip("-").isdigit():
            return Piece(self.text(base, ATOM) + text.translate(_RAISED), POWER)
        return Piece(f"{self.text(base, ATOM)}^{self.text(exponent, ATOM)}", POWER)

    def choice(self, condition: Tree, a: Tree, b: Tree) -> Piece:
        return Piece(f"{self.text(a, SUM)} if {self.text(condition)} else {self.text(b, SUM)}", CHOICE)

    def function(self, operation: str, arguments: tuple[Tree, ...]) -> Piece:
        inside = ", ".join(map(self.text, arguments))
        if operation in _AROUND:
            start, end = _AROUND[operation]
            return Piece(start + inside + end, ATOM)
        if operation == "sqrt":
            return Piece(f"√{inside}" if isinstance(arguments[0], Name | Number) else f"√({inside})", POWER)
        return Piece(f"{_NAMES.get(operation, operation)}({inside})", ATOM)

    def total(self, tree: Sum) -> Piece:
        return Piece(f"Σ{_below(tree.index)}{_SPACE}{self.text(tree.body, QUOTIENT)}", COMPARISON)

    def delayed(self, tree: Delayed) -> Piece:
        return Piece(f"{self.name(Name(tree.name, tree.indices, tree.column))}({self.text(tree.time)})", ATOM)


def terminal_lines(equations: Equations, *, width: int = WIDTH) -> list[str]:
    """The equations and then the definitions, their signs of equality below each other, no line wider than `width` where it has a space."""
    writer = TerminalWriter(equations)
    rows = [(writer.left(equation), _right(writer, equation)) for equation in equations.equations]
    rows += [(writer.symbol(name), writer.text(tree)) for name, tree in equations.definitions]
    widest = max(_columns(left) for left, _ in rows)
    return [line for left, right in rows for line in _wrapped(" " * (widest - _columns(left)) + left + " = ", right, width)]


def _right(writer: TerminalWriter, equation: Equation) -> str:
    text = writer.text(equation.tree)
    if writer.equations.kind == "map" and equation.wrap:
        low, high = map(writer.text, equation.wrap)
        text += f"   (mod [{low}, {high}))"
    if equation.index:
        text += f"   for {equation.index} = 0 … {equation.size - 1}" + (", cyclic" if writer.equations.is_cyclic else "")
    return text


def _wrapped(start: str, text: str, width: int) -> Iterator[str]:
    """The text broken before signs outside of brackets where it can be, else at any space."""
    indent = " " * _columns(start)
    line = start
    for part in _terms(text):
        if _columns(line) + len(part) > width and line.strip() != start.strip():
            yield from _broken(line, width, indent)
            line = indent
        line += part
    yield from _broken(line, width, indent)


def _broken(line: str, width: int, indent: str) -> list[str]:
    """A line that may still be too long, as several."""
    start = line[: len(line) - len(line.lstrip())]
    for text in (line.strip(), line.strip().replace(_SPACE, " ")):
        lines = textwrap.wrap(text, width, initial_indent=start, subsequent_indent=indent + "  ", break_long_words=False)
        if all(_columns(found) <= width for found in lines):
            break
    return [found.replace(_SPACE, " ") for found in lines]


def _terms(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and character in "+−" and text[place - 1 : place] == " " and text[place + 1 : place + 2] == " ":
            yield text[start:place]
            start = place
    yield text[start:]


def _below(subscript: str) -> str:
    if not subscript:
        return ""
    return subscript.translate(_LOWERED) if _LOWERABLE.issuperset(subscript) else f"_{subscript}"


def _lowered(indices: Sequence[str]) -> str:
    return "".join(index.translate(_LOWERED) for index in indices)


def _columns(text: str) -> int:
    """Columns on a terminal: a combining dot has none."""
    return sum(not unicodedata.combining(character) for character in text)


def _shown(glyph: Glyph) -> str:
    return GREEK.get(glyph.stem, glyph.stem) + _below(glyph.subscript)
